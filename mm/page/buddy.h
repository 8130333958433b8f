/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buddy core: mechanism only (rows 37-39, 41). It finds, splits, merges and
 * links blocks of one zone and keeps the zone's free counts; it knows no
 * watermark, no zonelist and no request. Theory in buddy.c.
 *
 * Every function: the caller holds zone->lock with interrupts masked; one call
 * is one bounded step (at most MAX_PAGE_ORDER links changed).
 */
#ifndef MM_PAGE_BUDDY_H
#define MM_PAGE_BUDDY_H

#include "mm/page/frame.h"

/* Empty lists and counts. Boot, no lock. */
void buddy_init(struct zone *z);

/*
 * Take a block of 2^order frames that serves type mt: smallest fit in its own
 * lists, then in those it may fall back to. The head is marked allocated with
 * reference count 1, or PAGE_BAD when its descriptor was damaged: then the
 * block is leaked and counted, and the caller asks again. Null: no block.
 */
struct page *buddy_take_locked(struct zone *z, unsigned int order, enum migratetype mt);

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

	return order < NR_PAGE_ORDERS && !(((page->flags & ~(u32)PAGE_MT_MASK) ^ flags) |
					   (page->refcount ^ 1) | page->mapping | page->mapcount);
}

/*
 * Give a block back and merge it as far as it goes. The list is that of its
 * pageblock's type. to_tail forces the tail, for blocks nobody used lately.
 */
void buddy_put_locked(struct zone *z, struct page *page, unsigned int order, bool to_tail);

/* Blocks of one order, all types. */
static inline u64 buddy_blocks(const struct free_area *a)
{
	u64 sum = 0;

	for (unsigned int t = 0; t < MIGRATE_TYPES; t++)
		sum += a->list[t].count;
	return sum;
}

#endif
