/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One-shot timers, for rtos/ only: tasks use sleeps and deadlines. Every CPU
 * keeps a tree of its own, ordered by deadline, and one alarm in hardware set
 * to the first of them; without timers there is no alarm and no tick.
 *
 * (S) scheduler lock guards everything here.
 */
#ifndef RTOS_TIMER_H
#define RTOS_TIMER_H

#include "rtos/lib/tree.h"
#include "rtos/rtos.h"

struct cpu;

struct timer {
	struct tree_node node;       /* (S) */
	u64 deadline;                /* (S) absolute ns */
	struct cpu *cpu;             /* (S) whose tree holds it */
	void (*fn)(struct timer *t); /* (I) null: wakes the task it lies in */
};

/*
 * Call fn from the timer interrupt of the calling CPU, no lock held, once the
 * deadline has passed; a past one fires at once, TM_FOREVER never. The timer
 * must not be pending. Any, ranks below SCHED held at most.
 */
void timer_start(struct timer *t, u64 deadline);
/* True when it was pending and will not fire. False: it has fired, or its fn is
 * running right now on another CPU. Context as timer_start. */
bool timer_stop(struct timer *t);

/* The same two with the scheduler lock held by the caller. */
void timer_start_locked(struct timer *t, u64 deadline);
bool timer_stop_locked(struct timer *t);

/*
 * Let this CPU wait for an interrupt, at most about ns; masked ones end it
 * without being served. For spin loops; outside interrupts, tasks running.
 */
void timer_nap(u64 ns);

#endif
