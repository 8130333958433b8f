/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device tree to memblock, NUMA, DMA limit and CMA (rows 1, 5, 11, 12, 14, 15,
 * 17): one small tree per rule, and what the kernel makes of it, with the
 * warning it must give. The fake machine has RAM from 1 GiB to 3 GiB and its
 * kernel at [0x40200000, 0x40300000); the blob lies at 0x48000000.
 */
#include "unit.h"

#include "help/tree.h"
#include "mm/boot/dt_blob.h"
#include "mm/boot/intake.h"
#include "mm/boot/intake_parts.h"
#include "mm/boot/options.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)
#define RAM GIB
#define BLOB 0x48000000ull

static struct dt_shape shape;
static void *blob;
static u32 blob_size;

static int setup(void **state)
{
	(void)state;
	fake_reset();
	fake_ram(RAM, 3 * GIB, false);
	memblock_init();
	boot_options_reset();
	intake_reset();
	dt_forget();
	return 0;
}

/* From the written tree to memblock, as mm_boot() does it. */
static void take_early(void *arg)
{
	const char *why;

	(void)arg;
	blob = tree_end(&blob_size);
	why = dt_check(blob, blob_size, &shape);
	assert_null(why);
	intake_early(blob, phys_make(BLOB), &shape, NULL);
}

static void take_late(void)
{
	struct memblock_cursor c = { 0 };
	struct memblock_span s;

	while (memblock_next_memory(&c, &s)) {
		if (!(s.flags & MEMBLOCK_NOMAP))
			arch_linear_map(pfn_to_phys(s.start), pfn_to_phys(s.end));
	}
	memblock_use_linear_map();
	dt_unflatten(blob, &shape);
	arch_early_unmap_all();
	intake_numa();
	intake_dma();
	intake_cma();
	intake_records();
	memblock_check();
}

static void take_all(void)
{
	take_early(NULL);
	take_late();
}

static void assert_refused(const char *needle)
{
	const char *text = fake_panics(take_early, NULL);

	assert_non_null(text);
	if (!strstr(text, "device tree refused") || !strstr(text, needle))
		fail_msg("refused with: %s", text);
}

static void assert_warned(const char *needle)
{
	if (!fake_log_has(needle))
		fail_msg("no \"%s\" in:\n%s", needle, fake_log());
}

static void assert_silent(void)
{
	if (dt_warnings())
		fail_msg("warned:\n%s", fake_log());
}

/* RAM in MiB, one piece a span: "[1024,2048)node". */
static void assert_ram(const char *want)
{
	struct memblock_cursor c = { 0 };
	struct memblock_span s;
	char got[1024] = "";
	size_t len = 0;

	while (memblock_next_memory(&c, &s))
		len += (size_t)snprintf(got + len, sizeof(got) - len, "[%g,%g)%u%s",
					(double)s.start.v / 256, (double)s.end.v / 256, s.node,
					s.flags & MEMBLOCK_NOMAP ? "n" : "");
	assert_string_equal(got, want);
}

static const struct mem_record *record(const char *name)
{
	const struct boot_info *bi = boot_info();

	for (u32 i = 0; i < bi->nr_records; i++) {
		if (!strcmp(bi->records[i].name, name))
			return &bi->records[i];
	}
	return NULL;
}

static void reserved_begin(void)
{
	node_begin("reserved-memory");
	prop_u32("#address-cells", 2);
	prop_u32("#size-cells", 2);
	prop_empty("ranges");
}

/* ---- memory nodes ------------------------------------------------------------------ */

static void test_one_bank(void **state)
{
	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 512 * MIB, -1);
	take_all();
	assert_ram("[1024,1536)0");
	assert_silent();
	assert_int_equal(boot_info()->ram_bytes, 512 * MIB);
	assert_false(boot_info()->numa);
	assert_int_equal(boot_info()->nodes, 1);
	assert_int_equal(boot_info()->memory_nodes, 1);
	assert_int_equal(boot_info()->dma_end.v, 4 * GIB);
	assert_non_null(record("kernel"));
	assert_non_null(record("device tree blob"));
}

/* Unsorted, two tuples in one node, touching, a placeholder of size 0. */
static void test_many_tuples(void **state)
{
	const u64 reg[][2] = { { 2 * GIB, 64 * MIB }, { RAM + 64 * MIB, 64 * MIB }, { 0, 0 } };

	(void)state;
	tree_begin(2, 2);
	node_begin("memory@80000000");
	prop_string("device_type", "memory");
	prop_reg("reg", reg, 3);
	node_end();
	memory_node(RAM, 64 * MIB, -1);
	take_all();
	assert_ram("[1024,1152)0[2048,2112)0");
	assert_silent();
}

static void test_cells_1_1(void **state)
{
	(void)state;
	tree_begin(1, 1);
	memory_node(RAM, 512 * MIB, -1);
	take_early(NULL);
	assert_int_equal(memblock_memory_bytes(), 512 * MIB);
}

/* Raspberry Pi 4: two address cells, one size cell. */
static void test_cells_2_1(void **state)
{
	(void)state;
	tree_begin(2, 1);
	memory_node(RAM, 512 * MIB, -1);
	take_early(NULL);
	assert_int_equal(memblock_memory_bytes(), 512 * MIB);
}

static void test_bad_root_cells(void **state)
{
	static const u32 bad[] = { 0, 3, 4, 7, 0xffffffff };

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		setup(state);
		tree_begin(bad[i], 2);
		assert_refused("#address-cells");
		setup(state);
		tree_begin(2, bad[i]);
		assert_refused("#size-cells");
	}
}

static void test_ragged_reg_refused(void **state)
{
	(void)state;
	tree_begin(2, 2);
	node_begin("memory@40000000");
	prop_string("device_type", "memory");
	prop_bytes("reg", "12345678901234567890", 20);
	node_end();
	assert_refused("/memory@40000000 reg is 20 bytes");
}

static void test_no_memory_refused(void **state)
{
	(void)state;
	tree_begin(2, 2);
	assert_refused("no memory node");
	setup(state);
	tree_begin(2, 2);
	memory_node(RAM, 0, -1);
	assert_refused("no memory node");
}

static void test_duplicates_and_overlaps(void **state)
{
	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 512 * MIB, -1);
	memory_node(RAM + 256 * MIB, 512 * MIB, -1);
	take_all();
	assert_ram("[1024,1792)0");
	assert_warned(
		"/memory@50000000 reg [0x50000000, 0x70000000): 262144 KiB were listed before");
}

static void test_disabled_and_untyped(void **state)
{
	const u64 reg[][2] = { { 2 * GIB, 64 * MIB } };

	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 512 * MIB, -1);
	node_begin("memory@80000000");
	prop_reg("reg", reg, 1);
	node_end();
	node_begin("memory@90000000");
	prop_string("device_type", "memory");
	prop_string("status", "disabled");
	prop_reg("reg", reg, 1);
	node_end();
	take_all();
	assert_ram("[1024,1536)0");
	assert_warned("/memory@80000000: no device_type");
	assert_warned("/memory@90000000 status: disabled");
}

static void test_usable_memory_overrides_reg(void **state)
{
	const u64 reg[][2] = { { RAM, 1024 * MIB } }, usable[][2] = { { RAM, 256 * MIB } };

	(void)state;
	tree_begin(2, 2);
	node_begin("memory@40000000");
	prop_string("device_type", "memory");
	prop_reg("reg", reg, 1);
	prop_reg("linux,usable-memory", usable, 1);
	node_end();
	take_all();
	assert_ram("[1024,1280)0");
}

static void test_ragged_usable_memory_refused(void **state)
{
	const u64 reg[][2] = { { RAM, 256 * MIB } };

	(void)state;
	tree_begin(2, 2);
	node_begin("memory@40000000");
	prop_string("device_type", "memory");
	prop_reg("reg", reg, 1);
	prop_bytes("linux,usable-memory", "1234567", 7);
	node_end();
	assert_refused("/memory@40000000 linux,usable-memory is 7 bytes, not a multiple of 16");
}

/* Both words that say so; a device that is switched off claims no registers. */
static void test_available(void **state)
{
	static const char *const word[] = { "okay", "ok", "disabled" };

	(void)state;
	tree_begin(2, 2);
	for (u32 i = 0; i < ARRAY_SIZE(word); i++) {
		const u64 reg[][2] = { { RAM + i * 256 * MIB, 256 * MIB } };
		const u64 inside[][2] = { { RAM + (16 + i) * MIB, MIB } };
		char name[40];

		snprintf(name, sizeof(name), "memory@%llx", (unsigned long long)reg[0][0]);
		node_begin(name);
		prop_string("device_type", "memory");
		prop_string("status", word[i]);
		prop_reg("reg", reg, 1);
		node_end();
		snprintf(name, sizeof(name), "device@%llx", (unsigned long long)inside[0][0]);
		node_begin(name);
		prop_string("status", word[i]);
		prop_reg("reg", inside, 1);
		node_end();
	}
	reserved_begin();
	for (u32 i = 0; i < ARRAY_SIZE(word); i++) {
		const u64 reg[][2] = { { RAM + (32 + i) * MIB, MIB } };

		node_begin(word[i]);
		prop_reg("reg", reg, 1);
		prop_string("status", word[i]);
		node_end();
	}
	node_end();
	take_all();
	assert_ram("[1024,1040)0[1042,1536)0");
	assert_non_null(record("okay"));
	assert_non_null(record("ok"));
	assert_null(record("disabled"));
}

