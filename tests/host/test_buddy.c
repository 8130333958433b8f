/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buddy core through the allocator's face, with the ghost model looking at
 * every frame after every operation: splits, merges with all their edges, list
 * placement, types, and random sequences whose seed is printed.
 */
#include "unit.h"

#include "help/ghost.h"
#include "help/machine.h"
#include "mm/boot/topology.h"
#include "mm/page/buddy.h"
#include "mm/page/pageblock.h"

/* One zone of 16 MiB from 1 GiB on, minus what boot keeps at its top. */
static const struct machine small = {
	.bank = { { GIB(1), GIB(1) + MIB(16), 0, 0 } },
	.options = { .min_free_given = true, .min_free_kbytes = 0 },
};

/* What boot's pageblocks are, so that nothing is stolen here. */
enum { MOVABLE = __GFP_MOVABLE };

static struct zone *zone;

static void boot(const struct machine *m)
{
	machine_boot(m);
	zone = zone_next(0);
	ghost_init();
	ghost_check();
}

static int setup(void **state)
{
	(void)state;
	boot(&small);
	return 0;
}

static struct page *take(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages(gfp | __GFP_NOWARN, order);

	if (page)
		ghost_alloced(page, order, gfp);
	return page;
}

static void put(struct page *page, unsigned int order)
{
	free_pages(page, order);
	ghost_freed(page, order);
}

static u64 number(const struct page *page)
{
	return page_to_pfn(page).v;
}

/* Take every block below order 10, so that the next request splits one. */
static void use_up_small(void)
{
	u32 small_orders = (1u << MAX_PAGE_ORDER) - 1;
	u32 filled;

	while ((filled = zone->filled[MIGRATE_MOVABLE] & small_orders))
		assert_non_null(take(MOVABLE, (unsigned int)__builtin_ctz(filled)));
}

/*
 *   |<------------- order 10 ------------->|
 *   |0|1|2|3| ...
 * Order-0 requests served from one large block get rising addresses, because a
 * split keeps the low half (row 39).
 */
static void test_split_delivers_ascending(void **state)
{
	struct page *page[1024];
	u64 first;

	(void)state;
	use_up_small();
	page[0] = take(MOVABLE, 0);
	first = number(page[0]);
	for (unsigned int i = 1; i < 1024; i++) {
		page[i] = take(MOVABLE, 0);
		assert_int_equal(number(page[i]), first + i);
	}
	ghost_check();
	for (unsigned int i = 0; i < 1024; i++)
		put(page[i], 0);
	ghost_check();
}

/* Taking order 0 from order 10 leaves one block of each order below (row 38). */
static void test_smallest_fit(void **state)
{
	u32 tens = zone->area[10].list[MIGRATE_MOVABLE].count;
	struct page *page, *second;

	(void)state;
	use_up_small();
	page = take(MOVABLE, 0);
	assert_int_equal(zone->area[10].list[MIGRATE_MOVABLE].count, tens - 1);
	for (unsigned int o = 0; o < MAX_PAGE_ORDER; o++)
		assert_int_equal(zone->area[o].list[MIGRATE_MOVABLE].count, 1);
	/* The next one takes the order-0 rest, not a larger block. */
	second = take(MOVABLE, 0);
	assert_int_equal(number(second), number(page) + 1);
	assert_int_equal(zone->area[0].list[MIGRATE_MOVABLE].count, 0);
	assert_int_equal(zone->area[1].list[MIGRATE_MOVABLE].count, 1);
	ghost_check();
}

/* All 1024 frames of a block come back in a scrambled order: one block again. */
static void test_merge_all_ways(void **state)
{
	struct page *block = take(MOVABLE, 10);
	u64 first = number(block);
	u64 free_before;

	(void)state;
	put(block, 10);
	use_up_small();
	free_before = zone->nr_free;
	for (unsigned int i = 0; i < 1024; i++)
		assert_non_null(take(MOVABLE, 0));
	for (unsigned int i = 0; i < 1024; i++) {
		put(frame(first + (i * 387u & 1023)), 0);
		if (i % 64 == 0)
			ghost_check();
	}
	ghost_check();
	assert_int_equal(frame_state(frame(first)), PAGE_FREE);
	assert_int_equal(frame_order(frame(first)), 10);
	assert_int_equal(zone->nr_free, free_before);
}

