/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps of the buddy core that its hot callers have in line: buddy.c, hit.c
 * for blocks too large for a cache, pcp.c for rows. Here are what a block needs
 * that is taken whole or put beside a buddy that is not free; splits, merges,
 * strays and damage are buddy.c's. Every function: zone->lock held, interrupts masked.
 */
#ifndef MM_PAGE_BUDDY_STEP_H
#define MM_PAGE_BUDDY_STEP_H

#include "mm/page/buddy.h"
#include "mm/page/pageblock.h"

/* ---- counts ----------------------------------------------------------------- */

static inline void buddy_add_word(u64 *word, u64 delta)
{
	/* The same machine instruction; but the compiler knows how to put an offset
	 * into the plain one. */
	if (tm_debug)
		__atomic_store_n(word, *word + delta, __ATOMIC_RELAXED);
	else
		*(volatile u64 *)word = *word + delta;
}

/* What one frame adds to both counts of its pageblock at once. */
static inline u32 buddy_taken_frame(bool movable)
{
	return movable ? (1u << 16) - 1 : -1u;
}

static inline void buddy_count_pageblock(struct pageblock *b, unsigned int order, u32 frame_adds)
{
	if (unlikely(order > PAGEBLOCK_ORDER)) {
		order = PAGEBLOCK_ORDER;
		b[1].counts += frame_adds << order;
	}
	b->counts += frame_adds << order;
}
_Static_assert((int)MAX_PAGE_ORDER == PAGEBLOCK_ORDER + 1, "a block has at most two pageblocks");

/* The mark test reads it without the lock. */
static inline void buddy_set_filled(struct zone *z, enum migratetype mt, u32 orders)
{
	__atomic_store_n(&z->filled[mt], (u16)orders, __ATOMIC_RELAXED);
}

/* ---- links ------------------------------------------------------------------ */

/* The first block of a list that has one, off it. */
static inline void buddy_pop(struct zone *z, struct page_list *l, u32 pfn, unsigned int order,
			     enum migratetype mt)
{
	u32 next = frame(pfn)->next;

	l->head = next;
	l->count--;
	if (next != PFN_NIL) {
		BUG_ON_VAL(frame(next)->prev != pfn, pfn, next);
		frame(next)->prev = PFN_NIL;
	} else {
		BUG_ON_VAL(l->tail != pfn, pfn, l->tail);
		l->tail = PFN_NIL;
		buddy_set_filled(z, mt, z->filled[mt] & ~(1u << order));
	}
}

/* Does a block start there that is free and, but for its list, says `flags`? */
static inline bool buddy_is_free_block(u32 pfn, u32 flags)
{
	return !((frame_peek(frame(pfn)) ^ flags) & ~(u32)PAGE_MT_MASK);
}

/* Would the next merge already succeed if our buddy came back? `flags` are those of
 * the block, free. The frames asked about lie in our own 4 MiB unit, so their
 * descriptors are backed. */
static inline bool buddy_next_merge_waits(u32 pfn, unsigned int order, u32 flags)
{
	u32 parent = pfn & ~(1u << order);

	return order + 1 < MAX_PAGE_ORDER &&
	       buddy_is_free_block(parent ^ (2u << order), flags + (1u << PAGE_ORDER_SHIFT));
}

/* ---- whole blocks --------------------------------------------------------------- */

enum { BUDDY_TAKEN = PAGE_FREE ^ PAGE_ALLOCATED }; /* of the flags, with the state lowest */
_Static_assert(PAGE_STATE_SHIFT == 0, "the state is lowest");

/* What follows the first block of a list, or the list's end, points back to it. */
static inline u32 *buddy_back_link(struct page_list *l, u32 next)
{
	return likely(next != PFN_NIL) ? &frame(next)->prev : &l->tail;
}

/*
 * buddy_take_locked() where it is nothing but a pop: a list of the type's own has a
 * block of just this order, intact, soundly linked and at home. Null: it is not so,
 * and nothing was changed. The type is one that requests have.
 */
static inline struct page *buddy_take_whole_locked(struct zone *z, unsigned int order,
						   enum migratetype mt)
{
	struct page_list *l = &z->area[order].list[mt];
	u32 flags = frame_flags(z->id, PAGE_FREE, order, mt), pfn, *back;
	struct pageblock *home;
	struct page *page;

