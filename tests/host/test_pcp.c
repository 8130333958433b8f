/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Per-CPU caches (rows 46-50): what a refill brings and in which order, how a list
 * is cut, what happens below the low mark, on other CPUs and on CPUs that are off,
 * and that a cached block is nobody's to free. The ghost model watches every page.
 */
#include "unit.h"

#include "help/ghost.h"
#include "help/machine.h"
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/page_alloc.h"
#include "mm/page/pageblock.h"
#include "mm/page/pcp.h"
#include "mm/page/reserves.h"
#include "mm/stat/vmstat.h"

enum { MIGRATE = MIGRATE_UNMOVABLE, MOST = 65536 };

static const struct machine one = {
	.bank = { { GIB(1), GIB(1) + MIB(256), 0, 0 } },
	.nr_cpus = 2,
};

static struct page *held[MOST];

static int setup(void **state)
{
	(void)state;
	machine_boot(&one);
	assert_true(mm_drain_caches());
	ghost_init();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ghost_check();
	return 0;
}

static struct zone *zone(void)
{
	return zone_next(0);
}

static struct pcp *cache(unsigned int cpu)
{
	return zone()->pcp[cpu];
}

static struct page *take(unsigned int order)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, order);

	if (page)
		ghost_alloced(page, order, GFP_KERNEL);
	return page;
}

static void put(struct page *page, unsigned int order)
{
	free_pages(page, order);
	ghost_freed(page, order);
}

/*
 *   zone   [ ....16.... ]  ->  cache  1 2 3 4 5 6 7, served 0
 *
 * Eight frames a hold, the lowest first, and none after that until they are gone.
 */
static void test_refill_is_a_chunk(void **state)
{
	u64 first = page_to_pfn(take(0)).v;
	u64 free = mm_free_pages();

	(void)state;
	assert_int_equal(cache(0)->refilled[0], PCP_CHUNK);
	assert_int_equal(pcp_blocks(&cache(0)->list[0][MIGRATE]), PCP_CHUNK - 1);
	for (unsigned int i = 1; i < PCP_CHUNK; i++)
		assert_int_equal(page_to_pfn(take(0)).v, first + i);
	assert_int_equal(mm_free_pages(), free);
	assert_int_equal(pcp_blocks(&cache(0)->list[0][MIGRATE]), 0);
	take(0);
	assert_int_equal(mm_free_pages(), free - PCP_CHUNK);
}

/* Higher orders by as many frames: four, two, one block. */
static void test_refill_by_order(void **state)
{
	(void)state;
	for (unsigned int o = 1; o < PCP_ORDERS; o++) {
		take(o);
		assert_int_equal(cache(0)->refilled[o], PCP_CHUNK >> o);
		assert_int_equal(pcp_blocks(&cache(0)->list[o][MIGRATE]), (PCP_CHUNK >> o) - 1);
	}
	take(PCP_ORDERS);
	assert_int_equal(cache(0)->direct_alloc, 1);
	assert_int_equal(cache(0)->direct_alloc_pages, 1 << PCP_ORDERS);
}

/*
 *   frames   0 1 2 3 4 5 6 7 8 ... 15     free: 3, then 6 and 7
 *   served         1     2 3              the smallest fit first, as one by one
 */
static void test_refill_is_smallest_fit(void **state)
{
	struct page *block = take(4);

	(void)state;
	/* Whatever else is small is ours first, so that these are the smallest. */
	while (zone()->filled[MIGRATE] & 0xf)
		take((unsigned int)__builtin_ctz(zone()->filled[MIGRATE]));
	for (unsigned int o = 0; o < PCP_ORDERS; o++)
		while (pcp_blocks(&cache(0)->list[o][MIGRATE]))
			take(o);
	ghost_freed(block, 4);
	free_pages(block, 4);
	block = virt_to_page(alloc_pages_exact(16 * PAGE_SIZE, GFP_KERNEL));
	for (unsigned int i = 0; i < 16; i++)
		ghost_alloced(block + i, 0, GFP_KERNEL);
	put(block + 3, 0);
	put(block + 6, 0);
	put(block + 7, 0);
	assert_true(mm_drain_caches());
	assert_ptr_equal(take(0), block + 3);
	assert_ptr_equal(take(0), block + 6);
	assert_ptr_equal(take(0), block + 7);
}

