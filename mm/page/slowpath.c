// SPDX-License-Identifier: Apache-2.0
/*
 * What follows a failed first try; contracts in slowpath.h.
 */
#include "mm/page/slowpath.h"

#include "mm/page/walk.h"
#include "mm/task.h"

enum { WARN_EVERY_NS = 1000000000 };

static void warn_failed(const struct alloc_request *rq)
{
	static u64 next_warning; /* (A) racing CPUs may warn twice */
	u64 now = time_now_ns();

	if ((rq->gfp & __GFP_NOWARN) || now < __atomic_load_n(&next_warning, __ATOMIC_RELAXED))
		return;
	__atomic_store_n(&next_warning, now + WARN_EVERY_NS, __ATOMIC_RELAXED);
	pr_warn("mm: no block of order %u (flags %x), %llu pages free", rq->order, rq->gfp,
		(unsigned long long)mm_free_pages());
}

/* An interrupt's requests are nobody's. */
static void count_for_task(void)
{
	if (sched_running() && !in_interrupt())
		task_mm(task_current())->slow_paths++;
}

u32 mm_slow_paths(void)
{
	return task_mm(task_current())->slow_paths;
}

struct page *slowpath_alloc(const struct alloc_request *rq)
{
	const struct alloc_try floor = { .band = rq->band };
	struct page *page;

	count_for_task();
	page = walk_zones(rq, &floor, NULL);
	if (unlikely(!page))
		warn_failed(rq);
	return page;
}
