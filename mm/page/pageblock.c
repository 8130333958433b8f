/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pageblock map's writers and names; see pageblock.h. The map itself is
 * backed by boot/frames.c.
 */
#include "mm/page/pageblock.h"

void pageblock_set_type(u64 start, u64 end, enum migratetype mt)
{
	const struct pageblock *last = pageblock_entry(end - 1);

	BUG_ON_VAL(start >= end || mt >= MIGRATE_TYPES, start, mt);
	for (struct pageblock *b = pageblock_entry(start); b <= last; b++)
		__atomic_store_n(&b->type, (u8)mt, __ATOMIC_RELAXED);
}

const char *migratetype_name(enum migratetype mt)
{
	static const char *const names[MIGRATE_TYPES] = {
		[MIGRATE_UNMOVABLE] = "Unmovable",
		[MIGRATE_MOVABLE] = "Movable",
		[MIGRATE_RECLAIMABLE] = "Reclaimable",
		[MIGRATE_HIGHATOMIC] = "HighAtomic",
		[MIGRATE_CMA] = "CMA",
		[MIGRATE_ISOLATE] = "Isolate",
	};

	BUG_ON_VAL(mt >= MIGRATE_TYPES, mt, 0);
	return names[mt];
}
