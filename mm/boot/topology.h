/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What boot found out about the shape of memory and what stays true for good:
 * banks, nodes, zones, distances. Built by frames.c, nodes.c and zones.c, then
 * constant, so every context reads it without a lock. For mm/ only; others use
 * the functions of mm/mm.h.
 */
#ifndef MM_BOOT_TOPOLOGY_H
#define MM_BOOT_TOPOLOGY_H

#include "mm/boot/boot.h"
#include "mm/page/frame.h"

/* By node id, null where there is none; by zone id likewise. */
extern struct node *node_table[MAX_NODES];
extern struct zone *zone_table[NR_ZONES];
extern u8 cpu_node_table[MAX_CPUS];

/* RAM as memblock had it: whole frames, rising, each span in one node. */
const struct memblock_span *ram_spans(u32 *nr);
/* Pages that hold descriptors, the pageblock map and the map of units. */
u64 frames_metadata_pages(void);
/* So many more, of a side array. Boot. */
void frames_count_metadata(u64 nr_pages);

/* Zone of a frame that has a descriptor; null: a hole, or a damaged one. */
static inline struct zone *page_zone(const struct page *page)
{
	u32 id = frame_zone_id(page);

	return id < NR_ZONES && frame_state(page) != PAGE_HOLE ? zone_table[id] : NULL;
}

/* Next zone with pages in the order of node and type, from id on; null at the
 * end. Start with 0 and go on with the result's id + 1. */
struct zone *zone_next(u32 id);

/* zonelists.c: both lists of every node, from zones with present pages. */
void zonelists_init(const struct boot_info *bi);

/* The arithmetic of zones.c, for tests. */
struct zone_limits {
	u64 end[NR_ZONE_TYPES];      /* frame number each type ends at, machine wide */
	u64 movable[MAX_NODES];      /* where ZONE_MOVABLE begins; 0: no such zone */
	enum zone_type movable_zone; /* highest type with RAM: MOVABLE is cut from it */
};
void zone_limits_init(struct zone_limits *zl, const struct boot_info *bi);

#endif
