/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page allocator's face: which zone and node serve which request, how deep
 * it digs, what it clears, what it refuses, and what becomes of bad frees and
 * damaged pages in either variant. The ghost model watches every page.
 */
#include "unit.h"

#include "help/ghost.h"
#include "help/machine.h"
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/page_alloc.h"
#include "mm/page/pageblock.h"
#include "mm/page/pcp.h"
#include "mm/page/reserves.h"

/* Two nodes of 64 MiB, the second half of each movable, a CPU each. */
static const struct machine two = {
	.bank = { { GIB(1), GIB(1) + MIB(64), 0, 0 }, { GIB(2), GIB(2) + MIB(64), 1, 0 } },
	.nr_cpus = 2,
	.cpu_node = { 0, 1 },
	.options = { .movablecore = { true, MIB(64), 0 } },
};

static int setup(void **state)
{
	(void)state;
	machine_boot(&two);
	ghost_init();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ghost_check();
	return 0;
}

static struct zone *zone_of(const struct page *page)
{
	return zone_table[frame_zone_id(page)];
}

static struct page *take_on(int node, gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages_node(node, gfp | __GFP_NOWARN, order);

	if (page)
		ghost_alloced(page, order, gfp);
	return page;
}

static struct page *take(gfp_t gfp, unsigned int order)
{
	return take_on(NODE_NONE, gfp, order);
}

static void put(struct page *page, unsigned int order)
{
	free_pages(page, order);
	ghost_freed(page, order);
}

/* Reports are made once a second: let one pass. Time never goes back, since the
 * sources remember when they last spoke. */
static void next_second(void)
{
	static u64 now;

	now += 2000000000;
	fake_clock_ns(now);
}

/* ---- where requests go (rows 20-23) -------------------------------------------------- */

static void test_zone_by_flags(void **state)
{
	(void)state;
	assert_int_equal(zone_of(take(GFP_KERNEL, 0))->type, ZONE_DMA);
	assert_int_equal(zone_of(take(GFP_HIGHUSER_MOVABLE, 0))->type, ZONE_MOVABLE);
	assert_int_equal(zone_of(take(__GFP_DMA, 0))->type, ZONE_DMA);
	assert_int_equal(zone_of(take(__GFP_DMA32, 0))->type, ZONE_DMA);
	assert_int_equal(zone_of(take(__GFP_DMA | GFP_USER | __GFP_MOVABLE, 0))->type, ZONE_DMA);
	assert_int_equal(zone_of(take(__GFP_RECLAIMABLE, 0))->type, ZONE_DMA);
}

static void test_nearest_node_first(void **state)
{
	(void)state;
	assert_int_equal(page_node(take(GFP_KERNEL, 0)), 0);
	fake_set_cpu(1);
	assert_int_equal(page_node(take(GFP_KERNEL, 0)), 1);
	assert_int_equal(page_node(take_on(0, GFP_KERNEL, 0)), 0);
	/* Node 0 runs dry of kernel memory: the neighbour helps, then nobody. */
	while (page_node(take_on(0, GFP_KERNEL, 4)) == 0)
		;
	assert_null(take_on(0, GFP_KERNEL | __GFP_THISNODE, 10));
	ghost_check();
}

static void test_this_node_only(void **state)
{
	struct page *page;
	unsigned int n = 0;

	(void)state;
	while ((page = take_on(0, GFP_KERNEL | __GFP_THISNODE, 0))) {
		assert_int_equal(page_node(page), 0);
		n++;
	}
	assert_true(n > 7000);
	assert_non_null(take_on(0, GFP_KERNEL, 0));
}

/* ---- how deep (rows 24, 27, 30) ----------------------------------------------------------- */

