/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alloc_pages() and free_pages() as nearly all calls go: a hit of this CPU's cache,
 * or one lock hold to fill or drain it, or to serve what is too large for it.
 * Contracts in mm/mm.h, what a hit reads in hit.h. Whatever is not plain, or not
 * there, or watched, goes the long way (page_alloc.c, page_free.c), which is the
 * same for the caller but for the time it takes.
 */
#include "mm/page/hit.h"

#include "mm/page/buddy_step.h"
#include "mm/page/mobility.h"
#include "mm/page/page_alloc.h"
#include "mm/page/page_check.h"
#include "mm/page/slowpath.h"
#include "mm/stat/owner.h"

/*
 * Who asked, for a long way that is jumped to: it finds the address itself, since
 * asking for it here would give the hit path a frame. Builds whose compiler makes
 * it a call after all are those with checks.
 */
static inline __attribute__((always_inline)) const void *tail_site(void)
{
	return tm_debug ? __builtin_return_address(0) : NULL;
}

/* ---- taking --------------------------------------------------------------------- */

/* hit_is_plain(), where there is time to ask more: what is special about a task is not
 * about the interrupt that found it running. */
static bool is_plain(const struct mm_task *me, gfp_t gfp)
{
	return hit_is_plain(me, gfp) ||
	       (!(gfp & (u32)(HIT_NEVER | __GFP_DIRECT_RECLAIM)) && in_interrupt());
}

/*
 * The short way when the cache had nothing, or for blocks too large for it: what
 * alloc_pages() would do for a plain request while its first zone is above the
 * mark that serves everybody. Null: it is not above, the lists have none, or somebody
 * watches. Masked.
 */
static struct page *take_plain(const struct mm_task *me, gfp_t gfp, unsigned int order,
			       enum mobility_turn turn, bool *stolen, struct zone **from)
{
	u64 which = hit_zone(gfp), pass;
	struct pcp *p = me->cache->first[which];
	enum migratetype mt = (enum migratetype)(gfp & HIT_MOBILITY);
	bool cma = mt == MIGRATE_MOVABLE;
	struct zone *z = p->zone;
	struct page *page = NULL;

	if (unlikely(!hit_read16(&p->row[0].limit) || mt > MIGRATE_RECLAIMABLE))
		return NULL;
	*from = z;
	pass = hit_read64(&z->pass[ZONE_NORMAL + which]);
	if (order < PCP_ORDERS) {
		if (hit_read16(&p->row[order].limit))
			pcp_refill(p, order, mt, cma, pass + PCP_CHUNK, turn, stolen);
		return hit_take(me, gfp, order);
	}
	spin_lock(&z->lock);
	if (likely(z->nr_usable >= pass + (1ull << order)))
		page = mobility_take_locked(z, order, order, mt, cma, turn, stolen);
	spin_unlock(&z->lock);
	if (likely(page)) {
		p->direct_alloc++;
		p->direct_alloc_pages += 1ull << order;
	}
	return page;
}

static tm_noinline struct page *alloc_more(gfp_t gfp, unsigned int order, const void *site)
{
	bool plain = order <= MAX_PAGE_ORDER && is_plain(mm_own(), gfp);
	struct alloc_request rq;
	struct zone *from = NULL;
	struct page *page = NULL;
	bool stolen = false;

	if (!site)
		site = __builtin_return_address(0);
	for (enum mobility_turn turn = TURN_OWN; plain && !page && turn < NR_TURNS; turn++) {
		u64 flags = arch_irq_save();

		page = take_plain(mm_own(), gfp, order, turn, &stolen, &from);
		arch_irq_restore(flags);
		plain = from != NULL;
	}
	if (from)
		pcp_check_low(from);
	if (unlikely(stolen) && !request_fill(&rq, NODE_NONE, gfp, order, site))
		page_alloc_mixed(from, &rq);
	if (unlikely(page && frame_state(page) != PAGE_ALLOCATED)) {
		page_report_damaged(page);
		page = NULL;
	}
	if (unlikely(!page))
		return page_alloc_long(gfp, order, site);
	if (tm_debug) {
		page_poison_check(page, order);
		owner_set(page, order, gfp, site);
	}
	return unlikely(gfp & __GFP_ZERO) ? page_alloc_cleared(page, order) : page;
}

