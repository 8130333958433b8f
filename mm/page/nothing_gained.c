// SPDX-License-Identifier: Apache-2.0
/*
 * The answers of reclaim, compaction and the OOM killer while none of them is
 * built: nothing was gained, nobody was woken. Tests link their own in place of
 * this file. It goes away piece by piece as those rooms come.
 */
#include "mm/page/mobility.h"
#include "mm/page/slowpath.h"

u64 slow_reclaim(const struct alloc_request *rq)
{
	(void)rq;
	return 0;
}

u64 slow_reclaimable(const struct zone *z)
{
	(void)z;
	return 0;
}

enum compact_result slow_compact(const struct alloc_request *rq, enum compact_mode mode)
{
	(void)rq;
	(void)mode;
	return COMPACT_SKIPPED;
}

/* Reclaim of a boost that gained nothing ends, too, with the boost lowered by
 * what was there at its beginning. */
void slow_wake_kswapd(struct zone *z, const struct alloc_request *rq)
{
	(void)rq;
	mobility_lower_boost(z, __atomic_load_n(&z->boost, __ATOMIC_RELAXED));
}

bool slow_out_of_memory(const struct alloc_request *rq)
{
	(void)rq;
	return false;
}

bool slow_dirty_ok(const struct node *n)
{
	(void)n;
	return true;
}

bool slow_node_reclaim(struct zone *z, const struct alloc_request *rq)
{
	(void)z;
	(void)rq;
	return false;
}
