/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The validator must see what it claims to see: each case breaks one equation
 * of mm/types.h by hand, expects mm_check() to say so, and puts it right again.
 * A sound machine in any state of use has no findings.
 */
#include "unit.h"

#include "help/machine.h"
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/pageblock.h"
#include "mm/page/pcp.h"

static const struct machine two = {
	.bank = { { GIB(1), GIB(1) + MIB(32) + 0x3000, 0, 0 },
		  { GIB(1) + MIB(34), GIB(1) + MIB(66), 1, 0 } },
	.reserved = { { GIB(1) + MIB(3), GIB(1) + MIB(3) + 0x5000 } },
	.cma = { { GIB(1) + MIB(40), GIB(1) + MIB(44) } },
};

static struct zone *zone;
static char text[1 << 16];

static int setup(void **state)
{
	(void)state;
	machine_boot(&two);
	zone = zone_next(0);
	return 0;
}

static unsigned int check(void)
{
	struct out_buf ob;

	out_buf_init(&ob, text, sizeof(text));
	return mm_check(&ob.out);
}

/* Findings, and among them one that says `what`. */
static void expect_found(const char *what)
{
	assert_true(check() > 0);
	if (!strstr(text, what))
		fail_msg("no '%s' in: %s", what, text);
}

/* First free block of at least this order. */
static struct page *free_block(unsigned int order)
{
	while (zone->area[order].list[MIGRATE_MOVABLE].head == PFN_NIL)
		order++;
	return frame(zone->area[order].list[MIGRATE_MOVABLE].head);
}

static void test_sound_machines(void **state)
{
	struct page *page[200];

	(void)state;
	assert_int_equal(check(), 0);
	for (unsigned int i = 0; i < 200; i++) {
		page[i] = alloc_pages(GFP_KERNEL, i % 6);
		assert_non_null(page[i]);
	}
	assert_int_equal(check(), 0);
	for (unsigned int i = 0; i < 200; i += 2)
		free_pages(page[i], i % 6);
	assert_int_equal(check(), 0);
}

/*
 *   RAM      #### ....  .... ####     a border in the middle of a pageblock, and RAM on
 *   zones    DMA |DMA32 DMA |DMA32    one side of it only: nobody counts the other's
 */
static void test_border_beside_a_hole(void **state)
{
	static const struct machine below = {
		.bank = { { 0, MIB(1), 0, 0 }, { GIB(1), GIB(1) + MIB(32), 0, 0 } },
		.dma_end = MIB(1),
	};
	static const struct machine above = {
		.bank = { { MIB(32), MIB(64), 0, 0 }, { GIB(1) + MIB(1), GIB(1) + MIB(32), 0, 0 } },
		.dma_end = GIB(1) + MIB(1),
	};

	(void)state;
	machine_boot(&below);
	if (check())
		fail_msg("%s", text);
	machine_boot(&above);
	if (check())
		fail_msg("%s", text);
	pageblock_entry((GIB(1) + MIB(3)) >> PAGE_SHIFT)->nr_free--;
	zone = zone_next(1);
	expect_found("pageblock counts");
}

static void test_counts(void **state)
{
	u64 *const counts[] = { &zone->nr_free,       &zone->managed_pages,
				&zone->present_pages, &zone->spanned_pages,
				&zone->nr_leaked,     &zone->nr_usable,
				&zone->nr_guard,      &zone->nr_free_highatomic };
	static const char *const names[] = { "free is",    "managed is",         "present is",
					     "spanned is", "leaked is",          "usable is",
					     "guards is",  "free high-atomic is" };

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(counts); i++) {
		*counts[i] += 1;
		expect_found(names[i]);
		*counts[i] -= 1;
	}
	zone_next(4)->nr_free_cma--;
	expect_found("free CMA is");
	zone_next(4)->nr_free_cma++;
	assert_int_equal(check(), 0);
}