static void test_hotpluggable(void **state)
{
	const u64 reg[][2] = { { 2 * GIB, 256 * MIB } };
	struct memblock_cursor c = { 0 };
	struct memblock_span s;

	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	node_begin("memory@80000000");
	prop_string("device_type", "memory");
	prop_reg("reg", reg, 1);
	prop_empty("hotpluggable");
	node_end();
	take_early(NULL);
	assert_true(memblock_next_memory(&c, &s));
	assert_int_equal(s.flags, 0);
	assert_true(memblock_next_memory(&c, &s));
	assert_int_equal(s.flags, MEMBLOCK_HOTPLUG);
}

/* Partial pages at both ends are dropped (row 1). */
static void test_unaligned_bank(void **state)
{
	(void)state;
	tree_begin(2, 2);
	memory_node(RAM + 100, 512 * MIB, -1);
	fake_image(0x40400000, 0x40500000, 0x40480000, 0x40488000);
	take_all();
	assert_ram("[1024,1536)0");
	assert_silent();
	assert_int_equal(memblock_start().v, RAM + PAGE_SIZE);
	assert_int_equal(boot_info()->ram_bytes, 512 * MIB);
}

static void test_wrap_and_limits(void **state)
{
	(void)state;
	fake_phys_bits(40);
	fake_ram((1ull << 40) - 64 * MIB, 1ull << 40, false);
	tree_begin(2, 2);
	memory_node(RAM, 512 * MIB, -1);
	memory_node((1ull << 40) - 64 * MIB, 128 * MIB, -1);
	memory_node(1ull << 45, 64 * MIB, -1);
	memory_node(~0ull - MIB + 1, 2 * MIB, -1);
	take_all();
	assert_ram("[1024,1536)0[1.04851e+06,1.04858e+06)0");
	assert_int_equal(memblock_memory_bytes(), 576 * MIB);
	assert_warned("/memory@fffc000000 reg");
	assert_warned("/memory@200000000000 reg");
	assert_warned("/memory@fffffffffff00000 reg [0xfffffffffff00000, +0x200000): wraps");
	assert_int_equal(boot_info()->clipped_bytes, 64 * MIB + 64 * MIB + MIB - 1);
}

/* The tree promises 4 GiB, 2 GiB answer. */
static void test_missing_memory_is_found_out(void **state)
{
	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 4 * GIB, -1);
	take_early(NULL);
	assert_ram("[1024,3072)64");
	assert_warned(
		"memory nodes: [0x40000000, 0x140000000): no memory answers in [0xc0000000, ");
}

/* Without a window there is no way to ask, so the tree is believed. */
static void test_missing_memory_unasked(void **state)
{
	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 4 * GIB, -1);
	assert_non_null(arch_early_map(phys_make(RAM), 4 << 20, ARCH_PROT_RW));
	take_early(NULL);
	assert_ram("[1024,5120)64");
	assert_silent();
}

/* The same at the lower end, and a bank that is not there at all. */
static void test_missing_at_the_start(void **state)
{
	(void)state;
	tree_begin(2, 2);
	memory_node(MIB, 2 * GIB, -1);
	memory_node(8 * GIB, GIB, -1);
	take_early(NULL);
	assert_ram("[1024,2049)64");
	assert_warned("[0x100000, 0x80100000): no memory answers in [0x100000, 0x40000000)");
	assert_warned(
		"[0x200000000, 0x240000000): no memory answers in [0x200000000, 0x240000000)");
	assert_int_equal(boot_info()->clipped_bytes, 1023 * MIB + GIB);
}

/*
 *   RAM    |============ 2 GiB ============|  nothing
 *   claims                                      |====|  and some: no proof of memory
 *
 * A claim beyond the end must not pass for memory up to there; nor one at the start.
 */
static void test_claims_beyond_the_end(void **state)
{
	const u64 rsv[][2] = { { RAM + 5 * GIB / 2 - 128 * MIB, 256 * MIB }, { RAM, 64 * 1024 } };

	(void)state;
	tree_begin_rsv(2, 2, rsv, ARRAY_SIZE(rsv));
	memory_node(RAM, 5 * GIB, -1);
	take_early(NULL);
	assert_ram("[1024,3072)64");
	assert_warned("[0x40000000, 0x180000000): no memory answers in [0xc0000000, 0x180000000)");
}

static void test_registers_are_not_ram(void **state)
{
	const u64 reg[][2] = { { RAM + 300 * MIB, 0x1000 } };

	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 512 * MIB, -1);
	node_begin("uart@52c00000");
	prop_reg("reg", reg, 1);
	node_end();
	take_early(NULL);
	assert_warned("/uart@52c00000 reg [0x52c00000, 0x52c01000): a device inside RAM");
	assert_int_equal(memblock_memory_bytes(), 512 * MIB - 0x1000);
}

static void test_three_hundred_banks(void **state)
{
	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 64 * MIB, -1);
	for (u32 i = 0; i < 300; i++)
		memory_node(RAM + 64 * MIB + (2 * i + 1) * MIB, MIB, -1);
	take_all();
	assert_int_equal(memblock_memory_bytes(), 364 * MIB);
	assert_silent();
}

static void test_kernel_outside_ram_refused(void **state)
{
	(void)state;
	tree_begin(2, 2);
	memory_node(2 * GIB, 512 * MIB, -1);
	assert_refused("the kernel at [0x40200000, 0x40300000) is not in the memory");
}

static void test_too_little_refused(void **state)
{
	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 4 * MIB, -1);
	assert_refused("at least 4128 KiB are needed");
}

/* A frame that two nodes share belongs to nobody, whatever becomes of NUMA. */
static void test_shared_frame_stays_out(void **state)
{
	const u64 border = RAM + 128 * MIB + 100;

	(void)state;
	boot_args_parse("numa=off");
	tree_begin(2, 2);
	memory_node(RAM, border - RAM, 0);
	memory_node(border, 256 * MIB - (border - RAM), 1);
	take_all();
	assert_int_equal(memblock_memory_bytes(), 256 * MIB - PAGE_SIZE);
	assert_int_equal(fake_linear_bytes(), 256 * MIB - PAGE_SIZE);
}

/* ---- limits from arguments and /chosen ------------------------------------------------- */

static void test_mem_argument(void **state)
{
	(void)state;
	boot_args_parse("mem=128M");
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	memory_node(2 * GIB, 256 * MIB, -1);
	take_all();
	assert_ram("[1024,1152)0");
	assert_int_equal(boot_info()->clipped_bytes, 384 * MIB);
	assert_int_equal(boot_info()->ram_bytes, 512 * MIB);
}

/* mem= keeps the lowest RAM, and the kernel wherever it is. */
static void test_mem_argument_spares_kernel(void **state)
{
	(void)state;
	boot_args_parse("mem=128M");
	fake_image(0x80200000, 0x80300000, 0x80280000, 0x80288000);
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	memory_node(2 * GIB, 256 * MIB, -1);
	take_all();
	assert_ram("[1024,1152)0[2050,2051)0");
}

/* One that leaves nothing to live in is a typing error, not a reason to stop. */
static void test_mem_argument_too_small_ignored(void **state)
{
	(void)state;
	boot_args_parse("mem=1M");
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	take_all();
	assert_ram("[1024,1280)0");
	assert_true(fake_log_has("boot argument mem=: of 1024 KiB only"));
}

/* More than there is: nothing is given up. */
static void test_mem_argument_beyond_ram(void **state)
{
	(void)state;
	boot_args_parse("mem=1G");
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	memory_node(2 * GIB, 256 * MIB, -1);
	take_all();
	assert_ram("[1024,1280)0[2048,2304)0");
	assert_int_equal(boot_info()->clipped_bytes, 0);
}

/* It ends where the kernel begins: the kernel is all that is kept of the rest. */
static void test_mem_argument_up_to_the_kernel(void **state)
{
	(void)state;
	boot_args_parse("mem=64M");
	fake_image(RAM + 64 * MIB, RAM + 66 * MIB, RAM + 65 * MIB, RAM + 65 * MIB + 0x8000);
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	take_all();
	assert_ram("[1024,1090)0");
	assert_int_equal(boot_info()->clipped_bytes, 190 * MIB);
}

/* Ranges that overlap, and more of them than anybody writes. */
static void test_usable_range_overlapping(void **state)
{
	const u64 range[][2] = { { RAM, 64 * MIB }, { RAM + 32 * MIB, 64 * MIB } };
	u64 many[9][2];

	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	node_begin("chosen");
	prop_reg("linux,usable-memory-range", range, 2);
	node_end();
	take_all();
	assert_ram("[1024,1120)0");

	setup(state);
	for (u32 i = 0; i < ARRAY_SIZE(many); i++) {
		many[i][0] = RAM + i * 2 * MIB;
		many[i][1] = MIB;
	}
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	node_begin("chosen");
	prop_reg("linux,usable-memory-range", many, ARRAY_SIZE(many));
	node_end();
	take_all();
	assert_warned("linux,usable-memory-range: 144 bytes are not 1 to 8 ranges, ignored");
	assert_ram("[1024,1280)0");
}

