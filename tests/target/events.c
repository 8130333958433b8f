/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event flags: any and all, clearing, order by urgency among many more waiters
 * than one look takes, priority changes and timeouts in the middle of a look, a
 * setter of low priority that a hog keeps from the CPU, and the end of its loan
 * when another task ends the look.
 */
#include "tests/target/help.h"

enum { NR_WAITERS = 40, ROUNDS = 30 };

static struct events ev;
static u32 nr_done, nr_bad, next_place;
static u32 place[NR_WAITERS]; /* in the order they took the bit */

static void test_refused(void)
{
	u32 got = 77;

	events_init(&ev, "flags");
	TEST_CHECK(events_wait(&ev, 0, EVENTS_ANY, 0, &got) == ERR_INVAL);
	TEST_CHECK(events_wait(&ev, 1, 4, 0, &got) == ERR_INVAL);
	TEST_CHECK(events_wait(&ev, 1, EVENTS_ANY, 0, &got) == ERR_TIMEDOUT);
	TEST_CHECK(events_wait(&ev, 1, EVENTS_ANY, time_after_ns(MS), NULL) == ERR_TIMEDOUT);
	TEST_CHECK(got == 77);
}

static void test_poll(void)
{
	u32 got = 0;

	events_init(&ev, "flags");
	events_set(&ev, 6);
	TEST_CHECK(events_wait(&ev, 4, EVENTS_ANY, 0, &got) == 0 && got == 6);
	TEST_CHECK(events_wait(&ev, 5, EVENTS_ALL, 0, NULL) == ERR_TIMEDOUT);
	TEST_CHECK(events_wait(&ev, 5, EVENTS_ANY | EVENTS_CLEAR, 0, &got) == 0 && got == 6);
	TEST_CHECK(events_wait(&ev, 4, EVENTS_ANY, 0, NULL) == ERR_TIMEDOUT);
	events_set(&ev, 1);
	TEST_CHECK(events_wait(&ev, 3, EVENTS_ALL | EVENTS_CLEAR, 0, &got) == 0 && got == 3);
	TEST_CHECK(events_wait(&ev, ~0u, EVENTS_ANY, 0, NULL) == ERR_TIMEDOUT);
	events_set(&ev, ~0u);
	events_clear(&ev, 1);
	TEST_CHECK(events_wait(&ev, ~0u, EVENTS_ALL, 0, NULL) == ERR_TIMEDOUT);
	TEST_CHECK(events_wait(&ev, ~1u, EVENTS_ALL, 0, &got) == 0 && got == ~1u);
}

struct waiter {
	u32 bits, how, got;
	int err;
	u64 deadline;
};
static struct waiter waiters[NR_WAITERS];
static struct task *tasks[NR_WAITERS];

static void wait_once(void *arg)
{
	struct waiter *w = arg;

	w->err = events_wait(&ev, w->bits, w->how, w->deadline, &w->got);
	place[help_add(&next_place, 1) - 1] = (u32)(w - waiters);
	help_add(&nr_done, 1);
}

/* Waiter i waits; returns once it does. */
static void start_waiter(u32 i, unsigned int prio, u32 bits, u32 how, u64 cpu_mask)
{
	waiters[i] = (struct waiter){ .bits = bits, .how = how, .err = 1, .deadline = TM_FOREVER };
	tasks[i] = help_spawn("waiter", prio, cpu_mask, wait_once, &waiters[i]);
	TEST_CHECK(help_await(&ev.waiters.nr_waiting, i + 1));
}

static void begin(void)
{
	task_set_prio(task_current(), 25);
	events_init(&ev, "flags");
	nr_done = next_place = nr_bad = 0;
}

static void join_all(u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		help_join(tasks[i]);
}

/* All of them are woken by one set, the most urgent first: on one CPU they take
 * their places in that order, equals in the order in which they came. */
static void test_wake_all(void)
{
	u64 here = 1ull << cpu_id();
	u32 i, wrong = 0;

	begin();
	for (i = 0; i < NR_WAITERS; i++)
		start_waiter(i, 10 + i * 7 % 5, 1u << i % 8, EVENTS_ANY, here);
	task_set_cpus(task_current(), here);
	events_set(&ev, 0xff);
	TEST_CHECK_VAL(ev.waiters.nr_waiting == 0, ev.waiters.nr_waiting, 0);
	join_all(NR_WAITERS);
	for (i = 1; i < NR_WAITERS; i++) {
		u32 a = place[i - 1], b = place[i], pa = 10 + a * 7 % 5, pb = 10 + b * 7 % 5;

		wrong += pa < pb || (pa == pb && a > b);
		wrong += waiters[i].got != 0xff || waiters[i].err != 0;
	}
	TEST_CHECK_VAL(!wrong && nr_done == NR_WAITERS, wrong, nr_done);
}

