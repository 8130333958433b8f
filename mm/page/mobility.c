/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mobility grouping; contracts in mobility.h.
 *
 * A pageblock is judged by its counts, so a steal costs the same in a machine of
 * any size. What it changes is the type byte, the links of the block that made it
 * interesting, and as many others as fit one hold; blocks left behind on lists of
 * the old type go home when they are about to be taken, or merged.
 */
#include "mm/page/mobility.h"

#include "mm/boot/topology.h"
#include "mm/page/pageblock.h"
#include "mm/page/request.h"
#include "mm/page/reserves.h"
#include "mm/stat/owner.h"
#include "mm/stat/vmstat.h"

enum {
	NR_VICTIMS = 2,
	/* A type that can be moved out again may claim a pageblock only on the
	 * strength of a block of this order (row 52). */
	LEAST_MOVABLE_CLAIM = PAGEBLOCK_ORDER / 2,
	LEAST_BOOST_BLOCKS = 4, /* pageblocks in a zone that may be boosted */
	BOOST_FACTOR_DEFAULT = 15000,
	BOOST_FACTOR_UNIT = 10000,
	BOOST_FACTOR_MOST = 0x7fffffff,
	HIGHATOMIC_DIVISOR = 100, /* 1 % */
	/* Relisting in one hold, as buddy_relist_locked() counts: about 450 instructions
	 * right after a steal, where somebody waits, else 800. */
	SETTLE_WORK = 20,
	RELEASE_WORK = 50,
};

/* Whose blocks a type may take, nearest first (row 52). */
static const u8 victims[MIGRATE_HIGHATOMIC][NR_VICTIMS] = {
	[MIGRATE_UNMOVABLE] = { MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE },
	[MIGRATE_MOVABLE] = { MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE },
	[MIGRATE_RECLAIMABLE] = { MIGRATE_UNMOVABLE, MIGRATE_MOVABLE },
};

static u64 boost_factor = BOOST_FACTOR_DEFAULT; /* (A) */

/* ---- boost (row 36) ---------------------------------------------------------------- */

u64 mobility_boost_factor(void)
{
	return __atomic_load_n(&boost_factor, __ATOMIC_RELAXED);
}

int mobility_set_boost_factor(u64 factor)
{
	if (factor > BOOST_FACTOR_MOST)
		return ERR_RANGE;
	__atomic_store_n(&boost_factor, factor, __ATOMIC_RELAXED);
	return 0;
}

static void set_boost(struct zone *z, u64 boost)
{
	if (boost != z->boost)
		reserves_boost_locked(z, boost);
}

/* Types were mixed below pageblock order. */
static void boost(struct zone *z)
{
	u64 high = __atomic_load_n(&z->wmark[WMARK_HIGH], __ATOMIC_RELAXED);
	u64 most = high * mobility_boost_factor() / BOOST_FACTOR_UNIT;

	if (!most || z->managed_pages < (u64)LEAST_BOOST_BLOCKS * PAGEBLOCK_PAGES)
		return;
	most = max_u64(most, PAGEBLOCK_PAGES);
	set_boost(z, min_u64(z->boost + PAGEBLOCK_PAGES, most));
	vm_event(BOOST);
}

void mobility_lower_boost(struct zone *z, u64 recorded)
{
	u64 flags = spin_lock_irqsave(&z->lock);

	set_boost(z, z->boost - min_u64(recorded, z->boost));
	spin_unlock_irqrestore(&z->lock, flags);
}

static u64 pageblock_start(u64 pfn)
{
	return align_down(pfn, PAGEBLOCK_PAGES);
}

/* ---- stealing (row 52) --------------------------------------------------------------- */

/* A free block of another type. */
struct victim {
	u32 pfn;
	unsigned int order;
	enum migratetype list; /* it is on, and */
	enum migratetype home; /* its pageblock's type */
};

/* The largest block of the other types that fits; among equals, of the nearer type. */
static bool find_largest(const struct zone *z, unsigned int order, enum migratetype mt,
			 struct victim *v)
{
	const u8 *other = victims[mt];
	u32 fits = (z->filled[other[0]] | z->filled[other[1]]) & (~0u << order);

	if (!fits)
		return false;
	v->order = fls_u64(fits) - 1;
	v->list = (enum migratetype)other[!(z->filled[other[0]] >> v->order & 1)];
	v->pfn = z->area[v->order].list[v->list].head;
	BUG_ON_VAL(v->pfn == PFN_NIL, v->order, v->list);
	v->home = pageblock_type(v->pfn);
	return true;
}

/* Would at least half of the pageblock suit the type? Of what is used in a pageblock
 * that is not movable nobody knows which of the other two it is: it counts not. */
static bool mostly_compatible(const struct pageblock *b, enum migratetype mt)
{
	u32 alike = 0;

	if (mt == MIGRATE_MOVABLE)
		alike = b->nr_movable;
	else if (b->type == MIGRATE_MOVABLE)
		alike = PAGEBLOCK_PAGES - b->nr_free - b->nr_movable;
	return b->nr_free + alike >= PAGEBLOCK_PAGES / 2;
}