/*
 *   |  A  |  B  |  C  |  D  |        order 0 each, A free
 * Freeing B merges with A; the result never merges over C.
 */
static void test_merge_stops_at_allocated(void **state)
{
	struct page *quad = take(MOVABLE, 2);
	struct page *p[4];

	(void)state;
	put(quad, 2);
	use_up_small();
	for (unsigned int i = 0; i < 4; i++)
		p[i] = take(MOVABLE, 0);
	put(p[0], 0);
	put(p[1], 0);
	assert_int_equal(frame_order(p[0]), 1);
	assert_int_equal(frame_state(p[1]), PAGE_TAIL);
	put(p[3], 0);
	assert_int_equal(frame_order(p[3]), 0);
	ghost_check();
	put(p[2], 0);
	/* 2 and 3 make order 1, that and 0 make order 2, and on upwards. */
	assert_true(frame_order(p[0]) >= 2);
	ghost_check();
}

/*
 *   zone DMA  |  zone Movable          border inside a 4 MiB unit is impossible
 *   node 0    |  node 1                but a node border may lie anywhere
 * Free buddies on both sides of a border stay apart.
 */
static void test_merge_stops_at_node_border(void **state)
{
	static const struct machine two = {
		.bank = { { GIB(1), GIB(1) + MIB(9), 0, 0 },
			  { GIB(1) + MIB(9), GIB(1) + MIB(18), 1, 0 } },
		.options = { .min_free_given = true },
	};
	u64 border = (GIB(1) + MIB(9)) >> PAGE_SHIFT;

	(void)state;
	boot(&two);
	/* Order 8 blocks [8, 9) MiB of node 0 and [9, 10) MiB of node 1. */
	assert_int_equal(frame_state(frame(border)), PAGE_FREE);
	assert_int_equal(frame_order(frame(border)), 8);
	assert_int_equal(page_node(frame(border)), 1);
	assert_int_equal(page_node(frame(border - 1)), 0);
	for (unsigned int i = 0; i < 2; i++) {
		struct page *page = alloc_pages_node((int)i, __GFP_THISNODE, 8);

		ghost_alloced(page, 8, 0);
		put(page, 8);
	}
	ghost_check();
}

/* A hole or a reserved frame next to a block is no buddy. */
static void test_merge_stops_at_holes_and_reserved(void **state)
{
	static const struct machine holed = {
		.bank = { { GIB(1), GIB(1) + MIB(3) + 0x3000, 0, 0 },
			  { GIB(1) + MIB(3) + 0x8000, GIB(1) + MIB(16), 0, 0 } },
		.reserved = { { GIB(1) + MIB(1), GIB(1) + MIB(1) + 0x1000 } },
		.options = { .min_free_given = true },
	};
	u64 first = GIB(1) >> PAGE_SHIFT;
	struct page *page[700];
	unsigned int n = 0;

	(void)state;
	boot(&holed);
	assert_int_equal(frame_state(frame(first + 256)), PAGE_RESERVED);
	assert_int_equal(frame_state(frame(first + 771)), PAGE_HOLE);
	assert_int_equal(frame_state(frame(first + 775)), PAGE_HOLE);
	while (n < 700 && (page[n] = take(MOVABLE, 0)))
		n++;
	while (n)
		put(page[--n], 0);
	ghost_check();
	/* [1 MiB + 1 page, 1.5 MiB) can only be small blocks: 1 + 2 + ... + 128. */
	for (unsigned int o = 0; o < 8; o++)
		assert_int_equal(frame_order(frame(first + 256 + (1u << o))), o);
}

/* Where a freed block is put: head, or tail when a bigger merge is waiting. */
static void test_tail_when_merge_is_near(void **state)
{
	struct page_list *ones = &zone->area[0].list[MIGRATE_MOVABLE];
	struct page *p[8];

	(void)state;
	use_up_small();
	for (unsigned int i = 0; i < 8; i++)
		p[i] = take(MOVABLE, 0);
	/* Used up to the next power: [8..) of this block is free in big pieces. */
	put(p[7], 0); /* its parent's buddy [4, 6) is in use: head */
	assert_int_equal(ones->head, number(p[7]));
	put(p[5], 0); /* parent [4, 6), whose buddy [6, 8) is not free: head */
	assert_int_equal(ones->head, number(p[5]));
	put(p[0], 0);
	put(p[1], 0); /* order 1 at 0 */
	put(p[2], 0); /* parent [2, 4), its buddy [0, 2) waits: tail */
	assert_int_equal(ones->tail, number(p[2]));
	ghost_check();
}

