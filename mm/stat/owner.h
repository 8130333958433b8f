/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds what (rows 61, 63, 65): the side array of owners, fault injection
 * and trace events, all called from the allocator and all off unless asked for.
 * While one of them is on, every request and every free goes the long way
 * (watch_begin()), so that the hit path has no test for any of them; on the long
 * way each costs a load and a branch when it is off.
 */
#ifndef MM_STAT_OWNER_H
#define MM_STAT_OWNER_H

#include "mm/page/request.h"

/* ---- owner (page_owner=on; on in test builds unless page_owner=off) ------------ */

/* The side array, after the descriptors are backed; nothing when it is not
 * wanted. Pages that got no room have no history. Boot. */
void owner_init(void);

extern bool owner_on; /* (I) after boot */
void owner_record_set(const struct page *page, unsigned int order, gfp_t gfp, const void *site);
void owner_record_clear(const struct page *page, unsigned int order, const void *site);

/* A block was served to / given back by the calling task. O(1), any, any lock. */
static inline void owner_set(const struct page *page, unsigned int order, gfp_t gfp,
			     const void *site)
{
	if (unlikely(owner_on))
		owner_record_set(page, order, gfp, site);
}

static inline void owner_clear(const struct page *page, unsigned int order, const void *site)
{
	if (unlikely(owner_on))
		owner_record_clear(page, order, site);
}

/* What mm_view_owner() tells about a frame, into the log line by line: for reports
 * (poison, double free, damage), before a panic too. Any, no lock held. */
void owner_log(u64 pfn);

/* ---- fault injection (row 61) --------------------------------------------------- */

/*
 * The attributes of Linux's fail_page_alloc. An eligible request of 2^order
 * pages first uses up `space` pages, then only each interval-th may fail, with
 * the given probability, `times` times in all.
 */
struct fault_knobs {
	u32 probability; /* percent; 0: off */
	u32 interval;    /* every n-th eligible request, at least 1 */
	s64 times;       /* how many more; -1: without end */
	s64 space;       /* pages that are served before any fails */
	u32 min_order;
	bool ignore_reclaim; /* spare requests that may reclaim */
	bool ignore_highmem;
	u32 spare_band; /* spare requests of this band and above; NR_BANDS: none */
	u64 seed;       /* of the probability: the same seed, the same failures */
};

extern bool fault_on; /* (A) */
bool fault_decide(const struct alloc_request *rq);

/* Must this request fail? Then it is counted and in `mm explain` already. Asked
 * once, before the first try. Any. */
static inline bool fault_should_fail(const struct alloc_request *rq)
{
	return unlikely(__atomic_load_n(&fault_on, __ATOMIC_RELAXED)) && fault_decide(rq);
}

/* 0, ERR_RANGE (nothing changed). Task or boot. */
int fault_set(const struct fault_knobs *k);
struct fault_knobs fault_get(void);
/* Knobs that spare everything: off, interval 1, min_order 1, as in Linux. */
struct fault_knobs fault_default(void);
/* fail_page_alloc=INTERVAL,PROBABILITY,SPACE,TIMES. 0, ERR_INVAL, ERR_RANGE. Boot. */
int fault_parse(const char *text);
/* Requests failed so far. Any. */
u64 fault_count(void);

/* ---- trace (row 63) ---------------------------------------------------------------- */

enum trace_event {
	TRACE_ALLOC,         /* pfn or ~0 (null), order, gfp, type */
	TRACE_ALLOC_LOCKED,  /* from the zone's lists: pfn, order, type */
	TRACE_FREE,          /* pfn, order */
	TRACE_EXTFRAG,       /* pfn, order, type asked, type taken from */
	TRACE_PCP_DRAIN,     /* pfn, order, type */
	TRACE_WAKE_KSWAPD,   /* node, zone, order, gfp */
	TRACE_RECLAIM_BEGIN, /* order, gfp */
	TRACE_RECLAIM_END,   /* pages */
	NR_TRACE_EVENTS
};

extern bool trace_on; /* (A) */
void trace_record(enum trace_event e, u64 a, u64 b, u64 c, u64 d);

/* Into the ring of the latest events; a load and a branch when off. Any. */
static inline void trace_event(enum trace_event e, u64 a, u64 b, u64 c, u64 d)
{
	if (unlikely(__atomic_load_n(&trace_on, __ATOMIC_RELAXED)))
		trace_record(e, a, b, c, d);
}

/* ---- watching -------------------------------------------------------------------------- */

/* Something watches every block: the hit paths are closed (hit.c) while the
 * count of watchers is not 0. Both recompute every zone's pass. Task or boot. */
void watch_begin(void);
void watch_end(void);
/* Any. */
bool watch_active(void);

#endif
