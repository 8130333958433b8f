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
/* What its value may be, in a few words for a message; null: not one of mm's. */
const char *mm_boot_option_takes(const char *name);

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
 * GFP flags (row 80), the names and meaning of Linux; combinations that
 * contradict are a named panic in BUILD=test, else null and counted
 * (tm_bad_request).
 */
typedef u32 gfp_t;
enum {
	/* Mobility: the low two bits are the migratetype. Not both. */
	__GFP_MOVABLE = 1u << 0,
	__GFP_RECLAIMABLE = 1u << 1,
	/* Zone: the highest one allowed, NORMAL without any; at most one. HIGHMEM
	 * with MOVABLE opens ZONE_MOVABLE. */
	__GFP_DMA = 1u << 2,
	__GFP_DMA32 = 1u << 3,
	__GFP_HIGHMEM = 1u << 4,
	/* Action. DIRECT_RECLAIM: the caller can wait while memory is made free;
	 * without effect until tasks run (row 62); where nobody may sleep, a panic in
	 * BUILD=test. HIGH: may dig deeper. ATOMIC: an alias of the behaviour of
	 * HIGH that cannot wait; with DIRECT_RECLAIM it is dropped, with a warning
	 * (row 66). */
	__GFP_DIRECT_RECLAIM = 1u << 5,
	__GFP_KSWAPD_RECLAIM = 1u << 6,
	__GFP_IO = 1u << 7,
	__GFP_FS = 1u << 8,
	__GFP_HIGH = 1u << 9,
	__GFP_ATOMIC = 1u << 10,
	/* Effort (rows 64, 75, 78). NOFAIL needs DIRECT_RECLAIM. */
	__GFP_NORETRY = 1u << 11,
	__GFP_RETRY_MAYFAIL = 1u << 12,
	__GFP_NOFAIL = 1u << 13,
	__GFP_NOWARN = 1u << 14,
	/* Reserves (row 33): all of them; none. NOMEMALLOC wins in a scope. */
	__GFP_MEMALLOC = 1u << 15,
	__GFP_NOMEMALLOC = 1u << 16,
	/* Placement. THISNODE: no other node. HARDWALL: the task's own limits count,
	 * not an ancestor's. WRITE: the page will be dirtied (row 121). */
	__GFP_THISNODE = 1u << 17,
	__GFP_HARDWALL = 1u << 18,
	__GFP_WRITE = 1u << 19,
	/* Accounting and content. */
	__GFP_ACCOUNT = 1u << 20,
	__GFP_ZERO = 1u << 21,
	__GFP_COMP = 1u << 22, /* blocks are compound anyway: accepted, no effect */
	GFP_BITS = (1u << 23) - 1,

	__GFP_RECLAIM = __GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM,
	GFP_NOWAIT = __GFP_KSWAPD_RECLAIM,
	GFP_ATOMIC = __GFP_HIGH | __GFP_KSWAPD_RECLAIM,
	GFP_NOIO = __GFP_RECLAIM,
	GFP_NOFS = __GFP_RECLAIM | __GFP_IO,
	GFP_KERNEL = __GFP_RECLAIM | __GFP_IO | __GFP_FS,
	GFP_USER = GFP_KERNEL | __GFP_HARDWALL,
	GFP_HIGHUSER = GFP_USER | __GFP_HIGHMEM,
	GFP_HIGHUSER_MOVABLE = GFP_HIGHUSER | __GFP_MOVABLE,
	GFP_DMA = __GFP_DMA,
	GFP_DMA32 = __GFP_DMA32,
};

/* What contradicts in these flags, in a few words; null: nothing, so that no
 * request with them is refused for its flags. For those who take flags from
 * elsewhere. Any. */
const char *gfp_contradiction(gfp_t gfp);

/* Tasks run: from here on requests may block. Task, once. */
void mm_allow_blocking(void);
/* cpus_online() has changed: what is computed from it follows. Task. */
void mm_cpus_changed(void);
/* What the idle task of a CPU begins with in mm_task's `cache`. Any. */
struct pcp_cpu;
struct pcp_cpu *mm_cpu_cache(unsigned int cpu);

