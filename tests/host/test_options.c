/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boot arguments of mm: each name with values that are right, at their bounds,
 * past them, and misspelt. A refused value must leave the option as it was.
 */
#include "unit.h"

#include "mm/boot/options.h"
#include "mm/mm.h"

static const struct boot_options *opt;

static int setup(void **state)
{
	(void)state;
	fake_reset();
	boot_options_reset();
	opt = boot_options();
	return 0;
}

static void test_defaults(void **state)
{
	const u32 ratio[NR_ZONE_TYPES] = { 256, 256, 32, 0 };

	(void)state;
	assert_int_equal(opt->watermark_scale_factor, 10);
	assert_memory_equal(opt->lowmem_reserve_ratio, ratio, sizeof(ratio));
	assert_int_equal(opt->mem_limit, 0);
	assert_false(opt->numa_off || opt->numa_fake || opt->cma_given || opt->min_free_given);
	assert_false(opt->kernelcore.given || opt->movablecore.given || opt->zonelist_by_zone);
}

static void test_unknown_names(void **state)
{
	(void)state;
	assert_int_equal(mm_boot_option("root", "/dev/sda"), ERR_NOENT);
	assert_int_equal(mm_boot_option("", NULL), ERR_NOENT);
	assert_int_equal(mm_boot_option("memx", "1G"), ERR_NOENT);
	assert_int_equal(mm_boot_option("ladders", "off"), ERR_NOENT);
}

/* Every name needs a value, and none takes an empty one. */
static void test_values_are_needed(void **state)
{
	static const char *const names[] = { "mem",
					     "numa",
					     "kernelcore",
					     "movablecore",
					     "zonelist_order",
					     "numa_zonelist_order",
					     "cma",
					     "min_free_kbytes",
					     "watermark_scale_factor",
					     "lowmem_reserve_ratio",
					     "bands",
					     "ladder" };
	struct boot_options before = *opt;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(mm_boot_option(names[i], NULL), ERR_INVAL);
		assert_true(mm_boot_option(names[i], "") < 0);
		assert_true(mm_boot_option(names[i], "banana") < 0);
		assert_true(mm_boot_option(names[i], "1x") < 0);
		assert_true(mm_boot_option(names[i], "-1") < 0);
		assert_memory_equal(opt, &before, sizeof(before));
	}
}

static void test_mem(void **state)
{
	(void)state;
	assert_int_equal(mm_boot_option("mem", "512M"), 0);
	assert_int_equal(opt->mem_limit, 512ull << 20);
	assert_int_equal(mm_boot_option("mem", "0"), ERR_RANGE);
	assert_int_equal(mm_boot_option("mem", "99999999999999999999"), ERR_RANGE);
	assert_int_equal(opt->mem_limit, 512ull << 20);
	assert_int_equal(mm_boot_option("mem", "0x100000"), 0);
	assert_int_equal(opt->mem_limit, 1 << 20);
}

static void test_numa(void **state)
{
	(void)state;
	assert_int_equal(mm_boot_option("numa", "off"), 0);
	assert_true(opt->numa_off);
	assert_int_equal(mm_boot_option("numa", "fake=64"), 0);
	assert_int_equal(opt->numa_fake, 64);
	assert_int_equal(mm_boot_option("numa", "fake=0"), ERR_RANGE);
	assert_int_equal(mm_boot_option("numa", "fake=65"), ERR_RANGE);
	assert_int_equal(mm_boot_option("numa", "fake="), ERR_INVAL);
	assert_int_equal(mm_boot_option("numa", "on"), ERR_INVAL);
	assert_int_equal(opt->numa_fake, 64);
}

static void test_what_they_take(void **state)
{
	(void)state;
	assert_string_equal(mm_boot_option_takes("ladder"), "on or off");
	assert_null(mm_boot_option_takes("ladders"));
	assert_null(mm_boot_option_takes(""));
}

static void test_core_amounts(void **state)
{
	(void)state;
	assert_int_equal(mm_boot_option("kernelcore", "4G"), 0);
	assert_true(opt->kernelcore.given);
	assert_int_equal(opt->kernelcore.nr_bytes, 4ull << 30);
	assert_int_equal(opt->kernelcore.percent, 0);
	assert_int_equal(mm_boot_option("movablecore", "25%"), 0);
	assert_int_equal(opt->movablecore.percent, 25);
	assert_int_equal(mm_boot_option("movablecore", "100%"), 0);
	assert_int_equal(mm_boot_option("movablecore", "101%"), ERR_RANGE);
	assert_int_equal(mm_boot_option("movablecore", "0%"), ERR_RANGE);
	assert_true(mm_boot_option("movablecore", "1K%") < 0);
	assert_int_equal(mm_boot_option("movablecore", "5%5"), ERR_INVAL);
	assert_int_equal(opt->movablecore.percent, 100);
}

