/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mobility grouping (rows 36, 42, 51-53, 55): which type's lists serve a request
 * whose own have nothing, when a pageblock changes its type, the boost that
 * mixing leaves behind, and the reserve for high orders of callers that cannot
 * wait. Mechanism below is buddy.c; who may take how much is decided above.
 *
 * Every *_locked function: zone->lock held, interrupts masked, one bounded step:
 * at most 32 links changed.
 */
#ifndef MM_PAGE_MOBILITY_H
#define MM_PAGE_MOBILITY_H

#include "mm/page/buddy.h"

struct alloc_request;

/*
 * Row 42: a block of 2^order frames for type mt: smallest fit in its own lists;
 * for movable ones CMA, first of all when it is more than half of all free pages
 * (row 53); then stealing from others, largest block first (row 52), after which
 * the fit is tried once more. As buddy_take_locked() otherwise. *stolen is set
 * when types were mixed: the caller, after unlocking, lets the boost's waiter know.
 */
struct page *mobility_take_locked(struct zone *z, unsigned int order, enum migratetype mt, bool cma,
				  bool *stolen);

/* Row 60: a block from the high-atomic reserve, or null. */
struct page *mobility_take_highatomic_locked(struct zone *z, unsigned int order);
/* Row 55: the pageblock of a block just served joins the reserve if there is
 * room for it: 1 % of the zone, in whole pageblocks, none when that is less than
 * one. Takes the lock itself. Any. */
void mobility_reserve_highatomic(struct zone *z, const struct page *page);
/*
 * Give reserved pageblocks that hold free pages back to rq's type, in all zones
 * it may use; one pageblock a lock hold. force: also the last one of a zone. True:
 * something came free. The context of the request.
 */
bool mobility_unreserve_highatomic(const struct alloc_request *rq, bool force);

/* Row 36: lower the boost by what somebody recorded earlier. Takes the lock. Any. */
void mobility_lower_boost(struct zone *z, u64 recorded);
/* Knob watermark_boost_factor, in ten thousandths of the high mark; 0: off. */
u64 mobility_boost_factor(void);
int mobility_set_boost_factor(u64 factor); /* 0, ERR_RANGE. Task. */

#endif
