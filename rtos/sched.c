/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler: strict fixed priorities over all CPUs, FIFO inside a level.
 *
 * Ready tasks stand in run groups. A group is one distinct CPU mask; it has a
 * bitmap of levels and a FIFO list each. A CPU takes the best head among the
 * groups that name it: higher level first, then earlier arrival (queue_seq).
 * That costs one look per group in use, however many tasks there are.
 *
 * Rule: no ready task is more urgent than the claim of a CPU it may use. The
 * claim of a CPU is the urgency of what it runs or has been called to run.
 * place() restores the rule for one group by calling the least urgent CPU;
 * it is applied when a task becomes ready and, for what is left over, after
 * every switch. A running task is never moved to make room for one that is
 * tied to its CPU, and equals never preempt each other.
 *
 * One lock, sched_lock, guards run queues, states, wait queues and timers. It
 * is held across a context switch and released by the task switched to. Calls
 * of arch_send_reschedule() and arch_timer_set_ns() are made under it.
 */
#include "rtos/sched.h"

/* Every CPU may have tasks tied to it, and eight more masks of any kind. */
enum { NR_GROUPS = 8 + MAX_CPUS, GROUP_WORDS = (NR_GROUPS + 63) / 64, CLAIM_IDLE = -1 };

struct spinlock sched_lock = SPINLOCK_INIT(LOCK_RANK_SCHED);
struct cpu cpus[MAX_CPUS];
struct task boot_task = {
	.preempt_count = 1, /* until sched_start() */
	.state = TASK_RUNNING,
	.is_idle = true,
	.run_node = { &boot_task.run_node, &boot_task.run_node },
	.name = "idle/0",
};

static struct run_group groups[NR_GROUPS];
static u64 groups_ready[GROUP_WORDS]; /* (S) groups with ready tasks */
static u64 arrival_seq;               /* (S) */
static u64 online_mask;               /* (S) to set, (A) to read */
static bool started;                  /* (A) */

/* ---- run queues --------------------------------------------------------------- */

static void mark_ready(const struct run_group *g)
{
	unsigned int i = (unsigned int)(g - groups);

	if (g->levels)
		groups_ready[i / 64] |= 1ull << (i % 64);
	else
		groups_ready[i / 64] &= ~(1ull << (i % 64));
}

/* Next group with ready tasks from index i on; null at the end. */
static struct run_group *next_ready(unsigned int i)
{
	unsigned int word = i / 64;
	u64 bits;

	if (i >= NR_GROUPS)
		return NULL;
	bits = groups_ready[word] & (~0ull << (i % 64));
	while (!bits && ++word < GROUP_WORDS)
		bits = groups_ready[word];
	return bits ? &groups[word * 64 + (unsigned int)__builtin_ctzll(bits)] : NULL;
}

static unsigned int group_after(const struct run_group *g)
{
	return (unsigned int)(g - groups) + 1;
}

static unsigned int top_level(const struct run_group *g)
{
	return fls_u64(g->levels) - 1;
}

static struct task *run_entry(struct list *n)
{
	return container_of(n, struct task, run_node);
}

/*
 * In order of queue_seq. A newcomer goes to the tail in one step. A preempted
 * task keeps its number and goes to the front; the tasks it has to pass are
 * those that were running on other CPUs when it was picked, so at most one
 * less than there are CPUs.
 */
static void enqueue(struct task *t)
{
	struct run_group *g = t->group;
	struct list *q = &g->queue[t->prio], *at;
	bool first = !(g->levels & (1u << t->prio));

	BUG_ON_VAL(t->state != TASK_READY || t->is_idle, t->state, t->id);
	if (first)
		list_init(q);
	if (first || run_entry(q->prev)->queue_seq < t->queue_seq) {
		list_add_tail(q, &t->run_node);
	} else {
		for (at = q->next; run_entry(at)->queue_seq < t->queue_seq; at = at->next)
			;
		list_add_tail(at, &t->run_node);
	}
	g->levels |= 1u << t->prio;
	mark_ready(g);
}