/* A list never holds more than its limit, and what is cut goes home. */
static void test_limit(void **state)
{
	unsigned int limit = cache(0)->row[0].limit, n = 3 * limit + 5;

	(void)state;
	assert_true(limit >= PCP_CHUNK && limit % PCP_CHUNK == 0);
	for (unsigned int i = 0; i < n; i++)
		held[i] = take(0);
	for (unsigned int i = 0; i < n; i++) {
		put(held[i], 0);
		assert_true(pcp_blocks(&cache(0)->list[0][MIGRATE]) <= limit);
	}
	assert_true(cache(0)->drained[0] >= n - limit);
	assert_int_equal(cache(0)->list[0][MIGRATE].put - cache(0)->list[0][MIGRATE].taken,
			 pcp_blocks(&cache(0)->list[0][MIGRATE]));
}

/* Rows that were freed in order go home as whole groups: one give-back for eight. */
static void test_groups_go_home_whole(void **state)
{
	unsigned int n = 4096;
	u64 before;

	(void)state;
	for (unsigned int i = 0; i < n; i++)
		held[i] = take(0);
	assert_true(mm_drain_caches());
	before = zone()->nr_freed;
	for (unsigned int i = n; i-- > 0;)
		put(held[i], 0);
	assert_true(zone()->nr_freed - before < n / 4);
}

/* Below low nobody caches; above the middle of low and high they do again. */
static void test_below_low(void **state)
{
	unsigned int n = 0;

	(void)state;
	fake_set_cpu(1);
	put(take(0), 0);
	assert_true(pcp_pages(cache(1)) > 0);
	fake_set_cpu(0);
	while (zone()->nr_usable > zone()->wmark[WMARK_LOW]) {
		held[n] = take(0);
		assert_non_null(held[n++]);
	}
	assert_int_equal(zone()->nr_usable, zone()->wmark[WMARK_LOW]);
	assert_true(zone()->below_low);
	assert_int_equal(mm_cached_pages(), 0);
	assert_int_equal(cache(0)->row[0].limit + cache(1)->row[3].room, 0);
	put(held[--n], 0);
	assert_int_equal(mm_cached_pages(), 0);
	while (n)
		put(held[--n], 0);
	assert_false(zone()->below_low);
	assert_true(cache(0)->row[0].limit > 0 && cache(1)->row[0].limit > 0);
	assert_true(mm_cached_pages() > 0);
}

static void test_drain_asks_all(void **state)
{
	u64 free = mm_free_pages();

	(void)state;
	put(take(0), 0);
	fake_set_cpu(1);
	put(take(2), 2);
	assert_true(pcp_pages(cache(0)) && pcp_pages(cache(1)));
	assert_true(mm_drain_caches());
	assert_int_equal(mm_cached_pages(), 0);
	assert_int_equal(mm_free_pages(), free);
}

static void test_off_leaves_nothing(void **state)
{
	(void)state;
	fake_set_cpu(1);
	put(take(1), 1);
	fake_set_cpu(0);
	fake_cpus(1, NULL);
	fake_cpu_down(1);
	assert_int_equal(pcp_pages(cache(1)), 0);
}

/* A CPU that never was has no cache: nothing to look at, nothing to drain. */
static void test_no_such_cpu(void **state)
{
	u64 cached;

	(void)state;
	put(take(0), 0);
	cached = mm_cached_pages();
	assert_null(pcp_of(zone(), MAX_CPUS));
	assert_null(pcp_of(zone(), 2));
	assert_non_null(pcp_of(zone(), 1));
	pcp_drain_cpu(7);
	assert_int_equal(mm_cached_pages(), cached);
}

/* The counters' difference is the length wherever they stand. */
static void test_counters_wrap(void **state)
{
	struct pcp_list *l = &cache(0)->list[0][MIGRATE];

	(void)state;
	l->put = l->taken = 0xfffffffd;
	for (unsigned int i = 0; i < 20; i++)
		held[i] = take(0);
	for (unsigned int i = 0; i < 20; i++)
		put(held[i], 0);
	assert_true(l->put < 100);
	assert_in_range(pcp_blocks(l), 20, 20 + PCP_CHUNK);
}

