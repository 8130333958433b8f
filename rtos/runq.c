/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which CPU is called for a ready task, and which CPUs a group of tasks may
 * use. Rule: no ready task is more urgent than the claim of a CPU it may use;
 * the claim of a CPU is the urgency of what it runs or has been called to run.
 * The scheduler lock guards everything; nothing here depends on the number of
 * tasks, only on that of CPUs and groups.
 */
#include "rtos/runq.h"

struct cpu cpus[MAX_CPUS];
struct run_group run_groups[NR_GROUPS];
u64 groups_ready[GROUP_WORDS];
u64 seq_front = 1ull << 63, seq_back = 1ull << 63;
u64 online_mask;
bool several_cpus;

static struct task *head_of(const struct run_group *g)
{
	return run_entry(g->queue[top_level(g)].next);
}

/* Whether the head of a comes before that of b; both have ready tasks. */
static inline bool comes_first(const struct run_group *a, const struct run_group *b)
{
	u32 x = a->levels, y = b->levels;

	/* Equal top bits vanish from x ^ y and stay in x & y. */
	if (likely((x ^ y) > (x & y)))
		return x > y;
	return head_of(a)->queue_seq < head_of(b)->queue_seq;
}

/* The best of `best`, which may be null, and the 64 groups from `first` on. */
static inline const struct run_group *best_group(const struct run_group *first, u64 left,
						 unsigned int cpu, const struct run_group *best)
{
	const struct run_group *g;

	for (; left; left &= left - 1) {
		g = first + __builtin_ctzll(left);
		tm_step();
		if ((g->runs_on >> cpu & 1) && (!best || comes_first(g, best)))
			best = g;
	}
	return best;
}

struct task *runq_best_of_many(unsigned int cpu)
{
	const struct run_group *g = best_group(run_groups, groups_ready[0], cpu, NULL);

	if (unlikely(groups_ready[1]))
		g = best_group(run_groups + 64, groups_ready[1], cpu, g);
	return g ? head_of(g) : NULL;
}

void runq_call_cpu(unsigned int cpu, int claim)
{
	struct cpu *c = &cpus[cpu];
	bool asked = c->running->resched;

	c->claim = claim;
	__atomic_store_n(&c->running->resched, true, __ATOMIC_RELAXED);
	/* This CPU notices when the lock is released or the interrupt ends. */
	if (!asked && c != this_cpu())
		arch_send_reschedule(cpu);
}

int runq_pick(u64 cpu_mask, unsigned int prio, unsigned int hint)
{
	u64 left = cpu_mask;
	int least = (int)prio, best = -1;

	if ((left & (1ull << hint)) && cpus[hint].claim < least) {
		least = cpus[hint].claim;
		best = (int)hint;
	}
	for (; left && least > CLAIM_IDLE; left &= left - 1) {
		int cpu = __builtin_ctzll(left);

		tm_step();
		if (cpus[cpu].claim < least) {
			least = cpus[cpu].claim;
			best = cpu;
		}
	}
	return best;
}

void runq_place(u64 cpu_mask, unsigned int prio, unsigned int hint)
{
	int cpu = runq_pick(cpu_mask, prio, hint);

	if (cpu >= 0)
		runq_call_cpu((unsigned int)cpu, (int)prio);
}

void runq_place_rest(unsigned int cpu, bool alone)
{
	u64 bit = 1ull << cpu, left;
	unsigned int word;

	for (word = 0; word < GROUP_WORDS; word++) {
		for (left = groups_ready[word]; left; left &= left - 1) {
			struct run_group *g = &run_groups[word * 64 + __builtin_ctzll(left)];

			if ((g->runs_on & bit) && (alone || g->runs_on != bit)) {
				struct task *t = run_entry(g->queue[top_level(g)].next);

				runq_place(g->runs_on, t->prio, t->cpu);
			}
		}
	}
}

/* ---- groups --------------------------------------------------------------------- */

static struct run_group *find_group(u64 cpu_mask)
{
	struct run_group *g, *unused = NULL;

	for (g = run_groups; g < run_groups + NR_GROUPS; g++) {
		if (g->nr_tasks && g->cpus == cpu_mask)
			return g;
		if (!g->nr_tasks && !unused)
			unused = g;
	}
	return unused;
}

static u64 usable(u64 cpu_mask)
{
	return cpu_mask & online_mask ? cpu_mask & online_mask : online_mask;
}

int runq_set_group(struct task *t, u64 cpu_mask)
{
	struct run_group *g = find_group(cpu_mask);

	if (!g)
		return ERR_NOSPC;
	g->index = (u32)(g - run_groups);
	g->cpus = cpu_mask;
	g->runs_on = usable(cpu_mask);
	g->nr_tasks++;
	if (t->group)
		t->group->nr_tasks--;
	t->group = g;
	return 0;
}

/* What runs where it may not any more has to leave. */
static void evict(void)
{
	u64 left;

	for (left = online_mask; left; left &= left - 1) {
		unsigned int cpu = (unsigned int)__builtin_ctzll(left);
		const struct task *t = cpus[cpu].running;

		if (!t->is_idle && t->group && !runs_on(t, cpu))
			runq_call_cpu(cpu, CLAIM_IDLE);
	}
}

void runq_set_online(unsigned int cpu, bool on)
{
	u64 bit = 1ull << cpu;
	struct run_group *g;

	__atomic_store_n(&online_mask, on ? online_mask | bit : online_mask & ~bit,
			 __ATOMIC_RELEASE);
	/* For good: one that goes off still leaves what it runs to the last. */
	several_cpus |= on;
	BUG_ON_VAL(!online_mask, cpu, on);
	for (g = run_groups; g < run_groups + NR_GROUPS; g++)
		if (g->nr_tasks)
			g->runs_on = usable(g->cpus);
	evict();
	for (g = run_groups; g < run_groups + NR_GROUPS; g++)
		if (g->levels)
			runq_place(g->runs_on, top_level(g), cpu);
}

/* ---- which CPUs there are ---------------------------------------------------------- */

u64 cpus_online(void)
{
	return __atomic_load_n(&online_mask, __ATOMIC_ACQUIRE);
}

unsigned int cpus_online_count(void)
{
	return (unsigned int)__builtin_popcountll(cpus_online());
}

void cpu_times(unsigned int cpu, u64 *busy_ns, u64 *total_ns)
{
	const struct cpu *c;
	u64 flags, now, total, idle;

	*busy_ns = 0;
	*total_ns = 0;
	if (cpu >= MAX_CPUS || !(cpus_online() & (1ull << cpu)))
		return;
	c = &cpus[cpu];
	flags = sched_lock();
	now = arch_ticks();
	total = now - c->start_ticks;
	idle = c->idle->run_ticks - c->idle_before +
	       (c->running == c->idle ? now - c->switch_ticks : 0);
	sched_unlock(flags);
	*total_ns = arch_ticks_to_ns(total);
	*busy_ns = arch_ticks_to_ns(total - min_u64(idle, total));
}
