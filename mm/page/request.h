/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request, filled once and passed down as const (rows 57, 58), and what a
 * try at it may do. What was found goes into the result of each function, never
 * back into the request. Who may change what: nobody changes a request; the
 * slow path makes a new struct alloc_try for each try.
 */
#ifndef MM_PAGE_REQUEST_H
#define MM_PAGE_REQUEST_H

#include "mm/boot/intake.h"
#include "mm/mm.h"

struct alloc_request {
	gfp_t gfp; /* after scopes and the boot mask */
	u32 order;
	u32 high; /* enum zone_type: highest it may use (row 22) */
	enum migratetype mt;
	u32 band;         /* 0..7 of the ladder, BAND_MEMALLOC: no floor */
	bool may_block;   /* DIRECT_RECLAIM, tasks run, not in an interrupt */
	bool may_reclaim; /* may_block, band below BAND_NO_RECLAIM, no memalloc (row 72) */
	bool cma;         /* free CMA counts for it (row 53) */
	bool highatomic;  /* may take from the reserve (rows 55, 60) */
	int node;         /* preferred, by caller or policy */
	bool interleave;  /* node was chosen in turn: served there, it is numa_interleave */
	bool by_policy;   /* node and nodes come from the task's policy */
	u32 cookie;       /* of the task's limits, before policy was looked at (row 76) */
	u64 nodes;        /* nodes policy lets it use; ~0: all */
	const struct zoneref *list; /* of that node */
	const void *site;           /* who asked: return address, for owner and explain */
};

/* One walk over the list. */
struct alloc_try {
	u32 band;       /* floor to respect: that of this band, or */
	bool low_mark;  /* the low mark, boosted, instead (row 57's first try) */
	bool high_mark; /* the high mark (row 77, before OOM) */
	bool any_node;  /* forget rq->nodes (row 70) */
	bool cpuset;    /* keep to the task's limits (row 86) */
};

/* The map from priorities to bands, and whether the ladder is on; requests may
 * not block yet (row 62). Boot, with the marks. */
void request_init(const struct boot_options *o);
/* Band of a task of this priority, nothing else considered. Any. */
u32 request_prio_band(unsigned int prio);
/* False: booted with ladder=off, two levels as in Linux. Any. */
bool request_ladder(void);

/*
 * Everything row 57 does before the first try, from flags, context and policy.
 * ERR_INVAL: contradicting flags (a panic in BUILD=test) or an order over 10, both
 * counted and named in the log once a second; ERR_NOENT: no such node or an empty
 * list. node NODE_NONE: by policy. The sanity of flags (rows 64, 66) is judged
 * here, once. Any.
 */
int request_fill(struct alloc_request *rq, int node, gfp_t gfp, unsigned int order,
		 const void *site);
/* The same with a policy that is not the task's. */
int request_fill_policy(struct alloc_request *rq, const struct mm_policy *p, u64 index, gfp_t gfp,
			unsigned int order, const void *site);

/* Row 76: the limits have changed, so look at policy and cookie again. rq is the
 * caller's own copy. The context of the request. */
void request_place_again(struct alloc_request *rq);

/* Band of a request (design section 5): effective priority, context, rights. */
u32 request_band(gfp_t gfp, bool may_block);
/* Requests refused for their flags, since boot. Any. */
u64 request_refused(void);

#endif