static void test_usable_range(void **state)
{
	const u64 range[][2] = { { RAM, 64 * MIB }, { RAM + 128 * MIB, 16 * MIB } };

	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	node_begin("chosen");
	prop_reg("linux,usable-memory-range", range, 2);
	node_end();
	take_all();
	assert_ram("[1024,1088)0[1152,1168)0");
}

/* Out of order, one inside another, an empty one, one beyond all addresses. */
static void test_usable_range_odd(void **state)
{
	const u64 range[][2] = { { RAM + 128 * MIB, 16 * MIB },
				 { RAM, 64 * MIB },
				 { RAM + 16 * MIB, 16 * MIB },
				 { RAM + 200 * MIB, 0 },
				 { ~0ull - MIB, 2 * MIB } };

	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	node_begin("chosen");
	prop_reg("linux,usable-memory-range", range, ARRAY_SIZE(range));
	node_end();
	take_all();
	assert_ram("[1024,1088)0[1152,1168)0");
}

/* Half a range is none: all of memory stays. */
static void test_usable_range_ragged(void **state)
{
	const u32 cells[] = { 0, RAM, 0 };

	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	node_begin("chosen");
	prop_cells("linux,usable-memory-range", cells, ARRAY_SIZE(cells));
	node_end();
	take_all();
	assert_warned("linux,usable-memory-range: 12 bytes");
	assert_ram("[1024,1280)0");
}

static void test_initrd(void **state)
{
	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	node_begin("chosen");
	prop_u32("linux,initrd-start", 0x44000000);
	prop_u64("linux,initrd-end", 0x44000100);
	node_end();
	take_all();
	assert_silent();
	assert_int_equal(boot_info()->initrd.v, 0x44000000);
	assert_int_equal(boot_info()->initrd_end.v, 0x44000100);
	assert_non_null(record("initrd"));
}

/* Tables that grow before it is reserved stay off it. */
static void test_initrd_is_guarded(void **state)
{
	phys_t below;

	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	node_begin("chosen");
	prop_u64("linux,initrd-start", RAM + 64 * MIB);
	prop_u64("linux,initrd-end", RAM + 65 * MIB);
	node_end();
	take_early(NULL);
	assert_false(claims_guard(phys_make(RAM + 64 * MIB), phys_make(RAM + 65 * MIB), &below));
	assert_int_equal(below.v, RAM + 64 * MIB);
	assert_true(claims_guard(phys_make(RAM + 65 * MIB), phys_make(RAM + 66 * MIB), &below));
}

/* mem= leaves the initrd in RAM, in whole pages, so that it can be read. */
static void test_mem_argument_spares_initrd(void **state)
{
	(void)state;
	boot_args_parse("mem=128M");
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	node_begin("chosen");
	prop_u32("linux,initrd-start", RAM + 200 * MIB + 0x123);
	prop_u32("linux,initrd-end", RAM + 201 * MIB - 0x123);
	node_end();
	take_all();
	assert_silent();
	assert_ram("[1024,1152)0[1224,1225)0");
	assert_int_equal(boot_info()->clipped_bytes, 127 * MIB);
}

/* The kernel above the initrd; the range between them goes. */
static void test_mem_argument_spares_both(void **state)
{
	(void)state;
	boot_args_parse("mem=64M");
	fake_image(0x4e000000, 0x4e100000, 0x4e080000, 0x4e088000);
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	node_begin("chosen");
	prop_u32("linux,initrd-start", RAM + 100 * MIB);
	prop_u32("linux,initrd-end", RAM + 101 * MIB);
	node_end();
	take_all();
	assert_ram("[1024,1088)0[1124,1125)0[1248,1249)0");
}

/* So many claims that the table grows before all are in: not into the dump. */
static void test_elfcorehdr_is_kept(void **state)
{
	const u64 core[][2] = { { RAM + 255 * MIB, MIB } };
	u64 rsv[300][2];

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rsv); i++) {
		rsv[i][0] = RAM + 64 * MIB + i * 0x4000;
		rsv[i][1] = 0x1000 + i; /* told apart by their gaps */
	}
	tree_begin_rsv(2, 2, rsv, ARRAY_SIZE(rsv));
	memory_node(RAM, 256 * MIB, -1);
	node_begin("chosen");
	prop_reg("linux,elfcorehdr", core, 1);
	node_end();
	take_all();
	assert_silent();
	assert_int_equal(record("elfcorehdr")->start.v, core[0][0]);
	assert_int_equal(record("elfcorehdr")->end.v, core[0][0] + MIB);
}

static void bad_initrd(u64 start, u64 end, const char *needle)
{
	setup(NULL);
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	node_begin("chosen");
	prop_u64("linux,initrd-start", start);
	if (end)
		prop_u64("linux,initrd-end", end);
	node_end();
	take_all();
	assert_warned(needle);
	assert_null(record("initrd"));
	assert_int_equal(boot_info()->initrd_end.v, 0);
}

static void test_bad_initrd(void **state)
{
	(void)state;
	bad_initrd(0x44000000, 0x43000000, "not two ends in order");
	bad_initrd(0x44000000, 0, "not two ends in order");
	bad_initrd(0x40280000, 0x40400000, "it overlaps the kernel");
	bad_initrd(0x10000000, 0x10001000, "it is not all in RAM");
	bad_initrd(0x44000000, 0xffffffffff000000, "it is not all in RAM");
}

/* ---- reservations ------------------------------------------------------------------------ */

static void reserved_child(const char *name, u64 base, u64 size, const char *flag)
{
	const u64 reg[][2] = { { base, size } };

	node_begin(name);
	prop_reg("reg", reg, 1);
	if (flag)
		prop_empty(flag);
	node_end();
}

static void test_memreserve(void **state)
{
	const u64 rsv[][2] = { { RAM + 64 * MIB, 0x1800 }, { RAM, 0x1000 } };

	(void)state;
	tree_begin_rsv(2, 2, rsv, 2);
	memory_node(RAM, 256 * MIB, -1);
	take_all();
	assert_silent();
	assert_non_null(record("/memreserve/"));
	assert_int_equal(memblock_reserved_inside(phys_make(RAM + 64 * MIB),
						  phys_make(RAM + 65 * MIB), NULL),
			 0x1800);
}

/* Only an entry of zeros ends the map; one of size 0 does not. */
static void test_memreserve_goes_on(void **state)
{
	const u64 rsv[][2] = { { RAM, 0 }, { RAM + 64 * MIB, 0x1000 }, { 0, 0x1000 } };

	(void)state;
	tree_begin_rsv(2, 2, rsv, ARRAY_SIZE(rsv));
	memory_node(RAM, 256 * MIB, -1);
	take_all();
	assert_warned("/memreserve/ [0x40000000, +0x0): empty, ignored");
	assert_int_equal(memblock_reserved_inside(phys_make(RAM + 64 * MIB),
						  phys_make(RAM + 65 * MIB), NULL),
			 0x1000);
}

/*
 * The smallest page-sized hole in the linear map: no-map in the middle of a
 * pageblock, bytes not page aligned, so rounded outwards.
 */
static void test_no_map_mid_pageblock(void **state)
{
	const struct mem_record *r;

	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	reserved_begin();
	reserved_child("fw@44100800", 0x44100800, 0x1000, "no-map");
	node_end();
	take_all();
	assert_silent();
	assert_ram("[1024,1089)0[1089,1089.01)0n[1089.01,1280)0");
	r = record("fw@44100800");
	assert_non_null(r);
	assert_true(r->no_map);
	assert_int_equal(r->reason, MEM_RESERVED);
	assert_true(memblock_is_no_map(phys_make(0x44100000)));
	assert_true(memblock_is_no_map(phys_make(0x44101fff)));
	assert_false(memblock_is_no_map(phys_make(0x44102000)));
	assert_int_equal(fake_linear_bytes(), 256 * MIB - 0x2000);
}

static void test_reserved_overlaps(void **state)
{
	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	reserved_begin();
	reserved_child("a@44000000", 0x44000000, 0x2000, NULL);
	reserved_child("b@44001000", 0x44001000, 0x2000, NULL);
	reserved_child("k@40200000", 0x40200000, 0x100000, "no-map");
	reserved_child("z@45000000", 0x45000000, 0, NULL);
	reserved_child("w@ffff", 0xffffffffffff0000, 0x20000, NULL);
	node_end();
	take_all();
	assert_warned("/reserved-memory/b@44001000 [0x44001000, 0x44003000): overlaps a@44000000");
	assert_warned("/reserved-memory/k@40200000 no-map: covers the kernel");
	assert_warned("/reserved-memory/z@45000000 [0x45000000, +0x0): empty");
	assert_warned("/reserved-memory/w@ffff [0xffffffffffff0000, +0x20000): wraps");
	assert_false(memblock_is_no_map(phys_make(0x40200000)));
}

