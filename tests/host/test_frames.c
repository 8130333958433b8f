/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame array and the hand-over: what is backed and from where, what every
 * descriptor says after boot, what it costs in memory, and how it fails. RAM is
 * filled with junk first, so that a descriptor nobody wrote shows.
 */
#include "unit.h"

#include <signal.h>

#include "help/ghost.h"
#include "help/machine.h"
#include "mm/boot/topology.h"
#include "mm/page/pageblock.h"

/* Where the frame array's byte for this frame lies in RAM; 0: nowhere. */
static u64 backing_of(u64 pfn)
{
	phys_t p;

	return arch_translate((u64)(uintptr_t)frame(pfn), &p, NULL, NULL) ? p.v : 0;
}

static void test_each_node_backs_its_own(void **state)
{
	static const struct machine m = {
		.bank = { { GIB(1), GIB(2), 0, 0 }, { GIB(4), GIB(6), 1, 0 } },
	};

	(void)state;
	machine_boot(&m);
	for (u64 p = GIB(1); p < GIB(2); p += MIB(4))
		assert_int_equal(backing_of(p >> PAGE_SHIFT) >> 30, 1);
	for (u64 p = GIB(4); p < GIB(6); p += MIB(4))
		assert_in_range(backing_of(p >> PAGE_SHIFT), GIB(4), GIB(6) - 1);
	assert_int_equal(backing_of(GIB(2) >> PAGE_SHIFT), 0);
	assert_int_equal(backing_of((GIB(4) - MIB(4)) >> PAGE_SHIFT), 0);
	assert_false(frame_exists(GIB(3) >> PAGE_SHIFT));
	assert_false(frame_exists(~0ull >> PAGE_SHIFT));
	assert_null(pfn_to_page(pfn_make(GIB(2) >> PAGE_SHIFT)));
	assert_null(virt_to_page(&m)); /* not in the linear map */
	assert_null(virt_to_page(phys_to_virt(phys_make(GIB(7)))));
}

/* Q17: 0.80 % of RAM plus at most 256 KiB, whatever the holes. */
static void expect_overhead(const struct machine *m, u64 nr_bytes)
{
	machine_boot(m);
	assert_true(frames_metadata_pages() * PAGE_SIZE <= nr_bytes / 1000 * 8 + (256 << 10));
	assert_true(frames_metadata_pages() * PAGE_SIZE >= nr_bytes / 128);
}

static void test_overhead(void **state)
{
	static const struct machine small = { .bank = { { GIB(1), GIB(1) + MIB(128), 0, 0 } } };
	static const struct machine large = { .bank = { { GIB(1), GIB(9), 0, 0 } } };
	static const struct machine far = {
		.bank = { { GIB(1), GIB(2), 0, 0 }, { GIB(1024), GIB(1025), 1, 0 } },
	};
	static const struct machine pieces = {
		.bank = { { GIB(1), GIB(1) + MIB(128), 0, 0 },
			  { GIB(3), GIB(3) + MIB(64), 0, 0 },
			  { GIB(9), GIB(9) + MIB(64), 0, 0 } },
	};

	(void)state;
	expect_overhead(&small, MIB(128));
	expect_overhead(&large, GIB(8));
	expect_overhead(&far, GIB(2));
	expect_overhead(&pieces, MIB(256));
}

/*
 *   unit (4 MiB)   |....RRRRrrRRRR|....|RR..
 * '.' hole, 'R' RAM, 'r' reserved. Every descriptor of a backed unit is one of
 * the three, whatever was in the memory that backs it.
 */
static void test_every_descriptor_is_written(void **state)
{
	static const struct machine m = {
		.bank = { { GIB(1) + MIB(1), GIB(1) + MIB(7) + 0x3000, 0, 0 },
			  { GIB(1) + MIB(12), GIB(1) + MIB(13), 0, 0 } },
		.reserved = { { GIB(1) + MIB(2) + 0x800, GIB(1) + MIB(2) + 0x2800 } },
	};
	u64 base = GIB(1) >> PAGE_SHIFT;

	(void)state;
	fake_junk(true);
	machine_boot(&m);
	fake_junk(false);
	for (u64 i = 0; i < 16 * 256; i++) {
		u64 addr = GIB(1) + i * PAGE_SIZE;
		bool ram = (addr >= m.bank[0].start && addr < m.bank[0].end) ||
			   (addr >= m.bank[1].start && addr < m.bank[1].end);
		const struct page *page = pfn_to_page(pfn_make(base + i));

		if (!page) {
			assert_false(ram);
			continue;
		}
		assert_int_equal(frame_state(page) == PAGE_HOLE, !ram);
		assert_int_equal(page->mapping | page->index | page->mapcount | page->refcount, 0);
	}
	/* A reservation takes every frame it touches. */
	for (u64 i = 512; i < 515; i++)
		assert_int_equal(frame_state(frame(base + i)), PAGE_RESERVED);
	assert_int_equal(frame_state(frame(base + 511)), PAGE_TAIL);
	ghost_init();
	ghost_check();
}