static void test_zonelist_order(void **state)
{
	(void)state;
	assert_int_equal(mm_boot_option("zonelist_order", "zone"), 0);
	assert_true(opt->zonelist_by_zone);
	assert_int_equal(mm_boot_option("zonelist_order", "zones"), ERR_INVAL);
	assert_true(opt->zonelist_by_zone);
	assert_int_equal(mm_boot_option("numa_zonelist_order", "node"), 0);
	assert_false(opt->zonelist_by_zone);
	assert_int_equal(mm_boot_option("zonelist_order", "z"), 0);
	assert_true(opt->zonelist_by_zone);
	assert_int_equal(mm_boot_option("zonelist_order", "default"), 0);
	assert_false(opt->zonelist_by_zone);
}

static void assert_cma(const char *value, u64 nr_bytes, u64 start, u64 end)
{
	boot_options_reset();
	assert_int_equal(mm_boot_option("cma", value), 0);
	assert_true(opt->cma_given);
	assert_int_equal(opt->cma_bytes, nr_bytes);
	assert_int_equal(opt->cma_start.v, start);
	assert_int_equal(opt->cma_end.v, end);
}

static void test_cma(void **state)
{
	(void)state;
	assert_cma("64M", 64 << 20, 0, 0);
	assert_cma("0", 0, 0, 0);
	assert_cma("64M@1G", 64 << 20, 1 << 30, (1 << 30) + (64 << 20));
	assert_cma("64M@1G-2G", 64 << 20, 1 << 30, 2ull << 30);
	boot_options_reset();
	assert_int_equal(mm_boot_option("cma", "64M@1G-1G"), ERR_RANGE);
	assert_int_equal(mm_boot_option("cma", "64M@2G-1G"), ERR_RANGE);
	assert_int_equal(mm_boot_option("cma", "64M@1G-2Gx"), ERR_INVAL);
	assert_int_equal(mm_boot_option("cma", "64M@"), ERR_INVAL);
	assert_int_equal(mm_boot_option("cma", "64M@1G-"), ERR_INVAL);
	assert_int_equal(mm_boot_option("cma", "1G@0xffffffffffffffff"), ERR_RANGE);
	assert_false(opt->cma_given);
}

static void test_min_free_and_scale(void **state)
{
	(void)state;
	assert_int_equal(mm_boot_option("min_free_kbytes", "0"), 0);
	assert_true(opt->min_free_given);
	assert_int_equal(mm_boot_option("min_free_kbytes", "5368"), 0);
	assert_int_equal(opt->min_free_kbytes, 5368);
	assert_int_equal(mm_boot_option("min_free_kbytes", "18446744073709551615"), ERR_RANGE);
	assert_int_equal(mm_boot_option("min_free_kbytes", "4M"), ERR_INVAL);
	assert_int_equal(opt->min_free_kbytes, 5368);
	assert_int_equal(mm_boot_option("watermark_scale_factor", "1"), 0);
	assert_int_equal(mm_boot_option("watermark_scale_factor", "3000"), 0);
	assert_int_equal(mm_boot_option("watermark_scale_factor", "0"), ERR_RANGE);
	assert_int_equal(mm_boot_option("watermark_scale_factor", "3001"), ERR_RANGE);
	assert_int_equal(opt->watermark_scale_factor, 3000);
}

static void assert_ratio(u32 a, u32 b, u32 c, u32 d)
{
	const u32 want[NR_ZONE_TYPES] = { a, b, c, d };

	assert_memory_equal(opt->lowmem_reserve_ratio, want, sizeof(want));
}

static void test_reserve_ratio(void **state)
{
	(void)state;
	assert_int_equal(mm_boot_option("lowmem_reserve_ratio", "128"), 0);
	assert_ratio(128, 256, 32, 0);
	assert_int_equal(mm_boot_option("lowmem_reserve_ratio", "1,2,3,4"), 0);
	assert_ratio(1, 2, 3, 4);
	assert_int_equal(mm_boot_option("lowmem_reserve_ratio", "9,9,9,9,9"), ERR_INVAL);
	assert_int_equal(mm_boot_option("lowmem_reserve_ratio", "9,,9"), ERR_INVAL);
	assert_int_equal(mm_boot_option("lowmem_reserve_ratio", "9,2147483648"), ERR_RANGE);
	assert_int_equal(mm_boot_option("lowmem_reserve_ratio", "9,99999999999999999999"),
			 ERR_RANGE);
	assert_ratio(1, 2, 3, 4);
	assert_int_equal(mm_boot_option("lowmem_reserve_ratio", "0,2147483647"), 0);
	assert_ratio(0, 2147483647u, 3, 4);
}

static void test_ladder(void **state)
{
	(void)state;
	assert_false(opt->ladder_off);
	assert_int_equal(mm_boot_option("ladder", "off"), 0);
	assert_true(opt->ladder_off);
	assert_int_equal(mm_boot_option("ladder", "0"), ERR_INVAL);
	assert_int_equal(mm_boot_option("ladder", "offf"), ERR_INVAL);
	assert_true(opt->ladder_off);
	assert_int_equal(mm_boot_option("ladder", "on"), 0);
	assert_false(opt->ladder_off);
}

