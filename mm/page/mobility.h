/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mobility grouping (rows 36, 42, 51-53, 55): which type's lists serve a request
 * whose own have nothing, when a pageblock changes its type, the boost that
 * mixing leaves behind, and the reserve for high orders of callers that cannot
 * wait. Mechanism below is buddy.c; who may take how much is decided above.
 *
 * Every *_locked function: zone->lock held, interrupts masked, one bounded step:
 * one block taken, and a few others moved to another list.
 */
#ifndef MM_PAGE_MOBILITY_H
#define MM_PAGE_MOBILITY_H

#include "mm/page/buddy.h"

struct alloc_request;

/*
 * Row 42 in turns, each a hold, with interrupts let in between. Who gets null has the
 * next turn, until the last one.
 */
enum mobility_turn {
	TURN_OWN,  /* the type's own lists, unless CMA may come first */
	TURN_ANY,  /* and others; may do no more than send a stray home */
	TURN_LAST, /* and all are taken as they are */
	NR_TURNS,
};

/*
 * The later turns: for movable ones CMA, first of all when it is more than half of all
 * free pages (row 53); else the own lists, since the zone may have become another; then
 * stealing from others, largest block first (row 52). *stolen is set, and never cleared,
 * when types were mixed in a pageblock: the caller ends the hold with this block, then
 * calls mobility_settle() and wakes who works the boost off.
 */
struct page *mobility_take_any_locked(struct zone *z, unsigned int order, unsigned int most,
				      enum migratetype mt, bool cma, enum mobility_turn turn,
				      bool *stolen);

/*
 * A block of at least 2^order and, where a larger one is there, up to 2^most frames
 * (as buddy_take_from_locked()) for type mt, smallest fit. Null: see above.
 */
static inline struct page *mobility_take_locked(struct zone *z, unsigned int order,
						unsigned int most, enum migratetype mt, bool cma,
						enum mobility_turn turn, bool *stolen)
{
	if (unlikely(turn != TURN_OWN))
		return mobility_take_any_locked(z, order, most, mt, cma, turn, stolen);
	return unlikely(cma && z->nr_free_cma) ? NULL
					       : buddy_take_from_locked(z, order, most, mt, mt);
}

/*
 * After a steal that mixed types: the zone's boost rises (row 36), and other free
 * blocks of the pageblock follow to the lists of its new type, as many as fit one
 * hold; the rest go home when their turn comes (buddy.c). Takes the lock itself. Any.
 */
void mobility_settle(struct zone *z);

/* Row 60: a block from the high-atomic reserve, or null. */
struct page *mobility_take_highatomic_locked(struct zone *z, unsigned int order);
/*
 * Row 55: the pageblock of a block just served joins the reserve if there is
 * room for it: 1 % of the zone, rounded up to whole pageblocks, none when 1 % is
 * less than one. Takes the lock itself, one hold. Any.
 */
void mobility_reserve_highatomic(struct zone *z, const struct page *page);
/*
 * Give one reserved pageblock that holds free pages back to rq's type, the first
 * found in the zones it may use; 52 holds at most. force: also the last one of a
 * zone. True: something came free, there may be more. The context of the request.
 */
bool mobility_unreserve_highatomic(const struct alloc_request *rq, bool force);

/* Row 36: lower the boost by what somebody recorded earlier. Takes the lock. Any. */
void mobility_lower_boost(struct zone *z, u64 recorded);
/* Knob watermark_boost_factor, in ten thousandths of the high mark; 0: off. */
u64 mobility_boost_factor(void);
int mobility_set_boost_factor(u64 factor); /* 0, ERR_RANGE. Any. */

#endif
