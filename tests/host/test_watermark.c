/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Marks and reserves against the figures of a real Linux (Debian's arm64 6.1
 * on the same virtual machine) and against their own laws over random input.
 * Linux computed its marks before the last pages (init sections, initrd) were
 * given back, so the managed counts fed here are those of that moment: what
 * zoneinfo prints, less GIVEN_BACK in the first zone.
 */
#include "unit.h"

#include "mm/page/watermark.h"

enum { GIVEN_BACK = 1616 + 241 }; /* pages: 6464 KiB of init, 964 KiB of initrd */

static struct wm_marks marks_6_1(u64 min_free_kbytes, u64 managed, u64 sum, enum wm_kind kind)
{
	return wm_zone_marks(min_free_kbytes / 4, managed, sum, kind, 10, WM_RULE_6_1);
}

static void expect_marks(struct wm_marks m, u64 min, u64 low, u64 high)
{
	assert_int_equal(m.min, min);
	assert_int_equal(m.low, low);
	assert_int_equal(m.high, high);
}

/* ---- golden numbers ------------------------------------------------------------ */

/* Oracle one512: 512 MiB, 1 CPU, one zone. */
static void test_golden_512m(void **state)
{
	u64 managed = 121665 - GIVEN_BACK;

	(void)state;
	assert_int_equal(wm_min_free_kbytes(managed), 2769);
	expect_marks(marks_6_1(2769, managed, managed, WM_LOWMEM), 692, 865, 1038);
	assert_int_equal(wm_pcp_batch(121665), 31);
	assert_int_equal(wm_pcp_high(865, 1, 31), 865);
	assert_int_equal(wm_stat_threshold(1, 121665), 6);
}

/* Oracle two2g: two nodes of 1 GiB, two CPUs each. */
static void test_golden_2g(void **state)
{
	u64 first = 251152 - GIVEN_BACK, second = 256910;
	u64 sum = first + second;

	(void)state;
	assert_int_equal(wm_min_free_kbytes(first - 1196 + second - 1232), 5678);
	expect_marks(marks_6_1(5678, first, sum, WM_LOWMEM), 698, 947, 1196);
	expect_marks(marks_6_1(5678, second, sum, WM_LOWMEM), 720, 976, 1232);
	assert_int_equal(wm_pcp_batch(251152), 63);
	assert_int_equal(wm_pcp_high(947, 2, 63), 473);
	assert_int_equal(wm_pcp_high(976, 2, 63), 488);
	assert_int_equal(wm_stat_threshold(4, 251152), 24);
	assert_int_equal(wm_stat_threshold(4, 256910), 24);
}

/* 6 GiB, two nodes, 4 CPUs, kernelcore=4G: every row of the table. */
static const struct {
	u64 managed; /* as printed */
	u64 min, low, high;
	unsigned int batch, threshold;
	enum wm_kind kind;
} six[] = {
	{ 763220, 1011, 1772, 2533, 63, 36, WM_LOWMEM },
	{ 131072, 174, 305, 436, 31, 24, WM_LOWMEM },
	{ 114619, 152, 266, 380, 31, 18, WM_MOVABLE },
	{ 131072, 174, 305, 436, 31, 24, WM_LOWMEM },
	{ 381642, 507, 888, 1269, 63, 30, WM_MOVABLE },
};

static void test_golden_6g_marks(void **state)
{
	u64 sum = 0, lowmem = 0;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(six); i++) {
		u64 managed = six[i].managed - (i ? 0 : GIVEN_BACK);

		sum += managed;
		if (six[i].kind == WM_LOWMEM)
			lowmem += managed - six[i].high;
	}
	assert_int_equal(wm_min_free_kbytes(lowmem), 8080);
	for (unsigned int i = 0; i < ARRAY_SIZE(six); i++) {
		u64 managed = six[i].managed - (i ? 0 : GIVEN_BACK);

		expect_marks(marks_6_1(8080, managed, sum, six[i].kind), six[i].min, six[i].low,
			     six[i].high);
		assert_int_equal(wm_pcp_batch(six[i].managed), six[i].batch);
		assert_int_equal(wm_stat_threshold(4, six[i].managed), six[i].threshold);
	}
}

