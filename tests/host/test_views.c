/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text views against what a real Linux printed on the same machine shape
 * (tests/serial/data/): the same lines in the same order, digits aside, byte
 * for byte; our own lines, which carry the prefix tm_, are taken out before.
 * Then the figures of our own: they must be those of the zones.
 */
#include "unit.h"

#include <ctype.h>

#include "help/machine.h"
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/mobility.h"
#include "mm/page/pcp.h"
#include "mm/page/reserves.h"
#include "mm/stat/items.h"

static char ours[1 << 17], linux_text[1 << 17];

/* 1 CPU, 512 MiB, 64 MiB of CMA, as the first oracle. */
static const struct machine one512 = {
	.bank = { { GIB(1), GIB(1) + MIB(512), 0, 0 } },
	.cma = { { 0x5b600000, 0x5f600000 } },
};

/* 4 CPUs, two nodes of 1 GiB, as the second. */
static const struct machine two2g = {
	.bank = { { GIB(1), GIB(2), 0, 0 }, { GIB(2), GIB(3), 1, 0 } },
	.cma = { { 0xba600000, 0xbe600000 } },
	.nr_cpus = 4,
	.cpu_node = { 0, 0, 1, 1 },
};

static const char *show(void (*view)(struct out *))
{
	struct out_buf ob;

	out_buf_init(&ob, ours, sizeof(ours));
	view(&ob.out);
	assert_false(ob.truncated);
	return ours;
}

static const char *show_node(void (*view)(struct out *, unsigned int), unsigned int node)
{
	struct out_buf ob;

	out_buf_init(&ob, ours, sizeof(ours));
	view(&ob.out, node);
	assert_false(ob.truncated);
	return ours;
}

/* One file out of an oracle: what stands between `@@ NAME` and the next @@. */
static const char *oracle(const char *path, const char *name)
{
	char *all = fake_read_file(path, NULL);
	char mark[80];
	const char *start, *end;

	snprintf(mark, sizeof(mark), "@@ %s\n", name);
	start = strstr(all, mark);
	assert_non_null(start);
	start += strlen(mark);
	end = strstr(start, "@@ ");
	snprintf(linux_text, sizeof(linux_text), "%.*s",
		 end ? (int)(end - start) : (int)strlen(start), start);
	free(all);
	return linux_text;
}

static bool is_own_line(const char *line, const char *end)
{
	while (line < end && isspace((unsigned char)*line))
		line++;
	return end - line > 3 && !strncmp(line, "tm_", 3);
}

/*
 * Each number becomes one #; how wide its field is shows in the blanks before
 * it, so for right-aligned views (`aligned`) the number keeps its width and the
 * blanks before it are folded in: "    123" and "1234567" are both #######.
 */
static void normalise(char *text, bool aligned)
{
	char *out = text;

	for (const char *in = text; *in;) {
		const char *eol = strchr(in, '\n');
		const char *end = eol ? eol + 1 : in + strlen(in);

		if (is_own_line(in, end)) {
			in = end;
			continue;
		}
		while (in < end) {
			bool number =
				isdigit((unsigned char)*in) && (in == text || !isalpha(in[-1]));

			if (!number) {
				*out++ = *in++;
				continue;
			}
			if (aligned)
				for (char *b = out; b > text && b[-1] == ' '; b--)
					b[-1] = '#';
			do {
				if (aligned)
					*out++ = '#';
				in++;
			} while (in < end && isdigit((unsigned char)*in));
			if (!aligned)
				*out++ = '#';
		}
	}
	*out = '\0';
}

static void expect_same_form(const char *ours_text, const char *theirs, bool aligned)
{
	static char a[1 << 17], b[1 << 17];

	snprintf(a, sizeof(a), "%s", ours_text);
	snprintf(b, sizeof(b), "%s", theirs);
	normalise(a, aligned);
	normalise(b, aligned);
	assert_string_equal(a, b);
}

#define ONE "tests/serial/data/linux-6.1-one512.txt"
#define TWO "tests/serial/data/linux-6.1-two2g.txt"