/* Both zones down to low before either goes below; then both to min; then null. */
static void test_low_everywhere_before_min(void **state)
{
	const struct zone *near = &node_table[0]->zone[ZONE_DMA];
	const struct zone *far = &node_table[1]->zone[ZONE_DMA];
	struct page *page;

	(void)state;
	while ((page = take(GFP_KERNEL, 0)) && page_node(page) == 0)
		assert_true(near->nr_free >= near->wmark[WMARK_LOW]);
	assert_int_equal(near->nr_free, near->wmark[WMARK_LOW]);
	while (page_node(take(GFP_KERNEL, 0)) == 1)
		;
	assert_int_equal(far->nr_free, far->wmark[WMARK_LOW]);
	while (take(GFP_KERNEL, 0))
		;
	assert_int_equal(near->nr_free, near->wmark[WMARK_MIN]);
	assert_int_equal(far->nr_free, far->wmark[WMARK_MIN]);
	assert_non_null(take(GFP_HIGHUSER_MOVABLE, 0));
}

/* Movable requests that fall down to DMA leave its reserve for those that
 * cannot go elsewhere. */
static void test_lowmem_reserve_is_kept(void **state)
{
	const struct zone *dma = &node_table[0]->zone[ZONE_DMA];

	(void)state;
	assert_true(dma->lowmem_reserve[ZONE_MOVABLE] > 0);
	while (take_on(0, GFP_HIGHUSER_MOVABLE | __GFP_THISNODE, 0))
		;
	assert_int_equal(dma->nr_free, dma->wmark[WMARK_MIN] + dma->lowmem_reserve[ZONE_MOVABLE]);
	assert_non_null(take_on(0, GFP_KERNEL | __GFP_THISNODE, 0));
}

/* An order asks for its size above the mark, not for one page. */
static void test_orders_respect_the_mark(void **state)
{
	(void)state;
	for (unsigned int order = 10; order > 0; order -= 2) {
		while (take(GFP_KERNEL, order))
			;
		for (const struct zone *z = zone_next(0); z; z = zone_next(z->id + 1))
			assert_true(z->nr_free >= z->wmark[WMARK_MIN]);
	}
}

/* Enough pages, all in single pieces: null, not a wrong block. */
static void test_fragmented_is_refused(void **state)
{
	static const struct machine to_the_last = {
		.bank = { { GIB(1), GIB(1) + MIB(64), 0, 0 } },
		.options = { .min_free_given = true },
	};
	static struct page *page[40000];
	unsigned int n = 0;

	(void)state;
	machine_boot(&to_the_last);
	ghost_init();
	while ((page[n] = take(GFP_KERNEL, 0)))
		n++;
	for (unsigned int i = 0; i < n; i++)
		if (page_to_pfn(page[i]).v % 2 == 0)
			put(page[i], 0);
	assert_true(unowned_pages() > 4000);
	assert_null(take(GFP_KERNEL, 3));
	/* Nor by the short way, although the zone has enough for it. */
	assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, 3));
	assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, PCP_ORDERS));
	assert_non_null(take(GFP_KERNEL, 0));
}

/* ---- what comes out ------------------------------------------------------------------------ */

static void test_zeroed(void **state)
{
	static const u8 zero[PAGE_SIZE];
	struct page *page = take(GFP_KERNEL, 3);

	(void)state;
	memset(page_address(page), 0xff, 8 * PAGE_SIZE);
	put(page, 3);
	page = take(__GFP_ZERO, 3);
	for (unsigned int i = 0; i < 8; i++)
		assert_memory_equal(page_address(page + i), zero, PAGE_SIZE);
	assert_int_equal(page->refcount, 1);
}

/* Sizes and ids at the edges (H15). */
static void test_nasty_arguments(void **state)
{
	static const unsigned int orders[] = { 11,         12,         15,         16,
					       31,         32,         63,         64,
					       0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff };
	static const int nodes[] = { -2, -1000, 2, 63, 64, 65, 0x7fffffff, (int)0x80000000 };

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(orders); i++)
		assert_null(alloc_pages(GFP_KERNEL, orders[i]));
	for (unsigned int i = 0; i < ARRAY_SIZE(nodes); i++)
		assert_null(alloc_pages_node(nodes[i], GFP_KERNEL, 0));
}

static void ask_both_mobilities(void *arg)
{
	(void)arg;
	alloc_pages(GFP_HIGHUSER_MOVABLE | __GFP_RECLAIMABLE, 0);
}

