// SPDX-License-Identifier: Apache-2.0
/*
 * `mm flood`: what the ladder of floors is for, shown with real tasks. Four tasks
 * of ordinary priorities, one in each of the bands 0 to 3, take all the memory
 * they get and hold on to it; an urgent one (band 4) wakes every millisecond,
 * takes a few pages, writes to them and gives them back. With the ladder on it never
 * fails nor enters the slow path, since the others end above its slice of the
 * reserve; with `ladder=off` they end where it ends too.
 *
 * All tasks exist before free memory is read first and until it was read last,
 * so that the pages they consist of do not enter the comparison. Counts are
 * each task's own, read after it has stopped.
 */
#include "rtos/shell/shell.h"
#include "mm/mm.h"

enum {
	FLOODERS = 4,
	URGENT = FLOODERS, /* its place in workers[] */
	URGENT_PAGES = 8,
	GIVEN_BACK = 4, /* blocks, after a failure */
	MAX_SECONDS = 600,
};
#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull
#define JOIN_NS (10 * NS_PER_S)

enum phase { WAIT, RUN, LEAVE };

struct worker {
	const char *name;
	unsigned int prio;
	struct task *task;
	u64 requests, failed, worst_ns;
	u32 slow_paths;
	u32 held;    /* frame number of the newest block, chained by private */
	u32 stopped; /* (A) all it held is free */
};

static struct worker workers[FLOODERS + 1];
static u32 phase;   /* (A) enum phase */
static u64 run_end; /* set before RUN */

static enum phase get_phase(void)
{
	return (enum phase)__atomic_load_n(&phase, __ATOMIC_ACQUIRE);
}

static void set_phase(enum phase p)
{
	__atomic_store_n(&phase, p, __ATOMIC_RELEASE);
}

static bool running(void)
{
	return get_phase() == RUN && time_now_ns() < run_end && !sh_interrupted();
}

static struct page *request(struct worker *w, gfp_t gfp, unsigned int order)
{
	u64 start = time_now_ns();
	struct page *page = alloc_pages(gfp | __GFP_NOWARN, order);

	w->worst_ns = max_u64(w->worst_ns, time_now_ns() - start);
	w->requests++;
	w->failed += !page;
	return page;
}

/* ---- those who take everything ----------------------------------------------------------- */

static bool take(struct worker *w)
{
	/* Of 16 requests, 13 for one page, one each for 2, 4 and 8 of them. */
	unsigned int r = (unsigned int)w->requests % 16, order = r < 3 ? r + 1 : 0;
	struct page *page = request(w, r % 2 ? GFP_HIGHUSER_MOVABLE : GFP_KERNEL, order);

	if (!page)
		return false;
	page->private = w->held;
	page->index = order;
	w->held = (u32)page_to_pfn(page).v;
	return true;
}

static void give_back(struct worker *w, unsigned int most)
{
	while (w->held != PFN_NIL && most--) {
		struct page *page = pfn_to_page(pfn_make(w->held));

		w->held = page->private;
		free_pages(page, page->index);
	}
}

static void flood(struct worker *w)
{
	while (running()) {
		if (take(w))
			continue;
		/* Move, so that floors are tried again and again. */
		give_back(w, GIVEN_BACK);
		sleep_ns(NS_PER_MS);
	}
	give_back(w, ~0u);
}

/* ---- the urgent one ------------------------------------------------------------------------ */

static void one_period(struct worker *w)
{
	struct page *page[URGENT_PAGES];

	for (unsigned int i = 0; i < URGENT_PAGES; i++) {
		page[i] = request(w, GFP_KERNEL, 0);
		if (page[i])
			memset(page_address(page[i]), 0x5a, PAGE_SIZE);
	}
	for (unsigned int i = 0; i < URGENT_PAGES; i++)
		if (page[i])
			free_pages(page[i], 0);
}

static void urgent(struct worker *w)
{
	u64 next = time_now_ns();

	while (running()) {
		one_period(w);
		next += NS_PER_MS;
		sleep_until_ns(next);
	}
}

