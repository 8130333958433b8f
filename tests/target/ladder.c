/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ladder of floors on the machine itself: tasks of rising priority, an atomic
 * request and a hard interrupt drain one node's kernel memory in turn. Each stops
 * where its band's floor is, in every zone, and the next one is still served. With
 * ladder=off the same tasks end at two levels. What is taken stays taken until
 * the last has stopped; then every page comes home.
 */
#include "mm/mm.h"
#include "rtos/defer.h"
#include "tests/target/help.h"

enum {
	TAKEN_PER_TICK = 4, /* of a hard interrupt, which ought to be short */
	TRIES = 50,
};
#define PATIENCE (60 * SEC)

static struct climber {
	const char *name;
	gfp_t gfp;
	u32 band;
	u32 slow_paths, failed;
	u64 taken;
	struct task *task; /* null: no priority of this boot has its band */
	struct page *chain;
	struct sem go;
} climbers[] = {
	{ .name = "background", .gfp = GFP_KERNEL, .band = BAND_BACKGROUND },
	{ .name = "batch", .gfp = GFP_KERNEL, .band = BAND_BATCH },
	{ .name = "ordinary", .gfp = GFP_KERNEL, .band = BAND_ORDINARY },
	{ .name = "urgent", .gfp = GFP_KERNEL, .band = BAND_URGENT },
	{ .name = "real-time", .gfp = GFP_KERNEL, .band = BAND_REALTIME },
	{ .name = "atomic", .gfp = GFP_ATOMIC, .band = BAND_ATOMIC },
	{ .name = "critical", .gfp = GFP_KERNEL, .band = BAND_CRITICAL },
};
enum { NR_CLIMBERS = ARRAY_SIZE(climbers) };

static struct climber interrupt = { .name = "interrupt",
				    .gfp = GFP_ATOMIC,
				    .band = BAND_INTERRUPT };
static const struct node *home;
static u32 begun;
static u32 stopped; /* (A) */

/* The node with the least memory among those that have some for the kernel. */
static const struct node *smallest_node(void)
{
	const struct node *best = NULL;

	for (unsigned int id = 0; id < MAX_NODES; id++) {
		const struct node *n = node_get(id);
		u64 managed = 0;

		for (unsigned int t = 0; n && t <= ZONE_NORMAL; t++)
			managed += n->zone[t].managed_pages;
		if (managed && (!best || n->present_pages < best->present_pages))
			best = n;
	}
	return best;
}

/* Two levels show in the floors: band 0 ends at min as band 2 does. */
static bool ladder_is_on(void)
{
	const struct zone *z = home->zone;

	while (!z->managed_pages)
		z++;
	return z->floor[BAND_BACKGROUND] > z->floor[BAND_ORDINARY];
}

/* Without the ladder priorities say nothing, nor does it matter who is atomic. */
static u32 band_of(const struct climber *c)
{
	if (ladder_is_on())
		return c->band;
	return c->gfp == GFP_KERNEL ? BAND_ORDINARY : BAND_ATOMIC;
}

static u64 stop_of(const struct zone *z, const struct climber *c)
{
	return z->floor[band_of(c)] + z->lowmem_reserve[ZONE_NORMAL];
}

/* Pages that this one may still take from the node. */
static u64 left_for(const struct climber *c)
{
	u64 left = 0;

	for (unsigned int t = 0; t <= ZONE_NORMAL; t++) {
		const struct zone *z = &home->zone[t];
		u64 usable = __atomic_load_n(&z->nr_usable, __ATOMIC_RELAXED);

		if (z->managed_pages && usable > stop_of(z, c))
			left += usable - stop_of(z, c);
	}
	return left;
}

static bool take(struct climber *c, unsigned int order)
{
	struct page *page =
		alloc_pages_node((int)home->id, c->gfp | __GFP_THISNODE | __GFP_NOWARN, order);

	if (!page) {
		c->failed++;
		return false;
	}
	page->private = c->chain ? (u32)page_to_pfn(c->chain).v : PFN_NIL;
	c->chain = page;
	c->taken += 1ull << order;
	return true;
}

static void give_back(struct climber *c)
{
	while (c->chain) {
		struct page *page = c->chain;

		c->chain = page->private == PFN_NIL ? NULL : pfn_to_page(pfn_make(page->private));
		free_pages(page, page_order(page));
	}
}

/* Large blocks first, but the last steps by single pages; again when somebody
 * else gave a page back meanwhile. */
static void climb(struct climber *c)
{
	u32 before = mm_slow_paths();

	for (int order = begun == 1 ? MAX_PAGE_ORDER : 0; order >= 0; order--)
		while (take(c, (unsigned int)order))
			;
	for (unsigned int i = 0; i < TRIES && left_for(c); i++)
		while (take(c, 0))
			;
	c->slow_paths = mm_slow_paths() - before;
}

static void climber_task(void *arg)
{
	struct climber *c = arg;

	TEST_CHECK(sem_wait(&c->go, time_after_ns(PATIENCE)) == 0);
	climb(c);
	help_add(&stopped, 1);
	TEST_CHECK(sem_wait(&c->go, time_after_ns(PATIENCE)) == 0);
	give_back(c);
}

