/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public face of the memory subsystem: every contract a caller needs.
 * Code outside mm/ includes this header and no other of mm/.
 *
 * Context words as in rtos/rtos.h. "Row N" is a row of docs/mechanism-map.md.
 */
#ifndef MM_MM_H
#define MM_MM_H

#include "mm/dt.h"
#include "mm/types.h"

/* ---- boot ----------------------------------------------------------------- */

/*
 * From the device tree to a ready allocator (rows 1-7, 10-15, 17-21, 24-26,
 * 30-32): checks the tree, opens the early console, parses the boot arguments,
 * takes in memory, maps it, builds frames, nodes, zones, free blocks, and
 * retires memblock. Prints what it found. A tree that cannot be used ends in
 * panic() with the node and property named. Boot CPU, FP usable, once.
 */
void mm_boot(phys_t fdt);

/*
 * One page for page tables: from memblock before the hand-over, from the page
 * allocator after. Zeroed once the linear map exists; until then nobody but the
 * machine can reach it. {0} when memory is out. Boot, or task.
 */
phys_t mm_table_page(void);
/* Give back one that was got after the hand-over and is in no walk any more. Any. */
void mm_table_page_put(phys_t p);

/* The boot loader's secret (rng-seed, kaslr-seed), 0 if it gave none; wiped
 * from the tree, and here by this call. After mm_boot(). */
u64 mm_boot_seed(void);

/*
 * Offer a boot argument: 0 taken, ERR_NOENT not one of mm's, ERR_INVAL or
 * ERR_RANGE malformed (then the default stays). value is null without `=`.
 */
int mm_boot_option(const char *name, const char *value);

/*
 * What boot cost, by phase, in units of arch_count() (Q16), and the pages that
 * descriptors take (Q17). Constant after boot. Any.
 */
enum mm_boot_phase {
	MM_BOOT_INTAKE, /* check of the blob, memory and reservations taken in */
	MM_BOOT_MAP,    /* linear map */
	MM_BOOT_TREE,   /* parsed copy of the tree, CPUs, nodes and limits from it */
	MM_BOOT_FRAMES, /* frame array: backed, every descriptor written */
	MM_BOOT_ZONES,  /* nodes, zones, zonelists, free lists, marks */
	NR_MM_BOOT_PHASES
};
struct mm_boot_cost {
	u64 count[NR_MM_BOOT_PHASES];
	u64 metadata_pages;
};
const struct mm_boot_cost *mm_boot_cost(void);

/* Give the Image's init sections to the allocator; pages gained. Task, once. */
u64 mm_free_init(void);

/* ---- requests -------------------------------------------------------------- */

/*
 * GFP flags, the names and meaning of Linux; those of stages to come are
 * added with them.
 */
typedef u32 gfp_t;
enum {
	GFP_ZONE_DMA = 1u << 0,   /* at most ZONE_DMA */
	GFP_ZONE_DMA32 = 1u << 1, /* at most ZONE_DMA32 */
	GFP_ZONE_MOVABLE = 1u << 2,
	GFP_RECLAIMABLE = 1u << 3,
	GFP_THISNODE = 1u << 4, /* this node only */
	GFP_ZERO = 1u << 5,
	GFP_NOWARN = 1u << 6,
	/* The caller can wait while memory is made free; without effect until tasks
	 * run (row 62). In a place that may not sleep, a panic in BUILD=test. */
	GFP_DIRECT_RECLAIM = 1u << 7,
	GFP_NOWAIT = 0,
	GFP_KERNEL = GFP_DIRECT_RECLAIM,
	GFP_MOVABLE = GFP_ZONE_MOVABLE | GFP_DIRECT_RECLAIM,
};

/* Tasks run: from here on requests may block. Task, once. */
void mm_allow_blocking(void);
/* cpus_online() has changed: what is computed from it follows. Task. */
void mm_cpus_changed(void);