/*
 *   |  A  |  B  |  C  | ...        counts of the pageblock
 * What is taken leaves nr_free; what is taken for movable use is in nr_movable
 * until it is back. An order-10 block counts in both its pageblocks.
 */
static void test_pageblock_counts(void **state)
{
	struct page *large = take(MOVABLE, 10);
	struct pageblock *b = pageblock_entry(number(large));
	struct page *three;

	(void)state;
	assert_int_equal(b[0].nr_free, 0);
	assert_int_equal(b[0].nr_movable, 512);
	assert_int_equal(b[1].nr_free, 0);
	assert_int_equal(b[1].nr_movable, 512);
	put(large, 10);
	assert_int_equal(b[0].nr_free, 512);
	assert_int_equal(b[1].nr_movable, 0);
	use_up_small();
	three = take(MOVABLE, 3);
	b = pageblock_entry(number(three));
	assert_int_equal(b->nr_free, 504);
	assert_int_equal(b->nr_movable, 8);
	put(three, 3);
	assert_int_equal(b->nr_free, 512);
	assert_int_equal(b->nr_movable, 0);
	ghost_check();
}

/*
 *   smallest fit of 2 up to 3:   | order 5 |       ->  | 3 taken | 3 | 4 |
 *   again:                       | 3 | 4 |         ->  | 3 taken | 4 |
 *   and with only order 2 there: | 2 |             ->  | 2 taken |
 * What a refill gets in one step is what successive takes would have given.
 */
static void test_take_up_to(void **state)
{
	struct page *five = take(MOVABLE, 5), *page[3];
	u64 first = number(five);
	u64 flags;

	(void)state;
	put(five, 5);
	while (zone->filled[MIGRATE_MOVABLE] & 31)
		assert_non_null(take(MOVABLE, (unsigned)__builtin_ctz(zone->filled[1] & 31)));
	five = take(MOVABLE, 5);
	first = number(five);
	while (zone->filled[MIGRATE_MOVABLE] & 63)
		assert_non_null(take(MOVABLE, (unsigned)__builtin_ctz(zone->filled[1] & 63)));
	put(five, 5);
	flags = spin_lock_irqsave(&zone->lock);
	page[0] = buddy_take_from_locked(zone, 2, 3, MIGRATE_MOVABLE, MIGRATE_MOVABLE);
	page[1] = buddy_take_from_locked(zone, 2, 3, MIGRATE_MOVABLE, MIGRATE_MOVABLE);
	page[2] = buddy_take_from_locked(zone, 2, 4, MIGRATE_MOVABLE, MIGRATE_MOVABLE);
	spin_unlock_irqrestore(&zone->lock, flags);
	assert_int_equal(number(page[0]), first);
	assert_int_equal(frame_order(page[0]), 3);
	assert_int_equal(number(page[1]), first + 8);
	assert_int_equal(frame_order(page[1]), 3);
	assert_int_equal(number(page[2]), first + 16);
	assert_int_equal(frame_order(page[2]), 4);
}

/*
 *   | 2 MiB movable | 2 MiB unmovable |      one order-10 pair
 * Two free order-9 buddies of different types stay apart; of one type, not.
 */
static void test_whole_blocks_merge_by_type(void **state)
{
	struct page *page = take(MOVABLE, 10);
	u64 pfn = number(page);
	u64 flags;

	(void)state;
	/* What a steal does to an upper half. */
	flags = spin_lock_irqsave(&zone->lock);
	pageblock_set_type(pfn + 512, pfn + 1024, MIGRATE_UNMOVABLE);
	page->flags = frame_flags(zone->id, PAGE_ALLOCATED, 9, MIGRATE_MOVABLE);
	page[512].flags = page->flags;
	page[512].refcount = 1;
	spin_unlock_irqrestore(&zone->lock, flags);
	ghost_freed(page, 10);
	free_pages(page, 9);
	free_pages(page + 512, 9);
	ghost_check();
	assert_int_equal(frame_order(page), 9);
	assert_int_equal(frame_list_type(page + 512), MIGRATE_UNMOVABLE);
	/* An unmovable request takes its own block before it steals one. */
	assert_ptr_equal(take(0, 9), page + 512);
	ghost_check();
}