/* A clearing waiter takes the bits away from those behind it: one set, one
 * waiter, wherever in the queue the first fitting one stands. */
static void test_clear_order(void)
{
	u32 i, j;

	begin();
	/* Bit 0 only: the last eight, less urgent; the others wait for bit 1. */
	for (i = 0; i < NR_WAITERS; i++)
		start_waiter(i, i < NR_WAITERS - 8 ? 15 : 12, i < NR_WAITERS - 8 ? 2 : 1,
			     EVENTS_ANY | EVENTS_CLEAR, CPUS_ALL);
	for (i = 0; i < 8; i++) {
		events_set(&ev, 1);
		TEST_CHECK(help_await(&nr_done, i + 1));
		TEST_CHECK_VAL(place[i] == NR_WAITERS - 8 + i, place[i], i);
		TEST_CHECK(ev.bits == 0);
	}
	for (j = 0; j < NR_WAITERS - 8; j++) {
		events_set(&ev, 2);
		TEST_CHECK(help_await(&nr_done, 9 + j));
		TEST_CHECK_VAL(place[8 + j] == j, place[8 + j], j);
	}
	join_all(NR_WAITERS);
	TEST_CHECK(ev.waiters.nr_waiting == 0 && ev.bits == 0);
}

static void test_all_of(void)
{
	begin();
	start_waiter(0, 12, 3, EVENTS_ALL | EVENTS_CLEAR, CPUS_ALL);
	start_waiter(1, 11, 1, EVENTS_ANY | EVENTS_CLEAR, CPUS_ALL);
	events_set(&ev, 2);
	sleep_ms(1);
	TEST_CHECK(nr_done == 0);
	events_set(&ev, 1); /* both could go; the more urgent one takes both bits */
	TEST_CHECK(help_await(&nr_done, 1));
	TEST_CHECK(place[0] == 0 && waiters[0].got == 3 && ev.bits == 0);
	events_set(&ev, 4 | 1);
	join_all(2);
	TEST_CHECK(waiters[1].got == 5 && ev.bits == 4);
}

/* ---- in the middle of a look --------------------------------------------------------- */

static u32 stop_moving;

static void mover(void *arg)
{
	u32 i = 0;

	(void)arg;
	while (!help_read(&stop_moving)) {
		/* Tasks that already ended stay until they are joined. */
		task_set_prio(tasks[i % NR_WAITERS], 5 + i * 11 % 15);
		i++;
		if (i % 8 == 0)
			sleep_ns(10 * 1000);
	}
}

static void setter(void *arg)
{
	events_set(&ev, (u32)(uintptr_t)arg);
}

/*
 * Everybody is woken, though priorities change, waiters time out and two set
 * different bits at once: nobody is passed over.
 */
static void test_moves(void)
{
	struct task *m, *a, *b;
	u32 round, i, lost;

	for (round = 0; round < ROUNDS; round++) {
		begin();
		stop_moving = 0;
		for (i = 0; i < NR_WAITERS; i++)
			start_waiter(i, 6 + i % 12, i % 2 ? 1 : 2, EVENTS_ANY, CPUS_ALL);
		m = help_spawn("mover", 19, CPUS_ALL, mover, NULL);
		a = help_spawn("set 1", 5 + round % 15, CPUS_ALL, setter, (void *)1);
		b = help_spawn("set 2", 5 + round * 7 % 15, CPUS_ALL, setter, (void *)2);
		help_join(a);
		help_join(b);
		lost = ev.waiters.nr_waiting;
		TEST_CHECK_VAL(!lost, lost, round);
		__atomic_store_n(&stop_moving, 1, __ATOMIC_RELEASE);
		help_join(m);
		if (lost) {
			events_set(&ev, 3);
			return;
		}
		join_all(NR_WAITERS);
	}
}

/* Deadlines pass while bits are set one by one: each bit reaches one waiter, or
 * is still there in the end. */
static void test_timeouts(void)
{
	u64 base = time_after_ns(50 * MS);
	u32 i, taken = 0, set = 0;

	begin();
	for (i = 0; i < NR_WAITERS; i++) {
		waiters[i] = (struct waiter){ .bits = 1,
					      .how = EVENTS_ANY | EVENTS_CLEAR,
					      .deadline = base + i * 5000 };
		tasks[i] = help_spawn("waiter", 10 + i % 3, CPUS_ALL, wait_once, &waiters[i]);
	}
	/* On a host that is late some have left already, and none comes any more. */
	while (help_read(&ev.waiters.nr_waiting) + help_read(&nr_done) < NR_WAITERS)
		sleep_ns(10 * 1000);
	sleep_until_ns(base);
	for (i = 0; i < NR_WAITERS; i++) {
		set += events_wait(&ev, 1, EVENTS_ANY, 0, NULL) == ERR_TIMEDOUT;
		events_set(&ev, 1);
		help_spin(10 * 1000);
	}
	join_all(NR_WAITERS);
	for (i = 0; i < NR_WAITERS; i++) {
		taken += waiters[i].err == 0;
		TEST_CHECK(waiters[i].err == 0 || waiters[i].err == ERR_TIMEDOUT);
	}
	TEST_CHECK_VAL(taken + ev.bits == set, taken + ev.bits, set);
}

