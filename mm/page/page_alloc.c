/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entry of every request and every free: alloc_pages() makes the first try,
 * free_pages() gives back what is intact and refuses what is not.
 */
#include "mm/page/page_alloc.h"

#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/buddy.h"
#include "mm/page/hit.h"
#include "mm/page/page_check.h"
#include "mm/page/reserves.h"
#include "mm/page/slowpath.h"
#include "mm/page/walk.h"
#include "mm/stat/owner.h"
#include "mm/stat/vmstat.h"

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

static tm_noinline struct page *cleared(struct page *page, unsigned int order)
{
	for (u32 i = 0; i < 1u << order; i++)
		clear_page(page_address(page + i));
	return page;
}

/*
 * Who asked, for a long way that is jumped to: it finds the address itself, since
 * asking for it here would give the hit path a frame. Builds whose compiler makes
 * it a call after all are those with checks.
 */
static inline __attribute__((always_inline)) const void *tail_site(void)
{
	return tm_debug ? __builtin_return_address(0) : NULL;
}

static tm_noinline struct page *alloc_long(gfp_t gfp, unsigned int order, int node,
					   const void *site)
{
	struct alloc_request rq;

	if (!site)
		site = __builtin_return_address(0);
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
	return rq->gfp & __GFP_ZERO ? cleared(page, rq->order) : page;
}

struct page *alloc_pages_node(int node, gfp_t gfp, unsigned int order)
{
	return alloc_long(gfp, order, node, __builtin_return_address(0));
}

struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	const struct mm_task *me = mm_own();
	struct page *page;
	u64 flags;

	if (unlikely(order >= PCP_ORDERS || !hit_is_plain(me, gfp)))
		return alloc_long(gfp, order, NODE_NONE, tail_site());
	flags = arch_irq_save();
	page = hit_take(me, gfp, order);
	arch_irq_restore(flags);
	if (unlikely(!page))
		return alloc_long(gfp, order, NODE_NONE, tail_site());
	if (tm_debug) {
		page_poison_check(page, order);
		owner_set(page, order, gfp, __builtin_return_address(0));
	}
	return unlikely(gfp & __GFP_ZERO) ? cleared(page, order) : page;
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

/* Into the cache, after making room there if need be; false: not its place. Masked. */
static bool put_cached(struct zone *z, struct page *page, unsigned int order)
{
	enum migratetype mt = frame_list_type(page);
	enum migratetype home = pageblock_type(frame_number(page));
	struct pcp *p = pcp_own(z);
	u32 room;

	/* Lent CMA frames lie with the movable ones. */
	if (order >= PCP_ORDERS || (u32)mt >= PCP_TYPES ||
	    (mt != home && !(mt == MIGRATE_MOVABLE && home == MIGRATE_CMA)))
		return false;
	room = __atomic_load_n(&p->row[order].room, __ATOMIC_RELAXED);
	if (!room)
		return false;
	if (pcp_blocks(&p->list[order][mt]) >= room)
		pcp_drain_list(p, order, mt);
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

tm_noinline void page_free_long(struct page *page, unsigned int order, const void *site)
{
	enum page_fault fault = PAGE_FAULT_FOREIGN;
	struct zone *z = page_is_descriptor(page) ? zone_of_page(page) : NULL;
	bool good;
	u64 flags;

	if (!site)
		site = __builtin_return_address(0);
	BUG_ON(!open);
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
	struct zone *z = page_is_descriptor(page) ? zone_of_page(page) : NULL;

	if (!z || !buddy_can_put_locked(z, page, order))
		return;
	page_poison(page, order);
	owner_clear(page, order, site);
}

void free_pages(struct page *page, unsigned int order)
{
	u64 flags;
	bool done;

	if (unlikely(order >= PCP_ORDERS)) {
		page_free_long(page, order, tail_site());
		return;
	}
	if (tm_debug)
		page_poison_own(page, order, __builtin_return_address(0));
	flags = arch_irq_save();
	done = hit_put(mm_own(), page, order);
	arch_irq_restore(flags);
	if (unlikely(!done))
		page_free_long(page, order, tail_site());
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