static void test_head_and_tails(void **state)
{
	struct page *page = free_block(3);
	u32 flags = page->flags, tail = page[1].flags;

	(void)state;
	page[1].flags = frame_flags(zone->id, PAGE_RESERVED, 0, (enum migratetype)0);
	expect_found("inside a block");
	page[1].flags = tail;
	page->flags = frame_flags(zone->id, PAGE_TAIL, 0, (enum migratetype)0);
	expect_found("a tail without a head");
	page->flags = frame_flags(zone->id, PAGE_FREE, 11, MIGRATE_MOVABLE);
	expect_found("misaligned or leaves its zone");
	page->flags = frame_flags(zone->id + 1, PAGE_FREE, frame_order(page), MIGRATE_MOVABLE);
	expect_found("claims zone");
	page->flags = flags;
	page->refcount = 1;
	expect_found("free, but referenced");
	page->refcount = 0;
	assert_int_equal(check(), 0);
}

static void test_allocated_without_reference(void **state)
{
	struct page *page = alloc_pages(GFP_KERNEL, 1);

	(void)state;
	page->refcount = 0;
	expect_found("allocated, but not referenced");
	page->refcount = 1;
}

/* Two order-0 halves of a free order-1 block, linked as if merging had failed. */
static void test_unmerged(void **state)
{
	struct page *page = alloc_pages(GFP_KERNEL, 1);
	u32 pfn = frame_number(page);

	(void)state;
	for (u32 i = 0; i < 2; i++) {
		page[i].flags = frame_flags(zone->id, PAGE_FREE, 0, MIGRATE_MOVABLE);
		page[i].refcount = 0;
		page_list_add_head(&zone->area[0].list[MIGRATE_MOVABLE], pfn + i);
	}
	zone->filled[MIGRATE_MOVABLE] |= 1;
	zone->nr_free += 2;
	expect_found("unmerged free buddies");
}

/* A free block may wait on the list its pageblock once had; but no block comes to
 * or leaves an area of CMA so, and a type must be one. */
static void test_type(void **state)
{
	struct page *page = free_block(9);
	u64 pfn = frame_number(page);

	(void)state;
	pageblock_set_type(pfn, pfn + 1, MIGRATE_RECLAIMABLE);
	assert_int_equal(check(), 0);
	pageblock_set_type(pfn, pfn + 1, MIGRATE_CMA);
	expect_found("pageblock is CMA");
	pageblock_entry(pfn)->type = 9;
	expect_found("pageblock of type 9");
	pageblock_set_type(pfn, pfn + 1, MIGRATE_MOVABLE);
	assert_int_equal(check(), 0);
}

static void test_pageblock_counts(void **state)
{
	struct page *movable = alloc_pages_node(0, GFP_KERNEL | __GFP_MOVABLE, 4);
	struct pageblock *b = pageblock_entry(frame_number(movable));

	(void)state;
	assert_int_equal(check(), 0);
	b->nr_free++;
	expect_found("pageblock counts");
	b->nr_free--;
	b->nr_movable--;
	expect_found("pageblock counts");
	b->nr_movable++;
	/* A head that says it was served for something else. */
	movable->flags ^= (u32)(MIGRATE_MOVABLE ^ MIGRATE_RECLAIMABLE) << PAGE_MT_SHIFT;
	expect_found("pageblock counts");
	movable->flags ^= (u32)(MIGRATE_MOVABLE ^ MIGRATE_RECLAIMABLE) << PAGE_MT_SHIFT;
	assert_int_equal(check(), 0);
}

static void test_floors(void **state)
{
	u64 floor = zone->floor[BAND_URGENT], pass = zone->pass[ZONE_NORMAL];

	(void)state;
	zone->floor[BAND_URGENT] = zone->floor[BAND_ORDINARY] + 1;
	expect_found("floor of band 2");
	zone->floor[BAND_URGENT] = floor;
	zone->floor[BAND_MEMALLOC] = 1;
	expect_found("memalloc has a floor");
	zone->floor[BAND_MEMALLOC] = 0;
	zone->pass[ZONE_NORMAL]--;
	expect_found("hits are passed at");
	zone->pass[ZONE_NORMAL] = ~0ull;
	expect_found("hits are passed at"); /* one closed, the others open */
	zone->pass[ZONE_NORMAL] = pass;
	assert_int_equal(check(), 0);
}

/* ---- caches ---------------------------------------------------------------------- */

/* This CPU's list of single unmovable pages, with two on it at least. */
static struct pcp_list *filled_list(void)
{
	struct page *page[3];

