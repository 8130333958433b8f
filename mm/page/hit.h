/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hit path: a small block from or to this CPU's cache, for page_alloc.c and
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
	/* Flags that decide something, or may contradict: the long way judges. */
	HIT_NEVER = __GFP_DMA | __GFP_DMA32 | __GFP_ATOMIC | __GFP_NOFAIL | __GFP_MEMALLOC |
		    __GFP_THISNODE | __GFP_WRITE | ~GFP_BITS,
	HIT_MOBILITY = __GFP_MOVABLE | __GFP_RECLAIMABLE,
};
_Static_assert((int)__GFP_DMA == HIT_MOBILITY + 1,
	       "both mobilities carry into a flag of HIT_NEVER");
_Static_assert((int)__GFP_HIGHMEM == __GFP_MOVABLE << 4, "hit_zone() shifts one onto the other");

/* Neither flags nor task want more than a block of the local node. */
static inline bool hit_is_plain(const struct mm_task *me, gfp_t gfp)
{
	u32 special = __atomic_load_n(&me->special, __ATOMIC_RELAXED);

	if (tm_debug && (gfp & __GFP_DIRECT_RECLAIM) && !may_sleep())
		return false;
	return !(special | ((gfp | (gfp + 1)) & (u32)HIT_NEVER));
}

/* Index into pcp_cpu.first: 1 where ZONE_MOVABLE may serve. */
static inline u32 hit_zone(gfp_t gfp)
{
	return gfp >> 4 & gfp & 1;
}

/* References and flags of a head, read and written as one. */
static inline u64 hit_head(const struct page *page)
{
	return *(const u64 *)(const void *)page;
}

static inline void hit_set_head(struct page *page, u64 head)
{
	*(u64 *)(void *)page = head;
}
_Static_assert(offsetof(struct page, flags) == 0 && offsetof(struct page, refcount) == 4,
	       "flags are the low half of the word");
enum { HIT_TAKEN = PAGE_CACHED ^ PAGE_ALLOCATED };
#define HIT_ONE_REF (1ull << 32)

/*
 * The block on top of the list of such requests; null: it is empty, the zone is
 * not above the mark, or the block is damaged. Masked.
 */
static inline struct page *hit_take(const struct mm_task *me, gfp_t gfp, unsigned int order)
{
	u32 which = hit_zone(gfp);
	struct pcp *p = me->cache->first[which];
	struct pcp_list *l = &p->list[order][gfp & HIT_MOBILITY];
	struct page *page = frame(l->head);
	const struct zone *z;

	if (unlikely(l->head == PFN_NIL))
		return NULL;
	z = p->zone;
	if (unlikely(__atomic_load_n(&z->nr_usable, __ATOMIC_RELAXED) <=
		     __atomic_load_n(&z->pass[ZONE_NORMAL + which], __ATOMIC_RELAXED)))
		return NULL;
	if (unlikely(hit_head(page) != l->flags || (page->mapping | page->mapcount)))
		return NULL;
	l->head = page->next;
	l->taken++;
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
static inline bool hit_put(const struct mm_task *me, struct page *page, unsigned int order)
{
	/* A pointer into the middle of a descriptor becomes a number beyond all. */
	u64 pfn = hit_rotate((u64)(uintptr_t)page - ARCH_FRAMES_BASE, 5);
	struct pcp_list *l;
	struct pcp *p;
	u64 head, id;
	u32 type;

	if (unlikely(pfn - frame_map.run_start >= frame_map.run_frames && !frame_exists(pfn)))
		return false;
	type = pageblock_type(pfn);
	if (unlikely(type >= PCP_TYPES))
		return false;
	head = hit_head(page);
	/* All but the zone's id must cancel out. */
	id = hit_rotate(head ^ (HIT_ONE_REF | type << PAGE_MT_SHIFT | order << PAGE_ORDER_SHIFT |
				(u32)PAGE_ALLOCATED << PAGE_STATE_SHIFT),
			PAGE_ZONE_SHIFT);
	if (unlikely(id >= frame_map.nr_zone_ids || (page->mapping | page->mapcount)))
		return false;
	p = &me->cache->zone[id];
	l = &p->list[order][type];
	if (unlikely(l->put - l->taken >= __atomic_load_n(&p->limit[order], __ATOMIC_RELAXED)))
		return false;
	page->next = l->head;
	hit_set_head(page, (u32)head ^ HIT_TAKEN);
	l->head = (u32)pfn;
	l->put++;
	return true;
}
_Static_assert(sizeof(struct page) == 1 << 5, "hit_put() divides by rotating");

#endif
