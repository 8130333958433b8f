/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of journeys and what it prints: written by hand here, line by line, so
 * that every step, verdict and end is compared with its words and its numbers,
 * whatever the slow path does today.
 */
#include "unit.h"

#include "help/machine.h"
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/stat/explain.h"

enum { RING = 32, FIRST_LINES = 28, LAST_LINES = 12 };

static const struct machine one = {
	.bank = { { GIB(1), GIB(1) + MIB(64), 0, 0 } },
};

static char text[64 * 1024];

static const char *shown(unsigned int nr)
{
	struct out_buf ob;

	out_buf_init(&ob, text, sizeof(text));
	mm_view_explain(&ob.out, nr);
	assert_false(ob.truncated);
	return text;
}

static struct alloc_request request(gfp_t gfp, unsigned int order)
{
	struct alloc_request rq;

	assert_int_equal(request_fill(&rq, NODE_NONE, gfp, order, (void *)0x1234), 0);
	rq.gfp = gfp; /* not what boot leaves of it while nobody can wait */
	return rq;
}

/* One journey without a line, ended so. */
static void pass_by(enum explain_end end)
{
	struct alloc_request rq = request(GFP_NOWAIT, 0);

	explain_end(explain_begin(&rq), end, NULL);
}

static int setup(void **state)
{
	(void)state;
	machine_boot(&one);
	mm_explain_switch(true);
	return 0;
}

static int forget(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < RING; i++)
		pass_by(END_CANNOT_WAIT);
	return 0;
}

static unsigned int count(const char *what)
{
	unsigned int n = 0;

	for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
		n++;
	return n;
}

static void has(const char *what)
{
	if (!strstr(text, what))
		fail_msg("no \"%s\" in:\n%s", what, text);
}

/* ---- what it says -------------------------------------------------------------------- */

static void test_head(void **state)
{
	struct alloc_request rq = request(GFP_KERNEL | __GFP_ZERO, 3);

	(void)state;
	fake_clock_ns(12003004000);
	explain_end(explain_begin(&rq), END_NO_PROGRESS, NULL);
	shown(1);
	has(" at 12.003004: task 1 tester, priority 8, CPU 0, band 2\n");
	has("  wanted order 3 (GFP_KERNEL|__GFP_ZERO), Unmovable, node 0 first, "
	    "zones up to Normal\n");
	has("  by 0x1234\n");
	has("  failed: nothing could be reclaimed; took 0 us\n");
	assert_int_equal(count("#"), 1);
}

static void test_interrupt_and_policy(void **state)
{
	struct alloc_request rq = request(GFP_ATOMIC | __GFP_DMA | __GFP_NOWARN, 0);

	(void)state;
	rq.nodes = 5;
	fake_task.in_interrupt = true;
	explain_end(explain_begin(&rq), END_BAND, NULL);
	fake_task.in_interrupt = false;
	shown(1);
	has("an interrupt on CPU 0 (over task 1 tester), band ");
	has("GFP_ATOMIC|GFP_DMA|__GFP_NOWARN");
	has("zones up to DMA, only nodes 0,2\n");
}

/* free 100, 10 of them not usable, against 60 + 50 and against 20 + 50. */
static void test_zone_lines(void **state)
{
	struct alloc_request rq = request(GFP_KERNEL, 1);
	struct zone *z = zone_next(0);
	u64 before = z->lowmem_reserve[rq.high];
	struct journey *j = explain_begin(&rq);

	(void)state;
	z->lowmem_reserve[rq.high] = 50;
	explain_step(j, STEP_FIRST_TRY, 0);
	explain_zone(j, z, 100, 10, 110, WM_SHORT);
	explain_zone(j, z, 100, 0, 70, WM_PASS);
	explain_zone(j, z, 100, 0, 70, WM_FRAGMENTED);
	explain_skipped(j, z, 0);
	explain_skipped(j, z, 1);
	explain_skipped(j, z, 2);
	explain_end(j, END_COSTLY, NULL);
	z->lowmem_reserve[rq.high] = before;
	shown(1);
	has("  first try\n    node 0 DMA       free 100 (10 not for it), mark 60 + reserve 50: ");
	/* 2 pages and more than 110 above: 112 + 1 - 1 usable needed, 90 are. */
	has(": short by 22\n");
	has("free 100, mark 20 + reserve 50: enough\n");
	has("free 100, mark 20 + reserve 50: enough, but no block of order 1\n");
	has("node 0 DMA       skipped: outside the task's nodes\n");
	has("skipped: outside the policy's nodes\n");
	has("skipped: enough dirty pages\n");
	has("not worth more rounds, and what is free is in smaller blocks; took");
}

