/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guard blocks: which neighbours of a block become guards, that they fault and
 * say so, that a free gives them back whole, and that a zone never goes below its
 * high mark for them. The ghost model counts every page.
 */
#include "unit.h"

#include "help/ghost.h"
#include "help/machine.h"
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/buddy.h"
#include "mm/stat/owner.h"

static struct machine one = {
	.bank = { { GIB(1), GIB(1) + MIB(64), 0, 0 } },
};

static int boot(u32 minorder)
{
	one.options.guard_minorder = minorder;
	if (watch_active())
		watch_end();
	machine_boot(&one);
	ghost_init();
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return boot(3);
}

static int teardown(void **state)
{
	(void)state;
	ghost_check();
	return 0;
}

static struct page *take(unsigned int order)
{
	struct page *page = alloc_pages(GFP_NOWAIT | __GFP_NOWARN, order);

	if (page)
		ghost_alloced(page, order, GFP_NOWAIT);
	return page;
}

static void put(struct page *page, unsigned int order)
{
	free_pages(page, order);
	ghost_freed(page, order);
}

static bool is_guard(const struct page *page, unsigned int order)
{
	return frame_state(page) == PAGE_GUARD && frame_order(page) == order;
}

/*
 * | p | 0 |  1  |    2     |  what is larger stays on the lists
 */
static void test_beside_a_page(void **state)
{
	struct zone *z = zone_next(0);
	struct page *page = take(0);

	(void)state;
	assert_int_equal(z->nr_guard, 7);
	assert_true(is_guard(page + 1, 0));
	assert_true(is_guard(page + 2, 1));
	assert_true(is_guard(page + 4, 2));
	assert_false(is_guard(page + 8, 3));
	ghost_check();
	put(page, 0);
	assert_int_equal(z->nr_guard, 0);
	ghost_check();
}

/* Only what is smaller than the limit, whatever the block's own order. */
static void test_orders(void **state)
{
	struct zone *z = zone_next(0);
	static const u64 guards[] = { 7, 6, 4, 0, 0 };

	(void)state;
	for (unsigned int order = 0; order < ARRAY_SIZE(guards); order++) {
		struct page *page = take(order);

		assert_int_equal(z->nr_guard, guards[order]);
		put(page, order);
		assert_int_equal(z->nr_guard, 0);
	}
}

/* The guard of two goes back when the second of them does, and all merge. */
static void test_two_share_a_guard(void **state)
{
	struct zone *z = zone_next(0);
	struct page *a = take(1), *b;

	(void)state;
	/* The only free blocks of order 1 are guards: the next comes from elsewhere,
	 * so give its neighbour back by hand. */
	assert_true(is_guard(a + 2, 1));
	b = take(1);
	assert_false(b == a + 2);
	put(a, 1);
	put(b, 1);
	assert_int_equal(z->nr_guard, 0);
	for (unsigned int o = 0; o < MAX_PAGE_ORDER; o++)
		assert_true(buddy_blocks(&z->area[o]) <= 1 || o >= 9);
}

static void touch(void *page)
{
	*(volatile u64 *)page_address(page) = 1;
}

static void test_touched(void **state)
{
	struct page *page = take(0);
	char text[96], want[96];

	(void)state;
	assert_int_equal(fake_run_child(touch, page), 0);
	assert_int_not_equal(fake_run_child(touch, page + 1), 0);
	assert_int_not_equal(fake_run_child(touch, page + 7), 0);
	assert_int_equal(fake_run_child(touch, page + 8), 0);
	assert_true(
		mm_explain_fault((u64)(uintptr_t)page_address(page + 7) + 100, text, sizeof(text)));
	snprintf(want, sizeof(want),
		 "guard page, frame %#x of order 2, beside the block at frame %#x",
		 frame_number(page) + 4, frame_number(page));
	assert_string_equal(text, want);
	assert_false(mm_explain_fault((u64)(uintptr_t)page_address(page), text, sizeof(text)));
	assert_false(mm_explain_fault((u64)(uintptr_t)page_address(page + 8), text, sizeof(text)));
	assert_false(mm_explain_fault(0, text, sizeof(text)));
	assert_false(mm_explain_fault(~0ull, text, sizeof(text)));
	put(page, 0);
	assert_int_equal(fake_run_child(touch, page + 7), 0);
}

/* Near the high mark nothing is held back, so all above the floor can be had. */
static void test_never_below_high(void **state)
{
	static struct page *page[MIB(64) / PAGE_SIZE];
	struct zone *z = zone_next(0);
	unsigned int n = 0;

	(void)state;
	for (u64 guards = 0; (page[n] = take(0)); n++) {
		assert_true(z->nr_guard <= guards || z->nr_usable > z->wmark[WMARK_HIGH]);
		guards = z->nr_guard;
	}
	assert_true(z->nr_usable <= z->floor[BAND_ORDINARY] + 1);
	assert_true(z->nr_guard > 0);
	ghost_check();
	while (n--)
		put(page[n], 0);
	assert_int_equal(z->nr_guard, 0);
}

/* A guard ends where its order says: the frame behind it is none. */
static void test_behind_a_guard(void **state)
{
	struct page *page = take(0), *far = page + 1024;
	u32 flags = far->flags;
	char text[96];

	(void)state;
	far->flags = frame_flags(zone_next(0)->id, PAGE_GUARD, 0, MIGRATE_UNMOVABLE);
	assert_true(mm_explain_fault((u64)(uintptr_t)page_address(far), text, sizeof(text)));
	assert_false(mm_explain_fault((u64)(uintptr_t)page_address(far + 1), text, sizeof(text)));
	far->flags = flags;
	put(page, 0);
}

/* Small requests that find nothing leave no guard. */
static void test_nothing_to_guard(void **state)
{
	struct zone *z = zone_next(0);

	(void)state;
	while (take(MAX_PAGE_ORDER))
		;
	while (take(4))
		;
	while (take(0))
		;
	assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, 0));
	assert_true(z->nr_usable <= z->floor[BAND_ORDINARY] + 1);
}

static void test_off(void **state)
{
	struct page *page;

	(void)state;
	boot(0);
	assert_int_equal(guard_below, 0);
	assert_false(watch_active());
	page = take(0);
	assert_int_equal(zone_next(0)->nr_guard, 0);
	put(page, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_beside_a_page, setup, teardown),
		cmocka_unit_test_setup_teardown(test_orders, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_share_a_guard, setup, teardown),
		cmocka_unit_test_setup_teardown(test_touched, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_below_high, setup, teardown),
		cmocka_unit_test_setup_teardown(test_behind_a_guard, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_to_guard, setup, teardown),
		cmocka_unit_test_setup_teardown(test_off, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
