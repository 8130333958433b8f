/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random damage to the meaning of trees, not to their form: values of
 * properties are replaced by numbers chosen to hurt, lengths are cut, names
 * exchanged. The whole intake runs on each; it must end in a result or in a
 * refusal, and a result must hold what intake.h promises. The seed is printed;
 * SEED=n repeats a run, ROUNDS=n makes it longer.
 */
#include "unit.h"

#include <libfdt.h>

#include "help/tree.h"
#include "mm/boot/dt_blob.h"
#include "mm/boot/intake.h"
#include "mm/boot/options.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)
#define RAM GIB
#define BLOB 0x48000000ull

static u8 good[65536] tm_aligned(8), blob[65536] tm_aligned(8);
static u32 size;

/* A bit of everything the intake reads. */
static void write_good(void)
{
	const void *written;
	const u64 rsv[][2] = { { RAM + 200 * MIB, 0x1800 } };
	const u64 reg[][2] = { { RAM + 32 * MIB, 4 * MIB }, { RAM + 40 * MIB, 0x1000 } };
	const u64 dev[][2] = { { 0x9000000, 0x1000 } };
	const u32 map[] = { 0, 0, 10, 0, 1, 20, 1, 1, 10 },
		  dma[] = { 0, 0, 0x40000000, 0x40000000 };

	tree_begin_rsv(2, 2, rsv, 1);
	memory_node(RAM + 512 * MIB, 512 * MIB, 1);
	memory_node(RAM, 512 * MIB, 0);
	node_begin("uart@9000000");
	prop_reg("reg", dev, 1);
	node_end();
	node_begin("chosen");
	prop_u64("linux,initrd-start", RAM + 100 * MIB);
	prop_u64("linux,initrd-end", RAM + 101 * MIB);
	prop_reg("linux,elfcorehdr", dev, 1);
	node_end();
	node_begin("reserved-memory");
	prop_u32("#address-cells", 2);
	prop_u32("#size-cells", 2);
	prop_empty("ranges");
	node_begin("fw@42000000");
	prop_reg("reg", reg, 2);
	prop_empty("no-map");
	node_end();
	node_begin("pool");
	prop_string("compatible", "shared-dma-pool");
	prop_empty("reusable");
	prop_empty("linux,cma-default");
	prop_u64("size", 16 * MIB);
	prop_u64("alignment", 4 * MIB);
	prop_reg("alloc-ranges", (const u64[][2]){ { RAM, 512 * MIB } }, 1);
	node_end();
	node_begin("lent@46000000");
	prop_string("compatible", "shared-dma-pool");
	prop_empty("reusable");
	prop_reg("reg", (const u64[][2]){ { RAM + 96 * MIB, 2 * MIB } }, 1);
	node_end();
	node_end();
	node_begin("cpus");
	prop_u32("#address-cells", 1);
	prop_u32("#size-cells", 0);
	cpu_node(0, 0);
	cpu_node(1, 1);
	node_end();
	node_begin("distance-map");
	prop_string("compatible", "numa-distance-map-v1");
	prop_cells("distance-matrix", map, 9);
	node_end();
	node_begin("soc");
	prop_u32("#address-cells", 1);
	prop_u32("#size-cells", 1);
	prop_cells("dma-ranges", dma, 4);
	node_end();
	written = tree_end(&size);
	memcpy(good, written, size);
}

/* Places of all properties' headers in the structure block. */
static u32 list_props(u32 *at, u32 max)
{
	int offset = 0, next;
	u32 nr = 0, tag;

	while ((tag = fdt_next_tag(good, offset, &next)) != FDT_END) {
		if (tag == FDT_PROP && nr < max)
			at[nr++] = fdt_off_dt_struct(good) + (u32)offset;
		offset = next;
	}
	return nr;
}

static u64 nasty(u64 *seed)
{
	static const u64 numbers[] = {
		0,
		1,
		9,
		10,
		0xfff,
		0x1000,
		0x1001,
		2 * MIB,
		4 * MIB,
		RAM - 1,
		RAM,
		RAM + 2 * MIB,
		RAM + 512 * MIB,
		2 * GIB,
		3 * GIB,
		4 * GIB,
		64,
		63,
		255,
		256,
		1ull << 31,
		1ull << 40,
		1ull << 44,
		1ull << 48,
		1ull << 63,
		~0ull,
		~0ull - 0xfff,
		BLOB,
		0x40200000,
	};

	return numbers[fake_random(seed) % ARRAY_SIZE(numbers)];
}