static void test_golden_6g_reserves(void **state)
{
	static const u32 ratio[] = { 256, 256, 32, 0 };
	static const u64 node0[] = { 763220, 0, 131072, 114619 };
	static const u64 node1[] = { 0, 0, 131072, 381642 };
	static const u64 expected0[4][4] = {
		{ 0, 0, 512, 959 },
		{ 0, 0, 0, 0 }, /* an empty zone keeps nothing */
		{ 0, 0, 0, 3581 },
		{ 0, 0, 0, 0 },
	};
	static const u64 expected1[4] = { 0, 0, 0, 11926 };
	u64 reserve[4];

	(void)state;
	for (unsigned int zone = 0; zone < 4; zone++) {
		wm_lowmem_reserve(node0, ratio, 4, zone, reserve);
		for (unsigned int j = 0; j < 4; j++)
			assert_int_equal(reserve[j], expected0[zone][j]);
	}
	wm_lowmem_reserve(node1, ratio, 4, 2, reserve);
	for (unsigned int j = 0; j < 4; j++)
		assert_int_equal(reserve[j], expected1[j]);
}

/* The worked example of row 25, and the clamps. */
static void test_min_free_clamps(void **state)
{
	(void)state;
	assert_int_equal(wm_min_free_kbytes(450241), 5368);
	assert_int_equal(5368 / 4, 1342);
	assert_int_equal(wm_min_free_kbytes(0), 128);
	assert_int_equal(wm_min_free_kbytes(255), 128);
	assert_int_equal(wm_min_free_kbytes(262), 129);
	assert_int_equal(wm_min_free_kbytes(1ull << 32), 262144);
	/* 4 GiB x 1024 kB x 16 is exactly 262144 squared over 4 pages. */
	assert_int_equal(wm_min_free_kbytes(262144ull * 262144 / 64), 262144);
	assert_int_equal(wm_min_free_kbytes(262144ull * 262144 / 64 - 1), 262143);
}

/* ---- rule 6.12 ------------------------------------------------------------------- */

/* A movable zone does not count in the sum, and its min is capped; the gap
 * follows the uncapped share. */
static void test_movable_is_capped(void **state)
{
	struct wm_marks m;

	(void)state;
	assert_false(wm_counts(WM_MOVABLE, WM_RULE_6_12));
	assert_true(wm_counts(WM_MOVABLE, WM_RULE_6_1));
	assert_false(wm_counts(WM_HIGHMEM, WM_RULE_6_1));
	m = wm_zone_marks(2020, 381642, 1000000, WM_MOVABLE, 10, WM_RULE_6_12);
	expect_marks(m, 128, 128 + 381, 128 + 2 * 381);
	m = wm_zone_marks(2020, 65536, 1000000, WM_MOVABLE, 10, WM_RULE_6_12);
	expect_marks(m, 64, 64 + 65, 64 + 130);
	m = wm_zone_marks(2020, 1024, 1000000, WM_HIGHMEM, 10, WM_RULE_6_12);
	expect_marks(m, 32, 33, 34);
	/* min_free_kbytes far over the scale factor: the share wins. */
	m = wm_zone_marks(100000, 500000, 1000000, WM_MOVABLE, 10, WM_RULE_6_12);
	expect_marks(m, 128, 128 + 12500, 128 + 25000);
}

static void test_empty_zones_have_no_marks(void **state)
{
	(void)state;
	expect_marks(wm_zone_marks(2020, 0, 1000, WM_LOWMEM, 10, WM_RULE_6_12), 0, 0, 0);
	/* Only movable memory: nothing to spread over. */
	expect_marks(wm_zone_marks(2020, 102400, 0, WM_MOVABLE, 10, WM_RULE_6_12), 100, 202, 304);
	expect_marks(wm_zone_marks(2020, 102400, 0, WM_LOWMEM, 10, WM_RULE_6_12), 0, 102, 204);
}

static void test_scale_factor(void **state)
{
	(void)state;
	expect_marks(wm_zone_marks(1000, 1000000, 1000000, WM_LOWMEM, 1, WM_RULE_6_12), 1000, 1250,
		     1500);
	expect_marks(wm_zone_marks(1000, 1000000, 1000000, WM_LOWMEM, 3000, WM_RULE_6_12), 1000,
		     301000, 601000);
}

/* ---- reserves with more zones than we have ------------------------------------------ */

/* DMA, NORMAL, HIGHMEM, MOVABLE of a 32-bit machine, and an empty DMA32. */
static void test_reserve_with_highmem(void **state)
{
	static const u64 managed[] = { 4000, 0, 200000, 300000, 50000 };
	static const u32 ratio[] = { 256, 256, 32, 0, 0 };
	u64 r[5];

	(void)state;
	wm_lowmem_reserve(managed, ratio, 5, 0, r);
	assert_int_equal(r[0], 0);
	assert_int_equal(r[1], 0);
	assert_int_equal(r[2], 200000 / 256);
	assert_int_equal(r[3], 500000 / 256);
	assert_int_equal(r[4], 550000 / 256);
	/* More than the zone has: it could never be balanced by itself... */
	wm_lowmem_reserve(managed, (const u32[]){ 1, 1, 1, 0, 0 }, 5, 0, r);
	assert_int_equal(r[4], 550000);
	/* ...so what is kept in total is capped at what there is. */
	assert_int_equal(wm_total_reserve(r, 5, 100, managed[0]), 4000);
	wm_lowmem_reserve(managed, ratio, 5, 3, r);
	for (unsigned int j = 0; j < 5; j++)
		assert_int_equal(r[j], 0);
	assert_int_equal(wm_total_reserve(r, 5, 100, managed[3]), 100);
}

