/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fault injection: who is spared, the order and arithmetic of space, interval,
 * probability and times, what is refused of knobs and of the boot argument, and
 * that an injected failure costs no page, is counted and is told.
 */
#include "unit.h"

#include "help/ghost.h"
#include "help/machine.h"
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/reserves.h"
#include "mm/stat/owner.h"
#include "mm/stat/vmstat.h"

static const struct machine one = {
	.bank = { { GIB(1), GIB(1) + MIB(64), 0, 0 } },
};

/* Everything fails. */
static struct fault_knobs all_fail(void)
{
	return (struct fault_knobs){
		.probability = 100, .interval = 1, .times = -1, .spare_band = NR_BANDS
	};
}

static void set(struct fault_knobs k)
{
	assert_int_equal(fault_set(&k), 0);
}

static int setup(void **state)
{
	(void)state;
	machine_boot(&one);
	ghost_init();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	set(fault_default());
	assert_false(fault_on);
	assert_false(watch_active());
	ghost_check();
	return 0;
}

/* One request: did it fail? */
static bool fails(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages(gfp | __GFP_NOWARN, order);

	if (page)
		free_pages(page, order);
	return !page;
}

/* ---- who is spared -------------------------------------------------------------------- */

static void test_off_by_default(void **state)
{
	(void)state;
	assert_int_equal(fault_get().probability, 0);
	assert_int_equal(fault_get().interval, 1);
	assert_int_equal(fault_get().min_order, 1);
	assert_true(fault_get().ignore_reclaim && fault_get().ignore_highmem);
	assert_false(fails(GFP_NOWAIT, 3));
}

static void test_min_order(void **state)
{
	struct fault_knobs k = all_fail();

	(void)state;
	for (unsigned int least = 0; least <= MAX_PAGE_ORDER; least++) {
		k.min_order = least;
		set(k);
		for (unsigned int order = 0; order <= MAX_PAGE_ORDER; order++)
			assert_int_equal(fails(GFP_NOWAIT, order), order >= least);
	}
}

static void test_spared_flags(void **state)
{
	struct fault_knobs k = all_fail();
	struct alloc_request rq;

	(void)state;
	set(k);
	assert_true(fails(GFP_KERNEL, 0));
	assert_true(fails(GFP_HIGHUSER_MOVABLE, 0));
	assert_false(fails(GFP_KERNEL | __GFP_NOFAIL, 0));
	k.ignore_highmem = true;
	set(k);
	assert_false(fails(GFP_HIGHUSER_MOVABLE, 0));
	assert_true(fails(GFP_KERNEL, 0));
	k.ignore_highmem = false;
	k.ignore_reclaim = true;
	set(k);
	assert_true(fails(GFP_ATOMIC, 0));
	assert_true(fails(GFP_NOWAIT, 0));
	/* Not by alloc_pages(): nobody could wake the caller on this machine. */
	assert_int_equal(request_fill(&rq, NODE_NONE, GFP_NOWAIT, 0, NULL), 0);
	assert_true(fault_should_fail(&rq));
	rq.gfp |= __GFP_DIRECT_RECLAIM;
	assert_false(fault_should_fail(&rq));
}

/* Real time goes on while everybody else is tried. */
static void test_spared_bands(void **state)
{
	struct fault_knobs k = all_fail();

	(void)state;
	for (u32 band = BAND_BACKGROUND; band <= NR_BANDS; band++) {
		k.spare_band = band;
		set(k);
		assert_int_equal(fails(GFP_NOWAIT, 0), band > BAND_ORDINARY);
		fake_task.in_interrupt = true;
		assert_int_equal(fails(GFP_NOWAIT, 0), band > BAND_INTERRUPT);
		fake_task.in_interrupt = false;
	}
}

/* ---- when -------------------------------------------------------------------------------- */

static void test_interval(void **state)
{
	struct fault_knobs k = all_fail();

	(void)state;
	k.interval = 5;
	set(k);
	for (unsigned int i = 1; i <= 50; i++)
		assert_int_equal(fails(GFP_NOWAIT, 0), i % 5 == 0);
	/* Spared ones do not move it. */
	k.min_order = 1;
	set(k);
	for (unsigned int i = 1; i <= 20; i++) {
		assert_false(fails(GFP_NOWAIT, 0));
		assert_int_equal(fails(GFP_NOWAIT, 1), i % 5 == 0);
	}
}

