// SPDX-License-Identifier: Apache-2.0
/*
 * `stress`: up to 1,000 tasks of all priorities that do whatever the core
 * offers, at random: mutexes one inside the other, semaphores, events, messages,
 * sleeps, timers, yields, changes of their own priority. What it leaves behind
 * is the longest section that this needed (/proc/tm_latency); what it checks
 * itself is that a mutex has one owner and that nobody is left waiting.
 *
 * Every wait has a deadline, so that each worker looks at the end of time now
 * and then; the seed decides what each does, not how they interleave.
 */
#include "rtos/shell/stress_core.h"
#include "mm/mm.h"
#include "rtos/shell/shell.h"

enum {
	NR_MUTEXES = 8,
	NR_SEMS = 4,
	SEM_MAX = 16,
	MESSAGES = 8,
	MAX_MS = 3600 * 1000,
	/* Workers use all levels but the idle tasks'. */
	LOWEST = 1,
};
#define US 1000ull
/* Long enough that 1,000 of them leave time for anything else. */
#define PERIOD_NS (5000 * US)
#define NS_PER_MS 1000000ull
#define JOIN_NS (60 * 1000 * NS_PER_MS)

struct worker {
	struct task *task;
	struct timer timer;
	u64 random; /* state of the generator, never 0 */
	u64 ops, wrong;
};

static struct {
	struct worker *worker;
	unsigned int made;
	u32 stop; /* (A) */
	u64 end;  /* set before the start */
	struct sem start;
	struct mutex mutex[NR_MUTEXES];
	const struct worker *owner[NR_MUTEXES]; /* (mutex) */
	struct sem sem[NR_SEMS];
} all;

static u64 next_random(struct worker *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random >> 8;
}

/* Some deadline soon. */
static u64 soon(struct worker *w)
{
	return time_after_ns(10 * US + next_random(w) % (500 * US));
}

/* ---- what a worker does ------------------------------------------------------------ */

static bool take(struct worker *w, unsigned int i)
{
	if (mutex_lock_until(&all.mutex[i], soon(w)))
		return false;
	w->wrong += all.owner[i] != NULL;
	all.owner[i] = w;
	return true;
}

static void give(struct worker *w, unsigned int i)
{
	w->wrong += all.owner[i] != w;
	all.owner[i] = NULL;
	mutex_unlock(&all.mutex[i]);
}

/* One mutex, or two in rising order. */
static void do_mutex(struct worker *w)
{
	unsigned int i = (unsigned int)next_random(w) % NR_MUTEXES;
	unsigned int k = i + 1 + (unsigned int)next_random(w) % NR_MUTEXES;

	if (!take(w, i))
		return;
	if (k < NR_MUTEXES && take(w, k))
		give(w, k);
	give(w, i);
}

static struct sem *any_sem(struct worker *w)
{
	return &all.sem[next_random(w) % NR_SEMS];
}

static void do_wait(struct worker *w)
{
	(void)sem_wait(any_sem(w), soon(w));
}

static void do_post(struct worker *w)
{
	(void)sem_post(any_sem(w));
}

static void do_sleep(struct worker *w)
{
	sleep_until_ns(soon(w));
}

static void do_yield(struct worker *w)
{
	(void)w;
	task_yield();
}

static void do_prio(struct worker *w)
{
	unsigned int levels = TASK_PRIO_MAX + 1 - LOWEST;

	task_set_prio(task_current(), LOWEST + (unsigned int)next_random(w) % levels);
}

static void fired(struct timer *t)
{
	struct worker *w = container_of(t, struct worker, timer);

	(void)sem_post(&all.sem[(size_t)(w - all.worker) % NR_SEMS]);
}

static void do_timer(struct worker *w)
{
	u64 r = next_random(w);

	if (r % 4 == 0)
		timer_stop(&w->timer);
	else
		timer_start(&w->timer, soon(w), r % 4 == 1 ? PERIOD_NS : 0);
}

static void work(void *arg)
{
	static void (*const ops[])(struct worker * w) = {
		do_mutex, do_mutex, do_wait, do_post, do_sleep, do_yield, do_prio, do_timer,
	};
	struct worker *w = arg;

	(void)sem_wait(&all.start, TM_FOREVER);
	while (!__atomic_load_n(&all.stop, __ATOMIC_RELAXED) && time_now_ns() < all.end) {
		ops[next_random(w) % ARRAY_SIZE(ops)](w);
		w->ops++;
	}
	timer_stop_sync(&w->timer);
}

