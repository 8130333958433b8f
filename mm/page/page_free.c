/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The long way of a free: back into the cache or to the zone's lists when the block
 * is intact, refused and named when it is not (row 43). Every free that is no hit
 * ends here, with its owner noted and the zone's crossing of its low mark seen.
 */
#include "mm/page/page_alloc.h"

#include "mm/boot/topology.h"
#include "mm/page/buddy.h"
#include "mm/page/page_check.h"
#include "mm/page/pageblock.h"
#include "mm/page/pcp.h"
#include "mm/stat/owner.h"

static u64 foreign_frees; /* (A) */

void tm_init page_free_open(void)
{
	foreign_frees = 0;
}

u64 page_alloc_foreign_frees(void)
{
	return __atomic_load_n(&foreign_frees, __ATOMIC_RELAXED);
}

/* What a refused free leaves behind: a damaged block is nobody's any more. */
static tm_noinline enum page_fault refuse_locked(struct zone *z, struct page *page,
						 unsigned int order)
{
	enum page_fault fault = page_classify(page, order);

	BUG_ON_VAL(tm_debug && !spin_held(&z->lock), z->id, 0);
	z->bad_free++;
	if (fault != PAGE_FAULT_DAMAGED || flags_state(frame_peek(page)) != PAGE_ALLOCATED)
		return fault;
	/* It was in some CPU's cache a moment ago, and somebody else has it by now. */
	if (buddy_can_put_locked(z, page, order))
		return PAGE_FAULT_DOUBLE;
	buddy_leak_locked(z, page, order);
	return fault;
}

/* Is a cache its place? Lent CMA frames lie with the movable ones. */
static bool is_cacheable(const struct page *page, unsigned int order)
{
	enum migratetype mt = frame_list_type(page);
	enum migratetype home = pageblock_type(frame_number(page));

	return order < PCP_ORDERS && (u32)mt < PCP_TYPES &&
	       (mt == home || (mt == MIGRATE_MOVABLE && home == MIGRATE_CMA));
}

static bool is_full(const struct pcp *p, unsigned int order, enum migratetype mt)
{
	return pcp_blocks(&p->list[order][mt]) >=
	       __atomic_load_n(&p->row[order].room, __ATOMIC_RELAXED);
}

/* In a full list, a section of its own; an interrupt would let nobody in between. */
static void make_room(struct zone *z, const struct page *page, unsigned int order)
{
	enum migratetype mt = frame_list_type(page);
	u64 flags;

	if (!is_cacheable(page, order) || in_interrupt())
		return;
	flags = arch_irq_save();
	if (is_full(pcp_own(z), order, mt))
		pcp_drain_list(pcp_own(z), order, mt);
	arch_irq_restore(flags);
}

/* Into the cache, if that is its place and has room. Masked. */
static bool put_cached(struct zone *z, struct page *page, unsigned int order)
{
	enum migratetype mt = frame_list_type(page);
	struct pcp *p = pcp_own(z);

	if (!is_cacheable(page, order) || is_full(p, order, mt))
		return false;
	pcp_push(p, page, order, mt);
	return true;
}

/* To the zone's lists, or refused there. Masked. */
static bool put_direct(struct zone *z, struct page *page, unsigned int order,
		       enum page_fault *fault)
{
	struct pcp *p = pcp_own(z);
	bool good;

	spin_lock(&z->lock);
	good = buddy_can_put_locked(z, page, order);
	if (likely(good)) {
		z->nr_freed++;
		if (unlikely(guard_below))
			guard_release_locked(z, page, order);
		buddy_put_locked(z, page, order, false);
	} else {
		*fault = refuse_locked(z, page, order);
	}
	spin_unlock(&z->lock);
	if (likely(good)) {
		p->direct_free++;
		p->direct_free_pages += 1ull << order;
	}
	return good;
}

void page_free_long(struct page *page, unsigned int order, const void *site)
{
	enum page_fault fault = PAGE_FAULT_FOREIGN;
	struct zone *z = page_is_descriptor(page) ? page_zone(page) : NULL;
	bool good;
	u64 flags;

	if (unlikely(!z)) {
		__atomic_fetch_add(&foreign_frees, 1, __ATOMIC_RELAXED);
		page_report_bad_free(page, order, fault);
		return;
	}
	trace_event(TRACE_FREE, frame_number(page), order, 0, 0);
	good = buddy_can_put_locked(z, page, order);
	/* Before any lock, but never what is not ours to write to. */
	if (tm_debug && good)
		page_poison(page, order);
	if (good)
		make_room(z, page, order);
	flags = arch_irq_save();
	if (good)
		owner_clear(page, order, site);
	good = (good && put_cached(z, page, order)) || put_direct(z, page, order, &fault);
	arch_irq_restore(flags);
	pcp_check_low(z);
	if (unlikely(!good))
		page_report_bad_free(page, order, fault);
}

void page_poison_own(struct page *page, unsigned int order, const void *site)
{
	struct zone *z = page_is_descriptor(page) ? page_zone(page) : NULL;

	if (!z || !buddy_can_put_locked(z, page, order))
		return;
	page_poison(page, order);
	owner_clear(page, order, site);
}