struct bad {
	struct page *page;
	unsigned int order;
};

static void free_it(void *arg)
{
	const struct bad *b = arg;

	free_pages(b->page, b->order);
}

/* A cached block is nobody's: each wrong free of it is refused, nothing changes. */
static void test_bad_frees_of_cached(void **state)
{
	struct page *page = take(2);
	struct bad bad[] = { { page, 2 }, { page, 0 }, { page, 3 }, { page + 1, 0 } };
	u64 cached;

	(void)state;
	put(page, 2);
	cached = mm_cached_pages();
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		fake_clock_ns(2000000000ull * (i + 1));
		assert_int_equal(fake_panics(free_it, &bad[i]) != NULL, tm_debug);
		assert_int_equal(mm_cached_pages(), cached);
		ghost_check();
	}
	assert_int_equal(zone()->bad_free, ARRAY_SIZE(bad));
	assert_ptr_equal(take(2), page);
}

/* Flags that name two mobilities find no list, whatever lies around. */
static void ask_both(void *arg)
{
	(void)arg;
	assert_null(alloc_pages(__GFP_MOVABLE | __GFP_RECLAIMABLE | __GFP_NOWARN, 0));
}

static void test_no_fourth_list(void **state)
{
	(void)state;
	put(take(0), 0);
	assert_int_equal(fake_panics(ask_both, NULL) != NULL, tm_debug);
}

/* ---- many at once ------------------------------------------------------------------------ */

static void take_bulk(unsigned int n)
{
	assert_int_equal(alloc_pages_bulk(GFP_KERNEL, n, held), n);
	for (unsigned int i = 0; i < n; i++)
		ghost_alloced(held[i], 0, GFP_KERNEL);
}

static void put_bulk(unsigned int n)
{
	free_pages_bulk(n, held);
	for (unsigned int i = 0; i < n; i++)
		ghost_freed(held[i], 0);
	ghost_check();
}

static void turn(unsigned int n)
{
	for (unsigned int i = 0; i < n / 2; i++) {
		struct page *page = held[i];

		held[i] = held[n - 1 - i];
		held[n - 1 - i] = page;
	}
}

/*
 *   array   0 1 2 ... 103 | 104 ... 111 | 112 ... 119 | ...      list: 104 of 104
 *           into the cache  each group home as one block, rising or falling
 */
static void test_bulk_gives_groups(void **state)
{
	const struct pcp_list *l = &cache(0)->list[0][MIGRATE];
	unsigned int limit = cache(0)->row[0].limit, n = limit + 64 * PCP_CHUNK;

	(void)state;
	for (unsigned int falls = 0; falls < 2; falls++) {
		u64 holds, drained = cache(0)->drained[0], refilled = cache(0)->refilled[0];
		u64 served = l->taken - drained, freed = l->put - refilled;

		assert_true(mm_drain_caches());
		drained = cache(0)->drained[0];
		take_bulk(n);
		if (falls)
			turn(n);
		holds = zone()->nr_freed;
		put_bulk(n);
		assert_int_equal(pcp_blocks(l), limit);
		assert_in_range(zone()->nr_freed - holds, n / PCP_CHUNK - limit / PCP_CHUNK,
				n / PCP_CHUNK - limit / PCP_CHUNK + 6);
		/* They count as if they had been cached in between. */
		assert_int_equal(cache(0)->drained[0] - drained, n - limit);
		assert_int_equal(l->taken - cache(0)->drained[0] - served, n);
		assert_int_equal(l->put - cache(0)->refilled[0] - freed, n);
	}
}

/* The same pages come and go: no round tears what the one before left whole. */
static void test_bulk_rounds_settle(void **state)
{
	unsigned int n = cache(0)->row[0].limit + 3 * PCP_CHUNK;
	u64 holds[50];

	(void)state;
	take(0); /* so that the array begins in the middle of a group */
	for (unsigned int i = 0; i < ARRAY_SIZE(holds); i++) {
		take_bulk(n);
		holds[i] = zone()->nr_freed;
		put_bulk(n);
		holds[i] = zone()->nr_freed - holds[i];
	}
	assert_in_range(holds[49], 1, 10);
	assert_int_equal(holds[49], holds[10]);
}

