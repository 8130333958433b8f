/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes of machines and what becomes of them: zone borders by DMA limit and by
 * kernelcore=/movablecore=, counts, nodes without memory or CPUs, fallback
 * orders and zonelists. Expected figures are those of a real Linux where it was
 * asked, else worked out beside the case.
 */
#include "unit.h"

#include "help/machine.h"
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/reserves.h"

#define PAGES_MIB(n) ((u64)(n) << 8)

/* Present pages of a zone; 0 also when node or zone is empty. */
static u64 present(u32 node, enum zone_type type)
{
	return node_table[node] ? node_table[node]->zone[type].present_pages : 0;
}

static void expect_present(u32 node, u64 dma, u64 dma32, u64 normal, u64 movable)
{
	assert_int_equal(present(node, ZONE_DMA), PAGES_MIB(dma));
	assert_int_equal(present(node, ZONE_DMA32), PAGES_MIB(dma32));
	assert_int_equal(present(node, ZONE_NORMAL), PAGES_MIB(normal));
	assert_int_equal(present(node, ZONE_MOVABLE), PAGES_MIB(movable));
}

static void expect_order(u32 node, const char *text)
{
	char buf[256] = "";
	size_t len = 0;

	for (u32 i = 0; i < node_table[node]->nr_fallback; i++)
		len += (size_t)snprintf(buf + len, sizeof(buf) - len, "%s%u", i ? " " : "",
					node_table[node]->fallback[i]);
	assert_string_equal(buf, text);
}

/* A zonelist as text: node/type first letter. */
static void expect_list(u32 node, u32 which, const char *text)
{
	static const char letter[] = "d3nm";
	char buf[512] = "";
	size_t len = 0;

	for (const struct zoneref *r = node_table[node]->zonelist[which]; r->zone; r++) {
		assert_int_equal(r->type, r->zone->type);
		len += (size_t)snprintf(buf + len, sizeof(buf) - len, "%s%u%c", len ? " " : "",
					r->zone->node, letter[r->type]);
	}
	assert_string_equal(buf, text);
}

/* ---- borders by address (row 17) -------------------------------------------------- */

/* Without a limit in the tree all below 4 GiB is DMA, as on arm64 Linux. */
static void test_all_below_4g_is_dma(void **state)
{
	static const struct machine m = { .bank = { { GIB(1), GIB(3), 0, 0 } } };

	(void)state;
	machine_boot_zones(&m);
	expect_present(0, 2048, 0, 0, 0);
}

static void test_above_4g_is_normal(void **state)
{
	static const struct machine m = { .bank = { { GIB(1), GIB(6), 0, 0 } } };

	(void)state;
	machine_boot_zones(&m);
	expect_present(0, 3072, 0, 2048, 0);
}

/* A Raspberry Pi 4 with 8 GiB: masters reach 1 GiB. */
static void test_limit_from_the_tree(void **state)
{
	static const struct machine m = {
		.bank = { { 0, MIB(948), 0, 0 },
			  { GIB(1), MIB(4032), 0, 0 },
			  { GIB(4), GIB(8), 0, 0 } },
		.reserved = { { 0, 0x1000 } },
		.dma_end = GIB(1),
	};

	(void)state;
	machine_boot_zones(&m);
	expect_present(0, 948, 4032 - 1024, 4096, 0);
	/* A zone spans up to its border though its last part is a hole. */
	assert_int_equal(node_table[0]->zone[ZONE_DMA].spanned_pages, PAGES_MIB(1024));
	assert_int_equal(node_table[0]->zone[ZONE_DMA32].end.v, PAGES_MIB(4096));
}

/* RAM begins above what masters reach: the limit would leave DMA empty. */
static void test_limit_below_all_ram(void **state)
{
	static const struct machine m = { .bank = { { GIB(1), GIB(2), 0, 0 } },
					  .dma_end = MIB(512) };

	(void)state;
	machine_boot_zones(&m);
	expect_present(0, 1024, 0, 0, 0);
}

/* RAM wholly above 4 GiB: one zone, DMA. */
static void test_ram_wholly_above_4g(void **state)
{
	static const struct machine m = { .bank = { { GIB(32), GIB(33), 0, 0 } } };

	(void)state;
	machine_boot_zones(&m);
	expect_present(0, 1024, 0, 0, 0);
}

