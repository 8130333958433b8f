/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mobility grouping on the machine itself (rows 51-53, 55): what a flood of
 * unmovable pages does to memory full of movable ones, who gets pages of CMA, and
 * how the high-atomic reserve comes and goes. Each case ends with every page home
 * and a clean walk; what a shape is too small for is skipped.
 */
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/mobility.h"
#include "mm/page/pageblock.h"
#include "mm/stat/vmstat.h"
#include "tests/target/help.h"

enum {
	LEFT_FREE = 2048,      /* pages that a flood leaves to everybody else */
	FLOOD_PAGES = 1 << 16, /* that floods play with; larger machines hold the rest */
	FLOOD_SHARE = 16,      /* of the gaps, taken by the unmovable flood: one in */
	ATOMIC_ORDER = 4,      /* larger than what caches hold */
};

/* Pages that we hold, linked through their first words. */
struct held {
	struct page *first;
	u64 nr; /* blocks */
};

static void hold(struct held *h, struct page *page)
{
	*(struct page **)page_address(page) = h->first;
	h->first = page;
	h->nr++;
}

static struct page *next_of(const struct page *page)
{
	return *(struct page **)page_address(page);
}

static void release(struct held *h)
{
	while (h->first) {
		struct page *page = h->first;

		h->first = next_of(page);
		free_pages(page, page_order(page));
	}
	h->nr = 0;
}

static void expect_home(u64 before)
{
	u64 now;

	mm_drain_caches();
	now = help_settled_pages();
	TEST_CHECK_VAL(now == before, now, before);
	TEST_CHECK(mm_check(&console_out) == 0);
}

/* The zone that ordinary requests of this CPU come from. */
static struct zone *ordinary_zone(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, 0);
	struct zone *z = page ? zone_table[frame_zone_id(page)] : NULL;

	TEST_CHECK(z != NULL);
	if (page)
		free_pages(page, 0);
	return z;
}

static u64 pageblocks_of(const struct zone *z, enum migratetype mt)
{
	u64 nr = 0;

	for (u64 pfn = z->start.v; pfn < z->end.v; pfn += PAGEBLOCK_PAGES)
		nr += frame_exists(pfn) && pageblock_type(pfn) == mt;
	return nr;
}

/* ---- stealing ------------------------------------------------------------------------- */

/* Of memory beyond what floods play with, largest blocks: a flood page by page costs
 * the same on any machine. */
static struct held ballast(gfp_t gfp)
{
	struct held h = { 0 };
	struct page *page;

	while (mm_free_pages() > LEFT_FREE + FLOOD_PAGES &&
	       (page = alloc_pages(gfp | __GFP_NOWARN, MAX_PAGE_ORDER)))
		hold(&h, page);
	if (h.nr)
		out_printf(&console_out, "    # %llu blocks of order %d held: %llu pages play\n",
			   (unsigned long long)h.nr, MAX_PAGE_ORDER,
			   (unsigned long long)mm_free_pages());
	return h;
}

static void fill_movable(struct held *h)
{
	struct page *page;

	while (mm_free_pages() > LEFT_FREE &&
	       (page = alloc_pages(GFP_HIGHUSER_MOVABLE | __GFP_NOWARN, 0)))
		hold(h, page);
}

/* Three frames of four go back: no block above order 1 is left in what was full. */
static struct held open_gaps(struct held *full)
{
	struct held kept = { 0 };

	while (full->first) {
		struct page *page = full->first;

		full->first = next_of(page);
		if ((page_to_pfn(page).v & 3) == 3)
			hold(&kept, page);
		else
			free_pages(page, 0);
	}
	return kept;
}

/*
 *   |...M...M|...M...M|...M...M| ...     and n pages that cannot be moved
 * More than half of each pageblock is free, so it may change its type: the flood
 * fills pageblocks one after the other instead of a page in each.
 */
