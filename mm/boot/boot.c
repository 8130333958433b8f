/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way from an address in x0 to a working page allocator, in one function
 * that can be read: mm_boot(). Around it, what has no better home: finding out
 * whether the blob can be looked at, the boot arguments, the seeds, and the
 * linear map.
 *
 * Boot CPU, interrupts masked, no lock. A tree that cannot be used ends in
 * panic("device tree refused: ...") with the reason; with a console by then if
 * the tree or the Image's hint names one.
 */
#include "mm/boot/boot.h"

#include <libfdt.h>

#include "mm/boot/dt_blob.h"
#include "mm/boot/options.h"
#include "mm/boot/phase.h"
#include "mm/mm.h"
#include "mm/stat/owner.h"

enum {
	/* A loader that breaks the 8-byte rule gets its tree copied here, if it
	 * is no larger than real trees are. */
	COPY_BYTES = 128 << 10,
	CMDLINE_BYTES = 4096, /* what boot_args_parse() keeps, and one to see more */
};

static u8 tree_copy[COPY_BYTES] tm_aligned(8) tm_initbss;
static char cmdline[CMDLINE_BYTES + 1] tm_initbss;
static struct dt_console console tm_initbss;
static u64 seed; /* until somebody takes it */

/* ---- the blob ------------------------------------------------------------ */

static tm_init tm_noreturn void refuse(phys_t fdt, const char *why)
{
	panic("device tree refused: at 0x%llx: %s", (unsigned long long)fdt.v, why);
}

/* Every page of the range answers a read; else the blob goes beyond RAM. */
static tm_init bool readable(const u8 *p, u64 nr_bytes)
{
	for (u64 at = 0; at < nr_bytes; at += PAGE_SIZE) {
		if (!arch_probe(p + at))
			return false;
	}
	return arch_probe(p + nr_bytes - 1);
}

static tm_init u8 *map_readable(phys_t p, u64 nr_bytes)
{
	u8 *at = arch_early_map(p, nr_bytes, ARCH_PROT_RW);

	return at && readable(at, nr_bytes) ? at : NULL;
}

static tm_init void check_place(phys_t fdt, u64 nr_bytes)
{
	const struct arch_image *im = arch_image();
	u64 limit = 1ull << min_u64(arch_phys_bits(), ARCH_PHYS_BITS);

	if (!fdt.v)
		panic("device tree refused: x0 is 0, the loader passed none");
	if (fdt.v >= limit || nr_bytes > limit - fdt.v)
		refuse(fdt, "beyond the addresses of this CPU");
	if (fdt.v < im->end.v && fdt.v + nr_bytes > im->start.v)
		refuse(fdt, "it overlaps the kernel");
}

/* The used part of the blob, mapped, aligned and checked. */
static tm_init void *open_tree(phys_t fdt, struct dt_shape *shape)
{
	u32 total = 0, used = 0;
	const char *why;
	u8 *blob;

	check_place(fdt, DT_HEADER_BYTES);
	blob = map_readable(fdt, DT_HEADER_BYTES);
	if (!blob)
		refuse(fdt, "no memory answers there");
	why = dt_check_header(blob, &total, &used);
	if (why)
		refuse(fdt, why);
	check_place(fdt, total);
	blob = map_readable(fdt, used);
	if (!blob)
		refuse(fdt, "it goes beyond the memory there is");
	if (!is_aligned(fdt.v, 8)) {
		if (used > sizeof(tree_copy))
			refuse(fdt, "not 8-byte aligned, and too large to be copied");
		memcpy(tree_copy, blob, used);
		blob = tree_copy;
	}
	BUG_ON_VAL(!is_aligned((uintptr_t)blob, 8), (uintptr_t)blob, fdt.v);
	why = dt_check(blob, used, shape);
	if (why)
		refuse(fdt, why);
	pr_info("device tree: %u bytes at 0x%llx, %u nodes", used, (unsigned long long)fdt.v,
		shape->nr_nodes);
	if (blob == tree_copy)
		dt_warn("at 0x%llx: not 8-byte aligned, copied", (unsigned long long)fdt.v);
	return blob;
}

/* ---- /chosen ------------------------------------------------------------- */