/* ---- the ladder ------------------------------------------------------------------------ */

/* One 512 MiB zone, Linux's min 692 and low 865 (golden_512m). */
static void test_golden_floors(void **state)
{
	static const u64 want[] = { 865, 778, 692, 519, 346, 260, 173, 87, 0 };
	static const u64 boosted[] = { 1377, 1290, 1204, 1031, 346, 260, 173, 87, 0 };
	static const u64 two[] = { 692, 692, 692, 692, 346, 260, 173, 173, 0 };
	const struct wm_marks m = { 692, 865, 1038 };
	u64 floor[ARRAY_SIZE(want)];

	(void)state;
	wm_floors(&m, 0, true, floor, ARRAY_SIZE(want));
	assert_memory_equal(floor, want, sizeof(want));
	wm_floors(&m, 512, true, floor, ARRAY_SIZE(want));
	assert_memory_equal(floor, boosted, sizeof(want));
	wm_floors(&m, 0, false, floor, ARRAY_SIZE(want));
	assert_memory_equal(floor, two, sizeof(want));
}

/* Bands 4 to 6 stand where Linux's rights lead: 6.12 takes a half off, then a
 * quarter of what is left, or a half of it. */
static void test_floors_are_those_of_linux(void **state)
{
	u64 seed = fake_seed("floors", 0xf100), floor[9];

	(void)state;
	for (unsigned int i = 0; i < 10000; i++) {
		u64 min = fake_random(&seed) % (i % 3 ? 100 : 1ull << 20);
		const struct wm_marks m = { min, min + 10, min + 20 };
		u64 reserve = min - min / 2;

		wm_floors(&m, 0, true, floor, 9);
		assert_int_equal(floor[2], min);
		assert_int_equal(floor[4], reserve);
		assert_int_equal(floor[5], reserve - reserve / 4);
		assert_int_equal(floor[6], reserve - reserve / 2);
	}
}

/* Never up, with any marks: tiny zones, no gap, no min; boost only below band 4. */
static void test_floors_never_rise(void **state)
{
	u64 seed = fake_seed("floors fall", 0xf101), floor[9], plain[9];

	(void)state;
	for (u64 i = 0; i < 100000; i++) {
		u64 min = i < 1000 ? i / 10 : fake_random(&seed) % (1ull << 28);
		u64 gap = i < 1000 ? i % 10 : fake_random(&seed) % (1ull << 20);
		u64 boost = i % 2 ? fake_random(&seed) % 4096 : 0;
		const struct wm_marks m = { min, min + gap, min + 2 * gap };

		wm_floors(&m, boost, true, floor, 9);
		wm_floors(&m, 0, true, plain, 9);
		for (unsigned int b = 0; b < 9; b++) {
			assert_int_equal(floor[b], plain[b] + (b < 4 ? boost : 0));
			assert_true(!b || floor[b] <= floor[b - 1]);
		}
		assert_int_equal(floor[0], m.low + boost);
		assert_int_equal(floor[8], 0);
	}
}

/* ---- per-CPU numbers ----------------------------------------------------------------- */

static void test_batch_and_high_edges(void **state)
{
	(void)state;
	assert_int_equal(wm_pcp_batch(0), 1);
	assert_int_equal(wm_pcp_batch(1024), 1);
	assert_int_equal(wm_pcp_batch(8 * 1024), 1);  /* 2 + 1 -> 2 -> 1 */
	assert_int_equal(wm_pcp_batch(12 * 1024), 3); /* 3 + 1 -> 4 -> 3 */
	assert_int_equal(wm_pcp_batch(262144), 63);
	assert_int_equal(wm_pcp_batch(1ull << 32), 63); /* capped at 1 MiB worth */
	assert_int_equal(wm_pcp_high(100, 4, 63), 252); /* at least four batches */
	assert_int_equal(wm_pcp_high(0, 64, 1), 4);
}

static void test_threshold_edges(void **state)
{
	(void)state;
	assert_int_equal(wm_stat_threshold(1, 0), 2);
	assert_int_equal(wm_stat_threshold(64, 1ull << 32), 125);
	assert_int_equal(wm_pressure_threshold(4, 100, 100), 1);
	assert_int_equal(wm_pressure_threshold(4, 100, 180), 20);
	assert_int_equal(wm_pressure_threshold(1, 0, 4000), 125);
}

