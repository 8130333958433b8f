/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees of real boards, damaged: each property that the intake reads is cut, by
 * a byte, to half and to nothing, and its cells become ones or zeros, one such
 * defect a time. The whole intake runs on the machine that the sound tree
 * describes; it must end in a result that holds what intake.h promises, or in a
 * refusal. A value cut by a byte is of no use anywhere, so that must be said,
 * with the name of its node or property.
 *
 * TREES=folder names where *.dtb files are (tools/setup trees; build/dtbs if not
 * given). Some 370,000 defects are possible in Debian's 577 trees: every 40th is
 * tried, SOAK=1 tries all. What sound trees come to is tools/trees.py's.
 */
#include "unit.h"

#include <libfdt.h>
#include <unistd.h>

#include "mm/boot/dt_blob.h"
#include "mm/boot/intake.h"
#include "mm/boot/options.h"

enum { TREE_BYTES = 1 << 20, MAX_SITES = 4096, MAX_BANKS = 16, EVERY = 40 };
#define MIB (1ull << 20)
#define GIB (1ull << 30)

enum defect { CUT_BYTE, CUT_HALF, CUT_ALL, FIRST_ONES, LAST_ONES, ALL_ONES, ALL_ZERO, NR_DEFECTS };

static const char *const defect_names[NR_DEFECTS] = { "cut by a byte",  "cut to half",
						      "cut to nothing", "first cell ones",
						      "last cell ones", "all cells ones",
						      "all cells zeros" };

/* A property of a node, and whether the intake cannot do without its last byte. */
struct site {
	u32 at; /* of its token in the blob */
	char prop[32], node[48];
	bool must_name;
};

static u8 good[TREE_BYTES] tm_aligned(8), blob[TREE_BYTES] tm_aligned(8);
static u32 size;
static struct site sites[MAX_SITES];
static u32 nr_sites;
static struct {
	u64 start, end;
} banks[MAX_BANKS];
static u32 nr_banks;

/* ---- the sound tree ------------------------------------------------------------ */

static u64 cell(const u8 *v, int cells)
{
	u64 n = 0;

	for (int i = 0; i < 4 * cells; i++)
		n = n << 8 | v[i];
	return n;
}

static bool is_memory(int node)
{
	const char *type = fdt_getprop(good, node, "device_type", NULL);

	return type && !strcmp(type, "memory");
}

static void find_banks(void)
{
	int ac = fdt_address_cells(good, 0), sc = fdt_size_cells(good, 0), node, len;

	nr_banks = 0;
	fdt_for_each_subnode(node, good, 0)
	{
		const u8 *v = fdt_getprop(good, node, "reg", &len);

		if (!is_memory(node))
			continue;
		for (; v && len >= 4 * (ac + sc); v += 4 * (ac + sc), len -= 4 * (ac + sc)) {
			u64 start = cell(v, ac), bytes = cell(v + 4 * ac, sc);

			if (!bytes || nr_banks == MAX_BANKS)
				continue;
			banks[nr_banks].start = start;
			banks[nr_banks++].end = start + bytes;
		}
	}
}

/* What a boot loader does: 2 GiB at 1 GiB. */
static void fill_in(void)
{
	int node = fdt_add_subnode(good, 0, "memory@filled-in");
	u32 cells[4], n = 0;

	if (fdt_address_cells(good, 0) == 2)
		cells[n++] = 0;
	cells[n++] = cpu_to_fdt32((u32)GIB);
	if (fdt_size_cells(good, 0) == 2)
		cells[n++] = 0;
	cells[n++] = cpu_to_fdt32((u32)(2 * GIB));
	assert_true(node >= 0);
	assert_int_equal(fdt_setprop_string(good, node, "device_type", "memory"), 0);
	assert_int_equal(fdt_setprop(good, node, "reg", cells, (int)(4 * n)), 0);
}

static bool one_of(const char *name, const char *const *names)
{
	while (*names && strcmp(*names, name))
		names++;
	return *names != NULL;
}

/* Whether this property decides something that a message must then be about. */
static bool decides(int node, const char *prop, bool of_root, bool of_region)
{
	static const char *const root[] = { "#address-cells", "#size-cells", NULL };
	static const char *const region[] = { "size", "alignment", "alloc-ranges", NULL };
	static const char *const always[] = { "distance-matrix",  "numa-node-id",
					      "stdout-path",      "linux,initrd-start",
					      "linux,initrd-end", NULL };
	const char *name = fdt_get_name(good, node, NULL);
	const char *status = fdt_getprop(good, node, "status", NULL);

	if (status && strcmp(status, "okay") != 0 && strcmp(status, "ok") != 0)
		return false;
	if (of_root)
		return one_of(prop, root);
	if (is_memory(node) && !strcmp(prop, "reg"))
		return true;
	if (of_region)
		return !strcmp(prop, "reg") ||
		       (one_of(prop, region) && !fdt_getprop(good, node, "reg", NULL));
	return one_of(prop, always) || (!strcmp(name, "reserved-memory") && one_of(prop, root));
}