static bool may_claim(const struct zone *z, const struct victim *v, enum migratetype mt)
{
	const struct pageblock *b = pageblock_entry(v->pfn);

	if (!buddy_head_intact(z, v->pfn, v->order, v->list))
		return false;
	if (v->order >= PAGEBLOCK_ORDER)
		return true;
	if (mt == MIGRATE_MOVABLE && v->order < LEAST_MOVABLE_CLAIM)
		return false;
	return v->home == v->list && !b->shared && mostly_compatible(b, mt);
}

/* The victim's pageblocks become mt's, and what is left of it when it is taken goes to
 * mt's lists; other free blocks of the pageblock follow in a hold of their own. */
static void claim(struct zone *z, const struct victim *v, enum migratetype mt)
{
	pageblock_set_type(v->pfn, v->pfn + (1ull << v->order), mt);
	vm_event(PAGEBLOCK_STEAL);
	if (v->order < PAGEBLOCK_ORDER)
		z->unsettled = pageblock_start(v->pfn);
}

void mobility_settle(struct zone *z)
{
	u64 flags = spin_lock_irqsave(&z->lock);

	boost(z);
	if (z->unsettled)
		buddy_relist_locked(z, z->unsettled, z->unsettled + PAGEBLOCK_PAGES, SETTLE_WORK);
	z->unsettled = 0;
	spin_unlock_irqrestore(&z->lock, flags);
}

/* The smallest block that fits, whoever's of the two: what is taken when nothing can be
 * claimed. */
static void find_smallest(const struct zone *z, unsigned int order, enum migratetype mt,
			  struct victim *v)
{
	const u8 *other = victims[mt];
	u32 fits = (z->filled[other[0]] | z->filled[other[1]]) & (~0u << order);

	BUG_ON_VAL(!fits, order, mt);
	v->order = (unsigned int)__builtin_ctz(fits);
	v->list = (enum migratetype)other[!(z->filled[other[0]] >> v->order & 1)];
	v->pfn = z->area[v->order].list[v->list].head;
	v->home = pageblock_type(v->pfn);
}

static bool is_stray(const struct zone *z, const struct victim *v, enum mobility_turn turn)
{
	return turn != TURN_LAST && buddy_is_stray(z, v->pfn, v->order, v->list);
}

/* A stray found on the way goes home, which ends the turn, unless it is the last. */
static struct page *steal(struct zone *z, unsigned int order, unsigned int most,
			  enum migratetype mt, enum mobility_turn turn, bool *stolen)
{
	struct victim v;
	bool stray, claimable;

	if (!find_largest(z, order, mt, &v))
		return NULL;
	stray = is_stray(z, &v, turn);
	claimable = !stray && may_claim(z, &v, mt);
	if (!stray && !claimable) {
		/* It would lie in the way for good: what is looked at next is taken. */
		find_smallest(z, order, mt, &v);
		stray = is_stray(z, &v, turn);
		claimable = !stray && may_claim(z, &v, mt);
	}
	if (stray) {
		buddy_relink_locked(z, v.pfn, v.home);
		return v.home == mt ? buddy_take_from_locked(z, order, most, mt, mt) : NULL;
	}
	vm_event(ALLOC_FALLBACK);
	trace_event(TRACE_EXTFRAG, v.pfn, order, mt, v.list);
	/* Whole pageblocks mix nothing. */
	if (v.order < PAGEBLOCK_ORDER)
		*stolen = true;
	if (!claimable)
		return buddy_take_as_is_locked(z, order, v.list, mt);
	claim(z, &v, mt);
	return buddy_take_claimed_locked(z, v.order, order, most, v.list, mt);
}

/* Row 53: movable pages first of all from CMA while it has most of what is free, so
 * that a zone does not run dry with its areas empty. */
static bool cma_first(const struct zone *z)
{
	return z->nr_free_cma > z->nr_free / 2;
}

struct page *mobility_take_any_locked(struct zone *z, unsigned int order, unsigned int most,
				      enum migratetype mt, bool cma, enum mobility_turn turn,
				      bool *stolen)
{
	struct page *page = NULL;

	BUG_ON_VAL(mt >= MIGRATE_HIGHATOMIC || (cma && mt != MIGRATE_MOVABLE), mt, cma);
	if (cma && cma_first(z))
		page = buddy_take_from_locked(z, order, most, MIGRATE_CMA, mt);
	/* Own ones that were all strays are at home now: the next turn sees where. */
	if (!page && z->filled[mt] >> order)
		return turn == TURN_LAST ? buddy_take_as_is_locked(z, order, mt, mt)
					 : buddy_take_from_locked(z, order, most, mt, mt);
	if (!page && cma)
		page = buddy_take_from_locked(z, order, most, MIGRATE_CMA, mt);
	return page ? page : steal(z, order, most, mt, turn, stolen);
}

/* ---- the high-atomic reserve (row 55) -------------------------------------------------- */