static void test_contradicting_flags(void **state)
{
	(void)state;
	if (tm_debug)
		assert_non_null(strstr(fake_panics(ask_both_mobilities, NULL), "reclaimable"));
	else
		assert_null(fake_panics(ask_both_mobilities, NULL));
}

/* A failure is said once a second, and not at all when the caller minds. */
static void test_failure_is_reported_gently(void **state)
{
	(void)state;
	while (take(GFP_KERNEL, 0))
		;
	next_second();
	alloc_pages(GFP_KERNEL | __GFP_NOWARN, 0);
	assert_int_equal(fake_log_count("page allocation failure"), 0);
	for (unsigned int i = 0; i < 100; i++)
		alloc_pages(GFP_KERNEL, 0);
	assert_int_equal(fake_log_count("page allocation failure"), 1);
	next_second();
	alloc_pages(GFP_KERNEL, 0);
	assert_int_equal(fake_log_count("page allocation failure"), 2);
}

/*
 * Sixteen nodes of two zones: a report is no longer than a screen, and says how many it
 * has left out.
 */
static void test_long_report(void **state)
{
	struct machine m = { .nr_cpus = 1, .options = { .movablecore = { true, MIB(64), 0 } } };

	(void)state;
	for (unsigned int i = 0; i < MACHINE_BANKS; i++) {
		m.bank[i].start = GIB(1) + i * MIB(8);
		m.bank[i].end = m.bank[i].start + MIB(8);
		m.bank[i].node = i;
	}
	machine_boot(&m);
	ghost_init();
	while (take(GFP_HIGHUSER_MOVABLE, 0))
		;
	next_second();
	fake_log_clear();
	assert_null(alloc_pages(GFP_HIGHUSER_MOVABLE, 0));
	assert_int_equal(fake_log_count("largest order:"), 16);
	assert_true(fake_log_has("and 16 more zones"));
	/* Zones too high for the request, and nodes its policy leaves out, are no part of it. */
	while (take(GFP_KERNEL, 0))
		;
	next_second();
	fake_log_clear();
	assert_null(alloc_pages(GFP_KERNEL, 0));
	assert_int_equal(fake_log_count("largest order:"), 16);
	assert_false(fake_log_has("more zones"));
	next_second();
	fake_log_clear();
	assert_null(alloc_pages_policy(&(struct mm_policy){ MM_POLICY_BIND, 6 }, 0, GFP_KERNEL, 0));
	assert_int_equal(fake_log_count("largest order:"), 2);
}

/* ---- bad frees (row 43) ---------------------------------------------------------------------- */

struct bad {
	struct page *page;
	unsigned int order;
};

static void free_it(void *arg)
{
	const struct bad *b = arg;

	free_pages(b->page, b->order);
}

/*
 * In BUILD=test a panic that names the fault; otherwise refused and counted,
 * nothing else changes, and the system goes on.
 */
static void expect_refused(struct page *page, unsigned int order, const char *why, struct zone *z)
{
	struct bad b = { page, order };
	u64 before = z ? z->bad_free : page_alloc_foreign_frees();
	u64 free_before = unowned_pages();
	const char *text;

	next_second();
	text = fake_panics(free_it, &b);
	if (tm_debug) {
		assert_non_null(text);
		assert_non_null(strstr(text, why));
	} else {
		assert_null(text);
		assert_true(fake_log_has(why));
	}
	assert_int_equal(z ? z->bad_free : page_alloc_foreign_frees(), before + 1);
	assert_int_equal(unowned_pages(), free_before);
	ghost_check();
}

static void test_double_free(void **state)
{
	struct page *page = take(GFP_KERNEL, 0);
	struct zone *z = zone_of(page);

	(void)state;
	put(page, 0);
	expect_refused(page, 0, "a double free", z);
	assert_ptr_equal(take(GFP_KERNEL, 0), page); /* still there, once */
}

/* The second free hits the inside of what the first one merged into. */
static void test_double_free_inside_a_merged_block(void **state)
{
	struct page *page = take(GFP_KERNEL, 5);

	(void)state;
	put(page, 5);
	expect_refused(page + 7, 0, "a double free", zone_of(page));
	expect_refused(page + 16, 4, "a double free", zone_of(page));
}