static void add_sites(int node, bool of_root, bool of_region)
{
	int p, len;

	fdt_for_each_property_offset(p, good, node)
	{
		struct site *s = &sites[nr_sites];
		const char *prop;

		if (!fdt_getprop_by_offset(good, p, &prop, &len) || !len || nr_sites == MAX_SITES)
			continue;
		s->at = fdt_off_dt_struct(good) + (u32)p;
		s->must_name = decides(node, prop, of_root, of_region);
		snprintf(s->prop, sizeof(s->prop), "%s", prop);
		snprintf(s->node, sizeof(s->node), "%s", fdt_get_name(good, node, NULL));
		nr_sites++;
	}
}

/* All that the intake and the search for the console look at. */
static void find_sites(void)
{
	int node, depth = 0, reserved = fdt_path_offset(good, "/reserved-memory");
	bool inside = false;

	nr_sites = 0;
	for (node = 0; node >= 0 && depth >= 0; node = fdt_next_node(good, node, &depth)) {
		const char *name = fdt_get_name(good, node, NULL);

		inside = depth == 1 ? node == reserved : inside;
		if (depth == 0 || is_memory(node) || inside || !strcmp(name, "chosen") ||
		    !strcmp(name, "distance-map") || !strcmp(name, "cpus") ||
		    !strncmp(name, "cpu@", 4) || !strcmp(name, "soc") ||
		    fdt_getprop(good, node, "dma-ranges", NULL))
			add_sites(node, depth == 0, inside && depth == 2);
	}
}

static void read_tree(const char *path)
{
	size_t n;
	char *data = fake_read_file(path, &n);

	assert_true(n < TREE_BYTES / 2);
	memcpy(good, data, n);
	free(data);
	assert_int_equal(fdt_open_into(good, good, TREE_BYTES), 0);
	find_banks();
	if (!nr_banks) {
		fill_in();
		find_banks();
	}
	assert_int_equal(fdt_pack(good), 0);
	size = fdt_totalsize(good);
	find_sites();
}

/* ---- the damage ---------------------------------------------------------------- */

/* Words of the value that are no longer part of it become NOPs. */
static void cut(u8 *p, u32 from, u32 to)
{
	u32 nop = cpu_to_fdt32(FDT_NOP), len = cpu_to_fdt32(to);

	for (u32 i = (u32)align_up(to, 4); i + 4 <= align_up(from, 4); i += 4)
		memcpy(p + 12 + i, &nop, 4);
	memcpy(p + 4, &len, 4);
}

static void damage(const struct site *s, enum defect d)
{
	u8 *p = blob + s->at, *v = p + 12;
	u32 len = dt_be32(p + 4);

	switch (d) {
	case CUT_BYTE:
		cut(p, len, len - 1);
		break;
	case CUT_HALF:
		cut(p, len, (u32)align_down(len / 2, 4));
		break;
	case CUT_ALL:
		cut(p, len, 0);
		break;
	case FIRST_ONES:
		memset(v, 0xff, min_u64(len, 4));
		break;
	case LAST_ONES:
		memset(v + align_down(len - 1, 4), 0xff, len - align_down(len - 1, 4));
		break;
	case ALL_ONES:
	case ALL_ZERO:
	default:
		memset(v, d == ALL_ONES ? 0xff : 0, len);
	}
}

static u64 kernel_at(void)
{
	return align_up((banks[0].start + banks[0].end) / 2, 2 * MIB);
}

static void start_over(void)
{
	u64 kernel = kernel_at();

	fake_reset();
	for (u32 i = 0; i < nr_banks; i++)
		fake_ram(banks[i].start, banks[i].end, false);
	fake_image(kernel, kernel + MIB, kernel + MIB / 2, kernel + MIB / 2 + 0x8000);
	memblock_init();
	boot_options_reset();
	intake_reset();
	dt_forget();
}

