/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counters under the names of Linux, in its order, each computed in one
 * place: zoneinfo, vmstat and the files of a node print the same numbers, so
 * their sums agree. Nothing is counted here: values follow from the zones' and the
 * caches' own numbers by the equations of mm/types.h and mm/page/pcp.h, read
 * without a lock, each whole. What this kernel does not have is 0.
 */
#ifndef MM_STAT_ITEMS_H
#define MM_STAT_ITEMS_H

#include "mm/types.h"

enum { NR_ZONE_ITEMS = 11, NR_NUMA_ITEMS = 6, NR_NODE_ITEMS = 43 };
extern const char *const zone_item_names[NR_ZONE_ITEMS];
extern const char *const numa_item_names[NR_NUMA_ITEMS];
extern const char *const node_item_names[NR_NODE_ITEMS];

/* In pages. i < NR_ZONE_ITEMS, NR_NODE_ITEMS. Any. */
u64 zone_item(const struct zone *z, unsigned int i);
u64 node_item(const struct node *n, unsigned int i);

/*
 * What happened to a zone since boot: blocks and pages served and freed, the part
 * of the blocks served to CPUs of its own node, and row 16. served - freed, in
 * pages, is what is held now. Hand-over and init sections count as neither. Any.
 */
struct zone_traffic {
	u64 blocks_served, blocks_freed;
	u64 pages_served, pages_freed;
	u64 local; /* of blocks_served */
	u64 miss, foreign, interleave;
	u64 cached; /* pages in caches now */
};
struct zone_traffic zone_traffic(const struct zone *z);
/* Pages in the zone's cache of one CPU now; 0 where it has none. Any. */
u64 zone_cached(const struct zone *z, unsigned int cpu);
/* Item i < NR_NUMA_ITEMS of what zone_traffic() returned. */
u64 numa_item(const struct zone_traffic *t, unsigned int i);

#endif