/* ---- ZONE_MOVABLE (row 18) ----------------------------------------------------------- */

static struct machine six_gib(void)
{
	return (struct machine){ .bank = { { GIB(1), GIB(5), 0, 0 }, { GIB(5), GIB(7), 1, 0 } },
				 .nr_cpus = 4,
				 .cpu_node = { 0, 0, 1, 1 } };
}

/* The golden shape: 6 GiB, kernelcore=4G. */
static void test_kernelcore_golden(void **state)
{
	struct machine m = six_gib();

	(void)state;
	m.options.kernelcore = (struct boot_amount){ true, GIB(4), 0 };
	machine_boot_zones(&m);
	expect_present(0, 3072, 0, 512, 512);
	expect_present(1, 0, 0, 512, 1536);
	expect_list(0, ZONELIST_FALLBACK, "0m 0n 0d 1m 1n");
	expect_list(1, ZONELIST_FALLBACK, "1m 1n 0m 0n 0d");
}

/* The same size said the other way round. */
static void test_movablecore_is_the_rest(void **state)
{
	struct machine m = six_gib();

	(void)state;
	m.options.movablecore = (struct boot_amount){ true, GIB(2), 0 };
	machine_boot_zones(&m);
	expect_present(0, 3072, 0, 512, 512);
	expect_present(1, 0, 0, 512, 1536);
}

static void test_percent(void **state)
{
	struct machine m = six_gib();

	(void)state;
	m.options.kernelcore = (struct boot_amount){ true, 0, 75 }; /* 4.5 GiB */
	machine_boot_zones(&m);
	expect_present(0, 3072, 0, 768, 256);
	expect_present(1, 0, 0, 768, 1280);
}

/* Both given: the kernel gets the larger of what each leaves it. */
static void test_both_given(void **state)
{
	struct machine m = six_gib();

	(void)state;
	m.options.kernelcore = (struct boot_amount){ true, GIB(4), 0 };
	m.options.movablecore = (struct boot_amount){ true, GIB(1), 0 };
	machine_boot_zones(&m);
	assert_int_equal(present(0, ZONE_MOVABLE) + present(1, ZONE_MOVABLE), PAGES_MIB(1024));
}

/* Nothing movable can be cut from below the highest zone. */
static void test_kernelcore_smaller_than_low_memory(void **state)
{
	struct machine m = six_gib();

	(void)state;
	m.options.kernelcore = (struct boot_amount){ true, GIB(1), 0 };
	machine_boot_zones(&m);
	expect_present(0, 3072, 0, 0, 1024);
	assert_int_equal(present(1, ZONE_NORMAL) + present(1, ZONE_MOVABLE), PAGES_MIB(2048));
}

/* More for the kernel than there is, or nothing movable: no such zone. */
static void test_kernelcore_extremes(void **state)
{
	struct machine m = six_gib();

	(void)state;
	m.options.kernelcore = (struct boot_amount){ true, GIB(64), 0 };
	machine_boot_zones(&m);
	expect_present(0, 3072, 0, 1024, 0);
	expect_present(1, 0, 0, 2048, 0);
	m = six_gib();
	m.options.movablecore = (struct boot_amount){ true, 0, 0 };
	machine_boot_zones(&m);
	expect_present(1, 0, 0, 2048, 0);
	m = six_gib();
	m.options.kernelcore = (struct boot_amount){ true, 0, 100 };
	machine_boot_zones(&m);
	expect_present(1, 0, 0, 2048, 0);
}

/* All memory below 4 GiB: MOVABLE is cut from DMA. */
static void test_movable_cut_from_dma(void **state)
{
	static const struct machine m = {
		.bank = { { GIB(1), GIB(2), 0, 0 } },
		.options = { .movablecore = { true, MIB(256), 0 } },
	};

	(void)state;
	machine_boot_zones(&m);
	expect_present(0, 768, 0, 0, 256);
}

/* A small node gives all it has; the others carry the rest. Borders are
 * multiples of the largest block. */
