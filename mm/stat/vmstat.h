/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event counters (row 45), per CPU, summed by the views under the names Linux
 * gives them. Served and freed blocks are not counted here: they follow from the
 * caches' own numbers (mm/page/pcp.h), so that a hit pays nothing for them.
 */
#ifndef MM_STAT_VMSTAT_H
#define MM_STAT_VMSTAT_H

#include "mm/types.h"

enum vm_event {
	PGALLOC_LONG,   /* first tries that left the hit path */
	ALLOCSTALL_DMA, /* direct reclaim entered, by highest zone: 4 in a row */
	ALLOCSTALL_DMA32,
	ALLOCSTALL_NORMAL,
	ALLOCSTALL_MOVABLE,
	ALLOC_SLOWPATH, /* tm_ */
	ALLOC_FAILED,   /* tm_ null to the caller */
	ALLOC_REFUSED,  /* tm_ contradicting flags, order over 10 */
	KSWAPD_WAKE,    /* tm_ asked for */
	COMPACT_STALL,
	COMPACT_FAIL,
	COMPACT_DIRECT_SUCCESS, /* compact_success */
	OOM_KILL,
	ALLOC_FALLBACK,       /* tm_ served from another type */
	PAGEBLOCK_STEAL,      /* tm_ whole pageblock changed type */
	BOOST,                /* tm_ watermark boosted */
	HIGHATOMIC_RESERVE,   /* tm_ */
	HIGHATOMIC_UNRESERVE, /* tm_ */
	PCP_REFILL,
	PCP_DRAIN,      /* tm_ chunks */
	DRAIN_ALL,      /* tm_ global drains (row 50) */
	FAULT_INJECTED, /* tm_ row 61 */
	COOKIE_RETRY,   /* tm_ row 76 */
	NR_VM_EVENTS
};

/* One up, on this CPU. Any. */
void vm_event(enum vm_event e);
void vm_events(enum vm_event e, u64 n);
/* Sum over all CPUs that ever ran. Any. */
u64 vm_event_sum(enum vm_event e);

#endif
