/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wait queues: tasks in order of priority, then of arrival. The
 * scheduler lock guards all of them, so that "is queued" and "sleeps" change
 * in one step; the caller's own lock guards the condition that is waited for.
 *
 * No wake-up is lost: a waiter is queued before its own lock is dropped, and a
 * waker changes the condition under that lock before it wakes.
 */
#include "rtos/life.h"
#include "rtos/sched.h"

void waitq_init(struct waitq *q, const char *name)
{
	*q = (struct waitq){ .name = name };
}

static int wait(struct waitq *q, struct spinlock *l, u64 *flags, u64 deadline_ns,
		enum wait_kind kind)
{
	int err;

	BUG_ON_VAL(!spin_held(l), l->rank, l->holder);
	BUG_ON(!arch_irqs_masked());
	sched_lock_masked();
	spin_unlock_to_sleep(l);
	err = sched_block_locked(q, deadline_ns, kind);
	arch_irq_restore(*flags);
	*flags = spin_lock_irqsave(l);
	return err;
}

int waitq_wait(struct waitq *q, struct spinlock *l, u64 *flags, u64 deadline_ns)
{
	return wait(q, l, flags, deadline_ns, WAIT_FIRM);
}

int waitq_wait_leave(struct waitq *q, struct spinlock *l, u64 *flags, u64 deadline_ns)
{
	return wait(q, l, flags, deadline_ns, WAIT_LEAVE);
}

unsigned int waitq_wake_one(struct waitq *q)
{
	u64 flags = sched_lock();
	struct task *t = waitq_first_locked(q);

	if (t)
		sched_wake_unlock(t, 0, flags);
	else
		sched_unlock(flags);
	return t != NULL;
}

/*
 * The most urgent waiter from before the last waking of all: the head of its
 * level, because newcomers stand behind it.
 */
static struct task *older_waiter_locked(const struct waitq *q)
{
	struct prio_node *first = prio_list_first(&q->waiters), *n = first;
	struct task *t;

	if (!first)
		return NULL;
	do {
		t = container_of(n, struct task, wait_node);
		if (t->wait_wakings != q->wakings)
			return t;
		n = n->level_next;
	} while (n != first);
	return NULL;
}

/*
 * One task a lock hold. Only those that waited when it began, by their mark and
 * not by their number: one that runs, finds nothing and waits again must neither
 * keep us here for ever nor be woken in another's place.
 */
unsigned int waitq_wake_all(struct waitq *q)
{
	unsigned int woken = 0;
	struct task *t;
	u64 flags;

	kill_hold();
	flags = sched_lock();
	q->wakings++;
	while ((t = older_waiter_locked(q))) {
		sched_wake_unlock(t, 0, flags);
		woken++;
		flags = sched_lock();
	}
	sched_unlock(flags);
	kill_release();
	return woken;
}
