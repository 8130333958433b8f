/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending, suspending and resuming tasks: in every state they can be in when
 * asked, with what they hold going to the right place, and creation until
 * memory ends.
 */
#include "mm/mm.h"
#include "rtos/task.h"
#include "tests/target/help.h"

enum { CALM = 20, STORM_TASKS = 12, STORM_ROUNDS = 60, MOST = 9000, FEW = 100 };

static struct {
	u32 ready, steps, cleaned, past; /* (A) past: got beyond its last point */
	u32 order[4];
	struct sem sem;
	struct mutex mutex;
	struct waitq waitq;
	struct spinlock lock;
	int err;
	struct task *child;
} w;

static void reset(void)
{
	memset(&w, 0, sizeof(w));
	TEST_CHECK(sem_init(&w.sem, "kill", 0, 100) == 0);
	mutex_init(&w.mutex, "kill");
	waitq_init(&w.waitq, "kill");
	spin_init(&w.lock, LOCK_RANK_WAIT);
}

static struct task *spawn(void (*fn)(void *), unsigned int flags)
{
	const struct task_attr attr = { .name = "victim", .prio = 8, .flags = flags };
	struct task *t = task_create(&attr, fn, NULL);

	TEST_CHECK(t);
	return t;
}

static enum task_state state_of(struct task *t, struct task_info *info)
{
	u32 id = t->id;

	TEST_CHECK(task_info_next(&id, info) && id == t->id);
	return info->state;
}

/* Wait until t is in that state. */
static void await_state(struct task *t, enum task_state state)
{
	u64 deadline = time_after_ns(10 * SEC);
	struct task_info info;

	while (state_of(t, &info) != state && time_now_ns() < deadline)
		sleep_ns(MS / 20);
	TEST_CHECK_VAL(info.state == state, info.state, state);
}

/* ---- each place where a task can be ------------------------------------------------ */

static void clean(void *arg)
{
	(void)arg;
	help_add(&w.cleaned, 1);
}

/* Waits where it may be ended; must not come out. */
static void in_sem(void *arg)
{
	struct task_cleanup c;

	(void)arg;
	task_cleanup_push(&c, clean, NULL);
	help_add(&w.ready, 1);
	(void)sem_wait(&w.sem, TM_FOREVER);
	help_add(&w.past, 1);
	task_cleanup_pop(false);
}

static void in_sleep(void *arg)
{
	struct task_cleanup c;

	(void)arg;
	task_cleanup_push(&c, clean, NULL);
	help_add(&w.ready, 1);
	sleep_ns(3600 * SEC);
	help_add(&w.past, 1);
	task_cleanup_pop(false);
}

static void in_join(void *arg)
{
	struct task_cleanup c;

	(void)arg;
	task_cleanup_push(&c, clean, NULL);
	help_add(&w.ready, 1);
	(void)task_join(w.child, TM_FOREVER);
	help_add(&w.past, 1);
	task_cleanup_pop(false);
}

static void in_yield(void *arg)
{
	struct task_cleanup c;

	(void)arg;
	task_cleanup_push(&c, clean, NULL);
	for (;;) {
		help_add(&w.ready, 1);
		arch_cpu_relax(); /* emulated CPUs change turns here */
		task_yield();
	}
}

static void in_loop(void *arg)
{
	struct task_cleanup c;

	(void)arg;
	task_cleanup_push(&c, clean, NULL);
	help_add(&w.ready, 1);
	for (;;)
		arch_cpu_relax();
}

static void in_check(void *arg)
{
	struct task_cleanup c;

	(void)arg;
	task_cleanup_push(&c, clean, NULL);
	for (;;) {
		help_add(&w.ready, 1);
		task_check_kill();
		arch_cpu_relax();
	}
}

static void kill_in(void (*fn)(void *), unsigned int flags)
{
	struct task *t;

	reset();
	TEST_CHECK(task_set_prio(task_current(), CALM) == 0);
	w.child = help_spawn("child", 8, CPUS_ALL, in_sleep, NULL);
	t = spawn(fn, flags);
	TEST_CHECK(help_await(&w.ready, 2));
	sleep_ms(1);
	TEST_CHECK(task_kill(t) == 0);
	TEST_CHECK(task_kill(t) == 0); /* asking twice is asking once */
	help_join(t);
	TEST_CHECK_VAL(w.past == 0 && w.cleaned == 1, w.past, w.cleaned);
	TEST_CHECK(task_kill(w.child) == 0);
	help_join(w.child);
	TEST_CHECK_VAL(w.cleaned == 2, w.cleaned, 0);
}

