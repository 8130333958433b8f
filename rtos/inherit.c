/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Priority inheritance, one mechanism for all of it. A queue may have a server:
 * the owner of a mutex somebody waits for, or a task named by waitq_serve().
 * The queue's loan then stands in the server's `loans`, at the level of its
 * most urgent waiter or of what was lent outright. Two equations hold whenever
 * the scheduler lock is free:
 *
 *   loan of q = max(most urgent waiter of q, q->lent)          always
 *   t->prio = max(t->base_prio, most urgent of t->loans)       unless t is pending
 *
 * A task whose priority changes moves in its run queue or in the queue where it
 * waits, whose loan then changes, and so on along the chain. What is still to
 * be looked at stands in a pending list, latest first, so that a change runs to
 * its end before an earlier one goes on; rings of waiters come to rest. At most
 * INHERIT_LINKS are followed at a time. Whoever leaves a rest has
 * sent its CPU an interrupt that goes on, so other interrupts and other CPUs
 * come in between.
 */
#include "rtos/sched.h"

static struct list pending = { &pending, &pending }; /* (S) tasks by pi_node */

static unsigned int effective(const struct task *t)
{
	const struct prio_node *top = prio_list_first(&t->loans);

	return top && top->prio > t->base_prio ? top->prio : t->base_prio;
}

void inherit_mark_locked(struct task *t)
{
	if (t->pi_pending || t->prio == effective(t))
		return;
	t->pi_pending = true;
	list_add_head(&pending, &t->pi_node);
}

static u32 wanted(const struct waitq *q)
{
	const struct prio_node *top = prio_list_first(&q->waiters);

	return top && top->prio > q->lent ? top->prio : q->lent;
}

void inherit_queue_locked(struct waitq *q)
{
	u32 level = wanted(q);

	if (!q->server)
		return;
	if (prio_list_linked(&q->loan)) {
		if (q->loan.prio == level)
			return;
		prio_list_remove(&q->server->loans, &q->loan);
	}
	prio_list_add(&q->server->loans, &q->loan, level);
	inherit_mark_locked(q->server);
}

void inherit_serve_locked(struct waitq *q, struct task *server)
{
	struct task *before = q->server;

	if (server && server->ending)
		server = NULL;
	if (before == server)
		return;
	q->server = server;
	if (before && prio_list_linked(&q->loan)) {
		prio_list_remove(&before->loans, &q->loan);
		inherit_mark_locked(before);
	}
	if (server) {
		prio_list_add(&server->loans, &q->loan, wanted(q));
		inherit_mark_locked(server);
	}
}

/* ---- following chains ------------------------------------------------------------ */

static void follow_one(void)
{
	struct task *t = container_of(pending.next, struct task, pi_node);
	unsigned int prio = effective(t);

	list_del(&t->pi_node);
	t->pi_pending = false;
	if (prio != t->prio)
		sched_apply_prio_locked(t, prio);
}

static void follow(unsigned int links)
{
	/* Where nothing could interrupt, there is nobody to go on. */
	for (; !list_empty(&pending) && (links || !arch_timer_irq()); links -= links != 0) {
		tm_step();
		follow_one();
	}
	if (!list_empty(&pending)) {
		this_cpu()->chains_left = true;
		arch_send_reschedule(arch_current()->cpu);
	}
}

void inherit_run_locked(void)
{
	follow(INHERIT_LINKS);
}

void inherit_one_locked(void)
{
	follow(1);
}

void inherit_interrupt(void)
{
	struct cpu *c = this_cpu();

	if (!c->chains_left)
		return;
	c->chains_left = false;
	sched_lock_masked();
	inherit_run_locked();
	sched_unlock_masked();
}

/* ---- service queues ---------------------------------------------------------------- */

void waitq_serve(struct waitq *q, struct task *server)
{
	u64 flags = sched_lock();

	inherit_serve_locked(q, server);
	inherit_run_locked();
	sched_unlock(flags);
}

void waitq_lend(struct waitq *q, unsigned int prio)
{
	u64 flags;

	BUG_ON_VAL(prio > TASK_PRIO_MAX, prio, q);
	flags = sched_lock();
	q->lent = prio;
	inherit_queue_locked(q);
	inherit_run_locked();
	sched_unlock(flags);
}

/* One queue a hold; false when there was none. */
static bool stop_serving(struct task *t)
{
	u64 flags = sched_lock();
	struct prio_node *loan = prio_list_first(&t->loans);

	t->ending = true;
	if (loan) {
		inherit_serve_locked(container_of(loan, struct waitq, loan), NULL);
		inherit_run_locked();
	}
	sched_unlock(flags);
	return loan;
}

void inherit_task_ending(void)
{
	struct task *t = arch_current();

	mutex_abandon_all();
	while (stop_serving(t))
		;
}

const char *sched_boost_name_locked(const struct task *t)
{
	struct prio_node *top = prio_list_first(&t->loans);

	if (!top || top->prio <= t->base_prio)
		return "";
	return container_of(top, struct waitq, loan)->name;
}