/*
 * Allocate 2^order contiguous frames, aligned to their size, from the calling
 * CPU's node (or `node`; NODE_NONE means the CPU's), nearest fallback first
 * (rows 20-23), from the first zone above its low mark, else above its min mark
 * (rows 24, 27). Null: order over 10, no zone passes, or a strict request on a
 * memoryless node (row 15). Atomic unless the flags say that the caller can
 * wait; interrupts are masked for one buddy operation at a time.
 */
struct page *alloc_pages(gfp_t gfp, unsigned int order);
struct page *alloc_pages_node(int node, gfp_t gfp, unsigned int order);

/*
 * Free a block with the order it was allocated with. A double free, a wrong
 * order, the middle of a block, a foreign or a reserved frame is a panic that
 * names it in BUILD=test; otherwise it is refused, counted in /proc/zoneinfo
 * (tm_bad_free) and reported once a second at most. Atomic.
 */
void free_pages(struct page *page, unsigned int order);

/* Frame number, address in the linear map, and back. Any. */
pfn_t page_to_pfn(const struct page *page);
void *page_address(const struct page *page);
struct page *pfn_to_page(pfn_t pfn); /* null: no descriptor there */
struct page *virt_to_page(const void *addr);
int page_node(const struct page *page);
unsigned int page_order(const struct page *page); /* of a head */

/* ---- nodes ------------------------------------------------------------------- */

/* Node of a CPU (row 14); 0 without NUMA. Any. */
unsigned int cpu_to_node(unsigned int cpu);
/* 10 local, 11..254 further, 255 unreachable (row 12). */
u8 node_distance(unsigned int a, unsigned int b);
/* Masks of node ids: known, and with memory. */
u64 nodes_online(void);
u64 nodes_with_memory(void);
const struct node *node_get(unsigned int id); /* null: no such node */
/* Sums over all zones, in pages. Any. */
u64 mm_total_pages(void);   /* managed */
u64 mm_present_pages(void); /* RAM, with what is reserved */
u64 mm_free_pages(void);

/* ---- views (row 134): text as Linux 6.1 prints it on arm64 ----------------------- */

/*
 * Each prints the whole file. Task: a zone lock is taken for one order at a
 * time, so a busy system may move between two lines.
 */
void mm_view_zoneinfo(struct out *out);     /* /proc/zoneinfo */
void mm_view_buddyinfo(struct out *out);    /* /proc/buddyinfo */
void mm_view_pagetypeinfo(struct out *out); /* /proc/pagetypeinfo */
void mm_view_meminfo(struct out *out);      /* /proc/meminfo */
void mm_view_iomem(struct out *out);        /* /proc/iomem: RAM and what is in it */
/* /sys/devices/system/node/nodeN/: nothing, or an empty line, for no such node. */
void mm_view_node_distance(struct out *out, unsigned int node); /* to each node, by id */
void mm_view_node_meminfo(struct out *out, unsigned int node);
void mm_view_node_cpulist(struct out *out, unsigned int node); /* online ones, 0-1,3 */
/* Banks, nodes, distances, zones, reservations: the first screen after boot. */
void mm_view_boot(struct out *out);
/* Marks and free pages of every zone, for panics: takes no lock. */
void mm_view_panic(struct out *out);

/* One knob of /proc/sys/vm. show prints the value and a newline; store takes
 * text without newline: 0, ERR_INVAL, ERR_RANGE; null: read only. Task. */
struct mm_knob {
	const char *name;
	void (*show)(struct out *out);
	int (*store)(const char *value);
};
const struct mm_knob *mm_knobs(unsigned int *count);

/*
 * Walk everything and compare with the equations (invariants 1-5, 7, 15);
 * prints each violation with its frame and zone. Result: violations found.
 * Holds a zone lock for at most one pageblock at a time, so on a busy system
 * it retries a zone that changed underneath and says if it gave up. Task.
 */
unsigned int mm_check(struct out *out);

#endif
