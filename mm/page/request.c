// SPDX-License-Identifier: Apache-2.0
/*
 * From flags and context to a request (rows 22, 33, 57, 58, 62, 64, 66, 67, 80):
 * decided once here, and nobody below looks at a flag for these questions again.
 *
 * What is odd about flags is looked for in one go; only odd ones are judged
 * further. The rest is a table look-up for the band and a dozen bits. Owns the
 * map from priorities to bands, constant after boot. Takes no lock, touches no
 * zone.
 */
#include "mm/page/request.h"

#include "mm/boot/topology.h"
#include "mm/page/policy.h"
#include "mm/stat/vmstat.h"
#include "mm/task.h"

enum {
	ZONE_BITS = __GFP_DMA | __GFP_DMA32 | __GFP_HIGHMEM,
	MOBILITY_BITS = __GFP_MOVABLE | __GFP_RECLAIMABLE,
	RESERVE_BITS = __GFP_MEMALLOC | __GFP_NOMEMALLOC,
	/* A request with none of these, of a legal order, with one zone bit at most
	 * and one mobility, needs no further look. */
	ODD_BITS = ~GFP_BITS | __GFP_NOFAIL | __GFP_ATOMIC | __GFP_MEMALLOC,
	REFUSED_EVERY_NS = 1000000000,
	NR_PRIOS = 32,
};

/* The bands that priorities can have, beside 0. */
static const u8 band_by_prio[BAND_STARTS] = { BAND_BATCH, BAND_ORDINARY, BAND_URGENT, BAND_REALTIME,
					      BAND_CRITICAL };
static const u8 default_start[BAND_STARTS] = { 4, 8, 16, 20, 26 };

static u8 prio_band[NR_PRIOS];                            /* (I) */
static bool ladder = true;                                /* (I) */
static gfp_t allowed = ~(gfp_t)__GFP_DIRECT_RECLAIM;      /* (B): nobody could wake a sleeper */
static u64 nr_refused;                                    /* (A) */
static u64 next_message;                                  /* (A) racing CPUs may print twice */
static bool warned_atomic, warned_nofail, warned_sleeper; /* (A) */

/* ---- once ------------------------------------------------------------------------- */

void tm_init request_init(const struct boot_options *o)
{
	const u8 *start = o->bands_given ? o->band_start : default_start;

	BUG_ON_VAL(ARRAY_SIZE(band_by_prio) != ARRAY_SIZE(o->band_start), BAND_STARTS, 0);
	allowed = ~(gfp_t)__GFP_DIRECT_RECLAIM;
	nr_refused = 0;
	warned_atomic = warned_nofail = warned_sleeper = false;
	ladder = !o->ladder_off;
	for (unsigned int prio = 0; prio < NR_PRIOS; prio++) {
		prio_band[prio] = BAND_BACKGROUND;
		for (unsigned int i = 0; i < BAND_STARTS; i++)
			if (prio >= start[i])
				prio_band[prio] = band_by_prio[i];
		if (!ladder)
			prio_band[prio] = BAND_ORDINARY;
	}
}

void mm_allow_blocking(void)
{
	BUG_ON(!sched_running());
	allowed = ~(gfp_t)0;
}

u32 request_prio_band(unsigned int prio)
{
	BUG_ON_VAL(prio >= NR_PRIOS, prio, 0);
	return prio_band[prio];
}

bool request_ladder(void)
{
	return ladder;
}

u64 request_refused(void)
{
	return __atomic_load_n(&nr_refused, __ATOMIC_RELAXED);
}

/* ---- sanity (rows 64, 66, 80) ------------------------------------------------ */

static bool looks_odd(gfp_t gfp, unsigned int order)
{
	u32 zones = gfp & ZONE_BITS;

	return (gfp & ODD_BITS) || order > MAX_PAGE_ORDER || (zones & (zones - 1)) ||
	       (gfp & MOBILITY_BITS) == MOBILITY_BITS;
}

