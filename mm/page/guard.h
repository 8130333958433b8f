/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guard pages (row 40), a debugging aid: with debug_guardpage_minorder=N, free
 * blocks of order below N beside a block that is served are held back, taken out
 * of the linear map where the machine can, and given back to the lists when that
 * block is freed, in time to merge with it. A stray access behind or before a
 * block then faults and says so.
 *
 * Set at boot, then constant. While it is on the per-CPU caches stay empty
 * (watch_begin()), so every block passes by here; a zone keeps more than its high
 * mark on the lists. While it is off the long way pays a load and a branch, the
 * hit path nothing.
 */
#ifndef MM_PAGE_GUARD_H
#define MM_PAGE_GUARD_H

#include "mm/page/frame.h"

enum { GUARD_MOST_ORDER = MAX_PAGE_ORDER / 2 };

/* Before the linear map is made: by single pages, if guards are wanted. Boot. */
void guard_prepare(void);
/* From now on. Boot, before requests are served. */
void guard_init(void);

#endif