static void test_wrong_order(void **state)
{
	struct page *page = take(GFP_KERNEL, 3);

	(void)state;
	expect_refused(page, 2, "the wrong order", zone_of(page));
	expect_refused(page, 4, "the wrong order", zone_of(page));
	expect_refused(page, 11, "the wrong order", zone_of(page));
	expect_refused(page, ~0u, "the wrong order", zone_of(page));
	put(page, 3);
}

static void test_middle(void **state)
{
	struct page *page = take(GFP_KERNEL, 6);

	(void)state;
	expect_refused(page + 1, 0, "the middle", zone_of(page));
	expect_refused(page + 32, 5, "the middle", zone_of(page));
	expect_refused(page + 63, 0, "the middle", zone_of(page));
	put(page, 6);
}

/* The descriptors themselves, the unit map: never the allocator's. */
static void test_reserved(void **state)
{
	struct page *page = virt_to_page(node_table[0]);

	(void)state;
	assert_int_equal(frame_state(page), PAGE_RESERVED);
	expect_refused(page, 0, "a reserved frame", zone_of(page));
}

static void test_foreign(void **state)
{
	(void)state;
	expect_refused(frame((GIB(1) + MIB(512)) >> PAGE_SHIFT), 0, "not a page of RAM", NULL);
	expect_refused(NULL, 0, "not a page of RAM", NULL);
	expect_refused((struct page *)(void *)state, 0, "not a page of RAM", NULL);
	expect_refused((struct page *)((uintptr_t)frame(GIB(1) >> PAGE_SHIFT) + 8), 0,
		       "not a page of RAM", NULL);
	expect_refused((struct page *)~(uintptr_t)31, 0, "not a page of RAM", NULL);
}

/* A hole inside a backed unit has a descriptor, but it is no RAM. */
static void test_hole(void **state)
{
	static const struct machine holed = {
		.bank = { { GIB(1) + MIB(1), GIB(1) + MIB(64), 0, 0 } },
	};

	(void)state;
	machine_boot(&holed);
	ghost_init();
	expect_refused(frame(GIB(1) >> PAGE_SHIFT), 0, "not a page of RAM", NULL);
}

static void free_one_of_many(void *arg)
{
	free_pages_bulk(1, arg);
}

/* A descriptor of a zone that cannot be is nobody's. */
static void test_zone_beyond_all(void **state)
{
	struct page *page = take(GFP_KERNEL, 0);
	u32 flags = page->flags;
	u64 foreign;

	(void)state;
	page->flags |= PAGE_ZONE_MASK;
	expect_refused(page, 0, "not a page of RAM", NULL);
	next_second();
	foreign = page_alloc_foreign_frees();
	assert_int_equal(fake_panics(free_one_of_many, &page) != NULL, tm_debug);
	assert_int_equal(page_alloc_foreign_frees(), foreign + 1);
	page->flags = flags;
	put(page, 0);
	page = take(GFP_KERNEL, PCP_ORDERS);
	flags = page->flags;
	page->flags |= PAGE_ZONE_MASK;
	expect_refused(page, PCP_ORDERS, "not a page of RAM", NULL);
	page->flags = flags;
	put(page, PCP_ORDERS);
}

/* Right state, but somebody wrote into the descriptor: the block is leaked. */
static void test_damaged_on_the_way_in(void **state)
{
	(void)state;
	for (unsigned int order = 2; order <= PCP_ORDERS; order += PCP_ORDERS - 2) {
		struct page *page;
		struct zone *z;

		setup(NULL);
		page = take(GFP_KERNEL, order);
		z = zone_of(page);
		page->mapcount = 5;
		ghost_leaked(page, order);
		next_second();
		assert_int_equal(fake_panics(free_it, &(struct bad){ page, order }) != NULL,
				 tm_debug);
		assert_int_equal(z->nr_leaked, 1u << order);
		assert_int_equal(z->bad_free, 1);
		ghost_check();
	}
}

