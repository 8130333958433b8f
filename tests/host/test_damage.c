/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that somebody wrote into while their blocks were free or cached:
 * nobody is given such a block, whichever way the request goes; it is leaked and
 * counted, and the others serve on. Test builds say so in a panic where the block
 * would have been served. And the ways out of caches that only such cases take.
 */
#include "unit.h"

#include "help/machine.h"
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/pageblock.h"
#include "mm/page/page_check.h"
#include "mm/page/pcp.h"
#include "mm/page/walk.h"

static const struct machine one = {
	.bank = { { GIB(1), GIB(1) + MIB(256), 0, 0 } },
	.nr_cpus = 2,
};

/* What is written where: a reference, a mapping, a count of mappings, the order. */
enum damage { REFERENCED, MAPPING, MAPPED, OTHER_ORDER, NR_DAMAGES };

static int setup(void **state)
{
	static u64 now;

	(void)state;
	machine_boot(&one);
	assert_true(mm_drain_caches());
	/* Reports are limited to one a second, and that is kept over machines. */
	now += 2000000000ull;
	fake_clock_ns(now);
	return 0;
}

static struct zone *zone(void)
{
	return zone_next(0);
}

static struct pcp *cache(void)
{
	return zone()->pcp[0];
}

static void damage(struct page *page, enum damage how)
{
	switch (how) {
	case REFERENCED:
		page->refcount = 1;
		break;
	case MAPPING:
		page->mapping = 0x40;
		break;
	case MAPPED:
		page->mapcount = 1;
		break;
	default:
		page->flags ^= 1u << PAGE_ORDER_SHIFT;
		break;
	}
}

/* A block of the order is on top of its list in the cache, and damaged. */
static struct page *cached_damage(unsigned int order, enum damage how)
{
	struct page *page = alloc_pages(GFP_KERNEL, order);

	free_pages(page, order);
	assert_int_equal(cache()->list[order][MIGRATE_UNMOVABLE].head, page_to_pfn(page).v);
	damage(page, how);
	return page;
}

static void expect_leaked(const struct page *page, unsigned int order)
{
	assert_int_equal(frame_state(page), PAGE_BAD);
	assert_int_equal(zone()->nr_leaked, 1u << order);
	assert_int_equal(zone()->bad_page, 1);
	assert_int_equal(fake_locks_held(), 0);
}

/*
 *   cache  X 1 2 3   the hit refuses X; what a refill puts on top of it is served,
 *                    and X is leaked when the list goes home.
 */
static void test_hit_refuses(void **state)
{
	(void)state;
	for (unsigned int how = 0; how < NR_DAMAGES; how++) {
		for (unsigned int order = 0; order < PCP_ORDERS; order++) {
			struct page *bad, *got;

			setup(NULL);
			bad = cached_damage(order, how);
			got = alloc_pages(GFP_KERNEL, order);
			assert_non_null(got);
			assert_ptr_not_equal(got, bad);
			assert_int_equal(zone()->nr_leaked, 0);
			assert_true(mm_drain_caches());
			expect_leaked(bad, order);
			free_pages(got, order);
		}
	}
}

struct ask {
	struct page *got[PCP_CHUNK];
	unsigned int order, nr;
};

static void ask_node(void *arg)
{
	struct ask *a = arg;

	a->got[0] = alloc_pages_node(0, GFP_KERNEL, a->order);
}

static void ask_plain(void *arg)
{
	struct ask *a = arg;

	a->got[0] = alloc_pages(GFP_KERNEL, a->order);
}

/* The long way pops X itself: leaked at once, said, and another is served. */
static void test_walk_leaks(void **state)
{
	(void)state;
	for (unsigned int how = 0; how < NR_DAMAGES; how++) {
		for (unsigned int order = 0; order < PCP_ORDERS; order++) {
			struct ask a = { .order = order };
			struct page *bad;
			const char *text;

			setup(NULL);
			bad = cached_damage(order, how);
			text = fake_panics(ask_node, &a);
			assert_int_equal(text != NULL, tm_debug);
			if (tm_debug)
				assert_non_null(strstr(text, "damaged free frame"));
			else
				assert_ptr_not_equal(a.got[0], bad);
			assert_int_equal(a.got[0] != NULL, !tm_debug);
			expect_leaked(bad, order);
		}
	}
}