static void test_reserved_over_blob_keeps_it(void **state)
{
	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	reserved_begin();
	reserved_child("fw", BLOB & ~0xfffull, 0x100000, NULL);
	node_end();
	take_all();
	assert_true(boot_info()->fdt_shared);
	assert_warned("overlaps device tree blob");
}

static void test_everything_reserved_refused(void **state)
{
	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	reserved_begin();
	reserved_child("all", RAM, 256 * MIB, NULL);
	node_end();
	assert_refused("are free of 262144 KiB");
}

static void test_two_thousand_reserved(void **state)
{
	char name[32];

	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 1 * GIB, -1);
	reserved_begin();
	for (u64 i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "r@%llx", 0x50000000ull + i * 0x4000);
		reserved_child(name, 0x50000000ull + i * 0x4000, 0x1000, i % 2 ? "no-map" : NULL);
	}
	node_end();
	take_all();
	assert_silent();
	assert_int_equal(
		memblock_reserved_inside(phys_make(0x50000000), phys_make(0x52000000), NULL),
		2000 * 0x1000);
	assert_non_null(record("r@50000000"));
	assert_non_null(record("r@51f3c000"));
}

/*
 * Claims side by side where tables grow to first: every question to the guard
 * reads them all, so it may not take one question each to get past them.
 */
static void test_guard_leaps_over_claims(void **state)
{
	u64 rsv[2000][2], end = RAM + 256 * MIB, size = 0x10000;
	phys_t below;
	u32 asked = 0;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rsv); i++) {
		rsv[i][0] = RAM + 256 * MIB - (i + 1) * 0x3000;
		rsv[i][1] = 0x1000;
	}
	tree_begin_rsv(2, 2, rsv, ARRAY_SIZE(rsv));
	memory_node(RAM, 256 * MIB, -1);
	take_early(NULL);
	for (; !claims_guard(phys_make(end - size), phys_make(end), &below); end = below.v) {
		assert_true(below.v < end);
		assert_true(++asked < 20);
	}
	assert_true(end <= rsv[1999][0]);
	assert_true(end > rsv[1999][0] - 2 * size);
	/* A single big one is one step, down to its page. */
	assert_false(claims_guard(phys_make(0x402ff000), phys_make(0x40300000), &below));
	assert_int_equal(below.v, 0x40200000);
}

static void test_foreign_cells_ignored(void **state)
{
	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	node_begin("reserved-memory");
	prop_u32("#address-cells", 1);
	prop_u32("#size-cells", 1);
	prop_empty("ranges");
	reserved_child("a", 0x44000000, 0x2000, NULL);
	node_end();
	take_all();
	assert_warned("/reserved-memory: #address-cells, #size-cells differ");
	assert_null(record("a"));
}

/* Without ranges its addresses are nobody's; what a ranges says is overlooked. */
static void test_ranges_of_reserved_memory(void **state)
{
	(void)state;
	for (u32 with = 0; with < 2; with++) {
		setup(NULL);
		tree_begin(2, 2);
		memory_node(RAM, 256 * MIB, -1);
		node_begin("reserved-memory");
		prop_u32("#address-cells", 2);
		prop_u32("#size-cells", 2);
		if (with)
			prop_bytes("ranges", "\0\0\0\1", 4);
		reserved_child("a", 0x44000000, 0x2000, NULL);
		node_end();
		take_all();
		assert_warned(with ? "/reserved-memory ranges: 4 bytes, taken as if it were empty"
				   : "or ranges is missing, all of it is ignored");
		assert_int_equal(record("a") != NULL, with);
	}
}

static void dynamic_child(const char *name, u64 size, u64 align, const u64 (*ranges)[2], u32 nr,
			  const char *flag)
{
	node_begin(name);
	prop_u64("size", size);
	if (align)
		prop_u64("alignment", align);
	if (nr)
		prop_reg("alloc-ranges", ranges, nr);
	if (flag)
		prop_empty(flag);
	node_end();
}

/* The whole tuples count, and what is left of one is named. */
static void test_ragged_alloc_ranges(void **state)
{
	const u32 cells[] = { 0, RAM + 32 * MIB, 0, 32 * MIB, 0, RAM };
	u32 be[ARRAY_SIZE(cells)];

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(cells); i++)
		be[i] = __builtin_bswap32(cells[i]);
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	reserved_begin();
	node_begin("low");
	prop_u64("size", MIB);
	prop_bytes("alloc-ranges", be, sizeof(be));
	node_end();
	node_end();
	take_all();
	assert_warned("/reserved-memory/low alloc-ranges: 24 bytes are not a multiple of 16");
	assert_int_equal(record("low")->end.v, RAM + 64 * MIB);
}

/* Placed after every fixed region although listed before it. */
static void test_dynamic(void **state)
{
	const u64 low[][2] = { { 0, GIB }, { RAM + 32 * MIB, 32 * MIB } };
	const struct mem_record *r;

	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	reserved_begin();
	dynamic_child("top", 0x1800, 0, NULL, 0, "no-map");
	dynamic_child("low", 4 * MIB, 4 * MIB, low, 2, NULL);
	reserved_child("fixed@4f000000", 0x4f000000, 16 * MIB, NULL);
	node_end();
	take_all();
	assert_silent();
	r = record("top");
	assert_non_null(r);
	assert_int_equal(r->start.v, 0x4effe000);
	assert_int_equal(r->end.v, 0x4f000000);
	assert_true(r->no_map);
	r = record("low");
	assert_non_null(r);
	assert_int_equal(r->start.v, RAM + 60 * MIB);
	assert_int_equal(r->end.v, RAM + 64 * MIB);
}

static void test_dynamic_impossible(void **state)
{
	const u64 outside[][2] = { { 0, MIB }, { 8 * GIB, GIB } };

	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	reserved_begin();
	dynamic_child("three", MIB, 3, NULL, 0, NULL);
	dynamic_child("huge-align", MIB, 1ull << 63, NULL, 0, NULL);
	dynamic_child("outside", MIB, 0, outside, 2, NULL);
	dynamic_child("nothing", 0, 0, NULL, 0, NULL);
	dynamic_child("too-big", GIB, 0, NULL, 0, NULL);
	dynamic_child("wraps", ~0ull - 5, 0, NULL, 0, NULL);
	node_begin("empty");
	node_end();
	node_end();
	take_all();
	assert_warned("/reserved-memory/three: alignment is not a power of two, not made");
	assert_warned("/reserved-memory/huge-align: larger than all memory, not made");
	assert_warned("/reserved-memory/outside: no room in its alloc-ranges, not made");
	assert_warned("/reserved-memory/nothing: size is not a number above 0, not made");
	assert_warned("/reserved-memory/too-big: no room for its size and alignment, not made");
	assert_warned("/reserved-memory/wraps: larger than all memory, not made");
	assert_warned("/reserved-memory/empty: neither reg nor size");
}

/* ---- CMA --------------------------------------------------------------------------------- */

static void cma_child(const char *name, u64 base, u64 size, bool is_default)
{
	const u64 reg[][2] = { { base, size } };

	node_begin(name);
	prop_string("compatible", "shared-dma-pool");
	prop_empty("reusable");
	if (is_default)
		prop_empty("linux,cma-default");
	if (base)
		prop_reg("reg", reg, 1);
	else
		prop_u64("size", size);
	node_end();
}

static void test_cma_areas(void **state)
{
	const struct boot_info *bi = boot_info();

	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	reserved_begin();
	cma_child("dynamic", 0, 5 * MIB, true);
	cma_child("fixed@44000000", 0x44000000, 8 * MIB, false);
	cma_child("second-default@45000000", 0x45000000, 2 * MIB, true);
	cma_child("odd@46001000", 0x46001000, 2 * MIB, false);
	cma_child("nowhere", 1ull << 44, 2 * MIB, false);
	node_end();
	take_all();
	assert_int_equal(bi->nr_cma, 3);
	assert_warned("/reserved-memory/nowhere [0x100000000000, +0x200000): addresses end");
	assert_string_equal(bi->cma[0].name, "fixed@44000000");
	assert_int_equal(bi->cma[0].end.v, 0x44800000);
	assert_string_equal(bi->cma[2].name, "dynamic");
	assert_int_equal(bi->cma[2].end.v - bi->cma[2].start.v, 6 * MIB);
	/* The first in the tree, although it got its place last. */
	assert_true(bi->cma[2].is_default);
	assert_int_equal(bi->cma[0].is_default + bi->cma[1].is_default, 0);
	assert_warned("second-default@45000000 linux,cma-default: there was one before");
	assert_warned(
		"/reserved-memory/odd@46001000 [0x46001000, 0x46201000): not aligned to 2 MiB");
	assert_int_equal(record("odd@46001000")->reason, MEM_RESERVED);
}

/*
 * Areas at address 0 are like others: not the default unless they say so, and one
 * that cannot be lent leaves that to the next.
 */
