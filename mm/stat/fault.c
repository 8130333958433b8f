/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fault injection (row 61): requests that could be served are refused by rule,
 * so that what callers do about it can be tried. Rules, order of the tests and
 * names are those of Linux's fail_page_alloc; contracts in owner.h.
 *
 * The counters that every request moves are atomic and there is no lock, since
 * hard interrupts ask too. Chance is a hash of the seed and of how many
 * requests drew before, so one CPU repeats a run exactly.
 */
#include "mm/stat/owner.h"

#include "mm/stat/explain.h"
#include "mm/stat/vmstat.h"

enum { PERCENT = 100 };

#define FAULT_DEFAULT                                                                              \
	{                                                                                          \
		.interval = 1, .times = 1, .min_order = 1, .ignore_reclaim = true,                 \
		.ignore_highmem = true, .spare_band = NR_BANDS                                     \
	}

bool fault_on;

static struct fault_knobs knobs = FAULT_DEFAULT; /* (A) field by field */
static u64 nr_eligible;                          /* (A) for the interval */
static u64 nr_drawn;                             /* (A) */
static u64 nr_failed;                            /* (A) */

struct fault_knobs fault_default(void)
{
	return (struct fault_knobs)FAULT_DEFAULT;
}

/* ---- deciding ----------------------------------------------------------------------- */

/* Row 61's list of those that are never refused. */
static bool is_spared(const struct alloc_request *rq)
{
	gfp_t gfp = rq->gfp;

	return rq->order < __atomic_load_n(&knobs.min_order, __ATOMIC_RELAXED) ||
	       (gfp & __GFP_NOFAIL) ||
	       ((gfp & __GFP_HIGHMEM) &&
		__atomic_load_n(&knobs.ignore_highmem, __ATOMIC_RELAXED)) ||
	       ((gfp & __GFP_DIRECT_RECLAIM) &&
		__atomic_load_n(&knobs.ignore_reclaim, __ATOMIC_RELAXED)) ||
	       rq->band >= __atomic_load_n(&knobs.spare_band, __ATOMIC_RELAXED);
}

/* Takes n from a count that is more than n, or at least n if `to_zero`; a
 * negative count has no end. False: too little was left. */