/*
 * Allocate 2^order contiguous frames, aligned to their size, by the calling
 * task's policy (the CPU's node first, nearest fallback next, unless it has one
 * of its own; rows 20-23, 82-86), or from `node` first (NODE_NONE: as
 * alloc_pages). A success for a request of band b leaves the zone at least
 * floor(b) + lowmem_reserve (mm/types.h: struct zone). Null: order over 10,
 * flags that contradict, a strict request on a memoryless node (row 15), or
 * memory is out: then one line a second unless NOWARN, and a journey in `mm
 * explain`. Any context that the flags allow: without DIRECT_RECLAIM also hard
 * interrupts, which are band 7. Interrupts are masked for one step at a time:
 * a cache hit, or one hold of a zone lock (under 1,000 instructions).
 */
struct page *alloc_pages(gfp_t gfp, unsigned int order);
struct page *alloc_pages_node(int node, gfp_t gfp, unsigned int order);

/*
 * Free a block with the order it was allocated with. A double free, a wrong
 * order, the middle of a block, a foreign or a reserved frame is a panic that
 * names it in BUILD=test; otherwise it is refused, counted in /proc/zoneinfo
 * (tm_bad_free) and reported once a second at most. Any.
 */
void free_pages(struct page *page, unsigned int order);

/*
 * Up to nr blocks of order 0 into page[], in few lock holds of at most 8 frames
 * each; result: how many there are now (less than nr when the first try of a
 * zone does not give more; at least one whenever alloc_pages() would give one).
 * free_pages_bulk() gives nr blocks of order 0 back. Context as alloc_pages.
 */
unsigned int alloc_pages_bulk(gfp_t gfp, unsigned int nr, struct page **page);
void free_pages_bulk(unsigned int nr, struct page **page);

/*
 * nr_bytes of contiguous memory in the linear map, rounded up to whole pages,
 * what a power of two has more given back at once. Null: as alloc_pages, 0
 * bytes, over 4 MiB. Freed with the same size; each page of it may also be freed
 * as order 0. Context as alloc_pages.
 */
void *alloc_pages_exact(u64 nr_bytes, gfp_t gfp);
void free_pages_exact(void *p, u64 nr_bytes);

/* Clear or copy one page by its linear address, with the widest stores the CPU
 * has without FP registers (dc zva). Any. */
static inline void clear_page(void *p)
{
	arch_clear_page(p);
}

static inline void copy_page(void *to, const void *from)
{
	arch_copy_page(to, from);
}

/*
 * Give every frame in per-CPU caches back to its zone (row 50). Own CPU at once;
 * the others are called and, where the caller may sleep, waited for (at most
 * 100 ms; false: one did not come). Chunks of 8 frames. Any.
 */
bool mm_drain_caches(void);

/* Requests of the calling task, since it began, that the first try did not serve
 * (slow path, rows 66-79); wraps. Task. */
u32 mm_slow_paths(void);

/* ---- priority scopes (rows 33, 81) -------------------------------------------- */

/*
 * Between save and restore, every request of the calling task loses IO and FS
 * (noio), FS only (nofs), or has memalloc rights: no floor at all, and it never
 * reclaims (row 72). Nested: restore gets what save returned. Task; without
 * effect on interrupts that come meanwhile.
 */
enum mm_scope { MM_SCOPE_NOIO = 1 << 0, MM_SCOPE_NOFS = 1 << 1, MM_SCOPE_MEMALLOC = 1 << 2 };
unsigned int mm_scope_save(unsigned int scopes);
void mm_scope_restore(unsigned int saved);

/* ---- policies and limits (rows 82-86) ------------------------------------------ */

enum mm_policy_mode {
	MM_POLICY_LOCAL,      /* the CPU's node, then nearest */
	MM_POLICY_PREFERRED,  /* one node, then nearest to it */
	MM_POLICY_INTERLEAVE, /* start node round-robin over the mask, then nearest */
	MM_POLICY_BIND,       /* nearest of the mask first, never outside (but row 70) */
};

/* A policy object, the caller's; resolved once, when set. */
struct mm_policy {
	enum mm_policy_mode mode;
	u64 nodes; /* (I) mask; one bit for PREFERRED; LOCAL: 0 */
};

