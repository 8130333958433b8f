/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ladder with the real allocator under it: each band takes all it gets and
 * stops exactly at its floor, whatever the others do no success leaves a zone
 * below the floor of its band (the ghost model judges each), and `mm ladder` says
 * what is compared.
 */
#include "unit.h"

#include "help/ghost.h"
#include "help/machine.h"
#include "mm/boot/topology.h"
#include "mm/page/request.h"
#include "mm/page/reserves.h"
#include "mm/task.h"

enum { MOST = 40000 };

static const struct machine one = {
	.bank = { { GIB(1), GIB(1) + MIB(64), 0, 0 } },
};
static const struct machine uneven = {
	.bank = { { GIB(1), GIB(1) + MIB(40), 0, 0 }, { GIB(2), GIB(2) + MIB(64), 1, 0 } },
	.nr_cpus = 2,
	.cpu_node = { 0, 1 },
	.options = { .movablecore = { true, MIB(24), 0 } },
};
static const struct machine tiny = {
	.bank = { { GIB(1), GIB(1) + MIB(5), 0, 0 } },
};

static struct held {
	struct page *page;
	unsigned int order;
} held[MOST];
static unsigned int nr_held;

static void boot(const struct machine *m)
{
	static u64 now;

	machine_boot(m);
	mm_allow_blocking();
	now += 2000000000;
	fake_clock_ns(now);
	ghost_init();
	nr_held = 0;
}

static bool take(gfp_t gfp, unsigned int order)
{
	struct ghost_ask ask = { .gfp = gfp, .order = order, .node = NODE_NONE };
	struct page *page;

	ask.band = request_band(gfp, gfp & __GFP_DIRECT_RECLAIM && may_sleep());
	page = alloc_pages(gfp | __GFP_NOWARN, order);
	if (!page || nr_held == MOST)
		return false;
	ghost_served(&ask, page);
	held[nr_held++] = (struct held){ page, order };
	return true;
}

static void put(unsigned int i)
{
	free_pages(held[i].page, held[i].order);
	ghost_freed(held[i].page, held[i].order);
	held[i] = held[--nr_held];
}

/* ---- each stops at its own --------------------------------------------------- */

static const struct {
	unsigned int prio;
	gfp_t gfp;
	bool interrupt;
	u32 band;
} kinds[] = {
	{ 0, GFP_KERNEL, false, BAND_BACKGROUND },   { 4, GFP_KERNEL, false, BAND_BATCH },
	{ 8, GFP_KERNEL, false, BAND_ORDINARY },     { 16, GFP_KERNEL, false, BAND_URGENT },
	{ 20, GFP_KERNEL, false, BAND_REALTIME },    { 8, GFP_ATOMIC, false, BAND_ATOMIC },
	{ 26, GFP_KERNEL, false, BAND_CRITICAL },    { 8, GFP_ATOMIC, true, BAND_INTERRUPT },
	{ 8, __GFP_MEMALLOC, false, BAND_MEMALLOC },
};

static void drain_all_bands(const struct zone *z)
{
	for (unsigned int k = 0; k < ARRAY_SIZE(kinds); k++) {
		u64 floor = z->floor[kinds[k].band];

		fake_task.prio = kinds[k].prio;
		fake_task.in_interrupt = kinds[k].interrupt;
		while (take(kinds[k].gfp, 0))
			;
		fake_task.in_interrupt = false;
		assert_int_equal(z->nr_usable, floor);
		/* Those below get nothing any more. */
		for (unsigned int below = 0; below < k; below++) {
			fake_task.prio = kinds[below].prio;
			fake_task.in_interrupt = kinds[below].interrupt;
			assert_false(take(kinds[below].gfp, 0));
			fake_task.in_interrupt = false;
		}
	}
	ghost_check();
}

static void test_each_band_stops_at_its_floor(void **state)
{
	(void)state;
	boot(&one);
	drain_all_bands(zone_next(0));
	assert_int_equal(zone_next(0)->nr_usable, 0);
}

