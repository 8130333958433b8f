/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of timers, for rtos/ only; struct timer and the calls for
 * everybody are in rtos/defer.h. (S) scheduler lock guards everything here.
 */
#ifndef RTOS_TIMER_H
#define RTOS_TIMER_H

#include "rtos/rtos.h"

/* timer_start() and timer_stop() with the scheduler lock held by the caller. */
void timer_start_locked(struct timer *t, u64 deadline);
bool timer_stop_locked(struct timer *t);

/*
 * Let this CPU wait for an interrupt, at most about ns; masked ones end it
 * without being served. For spin loops; outside interrupts, tasks running.
 */
void timer_nap(u64 ns);

#endif