static void test_bands(void **state)
{
	static const u8 given[BAND_STARTS] = { 0, 8, 8, 31, 32 };

	(void)state;
	assert_false(opt->bands_given);
	assert_int_equal(mm_boot_option("bands", "0,8,8,31,32"), 0);
	assert_true(opt->bands_given);
	assert_memory_equal(opt->band_start, given, sizeof(given));
	assert_int_equal(mm_boot_option("bands", "4,8,16,20"), ERR_INVAL);
	assert_int_equal(mm_boot_option("bands", "4,8,16,20,26,30"), ERR_INVAL);
	assert_int_equal(mm_boot_option("bands", "4,8,7,20,26"), ERR_INVAL);
	assert_int_equal(mm_boot_option("bands", "4,8,16,20,33"), ERR_RANGE);
	assert_int_equal(mm_boot_option("bands", "4,8,16,20,-1"), ERR_INVAL);
	assert_int_equal(mm_boot_option("bands", "4,8,,20,26"), ERR_INVAL);
	assert_int_equal(mm_boot_option("bands", "4,8,16,20,26,"), ERR_INVAL);
	assert_int_equal(mm_boot_option("bands", "4 8 16 20 26"), ERR_INVAL);
	assert_int_equal(mm_boot_option("bands", "0000000000000004,8,16,20,26"), ERR_RANGE);
	assert_memory_equal(opt->band_start, given, sizeof(given));
}

/* Each way to say it, and what is nearly one. */
static void test_zonelist_words(void **state)
{
	static const char *const by_zone[] = { "zone", "z", "Z" };
	static const char *const by_node[] = { "node", "n", "N", "default", "d" };

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(by_zone); i++) {
		assert_int_equal(mm_boot_option("zonelist_order", "default"), 0);
		assert_int_equal(mm_boot_option("zonelist_order", by_zone[i]), 0);
		assert_true(opt->zonelist_by_zone);
	}
	for (u32 i = 0; i < ARRAY_SIZE(by_node); i++) {
		assert_int_equal(mm_boot_option("zonelist_order", "zone"), 0);
		assert_int_equal(mm_boot_option("zonelist_order", by_node[i]), 0);
		assert_false(opt->zonelist_by_zone);
	}
	assert_int_equal(mm_boot_option("zonelist_order", "D"), ERR_INVAL);
	assert_int_equal(mm_boot_option("zonelist_order", "zz"), ERR_INVAL);
}

static void test_page_owner(void **state)
{
	(void)state;
	assert_int_equal(opt->page_owner, tm_debug);
	assert_int_equal(mm_boot_option("page_owner", "on"), 0);
	assert_true(opt->page_owner);
	assert_int_equal(mm_boot_option("page_owner", "yes"), ERR_INVAL);
	assert_int_equal(mm_boot_option("page_owner", "offs"), ERR_INVAL);
	assert_true(opt->page_owner);
	assert_int_equal(mm_boot_option("page_owner", "off"), 0);
	assert_false(opt->page_owner);
}

/* Half of the largest order is the most. */
static void test_guard_minorder(void **state)
{
	(void)state;
	assert_int_equal(opt->guard_minorder, 0);
	assert_int_equal(mm_boot_option("debug_guardpage_minorder", "5"), 0);
	assert_int_equal(opt->guard_minorder, MAX_PAGE_ORDER / 2);
	assert_int_equal(mm_boot_option("debug_guardpage_minorder", "6"), ERR_RANGE);
	assert_int_equal(mm_boot_option("debug_guardpage_minorder", "2x"), ERR_INVAL);
	assert_int_equal(mm_boot_option("debug_guardpage_minorder", "-1"), ERR_INVAL);
	assert_int_equal(opt->guard_minorder, 5);
	assert_int_equal(mm_boot_option("debug_guardpage_minorder", "0"), 0);
	assert_int_equal(opt->guard_minorder, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_defaults, setup),
		cmocka_unit_test_setup(test_unknown_names, setup),
		cmocka_unit_test_setup(test_values_are_needed, setup),
		cmocka_unit_test_setup(test_mem, setup),
		cmocka_unit_test_setup(test_numa, setup),
		cmocka_unit_test_setup(test_core_amounts, setup),
		cmocka_unit_test_setup(test_what_they_take, setup),
		cmocka_unit_test_setup(test_zonelist_order, setup),
		cmocka_unit_test_setup(test_cma, setup),
		cmocka_unit_test_setup(test_min_free_and_scale, setup),
		cmocka_unit_test_setup(test_reserve_ratio, setup),
		cmocka_unit_test_setup(test_ladder, setup),
		cmocka_unit_test_setup(test_bands, setup),
		cmocka_unit_test_setup(test_zonelist_words, setup),
		cmocka_unit_test_setup(test_page_owner, setup),
		cmocka_unit_test_setup(test_guard_minorder, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
