/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Per-CPU caches of free blocks (rows 46-50): for each CPU and zone a LIFO list
 * per order 0..3 and type, linked through the heads by frame number. A cached
 * frame is PAGE_CACHED: not free, nobody's. Only the CPU itself touches its
 * caches, with interrupts masked; others ask it by a call between CPUs, or wait
 * until it is off. `limit` alone is written by everybody.
 *
 * Counters cost the hit path one store each: taken and put only rise, the
 * number of blocks is their difference, and what was served or freed follows from
 * them and from what moved between cache and zone:
 *   blocks on a list       = put - taken
 *   blocks served by cache = taken - drained
 *   blocks freed to cache  = put - refilled
 */
#ifndef MM_PAGE_PCP_H
#define MM_PAGE_PCP_H

#include "mm/page/frame.h"

enum {
	PCP_ORDERS = 4,                      /* 0..3 */
	PCP_TYPES = MIGRATE_RECLAIMABLE + 1, /* CMA frames lie with the movable ones */
	PCP_CHUNK = 8,                       /* frames moved in one lock hold */
};

struct pcp_list {
	u32 head;  /* (P) frame number, or PFN_NIL */
	u32 taken; /* (P) blocks popped, by requests and by drains; wraps */
	u32 put;   /* (P) blocks pushed, by frees and by refills; wraps */
	u32 spare;
};

/* One CPU's cache of one zone. (P): own CPU with interrupts masked. */
struct pcp {
	struct zone *zone; /* (I) */
	u32 limit;         /* (A) blocks a list may hold before it is drained; 0: none */
	u32 cpu;           /* (I) */
	struct pcp_list list[PCP_ORDERS][PCP_TYPES];
	u64 drained[PCP_ORDERS], refilled[PCP_ORDERS]; /* (P) blocks */
	/* Row 16, on the long way only: the short one serves the preferred zone. */
	u64 numa_miss, numa_foreign, numa_interleave; /* (P) */
	u64 direct_alloc, direct_free;                /* (P) blocks that went past the lists */
	u64 direct_alloc_pages, direct_free_pages;    /* (P) pages of those */
};

/* Caches of every CPU for every zone, in the CPU's node where it has memory.
 * Boot, before requests are served. */
void pcp_init(void);

/* Null: the CPU never had one. For views and the validator: counts of a running
 * CPU are a snapshot. Any. */
const struct pcp *pcp_of(const struct zone *z, unsigned int cpu);
static inline u32 pcp_blocks(const struct pcp_list *l)
{
	return __atomic_load_n(&l->put, __ATOMIC_RELAXED) -
	       __atomic_load_n(&l->taken, __ATOMIC_RELAXED);
}
u64 pcp_pages(const struct pcp *p);

/* Limits follow from batch, high and whether the zone is above its low mark;
 * after marks were computed, and when a zone crosses that mark (row 48). Any. */
void pcp_limits_update(struct zone *z);

/*
 * Move up to PCP_CHUNK frames of the calling CPU's caches of the zone back under
 * one lock hold. False: nothing was left. Interrupts masked.
 */
bool pcp_drain_chunk(struct zone *z);
/* All caches of an offline CPU, or of the calling one, chunk by chunk. Task or boot. */
void pcp_drain_cpu(unsigned int cpu);
/* Ask the other CPUs to drain the zone's caches (null: all zones), and go on. Any. */
void pcp_drain_others(struct zone *z);

#endif
