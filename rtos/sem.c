/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting semaphore. A unit that is given while somebody waits goes to the
 * most urgent waiter at once and is never in `count`, so nobody who comes later
 * overtakes, and every wake-up is a unit. The scheduler lock guards it.
 */
#include "rtos/life.h"
#include "rtos/sched.h"

int sem_init(struct sem *s, const char *name, u32 initial, u32 max)
{
	if (max == 0 || initial > max)
		return ERR_INVAL;
	*s = (struct sem){ .count = initial, .max = max };
	waitq_init(&s->waiters, name);
	return 0;
}

/* Read by sem_count() without the lock. */
static void set_count(struct sem *s, u32 count)
{
	__atomic_store_n(&s->count, count, __ATOMIC_RELAXED);
}

int sem_wait(struct sem *s, u64 deadline_ns)
{
	u64 flags;
	int err;

	if (deadline_ns)
		task_kill_point();
	flags = sched_lock();
	if (s->count) {
		set_count(s, s->count - 1);
		sched_unlock(flags);
		return 0;
	}
	err = sched_block_locked(&s->waiters, deadline_ns, WAIT_KILLABLE);
	arch_irq_restore(flags);
	if (unlikely(err == ERR_KILLED))
		task_check_kill();
	return err;
}

int sem_post(struct sem *s)
{
	u64 flags = sched_lock();
	struct task *t = waitq_first_locked(&s->waiters);
	int err = 0;

	if (t) {
		sched_wake_unlock(t, 0, flags);
		return 0;
	}
	if (s->count < s->max)
		set_count(s, s->count + 1);
	else
		err = ERR_RANGE;
	sched_unlock(flags);
	return err;
}

u32 sem_count(const struct sem *s)
{
	return __atomic_load_n(&s->count, __ATOMIC_RELAXED);
}