/*
 *   zone   . x . x . x . x ........   singles beside what is held, and whole blocks
 *
 * Many take whole chunks, so that they go home as such; the singles wait for singles.
 */
static void test_bulk_takes_chunks(void **state)
{
	unsigned int limit = cache(0)->row[0].limit, n = 2 * limit;
	u64 refills;

	(void)state;
	for (unsigned int i = 0; i < n; i++)
		held[i] = take(0);
	for (unsigned int i = 0; i < n; i += 2)
		put(held[i], 0);
	assert_true(mm_drain_caches());
	assert_true(zone()->area[0].list[MIGRATE].count >= n / 4);
	refills = vm_event_sum(PCP_REFILL);
	take_bulk(8 * PCP_CHUNK);
	assert_int_equal(vm_event_sum(PCP_REFILL) - refills, 8);
	for (unsigned int i = 0; i < 8 * PCP_CHUNK; i++)
		assert_ptr_equal(held[i], held[i - i % PCP_CHUNK] + i % PCP_CHUNK);
	assert_int_equal(page_to_pfn(held[0]).v % PCP_CHUNK, 0);
	assert_int_equal(pcp_blocks(&cache(0)->list[0][MIGRATE]), 0);
	put_bulk(8 * PCP_CHUNK);
}

/* Whatever the order of the array, all go where they belong; no page goes twice. */
static void test_bulk_shuffled(void **state)
{
	unsigned int n = cache(0)->row[0].limit + 128;
	u64 free = mm_free_pages() + mm_cached_pages();

	(void)state;
	for (unsigned int step = 3; step < 40; step += 4) {
		static struct page *page[MOST];

		take_bulk(n);
		memcpy(page, held, n * sizeof(page[0]));
		/* Every step-th, then those behind them: pairs, runs, and pieces of groups. */
		for (unsigned int from = 0, to = 0; from < step; from++)
			for (unsigned int i = from; i < n; i += step)
				held[to++] = page[i];
		put_bulk(n);
		assert_int_equal(mm_free_pages() + mm_cached_pages(), free);
	}
	assert_true(mm_drain_caches());
	ghost_check();
}

static void free_twice(void *arg)
{
	(void)arg;
	free_pages_bulk(PCP_CHUNK + 1, held);
}

/* A page that is in the array twice is refused the second time, in a full cache too. */
static void test_bulk_double_free(void **state)
{
	unsigned int limit = cache(0)->row[0].limit;

	(void)state;
	take_bulk(limit + 2 * PCP_CHUNK);
	free_pages_bulk(limit, held + 2 * PCP_CHUNK);
	for (unsigned int i = 0; i < limit; i++)
		ghost_freed(held[2 * PCP_CHUNK + i], 0);
	assert_int_equal(pcp_blocks(&cache(0)->list[0][MIGRATE]), limit);
	held[PCP_CHUNK] = held[PCP_CHUNK - 1];
	assert_int_equal(fake_panics(free_twice, NULL) != NULL, tm_debug);
	assert_int_equal(zone()->bad_free, 1);
	for (unsigned int i = 0; i < PCP_CHUNK; i++)
		ghost_freed(held[i], 0);
}

/*
 *   zone   M |MxMxMxMx...   every second page free, all of it movable
 *
 * Many that must be taken from another type are served, and whoever watches over that
 * type is told, once.
 */
static void test_bulk_steals(void **state)
{
	const gfp_t gfp = GFP_HIGHUSER_MOVABLE | __GFP_NOWARN;
	unsigned int n = 0;
	u64 before;

	(void)state;
	while (zone()->nr_usable > zone()->wmark[WMARK_HIGH] && (held[n] = alloc_pages(gfp, 0)))
		ghost_alloced(held[n++], 0, gfp);
	while (zone()->nr_usable > zone()->wmark[WMARK_LOW] && take(0))
		;
	for (unsigned int i = 0; i < n; i += 2)
		put(held[i], 0);
	for (int order = MAX_PAGE_ORDER; order >= 0; order--)
		while (zone()->filled[MIGRATE] >> order && take((unsigned int)order))
			;
	assert_true(mm_drain_caches());
	assert_int_equal(zone()->filled[MIGRATE], 0);
	assert_int_equal(zone()->boost, 0);
	before = vm_event_sum(ALLOC_FALLBACK);
	take_bulk(PCP_CHUNK);
	assert_in_range(vm_event_sum(ALLOC_FALLBACK) - before, 1, PCP_CHUNK);
	ghost_check();
}