static void test_uneven_nodes(void **state)
{
	static const struct machine m = {
		.bank = { { GIB(4), GIB(4) + MIB(128), 0, 0 },
			  { GIB(5), GIB(6), 1, 0 },
			  { GIB(6), GIB(7) + MIB(1), 2, 0 } },
		.options = { .kernelcore = { true, MIB(1024) + 0x5000, 0 } },
	};

	(void)state;
	machine_boot_zones(&m);
	assert_int_equal(present(0, ZONE_MOVABLE), 0);
	for (u32 node = 1; node < 3; node++) {
		assert_true(
			is_aligned(node_table[node]->zone[ZONE_MOVABLE].start.v, MAX_ORDER_PAGES));
		assert_true(present(node, ZONE_MOVABLE) > PAGES_MIB(500));
	}
}

/* hotpluggable memory nodes become MOVABLE where they are the end of a node. */
static void test_hotpluggable_is_movable(void **state)
{
	static const struct machine m = {
		.bank = { { GIB(1), GIB(2), 0, 0 }, { GIB(2), GIB(3), 1, MEMBLOCK_HOTPLUG } },
	};
	static const struct machine all = {
		.bank = { { GIB(1), GIB(2), 0, MEMBLOCK_HOTPLUG } },
	};
	static const struct machine row = {
		.bank = { { GIB(1), GIB(2), 0, 0 },
			  { GIB(2), GIB(3), 0, MEMBLOCK_HOTPLUG },
			  { GIB(4), GIB(5), 0, 0 },
			  { GIB(5), GIB(6), 0, MEMBLOCK_HOTPLUG },
			  { GIB(7), GIB(8), 0, MEMBLOCK_HOTPLUG } },
	};

	(void)state;
	machine_boot_zones(&m);
	expect_present(0, 1024, 0, 0, 0);
	expect_present(1, 0, 0, 0, 1024);
	machine_boot_zones(&all);
	expect_present(0, 1024, 0, 0, 0);
	/* The first of several in a row is where it begins; none begins below 4 GiB. */
	machine_boot_zones(&row);
	expect_present(0, 2048, 0, 1024, 2048);
}

/* ---- nodes (rows 10, 13-15) -------------------------------------------------------------- */

static void test_single_node(void **state)
{
	static const struct machine m = { .bank = { { GIB(1), GIB(2), 0, 0 } }, .nr_cpus = 2 };

	(void)state;
	machine_boot(&m);
	assert_int_equal(nodes_online(), 1);
	assert_int_equal(nodes_with_memory(), 1);
	assert_int_equal(node_distance(0, 0), 10);
	assert_int_equal(cpu_to_node(1), 0);
	assert_int_equal(node_get(0)->cpus, 3);
	assert_null(node_get(1));
	assert_null(node_get(64));
	assert_null(node_get(~0u));
	expect_list(0, ZONELIST_FALLBACK, "0d");
	expect_list(0, ZONELIST_THISNODE, "0d");
}

/* Node 1 has CPUs and no memory: strict requests end at once, others fall back
 * to the nearest; its structure lies with a neighbour. */
static void test_memoryless_node(void **state)
{
	static const struct machine m = {
		.bank = { { GIB(1), GIB(2), 0, 0 }, { GIB(2), GIB(3), 2, 0 } },
		.nr_cpus = 3,
		.cpu_node = { 0, 1, 2 },
		.extra_nodes = 1u << 1,
		.distance = { { 10, 30, 40, 0 }, { 30, 10, 20, 0 }, { 40, 20, 10, 0 } },
	};
	struct page *page;

	(void)state;
	machine_boot(&m);
	assert_int_equal(nodes_online(), 7);
	assert_int_equal(nodes_with_memory(), 5);
	expect_order(1, "2 0");
	expect_list(1, ZONELIST_THISNODE, "");
	expect_list(1, ZONELIST_FALLBACK, "2d 0d");
	assert_true(virt_to_phys(node_table[1]).v >= GIB(2));
	fake_set_cpu(1);
	assert_null(alloc_pages(__GFP_THISNODE, 0));
	assert_false(fake_log_has("page allocation failure")); /* not the slow path */
	page = alloc_pages(GFP_KERNEL, 0);
	assert_int_equal(page_node(page), 2);
	free_pages(page, 0);
}

