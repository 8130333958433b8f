/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The software watchdog as the scheduler, the boot arguments and its suite see
 * it. It reports tasks that keep a CPU from others, one message an incident; it
 * never changes what runs.
 */
#ifndef RTOS_WATCHDOG_H
#define RTOS_WATCHDOG_H

#include "rtos/rtos.h"

struct cpu;

enum { WATCHDOG_DEFAULT_S = 5, WATCHDOG_MAX_S = 3600 };

/* How long nothing may go on before it is reported, 0: never look; and whether
 * that is a panic. Counts from each CPU's next check on. Any. */
void watchdog_set(u64 limit_ns, bool panics);
u64 watchdog_limit(void);
/* Incidents so far; copies the last message. Task. */
u32 watchdog_incidents(char *buf, size_t size);

/* This CPU stops being idle: it is looked at from now on. */
void watchdog_busy_locked(struct cpu *c);

#endif
