/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a request wants its memory, and where it may have it (rows 76, 82-86):
 * the calling task's policy, a policy of a range, and the task's limits, as node
 * masks the walk can apply. Policies are resolved when they are set; a request
 * reads two words. Nothing here takes a lock or looks at free memory.
 *
 * Limits come before policy: a policy none of whose nodes the task may use has
 * no effect while that lasts. Interrupts have neither, whoever they interrupt.
 */
#ifndef MM_PAGE_POLICY_H
#define MM_PAGE_POLICY_H

#include "mm/mm.h"

/* What a policy says about one request. */
struct placement {
	int node;        /* preferred: the zonelist of this one is walked */
	u64 nodes;       /* no others serve it; ~0: all may */
	bool interleave; /* node was chosen in turn: served there, it is numa_interleave */
};

/*
 * Of the calling task: for requests that name no node. Takes the next turn when
 * it interleaves. THISNODE means the CPU's node, whatever the policy. Any.
 */
struct placement policy_of_task(gfp_t gfp);
/*
 * Of a range (row 84): its block of this order with page number `index` in it.
 * 0; ERR_INVAL: the policy is malformed. Any.
 */
int policy_of_range(const struct mm_policy *p, u64 index, gfp_t gfp, unsigned int order,
		    struct placement *place);

/*
 * Row 86: nodes that a request with these flags may use; ~0: all, as for
 * interrupts, dying tasks and OOM victims, and without HARDWALL, since an ancestor
 * may use everything. One load for tasks without limits. Any.
 */
u64 limits_nodes(gfp_t gfp);
/* The same for one zone; also says whether its kswapd may be woken. Any. */
static inline bool limits_allow(const struct zone *z, gfp_t gfp)
{
	return limits_nodes(gfp) >> z->node & 1;
}

/*
 * Row 76: begin before the first look at policy or limits; retry before giving
 * up: true when the limits changed since, or change right now, so that the
 * failure says nothing and the request starts over. Any; never waits.
 */
u32 limits_begin(void);
bool limits_retry(u32 cookie);

#endif
