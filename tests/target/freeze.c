/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The freezer (row 132): all that may freeze stand still, and nobody else; what
 * does not come in time is named and everything goes on; tasks that are born,
 * killed or suspended meanwhile.
 */
#include "rtos/task.h"
#include "tests/target/help.h"

enum { DAEMONS = 8, ROUNDS = 20, CALM = 20 };

static struct {
	struct waitq waitq;
	struct spinlock lock;
	u32 work[DAEMONS]; /* (A) turns taken */
	u32 thawed;        /* (A) times somebody was told that it had been frozen */
	u32 left;          /* (A) waits ended by ERR_FROZEN */
	u32 stop, stubborn;
} w;

static void reset(void)
{
	memset(&w, 0, sizeof(w));
	waitq_init(&w.waitq, "daemon");
	spin_init(&w.lock, LOCK_RANK_WAIT);
	TEST_CHECK(task_set_prio(task_current(), CALM) == 0);
}

/* Half of them wait for work, half look now and then: not so often that on a
 * slow machine the time is up before they have gone to sleep. */
static void daemon(void *arg)
{
	u32 i = (u32)(uintptr_t)arg;
	u64 flags;
	int err;

	while (!help_read(&w.stop)) {
		if (task_try_freeze())
			help_add(&w.thawed, 1);
		help_add(&w.work[i], 1);
		if (i % 2) {
			sleep_ns(MS);
			continue;
		}
		flags = spin_lock_irqsave(&w.lock);
		err = waitq_wait_leave(&w.waitq, &w.lock, &flags, time_after_ns(50 * MS));
		spin_unlock_irqrestore(&w.lock, flags);
		if (err == ERR_FROZEN)
			help_add(&w.left, 1);
	}
}

static struct task *spawn(void (*fn)(void *), u32 i)
{
	const struct task_attr attr = { .name = "daemon", .prio = 8, .flags = TASK_FREEZABLE };
	struct task *t = task_create(&attr, fn, (void *)(uintptr_t)i);

	TEST_CHECK(t);
	return t;
}

static void start(struct task **t)
{
	u32 i;

	for (i = 0; i < DAEMONS; i++)
		t[i] = spawn(daemon, i);
	for (i = 0; i < DAEMONS; i++)
		TEST_CHECK(help_await(&w.work[i], 1));
}

static void end(struct task **t)
{
	u32 i;

	help_add(&w.stop, 1);
	(void)waitq_wake_all(&w.waitq);
	for (i = 0; i < DAEMONS; i++)
		help_join(t[i]);
}

static u64 sum(void)
{
	u64 all = 0;
	u32 i;

	for (i = 0; i < DAEMONS; i++)
		all += help_read(&w.work[i]);
	return all;
}

static enum task_state state_of(struct task *t)
{
	struct task_info info;
	u32 id = t->id;

	TEST_CHECK(task_info_next(&id, &info) && id == t->id);
	return info.state;
}

static void bystander(void *arg)
{
	while (!help_read(&w.stop)) {
		TEST_CHECK(!task_try_freeze()); /* it did not ask to take part */
		help_add(arg, 1);
		sleep_ns(MS);
	}
}

static void test_all_stop(void)
{
	struct task *t[DAEMONS], *other;
	u32 turns = 0, round, i, at;
	u64 before;

	reset();
	start(t);
	other = help_spawn("bystander", 8, CPUS_ALL, bystander, &turns);
	for (round = 0; round < ROUNDS; round++) {
		TEST_CHECK(tasks_freeze(time_after_ns(5 * SEC)) == 0);
		before = sum();
		for (i = 0; i < DAEMONS; i++)
			TEST_CHECK_VAL(state_of(t[i]) == TASK_FROZEN, i, state_of(t[i]));
		at = help_read(&turns);
		TEST_CHECK(help_await(&turns, at + 2));
		TEST_CHECK_VAL(sum() == before, sum(), before);
		TEST_CHECK(tasks_freeze(0) == ERR_BUSY);
		tasks_thaw();
		sleep_ns((round % 5) * MS / 4);
	}
	end(t);
	help_join(other);
	TEST_CHECK_VAL(w.thawed >= DAEMONS && w.left > 0, w.thawed, w.left);
}