/* ---- form ----------------------------------------------------------------------- */

static void test_zoneinfo_form(void **state)
{
	(void)state;
	machine_boot(&one512);
	expect_same_form(show(mm_view_zoneinfo), oracle(ONE, "/proc/zoneinfo"), false);
	machine_boot(&two2g);
	expect_same_form(show(mm_view_zoneinfo), oracle(TWO, "/proc/zoneinfo"), false);
}

static void test_buddyinfo_form(void **state)
{
	(void)state;
	machine_boot(&two2g);
	expect_same_form(show(mm_view_buddyinfo), oracle(TWO, "/proc/buddyinfo"), true);
}

static void test_pagetypeinfo_form(void **state)
{
	(void)state;
	machine_boot(&two2g);
	expect_same_form(show(mm_view_pagetypeinfo), oracle(TWO, "/proc/pagetypeinfo"), true);
	machine_boot(&one512);
	expect_same_form(show(mm_view_pagetypeinfo), oracle(ONE, "/proc/pagetypeinfo"), true);
}

/* VmallocTotal is the one number wider than its field there. */
static void test_meminfo_form(void **state)
{
	char *wide;

	(void)state;
	machine_boot(&two2g);
	oracle(TWO, "/proc/meminfo");
	wide = strstr(linux_text, "133143592960");
	assert_non_null(wide);
	memmove(wide + 8, wide + 12, strlen(wide + 12) + 1);
	expect_same_form(show(mm_view_meminfo), linux_text, true);
}

static void test_node_files_form(void **state)
{
	(void)state;
	machine_boot(&two2g);
	for (unsigned int node = 0; node < 2; node++) {
		char name[64];

		snprintf(name, sizeof(name), "/sys/devices/system/node/node%u/distance", node);
		assert_string_equal(show_node(mm_view_node_distance, node), oracle(TWO, name));
		snprintf(name, sizeof(name), "/sys/devices/system/node/node%u/cpulist", node);
		assert_string_equal(show_node(mm_view_node_cpulist, node), oracle(TWO, name));
	}
	assert_string_equal(show_node(mm_view_node_cpulist, 5), "\n");
	assert_string_equal(show_node(mm_view_node_meminfo, 5), "");
}

/* Names and order of every line; also of the node's file, which has the first ones. */
static void test_vmstat_form(void **state)
{
	const char *end;

	(void)state;
	machine_boot(&one512);
	expect_same_form(show(mm_view_vmstat), oracle(ONE, "/proc/vmstat"), false);
	machine_boot(&two2g);
	expect_same_form(show(mm_view_vmstat), oracle(TWO, "/proc/vmstat"), false);
	end = strstr(linux_text, "nr_dirty_threshold");
	assert_non_null(end);
	linux_text[end - linux_text] = '\0';
	expect_same_form(show_node(mm_view_node_vmstat, 1), linux_text, false);
	assert_string_equal(show_node(mm_view_node_vmstat, 5), "");
}

static void test_numastat_form(void **state)
{
	(void)state;
	machine_boot(&two2g);
	expect_same_form(show_node(mm_view_node_numastat, 0),
			 "numa_hit 1\nnuma_miss 0\nnuma_foreign 0\n"
			 "interleave_hit 0\nlocal_node 1\nother_node 0\n",
			 false);
	assert_string_equal(show_node(mm_view_node_numastat, 5), "");
}

static void test_knobs_form(void **state)
{
	static const char *const names[] = { "min_free_kbytes", "lowmem_reserve_ratio",
					     "watermark_scale_factor" };
	unsigned int nr;
	const struct mm_knob *knobs = mm_knobs(&nr);

	(void)state;
	machine_boot(&two2g);
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		char path[64];
		bool seen = false;

		snprintf(path, sizeof(path), "/proc/sys/vm/%s", names[i]);
		for (unsigned int k = 0; k < nr; k++) {
			if (strcmp(knobs[k].name, names[i]) != 0)
				continue;
			seen = true;
			expect_same_form(show(knobs[k].show), oracle(TWO, path), false);
		}
		assert_true(seen);
	}
}

