/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The migratetype of each pageblock (order 9): one byte per block, the only
 * place where it is kept (row 37). Readable without the zone lock; written
 * under it. The map is backed where RAM is, like the frame array, so callers
 * pass frames that exist.
 */
#ifndef MM_PAGE_PAGEBLOCK_H
#define MM_PAGE_PAGEBLOCK_H

#include "mm/types.h"

enum { PAGEBLOCK_TYPE_MASK = 7 }; /* the bits above are for scanners */
_Static_assert(MIGRATE_TYPES <= PAGEBLOCK_TYPE_MASK + 1, "a type fits the map");

static inline u8 *pageblock_entry(u64 pfn)
{
	return (u8 *)(uintptr_t)ARCH_PBLOCK_BASE + (pfn >> PAGEBLOCK_ORDER);
}

/* Type of the block that contains the frame. Any. */
static inline enum migratetype pageblock_type(u64 pfn)
{
	u8 entry = __atomic_load_n(pageblock_entry(pfn), __ATOMIC_RELAXED);

	return (enum migratetype)(entry & PAGEBLOCK_TYPE_MASK);
}

/* Set the type of every block that touches [start, end). Zone lock held once
 * tasks run; one block a call then. */
void pageblock_set_type(u64 start, u64 end, enum migratetype mt);

/* Name as /proc/pagetypeinfo prints it. Any. */
const char *migratetype_name(enum migratetype mt);

/* Blocks of a border kind never merge with another type, not even as whole
 * blocks: what leaves them would be lost to their owner. */
static inline bool migratetype_is_border(enum migratetype mt)
{
	return mt >= MIGRATE_HIGHATOMIC;
}

#endif
