/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the walk over a zonelist (rows 59, 60) asks of reclaim, which this program
 * answers for: whether a node may take another page that will be dirtied, and
 * whether a zone below its mark can be helped at once. Two nodes, the second of
 * which the walk comes to when the first is passed over.
 */
#include "unit.h"

#include "help/ghost.h"
#include "help/machine.h"
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/mobility.h"
#include "mm/page/reserves.h"
#include "mm/page/slowpath.h"
#include "mm/page/walk.h"

enum { HELD_ORDER = 6 };

/* Node 0 has two zones. */
static const struct machine two = {
	.bank = { { GIB(1), GIB(1) + MIB(32), 0, 0 }, { GIB(2), GIB(2) + MIB(32), 1, 0 } },
	.nr_cpus = 2,
	.cpu_node = { 0, 1 },
	.dma_end = GIB(1) + MIB(16),
};

static u64 dirty_nodes;             /* those over their limit */
static unsigned int asked_dirty[2]; /* times, by node */

/* What local reclaim does for a zone of this node. */
static bool gains;
static struct page *held; /* free this, the first time */
static unsigned int asked_reclaim[2];

/* What a wake for background reclaim found. */
static unsigned int nr_wakes;
static u64 boost_at_wake, unsettled_at_wake;

/* ---- the rooms above, as far as they answer ------------------------------------------- */

bool slow_dirty_ok(const struct node *n)
{
	asked_dirty[n->id]++;
	return !(dirty_nodes >> n->id & 1);
}

bool slow_node_reclaim(struct zone *z, const struct alloc_request *rq)
{
	(void)rq;
	asked_reclaim[z->node]++;
	if (held) {
		ghost_freed(held, HELD_ORDER);
		free_pages(held, HELD_ORDER);
		held = NULL;
	}
	return gains;
}

u64 slow_reclaim(const struct alloc_request *rq)
{
	(void)rq;
	return 0;
}

u64 slow_reclaimable(const struct zone *z)
{
	(void)z;
	return 0;
}

enum compact_result slow_compact(const struct alloc_request *rq, enum compact_mode mode)
{
	(void)rq;
	(void)mode;
	return COMPACT_SKIPPED;
}

void slow_wake_kswapd(struct zone *z, const struct alloc_request *rq)
{
	(void)rq;
	nr_wakes++;
	boost_at_wake = z->boost;
	unsettled_at_wake = z->unsettled;
	mobility_lower_boost(z, z->boost);
}

bool slow_out_of_memory(const struct alloc_request *rq)
{
	(void)rq;
	return false;
}

/* ---- asking ---------------------------------------------------------------------------- */

static const struct alloc_try first_try = { .low_mark = true, .cpuset = true };

static int setup(void **state)
{
	(void)state;
	machine_boot(&two);
	mm_allow_blocking();
	ghost_init();
	dirty_nodes = 0;
	gains = false;
	held = NULL;
	memset(asked_dirty, 0, sizeof(asked_dirty));
	memset(asked_reclaim, 0, sizeof(asked_reclaim));
	return 0;
}

/* One walk over the list; the block's node, or -1 for none. */
static int walk(gfp_t gfp, unsigned int order, const struct alloc_try *t)
{
	struct alloc_request rq = { 0 };
	struct page *page;

	assert_int_equal(request_fill(&rq, NODE_NONE, gfp, order, NULL), 0);
	page = walk_zones(&rq, t, NULL);
	if (!page)
		return -1;
	ghost_alloced(page, order, gfp);
	ghost_check();
	return (int)page_zone(page)->node;
}

/* ---- dirty spreading (row 59: "remember the last failing node") -------------------------- */

static void test_dirty_node_is_passed_over(void **state)
{
	(void)state;
	assert_int_equal(walk(GFP_KERNEL | __GFP_WRITE, 0, &first_try), 0);
	assert_int_equal(asked_dirty[0], 1);
	dirty_nodes = 1;
	assert_int_equal(walk(GFP_KERNEL | __GFP_WRITE, 0, &first_try), 1);
	/* Both zones of node 0 were passed over on one answer. */
	assert_int_equal(asked_dirty[0], 2);
	assert_int_equal(asked_dirty[1], 1);
	dirty_nodes = 3;
	assert_int_equal(walk(GFP_KERNEL | __GFP_WRITE, 0, &first_try), -1);
	assert_int_equal(asked_dirty[0], 3);
	assert_int_equal(asked_dirty[1], 2);
}

