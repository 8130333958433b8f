/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting: no wake-up is ever lost, the most urgent waiter goes first, a
 * timeout and a wake-up that meet have exactly one winner, and mutexes exclude
 * and hand over in order.
 */
#include "rtos/sched.h"
#include "tests/target/help.h"

enum { ROUNDS = 1000 };

static struct spinlock lock = SPINLOCK_INIT(LOCK_RANK_NONE);
static struct waitq queue = WAITQ_INIT(queue, "test");

static u32 nr_queued(const struct waitq *q)
{
	return __atomic_load_n(&q->nr_waiting, __ATOMIC_RELAXED);
}

/* Wait until n tasks stand in the queue. */
static void await_queued(const struct waitq *q, u32 n)
{
	TEST_CHECK_VAL(help_await(&q->nr_waiting, n), nr_queued(q), n);
}

/* ---- ping-pong: each round is a chance to lose a wake-up --------------------------- */

static struct {
	struct waitq side[2];
	u64 turn; /* (lock) even: side 0 may go */
	u32 lost; /* (A) */
} pingpong;

static void pingpong_task(void *arg)
{
	unsigned int side = (unsigned int)(uintptr_t)arg, i;
	u64 deadline = time_after_ns(60 * SEC), flags;
	int err = 0;

	for (i = 0; i < ROUNDS && !err; i++) {
		flags = spin_lock_irqsave(&lock);
		while (pingpong.turn % 2 != side && !err)
			err = waitq_wait(&pingpong.side[side], &lock, &flags, deadline);
		pingpong.turn++;
		spin_unlock_irqrestore(&lock, flags);
		waitq_wake_one(&pingpong.side[!side]);
	}
	if (err)
		help_add(&pingpong.lost, 1);
}

static void run_pingpong(u64 a, u64 b)
{
	struct task *t[2];

	memset(&pingpong, 0, sizeof(pingpong));
	waitq_init(&pingpong.side[0], "ping");
	waitq_init(&pingpong.side[1], "pong");
	t[0] = help_spawn("ping", 12, a, pingpong_task, (void *)0);
	t[1] = help_spawn("pong", 12, b, pingpong_task, (void *)1);
	/* Their own deadline comes first. */
	TEST_CHECK(task_join(t[0], time_after_ns(70 * SEC)) == 0);
	TEST_CHECK(task_join(t[1], time_after_ns(70 * SEC)) == 0);
	TEST_CHECK_VAL(pingpong.lost == 0, pingpong.lost, pingpong.turn);
	TEST_CHECK_VAL(pingpong.turn == 2 * ROUNDS, pingpong.turn, 0);
}

static void test_pingpong_same_cpu(void)
{
	u64 cpu = help_first_cpus(1);

	run_pingpong(cpu, cpu);
}

static void test_pingpong_two_cpus(void)
{
	u64 one = help_first_cpus(1), two = help_first_cpus(2) & ~one;

	if (!two)
		test_skip("needs two CPUs");
	else
		run_pingpong(one, two);
}

static void test_pingpong_any_cpu(void)
{
	run_pingpong(CPUS_ALL, CPUS_ALL);
}

/* ---- order --------------------------------------------------------------------------- */

static void wait_and_mark(void *arg)
{
	u64 flags = spin_lock_irqsave(&lock);
	int err = waitq_wait(&queue, &lock, &flags, time_after_ns(30 * SEC));

	spin_unlock_irqrestore(&lock, flags);
	TEST_CHECK_VAL(err == 0, err, arg);
	help_mark((unsigned int)(uintptr_t)arg);
}

/* Start waiters one after the other; who = priority * 10 + number. */
static void start_waiters(const unsigned int *who, unsigned int n, struct task **t)
{
	unsigned int i;

	task_set_prio(task_current(), 25);
	help_marks_begin();
	for (i = 0; i < n; i++) {
		t[i] = help_spawn("waiter", who[i] / 10, CPUS_ALL, wait_and_mark,
				  (void *)(uintptr_t)who[i]);
		await_queued(&queue, i + 1);
	}
}

static void test_wake_order(void)
{
	static const unsigned int who[] = { 51, 201, 101, 202, 102, 71 };
	static const unsigned int want[] = { 201, 202, 101, 102, 71, 51 };
	struct task *t[ARRAY_SIZE(who)];
	unsigned int i;

	start_waiters(who, ARRAY_SIZE(who), t);
	for (i = 0; i < ARRAY_SIZE(who); i++) {
		TEST_CHECK(waitq_wake_one(&queue) == 1);
		TEST_CHECK(help_await(&help_nr_marks, i + 1));
	}
	TEST_CHECK(waitq_wake_one(&queue) == 0);
	help_marks_are(want, ARRAY_SIZE(want));
	for (i = 0; i < ARRAY_SIZE(who); i++)
		help_join(t[i]);
}