const char *gfp_contradiction(gfp_t gfp)
{
	u32 zones = gfp & ZONE_BITS;

	if (gfp & ~GFP_BITS)
		return "unknown flags";
	if (zones & (zones - 1))
		return "more than one zone";
	if ((gfp & MOBILITY_BITS) == MOBILITY_BITS)
		return "movable and reclaimable";
	if ((gfp & RESERVE_BITS) == RESERVE_BITS)
		return "all of the reserve and none";
	if ((gfp & __GFP_NOFAIL) && !(gfp & __GFP_DIRECT_RECLAIM))
		return "may not fail and may not wait";
	return NULL;
}

static int refuse(gfp_t gfp, unsigned int order, const char *why)
{
	u64 now = time_now_ns();

	__atomic_fetch_add(&nr_refused, 1, __ATOMIC_RELAXED);
	vm_event(ALLOC_REFUSED);
	if (now < __atomic_load_n(&next_message, __ATOMIC_RELAXED))
		return ERR_INVAL;
	__atomic_store_n(&next_message, now + REFUSED_EVERY_NS, __ATOMIC_RELAXED);
	pr_warn("mm: request refused: %s (order %u, flags %#x), %llu so far", why, order, gfp,
		(unsigned long long)request_refused());
	return ERR_INVAL;
}

static void warn_once(bool *warned, gfp_t gfp, unsigned int order, const char *what)
{
	if (!__atomic_exchange_n(warned, true, __ATOMIC_RELAXED))
		pr_warn("mm: %s (order %u, flags %#x); said once", what, order, gfp);
}

/* An order is a size somebody has computed, so null is the answer to a wrong one
 * in every build; flags are written by a programmer. */
static tm_noinline int judge(gfp_t *gfp, unsigned int order)
{
	const char *why = gfp_contradiction(*gfp);

	if (why && tm_debug)
		panic("mm: request refused: %s (order %u, flags %#x)", why, order, *gfp);
	if (order > MAX_PAGE_ORDER)
		why = "order over 10";
	if (why)
		return refuse(*gfp, order, why);
	if ((*gfp & __GFP_NOFAIL) && order > 1)
		warn_once(&warned_nofail, *gfp, order, "NOFAIL above order 1");
	if ((*gfp & __GFP_ATOMIC) && (*gfp & __GFP_DIRECT_RECLAIM)) {
		warn_once(&warned_atomic, *gfp, order, "ATOMIC that may wait is not atomic");
		*gfp &= ~(gfp_t)__GFP_ATOMIC;
	}
	if (*gfp & __GFP_ATOMIC)
		*gfp |= __GFP_HIGH;
	return 0;
}

/* DIRECT_RECLAIM where nobody may sleep: a mistake that would be found only when
 * memory is short, so test builds find it always. */
static tm_noinline void judge_sleeper(gfp_t gfp, unsigned int order)
{
	if (tm_debug)
		panic("mm: a request that may wait, where nobody may sleep (order %u, flags %#x)",
		      order, gfp);
	warn_once(&warned_sleeper, gfp, order, "a request that may wait, where nobody may sleep");
}

/* ---- what it means ----------------------------------------------------------- */

/* Row 22. */
static u32 highest_zone(gfp_t gfp)
{
	if (likely(!(gfp & ZONE_BITS)))
		return ZONE_NORMAL;
	if (gfp & __GFP_DMA)
		return ZONE_DMA;
	if (gfp & __GFP_DMA32)
		return ZONE_DMA32;
	return gfp & __GFP_MOVABLE ? ZONE_MOVABLE : ZONE_NORMAL;
}

/* Row 81. */
static gfp_t in_scope(gfp_t gfp, u32 special)
{
	if (special & MM_TASK_NOIO)
		return gfp & ~(gfp_t)(__GFP_IO | __GFP_FS);
	if (special & MM_TASK_NOFS)
		return gfp & ~(gfp_t)__GFP_FS;
	return gfp;
}

/* Rows 29, 33, 67, on the ladder. special is 0 in interrupts. */
static u32 band_of(gfp_t gfp, u32 special, bool may_block)
{
	bool rights = !(gfp & __GFP_NOMEMALLOC);
	u32 band;

	if (unlikely(rights && ((gfp & __GFP_MEMALLOC) || (special & MM_TASK_MEMALLOC))))
		return BAND_MEMALLOC;
	if (unlikely(in_interrupt()) && ladder)
		return BAND_INTERRUPT;
	/* Before tasks run there is one, and its priority says nothing; nor does that
	 * of the task an interrupt came upon. */
	band = likely(sched_running() && !in_interrupt()) ? prio_band[task_prio(task_current())]
							  : BAND_ORDINARY;
	if ((gfp & __GFP_HIGH) && band < BAND_REALTIME)
		band = BAND_REALTIME;
	if (band == BAND_REALTIME && !may_block && rights)
		band = BAND_ATOMIC;
	if (unlikely((special & MM_TASK_VICTIM) && rights && band < BAND_CRITICAL))
		band = BAND_CRITICAL;
	return band;
}