/* Nobody asks for what is not written to, nor once the first try has failed. */
static void test_only_who_writes_first(void **state)
{
	const struct alloc_try later = { .band = BAND_ORDINARY, .cpuset = true };

	(void)state;
	dirty_nodes = 3;
	assert_int_equal(walk(GFP_KERNEL, 4, &first_try), 0);
	assert_int_equal(walk(GFP_KERNEL | __GFP_WRITE, 4, &later), 0);
	assert_int_equal(asked_dirty[0] + asked_dirty[1], 0);
}

/* A limit all nodes have reached fails nobody: the slow path does not look at it. */
static void test_all_dirty_is_no_failure(void **state)
{
	struct page *page;

	(void)state;
	dirty_nodes = 3;
	page = alloc_pages(GFP_KERNEL | __GFP_WRITE, 4);
	assert_non_null(page);
	ghost_alloced(page, 4, GFP_KERNEL);
	ghost_check();
	assert_int_equal(asked_dirty[0], 1);
}

/* A journey says why a zone was passed over. */
static void test_journey_tells(void **state)
{
	static char text[4096];
	struct alloc_request rq = { 0 };
	struct journey *j;
	struct out_buf ob;

	(void)state;
	dirty_nodes = 3;
	assert_int_equal(request_fill(&rq, NODE_NONE, GFP_KERNEL | __GFP_WRITE, 0, NULL), 0);
	j = explain_begin(&rq);
	assert_null(walk_zones(&rq, &first_try, j));
	explain_end(j, END_CANNOT_WAIT, NULL);
	out_buf_init(&ob, text, sizeof(text));
	mm_view_explain(&ob.out, 1);
	assert_non_null(strstr(text, "enough dirty pages"));
}

/* Reclaim itself has no mark, but for a try that says which it wants. */
static void test_reclaim_has_no_mark(void **state)
{
	struct alloc_try t = { .band = BAND_MEMALLOC };
	struct alloc_request rq;
	struct zone *z = zone_next(0);

	(void)state;
	assert_int_equal(
		request_fill(&rq, NODE_NONE, GFP_KERNEL | __GFP_MEMALLOC, HELD_ORDER, NULL), 0);
	assert_int_equal(walk_test(z, &rq, &t), WM_PASS);
	z->wmark[WMARK_LOW] = z->nr_usable;
	z->wmark[WMARK_HIGH] = 2 * z->nr_usable;
	assert_int_equal(walk_test(z, &rq, &t), WM_PASS);
	t.low_mark = true;
	assert_int_not_equal(walk_test(z, &rq, &t), WM_PASS);
	t.low_mark = false;
	t.high_mark = true;
	assert_int_not_equal(walk_test(z, &rq, &t), WM_PASS);
	reserves_update();
}

/* ---- local reclaim (row 59: "node reclaim") --------------------------------------------- */

/* Every zone of node 0 to below its low mark; one block of it is kept to be freed. */
static void fill_node_0(void)
{
	const gfp_t gfp = GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN | __GFP_NOMEMALLOC;
	const struct alloc_try t = { .low_mark = true };
	struct alloc_request rq = { 0 };
	struct page *page = alloc_pages_node(0, gfp, HELD_ORDER);

	assert_non_null(page);
	ghost_alloced(page, HELD_ORDER, gfp);
	held = page;
	assert_int_equal(request_fill(&rq, 0, gfp, HELD_ORDER, NULL), 0);
	page = held;
	held = NULL; /* not yet */
	for (struct page *p; (p = walk_zones(&rq, &t, NULL));)
		ghost_alloced(p, HELD_ORDER, gfp);
	held = page;
	asked_reclaim[0] = 0;
}