static void test_default_at_zero(void **state)
{
	const struct boot_info *bi = boot_info();
	const u64 zero[][2] = { { 0, 4 * MIB } };

	(void)state;
	for (u32 is_default = 0; is_default < 2; is_default++) {
		setup(NULL);
		fake_ram(0, 64 * MIB, false);
		tree_begin(2, 2);
		memory_node(0, 64 * MIB, -1);
		memory_node(RAM, 256 * MIB, -1);
		reserved_begin();
		cma_child("odd@46001000", 0x46001000, 2 * MIB, true);
		node_begin("zero");
		prop_string("compatible", "shared-dma-pool");
		prop_empty("reusable");
		if (is_default)
			prop_empty("linux,cma-default");
		prop_reg("reg", zero, 1);
		node_end();
		cma_child("last@45000000", 0x45000000, 2 * MIB, is_default);
		node_end();
		take_all();
		assert_int_equal(bi->nr_cma, 2);
		assert_int_equal(bi->cma[0].start.v, 0);
		assert_int_equal(bi->cma[0].is_default, is_default);
		assert_false(bi->cma[1].is_default);
	}
}

/* cma= stands in for the tree's default; 0 means none at all. */
static void test_cma_argument(void **state)
{
	const struct boot_info *bi = boot_info();

	(void)state;
	boot_args_parse("cma=16M");
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	reserved_begin();
	cma_child("pool", 0, 32 * MIB, true);
	node_end();
	take_all();
	assert_int_equal(bi->nr_cma, 1);
	assert_true(bi->cma[0].is_default);
	assert_int_equal(bi->cma[0].end.v - bi->cma[0].start.v, 16 * MIB);
	assert_true(fake_log_has("cma= stands in for it"));

	setup(state);
	boot_args_parse("cma=0");
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	take_all();
	assert_int_equal(bi->nr_cma, 0);
}

static void test_cma_argument_with_place(void **state)
{
	const struct boot_info *bi = boot_info();

	(void)state;
	boot_args_parse("cma=4M@0x44000000");
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	take_all();
	assert_int_equal(bi->nr_cma, 1);
	assert_int_equal(bi->cma[0].start.v, 0x44000000);

	setup(state);
	boot_args_parse("cma=4M@0x1000-0x2000000");
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	take_all();
	assert_int_equal(bi->nr_cma, 0);
	assert_true(fake_log_has("cma=: no room"));
}

/* Somebody's pages inside an area: handed out they would have two owners. */
static void test_cma_with_a_claim_inside(void **state)
{
	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	reserved_begin();
	cma_child("pool@44000000", 0x44000000, 8 * MIB, true);
	reserved_child("firmware@44100000", 0x44100000, 0x1000, NULL);
	cma_child("other@45000000", 0x45000000, 8 * MIB, false);
	node_end();
	take_all();
	assert_int_equal(boot_info()->nr_cma, 1);
	assert_string_equal(boot_info()->cma[0].name, "other@45000000");
	assert_warned("pool@44000000 [0x44000000, 0x44800000): not free any more");
	assert_int_equal(record("pool@44000000")->reason, MEM_RESERVED);
}

/* Only the area that the claim lies in is given up, not those around it. */
static void test_cma_beside_a_claim(void **state)
{
	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	reserved_begin();
	cma_child("below@43000000", 0x43000000, 8 * MIB, false);
	cma_child("pool@44000000", 0x44000000, 8 * MIB, false);
	cma_child("above@45000000", 0x45000000, 8 * MIB, false);
	reserved_child("firmware@44100000", 0x44100000, 0x1000, NULL);
	node_end();
	take_all();
	assert_int_equal(boot_info()->nr_cma, 2);
	assert_string_equal(boot_info()->cma[0].name, "below@43000000");
	assert_string_equal(boot_info()->cma[1].name, "above@45000000");
	assert_int_equal(record("pool@44000000")->reason, MEM_RESERVED);
}

static void test_cma_across_nodes(void **state)
{
	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 64 * MIB, 0);
	memory_node(RAM + 64 * MIB, 128 * MIB, 1);
	reserved_begin();
	cma_child("across", RAM + 62 * MIB, 4 * MIB, false);
	node_end();
	take_all();
	assert_int_equal(boot_info()->nr_cma, 0);
	assert_warned("across [0x43e00000, 0x44200000): not in one node and zone");
	assert_int_equal(record("across")->reason, MEM_RESERVED);
}

/* A pool without a place moves away from the end of a zone, in its ranges. */
static void test_cma_moves_into_one_zone(void **state)
{
	const u32 dma[] = { 0, 0x40000000, 0x0f000000 };
	const u64 ranges[][2] = { { RAM + 200 * MIB, 48 * MIB } };
	const struct boot_info *bi = boot_info();

	(void)state;
	tree_begin(1, 1);
	memory_node(RAM, 256 * MIB, -1);
	node_begin("reserved-memory");
	prop_u32("#address-cells", 1);
	prop_u32("#size-cells", 1);
	prop_empty("ranges");
	node_begin("pool");
	prop_string("compatible", "shared-dma-pool");
	prop_empty("reusable");
	prop_empty("linux,cma-default");
	prop_u32("size", 16 * MIB);
	prop_reg("alloc-ranges", ranges, 1);
	node_end();
	node_end();
	node_begin("soc");
	prop_u32("#address-cells", 1);
	prop_u32("#size-cells", 1);
	prop_cells("dma-ranges", dma, 3);
	node_end();
	take_all();
	assert_silent();
	assert_int_equal(bi->dma_end.v, 0x4f000000);
	assert_int_equal(bi->nr_cma, 1);
	assert_int_equal(bi->cma[0].end.v, 0x4f000000);
	assert_int_equal(bi->cma[0].end.v - bi->cma[0].start.v, 16 * MIB);
	assert_true(bi->cma[0].is_default);
}

/* 16 MiB at the end of what all devices reach, wherever it must go from there. */
static void pool_begin(u64 ram)
{
	tree_begin(2, 2);
	memory_node(RAM, ram, -1);
	reserved_begin();
	dynamic_child("before", MIB, 0, NULL, 0, NULL);
}

static void pool(u64 size, const u64 (*ranges)[2])
{
	node_begin("pool");
	prop_string("compatible", "shared-dma-pool");
	prop_empty("reusable");
	prop_u64("size", size);
	if (ranges)
		prop_reg("alloc-ranges", ranges, 1);
	node_end();
}

/* One that is not the default, behind others, over 4 GiB: below it is room. */
static void test_cma_moves_below_four_gib(void **state)
{
	const u64 ranges[][2] = { { 4 * GIB - 64 * MIB, 96 * MIB } };

	(void)state;
	fake_ram(3 * GIB, 5 * GIB, false);
	pool_begin(4 * GIB);
	pool(64 * MIB, ranges);
	cma_child("far@110000000", 0x110000000, 8 * MIB, false);
	node_end();
	node_begin("soc");
	prop_u32("#address-cells", 1);
	prop_u32("#size-cells", 1);
	prop_cells("dma-ranges", (const u32[]){ 0, 0, 0, 0x80000000 }, 4);
	node_end();
	take_all();
	assert_silent();
	assert_int_equal(boot_info()->dma_end.v, 2 * GIB);
	assert_int_equal(boot_info()->nr_cma, 2);
	assert_string_equal(boot_info()->cma[1].name, "far@110000000");
	assert_int_equal(boot_info()->cma[0].start.v, 4 * GIB - 64 * MIB);
	assert_int_equal(boot_info()->cma[0].end.v, 4 * GIB);
	assert_false(boot_info()->cma[0].is_default);
}

/* Two nodes of one name: the tree is wrong, and the first of them is no help. */
static void test_cma_twins(void **state)
{
	const u64 ranges[][2] = { { 4 * GIB - 64 * MIB, 96 * MIB } };

	(void)state;
	for (u32 sized = 0; sized < 2; sized++) {
		setup(NULL);
		fake_ram(3 * GIB, 5 * GIB, false);
		pool_begin(4 * GIB);
		if (sized) {
			pool(0, NULL);
		} else {
			node_begin("pool");
			node_end();
		}
		pool(64 * MIB, ranges);
		node_end();
		take_all();
		assert_warned(sized ? "/pool: size is not a number above 0, not made"
				    : "/pool: neither reg nor size, ignored");
		assert_warned("pool [0xfe000000, 0x102000000): not in one node and zone");
		assert_int_equal(boot_info()->nr_cma, 0);
		assert_int_equal(record("pool")->reason, MEM_RESERVED);
	}
}

/* What may lie nowhere else, and what is no child of the tree, stays where it is. */
static void test_cma_that_cannot_move(void **state)
{
	const u64 ranges[][2] = { { 4 * GIB - 32 * MIB, 64 * MIB } };

	(void)state;
	fake_ram(3 * GIB, 5 * GIB, false);
	pool_begin(4 * GIB);
	pool(64 * MIB, ranges);
	node_end();
	take_all();
	assert_warned("pool [0xfe000000, 0x102000000): not in one node and zone, reserved but");
	assert_int_equal(boot_info()->nr_cma, 0);

	for (u32 with = 0; with < 2; with++) {
		setup(NULL);
		fake_ram(3 * GIB, 5 * GIB, false);
		boot_args_parse("cma=64M@0xfe000000");
		if (with) {
			pool_begin(4 * GIB);
			node_end();
		} else {
			tree_begin(2, 2);
			memory_node(RAM, 4 * GIB, -1);
		}
		take_all();
		assert_warned("cma= [0xfe000000, 0x102000000): not in one node and zone");
		assert_int_equal(boot_info()->nr_cma, 0);
		assert_int_equal(record("cma=")->reason, MEM_RESERVED);
	}
}