static void dequeue(struct task *t)
{
	struct run_group *g = t->group;

	BUG_ON_VAL(t->state != TASK_READY, t->state, t->id);
	BUG_ON(!(g->levels & (1u << t->prio)));
	list_del(&t->run_node);
	if (list_empty(&g->queue[t->prio]))
		g->levels &= ~(1u << t->prio);
	mark_ready(g);
}

/* Most urgent ready task that may run on `cpu`, left in its queue; or null. */
static struct task *best_for(unsigned int cpu)
{
	struct task *best = NULL, *t;
	struct run_group *g;

	for (g = next_ready(0); g; g = next_ready(group_after(g))) {
		if (!(g->cpus & (1ull << cpu)))
			continue;
		t = run_entry(g->queue[top_level(g)].next);
		if (!best || t->prio > best->prio ||
		    (t->prio == best->prio && t->queue_seq < best->queue_seq))
			best = t;
	}
	return best;
}

/* ---- calling CPUs ---------------------------------------------------------------- */

static void call_cpu(unsigned int cpu, int claim)
{
	struct cpu *c = &cpus[cpu];
	bool asked = c->need_resched;

	c->claim = claim;
	c->need_resched = true;
	/* This CPU notices when the lock is released or the interrupt ends. */
	if (!asked && c != this_cpu())
		arch_send_reschedule(cpu);
}

/*
 * A task of level `prio` waits in a group with these CPUs: call the least
 * urgent of them if the task is more urgent; among equals `hint` first.
 */
static void place(u64 cpu_mask, unsigned int prio, unsigned int hint)
{
	u64 left = cpu_mask & online_mask;
	unsigned int best = hint;
	int least = (int)prio;

	if ((left & (1ull << hint)) && cpus[hint].claim < least)
		least = cpus[hint].claim;
	for (; left && least > CLAIM_IDLE; left &= left - 1) {
		unsigned int cpu = (unsigned int)__builtin_ctzll(left);

		if (cpus[cpu].claim < least) {
			least = cpus[cpu].claim;
			best = cpu;
		}
	}
	if (least < (int)prio)
		call_cpu(best, (int)prio);
}

/* Restore the rule for the head of every group. */
static void place_all(void)
{
	struct run_group *g;
	struct task *t;

	for (g = next_ready(0); g; g = next_ready(group_after(g))) {
		t = run_entry(g->queue[top_level(g)].next);
		place(g->cpus, t->prio, t->cpu);
	}
}

static void make_ready(struct task *t)
{
	t->state = TASK_READY;
	t->queue_seq = ++arrival_seq;
	enqueue(t);
	place(t->group->cpus, t->prio, t->cpu);
}

/* ---- switching ---------------------------------------------------------------------- */

static void account(struct cpu *c, struct task *prev, u64 now)
{
	u64 used = now - c->switch_ns;

	prev->run_ns += used;
	if (prev->is_idle)
		c->idle_ns += used;
	c->switch_ns = now;
}

static bool wants_cpu(const struct task *t)
{
	return t->state == TASK_RUNNING && !t->is_idle;
}

static bool may_stay(unsigned int cpu, const struct task *t)
{
	return wants_cpu(t) && !t->yielding && (t->group->cpus & (1ull << cpu));
}

/* Decide what runs on c now, and put what ran back if it still wants to run. */
static struct task *choose(struct cpu *c)
{
	unsigned int cpu = (unsigned int)(c - cpus);
	struct task *prev = c->running, *next = best_for(cpu);

	if (may_stay(cpu, prev) && (!next || next->prio <= prev->prio)) {
		next = prev;
	} else {
		if (wants_cpu(prev)) {
			if (prev->yielding)
				prev->queue_seq = ++arrival_seq;
			prev->yielding = false;
			prev->state = TASK_READY;
			enqueue(prev);
			next = best_for(cpu);
		}
		if (next)
			dequeue(next);
		else
			next = c->idle;
		next->state = TASK_RUNNING;
	}
	c->claim = next->is_idle ? CLAIM_IDLE : (int)next->prio;
	return next;
}