	FRAME_AS_IS(l);
	pfn = l->head;
	home = pageblock_entry(pfn);
	FRAME_AS_IS(home);
	page = frame(pfn);
	FRAME_AS_IS(page);
	if (unlikely(pfn == PFN_NIL || home->type != mt || frame_pair(&page->flags) != flags ||
		     frame_is_mapped(page)))
		return NULL;
	back = buddy_back_link(l, page->next);
	if (unlikely(*back != pfn))
		return NULL;
	*back = PFN_NIL;
	l->head = page->next;
	if (--l->count == 0)
		buddy_set_filled(z, mt, z->filled[mt] & ~(1u << order));
	*(u64 *)(void *)&page->flags = (flags ^ BUDDY_TAKEN) | FRAME_ONE_REF;
	buddy_count_pageblock(home, order, buddy_taken_frame(mt == MIGRATE_MOVABLE));
	buddy_add_word(&z->nr_free, -(1ull << order));
	buddy_add_word(&z->nr_usable, -(1ull << order));
	z->nr_alloc++;
	return page;
}

/*
 * As many such pops from one list as it has, `most` at most; heads say `head` instead
 * of what buddy_take_locked() would make them say. Fewer, or none: the next is not
 * such a block. `most` is bounded by the caller.
 */
static inline unsigned int buddy_take_row_locked(struct zone *z, unsigned int order,
						 enum migratetype mt, u64 head, unsigned int most,
						 struct page **block)
{
	struct page_list *l = &z->area[order].list[mt];
	u32 flags = frame_flags(z->id, PAGE_FREE, order, mt), pfn = l->head, *back;
	u32 adds = buddy_taken_frame(mt == MIGRATE_MOVABLE);
	unsigned int nr = 0;

	FRAME_AS_IS(l);
	for (; nr < most && pfn != PFN_NIL; nr++) {
		struct pageblock *home = pageblock_entry(pfn);
		struct page *page = frame(pfn);

		FRAME_AS_IS(page);
		if (unlikely(home->type != mt || frame_pair(&page->flags) != flags ||
			     frame_is_mapped(page)))
			break;
		back = buddy_back_link(l, page->next);
		if (unlikely(*back != pfn))
			break;
		*back = PFN_NIL;
		*(u64 *)(void *)&page->flags = head;
		buddy_count_pageblock(home, order, adds);
		block[nr] = page;
		pfn = page->next;
	}
	l->head = pfn;
	l->count -= nr;
	if (pfn == PFN_NIL)
		buddy_set_filled(z, mt, z->filled[mt] & ~(1u << order));
	buddy_add_word(&z->nr_free, -((u64)nr << order));
	buddy_add_word(&z->nr_usable, -((u64)nr << order));
	z->nr_alloc += nr;
	return nr;
}

/* Onto the list of its pageblock's type. */
static inline void buddy_link_whole(struct zone *z, struct page *page, u32 pfn, unsigned int order,
				    enum migratetype mt, bool tail)
{
	struct page_list *l = &z->area[order].list[mt];
	u32 next;

	FRAME_AS_IS(l);
	if (unlikely(tail)) {
		page_list_add_tail(l, pfn);
	} else {
		next = l->head;
		*buddy_back_link(l, next) = pfn;
		page->next = next;
		page->prev = PFN_NIL;
		l->head = pfn;
		l->count++;
	}
	if (l->count == 1)
		buddy_set_filled(z, mt, z->filled[mt] | 1u << order);
}

/*
 * buddy_put_locked() for a block that does not merge, of a pageblock whose type is
 * no border. False: its buddy is free, or it is not allocated and intact; nothing
 * was changed.
 */
static inline bool buddy_put_whole_locked(struct zone *z, struct page *page, u32 pfn,
					  unsigned int order, struct pageblock *home)
{
	u32 flags = frame_flags(z->id, PAGE_FREE, order, (enum migratetype)0);
	u64 head = frame_pair(&page->flags) ^ (flags ^ BUDDY_TAKEN) ^ FRAME_ONE_REF;
	enum migratetype mt = (enum migratetype)home->type;
	bool waits = false;

	/* What is left of an intact head is the type it was taken for. */
	if (unlikely((head & ~(u64)PAGE_MT_MASK) || frame_is_mapped(page)))
		return false;
	if (order < MAX_PAGE_ORDER) {
		if (unlikely(buddy_is_free_block(pfn ^ 1u << order, flags)))
			return false;
		waits = buddy_next_merge_waits(pfn, order, flags);
	}
	*(u64 *)(void *)&page->flags = flags | (u32)mt << PAGE_MT_SHIFT;
	buddy_count_pageblock(home, order,
			      -buddy_taken_frame(head == MIGRATE_MOVABLE << PAGE_MT_SHIFT));
	buddy_add_word(&z->nr_free, 1ull << order);
	buddy_add_word(&z->nr_usable, 1ull << order);
	z->nr_freed++;
	buddy_link_whole(z, page, pfn, order, mt, waits);
	return true;
}

#endif
