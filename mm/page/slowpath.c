// SPDX-License-Identifier: Apache-2.0
/*
 * What follows a failed first try (rows 66-79); contracts in slowpath.h.
 *
 * 1. Shape. Three steps follow each other until one of them is the last. BEGIN
 *    wakes kswapd, tries the floor of the band, and for costly or not movable
 *    orders compacts before anything is reclaimed (67-69). A ROUND wakes again,
 *    tries with what rights the caller has by now, reclaims, compacts, and judges
 *    by the rules whether another round could help (68, 70-75); if not, something
 *    is ended to free its memory (77). GIVE_UP starts over when the task's limits
 *    have changed (76), goes on for NOFAIL (78), and else reports (79).
 *
 * 2. Who may not reclaim never gets into the loop: bands 4 and up wake, try, drain
 *    their own CPU's caches, give back what the high-atomic reserve holds, try once
 *    more, and that is all. Others that cannot wait go through half a round.
 *
 * 3. Locking: none is held here; each try takes and releases its zone locks. One
 *    flag says that somebody ends tasks.
 *
 * 4. Worst case. Tries: three at the beginning, seven a round. Rounds: ROUNDS_MOST,
 *    whatever is gained, since others may take it away each time; 16 in a row
 *    without gain. Starts: RESTARTS_MOST + 1. Only NOFAIL goes beyond that, asleep
 *    for a millisecond after each time that it would have failed. Bands 4 and up:
 *    three walks over the list, OWN_CHUNKS chunks of the caches a zone; interrupts:
 *    two walks.
 *
 * 5. Known faults. A restart forgets how many rounds brought nothing, but not how
 *    many there were.
 */
#include "mm/page/slowpath.h"

#include "mm/page/mobility.h"
#include "mm/page/pcp.h"
#include "mm/page/policy.h"
#include "mm/page/walk.h"
#include "mm/stat/owner.h"
#include "mm/stat/vmstat.h"
#include "mm/task.h"

enum {
	COSTLY_ORDER = 3,     /* above: reclaim is not expected to help */
	RECLAIM_RETRIES = 16, /* row 73 */
	COMPACT_RETRIES = 16, /* row 74; a quarter for costly orders */
	ROUNDS_MOST = 256,    /* with gain, but others were faster each time */
	RESTARTS_MOST = 16,   /* row 76 */
	OWN_CHUNKS = 32,      /* of the own CPU's caches, a zone */
	PAUSE_NS = 1000000,
};

enum step { BEGIN, ROUND, GIVE_UP, DONE };

/* One way through, on the stack of its request. */
struct way {
	const struct alloc_request *rq; /* the caller's, or `again` */
	struct alloc_request again;     /* placed anew after limits changed */
	struct alloc_try try;
	struct journey *j;
	struct page *page;
	enum explain_end end;
	u64 gained;               /* by the latest reclaim */
	u32 rounds, restarts;     /* of the whole way */
	u32 no_gain, compactions; /* since the beginning, or the last gain */
	enum compact_mode mode;
	enum compact_result compacted;
};

static bool ending; /* (A) somebody is in row 77 */

static bool is_costly(const struct way *w)
{
	return w->rq->order > COSTLY_ORDER;
}

static u32 own_special(void)
{
	return in_interrupt()
		       ? 0
		       : __atomic_load_n(&task_mm(task_current())->special, __ATOMIC_RELAXED);
}

/* Rows 33, 77: chosen to end, so it may dig to get there, unless it gave that up. */
static bool is_victim(const struct way *w)
{
	return (own_special() & MM_TASK_VICTIM) && !(w->rq->gfp & __GFP_NOMEMALLOC);
}

/* May this request use the zone, as far as nodes and types go? */
static bool may_use(const struct way *w, const struct zoneref *ref)
{
	return ref->type <= w->rq->high &&
	       (w->try.any_node || (w->rq->nodes >> ref->zone->node & 1)) &&
	       (!w->try.cpuset || limits_allow(ref->zone, w->rq->gfp));
}

static bool try_again(struct way *w, enum explain_step why)
{
	explain_step(w->j, why, w->try.band);
	w->page = walk_zones(w->rq, &w->try, w->j);
	return w->page != NULL;
}

/* ---- row 68 ----------------------------------------------------------------------- */

/* Once a node: the first zone of it in the list is the highest. */
static void wake_kswapds(struct way *w)
{
	u64 woken = 0;

	if (!(w->rq->gfp & __GFP_KSWAPD_RECLAIM))
		return;
	for (const struct zoneref *ref = w->rq->list; ref->zone; ref++) {
		struct zone *z = ref->zone;

		if ((woken >> z->node & 1) || !may_use(w, ref))
			continue;
		woken |= 1ull << z->node;
		trace_event(TRACE_WAKE_KSWAPD, z->node, z->type, w->rq->order, w->rq->gfp);
		slow_wake_kswapd(z, w->rq);
	}
	vm_events(KSWAPD_WAKE, (u64)__builtin_popcountll(woken));
	explain_step(w->j, STEP_WOKE_KSWAPD, (u64)__builtin_popcountll(woken));
}