/* First act of a task that was switched to: release what the other one held. */
static void finish_switch(void)
{
	struct task *prev = this_cpu()->left;

	if (prev->state == TASK_DEAD) {
		prev->dead = true;
		if (prev->detached)
			task_reap_later_locked(prev);
		else
			waitq_wake_one_locked(&prev->joiners);
	}
	spin_unlock(&sched_lock);
}

/* Caller holds the lock, masked; on return the lock is released. */
static void switch_locked(void)
{
	struct cpu *c = this_cpu();
	struct task *prev = c->running, *next;

	BUG_ON_VAL(prev != arch_current(), prev->id, arch_current()->id);
	BUG_ON_VAL(prev->preempt_count != 1, prev->preempt_count, prev->id);
	BUG_ON(!spin_held(&sched_lock) || !arch_irqs_masked());
	c->need_resched = false;
	next = choose(c);
	place_all();
	if (next == prev) {
		spin_unlock(&sched_lock);
		return;
	}
	account(c, prev, time_now_ns());
	next->cpu = prev->cpu;
	next->switches++;
	c->running = next;
	c->left = prev;
	arch_set_current(next);
	arch_context_switch(&prev->ctx, &next->ctx);
	/* Here again, perhaps much later and on another CPU. */
	finish_switch();
}

/* Where a new task starts: lock held, masked. */
static void first_entry(void *arg)
{
	struct task *t = arg;

	finish_switch();
	arch_irq_enable();
	t->entry(t->arg);
	task_exit();
}

void sched_resched(void)
{
	struct cpu *c = this_cpu();

	BUG_ON(!arch_irqs_masked());
	while (c->need_resched) {
		spin_lock(&sched_lock);
		switch_locked();
		c = this_cpu();
	}
}

void sched_ipi(void)
{
	/* The sender has set need_resched; irq_exit() acts on it. */
	this_cpu()->nr_ipi++;
}

/* ---- sleeping and waking -------------------------------------------------------------- */

static struct task *wait_entry(const struct prio_node *n)
{
	return container_of(n, struct task, wait_node);
}

int sched_block_locked(struct waitq *q, u64 deadline)
{
	struct task *t = arch_current();

	BUG_ON_VAL(t->is_idle || t->irq_depth || !started, t->id, t->irq_depth);
	BUG_ON_VAL(t->preempt_count != 1, t->preempt_count, t->id);
	if (deadline <= time_now_ns()) {
		spin_unlock(&sched_lock);
		return ERR_TIMEDOUT;
	}
	t->state = q ? TASK_BLOCKED : TASK_SLEEPING;
	t->waiting_on = q;
	if (q) {
		prio_list_add(&q->waiters, &t->wait_node, t->prio);
		q->nr_waiting++;
	}
	if (deadline != TM_FOREVER)
		timer_start_locked(&t->timer, deadline);
	load_change_locked(-1);
	switch_locked();
	return t->wake_result;
}

void sched_wake_locked(struct task *t, int result)
{
	struct waitq *q = t->waiting_on;

	BUG_ON_VAL(t->state != TASK_SLEEPING && t->state != TASK_BLOCKED, t->state, t->id);
	if (q) {
		BUG_ON_VAL(q->nr_waiting == 0, t->id, q);
		prio_list_remove(&q->waiters, &t->wait_node);
		q->nr_waiting--;
		t->waiting_on = NULL;
	}
	timer_stop_locked(&t->timer);
	t->wake_result = result;
	load_change_locked(1);
	make_ready(t);
}

struct task *waitq_wake_one_locked(struct waitq *q)
{
	struct prio_node *n = prio_list_first(&q->waiters);

