/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of timers, for rtos/ only; struct timer and the calls for
 * everybody are in rtos/defer.h. (S) scheduler lock guards everything here.
 */
#ifndef RTOS_TIMER_H
#define RTOS_TIMER_H

#include "rtos/rtos.h"

/*
 * The rule for every deadline, whoever waits: 0 and the past have passed, what
 * a negative number becomes never does. The clock is read only when it matters.
 */
static inline bool deadline_never(u64 deadline)
{
	return deadline >> 63;
}

static inline bool deadline_passed(u64 deadline)
{
	return !deadline || (!deadline_never(deadline) && deadline <= time_now_ns());
}

/* timer_start() and timer_stop() with the scheduler lock held by the caller.
 * Start: t is not pending; its period is left as it is. */
void timer_start_locked(struct timer *t, u64 deadline);
bool timer_stop_locked(struct timer *t);
/* As timer_init(), but fn is called with the scheduler lock held, so that nobody
 * else is ever between the expiry and fn. */
void timer_init_locked(struct timer *t, void (*fn)(struct timer *t));

/*
 * A CPU is off: its timers go to the calling one, at most 4 a lock hold. Task,
 * preemption off.
 */
void timer_cpu_gone(unsigned int cpu);

/* Violations of the equations of one CPU's timers. O(timers): tests only. */
unsigned int timer_check_locked(unsigned int cpu);

/*
 * Let this CPU wait for an interrupt, at most about ns; masked ones end it
 * without being served. For spin loops; outside interrupts, tasks running.
 */
void timer_nap(u64 ns);
/* Naps taken by all CPUs: they grow only while CPUs of a virtual machine get too
 * little time of their host. Any. */
u64 timer_naps(void);

#endif
