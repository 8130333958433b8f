/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sleeping lock with an owner. Unlocking hands it to the most urgent waiter
 * before that one runs, so nobody overtakes a waiter of the same urgency and
 * the wait is bounded by the holds ahead. The owner's priority is not raised
 * by waiters yet. m->lock guards the owner; the waiters are the wait queue's.
 */
#include "rtos/sched.h"

void mutex_init(struct mutex *m, const char *name)
{
	*m = (struct mutex){ .lock = SPINLOCK_INIT(LOCK_RANK_WAIT) };
	waitq_init(&m->waiters, name);
}

int mutex_lock_until(struct mutex *m, u64 deadline_ns)
{
	struct task *me = arch_current();
	u64 flags;
	int err = 0;

	BUG_ON(!may_sleep());
	flags = spin_lock_irqsave(&m->lock);
	BUG_ON_VAL(m->owner == me, me->id, m);
	if (!m->owner) {
		m->owner = me;
	} else {
		/* Woken means handed over: one wait decides. */
		err = waitq_wait(&m->waiters, &m->lock, &flags, deadline_ns);
		BUG_ON_VAL((m->owner == me) != (err == 0), me->id, err);
	}
	spin_unlock_irqrestore(&m->lock, flags);
	return err;
}

void mutex_lock(struct mutex *m)
{
	int err = mutex_lock_until(m, TM_FOREVER);

	BUG_ON_VAL(err, err, m);
}

bool mutex_trylock(struct mutex *m)
{
	u64 flags = spin_lock_irqsave(&m->lock);
	bool taken = !m->owner;

	if (taken)
		m->owner = arch_current();
	spin_unlock_irqrestore(&m->lock, flags);
	return taken;
}

void mutex_unlock(struct mutex *m)
{
	u64 flags = spin_lock_irqsave(&m->lock);

	BUG_ON_VAL(m->owner != arch_current(), arch_current()->id, m);
	spin_lock(&sched_lock);
	m->owner = waitq_wake_one_locked(&m->waiters);
	spin_unlock(&sched_lock);
	spin_unlock_irqrestore(&m->lock, flags);
}

bool mutex_held(const struct mutex *m)
{
	/* Another task's writes cannot make this one the owner or undo it. */
	return __atomic_load_n(&m->owner, __ATOMIC_RELAXED) == arch_current();
}
