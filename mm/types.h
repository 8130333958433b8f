/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data of the memory subsystem, to be read before any code. Everything
 * shared stands here, with a key on every field that says what guards it:
 *
 *   (Z) the zone's lock            (I) set at boot, then constant
 *   (O) the owner of the frame     (A) atomic
 *   (K) knobs lock (LOCK_RANK_MM_KNOBS), readers tolerate a torn set of marks
 *   (B) boot CPU only, before tasks run
 *
 * Counts are defined by equations beside them; mm/stat/check.c checks those.
 */
#ifndef MM_TYPES_H
#define MM_TYPES_H

#include "arch/arch.h"
#include "rtos/rtos.h"

enum {
	MAX_PAGE_ORDER = 10,
	NR_PAGE_ORDERS = MAX_PAGE_ORDER + 1,
	MAX_ORDER_PAGES = 1 << MAX_PAGE_ORDER,
	PAGEBLOCK_ORDER = 9,
	PAGEBLOCK_PAGES = 1 << PAGEBLOCK_ORDER,
	SECTION_SHIFT = 27, /* 128 MiB of RAM: 1 MiB of descriptors */
	/* Descriptors are backed in units that describe one 4 MiB block of RAM,
	 * so a merge never reads an unbacked buddy. */
	FRAME_UNIT_PAGES = MAX_ORDER_PAGES,
	MAX_NODES = 64, /* ids 0..63, sparse */
	NODE_NONE = -1,
};

enum migratetype {
	MIGRATE_UNMOVABLE,
	MIGRATE_MOVABLE,
	MIGRATE_RECLAIMABLE,
	MIGRATE_HIGHATOMIC,
	MIGRATE_CMA,
	MIGRATE_ISOLATE,
	MIGRATE_TYPES
};

/* HIGHMEM does not exist on 64 bit; the reserve arithmetic takes arrays and is
 * tested with it as a fifth entry. */
enum zone_type { ZONE_DMA, ZONE_DMA32, ZONE_NORMAL, ZONE_MOVABLE, NR_ZONE_TYPES };

enum wmark { WMARK_MIN, WMARK_LOW, WMARK_HIGH, NR_WMARKS };

/*
 * The ladder of floors (design section 5): how deep a request may dig follows
 * from its band. Bands below BAND_NO_RECLAIM may reclaim themselves.
 */
enum {
	BAND_BACKGROUND, /* low */
	BAND_BATCH,      /* half way between min and low */
	BAND_ORDINARY,   /* min */
	BAND_URGENT,     /* 3/4 min */
	BAND_REALTIME,   /* 1/2 min: may block, but never reclaims */
	BAND_ATOMIC,     /* 3/8 min: real time or atomic, may not block */
	BAND_CRITICAL,   /* 1/4 min; also an OOM victim's */
	BAND_INTERRUPT,  /* 1/8 min: hard interrupt */
	BAND_MEMALLOC,   /* 0: reclaim itself */
	NR_BANDS,
	BAND_NO_RECLAIM = BAND_REALTIME,
};

/*
 * What a frame is. Only the first frame of a free or allocated block carries
 * FREE or ALLOCATED and the order; the others stay TAIL, so neither a free nor
 * an allocation walks the block. Zero is "no RAM here", so that descriptors
 * that were never written are safe to read.
 */
enum page_state {
	PAGE_HOLE = 0,
	PAGE_RESERVED,  /* RAM the allocator never had */
	PAGE_TAIL,      /* inside a free or allocated block */
	PAGE_FREE,      /* head of a free block */
	PAGE_ALLOCATED, /* head of an allocated block */
	PAGE_BAD,       /* damaged; leaked on purpose */
	PAGE_CACHED,    /* head of a block in a per-CPU cache */
	PAGE_GUARD,     /* head of an unmapped guard block (row 40) */
};

/* Layout of page flags. */
enum {
	PAGE_STATE_SHIFT = 0, /* 4 bits, enum page_state */
	PAGE_ORDER_SHIFT = 4, /* 4 bits, heads only */
	PAGE_MT_SHIFT = 8,    /* 4 bits, heads: its list, or what it was taken for */
	PAGE_ZONE_SHIFT = 16, /* 9 bits: node * NR_ZONE_TYPES + type */
};