static tm_init void take_bootargs(const void *fdt, int chosen)
{
	int len = 0;
	const char *v = fdt_getprop(fdt, chosen, "bootargs", &len);
	size_t n = v && len > 0 ? min_u64((u64)len, CMDLINE_BYTES) : 0;

	memcpy(cmdline, v ? v : "", n);
	cmdline[n] = '\0';
	if (n && !memchr(v, 0, (size_t)len))
		dt_warn("/chosen bootargs: %d bytes without a terminator, taken as they are", len);
	boot_args_parse(cmdline);
}

/*
 * Mix a secret into the seed and wipe it, in the blob and in its copy, so that
 * nobody who reads the tree later learns it.
 */
static tm_init void take_seed(void *fdt, phys_t fdt_phys, int chosen, const char *name)
{
	int len = 0;
	u8 *v = fdt_getprop_w(fdt, chosen, name, &len);
	u8 *loaded;

	if (!v || len <= 0)
		return;
	/* FNV-1a: each byte reaches all bits, nothing cancels out. */
	for (int i = 0; i < len; i++)
		seed = (seed ^ v[i]) * 0x100000001b3ull;
	memset(v, 0, (size_t)len);
	if (fdt != tree_copy)
		return;
	loaded = arch_early_map(phys_make(fdt_phys.v + (u64)(v - tree_copy)), (u64)len,
				ARCH_PROT_RW);
	if (loaded)
		memset(loaded, 0, (size_t)len);
}

tm_init u64 mm_boot_seed(void)
{
	u64 s = seed;

	seed = 0;
	return s;
}

/* ---- maps ---------------------------------------------------------------- */

static tm_init void map_ram(void)
{
	struct memblock_cursor c = { 0 };
	struct memblock_span s;

	while (memblock_next_memory(&c, &s)) {
		if (!(s.flags & MEMBLOCK_NOMAP))
			arch_linear_map(pfn_to_phys(s.start), pfn_to_phys(s.end));
	}
	memblock_use_linear_map();
}

/* The blob's pages are free memory again, unless they are somebody else's too. */
static tm_init void release_tree(void)
{
	const struct boot_info *bi = boot_info();

	if (!bi->fdt_shared)
		memblock_free(bi->fdt, bi->fdt_end);
}

static tm_init u32 nr_nodes(void)
{
	return (u32)__builtin_popcountll(boot_info()->nodes);
}

/* ---- the whole ----------------------------------------------------------- */

tm_init void mm_boot(phys_t fdt_phys)
{
	struct dt_shape shape;
	void *fdt;

	boot_phase_start();
	console_early_hint(arch_uart_hint());
	memblock_init();
	boot_options_reset();

	fdt = open_tree(fdt_phys, &shape);
	if (dt_console_find(fdt, &shape, &console) == 0)
		console_early_init(&console);
	take_bootargs(fdt, shape.chosen);
	take_seed(fdt, fdt_phys, shape.chosen, "rng-seed");
	take_seed(fdt, fdt_phys, shape.chosen, "kaslr-seed");

	intake_early(fdt, fdt_phys, &shape, &console);
	boot_phase_end(MM_BOOT_INTAKE);
	if (boot_options()->guard_minorder)
		arch_linear_by_pages();
	map_ram();
	boot_phase_end(MM_BOOT_MAP);
	dt_unflatten(fdt, &shape);
	arch_fp_disable(); /* libfdt has done its part */
	arch_early_unmap_all();

	arch_cpus_init();
	intake_numa();
	intake_dma();
	intake_cma();
	boot_phase_end(MM_BOOT_TREE);
	pr_info("memory: %llu KiB on %u node%s%s",
		(unsigned long long)memblock_memory_bytes() / 1024, nr_nodes(),
		nr_nodes() == 1 ? "" : "s", boot_info()->numa ? "" : ", without NUMA");
	frames_init(boot_info());
	owner_init();
	nodes_init(boot_info());
	zones_init(boot_info());
	release_tree();
	zones_prepare();
	intake_records();
	zones_hand_over(boot_info());
	memblock_retire();
	if (boot_info()->nr_warnings)
		pr_warn("device tree: %u warning%s; what was kept and what was not stands above",
			boot_info()->nr_warnings, boot_info()->nr_warnings == 1 ? "" : "s");
}
