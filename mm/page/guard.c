/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guard blocks; contracts in buddy.h. The neighbours of a block are its buddies
 * on the way up: what a split left behind, or an earlier free one of that size.
 *
 *      order 0  | served | G |             guards of orders 0 and 1 beside a
 *      order 1  |            |  G   |      page, with guard_below 2
 *      order 2  |                   | listed as ever
 *
 * A guard is on no list: PAGE_GUARD with its order in the head, counted by
 * nr_guard and not as free. Only the zone's lock is needed to change the linear
 * map of its pages, since nobody else has any business with them.
 */
#include "mm/boot/boot.h"
#include "mm/mm.h"
#include "mm/page/buddy.h"
#include "mm/stat/owner.h"

enum { GUARD_MOST_ORDER = MAX_PAGE_ORDER / 2 };

u32 guard_below;

void tm_init guard_init(void)
{
	guard_below = boot_info()->options.guard_minorder;
	BUG_ON_VAL(guard_below > GUARD_MOST_ORDER, guard_below, GUARD_MOST_ORDER);
	if (!guard_below)
		return;
	watch_begin();
	pr_info("debug_guardpage_minorder=%u: blocks below this order beside others are guards",
		guard_below);
}

/* The block of this order beside the one of this order that contains the frame. */
static u32 beside(u32 pfn, unsigned int order)
{
	return (pfn & ~((1u << order) - 1)) ^ 1u << order;
}

static bool is_block(const struct zone *z, u32 pfn, enum page_state state, unsigned int order)
{
	return (frame_peek(frame(pfn)) & ~(u32)PAGE_MT_MASK) ==
	       frame_flags(z->id, state, order, (enum migratetype)0);
}

/* Holding pages back must not be what sends anybody to reclaim. */
static bool has_plenty(const struct zone *z, u64 nr_pages)
{
	u64 keep = z->wmark[WMARK_HIGH] + z->boost + nr_pages;

	for (unsigned int t = 0; t < NR_ZONE_TYPES; t++)
		if (z->nr_usable <= keep + z->lowmem_reserve[t])
			return false;
	return true;
}

void guard_beside_locked(struct zone *z, const struct page *page, unsigned int order)
{
	u32 pfn = frame_number(page);

	BUG_ON_VAL(tm_debug && !spin_held(&z->lock), z->id, 0);
	for (; order < guard_below; order++) {
		u32 at = beside(pfn, order);

		if (!is_block(z, at, PAGE_FREE, order) || !has_plenty(z, 1ull << order))
			continue;
		tm_step();
		buddy_hide_locked(z, at, order);
		arch_linear_guard(pfn_to_phys(pfn_make(at)), 1ull << order, true);
	}
}

void guard_release_locked(struct zone *z, const struct page *page, unsigned int order)
{
	u32 pfn = frame_number(page);

	BUG_ON_VAL(tm_debug && !spin_held(&z->lock), z->id, 0);
	for (; order < guard_below; order++) {
		u32 at = beside(pfn, order);

		/* Up to where the block will merge, and no further. */
		if (is_block(z, at, PAGE_FREE, order))
			continue;
		if (!is_block(z, at, PAGE_GUARD, order))
			return;
		tm_step();
		arch_linear_guard(pfn_to_phys(pfn_make(at)), 1ull << order, false);
		buddy_unhide_locked(z, at, order);
	}
}

/* ---- when one was touched ------------------------------------------------------------ */

/* The guard block that contains the frame: its order, or NR_PAGE_ORDERS. */
static unsigned int guard_of(u64 pfn, u64 *head)
{
	for (unsigned int o = 0; o < GUARD_MOST_ORDER; o++) {
		u32 flags;

		*head = pfn & ~((1ull << o) - 1);
		flags = frame_peek(frame(*head));
		if (flags_state(flags) == PAGE_GUARD && flags_order(flags) >= o)
			return flags_order(flags);
	}
	return NR_PAGE_ORDERS;
}

bool mm_explain_fault(u64 va, char *buf, size_t size)
{
	u64 pfn = (va - ARCH_LINEAR_BASE) >> PAGE_SHIFT, head;
	unsigned int order;

	if (va < ARCH_LINEAR_BASE || !frame_exists(pfn))
		return false;
	order = guard_of(pfn, &head);
	if (order == NR_PAGE_ORDERS)
		return false;
	tm_snprintf(buf, size, "guard page, frame %#llx of order %u, beside the block at frame %#x",
		    (unsigned long long)head, order, beside((u32)head, order));
	owner_log(beside((u32)head, order));
	return true;
}