static void test_on_a_tiny_zone(void **state)
{
	(void)state;
	boot(&tiny);
	drain_all_bands(zone_next(0));
}

static void test_with_large_marks(void **state)
{
	(void)state;
	boot(&one);
	assert_int_equal(reserves_set_min_free_kbytes(16000), 0);
	drain_all_bands(zone_next(0));
}

/* Two levels: every priority ends at min; only rights lead deeper. */
static void test_ladder_off(void **state)
{
	struct machine m = one;
	const struct zone *z;

	(void)state;
	m.options.ladder_off = true;
	boot(&m);
	z = zone_next(0);
	for (unsigned int prio = 0; prio < 32; prio++) {
		fake_task.prio = prio;
		while (take(GFP_KERNEL, 0))
			;
		assert_int_equal(z->nr_usable, z->wmark[WMARK_MIN]);
	}
	while (take(GFP_ATOMIC, 0))
		;
	assert_int_equal(z->nr_usable, z->floor[BAND_ATOMIC]);
	ghost_check();
}

/* A boost lifts the lower bands, and them alone; then it goes. */
static void test_boost_lifts_the_lower_bands(void **state)
{
	struct zone *z;
	u64 before[NR_BANDS], flags;

	(void)state;
	boot(&one);
	z = zone_next(0);
	memcpy(before, z->floor, sizeof(before));
	flags = spin_lock_irqsave(&z->lock);
	z->boost = 512;
	reserves_floors_locked(z);
	spin_unlock_irqrestore(&z->lock, flags);
	for (unsigned int b = 0; b < NR_BANDS; b++)
		assert_int_equal(z->floor[b], before[b] + (b < BAND_NO_RECLAIM ? 512 : 0));
	assert_int_equal(z->pass[ZONE_NORMAL],
			 z->wmark[WMARK_LOW] + 512 + z->lowmem_reserve[ZONE_NORMAL]);
}

/* ---- whatever the others do -------------------------------------------------- */

static gfp_t random_gfp(u64 *seed)
{
	static const gfp_t gfps[] = {
		GFP_KERNEL,
		GFP_NOWAIT,
		GFP_ATOMIC,
		GFP_HIGHUSER_MOVABLE,
		GFP_USER,
		GFP_KERNEL | __GFP_HIGH,
		__GFP_RECLAIMABLE,
		GFP_NOIO,
		GFP_KERNEL | __GFP_NORETRY,
		GFP_ATOMIC | __GFP_NOMEMALLOC,
	};

	return gfps[fake_random(seed) % ARRAY_SIZE(gfps)];
}

static void random_step(u64 *seed)
{
	unsigned int order = fake_random(seed) % 8 ? 0 : fake_random(seed) % 6;

	if (fake_random(seed) % 64 == 0)
		fake_task.prio = fake_random(seed) % 32;
	fake_set_cpu(fake_random(seed) % arch_cpu_count());
	if (nr_held && fake_random(seed) % 16 < 5) {
		put(fake_random(seed) % nr_held);
		return;
	}
	fake_task.in_interrupt = fake_random(seed) % 8 == 0;
	take(fake_task.in_interrupt ? GFP_ATOMIC : random_gfp(seed), order);
	fake_task.in_interrupt = false;
}

static void walk_randomly(const struct machine *m, u64 seed)
{
	boot(m);
	for (unsigned int i = 0; i < fake_rounds(60000); i++) {
		random_step(&seed);
		if (i % 2000 == 0)
			ghost_check();
	}
	while (nr_held)
		put(0);
	ghost_check();
}

static void test_never_below(void **state)
{
	u64 seed = fake_seed("ladder", 0x1adde4);

	(void)state;
	walk_randomly(&one, seed);
	walk_randomly(&uneven, seed + 1);
	walk_randomly(&tiny, seed + 2);
}

/* ---- the view ---------------------------------------------------------------- */

static char text[8192];

static const char *view(void)
{
	struct out_buf ob;

	out_buf_init(&ob, text, sizeof(text));
	mm_view_ladder(&ob.out);
	assert_false(ob.truncated);
	return text;
}