/* A change of priority while waiting changes the place in the queue. */
static void test_requeue(void)
{
	static const unsigned int who[] = { 51, 101, 151 };
	static const unsigned int want[] = { 51, 151, 101 };
	struct task *t[ARRAY_SIZE(who)];
	unsigned int i;

	start_waiters(who, ARRAY_SIZE(who), t);
	TEST_CHECK(task_set_prio(t[0], 20) == 0);
	for (i = 0; i < ARRAY_SIZE(who); i++) {
		TEST_CHECK(waitq_wake_one(&queue) == 1);
		TEST_CHECK(help_await(&help_nr_marks, i + 1));
	}
	help_marks_are(want, ARRAY_SIZE(want));
	for (i = 0; i < ARRAY_SIZE(who); i++)
		help_join(t[i]);
}

static void test_wake_all(void)
{
	static const unsigned int who[] = { 51, 101, 151, 52, 102, 152 };
	struct task *t[ARRAY_SIZE(who)];
	unsigned int i;

	start_waiters(who, ARRAY_SIZE(who), t);
	TEST_CHECK(waitq_wake_all(&queue) == ARRAY_SIZE(who));
	TEST_CHECK(waitq_wake_all(&queue) == 0);
	for (i = 0; i < ARRAY_SIZE(who); i++)
		help_join(t[i]);
	TEST_CHECK(help_nr_marks == ARRAY_SIZE(who));
}

/* ---- timeouts -------------------------------------------------------------------------- */

static int wait_until(u64 deadline)
{
	u64 flags = spin_lock_irqsave(&lock);
	int err = waitq_wait(&queue, &lock, &flags, deadline);

	TEST_CHECK(arch_irqs_masked() && spin_held(&lock));
	spin_unlock_irqrestore(&lock, flags);
	return err;
}

static void test_timeout(void)
{
	u64 due = time_after_ns(2 * MS);

	TEST_CHECK(wait_until(due) == ERR_TIMEDOUT);
	TEST_CHECK(time_now_ns() >= due);
	TEST_CHECK(wait_until(0) == ERR_TIMEDOUT);
	TEST_CHECK(wait_until(time_now_ns()) == ERR_TIMEDOUT);
	TEST_CHECK_VAL(nr_queued(&queue) == 0, nr_queued(&queue), 0);
	TEST_CHECK(may_sleep());
}

static struct {
	u32 stop, woken, rounds;
} race;

static void racer(void *arg)
{
	u64 pause = 1;

	(void)arg;
	while (!help_read(&race.stop)) {
		race.woken += waitq_wake_one(&queue);
		help_spin(pause % 50000);
		pause = pause * 7 + 3;
	}
}

/* Deadlines and wake-ups that hit each other: every wait ends for one reason,
 * and every wake-up that claims a task has one. */
static void test_timeout_race(void)
{
	unsigned int woken = 0, timed_out = 0, i;
	struct task *t;
	int err;

	memset(&race, 0, sizeof(race));
	/* More urgent than the waker, so that it works on one CPU too. */
	task_set_prio(task_current(), 20);
	t = help_spawn("racer", 10, CPUS_ALL, racer, NULL);
	for (i = 0; i < 1500; i++) {
		err = wait_until(time_after_ns(1000 + i * 37 % 40000));
		woken += err == 0;
		timed_out += err == ERR_TIMEDOUT;
	}
	help_add(&race.stop, 1);
	help_join(t);
	TEST_CHECK_VAL(woken == race.woken, woken, race.woken);
	TEST_CHECK_VAL(woken + timed_out == 1500, woken, timed_out);
	TEST_CHECK_VAL(nr_queued(&queue) == 0, nr_queued(&queue), 0);
}

/* A deadline that never comes arms no timer. */
static void forever(void *arg)
{
	(void)arg;
	TEST_CHECK(wait_until(TM_FOREVER) == 0);
}

static void test_forever(void)
{
	struct task *t = help_spawn("forever", 10, CPUS_ALL, forever, NULL);

	await_queued(&queue, 1);
	TEST_CHECK(t && !tree_linked(&t->timer.node));
	TEST_CHECK(waitq_wake_one(&queue) == 1);
	help_join(t);
}

/* ---- mutex ------------------------------------------------------------------------------- */

static struct mutex mutex;
static u64 guarded; /* (mutex) */
static u32 inside;  /* (A) tasks that hold it: at most one */

static void mutex_user(void *arg)
{
	unsigned int i, seed = (unsigned int)(uintptr_t)arg;

	for (i = 0; i < 300; i++) {
		mutex_lock(&mutex);
		TEST_CHECK(help_add(&inside, 1) == 1 && mutex_held(&mutex));
		guarded++;
		if ((i + seed) % 16 == 0)
			sleep_ns(1000);
		help_add(&inside, ~0u);
		mutex_unlock(&mutex);
	}
}