/* The number told is the smallest that would have made the verdict another. */
static void test_short_by(void **state)
{
	struct alloc_request rq = request(GFP_KERNEL, 2);
	struct zone *z = zone_next(0);

	(void)state;
	for (u64 floor = 0; floor < 40; floor += 13)
		for (u64 free = 0; wm_test(free, 3, 2, floor, ~0u) == WM_SHORT; free++) {
			struct journey *j = explain_begin(&rq);
			char want[64];
			u64 more = 1;

			while (wm_test(free + more, 3, 2, floor, ~0u) == WM_SHORT)
				more++;
			explain_zone(j, z, free, 3, floor, WM_SHORT);
			explain_end(j, END_CANNOT_WAIT, NULL);
			shown(1);
			/* Fewer free than not usable cannot be; then any number will do. */
			snprintf(want, sizeof(want), ": short by %llu\n", (unsigned long long)more);
			if (free >= 3)
				has(want);
		}
}

/* What the latest try met is the conclusion. */
static void test_conclusion(void **state)
{
	struct alloc_request rq = request(GFP_NOWAIT, 1);
	struct journey *j = explain_begin(&rq);

	(void)state;
	explain_step(j, STEP_FIRST_TRY, 0);
	explain_zone(j, zone_next(0), 100, 0, 70, WM_FRAGMENTED);
	explain_step(j, STEP_FLOOR_TRY, 2);
	explain_zone(j, zone_next(0), 60, 0, 70, WM_SHORT);
	explain_end(j, END_BAND, NULL);
	shown(1);
	has("  failed: its band never reclaims, and too little is free; took");
}

static void test_steps(void **state)
{
	struct alloc_request rq = request(GFP_KERNEL, 4);
	struct journey *j = explain_begin(&rq);
	const char *at;

	(void)state;
	explain_step(j, STEP_FIRST_TRY, 0);
	explain_step(j, STEP_WOKE_KSWAPD, 0);
	explain_step(j, STEP_FLOOR_TRY, 2);
	for (u64 r = 0; r < 4; r++)
		explain_step(j, STEP_COMPACT, r);
	explain_step(j, STEP_RECLAIM, 1);
	explain_step(j, STEP_UNRESERVE, 0);
	explain_step(j, STEP_DRAIN, 1);
	explain_step(j, STEP_DRAIN, 0);
	explain_step(j, STEP_RETRY_RECLAIM, 7);
	explain_step(j, STEP_RETRY_COMPACT, 2);
	explain_step(j, STEP_COOKIE, 0);
	explain_step(j, STEP_OOM, 1);
	explain_step(j, STEP_OOM, 0);
	explain_step(j, STEP_NOFAIL, 3);
	explain_end(j, END_OOM_FAILED, NULL);
	shown(1);
	at = strstr(text, "  first try\n");
	assert_non_null(at);
	at = strstr(at, "  woke kswapd\n  try at the floor of band 2\n");
	assert_non_null(at);
	assert_non_null(strstr(at, "  compaction: skipped: memory is short, not fragmented\n"
				   "  compaction: put off: it failed lately\n"
				   "  compaction: done all it could, no block\n"
				   "  compaction: a block should be there\n"
				   "  direct reclaim: 1 page gained\n"
				   "  gave reserved high-order blocks back\n"
				   "  drained the per-CPU caches\n"
				   "  drained the per-CPU caches, but one CPU did not come\n"
				   "  again after reclaim: 7 rounds without progress\n"
				   "  again after compaction, now sync\n"
				   "  the nodes it may use changed: from the start\n"
				   "  out of memory killer: it helped\n"
				   "  out of memory killer: it could not help\n"
				   "  must not fail: again, 3 rounds so far\n"
				   "  failed: nothing was left to end for its memory"));
}

/* Each end has words of its own. */
static void test_ends(void **state)
{
	(void)state;
	for (unsigned int e = END_CANNOT_WAIT; e < NR_EXPLAIN_ENDS; e++) {
		char want[160];

		snprintf(want, sizeof(want), "  failed: %s; took",
			 explain_end_text((enum explain_end)e));
		for (unsigned int other = 0; other < e; other++)
			assert_string_not_equal(explain_end_text((enum explain_end)e),
						explain_end_text((enum explain_end)other));
		pass_by((enum explain_end)e);
		shown(1);
		has(want);
	}
}

static void test_served(void **state)
{
	struct alloc_request rq = request(GFP_KERNEL, 0);
	struct page *page = alloc_pages(GFP_KERNEL, 0);
	char want[80];

	(void)state;
	explain_end(explain_begin(&rq), END_SERVED, page);
	snprintf(want, sizeof(want), "  served in the end: pfn %u, node 0 DMA; took",
		 frame_number(page));
	shown(1);
	has(want);
	free_pages(page, 0);
}

/* ---- what is kept ----------------------------------------------------------------------- */

