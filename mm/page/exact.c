/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contiguous memory in whole pages instead of powers of two; contracts in
 * mm/mm.h. A block of the next order is cut: its first pages become heads of order
 * 0, so that each may be freed by itself, the rest becomes the few aligned blocks
 * it consists of and goes back. Cutting happens under the zone lock, since the
 * blocks of a zone are looked at by head, at most CUT steps a hold.
 */
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/buddy.h"
#include "mm/page/page_alloc.h"
#include "mm/stat/owner.h"

enum { CUT = 32 };

/* Pages of a size; 0: none, or more than a block of the highest order. */
static u64 pages_of(u64 nr_bytes)
{
	u64 most = (u64)MAX_ORDER_PAGES << PAGE_SHIFT;

	return nr_bytes > most ? 0 : (nr_bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* Two heads instead of one. */
static void split_locked(struct zone *z, struct page *page, unsigned int order)
{
	u32 flags = frame_flags(z->id, PAGE_ALLOCATED, order, frame_list_type(page));
	struct page *upper = page + (1u << order);

	upper->refcount = 1;
	upper->mapping = 0;
	upper->mapcount = 0;
	upper->flags = flags;
	page->flags = flags;
	z->nr_alloc++;
}

/*
 * Frames [0, nr) of the block become single, the rest the aligned blocks it
 * consists of. Whatever reaches over the end of the singles is halved, the first
 * block first, so that at any time every frame is in a block with a head.
 */
static void cut(struct page *page, unsigned int order, u64 nr)
{
	struct zone *z = zone_table[frame_zone_id(page)];
	u64 at = 0;

	while (at < nr && order) {
		u64 flags = spin_lock_irqsave(&z->lock);

		for (unsigned int i = 0; i < CUT && at < nr; i++) {
			if (frame_order(page + at))
				split_locked(z, page + at, frame_order(page + at) - 1);
			else
				at++;
		}
		spin_unlock_irqrestore(&z->lock, flags);
	}
}

void *alloc_pages_exact(u64 nr_bytes, gfp_t gfp)
{
	const void *site = __builtin_return_address(0);
	u64 nr = pages_of(nr_bytes);
	unsigned int order = fls_u64(nr - 1);
	struct page *page;

	if (!nr)
		return NULL;
	page = page_alloc_long(gfp & ~(gfp_t)__GFP_ZERO, order, site);
	if (!page)
		return NULL;
	cut(page, order, nr);
	for (u64 at = nr, next; at < 1ull << order; at = next) {
		next = at + (1ull << frame_order(page + at));
		free_pages(page + at, frame_order(page + at));
	}
	for (u64 i = 0; i < nr; i++) {
		owner_set(page + i, 0, gfp, site);
		if (gfp & __GFP_ZERO)
			clear_page(page_address(page + i));
	}
	return page_address(page);
}

void free_pages_exact(void *p, u64 nr_bytes)
{
	struct page *page = virt_to_page(p);

	for (u64 i = 0, nr = pages_of(nr_bytes); i < nr; i++)
		free_pages(page ? page + i : NULL, 0);
}