static void test_times(void **state)
{
	struct fault_knobs k = all_fail();

	(void)state;
	k.times = 3;
	set(k);
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(fails(GFP_NOWAIT, 0), i < 3);
	assert_int_equal(fault_get().times, 0);
	k.times = -1;
	set(k);
	for (unsigned int i = 0; i < 10; i++)
		assert_true(fails(GFP_NOWAIT, 0));
	assert_int_equal(fault_get().times, -1);
}

/* Pages, so an order weighs 2^order: 20 pages are 4 + 8 + 4 more than a rest
 * that the next request does not stay below. */
static void test_space(void **state)
{
	struct fault_knobs k = all_fail();

	(void)state;
	k.space = 20;
	set(k);
	assert_false(fails(GFP_NOWAIT, 2));
	assert_int_equal(fault_get().space, 16);
	assert_false(fails(GFP_NOWAIT, 3));
	assert_int_equal(fault_get().space, 8);
	assert_true(fails(GFP_NOWAIT, 3));
	assert_false(fails(GFP_NOWAIT, 2));
	assert_true(fails(GFP_NOWAIT, 2));
	assert_false(fails(GFP_NOWAIT, 0));
	assert_int_equal(fault_get().space, 3);
}

/* The share comes out, a seed repeats itself, another one does not. */
static void test_probability(void **state)
{
	static bool first[10000];
	struct fault_knobs k = all_fail();

	(void)state;
	for (u32 percent = 1; percent < 100; percent += 49) {
		unsigned int failed = 0, other = 0, differ = 0;

		k.probability = percent;
		for (unsigned int run = 0; run < 3; run++) {
			k.seed = run == 2 ? 8 : 7;
			set(k);
			for (unsigned int i = 0; i < ARRAY_SIZE(first); i++) {
				bool f = fails(GFP_NOWAIT, 0);

				if (run == 0)
					first[i] = f;
				if (run == 1)
					assert_int_equal(f, first[i]);
				failed += run == 0 && f;
				other += run == 2 && f;
				differ += run == 2 && f != first[i];
			}
		}
		assert_true(failed + 200 > percent * 100 && failed < percent * 100 + 200);
		assert_true(other + 200 > percent * 100 && other < percent * 100 + 200);
		assert_true(differ > 0);
	}
}

/* ---- what it leaves ------------------------------------------------------------------------ */

static void test_counted_and_told(void **state)
{
	static char text[8192];
	u64 events = vm_event_sum(FAULT_INJECTED), faults = fault_count(), free = mm_free_pages();
	struct out_buf ob;

	(void)state;
	set(all_fail());
	assert_null(alloc_pages(GFP_KERNEL, 4));
	assert_int_equal(vm_event_sum(FAULT_INJECTED), events + 1);
	assert_int_equal(fault_count(), faults + 1);
	assert_int_equal(mm_free_pages(), free);
	out_buf_init(&ob, text, sizeof(text));
	mm_view_explain(&ob.out, 1);
	assert_non_null(strstr(text, "wanted order 4"));
	assert_non_null(strstr(text, "failed: injected by fail_page_alloc"));
}

/* Nothing passes by a cache while it is on. */
static void test_closes_the_hit_path(void **state)
{
	struct zone *z = zone_next(0);

	(void)state;
	assert_int_not_equal(z->pass[ZONE_NORMAL], ~0ull);
	set(all_fail());
	assert_true(watch_active());
	assert_int_equal(z->pass[ZONE_NORMAL], ~0ull);
	set(all_fail());
	set(fault_default());
	assert_false(watch_active());
	assert_int_not_equal(z->pass[ZONE_NORMAL], ~0ull);
}

/* ---- knobs ----------------------------------------------------------------------------------- */

static void refused(struct fault_knobs k)
{
	struct fault_knobs before = fault_get(), after;

	assert_int_equal(fault_set(&k), ERR_RANGE);
	after = fault_get();
	assert_int_equal(after.probability, before.probability);
	assert_int_equal(after.interval, before.interval);
	assert_int_equal(after.times, before.times);
}