static u32 own_special(void)
{
	if (unlikely(in_interrupt()))
		return 0;
	return __atomic_load_n(&task_mm(task_current())->special, __ATOMIC_RELAXED);
}

u32 request_band(gfp_t gfp, bool may_block)
{
	return band_of(gfp, own_special(), may_block);
}

/* All but where; flags are sound. The cookie comes before the first look at
 * policy and limits (row 76). */
static void fill(struct alloc_request *rq, gfp_t gfp, unsigned int order, u32 special)
{
	rq->cookie = limits_begin();
	gfp &= allowed;
	rq->gfp = gfp = in_scope(gfp, special);
	rq->order = order;
	rq->high = highest_zone(gfp);
	rq->mt = (enum migratetype)(gfp & MOBILITY_BITS);
	rq->may_block = gfp & __GFP_DIRECT_RECLAIM;
	if (unlikely(rq->may_block && !may_sleep())) {
		judge_sleeper(gfp, order);
		rq->may_block = false;
	}
	rq->band = band_of(gfp, special, rq->may_block);
	/* Without the ladder a right to dig deeper does not take reclaim away. */
	rq->may_reclaim = rq->may_block && !(special & MM_TASK_MEMALLOC) &&
			  (rq->band < BAND_NO_RECLAIM || (!ladder && rq->band < BAND_MEMALLOC));
	rq->cma = rq->mt == MIGRATE_MOVABLE;
	/* Those who neither wait nor reclaim (row 55); reclaim itself leaves it alone. */
	rq->highatomic = order && !(gfp & __GFP_NOMEMALLOC) && rq->band >= BAND_NO_RECLAIM &&
			 rq->band < BAND_MEMALLOC && !rq->may_reclaim;
}

static int place_at(struct alloc_request *rq, const struct placement *place)
{
	u32 which = rq->gfp & __GFP_THISNODE ? ZONELIST_THISNODE : ZONELIST_FALLBACK;

	if (unlikely((u32)place->node >= MAX_NODES || !node_table[place->node]))
		return ERR_NOENT;
	rq->node = place->node;
	rq->nodes = place->nodes;
	rq->interleave = place->interleave;
	rq->list = node_table[place->node]->zonelist[which];
	return rq->list->zone ? 0 : ERR_NOENT;
}

int request_fill(struct alloc_request *rq, int node, gfp_t gfp, unsigned int order,
		 const void *site)
{
	struct placement place = { .node = node, .nodes = ~0ull };

	if (unlikely(looks_odd(gfp, order)) && judge(&gfp, order))
		return ERR_INVAL;
	fill(rq, gfp, order, own_special());
	rq->site = site;
	rq->by_policy = node == NODE_NONE;
	if (rq->by_policy)
		place = policy_of_task(rq->gfp);
	return place_at(rq, &place);
}

int request_fill_policy(struct alloc_request *rq, const struct mm_policy *p, u64 index, gfp_t gfp,
			unsigned int order, const void *site)
{
	struct placement place;

	if (unlikely(looks_odd(gfp, order)) && judge(&gfp, order))
		return ERR_INVAL;
	fill(rq, gfp, order, own_special());
	rq->site = site;
	rq->by_policy = false;
	if (policy_of_range(p, index, rq->gfp, order, &place))
		return refuse(gfp, order, "malformed policy");
	return place_at(rq, &place);
}

void request_place_again(struct alloc_request *rq)
{
	struct placement place;

	rq->cookie = limits_begin();
	if (!rq->by_policy)
		return;
	place = policy_of_task(rq->gfp);
	/* An empty list is walked like any other: nothing is found. */
	if (place_at(rq, &place))
		BUG_ON_VAL(rq->list->zone, place.node, rq->gfp);
}
