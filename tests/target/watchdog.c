/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watchdog: three planted hangs, each reported once with the culprit's name,
 * and what is no hang reported never: work that nobody waits for, and rest,
 * which must stay without ticks. Every hang ends when it was reported, or after
 * 30 s of machine time, so a watchdog that sleeps is a failed check.
 */
#include "rtos/task.h"
#include "rtos/watchdog.h"
#include "tests/target/help.h"

static char text[240];
static u64 limit; /* of this machine, in ns */
static u64 limit_before;
static u32 incidents_before;

static u32 incidents(void)
{
	return watchdog_incidents(text, sizeof(text)) - incidents_before;
}

static bool begin(void)
{
	if (!arch_timer_irq()) {
		test_skip("no timer interrupt on this machine");
		return false;
	}
	limit_before = watchdog_limit();
	incidents_before = watchdog_incidents(text, sizeof(text));
	/* Where instructions are time nothing delays a CPU, but spinning takes long. */
	limit = arch_count_exact() ? 50 * MS : 200 * MS;
	watchdog_set(limit, false);
	if (arch_count_exact())
		sleep_ms(1100); /* the last check at the old pace: costs no instructions */
	return true;
}

static void end(void)
{
	watchdog_set(limit_before, false);
}

static bool has(const char *what)
{
	const char *s;

	for (s = text; *s; s++)
		if (strncmp(s, what, strlen(what)) == 0)
			return true;
	return false;
}

static u32 nr_reports(void)
{
	char buf[8];

	return watchdog_incidents(buf, sizeof(buf)) - incidents_before;
}

/* Go on as planted until it was reported, and a while longer. */
static void hang(void)
{
	u64 deadline = time_after_ns(30 * SEC);

	while (!nr_reports() && time_now_ns() < deadline)
		help_spin(MS);
	help_spin(limit);
}

static void hold_preemption(void *arg)
{
	preempt_disable();
	help_add(arg, 1);
	hang();
	preempt_enable();
}

static void test_preemption(void)
{
	u64 here = 1ull << cpu_id();
	struct task *t;
	u32 holding = 0;

	if (!begin())
		return;
	task_set_cpus(task_current(), here);
	task_set_prio(task_current(), 20);
	t = help_spawn("holder", 9, here, hold_preemption, &holding);
	TEST_CHECK(help_await(&holding, 1)); /* it is this task that waits */
	TEST_CHECK_VAL(incidents() == 1, incidents(), 0);
	TEST_CHECK(has("'holder', prio 9, held preemption off"));
	TEST_CHECK(has(task_name(task_current())));
	help_join(t);
	end();
}

static void run_on(void *arg)
{
	(void)arg;
	hang();
}

static void nothing(void *arg)
{
	(void)arg;
}

static void test_hog(void)
{
	u64 here = 1ull << cpu_id();
	struct task *h, *v;

	if (!begin())
		return;
	task_set_cpus(task_current(), here);
	task_set_prio(task_current(), 20);
	h = help_spawn("hog", 15, here, run_on, NULL);
	v = help_spawn("victim", 10, here, nothing, NULL);
	TEST_CHECK(task_join(v, time_after_ns(60 * SEC)) == 0);
	TEST_CHECK_VAL(incidents() == 1, incidents(), 0);
	TEST_CHECK(has("'hog', prio 15, ran without a break") && has("'victim', prio 10"));
	help_join(h);
	end();
}

static void mask(void *arg)
{
	u64 flags = arch_irq_save();

	(void)arg;
	hang();
	arch_irq_restore(flags);
}

static void test_masked(void)
{
	u64 others = cpus_online() & ~(1ull << cpu_id());
	struct task *t;
	char where[24];

	if (!others) {
		test_skip("one CPU: nobody is left to notice");
		return;
	}
	if (!begin())
		return;
	task_set_cpus(task_current(), 1ull << cpu_id());
	others &= 0 - others;
	t = help_spawn("masker", 12, others, mask, NULL);
	TEST_CHECK(task_join(t, time_after_ns(60 * SEC)) == 0);
	TEST_CHECK_VAL(incidents() == 1, incidents(), 0);
	tm_snprintf(where, sizeof(where), "CPU %d: no interrupt", __builtin_ctzll(others));
	TEST_CHECK(has(where) && has("'masker', prio 12"));
	end();
}

/* Long work that nobody waits for is nobody's business. */
static void test_alone(void)
{
	if (cpus_online_count() < 2) {
		test_skip("one CPU: the shell waits for it");
		return;
	}
	if (!begin())
		return;
	task_set_prio(task_current(), 20);
	help_spin(2 * limit);
	TEST_CHECK_VAL(incidents() == 0, incidents(), 0);
	end();
}

static void spin_on(void *arg)
{
	(void)arg;
	help_spin(5 * limit);
}

/*
 * With a shorter limit this CPU's check comes soon and many times, that of the
 * other one when it was set to come, 5 limits later: it is not silent because it
 * was not asked.
 */
static void test_shorter(void)
{
	u64 here = 1ull << cpu_id(), others = cpus_online() & ~here;
	struct task *t;

	if (!others) {
		test_skip("one CPU: nobody watches another");
		return;
	}
	if (!begin())
		return;
	task_set_cpus(task_current(), here);
	watchdog_set(0, false);
	sleep_ms(2500); /* no CPU is watched any more */
	watchdog_set(25 * limit, false);
	sleep_ms(1); /* from now on this one is, every 5 limits */
	help_spin(17 * limit / 4);
	t = help_spawn("other", 12, others & (0 - others), spin_on, NULL);
	help_spin(limit / 2);
	watchdog_set(limit, false);
	help_spin(7 * limit / 2);
	TEST_CHECK_VAL(incidents() == 0, incidents(), 0);
	help_join(t);
	end();
}

static u64 alarms(void)
{
	unsigned int i;
	u64 sum = 0;

	for (i = 0; i < MAX_CPUS; i++)
		sum += __atomic_load_n(&cpus[i].nr_timer, __ATOMIC_RELAXED);
	return sum;
}

/* At rest no CPU ticks: of 25 checks in the time, one or two a CPU are left. */
static void test_rest(void)
{
	u64 before, most = 4 * cpus_online_count() + 2;
	unsigned int i;

	if (!begin())
		return;
	watchdog_set(100 * MS, false);
	for (i = 0; i < 30; i++)
		sleep_ms(10); /* all have had a check with the new limit */
	before = alarms();
	sleep_ms(500);
	TEST_CHECK_VAL(alarms() - before <= most, alarms() - before, most);
	end();
}

static const struct test_case cases[] = {
	{ "preemption", test_preemption }, { "hog", test_hog },         { "masked", test_masked },
	{ "alone", test_alone },           { "shorter", test_shorter }, { "rest", test_rest },
};

const struct test_suite suite_watchdog = { "watchdog", cases, ARRAY_SIZE(cases) };
