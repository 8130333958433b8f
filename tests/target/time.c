/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time: sleeps are never early, past deadlines return at once, far ones
 * saturate, and timers fire in order. How late a sleep may be is only asserted
 * where instructions are counted: elsewhere the host decides.
 */
#include "rtos/task.h"
#include "tests/target/help.h"

enum { NR_TIMERS = 100, LATE_NS = 200 * 1000 };

static void test_monotonic(void)
{
	u64 last = time_now_ns(), now;
	unsigned int i;

	for (i = 0; i < 10000; i++) {
		now = time_now_ns();
		TEST_CHECK_VAL(now >= last, now, last);
		last = now;
	}
}

static void test_sleep(void)
{
	static const u64 ns[] = { 1, 1000, 50 * 1000, MS, 3 * MS, 20 * MS };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ns); i++) {
		u64 due = time_after_ns(ns[i]), woke;

		sleep_until_ns(due);
		woke = time_now_ns();
		TEST_CHECK_VAL(woke >= due, woke, due);
		TEST_CHECK_VAL(!arch_count_exact() || woke - due < LATE_NS, woke - due, ns[i]);
	}
}

static void test_past(void)
{
	const struct task *me = task_current();
	u64 switches;

	task_set_cpus(task_current(), 1ull << cpu_id());
	task_set_prio(task_current(), TASK_PRIO_MAX);
	switches = me->switches;
	sleep_ns(0);
	sleep_until_ns(0);
	sleep_until_ns(time_now_ns() - 1);
	TEST_CHECK_VAL(me->switches == switches, me->switches, switches);
}

static void test_saturation(void)
{
	TEST_CHECK(time_after_ns(TM_FOREVER) == TM_FOREVER);
	TEST_CHECK(time_after_ns(TM_FOREVER - 1) == TM_FOREVER);
	TEST_CHECK(time_after_ns(0) <= time_now_ns());
	TEST_CHECK(time_after_ns(1ull << 62) > 1ull << 62);
}

static struct timer timers[NR_TIMERS];
static u64 last_deadline; /* own CPU, interrupts masked */
static u32 nr_fired, nr_early, nr_disorder;

static void on_timer(struct timer *t)
{
	nr_early += time_now_ns() < t->deadline || !in_interrupt() || !arch_irqs_masked();
	nr_disorder += t->deadline < last_deadline;
	last_deadline = t->deadline;
	help_add(&nr_fired, 1);
}

static void arm(unsigned int i, u64 deadline)
{
	timers[i].fn = on_timer;
	timer_start(&timers[i], deadline, 0);
}

static void begin(void)
{
	task_set_cpus(task_current(), 1ull << cpu_id());
	memset(timers, 0, sizeof(timers));
	nr_fired = nr_early = nr_disorder = 0;
	last_deadline = 0;
}

/* Deadlines in no order, several the same, more than one interrupt's worth. */
static void test_order(void)
{
	u64 base, flags;
	unsigned int i;

	begin();
	flags = arch_irq_save();
	base = time_after_ns(MS);
	for (i = 0; i < NR_TIMERS; i++)
		arm(i, base + (i * 37 % NR_TIMERS) / 4 * 20 * 1000);
	arch_irq_restore(flags);
	TEST_CHECK_VAL(help_await(&nr_fired, NR_TIMERS), nr_fired, NR_TIMERS);
	TEST_CHECK_VAL(nr_early == 0 && nr_disorder == 0, nr_early, nr_disorder);
}

static void test_stop(void)
{
	unsigned int i, stopped = 0;
	u64 flags;

	begin();
	flags = arch_irq_save(); /* none fires before it is stopped */
	for (i = 0; i < NR_TIMERS; i++)
		arm(i, time_after_ns(i < 2 ? 2 * MS : 3600 * SEC));
	for (i = 1; i < NR_TIMERS; i++)
		stopped += timer_stop(&timers[i]);
	stopped += timer_stop(&timers[1]); /* not again */
	arch_irq_restore(flags);
	TEST_CHECK_VAL(stopped == NR_TIMERS - 1, stopped, NR_TIMERS);
	TEST_CHECK(help_await(&nr_fired, 1));
	sleep_ms(4);
	TEST_CHECK_VAL(nr_fired == 1, nr_fired, 0);
	TEST_CHECK(!timer_stop(&timers[0]));
	arm(0, TM_FOREVER);
	TEST_CHECK(!timer_stop(&timers[0]));
	arm(0, 0);
	TEST_CHECK(help_await(&nr_fired, 2));
}

static u32 nr_awake;

static void sleeper(void *arg)
{
	u64 due = time_after_ns((uintptr_t)arg * 100 * 1000);

	sleep_until_ns(due);
	TEST_CHECK(time_now_ns() >= due);
	help_add(&nr_awake, 1);
}

static void test_many_sleepers(void)
{
	struct task *t[40];
	unsigned int i;

	nr_awake = 0;
	for (i = 0; i < ARRAY_SIZE(t); i++)
		t[i] = help_spawn("sleeper", 10, CPUS_ALL, sleeper,
				  (void *)(uintptr_t)(i * 7 % ARRAY_SIZE(t)));
	for (i = 0; i < ARRAY_SIZE(t); i++)
		help_join(t[i]);
	TEST_CHECK_VAL(nr_awake == ARRAY_SIZE(t), nr_awake, 0);
}

static const struct test_case cases[] = {
	{ "monotonic", test_monotonic },         { "sleep", test_sleep },
	{ "past_deadline", test_past },          { "saturation", test_saturation },
	{ "timer_order", test_order },           { "timer_stop", test_stop },
	{ "many_sleepers", test_many_sleepers },
};

const struct test_suite suite_time = { "time", cases, ARRAY_SIZE(cases) };