struct page *mobility_take_highatomic_locked(struct zone *z, unsigned int order)
{
	return buddy_take_from_locked(z, order, order, MIGRATE_HIGHATOMIC, MIGRATE_UNMOVABLE);
}

static u64 highatomic_most(const struct zone *z)
{
	u64 share = __atomic_load_n(&z->managed_pages, __ATOMIC_RELAXED) / HIGHATOMIC_DIVISOR;

	return share < PAGEBLOCK_PAGES ? 0 : align_up(share, PAGEBLOCK_PAGES);
}

void mobility_reserve_highatomic(struct zone *z, const struct page *page)
{
	u64 pfn = frame_number(page), start = pageblock_start(pfn);
	u64 most = highatomic_most(z);
	unsigned int order = frame_order(page);
	u64 nr = max_u64(1ull << order, PAGEBLOCK_PAGES);
	u64 flags;

	if (__atomic_load_n(&z->nr_highatomic, __ATOMIC_RELAXED) >= most)
		return;
	flags = spin_lock_irqsave(&z->lock);
	if (z->nr_highatomic < most && !migratetype_is_border(pageblock_type(pfn)) &&
	    !pageblock_entry(pfn)->shared) {
		pageblock_set_type(start, start + nr, MIGRATE_HIGHATOMIC);
		__atomic_store_n(&z->nr_highatomic, z->nr_highatomic + nr, __ATOMIC_RELAXED);
		vm_event(HIGHATOMIC_RESERVE);
		if (order < PAGEBLOCK_ORDER)
			buddy_relist_locked(z, start, start + PAGEBLOCK_PAGES, RELEASE_WORK);
	}
	spin_unlock_irqrestore(&z->lock, flags);
}

/* The first block on the reserve's lists, smallest order first. */
static bool first_reserved(const struct zone *z, struct victim *v)
{
	u32 filled = z->filled[MIGRATE_HIGHATOMIC];

	if (!filled)
		return false;
	v->order = (unsigned int)__builtin_ctz(filled);
	v->list = MIGRATE_HIGHATOMIC;
	v->pfn = z->area[v->order].list[MIGRATE_HIGHATOMIC].head;
	v->home = pageblock_type(v->pfn);
	return true;
}

/* A whole pageblock may have a free buddy of its new type by now: out and in again. */
static void release_whole(struct zone *z, const struct victim *v, enum migratetype mt)
{
	struct page *page = buddy_take_from_locked(z, v->order, v->order, MIGRATE_HIGHATOMIC,
						   MIGRATE_UNMOVABLE);

	BUG_ON_VAL(!page, v->pfn, v->order);
	pageblock_set_type(v->pfn, v->pfn + (1ull << v->order), mt);
	if (frame_state(page) != PAGE_ALLOCATED)
		return; /* was damaged, is leaked */
	z->nr_freed++;
	buddy_put_locked(z, page, v->order, false);
}

/* Its pageblocks are mt's again, smaller blocks in them have yet to follow. */
static void release_pageblocks(struct zone *z, const struct victim *v, enum migratetype mt)
{
	u64 nr = max_u64(1ull << v->order, PAGEBLOCK_PAGES);
	u64 start = pageblock_start(v->pfn);

	if (v->home != MIGRATE_HIGHATOMIC)
		return;
	BUG_ON_VAL(z->nr_highatomic < nr, z->nr_highatomic, nr);
	__atomic_store_n(&z->nr_highatomic, z->nr_highatomic - nr, __ATOMIC_RELAXED);
	vm_event(HIGHATOMIC_UNRESERVE);
	if (v->order >= PAGEBLOCK_ORDER)
		release_whole(z, v, mt);
	else
		pageblock_set_type(start, start + nr, mt);
}

static bool release_from(struct zone *z, enum migratetype mt, bool force)
{
	u64 flags = spin_lock_irqsave(&z->lock);
	u64 least = force ? 0 : PAGEBLOCK_PAGES;
	struct victim first;
	u64 pfn, end;

	if (z->nr_highatomic <= least || !first_reserved(z, &first)) {
		spin_unlock_irqrestore(&z->lock, flags);
		return false;
	}
	pfn = pageblock_start(first.pfn);
	end = pfn + PAGEBLOCK_PAGES;
	release_pageblocks(z, &first, mt);
	/* Each hold comes some frames further. */
	while ((pfn = buddy_relist_locked(z, pfn, end, RELEASE_WORK)) < end) {
		spin_unlock_irqrestore(&z->lock, flags);
		flags = spin_lock_irqsave(&z->lock);
	}
	spin_unlock_irqrestore(&z->lock, flags);
	return true;
}

bool mobility_unreserve_highatomic(const struct alloc_request *rq, bool force)
{
	for (const struct zoneref *ref = rq->list; ref->zone; ref++) {
		if (ref->type > rq->high || !(rq->nodes >> ref->zone->node & 1))
			continue;
		if (__atomic_load_n(&ref->zone->nr_highatomic, __ATOMIC_RELAXED) &&
		    release_from(ref->zone, rq->mt, force))
			return true;
	}
	return false;
}