/* So large a number that pages of it cannot be counted. */
static void test_cma_argument_without_end(void **state)
{
	(void)state;
	boot_args_parse("cma=0xffffffffffffffff");
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	take_all();
	assert_int_equal(boot_info()->nr_cma, 0);
	assert_true(fake_log_has("cma=: no room for"));
}

/* ---- NUMA ---------------------------------------------------------------------------------- */

struct distance {
	u32 a, b, d;
};

static void distance_map(const char *compatible, const struct distance *d, u32 nr)
{
	node_begin("distance-map");
	prop_string("compatible", compatible);
	prop_cells("distance-matrix", (const u32 *)d, 3 * nr);
	node_end();
}

/* Two banks with the ids, two CPUs on the same. */
static void two_nodes(u32 a, u32 b)
{
	tree_begin(2, 2);
	memory_node(RAM + 512 * MIB, 512 * MIB, (int)b);
	memory_node(RAM, 512 * MIB, (int)a);
	node_begin("cpus");
	prop_u32("#address-cells", 1);
	prop_u32("#size-cells", 0);
	cpu_node(0, (int)a);
	cpu_node(1, (int)b);
	node_end();
}

static void assert_one_node(const char *needle)
{
	const struct boot_info *bi = boot_info();

	assert_warned(needle);
	assert_warned("NUMA is not used, all memory is node 0");
	assert_false(bi->numa);
	assert_int_equal(bi->nodes, 1);
	assert_int_equal(bi->memory_nodes, 1);
	assert_int_equal(boot_cpu_node(1), 0);
	assert_ram("[1024,2048)0");
}

static void test_two_nodes(void **state)
{
	const struct distance d[] = { { 0, 0, 10 }, { 0, 1, 25 }, { 1, 1, 10 } };
	const struct boot_info *bi = boot_info();

	(void)state;
	two_nodes(0, 1);
	distance_map("numa-distance-map-v1", d, 3);
	fake_cpus(2, (const unsigned int[]){ 0, 1 });
	take_all();
	assert_silent();
	assert_true(bi->numa);
	assert_int_equal(bi->nodes, 3);
	assert_ram("[1024,1536)0[1536,2048)1");
	assert_int_equal(bi->distance[0][1], 25);
	assert_int_equal(bi->distance[1][0], 25);
	assert_int_equal(bi->distance[1][1], 10);
	assert_int_equal(boot_cpu_node(1), 1);
}

static void test_no_map_means_10_20(void **state)
{
	(void)state;
	two_nodes(0, 1);
	take_all();
	assert_silent();
	assert_int_equal(boot_info()->distance[0][0], 10);
	assert_int_equal(boot_info()->distance[0][1], 20);
}

/* Ids need not be dense; 63 is the last. */
static void test_sparse_ids(void **state)
{
	const struct boot_info *bi = boot_info();

	(void)state;
	two_nodes(3, 63);
	take_all();
	assert_silent();
	assert_int_equal(bi->nodes, 1ull << 63 | 1 << 3);
	assert_int_equal(bi->memory_nodes, 1ull << 63 | 1 << 3);
	assert_ram("[1024,1536)3[1536,2048)63");
}

/* Rows 14, 15: a node of CPUs only, a node of memory only. */
static void test_memoryless_and_cpuless(void **state)
{
	const struct boot_info *bi = boot_info();

	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 512 * MIB, 0);
	memory_node(RAM + 512 * MIB, 512 * MIB, 2);
	node_begin("cpus");
	prop_u32("#address-cells", 1);
	prop_u32("#size-cells", 0);
	cpu_node(0, 0);
	cpu_node(1, 5);
	node_end();
	take_all();
	assert_silent();
	assert_int_equal(bi->nodes, 1 | 1 << 2 | 1 << 5);
	assert_int_equal(bi->memory_nodes, 1 | 1 << 2);
}

static void test_bad_ids(void **state)
{
	static const u32 bad[] = { 64, 0x7fffffff };

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		setup(state);
		two_nodes(0, bad[i]);
		take_all();
		assert_one_node("numa-node-id = 0x");
	}
}

static void test_cpu_id_out_of_range(void **state)
{
	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 1024 * MIB, 0);
	node_begin("cpus");
	cpu_node(0, 64);
	node_end();
	take_all();
	assert_one_node("/cpus/cpu@0 numa-node-id = 0x40");
}

static void test_mixed_ids(void **state)
{
	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 512 * MIB, 1);
	memory_node(RAM + 512 * MIB, 512 * MIB, -1);
	take_all();
	assert_one_node("1 memory nodes have a numa-node-id and 1 have none");
}

static void test_cpu_without_id(void **state)
{
	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 512 * MIB, 1);
	memory_node(RAM + 512 * MIB, 512 * MIB, 2);
	node_begin("cpus");
	cpu_node(0, -1);
	node_end();
	take_all();
	assert_warned("/cpus: 1 cpu nodes have no numa-node-id, node 1 is taken");
	assert_int_equal(boot_info()->nodes, 6);
	assert_int_equal(boot_cpu_node(0), 1);
	assert_int_equal(boot_info()->memory_nodes, 6);
}

static void test_memory_of_two_nodes(void **state)
{
	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 768 * MIB, 0);
	memory_node(RAM + 512 * MIB, 512 * MIB, 1);
	take_all();
	assert_one_node("/memory@60000000 reg: overlaps memory of node 0");
}

/* What overlaps memory without an id overlaps no node. */
static void test_memory_of_a_node_and_none(void **state)
{
	(void)state;
	for (int first = -1; first <= 0; first++) {
		setup(NULL);
		tree_begin(2, 2);
		memory_node(RAM, 768 * MIB, first);
		memory_node(RAM + 512 * MIB, 512 * MIB, -1 - first);
		take_all();
		assert_one_node("1 memory nodes have a numa-node-id and 1 have none");
	}
}

static void bad_distance(const struct distance *d, u32 nr, const char *needle)
{
	setup(NULL);
	two_nodes(0, 1);
	distance_map("numa-distance-map-v1", d, nr);
	take_all();
	assert_one_node(needle);
}

/* Row 12: one bad entry rejects NUMA as a whole. */
static void test_bad_distances(void **state)
{
	const struct distance self[] = { { 0, 1, 20 }, { 1, 1, 11 } }, same[] = { { 0, 1, 10 } },
			      zero[] = { { 1, 0, 0 } }, huge[] = { { 0, 1, 1u << 31 } },
			      over[] = { { 0, 1, 256 } };

	(void)state;
	bad_distance(self, 2,
		     "/distance-map entry 1 <1 1 11>: a node is at distance 10 from itself");
	bad_distance(same, 1, "/distance-map entry 0 <0 1 10>: another node");
	bad_distance(zero, 1, "/distance-map entry 0 <1 0 0>: another node");
	bad_distance(huge, 1, "<0 1 2147483648>: another node");
	bad_distance(over, 1, "<0 1 256>: another node");
	bad_distance(over, 0, "distance-matrix: 0 bytes are no triples");
}

static void test_ragged_matrix(void **state)
{
	(void)state;
	two_nodes(0, 1);
	node_begin("distance-map");
	prop_string("compatible", "numa-distance-map-v1");
	prop_bytes("distance-matrix", "0123456789abcdef", 16);
	node_end();
	take_all();
	assert_one_node("distance-matrix: 16 bytes are no triples");
}

static void test_odd_but_usable_distances(void **state)
{
	const struct distance d[] = {
		{ 0, 1, 30 }, { 1, 0, 40 }, { 0, 1, 255 }, { 0, 7, 20 }, { 99, 0, 20 }
	};
	const struct boot_info *bi = boot_info();

	(void)state;
	two_nodes(0, 1);
	distance_map("numa-distance-map-v1", d, 5);
	take_all();
	assert_true(bi->numa);
	assert_int_equal(bi->distance[0][1], 255);
	assert_int_equal(bi->distance[1][0], 40);
	assert_warned("/distance-map entry 2 <0 1 255>: given before as 30, the last counts");
	assert_warned("/distance-map entry 3 <0 7 20>: no such node");
	assert_warned("/distance-map entry 4 <99 0 20>: no such node");
}

static void test_missing_distances(void **state)
{
	const struct distance d[] = { { 0, 0, 10 } };

	(void)state;
	two_nodes(0, 1);
	distance_map("numa-distance-map-v1", d, 1);
	take_all();
	assert_true(boot_info()->numa);
	assert_warned("/distance-map: no entry for nodes 0 and 1, 20 is taken");
}

static void test_foreign_map(void **state)
{
	const struct distance d[] = { { 0, 1, 5 } };

	(void)state;
	two_nodes(0, 1);
	distance_map("numa-distance-map-v2", d, 1);
	take_all();
	assert_true(boot_info()->numa);
	assert_int_equal(boot_info()->distance[0][1], 20);
	assert_warned("/distance-map compatible: not numa-distance-map-v1");
}

