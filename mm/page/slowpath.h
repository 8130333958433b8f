/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slow path (rows 66-79), and the few prototypes through which the page
 * allocator calls upward: reclaim, compaction, their tasks, out of memory. Until
 * those rooms exist, page/nothing_gained.c answers for them: nothing was gained.
 */
#ifndef MM_PAGE_SLOWPATH_H
#define MM_PAGE_SLOWPATH_H

#include "mm/page/request.h"
#include "mm/stat/explain.h"

/*
 * All that follows a failed first try, in the order of rows 66-79; ends with a
 * block, or null and a report. Bands 4 and up never reclaim and never wait: they
 * wake the tasks, try their floor, drain their CPU's caches, try once more; only
 * NOFAIL makes them sleep. Every loop offers preemption and is bounded, but
 * NOFAIL's; worst cases are at the top of slowpath.c. The context of the request.
 */
struct page *slowpath_alloc(const struct alloc_request *rq);

/* Row 79: says in the log that the request failed, once a second at most; nothing
 * with NOWARN, or from an interrupt. The context of the request. */
void slowpath_report(const struct alloc_request *rq, enum explain_end end);

/* ---- upward ------------------------------------------------------------------ */

/* Direct reclaim of about 32 pages' worth for this request: pages made free
 * (row 71). The caller is marked memalloc. Task. */
u64 slow_reclaim(const struct alloc_request *rq);
/* Pages of the zone that reclaim could still get (row 73). Any. */
u64 slow_reclaimable(const struct zone *z);

enum compact_mode { COMPACT_ASYNC, COMPACT_LIGHT, COMPACT_SYNC };
enum compact_result {
	COMPACT_SKIPPED,  /* not fragmentation, but lack of memory */
	COMPACT_DEFERRED, /* failed lately: not tried */
	COMPACT_PARTIAL,  /* done all it could, no block */
	COMPACT_SUCCESS,  /* a block should be there now */
};
/* Direct compaction (rows 69, 74). Task. */
enum compact_result slow_compact(const struct alloc_request *rq, enum compact_mode mode);

/* Wake kswapd of the zone's node: order merged by maximum, zone by highest; once
 * a node and round (row 68). Drops the zone's boost when reclaim is done with it
 * (row 36). Any, no lock held. */
void slow_wake_kswapd(struct zone *z, const struct alloc_request *rq);

/* Row 77: end something and free its memory. True: worth another try. Task. */
bool slow_out_of_memory(const struct alloc_request *rq);

/* Row 118: may this node take another page that will be dirtied? Any. */
bool slow_dirty_ok(const struct node *n);
/* Row 111: local reclaim for a zone below its mark, off by default. True: test
 * the mark again. The context of the request. */
bool slow_node_reclaim(struct zone *z, const struct alloc_request *rq);

#endif
