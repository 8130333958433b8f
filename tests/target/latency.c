/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded sections, asserted: the core under stress, and afterwards what the
 * meter says. Instructions are compared where they are counted exactly and one
 * CPU has them for itself; steps, which repeat everywhere, in all builds that
 * count them. A section must be as short with 1,000 tasks as with 10.
 */
#include "rtos/shell/stress_core.h"
#include "tests/target/help.h"

enum {
	FEW = 10,
	MANY = 1000,
	SOME = 60, /* where instructions are not counted, and hosts may be slow */
	STRESS_MS = 100,
	SOME_MS = 20,
	/* Builds with checks walk and compare under their locks. */
	MASKED_MAX = 1000,
	MASKED_MAX_CHECKED = 2000,
	/* More than a hold of any lock takes with every structure at its largest:
	 * stack slots are searched by words of 64. */
	STEPS_MAX = 160,
	/* Of the scheduler's: a tree of 1,000 timers down and up, 32 levels. */
	SCHED_STEPS_MAX = 100,
};

static bool wait_ms(u64 ns)
{
	sleep_ns(ns);
	return true;
}

static struct meter_worst masked_under(unsigned int tasks)
{
	struct stress_result r;

	/* What the case before has left to print and to release. */
	console_flush(time_after_ns(SEC));
	meter_reset();
	r = core_stress(tasks, STRESS_MS, 1, wait_ms);
	TEST_CHECK_VAL(!r.refused && !r.wrong && !r.lost && r.ops, r.wrong, r.lost);
	return meter_worst(METER_MASKED);
}

static void test_masked(void)
{
	u32 limit = tm_debug ? MASKED_MAX_CHECKED : MASKED_MAX;
	struct meter_worst few, many;

	if (!tm_meter) {
		test_skip("the meter is not in this build");
		return;
	}
	if (!arch_count_exact() || cpus_online_count() > 1) {
		test_skip("instructions are counted exactly only by one CPU under -icount");
		return;
	}
	few = masked_under(FEW);
	many = masked_under(MANY);
	TEST_CHECK_VAL(few.count && few.count < limit, few.count, limit);
	TEST_CHECK_VAL(many.count < limit, many.count, limit);
}

static void test_steps(void)
{
	struct stress_result r;
	unsigned int rank;

	if (!tm_meter) {
		test_skip("the meter is not in this build");
		return;
	}
	meter_reset();
	r = core_stress(SOME, SOME_MS, 2, wait_ms);
	TEST_CHECK_VAL(!r.refused && !r.wrong && !r.lost && r.ops, r.wrong, r.lost);
	for (rank = LOCK_RANK_NONE + 1; rank < LOCK_RANK_NR; rank++)
		TEST_CHECK_VAL(meter_worst(METER_LOCK + rank).steps <= STEPS_MAX, rank,
			       meter_worst(METER_LOCK + rank).steps);
	rank = METER_LOCK + LOCK_RANK_SCHED;
	TEST_CHECK_VAL(meter_worst(rank).steps && meter_worst(rank).steps <= SCHED_STEPS_MAX,
		       meter_worst(rank).steps, SCHED_STEPS_MAX);
}

/* What is planted is found: a section of a known number of steps. */
static void test_noticed(void)
{
	static struct spinlock lock = SPINLOCK_INIT(LOCK_RANK_WAIT);
	enum { PLANTED = 5000 };
	struct meter_worst w;
	unsigned int i;
	u64 flags;

	if (!tm_meter) {
		test_skip("the meter is not in this build");
		return;
	}
	meter_reset();
	flags = spin_lock_irqsave(&lock);
	for (i = 0; i < PLANTED; i++)
		tm_step();
	spin_unlock_irqrestore(&lock, flags);
	w = meter_worst(METER_LOCK + LOCK_RANK_WAIT);
	TEST_CHECK_VAL(w.steps == PLANTED, w.steps, PLANTED);
	w = meter_worst(METER_PREEMPT);
	TEST_CHECK_VAL(w.steps >= PLANTED, w.steps, PLANTED);
	if (arch_count_exact() && cpus_online_count() == 1)
		TEST_CHECK_VAL(w.count >= PLANTED, w.count, PLANTED);
	meter_reset();
	w = meter_worst(METER_LOCK + LOCK_RANK_WAIT);
	TEST_CHECK_VAL(w.steps < PLANTED, w.steps, PLANTED);
}

static const struct test_case cases[] = {
	{ "noticed", test_noticed },
	{ "steps", test_steps },
	{ "masked", test_masked },
};

const struct test_suite suite_latency = { "latency", cases, ARRAY_SIZE(cases) };