static void test_numa_off(void **state)
{
	(void)state;
	boot_args_parse("numa=off");
	two_nodes(0, 1);
	take_all();
	assert_silent();
	assert_false(boot_info()->numa);
	assert_ram("[1024,2048)0");
}

static void test_numa_fake(void **state)
{
	const struct boot_info *bi = boot_info();

	(void)state;
	boot_args_parse("numa=fake=3");
	tree_begin(2, 2);
	memory_node(RAM, 512 * MIB, -1);
	memory_node(RAM + GIB, 256 * MIB, -1);
	fake_cpus(4, NULL);
	take_all();
	assert_silent();
	assert_true(bi->numa);
	assert_int_equal(bi->nodes, 7);
	assert_ram("[1024,1280)0[1280,1536)1[2048,2304)2");
	assert_int_equal(boot_cpu_node(0), 0);
	assert_int_equal(boot_cpu_node(2), 2);
	assert_int_equal(boot_cpu_node(3), 0);
}

/* Borders are aligned to what a unit of descriptors covers; small RAM, fewer. */
static void test_numa_fake_small(void **state)
{
	const struct boot_info *bi = boot_info();

	(void)state;
	boot_args_parse("numa=fake=64");
	tree_begin(2, 2);
	memory_node(RAM, 100 * MIB, -1);
	take_all();
	assert_int_equal(bi->nodes, 63);
	assert_true(fake_log_has("numa=fake=64: RAM is enough for 6 nodes"));
	assert_ram("[1024,1040)0[1040,1056)1[1056,1072)2[1072,1088)3[1088,1104)4[1104,1124)5");
}

/* As many nodes as there can be, and the one node that is no splitting at all. */
static void test_numa_fake_extremes(void **state)
{
	(void)state;
	boot_args_parse("numa=fake=64");
	tree_begin(2, 2);
	memory_node(RAM, GIB, -1);
	take_all();
	assert_int_equal(boot_info()->nodes, ~0ull);
	assert_int_equal(boot_info()->memory_nodes, ~0ull);

	setup(state);
	boot_args_parse("numa=fake=1");
	tree_begin(2, 2);
	memory_node(RAM, GIB, -1);
	take_all();
	assert_int_equal(boot_info()->nodes, 1);
	assert_false(boot_info()->numa);
}

/* A pair in one direction only, rising or falling; and one said twice alike. */
static void test_distances_one_way(void **state)
{
	const struct distance falls[] = { { 1, 0, 33 }, { 1, 0, 33 } };

	(void)state;
	two_nodes(0, 1);
	distance_map("numa-distance-map-v1", falls, 2);
	take_all();
	assert_silent();
	assert_true(boot_info()->numa);
	assert_int_equal(boot_info()->distance[1][0], 33);
}

/* CPUs that are off name no node; one whose node is nowhere goes to the lowest. */
static void test_odd_cpus(void **state)
{
	const unsigned int node[] = { 1, 200, 63 };

	(void)state;
	fake_cpus(3, node);
	tree_begin(2, 2);
	memory_node(RAM, 512 * MIB, 1);
	memory_node(RAM + 512 * MIB, 512 * MIB, 2);
	node_begin("cpus");
	cpu_node(0, 1);
	node_begin("cpu@9");
	prop_string("device_type", "cpu");
	prop_string("status", "disabled");
	prop_u32("numa-node-id", 9);
	node_end();
	node_begin("cpu-map");
	prop_string("device_type", "map");
	node_end();
	node_begin("cpu@5"); /* no device_type: its name will do */
	prop_u32("numa-node-id", 5);
	node_end();
	node_begin("cache@6");
	prop_u32("numa-node-id", 6);
	node_end();
	node_end();
	take_all();
	assert_silent();
	assert_int_equal(boot_info()->nodes, 6 | 1 << 5);
	assert_int_equal(boot_cpu_node(0), 1);
	assert_int_equal(boot_cpu_node(1), 1);
	assert_int_equal(boot_cpu_node(2), 1);
}

/* Of three banks of three nodes, only the one that is listed twice is at fault. */
static void test_overlap_names_the_bank(void **state)
{
	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, 0);
	memory_node(RAM + 256 * MIB, 256 * MIB, 1);
	memory_node(RAM + 512 * MIB, 512 * MIB, 2);
	memory_node(RAM + 300 * MIB, 16 * MIB, 3);
	take_all();
	assert_one_node("reg: overlaps memory of node 1");
}

/* ---- DMA limit ------------------------------------------------------------------------------- */

/* Row 17, Raspberry Pi 4: a bus whose masters see the first GiB only. */
static void test_dma_30_bits(void **state)
{
	const u32 ranges[] = { 0xc0000000, 0, 0, 0x40000000 };

	(void)state;
	fake_ram(0, GIB, false);
	tree_begin(2, 1);
	memory_node(0, 512 * MIB, -1);
	memory_node(RAM, 512 * MIB, -1);
	node_begin("soc");
	prop_u32("#address-cells", 1);
	prop_u32("#size-cells", 1);
	prop_cells("dma-ranges", ranges, 4);
	node_end();
	take_all();
	assert_silent();
	assert_int_equal(boot_info()->dma_end.v, GIB);
}

/* A range that ends beyond all addresses reaches everything. */
static void test_dma_without_end(void **state)
{
	const u32 ranges[] = { 0, 0, 0, 0x1000, 0xffffffff, 0xffffffff };

	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 512 * MIB, -1);
	node_begin("soc");
	prop_u32("#address-cells", 2);
	prop_u32("#size-cells", 2);
	prop_cells("dma-ranges", ranges, ARRAY_SIZE(ranges));
	node_end();
	take_all();
	assert_int_equal(boot_info()->dma_end.v, 4 * GIB);
}

/* RAM that begins above the limit makes it useless: 4 GiB, as without. */
static void test_dma_below_ram(void **state)
{
	const u32 ranges[] = { 0, 0, 0, 0x10000000 };

	(void)state;
	tree_begin(2, 1);
	memory_node(RAM, 512 * MIB, -1);
	node_begin("soc");
	prop_u32("#address-cells", 1);
	prop_u32("#size-cells", 1);
	prop_cells("dma-ranges", ranges, 4);
	node_end();
	take_all();
	assert_int_equal(boot_info()->dma_end.v, 4 * GIB);
}

static void dma_bus(const char *name, u32 address_cells, u32 size_cells, const u32 *ranges, u32 nr)
{
	node_begin(name);
	prop_u32("#address-cells", address_cells);
	prop_u32("#size-cells", size_cells);
	prop_cells("dma-ranges", ranges, nr);
	node_end();
}

/* All RAM above 4 GiB, and a device that reaches less: everything is DMA memory. */
/*
 * As on a Raspberry Pi 5: a bus on a PCI device, whose addresses have three cells.
 *   inner [0, 1 GiB) -> PCI [64 GiB, 65 GiB) -> CPU [512 MiB, 1.5 GiB)
 */
static void test_dma_through_pci(void **state)
{
	const u32 pci[] = { 0x43000000, 0x10, 0, 0, 0x20000000, 0, 0xa0000000 };
	const u32 inner[] = { 0, 0, 0x43000000, 0x10, 0, 0, 0x40000000 };

	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 2 * GIB, -1);
	node_begin("pcie");
	prop_u32("#address-cells", 3);
	prop_u32("#size-cells", 2);
	prop_cells("dma-ranges", pci, ARRAY_SIZE(pci));
	dma_bus("rp1", 2, 2, inner, ARRAY_SIZE(inner));
	node_end();
	take_all();
	assert_silent();
	assert_int_equal(boot_info()->dma_end.v, GIB + 512 * MIB);
}

static void test_dma_far_below_ram(void **state)
{
	(void)state;
	fake_ram(8 * GIB, 9 * GIB, false);
	fake_image(8 * GIB + 2 * MIB, 8 * GIB + 3 * MIB, 8 * GIB + 2 * MIB, 8 * GIB + 2 * MIB);
	tree_begin(2, 2);
	memory_node(8 * GIB, GIB, -1);
	dma_bus("soc", 1, 1, (const u32[]){ 0, 0, 0, 0x40000000 }, 4);
	take_all();
	assert_int_equal(boot_info()->dma_end.v, 1ull << ARCH_PHYS_BITS);
}

