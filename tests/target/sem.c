/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting semaphores: limits, every kind of deadline, order, giving from an
 * interrupt, and that no unit is ever lost or made up, whatever timeouts and
 * gifts collide.
 */
#include "rtos/sched.h"
#include "tests/target/help.h"

enum { BOSS_PRIO = 25 };

static struct sem sem;

static void begin(u32 initial, u32 max)
{
	TEST_CHECK(task_set_prio(task_current(), BOSS_PRIO) == 0);
	TEST_CHECK(sem_init(&sem, "test", initial, max) == 0);
	help_marks_begin();
}

static void take_and_mark(void *arg)
{
	TEST_CHECK(sem_wait(&sem, time_after_ns(30 * SEC)) == 0);
	help_mark((unsigned int)(uintptr_t)arg);
}

static void test_limits(void)
{
	struct sem s;
	u32 i;

	TEST_CHECK(sem_init(&s, "bad", 0, 0) == ERR_INVAL);
	TEST_CHECK(sem_init(&s, "bad", 4, 3) == ERR_INVAL);
	TEST_CHECK(sem_init(&s, "good", 1, 3) == 0);
	TEST_CHECK(sem_post(&s) == 0 && sem_post(&s) == 0);
	TEST_CHECK(sem_post(&s) == ERR_RANGE && sem_count(&s) == 3);
	for (i = 0; i < 3; i++)
		TEST_CHECK(sem_wait(&s, 0) == 0);
	TEST_CHECK(sem_wait(&s, 0) == ERR_TIMEDOUT && sem_count(&s) == 0);
	TEST_CHECK(sem_init(&s, "widest", ~0u, ~0u) == 0);
	TEST_CHECK(sem_post(&s) == ERR_RANGE && sem_count(&s) == ~0u);
}

/* Polling is legal where nothing may sleep; the past is a poll. */
static void test_deadlines(void)
{
	u64 due, flags;

	begin(1, 2);
	flags = arch_irq_save();
	TEST_CHECK(sem_wait(&sem, 0) == 0);
	TEST_CHECK(sem_wait(&sem, 0) == ERR_TIMEDOUT);
	TEST_CHECK(sem_post(&sem) == 0);
	arch_irq_restore(flags);
	preempt_disable();
	TEST_CHECK(sem_wait(&sem, 0) == 0);
	TEST_CHECK(sem_wait(&sem, 1) == ERR_TIMEDOUT);
	preempt_enable();
	TEST_CHECK(sem_wait(&sem, time_now_ns()) == ERR_TIMEDOUT);
	due = time_after_ns(2 * MS);
	TEST_CHECK(sem_wait(&sem, due) == ERR_TIMEDOUT);
	TEST_CHECK(time_now_ns() >= due);
	TEST_CHECK(sem.waiters.nr_waiting == 0 && may_sleep());
}

static u32 nr_forever; /* (A) */

static void wait_minus_one(void *arg)
{
	TEST_CHECK(sem_wait(&sem, (u64)(s64)(intptr_t)arg) == 0);
	help_add(&nr_forever, 1);
}

/* What a negative number becomes arms no timer. */
static void test_forever(void)
{
	struct task *t[2];

	begin(0, 1);
	nr_forever = 0;
	t[0] = help_spawn("minus one", 10, CPUS_ALL, wait_minus_one, (void *)-1);
	t[1] = help_spawn("least", 9, CPUS_ALL, wait_minus_one, (void *)INTPTR_MIN);
	TEST_CHECK(help_await(&sem.waiters.nr_waiting, 2));
	TEST_CHECK(!tree_linked(&t[0]->timer.node) && !tree_linked(&t[1]->timer.node));
	TEST_CHECK(sem_post(&sem) == 0 && sem_post(&sem) == 0);
	help_join(t[0]);
	help_join(t[1]);
	TEST_CHECK(nr_forever == 2 && sem_count(&sem) == 0);
}

static void test_order(void)
{
	static const unsigned int who[] = { 51, 201, 101, 202, 102, 71 };
	static const unsigned int want[] = { 201, 202, 101, 102, 71, 51 };
	struct task *t[ARRAY_SIZE(who)];
	unsigned int i;

	begin(0, 10);
	for (i = 0; i < ARRAY_SIZE(who); i++) {
		t[i] = help_spawn("waiter", who[i] / 10, CPUS_ALL, take_and_mark,
				  (void *)(uintptr_t)who[i]);
		TEST_CHECK(help_await(&sem.waiters.nr_waiting, i + 1));
	}
	for (i = 0; i < ARRAY_SIZE(who); i++) {
		TEST_CHECK(sem_post(&sem) == 0);
		TEST_CHECK(help_await(&help_nr_marks, i + 1));
	}
	for (i = 0; i < ARRAY_SIZE(who); i++) {
		TEST_CHECK_VAL(help_marks[i] == want[i], help_marks[i], want[i]);
		help_join(t[i]);
	}
	TEST_CHECK(sem_count(&sem) == 0);
}

