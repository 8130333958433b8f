// SPDX-License-Identifier: Apache-2.0
/*
 * `mm stress`: tasks that allocate, fill, verify and free blocks of all orders
 * at random, all at once. What a seed does to one task is repeatable; how the
 * tasks interleave is not. Passes when no block came back changed, every page
 * is home again, and the validator agrees.
 *
 * The pages of the tasks themselves must not enter the comparison, so all
 * tasks exist before free memory is read first, and until it was read last.
 */
#include "rtos/shell/shell.h"
#include "mm/mm.h"

enum {
	MAX_TASKS = 16,
	SLOTS = 64,
	MAX_SECONDS = 3600,
	/* Below the shell, so that Ctrl-C is heard. */
	STRESS_PRIO = TASK_PRIO_DEFAULT - 1,
	SETTLE_MS = 20,
	SETTLE_TRIES = 50,
};
#define NS_PER_S 1000000000ull
/* A task ends within one operation; this only bounds our own bugs. */
#define JOIN_NS (10 * NS_PER_S)

enum phase { WAIT, RUN, STOP, LEAVE };

struct worker {
	struct task *task;
	u64 random;       /* state of the generator, never 0 */
	u64 budget, held; /* pages */
	u64 served, refused, damaged;
	u32 stopped; /* (A) all its blocks are free */
	struct page *page[SLOTS];
	u32 order[SLOTS];
};

static struct worker workers[MAX_TASKS];
static u32 phase;   /* (A) enum phase */
static u64 run_end; /* set before the phase RUN */

static void set_phase(enum phase p)
{
	__atomic_store_n(&phase, p, __ATOMIC_RELEASE);
}

static enum phase get_phase(void)
{
	return (enum phase)__atomic_load_n(&phase, __ATOMIC_ACQUIRE);
}

static u64 next_random(struct worker *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random;
}

/* Mostly small, as real requests are, but every order each few dozen. */
static u32 random_order(u64 r)
{
	if (r % 4 == 0)
		return (u32)(r >> 8) % NR_PAGE_ORDERS;
	return (u32)min_u64((u64)__builtin_ctzll(r >> 8 | 1ull << 40), MAX_PAGE_ORDER);
}

/* Both ends of every page tell which page of which block it is. */
static void fill(struct page *page, u32 order, u64 tag)
{
	u64 *word = page_address(page);

	for (u32 i = 0; i < 1u << order; i++, word += PAGE_SIZE / sizeof(*word)) {
		word[0] = tag + i;
		word[PAGE_SIZE / sizeof(*word) - 1] = ~(tag + i);
	}
}

static bool intact(struct page *page, u32 order, u64 tag)
{
	const u64 *word = page_address(page);

	for (u32 i = 0; i < 1u << order; i++, word += PAGE_SIZE / sizeof(*word))
		if (word[0] != tag + i || word[PAGE_SIZE / sizeof(*word) - 1] != ~(tag + i))
			return false;
	return true;
}

/* Different for all blocks that live at the same time. */
static u64 block_tag(const struct worker *w, unsigned int slot)
{
	return (page_to_pfn(w->page[slot]).v << 24) ^ ((u64)(w - workers) << 16) ^ slot;
}

static void drop_block(struct worker *w, unsigned int slot)
{
	if (!intact(w->page[slot], w->order[slot], block_tag(w, slot)))
		w->damaged++;
	free_pages(w->page[slot], w->order[slot]);
	w->held -= 1ull << w->order[slot];
	w->page[slot] = NULL;
}

static void take_block(struct worker *w, unsigned int slot)
{
	static const gfp_t kinds[] = { GFP_KERNEL, GFP_HIGHUSER_MOVABLE, __GFP_RECLAIMABLE,
				       __GFP_DMA32 };
	u64 r = next_random(w);
	u32 order = random_order(r);

	if (w->held + (1ull << order) > w->budget)
		order = 0;
	w->page[slot] = alloc_pages(kinds[r >> 56 & (ARRAY_SIZE(kinds) - 1)] | __GFP_NOWARN, order);
	if (!w->page[slot]) {
		w->refused++;
		return;
	}
	w->served++;
	w->order[slot] = order;
	w->held += 1ull << order;
	fill(w->page[slot], order, block_tag(w, slot));
}

static void wait_for(enum phase p)
{
	while (get_phase() < p)
		sleep_ms(1);
}

static void work(void *arg)
{
	struct worker *w = arg;

	wait_for(RUN);
	/* Also by the clock: without timer interrupts nobody could stop us. */
	while (get_phase() == RUN && time_now_ns() < run_end) {
		unsigned int slot = (unsigned int)(next_random(w) >> 32) % SLOTS;

		if (w->page[slot])
			drop_block(w, slot);
		else
			take_block(w, slot);
	}
	for (unsigned int slot = 0; slot < SLOTS; slot++)
		if (w->page[slot])
			drop_block(w, slot);
	__atomic_store_n(&w->stopped, 1, __ATOMIC_RELEASE);
	wait_for(LEAVE);
}