static void test_nobody(void)
{
	reset();
	tasks_thaw(); /* of nothing */
	TEST_CHECK(tasks_freeze(0) == 0);
	TEST_CHECK(tasks_freeze(TM_FOREVER) == ERR_BUSY);
	tasks_thaw();
	TEST_CHECK(!task_try_freeze());
}

static void stubborn(void *arg)
{
	(void)arg;
	while (!help_read(&w.stubborn))
		sleep_ns(MS);
	while (!help_read(&w.stop)) {
		if (task_try_freeze())
			help_add(&w.thawed, 1);
		sleep_ns(MS);
	}
}

/* One that does not look: it is named, and all go on. */
static void test_timeout(void)
{
	struct task *t[DAEMONS], *s;
	u64 before, deadline;
	u32 i;

	reset();
	start(t);
	s = spawn(stubborn, 0);
	TEST_CHECK(tasks_freeze(time_after_ns(5 * MS)) == ERR_TIMEDOUT);
	before = sum();
	deadline = time_after_ns(10 * SEC);
	while (sum() < before + 4 && time_now_ns() < deadline)
		sleep_ns(MS);
	TEST_CHECK_VAL(sum() >= before + 4, sum(), before);
	for (i = 0; i < DAEMONS; i++)
		TEST_CHECK(state_of(t[i]) != TASK_FROZEN);
	help_add(&w.stubborn, 1);
	TEST_CHECK(tasks_freeze(time_after_ns(5 * SEC)) == 0);
	TEST_CHECK(state_of(s) == TASK_FROZEN);
	tasks_thaw();
	end(t);
	help_join(s);
}

/* Killed while it stands frozen, or born then. */
static void test_meanwhile(void)
{
	struct task *t[DAEMONS], *late;

	reset();
	start(t);
	TEST_CHECK(tasks_freeze(time_after_ns(5 * SEC)) == 0);
	TEST_CHECK(task_kill(t[0]) == 0);
	help_join(t[0]);
	w.work[0] = 0;
	late = spawn(daemon, 0);
	sleep_ms(1);
	TEST_CHECK_VAL(state_of(late) == TASK_FROZEN && w.work[0] == 0, state_of(late), w.work[0]);
	tasks_thaw();
	TEST_CHECK(help_await(&w.work[0], 1));
	t[0] = late;
	end(t);
}

static void test_suspended(void)
{
	struct task *t[DAEMONS];
	u32 at;

	reset();
	start(t);
	TEST_CHECK(task_suspend(t[1]) == 0);
	TEST_CHECK(tasks_freeze(time_after_ns(5 * SEC)) == 0);
	tasks_thaw();
	at = help_read(&w.work[1]);
	TEST_CHECK(task_resume(t[1]) == 0);
	TEST_CHECK(help_await(&w.work[1], at + 2));
	end(t);
}

static void freezer(void *arg)
{
	*(int *)arg = tasks_freeze(TM_FOREVER);
}

/* Who freezes may be killed while it waits: all go on. */
static void test_freezer_killed(void)
{
	struct task *t[DAEMONS], *s, *f;
	int err = 1;
	u32 i;

	reset();
	start(t);
	s = spawn(stubborn, 0);
	f = help_spawn("freezer", 8, CPUS_ALL, freezer, &err);
	for (i = 0; state_of(f) != TASK_BLOCKED && i < 10000; i++)
		sleep_ns(MS);
	TEST_CHECK(tasks_freeze(0) == ERR_BUSY);
	TEST_CHECK(task_kill(f) == 0);
	help_join(f);
	TEST_CHECK(err == 1); /* it never came back from the call */
	for (i = 0; i < DAEMONS; i++)
		TEST_CHECK(state_of(t[i]) != TASK_FROZEN);
	help_add(&w.stubborn, 1);
	end(t);
	help_join(s);
}

static const struct test_case cases[] = {
	{ "all_stop", test_all_stop },   { "nobody", test_nobody },
	{ "timeout", test_timeout },     { "meanwhile", test_meanwhile },
	{ "suspended", test_suspended }, { "freezer_killed", test_freezer_killed },
};

const struct test_suite suite_freeze = { "freeze", cases, ARRAY_SIZE(cases) };