/* ---- figures ---------------------------------------------------------------------- */

/* The number after a key, from a place in the text on. */
static u64 value_after(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	assert_non_null(at);
	at += strlen(key);
	while (!isdigit((unsigned char)*at))
		at++;
	return strtoull(at, NULL, 10);
}

static void test_zoneinfo_figures(void **state)
{
	const struct zone *z;
	const char *text;

	(void)state;
	machine_boot(&two2g);
	alloc_pages(GFP_KERNEL, 3);
	z = zone_next(0);
	text = show(mm_view_zoneinfo);
	assert_int_equal(value_after(text, "pages free"), z->nr_free);
	assert_int_equal(value_after(text, "        min "), z->wmark[WMARK_MIN]);
	assert_int_equal(value_after(text, "        low "), z->wmark[WMARK_LOW]);
	assert_int_equal(value_after(text, "        high "), z->wmark[WMARK_HIGH]);
	assert_int_equal(value_after(text, "spanned"), 262144);
	assert_int_equal(value_after(text, "present"), 262144);
	assert_int_equal(value_after(text, "managed"), z->managed_pages);
	assert_int_equal(value_after(text, "start_pfn:"), 262144);
	assert_int_equal(value_after(text, "vm stats threshold:"), 24);
	assert_int_equal(value_after(text, "batch:"), 63);
	assert_int_equal(value_after(text, "tm_alloc"), 1);
	/* The CMA area is the second node's. */
	text = strstr(text, "Node 1, zone      DMA");
	assert_int_equal(value_after(text, "        cma "), 16384);
	assert_int_equal(value_after(text, "nr_free_cma"), 16384);
}

static u64 sum_of_row(const char *row)
{
	u64 sum = 0, weight = 1;

	for (const char *at = row; *at && *at != '\n'; weight *= 2) {
		char *end;
		u64 n = strtoull(at, &end, 10);

		if (end == at)
			break;
		sum += n * weight;
		at = end;
	}
	return sum;
}

static void test_buddyinfo_adds_up(void **state)
{
	const char *text;

	(void)state;
	machine_boot(&two2g);
	mm_allow_blocking(); /* so that nothing is reserved for who cannot */
	for (unsigned int o = 0; o < 11; o++)
		alloc_pages(GFP_HIGHUSER_MOVABLE, o);
	text = show(mm_view_buddyinfo);
	assert_int_equal(sum_of_row(strstr(text, "DMA") + 3), zone_next(0)->nr_free);
	text = show(mm_view_pagetypeinfo);
	assert_int_equal(sum_of_row(strstr(text, "Unmovable ") + 10) +
				 sum_of_row(strstr(text, " Movable ") + 9) +
				 sum_of_row(strstr(text, "Reclaimable ") + 12),
			 zone_next(0)->nr_free);
	text = strstr(text, "Number of blocks type");
	assert_non_null(strstr(text, "Node 0, zone      DMA            0          512 "));
	assert_non_null(strstr(text, "Node 1, zone      DMA            0          480            0"
				     "            0           32 "));
}

static void test_meminfo_figures(void **state)
{
	const char *text;

	(void)state;
	machine_boot(&two2g);
	text = show(mm_view_meminfo);
	assert_int_equal(value_after(text, "MemTotal:"), mm_total_pages() * 4);
	assert_int_equal(value_after(text, "MemFree:"), mm_free_pages() * 4);
	assert_int_equal(value_after(text, "MemAvailable:"),
			 (mm_free_pages() - reserves_total()) * 4);
	assert_int_equal(value_after(text, "CmaTotal:"), 65536);
	assert_int_equal(value_after(text, "CmaFree:"), 65536);
	assert_int_equal(value_after(text, "tm_FrameArray:"), frames_metadata_pages() * 4);
	text = show_node(mm_view_node_meminfo, 1);
	assert_int_equal(value_after(text, "Node 1 MemTotal:"), zone_next(4)->managed_pages * 4);
	assert_int_equal(value_after(text, "Node 1 MemUsed:"), 0);
}