#define PFN_NIL 0xffffffffu /* end of a page list; frame 0 may be RAM */

/*
 * One per frame (row 2): 32 bytes, two to a cache line, asserted below. Growing
 * it is a design change. Page lists link by frame number, so a list of pages
 * cannot be taken for any other list.
 */
struct page {
	u32 flags;      /* (Z) while free, (O) while allocated: layout above */
	u32 refcount;   /* (A) 0 while free or reserved */
	u32 next, prev; /* (Z) while free: frame numbers or PFN_NIL */
	u32 mapping;    /* (O) handle of what the page belongs to */
	u32 index;      /* (O) offset inside it, in pages */
	u32 mapcount;   /* (O) */
	u32 private;    /* (O); while free, test builds: POISON_MARK if filled */
};
_Static_assert(sizeof(struct page) == 32, "two descriptors to a cache line");

/* A list of frames by number; the count is exact and free. */
struct page_list {
	u32 head, tail; /* (Z) frame numbers or PFN_NIL */
	u32 count;      /* (Z) blocks linked */
};

/*
 * One per pageblock, the only place where its type is kept:
 *
 *   nr_free    = its frames in blocks whose head is FREE
 *   nr_movable = its frames in blocks whose head is ALLOCATED or CACHED and
 *                says MOVABLE
 *
 * Blocks over pageblock order count in each pageblock they cover. All else,
 * reserved frames, holes, leaked and guard blocks, is in neither. The type that
 * the head of an allocated or cached block says is the one it was taken from the
 * lists for; buddy alone writes it. Both counts let a steal judge a pageblock
 * without a walk (row 52). Where frames of two zones meet in one pageblock, it is
 * `shared`: written under two locks, its counts mean nothing, and its type never
 * changes.
 *
 * A free block is on the list of its pageblock's type, but below pageblock order
 * it may still be on that of an earlier type until it is taken or merged; never
 * to or from CMA or ISOLATE.
 */
struct pageblock {
	u8 type;    /* (Z) to set, (A) to read: enum migratetype */
	u8 scan;    /* (A) marks of scanners to come */
	u16 shared; /* (I) lies in more than one zone */
	union {
		struct {
			u16 nr_free, nr_movable; /* (Z) 0..512 */
		};
		u32 counts; /* (Z) both, for one addition: nr_free in the low half */
	};
};
_Static_assert(sizeof(struct pageblock) == 8, "a pageblock entry is eight bytes");

struct free_area {
	struct page_list list[MIGRATE_TYPES]; /* (Z) blocks of the order = sum of counts */
};

/*
 * Row 7, per zone:
 *   spanned = end - start, holes and reserved frames included
 *   present = spanned - holes
 *   managed = present - reserved;  managed <= present <= spanned
 *   managed = nr_free + pages of allocated blocks + pages in caches + guards
 *             + nr_leaked
 *   nr_free = sum over orders o and types t of area[o].list[t].count << o
 *   nr_free_cma, nr_free_highatomic = the parts of nr_free on those lists
 *   nr_usable = nr_free - nr_free_cma - nr_free_highatomic
 *   nr_highatomic = frames of pageblocks whose type is HIGHATOMIC
 *   bit o of filled[t] is set exactly when area[o].list[t] is not empty
 *   floor[0..8] fall: low, ..., min, ..., 0; with the ladder off, two levels
 *   pass[j] = low + boost + lowmem_reserve[j], or ~0 while somebody watches
 * All policy arithmetic uses managed. The first line is what the hit path reads.
 */
struct zone {
	struct spinlock lock;
	u32 id;                  /* (I) node * NR_ZONE_TYPES + type */
	u64 nr_usable;           /* (Z), read without it by the mark test */
	u64 pass[NR_ZONE_TYPES]; /* (K) what a cache hit compares with */
	/* That was the line the hit path reads. */