/*
 * take_plain() for a large block that a list has as it is, without a call on the way.
 * Strictly above the mark, so nobody need look whether the zone has crossed it. Null:
 * not so, or somebody else is at the zone. Masked.
 */
static inline struct page *take_large(const struct mm_task *me, gfp_t gfp, unsigned int order)
{
	u64 which = hit_zone(gfp), nr = 1ull << order;
	struct pcp *p = me->cache->first[which];
	enum migratetype mt = (enum migratetype)(gfp & HIT_MOBILITY);
	struct zone *z = p->zone;
	struct page *page = NULL;

	if (unlikely(!hit_read16(&p->row[0].limit) || mt > MIGRATE_RECLAIMABLE ||
		     !spin_try_masked(&z->lock)))
		return NULL;
	if (likely(z->nr_usable > hit_read64(&z->pass[ZONE_NORMAL + which]) + nr &&
		   !(mt == MIGRATE_MOVABLE && z->nr_free_cma)))
		page = buddy_take_whole_locked(z, order, mt);
	if (likely(page)) {
		p->direct_alloc++;
		p->direct_alloc_pages += nr;
	}
	spin_drop_masked(&z->lock);
	return page;
}

static tm_noinline struct page *alloc_large(gfp_t gfp, unsigned int order, const void *site)
{
	const struct mm_task *me = mm_own();
	struct page *page;
	u64 flags;

	if (unlikely(order > MAX_PAGE_ORDER || !is_plain(me, gfp)))
		return alloc_more(gfp, order, site);
	flags = arch_irq_save();
	/* Small ones come here when they are not plain at first sight. */
	page = order < PCP_ORDERS ? hit_take(me, gfp, order) : take_large(me, gfp, order);
	arch_irq_restore(flags);
	if (unlikely(!page))
		return alloc_more(gfp, order, site);
	if (tm_debug) {
		page_poison_check(page, order);
		owner_set(page, order, gfp, site);
	}
	return unlikely(gfp & __GFP_ZERO) ? page_alloc_cleared(page, order) : page;
}

struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	const struct mm_task *me = mm_own();
	struct page *page;
	u64 flags;

	if (unlikely(order >= PCP_ORDERS || !hit_is_plain(me, gfp)))
		return alloc_large(gfp, order, tail_site());
	flags = arch_irq_save();
	page = hit_take(me, gfp, order);
	arch_irq_restore(flags);
	if (unlikely(!page))
		return alloc_more(gfp, order, tail_site());
	if (tm_debug) {
		page_poison_check(page, order);
		owner_set(page, order, gfp, __builtin_return_address(0));
	}
	return unlikely(gfp & __GFP_ZERO) ? page_alloc_cleared(page, order) : page;
}

/* ---- giving back ---------------------------------------------------------------- */

/* The cache that a block goes to or through; null: it is not intact, or not plain, or
 * somebody watches. Masked. */
static struct pcp *plain_cache(const struct mm_task *me, const struct page *page,
			       unsigned int order)
{
	u64 pfn = hit_rotate((u64)(uintptr_t)page - ARCH_FRAMES_BASE, 5);
	struct pcp *p;
	u32 id;

	if (unlikely(pfn - frame_map.run_start >= frame_map.run_frames && !frame_exists(pfn)))
		return NULL;
	id = frame_zone_id(page);
	if (unlikely(id >= frame_map.nr_zone_ids))
		return NULL;
	p = &me->cache->zone[id];
	if (unlikely(!hit_read16(&p->row[0].limit) || !buddy_can_put_locked(p->zone, page, order)))
		return NULL;
	/* Cached with the movable ones, which the long way knows. */
	return unlikely(pageblock_type(pfn) == MIGRATE_CMA) ? NULL : p;
}