/* Who gives to a more urgent one on its CPU goes on after it, and before those
 * of its own level; to a less urgent one, before it. */
static void test_preempts(void)
{
	static const unsigned int want[] = { 31, 99, 10 };
	u64 cpu = help_first_cpus(1);
	struct task *high, *low;

	begin(0, 10);
	TEST_CHECK(task_set_cpus(task_current(), cpu) == 0);
	high = help_spawn("high", 31, cpu, take_and_mark, (void *)31);
	TEST_CHECK(help_await(&sem.waiters.nr_waiting, 1));
	low = help_spawn("low", 10, cpu, take_and_mark, (void *)10);
	TEST_CHECK(help_await(&sem.waiters.nr_waiting, 2));
	TEST_CHECK(sem_post(&sem) == 0);
	TEST_CHECK(sem_post(&sem) == 0);
	help_mark(99);
	help_join(high);
	help_join(low);
	TEST_CHECK(help_marks[0] == want[0] && help_marks[1] == want[1] &&
		   help_marks[2] == want[2]);
}

/* With preemption off, and with a lock held, the switch waits. */
static void test_preempt_later(void)
{
	u64 cpu = help_first_cpus(1);
	struct task *high;

	begin(0, 10);
	TEST_CHECK(task_set_cpus(task_current(), cpu) == 0);
	high = help_spawn("high", 31, cpu, take_and_mark, (void *)31);
	TEST_CHECK(help_await(&sem.waiters.nr_waiting, 1));
	preempt_disable();
	TEST_CHECK(sem_post(&sem) == 0);
	help_mark(99);
	preempt_enable();
	help_join(high);
	TEST_CHECK_VAL(help_marks[0] == 99 && help_marks[1] == 31, help_marks[0], help_marks[1]);
}

/* ---- from an interrupt ---------------------------------------------------------------- */

static void give_from_interrupt(struct timer *t)
{
	(void)t;
	TEST_CHECK(in_interrupt());
	sem_post(&sem);
}

static void test_from_interrupt(void)
{
	struct timer timer;
	unsigned int i;
	u64 due;

	begin(0, 10);
	for (i = 0; i < 20; i++) {
		timer_init(&timer, give_from_interrupt);
		due = time_after_ns(MS / 2);
		TEST_CHECK(timer_start(&timer, due, 0) == 0);
		TEST_CHECK(sem_wait(&sem, time_after_ns(10 * SEC)) == 0);
		TEST_CHECK(time_now_ns() >= due);
		timer_stop_sync(&timer);
	}
}

/* ---- nothing is lost ----------------------------------------------------------------------- */

enum { GIVERS = 3, TAKERS = 4, GIFTS = 300 };

static u32 given, taken, takers_stop; /* (A) */

static void giver(void *arg)
{
	unsigned int i;
	u64 pause = (uintptr_t)arg + 1;

	for (i = 0; i < GIFTS; i++) {
		while (sem_post(&sem))
			sleep_ns(20 * 1000);
		help_add(&given, 1);
		pause = pause * 7 + 3;
		if (pause % 4 == 0)
			help_spin(pause % 3000);
	}
}

static void taker(void *arg)
{
	u64 pause = (uintptr_t)arg + 1;

	while (!help_read(&takers_stop)) {
		pause = pause * 7 + 3;
		if (sem_wait(&sem, time_after_ns(pause % 20000)) == 0)
			help_add(&taken, 1);
	}
}

static void test_conservation(void)
{
	struct task *g[GIVERS], *t[TAKERS];
	unsigned int i;

	begin(0, 8);
	given = 0;
	taken = 0;
	takers_stop = 0;
	for (i = 0; i < TAKERS; i++)
		t[i] = help_spawn("taker", 8 + i % 3, CPUS_ALL, taker, (void *)(uintptr_t)i);
	for (i = 0; i < GIVERS; i++)
		g[i] = help_spawn("giver", 12 + i % 3, CPUS_ALL, giver, (void *)(uintptr_t)i);
	for (i = 0; i < GIVERS; i++)
		help_join(g[i]);
	help_add(&takers_stop, 1);
	for (i = 0; i < TAKERS; i++)
		help_join(t[i]);
	TEST_CHECK_VAL(given == GIVERS * GIFTS, given, 0);
	TEST_CHECK_VAL(taken + sem_count(&sem) == given, taken, sem_count(&sem));
}

static const struct test_case cases[] = {
	{ "limits", test_limits },
	{ "deadlines", test_deadlines },
	{ "forever", test_forever },
	{ "order", test_order },
	{ "preempts", test_preempts },
	{ "preempt_later", test_preempt_later },
	{ "from_interrupt", test_from_interrupt },
	{ "conservation", test_conservation },
};

const struct test_suite suite_sem = { "sem", cases, ARRAY_SIZE(cases) };
