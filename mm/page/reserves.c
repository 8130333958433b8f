/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From knobs and managed pages to the marks of every zone; contracts in
 * reserves.h. The knobs lock is held while all zones are computed: about a
 * hundred instructions for each zone with pages, interrupts on. Marks are hints
 * that the next test reads whole, one word each; the zone's lock is held only
 * while its floors are stored.
 */
#include "mm/page/reserves.h"

#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/pcp.h"
#include "mm/page/request.h"
#include "mm/stat/owner.h"

enum { FIXPOINT_ROUNDS = 4 };

static struct spinlock knobs_lock = SPINLOCK_INIT(LOCK_RANK_MM_KNOBS);
static struct reserve_knobs knobs; /* (K) */
static u64 total_reserve;          /* (K) */

static enum wm_kind kind_of(const struct zone *z)
{
	return z->type == ZONE_MOVABLE ? WM_MOVABLE : WM_LOWMEM;
}

static u64 managed_of(const struct zone *z)
{
	return __atomic_load_n(&z->managed_pages, __ATOMIC_RELAXED);
}

static void set_word(u64 *word, u64 value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

/* Managed pages of zones that hold kernel data; above their high marks only
 * when asked so (row 25). */
static u64 lowmem_pages(bool above_high)
{
	u64 sum = 0;

	for (const struct zone *z = zone_next(0); z; z = zone_next(z->id + 1)) {
		u64 managed = managed_of(z);
		u64 high = above_high ? z->wmark[WMARK_HIGH] : 0;

		BUG_ON_VAL(managed > z->present_pages, managed, z->present_pages);
		if (wm_counts(kind_of(z), WM_RULE_6_12))
			sum += managed - min_u64(high, managed);
	}
	return sum;
}

/* CPUs that count for per-CPU numbers: those that run, or before they do, those
 * the tree has. */
static unsigned int cpus_now(void)
{
	return sched_running() ? cpus_online_count() : arch_cpu_count();
}

static unsigned int cpus_of(const struct node *n)
{
	u64 now = sched_running() ? cpus_online() : CPUS_ALL;

	return (unsigned int)__builtin_popcountll(n->cpus & now);
}

static void compute_marks(u64 min_free_kbytes)
{
	u64 min_pages = min_free_kbytes / (PAGE_SIZE / 1024);
	u64 lowmem = lowmem_pages(false);

	for (struct zone *z = zone_next(0); z; z = zone_next(z->id + 1)) {
		struct wm_marks m = wm_zone_marks(min_pages, managed_of(z), lowmem, kind_of(z),
						  knobs.watermark_scale_factor, WM_RULE_6_12);

		BUG_ON_VAL(m.min > m.low || m.low > m.high, m.min, m.high);
		set_word(&z->wmark[WMARK_MIN], m.min);
		set_word(&z->wmark[WMARK_LOW], m.low);
		set_word(&z->wmark[WMARK_HIGH], m.high);
	}
}

void reserves_floors_locked(struct zone *z)
{
	const struct wm_marks m = { z->wmark[WMARK_MIN], z->wmark[WMARK_LOW],
				    z->wmark[WMARK_HIGH] };
	u64 floor[NR_BANDS];

	BUG_ON_VAL(tm_debug && !spin_held(&z->lock), z->id, 0);
	wm_floors(&m, z->boost, request_ladder(), floor, NR_BANDS);
	for (unsigned int b = 0; b < NR_BANDS; b++)
		set_word(&z->floor[b], floor[b]);
	/* Above low everybody may, so a hit asks for nothing else; while somebody
	 * watches, none passes. */
	for (unsigned int t = 0; t < NR_ZONE_TYPES; t++)
		set_word(&z->pass[t],
			 watch_active() ? ~0ull : m.low + z->boost + z->lowmem_reserve[t]);
}

/* The boost is a summand of the floors of bands that reclaim and of pass[], so a
 * change of it is one of them. */
void reserves_boost_locked(struct zone *z, u64 boost)
{
	u64 delta = boost - z->boost;

	BUG_ON_VAL(tm_debug && !spin_held(&z->lock), z->id, 0);
	set_word(&z->boost, boost);
	for (unsigned int b = 0; b < BAND_NO_RECLAIM; b++)
		set_word(&z->floor[b], z->floor[b] + delta);
	for (unsigned int t = 0; t < NR_ZONE_TYPES; t++)
		if (z->pass[t] != ~0ull)
			set_word(&z->pass[t], z->pass[t] + delta);
}

static void compute_floors(struct zone *z)
{
	u64 flags = spin_lock_irqsave(&z->lock);

	reserves_floors_locked(z);
	spin_unlock_irqrestore(&z->lock, flags);
}

/* What the zone adds to what its node keeps back. */
static u64 compute_zone_reserve(const struct node *n, struct zone *z)
{
	u64 managed[NR_ZONE_TYPES], reserve[NR_ZONE_TYPES];

	BUG_ON_VAL(z->node != n->id, z->node, n->id);
	for (unsigned int t = 0; t < NR_ZONE_TYPES; t++)
		managed[t] = managed_of(&n->zone[t]);
	wm_lowmem_reserve(managed, knobs.lowmem_reserve_ratio, NR_ZONE_TYPES, z->type, reserve);
	for (unsigned int t = 0; t < NR_ZONE_TYPES; t++)
		set_word(&z->lowmem_reserve[t], reserve[t]);
	return wm_total_reserve(reserve, NR_ZONE_TYPES, z->wmark[WMARK_HIGH], managed[z->type]);
}

static void compute_cpu_numbers(const struct node *n, struct zone *z)
{
	unsigned int online = cpus_now();
	unsigned int local = cpus_of(n);
	u64 share = z->wmark[WMARK_LOW];

	BUG_ON_VAL(!online || online > MAX_CPUS, online, n->id);
	z->stat_threshold = wm_stat_threshold(online, managed_of(z));
	z->pcp_batch = wm_pcp_batch(managed_of(z));
	if (knobs.pcp_high_fraction)
		share = managed_of(z) / knobs.pcp_high_fraction;
	z->pcp_high = wm_pcp_high(share, local ? local : online, z->pcp_batch);
	pcp_limits_update(z);
}

static void compute_nodes(void)
{
	u64 total = 0;

	for (u32 id = 0; id < MAX_NODES; id++) {
		struct node *n = node_table[id];
		u64 kept = 0;

		if (!n)
			continue;
		for (unsigned int t = 0; t < NR_ZONE_TYPES; t++) {
			if (!n->zone[t].present_pages)
				continue;
			kept += compute_zone_reserve(n, &n->zone[t]);
			compute_floors(&n->zone[t]);
			compute_cpu_numbers(n, &n->zone[t]);
		}
		BUG_ON_VAL(kept > n->present_pages, id, kept);
		set_word(&n->totalreserve_pages, kept);
		total += kept;
	}
	set_word(&total_reserve, total);
}

/*
 * The default of min_free_kbytes depends on the high marks and they on it. Each
 * round moves it by a few thousandths of the round before, so the third already
 * agrees with its own marks, from whatever they were (0 at boot), but where two
 * values a kB apart lead to each other: then either will do.
 */
static void compute_all(void)
{
	for (unsigned int round = 0; round < FIXPOINT_ROUNDS; round++) {
		u64 before = knobs.min_free_kbytes;

		if (!knobs.min_free_is_set)
			knobs.min_free_kbytes = wm_min_free_kbytes(lowmem_pages(true));
		compute_marks(knobs.min_free_kbytes);
		if (round && knobs.min_free_kbytes == before)
			break;
	}
	compute_nodes();
}

void reserves_update(void)
{
	spin_lock(&knobs_lock);
	compute_all();
	spin_unlock(&knobs_lock);
}

void mm_cpus_changed(void)
{
	reserves_update();
}

u64 reserves_most_min_free_kbytes(void)
{
	return lowmem_pages(false) / 4 * (PAGE_SIZE / 1024);
}

void tm_init reserves_init(const struct boot_info *bi)
{
	const struct boot_options *o = &bi->options;

	BUG_ON_VAL(!o->watermark_scale_factor || o->watermark_scale_factor > WM_SCALE_FACTOR_MOST,
		   o->watermark_scale_factor, WM_SCALE_FACTOR_MOST);
	request_init(o);
	knobs = (struct reserve_knobs){ .watermark_scale_factor = o->watermark_scale_factor };
	memcpy(knobs.lowmem_reserve_ratio, o->lowmem_reserve_ratio,
	       sizeof(knobs.lowmem_reserve_ratio));
	if (o->min_free_given) {
		u64 most = reserves_most_min_free_kbytes();

		knobs.min_free_is_set = true;
		knobs.min_free_kbytes = min_u64(o->min_free_kbytes, most);
		if (knobs.min_free_kbytes != o->min_free_kbytes)
			pr_warn("min_free_kbytes=%llu is over a quarter of memory: %llu is used",
				(unsigned long long)o->min_free_kbytes, (unsigned long long)most);
	}
	reserves_update();
}

struct reserve_knobs reserves_knobs(void)
{
	struct reserve_knobs copy;

	spin_lock(&knobs_lock);
	copy = knobs;
	spin_unlock(&knobs_lock);
	return copy;
}

int reserves_set_min_free_kbytes(u64 kbytes)
{
	int err = 0;

	spin_lock(&knobs_lock);
	if (kbytes > reserves_most_min_free_kbytes()) {
		err = ERR_RANGE;
	} else {
		knobs.min_free_kbytes = kbytes;
		knobs.min_free_is_set = true;
		compute_all();
	}
	spin_unlock(&knobs_lock);
	return err;
}

int reserves_set_scale_factor(u64 factor)
{
	if (!factor || factor > WM_SCALE_FACTOR_MOST)
		return ERR_RANGE;
	spin_lock(&knobs_lock);
	knobs.watermark_scale_factor = (u32)factor;
	compute_all();
	spin_unlock(&knobs_lock);
	return 0;
}

int reserves_set_pcp_high_fraction(u64 fraction)
{
	if ((fraction && fraction < PCP_HIGH_FRACTION_LEAST) || fraction > 0x7fffffff)
		return ERR_RANGE;
	spin_lock(&knobs_lock);
	knobs.pcp_high_fraction = (u32)fraction;
	compute_all();
	spin_unlock(&knobs_lock);
	return 0;
}

int reserves_set_ratio(const u64 *ratio, unsigned int nr)
{
	if (nr > NR_ZONE_TYPES)
		return ERR_RANGE;
	for (unsigned int t = 0; t < nr; t++)
		if (ratio[t] > 0x7fffffff)
			return ERR_RANGE;
	spin_lock(&knobs_lock);
	for (unsigned int t = 0; t < nr; t++)
		knobs.lowmem_reserve_ratio[t] = (u32)ratio[t];
	compute_all();
	spin_unlock(&knobs_lock);
	return 0;
}

u64 reserves_total(void)
{
	return __atomic_load_n(&total_reserve, __ATOMIC_RELAXED);
}