	if (!n)
		return NULL;
	sched_wake_locked(wait_entry(n), 0);
	return wait_entry(n);
}

/* ---- changing a task ------------------------------------------------------------------- */

static struct run_group *find_group(u64 cpu_mask)
{
	struct run_group *g, *unused = NULL;

	for (g = groups; g < groups + NR_GROUPS; g++) {
		if (g->nr_tasks && g->cpus == cpu_mask)
			return g;
		if (!g->nr_tasks && !unused)
			unused = g;
	}
	return unused;
}

static int set_group(struct task *t, u64 cpu_mask)
{
	struct run_group *g = find_group(cpu_mask);

	if (!g)
		return ERR_NOSPC;
	g->cpus = cpu_mask;
	g->nr_tasks++;
	if (t->group)
		t->group->nr_tasks--;
	t->group = g;
	return 0;
}

/* The first switch to t enters it; a TASK_FP task keeps the top of its stack. */
static void init_context(struct task *t)
{
	u64 top = t->stack + STACK_SIZE;

	if (t->flags & TASK_FP)
		top -= ARCH_FP_BYTES;
	arch_context_init(&t->ctx, (void *)(uintptr_t)top, first_entry, t);
	if (t->flags & TASK_FP)
		arch_context_set_fp(&t->ctx, (void *)(uintptr_t)top);
}

int sched_add_locked(struct task *t, u64 cpu_mask)
{
	int err = set_group(t, cpu_mask);

	if (err)
		return err;
	t->preempt_count = 1; /* the lock that first_entry() releases */
	init_context(t);
	load_change_locked(1);
	make_ready(t);
	return 0;
}

void sched_exit_locked(void)
{
	struct task *t = arch_current();

	BUG_ON(t->is_idle || t->irq_depth);
	t->state = TASK_DEAD;
	t->group->nr_tasks--;
	t->group = NULL;
	load_change_locked(-1);
	switch_locked();
	BUG_ON_VAL(true, t->id, t->state);
	__builtin_unreachable();
}

/* What c runs has changed its level or its CPUs: look at everything again. */
static void reconsider(struct cpu *c)
{
	c->claim = c->running->is_idle ? CLAIM_IDLE : (int)c->running->prio;
	place_all();
}

void sched_set_prio_locked(struct task *t, unsigned int prio)
{
	struct waitq *q = t->waiting_on;

	if (t->state == TASK_READY) {
		dequeue(t);
		t->prio = prio;
		make_ready(t);
		return;
	}
	if (q)
		prio_list_remove(&q->waiters, &t->wait_node);
	t->prio = prio;
	if (q)
		prio_list_add(&q->waiters, &t->wait_node, t->prio);
	if (t->state == TASK_RUNNING)
		reconsider(&cpus[t->cpu]);
}

int sched_set_cpus_locked(struct task *t, u64 cpu_mask)
{
	bool ready = t->state == TASK_READY;
	int err;

	if (ready)
		dequeue(t);
	err = set_group(t, cpu_mask);
	if (ready)
		make_ready(t);
	if (!err && t->state == TASK_RUNNING && !(cpu_mask & (1ull << t->cpu)))
		call_cpu(t->cpu, CLAIM_IDLE);
	return err;
}

void task_yield(void)
{
	u64 flags;

	BUG_ON(!may_sleep());
	flags = spin_lock_irqsave(&sched_lock);
	arch_current()->yielding = true;
	switch_locked();
	arch_irq_restore(flags);
}

/* ---- CPUs ------------------------------------------------------------------------------- */

void sched_init(void)
{
	struct cpu *c = &cpus[0];

	BUG_ON(arch_current() != &boot_task || c->idle);
	c->running = &boot_task;
	c->idle = &boot_task;
	c->claim = CLAIM_IDLE;
	c->alarm = ARCH_TIMER_OFF;
	c->start_ns = time_now_ns();
	c->switch_ns = c->start_ns;
	online_mask = 1;
	load_start(c->start_ns);
}

