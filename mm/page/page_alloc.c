/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page allocator: turns a request into a zone and a zone's verdict into an
 * action.
 *
 * 1. From flags to a request
 *
 * The zone bits name the highest zone type a request may use: DMA, DMA32, MOVABLE
 * or, with none set, NORMAL. The mobility bits name its migratetype. Both are
 * decided once, in fill_request(), and passed down as const.
 *
 * 2. Where it looks
 *
 * The zonelist of the wanted node, nearest node first and inside a node the
 * highest type first; entries above the request's highest type are passed over.
 * The first eligible entry is the preferred zone. A request for this node only
 * takes the other list, which is empty on a memoryless node: null at once.
 *
 * 3. How deep it digs
 *
 * Two rounds over the list. The first takes the first zone that stays above its
 * low mark, so that all zones are drawn down to low before any goes below. The
 * second is content with min. Under min nobody is served yet; reclaim and the
 * ladder of floors come with later stages.
 *
 * To the mark comes what the zone keeps back from requests that could have gone
 * higher (lowmem_reserve, by the request's highest type). CMA pages do not count
 * as free for anyone, since they are not lent yet.
 *
 * 4. Locking
 *
 * A zone is looked at without its lock, so that a full one costs nobody
 * anything. With the lock held, interrupts masked, the test is made again on
 * exact counts, then one buddy operation is done: a success never leaves less
 * than the mark plus the reserve. Clearing, poison and reports happen after the
 * unlock, page by page.
 *
 * 5. Worst case
 *
 * Lock held: one test and one buddy operation. A request: two rounds over at
 * most nodes x types entries, each a test of a few loads. A damaged block costs
 * one more round in its zone, at most DAMAGED_TRIES of them.
 *
 * 6. Known faults
 *
 * - No per-CPU lists yet: order 0 pays for the zone lock each time.
 * - One hog at the min mark starves all others; there are no bands yet.
 * - A burst of bad frees is counted in full but reported once a second.
 */
#include "mm/page/page_alloc.h"

#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/buddy.h"
#include "mm/page/page_check.h"
#include "mm/page/reserves.h"

enum {
	DAMAGED_TRIES = 8,
	WARN_EVERY_NS = 1000000000,
	GFP_ZONE_BITS = GFP_ZONE_DMA | GFP_ZONE_DMA32 | GFP_ZONE_MOVABLE,
};

struct request {
	u32 order;
	u32 high; /* enum zone_type: highest it may use */
	enum migratetype mt;
	const struct zoneref *list;
};

static bool open;
static gfp_t allowed;     /* set at boot, twice: flags that have an effect (row 62) */
static u64 foreign_frees; /* (A) */

void tm_init page_alloc_open(void)
{
	foreign_frees = 0;
	/* Nobody could wake a sleeper yet, nor take over meanwhile. */
	allowed = ~(gfp_t)GFP_DIRECT_RECLAIM;
	open = true;
}

void mm_allow_blocking(void)
{
	BUG_ON(!open || !sched_running());
	allowed = ~(gfp_t)0;
}

u64 page_alloc_foreign_frees(void)
{
	return __atomic_load_n(&foreign_frees, __ATOMIC_RELAXED);
}

/* ---- requests ------------------------------------------------------------------- */

/* Row 22. DMA wins over MOVABLE: the device's need is the harder one. */
static u32 highest_zone(gfp_t gfp)
{
	if (likely(!(gfp & GFP_ZONE_BITS)))
		return ZONE_NORMAL;
	if (gfp & GFP_ZONE_DMA)
		return ZONE_DMA;
	if (gfp & GFP_ZONE_DMA32)
		return ZONE_DMA32;
	return ZONE_MOVABLE;
}

static enum migratetype mobility(gfp_t gfp)
{
	BUG_ON_VAL((gfp & GFP_ZONE_MOVABLE) && (gfp & GFP_RECLAIMABLE), gfp, 0);
	if (gfp & GFP_ZONE_MOVABLE)
		return MIGRATE_MOVABLE;
	return gfp & GFP_RECLAIMABLE ? MIGRATE_RECLAIMABLE : MIGRATE_UNMOVABLE;
}

/* False: no such node, no such order, or an empty list: there is nothing that
 * waiting or digging deeper could change (row 15). */
static inline bool fill_request(struct request *rq, int node, gfp_t gfp, unsigned int order)
{
	u32 id = node == NODE_NONE ? cpu_node_table[cpu_id()] : (u32)node;
	u32 which = gfp & GFP_THISNODE ? ZONELIST_THISNODE : ZONELIST_FALLBACK;

	if (unlikely(order > MAX_PAGE_ORDER || id >= MAX_NODES || !node_table[id]))
		return false;
	rq->order = order;
	rq->high = highest_zone(gfp);
	rq->mt = mobility(gfp);
	rq->list = node_table[id]->zonelist[which];
	return rq->list->zone != NULL;
}

/* ---- taking --------------------------------------------------------------------- */

/* Rows 27, 30 on one zone's counts. For order 0 any page above the floor is a
 * block, so the lists need no look. */
static inline enum wm_verdict test_zone(const struct zone *z, const struct request *rq,
					enum wmark mark)
{
	u64 free = __atomic_load_n(&z->nr_free, __ATOMIC_RELAXED);
	u64 cma = __atomic_load_n(&z->nr_free_cma, __ATOMIC_RELAXED);
	u64 floor = z->wmark[mark] + z->lowmem_reserve[rq->high];
	u32 filled = rq->order ? buddy_filled(z) : 1;

	return wm_test(free, cma, rq->order, floor, filled);
}

static inline struct page *take_once(struct zone *z, const struct request *rq, enum wmark mark)
{
	struct page *page = NULL;
	u64 flags = spin_lock_irqsave(&z->lock);

	if (likely(test_zone(z, rq, mark) == WM_PASS))
		page = buddy_take_locked(z, rq->order, rq->mt);
	spin_unlock_irqrestore(&z->lock, flags);
	return page;
}

static inline struct page *walk(const struct request *rq, enum wmark mark)
{
	unsigned int damaged = 0;

	for (const struct zoneref *ref = rq->list; ref->zone; ref++) {
		struct page *page;

		if (ref->type > rq->high || test_zone(ref->zone, rq, mark) != WM_PASS)
			continue;
		page = take_once(ref->zone, rq, mark);
		if (likely(page && frame_state(page) == PAGE_ALLOCATED))
			return page;
		if (!page)
			continue;
		page_report_damaged(page);
		if (++damaged < DAMAGED_TRIES)
			ref--; /* that one is leaked; the zone may have sound ones */
	}
	return NULL;
}

/* Everybody down to low before anybody goes below it. */
static const enum wmark rounds[] = { WMARK_LOW, WMARK_MIN };

static tm_noinline void clear_block(struct page *page, unsigned int order)
{
	for (u32 i = 0; i < 1u << order; i++)
		memset(page_address(page + i), 0, PAGE_SIZE);
}

static tm_noinline void warn_failed(gfp_t gfp, unsigned int order)
{
	static u64 next_warning; /* (A) racing CPUs may warn twice */
	u64 now = time_now_ns();

	if ((gfp & GFP_NOWARN) || now < __atomic_load_n(&next_warning, __ATOMIC_RELAXED))
		return;
	__atomic_store_n(&next_warning, now + WARN_EVERY_NS, __ATOMIC_RELAXED);
	pr_warn("mm: no block of order %u (flags %x), %llu pages free", order, gfp,
		(unsigned long long)mm_free_pages());
}

struct page *alloc_pages_node(int node, gfp_t gfp, unsigned int order)
{
	struct page *page = NULL;
	struct request rq;

	BUG_ON(!open);
	gfp &= allowed;
	if (tm_debug)
		BUG_ON_VAL((gfp & GFP_DIRECT_RECLAIM) && !may_sleep(), gfp, order);
	if (!fill_request(&rq, node, gfp, order))
		return NULL;
	for (unsigned int i = 0; !page && i < ARRAY_SIZE(rounds); i++)
		page = walk(&rq, rounds[i]);
	if (unlikely(!page)) {
		warn_failed(gfp, order);
		return NULL;
	}
	if (tm_debug)
		page_poison_check(page, order);
	if (gfp & GFP_ZERO)
		clear_block(page, order);
	return page;
}

struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	return alloc_pages_node(NODE_NONE, gfp, order);
}

/* ---- giving back ---------------------------------------------------------------- */

/* What a refused free leaves behind: a damaged block is nobody's any more. */
static tm_noinline enum page_fault refuse_locked(struct zone *z, struct page *page,
						 unsigned int order)
{
	enum page_fault fault = page_classify(page, order);

	BUG_ON_VAL(tm_debug && !spin_held(&z->lock), z->id, 0);
	z->bad_free++;
	if (fault == PAGE_FAULT_DAMAGED && frame_state(page) == PAGE_ALLOCATED) {
		page->flags = frame_flags(z->id, PAGE_BAD, order, frame_list_type(page));
		z->nr_leaked += 1ull << order;
		z->bad_page++;
	}
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
	/* Poison before the lock, but never what is not ours to write to. */
	if (tm_debug && buddy_can_put_locked(z, page, order))
		page_poison(page, order);
	flags = spin_lock_irqsave(&z->lock);
	good = buddy_can_put_locked(z, page, order);
	if (likely(good)) {
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
		page = alloc_pages(GFP_ZERO | GFP_NOWARN, 0);
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
