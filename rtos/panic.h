/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a panic means for the rest of rtos/. Once one has begun the other CPUs
 * are stopped, but they stopped anywhere: nothing they owned can be waited for,
 * and what this CPU held when it failed is not going to be released.
 */
#ifndef RTOS_PANIC_H
#define RTOS_PANIC_H

#include "rtos/lib/base.h"

/* A panic has begun: locks are not taken for granted, nobody switches. Any. */
bool panic_active(void);
/* `panic=`: seconds until reboot, 0 halts, below zero powers off. Boot. */
void panic_set_timeout(int seconds);

#endif