/* ---- all of them ---------------------------------------------------------------------- */

static void prepare(void)
{
	all.stop = 0;
	all.made = 0;
	BUG_ON(sem_init(&all.start, "stress start", 0, STRESS_TASKS_MAX));
	memset(all.owner, 0, sizeof(all.owner));
	for (unsigned int i = 0; i < NR_MUTEXES; i++)
		mutex_init(&all.mutex[i], "stress mutex");
	for (unsigned int i = 0; i < NR_SEMS; i++)
		BUG_ON(sem_init(&all.sem[i], "stress semaphore", 0, SEM_MAX));
}

static bool create(unsigned int tasks, u64 seed)
{
	for (; all.made < tasks; all.made++) {
		struct worker *w = &all.worker[all.made];
		struct task_attr attr = {
			.name = "core-stress",
			.prio = LOWEST + all.made % (TASK_PRIO_MAX + 1 - LOWEST),
		};

		*w = (struct worker){ .random = (seed + all.made) * 0x9e3779b97f4a7c15ull | 1 };
		timer_init(&w->timer, fired);
		w->task = task_create(&attr, work, w);
		if (!w->task)
			return false;
	}
	return true;
}

static void start(u64 ms)
{
	all.end = time_after_ns(ms * NS_PER_MS);
	for (unsigned int i = 0; i < all.made; i++)
		(void)sem_post(&all.start);
}

/* Nobody waits longer than half a millisecond, so all come to their end. */
static void join(struct stress_result *r)
{
	for (unsigned int i = 0; i < all.made; i++) {
		struct worker *w = &all.worker[i];

		if (task_join(w->task, time_after_ns(JOIN_NS)))
			r->lost++;
		r->ops += w->ops;
		r->wrong += w->wrong;
	}
}

struct stress_result core_stress(unsigned int tasks, u64 ms, u64 seed, bool (*wait)(u64 ns))
{
	unsigned int order = fls_u64((tasks * sizeof(struct worker) - 1) >> PAGE_SHIFT);
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, order);
	struct stress_result r = { 0 };

	if (!page) {
		r.refused = true;
		return r;
	}
	all.worker = page_address(page);
	prepare();
	r.refused = !create(tasks, seed);
	start(r.refused ? 0 : ms);
	if (r.refused || !wait(ms * NS_PER_MS))
		__atomic_store_n(&all.stop, 1, __ATOMIC_RELAXED);
	join(&r);
	/* One that did not end still uses it. */
	if (!r.lost)
		free_pages(page, order);
	return r;
}

/* ---- the command ------------------------------------------------------------------------ */

static int run(unsigned int tasks, u64 ms, u64 seed)
{
	struct stress_result r;

	sh_print("stress: %u tasks, %llu ms, seed %llu\n", tasks, (unsigned long long)ms,
		 (unsigned long long)seed);
	r = core_stress(tasks, ms, seed, sh_sleep);
	if (r.refused) {
		sh_print("stress: not enough memory for %u tasks\n", tasks);
		return EXIT_FAIL;
	}
	sh_print("stress: %llu operations, %llu wrong, %u tasks lost\n", (unsigned long long)r.ops,
		 (unsigned long long)r.wrong, r.lost);
	return r.wrong || r.lost ? EXIT_FAIL : EXIT_OK;
}

int cmd_stress(int argc, char **argv)
{
	u64 ms = 1000, tasks = 10, seed = 1;
	int i = 1, bad = 0;

	if (argc > 1 && argv[1][0] >= '0' && argv[1][0] <= '9')
		bad = sh_number("stress", "MILLISECONDS", argv[i++], 1, MAX_MS, &ms);
	for (; !bad && i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "seed"))
			bad = sh_number("stress", "seed", argv[i + 1], 0, ~0ull, &seed);
		else if (!strcmp(argv[i], "tasks"))
			bad = sh_number("stress", "tasks", argv[i + 1], 1, STRESS_TASKS_MAX,
					&tasks);
		else
			break;
	}
	if (bad)
		return EXIT_USAGE;
	if (i < argc)
		return sh_usage("stress");
	return sh_status(run((unsigned int)tasks, ms, seed));
}