/* ---- reclaim and compaction (rows 69, 71, 74, 50) ---------------------------- */

/* Blocks that lie stranded somewhere come back and may merge. */
static void unstrand(struct way *w)
{
	if (mobility_unreserve_highatomic(w->rq, false))
		explain_step(w->j, STEP_UNRESERVE, 0);
	explain_step(w->j, STEP_DRAIN, mm_drain_caches());
}

static bool reclaim(struct way *w)
{
	unsigned int scope = mm_scope_save(MM_SCOPE_MEMALLOC);

	vm_event((enum vm_event)(ALLOCSTALL_DMA + w->rq->high));
	trace_event(TRACE_RECLAIM_BEGIN, w->rq->order, w->rq->gfp, 0, 0);
	w->gained = slow_reclaim(w->rq);
	trace_event(TRACE_RECLAIM_END, w->gained, 0, 0, 0);
	mm_scope_restore(scope);
	explain_step(w->j, STEP_RECLAIM, w->gained);
	if (!w->gained)
		return false;
	if (try_again(w, STEP_FLOOR_TRY))
		return true;
	unstrand(w);
	return try_again(w, STEP_FLOOR_TRY);
}

static bool compact(struct way *w, enum compact_mode mode)
{
	unsigned int scope;

	if (!w->rq->order)
		return false;
	scope = mm_scope_save(MM_SCOPE_MEMALLOC);
	w->compacted = slow_compact(w->rq, mode);
	mm_scope_restore(scope);
	explain_step(w->j, STEP_COMPACT, w->compacted);
	if (w->compacted == COMPACT_SKIPPED || w->compacted == COMPACT_DEFERRED)
		return false;
	vm_event(COMPACT_STALL);
	if (try_again(w, STEP_FLOOR_TRY)) {
		vm_event(COMPACT_DIRECT_SUCCESS);
		return true;
	}
	vm_event(COMPACT_FAIL);
	explain_step(w->j, STEP_DRAIN, mm_drain_caches());
	return try_again(w, STEP_FLOOR_TRY);
}

/* Row 69. Who has reserve rights is served sooner by them. */
static enum step compact_early(struct way *w)
{
	const struct alloc_request *rq = w->rq;

	if (!rq->may_reclaim || !rq->order || is_victim(w) ||
	    (!is_costly(w) && rq->mt == MIGRATE_MOVABLE))
		return ROUND;
	if (compact(w, COMPACT_ASYNC))
		return DONE;
	if (!is_costly(w) || !(rq->gfp & __GFP_NORETRY))
		return ROUND;
	w->end = END_COMPACTION;
	w->mode = COMPACT_ASYNC;
	return w->compacted == COMPACT_SKIPPED || w->compacted == COMPACT_DEFERRED ? GIVE_UP
										   : ROUND;
}

/* ---- the beginning (rows 66, 67) --------------------------------------------- */

/* Atomic: it digs deeper, and does not care for the task's limits. */
static bool ignores_limits(const struct alloc_request *rq)
{
	return (rq->gfp & __GFP_HIGH) && !(rq->gfp & (__GFP_DIRECT_RECLAIM | __GFP_NOMEMALLOC));
}

static enum step begin(struct way *w)
{
	w->try = (struct alloc_try){ .band = w->rq->band, .cpuset = !ignores_limits(w->rq) };
	w->no_gain = w->compactions = 0;
	w->mode = COMPACT_LIGHT;
	wake_kswapds(w);
	if (try_again(w, STEP_FLOOR_TRY))
		return DONE;
	return compact_early(w);
}

/* ---- those who may not reclaim ----------------------------------------------- */

/* This CPU's caches of one zone, as far as one bounded way goes. */
static void drain_own(struct zone *z)
{
	bool more = true;

	for (unsigned int i = 0; more && i < OWN_CHUNKS; i++) {
		u64 flags = arch_irq_save();

		more = pcp_drain_chunk(z);
		arch_irq_restore(flags);
	}
}

/* Bands 4 and up: what can be had without waiting for anybody. An interrupt does
 * not even look: it runs masked, and its list is the shortest way out. */
static bool urgent(struct way *w)
{
	if (in_interrupt())
		return false;
	explain_step(w->j, STEP_DRAIN, 1);
	for (const struct zoneref *ref = w->rq->list; ref->zone; ref++)
		if (may_use(w, ref))
			drain_own(ref->zone);
	if (mobility_unreserve_highatomic(w->rq, false))
		explain_step(w->j, STEP_UNRESERVE, 0);
	return try_again(w, STEP_FLOOR_TRY);
}