/* Where the zones are now; no success may have led below. */
static void check_stop(const struct climber *c, const u64 *before)
{
	u32 band = band_of(c);

	for (unsigned int t = 0; t <= ZONE_NORMAL; t++) {
		const struct zone *z = &home->zone[t];
		u64 usable = z->nr_usable, stop = stop_of(z, c);

		if (!z->managed_pages)
			continue;
		out_printf(&console_out,
			   "    # %s stops at %llu in %s: floor %llu of band %u, reserve %llu\n",
			   c->name, (unsigned long long)usable, z->name,
			   (unsigned long long)z->floor[band], band,
			   (unsigned long long)z->lowmem_reserve[ZONE_NORMAL]);
		TEST_CHECK_VAL(usable == min_u64(before[t], stop), usable, stop);
	}
}

static void read_usable(u64 *usable)
{
	for (unsigned int t = 0; t <= ZONE_NORMAL; t++)
		usable[t] = home->zone[t].nr_usable;
}

static void tick(struct timer *t)
{
	bool more = true;

	(void)t;
	for (unsigned int i = 0; i < TAKEN_PER_TICK && more; i++)
		more = take(&interrupt, 0);
	if (!more)
		help_add(&stopped, 1);
}

/* Band 7 from where it comes from: a timer's interrupt. */
static void climb_in_interrupts(void)
{
	static struct timer timer;

	timer_init(&timer, tick);
	TEST_CHECK(timer_start(&timer, time_after_ns(MS), MS) == 0);
	TEST_CHECK(help_await(&stopped, begun + 1));
	timer_stop_sync(&timer);
}

static void one_climb(struct climber *c)
{
	u64 before[NR_ZONE_TYPES], left = left_for(c);

	begun++;
	read_usable(before);
	TEST_CHECK(sem_post(&c->go) == 0);
	TEST_CHECK(help_await(&stopped, begun));
	check_stop(c, before);
	TEST_CHECK_VAL(c->taken >= left, c->taken, left);
	/* Who never reclaims is in the slow path only to hear that there is none. */
	if (ladder_is_on() && c->band >= BAND_NO_RECLAIM)
		TEST_CHECK_VAL(c->slow_paths == c->failed, c->slow_paths, c->failed);
}

static u64 all_pages(void)
{
	mm_drain_caches();
	return mm_free_pages();
}

/* Tasks that ended are reaped in their own time. */
static u64 settled_pages(void)
{
	u64 pages = all_pages();

	for (unsigned int i = 0, calm = 0; i < 200 && calm < 20; i++) {
		u64 last = pages;

		sleep_ms(1);
		pages = all_pages();
		calm = pages == last ? calm + 1 : 0;
	}
	return pages;
}

/* Atomic is the request's right, whatever the priority below it. */
static int prio_for(const struct climber *c)
{
	if (!ladder_is_on())
		return TASK_PRIO_DEFAULT;
	return c->band == BAND_ATOMIC ? help_prio_of_band(BAND_BACKGROUND, BAND_URGENT)
				      : help_prio_of_band(c->band, c->band);
}

static void begin(void)
{
	home = smallest_node();
	begun = stopped = 0;
	for (unsigned int i = 0; i < NR_CLIMBERS; i++) {
		struct climber *c = &climbers[i];
		int prio = prio_for(c);

		c->taken = c->failed = c->slow_paths = 0;
		c->chain = NULL;
		TEST_CHECK(sem_init(&c->go, c->name, 0, 1) == 0);
		c->task = NULL;
		if (prio >= 0)
			c->task =
				help_spawn(c->name, (unsigned int)prio, CPUS_ALL, climber_task, c);
		else
			out_printf(&console_out, "    # %s: no priority has band %u\n", c->name,
				   c->band);
	}
	interrupt.taken = interrupt.failed = 0;
	interrupt.chain = NULL;
}

static void test_each_stops_at_its_floor(void)
{
	u64 before = settled_pages(), after, usable[NR_ZONE_TYPES];

	begin();
	for (unsigned int i = 0; i < NR_CLIMBERS; i++)
		if (climbers[i].task)
			one_climb(&climbers[i]);
	read_usable(usable);
	climb_in_interrupts();
	check_stop(&interrupt, usable);
	for (unsigned int i = 0; i < NR_CLIMBERS; i++)
		if (climbers[i].task)
			TEST_CHECK(sem_post(&climbers[i].go) == 0);
	for (unsigned int i = 0; i < NR_CLIMBERS; i++)
		if (climbers[i].task)
			help_join(climbers[i].task);
	give_back(&interrupt);
	after = settled_pages();
	TEST_CHECK_VAL(after == before, after, before);
	TEST_CHECK(mm_check(&console_out) == 0);
}

static const struct test_case cases[] = {
	{ "each band stops at its floor", test_each_stops_at_its_floor },
};

const struct test_suite suite_ladder = { "ladder", cases, ARRAY_SIZE(cases) };