/* What mm_boot() does as long as the tree has a say. */
static void take(void *arg)
{
	static struct dt_console console;
	struct dt_shape shape;
	struct memblock_cursor c = { 0 };
	struct memblock_span s;
	const char *why = dt_check(blob, size, &shape);
	bool named;

	(void)arg;
	if (why)
		panic("device tree refused: %s", why);
	named = dt_console_find(blob, &shape, &console) == 0;
	intake_early(blob, phys_make(kernel_at() + 8 * MIB), &shape, named ? &console : NULL);
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

/* ---- the result ----------------------------------------------------------------- */

static bool answers(u64 start, u64 end)
{
	for (u32 i = 0; i < nr_banks; i++) {
		if (start >= banks[i].start && end <= banks[i].end)
			return true;
		if (start >= banks[i].start && start < banks[i].end)
			start = banks[i].end; /* banks may touch */
	}
	return start >= end;
}

/* Null, or what intake.h promises and the result does not hold. */
static const char *broken_promise(void)
{
	const struct boot_info *bi = boot_info();
	struct memblock_cursor c = { 0 };
	struct memblock_span s;
	u64 nr_free = 0;

	memblock_check();
	while (memblock_next_free(&c, &s)) {
		if (!answers(s.start.v << PAGE_SHIFT, s.end.v << PAGE_SHIFT))
			return "free memory where nothing answers";
		nr_free += s.end.v - s.start.v;
	}
	if (nr_free < 2 * MIB / PAGE_SIZE)
		return "no free memory to speak of";
	if (!bi->nodes || (bi->memory_nodes & ~bi->nodes))
		return "memory of an unknown node";
	for (u32 i = 0; i < bi->nr_cma; i++) {
		u64 start = bi->cma[i].start.v, end = bi->cma[i].end.v;

		if (!is_aligned(start | end, 2 * MIB) ||
		    memblock_memory_inside(bi->cma[i].start, bi->cma[i].end) != end - start)
			return "an area that cannot be lent";
	}
	for (u32 i = 1; i < bi->nr_records; i++) {
		if (bi->records[i - 1].end.v > bi->records[i].start.v)
			return "records out of order";
	}
	return bi->dma_end.v && is_aligned(bi->dma_end.v, PAGE_SIZE) ? NULL : "no DMA limit";
}

struct tally {
	u32 nr, refused, warned, wrong;
};

static void try_one(const char *path, const struct site *s, enum defect d, struct tally *t)
{
	const char *text, *fault = NULL;

	memcpy(blob, good, size);
	damage(s, d);
	start_over();
	text = fake_panics(take, NULL);
	t->nr++;
	t->refused += !!text;
	t->warned += !text && dt_warnings();
	if (text && strncmp(text, "device tree refused: ", 21) != 0)
		fault = "a bug";
	else if (!text)
		fault = broken_promise();
	if (!fault && d == CUT_BYTE && s->must_name && !(text && strstr(text, s->prop)) &&
	    !fake_log_has(s->node[0] ? s->node : s->prop) && !fake_log_has(s->prop))
		fault = "not a word about it";
	if (!fault)
		return;
	t->wrong++;
	fprintf(stderr, "%s: %s/%s %s: %s: %s\n%s", path, s->node, s->prop, defect_names[d], fault,
		text ? text : "taken", fake_log());
}

static void test_damaged_trees(void **state)
{
	const char *folder = getenv("TREES") ? getenv("TREES") : "build/dtbs";
	struct tally t = { 0 };
	char path[512], cmd[600];
	u32 nr = 0, step = getenv("SOAK") ? 1 : EVERY, next = 0;
	FILE *list;

	(void)state;
	if (getenv("TM_QUICK") && access(folder, F_OK))
		skip(); /* make check does not fetch them */
	snprintf(cmd, sizeof(cmd), "find '%s' -name '*.dtb' | sort", folder);
	list = popen(cmd, "r");
	assert_non_null(list);
	while (fgets(path, sizeof(path), list)) {
		path[strcspn(path, "\n")] = '\0';
		read_tree(path);
		nr++;
		/* The stride goes on from tree to tree, so it meets all kinds. */
		for (; next < nr_sites * NR_DEFECTS; next += step)
			try_one(path, &sites[next / NR_DEFECTS], next % NR_DEFECTS, &t);
		next -= nr_sites * NR_DEFECTS;
	}
	pclose(list);
	printf("%u trees, %u defects: %u refused, %u with warnings, %u wrong\n", nr, t.nr,
	       t.refused, t.warned, t.wrong);
	if (!nr)
		fail_msg("no *.dtb below %s: tools/setup trees fetches some", folder);
	assert_int_equal(t.wrong, 0);
	assert_true(t.refused && t.warned > t.nr / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damaged_trees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