	u32 type;                              /* (I) enum zone_type */
	u32 node;                              /* (I) */
	u64 nr_free, nr_free_cma;              /* (Z), read without it by the mark test */
	u64 nr_free_highatomic;                /* (Z) */
	u16 filled[MIGRATE_TYPES];             /* (Z), read without it by the mark test */
	u32 below_low;                         /* (A) caches are asked to shrink to nothing */
	u64 wmark[NR_WMARKS];                  /* (K) pages, without boost */
	u64 boost;                             /* (Z) pages on top of every mark (row 36) */
	u64 floor[NR_BANDS];                   /* (K) pages, by band */
	u64 lowmem_reserve[NR_ZONE_TYPES];     /* (K) pages, by highest zone of the request */
	u64 nr_alloc, nr_freed;                /* (Z) blocks that left and joined the free lists */
	struct free_area area[NR_PAGE_ORDERS]; /* (Z) */
	const char *name;                      /* (I) "DMA" ... */
	pfn_t start, end;                      /* (I) spanned range, half open */
	u64 spanned_pages, present_pages;      /* (I) */
	u64 managed_pages;                     /* (Z) */
	u64 cma_pages;                         /* (I) */
	u64 nr_highatomic;                     /* (Z) pages of reserved pageblocks (row 55) */
	u64 unsettled;                         /* (Z) frame of a pageblock with strays; 0: none */
	u64 nr_guard;                          /* (Z) pages of guard blocks */
	u64 nr_leaked;                         /* (Z) pages of damaged blocks, never free again */
	u64 bad_free, bad_page;                /* (Z) frees refused, blocks found damaged */
	u32 pcp_batch, pcp_high;               /* (K) pages (rows 47, 48) */
	u32 stat_threshold;                    /* (K) row 35 */
	struct pcp *pcp[MAX_CPUS];             /* (I) after boot; null: no such CPU */
} tm_aligned(64);
_Static_assert(offsetof(struct zone, type) == 64, "the hit path reads one line");

/* One entry of a zonelist; the type is cached beside the pointer. */
struct zoneref {
	struct zone *zone; /* null ends the list */
	u32 type;
};

enum {
	ZONELIST_FALLBACK,
	ZONELIST_THISNODE,
	NR_ZONELISTS,
	MAX_ZONELIST = MAX_NODES * NR_ZONE_TYPES + 1
};

/* A node (row 10): CPUs, possibly none; memory, possibly none. Placed in the
 * node's own memory, or in the nearest that has some. */
struct node {
	u32 id;                                 /* (I) */
	u64 cpus;                               /* (I) CPUs of the tree, mask */
	pfn_t start, end;                       /* (I) */
	u64 spanned_pages, present_pages;       /* (I) */
	u64 totalreserve_pages;                 /* (K) row 32 */
	u64 nr_table_pages;                     /* (A) page tables served since the hand-over */
	struct zone zone[NR_ZONE_TYPES];        /* empty slots are legal */
	u32 fallback[MAX_NODES];                /* (I) nearest first */
	u32 nr_fallback;                        /* (I) */
	struct zoneref *zonelist[NR_ZONELISTS]; /* (I) null-ended */
};

/* Why a range is not ordinary memory: shown at boot and by /proc/iomem. */
enum mem_reason {
	MEM_KERNEL, /* Image with .bss */
	MEM_TREE,   /* device tree blob */
	MEM_INITRD,
	MEM_MEMRESERVE, /* /memreserve/ entry */
	MEM_RESERVED,   /* reserved-memory child */
	MEM_CMA,        /* reusable reserved-memory child, or cma= */
	MEM_FRAMES,     /* descriptors and pageblock map */
	MEM_TABLES,     /* page tables */
	MEM_BOOT,       /* other boot-time allocations */
	MEM_CLIPPED,    /* mem=, address limits */
	NR_MEM_REASONS
};

/* What was found at boot, kept for views and messages. */
struct mem_record {
	phys_t start, end;
	enum mem_reason reason;
	bool no_map;
	char name[32]; /* of the tree's node, or "" */
};

#endif