static void ask_large_of_both(void *arg)
{
	(void)arg;
	assert_null(alloc_pages(__GFP_MOVABLE | __GFP_RECLAIMABLE | __GFP_NOWARN, PCP_ORDERS));
}

static void ask_exact_of_both(void *arg)
{
	(void)arg;
	assert_null(
		alloc_pages_exact(2 * PAGE_SIZE, __GFP_MOVABLE | __GFP_RECLAIMABLE | __GFP_NOWARN));
}

static void ask_many_of_both(void *arg)
{
	(void)arg;
	assert_int_equal(alloc_pages_bulk(__GFP_MOVABLE | __GFP_RECLAIMABLE | __GFP_NOWARN,
					  4 * PCP_CHUNK, held),
			 0);
}

static void test_bulk_of_both_mobilities(void **state)
{
	(void)state;
	put(take(0), 0);
	assert_int_equal(fake_panics(ask_many_of_both, NULL) != NULL, tm_debug);
	assert_int_equal(fake_panics(ask_large_of_both, NULL) != NULL, tm_debug);
	assert_int_equal(fake_panics(ask_exact_of_both, NULL) != NULL, tm_debug);
}

/* ---- exact sizes ------------------------------------------------------------------------- */

static struct page *take_exact(unsigned int nr)
{
	struct page *page = virt_to_page(alloc_pages_exact(nr * PAGE_SIZE, GFP_KERNEL));

	assert_non_null(page);
	for (unsigned int i = 0; i < nr; i++)
		ghost_alloced(page + i, 0, GFP_KERNEL);
	return page;
}

static void put_exact(struct page *page, unsigned int nr)
{
	free_pages_exact(page_address(page), nr * PAGE_SIZE);
	for (unsigned int i = 0; i < nr; i++)
		ghost_freed(page + i, 0);
	ghost_check();
}

/*
 *   cache  4 3 2 1 0 5 6 7 ...   the same five again, and 5 6 7 stay: no lock is taken
 */
static void test_exact_from_group(void **state)
{
	const struct pcp_list *l = &cache(0)->list[0][MIGRATE];

	(void)state;
	for (unsigned int nr = 1; nr <= PCP_CHUNK; nr++) {
		struct page *page = take_exact(PCP_CHUNK - 1), *again;
		u64 moved;

		put_exact(page, PCP_CHUNK - 1);
		moved = zone()->nr_alloc + zone()->nr_freed;
		again = take_exact(nr);
		assert_ptr_equal(again, page);
		if (nr < PCP_CHUNK)
			assert_int_equal(l->head, page_to_pfn(page + nr).v);
		put_exact(again, nr);
		assert_int_equal(zone()->nr_alloc + zone()->nr_freed, moved);
	}
}

/* Not complete, not intact, or not above the mark: a block is cut instead. */
static void test_exact_without_group(void **state)
{
	struct page *page, *other;

	(void)state;
	page = take_exact(5);
	put_exact(page, 5);
	other = take(0);
	page = take_exact(5);
	assert_int_equal(page_to_pfn(page).v % PCP_CHUNK, 0);
	assert_true(other < page || other >= page + PCP_CHUNK);
	put_exact(page, 5);
	page[2].refcount = 3;
	other = take_exact(5);
	assert_true(other + PCP_CHUNK <= page || other >= page + PCP_CHUNK);
	put_exact(other, 5);
	page[2].refcount = 0;
	memset(zone()->pass, 0xff, sizeof(zone()->pass));
	other = take_exact(5);
	assert_true(other + PCP_CHUNK <= page || other >= page + PCP_CHUNK);
	reserves_update();
	put_exact(other, 5);
}

static void free_nothing(void *arg)
{
	free_pages_exact(arg, 2 * PAGE_SIZE);
}

/* Null, and an address that is no page's, are refused page by page. */
static void test_exact_free_of_nothing(void **state)
{
	u64 before = page_alloc_foreign_frees();

	(void)state;
	assert_int_equal(fake_panics(free_nothing, NULL) != NULL, tm_debug);
	assert_int_equal(page_alloc_foreign_frees() - before, tm_debug ? 1 : 2);
	assert_int_equal(fake_panics(free_nothing, &before) != NULL, tm_debug);
}