/* To the zone's lists; false: not intact any more. Masked. */
static bool put_home(struct pcp *p, struct page *page, unsigned int order)
{
	struct zone *z = p->zone;
	bool good;

	spin_lock(&z->lock);
	good = buddy_can_put_locked(z, page, order);
	if (likely(good)) {
		z->nr_freed++;
		buddy_put_locked(z, page, order, false);
		p->direct_free++;
		p->direct_free_pages += 1ull << order;
	}
	spin_unlock(&z->lock);
	return good;
}

/*
 * Makes room in a list that is full, for a hit after interrupts were let in, or takes
 * the block home. An interrupt, which lets none in, does not make room: one block
 * costs the zone less.
 */
tm_noinline void page_free_more(struct page *page, unsigned int order, const void *site)
{
	enum migratetype mt;
	bool done = false;
	struct pcp *p;
	u64 flags;

	if (!site)
		site = __builtin_return_address(0);
	flags = arch_irq_save();
	p = plain_cache(mm_own(), page, order);
	if (likely(p)) {
		mt = frame_list_type(page);
		/* A damaged head may name any type, and the border types have no list. */
		if (order < PCP_ORDERS && hit_read16(&p->row[order].limit) && (u32)mt < PCP_TYPES &&
		    pageblock_type(frame_number(page)) == mt && !in_interrupt()) {
			pcp_drain_list(p, order, mt);
			arch_irq_restore(flags);
			flags = arch_irq_save();
			done = hit_put(mm_own(), page, order);
		} else {
			done = put_home(p, page, order);
		}
	}
	arch_irq_restore(flags);
	if (unlikely(!done))
		page_free_long(page, order, site);
}

/* put_home() for a large block that does not merge, without a call on the way. */
static inline bool put_large(const struct mm_task *me, struct page *page, unsigned int order)
{
	u64 pfn = hit_rotate((u64)(uintptr_t)page - ARCH_FRAMES_BASE, 5);
	const struct frame_map *map = &frame_map;
	struct pageblock *home;
	struct zone *z;
	struct pcp *p;
	bool done;
	u32 id;

	HIT_AS_IS(map);
	if (unlikely(order > MAX_PAGE_ORDER || pfn - map->run_start >= map->run_frames))
		return false;
	id = frame_zone_id(page);
	if (unlikely(id >= map->nr_zone_ids))
		return false;
	p = &me->cache->zone[id];
	HIT_AS_IS(p);
	z = p->zone;
	if (unlikely(!hit_read16(&p->row[0].limit) || !spin_try_masked(&z->lock)))
		return false;
	home = pageblock_entry(pfn);
	HIT_AS_IS(home);
	done = likely(home->type <= MIGRATE_RECLAIMABLE) &&
	       buddy_put_whole_locked(z, page, (u32)pfn, order, home);
	if (likely(done)) {
		p->direct_free++;
		p->direct_free_pages += 1ull << order;
	}
	spin_drop_masked(&z->lock);
	return done;
}

/* One way out of free_pages(), so that a hit keeps its arguments where they came. */
static tm_noinline void free_no_hit(struct page *page, unsigned int order, const void *site)
{
	bool done = false;
	u64 flags;

	if (order >= PCP_ORDERS) {
		flags = arch_irq_save();
		done = put_large(mm_own(), page, order);
		arch_irq_restore(flags);
	}
	if (unlikely(!done))
		page_free_more(page, order, site);
}

void free_pages(struct page *page, unsigned int order)
{
	u64 flags;
	bool done;

	if (tm_debug)
		page_poison_own(page, order, __builtin_return_address(0));
	if (unlikely(order >= PCP_ORDERS)) {
		free_no_hit(page, order, tail_site());
		return;
	}
	flags = arch_irq_save();
	done = hit_put(mm_own(), page, order);
	arch_irq_restore(flags);
	if (unlikely(!done))
		free_no_hit(page, order, tail_site());
}