static enum step without_reclaim(struct way *w)
{
	if (w->rq->band >= BAND_NO_RECLAIM && urgent(w))
		return DONE;
	if (!w->rq->may_block)
		w->end = END_CANNOT_WAIT;
	else
		w->end = own_special() & MM_TASK_MEMALLOC ? END_RECURSION : END_BAND;
	return GIVE_UP;
}

/* ---- rules for another round (rows 73-75) ------------------------------------ */

/* With all that could still be reclaimed, would a zone pass? */
static bool could_pass(const struct way *w, const struct zone *z)
{
	const struct alloc_request *rq = w->rq;
	u64 free = __atomic_load_n(&z->nr_usable, __ATOMIC_RELAXED) + slow_reclaimable(z);
	u32 filled = rq->order ? buddy_filled(z) : 1;

	if (rq->cma) {
		free += __atomic_load_n(&z->nr_free_cma, __ATOMIC_RELAXED);
		filled |= __atomic_load_n(&z->filled[MIGRATE_CMA], __ATOMIC_RELAXED);
	}
	return wm_test(free, 0, rq->order, z->floor[w->try.band] + z->lowmem_reserve[rq->high],
		       filled) == WM_PASS;
}

static bool reclaim_retry(struct way *w)
{
	bool could = false;

	w->no_gain = w->gained && !is_costly(w) ? 0 : w->no_gain + 1;
	explain_step(w->j, STEP_RETRY_RECLAIM, w->no_gain);
	if (w->no_gain <= RECLAIM_RETRIES)
		for (const struct zoneref *ref = w->rq->list; ref->zone && !could; ref++)
			could = may_use(w, ref) && could_pass(w, ref->zone);
	if (could) {
		task_yield();
		return true;
	}
	/* The last that could be had without ending somebody. */
	if (!mobility_unreserve_highatomic(w->rq, true))
		return false;
	explain_step(w->j, STEP_UNRESERVE, 1);
	return true;
}

/* Success that somebody else took is worth some more tries; failure, more effort,
 * for costly orders not the utmost. */
static bool compact_retry(struct way *w)
{
	u32 most = is_costly(w) ? COMPACT_RETRIES / 4 : COMPACT_RETRIES;
	enum compact_mode utmost = is_costly(w) ? COMPACT_LIGHT : COMPACT_SYNC;

	if (!w->rq->order || !w->gained)
		return false;
	if (w->compacted == COMPACT_SUCCESS && ++w->compactions <= most)
		return true;
	if (w->mode >= utmost)
		return false;
	w->mode++;
	w->compactions = 0;
	explain_step(w->j, STEP_RETRY_COMPACT, w->mode);
	return true;
}

/* Row 76. Interrupts have no limits. */
static bool start_over(struct way *w)
{
	if (in_interrupt() || w->restarts >= RESTARTS_MOST || !limits_retry(w->rq->cookie))
		return false;
	w->restarts++;
	w->again = *w->rq;
	request_place_again(&w->again);
	w->rq = &w->again;
	vm_event(COOKIE_RETRY);
	explain_step(w->j, STEP_COOKIE, w->restarts);
	return true;
}

/* ---- the last resort (row 77) ------------------------------------------------ */

/* Ending a task would not help these, or not enough to be right. */
static bool may_end_somebody(const struct way *w)
{
	return !is_costly(w) && !(w->rq->gfp & (__GFP_RETRY_MAYFAIL | __GFP_THISNODE)) &&
	       w->rq->high >= ZONE_NORMAL;
}

/*
 * Nothing may be ended while memory lies in caches (row 50). At the high mark: did
 * somebody end, or reclaim finish, while we came here? At the floor: was what the
 * caches held enough?
 */
static bool try_before(struct way *w)
{
	struct alloc_try high = { .high_mark = true, .cpuset = true, .band = w->try.band };

	explain_step(w->j, STEP_DRAIN, mm_drain_caches());
	w->page = walk_zones(w->rq, &high, w->j);
	return w->page || try_again(w, STEP_FLOOR_TRY);
}

static enum step out_of_memory(struct way *w)
{
	bool helped = true;

