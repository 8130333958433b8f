// SPDX-License-Identifier: Apache-2.0
/*
 * What the log says when a request ends without a block (row 79): who asked for
 * what, why it ended, and how each zone it could have used stands. One report a
 * second, the others are counted; NOWARN and interrupts, which have no time for
 * it, are silent (`mm explain` has them all). Takes no lock: the numbers of a zone
 * are a snapshot.
 */
#include "mm/page/slowpath.h"

#include "mm/page/buddy.h"
#include "mm/stat/names.h"

enum {
	REPORT_EVERY_NS = 1000000000,
	ZONES_MOST = 16, /* lines of one report */
	NAMES_LEN = 120,
};

static u64 next_report; /* (A) racing CPUs may report twice */
static u32 unreported;  /* (A) */

static u64 relaxed(const u64 *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void report_zone(const struct zone *z, const struct alloc_request *rq)
{
	pr_warn("mm:  Node %u %s free:%llu usable:%llu floor:%llu reserve:%llu boost:%llu "
		"min:%llu low:%llu high:%llu managed:%llu largest order:%d",
		z->node, z->name, (unsigned long long)relaxed(&z->nr_free),
		(unsigned long long)relaxed(&z->nr_usable),
		(unsigned long long)relaxed(&z->floor[rq->band]),
		(unsigned long long)relaxed(&z->lowmem_reserve[rq->high]),
		(unsigned long long)relaxed(&z->boost),
		(unsigned long long)relaxed(&z->wmark[WMARK_MIN]),
		(unsigned long long)relaxed(&z->wmark[WMARK_LOW]),
		(unsigned long long)relaxed(&z->wmark[WMARK_HIGH]),
		(unsigned long long)relaxed(&z->managed_pages), (int)fls_u64(buddy_filled(z)) - 1);
}

static void report(const struct alloc_request *rq, enum explain_end end, u32 missed)
{
	char names[NAMES_LEN];
	struct out_buf ob;
	unsigned int nr = 0;

	out_buf_init(&ob, names, sizeof(names));
	mm_print_gfp(&ob.out, rq->gfp);
	pr_warn("mm: %s: page allocation failure: order:%u, mode:%#x(%s), nodemask=%#llx, "
		"band %u: %s",
		task_name(task_current()), rq->order, rq->gfp, names,
		(unsigned long long)(rq->nodes & nodes_with_memory()), rq->band,
		explain_end_text(end));
	if (missed)
		pr_warn("mm:  %u failures before it were not reported", missed);
	for (const struct zoneref *ref = rq->list; ref->zone; ref++) {
		if (ref->type > rq->high || !(rq->nodes >> ref->zone->node & 1))
			continue;
		if (nr++ < ZONES_MOST)
			report_zone(ref->zone, rq);
	}
	if (nr > ZONES_MOST)
		pr_warn("mm:  and %u more zones", nr - ZONES_MOST);
}

void slowpath_report(const struct alloc_request *rq, enum explain_end end)
{
	u64 now = time_now_ns();

	if ((rq->gfp & __GFP_NOWARN) || in_interrupt())
		return;
	if (now < relaxed(&next_report)) {
		__atomic_fetch_add(&unreported, 1, __ATOMIC_RELAXED);
		return;
	}
	__atomic_store_n(&next_report, now + REPORT_EVERY_NS, __ATOMIC_RELAXED);
	report(rq, end, __atomic_exchange_n(&unreported, 0, __ATOMIC_RELAXED));
}
