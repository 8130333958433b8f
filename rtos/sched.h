/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the other files of rtos/ may ask the scheduler. A name that ends in
 * _locked wants sched_lock held with interrupts masked; it never calls out of
 * rtos/ except to ring another CPU or set the alarm.
 */
#ifndef RTOS_SCHED_H
#define RTOS_SCHED_H

#include "rtos/task.h"

/* Run queues, task states, wait queues, timers: LOCK_RANK_SCHED. Irqsave. */
extern struct spinlock sched_lock;

/* The boot CPU becomes known; tasks may be created. Boot, once. */
void sched_init(void);
/* From now on tasks may sleep. Boot, once; the caller ends in sched_idle(). */
void sched_start(void);
/* Body of every idle task: runs what is ready, else waits for an interrupt. */
tm_noreturn void sched_idle(void);
/* A secondary CPU joins: called on it, as its idle task, masked. */
void sched_cpu_online(unsigned int cpu, struct task *idle);
/* Switch as long as this CPU is asked to. Masked, nothing held, no lock. */
void sched_resched(void);

/*
 * Let the calling task sleep until sched_wake_locked() or the deadline. q may
 * be null (a plain sleep). A deadline already past returns at once. The lock
 * is RELEASED on return; the masking stays. 0 or ERR_TIMEDOUT.
 */
int sched_block_locked(struct waitq *q, u64 deadline);
/* Make a sleeping task ready; `result` is what its sleep returns. */
void sched_wake_locked(struct task *t, int result);
/* Wake the most urgent waiter; null: none. */
struct task *waitq_wake_one_locked(struct waitq *q);

/*
 * A new task with stack, entry and prio becomes ready on these CPUs. 0, or
 * ERR_NOSPC when more different masks are in use than there are groups.
 */
int sched_add_locked(struct task *t, u64 cpu_mask);
/* The calling task ends; its descriptor is `dead` once it is off its CPU. */
tm_noreturn void sched_exit_locked(void);
/* Move a task to another level (to its tail), or to other CPUs. */
void sched_set_prio_locked(struct task *t, unsigned int prio);
int sched_set_cpus_locked(struct task *t, u64 cpu_mask); /* 0, ERR_NOSPC */

/*
 * Violations of the run queue equations: bitmaps match lists, lists are in
 * order of arrival, and, unless a CPU is about to switch, no ready task is more
 * urgent than the claim of a CPU it may use. O(ready tasks): tests only.
 */
unsigned int sched_check_locked(void);

/* ---- load averages (rtos/load.c) ---------------------------------------------- */

/* Begin sampling. Boot, once. */
void load_start(u64 now);
/* The number of ready or running tasks changes by delta. */
void load_change_locked(int delta);

#endif