	if (__atomic_exchange_n(&ending, true, __ATOMIC_ACQUIRE)) {
		explain_step(w->j, STEP_OOM_BUSY, 0);
		sleep_ns(PAUSE_NS); /* one at a time; what it frees may do for us */
	} else {
		if (!try_before(w)) {
			helped = may_end_somebody(w) && slow_out_of_memory(w->rq);
			explain_step(w->j, STEP_OOM, helped);
		}
		__atomic_store_n(&ending, false, __ATOMIC_RELEASE);
	}
	if (w->page)
		return DONE;
	if (own_special() & MM_TASK_VICTIM) {
		w->end = END_VICTIM;
		return GIVE_UP;
	}
	if (helped) {
		w->no_gain = 0;
		return ROUND;
	}
	w->end = may_end_somebody(w) ? END_OOM_FAILED : END_NO_PROGRESS;
	return GIVE_UP;
}

/* ---- one round --------------------------------------------------------------- */

/* Rows 33, 70: rights may have come meanwhile. */
static void take_rights(struct way *w)
{
	if (is_victim(w) && w->try.band < BAND_CRITICAL)
		w->try.band = BAND_CRITICAL;
	if (w->rq->band == BAND_MEMALLOC || is_victim(w))
		w->try.cpuset = false;
	if (!w->try.cpuset)
		w->try.any_node = true;
}

static enum step another(struct way *w)
{
	gfp_t gfp = w->rq->gfp;

	if (gfp & __GFP_NORETRY) {
		w->end = END_NORETRY;
		return GIVE_UP;
	}
	if (is_costly(w) && !(gfp & __GFP_RETRY_MAYFAIL)) {
		w->end = END_COSTLY;
		return GIVE_UP;
	}
	if (reclaim_retry(w) || compact_retry(w))
		return ROUND;
	if (start_over(w))
		return BEGIN;
	return out_of_memory(w);
}

static enum step one_round(struct way *w)
{
	w->end = END_NO_PROGRESS;
	if (w->rounds++ >= ROUNDS_MOST && !(w->rq->gfp & __GFP_NOFAIL))
		return GIVE_UP;
	wake_kswapds(w);
	take_rights(w);
	if (try_again(w, STEP_FLOOR_TRY))
		return DONE;
	if (!w->rq->may_reclaim)
		return without_reclaim(w);
	if (reclaim(w) || compact(w, w->mode))
		return DONE;
	return another(w);
}

/* ---- the end (rows 76, 78) --------------------------------------------------- */

static void warn_nofail(const struct way *w, bool *warned, const char *what)
{
	if (!__atomic_exchange_n(warned, true, __ATOMIC_RELAXED))
		pr_warn("mm: a request that may not fail %s (order %u, flags %#x); said once", what,
			w->rq->order, w->rq->gfp);
}

/* Some of the reserve, never all of it; within limits first, then anywhere. */
static bool try_reserve(struct way *w)
{
	struct alloc_try some = w->try;

	if (some.band < BAND_REALTIME)
		some.band = BAND_REALTIME;
	for (unsigned int i = 0; i < 2 && !w->page; i++) {
		some.cpuset = i == 0;
		w->page = walk_zones(w->rq, &some, w->j);
	}
	return w->page != NULL;
}

static enum step insist(struct way *w)
{
	static bool warned_blocked, warned_reclaiming, warned_costly;

	if (!w->rq->may_block) {
		warn_nofail(w, &warned_blocked, "cannot wait: it fails");
		return DONE;
	}
	if (own_special() & MM_TASK_MEMALLOC)
		warn_nofail(w, &warned_reclaiming, "is made by reclaim");
	if (is_costly(w))
		warn_nofail(w, &warned_costly, "is costly");
	explain_step(w->j, STEP_NOFAIL, w->rounds);
	if (try_reserve(w))
		return DONE;
	/* Asleep, so that whoever could free something runs, however urgent we are. */
	sleep_ns(PAUSE_NS);
	return ROUND;
}

static enum step give_up(struct way *w)
{
	if (start_over(w))
		return BEGIN;
	return w->rq->gfp & __GFP_NOFAIL ? insist(w) : DONE;
}

static void count_entry(void)
{
	vm_event(ALLOC_SLOWPATH);
	if (!in_interrupt())
		task_mm(task_current())->slow_paths++;
}

u32 mm_slow_paths(void)
{
	return task_mm(task_current())->slow_paths;
}

struct page *slowpath_alloc(const struct alloc_request *rq)
{
	struct way w = { .rq = rq, .j = explain_begin(rq) };
	enum step next = BEGIN;

	count_entry();
	while (next != DONE) {
		if (next == BEGIN)
			next = begin(&w);
		else if (next == ROUND)
			next = one_round(&w);
		else
			next = give_up(&w);
	}
	BUG_ON_VAL(w.page && frame_state(w.page) != PAGE_ALLOCATED, w.page->flags, rq->order);
	explain_end(w.j, w.page ? END_SERVED : w.end, w.page);
	if (unlikely(!w.page)) {
		vm_event(ALLOC_FAILED);
		slowpath_report(w.rq, w.end);
	}
	return w.page;
}