/* Of 28 + 5 + 12 lines the five in the middle are gone, and said to be. */
static void test_long_journey(void **state)
{
	struct alloc_request rq = request(GFP_KERNEL, 0);
	struct journey *j = explain_begin(&rq);

	(void)state;
	for (u64 n = 1; n <= FIRST_LINES + 5 + LAST_LINES; n++)
		explain_step(j, STEP_NOFAIL, n);
	explain_end(j, END_VICTIM, NULL);
	shown(1);
	assert_int_equal(count("must not fail"), FIRST_LINES + LAST_LINES);
	has("again, 28 rounds so far\n    ... 5 steps left out ...\n");
	has("left out ...\n  must not fail: again, 34 rounds so far\n");
	has("again, 45 rounds so far\n  failed: ");
}

static void test_just_fits(void **state)
{
	struct alloc_request rq = request(GFP_KERNEL, 0);
	struct journey *j = explain_begin(&rq);

	(void)state;
	for (u64 n = 1; n <= FIRST_LINES + LAST_LINES; n++)
		explain_step(j, STEP_NOFAIL, n);
	explain_end(j, END_VICTIM, NULL);
	shown(1);
	assert_int_equal(count("must not fail"), FIRST_LINES + LAST_LINES);
	assert_int_equal(count("left out"), 0);
}

/* Newest last, as many as asked for and are kept. */
static void test_order_of_the_ring(void **state)
{
	(void)state;
	forget(NULL);
	pass_by(END_VICTIM);
	pass_by(END_INJECTED);
	shown(2);
	assert_int_equal(count("#"), 2);
	assert_true(strstr(text, "being ended") < strstr(text, "injected by"));
	shown(0);
	assert_int_equal(count("#"), 0);
	shown(1000);
	assert_int_equal(count("#"), RING);
}

/* A journey under way is nobody's to read, keeps its slot, and others pass it. */
static void test_under_way(void **state)
{
	struct alloc_request rq = request(GFP_KERNEL, 0);
	struct journey *slow = explain_begin(&rq);

	(void)state;
	explain_step(slow, STEP_NOFAIL, 77);
	for (unsigned int i = 0; i < 3 * RING; i++)
		pass_by(END_CANNOT_WAIT);
	shown(1000);
	assert_int_equal(count("77 rounds"), 0);
	assert_int_equal(count("#"), RING - 1);
	explain_end(slow, END_OOM_FAILED, NULL);
}

/* With every slot under way the next one goes unrecorded, is counted, and all its
 * calls are harmless. */
static void test_all_busy(void **state)
{
	struct alloc_request rq = request(GFP_KERNEL, 0);
	struct journey *j[RING], *none;

	(void)state;
	for (unsigned int i = 0; i < RING; i++) {
		j[i] = explain_begin(&rq);
		assert_non_null(j[i]);
	}
	none = explain_begin(&rq);
	assert_null(none);
	explain_step(none, STEP_OOM, 0);
	explain_zone(none, zone_next(0), 0, 0, 0, WM_PASS);
	explain_skipped(none, zone_next(0), 0);
	explain_end(none, END_OOM_FAILED, NULL);
	shown(1000);
	has(", 1 not recorded\n");
	assert_int_equal(count("#"), 0);
	for (unsigned int i = 0; i < RING; i++)
		explain_end(j[i], END_OOM_FAILED, NULL);
	shown(1000);
	assert_int_equal(count("#"), RING);
}

static void test_switched_off(void **state)
{
	struct alloc_request rq = request(GFP_KERNEL, 0);

	(void)state;
	mm_explain_switch(false);
	assert_null(explain_begin(&rq));
	shown(1);
	has("; switched off\n");
	mm_explain_switch(true);
	pass_by(END_NORETRY);
	shown(1);
	has("__GFP_NORETRY: reclaim");
}

static void wrong_end(void *arg)
{
	struct alloc_request rq = request(GFP_KERNEL, 0);

	explain_end(explain_begin(&rq), *(enum explain_end *)arg, NULL);
}

static void test_broken_rules(void **state)
{
	enum explain_end served = END_SERVED, none = NR_EXPLAIN_ENDS;

	(void)state;
	assert_non_null(fake_panics(wrong_end, &served));
	assert_non_null(fake_panics(wrong_end, &none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_head, setup),
		cmocka_unit_test_setup(test_interrupt_and_policy, setup),
		cmocka_unit_test_setup(test_zone_lines, setup),
		cmocka_unit_test_setup(test_short_by, setup),
		cmocka_unit_test_setup(test_conclusion, setup),
		cmocka_unit_test_setup(test_steps, setup),
		cmocka_unit_test_setup(test_ends, setup),
		cmocka_unit_test_setup(test_served, setup),
		cmocka_unit_test_setup(test_long_journey, setup),
		cmocka_unit_test_setup(test_just_fits, setup),
		cmocka_unit_test_setup(test_order_of_the_ring, setup),
		cmocka_unit_test_setup(test_under_way, setup),
		cmocka_unit_test_setup(test_all_busy, setup),
		cmocka_unit_test_setup(test_switched_off, setup),
		cmocka_unit_test_setup(test_broken_rules, setup), /* keeps slots: last */
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
