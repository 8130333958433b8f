/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Marks and reserves of all zones (rows 24-26, 30-32, 35, 47, 48): applies the
 * arithmetic of watermark.h to what the zones have, and holds the knobs that it
 * depends on. One computes at a time under the knobs lock; readers may see the
 * marks of one zone half old, half new for a moment, which costs one verdict.
 */
#ifndef MM_PAGE_RESERVES_H
#define MM_PAGE_RESERVES_H

#include "mm/boot/intake.h"
#include "mm/page/watermark.h"

struct reserve_knobs {
	u64 min_free_kbytes; /* computed unless somebody set it */
	bool min_free_is_set;
	u32 watermark_scale_factor;
	u32 lowmem_reserve_ratio[NR_ZONE_TYPES];
	u32 pcp_high_fraction; /* of the zone, for the caches of its CPUs; 0: by low mark */
};

enum { PCP_HIGH_FRACTION_LEAST = 8 };

/* Take the boot arguments and compute everything. Boot, after the zones have
 * their managed pages. */
void reserves_init(const struct boot_info *bi);
/* Compute again: managed pages or online CPUs have changed, or somebody begins or
 * ends to watch (watch_active()). Task or boot. */
void reserves_update(void);

/*
 * What the ladder and the hit path compare with, from the zone's marks, reserves
 * and boost, when one of them has changed. Under the zone's lock, since the boost
 * changes under it: else an older sum could be stored over a newer one. One bounded
 * step of about 100 instructions.
 */
void reserves_floors_locked(struct zone *z);
/* A new boost: what lies on it follows. Zone lock held, about 40 instructions. */
void reserves_boost_locked(struct zone *z, u64 boost);

/* A copy of the knobs. Any but hard interrupt. */
struct reserve_knobs reserves_knobs(void);
/*
 * Set one knob and compute again: 0 or ERR_RANGE (nothing changed). Task.
 * min_free_kbytes may be 0; a value over a quarter of low memory is refused, since
 * nobody but reclaim could allocate then. Ratio: an entry may be 0 (no reserve).
 */
int reserves_set_min_free_kbytes(u64 kbytes);
/* That quarter. Any. */
u64 reserves_most_min_free_kbytes(void);
int reserves_set_scale_factor(u64 factor);
int reserves_set_ratio(const u64 *ratio, unsigned int nr);
/* 0, or at least PCP_HIGH_FRACTION_LEAST. */
int reserves_set_pcp_high_fraction(u64 fraction);

/* Row 32, sum over all nodes. Any. */
u64 reserves_total(void);

#endif
