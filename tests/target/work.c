/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deferred work: order of submission, once however often submitted, again when
 * submitted while it runs, timed, cancelled and flushed against a queue that is
 * busy, from interrupts, and with the priority of who waits for it.
 */
#include "tests/target/help.h"

enum { NR_WORKS = 10, ROUNDS = 200 };

static struct workq *queue; /* at level 6, made once */
static struct work works[NR_WORKS];
static u32 calls[NR_WORKS], order[NR_WORKS], nr_calls, nr_inside, nr_bad;
static u32 gate; /* works wait here until it opens */

static void count(struct work *w)
{
	u32 i = (u32)(w - works);

	nr_bad += help_add(&nr_inside, 1) != 1 || !may_sleep();
	help_add(&calls[i], 1);
	order[help_add(&nr_calls, 1) % NR_WORKS] = i;
	help_add(&nr_inside, ~0u);
}

static void count_at_gate(struct work *w)
{
	while (!help_read(&gate))
		sleep_ns(10 * 1000);
	count(w);
}

static void again(struct work *w)
{
	count(w);
	if (calls[w - works] < 5)
		nr_bad += !work_submit(queue, w);
}

static bool begin(void (*fn)(struct work *w))
{
	u32 i;

	if (!queue)
		queue = workq_create("test", 6, 0);
	TEST_CHECK(queue);
	memset(calls, 0, sizeof(calls));
	nr_calls = nr_bad = nr_inside = gate = 0;
	for (i = 0; i < NR_WORKS; i++)
		work_init(&works[i], fn);
	return queue;
}

static u64 patience(void)
{
	return time_after_ns(30 * SEC);
}

static void open_gate(void)
{
	__atomic_store_n(&gate, 1, __ATOMIC_RELEASE);
}

static void test_order(void)
{
	u32 i;

	if (!begin(count_at_gate))
		return;
	for (i = 0; i < NR_WORKS; i++)
		TEST_CHECK(work_submit(queue, &works[i * 7 % NR_WORKS]));
	/* All but the one that runs already are pending. */
	for (i = 1; i < NR_WORKS; i++)
		TEST_CHECK(!work_submit(queue, &works[i * 7 % NR_WORKS]));
	open_gate();
	TEST_CHECK(work_flush(&works[(NR_WORKS - 1) * 7 % NR_WORKS], patience()) == 0);
	for (i = 0; i < NR_WORKS; i++)
		TEST_CHECK_VAL(order[(i + 1) % NR_WORKS] == i * 7 % NR_WORKS, order[i], i);
	TEST_CHECK_VAL(nr_calls == NR_WORKS && !nr_bad, nr_calls, nr_bad);
	TEST_CHECK(work_flush(&works[0], 0) == 0);
}

static void test_again(void)
{
	if (!begin(again))
		return;
	TEST_CHECK(work_submit(queue, &works[0]));
	TEST_CHECK(work_flush(&works[0], patience()) == 0);
	TEST_CHECK_VAL(calls[0] == 5 && !nr_bad, calls[0], nr_bad);
	TEST_CHECK(work_submit(workq_system(), &works[0]));
	TEST_CHECK(work_flush(&works[0], patience()) == 0);
	TEST_CHECK(calls[0] == 6);
}

static void test_timed(void)
{
	u64 due = time_after_ns(2 * MS);

	if (!begin(count))
		return;
	gate = 1;
	TEST_CHECK(work_submit_at(queue, &works[0], due));
	TEST_CHECK(!work_submit_at(queue, &works[0], 0) || time_now_ns() >= due);
	TEST_CHECK(work_flush(&works[0], time_after_ns(MS / 10)) == ERR_TIMEDOUT ||
		   time_now_ns() >= due);
	TEST_CHECK(work_flush(&works[0], patience()) == 0);
	TEST_CHECK_VAL(calls[0] >= 1 && time_now_ns() >= due, calls[0], due);
	/* Never, until it is taken back; the past, at once. */
	TEST_CHECK(work_submit_at(queue, &works[1], TM_FOREVER));
	TEST_CHECK(work_flush(&works[1], time_after_ns(MS)) == ERR_TIMEDOUT);
	TEST_CHECK(work_cancel(&works[1]));
	TEST_CHECK(!work_cancel(&works[1]));
	TEST_CHECK(work_flush(&works[1], 0) == 0 && calls[1] == 0);
	TEST_CHECK(work_submit_at(queue, &works[1], time_now_ns() - 1));
	TEST_CHECK(work_flush(&works[1], patience()) == 0 && calls[1] == 1);
}