/* Node 1 has memory and no CPUs. Structures lie in their own memory. */
static void test_cpuless_node(void **state)
{
	static const struct machine m = {
		.bank = { { GIB(1), GIB(2), 0, 0 },
			  { GIB(2), GIB(3), 1, 0 },
			  { GIB(3), GIB(4), 2, 0 } },
		.nr_cpus = 2,
		.cpu_node = { 0, 2 },
		.distance = { { 10, 20, 20, 0 }, { 20, 10, 20, 0 }, { 20, 20, 10, 0 } },
	};

	(void)state;
	machine_boot_zones(&m);
	assert_int_equal(node_get(1)->cpus, 0);
	for (u32 id = 0; id < 3; id++)
		assert_int_equal(virt_to_phys(node_table[id]).v >> 30, 1 + id);
	/* Among equals the one without CPUs comes first. */
	expect_order(0, "0 1 2");
	expect_order(2, "2 1 0");
}

static void test_sparse_ids(void **state)
{
	static const struct machine m = {
		.bank = { { GIB(1), GIB(2), 5, 0 }, { GIB(2), GIB(3), 63, 0 } },
		.nr_cpus = 2,
		.cpu_node = { 63, 5 },
	};

	(void)state;
	machine_boot(&m);
	assert_int_equal(cpu_to_node(0), 63);
	assert_int_equal(nodes_online(), 1ull << 63 | 1u << 5);
	expect_order(63, "63 5");
	assert_int_equal(page_node(alloc_pages(GFP_KERNEL, 0)), 63);
	assert_null(alloc_pages_node(6, GFP_KERNEL, 0));
}

/* ---- fallback orders (rows 20, 21) --------------------------------------------------------- */

/* Measured on Linux for these distances. */
static void test_golden_orders(void **state)
{
	static const struct machine m = {
		.bank = { { GIB(1), GIB(2), 0, 0 },
			  { GIB(2), GIB(3), 1, 0 },
			  { GIB(3), GIB(4), 2, 0 } },
		.nr_cpus = 3,
		.cpu_node = { 0, 1, 2 },
		.distance = { { 10, 20, 40, 0 }, { 20, 10, 30, 0 }, { 40, 30, 10, 0 } },
	};

	(void)state;
	machine_boot_zones(&m);
	expect_order(0, "0 1 2");
	expect_order(1, "1 0 2");
	expect_order(2, "2 1 0");
}

/* Four equals: each node's first choice is another one, so that no node is
 * everybody's refuge. */
static void test_equals_share_the_load(void **state)
{
	static const struct machine m = {
		.bank = { { GIB(1), GIB(2), 0, 0 },
			  { GIB(2), GIB(3), 1, 0 },
			  { GIB(4), GIB(5), 2, 0 },
			  { GIB(5), GIB(6), 3, 0 } },
		.nr_cpus = 4,
		.cpu_node = { 0, 1, 2, 3 },
	};
	u32 chosen = 0;

	(void)state;
	machine_boot_zones(&m);
	expect_order(0, "0 1 2 3");
	expect_order(1, "1 2 3 0");
	for (u32 id = 0; id < 4; id++)
		chosen |= 1u << node_table[id]->fallback[1];
	assert_int_equal(chosen, 0xf);
}

/* Two pairs: 0 and 1 are both next to 2 and 3. Each takes another neighbour. */
static void test_neighbours_are_shared_out(void **state)
{
	static const struct machine m = {
		.bank = { { GIB(1), GIB(2), 0, 0 },
			  { GIB(2), GIB(3), 1, 0 },
			  { GIB(4), GIB(5), 2, 0 },
			  { GIB(5), GIB(6), 3, 0 } },
		.nr_cpus = 4,
		.cpu_node = { 0, 1, 2, 3 },
		.distance = { { 10, 30, 15, 15 },
			      { 30, 10, 15, 15 },
			      { 15, 15, 10, 30 },
			      { 15, 15, 30, 10 } },
	};

	(void)state;
	machine_boot_zones(&m);
	expect_order(0, "0 2 3 1");
	expect_order(1, "1 3 2 0");
	expect_order(2, "2 0 1 3");
	expect_order(3, "3 1 0 2");
}

static void test_order_by_zone(void **state)
{
	struct machine m = six_gib();

	(void)state;
	m.options.zonelist_by_zone = true;
	m.options.kernelcore = (struct boot_amount){ true, GIB(4), 0 };
	machine_boot_zones(&m);
	expect_list(0, ZONELIST_FALLBACK, "0m 1m 0n 1n 0d");
	expect_list(1, ZONELIST_FALLBACK, "1m 0m 1n 0n 0d");
	expect_list(1, ZONELIST_THISNODE, "1m 1n");
}

