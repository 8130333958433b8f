/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arithmetic of marks and reserves; contracts in watermark.h. Sums and
 * products are of counts below 2^32 (16 TiB of frames) with factors of at most
 * 2^14, so nothing here can wrap in 64 bits; the asserts say so where a caller
 * could break it.
 */
#include "mm/page/watermark.h"

#include "rtos/lib/lib.h"

enum {
	MAX_MANAGED_SHIFT = 32, /* frames are numbered in 32 bits */
	CAPPED_MIN_LEAST = 32,  /* one cluster of reclaim */
	CAPPED_MIN_MOST = 128,
	THRESHOLD_MOST = 125, /* a counter's delta is a signed byte */
};

static bool plausible(u64 nr_pages)
{
	return nr_pages <= 1ull << MAX_MANAGED_SHIFT;
}

u64 wm_min_free_kbytes(u64 lowmem_pages)
{
	u64 lowmem_kbytes = lowmem_pages * (PAGE_SIZE / 1024);

	BUG_ON_VAL(!plausible(lowmem_pages), lowmem_pages, 0);
	return clamp_u64(tm_isqrt(lowmem_kbytes * 16), WM_MIN_FREE_KBYTES_LEAST,
			 WM_MIN_FREE_KBYTES_MOST);
}

bool wm_counts(enum wm_kind kind, enum wm_rule rule)
{
	return kind == WM_LOWMEM || (kind == WM_MOVABLE && rule == WM_RULE_6_1);
}

struct wm_marks wm_zone_marks(u64 min_pages, u64 managed, u64 lowmem_pages, enum wm_kind kind,
			      unsigned int scale_factor, enum wm_rule rule)
{
	struct wm_marks m;
	u64 share, gap;

	BUG_ON_VAL(!plausible(managed) || !plausible(min_pages), managed, min_pages);
	BUG_ON_VAL(scale_factor > WM_SCALE_FACTOR_MOST, scale_factor, 0);
	if (!managed)
		return (struct wm_marks){ 0, 0, 0 };
	share = lowmem_pages ? min_pages * managed / lowmem_pages : 0;
	m.min = share;
	if (!wm_counts(kind, rule))
		m.min = clamp_u64(managed / 1024, CAPPED_MIN_LEAST, CAPPED_MIN_MOST);
	/* The gap follows the uncapped share: a big movable zone is refilled in
	 * steps that fit its size. */
	gap = max_u64(share / 4, managed * scale_factor / 10000);
	m.low = m.min + gap;
	m.high = m.low + gap;
	return m;
}

void wm_floors(const struct wm_marks *m, u64 boost, bool ladder, u64 *floor, unsigned int nr)
{
	u64 half = m->min - m->min / 2;
	u64 less = half - half / 4;
	u64 quarter = half - half / 2;
	u64 steps[] = {
		m->low + boost,
		m->min + (m->low - m->min) / 2 + boost,
		m->min + boost,
		m->min - m->min / 4 + boost,
		half,
		less,
		quarter,
		quarter - quarter / 2,
		0,
	};
	u64 two_level[] = { m->min + boost, m->min + boost, m->min + boost,
			    m->min + boost, half,           less,
			    quarter,        quarter,        0 };

	BUG_ON_VAL(nr > ARRAY_SIZE(steps), nr, 0);
	memcpy(floor, ladder ? steps : two_level, nr * sizeof(*floor));
}

void wm_lowmem_reserve(const u64 *managed, const u32 *ratio, unsigned int nr, unsigned int zone,
		       u64 *reserve)
{
	u64 above = 0;
	bool none;

	BUG_ON_VAL(zone >= nr, zone, nr);
	none = !ratio[zone] || !managed[zone];
	for (unsigned int j = 0; j < nr; j++) {
		reserve[j] = 0;
		if (j <= zone)
			continue;
		above += managed[j];
		if (!none)
			reserve[j] = above / ratio[zone];
	}
}

u64 wm_total_reserve(const u64 *reserve, unsigned int nr, u64 high, u64 managed)
{
	u64 most = 0;

	for (unsigned int j = 0; j < nr; j++)
		most = max_u64(most, reserve[j]);
	return min_u64(most + high, managed);
}

unsigned int wm_stat_threshold(unsigned int cpus, u64 managed)
{
	u64 units = managed >> (27 - PAGE_SHIFT); /* of 128 MiB */

	BUG_ON_VAL(!cpus || cpus > MAX_CPUS, cpus, 0);
	return (unsigned int)min_u64(THRESHOLD_MOST, 2ull * fls_u64(cpus) * (1 + fls_u64(units)));
}

unsigned int wm_pressure_threshold(unsigned int cpus, u64 min, u64 low)
{
	BUG_ON_VAL(!cpus || low < min, min, low);
	return (unsigned int)clamp_u64((low - min) / cpus, 1, THRESHOLD_MOST);
}

/* One less than a power of two: a whole power would let the batches of several
 * CPUs fall on the same cache sets again and again. */
unsigned int wm_pcp_batch(u64 managed)
{
	u64 batch = min_u64(managed / 1024, (1u << 20) / PAGE_SIZE) / 4;
	u64 pow2;

	batch = max_u64(batch, 1);
	pow2 = 1ull << (fls_u64(batch + batch / 2) - 1);
	return (unsigned int)max_u64(pow2 - 1, 1);
}

unsigned int wm_pcp_high(u64 share, unsigned int cpus, unsigned int batch)
{
	BUG_ON_VAL(!cpus, share, batch);
	return (unsigned int)max_u64(share / cpus, 4ull * batch);
}
