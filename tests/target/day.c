/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long spans of time: periodic timers and sleepers of mixed periods over as many
 * hours as `test_hours=` says, none of which may be early, late or lost, and
 * whose number at the end is what arithmetic says. For machines whose time can
 * jump over waiting; left out elsewhere, because hours take hours. Where the
 * counter stood at the start, and whether it wraps meanwhile, must not show.
 */
#include "tests/target/help.h"

enum { HOUR_S = 3600 };
#define EARLY_ALARM (~0ull >> 1) /* the last deadline that can come: it must not */

static const u64 periods_ms[] = { 997,   1000,  1700,   3300,    7000,    13370,  60000,
				  61000, 86399, 600000, 3600000, 3599999, 7200001 };
static const u64 naps_ms[] = { 1100, 2900, 17000, 61001, 301000, 5400000 };

static struct ticker {
	struct timer timer; /* first */
	u64 count, worst_ns, first;
	u32 wrong;
} tickers[ARRAY_SIZE(periods_ms)];

static struct sleeper {
	struct task *task;
	u64 nap_ns, first, count, worst_ns;
	u32 wrong;
} sleepers[ARRAY_SIZE(naps_ms)];

static struct timer never, last;
static u32 nr_never, nr_last; /* (A) calls */
static u64 end_ns, late_ns;

static void note(u64 due, u64 *worst_ns, u32 *wrong)
{
	u64 now = time_now_ns();

	if (now < due || now - due > late_ns)
		(*wrong)++;
	else
		*worst_ns = max_u64(*worst_ns, now - due);
}

/* The deadline is that of the next call already. */
static void ticked(struct timer *t)
{
	struct ticker *k = container_of(t, struct ticker, timer);

	k->count++;
	note(t->deadline - t->period, &k->worst_ns, &k->wrong);
}

static void never_due(struct timer *t)
{
	(void)t;
	help_add(&nr_never, 1);
}

static void last_due(struct timer *t)
{
	(void)t;
	help_add(&nr_last, 1);
}

static void sleeper_task(void *arg)
{
	struct sleeper *s = arg;
	u64 due;

	for (due = s->first; due < end_ns; due += s->nap_ns) {
		sleep_until_ns(due);
		s->count++;
		note(due, &s->worst_ns, &s->wrong);
	}
}

static void start_all(u64 start)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(tickers); i++) {
		struct ticker *k = &tickers[i];

		k->first = start + periods_ms[i] * MS;
		timer_init(&k->timer, ticked);
		TEST_CHECK(timer_start(&k->timer, k->first, periods_ms[i] * MS) == 0);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(sleepers); i++) {
		struct sleeper *s = &sleepers[i];

		s->nap_ns = naps_ms[i] * MS;
		s->first = start + s->nap_ns;
		s->task = help_spawn("sleeper", 10 + i, CPUS_ALL, sleeper_task, s);
	}
	timer_init(&never, never_due);
	timer_init(&last, last_due);
	TEST_CHECK(timer_start(&never, EARLY_ALARM, 0) == 0);
	TEST_CHECK(timer_start(&last, end_ns - 2 * MS, 0) == 0);
}

/* Times that a period fits between its first and the end, both included. */
static u64 expected(u64 first, u64 period)
{
	return first >= end_ns ? 0 : (end_ns - 1 - first) / period + 1;
}

static void check(const char *what, u64 period_ns, u64 count, u64 want, u32 wrong)
{
	if (count != want || wrong)
		test_report("%s of %llu ms: %llu times, not %llu; %u of them early or late", what,
			    (unsigned long long)(period_ns / MS), (unsigned long long)count,
			    (unsigned long long)want, wrong);
}

static u64 stop_all(u64 *worst_ns)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(tickers); i++) {
		struct ticker *k = &tickers[i];
		u64 period = periods_ms[i] * MS;

		(void)timer_stop_sync(&k->timer);
		check("timer", period, k->count + timer_overruns(&k->timer),
		      expected(k->first, period), k->wrong);
		*worst_ns = max_u64(*worst_ns, k->worst_ns);
		sum += k->count;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(sleepers); i++) {
		struct sleeper *s = &sleepers[i];

		help_join(s->task);
		check("sleeper", s->nap_ns, s->count, expected(s->first, s->nap_ns), s->wrong);
		*worst_ns = max_u64(*worst_ns, s->worst_ns);
		sum += s->count;
	}
	TEST_CHECK(timer_stop(&never) && !nr_never);
	TEST_CHECK(!timer_stop(&last) && nr_last == 1);
	return sum;
}

static void test_timers(void)
{
	u64 hours = boot_test_hours(), start, worst_ns = 0, events;

	if (!hours) {
		test_skip("test_hours= does not say how many");
		return;
	}
	test_allow_s(hours * HOUR_S + 60);
	memset(tickers, 0, sizeof(tickers));
	memset(sleepers, 0, sizeof(sleepers));
	nr_never = nr_last = 0;
	/* Exact where time is virtual; elsewhere only what nobody can miss. */
	late_ns = strcmp(ARCH_NAME, "host") == 0 ? MS / 10 : 5 * SEC;
	(void)task_set_prio(task_current(), TASK_PRIO_MAX);
	start = time_now_ns();
	/* Between two milliseconds, where no deadline is. */
	end_ns = start + hours * HOUR_S * SEC + MS / 2;
	start_all(start);
	sleep_until_ns(end_ns);
	events = stop_all(&worst_ns);
	out_printf(&console_out, "    # %llu h: %llu events, at most %llu ns late\n",
		   (unsigned long long)hours, (unsigned long long)events,
		   (unsigned long long)worst_ns);
}

static const struct test_case cases[] = {
	{ "timers", test_timers },
};

const struct test_suite suite_day = { "day", cases, ARRAY_SIZE(cases) };