/* Blocks too large for a cache: the free head is damaged, the next one is served. */
static void test_large_leaks(void **state)
{
	struct ask a = { .order = PCP_ORDERS };
	struct page *bad;
	unsigned int order;
	const char *text;

	(void)state;
	assert_non_null(alloc_pages(GFP_KERNEL, PCP_ORDERS)); /* claims its pageblock */
	order = (unsigned int)__builtin_ctz(zone()->filled[MIGRATE_UNMOVABLE] >> PCP_ORDERS) +
		PCP_ORDERS;
	bad = frame(zone()->area[order].list[MIGRATE_UNMOVABLE].head);
	damage(bad, MAPPED);
	text = fake_panics(ask_plain, &a);
	assert_int_equal(text != NULL, tm_debug);
	if (!tm_debug) {
		assert_non_null(a.got[0]);
		assert_true(a.got[0] < bad || a.got[0] >= bad + (1u << order));
		assert_true(fake_log_has("damaged free frame"));
	}
	expect_leaked(bad, order);
}

static void free_bad(void *arg)
{
	free_pages(arg, 0);
}

/* The first free block that such a request would take, damaged. */
static struct page *free_damage(unsigned int order, enum damage how, unsigned int *have)
{
	u32 fits;
	struct page *page;

	assert_non_null(alloc_pages(GFP_KERNEL, PCP_ORDERS)); /* claims a pageblock */
	assert_true(mm_drain_caches());
	fits = zone()->filled[MIGRATE_UNMOVABLE] & (~0u << order);
	*have = (unsigned int)__builtin_ctz(fits);
	page = frame(zone()->area[*have].list[MIGRATE_UNMOVABLE].head);
	damage(page, how);
	return page;
}

static void ask_bulk(void *arg)
{
	struct ask *a = arg;

	a->nr = alloc_pages_bulk(GFP_KERNEL, PCP_CHUNK, a->got);
}

/*
 *   zone   [X.......][........]   a refill, of one page or many, leaks X's block and no
 *                                 more than that, and brings others.
 */
static void test_refill_leaks(void **state)
{
	(void)state;
	for (unsigned int how = REFERENCED; how <= MAPPED; how++) {
		for (unsigned int order = 0; order < PCP_ORDERS; order++) {
			struct ask a = { .order = order };
			struct page *bad;
			unsigned int have;
			const char *text;

			setup(NULL);
			bad = free_damage(order, how, &have);
			text = fake_panics(ask_plain, &a);
			assert_int_equal(text != NULL, tm_debug);
			expect_leaked(bad, order);
			if (!tm_debug)
				assert_in_range(a.got[0] - bad, 1, (1 << have) - 1);
		}
	}
}

/* The first of two free blocks that do not touch; what is asked for is `order` of them. */
static struct page *first_of_two(unsigned int order)
{
	struct page *page[4];

	for (unsigned int i = 0; i < 4; i++)
		page[i] = alloc_pages(GFP_KERNEL, order);
	free_pages(page[0], order);
	free_pages(page[2], order);
	assert_true(mm_drain_caches());
	return frame(zone()->area[order].list[MIGRATE_UNMOVABLE].head);
}

/*
 *   zone   [X] . [1] .    the row of a refill, or the look for a large block, ends at X,
 *                         which is leaked alone, or, as a stray, goes home; 1 is served.
 */
static void test_row_ends_at_damage(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2 * (MAPPED + 2); i++) {
		unsigned int how = i / 2, order = i % 2 * PCP_ORDERS;
		bool stray = how > MAPPED;
		struct ask a = { .order = order };
		struct page *first;
		const char *text;

		setup(NULL);
		first = first_of_two(order);
		if (stray)
			pageblock_entry(frame_number(first))->type = MIGRATE_MOVABLE;
		else
			damage(first, how);
		text = fake_panics(ask_plain, &a);
		assert_int_equal(text != NULL, tm_debug && !stray);
		if (stray)
			assert_int_equal(zone()->nr_leaked, 0);
		else
			expect_leaked(first, order);
		assert_int_equal(a.got[0] != NULL, !text);
		assert_ptr_not_equal(a.got[0], first);
	}
}