/* Somebody else still holds a reference. */
static void test_referenced_on_the_way_in(void **state)
{
	struct page *page = take(GFP_KERNEL, 0);

	(void)state;
	page->refcount = 2;
	ghost_leaked(page, 0);
	next_second();
	assert_int_equal(fake_panics(free_it, &(struct bad){ page, 0 }) != NULL, tm_debug);
	assert_int_equal(zone_of(page)->nr_leaked, 1);
}

static void alloc_one(void *arg)
{
	*(struct page **)arg = take(GFP_KERNEL, 0);
}

/* A free head with a reference: leaked, and the next page is served instead. */
static void test_damaged_on_the_way_out(void **state)
{
	struct page *first = take(GFP_KERNEL, 0), *got = NULL;
	struct zone *z = zone_of(first);
	const char *text;

	(void)state;
	put(first, 0);
	first = take(GFP_KERNEL, 0);
	put(first, 0);
	mm_drain_caches();
	/* Whatever the next request would be given. */
	first = frame(
		z->area[__builtin_ctz(z->filled[MIGRATE_UNMOVABLE])].list[MIGRATE_UNMOVABLE].head);
	first->refcount = 1;
	ghost_leaked(first, 0);
	text = fake_panics(alloc_one, &got);
	if (tm_debug) {
		assert_non_null(strstr(text, "damaged free frame"));
	} else {
		assert_non_null(got);
		assert_ptr_not_equal(got, first);
	}
	assert_int_equal(z->nr_leaked, 1);
	assert_int_equal(z->bad_page, 1);
	assert_int_equal(frame_state(first), PAGE_BAD);
	ghost_check();
}

static void alloc_three(void *arg)
{
	*(struct page **)arg = take(GFP_KERNEL, 3);
}

/* Test builds notice a write to a page that was free. */
static void test_poison(void **state)
{
	struct page *page = take(GFP_KERNEL, 3), *got = NULL;
	u64 *word = page_address(page + 5);
	const char *text;

	(void)state;
	put(page, 3);
	word[3] = 1;
	text = fake_panics(alloc_three, &got);
	if (!tm_debug) {
		assert_null(text);
		return;
	}
	assert_non_null(strstr(text, "was written after it was freed"));
	ghost_alloced(page, 3, GFP_KERNEL);
}

/* ---- many, of any place ----------------------------------------------------------- */

static void put_bulk(struct page **page, unsigned int nr)
{
	free_pages_bulk(nr, page);
	for (unsigned int i = 0; i < nr; i++)
		ghost_freed(page[i], 0);
	ghost_check();
}

