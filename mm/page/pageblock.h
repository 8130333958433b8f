/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The migratetype of each pageblock (order 9): one byte in its entry, the only
 * place where it is kept (row 37), beside its counts. Readable without the zone lock; written
 * under it. The map is backed where RAM is, like the frame array, so callers
 * pass frames that exist.
 */
#ifndef MM_PAGE_PAGEBLOCK_H
#define MM_PAGE_PAGEBLOCK_H

#include "mm/types.h"

static inline struct pageblock *pageblock_entry(u64 pfn)
{
	return (struct pageblock *)(uintptr_t)ARCH_PBLOCK_BASE + (pfn >> PAGEBLOCK_ORDER);
}

/* Type of the block that contains the frame. Any. */
static inline enum migratetype pageblock_type(u64 pfn)
{
	return (enum migratetype)__atomic_load_n(&pageblock_entry(pfn)->type, __ATOMIC_RELAXED);
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
