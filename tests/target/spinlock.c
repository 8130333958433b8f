/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spinlocks: mutual exclusion under real contention, service in the order of
 * arrival, masking and preemption, and the lock order of test builds.
 */
#include "rtos/spinlock.h"
#include "rtos/task.h"
#include "tests/target/help.h"

enum { ROUNDS = 3000, MAX_WORKERS = 8 };

static struct spinlock lock, inner;
static u64 shared;                      /* (lock) */
static u32 go[MAX_WORKERS];             /* (A) */
static unsigned int order[MAX_WORKERS]; /* (lock) */
static unsigned int nr_served;          /* (lock) */

/* One worker tied to each CPU of the mask. */
static unsigned int start_workers(u64 cpu_mask, void (*fn)(void *), struct task **t)
{
	unsigned int n = 0;

	for (; cpu_mask && n < MAX_WORKERS; cpu_mask &= cpu_mask - 1, n++)
		t[n] = help_spawn("worker", 12, cpu_mask & (0 - cpu_mask), fn, &go[n]);
	return n;
}

static void join_workers(struct task **t, unsigned int n)
{
	while (n--)
		help_join(t[n]);
}

static void adder(void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0; i < ROUNDS; i++) {
		u64 flags = spin_lock_irqsave(&lock);
		u64 seen = __atomic_load_n(&shared, __ATOMIC_RELAXED);

		arch_cpu_relax();
		__atomic_store_n(&shared, seen + 1, __ATOMIC_RELAXED);
		spin_unlock_irqrestore(&lock, flags);
	}
}

static void test_exclusion(void)
{
	struct task *t[MAX_WORKERS];
	unsigned int n;

	spin_init(&lock, LOCK_RANK_NONE);
	shared = 0;
	n = start_workers(cpus_online(), adder, t);
	join_workers(t, n);
	TEST_CHECK_VAL(shared == (u64)n * ROUNDS, shared, n);
	TEST_CHECK_VAL(lock.next == lock.owner, lock.next, lock.owner);
}

static void queuer(void *arg)
{
	u32 *mine = arg;

	while (!help_read(mine))
		arch_cpu_relax();
	spin_lock(&lock);
	order[nr_served++] = (unsigned int)(mine - go);
	spin_unlock(&lock);
}

/* The case holds the lock while the workers queue up one after the other, last
 * CPU first; they must be served in that order. */
static void test_fairness(void)
{
	u64 here = help_first_cpus(1), others = cpus_online() & ~here, deadline;
	struct task *t[MAX_WORKERS];
	unsigned int n, i;

	if (!others) {
		test_skip("needs two CPUs");
		return;
	}
	spin_init(&lock, LOCK_RANK_NONE);
	memset(go, 0, sizeof(go));
	nr_served = 0;
	task_set_cpus(task_current(), here);
	n = start_workers(others, queuer, t);
	deadline = time_after_ns(10 * SEC);
	spin_lock(&lock);
	for (i = n; i--;) {
		u32 next = help_read(&lock.next);

		help_add(&go[i], 1);
		while (help_read(&lock.next) == next && time_now_ns() < deadline)
			arch_cpu_relax();
	}
	spin_unlock(&lock);
	join_workers(t, n);
	TEST_CHECK_VAL(nr_served == n, nr_served, n);
	for (i = 0; i < n; i++)
		TEST_CHECK_VAL(order[i] == n - 1 - i, order[i], i);
}

static void test_context(void)
{
	u64 flags;

	spin_init(&lock, LOCK_RANK_NONE);
	TEST_CHECK(may_sleep());
	flags = spin_lock_irqsave(&lock);
	TEST_CHECK(arch_irqs_masked() && !may_sleep() && spin_held(&lock));
	spin_unlock_irqrestore(&lock, flags);
	TEST_CHECK(may_sleep() && !arch_irqs_masked());
	spin_lock(&lock);
	TEST_CHECK(!arch_irqs_masked() && !may_sleep());
	spin_unlock(&lock);
	preempt_disable();
	preempt_disable();
	preempt_enable();
	TEST_CHECK(!may_sleep());
	preempt_enable();
	TEST_CHECK(may_sleep() && !in_interrupt());
}

static const struct spinlock *seen_held, *seen_wanted;
static unsigned int nr_seen;

static void note_violation(const struct spinlock *held, const struct spinlock *wanted)
{
	seen_held = held;
	seen_wanted = wanted;
	nr_seen++;
}

/* Take `first`, then `second`; how many complaints came? */
static unsigned int complaints(enum lock_rank first, enum lock_rank second)
{
	u64 flags = arch_irq_save(); /* handlers take locks of their own */

	spin_init(&lock, first);
	spin_init(&inner, second);
	nr_seen = 0;
	spin_set_violation_hook(note_violation);
	spin_lock(&lock);
	spin_lock(&inner);
	spin_unlock(&lock); /* not the reverse order: legal */
	spin_unlock(&inner);
	spin_set_violation_hook(NULL);
	arch_irq_restore(flags);
	return nr_seen;
}

static void test_lock_order(void)
{
	if (!tm_debug) {
		test_skip("ranks are checked in test builds");
		return;
	}
	TEST_CHECK(complaints(LOCK_RANK_ZONE, LOCK_RANK_SCHED) == 0);
	TEST_CHECK(complaints(LOCK_RANK_SCHED, LOCK_RANK_ZONE) == 1);
	TEST_CHECK(seen_held == &lock && seen_wanted == &inner);
	TEST_CHECK(complaints(LOCK_RANK_ZONE, LOCK_RANK_ZONE) == 1);
	TEST_CHECK(complaints(LOCK_RANK_NONE, LOCK_RANK_ZONE) == 0);
	TEST_CHECK(strcmp(lock_rank_name(LOCK_RANK_ZONE), "zone") == 0);
	TEST_CHECK(strcmp(lock_rank_name((enum lock_rank)99), "unknown") == 0);
}

static const struct test_case cases[] = {
	{ "exclusion", test_exclusion },
	{ "fairness", test_fairness },
	{ "context", test_context },
	{ "lock_order", test_lock_order },
};

const struct test_suite suite_spinlock = { "spinlock", cases, ARRAY_SIZE(cases) };