static void test_bulk_chunk_leaks(void **state)
{
	(void)state;
	for (unsigned int how = REFERENCED; how <= MAPPED; how++) {
		struct ask a = { .nr = 0 };
		struct page *bad;
		unsigned int have;

		setup(NULL);
		bad = free_damage(PCP_ORDERS - 1, how, &have);
		assert_int_equal(fake_panics(ask_bulk, &a) != NULL, tm_debug);
		expect_leaked(bad, PCP_ORDERS - 1);
		assert_int_equal(a.nr, tm_debug ? 0 : PCP_CHUNK);
	}
}

/* The block behind it does not point back: what hangs there cannot be found again, so
 * it ends here, in any build. */
static void test_torn_list(void **state)
{
	(void)state;
	for (unsigned int order = 0; order <= PCP_ORDERS; order += PCP_ORDERS) {
		struct page *page[4], *first;
		struct ask a = { .order = order };
		const char *text;

		setup(NULL);
		/* Every second, so that they do not merge. */
		for (unsigned int i = 0; i < 4; i++)
			page[i] = alloc_pages(GFP_KERNEL, order);
		free_pages(page[0], order);
		free_pages(page[2], order);
		assert_true(mm_drain_caches());
		first = frame(zone()->area[order].list[MIGRATE_UNMOVABLE].head);
		assert_int_not_equal(first->next, PFN_NIL);
		frame(first->next)->prev = first->next;
		text = fake_panics(ask_plain, &a);
		assert_non_null(text);
		assert_null(a.got[0]);
	}
}

/* Eight damaged blocks in a row are as many as one look at a zone goes through. */
static void test_nothing_but_damage(void **state)
{
	const gfp_t gfp = GFP_KERNEL | __GFP_MOVABLE | __GFP_NOWARN;
	const struct alloc_try t = { .low_mark = true };
	const struct page_list *l = &zone()->area[MAX_PAGE_ORDER].list[MIGRATE_MOVABLE];
	struct alloc_request rq = { 0 };

	(void)state;
	if (tm_debug)
		return; /* the first one ends it */
	assert_true(l->count > 20);
	for (u32 pfn = l->head; pfn != PFN_NIL; pfn = frame(pfn)->next)
		damage(frame(pfn), MAPPED);
	assert_int_equal(request_fill(&rq, NODE_NONE, gfp, MAX_PAGE_ORDER, NULL), 0);
	assert_null(walk_zones(&rq, &t, NULL));
	assert_int_equal(zone()->bad_page, 8);
	assert_int_equal(zone()->nr_leaked, 8 << MAX_PAGE_ORDER);
	assert_int_equal(fake_log_count("damaged free frame"), 1);
}

/* A frame in the middle of a leaked block belongs to nobody who could free it. */
static void test_middle_of_leaked(void **state)
{
	struct page *bad = cached_damage(2, MAPPED);
	u64 free;

	(void)state;
	assert_true(mm_drain_caches());
	expect_leaked(bad, 2);
	free = mm_free_pages();
	assert_int_equal(fake_panics(free_bad, bad + 1) != NULL, tm_debug);
	assert_int_equal(zone()->bad_free, 1);
	assert_int_equal(mm_free_pages(), free);
	assert_int_equal(page_classify(bad + 1, 0), PAGE_FAULT_DAMAGED);
}

/* Two in one second are one line; the second is leaked all the same. */
static void test_reports_are_limited(void **state)
{
	struct ask a = { .order = 0 };

	(void)state;
	if (tm_debug)
		return; /* the first one ends it */
	cached_damage(0, MAPPED);
	ask_node(&a);
	cached_damage(1, MAPPED);
	a.order = 1;
	ask_node(&a);
	assert_int_equal(fake_log_count("damaged free frame"), 1);
	assert_int_equal(zone()->bad_page, 2);
	assert_int_equal(zone()->nr_leaked, 3);
}

