// SPDX-License-Identifier: Apache-2.0
/*
 * The walk over a zonelist; contracts in walk.h.
 *
 * A zone is looked at without its lock, so that a full one costs nobody
 * anything. With the lock held, interrupts masked, the test is made again on
 * exact counts, then one buddy operation is done: a success never leaves less
 * than the mark plus the reserve. Poison and reports happen after the unlock.
 */
#include "mm/page/walk.h"

#include "mm/page/mobility.h"
#include "mm/page/page_check.h"

enum { DAMAGED_TRIES = 8 };

/* Rows 27, 30 on one zone's counts. For order 0 any page above the floor is a
 * block, so the lists need no look. */
enum wm_verdict walk_test(const struct zone *z, const struct alloc_request *rq,
			  const struct alloc_try *t)
{
	u64 usable = __atomic_load_n(&z->nr_usable, __ATOMIC_RELAXED);
	u64 mark = z->floor[t->band];

	if (t->low_mark)
		mark = z->wmark[WMARK_LOW] + z->boost;
	else if (t->high_mark)
		mark = z->wmark[WMARK_HIGH] + z->boost;
	return wm_test(usable, 0, rq->order, mark + z->lowmem_reserve[rq->high],
		       rq->order ? buddy_filled(z) : 1);
}

static struct page *take_from(struct zone *z, const struct alloc_request *rq,
			      const struct alloc_try *t)
{
	struct page *page = NULL;
	bool stolen = false;
	u64 flags = spin_lock_irqsave(&z->lock);

	if (likely(walk_test(z, rq, t) == WM_PASS))
		page = mobility_take_locked(z, rq->order, rq->mt, rq->cma, &stolen);
	spin_unlock_irqrestore(&z->lock, flags);
	/* Nobody reclaims yet, so nobody would work the boost off. */
	if (unlikely(stolen))
		mobility_lower_boost(z, ~0ull);
	return page;
}

struct page *walk_zones(const struct alloc_request *rq, const struct alloc_try *t,
			struct journey *j)
{
	unsigned int damaged = 0;

	(void)j;
	for (const struct zoneref *ref = rq->list; ref->zone; ref++) {
		struct page *page;

		if (ref->type > rq->high || walk_test(ref->zone, rq, t) != WM_PASS)
			continue;
		page = take_from(ref->zone, rq, t);
		if (likely(page && frame_state(page) == PAGE_ALLOCATED)) {
			if (tm_debug)
				page_poison_check(page, rq->order);
			return page;
		}
		if (!page)
			continue;
		page_report_damaged(page);
		if (++damaged < DAMAGED_TRIES)
			ref--; /* that one is leaked; the zone may have sound ones */
	}
	return NULL;
}