static void test_flood_is_grouped(void)
{
	struct held full = { 0 }, kept, flood = { 0 }, rest;
	u64 before = help_settled_pages(), stolen, fallbacks, want;

	rest = ballast(GFP_HIGHUSER_MOVABLE);
	fill_movable(&full);
	want = full.nr / FLOOD_SHARE;
	kept = open_gaps(&full);
	/* Filling stole, too, what earlier suites left to other types. */
	stolen = vm_event_sum(PAGEBLOCK_STEAL);
	fallbacks = vm_event_sum(ALLOC_FALLBACK);
	while (flood.nr < want) {
		struct page *page = alloc_pages(GFP_NOWAIT | __GFP_NOWARN, 0);

		TEST_CHECK_VAL(page != NULL, flood.nr, want);
		if (!page)
			break;
		hold(&flood, page);
	}
	stolen = vm_event_sum(PAGEBLOCK_STEAL) - stolen;
	fallbacks = vm_event_sum(ALLOC_FALLBACK) - fallbacks;
	/* A pageblock is claimed for at least half of it and, as painted, holds 384: want / 384
	 * are needed, and one is begun in each zone. Twice that is room for those that others
	 * have mixed before; a page in each would be 1,800. */
	TEST_CHECK_VAL(stolen <= 2 * (want / (PAGEBLOCK_PAGES / 2)) + 8, stolen, want);
	/* Settling and strays bring home some of a pageblock each time. */
	TEST_CHECK_VAL(fallbacks <= want / 2 + 8, fallbacks, want);
	release(&flood);
	release(&kept);
	release(&rest);
	expect_home(before);
}

/* Pages in blocks of pageblock order and above, all zones. */
static u64 pages_in_large_blocks(void)
{
	u64 sum = 0;

	for (struct zone *z = zone_next(0); z; z = zone_next(z->id + 1)) {
		u64 flags = spin_lock_irqsave(&z->lock);

		for (unsigned int o = PAGEBLOCK_ORDER; o < NR_PAGE_ORDERS; o++)
			sum += buddy_blocks(&z->area[o]) << o;
		spin_unlock_irqrestore(&z->lock, flags);
	}
	return sum;
}

/* All three types flood in turn; when all is home again, memory is as whole as it
 * was, whatever types its pageblocks have now. */
static void test_comes_home_whole(void)
{
	static const gfp_t kinds[] = { GFP_NOWAIT, GFP_NOWAIT | __GFP_MOVABLE,
				       GFP_NOWAIT | __GFP_RECLAIMABLE };
	struct held h = { 0 }, rest;
	u64 before, large, large_now;

	mm_drain_caches();
	before = help_settled_pages();
	large = pages_in_large_blocks();
	rest = ballast(GFP_HIGHUSER_MOVABLE);
	for (u64 i = 0; mm_free_pages() > LEFT_FREE; i++) {
		gfp_t gfp = kinds[i / 64 % 3] | __GFP_NOWARN;
		struct page *page = alloc_pages(gfp, (unsigned int)(i % 4));

		if (!page)
			break;
		hold(&h, page);
	}
	TEST_CHECK_VAL(h.nr > 0, h.nr, before);
	release(&h);
	release(&rest);
	expect_home(before);
	large_now = pages_in_large_blocks();
	/* Caches of tasks that came and went may hold a page here and there. */
	TEST_CHECK_VAL(large_now + 8 * PAGEBLOCK_PAGES >= large, large_now, large);
}

/* ---- CMA -------------------------------------------------------------------------------- */

/* In a movable zone there is nobody to lend to but those who own it. */
static struct zone *zone_with_cma(void)
{
	for (struct zone *z = zone_next(0); z; z = zone_next(z->id + 1))
		if (z->nr_free_cma && z->type != ZONE_MOVABLE)
			return z;
	return NULL;
}

/* Everything that a request of this kind gets in blocks down to `least`, the largest
 * first; none of it is CMA. */
static void drain_down_to(struct held *h, gfp_t gfp, int least)
{
	struct page *page;

	for (int order = MAX_PAGE_ORDER; order >= least; order--)
		while ((page = alloc_pages(gfp | __GFP_NOWARN, (unsigned int)order))) {
			for (u64 i = 0; i < 1ull << order; i += PAGEBLOCK_PAGES)
				TEST_CHECK(pageblock_type(page_to_pfn(page).v + i) != MIGRATE_CMA);
			hold(h, page);
		}
}