/* no-map memory is present, reserved, and never looked at. */
static void test_no_map_stays_away(void **state)
{
	static const struct machine m = {
		.bank = { { GIB(1), GIB(1) + MIB(5), 0, 0 },
			  { GIB(1) + MIB(5), GIB(1) + MIB(5) + 0x10000, 0, MEMBLOCK_NOMAP },
			  { GIB(1) + MIB(5) + 0x10000, GIB(1) + MIB(32), 0, 0 } },
	};
	u64 first = (GIB(1) + MIB(5)) >> PAGE_SHIFT;
	const struct zone *z;

	(void)state;
	machine_boot(&m);
	z = zone_next(0);
	assert_int_equal(z->present_pages, 32 * 256);
	for (u64 i = 0; i < 16; i++)
		assert_int_equal(frame_state(frame(first + i)), PAGE_RESERVED);
	ghost_init();
	ghost_check();
}

/* Blocks are as large as alignment and the span allow, lowest first. */
static void test_hand_over_in_maximal_blocks(void **state)
{
	static const struct machine m = {
		.bank = { { GIB(1) + 0x3000, GIB(1) + MIB(64), 0, 0 } },
	};
	u64 base = GIB(1) >> PAGE_SHIFT;
	struct zone *z;

	(void)state;
	machine_boot(&m);
	z = zone_next(0);
	assert_int_equal(frame_order(frame(base + 3)), 0);
	for (unsigned int o = 2; o < 10; o++)
		assert_int_equal(frame_order(frame(base + (1u << o))), o);
	assert_int_equal(frame_order(frame(base + 1024)), 10);
	assert_int_equal(z->area[10].list[MIGRATE_MOVABLE].head, base + 1024);
	assert_int_equal(pageblock_type(base + 3), MIGRATE_MOVABLE);
	assert_int_equal(z->present_pages - z->managed_pages, z->present_pages - mm_free_pages());
}

/* A CMA area that is no whole number of pageblocks stays reserved, with a word. */
static void test_crooked_cma_stays_reserved(void **state)
{
	static const struct machine m = {
		.bank = { { GIB(1), GIB(1) + MIB(64), 0, 0 } },
		.cma = { { GIB(1) + MIB(8) + 0x1000, GIB(1) + MIB(12) } },
	};
	static const struct machine more = {
		.bank = { { GIB(1), GIB(1) + MIB(64), 0, 0 } },
		.dma_end = GIB(1) + MIB(32),
		.cma = { { GIB(1) + MIB(8), GIB(1) + MIB(8) + 0x800 },
			 { GIB(1) + MIB(28), GIB(1) + MIB(36) },
			 { GIB(1) + MIB(40), GIB(1) + MIB(44) } },
	};

	(void)state;
	machine_boot(&m);
	assert_true(fake_log_has("stays reserved"));
	assert_int_equal(zone_next(0)->cma_pages, 0);
	assert_int_equal(frame_state(frame((GIB(1) + MIB(10)) >> PAGE_SHIFT)), PAGE_RESERVED);
	/* Less than a page; across the end of a zone; and a sound one after them. */
	machine_boot(&more);
	assert_int_equal(fake_log_count("stays reserved"), 2);
	assert_int_equal(zone_next(0)->cma_pages, 0);
	assert_int_equal(zone_next(1)->cma_pages, MIB(4) / PAGE_SIZE);
	assert_int_equal(frame_state(frame((GIB(1) + MIB(32)) >> PAGE_SHIFT)), PAGE_RESERVED);
}

/* The very last frame number ends lists, so that frame is given up. */
static void test_last_frame_number(void **state)
{
	static const struct machine m = {
		.bank = { { (1ull << 44) - MIB(64), 1ull << 44, 0, 0 } },
	};
	struct page *page;

	(void)state;
	machine_boot(&m);
	assert_int_equal(frame_state(frame(0xffffffff)), PAGE_RESERVED);
	while ((page = alloc_pages(__GFP_NOWARN, 0)))
		assert_int_not_equal(page_to_pfn(page).v, PFN_NIL);
}

/* Frame 0 is RAM like any other. */
static void test_frame_zero(void **state)
{
	static const struct machine m = { .bank = { { 0, MIB(16), 0, 0 } } };
	struct page *page;

	(void)state;
	machine_boot(&m);
	ghost_init();
	page = alloc_pages(GFP_KERNEL, 10);
	assert_int_equal(page_to_pfn(page).v, 0);
	ghost_alloced(page, 10, GFP_KERNEL);
	ghost_check();
}