static void test_waits(void)
{
	kill_in(in_sem, 0);
	kill_in(in_sleep, 0);
	kill_in(in_join, 0);
}

static void test_points(void)
{
	kill_in(in_yield, 0);
	kill_in(in_check, 0);
	/* The semaphore it was taken off is whole. */
	kill_in(in_sem, 0);
	TEST_CHECK(sem_post(&w.sem) == 0 && sem_wait(&w.sem, 0) == 0);
}

static void test_anywhere(void)
{
	kill_in(in_loop, TASK_KILL_ANYWHERE);
	kill_in(in_sleep, TASK_KILL_ANYWHERE);
}

static void computes_after_wait(void *arg)
{
	u64 flags;

	(void)arg;
	help_add(&w.ready, 1);
	flags = spin_lock_irqsave(&w.lock);
	(void)waitq_wait(&w.waitq, &w.lock, &flags, TM_FOREVER);
	spin_unlock_irqrestore(&w.lock, flags);
	for (;;)
		arch_cpu_relax();
}

static void computes_after_post(void *arg)
{
	help_add(&w.ready, 1);
	(void)sem_post(arg); /* gives the CPU to whoever waits */
	for (;;)
		arch_cpu_relax();
}

/* Asked while it waits for what cannot be cut short, or while another task has
 * its CPU: it never comes to a point, and ends all the same. */
static void test_anywhere_later(void)
{
	struct task_attr attr = {
		.name = "late", .prio = 8, .cpus = help_first_cpus(1), .flags = TASK_KILL_ANYWHERE
	};
	struct task *t;
	u32 i;

	reset();
	TEST_CHECK(task_set_cpus(task_current(), attr.cpus) == 0);
	TEST_CHECK(task_set_prio(task_current(), CALM) == 0);
	t = spawn(computes_after_wait, TASK_KILL_ANYWHERE);
	await_state(t, TASK_BLOCKED);
	TEST_CHECK(task_kill(t) == 0);
	TEST_CHECK(waitq_wake_one(&w.waitq) == 1);
	help_join(t);
	for (i = 0; i < 10; i++) {
		t = task_create(&attr, computes_after_post, &w.sem);
		TEST_CHECK(t && sem_wait(&w.sem, time_after_ns(10 * SEC)) == 0);
		help_spin(i * 10 * 1000);
		TEST_CHECK(task_kill(t) == 0);
		help_join(t);
	}
}

/* ---- never ran, itself, idle ---------------------------------------------------------- */

static void test_never_ran(void)
{
	u64 cpu = help_first_cpus(1);
	struct task *t;

	reset();
	TEST_CHECK(task_set_cpus(task_current(), cpu) == 0);
	TEST_CHECK(task_set_prio(task_current(), CALM) == 0);
	t = help_spawn("unborn", 8, cpu, in_sem, NULL);
	TEST_CHECK(task_kill(t) == 0);
	help_join(t);
	TEST_CHECK_VAL(w.ready == 0 && w.past == 0, w.ready, w.past);
}

static void kills_itself(void *arg)
{
	(void)arg;
	TEST_CHECK(task_kill(task_current()) == 0);
	help_add(&w.ready, 1); /* not a point */
	task_yield();
	help_add(&w.past, 1);
}

static void test_itself(void)
{
	reset();
	help_join(spawn(kills_itself, 0));
	TEST_CHECK_VAL(w.ready == 1 && w.past == 0, w.ready, w.past);
}

static void test_idle(void)
{
	TEST_CHECK(task_kill(&boot_task) == ERR_INVAL);
	TEST_CHECK(task_suspend(&boot_task) == ERR_INVAL);
}

static void test_detached(void)
{
	struct task *t;

	reset();
	t = spawn(in_sem, 0);
	TEST_CHECK(help_await(&w.ready, 1));
	TEST_CHECK(task_kill(t) == 0);
	task_detach(t);
	TEST_CHECK(help_await(&w.cleaned, 1));
	TEST_CHECK(w.past == 0);
}

/* ---- cleanups and putting off ------------------------------------------------------------ */

static void note(void *arg)
{
	u32 n = help_add(&w.cleaned, 1);

	if (n <= ARRAY_SIZE(w.order))
		w.order[n - 1] = (u32)(uintptr_t)arg;
}

/* Its end is under way and nothing cuts it short: this sleep is whole. */
static void sleepy_note(void *arg)
{
	u64 until = time_after_ns(5 * MS);

	help_add(&w.ready, 1);
	sleep_until_ns(until);
	TEST_CHECK(time_now_ns() >= until);
	note(arg);
}