/* All the rest is used up; only then does it show who gets pages of the areas. */
static void test_cma_is_lent_to_movable_only(void)
{
	struct held h = { 0 }, lent = { 0 };
	struct zone *z = zone_with_cma();
	struct page *page;
	u64 before, free_cma;

	if (!z) {
		test_skip("no CMA area in an ordinary zone");
		return;
	}
	mm_drain_caches();
	before = help_settled_pages();
	free_cma = z->nr_free_cma;
	drain_down_to(&h, GFP_NOWAIT, 0);
	TEST_CHECK_VAL(z->nr_free_cma == free_cma, z->nr_free_cma, free_cma);
	for (unsigned int i = 0; i < 64; i++) {
		page = alloc_pages_node((int)z->node, GFP_NOWAIT | __GFP_MOVABLE | __GFP_NOWARN, 0);
		TEST_CHECK_VAL(page != NULL, i, z->nr_free_cma);
		if (page)
			hold(&lent, page);
	}
	TEST_CHECK_VAL(z->nr_free_cma < free_cma, z->nr_free_cma, free_cma);
	release(&lent);
	release(&h);
	mm_drain_caches();
	TEST_CHECK_VAL(z->nr_free_cma == free_cma, z->nr_free_cma, free_cma);
	expect_home(before);
}

/* ---- the high-atomic reserve ----------------------------------------------------------------- */

static void test_highatomic(void)
{
	struct zone *z = ordinary_zone();
	struct held h = { 0 };
	struct page *page;
	u64 before;

	if (!z || z->managed_pages / 100 < PAGEBLOCK_PAGES) {
		test_skip("one per cent of the zone is less than a pageblock");
		return;
	}
	/* Who digs deeper leaves nothing to reserve. */
	if (!help_enter_band(BAND_BACKGROUND, BAND_URGENT))
		return;
	before = help_settled_pages();
	/* Nothing is reserved before memory is short. */
	drain_down_to(&h, GFP_NOWAIT, ATOMIC_ORDER);
	page = alloc_pages_node((int)z->node, GFP_ATOMIC | __GFP_NOWARN, ATOMIC_ORDER);
	TEST_CHECK(page != NULL);
	if (page) {
		z = zone_table[frame_zone_id(page)];
		TEST_CHECK(pageblock_type(page_to_pfn(page).v) == MIGRATE_HIGHATOMIC);
		free_pages(page, ATOMIC_ORDER);
	}
	TEST_CHECK_VAL(z->nr_highatomic > 0, z->nr_highatomic, z->nr_free_highatomic);
	TEST_CHECK_VAL(z->nr_highatomic == pageblocks_of(z, MIGRATE_HIGHATOMIC) * PAGEBLOCK_PAGES,
		       z->nr_highatomic, pageblocks_of(z, MIGRATE_HIGHATOMIC));
	/* Others do not get it; who it is for gets it again. */
	page = alloc_pages_node((int)z->node, GFP_NOWAIT | __GFP_NOWARN, ATOMIC_ORDER);
	TEST_CHECK(page == NULL);
	if (page)
		hold(&h, page);
	page = alloc_pages_node((int)z->node, GFP_ATOMIC | __GFP_NOWARN, ATOMIC_ORDER);
	TEST_CHECK(page && pageblock_type(page_to_pfn(page).v) == MIGRATE_HIGHATOMIC);
	if (page)
		free_pages(page, ATOMIC_ORDER);
	/* Those who may wait get the last of it before they give up. */
	while ((page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, 0)))
		hold(&h, page);
	TEST_CHECK_VAL(z->nr_highatomic == 0, z->nr_highatomic, z->nr_free_highatomic);
	release(&h);
	expect_home(before);
}

static const struct test_case cases[] = {
	{ "a flood is grouped", test_flood_is_grouped },
	{ "comes home whole", test_comes_home_whole },
	{ "CMA is lent to movable only", test_cma_is_lent_to_movable_only },
	{ "the high-atomic reserve", test_highatomic },
};
const struct test_suite suite_mobility = { "mobility", cases, ARRAY_SIZE(cases) };
