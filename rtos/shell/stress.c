// SPDX-License-Identifier: Apache-2.0
/*
 * `mm stress`: tasks that allocate, fill, verify and free blocks of all orders
 * and of every kind of request at random, all at once, while an interrupt does
 * the same with blocks of its own. What a seed does to one task is repeatable;
 * how the tasks interleave is not. Passes when no block came back changed, no
 * zeroed one came dirty, every page is home again, and the validator agrees.
 *
 * The pages of the tasks themselves must not enter the comparison, so all
 * tasks exist before free memory is read first, and until it was read last.
 */
#include "rtos/defer.h"
#include "rtos/shell/shell.h"
#include "mm/mm.h"

enum {
	MAX_TASKS = 16,
	SLOTS = 64,
	IRQ_SLOTS = 16,
	BULK_MAX = 32,
	EXACT_MAX = 40, /* pages */
	MAX_SECONDS = 3600,
	/* Below the shell, so that Ctrl-C is heard. */
	STRESS_PRIO = TASK_PRIO_DEFAULT - 1,
	LEAST_STEPS = 64, /* of each task, even when the clock is faster than the machine */
	SETTLE_MS = 20,
	SETTLE_TRIES = 50,
};
#define NS_PER_S 1000000000ull
#define PATIENCE_NS (60 * NS_PER_S) /* for the least steps */
#define IRQ_PAUSE_NS 50000ull
/* A task ends within one operation; this only bounds our own bugs. */
#define JOIN_NS (10 * NS_PER_S)

enum phase { WAIT, RUN, STOP, LEAVE };

/* The kinds of requests; gfp of those that are one call of alloc_pages(). */
enum kind {
	ORDINARY,
	MOVABLE,
	RECLAIMABLE,
	DMA,
	ATOMIC,
	ZEROED,
	SPREAD, /* by a policy, over all nodes */
	EXACT,
	BULK,
	INTERRUPT,
	NR_KINDS
};
static const struct {
	const char *name;
	gfp_t gfp;
} kinds[NR_KINDS] = {
	[ORDINARY] = { "ordinary", GFP_KERNEL },
	[MOVABLE] = { "movable", GFP_HIGHUSER_MOVABLE },
	[RECLAIMABLE] = { "reclaimable", GFP_KERNEL | __GFP_RECLAIMABLE },
	[DMA] = { "dma", __GFP_DMA32 | GFP_NOWAIT },
	[ATOMIC] = { "atomic", GFP_ATOMIC },
	[ZEROED] = { "zeroed", GFP_KERNEL | __GFP_ZERO },
	[SPREAD] = { "spread", GFP_KERNEL },
	[EXACT] = { "exact", GFP_KERNEL },
	[BULK] = { "bulk", GFP_KERNEL },
	[INTERRUPT] = { "interrupt", GFP_ATOMIC },
};

struct block {
	struct page *page; /* null: the slot is empty */
	u32 nr_pages;
	u32 order;
	bool exact; /* from alloc_pages_exact() */
};

struct worker {
	struct task *task;
	u64 random;       /* state of the generator, never 0 */
	u64 budget, held; /* pages */
	u64 served[NR_KINDS], refused, damaged;
	u32 steps;   /* (A) */
	u32 stopped; /* (A) all its blocks are free */
	struct block block[SLOTS];
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
static void fill(struct page *page, u32 nr_pages, u64 tag)
{
	u64 *word = page_address(page);

	for (u32 i = 0; i < nr_pages; i++, word += PAGE_SIZE / sizeof(*word)) {
		word[0] = tag + i;
		word[PAGE_SIZE / sizeof(*word) - 1] = ~(tag + i);
	}
}

static bool intact(struct page *page, u32 nr_pages, u64 tag)
{
	const u64 *word = page_address(page);

	for (u32 i = 0; i < nr_pages; i++, word += PAGE_SIZE / sizeof(*word))
		if (word[0] != tag + i || word[PAGE_SIZE / sizeof(*word) - 1] != ~(tag + i))
			return false;
	return true;
}

static bool all_zero(struct page *page, u32 nr_pages)
{
	const u64 *word = page_address(page);

	for (u64 i = 0; i < nr_pages * (PAGE_SIZE / sizeof(*word)); i++)
		if (word[i])
			return false;
	return true;
}

/* Different for all blocks that live at the same time. */
static u64 block_tag(const struct page *page)
{
	return page_to_pfn(page).v << 24;
}

static void drop_block(struct worker *w, struct block *b)
{
	if (!intact(b->page, b->nr_pages, block_tag(b->page)))
		w->damaged++;
	if (b->exact)
		free_pages_exact(page_address(b->page), b->nr_pages * PAGE_SIZE);
	else
		free_pages(b->page, b->order);
	w->held -= b->nr_pages;
	b->page = NULL;
}

static struct page *request_one(enum kind kind, u32 order)
{
	const struct mm_policy spread = { MM_POLICY_INTERLEAVE, nodes_with_memory() };
	gfp_t gfp = kinds[kind].gfp | __GFP_NOWARN;
	struct page *page;