static void test_mutex_exclusion(void)
{
	struct task *t[6];
	unsigned int i;

	mutex_init(&mutex, "test");
	guarded = 0;
	inside = 0;
	for (i = 0; i < ARRAY_SIZE(t); i++)
		t[i] = help_spawn("mutex", 8 + i % 3, CPUS_ALL, mutex_user, (void *)(uintptr_t)i);
	for (i = 0; i < ARRAY_SIZE(t); i++)
		help_join(t[i]);
	TEST_CHECK_VAL(guarded == 300 * ARRAY_SIZE(t), guarded, 0);
	TEST_CHECK(!mutex_held(&mutex) && !mutex_trylock(&mutex) && mutex_held(&mutex));
	TEST_CHECK(mutex_trylock(&mutex) == ERR_BUSY);
	mutex_unlock(&mutex);
}

static void lock_and_mark(void *arg)
{
	mutex_lock(&mutex);
	help_mark((unsigned int)(uintptr_t)arg);
	mutex_unlock(&mutex);
}

/* The holder lets go; the most urgent waiter is the owner at once, even if the
 * former holder asks again before that one runs. */
static void test_mutex_handover(void)
{
	static const unsigned int who[] = { 51, 151, 101, 152 };
	static const unsigned int want[] = { 151, 152, 101, 51 };
	struct task *t[ARRAY_SIZE(who)];
	unsigned int i;

	mutex_init(&mutex, "test");
	task_set_prio(task_current(), 25);
	help_marks_begin();
	mutex_lock(&mutex);
	for (i = 0; i < ARRAY_SIZE(who); i++) {
		t[i] = help_spawn("waiter", who[i] / 10, CPUS_ALL, lock_and_mark,
				  (void *)(uintptr_t)who[i]);
		await_queued(&mutex.queue, i + 1);
	}
	preempt_disable();
	mutex_unlock(&mutex);
	TEST_CHECK(!mutex_held(&mutex));
	preempt_enable();
	for (i = 0; i < ARRAY_SIZE(who); i++)
		help_join(t[i]);
	help_marks_are(want, ARRAY_SIZE(want));
}

static void hold_until_stopped(void *arg)
{
	(void)arg;
	mutex_lock(&mutex);
	help_add(&inside, 1);
	while (!help_read(&race.stop))
		sleep_ns(MS / 10);
	mutex_unlock(&mutex);
}

static void test_mutex_timeout(void)
{
	struct task *t;
	u64 due;

	mutex_init(&mutex, "test");
	memset(&race, 0, sizeof(race));
	inside = 0;
	t = help_spawn("holder", 10, CPUS_ALL, hold_until_stopped, NULL);
	TEST_CHECK(help_await(&inside, 1));
	TEST_CHECK(mutex_trylock(&mutex) == ERR_BUSY);
	due = time_after_ns(MS);
	TEST_CHECK(mutex_lock_until(&mutex, due) == ERR_TIMEDOUT);
	TEST_CHECK(time_now_ns() >= due && !mutex_held(&mutex));
	TEST_CHECK(mutex_lock_until(&mutex, 0) == ERR_TIMEDOUT);
	help_add(&race.stop, 1);
	TEST_CHECK(mutex_lock_until(&mutex, time_after_ns(30 * SEC)) == 0);
	mutex_unlock(&mutex);
	help_join(t);
}

/* Timeouts and hand-overs that hit each other leave no mutex without owner. */
static void timeout_user(void *arg)
{
	unsigned int i;
	u64 pause = (uintptr_t)arg;

	for (i = 0; i < 300; i++) {
		pause = pause * 7 + 3;
		if (mutex_lock_until(&mutex, time_after_ns(pause % 20000)) == 0) {
			TEST_CHECK(help_add(&inside, 1) == 1);
			help_spin(pause % 9000);
			help_add(&inside, ~0u);
			mutex_unlock(&mutex);
		}
	}
}

static void test_mutex_race(void)
{
	struct task *t[4];
	unsigned int i;

	mutex_init(&mutex, "test");
	inside = 0;
	for (i = 0; i < ARRAY_SIZE(t); i++)
		t[i] = help_spawn("mutex", 8 + i % 2, CPUS_ALL, timeout_user,
				  (void *)(uintptr_t)(i + 1));
	for (i = 0; i < ARRAY_SIZE(t); i++)
		help_join(t[i]);
	TEST_CHECK(!mutex_trylock(&mutex));
	mutex_unlock(&mutex);
}

static const struct test_case cases[] = {
	{ "pingpong_same_cpu", test_pingpong_same_cpu },
	{ "pingpong_two_cpus", test_pingpong_two_cpus },
	{ "pingpong_any_cpu", test_pingpong_any_cpu },
	{ "wake_order", test_wake_order },
	{ "requeue", test_requeue },
	{ "wake_all", test_wake_all },
	{ "timeout", test_timeout },
	{ "timeout_race", test_timeout_race },
	{ "forever", test_forever },
	{ "mutex_exclusion", test_mutex_exclusion },
	{ "mutex_handover", test_mutex_handover },
	{ "mutex_timeout", test_mutex_timeout },
	{ "mutex_race", test_mutex_race },
};

const struct test_suite suite_wait = { "wait", cases, ARRAY_SIZE(cases) };
