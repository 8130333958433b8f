/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds what (rows 61, 63, 65): the side array of owners, fault injection
 * and trace events, all called from the allocator and all off unless asked for.
 * "On" sends every request and every free the long way (watch_all()), so that
 * the hit path has no test for any of them.
 */
#ifndef MM_STAT_OWNER_H
#define MM_STAT_OWNER_H

#include "mm/page/request.h"

/* ---- owner (page_owner=on; always on in test builds) ------------------------- */

/* A block was served to / given back by the calling task. Any, no lock held. */
void owner_set(const struct page *page, unsigned int order, gfp_t gfp, const void *site);
void owner_clear(const struct page *page, unsigned int order, const void *site);
/* Prints who had the frame last, and where it was freed, for reports (poison,
 * double free). Any, also in a panic. */
void owner_print(struct out *out, u64 pfn);

/* ---- fault injection (row 61) --------------------------------------------------- */

struct fault_knobs {
	u32 probability; /* percent; 0: off */
	u32 interval;    /* every n-th eligible request, at least 1 */
	s64 times;       /* how many more; -1: without end */
	u32 min_order;
	bool ignore_reclaim; /* spare requests that may reclaim */
	bool ignore_highmem;
	u64 seed;
};
bool fault_should_fail(gfp_t gfp, unsigned int order);
/* 0, ERR_RANGE (nothing changed). Task or boot. */
int fault_set(const struct fault_knobs *k);
struct fault_knobs fault_get(void);

/* ---- trace (row 63) ---------------------------------------------------------------- */

enum trace_event {
	TRACE_ALLOC,        /* pfn, order, gfp, type */
	TRACE_ALLOC_LOCKED, /* from the zone's lists */
	TRACE_FREE,
	TRACE_EXTFRAG, /* pfn, order, type asked, type taken from */
	TRACE_PCP_DRAIN,
	TRACE_WAKE_KSWAPD,   /* node, zone, order */
	TRACE_RECLAIM_BEGIN, /* order, gfp */
	TRACE_RECLAIM_END,   /* pages */
	NR_TRACE_EVENTS
};
/* Into the ring of the latest events; a load and a branch when off. Any. */
void trace_event(enum trace_event e, u64 a, u64 b, u64 c, u64 d);

/* Something watches every block: the hit paths are closed (page_alloc.c) while the
 * count of watchers is not 0. Task or boot. */
void watch_begin(void);
void watch_end(void);
bool watch_active(void);

#endif
