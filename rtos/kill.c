/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of tasks, and stopping them for a while. Nobody is ended from
 * outside: a task that was asked to end does so itself, by task_exit(), at the
 * next point where it may, with its own stack and rights. What makes it come to
 * such a point is here: its wait ends if it is of a kind that can (kill_now,
 * leave_err), a suspended one goes on, one that allows it anywhere is called to
 * switch and ends on the way back (task_kill_preempted).
 *
 * t->killed stays set once it is; t->kill_now is what others look at, and is
 * off while the task puts its end off. Both change under the scheduler lock.
 */
#include "rtos/life.h"
#include "rtos/runq.h"

void task_leave_update_locked(struct task *t)
{
	__atomic_store_n(&t->kill_now, t->killed && !t->kill_deferred, __ATOMIC_RELAXED);
	t->leave_err = t->kill_now ? ERR_KILLED : freeze_wants_locked(t) ? ERR_FROZEN : 0;
}

/* t was asked to end and does not put it off: have it come to where it can. */
static void press_locked(struct task *t)
{
	if (t->state == TASK_RUNNING) {
		if (t->flags & TASK_KILL_ANYWHERE)
			runq_call_cpu(t->cpu, cpus[t->cpu].claim);
		return;
	}
	sched_leave_locked(t);
}

int task_kill(struct task *t)
{
	u64 flags;

	if (t->is_idle)
		return ERR_INVAL;
	flags = sched_lock();
	if (t->state != TASK_DEAD && !t->killed) {
		__atomic_store_n(&t->killed, true, __ATOMIC_RELAXED);
		task_leave_update_locked(t);
		if (t->suspended)
			sched_resume_locked(t);
		if (t->kill_now)
			press_locked(t);
	}
	sched_unlock(flags);
	return 0;
}

bool task_killed(const struct task *t)
{
	return __atomic_load_n(&t->killed, __ATOMIC_RELAXED);
}

void task_check_kill(void)
{
	BUG_ON(!may_sleep());
	if (unlikely(kill_wanted(arch_current())))
		task_exit();
}

void task_kill_called_locked(struct task *t)
{
	if (!(t->flags & TASK_KILL_ANYWHERE))
		return;
	__atomic_store_n(&t->resched, true, __ATOMIC_RELAXED);
	arch_send_reschedule(t->cpu);
}

void task_kill_preempted(void)
{
	struct task *t = arch_current();

	if (!(t->flags & TASK_KILL_ANYWHERE) || t->kill_held || t->preempt_count || t->irq_depth)
		return;
	arch_irq_enable();
	task_exit();
}

void task_defer_kill(void)
{
	struct task *t = arch_current();
	u64 flags = sched_lock();

	BUG_ON_VAL(t->kill_deferred + 1 == 0, t->id, 0);
	t->kill_deferred++;
	task_leave_update_locked(t);
	sched_unlock(flags);
}

void task_allow_kill(void)
{
	struct task *t = arch_current();
	u64 flags = sched_lock();

	BUG_ON_VAL(t->kill_deferred == 0, t->id, 0);
	t->kill_deferred--;
	task_leave_update_locked(t);
	if (t->kill_now)
		press_locked(t);
	sched_unlock(flags);
}

void kill_release_locked(void)
{
	struct task *t = arch_current();

	t->kill_held--;
	if (!t->kill_held && t->kill_now)
		press_locked(t);
}

void kill_release(void)
{
	struct task *t = arch_current();
	u64 flags;

	__asm__ volatile("" : : : "memory");
	t->kill_held--;
	/* Whoever asked before this was not obeyed; after it, at once. */
	__asm__ volatile("" : : : "memory");
	if (likely(!kill_wanted(t)) || t->kill_held)
		return;
	flags = sched_lock();
	if (t->kill_now)
		press_locked(t);
	sched_unlock(flags);
}

/* ---- cleanups and the end ------------------------------------------------------------ */

void task_cleanup_push(struct task_cleanup *c, void (*fn)(void *arg), void *arg)
{
	struct task *t = arch_current();

	*c = (struct task_cleanup){ .next = t->cleanups, .fn = fn, .arg = arg };
	t->cleanups = c;
}

void task_cleanup_pop(bool run)
{
	struct task *t = arch_current();
	struct task_cleanup *c = t->cleanups;

	BUG_ON_VAL(!c, t->id, 0);
	/* One that is under way runs to its end. */
	if (run)
		task_defer_kill();
	t->cleanups = c->next;
	if (!run)
		return;
	c->fn(c->arg);
	task_allow_kill();
}

void task_exit(void)
{
	struct task *t = arch_current();

	BUG_ON(!may_sleep());
	/* Its cleanups may wait; nothing cuts them short. */
	task_defer_kill();
	while (t->cleanups)
		task_cleanup_pop(true);
	inherit_task_ending();
	(void)arch_irq_save();
	sched_lock_masked();
	freeze_task_gone_locked(t);
	sched_exit_locked();
}

/* ---- suspending ---------------------------------------------------------------------- */

int task_suspend(struct task *t)
{
	u64 flags;
	int err = 0;

	if (t->is_idle)
		return ERR_INVAL;
	BUG_ON(t == arch_current() && !may_sleep());
	flags = sched_lock();
	if (t->state == TASK_DEAD || t->killed) {
		err = ERR_INVAL;
	} else if (!t->suspended) {
		sched_suspend_locked(t);
		freeze_task_gone_locked(t);
	}
	sched_unlock(flags); /* of oneself: stops here */
	return err;
}

int task_resume(struct task *t)
{
	u64 flags = sched_lock();
	int err = 0;

	if (t->suspended)
		sched_resume_locked(t);
	else
		err = ERR_INVAL;
	sched_unlock(flags);
	return err;
}