static void with_cleanups(void *arg)
{
	static struct task_cleanup c[4]; /* its frame is gone when it returns */

	(void)arg;
	task_cleanup_push(&c[0], note, (void *)1);
	task_cleanup_push(&c[1], sleepy_note, (void *)2);
	task_cleanup_push(&c[2], note, (void *)3);
	task_cleanup_push(&c[3], note, (void *)9);
	task_cleanup_pop(false);
	help_add(&w.ready, 1);
	(void)sem_wait(&w.sem, TM_FOREVER);
}

static void expect_order(void)
{
	TEST_CHECK_VAL(w.cleaned == 3, w.cleaned, 0);
	TEST_CHECK_VAL(w.order[0] == 3 && w.order[1] == 2 && w.order[2] == 1, w.order[0],
		       w.order[1]);
}

static void test_cleanups(void)
{
	struct task *t;

	reset();
	t = spawn(with_cleanups, 0);
	TEST_CHECK(help_await(&w.ready, 1));
	TEST_CHECK(task_kill(t) == 0);
	TEST_CHECK(help_await(&w.ready, 2));
	TEST_CHECK(task_kill(t) == 0); /* in its cleanup */
	help_join(t);
	expect_order();
	/* One that returns runs them as well. */
	reset();
	TEST_CHECK(sem_post(&w.sem) == 0);
	help_join(spawn(with_cleanups, 0));
	expect_order();
}

static void puts_off(void *arg)
{
	(void)arg;
	task_defer_kill();
	task_defer_kill();
	help_add(&w.ready, 1);
	(void)sem_wait(&w.sem, TM_FOREVER); /* whole, whoever asks */
	task_allow_kill();
	sleep_ns(MS / 10);
	help_add(&w.steps, 1);
	task_allow_kill();
	task_check_kill();
	help_add(&w.past, 1);
}

static void test_defer(void)
{
	struct task *t;

	reset();
	t = spawn(puts_off, 0);
	TEST_CHECK(help_await(&w.ready, 1));
	TEST_CHECK(task_kill(t) == 0);
	sleep_ms(1);
	TEST_CHECK(w.steps == 0);
	TEST_CHECK(sem_post(&w.sem) == 0);
	help_join(t);
	TEST_CHECK_VAL(w.steps == 1 && w.past == 0, w.steps, w.past);
}

/* ---- mutexes and plain queues --------------------------------------------------------------- */

static void wants_mutex(void *arg)
{
	(void)arg;
	help_add(&w.ready, 1);
	w.err = mutex_lock(&w.mutex);
	help_add(&w.steps, 1); /* it gets it first */
	sleep_ns(MS);
	help_add(&w.past, 1);
}

/* Killed while it waits for a mutex: it dies with it at the next point, and who
 * comes next is told. */
static void test_blocked_on_mutex(void)
{
	struct task *t;

	reset();
	TEST_CHECK(mutex_lock(&w.mutex) == 0);
	t = spawn(wants_mutex, 0);
	await_state(t, TASK_BLOCKED);
	TEST_CHECK(task_kill(t) == 0);
	sleep_ms(1);
	TEST_CHECK(w.steps == 0);
	mutex_unlock(&w.mutex);
	help_join(t);
	TEST_CHECK_VAL(w.steps == 1 && w.past == 0 && w.err == 0, w.steps, w.past);
	TEST_CHECK(mutex_lock(&w.mutex) == ERR_OWNERDEAD);
	mutex_unlock(&w.mutex);
	TEST_CHECK(mutex_lock(&w.mutex) == 0);
	mutex_unlock(&w.mutex);
}

static void returns_with_mutex(void *arg)
{
	(void)arg;
	TEST_CHECK(mutex_lock(&w.mutex) == 0);
}

static void test_returns_with_mutex(void)
{
	reset();
	help_join(spawn(returns_with_mutex, 0));
	TEST_CHECK(mutex_lock(&w.mutex) == ERR_OWNERDEAD);
	mutex_unlock(&w.mutex);
}

static void leaves_wait(void *arg)
{
	u64 flags;

	(void)arg;
	flags = spin_lock_irqsave(&w.lock);
	help_add(&w.ready, 1);
	w.err = waitq_wait_leave(&w.waitq, &w.lock, &flags, TM_FOREVER);
	spin_unlock_irqrestore(&w.lock, flags);
	help_add(&w.steps, 1);
	task_check_kill();
	help_add(&w.past, 1);
}

