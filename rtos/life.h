/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the life of tasks and CPUs asks of the rest of rtos/, and offers it:
 * ends (kill.c), freezing (freeze.c), CPUs that come and go (cpu.c). The calls
 * for everybody are in rtos/rtos.h. _locked: scheduler lock held, masked.
 */
#ifndef RTOS_LIFE_H
#define RTOS_LIFE_H

#include "rtos/task.h"

/* ---- kill.c -------------------------------------------------------------------- */

/* What ends a wait of t early, from what was asked of it: sets kill_now and
 * leave_err. */
void task_leave_update_locked(struct task *t);
/* t was asked to end and does not put it off; without the lock, a moment's word. */
static inline bool kill_wanted(const struct task *t)
{
	return __atomic_load_n(&t->kill_now, __ATOMIC_RELAXED);
}

/*
 * Between these two the calling task is in a call whose steps belong together,
 * for the sake of others, and does not end where it is preempted; a wait may still
 * be cut short. Nested. Any: in an interrupt it is about the interrupted task.
 */
static inline void kill_hold(void)
{
	arch_current()->kill_held++;
	__asm__ volatile("" : : : "memory");
}
void kill_release(void);
void kill_release_locked(void); /* it ends when the lock is released */

/*
 * The calling task was preempted and goes on, with kill_now: it ends here if it
 * allows that anywhere. Masked, nothing held; on return still so.
 */
void task_kill_preempted(void);
/* t, with kill_now, is about to run on this CPU again: have it preempted once, in
 * whatever way it comes back. */
void task_kill_called_locked(struct task *t);

/* Where a task that was asked to end does so: in calls that may wait, before
 * they begin and when they were cut short. Task. */
static inline void task_kill_point(void)
{
	if (unlikely(kill_wanted(arch_current())))
		task_check_kill();
}

/* ---- freeze.c ------------------------------------------------------------------ */

/* Whether t is to stop at its next task_try_freeze(). */
bool freeze_wants_locked(const struct task *t);
/* It stands there. */
bool freeze_holds_locked(const struct task *t);
/* t was created; t ended or was suspended, so that nobody waits for it. */
void freeze_task_new_locked(struct task *t);
void freeze_task_gone_locked(struct task *t);

/* ---- task.c -------------------------------------------------------------------- */

/*
 * Call fn, with the scheduler lock held, for the task with the smallest id >= *id,
 * which goes to *id; false when there is none. One bounded step. Task.
 */
bool task_visit_next(u32 *id, void (*fn)(struct task *t, void *arg), void *arg);

/* ---- cpu.c --------------------------------------------------------------------- */

/* Start all secondary CPUs the tree names, and wait for them. Task "init", once. */
void cpus_start(void);

#endif