static void test_cancel(void)
{
	if (!begin(count_at_gate))
		return;
	work_submit(queue, &works[0]);
	work_submit(queue, &works[1]);
	work_submit(queue, &works[2]);
	TEST_CHECK(work_cancel(&works[1]));
	TEST_CHECK(work_flush(&works[2], 0) == ERR_TIMEDOUT);
	open_gate();
	TEST_CHECK(work_flush(&works[2], patience()) == 0);
	TEST_CHECK(work_flush(&works[0], patience()) == 0);
	TEST_CHECK_VAL(calls[0] == 1 && calls[1] == 0 && calls[2] == 1, calls[0], calls[1]);
	TEST_CHECK(!work_cancel(&works[2]));
}

/* Submit, cancel and flush against each other and the alarm: a call happens
 * exactly for each submission that was not cancelled. */
static void test_races(void)
{
	u32 i, submitted = 0, cancelled = 0;

	if (!begin(count))
		return;
	for (i = 0; i < ROUNDS; i++) {
		u64 deadline = i % 3 ? time_after_ns(i % 7 * 1000) : 0;

		submitted += work_submit_at(queue, &works[0], deadline);
		help_spin(i % 11 * 500);
		if (i % 2)
			cancelled += work_cancel(&works[0]);
		if (i % 5 == 0)
			TEST_CHECK(work_flush(&works[0], patience()) == 0);
	}
	TEST_CHECK(work_flush(&works[0], patience()) == 0);
	TEST_CHECK_VAL(calls[0] == submitted - cancelled, calls[0], submitted - cancelled);
	TEST_CHECK_VAL(!nr_bad, nr_bad, 0);
}

static void submit_in_interrupt(struct timer *t)
{
	(void)t;
	nr_bad += !work_submit(queue, &works[3]);
}

static void test_interrupt(void)
{
	static struct timer timer;

	if (!begin(count))
		return;
	timer_init(&timer, submit_in_interrupt);
	timer_start(&timer, time_after_ns(MS), 0);
	TEST_CHECK(help_await(&calls[3], 1));
	TEST_CHECK(work_flush(&works[3], patience()) == 0);
	TEST_CHECK(!nr_bad && timer_stop_sync(&timer) == false);
}

static u32 hog_go, hog_started;
static u32 prio_seen;

static void hog(void *arg)
{
	(void)arg;
	help_add(&hog_started, 1);
	while (help_read(&hog_go))
		arch_cpu_relax();
}

static void look_at_prio(struct work *w)
{
	count(w);
	prio_seen = task_prio(task_current());
}

/* Hogs above the queue's level on every CPU: the work runs at the level of the
 * task that waits for it. */
static void test_priority(void)
{
	struct task *t[MAX_CPUS];
	unsigned int i, n = 0;
	u64 left;

	if (!begin(look_at_prio))
		return;
	task_set_prio(task_current(), 20);
	hog_go = 1;
	hog_started = 0;
	for (left = cpus_online(); left; left &= left - 1)
		t[n++] = help_spawn("hog", 10, left & (0 - left), hog, NULL);
	TEST_CHECK(help_await(&hog_started, n));
	work_submit(queue, &works[0]);
	sleep_ms(1);
	TEST_CHECK_VAL(calls[0] == 0, calls[0], 0);
	TEST_CHECK(work_flush(&works[0], patience()) == 0);
	TEST_CHECK_VAL(calls[0] == 1 && prio_seen == 20, calls[0], prio_seen);
	__atomic_store_n(&hog_go, 0, __ATOMIC_RELEASE);
	for (i = 0; i < n; i++)
		help_join(t[i]);
}

static const struct test_case cases[] = {
	{ "order", test_order },       { "again", test_again }, { "timed", test_timed },
	{ "cancel", test_cancel },     { "races", test_races }, { "interrupt", test_interrupt },
	{ "priority", test_priority },
};

const struct test_suite suite_work = { "work", cases, ARRAY_SIZE(cases) };