static void stays_in_wait(void *arg)
{
	u64 flags;

	(void)arg;
	flags = spin_lock_irqsave(&w.lock);
	w.err = waitq_wait(&w.waitq, &w.lock, &flags, TM_FOREVER);
	spin_unlock_irqrestore(&w.lock, flags);
	help_add(&w.steps, 1);
	task_check_kill();
	help_add(&w.past, 1);
}

static void test_plain_queues(void)
{
	struct task *t;

	reset();
	t = spawn(leaves_wait, 0);
	await_state(t, TASK_BLOCKED);
	TEST_CHECK(task_kill(t) == 0);
	help_join(t);
	TEST_CHECK_VAL(w.err == ERR_KILLED && w.steps == 1 && !w.past, w.err, w.steps);
	reset();
	t = spawn(stays_in_wait, 0);
	await_state(t, TASK_BLOCKED);
	TEST_CHECK(task_kill(t) == 0);
	sleep_ms(1);
	TEST_CHECK(w.steps == 0);
	TEST_CHECK(waitq_wake_one(&w.waitq) == 1);
	help_join(t);
	TEST_CHECK_VAL(w.err == 0 && w.steps == 1 && !w.past, w.err, w.steps);
}

/* ---- suspend and resume ------------------------------------------------------------------- */

static void counts_up(void *arg)
{
	(void)arg;
	for (;;) {
		help_add(&w.steps, 1);
		arch_cpu_relax();
	}
}

/* Another CPU (or this one, in between): it stops, and goes on. */
static void test_suspend_running(void)
{
	struct task *t;
	u32 at;

	reset();
	TEST_CHECK(task_set_prio(task_current(), CALM) == 0);
	t = spawn(counts_up, TASK_KILL_ANYWHERE);
	TEST_CHECK(help_await(&w.steps, 1));
	TEST_CHECK(task_suspend(t) == 0 && task_suspend(t) == 0);
	await_state(t, TASK_SUSPENDED);
	at = help_read(&w.steps);
	sleep_ms(2);
	TEST_CHECK_VAL(help_read(&w.steps) == at, help_read(&w.steps), at);
	TEST_CHECK(task_resume(t) == 0);
	TEST_CHECK(task_resume(t) == ERR_INVAL);
	TEST_CHECK(help_await(&w.steps, at + 5));
	TEST_CHECK(task_suspend(t) == 0);
	await_state(t, TASK_SUSPENDED);
	TEST_CHECK(task_kill(t) == 0); /* goes on in order to end */
	help_join(t);
}

static void steps_by_sem(void *arg)
{
	(void)arg;
	help_add(&w.ready, 1);
	while (sem_wait(&w.sem, TM_FOREVER) == 0)
		help_add(&w.steps, 1);
}

/* It stays in its queue and is served there, but does not go on. */
static void test_suspend_blocked(void)
{
	struct task_info info;
	struct task *t;

	reset();
	t = spawn(steps_by_sem, 0);
	await_state(t, TASK_BLOCKED);
	TEST_CHECK(task_suspend(t) == 0);
	TEST_CHECK(state_of(t, &info) == TASK_BLOCKED && info.suspended);
	TEST_CHECK(sem_post(&w.sem) == 0);
	await_state(t, TASK_SUSPENDED);
	sleep_ms(1);
	TEST_CHECK(w.steps == 0 && sem_count(&w.sem) == 0);
	TEST_CHECK(task_resume(t) == 0);
	TEST_CHECK(help_await(&w.steps, 1));
	TEST_CHECK(task_suspend(t) == 0);
	TEST_CHECK(task_kill(t) == 0);
	TEST_CHECK(task_suspend(t) == ERR_INVAL);
	help_join(t);
	TEST_CHECK(w.steps == 1);
}

static void test_suspend_ready(void)
{
	u64 cpu = help_first_cpus(1);
	struct task *t;

	reset();
	TEST_CHECK(task_set_cpus(task_current(), cpu) == 0);
	TEST_CHECK(task_set_prio(task_current(), CALM) == 0);
	t = help_spawn("ready", 8, cpu, steps_by_sem, NULL);
	TEST_CHECK(task_suspend(t) == 0);
	sleep_ms(1);
	TEST_CHECK(w.ready == 0);
	TEST_CHECK(task_resume(t) == 0);
	TEST_CHECK(help_await(&w.ready, 1));
	TEST_CHECK(task_kill(t) == 0);
	help_join(t);
}

static void suspends_itself(void *arg)
{
	(void)arg;
	help_add(&w.ready, 1);
	TEST_CHECK(task_suspend(task_current()) == 0);
	help_add(&w.steps, 1);
}