/* A page of the group on top was written to: it is none of a group any more. */
static void test_exact_beside_damage(void **state)
{
	struct page *page = take_exact(PCP_CHUNK), *other;

	(void)state;
	put_exact(page, PCP_CHUNK);
	page[3].mapcount = 1;
	other = take_exact(PCP_CHUNK);
	assert_true(other + PCP_CHUNK <= page || other >= page + PCP_CHUNK);
	page[3].mapcount = 0;
	put_exact(other, PCP_CHUNK);
}

/* Each of its pages alone, whatever the size, in whatever order: all comes home whole. */
static void test_exact_freed_one_by_one(void **state)
{
	static const unsigned int sizes[] = { 1, 2, 3, 5, 8, 9, 31, 32, 33, 100, 511, 513, 1023 };
	u64 free;

	(void)state;
	assert_true(mm_drain_caches());
	free = mm_free_pages();
	for (unsigned int s = 0; s < ARRAY_SIZE(sizes); s++) {
		struct page *page = take_exact(sizes[s]);

		ghost_check();
		for (unsigned int i = 0; i < sizes[s]; i++)
			put(page + (i % 2 ? i / 2 : sizes[s] - 1 - i / 2), 0);
		assert_true(mm_drain_caches());
		assert_int_equal(mm_free_pages(), free);
	}
}

/* A few pages are hotter than what a full list holds: they get room. */
static void test_few_stay(void **state)
{
	const struct pcp_list *l = &cache(0)->list[0][MIGRATE];
	unsigned int limit = cache(0)->row[0].limit;
	struct page *page;

	(void)state;
	take_bulk(2 * limit);
	page = take_exact(5);
	put_bulk(2 * limit);
	assert_int_equal(pcp_blocks(l), limit);
	put_exact(page, 5);
	assert_int_equal(l->head, page_to_pfn(page + 4).v);
	assert_true(pcp_blocks(l) <= limit);
}

/* Lent CMA frames are cached with the movable ones and go home to their area. */
static void test_cma(void **state)
{
	static const struct machine with_cma = {
		.bank = { { GIB(1), GIB(1) + MIB(256), 0, 0 } },
		.cma = { { GIB(1) + MIB(64), GIB(1) + MIB(224) } },
	};
	struct page *page;
	u64 cma;

	(void)state;
	machine_boot(&with_cma);
	assert_true(mm_drain_caches());
	ghost_init();
	cma = zone()->nr_free_cma;
	page = alloc_pages(GFP_HIGHUSER_MOVABLE, 0);
	ghost_alloced(page, 0, GFP_HIGHUSER_MOVABLE);
	assert_int_equal(pageblock_type(page_to_pfn(page).v), MIGRATE_CMA);
	put(page, 0);
	assert_int_equal(cache(0)->list[0][MIGRATE_MOVABLE].head, page_to_pfn(page).v);
	assert_true(mm_drain_caches());
	assert_int_equal(zone()->nr_free_cma, cma);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_refill_is_a_chunk),
		CASE(test_refill_by_order),
		CASE(test_refill_is_smallest_fit),
		CASE(test_limit),
		CASE(test_groups_go_home_whole),
		CASE(test_below_low),
		CASE(test_drain_asks_all),
		CASE(test_off_leaves_nothing),
		CASE(test_counters_wrap),
		CASE(test_no_such_cpu),
		CASE(test_bad_frees_of_cached),
		CASE(test_no_fourth_list),
		CASE(test_cma),
		CASE(test_bulk_gives_groups),
		CASE(test_bulk_rounds_settle),
		CASE(test_bulk_shuffled),
		CASE(test_bulk_double_free),
		CASE(test_bulk_of_both_mobilities),
		CASE(test_bulk_steals),
		CASE(test_bulk_takes_chunks),
		CASE(test_exact_from_group),
		CASE(test_exact_without_group),
		CASE(test_exact_freed_one_by_one),
		CASE(test_exact_free_of_nothing),
		CASE(test_exact_beside_damage),
		CASE(test_few_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
