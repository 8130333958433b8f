/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the device tree and the boot arguments say about memory, in plain
 * numbers (rows 5, 11, 12, 14, 17). intake_early() fills memblock from the
 * blob; intake_numa() and intake_dma() read the parsed copy. The result is one
 * structure, constant from the hand-over on; nothing later looks into the tree
 * for memory again.
 *
 * Every warning names node, property, value and what was done about it; a tree
 * that cannot be used ends in panic() with the same.
 */
#ifndef MM_BOOT_INTAKE_H
#define MM_BOOT_INTAKE_H

#include "mm/boot/dt_check.h"
#include "mm/boot/memblock.h"
#include "mm/dt.h"
#include "mm/types.h"

/* kernelcore= and movablecore=: an amount of RAM, or a share of it. */
struct boot_amount {
	bool given;
	u64 nr_bytes;
	u32 percent; /* when not 0, of all RAM, instead of nr_bytes */
};

/* Boot arguments of mm (design section 7). Zero means: not given. */
/* Bands that a priority can begin: 1, 2, 3, 4 and 6 (row of the ladder). */
enum { BAND_STARTS = 5 };

struct boot_options {
	u64 mem_limit; /* mem=: bytes of RAM to use, lowest first */
	bool numa_off;
	u32 numa_fake; /* numa=fake=N: number of nodes */
	struct boot_amount kernelcore, movablecore;
	bool zonelist_by_zone; /* zonelist_order=zone (row 21) */
	u64 cma_bytes;         /* cma=SIZE */
	bool cma_given;        /* cma=0 switches the tree's default size off */
	phys_t cma_start;      /* cma=SIZE@start-end; both 0: anywhere */
	phys_t cma_end;
	bool min_free_given;
	u64 min_free_kbytes;
	u32 watermark_scale_factor;              /* default 10 (row 26) */
	u32 lowmem_reserve_ratio[NR_ZONE_TYPES]; /* default 256 256 32 0 (row 31) */
	bool page_owner;                         /* page_owner=on (row 65) */
	u32 guard_minorder;                      /* debug_guardpage_minorder=N (row 40) */
	bool ladder_off;                         /* ladder=off: two levels of marks */
	bool bands_given;
	u8 band_start[BAND_STARTS]; /* bands=: lowest priority of bands 1, 2, 3, 4, 6 */
};

/* A contiguous area lent to movable users; pageblock aligned, in one node. */
struct boot_cma {
	phys_t start, end;
	u32 node;
	bool is_default;
	char name[32];
};

struct boot_info {
	struct boot_options options;

	/* Everything not ordinary, sorted by address, for views. Lists live in
	 * boot memory that is never freed. */
	const struct mem_record *records;
	u32 nr_records;
	const struct boot_cma *cma;
	u32 nr_cma;

	/* NUMA (rows 10-12). One node 0 when there is none, or it was refused. */
	bool numa;
	u64 nodes;                         /* ids known to the tree: by memory or by a CPU */
	u64 memory_nodes;                  /* ids with RAM */
	u8 distance[MAX_NODES][MAX_NODES]; /* 10, or more; valid for `nodes` */

	/* Row 17: end of what every bus master can reach, to the page; 4 GiB
	 * without dma-ranges; more only when all RAM lies above. */
	phys_t dma_end;

	phys_t fdt, fdt_end;       /* the blob, totalsize */
	bool fdt_shared;           /* something else claims a part of it */
	phys_t initrd, initrd_end; /* equal: none */
	phys_t elfcorehdr;         /* of a crashed kernel */
	u64 elfcorehdr_bytes;      /* 0: none */
	u64 ram_bytes;             /* the tree's RAM before mem= */
	u64 clipped_bytes;         /* given up: mem=, address limits */
	u64 seed[2];               /* from rng-seed and kaslr-seed; 0: none */
	u32 nr_warnings;           /* the tree earned */
};

/* Filled by stages until the hand-over. Never null. Any. */
const struct boot_info *boot_info(void);

/*
 * Node of a logical CPU (rows 11, 14): that of the tree (arch_cpu_node) where
 * NUMA is used and it says one, else the lowest; spread over the nodes under
 * numa=fake; 0 without NUMA. After intake_numa(). Any.
 */
u32 boot_cpu_node(unsigned int cpu);

/* ---- stages, called by mm_boot() in this order; boot CPU ------------------ */

/*
 * The blob into memblock: memory nodes, limits, /memreserve/, Image, blob,
 * initrd, reserved-memory. shape is what dt_check() found; console
 * is what it names as such, or null: its registers are never RAM.
 */
void intake_early(const void *fdt, phys_t fdt_phys, const struct dt_shape *shape,
		  const struct dt_console *console);
/* Nodes and distances from the parsed tree; gives memblock its node ids. */
void intake_numa(void);
/* CMA area of cma=, after the nodes are known. */
void intake_cma(void);
/* DMA limit from every dma-ranges of the parsed tree. */
void intake_dma(void);
/* Last before memblock is retired: copy the reservations into records. */
void intake_records(void);

/* Tests: forget everything. */
void intake_reset(void);

#endif
