/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler's validator: the equations between tasks, run queues, wait
 * queues and loans, each with a name in the log when it is broken. It changes
 * nothing and trusts nothing but the list of all tasks; the caller holds the
 * scheduler lock, so it sees one moment. For tests: it looks at every task.
 */
#include "rtos/runq.h"

/* One broken equation. */
static unsigned int broken(const char *what, const struct task *t, const struct waitq *q)
{
	pr_err("sched: %s: task '%s' (level %u of %u)%s%s", what, t ? t->name : "none",
	       t ? t->prio : 0, t ? t->base_prio : 0, q ? ", queue " : "", q ? q->name : "");
	return 1;
}

static unsigned int check_level(const struct run_group *g, unsigned int level)
{
	const struct list *n;
	unsigned int bad = 0;
	u64 seq = 0;

	if (list_empty(&g->queue[level]))
		bad += broken("a level without tasks is marked", NULL, NULL);
	list_for_each(n, &g->queue[level]) {
		const struct task *t = container_of(n, struct task, run_node);

		if (t->state != TASK_READY || t->group != g || t->prio != level || t->suspended)
			bad += broken("in the wrong run queue", t, NULL);
		if (t->queue_seq <= seq)
			bad += broken("out of order in its run queue", t, NULL);
		seq = t->queue_seq;
	}
	return bad;
}

static unsigned int check_group(const struct run_group *g)
{
	unsigned int level, i = (unsigned int)(g - run_groups), bad = 0;

	if (!g->levels == !!(groups_ready[i / 64] & (1ull << (i % 64))))
		bad += broken("a group's mark and its levels differ", NULL, NULL);
	if (g->levels && (!g->nr_tasks || !g->runs_on || (g->runs_on & ~online_mask)))
		bad += broken("a group has ready tasks but no members or CPUs", NULL, NULL);
	for (level = 0; level < TASK_PRIO_LEVELS; level++)
		if (g->levels & (1u << level))
			bad += check_level(g, level);
	return bad;
}

/* A CPU that was called has not switched yet: what it leaves is placed then. */
static bool switch_pending(void)
{
	u64 left;

	for (left = online_mask; left; left &= left - 1)
		if (cpus[__builtin_ctzll(left)].running->resched)
			return true;
	return false;
}

/* CPUs that run something less urgent than the head of g. */
static unsigned int check_claims(const struct run_group *g)
{
	u64 left = g->levels ? g->runs_on : 0;
	unsigned int bad = 0;

	for (; left; left &= left - 1)
		if (cpus[__builtin_ctzll(left)].claim < (int)top_level(g))
			bad += broken("ready, but a CPU runs something less urgent",
				      run_entry(g->queue[top_level(g)].next), NULL);
	return bad;
}

/* ---- waiting and lending ----------------------------------------------------------- */

static unsigned int check_wait(const struct task *t)
{
	const struct waitq *q = t->waiting_on;
	const struct task *server = q ? q->server : NULL;

	if (!q != (t->state != TASK_BLOCKED) || !q != !prio_list_linked(&t->wait_node))
		return broken("waits and does not wait", t, q);
	if (!q)
		return 0;
	if (t->wait_node.prio != t->prio)
		return broken("waits at a level that is not its own", t, q);
	if (server && !server->pi_pending && server->prio < t->prio)
		return broken("waits for one who has not inherited its level", server, q);
	return 0;
}

static unsigned int check_loans(const struct task *t)
{
	struct prio_node *n = prio_list_first(&t->loans), *top;
	unsigned int bad = 0;
	u32 level = t->base_prio;

	if (!prio_list_check(&t->loans))
		return broken("its loans are out of order", t, NULL);
	if (n && n->prio > level)
		level = n->prio;
	if (level != t->prio && !t->pi_pending)
		bad += broken("its level is not that of base and loans", t,
			      n ? container_of(n, struct waitq, loan) : NULL);
	for (; n; n = prio_list_next(&t->loans, n)) {
		const struct waitq *q = container_of(n, struct waitq, loan);

		top = prio_list_first(&q->waiters);
		level = top && top->prio > q->lent ? top->prio : q->lent;
		if (q->server != t || n->prio != level)
			bad += broken("a loan is not that of the queue", t, q);
		if (!prio_list_check(&q->waiters))
			bad += broken("waiters out of order", t, q);
	}
	return bad;
}

unsigned int sched_check_locked(void)
{
	bool pending = switch_pending();
	const struct run_group *g;
	const struct list *n;
	unsigned int bad = 0;

	for (g = run_groups; g < run_groups + NR_GROUPS; g++) {
		bad += check_group(g);
		bad += pending ? 0 : check_claims(g);
	}
	list_for_each(n, &all_tasks) {
		const struct task *t = container_of(n, struct task, all_node);

		bad += check_wait(t);
		bad += check_loans(t);
	}
	return bad;
}