static bool take_from(s64 *count, s64 n)
{
	s64 have = __atomic_load_n(count, __ATOMIC_RELAXED);

	while (have >= n)
		if (__atomic_compare_exchange_n(count, &have, have - n, false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			return true;
	return have < 0;
}

/* One of the `percent` in a hundred, by the finaliser of splitmix64. */
static bool is_chosen(u32 percent)
{
	u64 n = __atomic_add_fetch(&nr_drawn, 1, __ATOMIC_RELAXED);
	u64 x = __atomic_load_n(&knobs.seed, __ATOMIC_RELAXED) + n * 0x9e3779b97f4a7c15ull;

	if (percent >= PERCENT)
		return true;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return (x ^ x >> 31) % PERCENT < percent;
}

static bool is_due(const struct alloc_request *rq)
{
	u32 interval = __atomic_load_n(&knobs.interval, __ATOMIC_RELAXED);
	s64 size = 1ll << rq->order;
	s64 space = __atomic_load_n(&knobs.space, __ATOMIC_RELAXED);

	if (!__atomic_load_n(&knobs.times, __ATOMIC_RELAXED))
		return false;
	if (space > size && take_from(&knobs.space, size))
		return false;
	if (interval > 1 && __atomic_add_fetch(&nr_eligible, 1, __ATOMIC_RELAXED) % interval)
		return false;
	return is_chosen(__atomic_load_n(&knobs.probability, __ATOMIC_RELAXED)) &&
	       take_from(&knobs.times, 1);
}

bool fault_decide(const struct alloc_request *rq)
{
	if (is_spared(rq) || !is_due(rq))
		return false;
	__atomic_fetch_add(&nr_failed, 1, __ATOMIC_RELAXED);
	vm_event(FAULT_INJECTED);
	explain_end(explain_begin(rq), END_INJECTED, NULL);
	return true;
}

u64 fault_count(void)
{
	return __atomic_load_n(&nr_failed, __ATOMIC_RELAXED);
}

/* ---- knobs --------------------------------------------------------------------------- */

#define SET(field) __atomic_store_n(&knobs.field, k->field, __ATOMIC_RELAXED)
#define GET(field) __atomic_load(&knobs.field, &k.field, __ATOMIC_RELAXED)

static bool in_range(const struct fault_knobs *k)
{
	return k->probability <= PERCENT && k->interval && k->times >= -1 && k->space >= 0 &&
	       k->min_order <= MAX_PAGE_ORDER && k->spare_band <= NR_BANDS;
}

int fault_set(const struct fault_knobs *k)
{
	bool on = k->probability != 0;

	if (!in_range(k))
		return ERR_RANGE;
	SET(probability);
	SET(interval);
	SET(times);
	SET(space);
	SET(min_order);
	SET(ignore_reclaim);
	SET(ignore_highmem);
	SET(spare_band);
	SET(seed);
	__atomic_store_n(&nr_eligible, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&nr_drawn, 0, __ATOMIC_RELAXED);
	if (__atomic_exchange_n(&fault_on, on, __ATOMIC_RELAXED) == on)
		return 0;
	if (on)
		watch_begin();
	else
		watch_end();
	return 0;
}

struct fault_knobs fault_get(void)
{
	struct fault_knobs k;

	GET(probability);
	GET(interval);
	GET(times);
	GET(space);
	GET(min_order);
	GET(ignore_reclaim);
	GET(ignore_highmem);
	GET(spare_band);
	GET(seed);
	return k;
}

/* A number, or -1. */
static int parse_times(const char *text, s64 *times)
{
	u64 n;
	int err;

	if (!strcmp(text, "-1")) {
		*times = -1;
		return 0;
	}
	err = tm_parse_u64(text, &n);
	if (err)
		return err;
	if (n > 0x7fffffff)
		return ERR_RANGE;
	*times = (s64)n;
	return 0;
}

int fault_parse(const char *text)
{
	enum { NR_FIELDS = 4, WORD = 16 };
	s64 field[NR_FIELDS];
	struct fault_knobs k = fault_default();

	for (unsigned int i = 0; i < NR_FIELDS; i++) {
		const char *comma = strchr(text, ',');
		size_t len = comma ? (size_t)(comma - text) : strlen(text);
		char word[WORD];
		int err;

		if (len >= WORD || !comma != (i == NR_FIELDS - 1))
			return ERR_INVAL;
		memcpy(word, text, len);
		word[len] = '\0';
		err = parse_times(word, &field[i]);
		if (err)
			return err;
		text += len + 1;
	}
	if (field[0] < 1 || field[1] < 0 || field[2] < 0)
		return ERR_RANGE;
	k.interval = (u32)field[0];
	k.probability = (u32)field[1];
	k.space = field[2];
	k.times = field[3];
	return fault_set(&k);
}

/* ---- the files of /sys/kernel/debug/fail_page_alloc/ ------------------------------------- */

static void show_number(struct out *out, s64 value)
{
	out_printf(out, "%lld\n", (long long)value);
}

static void show_flag(struct out *out, bool value)
{
	out_printf(out, value ? "Y\n" : "N\n");
}

/* A knob that is a number from 0 to `most`. */
static int store_u32(const char *text, u32 *field, u64 most, const struct fault_knobs *k)
{
	u64 n;
	int err = tm_parse_u64(text, &n);

	if (err)
		return err;
	if (n > most)
		return ERR_RANGE;
	*field = (u32)n;
	return fault_set(k);
}

static int store_flag(const char *text, bool *field, const struct fault_knobs *k)
{
	bool yes = !strcmp(text, "Y") || !strcmp(text, "y") || !strcmp(text, "1");

	if (!yes && strcmp(text, "N") && strcmp(text, "n") && strcmp(text, "0"))
		return ERR_INVAL;
	*field = yes;
	return fault_set(k);
}

static void show_probability(struct out *out)
{
	show_number(out, fault_get().probability);
}

static int store_probability(const char *text)
{
	struct fault_knobs k = fault_get();

	return store_u32(text, &k.probability, PERCENT, &k);
}

static void show_interval(struct out *out)
{
	show_number(out, fault_get().interval);
}

static int store_interval(const char *text)
{
	struct fault_knobs k = fault_get();

	return store_u32(text, &k.interval, 0xffffffffu, &k);
}

static void show_times(struct out *out)
{
	show_number(out, fault_get().times);
}

static int store_times(const char *text)
{
	struct fault_knobs k = fault_get();
	int err = parse_times(text, &k.times);

	return err ? err : fault_set(&k);
}

static void show_space(struct out *out)
{
	show_number(out, fault_get().space);
}

static int store_space(const char *text)
{
	struct fault_knobs k = fault_get();
	int err = parse_times(text, &k.space);

	return err ? err : fault_set(&k);
}

static void show_min_order(struct out *out)
{
	show_number(out, fault_get().min_order);
}

static int store_min_order(const char *text)
{
	struct fault_knobs k = fault_get();

	return store_u32(text, &k.min_order, MAX_PAGE_ORDER, &k);
}

static void show_ignore_wait(struct out *out)
{
	show_flag(out, fault_get().ignore_reclaim);
}

static int store_ignore_wait(const char *text)
{
	struct fault_knobs k = fault_get();

	return store_flag(text, &k.ignore_reclaim, &k);
}

static void show_ignore_highmem(struct out *out)
{
	show_flag(out, fault_get().ignore_highmem);
}

static int store_ignore_highmem(const char *text)
{
	struct fault_knobs k = fault_get();

	return store_flag(text, &k.ignore_highmem, &k);
}

static void show_spare_band(struct out *out)
{
	show_number(out, fault_get().spare_band);
}

static int store_spare_band(const char *text)
{
	struct fault_knobs k = fault_get();

	return store_u32(text, &k.spare_band, NR_BANDS, &k);
}

static void show_seed(struct out *out)
{
	out_printf(out, "%llu\n", (unsigned long long)fault_get().seed);
}

static int store_seed(const char *text)
{
	struct fault_knobs k = fault_get();
	int err = tm_parse_u64(text, &k.seed);

	return err ? err : fault_set(&k);
}

static void show_count(struct out *out)
{
	out_printf(out, "%llu\n", (unsigned long long)fault_count());
}

const struct mm_knob *mm_fault_knobs(unsigned int *count)
{
	static const struct mm_knob table[] = {
		{ "ignore-gfp-highmem", show_ignore_highmem, store_ignore_highmem, "Y or N", NULL },
		{ "ignore-gfp-wait", show_ignore_wait, store_ignore_wait, "Y or N", NULL },
		{ "interval", show_interval, store_interval, "1 to 4294967295", NULL },
		{ "min-order", show_min_order, store_min_order, "0 to 10", NULL },
		{ "probability", show_probability, store_probability, "0 to 100", NULL },
		{ "space", show_space, store_space, "0 to 2147483647", NULL },
		{ "times", show_times, store_times, "-1 (no end) to 2147483647", NULL },
		{ "tm_count", show_count, NULL, NULL, NULL },
		{ "tm_seed", show_seed, store_seed, "0 to 18446744073709551615", NULL },
		{ "tm_spare_band", show_spare_band, store_spare_band, "0 to 9", NULL },
	};

	*count = ARRAY_SIZE(table);
	return table;
}