static void test_reclaim_helps_at_once(void **state)
{
	(void)state;
	fill_node_0();
	gains = true;
	assert_int_equal(walk(GFP_KERNEL, HELD_ORDER, &first_try), 0);
	assert_null(held);
	assert_in_range(asked_reclaim[0], 1, 2);
	assert_int_equal(asked_reclaim[1], 0);
}

/* What it says it has gained is tested once; a zone is asked once. */
static void test_reclaim_that_gains_nothing(void **state)
{
	(void)state;
	fill_node_0();
	held = NULL;
	gains = true;
	assert_int_equal(walk(GFP_KERNEL, HELD_ORDER, &first_try), 1);
	assert_int_equal(asked_reclaim[0], 2);
	gains = false;
	assert_int_equal(walk(GFP_KERNEL, HELD_ORDER, &first_try), 1);
	assert_int_equal(asked_reclaim[0], 4);
	assert_int_equal(asked_reclaim[1], 0);
}

/* ---- what follows a steal, whichever way the request went (rows 36, 52) ----------------- */

/* All pageblocks are movable and half used, and the caches are empty. */
static void mix_everywhere(void)
{
	static const struct machine one = { .bank = { { GIB(1), GIB(1) + MIB(256), 0, 0 } } };
	static struct page *block[256];
	unsigned int nr = 0, scope;

	machine_boot(&one);
	mm_allow_blocking();
	/* Below all marks, or a whole pageblock is left. */
	scope = mm_scope_save(MM_SCOPE_MEMALLOC);
	while (nr < 256 && (block[nr] = alloc_pages(GFP_NOWAIT | __GFP_NOWARN | __GFP_MOVABLE, 8)))
		nr++;
	mm_scope_restore(scope);
	assert_in_range(nr, 200, 255);
	for (unsigned int i = 0; i < nr; i++)
		if (page_to_pfn(block[i]).v >> 8 & 1)
			free_pages(block[i], 8);
	mm_drain_caches();
	nr_wakes = 0;
}

static void assert_worked_off(void)
{
	assert_int_equal(nr_wakes, 1);
	assert_int_equal(unsettled_at_wake, 0);
	assert_true(boost_at_wake >= PAGEBLOCK_PAGES);
}

static void test_steal_of_a_refill_is_worked_off(void **state)
{
	(void)state;
	mix_everywhere();
	assert_non_null(alloc_pages(GFP_KERNEL | __GFP_RECLAIMABLE, 0));
	assert_worked_off();
}

static void test_steal_of_a_large_block_is_worked_off(void **state)
{
	(void)state;
	mix_everywhere();
	assert_non_null(alloc_pages(GFP_KERNEL | __GFP_RECLAIMABLE, 5));
	assert_worked_off();
}

static void test_steal_of_a_bulk_is_worked_off(void **state)
{
	struct page *page[64];

	(void)state;
	mix_everywhere();
	assert_int_equal(alloc_pages_bulk(GFP_KERNEL | __GFP_RECLAIMABLE, 64, page), 64);
	assert_worked_off();
}

static void test_steal_of_the_long_way_is_worked_off(void **state)
{
	(void)state;
	mix_everywhere();
	assert_non_null(alloc_pages_node(0, GFP_KERNEL | __GFP_RECLAIMABLE, 0));
	assert_worked_off();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_dirty_node_is_passed_over, setup),
		cmocka_unit_test_setup(test_only_who_writes_first, setup),
		cmocka_unit_test_setup(test_all_dirty_is_no_failure, setup),
		cmocka_unit_test_setup(test_journey_tells, setup),
		cmocka_unit_test_setup(test_reclaim_has_no_mark, setup),
		cmocka_unit_test_setup(test_reclaim_helps_at_once, setup),
		cmocka_unit_test_setup(test_reclaim_that_gains_nothing, setup),
		cmocka_unit_test_setup(test_steal_of_a_refill_is_worked_off, setup),
		cmocka_unit_test_setup(test_steal_of_a_large_block_is_worked_off, setup),
		cmocka_unit_test_setup(test_steal_of_a_bulk_is_worked_off, setup),
		cmocka_unit_test_setup(test_steal_of_the_long_way_is_worked_off, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
