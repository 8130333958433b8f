/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many watch every block. The count is all there is: reserves.c asks for it
 * when it computes what a cache hit compares with, so the first watcher and the
 * last one only have to make it compute again. A hit that was under way on
 * another CPU just then goes unseen; the next one does not.
 */
#include "mm/boot/topology.h"
#include "mm/page/reserves.h"
#include "mm/stat/owner.h"

static u32 watchers; /* (A) */

bool watch_active(void)
{
	return __atomic_load_n(&watchers, __ATOMIC_ACQUIRE) != 0;
}

void watch_begin(void)
{
	/* Before there are zones, reserves_init() is still to come and will ask. */
	if (__atomic_fetch_add(&watchers, 1, __ATOMIC_ACQ_REL) == 0 && zone_next(0))
		reserves_update();
}

void watch_end(void)
{
	u32 before = __atomic_fetch_sub(&watchers, 1, __ATOMIC_ACQ_REL);

	BUG_ON_VAL(!before, before, 0);
	if (before == 1 && zone_next(0))
		reserves_update();
}