/* ---- random sequences ------------------------------------------------------- */

enum { SLOTS = 512, OPERATIONS = 1200 };

struct slot {
	struct page *page;
	unsigned int order;
};

/* Mostly small orders, sometimes the largest. */
static unsigned int random_order(u64 *seed)
{
	u64 r = fake_random(seed) % 100;

	return r < 60 ? 0 : r < 90 ? (unsigned int)(r % 4) : (unsigned int)(r % NR_PAGE_ORDERS);
}

static void run_sequence(const char *name, u64 seed, bool every)
{
	static const gfp_t kinds[] = { GFP_KERNEL, GFP_HIGHUSER_MOVABLE, __GFP_RECLAIMABLE };
	static struct slot slots[SLOTS];
	u64 start_free = unowned_pages();
	/* `make check` wants an answer within the minute. */
	unsigned int operations = getenv("TM_QUICK") ? OPERATIONS / 10 : OPERATIONS;

	memset(slots, 0, sizeof(slots));
	seed = fake_seed(name, seed);
	for (unsigned int i = 0; i < operations; i++) {
		struct slot *s = &slots[fake_random(&seed) % SLOTS];

		if (s->page) {
			put(s->page, s->order);
			s->page = NULL;
		} else {
			s->order = random_order(&seed);
			s->page = take(kinds[fake_random(&seed) % 3], s->order);
		}
		if (every || i % 64 == 0)
			ghost_check();
	}
	for (unsigned int i = 0; i < SLOTS; i++)
		if (slots[i].page)
			put(slots[i].page, slots[i].order);
	ghost_check();
	assert_int_equal(unowned_pages(), start_free);
}

static void test_random_one_zone(void **state)
{
	(void)state;
	run_sequence("one zone", 0x5eed0001, true);
}

static void test_random_holes_and_nodes(void **state)
{
	static const struct machine ragged = {
		.bank = { { GIB(1), GIB(1) + MIB(5) + 0x5000, 0, 0 },
			  { GIB(1) + MIB(6), GIB(1) + MIB(13) + 0x1000, 1, 0 },
			  { GIB(4) - MIB(2), GIB(4) + MIB(6), 0, 0 } },
		.reserved = { { GIB(1) + 0x7000, GIB(1) + 0x9000 },
			      { GIB(4) + MIB(3), GIB(4) + MIB(3) + 0x11000 } },
		.cma = { { GIB(1) + MIB(8), GIB(1) + MIB(10) } },
		.nr_cpus = 2,
		.cpu_node = { 0, 1 },
		.options = { .min_free_given = true, .movablecore = { true, MIB(4), 0 } },
	};

	(void)state;
	boot(&ragged);
	run_sequence("holes and nodes", 0x5eed0002, true);
}

static void test_random_marks_on(void **state)
{
	static const struct machine bigger = {
		.bank = { { GIB(1), GIB(1) + MIB(64), 0, 0 } },
	};

	(void)state;
	boot(&bigger);
	run_sequence("marks on", 0x5eed0003, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_split_delivers_ascending, setup),
		cmocka_unit_test_setup(test_smallest_fit, setup),
		cmocka_unit_test_setup(test_merge_all_ways, setup),
		cmocka_unit_test_setup(test_merge_stops_at_allocated, setup),
		cmocka_unit_test_setup(test_merge_stops_at_node_border, setup),
		cmocka_unit_test_setup(test_merge_stops_at_holes_and_reserved, setup),
		cmocka_unit_test_setup(test_tail_when_merge_is_near, setup),
		cmocka_unit_test_setup(test_pageblock_counts, setup),
		cmocka_unit_test_setup(test_take_up_to, setup),
		cmocka_unit_test_setup(test_whole_blocks_merge_by_type, setup),
		cmocka_unit_test_setup(test_random_one_zone, setup),
		cmocka_unit_test_setup(test_random_holes_and_nodes, setup),
		cmocka_unit_test_setup(test_random_marks_on, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