static void test_iomem(void **state)
{
	static const struct machine holed = {
		.bank = { { GIB(1), GIB(1) + MIB(64), 0, 0 },
			  { GIB(1) + MIB(64), GIB(1) + MIB(66), 0, MEMBLOCK_NOMAP },
			  { GIB(4), GIB(4) + MIB(64), 0, 0 } },
	};
	static const struct mem_record records[] = {
		{ { 0x40200000 }, { 0x40300000 }, MEM_KERNEL, false, "" },
		{ { 0x40400000 }, { 0x40480000 }, MEM_RESERVED, false, "pool" },
		{ { 0x43ff0000 }, { 0x44200000 }, MEM_RESERVED, true, "secure" },
		{ { 0x100000000 }, { 0x100001000 }, MEM_FRAMES, false, "" },
	};

	(void)state;
	machine_boot(&holed);
	machine_records(records, ARRAY_SIZE(records));
	assert_string_equal(show(mm_view_iomem), "40000000-43ffffff : System RAM\n"
						 "  40200000-402fffff : Kernel data\n"
						 "  40400000-4047ffff : reserved\n"
						 "  43ff0000-43ffffff : reserved\n"
						 "44000000-441fffff : reserved\n"
						 "100000000-103ffffff : System RAM\n"
						 "  100000000-100000fff : reserved\n");
}

