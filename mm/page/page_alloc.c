/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entry of every request and every free: alloc_pages() makes the first try,
 * free_pages() gives back what is intact and refuses what is not.
 */
#include "mm/page/page_alloc.h"

#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/buddy.h"
#include "mm/page/page_check.h"
#include "mm/page/reserves.h"
#include "mm/page/slowpath.h"
#include "mm/page/walk.h"
#include "mm/stat/owner.h"

static bool open;
static u64 foreign_frees; /* (A) */

void tm_init page_alloc_open(void)
{
	foreign_frees = 0;
	open = true;
}

u64 page_alloc_foreign_frees(void)
{
	return __atomic_load_n(&foreign_frees, __ATOMIC_RELAXED);
}

/* ---- taking --------------------------------------------------------------------- */

static tm_noinline void clear_block(struct page *page, unsigned int order)
{
	for (u32 i = 0; i < 1u << order; i++)
		memset(page_address(page + i), 0, PAGE_SIZE);
}

static struct page *alloc_from(int node, gfp_t gfp, unsigned int order, const void *site)
{
	struct alloc_request rq;
	struct alloc_try first;
	struct page *page;

	BUG_ON(!open);
	if (request_fill(&rq, node, gfp, order, site) || fault_should_fail(&rq))
		return NULL;
	first = (struct alloc_try){ .band = rq.band, .low_mark = rq.band < BAND_NO_RECLAIM };
	page = walk_zones(&rq, &first, NULL);
	if (unlikely(!page))
		page = slowpath_alloc(&rq);
	trace_event(TRACE_ALLOC, page ? frame_number(page) : ~0ull, order, rq.gfp, rq.mt);
	if (!page)
		return NULL;
	owner_set(page, order, rq.gfp, site);
	if (gfp & __GFP_ZERO)
		clear_block(page, order);
	return page;
}

struct page *alloc_pages_node(int node, gfp_t gfp, unsigned int order)
{
	return alloc_from(node, gfp, order, __builtin_return_address(0));
}

struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	return alloc_from(NODE_NONE, gfp, order, __builtin_return_address(0));
}

/* ---- giving back ---------------------------------------------------------------- */

/* What a refused free leaves behind: a damaged block is nobody's any more. */
static tm_noinline enum page_fault refuse_locked(struct zone *z, struct page *page,
						 unsigned int order)
{
	enum page_fault fault = page_classify(page, order);

	BUG_ON_VAL(tm_debug && !spin_held(&z->lock), z->id, 0);
	z->bad_free++;
	if (fault == PAGE_FAULT_DAMAGED && frame_state(page) == PAGE_ALLOCATED)
		buddy_leak_locked(z, page, order);
	return fault;
}

static struct zone *zone_of_page(const struct page *page)
{
	u32 id = frame_zone_id(page);

	return id < NR_ZONES && frame_state(page) != PAGE_HOLE ? zone_table[id] : NULL;
}

void free_pages(struct page *page, unsigned int order)
{
	enum page_fault fault = PAGE_FAULT_FOREIGN;
	struct zone *z = page_is_descriptor(page) ? zone_of_page(page) : NULL;
	bool good;
	u64 flags;

	if (unlikely(!z)) {
		__atomic_fetch_add(&foreign_frees, 1, __ATOMIC_RELAXED);
		page_report_bad_free(page, order, fault);
		return;
	}
	trace_event(TRACE_FREE, frame_number(page), order, 0, 0);
	/* Poison before the lock, but never what is not ours to write to. */
	if (tm_debug && buddy_can_put_locked(z, page, order))
		page_poison(page, order);
	flags = spin_lock_irqsave(&z->lock);
	good = buddy_can_put_locked(z, page, order);
	if (likely(good)) {
		owner_clear(page, order, __builtin_return_address(0));
		z->nr_freed++;
		buddy_put_locked(z, page, order, false);
	} else {
		fault = refuse_locked(z, page, order);
	}
	spin_unlock_irqrestore(&z->lock, flags);
	if (unlikely(!good))
		page_report_bad_free(page, order, fault);
}

/* ---- pages for boot and page tables ----------------------------------------------- */

phys_t mm_table_page(void)
{
	const struct memblock_request rq = { .nr_bytes = PAGE_SIZE,
					     .node = MEMBLOCK_ANY_NODE,
					     .reason = MEM_TABLES,
					     .name = "page tables" };
	struct page *page;
	phys_t p;

	if (open) {
		page = alloc_pages(__GFP_ZERO | __GFP_NOWARN, 0);
		if (!page)
			return phys_make(0);
		__atomic_fetch_add(&node_table[page_node(page)]->nr_table_pages, 1,
				   __ATOMIC_RELAXED);
		return pfn_to_phys(page_to_pfn(page));
	}
	p = memblock_alloc(&rq);
	if (p.v && memblock_linear_map_ready())
		memset(phys_to_virt(p), 0, PAGE_SIZE);
	return p;
}

void mm_table_page_put(phys_t p)
{
	struct page *page = pfn_to_page(phys_to_pfn_down(p));
	u64 *nr = &node_table[page_node(page)]->nr_table_pages;

	BUG_ON_VAL(!open || __atomic_load_n(nr, __ATOMIC_RELAXED) == 0, p.v, page_node(page));
	__atomic_fetch_sub(nr, 1, __ATOMIC_RELAXED);
	free_pages(page, 0);
}

/* One reserved frame becomes free; false when it was not reserved RAM. */
static bool release_frame(u64 pfn)
{
	struct page *page = frame_exists(pfn) ? frame(pfn) : NULL;
	struct zone *z = page ? zone_of_page(page) : NULL;
	bool reserved;
	u64 flags;

	if (!z)
		return false;
	flags = spin_lock_irqsave(&z->lock);
	reserved = frame_state(page) == PAGE_RESERVED;
	if (reserved) {
		BUG_ON_VAL(z->managed_pages >= z->present_pages, z->managed_pages, pfn);
		z->managed_pages++;
		buddy_put_locked(z, page, 0, true);
	}
	spin_unlock_irqrestore(&z->lock, flags);
	return reserved;
}

u64 mm_free_init(void)
{
	const struct arch_image *image = arch_image();
	u64 end = phys_to_pfn_down(image->init_end).v;
	u64 gained = 0;

	BUG_ON(!open);
	BUG_ON_VAL(image->init_start.v > image->init_end.v, image->init_start.v, image->init_end.v);
	arch_free_init();
	for (u64 pfn = phys_to_pfn_up(image->init_start).v; pfn < end; pfn++)
		gained += release_frame(pfn);
	reserves_update();
	return gained;
}

/* ---- sums --------------------------------------------------------------------------- */

u64 mm_total_pages(void)
{
	u64 sum = 0;

	for (const struct zone *z = zone_next(0); z; z = zone_next(z->id + 1))
		sum += __atomic_load_n(&z->managed_pages, __ATOMIC_RELAXED);
	return sum;
}

u64 mm_present_pages(void)
{
	u64 sum = 0;

	for (const struct zone *z = zone_next(0); z; z = zone_next(z->id + 1))
		sum += z->present_pages;
	return sum;
}

u64 mm_free_pages(void)
{
	u64 sum = 0;

	for (const struct zone *z = zone_next(0); z; z = zone_next(z->id + 1))
		sum += __atomic_load_n(&z->nr_free, __ATOMIC_RELAXED);
	return sum;
}
