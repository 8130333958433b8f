/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sleeping lock with an owner. Unlocking hands it to the most urgent waiter
 * before that one runs, so nobody overtakes a waiter of the same urgency and
 * the wait is bounded by the holds ahead. The owner's priority is not raised
 * by waiters yet. The scheduler lock guards owner and waiters.
 */
#include "rtos/sched.h"

void mutex_init(struct mutex *m, const char *name)
{
	*m = (struct mutex){ .protocol = MUTEX_INHERIT };
	waitq_init(&m->queue, name);
}

static struct task *owner_of(const struct mutex *m)
{
	return (struct task *)__atomic_load_n(&m->owner, __ATOMIC_RELAXED);
}

static void set_owner(struct mutex *m, struct task *t)
{
	__atomic_store_n(&m->owner, (uintptr_t)t, __ATOMIC_RELAXED);
}

int mutex_lock_until(struct mutex *m, u64 deadline_ns)
{
	struct task *me = arch_current();
	u64 flags;
	int err = 0;

	BUG_ON(!may_sleep());
	BUG_ON_VAL(owner_of(m) == me, me->id, m);
	flags = spin_lock_irqsave(&sched_lock);
	if (!owner_of(m)) {
		set_owner(m, me);
		spin_unlock(&sched_lock);
	} else {
		/* Woken means handed over: one wait decides. */
		err = sched_block_locked(&m->queue, deadline_ns);
		BUG_ON_VAL((owner_of(m) == me) != (err == 0), me->id, err);
	}
	arch_irq_restore(flags);
	return err;
}

int mutex_lock(struct mutex *m)
{
	int err = mutex_lock_until(m, TM_FOREVER);

	BUG_ON_VAL(err, err, m);
	return err;
}

int mutex_trylock(struct mutex *m)
{
	u64 flags = spin_lock_irqsave(&sched_lock);
	bool taken = !m->owner;

	if (taken)
		set_owner(m, arch_current());
	spin_unlock_irqrestore(&sched_lock, flags);
	return taken ? 0 : ERR_BUSY;
}

void mutex_unlock(struct mutex *m)
{
	u64 flags = spin_lock_irqsave(&sched_lock);

	BUG_ON_VAL(owner_of(m) != arch_current(), arch_current()->id, m);
	set_owner(m, waitq_wake_one_locked(&m->queue));
	spin_unlock_irqrestore(&sched_lock, flags);
}

bool mutex_held(const struct mutex *m)
{
	/* Another task's writes cannot make this one the owner or undo it. */
	return owner_of(m) == arch_current();
}
