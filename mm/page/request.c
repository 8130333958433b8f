// SPDX-License-Identifier: Apache-2.0
/*
 * From flags and context to a request (rows 22, 57, 58): decided once here, and
 * nobody below looks at a flag for these questions again.
 */
#include "mm/page/request.h"

#include "mm/boot/topology.h"
#include "mm/page/page_alloc.h"

enum { ZONE_BITS = __GFP_DMA | __GFP_DMA32 | __GFP_HIGHMEM };

static u64 nr_refused; /* (A) */

u64 request_refused(void)
{
	return __atomic_load_n(&nr_refused, __ATOMIC_RELAXED);
}

/* Row 22. */
static u32 highest_zone(gfp_t gfp)
{
	if (likely(!(gfp & ZONE_BITS)))
		return ZONE_NORMAL;
	if (gfp & __GFP_DMA)
		return ZONE_DMA;
	if (gfp & __GFP_DMA32)
		return ZONE_DMA32;
	return gfp & __GFP_MOVABLE ? ZONE_MOVABLE : ZONE_NORMAL;
}

u32 request_band(gfp_t gfp, bool may_block)
{
	u32 band = BAND_ORDINARY;

	if (in_interrupt())
		return BAND_INTERRUPT;
	if (gfp & __GFP_HIGH)
		band = may_block ? BAND_REALTIME : BAND_ATOMIC;
	return band;
}

int request_fill(struct alloc_request *rq, int node, gfp_t gfp, unsigned int order,
		 const void *site)
{
	u32 which = gfp & __GFP_THISNODE ? ZONELIST_THISNODE : ZONELIST_FALLBACK;

	if (node == NODE_NONE)
		node = (int)cpu_to_node(cpu_id());
	if (unlikely(order > MAX_PAGE_ORDER)) {
		__atomic_fetch_add(&nr_refused, 1, __ATOMIC_RELAXED);
		return ERR_INVAL;
	}
	if (unlikely((u32)node >= MAX_NODES || !node_table[node]))
		return ERR_NOENT;
	BUG_ON_VAL((gfp & __GFP_MOVABLE) && (gfp & __GFP_RECLAIMABLE), gfp, 0);
	*rq = (struct alloc_request){
		.gfp = gfp,
		.order = order,
		.high = highest_zone(gfp),
		.mt = (enum migratetype)(gfp & (__GFP_MOVABLE | __GFP_RECLAIMABLE)),
		.may_block = (gfp & __GFP_DIRECT_RECLAIM) && !in_interrupt(),
		.node = node,
		.nodes = ~0ull,
		.list = node_table[node]->zonelist[which],
		.site = site,
	};
	rq->band = request_band(gfp, rq->may_block);
	rq->may_reclaim = rq->may_block && rq->band < BAND_NO_RECLAIM;
	return rq->list->zone ? 0 : ERR_NOENT;
}