/* Mode and mask make sense and name a node with memory: 0, ERR_INVAL. Any. */
int mm_policy_check(const struct mm_policy *p);
/* The calling task's policy from now on, copied; null: local. 0, ERR_INVAL. Task. */
int mm_policy_set(const struct mm_policy *p);
struct mm_policy mm_policy_get(void);
/*
 * As alloc_pages, by a policy of a memory range instead of the task's: page
 * number `index` of the range decides where interleaving starts, so that
 * placement can be repeated (row 84).
 */
struct page *alloc_pages_policy(const struct mm_policy *p, u64 index, gfp_t gfp,
				unsigned int order);

/*
 * The nodes a task may use (row 86), with a sequence cookie: a request that
 * fails while they change starts over (row 76). The mask may name nodes without
 * memory but not only such. Applies to HARDWALL requests; others may use what
 * an ancestor may (ours has one: everything); interrupts and dying tasks
 * are free. 0, ERR_INVAL. Any task; t null: the calling one.
 */
int mm_mems_allowed_set(struct task *t, u64 nodes);
u64 mm_mems_allowed(const struct task *t);

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
u64 mm_free_pages(void);    /* on free lists */
u64 mm_cached_pages(void);  /* in per-CPU caches or guards: neither free nor anybody's */

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
void mm_view_vmstat(struct out *out);       /* /proc/vmstat */
void mm_view_pageowner(struct out *out);    /* /sys/kernel/mm/page_owner (row 65) */
/* Who holds memory now: a line a call site, most pages first; and who had one
 * frame, and who freed it, as far as page_owner=on recorded it. */
void mm_view_owner_sites(struct out *out);
void mm_view_owner(struct out *out, pfn_t pfn);
/* The latest nr allocator events, oldest first, as lines of Linux's trace file. */
void mm_view_trace(struct out *out, unsigned int nr);
/* The ladder of floors of every zone, and the bands of the priorities. */
void mm_view_ladder(struct out *out);
/* The latest slow-path journeys, newest last: each zone, mark, step, and why it
 * ended (`mm explain`). nr: how many at most. */
void mm_view_explain(struct out *out, unsigned int nr);
/* /sys/devices/system/node/nodeN/: nothing, or an empty line, for no such node. */
void mm_view_node_distance(struct out *out, unsigned int node); /* to each node, by id */
void mm_view_node_meminfo(struct out *out, unsigned int node);
void mm_view_node_cpulist(struct out *out, unsigned int node);  /* online ones, 0-1,3 */
void mm_view_node_numastat(struct out *out, unsigned int node); /* row 16 */
void mm_view_node_vmstat(struct out *out, unsigned int node);
/* Banks, nodes, distances, zones, reservations: the first screen after boot. */
void mm_view_boot(struct out *out);
/* Marks and free pages of every zone, for panics: takes no lock. */
void mm_view_panic(struct out *out);

/* One knob of /proc/sys/vm. show prints the value and a newline; store takes
 * text without newline: 0, ERR_INVAL, ERR_RANGE; null: read only. What it takes is
 * said in a few words, or it is a number from 0 to most(). Task. */
struct mm_knob {
	const char *name;
	void (*show)(struct out *out);
	int (*store)(const char *value);
	const char *takes;
	u64 (*most)(void);
};
/* What k->store() takes, for a message. Task. */
void mm_knob_takes(struct out *out, const struct mm_knob *k);
const struct mm_knob *mm_knobs(unsigned int *count);
/* /sys/kernel/debug/fail_page_alloc: what makes requests fail (row 61). */
const struct mm_knob *mm_fault_knobs(unsigned int *count);

/* Record journeys from now on (as after boot), or no more. Any. */
void mm_explain_switch(bool on);
/* Record events into an empty ring, or stop and keep it (row 63). Task. */
void mm_trace_switch(bool on);

/*
 * What mm knows about an address that faulted: true when it lies in a guard page
 * (row 40), then in words in buf, and the history of the block beside it is in the
 * log. For the panic that follows. Any.
 */
bool mm_explain_fault(u64 va, char *buf, size_t size);

/*
 * Walk everything and compare with the equations (invariants 1-5, 7, 15);
 * prints each violation with its frame and zone. Result: violations found.
 * Holds a zone lock for at most one pageblock at a time, so on a busy system
 * it retries a zone that changed underneath and says if it gave up. Task.
 */
unsigned int mm_check(struct out *out);

#endif
