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
extern struct list all_tasks;         /* (S) between sched_add and sched_exit */

static inline struct task *run_entry(struct list *n)
{
	return container_of(n, struct task, run_node);
}

static inline unsigned int top_level(const struct run_group *g)
{
	return fls_u64(g->levels) - 1;
}

static inline bool runs_on(const struct task *t, unsigned int cpu)
{
	return t->group->runs_on & (1ull << cpu);
}

static inline void runq_mark(const struct run_group *g, bool ready)
{
	unsigned int i = (unsigned int)(g - run_groups);

	if (ready)
		groups_ready[i / 64] |= 1ull << (i % 64);
	else
		groups_ready[i / 64] &= ~(1ull << (i % 64));
}

/* The list of t's level, valid even if it was unused. */
static inline struct list *runq_open(struct task *t)
{
	struct run_group *g = t->group;
	struct list *q = &g->queue[t->prio];

	BUG_ON_VAL(t->state != TASK_READY, t->state, t->id);
	if (!(g->levels & (1u << t->prio))) {
		list_init(q);
		if (!g->levels)
			runq_mark(g, true);
		g->levels |= 1u << t->prio;
	}
	return q;
}

static inline void runq_add_tail(struct task *t)
{
	t->queue_seq = ++seq_back;
	list_add_tail(runq_open(t), &t->run_node);
}

static inline void runq_add_head(struct task *t)
{
	t->queue_seq = --seq_front;
	list_add_head(runq_open(t), &t->run_node);
}

static inline void runq_remove(struct task *t)
{
	struct run_group *g = t->group;

	BUG_ON_VAL(t->state != TASK_READY, t->state, t->id);
	list_del(&t->run_node);
	if (list_empty(&g->queue[t->prio])) {
		g->levels &= ~(1u << t->prio);
		if (!g->levels)
			runq_mark(g, false);
	}
}

/* Most urgent ready task that may run on `cpu`, left in its queue; or null. */
static inline struct task *runq_best(unsigned int cpu)
{
	struct task *best = NULL, *t;
	unsigned int word;
	u64 left;

	for (word = 0; word < GROUP_WORDS; word++) {
		for (left = groups_ready[word]; left; left &= left - 1) {
			struct run_group *g = &run_groups[word * 64 + __builtin_ctzll(left)];

			if (!(g->runs_on & (1ull << cpu)))
				continue;
			t = run_entry(g->queue[top_level(g)].next);
			if (!best || t->prio > best->prio ||
			    (t->prio == best->prio && t->queue_seq < best->queue_seq))
				best = t;
		}
	}
	return best;
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
