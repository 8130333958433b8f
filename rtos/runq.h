/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run queues, for sched.c, runq.c and the validator. Ready tasks stand in run
 * groups. A group is one distinct CPU mask; it has a bitmap of levels and a
 * list each. queue_seq orders equals over all groups: whoever gets ready or
 * gives way goes behind everybody, whoever is preempted goes before everybody,
 * so both ends of a list are all that is ever touched.
 */
#ifndef RTOS_RUNQ_H
#define RTOS_RUNQ_H

#include "rtos/sched.h"

/* Every CPU may have tasks tied to it, and eight more masks of any kind. */
enum { NR_GROUPS = 8 + MAX_CPUS, GROUP_WORDS = (NR_GROUPS + 63) / 64, CLAIM_IDLE = -1 };

extern struct run_group run_groups[NR_GROUPS];
extern u64 groups_ready[GROUP_WORDS]; /* (S) groups with ready tasks */
extern u64 seq_front, seq_back;       /* (S) last numbers given at either end */
extern u64 online_mask;               /* (S) to set, (A) to read */
extern bool several_cpus;             /* (S) more than one CPU is, or was, online */
extern struct list all_tasks;         /* (S) between sched_add and sched_exit */

static inline struct task *run_entry(struct list *n)
{
	return container_of(n, struct task, run_node);
}

static inline unsigned int top_level(const struct run_group *g)
{
	return 31u - (unsigned int)__builtin_clz(g->levels);
}

static inline bool runs_on(const struct task *t, unsigned int cpu)
{
	return t->group->runs_on & (1ull << cpu);
}

static inline void runq_mark(const struct run_group *g)
{
	groups_ready[g->index / 64] |= 1ull << (g->index % 64);
}

static inline void runq_unmark(const struct run_group *g)
{
	groups_ready[g->index / 64] &= ~(1ull << (g->index % 64));
}

/* The first of its level. */
static inline void runq_open(struct run_group *g, struct task *t)
{
	u32 prio = t->prio, levels = g->levels;
	struct list *q = &g->queue[prio];

	q->next = q->prev = &t->run_node;
	t->run_node.next = t->run_node.prev = q;
	g->levels = levels | 1u << prio;
	if (!levels)
		runq_mark(g);
}

static inline void runq_add_tail(struct task *t)
{
	struct run_group *g = t->group;

	BUG_ON_VAL(tm_debug && t->state != TASK_READY, t->state, t->id);
	t->queue_seq = ++seq_back;
	if (g->levels >> t->prio & 1)
		list_add_tail(&g->queue[t->prio], &t->run_node);
	else
		runq_open(g, t);
}

static inline void runq_add_head(struct task *t)
{
	struct run_group *g = t->group;

	t->queue_seq = --seq_front;
	if (g->levels >> t->prio & 1)
		list_add_head(&g->queue[t->prio], &t->run_node);
	else
		runq_open(g, t);
}

static inline void runq_remove(struct task *t)
{
	struct run_group *g = t->group;
	struct list *next = t->run_node.next, *prev = t->run_node.prev;

	BUG_ON_VAL(tm_debug && t->state != TASK_READY, t->state, t->id);
	next->prev = prev;
	prev->next = next;
	if (next == prev) { /* only the head is left */
		g->levels &= ~(1u << t->prio);
		if (!g->levels)
			runq_unmark(g);
	}
}

/* runq_best() when several groups have ready tasks: one look at each. */
struct task *runq_best_of_many(unsigned int cpu);

/* Most urgent ready task that may run on `cpu`, left in its queue; or null. */
static inline struct task *runq_best(unsigned int cpu)
{
	u64 ready = groups_ready[0];
	const struct run_group *g;

	_Static_assert(GROUP_WORDS == 2, "the words looked at");
	if (unlikely(groups_ready[1] || (ready & (ready - 1))))
		return runq_best_of_many(cpu);
	if (!ready)
		return NULL;
	g = &run_groups[__builtin_ctzll(ready)];
	return g->runs_on >> cpu & 1 ? run_entry(g->queue[top_level(g)].next) : NULL;
}

/*
 * The CPU to call for a task of level `prio` that may use these CPUs: the least
 * urgent one if the task is more urgent, among equals `hint` first; or -1.
 */
int runq_pick(u64 cpu_mask, unsigned int prio, unsigned int hint);
/* Call it. */
void runq_place(u64 cpu_mask, unsigned int prio, unsigned int hint);
/* The same for the head of every group that may use `cpu` and another one, or,
 * with `alone`, only `cpu`. */
void runq_place_rest(unsigned int cpu, bool alone);
/* Ask a CPU to switch; from now on it counts as that urgent. */
void runq_call_cpu(unsigned int cpu, int claim);
/* Move a task to the group of that mask. 0, ERR_NOSPC. */
int runq_set_group(struct task *t, u64 cpu_mask);
/* A CPU appears or goes: what every group runs on follows. */
void runq_set_online(unsigned int cpu, bool on);

#endif