/* ---- counts (row 7) and marks of the whole machine ------------------------------------------ */

/* Nodes interleaved: each spans the other, present counts only its own. */
static void test_interleaved_nodes(void **state)
{
	static const struct machine m = {
		.bank = { { GIB(1), GIB(1) + MIB(64), 0, 0 },
			  { GIB(1) + MIB(64), GIB(1) + MIB(128), 1, 0 },
			  { GIB(1) + MIB(128), GIB(1) + MIB(192), 0, 0 } },
	};
	const struct zone *z;

	(void)state;
	machine_boot(&m);
	z = &node_table[0]->zone[ZONE_DMA];
	assert_int_equal(z->spanned_pages, PAGES_MIB(192));
	assert_int_equal(z->present_pages, PAGES_MIB(128));
	assert_true(z->managed_pages <= z->present_pages);
	assert_int_equal(page_node(pfn_to_page(pfn_make((GIB(1) + MIB(65)) >> 12))), 1);
}

/* The zones carry what the formula says of their own managed counts. */
static void test_marks_follow_managed(void **state)
{
	struct machine m = six_gib();
	u64 lowmem = 0, above = 0;

	(void)state;
	m.options.kernelcore = (struct boot_amount){ true, GIB(4), 0 };
	machine_boot(&m);
	for (const struct zone *z = zone_next(0); z; z = zone_next(z->id + 1)) {
		if (z->type == ZONE_MOVABLE)
			continue;
		lowmem += z->managed_pages;
		above += z->managed_pages - z->wmark[WMARK_HIGH];
	}
	assert_int_equal(reserves_knobs().min_free_kbytes, wm_min_free_kbytes(above));
	for (const struct zone *z = zone_next(0); z; z = zone_next(z->id + 1)) {
		struct wm_marks w = wm_zone_marks(
			reserves_knobs().min_free_kbytes / 4, z->managed_pages, lowmem,
			z->type == ZONE_MOVABLE ? WM_MOVABLE : WM_LOWMEM, 10, WM_RULE_6_12);

		assert_int_equal(z->wmark[WMARK_MIN], w.min);
		assert_int_equal(z->wmark[WMARK_LOW], w.low);
		assert_int_equal(z->wmark[WMARK_HIGH], w.high);
		assert_int_equal(z->pcp_batch, wm_pcp_batch(z->managed_pages));
		assert_int_equal(z->stat_threshold, wm_stat_threshold(4, z->managed_pages));
		assert_int_equal(z->pcp_high, wm_pcp_high(w.low, 2, z->pcp_batch));
	}
	assert_int_equal(node_table[0]->zone[ZONE_DMA].lowmem_reserve[ZONE_NORMAL],
			 node_table[0]->zone[ZONE_NORMAL].managed_pages / 256);
	assert_int_equal(reserves_total(),
			 node_table[0]->totalreserve_pages + node_table[1]->totalreserve_pages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_below_4g_is_dma),
		cmocka_unit_test(test_above_4g_is_normal),
		cmocka_unit_test(test_limit_from_the_tree),
		cmocka_unit_test(test_limit_below_all_ram),
		cmocka_unit_test(test_ram_wholly_above_4g),
		cmocka_unit_test(test_kernelcore_golden),
		cmocka_unit_test(test_movablecore_is_the_rest),
		cmocka_unit_test(test_percent),
		cmocka_unit_test(test_both_given),
		cmocka_unit_test(test_kernelcore_smaller_than_low_memory),
		cmocka_unit_test(test_kernelcore_extremes),
		cmocka_unit_test(test_movable_cut_from_dma),
		cmocka_unit_test(test_uneven_nodes),
		cmocka_unit_test(test_hotpluggable_is_movable),
		cmocka_unit_test(test_single_node),
		cmocka_unit_test(test_memoryless_node),
		cmocka_unit_test(test_cpuless_node),
		cmocka_unit_test(test_sparse_ids),
		cmocka_unit_test(test_golden_orders),
		cmocka_unit_test(test_equals_share_the_load),
		cmocka_unit_test(test_neighbours_are_shared_out),
		cmocka_unit_test(test_order_by_zone),
		cmocka_unit_test(test_interleaved_nodes),
		cmocka_unit_test(test_marks_follow_managed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