/* ---- the test itself -------------------------------------------------------------------- */

static void test_verdicts(void **state)
{
	(void)state;
	/* Strictly greater. */
	assert_int_equal(wm_test(100, 0, 0, 100, 1), WM_SHORT);
	assert_int_equal(wm_test(101, 0, 0, 100, 1), WM_PASS);
	/* A block of order o takes 2^o - 1 off first. */
	assert_int_equal(wm_test(108, 0, 3, 100, 8), WM_PASS);
	assert_int_equal(wm_test(107, 0, 3, 100, 8), WM_SHORT);
	/* What may not be used is not there. */
	assert_int_equal(wm_test(150, 50, 0, 100, 1), WM_SHORT);
	assert_int_equal(wm_test(151, 50, 0, 100, 1), WM_PASS);
	/* Enough, but only in smaller blocks. */
	assert_int_equal(wm_test(5000, 0, 4, 100, 0xf), WM_FRAGMENTED);
	assert_int_equal(wm_test(5000, 0, 4, 100, 0x40f), WM_PASS);
	assert_int_equal(wm_test(5000, 0, 10, 100, 0x3ff), WM_FRAGMENTED);
}

/* Counts are read without the lock, so they need not fit together: more CMA
 * free than free at all, less free than the block. Never a wrap to success. */
static void test_verdict_never_wraps(void **state)
{
	static const u64 nasty[] = { 0, 1, 2, 1023, 1024, 0xffffffff, 1ull << 32 };

	(void)state;
	for (unsigned int a = 0; a < ARRAY_SIZE(nasty); a++) {
		for (unsigned int b = 0; b < ARRAY_SIZE(nasty); b++) {
			for (unsigned int order = 0; order <= 10; order++) {
				__int128 usable =
					(__int128)nasty[a] - nasty[b] - ((1 << order) - 1);
				enum wm_verdict v = wm_test(nasty[a], nasty[b], order, 77, ~0u);

				assert_int_equal(v == WM_PASS, usable > 77);
			}
		}
	}
}

/* ---- laws ------------------------------------------------------------------------------- */

static void test_laws(void **state)
{
	u64 seed = fake_seed("watermark laws", 0x3a7e0001);

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		u64 managed = fake_random(&seed) >> (32 + fake_random(&seed) % 32);
		u64 others = fake_random(&seed) >> (33 + fake_random(&seed) % 31);
		u64 lowmem = min_u64(managed + others, 1ull << 32);
		u64 min_pages = wm_min_free_kbytes(lowmem) / 4;
		unsigned int factor = 1 + (unsigned int)(fake_random(&seed) % 3000);
		struct wm_marks m = wm_zone_marks(min_pages, managed, max_u64(lowmem, managed),
						  WM_LOWMEM, factor, WM_RULE_6_12);
		unsigned int batch = wm_pcp_batch(managed);

		assert_true(m.min <= m.low && m.low <= m.high);
		assert_true(m.min <= min_pages); /* shares never exceed the whole */
		assert_int_equal(m.low - m.min, m.high - m.low);
		if (managed >= 10000)
			assert_true(m.min < m.low);
		assert_true(is_pow2(batch + 1) || batch == 1);
		assert_true(batch >= 1 && batch <= 63);
		assert_true(wm_pcp_high(m.low, 1 + i % 64, batch) >= 4 * batch);
		assert_true(wm_stat_threshold(1 + i % 64, managed) <= 125);
		/* What passes for a larger order passes for a smaller one. */
		if (wm_test(managed, others, 5, m.low, ~0u) == WM_PASS)
			assert_int_equal(wm_test(managed, others, 4, m.low, ~0u), WM_PASS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_512m),
		cmocka_unit_test(test_golden_2g),
		cmocka_unit_test(test_golden_6g_marks),
		cmocka_unit_test(test_golden_6g_reserves),
		cmocka_unit_test(test_min_free_clamps),
		cmocka_unit_test(test_movable_is_capped),
		cmocka_unit_test(test_empty_zones_have_no_marks),
		cmocka_unit_test(test_scale_factor),
		cmocka_unit_test(test_reserve_with_highmem),
		cmocka_unit_test(test_golden_floors),
		cmocka_unit_test(test_floors_are_those_of_linux),
		cmocka_unit_test(test_floors_never_rise),
		cmocka_unit_test(test_batch_and_high_edges),
		cmocka_unit_test(test_threshold_edges),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_verdict_never_wraps),
		cmocka_unit_test(test_laws),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
