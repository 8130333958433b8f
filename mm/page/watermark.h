/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watermarks and reserves as pure arithmetic (rows 24-27, 30-32, 35, 47, 48):
 * numbers in, numbers or a verdict out. Knows no zone, no list and no lock, so
 * host tests feed it the figures of a real Linux. reserves.c applies it to the
 * zones; page_alloc.c turns verdicts into action.
 *
 * Counts are in pages unless the name says kbytes. Zones come as arrays, lowest
 * first, of any length: tests add HIGHMEM as a fifth.
 */
#ifndef MM_PAGE_WATERMARK_H
#define MM_PAGE_WATERMARK_H

#include "arch/arch.h"

/* What a zone is to the marks. Movable and high memory hold no kernel data, so
 * their share of min is capped (row 26). */
enum wm_kind { WM_LOWMEM, WM_MOVABLE, WM_HIGHMEM };

/* Linux changed its mind about movable zones; we follow 6.12, the oracle is
 * 6.1: there a movable zone counts as low memory. */
enum wm_rule { WM_RULE_6_12, WM_RULE_6_1 };

enum wm_verdict {
	WM_PASS,
	WM_SHORT,      /* too few pages are free */
	WM_FRAGMENTED, /* enough pages, no block of the order */
};

struct wm_marks {
	u64 min, low, high;
};

enum {
	WM_MIN_FREE_KBYTES_LEAST = 128,
	WM_MIN_FREE_KBYTES_MOST = 262144,
	WM_SCALE_FACTOR_DEFAULT = 10, /* ten thousandths of the zone */
	WM_SCALE_FACTOR_MOST = 3000,
};

/* Row 25: sum of all min marks; lowmem_pages counts what lies above each low
 * memory zone's high mark. Clamped to 128..262144 kB. */
u64 wm_min_free_kbytes(u64 lowmem_pages);

/* Does a zone of this kind count in the sum that min is spread over? */
bool wm_counts(enum wm_kind kind, enum wm_rule rule);

/*
 * Row 26: the marks of one zone. min_pages is the total to spread, lowmem_pages
 * the managed pages of all zones that count; 0 of them gives capped minima only.
 */
struct wm_marks wm_zone_marks(u64 min_pages, u64 managed, u64 lowmem_pages, enum wm_kind kind,
			      unsigned int scale_factor, enum wm_rule rule);

/*
 * The ladder: floors of bands 0..7 of a zone with these marks, falling from low
 * over min to an eighth of it, and 0 for memalloc (design section 5); half and
 * quarter are taken off as Linux does: min - min/2, then a quarter of that less.
 * boost lies on top of the floors of bands that may reclaim (row 36). Without the
 * ladder two levels are left: min for whatever a priority says, and what Linux's
 * rights take off for atomic (half, 3/8) and victim (quarter).
 */
void wm_floors(const struct wm_marks *m, u64 boost, bool ladder, u64 *floor, unsigned int nr);

/*
 * Row 30: what zone `zone` keeps from requests that could have used zone j,
 * for each j < nr, into reserve[]. managed[] and ratio[] are by zone.
 */
void wm_lowmem_reserve(const u64 *managed, const u32 *ratio, unsigned int nr, unsigned int zone,
		       u64 *reserve);

/* Row 32: largest reserve plus high, never more than managed. */
u64 wm_total_reserve(const u64 *reserve, unsigned int nr, u64 high, u64 managed);

/* Row 35: drift a CPU's counter may gather, in calm and under pressure. */
unsigned int wm_stat_threshold(unsigned int cpus, u64 managed);
unsigned int wm_pressure_threshold(unsigned int cpus, u64 min, u64 low);

/* Rows 47, 48: pages of one refill, and where a per-CPU list is too long: share is
 * the low mark, or what a knob sets instead; cpus are those of the zone's node, or
 * all when it has none. */
unsigned int wm_pcp_batch(u64 managed);
unsigned int wm_pcp_high(u64 share, unsigned int cpus, unsigned int batch);

/*
 * Row 27: may a request of this order leave the zone with what remains? free
 * and unusable (pages of types the request may not touch) may be read without
 * the zone lock. filled has bit o set when a permitted list of order o holds a
 * block. Strictly greater than floor, which is mark plus lowmem reserve.
 */
static inline enum wm_verdict wm_test(u64 free, u64 unusable, unsigned int order, u64 floor,
				      u32 filled)
{
	u64 taken = unusable + (1ull << order) - 1;

	/* Added on the right, never subtracted on the left: free may be less. */
	if (free <= taken + floor)
		return WM_SHORT;
	return filled >> order ? WM_PASS : WM_FRAGMENTED;
}

#endif
