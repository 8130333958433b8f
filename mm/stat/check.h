/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The validator's two halves: check.c walks frames and lists of a zone,
 * check_cache.c the per-CPU caches. For these two files alone; mm_check() in
 * mm/mm.h is the face. One walk at a time touches a check_walk: its caller's.
 */
#ifndef MM_STAT_CHECK_H
#define MM_STAT_CHECK_H

#include "mm/mm.h"
#include "mm/page/pcp.h"

/* What a frame counts as in its pageblock (mm/types.h). */
enum check_kind {
	CHECK_OTHER,
	CHECK_FREE,
	CHECK_MOVABLE,
	CHECK_HOLE,
	CHECK_FOREIGN,
	NR_CHECK_KINDS
};

struct check_walk {
	struct out *out;
	const struct zone *z;
	unsigned int findings;
	u64 generation; /* of the zone when this try began */

	/* Inside a block: frames still to come that must be tails, and what they count as. */
	u64 inside;
	enum check_kind kind;
	u32 in_block[NR_CHECK_KINDS]; /* frames of the pageblock so far, by kind */
	/* Recounted, in pages, and blocks by list. */
	u64 free[MIGRATE_TYPES];
	u64 allocated, cached, guards, leaked, reserved, holes;
	u64 blocks[NR_PAGE_ORDERS][MIGRATE_TYPES];
};

/* One finding: counted, and the first ones printed with zone and frame. */
void check_found(struct check_walk *w, u64 pfn, const char *fmt, ...) tm_printf(3, 4);

/*
 * Every CPU's caches of one zone: lists as long as their counters say, each block
 * one that a cache may hold. Each CPU looks at its own in steps of 32 links, in a
 * call from ours; a list that changes between its steps is begun again, and after
 * a few times left. *pages gets what they hold. False: some list never held still,
 * or a CPU did not answer within 100 ms, or somebody else looks just now. Task.
 */
bool check_caches_of(struct check_walk *w, const struct zone *z, u64 *pages);
/* Changes when a block enters or leaves a cache of this zone. Any. */
u64 check_cache_generation(const struct zone *z);
/* Before the first check_caches_of(). Boot. */
void check_cache_init(void);

#endif
