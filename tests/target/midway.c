/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks that are asked to end in the middle of a call: between the two steps
 * of taking a mutex, while they wake several others, in a cleanup. What others
 * wait for must be whole afterwards.
 */
#include "rtos/task.h"
#include "tests/target/help.h"

enum { CALM = 20, LOCKERS = 300 };

static struct {
	u32 ready, steps, cleaned, past; /* (A) past: got beyond its last point */
	struct mutex mutex;
	struct waitq waitq;
	struct events events;
	struct spinlock lock;
	struct task *waker;
} w;

static void reset(void)
{
	memset(&w, 0, sizeof(w));
	mutex_init(&w.mutex, "kill");
	waitq_init(&w.waitq, "kill");
	events_init(&w.events, "kill");
	spin_init(&w.lock, LOCK_RANK_WAIT);
}

static void locks_and_unlocks(void *arg)
{
	(void)arg;
	help_add(&w.ready, 1);
	for (;;) {
		(void)mutex_lock(&w.mutex);
		mutex_unlock(&w.mutex);
	}
}

/* Wherever between "mine" and "noted" it is preempted, nobody waits for the dead. */
static void test_anywhere_mutex(void)
{
	struct task_attr attr = {
		.name = "locker", .prio = 8, .cpus = help_first_cpus(1), .flags = TASK_KILL_ANYWHERE
	};
	struct task *t;
	u32 i;
	int err;

	reset();
	TEST_CHECK(task_set_cpus(task_current(), attr.cpus) == 0);
	TEST_CHECK(task_set_prio(task_current(), CALM) == 0);
	for (i = 0; i < LOCKERS; i++) {
		t = task_create(&attr, locks_and_unlocks, NULL);
		TEST_CHECK(t);
		sleep_ns(MS / 10 + i * 7);
		TEST_CHECK(task_kill(t) == 0);
		help_join(t);
		err = mutex_lock_until(&w.mutex, time_after_ns(SEC));
		if (err != ERR_OWNERDEAD)
			TEST_CHECK_VAL(err == 0, err, i);
		if (err == ERR_TIMEDOUT)
			return;
		mutex_unlock(&w.mutex);
	}
}

static void wakes_all(void *arg)
{
	(void)arg;
	(void)waitq_wake_all(&w.waitq);
	for (;;)
		arch_cpu_relax();
}

static void sets_flag(void *arg)
{
	(void)arg;
	events_set(&w.events, 1);
	for (;;)
		arch_cpu_relax();
}

/* The first of them ends who wakes them, before it came to the others. */
static void one_woken(void)
{
	if (help_add(&w.steps, 1) == 1)
		(void)task_kill(w.waker);
}

static void waits_in_queue(void *arg)
{
	u64 irq;

	(void)arg;
	irq = spin_lock_irqsave(&w.lock);
	(void)waitq_wait(&w.waitq, &w.lock, &irq, time_after_ns(SEC));
	spin_unlock_irqrestore(&w.lock, irq);
	one_woken();
}

static void waits_for_flag(void *arg)
{
	(void)arg;
	if (events_wait(&w.events, 1, EVENTS_ANY, time_after_ns(SEC), NULL) == 0)
		one_woken();
}

static void kill_waker(void (*waits)(void *), void (*wakes)(void *))
{
	struct task_attr attr = {
		.name = "waker", .prio = 8, .cpus = help_first_cpus(1), .flags = TASK_KILL_ANYWHERE
	};
	struct task *waiters[3];
	u64 start;
	u32 i;

	reset();
	TEST_CHECK(task_set_cpus(task_current(), attr.cpus) == 0);
	TEST_CHECK(task_set_prio(task_current(), CALM) == 0);
	for (i = 0; i < ARRAY_SIZE(waiters); i++)
		waiters[i] = help_spawn("waiter", 12, attr.cpus, waits, NULL);
	sleep_ms(1);
	start = time_now_ns();
	w.waker = task_create(&attr, wakes, NULL);
	TEST_CHECK(w.waker);
	for (i = 0; i < ARRAY_SIZE(waiters); i++)
		help_join(waiters[i]);
	help_join(w.waker);
	TEST_CHECK_VAL(w.steps == 3 && time_now_ns() - start < SEC / 2, w.steps, 3);
}

static void test_anywhere_waker(void)
{
	kill_waker(waits_in_queue, wakes_all);
	kill_waker(waits_for_flag, sets_flag);
}

static void clean_slowly(void *arg)
{
	(void)arg;
	(void)task_kill(task_current());
	sleep_ns(1000);
	help_add(&w.cleaned, 1);
}

static void pops(void *arg)
{
	struct task_cleanup c;

	(void)arg;
	task_cleanup_push(&c, clean_slowly, NULL);
	task_cleanup_pop(true);
	task_check_kill();
	help_add(&w.past, 1);
}

static void pop_in(unsigned int flags)
{
	const struct task_attr attr = { .name = "pops", .prio = 8, .flags = flags };
	struct task *t = task_create(&attr, pops, NULL);

	TEST_CHECK(t);
	help_join(t);
}

/* A cleanup that has begun is done once, and to its end. */
static void test_popped_cleanup(void)
{
	reset();
	pop_in(0);
	pop_in(TASK_KILL_ANYWHERE);
	TEST_CHECK_VAL(w.cleaned == 2 && w.past == 0, w.cleaned, w.past);
}

static const struct test_case cases[] = {
	{ "mutex", test_anywhere_mutex },
	{ "waker", test_anywhere_waker },
	{ "popped_cleanup", test_popped_cleanup },
};

const struct test_suite suite_midway = { "midway", cases, ARRAY_SIZE(cases) };
