/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time: sleeps are never early, past deadlines return at once, far ones
 * saturate, and timers fire in order. How late a sleep may be is only asserted
 * where instructions are counted: elsewhere the host decides.
 */
#include "rtos/sched.h"
#include "tests/target/help.h"

enum { NR_TIMERS = 100, LATE_NS = 200 * 1000, PERIOD_NS = 100 * 1000 };

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

/* ---- periods -------------------------------------------------------------------- */

static struct timer beat;
static u64 beat_base; /* deadline of the first call */
static u32 nr_beats, nr_off_grid, beats_wanted;

/* Called late or not, the deadlines stay on the grid; the last call stops it. */
static void on_beat(struct timer *t)
{
	nr_off_grid += (t->deadline - beat_base) % PERIOD_NS != 0;
	if (help_add(&nr_beats, 1) == beats_wanted)
		nr_off_grid += !timer_stop(t);
}

static void start_beat(u64 deadline, u32 wanted)
{
	nr_beats = nr_off_grid = 0;
	beats_wanted = wanted;
	beat_base = deadline;
	timer_init(&beat, on_beat);
	TEST_CHECK(timer_start(&beat, deadline, PERIOD_NS) == 0);
}

static void test_period(void)
{
	begin();
	TEST_CHECK(timer_start(&beat, 0, TIMER_PERIOD_MIN_NS - 1) == ERR_INVAL);
	TEST_CHECK(timer_start(&beat, 0, 1) == ERR_INVAL);
	start_beat(time_after_ns(PERIOD_NS), 50);
	TEST_CHECK_VAL(help_await(&nr_beats, 50), nr_beats, 0);
	sleep_ns(4 * PERIOD_NS);
	TEST_CHECK_VAL(nr_beats == 50 && !nr_off_grid, nr_beats, nr_off_grid);
	TEST_CHECK(time_now_ns() >= beat_base + (49 + timer_overruns(&beat)) * PERIOD_NS);
	TEST_CHECK(!timer_stop(&beat));
	/* A period that leads out of time ends the series. */
	beat_base = 0;
	beats_wanted = 0;
	TEST_CHECK(timer_start(&beat, 0, TM_FOREVER) == 0);
	TEST_CHECK(help_await(&nr_beats, 51));
	TEST_CHECK(!timer_stop(&beat));
}

/* Masked for many periods: they are counted, and the next call is on the grid. */
static void test_overruns(void)
{
	u64 flags, late;

	begin();
	flags = arch_irq_save();
	start_beat(time_after_ns(PERIOD_NS), 2);
	late = beat_base + 20 * PERIOD_NS + PERIOD_NS / 2;
	while (time_now_ns() < late)
		arch_cpu_relax();
	arch_irq_restore(flags);
	TEST_CHECK(help_await(&nr_beats, 2));
	TEST_CHECK_VAL(timer_overruns(&beat) >= 20 && !nr_off_grid, timer_overruns(&beat),
		       nr_off_grid);
	/* A first deadline long past: the calls since then were missed as well. */
	start_beat(time_now_ns() - 10 * PERIOD_NS, 1);
	TEST_CHECK(help_await(&nr_beats, 1));
	TEST_CHECK_VAL(timer_overruns(&beat) >= 10, timer_overruns(&beat), 0);
	/* 0 is now, not the beginning of time. */
	start_beat(0, 1);
	TEST_CHECK(help_await(&nr_beats, 1));
	TEST_CHECK_VAL(timer_overruns(&beat) < 10 * SEC / PERIOD_NS, timer_overruns(&beat), 0);
}

/* Set anew while pending: only the last word counts, also from its own fn. */
static void restart(struct timer *t)
{
	if (help_add(&nr_fired, 1) < 5)
		TEST_CHECK(timer_start(t, time_after_ns(PERIOD_NS), 0) == 0);
}