/* Tasks that could be created. */
static unsigned int create_workers(unsigned int n, u64 seed)
{
	struct task_attr attr = { .name = "stress", .prio = STRESS_PRIO };
	/* At most half of what is free, so that the rest of the system lives. */
	u64 budget = mm_free_pages() / 2 / n;

	for (unsigned int i = 0; i < n; i++) {
		workers[i] = (struct worker){
			.random = (seed + i) * 0x9e3779b97f4a7c15ull | 1,
			.budget = budget,
		};
		workers[i].task = task_create(&attr, work, &workers[i]);
		if (!workers[i].task)
			return i;
	}
	return n;
}

static void stop_workers(unsigned int n)
{
	set_phase(STOP);
	for (unsigned int i = 0; i < n; i++)
		while (!__atomic_load_n(&workers[i].stopped, __ATOMIC_ACQUIRE))
			sleep_ms(1);
}

static int join_workers(unsigned int n)
{
	int status = EXIT_OK;

	set_phase(LEAVE);
	for (unsigned int i = 0; i < n; i++) {
		if (task_join(workers[i].task, time_after_ns(JOIN_NS)) == 0)
			continue;
		sh_print("mm stress: task %u does not end\n", i);
		status = EXIT_FAIL;
	}
	return status;
}

static int report(unsigned int n, u64 before, u64 after)
{
	u64 served = 0, refused = 0, damaged = 0;
	unsigned int wrong;

	for (unsigned int i = 0; i < n; i++) {
		served += workers[i].served;
		refused += workers[i].refused;
		damaged += workers[i].damaged;
	}
	sh_print("mm stress: %llu blocks served, %llu refused, %llu damaged\n",
		 (unsigned long long)served, (unsigned long long)refused,
		 (unsigned long long)damaged);
	sh_print("mm stress: free pages before %llu, after %llu: %s\n", (unsigned long long)before,
		 (unsigned long long)after, before == after ? "all home" : "NOT ALL HOME");
	wrong = mm_check(&sh);
	sh_print("mm check: %u violations\n", wrong);
	return damaged || wrong || before != after ? EXIT_FAIL : EXIT_OK;
}

/* What all CPUs have in their caches is home too, once it was drained. */
static u64 drained_free_pages(void)
{
	(void)mm_drain_caches();
	return mm_free_pages() + mm_cached_pages();
}

u64 mm_settled_free_pages(void)
{
	u64 was = drained_free_pages();

	for (unsigned int i = 0; i < SETTLE_TRIES; i++) {
		u64 now;

		sleep_ms(SETTLE_MS);
		now = drained_free_pages();
		if (now == was)
			break;
		was = now;
	}
	return was;
}

static int run(u64 seconds, u64 seed, unsigned int n)
{
	unsigned int made;
	u64 before, after;
	int status;

	sh_print("mm stress: %u tasks, %llu s, seed %llu\n", n, (unsigned long long)seconds,
		 (unsigned long long)seed);
	set_phase(WAIT);
	made = create_workers(n, seed);
	before = mm_settled_free_pages();
	if (made == n) {
		run_end = time_after_ns(seconds * NS_PER_S);
		set_phase(RUN);
		sh_sleep(seconds * NS_PER_S);
	}
	stop_workers(made);
	after = mm_settled_free_pages();
	status = join_workers(made);
	if (made < n) {
		sh_print("mm stress: no memory for task %u of %u\n", made + 1, n);
		return EXIT_FAIL;
	}
	return report(n, before, after) ? EXIT_FAIL : status;
}

int mm_stress(int argc, char **argv)
{
	u64 seconds = 5, seed = time_now_ns() / 1000, tasks = 2 * cpus_online_count();
	int i = 2, bad = 0;

	tasks = min_u64(tasks, MAX_TASKS);
	if (argc > 2 && argv[2][0] >= '0' && argv[2][0] <= '9')
		bad = sh_number("mm stress", "SECONDS", argv[i++], 1, MAX_SECONDS, &seconds);
	for (; !bad && i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "seed"))
			bad = sh_number("mm stress", "seed", argv[i + 1], 0, ~0ull, &seed);
		else if (!strcmp(argv[i], "tasks"))
			bad = sh_number("mm stress", "tasks", argv[i + 1], 1, MAX_TASKS, &tasks);
		else
			break;
	}
	if (bad)
		return EXIT_USAGE;
	if (i < argc) {
		sh_print("mm: usage: mm stress [SECONDS] [seed N] [tasks N]\n");
		return EXIT_USAGE;
	}
	return run(seconds, seed, (unsigned int)tasks);
}
