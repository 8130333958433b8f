/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contiguous memory in whole pages instead of powers of two; contracts in
 * mm/mm.h. Each page of it is a head of order 0, so that it may be freed by itself.
 * A small size is often on top of this CPU's cache already, where the last one of
 * its kind was put back: a group of single pages that lie together. Else a block of
 * the next order is cut, under the zone lock, since the blocks of a zone are looked
 * at by head, at most PIECE frames a hold; what it has too much goes back.
 */
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/buddy.h"
#include "mm/page/hit.h"
#include "mm/page/page_alloc.h"
#include "mm/page/page_check.h"
#include "mm/stat/owner.h"

enum { PIECE_ORDER = 5, PIECE = 1 << PIECE_ORDER };
_Static_assert(PIECE % PCP_CHUNK == 0, "pages that are cached together are cut together");

/* Pages of a size; 0: none, or more than a block of the highest order. */
static u64 pages_of(u64 nr_bytes)
{
	u64 most = (u64)MAX_ORDER_PAGES << PAGE_SHIFT;

	return nr_bytes > most ? 0 : (nr_bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* ---- from the cache ----------------------------------------------------------------- */

/* What the list goes on with when a complete aligned group of intact pages is on top of
 * it, whatever their order; else its top. */
static inline u32 behind_group(const struct pcp_list *l)
{
	u32 first = l->head & ~(u32)(PCP_CHUNK - 1), pfn = l->head, seen = 0;

	for (unsigned int i = 0; i < PCP_CHUNK && pfn - first < PCP_CHUNK; i++) {
		const struct page *page = frame(pfn);

		if (unlikely(hit_pair(&page->flags) != l->flags || hit_is_mapped(page)))
			break;
		seen |= 1u << (pfn - first);
		pfn = page->next;
	}
	return seen == (1u << PCP_CHUNK) - 1 ? pfn : l->head;
}

/* The first pages of such a group, at most all; the others stay on top. Null: not this way. */
static struct page *take_from_group(gfp_t gfp, unsigned int nr)
{
	const struct mm_task *me = mm_own();
	enum migratetype mt = (enum migratetype)(gfp & HIT_MOBILITY);
	u64 which = hit_zone(gfp), flags;
	struct page *page = NULL;
	struct pcp_list *l;
	struct pcp_row *row;
	u32 behind;

	if (unlikely(!hit_is_plain(me, gfp) || mt > MIGRATE_RECLAIMABLE))
		return NULL;
	flags = arch_irq_save();
	row = me->cache->first[which]->row;
	l = &row->list[mt];
	if (l->head != PFN_NIL &&
	    hit_read64(&row->zone->nr_usable) > hit_read64(&row->zone->pass[ZONE_NORMAL + which])) {
		behind = behind_group(l);
		if (likely(behind != l->head)) {
			page = frame(l->head & ~(u32)(PCP_CHUNK - 1));
			for (unsigned int i = PCP_CHUNK; i-- > nr;) {
				page[i].next = behind;
				behind = frame_number(page + i);
			}
			for (unsigned int i = 0; i < nr; i++)
				hit_set_head(page + i, (l->flags ^ HIT_TAKEN) | HIT_ONE_REF);
			l->head = behind;
			l->taken += nr;
		}
	}
	arch_irq_restore(flags);
	for (unsigned int i = 0; tm_debug && page && i < nr; i++)
		page_poison_check(page + i, 0);
	return page;
}

/* ---- from a block ------------------------------------------------------------------- */

/* The head of an allocated block of this order, beside one that is. */
static u64 head_like(const struct page *page, unsigned int order)
{
	return frame_flags(frame_zone_id(page), PAGE_ALLOCATED, order, frame_list_type(page)) |
	       FRAME_ONE_REF;
}

/* Two heads instead of one. */
static void halve_locked(struct zone *z, struct page *page)
{
	unsigned int order = frame_order(page) - 1;
	u64 head = head_like(page, order);

	hit_set_head(page + (1u << order), head);
	hit_set_head(page, head);
	z->nr_alloc++;
}

/* The first frames of a block become single, the rest the aligned blocks it consists of. */
static void cut_locked(struct zone *z, struct page *page, unsigned int nr)
{
	unsigned int end = 1u << frame_order(page), at = 0;
	u64 single = head_like(page, 0);

	BUG_ON_VAL(tm_debug && nr > end, nr, end);
	for (; at < nr; at++)
		hit_set_head(page + at, single);
	z->nr_alloc += at - 1;
	while (at < end) {
		unsigned int order = (unsigned int)__builtin_ctz(at);

		hit_set_head(page + at, single | order << PAGE_ORDER_SHIFT);
		z->nr_alloc++;
		at += 1u << order;
	}
}

/*
 * Frames [0, nr) of the block become single, the rest the aligned blocks it consists
 * of, so that at any time every frame is in a block with a head: the first one is
 * halved down to a piece, which is cut.
 */
static void cut(struct page *page, u64 nr)
{
	struct zone *z = zone_table[frame_zone_id(page)];

	for (u64 at = 0; at < nr; at += PIECE) {
		u64 flags = spin_lock_irqsave(&z->lock);

		while (frame_order(page + at) > PIECE_ORDER)
			halve_locked(z, page + at);
		cut_locked(z, page + at, (unsigned int)min_u64(nr - at, PIECE));
		spin_unlock_irqrestore(&z->lock, flags);
	}
}

/* So many single pages in a row are given back. */
static void give(struct page *page, u64 nr, const void *site)
{
	struct page *part[PIECE];

	for (u64 at = 0; at < nr; at += PIECE) {
		unsigned int n = (unsigned int)min_u64(nr - at, PIECE);

		for (unsigned int i = 0; i < n; i++)
			part[i] = page ? page + at + i : NULL;
		page_free_bulk(n, part, site);
	}
}

static struct page *take_from_block(gfp_t gfp, u64 nr, const void *site)
{
	unsigned int order = fls_u64(nr - 1);
	struct page *page = page_alloc_long(gfp & ~(gfp_t)__GFP_ZERO, order, site);
	u64 end = 1ull << order, single = min_u64(align_up(nr, PCP_CHUNK), end);

	if (!page || !order)
		return page;
	/* The group in which it ends is all single pages, to be together in the cache. */
	cut(page, single);
	give(page + nr, single - nr, site);
	for (u64 at = single, next; at < end; at = next) {
		order = frame_order(page + at);
		next = at + (1ull << order);
		free_pages(page + at, order);
	}
	return page;
}

/* ---- the calls ------------------------------------------------------------------------ */

void *alloc_pages_exact(u64 nr_bytes, gfp_t gfp)
{
	const void *site = __builtin_return_address(0);
	u64 nr = pages_of(nr_bytes);
	struct page *page;

	if (!nr)
		return NULL;
	page = nr <= PCP_CHUNK ? take_from_group(gfp, (unsigned int)nr) : NULL;
	if (!page)
		page = take_from_block(gfp, nr, site);
	if (!page)
		return NULL;
	for (u64 i = 0; i < nr; i++) {
		owner_set(page + i, 0, gfp, site);
		if (gfp & __GFP_ZERO)
			clear_page(page_address(page + i));
	}
	return page_address(page);
}

void free_pages_exact(void *p, u64 nr_bytes)
{
	give(virt_to_page(p), pages_of(nr_bytes), __builtin_return_address(0));
}
