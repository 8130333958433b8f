/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Per-CPU caches of free blocks (rows 46-50): for each CPU and zone a LIFO list
 * per order 0..3 and type, linked through the heads by frame number. A cached
 * frame is PAGE_CACHED: not free, nobody's. Only the CPU itself touches its
 * caches, with interrupts masked; others ask it by a call between CPUs, or wait
 * until it is off. `limit`, `room` and `drain` are written by everybody.
 *
 * The head of a cached block keeps the type it was taken from the lists for,
 * which is that of its cache list; so a block is cached only while that type is
 * its pageblock's (CMA: movable), and all others go home at once.
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

#include "mm/page/mobility.h"
#include "mm/task.h"

enum {
	PCP_ORDERS = 4,                      /* 0..3 */
	PCP_TYPES = MIGRATE_RECLAIMABLE + 1, /* CMA frames lie with the movable ones */
	PCP_CHUNK = 8,                       /* frames moved in one lock hold */
	PCP_TAKES = 8,                       /* blocks that they come in, at most */
};

struct pcp_list {
	u32 taken; /* (P) blocks popped, by requests and by drains; wraps */
	u32 head;  /* (P) frame number, or PFN_NIL */
	u32 put;   /* (P) blocks pushed, by frees and by refills; wraps */
	u32 flags; /* (I) what the heads of its blocks say (frame.h), without references */
};

/*
 * All that a hit of one order needs, in one line. Where the list of a fourth type
 * would be, its head says that it is empty: flags that name two mobilities miss.
 */
struct pcp_row {
	struct pcp_list list[PCP_TYPES];
	u16 limit;         /* (A) blocks a list may hold before a hit drains it; 0: closed to hits,
		      below the low mark or while somebody watches */
	u16 room;          /* (A) the same, but also while somebody watches */
	u32 no_head;       /* (I) PFN_NIL */
	struct zone *zone; /* (I) null: no such zone, nothing is ever in it */
};
_Static_assert(sizeof(struct pcp_row) == 64, "one line");
_Static_assert(offsetof(struct pcp_row, no_head) ==
		       PCP_TYPES * sizeof(struct pcp_list) + offsetof(struct pcp_list, head),
	       "read as the head of a fourth list");

/* One CPU's cache of one zone. (P): own CPU with interrupts masked. Its size is a
 * power of two, which finds it by zone id in one instruction. */
struct pcp {
	union {
		struct pcp_row row[PCP_ORDERS];
		struct pcp_list list[PCP_ORDERS][PCP_TYPES + 1]; /* the last is none */
	};

	struct zone *zone;                             /* (I) as in each row */
	u32 cpu;                                       /* (I) */
	u32 drain;                                     /* (A) asked to empty it */
	u64 drained[PCP_ORDERS], refilled[PCP_ORDERS]; /* (P) blocks */
	/* Row 16, on the long way only: the short one serves the preferred zone. */
	u64 numa_miss, numa_foreign, numa_interleave; /* (P) blocks */
	/* Past the lists: (P) blocks, and pages of those. */
	u64 direct_alloc, direct_alloc_pages;
	u64 direct_free, direct_free_pages;
} tm_aligned(512);
_Static_assert(sizeof(struct pcp) == 512, "a power of two, and no larger");

/* A CPU's caches of all zones, in one piece, by zone id. */
struct pcp_cpu {
	/* (I) Of the zone that local requests go to first: for NORMAL, for MOVABLE. */
	struct pcp *first[2];
	struct pcp zone[];
};

/*
 * Caches of every CPU for every zone, in the CPU's node where it has memory, from
 * memblock; the boot CPU begins to use its own. Boot, after the zonelists.
 */
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

/* The calling CPU's cache of the zone. Interrupts masked. */
static inline struct pcp *pcp_own(const struct zone *z)
{
	return &mm_own()->cache->zone[z->id];
}

/* A block off the list, PAGE_ALLOCATED and with one reference; PAGE_BAD when its
 * descriptor was damaged: leaked and counted; null: the list is empty. Masked. */
struct page *pcp_pop(struct pcp *p, unsigned int order, enum migratetype mt);
/* An allocated and intact block onto the list of its type. Masked. */
void pcp_push(struct pcp *p, struct page *page, unsigned int order, enum migratetype mt);

/* What one lock hold takes from a zone's lists. */
struct pcp_haul {
	/* In: pieces of this order, of at most so many frames together (a power of two),
	 * and what their heads are to say. No more than lie above the floor. */
	unsigned int order, most;
	enum mobility_turn turn;
	u64 floor, head;
	/* Out: blocks, each cut to so many pieces; one that was damaged, to be reported. */
	struct page *block[PCP_TAKES];
	unsigned int pieces[PCP_TAKES], nr;
	struct page *damaged;
	bool stolen; /* as in mobility.h */
};
/*
 * What as many smallest-fit takes would have given, up to the first that is more
 * than a pop; where that is the first of all, it alone. An interrupt, which keeps
 * others out for all of its call, gets one block. Masked.
 */
void pcp_haul(struct zone *z, struct pcp_haul *h, enum migratetype mt, bool cma);

/*
 * Up to PCP_CHUNK frames for this list under one lock hold, but never more than
 * lie above `floor`: what as many smallest-fit takes would have given, so that
 * pops give rising addresses. Blocks gained; 0: `turn` found none, the next may.
 * *stolen as in mobility.h. Masked.
 */
unsigned int pcp_refill(struct pcp *p, unsigned int order, enum migratetype mt, bool cma, u64 floor,
			enum mobility_turn turn, bool *stolen);

/* Limits follow from batch, high and whether the zone is above its low mark;
 * after marks were computed, and when a zone crosses that mark (row 48). Any, but
 * with no zone lock held. */
void pcp_limits_update(struct zone *z);
/* The zone's free pages changed: has it crossed the mark, either way? No lock
 * held. Any. */
void pcp_check_low(struct zone *z);

/* One lock hold: up to PCP_CHUNK frames of this list go home, at least one block.
 * Masked. */
void pcp_drain_list(struct pcp *p, unsigned int order, enum migratetype mt);
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
