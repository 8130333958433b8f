/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `mm explain`: what the slow path did for a request, step by step, in numbers
 * it compared. A journey is written on the slow path only, into a ring of the
 * latest ones; a request served by the first try costs nothing here.
 *
 * Everything may be called from any context, no lock needed: a slot of the ring
 * is claimed by an atomic count; a reader skips slots being written. A journey
 * with more steps than fit says how many are missing.
 */
#ifndef MM_STAT_EXPLAIN_H
#define MM_STAT_EXPLAIN_H

#include "mm/page/request.h"
#include "mm/page/watermark.h"

enum explain_step {
	STEP_FIRST_TRY, /* at the low mark, or a higher band's floor */
	STEP_WOKE_KSWAPD,
	STEP_FLOOR_TRY,     /* value: at the floor of this band */
	STEP_COMPACT,       /* value: enum compact_result */
	STEP_RECLAIM,       /* value: pages gained */
	STEP_UNRESERVE,     /* high-atomic blocks given back */
	STEP_DRAIN,         /* per-CPU caches; value: all that were asked came */
	STEP_RETRY_RECLAIM, /* value: rounds without progress */
	STEP_RETRY_COMPACT, /* value: mode of the next one */
	STEP_COOKIE,        /* limits changed meanwhile: from the start */
	STEP_OOM,           /* value: it helped */
	STEP_OOM_BUSY,      /* another request is there: waits, then goes on */
	STEP_NOFAIL,        /* value: rounds */
	STEP_END,           /* value: enum explain_end */
	NR_EXPLAIN_STEPS
};

enum explain_end {
	END_SERVED,
	END_CANNOT_WAIT, /* may not reclaim, floor reached */
	END_BAND,        /* band 4 and up: no reclaim, floor reached */
	END_RECURSION,   /* was reclaiming already (row 72) */
	END_NORETRY,
	END_COSTLY,      /* order over 3 without RETRY_MAYFAIL */
	END_NO_PROGRESS, /* 16 rounds, or nothing reclaimable */
	END_COMPACTION,  /* skipped or deferred, NORETRY */
	END_OOM_FAILED,
	END_VICTIM,
	END_INJECTED, /* row 61 */
	NR_EXPLAIN_ENDS
};

struct journey;

/* Begin; null when switched off. */
struct journey *explain_begin(const struct alloc_request *rq);
/* j null: nothing, for each of these. */
void explain_step(struct journey *j, enum explain_step step, u64 value);
/* A zone was looked at: what was free, what of it counted for nothing, mark plus
 * reserve it was compared with, and the verdict. skipped: not by its mark, but
 * limits (0), node mask (1), dirty limit (2). */
void explain_zone(struct journey *j, const struct zone *z, u64 free, u64 unusable, u64 floor,
		  enum wm_verdict verdict);
void explain_skipped(struct journey *j, const struct zone *z, unsigned int why);
/* The journey is over; j belongs to the ring again. page: with END_SERVED only. */
void explain_end(struct journey *j, enum explain_end end, const struct page *page);

/* Why a request ended without a block, in words, for the failure report (row 79). */
const char *explain_end_text(enum explain_end end);

#endif