static void work(void *arg)
{
	struct worker *w = arg;

	while (get_phase() == WAIT)
		sleep_ns(NS_PER_MS);
	if (w == &workers[URGENT])
		urgent(w);
	else
		flood(w);
	w->slow_paths = mm_slow_paths();
	__atomic_store_n(&w->stopped, 1, __ATOMIC_RELEASE);
	while (get_phase() != LEAVE)
		sleep_ns(NS_PER_MS);
}

/* ---- the command ------------------------------------------------------------------- */

static bool create_workers(void)
{
	static const struct worker who[] = {
		{ .name = "background", .prio = 2 }, { .name = "batch", .prio = 5 },
		{ .name = "ordinary", .prio = 12 },  { .name = "pressing", .prio = 18 },
		{ .name = "urgent", .prio = 22 },
	};

	for (unsigned int i = 0; i <= URGENT; i++) {
		const struct task_attr attr = { .name = who[i].name, .prio = who[i].prio };

		workers[i] = who[i];
		workers[i].held = PFN_NIL;
		workers[i].task = task_create(&attr, work, &workers[i]);
		if (!workers[i].task)
			return false;
	}
	return true;
}

/* Every worker that exists ends; false when one did not. */
static bool end_workers(void)
{
	bool ended = true;

	set_phase(LEAVE);
	for (unsigned int i = 0; i <= URGENT; i++) {
		if (workers[i].task && task_join(workers[i].task, time_after_ns(JOIN_NS)))
			ended = false;
		workers[i].task = NULL;
	}
	return ended;
}

static bool all_stopped(void)
{
	for (unsigned int i = 0; i <= URGENT; i++)
		if (!__atomic_load_n(&workers[i].stopped, __ATOMIC_ACQUIRE))
			return false;
	return true;
}

/* Which floors apply can be seen from any zone that has some. */
static bool ladder_is_on(void)
{
	for (u64 nodes = nodes_with_memory(); nodes; nodes &= nodes - 1) {
		const struct node *n = node_get((unsigned int)__builtin_ctzll(nodes));

		for (unsigned int t = 0; t < NR_ZONE_TYPES; t++)
			if (n->zone[t].floor[BAND_BACKGROUND] > n->zone[t].floor[BAND_ORDINARY])
				return true;
	}
	return false;
}

static void print_table(void)
{
	sh_print("task        prio   requests     failed  slow path   worst us\n");
	for (unsigned int i = 0; i <= URGENT; i++) {
		const struct worker *w = &workers[i];

		sh_print("%-10s  %4u %10llu %10llu %10u %10llu\n", w->name, w->prio,
			 (unsigned long long)w->requests, (unsigned long long)w->failed,
			 w->slow_paths, (unsigned long long)w->worst_ns / 1000);
	}
	sh_print("mm flood: the urgent task failed %llu times and entered the slow path %u times\n",
		 (unsigned long long)workers[URGENT].failed, workers[URGENT].slow_paths);
}

static int play(u64 seconds)
{
	u64 before = mm_settled_free_pages(), after;
	u64 deadline;

	run_end = time_after_ns(seconds * NS_PER_S);
	deadline = run_end + JOIN_NS;
	set_phase(RUN);
	while (!all_stopped() && time_now_ns() < deadline)
		sleep_ms(10);
	after = mm_settled_free_pages();
	print_table();
	sh_print("mm flood: free pages before %llu, after %llu: %s\n", (unsigned long long)before,
		 (unsigned long long)after, before == after ? "all home" : "NOT ALL HOME");
	return before == after ? EXIT_OK : EXIT_FAIL;
}

int mm_flood(int argc, char **argv)
{
	u64 seconds = 3;
	int status = EXIT_FAIL;

	if (argc > 3)
		return mm_usage("flood");
	if (argc == 3 && sh_number("mm flood", "SECONDS", argv[2], 1, MAX_SECONDS, &seconds))
		return EXIT_USAGE;
	sh_print("mm flood: ladder %s; four tasks take all they get, one needs %d pages each ms\n",
		 ladder_is_on() ? "on" : "off", URGENT_PAGES);
	memset(workers, 0, sizeof(workers));
	set_phase(WAIT);
	if (create_workers())
		status = play(seconds);
	else
		sh_print("mm flood: no memory for its tasks\n");
	if (!end_workers()) {
		sh_print("mm flood: a task does not end\n");
		status = EXIT_FAIL;
	}
	return sh_status(status);
}