/* ---- refusals ---------------------------------------------------------------------- */

static void boot_it(void *arg)
{
	machine_boot(arg);
}

static void test_no_memory(void **state)
{
	static struct machine none = { .nr_cpus = 1 };

	(void)state;
	assert_non_null(strstr(fake_panics(boot_it, &none), "no memory"));
}

static void boot_without_maps(void *arg)
{
	(void)arg;
	fake_fail_map(2);
	frames_init(machine_info());
}

static void test_map_failure(void **state)
{
	const char *text;

	(void)state;
	fake_reset();
	memblock_init();
	fake_ram(GIB(1), GIB(2), true);
	memblock_add(phys_make(GIB(1)), phys_make(GIB(2)), 0);
	memblock_use_linear_map();
	text = fake_panics(boot_without_maps, NULL);
	assert_non_null(text);
	assert_non_null(strstr(text, "cannot map frame descriptors"));
}

static void boot_frames(void *arg)
{
	(void)arg;
	frames_init(machine_info());
}

/* Frames have 32-bit numbers; who brings more is told so. */
static void test_ram_beyond_all_numbers(void **state)
{
	const char *text;

	(void)state;
	fake_reset();
	memblock_init();
	fake_ram(GIB(1), GIB(2), true);
	memblock_add(phys_make(GIB(1)), phys_make(GIB(2)), 0);
	memblock_add(phys_make(1ull << 44), phys_make((1ull << 44) + MIB(4)), 0);
	memblock_reserve(phys_make(1ull << 44), phys_make((1ull << 44) + MIB(4)), MEM_BOOT, "x");
	memblock_use_linear_map();
	text = fake_panics(boot_frames, NULL);
	assert_non_null(text);
	assert_non_null(strstr(text, "RAM ends at frame 1000003ff"));
}

/*
 * So many pages are free when boot begins, of 16 MiB: it ends in a word about what it
 * had no memory for, further on with each step, or with a sound allocator.
 */
static void test_scarce_memory(void **state)
{
	static const char *const words[] = {
		"banks",
		"unit map",
		"no memory for frame descriptors of node 0",
		"no memory for the pageblock map of node 0",
		"no memory for the page caches of CPU",
	};
	static struct machine m = { .bank = { { GIB(1), GIB(1) + MIB(16), 0, 0 } } };
	unsigned int seen = 0, booted = 0;

	(void)state;
	for (u64 pages = 0; pages < 200; pages++) {
		const char *text;

		m.reserved[0].start = GIB(1) + pages * PAGE_SIZE;
		m.reserved[0].end = GIB(1) + MIB(16);
		text = fake_panics(boot_it, &m);
		if (!text) {
			booted++;
			ghost_init();
			ghost_check();
			continue;
		}
		assert_int_equal(booted, 0);
		for (unsigned int i = 0; i < ARRAY_SIZE(words); i++)
			if (strstr(text, words[i]))
				seen |= 1u << i;
	}
	assert_int_equal(seen, (1u << ARRAY_SIZE(words)) - 1);
	assert_true(booted > 50);
}

/* ---- addresses ------------------------------------------------------------------------ */

static void test_conversions(void **state)
{
	static const struct machine m = { .bank = { { GIB(1), GIB(1) + MIB(32), 0, 0 } } };
	struct page *page;
	u8 *at;

	(void)state;
	machine_boot(&m);
	page = alloc_pages(GFP_KERNEL, 2);
	at = page_address(page);
	memset(at, 1, 4 * PAGE_SIZE);
	assert_ptr_equal(virt_to_page(at), page);
	assert_ptr_equal(virt_to_page(at + PAGE_SIZE + 5), page + 1);
	assert_ptr_equal(pfn_to_page(page_to_pfn(page)), page);
	assert_int_equal(page_order(page), 2);
	assert_int_equal(page_node(page), 0);
	free_pages(page, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_node_backs_its_own),
		cmocka_unit_test(test_overhead),
		cmocka_unit_test(test_every_descriptor_is_written),
		cmocka_unit_test(test_no_map_stays_away),
		cmocka_unit_test(test_hand_over_in_maximal_blocks),
		cmocka_unit_test(test_crooked_cma_stays_reserved),
		cmocka_unit_test(test_last_frame_number),
		cmocka_unit_test(test_frame_zero),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_map_failure),
		cmocka_unit_test(test_ram_beyond_all_numbers),
		cmocka_unit_test(test_scarce_memory),
		cmocka_unit_test(test_conversions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