static void test_ranges(void **state)
{
	struct fault_knobs k = all_fail();

	(void)state;
	k.probability = 101;
	refused(k);
	k = all_fail();
	k.interval = 0;
	refused(k);
	k = all_fail();
	k.times = -2;
	refused(k);
	k = all_fail();
	k.space = -1;
	refused(k);
	k = all_fail();
	k.min_order = MAX_PAGE_ORDER + 1;
	refused(k);
	k = all_fail();
	k.spare_band = NR_BANDS + 1;
	refused(k);
}

static void test_boot_argument(void **state)
{
	static const char *const bad[] = { "",       "1",      "1,2,3",    "1,2,3,4,5", "a,2,3,4",
					   "1,,3,4", "1,2,3,", " 1,2,3,4", "1,2,3,4 " };
	static const char *const range[] = { "0,10,0,1",         "1,101,0,1", "-1,10,0,1",
					     "1,-1,0,1",         "1,10,-1,1", "99999999999,1,1,1",
					     "1,1,1,99999999999" };

	(void)state;
	assert_int_equal(fault_parse("7,30,500,-1"), 0);
	assert_int_equal(fault_get().interval, 7);
	assert_int_equal(fault_get().probability, 30);
	assert_int_equal(fault_get().space, 500);
	assert_int_equal(fault_get().times, -1);
	assert_true(fault_get().ignore_reclaim);
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(fault_parse(bad[i]), ERR_INVAL);
	for (unsigned int i = 0; i < ARRAY_SIZE(range); i++)
		assert_int_equal(fault_parse(range[i]), ERR_RANGE);
	assert_int_equal(fault_get().interval, 7);
}

static const struct mm_knob *file(const char *name)
{
	unsigned int nr;
	const struct mm_knob *k = mm_fault_knobs(&nr);

	for (unsigned int i = 0; i < nr; i++)
		if (!strcmp(k[i].name, name))
			return &k[i];
	fail_msg("no file %s", name);
	return NULL;
}

/* What a good value reads as afterwards, and a malformed and an excessive one. */
static void test_files(void **state)
{
	static const struct {
		const char *name, *good, *shown, *bad, *far;
	} want[] = {
		{ "interval", "12", "12\n", "x", "4294967296" },
		{ "times", "-1", "-1\n", "-2", "2147483648" },
		{ "times", "9", "9\n", "", "2147483648" },
		{ "space", "64", "64\n", "6 4", "-1" },
		{ "min-order", "10", "10\n", "-1", "11" },
		{ "ignore-gfp-wait", "0", "N\n", "2", NULL },
		{ "ignore-gfp-wait", "Y", "Y\n", "yes", NULL },
		{ "ignore-gfp-highmem", "n", "N\n", "", NULL },
		{ "tm_spare_band", "4", "4\n", "four", "10" },
		{ "tm_seed", "18446744073709551615", "18446744073709551615\n", "-1", NULL },
		{ "probability", "100", "100\n", "1.5", "101" },
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(want); i++) {
		const struct mm_knob *k = file(want[i].name);
		char text[32];
		struct out_buf ob;

		assert_int_equal(k->store(want[i].good), 0);
		assert_int_equal(k->store(want[i].bad), ERR_INVAL);
		if (want[i].far)
			assert_int_equal(k->store(want[i].far), ERR_RANGE);
		out_buf_init(&ob, text, sizeof(text));
		k->show(&ob.out);
		assert_string_equal(text, want[i].shown);
	}
	assert_null(file("tm_count")->store);
	assert_true(fault_on);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_off_by_default, setup, teardown),
		cmocka_unit_test_setup_teardown(test_min_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_spared_flags, setup, teardown),
		cmocka_unit_test_setup_teardown(test_spared_bands, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interval, setup, teardown),
		cmocka_unit_test_setup_teardown(test_times, setup, teardown),
		cmocka_unit_test_setup_teardown(test_space, setup, teardown),
		cmocka_unit_test_setup_teardown(test_probability, setup, teardown),
		cmocka_unit_test_setup_teardown(test_counted_and_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_closes_the_hit_path, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ranges, setup, teardown),
		cmocka_unit_test_setup_teardown(test_boot_argument, setup, teardown),
		cmocka_unit_test_setup_teardown(test_files, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
