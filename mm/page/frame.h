/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors and lists of frames, for the files of mm/page and for those that
 * build or check them (rows 2, 4). page = frames + number; parts of the array
 * that describe no RAM are not backed, so code that did not get its number from
 * a list or a zone asks frame_exists() first.
 *
 * The caller holds the lock that the keys in mm/types.h name. No function here
 * walks a list.
 */
#ifndef MM_PAGE_FRAME_H
#define MM_PAGE_FRAME_H

#include "mm/types.h"

enum {
	PAGE_STATE_MASK = 0xf << PAGE_STATE_SHIFT,
	PAGE_ORDER_MASK = 0xf << PAGE_ORDER_SHIFT,
	PAGE_MT_MASK = 0xf << PAGE_MT_SHIFT,
	PAGE_ZONE_MASK = 0x1ff << PAGE_ZONE_SHIFT,
	NR_ZONES = MAX_NODES * NR_ZONE_TYPES,
};
_Static_assert(NR_ZONES <= (PAGE_ZONE_MASK >> PAGE_ZONE_SHIFT) + 1, "zone id fits its field");
_Static_assert((int)NR_PAGE_ORDERS <= (PAGE_ORDER_MASK >> PAGE_ORDER_SHIFT), "so does an order");

/*
 * One bit per unit of FRAME_UNIT_PAGES whose descriptors are backed, and the
 * longest run of them without a gap, which on most machines is all of it: what a
 * free looks at first. One line, then constant; built by boot/frames.c.
 */
struct frame_map {
	u64 run_start, run_frames; /* frames of the longest run */
	u64 nr_zone_ids;           /* highest id of a zone with pages, plus one */
	const u64 *units;
	u64 nr_units;
} tm_aligned(64);
extern struct frame_map frame_map;

static inline bool frame_in(const struct frame_map *map, u64 pfn)
{
	u64 unit = pfn / FRAME_UNIT_PAGES;

	return unit < map->nr_units && (map->units[unit / 64] >> unit % 64 & 1);
}

static inline bool frame_exists(u64 pfn)
{
	return frame_in(&frame_map, pfn);
}

static inline struct page *frame(u64 pfn)
{
	return (struct page *)(uintptr_t)ARCH_FRAMES_BASE + pfn;
}

static inline u32 frame_number(const struct page *page)
{
	return (u32)(page - (const struct page *)(uintptr_t)ARCH_FRAMES_BASE);
}

/* What flags say. */
static inline enum page_state flags_state(u32 flags)
{
	return (enum page_state)(flags & PAGE_STATE_MASK);
}

static inline unsigned int flags_order(u32 flags)
{
	return (flags & PAGE_ORDER_MASK) >> PAGE_ORDER_SHIFT;
}

static inline enum migratetype flags_list_type(u32 flags)
{
	return (enum migratetype)((flags & PAGE_MT_MASK) >> PAGE_MT_SHIFT);
}

/*
 * The flags of a frame that may not be ours, read once, so that all conclusions are
 * from the same value. Under the zone's lock a head is either the zone's, and stays
 * as it is, or that of a block which some CPU has: its owner may turn it between
 * PAGE_ALLOCATED and PAGE_CACHED at any time, but no zone, order or list changes
 * with that, and it does not become free. Without the lock it is a glance.
 */
static inline u32 frame_peek(const struct page *page)
{
	return __atomic_load_n(&page->flags, __ATOMIC_RELAXED);
}

/* Of a frame that is ours: the zone's, under its lock, or in a block we have. */
static inline enum page_state frame_state(const struct page *page)
{
	return flags_state(page->flags);
}

static inline unsigned int frame_order(const struct page *page)
{
	return flags_order(page->flags);
}

static inline enum migratetype frame_list_type(const struct page *page)
{
	return flags_list_type(page->flags);
}

static inline u32 frame_zone_id(const struct page *page)
{
	return (page->flags & PAGE_ZONE_MASK) >> PAGE_ZONE_SHIFT;
}

static inline u32 frame_flags(u32 zone_id, enum page_state state, unsigned int order,
			      enum migratetype mt)
{
	return zone_id << PAGE_ZONE_SHIFT | (u32)mt << PAGE_MT_SHIFT | order << PAGE_ORDER_SHIFT |
	       (u32)state << PAGE_STATE_SHIFT;
}

/* Two neighbouring words of a descriptor, the first in the low half: flags and
 * references, or what would say that it is mapped. */
static inline u64 frame_pair(const u32 *word)
{
	const u64 *pair = (const void *)word;

	return tm_debug ? __atomic_load_n(pair, __ATOMIC_RELAXED) : *pair;
}
#define FRAME_ONE_REF (1ull << 32)

static inline bool frame_is_mapped(const struct page *page)
{
	return (u32)(frame_pair(&page->mapping) | frame_pair(&page->mapcount));
}
_Static_assert(offsetof(struct page, flags) == 0 && offsetof(struct page, refcount) == 4,
	       "flags are the low half of the head");
_Static_assert(offsetof(struct page, mapping) == 16 && offsetof(struct page, mapcount) == 24,
	       "both low halves");

/* The compiler forgets how a value came about, and does not compute it again in
 * another, longer way together with the next one. */
#define FRAME_AS_IS(v) __asm__("" : "+r"(v))

static inline void page_list_init(struct page_list *l)
{
	l->head = PFN_NIL;
	l->tail = PFN_NIL;
	l->count = 0;
}

static inline void page_list_add_head(struct page_list *l, u32 pfn)
{
	struct page *page = frame(pfn);

	page->prev = PFN_NIL;
	page->next = l->head;
	if (l->head != PFN_NIL)
		frame(l->head)->prev = pfn;
	else
		l->tail = pfn;
	l->head = pfn;
	l->count++;
}

static inline void page_list_add_tail(struct page_list *l, u32 pfn)
{
	struct page *page = frame(pfn);

	page->next = PFN_NIL;
	page->prev = l->tail;
	if (l->tail != PFN_NIL)
		frame(l->tail)->next = pfn;
	else
		l->head = pfn;
	l->tail = pfn;
	l->count++;
}

/* The first frame, taken off; the list is not empty. */
static inline u32 page_list_pop(struct page_list *l)
{
	u32 pfn = l->head;
	u32 next = frame(pfn)->next;
	u32 *back_here = next != PFN_NIL ? &frame(next)->prev : &l->tail;

	BUG_ON_VAL(*back_here != pfn, pfn, next);
	*back_here = PFN_NIL;
	l->head = next;
	l->count--;
	return pfn;
}

static inline void page_list_del(struct page_list *l, u32 pfn)
{
	const struct page *page = frame(pfn);
	u32 *to_here = page->prev != PFN_NIL ? &frame(page->prev)->next : &l->head;
	u32 *back_here = page->next != PFN_NIL ? &frame(page->next)->prev : &l->tail;

	/* A link that does not point back is memory somebody else wrote to. */
	BUG_ON_VAL(*to_here != pfn || *back_here != pfn, pfn, *to_here);
	*to_here = page->next;
	*back_here = page->prev;
	l->count--;
}

#endif
