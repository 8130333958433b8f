// SPDX-License-Identifier: Apache-2.0
/*
 * `mm ladder`: for each zone, who may dig how deep, and how much of each slice
 * is left; and which priorities are in which band. What is printed is what the
 * allocator compares with, read without a lock: a line fits in itself, a busy
 * zone may move between two.
 */
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/request.h"

static const struct {
	const char *who, *linux_point;
} bands[NR_BANDS] = {
	[BAND_BACKGROUND] = { "background", "-" },
	[BAND_BATCH] = { "batch", "-" },
	[BAND_ORDINARY] = { "ordinary", "ALLOC_WMARK_MIN" },
	[BAND_URGENT] = { "urgent", "-" },
	[BAND_REALTIME] = { "real-time", "ALLOC_MIN_RESERVE" },
	[BAND_ATOMIC] = { "atomic", "ALLOC_MIN_RESERVE + ALLOC_NON_BLOCK" },
	[BAND_CRITICAL] = { "critical, OOM victim", "ALLOC_MIN_RESERVE + ALLOC_OOM" },
	[BAND_INTERRUPT] = { "hard interrupt", "-" },
	[BAND_MEMALLOC] = { "reclaim itself", "ALLOC_NO_WATERMARKS" },
};

static u64 relaxed(const u64 *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/* Runs of priorities in one band. */
static void print_priorities(struct out *out)
{
	unsigned int first = 0;

	out_printf(out, "priorities:");
	for (unsigned int prio = 1; prio <= TASK_PRIO_LEVELS; prio++) {
		u32 band = request_prio_band(first);

		if (prio < TASK_PRIO_LEVELS && request_prio_band(prio) == band)
			continue;
		out_printf(out, "%s %u-%u band %u", first ? "," : "", first, prio - 1, band);
		first = prio;
	}
	out_printf(out, "\n");
	if (!request_ladder())
		out_printf(out, "ladder=off: two levels as in Linux, whatever the priority\n");
}

/*
 * Of what lies between this floor and the one above it, which no band above this
 * line may touch, that much is left now; for band 0, of all that is free.
 */
static void print_band(struct out *out, const struct zone *z, u32 band, u64 usable)
{
	u64 floor = relaxed(&z->floor[band]);
	u64 top = band ? min_u64(usable, relaxed(&z->floor[band - 1])) : usable;

	out_printf(out, "%4u  %-20s %8llu %8llu  %s\n", band, bands[band].who,
		   (unsigned long long)floor, (unsigned long long)(top > floor ? top - floor : 0),
		   bands[band].linux_point);
}

static void print_zone(struct out *out, const struct zone *z)
{
	u64 usable = relaxed(&z->nr_usable);

	out_printf(out,
		   "Node %u, zone %s: min %llu low %llu high %llu boost %llu, usable %llu of %llu "
		   "free\n",
		   z->node, z->name, (unsigned long long)relaxed(&z->wmark[WMARK_MIN]),
		   (unsigned long long)relaxed(&z->wmark[WMARK_LOW]),
		   (unsigned long long)relaxed(&z->wmark[WMARK_HIGH]),
		   (unsigned long long)relaxed(&z->boost), (unsigned long long)usable,
		   (unsigned long long)relaxed(&z->nr_free));
	out_printf(out, "band  who                     floor     left  in Linux\n");
	for (u32 band = 0; band < NR_BANDS; band++)
		print_band(out, z, band, usable);
}

void mm_view_ladder(struct out *out)
{
	print_priorities(out);
	for (const struct zone *z = zone_next(0); z; z = zone_next(z->id + 1))
		if (relaxed(&z->managed_pages))
			print_zone(out, z);
}