	for (unsigned int i = 0; i < 3; i++)
		page[i] = alloc_pages_node(0, GFP_KERNEL, 0);
	for (unsigned int i = 0; i < 3; i++)
		free_pages(page[i], 0);
	assert_int_equal(check(), 0);
	return &zone->pcp[0]->list[0][MIGRATE_UNMOVABLE];
}

static void test_cache_lists(void **state)
{
	struct pcp_list *l = filled_list();
	struct page *first = frame(l->head);
	u32 next = first->next, flags = first->flags;

	(void)state;
	assert_true(pcp_blocks(l) >= 2);
	l->put++;
	expect_found("not as long as its counters say");
	l->put -= 2;
	expect_found("not as long as its counters say");
	l->put++;
	first->next = 0x7fffffff;
	expect_found("leads outside");
	first->next = l->head; /* a circle ends where the counters do */
	expect_found("not as long as its counters say");
	first->next = next;
	first->refcount = 1;
	expect_found("cached, but referenced");
	first->refcount = 0;
	first->flags = frame_flags(zone->id, PAGE_ALLOCATED, 0, MIGRATE_UNMOVABLE);
	first->refcount = 1;
	expect_found("not what its cache list holds");
	first->refcount = 0;
	first->flags = flags;
	assert_int_equal(check(), 0);
}

/* A block that says it is cached, but is on no list. */
static void test_cached_nowhere(void **state)
{
	struct page *page;

	(void)state;
	(void)filled_list();
	page = alloc_pages_node(0, GFP_KERNEL, 0);
	page->flags ^= PAGE_ALLOCATED ^ PAGE_CACHED;
	page->refcount = 0;
	expect_found("are marked so");
	page->flags ^= PAGE_ALLOCATED ^ PAGE_CACHED;
	page->refcount = 1;
	assert_int_equal(check(), 0);
}

static void test_links(void **state)
{
	struct page_list *l = &zone->area[10].list[MIGRATE_MOVABLE];
	struct page *first = frame(l->head), *second = frame(first->next);
	u32 next = second->next, prev = second->prev;

	(void)state;
	assert_true(l->count > 2);
	second->prev = PFN_NIL;
	expect_found("links back");
	second->prev = prev;
	second->next = l->head;
	expect_found("in a circle");
	second->next = 0x7fffffff;
	expect_found("list leads outside");
	second->next = PFN_NIL;
	expect_found("linked");
	second->next = next;
	l->count++;
	expect_found("counted");
	l->count--;
	zone->filled[MIGRATE_UNMOVABLE] |= 4;
	expect_found("filled bit");
	zone->filled[MIGRATE_UNMOVABLE] = 0;
	assert_int_equal(check(), 0);
}

static void test_marks_and_reserves(void **state)
{
	u64 low = zone->wmark[WMARK_LOW], reserve = node_table[0]->totalreserve_pages;

	(void)state;
	zone->wmark[WMARK_LOW] = zone->wmark[WMARK_HIGH] + 1;
	expect_found("do not rise");
	zone->wmark[WMARK_LOW] = zone->wmark[WMARK_MIN];
	expect_found("do not rise");
	zone->wmark[WMARK_LOW] = low;
	zone->lowmem_reserve[zone->type] = 1;
	expect_found("keeps 1 pages");
	zone->lowmem_reserve[zone->type] = 0;
	node_table[0]->totalreserve_pages = 1 << 20;
	expect_found("node keeps back");
	node_table[0]->totalreserve_pages = reserve;
	assert_int_equal(check(), 0);
}

/* Many findings are all counted and not all printed. */
static void test_output_is_bounded(void **state)
{
	struct page *page = free_block(10);

	(void)state;
	for (u32 i = 1; i < 1024; i++)
		page[i].flags = frame_flags(zone->id, PAGE_RESERVED, 0, (enum migratetype)0);
	assert_true(check() >= 1023);
	assert_non_null(strstr(text, "32 shown"));
	assert_true(strlen(text) < 8192);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_sound_machines),
		CASE(test_border_beside_a_hole),
		CASE(test_counts),
		CASE(test_head_and_tails),
		CASE(test_allocated_without_reference),
		CASE(test_unmerged),
		CASE(test_type),
		CASE(test_pageblock_counts),
		CASE(test_floors),
		CASE(test_cache_lists),
		CASE(test_cached_nowhere),
		CASE(test_links),
		CASE(test_marks_and_reserves),
		CASE(test_output_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