/* Each of these says nothing about what devices reach. */
static void test_dma_ranges_that_say_nothing(void **state)
{
	const u32 cells[16] = { 0, 0, 0, 0, 0, 0x40000000 };

	(void)state;
	tree_begin(2, 2);
	prop_cells("dma-ranges", cells, 6); /* the root is on no bus */
	memory_node(RAM, 512 * MIB, -1);
	dma_bus("far", 4, 2, cells, 8);
	dma_bus("sizeless", 2, 0, cells, 4);
	dma_bus("huge", 2, 3, cells, 7);
	dma_bus("ragged", 2, 2, cells, 7);
	dma_bus("empty", 2, 2, cells + 6, 6); /* a window of size 0 */
	node_begin("cell-less");
	prop_u32("#address-cells", 0);
	prop_u32("#size-cells", 1);
	dma_bus("inner", 1, 1, cells, 2);
	node_end();
	node_begin("wide");
	prop_u32("#address-cells", 4);
	prop_u32("#size-cells", 1);
	dma_bus("inner", 1, 1, cells, 6);
	node_end();
	node_begin("closed");
	prop_u32("#address-cells", 2);
	prop_u32("#size-cells", 2);
	prop_cells("dma-ranges", (const u32[]){ 0, 0, 0, 0x80000000, 0, 0x80000000 }, 6);
	dma_bus("inner", 2, 2, (const u32[]){ 0, 0, 4, 0, 0, 0x1000 }, 6);
	node_end();
	take_all();
	assert_int_equal(boot_info()->dma_end.v, 4 * GIB);
	assert_warned("/far dma-ranges: 32 bytes do not fit its cells, ignored");
	assert_warned("/sizeless dma-ranges");
	assert_warned("/huge dma-ranges");
	assert_warned("/ragged dma-ranges");
	assert_warned("/cell-less/inner dma-ranges");
	assert_warned("/wide/inner dma-ranges");
	assert_int_equal(dt_warnings(), 6);
}

/* The exact reach, as Linux 6.12, down to a whole page; the master behind the
 * disabled bus does not count. */
static void test_dma_is_exact(void **state)
{
	const u32 ranges[] = { 0, 0, 0x40000000, 0, 0x10000801 }, bad[] = { 1, 2, 3 };
	const u32 less[] = { 0, 0, 0, 0x48000000 };

	(void)state;
	tree_begin(2, 2);
	memory_node(RAM, 512 * MIB, -1);
	node_begin("soc");
	prop_u32("#address-cells", 1);
	prop_u32("#size-cells", 2);
	prop_cells("dma-ranges", ranges, 5);
	node_end();
	node_begin("odd");
	prop_cells("dma-ranges", bad, 3);
	node_end();
	node_begin("off");
	prop_string("status", "disabled");
	prop_u32("#address-cells", 2);
	prop_u32("#size-cells", 2);
	prop_empty("dma-ranges");
	node_begin("bus");
	prop_u32("#address-cells", 1);
	prop_u32("#size-cells", 1);
	prop_cells("dma-ranges", less, 4);
	node_end();
	node_end();
	take_all();
	assert_int_equal(boot_info()->dma_end.v, 0x50000000);
	assert_warned("/odd dma-ranges: 12 bytes do not fit its cells");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_one_bank, setup),
		cmocka_unit_test_setup(test_many_tuples, setup),
		cmocka_unit_test_setup(test_cells_1_1, setup),
		cmocka_unit_test_setup(test_cells_2_1, setup),
		cmocka_unit_test_setup(test_bad_root_cells, setup),
		cmocka_unit_test_setup(test_ragged_reg_refused, setup),
		cmocka_unit_test_setup(test_no_memory_refused, setup),
		cmocka_unit_test_setup(test_duplicates_and_overlaps, setup),
		cmocka_unit_test_setup(test_disabled_and_untyped, setup),
		cmocka_unit_test_setup(test_usable_memory_overrides_reg, setup),
		cmocka_unit_test_setup(test_ragged_usable_memory_refused, setup),
		cmocka_unit_test_setup(test_available, setup),
		cmocka_unit_test_setup(test_hotpluggable, setup),
		cmocka_unit_test_setup(test_unaligned_bank, setup),
		cmocka_unit_test_setup(test_shared_frame_stays_out, setup),
		cmocka_unit_test_setup(test_wrap_and_limits, setup),
		cmocka_unit_test_setup(test_missing_memory_is_found_out, setup),
		cmocka_unit_test_setup(test_missing_at_the_start, setup),
		cmocka_unit_test_setup(test_missing_memory_unasked, setup),
		cmocka_unit_test_setup(test_claims_beyond_the_end, setup),
		cmocka_unit_test_setup(test_registers_are_not_ram, setup),
		cmocka_unit_test_setup(test_three_hundred_banks, setup),
		cmocka_unit_test_setup(test_kernel_outside_ram_refused, setup),
		cmocka_unit_test_setup(test_too_little_refused, setup),
		cmocka_unit_test_setup(test_mem_argument, setup),
		cmocka_unit_test_setup(test_mem_argument_spares_kernel, setup),
		cmocka_unit_test_setup(test_mem_argument_too_small_ignored, setup),
		cmocka_unit_test_setup(test_mem_argument_beyond_ram, setup),
		cmocka_unit_test_setup(test_mem_argument_up_to_the_kernel, setup),
		cmocka_unit_test_setup(test_usable_range, setup),
		cmocka_unit_test_setup(test_usable_range_odd, setup),
		cmocka_unit_test_setup(test_usable_range_overlapping, setup),
		cmocka_unit_test_setup(test_usable_range_ragged, setup),
		cmocka_unit_test_setup(test_mem_argument_spares_initrd, setup),
		cmocka_unit_test_setup(test_mem_argument_spares_both, setup),
		cmocka_unit_test_setup(test_elfcorehdr_is_kept, setup),
		cmocka_unit_test_setup(test_initrd, setup),
		cmocka_unit_test_setup(test_initrd_is_guarded, setup),
		cmocka_unit_test_setup(test_bad_initrd, setup),
		cmocka_unit_test_setup(test_memreserve, setup),
		cmocka_unit_test_setup(test_memreserve_goes_on, setup),
		cmocka_unit_test_setup(test_no_map_mid_pageblock, setup),
		cmocka_unit_test_setup(test_reserved_overlaps, setup),
		cmocka_unit_test_setup(test_reserved_over_blob_keeps_it, setup),
		cmocka_unit_test_setup(test_everything_reserved_refused, setup),
		cmocka_unit_test_setup(test_two_thousand_reserved, setup),
		cmocka_unit_test_setup(test_guard_leaps_over_claims, setup),
		cmocka_unit_test_setup(test_foreign_cells_ignored, setup),
		cmocka_unit_test_setup(test_ranges_of_reserved_memory, setup),
		cmocka_unit_test_setup(test_dynamic, setup),
		cmocka_unit_test_setup(test_ragged_alloc_ranges, setup),
		cmocka_unit_test_setup(test_dynamic_impossible, setup),
		cmocka_unit_test_setup(test_cma_areas, setup),
		cmocka_unit_test_setup(test_default_at_zero, setup),
		cmocka_unit_test_setup(test_cma_argument, setup),
		cmocka_unit_test_setup(test_cma_argument_with_place, setup),
		cmocka_unit_test_setup(test_cma_with_a_claim_inside, setup),
		cmocka_unit_test_setup(test_cma_beside_a_claim, setup),
		cmocka_unit_test_setup(test_cma_across_nodes, setup),
		cmocka_unit_test_setup(test_cma_moves_into_one_zone, setup),
		cmocka_unit_test_setup(test_cma_moves_below_four_gib, setup),
		cmocka_unit_test_setup(test_cma_twins, setup),
		cmocka_unit_test_setup(test_cma_that_cannot_move, setup),
		cmocka_unit_test_setup(test_cma_argument_without_end, setup),
		cmocka_unit_test_setup(test_two_nodes, setup),
		cmocka_unit_test_setup(test_no_map_means_10_20, setup),
		cmocka_unit_test_setup(test_sparse_ids, setup),
		cmocka_unit_test_setup(test_memoryless_and_cpuless, setup),
		cmocka_unit_test_setup(test_bad_ids, setup),
		cmocka_unit_test_setup(test_cpu_id_out_of_range, setup),
		cmocka_unit_test_setup(test_mixed_ids, setup),
		cmocka_unit_test_setup(test_cpu_without_id, setup),
		cmocka_unit_test_setup(test_memory_of_two_nodes, setup),
		cmocka_unit_test_setup(test_memory_of_a_node_and_none, setup),
		cmocka_unit_test_setup(test_bad_distances, setup),
		cmocka_unit_test_setup(test_ragged_matrix, setup),
		cmocka_unit_test_setup(test_odd_but_usable_distances, setup),
		cmocka_unit_test_setup(test_missing_distances, setup),
		cmocka_unit_test_setup(test_foreign_map, setup),
		cmocka_unit_test_setup(test_numa_off, setup),
		cmocka_unit_test_setup(test_numa_fake, setup),
		cmocka_unit_test_setup(test_numa_fake_small, setup),
		cmocka_unit_test_setup(test_numa_fake_extremes, setup),
		cmocka_unit_test_setup(test_distances_one_way, setup),
		cmocka_unit_test_setup(test_odd_cpus, setup),
		cmocka_unit_test_setup(test_overlap_names_the_bank, setup),
		cmocka_unit_test_setup(test_dma_30_bits, setup),
		cmocka_unit_test_setup(test_dma_below_ram, setup),
		cmocka_unit_test_setup(test_dma_far_below_ram, setup),
		cmocka_unit_test_setup(test_dma_through_pci, setup),
		cmocka_unit_test_setup(test_dma_ranges_that_say_nothing, setup),
		cmocka_unit_test_setup(test_dma_without_end, setup),
		cmocka_unit_test_setup(test_dma_is_exact, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