/* Served less freed is what is held, also when a list's 32 bits have wrapped. */
static void test_traffic_wraps(void **state)
{
	struct page *page[10];
	struct zone_traffic before, after;
	struct pcp *p;

	(void)state;
	machine_boot(&one512);
	mm_allow_blocking();
	p = zone_next(0)->pcp[0];
	free_pages(alloc_pages(GFP_KERNEL, 0), 0);
	before = zone_traffic(zone_next(0));
	assert_int_equal(before.pages_served - before.pages_freed, 0);
	for (unsigned int mt = 0; mt < PCP_TYPES; mt++) {
		p->list[0][mt].taken += 0xfffffffc / PCP_TYPES;
		p->list[0][mt].put += 0xfffffffc / PCP_TYPES;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = alloc_pages(GFP_KERNEL, 0);
	after = zone_traffic(zone_next(0));
	assert_int_equal(after.pages_served - after.pages_freed, ARRAY_SIZE(page));
	assert_true(after.pages_freed < 1ull << 33);
	for (unsigned int i = 0; i < ARRAY_SIZE(page); i++)
		free_pages(page[i], 0);
	after = zone_traffic(zone_next(0));
	assert_int_equal(after.pages_served, after.pages_freed);
}

/* ---- knobs -------------------------------------------------------------------------- */

static int store(const char *name, const char *text)
{
	unsigned int nr;
	const struct mm_knob *knobs = mm_knobs(&nr);

	for (unsigned int k = 0; k < nr; k++)
		if (!strcmp(knobs[k].name, name))
			return knobs[k].store(text);
	fail_msg("no knob %s", name);
	return 0;
}

static void test_min_free_is_settable(void **state)
{
	const struct zone *z;
	u64 before;

	(void)state;
	machine_boot(&one512);
	z = zone_next(0);
	before = z->wmark[WMARK_MIN];
	assert_int_equal(store("min_free_kbytes", "8192"), 0);
	assert_int_equal(z->wmark[WMARK_MIN], 2048);
	assert_int_equal(z->wmark[WMARK_LOW], 2048 + 512);
	assert_int_equal(store("min_free_kbytes", "500000"), ERR_RANGE);
	assert_int_equal(store("min_free_kbytes", "18446744073709551616"), ERR_RANGE);
	assert_int_equal(store("min_free_kbytes", "12x"), ERR_INVAL);
	assert_int_equal(store("min_free_kbytes", ""), ERR_INVAL);
	assert_int_equal(z->wmark[WMARK_MIN], 2048);
	assert_true(before < 2048);
	/* As in Linux; the gap up to low is the zone's own then. */
	assert_int_equal(store("min_free_kbytes", "0"), 0);
	assert_int_equal(z->wmark[WMARK_MIN], 0);
	assert_int_equal(z->wmark[WMARK_LOW], z->managed_pages * 10 / 10000);
}

/* As a boot argument: more than a quarter of memory is a quarter, and it is said. */
static void test_min_free_given(void **state)
{
	struct machine m = one512;

	(void)state;
	m.options.min_free_given = true;
	m.options.min_free_kbytes = 8192;
	machine_boot(&m);
	assert_int_equal(zone_next(0)->wmark[WMARK_MIN], 2048);
	assert_false(fake_log_has("is over a quarter of memory"));
	m.options.min_free_kbytes = 1 << 30;
	machine_boot(&m);
	assert_true(fake_log_has("min_free_kbytes=1073741824 is over a quarter of memory"));
	assert_int_equal(zone_next(0)->wmark[WMARK_MIN], zone_next(0)->managed_pages / 4);
}

static void test_scale_factor_is_settable(void **state)
{
	const struct zone *z;

	(void)state;
	machine_boot(&one512);
	z = zone_next(0);
	assert_int_equal(store("watermark_scale_factor", "1000"), 0);
	assert_int_equal(z->wmark[WMARK_LOW] - z->wmark[WMARK_MIN], z->managed_pages / 10);
	assert_int_equal(store("watermark_scale_factor", "0"), ERR_RANGE);
	assert_int_equal(store("watermark_scale_factor", "3001"), ERR_RANGE);
	assert_int_equal(store("watermark_scale_factor", "-1"), ERR_INVAL);
}

static void test_ratio_is_settable(void **state)
{
	static const struct machine high = { .bank = { { GIB(3), GIB(6), 0, 0 } } };
	const struct zone *dma;
	u64 normal;

	(void)state;
	machine_boot(&high);
	dma = zone_next(0);
	normal = zone_next(1)->managed_pages;
	assert_int_equal(dma->lowmem_reserve[ZONE_NORMAL], normal / 256);
	assert_int_equal(store("lowmem_reserve_ratio", "128\t64"), 0);
	assert_int_equal(dma->lowmem_reserve[ZONE_NORMAL], normal / 128);
	assert_string_equal(show(mm_knobs(&(unsigned int){ 0 })[0].show), "128\t64\t32\t0\n");
	assert_int_equal(store("lowmem_reserve_ratio", "0 0 0 0"), 0);
	assert_int_equal(dma->lowmem_reserve[ZONE_NORMAL], 0);
	assert_int_equal(store("lowmem_reserve_ratio", "1 2 3 4 5"), ERR_INVAL);
	assert_int_equal(reserves_set_ratio((const u64[]){ 1, 2, 3, 4, 5 }, 5), ERR_RANGE);
	assert_int_equal(store("lowmem_reserve_ratio", "1 x"), ERR_INVAL);
	assert_int_equal(store("lowmem_reserve_ratio", "   "), ERR_INVAL);
	assert_int_equal(store("lowmem_reserve_ratio", "4294967296"), ERR_RANGE);
	assert_int_equal(store("lowmem_reserve_ratio", "111111111111111111111111111111"),
			 ERR_INVAL);
	assert_int_equal(dma->lowmem_reserve[ZONE_NORMAL], 0);
}

/* As Linux: the share of the zone instead of its low mark, for the CPUs of its
 * node; 0 goes back, 1 to 7 are refused. */
static void test_high_fraction_is_settable(void **state)
{
	const struct zone *z;
	u32 before;

	(void)state;
	machine_boot(&two2g);
	z = zone_next(0);
	before = z->pcp_high;
	assert_int_equal(before, z->wmark[WMARK_LOW] / 2);
	assert_int_equal(store("percpu_pagelist_high_fraction", "8"), 0);
	assert_int_equal(z->pcp_high, z->managed_pages / 8 / 2);
	assert_int_equal(store("percpu_pagelist_high_fraction", "7"), ERR_RANGE);
	assert_int_equal(store("percpu_pagelist_high_fraction", "2147483648"), ERR_RANGE);
	assert_int_equal(store("percpu_pagelist_high_fraction", "-8"), ERR_INVAL);
	assert_int_equal(z->pcp_high, z->managed_pages / 8 / 2);
	assert_int_equal(store("percpu_pagelist_high_fraction", "2147483647"), 0);
	assert_int_equal(z->pcp_high, 4 * z->pcp_batch);
	assert_int_equal(store("percpu_pagelist_high_fraction", "0"), 0);
	assert_int_equal(z->pcp_high, before);
}

static void test_boost_factor_is_settable(void **state)
{
	(void)state;
	machine_boot(&one512);
	assert_int_equal(store("watermark_boost_factor", "0"), 0);
	assert_int_equal(mobility_boost_factor(), 0);
	assert_int_equal(store("watermark_boost_factor", "x"), ERR_INVAL);
	assert_int_equal(store("watermark_boost_factor", "15000"), 0);
	assert_int_equal(mobility_boost_factor(), 15000);
}

/* Marks are printed as they count, with the boost on top, as Linux does. */
static void test_boost_is_shown(void **state)
{
	struct zone *z;
	const char *text;

	(void)state;
	machine_boot(&one512);
	z = zone_next(0);
	z->boost = 512;
	text = show(mm_view_zoneinfo);
	assert_int_equal(value_after(text, "        boost "), 512);
	assert_int_equal(value_after(text, "        min "), z->wmark[WMARK_MIN] + 512);
	assert_int_equal(value_after(text, "        high "), z->wmark[WMARK_HIGH] + 512);
	z->boost = 0;
}

/* ---- words for people ------------------------------------------------------------------- */

static void test_first_screen(void **state)
{
	static const struct mem_record records[] = {
		{ { 0x40200000 }, { 0x40300000 }, MEM_KERNEL, false, "" },
		{ { 0xba600000 }, { 0xbe600000 }, MEM_CMA, false, "linux,cma" },
	};
	const char *text;

	(void)state;
	machine_boot(&two2g);
	machine_records(records, ARRAY_SIZE(records));
	text = show(mm_view_boot);
	assert_non_null(strstr(text, "Memory: 2048 MiB in 2 banks"));
	assert_non_null(strstr(text, "Nodes: 2\n"));
	assert_non_null(strstr(text, "distance 10 20  order 0 1  cpus 0-1\n"));
	assert_non_null(strstr(text, "1/DMA"));
	assert_non_null(strstr(text, "cma: linux,cma"));
	for (const char *line = text; line;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		assert_true(strcspn(line, "\n") <= 80);
}

static void test_panic_view(void **state)
{
	(void)state;
	machine_boot(&two2g);
	spin_lock(&zone_next(0)->lock); /* whoever died holding it */
	assert_non_null(strstr(show(mm_view_panic), "0/DMA"));
	spin_unlock(&zone_next(0)->lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zoneinfo_form),
		cmocka_unit_test(test_buddyinfo_form),
		cmocka_unit_test(test_pagetypeinfo_form),
		cmocka_unit_test(test_meminfo_form),
		cmocka_unit_test(test_node_files_form),
		cmocka_unit_test(test_vmstat_form),
		cmocka_unit_test(test_numastat_form),
		cmocka_unit_test(test_knobs_form),
		cmocka_unit_test(test_zoneinfo_figures),
		cmocka_unit_test(test_buddyinfo_adds_up),
		cmocka_unit_test(test_meminfo_figures),
		cmocka_unit_test(test_iomem),
		cmocka_unit_test(test_traffic_wraps),
		cmocka_unit_test(test_min_free_is_settable),
		cmocka_unit_test(test_min_free_given),
		cmocka_unit_test(test_scale_factor_is_settable),
		cmocka_unit_test(test_ratio_is_settable),
		cmocka_unit_test(test_high_fraction_is_settable),
		cmocka_unit_test(test_boost_factor_is_settable),
		cmocka_unit_test(test_boost_is_shown),
		cmocka_unit_test(test_first_screen),
		cmocka_unit_test(test_panic_view),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
