/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buddy core: mechanism only (rows 37-39, 41). It finds, splits, merges and
 * links blocks of one zone and keeps the zone's free counts; it knows no
 * watermark, no zonelist and no request. Theory in buddy.c.
 *
 * Every function: the caller holds zone->lock with interrupts masked; one call
 * is one bounded step.
 */
#ifndef MM_PAGE_BUDDY_H
#define MM_PAGE_BUDDY_H

#include "mm/page/frame.h"

enum {
	BUDDY_STRAYS = 1,    /* sent home by one take at most */
	BUDDY_MOVE_WORK = 4, /* of buddy_relist_locked(): a head that is moved, beyond a look */
};

/* Empty lists and counts. Boot, no lock. */
void buddy_init(struct zone *z);

/*
 * Take the smallest block of at least 2^order frames from one list type, cut to
 * 2^most (order <= most) when it is larger: what successive takes of that order
 * would give, in one step. The head is marked allocated with its order, reference
 * count 1 and the type `mt` it is taken for; or PAGE_BAD when its descriptor was
 * damaged: then 2^order frames are leaked and counted, and the caller asks again.
 * Blocks of another type's pageblock that are met on the way go to their own list,
 * at most BUDDY_STRAYS of them. Null: no block.
 */
struct page *buddy_take_from_locked(struct zone *z, unsigned int order, unsigned int most,
				    enum migratetype from, enum migratetype mt);

/* The same of one block of 2^order frames, of which lists of `from` have one, wherever
 * its home is: what is cut off goes back to those lists. */
struct page *buddy_take_as_is_locked(struct zone *z, unsigned int order, enum migratetype from,
				     enum migratetype mt);

/*
 * The same of one block: the first of order `have` on the list of `from`, whose
 * pageblocks have just become mt's. What is cut off goes to the lists of mt, which
 * has no block of 2^order frames or more yet.
 */
struct page *buddy_take_claimed_locked(struct zone *z, unsigned int have, unsigned int order,
				       unsigned int most, enum migratetype from,
				       enum migratetype mt);

/* One block from the lists of its own type. */
static inline struct page *buddy_take_locked(struct zone *z, unsigned int order,
					     enum migratetype mt)
{
	return buddy_take_from_locked(z, order, order, mt, mt);
}

/* Orders of which a block could be taken, whatever the type: bit o for order o.
 * Every type that requests have may borrow from the other two. Any, without the
 * lock too (then it is a hint). */
static inline u32 buddy_filled(const struct zone *z)
{
	return __atomic_load_n(&z->filled[MIGRATE_UNMOVABLE], __ATOMIC_RELAXED) |
	       __atomic_load_n(&z->filled[MIGRATE_MOVABLE], __ATOMIC_RELAXED) |
	       __atomic_load_n(&z->filled[MIGRATE_RECLAIMABLE], __ATOMIC_RELAXED);
}

/*
 * Is this the head of a block that was allocated with this order and is intact?
 * What free asks before buddy_put_locked().
 */
static inline bool buddy_can_put_locked(const struct zone *z, const struct page *page,
					unsigned int order)
{
	u32 flags = frame_flags(z->id, PAGE_ALLOCATED, order, (enum migratetype)0);
	u64 head = frame_pair(&page->flags) ^ flags ^ FRAME_ONE_REF;

	return order < NR_PAGE_ORDERS && !(head & ~(u64)PAGE_MT_MASK) && !frame_is_mapped(page);
}

/*
 * Give a block back and merge it as far as it goes. The list is that of its
 * pageblock's type. to_tail forces the tail, for blocks nobody used lately.
 * Result: merges done, for callers that put several under one hold. The caller
 * has made sure that the block is one: allocated, cached, or never given before.
 */
unsigned int buddy_put_locked(struct zone *z, struct page *page, unsigned int order, bool to_tail);

/* An allocated block whose descriptor was damaged is given up: PAGE_BAD, counted. */
void buddy_leak_locked(struct zone *z, struct page *page, unsigned int order);

/* Does the head on a list still say what linking it there wrote? */
static inline bool buddy_head_intact(const struct zone *z, u32 pfn, unsigned int order,
				     enum migratetype list)
{
	const struct page *page = frame(pfn);

	return !((page->flags ^ frame_flags(z->id, PAGE_FREE, order, list)) | page->refcount |
		 page->mapping | page->mapcount);
}

/*
 * Did this listed block stay behind when its pageblock changed its type, and should
 * it go home? False for what is of a border kind by now: moved, it would be gone
 * for a request that has already passed the mark test. False for a damaged head,
 * which is to be leaked.
 */
bool buddy_is_stray(const struct zone *z, u32 pfn, unsigned int order, enum migratetype list);

/* Move a free block from its list to the head of another type's. */
void buddy_relink_locked(struct zone *z, u32 pfn, enum migratetype to);

/*
 * Move free blocks of a pageblock, from pfn on, to the lists of its type: `work`
 * heads, about 12 instructions each; one that is moved (60 more) counts five times.
 * Result: where the next share begins, or end and more.
 */
u64 buddy_relist_locked(struct zone *z, u64 pfn, u64 end, int work);

/* Blocks of one order, all types. */
static inline u64 buddy_blocks(const struct free_area *a)
{
	u64 sum = 0;

	for (unsigned int t = 0; t < MIGRATE_TYPES; t++)
		sum += a->list[t].count;
	return sum;
}

/* ---- guards (row 40; guard.c) ------------------------------------------------- */

/*
 * With debug_guardpage_minorder=N, free blocks of order below N beside a block that
 * is served are held back, taken out of the linear map where the machine can, and
 * given back to the lists when that block is freed, in time to merge with it. A
 * stray access behind or before a block then faults and says so. Per-CPU caches
 * stay empty meanwhile, so every block passes by; a zone keeps more than its high
 * mark on the lists. Off, the long way pays a load and a branch, the hit path
 * nothing.
 */
extern u32 guard_below; /* (I) orders below it become guards; 0: none do */
/* From now on, if they are wanted. Boot, before requests are served. */
void guard_init(void);
/*
 * A block was taken: its free neighbours of small order become guards. And: it is
 * about to be put back: those that are guards become free blocks again. One step
 * of at most 31 pages. Only while guard_below is not 0.
 */
void guard_beside_locked(struct zone *z, const struct page *page, unsigned int order);
void guard_release_locked(struct zone *z, const struct page *page, unsigned int order);
/* Take a free block off its list and make it a guard, or put it back: its state is
 * PAGE_GUARD meanwhile, not free, nobody's. */
void buddy_hide_locked(struct zone *z, u32 pfn, unsigned int order);
void buddy_unhide_locked(struct zone *z, u32 pfn, unsigned int order);

#endif