static void damage(const u32 *props, u32 nr_props, u64 *seed)
{
	u8 *p = blob + props[fake_random(seed) % nr_props];
	u32 len = dt_be32(p + 4), other;

	switch (fake_random(seed) % 8) {
	case 0: /* shorter, in whole cells, so that the form stays */
		if (len >= 4) {
			u32 v = cpu_to_fdt32((u32)(fake_random(seed) % (len + 1)));

			/* Words that fall out become NOPs. */
			for (u32 i = (u32)align_up(fdt32_to_cpu(v), 4); i + 4 <= len; i += 4)
				memcpy(p + 12 + i, &(u32){ cpu_to_fdt32(4) }, 4);
			memcpy(p + 4, &v, 4);
		}
		break;
	case 1: /* another property's name */
		other = props[fake_random(seed) % nr_props];
		memcpy(p + 8, good + other + 8, 4);
		break;
	case 2:
		if (len)
			p[12 + fake_random(seed) % len] = (u8)fake_random(seed);
		break;
	default:
		if (len >= 8 && fake_random(seed) % 2) {
			u64 v = cpu_to_fdt64(nasty(seed));

			memcpy(p + 12 + 8 * (fake_random(seed) % (len / 8)), &v, 8);
		} else if (len >= 4) {
			u32 v = cpu_to_fdt32((u32)nasty(seed));

			memcpy(p + 12 + 4 * (fake_random(seed) % (len / 4)), &v, 4);
		}
	}
}

static void start_over(void)
{
	fake_reset();
	fake_ram(RAM, 2 * GIB, false);
	fake_cpus(2, (const unsigned int[]){ 0, 1 });
	memblock_init();
	boot_options_reset();
	intake_reset();
	dt_forget();
}

static void take(void *arg)
{
	static const char *const lines[] = {
		"", "numa=off", "numa=fake=5", "mem=300M", "cma=8M", "cma=8M@0x45000000-0x50000000"
	};
	struct dt_shape shape;
	struct memblock_cursor c = { 0 };
	struct memblock_span s;

	boot_args_parse(lines[*(u64 *)arg % ARRAY_SIZE(lines)]);
	if (dt_check(blob, size, &shape))
		panic("device tree refused: form");
	intake_early(blob, phys_make(BLOB), &shape, NULL);
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
}

/* What intake.h promises about a result, whatever the tree said. */
static void check_result(void)
{
	const struct boot_info *bi = boot_info();
	struct memblock_cursor c = { 0 };
	struct memblock_span s;
	u64 ram = 0;

	memblock_check();
	while (memblock_next_memory(&c, &s))
		assert_true(s.node < MAX_NODES && (bi->memory_nodes >> s.node & 1));
	c = (struct memblock_cursor){ 0 };
	while (memblock_next_free(&c, &s)) {
		/* Only what answers is handed out. */
		if (s.start.v << PAGE_SHIFT < RAM || s.end.v << PAGE_SHIFT > 2 * GIB)
			fail_msg("free frames [0x%llx, 0x%llx):\n%s", (unsigned long long)s.start.v,
				 (unsigned long long)s.end.v, fake_log());
		ram += (s.end.v - s.start.v) << PAGE_SHIFT;
	}
	assert_true(ram >= 2 * MIB);
	assert_true(bi->nodes && !(bi->memory_nodes & ~bi->nodes));
	for (u32 a = 0; a < MAX_NODES; a++)
		for (u32 b = 0; b < MAX_NODES; b++)
			assert_true(a == b ? bi->distance[a][b] == 10 : bi->distance[a][b] > 10);
	for (u32 cpu = 0; cpu < 2; cpu++)
		assert_true(bi->nodes >> boot_cpu_node(cpu) & 1);
	for (u32 i = 0; i < bi->nr_cma; i++) {
		assert_true(is_aligned(bi->cma[i].start.v | bi->cma[i].end.v, 2 * MIB));
		assert_int_equal(memblock_memory_inside(bi->cma[i].start, bi->cma[i].end),
				 bi->cma[i].end.v - bi->cma[i].start.v);
		assert_true(bi->memory_nodes >> bi->cma[i].node & 1);
	}
	for (u32 i = 1; i < bi->nr_records; i++)
		assert_true(bi->records[i - 1].end.v <= bi->records[i].start.v);
	assert_int_equal(
		memblock_reserved_inside(phys_make(0x40200000), phys_make(0x40300000), NULL), MIB);
	assert_false(memblock_is_no_map(phys_make(0x40200000)));
	assert_true(bi->dma_end.v && is_aligned(bi->dma_end.v, PAGE_SIZE));
}

static void test_damaged_values(void **state)
{
	u64 seed = fake_seed("intake damage", 0x11dea11), rounds = 4000;
	u32 props[200], nr = 0, refused = 0, warned = 0;

	(void)state;
	if (getenv("ROUNDS"))
		rounds = strtoull(getenv("ROUNDS"), NULL, 0);
	write_good();
	nr = list_props(props, ARRAY_SIZE(props));
	for (u64 i = 0; i < rounds; i++) {
		u64 before = seed;
		const char *text;

		memcpy(blob, good, size);
		for (u32 n = (u32)(i % 6); n; n--)
			damage(props, nr, &seed);
		start_over();
		text = fake_panics(take, &i);
		if (text && !strstr(text, "device tree refused"))
			fail_msg("round %llu, state 0x%llx: %s\n%s", (unsigned long long)i,
				 (unsigned long long)before, text, fake_log());
		refused += !!text;
		if (!text) {
			warned += !!dt_warnings();
			check_result();
		}
	}
	printf("%llu trees: %u refused, %u with warnings\n", (unsigned long long)rounds, refused,
	       warned);
	assert_true(refused > rounds / 100 && warned > rounds / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damaged_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