	if (kind != SPREAD)
		return alloc_pages(gfp, order);
	(void)mm_policy_set(&spread);
	page = alloc_pages(gfp, order);
	(void)mm_policy_set(NULL);
	return page;
}

static void take_block(struct worker *w, struct block *b, enum kind kind)
{
	u64 r = next_random(w);

	b->exact = kind == EXACT;
	b->order = random_order(r);
	if (w->held + (1ull << b->order) > w->budget)
		b->order = 0;
	b->nr_pages = 1u << b->order;
	if (b->exact) {
		void *p;

		b->nr_pages = w->held + EXACT_MAX > w->budget ? 1 : (u32)(r >> 32) % EXACT_MAX + 1;
		p = alloc_pages_exact(b->nr_pages * PAGE_SIZE, kinds[kind].gfp | __GFP_NOWARN);
		b->page = p ? virt_to_page(p) : NULL;
	} else {
		b->page = request_one(kind, b->order);
	}
	if (!b->page) {
		w->refused++;
		return;
	}
	w->served[kind]++;
	w->held += b->nr_pages;
	if (kind == ZEROED && !all_zero(b->page, b->nr_pages))
		w->damaged++;
	fill(b->page, b->nr_pages, block_tag(b->page));
}

/* Many at once, looked at after others had a turn, and given back at once. */
static void bulk_round(struct worker *w)
{
	struct page *page[BULK_MAX];
	unsigned int want = (unsigned int)(next_random(w) >> 32) % BULK_MAX + 1;
	unsigned int nr = alloc_pages_bulk(kinds[BULK].gfp | __GFP_NOWARN, want, page);

	w->refused += nr < want;
	w->served[BULK] += nr;
	for (unsigned int i = 0; i < nr; i++)
		fill(page[i], 1, block_tag(page[i]));
	task_yield();
	for (unsigned int i = 0; i < nr; i++)
		if (!intact(page[i], 1, block_tag(page[i])))
			w->damaged++;
	free_pages_bulk(nr, page);
}

static void one_step(struct worker *w)
{
	u64 r = next_random(w);
	struct block *b = &w->block[(r >> 32) % SLOTS];
	enum kind kind = (enum kind)((r >> 20) % INTERRUPT);

	if ((r >> 12) % 1024 == 0)
		(void)mm_drain_caches();
	if (kind == BULK)
		bulk_round(w);
	else if (b->page)
		drop_block(w, b);
	else
		take_block(w, b, kind);
}

/* ---- the interrupt ------------------------------------------------------------------ */

/* One CPU's timer, so nothing here runs twice at once. */
static struct {
	struct timer timer;
	struct page *page[IRQ_SLOTS];
	unsigned int next;
	u64 served, refused;
} in_irq;

static void irq_call(unsigned int slot)
{
	unsigned int order = slot % 3;
	struct page **page = &in_irq.page[slot];

	if (*page) {
		free_pages(*page, order);
		*page = NULL;
		return;
	}
	*page = alloc_pages(kinds[INTERRUPT].gfp | __GFP_NOWARN, order);
	in_irq.served += *page != NULL;
	in_irq.refused += !*page;
}

/* One call each time, so that the interrupt is as short as a user's would be. The
 * next comes a pause after this one and not at a fixed time: on an emulator that
 * gets little of its host, interrupts that are late all the time would leave the
 * tasks none of it. */
static void irq_step(struct timer *t)
{
	irq_call(in_irq.next++ % IRQ_SLOTS);
	(void)timer_start(t, time_after_ns(IRQ_PAUSE_NS), 0);
}

static void irq_begin(void)
{
	memset(&in_irq, 0, sizeof(in_irq));
	timer_init(&in_irq.timer, irq_step);
	(void)timer_start(&in_irq.timer, time_after_ns(IRQ_PAUSE_NS), 0);
}

static void irq_end(void)
{
	(void)timer_stop_sync(&in_irq.timer);
	for (unsigned int slot = 0; slot < IRQ_SLOTS; slot++)
		if (in_irq.page[slot])
			free_pages(in_irq.page[slot], slot % 3);
}

/* ---- the tasks ------------------------------------------------------------------------ */

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
	while (get_phase() == RUN && (w->steps < LEAST_STEPS || time_now_ns() < run_end)) {
		one_step(w);
		__atomic_fetch_add(&w->steps, 1, __ATOMIC_RELAXED);
	}
	for (unsigned int slot = 0; slot < SLOTS; slot++)
		if (w->block[slot].page)
			drop_block(w, &w->block[slot]);
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

/* An emulator that gets little of its host may have done nothing at all in the time
 * given, and a run that tried nothing must not look like one that passed. */
static bool await_least_steps(unsigned int n)
{
	u64 end = time_after_ns(PATIENCE_NS);

	for (unsigned int i = 0; i < n; i++)
		while (__atomic_load_n(&workers[i].steps, __ATOMIC_RELAXED) < LEAST_STEPS)
			if (time_now_ns() >= end || !sh_sleep(NS_PER_S / 1000))
				return sh_interrupted();
	return true;
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

static void print_kinds(const u64 *served)
{
	sh_print("mm stress: served");
	for (unsigned int k = 0; k < NR_KINDS; k++)
		sh_print("%s %s %llu", k ? "," : "", kinds[k].name, (unsigned long long)served[k]);
	sh_print("\n");
}

static int report(unsigned int n, u64 before, u64 after)
{
	u64 served[NR_KINDS] = { 0 }, sum = 0, refused = in_irq.refused, damaged = 0;
	unsigned int wrong;

	served[INTERRUPT] = in_irq.served;
	for (unsigned int i = 0; i < n; i++) {
		for (unsigned int k = 0; k < NR_KINDS; k++)
			served[k] += workers[i].served[k];
		refused += workers[i].refused;
		damaged += workers[i].damaged;
	}
	for (unsigned int k = 0; k < NR_KINDS; k++)
		sum += served[k];
	sh_print("mm stress: %llu blocks served, %llu refused, %llu damaged\n",
		 (unsigned long long)sum, (unsigned long long)refused, (unsigned long long)damaged);
	print_kinds(served);
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
	bool ran = true;
	u64 before, after;
	int status;

	sh_print("mm stress: %u tasks, %llu s, seed %llu\n", n, (unsigned long long)seconds,
		 (unsigned long long)seed);
	set_phase(WAIT);
	made = create_workers(n, seed);
	before = mm_settled_free_pages();
	if (made == n) {
		run_end = time_after_ns(seconds * NS_PER_S);
		irq_begin();
		set_phase(RUN);
		ran = !sh_sleep(seconds * NS_PER_S) || await_least_steps(n);
		irq_end();
	}
	stop_workers(made);
	after = mm_settled_free_pages();
	status = join_workers(made);
	if (made < n) {
		sh_print("mm stress: no memory for task %u of %u\n", made + 1, n);
		return EXIT_FAIL;
	}
	if (!ran) {
		sh_print("mm stress: tasks hardly ran, this shows nothing\n");
		status = EXIT_FAIL;
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
	if (i < argc)
		return mm_usage("stress");
	return run(seconds, seed, (unsigned int)tasks);
}
