/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a request to a block: the walk over the zones of a list (row 59) and the
 * removal from one zone (row 60). The long way; the hit path in hit.c is
 * for requests that need none of this.
 */
#ifndef MM_PAGE_WALK_H
#define MM_PAGE_WALK_H

#include "mm/page/request.h"
#include "mm/page/watermark.h"

struct journey; /* mm/stat/explain.h */

/*
 * The first zone of the list that stays above the try's mark plus its reserve,
 * tested without the lock and again under it; the block prepared (checks, poison,
 * owner, statistics), not cleared. Null: none. j, if not null, gets a line for
 * each zone. At most nodes x types entries, each one bounded step. Any.
 */
struct page *walk_zones(const struct alloc_request *rq, const struct alloc_try *t,
			struct journey *j);

/* Would the zone pass this try, now, without its lock? verdict of wm_test(). Any. */
enum wm_verdict walk_test(const struct zone *z, const struct alloc_request *rq,
			  const struct alloc_try *t);

#endif
