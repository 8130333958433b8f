/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mixed workload over the whole core: tasks of many priorities that lock,
 * wait, sleep, wake, signal from interrupts, change priorities and CPUs, create
 * and join, all drawn from a seed (`test_seed=`), a bounded number of steps.
 * The case's own task is the watch: the most urgent task of all, it looks at
 * the whole state between steps and names what is wrong with it. The simulated
 * machine runs this over thousands of interleavings.
 */
#include "tests/target/mixed.h"

enum {
	WORKERS_MIN = 5,
	OPS_MIN = 60,
	OPS_SPREAD = 120,
	PRIO_SPREAD = 20, /* of workers: 1..20, the watch and its kind are above */
	FEED_US = 300,    /* a token this often, so that nobody waits for ever */
	PATIENCE_S = 60,
	RESCUE_MS = 200, /* for everybody to go home after a failure */
};

struct mixed mixed;
static struct timer feeder;
static struct mixed_worker chance; /* the watch's generator */

u32 mixed_draw(struct mixed_worker *w, u32 n)
{
	w->gen ^= w->gen >> 12;
	w->gen ^= w->gen << 25;
	w->gen ^= w->gen >> 27;
	return (u32)((w->gen * 0x2545f4914f6cdd1dull) >> 33) % n;
}

static void seed_worker(struct mixed_worker *w, u64 nr)
{
	u64 s = boot_test_seed() * 0x9e3779b97f4a7c15ull + nr * 0xbf58476d1ce4e5b9ull;

	w->gen = (s ^ s >> 29) | 1;
	for (unsigned int i = 0; i < 4; i++)
		(void)mixed_draw(w, 1);
}

void mixed_broken(const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	tm_vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!__atomic_exchange_n(&mixed.stop, true, __ATOMIC_ACQ_REL))
		test_report("%s", text);
}

static void feed(struct timer *t)
{
	if (__atomic_load_n(&mixed.nr_done, __ATOMIC_ACQUIRE) == mixed.nr_workers)
		return;
	(void)mixed_put();
	(void)timer_start(t, time_after_ns(FEED_US * US), 0);
}

static void worker_task(void *arg)
{
	struct mixed_worker *w = arg;

	for (; w->left && !__atomic_load_n(&mixed.stop, __ATOMIC_ACQUIRE); w->left--) {
		mixed_op(w);
		__atomic_fetch_add(&mixed.nr_ops, 1, __ATOMIC_RELAXED);
	}
	(void)timer_stop(&w->timer);
	mixed_more_end(w);
	__atomic_store_n(&w->done, true, __ATOMIC_RELEASE);
	__atomic_fetch_add(&mixed.nr_done, 1, __ATOMIC_ACQ_REL);
}

static void start_workers(void)
{
	for (u32 i = 0; i < mixed.nr_workers; i++) {
		struct mixed_worker *w = &mixed.worker[i];
		struct task *t;

		w->nr = i;
		w->due = TM_FOREVER;
		seed_worker(w, i + 1);
		w->left = OPS_MIN + mixed_draw(w, OPS_SPREAD);
		tm_snprintf(w->name, sizeof(w->name), "w%u", i);
		t = help_spawn(w->name, 1 + mixed_draw(w, PRIO_SPREAD), CPUS_ALL, worker_task, w);
		/* Those that run already look for others to disturb. */
		__atomic_store_n(&w->task, t, __ATOMIC_RELEASE);
		if (!t)
			help_add(&mixed.nr_done, 1);
	}
}

static bool all_done(void)
{
	return __atomic_load_n(&mixed.nr_done, __ATOMIC_ACQUIRE) == mixed.nr_workers;
}

/* Look again and again until all are done or something broke. */
static void watch(void)
{
	u64 deadline = time_after_ns(PATIENCE_S * SEC);

	while (!all_done() && !__atomic_load_n(&mixed.stop, __ATOMIC_ACQUIRE)) {
		mixed_watch();
		if (time_now_ns() > deadline)
			mixed_broken("the workload does not end: %u of %u workers are done",
				     help_read(&mixed.nr_done), mixed.nr_workers);
		sleep_ns((20 + mixed_draw(&chance, 150)) * US);
	}
}

/* After a failure: whoever waits in the box is woken until all are home. */
static void rescue(void)
{
	u64 deadline = time_after_ns(RESCUE_MS * MS);

	while (!all_done() && time_now_ns() < deadline) {
		waitq_wake_all(&mixed.box.queue);
		waitq_wake_all(&mixed.service.done);
		sleep_ns(MS);
	}
}

static const char *waits_for(const struct task *t)
{
	u64 flags = sched_lock();
	const char *name = t->waiting_on ? t->waiting_on->name : "nothing";

	sched_unlock(flags);
	return name;
}

static void join_workers(void)
{
	u64 deadline = time_after_ns(MS);

	for (u32 i = 0; i < mixed.nr_workers; i++) {
		struct mixed_worker *w = &mixed.worker[i];

		if (w->task && task_join(w->task, deadline))
			test_report("'%s' does not end: it waits for %s", w->name,
				    waits_for(w->task));
	}
}

static bool start_service(void)
{
	struct mixed_service *s = &mixed.service;

	s->task = help_spawn("service", 1, CPUS_ALL, mixed_service_task, s);
	if (s->task)
		waitq_serve(&s->done, s->task);
	return s->task;
}

static void test_all(void)
{
	memset(&mixed, 0, sizeof(mixed));
	seed_worker(&chance, 0);
	mixed.nr_workers = WORKERS_MIN + mixed_draw(&chance, MIXED_WORKERS_MAX - WORKERS_MIN + 1);
	mixed.late_ns = strcmp(ARCH_NAME, "host") == 0 ? MS : 5 * SEC;
	mixed_ops_init();
	(void)task_set_prio(task_current(), TASK_PRIO_MAX);
	timer_init(&feeder, feed);
	(void)timer_start(&feeder, time_after_ns(FEED_US * US), 0);
	if (start_service()) {
		start_workers();
		watch();
		if (!all_done())
			rescue();
		join_workers();
		waitq_serve(&mixed.service.done, NULL);
		mixed_service_quit();
		help_join(mixed.service.task);
	}
	(void)timer_stop(&feeder);
	if (!__atomic_load_n(&mixed.stop, __ATOMIC_ACQUIRE))
		mixed_ops_balance();
	out_printf(&console_out, "    # seed %llu: %u workers, %llu operations\n",
		   (unsigned long long)boot_test_seed(), mixed.nr_workers,
		   (unsigned long long)mixed.nr_ops);
}

static const struct test_case cases[] = {
	{ "all", test_all },
};

const struct test_suite suite_mixed = { "mixed", cases, ARRAY_SIZE(cases) };