/* Of both banks in turn, of which only the larger or first lies in the run. */
static void test_bulk_of_two_banks(void **state)
{
	struct page *page[4 * PCP_CHUNK];
	u64 free = unowned_pages();

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = take_on((int)(i / 3 % 2), GFP_KERNEL | __GFP_THISNODE, 0);
	put_bulk(page, ARRAY_SIZE(page));
	assert_int_equal(unowned_pages(), free);
	for (unsigned int i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = take_on(1, GFP_KERNEL | __GFP_THISNODE, 0);
	put_bulk(page, ARRAY_SIZE(page));
	assert_int_equal(unowned_pages(), free);
}

/* Lent pages of an area go home to it, by one call as one by one. */
static void test_bulk_of_cma(void **state)
{
	static const struct machine m = {
		.bank = { { GIB(1), GIB(1) + MIB(32), 0, 0 } },
		.cma = { { GIB(1) + MIB(8), GIB(1) + MIB(28) } },
	};
	struct page *page[2 * PCP_CHUNK];
	struct zone *z;

	(void)state;
	machine_boot(&m);
	ghost_init();
	z = zone_next(0);
	for (unsigned int i = 0; i < ARRAY_SIZE(page); i++) {
		page[i] = take(GFP_HIGHUSER_MOVABLE, 0);
		assert_int_equal(pageblock_type(page_to_pfn(page[i]).v), MIGRATE_CMA);
	}
	put_bulk(page, ARRAY_SIZE(page));
	/* Alone too, in a list that may be full, and from an interrupt. */
	for (unsigned int i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = take(GFP_HIGHUSER_MOVABLE, 0);
	fake_task.in_interrupt = true;
	for (unsigned int i = 0; i < ARRAY_SIZE(page); i++)
		put(page[i], 0);
	fake_task.in_interrupt = false;
	/* Many at once, and a large block. */
	assert_true(mm_drain_caches());
	assert_int_equal(alloc_pages_bulk(GFP_HIGHUSER_MOVABLE, ARRAY_SIZE(page), page),
			 ARRAY_SIZE(page));
	for (unsigned int i = 0; i < ARRAY_SIZE(page); i++) {
		assert_int_equal(pageblock_type(page_to_pfn(page[i]).v), MIGRATE_CMA);
		ghost_alloced(page[i], 0, GFP_HIGHUSER_MOVABLE);
	}
	put_bulk(page, ARRAY_SIZE(page));
	page[0] = alloc_pages(GFP_HIGHUSER_MOVABLE, PCP_ORDERS);
	assert_int_equal(pageblock_type(page_to_pfn(page[0]).v), MIGRATE_CMA);
	ghost_alloced(page[0], PCP_ORDERS, GFP_HIGHUSER_MOVABLE);
	put(page[0], PCP_ORDERS);
	assert_true(mm_drain_caches());
	assert_int_equal(z->nr_free_cma, MIB(20) / PAGE_SIZE);
	ghost_check();
}

static void test_bulk_of_foreign(void **state)
{
	struct page *bad[] = { frame((GIB(1) + MIB(512)) >> PAGE_SHIFT), NULL };

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		u64 before = page_alloc_foreign_frees();

		next_second();
		assert_int_equal(fake_panics(free_one_of_many, &bad[i]) != NULL, tm_debug);
		assert_int_equal(page_alloc_foreign_frees(), before + 1);
	}
}

/* ---- pages for others ---------------------------------------------------- */

static void test_table_pages(void **state)
{
	phys_t p = mm_table_page();

	(void)state;
	assert_true(p.v);
	assert_int_equal(node_table[0]->nr_table_pages, 1);
	ghost_alloced(pfn_to_page(phys_to_pfn_down(p)), 0, GFP_KERNEL);
	ghost_freed(pfn_to_page(phys_to_pfn_down(p)), 0);
	mm_table_page_put(p);
	assert_int_equal(node_table[0]->nr_table_pages, 0);
}

/* The Image's init part comes back, once, and counts as managed. */
static void test_free_init(void **state)
{
	static const struct machine image = {
		.bank = { { GIB(1), GIB(1) + MIB(64), 0, 0 } },
		.reserved = { { 0x40200000, 0x40300000 } },
	};
	u64 managed, marks;

	(void)state;
	machine_boot(&image);
	managed = mm_total_pages();
	marks = zone_next(0)->wmark[WMARK_HIGH];
	assert_int_equal(mm_free_init(), 8);
	assert_int_equal(mm_total_pages(), managed + 8);
	assert_int_equal(mm_free_init(), 0);
	assert_true(zone_next(0)->wmark[WMARK_HIGH] >= marks);
	ghost_init();
}

/* What of it is no RAM of ours, by the tree, is left alone: in a unit of frames or not. */
static void test_free_init_beyond_ram(void **state)
{
	static const struct machine image = {
		.bank = { { GIB(1), GIB(1) + MIB(63), 0, 0 } },
		.reserved = { { GIB(1) + MIB(62), GIB(1) + MIB(63) } },
	};
	u64 end = GIB(1) + MIB(63);

	(void)state;
	machine_boot(&image);
	fake_image(GIB(1) + MIB(62), GIB(1) + MIB(65), end - 4 * PAGE_SIZE, GIB(1) + MIB(65));
	assert_true(frame_exists(end >> PAGE_SHIFT));
	assert_false(frame_exists((GIB(1) + MIB(64)) >> PAGE_SHIFT));
	assert_int_equal(mm_free_init(), 4);
	ghost_init();
}

static void test_sums(void **state)
{
	u64 free = unowned_pages();

	(void)state;
	assert_true(mm_total_pages() <= mm_present_pages());
	assert_int_equal(mm_present_pages(), 128 * 256);
	take(GFP_KERNEL, 4);
	assert_int_equal(unowned_pages(), free - 16);
}

/* ---- everything at once -------------------------------------------------- */

enum { SLOTS = 2048, OPERATIONS = 40000 };

/* Random requests of all kinds on both nodes up to exhaustion and back; never
 * below a mark plus reserve that the model recomputes. */
static void test_random(void **state)
{
	static const gfp_t kinds[] = { GFP_KERNEL,        GFP_HIGHUSER_MOVABLE,
				       __GFP_RECLAIMABLE, __GFP_DMA,
				       __GFP_THISNODE,    GFP_HIGHUSER_MOVABLE | __GFP_THISNODE,
				       __GFP_DMA32 };
	static struct bad slots[SLOTS];
	u64 seed = fake_seed("page_alloc", 0x91a60001), start = unowned_pages();

	(void)state;
	memset(slots, 0, sizeof(slots));
	for (unsigned int i = 0; i < OPERATIONS; i++) {
		struct bad *s = &slots[fake_random(&seed) % SLOTS];
		gfp_t gfp = kinds[fake_random(&seed) % ARRAY_SIZE(kinds)];

		fake_set_cpu(fake_random(&seed) % 2);
		if (s->page) {
			put(s->page, s->order);
			s->page = NULL;
		} else {
			s->order = (unsigned int)(fake_random(&seed) % 6);
			s->page = take(gfp, s->order);
		}
		if (s->page)
			assert_true(zone_of(s->page)->nr_free >=
				    zone_of(s->page)->wmark[WMARK_MIN]);
		if (i % 512 == 0)
			ghost_check();
	}
	for (unsigned int i = 0; i < SLOTS; i++)
		if (slots[i].page)
			put(slots[i].page, slots[i].order);
	assert_int_equal(unowned_pages(), start);
}

/* ---- row 62 --------------------------------------------------------------------------- */

static void take_with_lock(void *arg)
{
	static struct spinlock lock = SPINLOCK_INIT(LOCK_RANK_MM_HOLD);

	spin_lock(&lock);
	*(struct page **)arg = alloc_pages(GFP_KERNEL, 0);
	spin_unlock(&lock);
}

/* Where nobody may sleep: at boot the request is served without blocking rights,
 * later asking for them there is our own bug. */
static void test_blocking_waits_for_tasks(void **state)
{
	struct page *page = NULL;

	(void)state;
	assert_null(fake_panics(take_with_lock, &page));
	assert_non_null(page);
	free_pages(page, 0);
	mm_allow_blocking();
	page = alloc_pages(GFP_KERNEL, 0); /* nothing held */
	assert_non_null(page);
	free_pages(page, 0);
	if (tm_debug)
		assert_non_null(strstr(fake_panics(take_with_lock, &page), "nobody may sleep"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_zone_by_flags),
		CASE(test_nearest_node_first),
		CASE(test_this_node_only),
		CASE(test_low_everywhere_before_min),
		CASE(test_lowmem_reserve_is_kept),
		CASE(test_orders_respect_the_mark),
		CASE(test_fragmented_is_refused),
		CASE(test_zeroed),
		CASE(test_nasty_arguments),
		CASE(test_contradicting_flags),
		CASE(test_failure_is_reported_gently),
		CASE(test_long_report),
		CASE(test_double_free),
		CASE(test_double_free_inside_a_merged_block),
		CASE(test_wrong_order),
		CASE(test_middle),
		CASE(test_reserved),
		CASE(test_foreign),
		CASE(test_hole),
		CASE(test_zone_beyond_all),
		CASE(test_damaged_on_the_way_in),
		CASE(test_referenced_on_the_way_in),
		CASE(test_damaged_on_the_way_out),
		CASE(test_poison),
		CASE(test_bulk_of_two_banks),
		CASE(test_bulk_of_cma),
		CASE(test_bulk_of_foreign),
		CASE(test_table_pages),
		CASE(test_free_init),
		CASE(test_free_init_beyond_ram),
		CASE(test_sums),
		CASE(test_random),
		CASE(test_blocking_waits_for_tasks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
