/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boot memory (rows 5, 6): two sorted tables of physical ranges, what is RAM
 * and what of it is spoken for. Everything allocated before the page allocator
 * exists comes from here. One hand-over ends it: after memblock_retire() every
 * function below panics, so that there is never a second allocator, and later
 * their code is given back and a call faults.
 *
 * Invariant (15): both tables are sorted, free of overlaps and of empty
 * ranges, and neighbours that agree in everything are merged. Ranges are in
 * bytes, half open. Tables grow without a fixed limit. Boot CPU only, no lock.
 */
#ifndef MM_BOOT_MEMBLOCK_H
#define MM_BOOT_MEMBLOCK_H

#include "arch/arch.h"
#include "mm/types.h"

enum {
	MEMBLOCK_NOMAP = 1u << 0,   /* memory: must never be mapped */
	MEMBLOCK_HOTPLUG = 1u << 1, /* memory: the tree says it may be taken away */
};

#define MEMBLOCK_ANYWHERE (~0ull)       /* no upper limit for an allocation */
enum { MEMBLOCK_ANY_NODE = MAX_NODES }; /* no node wanted, or none known */

struct mem_region {
	phys_t start, end;
	u32 node;         /* memory: its node; MEMBLOCK_ANY_NODE before it is known */
	u16 flags;        /* memory: MEMBLOCK_* */
	u16 reason;       /* reserved: enum mem_reason */
	const char *name; /* reserved: tree node or use, never null; lives as long as we do */
};

/* ---- building ------------------------------------------------------------ */

/* Start over with empty tables. Boot calls it once, tests before each case. */
void memblock_init(void);

/*
 * Add or take away RAM. Adding merges with what is there; the part that was
 * known before keeps its node and flags. Removing what is not there is fine.
 * Empty ranges do nothing. start > end is a bug.
 */
void memblock_add(phys_t start, phys_t end, u32 node);
void memblock_remove(phys_t start, phys_t end);

/*
 * Keep a range from being allocated; it need not be RAM. Where it overlaps an
 * earlier reservation the earlier reason stays. Result: true when nothing of
 * it was reserved before.
 */
bool memblock_reserve(phys_t start, phys_t end, enum mem_reason reason, const char *name);
/* Undo a reservation or an allocation, or a part of it. */
void memblock_free(phys_t start, phys_t end);

/* Give the RAM inside the range to a node (rows 6, 11): splits at its borders. */
void memblock_set_node(phys_t start, phys_t end, u32 node);
/* Set MEMBLOCK_* flags on the RAM inside the range; splits at its borders. */
void memblock_set_flags(phys_t start, phys_t end, u16 flags);

/*
 * Drop the partial frames at the edges of each piece of RAM for good (row 1),
 * so that nothing done to nodes later makes one whole that was not mapped.
 */
void memblock_trim(void);

/*
 * Tell which node is how far from which, for the fallback of memblock_alloc.
 * The table must stay; null means that all are equally far.
 */
void memblock_set_distances(const u8 (*distance)[MAX_NODES]);

/*
 * While the reservations are not all known yet, a table may have to grow. The
 * guard is then asked about each candidate: it returns false when the range
 * touches something that will be reserved, and sets *below to an address at or
 * below which to go on. Null: everything known is in the tables.
 */
typedef bool (*memblock_guard_t)(phys_t start, phys_t end, phys_t *below);
void memblock_set_guard(memblock_guard_t guard);

/* Names inside [from, from + nr_bytes) of the caller's have moved to `to`. */
void memblock_move_names(const char *from, u64 nr_bytes, const char *to);

/* ---- allocation ------------------------------------------------------------ */

struct memblock_request {
	u64 nr_bytes;
	u64 align;       /* power of two; 0 means PAGE_SIZE */
	phys_t min, max; /* lies inside [min, max); max.v 0 means anywhere */
	u32 node;        /* wanted first, then nearer before further nodes; or ANY_NODE */
	bool strict;     /* this node or none, and no RAM that may be taken away */
	enum mem_reason reason;
	const char *name; /* constant text */
};

/*
 * Reserve the highest fitting place, on the wanted node or the nearest that
 * has room. The memory is not cleared. {0} when nothing fits: frame 0 is never
 * handed out. Not from MEMBLOCK_NOMAP memory; from MEMBLOCK_HOTPLUG memory of any
 * node only when no other has room.
 */
phys_t memblock_alloc(const struct memblock_request *rq);

/*
 * nr_bytes of zeroed memory by address, page aligned or better, from anywhere:
 * through the linear map once it exists, through the early window before.
 * Panics, naming what it was for, when there is none.
 */
void *memblock_alloc_zeroed(u64 nr_bytes, u32 node, enum mem_reason reason, const char *name);

/* The linear map covers all RAM now: move the tables into it. Once. */
void memblock_use_linear_map(void);
bool memblock_linear_map_ready(void);

/* ---- walking --------------------------------------------------------------- */

/* Place in a walk; zero it to begin. Changing a table it reads ends the walk:
 * allocating while walking the RAM is fine. */
struct memblock_cursor {
	u32 memory, reserved;
	phys_t pos;
};

/* Frames [start, end) of one node. */
struct memblock_span {
	pfn_t start, end;
	u32 node;
	u16 flags;
};

/*
 * RAM in whole frames by rising address, each span in one node (row 6): starts
 * are rounded up, ends down (row 1), what is left empty is passed over. False
 * at the end. no-map memory is included and flagged.
 */
bool memblock_next_memory(struct memblock_cursor *c, struct memblock_span *span);
/*
 * Whole frames that are RAM, may be mapped and touch no reservation: what the
 * page allocator gets. Linear in both tables together.
 */
bool memblock_next_free(struct memblock_cursor *c, struct memblock_span *span);
/* Reservations as they stand, in bytes, by rising address. */
bool memblock_next_reserved(struct memblock_cursor *c, struct mem_region *r);

/* RAM and reservations in bytes, sums over the tables. */
u64 memblock_memory_bytes(void);
u64 memblock_reserved_bytes(void);
/* RAM that touches [start, end), in bytes. */
u64 memblock_memory_inside(phys_t start, phys_t end);
/* Whether the byte at p is RAM that must not be mapped. */
bool memblock_is_no_map(phys_t p);
/* Bytes of [start, end) that are reserved already; *name: of the first. */
u64 memblock_reserved_inside(phys_t start, phys_t end, const char **name);
/* Lowest and highest+1 address of RAM; both 0 without any. */
phys_t memblock_start(void);
phys_t memblock_end(void);

/* ---- the end --------------------------------------------------------------- */

/* Dead from here: any later call panics. */
void memblock_retire(void);
bool memblock_retired(void);

/* Compare both tables with invariant 15; panics on a violation. */
void memblock_check(void);

#endif
