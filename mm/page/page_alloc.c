/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The long way of a request, from flags to a block: first try, slow path, and what
 * is done to every block before it is anybody's. Also who asks for pages before
 * there are requests, and the sums. The short way is hit.c, the way back
 * page_free.c.
 */
#include "mm/page/page_alloc.h"

#include "mm/boot/topology.h"
#include "mm/page/mobility.h"
#include "mm/page/reserves.h"
#include "mm/page/slowpath.h"
#include "mm/page/walk.h"
#include "mm/stat/owner.h"
#include "mm/stat/vmstat.h"

static bool open;

void tm_init page_alloc_open(void)
{
	page_free_open();
	open = true;
}

/* ---- taking --------------------------------------------------------------------- */

struct page *page_alloc_cleared(struct page *page, unsigned int order)
{
	for (u32 i = 0; i < 1u << order; i++)
		clear_page(page_address(page + i));
	return page;
}

void page_alloc_mixed(struct zone *z, const struct alloc_request *rq)
{
	mobility_settle(z);
	slow_wake_kswapd(z, rq);
}

static struct page *alloc_long(gfp_t gfp, unsigned int order, int node, const void *site)
{
	struct alloc_request rq;

	BUG_ON(!open);
	vm_event(PGALLOC_LONG);
	if (request_fill(&rq, node, gfp, order, site))
		return NULL;
	return page_alloc_request(&rq, true);
}

struct page *page_alloc_long(gfp_t gfp, unsigned int order, const void *site)
{
	return alloc_long(gfp, order, NODE_NONE, site);
}

struct page *page_alloc_request(const struct alloc_request *rq, bool try_hard)
{
	const struct alloc_try first = { .band = rq->band,
					 .low_mark =
						 rq->band < BAND_NO_RECLAIM || !request_ladder(),
					 .cpuset = true };
	struct page *page;

	if (fault_should_fail(rq))
		return NULL;
	page = walk_zones(rq, &first, NULL);
	if (unlikely(!page && try_hard))
		page = slowpath_alloc(rq);
	trace_event(TRACE_ALLOC, page ? frame_number(page) : ~0ull, rq->order, rq->gfp, rq->mt);
	if (!page)
		return NULL;
	owner_set(page, rq->order, rq->gfp, rq->site);
	return rq->gfp & __GFP_ZERO ? page_alloc_cleared(page, rq->order) : page;
}

struct page *alloc_pages_node(int node, gfp_t gfp, unsigned int order)
{
	return alloc_long(gfp, order, node, __builtin_return_address(0));
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
	struct zone *z = page ? page_zone(page) : NULL;
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