void sched_cpu_online(unsigned int cpu, struct task *idle)
{
	struct cpu *c = &cpus[cpu];

	BUG_ON_VAL(arch_current() != idle || idle->cpu != cpu, cpu, idle->cpu);
	BUG_ON_VAL(online_mask & (1ull << cpu), cpu, online_mask);
	c->running = idle;
	c->idle = idle;
	c->claim = CLAIM_IDLE;
	c->alarm = ARCH_TIMER_OFF;
	c->start_ns = time_now_ns();
	c->switch_ns = c->start_ns;
	spin_lock(&sched_lock);
	__atomic_store_n(&online_mask, online_mask | (1ull << cpu), __ATOMIC_RELEASE);
	/* Work may be waiting for this very CPU. */
	c->need_resched = true;
	spin_unlock(&sched_lock);
}

void sched_start(void)
{
	__atomic_store_n(&started, true, __ATOMIC_RELEASE);
}

bool sched_running(void)
{
	return __atomic_load_n(&started, __ATOMIC_ACQUIRE);
}

void sched_idle(void)
{
	struct task *t = arch_current();

	BUG_ON_VAL(!t->is_idle || t->preempt_count != 1, t->id, t->preempt_count);
	t->preempt_count = 0;
	for (;;) {
		(void)arch_irq_save();
		if (!this_cpu()->need_resched)
			arch_idle();
		sched_resched();
		arch_irq_enable();
	}
}

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
	u64 flags, now, idle;

	*busy_ns = 0;
	*total_ns = 0;
	if (cpu >= MAX_CPUS || !(cpus_online() & (1ull << cpu)))
		return;
	c = &cpus[cpu];
	flags = spin_lock_irqsave(&sched_lock);
	now = time_now_ns();
	idle = c->idle_ns + (c->running == c->idle ? now - c->switch_ns : 0);
	spin_unlock_irqrestore(&sched_lock, flags);
	*total_ns = now - c->start_ns;
	*busy_ns = *total_ns - min_u64(idle, *total_ns);
}

/* ---- validator ---------------------------------------------------------------------------- */

static unsigned int check_group(const struct run_group *g)
{
	unsigned int level, bad = 0;
	const struct list *n;
	u64 seq;

	for (level = 0; level < TASK_PRIO_LEVELS; level++) {
		if (!(g->levels & (1u << level)))
			continue;
		bad += list_empty(&g->queue[level]);
		seq = 0;
		list_for_each(n, &g->queue[level]) {
			const struct task *t = container_of(n, struct task, run_node);

			bad += t->state != TASK_READY || t->group != g || t->prio != level;
			bad += t->queue_seq <= seq;
			seq = t->queue_seq;
		}
	}
	return bad;
}

/* A CPU that was called has not switched yet: what it leaves is placed then. */
static bool switch_pending(void)
{
	u64 left;

	for (left = online_mask; left; left &= left - 1)
		if (cpus[__builtin_ctzll(left)].need_resched)
			return true;
	return false;
}

/* CPUs that run something less urgent than the head of g. */
static unsigned int check_claims(const struct run_group *g)
{
	u64 left = g->levels ? g->cpus & online_mask : 0;
	unsigned int bad = 0;

	for (; left; left &= left - 1)
		bad += cpus[__builtin_ctzll(left)].claim < (int)top_level(g);
	return bad;
}

unsigned int sched_check_locked(void)
{
	bool pending = switch_pending();
	const struct run_group *g;
	unsigned int bad = 0;

	for (g = groups; g < groups + NR_GROUPS; g++) {
		unsigned int i = (unsigned int)(g - groups);

		bad += !g->levels == !!(groups_ready[i / 64] & (1ull << (i % 64)));
		bad += g->levels && !g->nr_tasks;
		bad += check_group(g);
		bad += pending ? 0 : check_claims(g);
	}
	return bad;
}