static void test_suspend_itself(void)
{
	struct task *t;

	reset();
	t = spawn(suspends_itself, 0);
	await_state(t, TASK_SUSPENDED);
	TEST_CHECK(w.steps == 0);
	TEST_CHECK(task_resume(t) == 0);
	help_join(t);
	TEST_CHECK(w.steps == 1);
}

/* ---- in no order at all ---------------------------------------------------- */

static void anything(void *arg)
{
	u32 n = (u32)(uintptr_t)arg;

	for (;;) {
		switch (n++ % 4) {
		case 0:
			sleep_ns(MS / 20);
			break;
		case 1:
			(void)sem_wait(&w.sem, time_after_ns(MS / 10));
			break;
		case 2:
			if (mutex_lock(&w.mutex) != ERR_INVAL)
				mutex_unlock(&w.mutex);
			break;
		default:
			task_yield();
		}
		help_add(&w.steps, 1);
	}
}

/* Tasks in every state are suspended, resumed and killed; none is lost. */
static void test_storm(void)
{
	struct task *t[STORM_TASKS];
	u64 before;
	u32 i, n;

	reset();
	TEST_CHECK(task_set_prio(task_current(), CALM) == 0);
	before = unowned_pages();
	for (n = 0; n < STORM_ROUNDS; n++) {
		for (i = 0; i < STORM_TASKS; i++)
			t[i] = help_spawn("storm", 4 + i % 6, CPUS_ALL, anything,
					  (void *)(uintptr_t)(i + n));
		for (i = 0; i < 2 * STORM_TASKS; i++) {
			(void)task_suspend(t[(i * 5 + n) % STORM_TASKS]);
			sleep_ns((1 + (i + n) % 7) * 10 * 1000);
			(void)sem_post(&w.sem);
			if (i % 3)
				(void)task_resume(t[(i * 5 + n) % STORM_TASKS]);
		}
		for (i = 0; i < STORM_TASKS; i++)
			TEST_CHECK(task_kill(t[i]) == 0);
		for (i = 0; i < STORM_TASKS; i++)
			help_join(t[i]);
	}
	(void)mutex_lock(&w.mutex);
	mutex_unlock(&w.mutex);
	sleep_ms(2);
	TEST_CHECK_VAL(unowned_pages() + 64 >= before, unowned_pages(), before);
}

/* ---- until memory or slots end --------------------------------------------- */

/* Creating ends with null, never a panic, and all of it comes back, the tables of
 * the stack area too: else they would lie about and break up every large block. */
static void test_until_the_end(void)
{
	static struct task *all[MOST];
	const struct task_attr attr = { .name = "many", .prio = 4 };
	u64 before;
	u32 n, i;

	if (strcmp(ARCH_NAME, "host-threads") == 0) {
		test_skip("tasks are threads there, and the sanitizer has fewer");
		return;
	}
	reset();
	TEST_CHECK(task_set_prio(task_current(), CALM) == 0);
	before = unowned_pages();
	for (n = 0; n < MOST; n++) {
		all[n] = task_create(&attr, in_sem, NULL);
		if (!all[n])
			break;
	}
	TEST_CHECK_VAL(n >= FEW && n < MOST, n, unowned_pages());
	for (i = 0; i < n; i++)
		TEST_CHECK(task_kill(all[i]) == 0);
	for (i = 0; i < n; i++)
		help_join(all[i]);
	TEST_CHECK_VAL(w.past == 0, w.past, n);
	TEST_CHECK_VAL(unowned_pages() == before, unowned_pages(), before);
}

static const struct test_case cases[] = {
	{ "waits", test_waits },
	{ "points", test_points },
	{ "anywhere", test_anywhere },
	{ "anywhere_later", test_anywhere_later },
	{ "never_ran", test_never_ran },
	{ "itself", test_itself },
	{ "idle", test_idle },
	{ "detached", test_detached },
	{ "cleanups", test_cleanups },
	{ "defer", test_defer },
	{ "blocked_on_mutex", test_blocked_on_mutex },
	{ "returns_with_mutex", test_returns_with_mutex },
	{ "plain_queues", test_plain_queues },
	{ "suspend_running", test_suspend_running },
	{ "suspend_blocked", test_suspend_blocked },
	{ "suspend_ready", test_suspend_ready },
	{ "suspend_itself", test_suspend_itself },
	{ "storm", test_storm },
	{ "until_the_end", test_until_the_end },
};

const struct test_suite suite_kill = { "kill", cases, ARRAY_SIZE(cases) };
