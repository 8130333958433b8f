/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of events: what a line says, that it starts empty and stays when it
 * is stopped, which part of it is shown, and what the allocator writes into it.
 */
#include "unit.h"

#include "help/ghost.h"
#include "help/machine.h"
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/stat/owner.h"

enum { RING = 1024 };

static const struct machine one = {
	.bank = { { GIB(1), GIB(1) + MIB(64), 0, 0 } },
};

static char text[256 * 1024];

static const char *shown(unsigned int nr)
{
	struct out_buf ob;

	out_buf_init(&ob, text, sizeof(text));
	mm_view_trace(&ob.out, nr);
	assert_false(ob.truncated);
	return text;
}

static unsigned int lines(void)
{
	unsigned int n = 0;

	for (const char *at = text; (at = strchr(at, '\n')); at++)
		n += at[1] && at[1] != '#';
	return n;
}

static void has(const char *what)
{
	if (!strstr(text, what))
		fail_msg("no \"%s\" in:\n%s", what, text);
}

static int setup(void **state)
{
	(void)state;
	machine_boot(&one);
	mm_trace_switch(false);
	mm_trace_switch(true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mm_trace_switch(false);
	assert_false(watch_active());
	return 0;
}

static void test_lines(void **state)
{
	char want[160];

	(void)state;
	fake_clock_ns(7000123456);
	trace_event(TRACE_ALLOC, 0x40123, 2, GFP_KERNEL, MIGRATE_MOVABLE);
	trace_event(TRACE_ALLOC, ~0ull, 4, GFP_ATOMIC, 0);
	trace_event(TRACE_ALLOC_LOCKED, 0x40124, 0, MIGRATE_RECLAIMABLE, 0);
	trace_event(TRACE_FREE, 0x40123, 2, 0, 0);
	trace_event(TRACE_EXTFRAG, 0x40125, 3, MIGRATE_UNMOVABLE, MIGRATE_MOVABLE);
	trace_event(TRACE_PCP_DRAIN, 0x40126, 1, MIGRATE_MOVABLE, 0);
	trace_event(TRACE_WAKE_KSWAPD, 1, 2, 3, GFP_NOWAIT);
	trace_event(TRACE_RECLAIM_BEGIN, 9, GFP_USER, 0, 0);
	fake_task.in_interrupt = true;
	fake_set_cpu(0);
	trace_event(TRACE_RECLAIM_END, 32, 0, 0, 0);
	fake_task.in_interrupt = false;
	shown(100);
	has("# entries-in-buffer/entries-written: 9/9   #P:1\n");
	snprintf(want, sizeof(want),
		 "\n          tester-1       [000] .....     7.000123: mm_page_alloc: page=%llx "
		 "pfn=0x40123 order=2 migratetype=1 gfp_flags=GFP_KERNEL\n",
		 ARCH_FRAMES_BASE + 0x40123 * sizeof(struct page));
	has(want);
	has(": mm_page_alloc: page=0 pfn=0x0 order=4 migratetype=0 gfp_flags=GFP_ATOMIC\n");
	has(": mm_page_alloc_zone_locked: page=");
	has("pfn=0x40124 order=0 migratetype=2\n");
	has(": mm_page_free: page=");
	has("pfn=0x40125 alloc_order=3 alloc_migratetype=0 fallback_migratetype=1\n");
	has(": mm_page_pcpu_drain: page=");
	has(": mm_vmscan_wakeup_kswapd: nid=1 order=3 gfp_flags=GFP_NOWAIT\n");
	has(": mm_vmscan_direct_reclaim_begin: order=9 gfp_flags=GFP_USER\n");
	has("[000] ..h..     7.000123: mm_vmscan_direct_reclaim_end: nr_reclaimed=32\n");
	assert_int_equal(lines(), 9);
}

/* Oldest first, the latest ones. */
static void test_how_many(void **state)
{
	(void)state;
	for (u64 i = 0; i < 10; i++)
		trace_event(TRACE_RECLAIM_END, i, 0, 0, 0);
	shown(3);
	assert_int_equal(lines(), 3);
	assert_null(strstr(text, "nr_reclaimed=6\n"));
	assert_true(strstr(text, "nr_reclaimed=7\n") < strstr(text, "nr_reclaimed=9\n"));
	shown(0);
	assert_int_equal(lines(), 0);
}

static void test_ring_goes_round(void **state)
{
	(void)state;
	for (u64 i = 0; i < RING + 5; i++)
		trace_event(TRACE_RECLAIM_END, i, 0, 0, 0);
	shown(~0u);
	has("# entries-in-buffer/entries-written: 1024/1029 ");
	assert_int_equal(lines(), RING);
	assert_null(strstr(text, "nr_reclaimed=4\n"));
	has("nr_reclaimed=5\n");
	has("nr_reclaimed=1028\n");
}

/* Stopped: kept, and deaf. Started again: empty. */
static void test_switch(void **state)
{
	(void)state;
	trace_event(TRACE_RECLAIM_END, 1, 0, 0, 0);
	mm_trace_switch(false);
	mm_trace_switch(false);
	trace_event(TRACE_RECLAIM_END, 2, 0, 0, 0);
	shown(9);
	assert_int_equal(lines(), 1);
	has("nr_reclaimed=1\n");
	mm_trace_switch(true);
	mm_trace_switch(true);
	shown(9);
	assert_int_equal(lines(), 0);
	assert_int_equal(zone_next(0)->pass[ZONE_NORMAL], ~0ull);
	mm_trace_switch(false);
	assert_int_not_equal(zone_next(0)->pass[ZONE_NORMAL], ~0ull);
}

/* A request and a free leave a line each, whatever the order. */
static void test_allocator(void **state)
{
	(void)state;
	for (unsigned int order = 0; order <= MAX_PAGE_ORDER; order++) {
		struct page *page;
		char want[80];

		mm_trace_switch(false);
		mm_trace_switch(true);
		page = alloc_pages(GFP_KERNEL, order);
		free_pages(page, order);
		shown(100);
		snprintf(want, sizeof(want),
			 "pfn=0x%x order=%u migratetype=0 gfp_flags=", frame_number(page), order);
		has(want);
		snprintf(want, sizeof(want), "pfn=0x%x order=%u\n", frame_number(page), order);
		has(want);
		assert_true(strstr(text, "mm_page_alloc: ") < strstr(text, "mm_page_free: "));
	}
}

/* All pageblocks begin movable, so the first unmovable request takes from them. */
static void test_fallback(void **state)
{
	struct page *page = alloc_pages(GFP_NOWAIT, 0);

	(void)state;
	shown(100);
	has("mm_page_alloc_extfrag: page=");
	has(" alloc_order=0 alloc_migratetype=0 fallback_migratetype=1\n");
	free_pages(page, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_how_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ring_goes_round, setup, teardown),
		cmocka_unit_test_setup_teardown(test_switch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_allocator, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fallback, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
