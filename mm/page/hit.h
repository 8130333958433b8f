/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hit path: a small block from or to this CPU's cache, for hit.c and
 * bulk.c, who inline it. It knows no band, no policy and no owner: whoever needs
 * one goes the long way (walk.c), and whoever watches closes this one (pcp.h).
 *
 * A request reads its task's words, the cache's list, the first line of the zone
 * and the descriptor; a free its task's words, the frame map, the descriptor, the
 * type of its pageblock and the cache's list. Everything is masked but what looks
 * at constants and at the caller's own block.
 */
#ifndef MM_PAGE_HIT_H
#define MM_PAGE_HIT_H

#include "mm/mm.h"
#include "mm/page/pageblock.h"
#include "mm/page/pcp.h"

enum {
	/* Flags that decide something, or may contradict: the long way judges. Both
	 * mobilities at once find an empty list (struct pcp_row). */
	HIT_NEVER = __GFP_DMA | __GFP_DMA32 | __GFP_ATOMIC | __GFP_NOFAIL | __GFP_MEMALLOC |
		    __GFP_THISNODE | __GFP_WRITE | ~GFP_BITS,
	HIT_MOBILITY = __GFP_MOVABLE | __GFP_RECLAIMABLE,
	HIT_TAKEN = PAGE_CACHED ^ PAGE_ALLOCATED,
};
_Static_assert((int)__GFP_HIGHMEM == __GFP_MOVABLE << 4, "hit_zone() shifts one onto the other");
#define HIT_ONE_REF FRAME_ONE_REF

/*
 * Relaxed reads of what others write. A plain load is the same machine instruction
 * as an atomic one, but the compiler knows how to put an offset or an extension into
 * it; nothing is read twice, since the masking around is a barrier. Builds with
 * checks, which the thread sanitizer may look at, say it in full.
 */
static inline u64 hit_read64(const u64 *word)
{
	return tm_debug ? __atomic_load_n(word, __ATOMIC_RELAXED) : *word;
}

static inline u32 hit_read32(const u32 *word)
{
	return tm_debug ? __atomic_load_n(word, __ATOMIC_RELAXED) : *word;
}

static inline u16 hit_read16(const u16 *word)
{
	return tm_debug ? __atomic_load_n(word, __ATOMIC_RELAXED) : *word;
}

static inline u8 hit_read8(const u8 *word)
{
	return tm_debug ? __atomic_load_n(word, __ATOMIC_RELAXED) : *word;
}

#define HIT_AS_IS(v) FRAME_AS_IS(v)

static inline u64 hit_pair(const u32 *word)
{
	return frame_pair(word);
}

static inline void hit_set_head(struct page *page, u64 head)
{
	/* Whole: a merge next door may look at it under its zone's lock. */
	__atomic_store_n((u64 *)(void *)&page->flags, head, __ATOMIC_RELAXED);
}

/* Somebody mapped it, or wrote where that would be said. */
static inline bool hit_is_mapped(const struct page *page)
{
	return frame_is_mapped(page);
}

/* Neither flags nor task want more than a block of the local node. */
static inline bool hit_is_plain(const struct mm_task *me, gfp_t gfp)
{
	u32 special = hit_read32(&me->special);

	if (tm_debug && (gfp & __GFP_DIRECT_RECLAIM) && !may_sleep())
		return false;
	return !(special | (gfp & (u32)HIT_NEVER));
}

/* Index into pcp_cpu.first: 1 where ZONE_MOVABLE may serve. */
static inline u64 hit_zone(gfp_t gfp)
{
	return gfp >> 4 & gfp & 1;
}

/*
 * The block on top of the list of such requests; null: it is empty, the zone is
 * not above the mark, or the block is damaged. Masked.
 */
static inline struct page *hit_take(const struct mm_task *me, gfp_t gfp, u64 order)
{
	u64 which = hit_zone(gfp);
	struct pcp_row *row = me->cache->first[which]->row + order;
	struct pcp_list *l;
	const u64 *pass;
	struct page *page;
	u32 head, next, taken;

	HIT_AS_IS(row);
	l = row->list + (gfp & HIT_MOBILITY);
	HIT_AS_IS(l);
	head = l->head;
	if (unlikely(head == PFN_NIL))
		return NULL;
	pass = (const u64 *)(const void *)row->zone + which;
	HIT_AS_IS(pass);
	if (unlikely(hit_read64(&row->zone->nr_usable) <=
		     hit_read64(pass + offsetof(struct zone, pass[ZONE_NORMAL]) / sizeof(u64))))
		return NULL;
	page = frame(head);
	taken = l->taken;
	if (unlikely(hit_pair(&page->flags) != l->flags || hit_is_mapped(page)))
		return NULL;
	next = page->next;
	l->taken = taken + 1;
	l->head = next;
	hit_set_head(page, (l->flags ^ HIT_TAKEN) | HIT_ONE_REF);
	return page;
}
_Static_assert(ZONE_MOVABLE == ZONE_NORMAL + 1, "pass[] is indexed by that");

/* Rotated, so that what must be zero lies above what is compared. */
static inline u64 hit_rotate(u64 v, unsigned int by)
{
	return v >> by | v << (64 - by);
}

/*
 * An intact, allocated block of the order onto the list of its type; false: it is
 * not one, has another type than its pageblock, or the list is full or closed:
 * nothing was changed then. Masked.
 */
static inline bool hit_put(const struct mm_task *me, struct page *page, u64 order)
{
	/* A pointer into the middle of a descriptor becomes a number beyond all. */
	u64 pfn = hit_rotate((u64)(uintptr_t)page - ARCH_FRAMES_BASE, 5);
	const struct frame_map *map = &frame_map;
	u64 head, id, type;
	struct pcp_row *row;
	struct pcp_list *l;
	struct pcp *p;
	u32 put;

	HIT_AS_IS(map);
	if (unlikely(pfn - map->run_start >= map->run_frames && !frame_in(map, pfn)))
		return false;
	type = hit_read8(&pageblock_entry(pfn)->type);
	head = hit_pair(&page->flags);
	/* Only the zone's id is left when the head says one reference, allocated, this
	 * order, and the pageblock's type, which no border has. */
	id = head ^ order << PAGE_ORDER_SHIFT;
	HIT_AS_IS(id);
	id ^= type << PAGE_MT_SHIFT;
	HIT_AS_IS(id);
	id ^= HIT_ONE_REF;
	HIT_AS_IS(id);
	id = hit_rotate(id ^ PAGE_ALLOCATED << PAGE_STATE_SHIFT, PAGE_ZONE_SHIFT);
	if (unlikely(id >= map->nr_zone_ids || hit_is_mapped(page)))
		return false;
	p = me->cache->zone + id;
	HIT_AS_IS(p);
	row = p->row + order;
	HIT_AS_IS(row);
	l = row->list + type;
	HIT_AS_IS(l);
	put = l->put;
	if (unlikely(put - l->taken >= hit_read16(&row->limit)))
		return false;
	page->next = l->head;
	hit_set_head(page, (u32)head ^ HIT_TAKEN);
	l->head = (u32)pfn;
	l->put = put + 1;
	return true;
}
_Static_assert(sizeof(struct page) == 1 << 5, "hit_put() divides by rotating");

#endif