static void test_view(void **state)
{
	const struct zone *z;
	char line[128];

	(void)state;
	boot(&one);
	z = zone_next(0);
	assert_non_null(strstr(view(), "priorities: 0-3 band 0, 4-7 band 1, 8-15 band 2, 16-19 "
				       "band 3, 20-25 band 4, 26-31 band 6\n"));
	assert_null(strstr(text, "ladder=off"));
	snprintf(line, sizeof(line), "   2  ordinary             %8llu %8llu  ALLOC_WMARK_MIN\n",
		 (unsigned long long)z->wmark[WMARK_MIN],
		 (unsigned long long)(z->floor[BAND_BATCH] - z->wmark[WMARK_MIN]));
	assert_non_null(strstr(view(), line));
	/* Half of the ordinary slice gone: the rest is left, of those above nothing. */
	while (z->nr_usable > z->wmark[WMARK_MIN] + 5)
		assert_true(take(GFP_KERNEL, 0));
	snprintf(line, sizeof(line), "   2  ordinary             %8llu %8u  ALLOC_WMARK_MIN\n",
		 (unsigned long long)z->wmark[WMARK_MIN], 5);
	assert_non_null(strstr(view(), line));
	snprintf(line, sizeof(line), "   0  background           %8llu %8u  -\n",
		 (unsigned long long)z->floor[0], 0);
	assert_non_null(strstr(text, line));
}

static void test_view_without_ladder(void **state)
{
	struct machine m = one;

	(void)state;
	m.options.ladder_off = true;
	boot(&m);
	assert_non_null(strstr(view(), "priorities: 0-31 band 2\nladder=off: "));
}

/* ---- the report (row 79) -------------------------------------------------------------- */

static void ask_in_vain(gfp_t gfp, unsigned int order)
{
	assert_null(alloc_pages(gfp, order));
}

static void test_failure_report(void **state)
{
	static u64 now = 1ull << 40; /* never back */
	const struct zone *z;
	char line[160];

	(void)state;
	boot(&one);
	z = zone_next(0);
	while (take(GFP_KERNEL, 0))
		;
	fake_clock_ns(now += 2000000000);
	fake_log_clear();
	ask_in_vain(GFP_KERNEL | __GFP_NOWARN, 0);
	fake_task.in_interrupt = true;
	while (take(GFP_ATOMIC, 0))
		;
	ask_in_vain(GFP_ATOMIC, 0); /* has no time for it */
	fake_task.in_interrupt = false;
	assert_false(fake_log_has("failure"));
	ask_in_vain(GFP_KERNEL, 0);
	for (unsigned int i = 0; i < 7; i++)
		ask_in_vain(GFP_ATOMIC | __GFP_ZERO, 2);
	assert_int_equal(fake_log_count("page allocation failure"), 1);
	assert_true(fake_log_has("order:0, mode:0x1e0(GFP_KERNEL), nodemask=0x1, band 2: "));
	snprintf(line, sizeof(line),
		 "Node 0 DMA free:%llu usable:%llu floor:%llu reserve:0 boost:0",
		 (unsigned long long)z->nr_free, (unsigned long long)z->nr_usable,
		 (unsigned long long)z->wmark[WMARK_MIN]);
	assert_true(fake_log_has(line));
	fake_clock_ns(now += 2000000000);
	ask_in_vain(GFP_ATOMIC | __GFP_ZERO, 2);
	assert_int_equal(fake_log_count("page allocation failure"), 2);
	assert_true(fake_log_has("order:2, mode:"));
	assert_true(fake_log_has("band 5: "));
	assert_true(fake_log_has("7 failures before it were not reported"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_band_stops_at_its_floor),
		cmocka_unit_test(test_on_a_tiny_zone),
		cmocka_unit_test(test_with_large_marks),
		cmocka_unit_test(test_ladder_off),
		cmocka_unit_test(test_boost_lifts_the_lower_bands),
		cmocka_unit_test(test_never_below),
		cmocka_unit_test(test_view),
		cmocka_unit_test(test_view_without_ladder),
		cmocka_unit_test(test_failure_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