/* A leaked frame is nobody's to free, and stays leaked. */
static void test_leaked_stays(void **state)
{
	struct page *bad = cached_damage(0, REFERENCED);
	u64 free;

	(void)state;
	assert_true(mm_drain_caches());
	expect_leaked(bad, 0);
	free = mm_free_pages();
	assert_int_equal(fake_panics(free_bad, bad) != NULL, tm_debug);
	if (!tm_debug)
		assert_true(fake_log_has("refused"));
	assert_int_equal(zone()->bad_free, 1);
	assert_int_equal(mm_free_pages(), free);
	assert_int_equal(frame_state(bad), PAGE_BAD);
}

/*
 *   cache  1 2 X 3 4 ...   a bulk request takes what lies above X, then others.
 */
static void test_bulk_goes_around(void **state)
{
	struct page *page[PCP_CHUNK];
	struct page *bad;

	(void)state;
	for (unsigned int how = 0; how < NR_DAMAGES; how++) {
		setup(NULL);
		assert_int_equal(alloc_pages_bulk(GFP_KERNEL, PCP_CHUNK, page), PCP_CHUNK);
		free_pages_bulk(PCP_CHUNK, page);
		bad = frame(frame(cache()->list[0][MIGRATE_UNMOVABLE].head)->next);
		damage(bad, how);
		assert_int_equal(alloc_pages_bulk(GFP_KERNEL, PCP_CHUNK, page), PCP_CHUNK);
		for (unsigned int i = 0; i < PCP_CHUNK; i++)
			assert_ptr_not_equal(page[i], bad);
		assert_true(mm_drain_caches());
		expect_leaked(bad, 0);
		free_pages_bulk(PCP_CHUNK, page);
	}
}

struct bulk {
	struct page *page[4];
};

static void free_bulk(void *arg)
{
	struct bulk *b = arg;

	free_pages_bulk(ARRAY_SIZE(b->page), b->page);
}

/* A damaged page among those that are given back: the ones before it are cached. */
static void test_bulk_free_of_damaged(void **state)
{
	(void)state;
	for (unsigned int how = REFERENCED; how <= MAPPED; how++) {
		struct bulk b;

		setup(NULL);
		assert_int_equal(alloc_pages_bulk(GFP_KERNEL, 4, b.page), 4);
		damage(b.page[2], how);
		if (how == REFERENCED)
			b.page[2]->refcount = 2;
		assert_int_equal(fake_panics(free_bulk, &b) != NULL, tm_debug);
		expect_leaked(b.page[2], 0);
		assert_int_equal(frame_state(b.page[1]), PAGE_CACHED);
		assert_int_equal(frame_state(b.page[3]) == PAGE_CACHED, !tm_debug);
	}
}

struct many {
	struct page *page[1024];
	unsigned int nr;
};

static void free_many(void *arg)
{
	struct many *m = arg;

	free_pages_bulk(m->nr, m->page);
}

/* In a full list, where pages go home as blocks: up to the damaged one, and from behind it. */
static void test_bulk_free_of_damaged_block(void **state)
{
	static struct many m;
	u64 before;

	(void)state;
	for (unsigned int at = 0; at < 2; at++) {
		struct page *bad;

		setup(NULL);
		before = mm_free_pages();
		m.nr = cache()->row[0].limit + 4 * PCP_CHUNK;
		assert_true(m.nr < ARRAY_SIZE(m.page));
		assert_int_equal(alloc_pages_bulk(GFP_KERNEL, m.nr, m.page), m.nr);
		bad = m.page[m.nr - 2 * PCP_CHUNK + 3 * at];
		damage(bad, MAPPED);
		assert_int_equal(fake_panics(free_many, &m) != NULL, tm_debug);
		expect_leaked(bad, 0);
		if (tm_debug)
			continue;
		assert_true(mm_drain_caches());
		assert_int_equal(mm_free_pages(), before - 1);
	}
}