static void test_restart(void)
{
	begin();
	timer_init(&timers[0], restart);
	timer_start(&timers[0], time_after_ns(3600 * SEC), 0);
	timer_start(&timers[0], TM_FOREVER, 0);
	TEST_CHECK(!timer_stop(&timers[0]));
	timer_start(&timers[0], time_after_ns(3600 * SEC), PERIOD_NS);
	timer_start(&timers[0], time_after_ns(PERIOD_NS), 0);
	TEST_CHECK_VAL(help_await(&nr_fired, 5), nr_fired, 0);
	TEST_CHECK(!timer_stop(&timers[0]));
}

static u32 in_fn;

static void slow(struct timer *t)
{
	in_fn = 1;
	help_spin(PERIOD_NS / 4);
	timer_start(t, time_after_ns(PERIOD_NS / 10), 0);
	__atomic_store_n(&in_fn, 0, __ATOMIC_RELEASE);
	help_add(&nr_fired, 1);
}

static void start_slow(void *arg)
{
	(void)arg;
	timer_init(&timers[0], slow);
	timer_start(&timers[0], time_after_ns(PERIOD_NS), 0);
}

/* A timer of another CPU that starts itself again: stopped for good, and its fn
 * is not running, when timer_stop_sync() returns. */
static void test_stop_sync(void)
{
	u64 others = cpus_online() & ~(1ull << cpu_id());
	unsigned int round;
	u32 fired;

	for (round = 0; round < 20; round++) {
		begin();
		help_join(help_spawn("start", 9, others ? others : CPUS_ALL, start_slow, NULL));
		TEST_CHECK(help_await(&nr_fired, 1 + round % 3));
		timer_stop_sync(&timers[0]);
		TEST_CHECK(!help_read(&in_fn));
		fired = help_read(&nr_fired);
		sleep_ns(2 * PERIOD_NS);
		TEST_CHECK_VAL(fired == help_read(&nr_fired), fired, nr_fired);
	}
}

/* ---- the edges of time ------------------------------------------------------------ */

static void sleep_edge(void *arg)
{
	sleep_until_ns(*(u64 *)arg);
	help_add(&nr_fired, 1);
}

/* From 2^63 on, that is from any negative number on, nothing ever comes. */
static void test_never(void)
{
	static const u64 never[] = { 1ull << 63, (1ull << 63) + 1, ~0ull - 1, TM_FOREVER };
	static u64 last = (1ull << 63) - 1;
	u64 flags;
	unsigned int i;

	begin();
	for (i = 0; i < ARRAY_SIZE(never); i++) {
		timer_init(&timers[i], on_timer);
		TEST_CHECK(timer_start(&timers[i], never[i], i % 2 ? SEC : 0) == 0);
		TEST_CHECK(!timer_stop(&timers[i]));
	}
	timer_init(&timers[0], on_timer);
	timer_start(&timers[0], last, 0); /* far, but it would come */
	sleep_ms(1);
	TEST_CHECK(timer_stop(&timers[0]));
	TEST_CHECK(nr_fired == 0);
	TEST_CHECK(deadline_never(never[0]) && !deadline_never(last) && !deadline_passed(last));
	TEST_CHECK(deadline_passed(0) && deadline_passed(1) && !deadline_passed(never[0]));
	flags = sched_lock();
	TEST_CHECK(timer_check_locked(cpu_id()) == 0);
	sched_unlock(flags);
}

static void test_past_sleeps(void)
{
	static const u64 past[] = { 0, 1, 1000 };
	unsigned int i;

	begin();
	for (i = 0; i < ARRAY_SIZE(past); i++)
		sleep_edge((void *)(uintptr_t)&past[i]);
	TEST_CHECK(nr_fired == ARRAY_SIZE(past));
	sleep_ms(0);
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
	{ "many_sleepers", test_many_sleepers }, { "period", test_period },
	{ "overruns", test_overruns },           { "restart", test_restart },
	{ "stop_sync", test_stop_sync },         { "never", test_never },
	{ "past_sleeps", test_past_sleeps },
};

const struct test_suite suite_time = { "time", cases, ARRAY_SIZE(cases) };