/* ---- priority ----------------------------------------------------------------------------- */

static u32 hog_go;
static struct task *hog_task;

static void hog(void *arg)
{
	(void)arg;
	while (help_read(&hog_go))
		arch_cpu_relax();
}

static void wait_and_start_hog(void *arg)
{
	wait_once(arg);
	hog_task = help_spawn("hog", 9, 1ull << cpu_id(), hog, NULL);
}

/*
 * One CPU. The setter is the least urgent task, and the first waiter it wakes
 * starts a hog between the two. The setter looks on at the level of those that
 * still wait, so they all come before the hog is through.
 */
static void test_low_setter(void)
{
	u64 here = 1ull << cpu_id();
	struct task *s;
	u32 i;

	begin();
	hog_go = 1;
	waiters[0] = (struct waiter){ .bits = 1, .how = EVENTS_ANY, .deadline = TM_FOREVER };
	tasks[0] = help_spawn("waiter", 16, here, wait_and_start_hog, &waiters[0]);
	TEST_CHECK(help_await(&ev.waiters.nr_waiting, 1));
	for (i = 1; i < NR_WAITERS; i++)
		start_waiter(i, 15, 1, EVENTS_ANY, here);
	s = help_spawn("setter", 3, here, setter, (void *)1);
	TEST_CHECK_VAL(help_await(&nr_done, NR_WAITERS), nr_done, 0);
	__atomic_store_n(&hog_go, 0, __ATOMIC_RELEASE);
	join_all(NR_WAITERS);
	help_join(hog_task);
	help_join(s);
	TEST_CHECK(!ev.waiters.server);
}

static struct task *lent_task;
static u32 prio_during, prio_after;

/* Woken in the middle of a look, it ends that look by a set that meets nobody. */
static void wait_and_set(void *arg)
{
	wait_once(arg);
	prio_during = task_prio(lent_task);
	events_set(&ev, 4);
	prio_after = task_prio(lent_task);
}

/*
 * One CPU. The first waiter that is woken ends the look the setter began: the
 * setter is at its own level again at once, not only when it runs the next time.
 */
static void test_loan_ends(void)
{
	u64 here = 1ull << cpu_id();

	begin();
	waiters[0] = (struct waiter){ .bits = 1,
				      .how = EVENTS_ANY | EVENTS_CLEAR,
				      .deadline = TM_FOREVER };
	tasks[0] = help_spawn("waiter", 16, here, wait_and_set, &waiters[0]);
	TEST_CHECK(help_await(&ev.waiters.nr_waiting, 1));
	start_waiter(1, 15, 2, EVENTS_ANY, here);
	lent_task = help_spawn("setter", 3, here, setter, (void *)1);
	TEST_CHECK(help_await(&nr_done, 1));
	help_join(lent_task);
	help_join(tasks[0]);
	TEST_CHECK_VAL(prio_during == 15 && prio_after == 3, prio_during, prio_after);
	TEST_CHECK(!ev.waiters.server && ev.waiters.nr_waiting == 1);
	events_set(&ev, 2);
	help_join(tasks[1]);
}

static void set_in_interrupt(struct timer *t)
{
	(void)t;
	events_set(&ev, 8);
}

static void test_interrupt(void)
{
	static struct timer timer;
	u32 i;

	begin();
	for (i = 0; i < NR_WAITERS; i++)
		start_waiter(i, 12, 8, EVENTS_ANY, CPUS_ALL);
	timer_init(&timer, set_in_interrupt);
	timer_start(&timer, time_after_ns(MS), 0);
	join_all(NR_WAITERS);
	timer_stop_sync(&timer);
	TEST_CHECK(nr_done == NR_WAITERS);
}

static const struct test_case cases[] = {
	{ "refused", test_refused },     { "poll", test_poll },
	{ "wake_all", test_wake_all },   { "clear_order", test_clear_order },
	{ "all_of", test_all_of },       { "moves", test_moves },
	{ "timeouts", test_timeouts },   { "low_setter", test_low_setter },
	{ "loan_ends", test_loan_ends }, { "interrupt", test_interrupt },
};

const struct test_suite suite_events = { "events", cases, ARRAY_SIZE(cases) };