/* Pages of two types in one call: each goes to the list of its pageblock. */
static void test_bulk_free_of_two_types(void **state)
{
	struct page *page[4];

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		page[i] = alloc_pages(i & 1 ? GFP_KERNEL | __GFP_MOVABLE : GFP_KERNEL, 0);
	assert_int_not_equal(pageblock_type(page_to_pfn(page[0]).v),
			     pageblock_type(page_to_pfn(page[1]).v));
	free_pages_bulk(4, page);
	assert_int_equal(cache()->list[0][MIGRATE_UNMOVABLE].head, page_to_pfn(page[2]).v);
	assert_int_equal(cache()->list[0][MIGRATE_MOVABLE].head, page_to_pfn(page[3]).v);
}

/*
 * A head that names the reserve, in a pageblock of the reserve: caches have no list
 * of that type, so the page goes home past them.
 */
static void test_free_of_border_type(void **state)
{
	struct page *page = alloc_pages(GFP_KERNEL, 0);
	u64 start = align_down(page_to_pfn(page).v, PAGEBLOCK_PAGES), before;

	(void)state;
	assert_true(mm_drain_caches());
	before = mm_free_pages();
	pageblock_set_type(start, start + PAGEBLOCK_PAGES, MIGRATE_HIGHATOMIC);
	page->flags = (page->flags & ~PAGE_MT_MASK) | MIGRATE_HIGHATOMIC << PAGE_MT_SHIFT;
	free_pages(page, 0);
	assert_int_equal(frame_state(page), PAGE_FREE);
	assert_int_equal(mm_free_pages(), before + 1);
	assert_int_equal(pcp_pages(cache()), 0);
	assert_int_equal(fake_locks_held(), 0);
}

/* Whatever was in them, bulk pages are clear when that was asked for. */
static void test_bulk_clear(void **state)
{
	struct page *page[2 * PCP_CHUNK];
	const unsigned int nr = ARRAY_SIZE(page);

	(void)state;
	assert_int_equal(alloc_pages_bulk(GFP_KERNEL, nr, page), nr);
	for (unsigned int i = 0; i < nr; i++)
		memset(page_address(page[i]), 0x5a, PAGE_SIZE);
	free_pages_bulk(nr, page);
	assert_int_equal(alloc_pages_bulk(GFP_KERNEL | __GFP_ZERO, nr, page), nr);
	for (unsigned int i = 0; i < nr; i++) {
		const u8 *byte = page_address(page[i]);

		for (unsigned int b = 0; b < PAGE_SIZE; b++)
			assert_int_equal(byte[b], 0);
	}
	free_pages_bulk(nr, page);
}

/*
 *   CPU 0  1 2 3   CPU 1  4 5   an interrupt on CPU 0 may not wait: its own go home
 *                               at once, CPU 1 is asked, and it is said that it was not
 *                               yet done.
 */
static void test_drain_that_may_not_wait(void **state)
{
	(void)state;
	fake_set_cpu(1);
	free_pages(alloc_pages(GFP_KERNEL, 0), 0);
	fake_set_cpu(0);
	free_pages(alloc_pages(GFP_KERNEL, 0), 0);
	assert_true(pcp_pages(cache()) > 0 && pcp_pages(zone()->pcp[1]) > 0);
	fake_task.in_interrupt = true;
	mm_drain_caches();
	fake_task.in_interrupt = false;
	assert_int_equal(pcp_pages(cache()), 0);
	fake_cpu_calls();
	assert_int_equal(pcp_pages(zone()->pcp[1]), 0);
	assert_true(mm_drain_caches());
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_hit_refuses),
		CASE(test_walk_leaks),
		CASE(test_large_leaks),
		CASE(test_reports_are_limited),
		CASE(test_refill_leaks),
		CASE(test_row_ends_at_damage),
		CASE(test_bulk_chunk_leaks),
		CASE(test_bulk_free_of_damaged_block),
		CASE(test_torn_list),
		CASE(test_nothing_but_damage),
		CASE(test_middle_of_leaked),
		CASE(test_leaked_stays),
		CASE(test_bulk_goes_around),
		CASE(test_bulk_free_of_damaged),
		CASE(test_bulk_free_of_two_types),
		CASE(test_free_of_border_type),
		CASE(test_bulk_clear),
		CASE(test_drain_that_may_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
