/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over a zonelist (rows 59, 60); contracts in walk.h.
 *
 * A zone is looked at without its lock, so that a full one costs nobody
 * anything. Small blocks come from this CPU's cache, filled in chunks, as long as
 * the zone is above its low mark, where everybody may take; below it, and for
 * larger ones, one block a hold, after the test was made again on exact counts: a
 * success never leaves less than the mark plus the reserve. Masked for one such
 * step; poison, owners and reports come after it.
 */
#include "mm/page/walk.h"

#include "mm/boot/topology.h"
#include "mm/page/page_alloc.h"
#include "mm/page/page_check.h"
#include "mm/page/pcp.h"
#include "mm/page/policy.h"
#include "mm/page/slowpath.h"
#include "mm/stat/owner.h"

enum {
	DAMAGED_TRIES = 8,
	/* What explain_skipped() calls the reasons. */
	SKIP_LIMITS = 0,
	SKIP_NODES = 1,
	SKIP_DIRTY = 2,
};

static u64 relaxed(const u64 *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/* ---- may it? (rows 27, 30, 53, 55) ------------------------------------------------------ */

/* What a test compares: free frames that count for this request, and the mark. */
struct test {
	u64 free, floor;
	u32 filled;
};

static struct test numbers(const struct zone *z, const struct alloc_request *rq,
			   const struct alloc_try *t)
{
	struct test n = { .free = relaxed(&z->nr_usable), .floor = relaxed(&z->floor[t->band]) };

	if (t->low_mark)
		n.floor = relaxed(&z->wmark[WMARK_LOW]) + relaxed(&z->boost);
	else if (t->high_mark)
		n.floor = relaxed(&z->wmark[WMARK_HIGH]) + relaxed(&z->boost);
	n.floor += relaxed(&z->lowmem_reserve[rq->high]);
	/* For order 0 any page above the floor is a block: the lists need no look. */
	n.filled = rq->order ? buddy_filled(z) : 1;
	if (rq->cma) {
		n.free += relaxed(&z->nr_free_cma);
		n.filled |= __atomic_load_n(&z->filled[MIGRATE_CMA], __ATOMIC_RELAXED);
	}
	if (rq->highatomic) {
		n.free += relaxed(&z->nr_free_highatomic);
		n.filled |= __atomic_load_n(&z->filled[MIGRATE_HIGHATOMIC], __ATOMIC_RELAXED);
	}
	return n;
}

/* Reclaim itself has no mark: whatever block there is. */
static bool without_mark(const struct alloc_try *t)
{
	return t->band == BAND_MEMALLOC && !t->low_mark && !t->high_mark;
}

static enum wm_verdict judge(const struct test *n, const struct alloc_request *rq,
			     const struct alloc_try *t)
{
	if (unlikely(without_mark(t)))
		return n->filled >> rq->order ? WM_PASS : WM_FRAGMENTED;
	return wm_test(n->free, 0, rq->order, n->floor, n->filled);
}

enum wm_verdict walk_test(const struct zone *z, const struct alloc_request *rq,
			  const struct alloc_try *t)
{
	struct test n = numbers(z, rq, t);

	return judge(&n, rq, t);
}

/* ---- removal from one zone (row 60) ------------------------------------------------------- */

/* Masked. Null: caches are for zones above low, or there was nothing to fill from. */
static struct page *take_cached(struct zone *z, const struct alloc_request *rq,
				enum mobility_turn turn, bool *stolen)
{
	u64 pass = relaxed(&z->wmark[WMARK_LOW]) + relaxed(&z->boost) +
		   relaxed(&z->lowmem_reserve[rq->high]);
	struct pcp *p = pcp_own(z);
	struct page *page;

	if (relaxed(&z->nr_usable) <= pass)
		return NULL;
	page = pcp_pop(p, rq->order, rq->mt);
	if (page || !__atomic_load_n(&p->row[rq->order].room, __ATOMIC_RELAXED))
		return page;
	/* A chunk stays above, so that the last of this one may still be a hit. */
	pcp_refill(p, rq->order, rq->mt, rq->cma, pass + PCP_CHUNK, turn, stolen);
	return pcp_pop(p, rq->order, rq->mt);
}

/* Masked. */
static struct page *take_direct(struct zone *z, const struct alloc_request *rq,
				const struct alloc_try *t, enum mobility_turn turn, bool *stolen)
{
	struct page *page = NULL;

	spin_lock(&z->lock);
	if (likely(walk_test(z, rq, t) == WM_PASS)) {
		if (unlikely(rq->highatomic)) /* which single pages are not */
			page = mobility_take_highatomic_locked(z, rq->order);
		if (!page)
			page = mobility_take_locked(z, rq->order, rq->order, rq->mt, rq->cma, turn,
						    stolen);
		if (unlikely(guard_below) && page)
			guard_beside_locked(z, page, rq->order);
	}
	spin_unlock(&z->lock);
	if (likely(page)) {
		struct pcp *p = pcp_own(z);

		p->direct_alloc++;
		p->direct_alloc_pages += 1ull << rq->order;
		trace_event(TRACE_ALLOC_LOCKED, frame_number(page), rq->order, rq->mt, 0);
	}
	return page;
}

/* Row 16: relative to the first zone that policy and limits leave. Masked. */
static void count_numa(const struct zone *z, const struct alloc_request *rq)
{
	const struct zoneref *ref = rq->list;
	u64 nodes = rq->nodes & limits_nodes(rq->gfp);

	/* Reclaim itself may be served where neither allows anything. */
	if (!(nodes >> z->node & 1))
		nodes = ~0ull;
	while (ref->type > rq->high || !(nodes >> ref->zone->node & 1))
		ref++;
	if (unlikely(rq->interleave && z->node == (u32)rq->node))
		pcp_own(z)->numa_interleave++;
	if (likely(ref->zone->node == z->node))
		return;
	pcp_own(z)->numa_miss++;
	pcp_own(ref->zone)->numa_foreign++;
}

static struct page *take_from(struct zone *z, const struct alloc_request *rq,
			      const struct alloc_try *t)
{
	struct page *page = NULL;
	bool stolen = false;

	for (enum mobility_turn turn = TURN_OWN; !page && turn < NR_TURNS; turn++) {
		u64 flags = arch_irq_save();

		if (rq->order < PCP_ORDERS)
			page = take_cached(z, rq, turn, &stolen);
		if (!page)
			page = take_direct(z, rq, t, turn, &stolen);
		if (likely(page))
			count_numa(z, rq);
		arch_irq_restore(flags);
	}
	pcp_check_low(z);
	if (unlikely(stolen))
		page_alloc_mixed(z, rq);
	return page;
}

/* ---- the walk (row 59) ---------------------------------------------------------------------- */

/* Row 43, after the checks that taking made. */
static void prepare(struct zone *z, struct page *page, const struct alloc_request *rq)
{
	if (tm_debug)
		page_poison_check(page, rq->order);
	/* Row 55: as in Linux, where the fast path has no such right, only once memory
	 * is short. */
	if (unlikely(rq->highatomic) &&
	    relaxed(&z->nr_usable) <= relaxed(&z->wmark[WMARK_LOW]) + relaxed(&z->boost))
		mobility_reserve_highatomic(z, page);
}

/* Policy and limits, before any mark. */
static bool is_allowed(const struct zone *z, const struct alloc_request *rq,
		       const struct alloc_try *t, struct journey *j)
{
	if (unlikely(t->cpuset && !limits_allow(z, rq->gfp))) {
		explain_skipped(j, z, SKIP_LIMITS);
		return false;
	}
	if (unlikely(!t->any_node && !(rq->nodes >> z->node & 1))) {
		explain_skipped(j, z, SKIP_NODES);
		return false;
	}
	return true;
}

/* May the node take another page that will be dirtied? */
static bool is_clean(u32 node, u32 *dirty_node)
{
	if (node == *dirty_node)
		return false;
	if (slow_dirty_ok(node_table[node]))
		return true;
	*dirty_node = node;
	return false;
}

/* One zone, until it has no sound block or does not pass any more. */
static struct page *try_zone(struct zone *z, const struct alloc_request *rq,
			     const struct alloc_try *t, struct journey *j)
{
	bool reclaimed = false;

	for (unsigned int damaged = 0; damaged < DAMAGED_TRIES; damaged++) {
		struct test n = numbers(z, rq, t);
		enum wm_verdict verdict = judge(&n, rq, t);
		struct page *page;

		if (unlikely(j))
			explain_zone(j, z, n.free, 0, n.floor, verdict);
		if (verdict != WM_PASS && !reclaimed && slow_node_reclaim(z, rq)) {
			reclaimed = true; /* row 111: once a zone, then the mark again */
			continue;
		}
		if (verdict != WM_PASS)
			return NULL;
		page = take_from(z, rq, t);
		if (likely(page && frame_state(page) == PAGE_ALLOCATED)) {
			prepare(z, page, rq);
			return page;
		}
		if (!page)
			return NULL;
		page_report_damaged(page); /* that one is leaked; there may be sound ones */
	}
	return NULL;
}

struct page *walk_zones(const struct alloc_request *rq, const struct alloc_try *t,
			struct journey *j)
{
	u32 dirty_node = MAX_NODES; /* the last that was over its limit */

	for (const struct zoneref *ref = rq->list; ref->zone; ref++) {
		struct page *page;

		if (ref->type > rq->high || !is_allowed(ref->zone, rq, t, j))
			continue;
		/* Row 118: only the first try spreads dirty pages. */
		if (unlikely((rq->gfp & __GFP_WRITE) && t->low_mark) &&
		    !is_clean(ref->zone->node, &dirty_node)) {
			explain_skipped(j, ref->zone, SKIP_DIRTY);
			continue;
		}
		page = try_zone(ref->zone, rq, t, j);
		if (likely(page))
			return page;
	}
	return NULL;
}
