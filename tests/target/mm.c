/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory on the machine itself: that blocks are where the request wanted them,
 * belong to one owner only, come back whole under true SMP, and that the
 * validator agrees after each case. Every case ends with as many free pages as
 * it began with. Works on any shape; what a shape cannot show is skipped.
 */
#include "mm/mm.h"
#include "tests/target/help.h"

enum {
	BLOCKS = 256,
	WORKERS = 6,
	WORKER_STEPS = 4000,
	WORKER_BLOCKS = 64,
	SPREAD = 37, /* odd: visits all blocks in a scattered order */
};

static void expect_sound(u64 free_before)
{
	u64 free = help_settled_pages();
	unsigned int findings = mm_check(&console_out);

	TEST_CHECK_VAL(free == free_before, free, free_before);
	TEST_CHECK_VAL(findings == 0, findings, 0);
}

/* ---- ownership ------------------------------------------------------------------- */

/* A block's first and last word of each page name its owner. */
static void sign(struct page *page, unsigned int order, u64 owner)
{
	for (u32 i = 0; i < 1u << order; i++) {
		u64 *word = page_address(page + i);

		word[0] = owner ^ i;
		word[PAGE_SIZE / 8 - 1] = owner ^ ~(u64)i;
	}
}

static bool is_signed(const struct page *page, unsigned int order, u64 owner)
{
	for (u32 i = 0; i < 1u << order; i++) {
		const u64 *word = page_address(page + i);

		if (word[0] != (owner ^ i) || word[PAGE_SIZE / 8 - 1] != (owner ^ ~(u64)i))
			return false;
	}
	return true;
}

static void test_blocks_are_distinct(void)
{
	static struct page *page[BLOCKS];
	u64 before = help_settled_pages();

	for (unsigned int i = 0; i < BLOCKS; i++) {
		page[i] = alloc_pages(GFP_KERNEL, i % 5);
		TEST_CHECK_VAL(page[i] != NULL, i, 0);
		if (!page[i])
			break;
		TEST_CHECK(is_aligned(page_to_pfn(page[i]).v, 1ull << (i % 5)));
		sign(page[i], i % 5, 0x1000 + i);
	}
	for (unsigned int k = 0; k < BLOCKS; k++) {
		unsigned int i = k * SPREAD % BLOCKS;

		if (!page[i])
			continue;
		TEST_CHECK_VAL(is_signed(page[i], i % 5, 0x1000 + i), i, page_to_pfn(page[i]).v);
		free_pages(page[i], i % 5);
	}
	expect_sound(before);
}

static void test_every_order(void)
{
	u64 before = help_settled_pages();

	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
		struct page *page = alloc_pages(GFP_KERNEL, order);

		TEST_CHECK_VAL(page != NULL, order, unowned_pages());
		if (!page)
			continue;
		TEST_CHECK_VAL(unowned_pages() == before - (1u << order), order, unowned_pages());
		TEST_CHECK_VAL(page_order(page) == order, page_order(page), order);
		TEST_CHECK(virt_to_page(page_address(page)) == page);
		TEST_CHECK(pfn_to_page(page_to_pfn(page)) == page);
		sign(page, order, order);
		free_pages(page, order);
	}
	expect_sound(before);
}

static void test_zeroed(void)
{
	u64 before = help_settled_pages();
	struct page *page = alloc_pages(GFP_KERNEL, 2);
	u64 sum = 0;

	TEST_CHECK(page != NULL);
	if (!page)
		return;
	memset(page_address(page), 0xff, 4 * PAGE_SIZE);
	free_pages(page, 2);
	page = alloc_pages(__GFP_ZERO, 2);
	for (unsigned int i = 0; page && i < 4 * PAGE_SIZE / 8; i++)
		sum |= ((u64 *)page_address(page))[i];
	TEST_CHECK_VAL(page && !sum, sum, 0);
	if (page)
		free_pages(page, 2);
	expect_sound(before);
}

/* ---- placement ----------------------------------------------------------------------- */

/* Type of the zone a page lies in. */
static int zone_type_of(const struct page *page)
{
	const struct node *n = node_get((unsigned int)page_node(page));
	u64 pfn = page_to_pfn(page).v;

	for (int t = 0; n && t < NR_ZONE_TYPES; t++)
		if (pfn >= n->zone[t].start.v && pfn < n->zone[t].end.v)
			return t;
	return -1;
}

static bool any_zone(enum zone_type type)
{
	for (unsigned int id = 0; id < MAX_NODES; id++)
		if (node_get(id) && node_get(id)->zone[type].managed_pages)
			return true;
	return false;
}

static void expect_zone(gfp_t gfp, int least, int most)
{
	struct page *page = alloc_pages(gfp, 0);
	int type = page ? zone_type_of(page) : -1;

	TEST_CHECK_VAL(type >= least && type <= most, gfp, type);
	if (page)
		free_pages(page, 0);
}

static void test_zone_by_flags(void)
{
	expect_zone(GFP_KERNEL, ZONE_DMA, ZONE_NORMAL);
	expect_zone(__GFP_RECLAIMABLE, ZONE_DMA, ZONE_NORMAL);
	if (any_zone(ZONE_DMA))
		expect_zone(__GFP_DMA, ZONE_DMA, ZONE_DMA);
	if (any_zone(ZONE_DMA) || any_zone(ZONE_DMA32))
		expect_zone(__GFP_DMA32, ZONE_DMA, ZONE_DMA32);
	expect_zone(GFP_HIGHUSER_MOVABLE, ZONE_DMA, ZONE_MOVABLE);
}

static u32 nr_wrong; /* (A) */

/* Runs on one CPU: what it gets lies on that CPU's node, or, when that has no
 * memory, on its nearest; a strict request there is refused at once. */
static void expect_local(void *arg)
{
	unsigned int here = cpu_to_node(cpu_id());
	bool has_memory = nodes_with_memory() >> here & 1;
	const struct node *n = node_get(here);
	struct page *near = alloc_pages(GFP_KERNEL, 0);
	struct page *strict = alloc_pages(__GFP_THISNODE | __GFP_NOWARN, 0);
	int expected = (int)n->fallback[0];

	(void)arg;
	if (!near || page_node(near) != expected || !strict != !has_memory)
		help_add(&nr_wrong, 1);
	if (strict && page_node(strict) != (int)here)
		help_add(&nr_wrong, 1);
	if (near)
		free_pages(near, 0);
	if (strict)
		free_pages(strict, 0);
}

static void test_memory_is_local(void)
{
	u64 before = help_settled_pages();

	nr_wrong = 0;
	for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++)
		if (cpus_online() >> cpu & 1)
			help_join(help_spawn("local", 8, 1ull << cpu, expect_local, NULL));
	TEST_CHECK_VAL(nr_wrong == 0, nr_wrong, 0);
	expect_sound(before);
}

static void test_each_node_by_name(void)
{
	u64 before = help_settled_pages();

	for (unsigned int id = 0; id < MAX_NODES; id++) {
		struct page *page;

		if (!(nodes_with_memory() >> id & 1))
			continue;
		page = alloc_pages_node((int)id, __GFP_THISNODE, 0);
		TEST_CHECK_VAL(page && page_node(page) == (int)id, id, page ? page_node(page) : -1);
		if (page)
			free_pages(page, 0);
	}
	TEST_CHECK(!alloc_pages_node(MAX_NODES, GFP_KERNEL, 0));
	TEST_CHECK(!alloc_pages(GFP_KERNEL, NR_PAGE_ORDERS));
	expect_sound(before);
}

/* ---- many at once --------------------------------------------------------------------- */

struct worker {
	u64 seed, id;
	struct page *page[WORKER_BLOCKS];
	u8 order[WORKER_BLOCKS];
};

static u64 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void drop(struct worker *w, unsigned int slot)
{
	if (!is_signed(w->page[slot], w->order[slot], w->id << 32 | slot))
		help_add(&nr_wrong, 1);
	free_pages(w->page[slot], w->order[slot]);
	w->page[slot] = NULL;
}

/* Takes, signs, and gives back in random order; somebody else's mark in one of
 * its pages is an error. Moves between CPUs as the scheduler likes. */
static void work(void *arg)
{
	static const gfp_t kinds[] = { GFP_KERNEL, GFP_HIGHUSER_MOVABLE, __GFP_RECLAIMABLE,
				       __GFP_ZERO };
	struct worker *w = arg;

	for (unsigned int i = 0; i < WORKER_STEPS; i++) {
		u64 r = next_random(&w->seed);
		unsigned int slot = r % WORKER_BLOCKS;

		if (w->page[slot]) {
			drop(w, slot);
			continue;
		}
		w->order[slot] = (u8)((r >> 8) % 4);
		w->page[slot] = alloc_pages(kinds[(r >> 16) % 4] | __GFP_NOWARN, w->order[slot]);
		if (w->page[slot])
			sign(w->page[slot], w->order[slot], w->id << 32 | slot);
		if ((r >> 24) % 64 == 0)
			task_yield();
	}
	for (unsigned int slot = 0; slot < WORKER_BLOCKS; slot++)
		if (w->page[slot])
			drop(w, slot);
}

static void test_workers(void)
{
	static struct worker workers[WORKERS];
	struct task *task[WORKERS];
	u64 before = help_settled_pages();

	nr_wrong = 0;
	for (unsigned int i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){ .seed = 0x5eed + i * 77, .id = i + 1 };
		task[i] = help_spawn("worker", 4 + i % 3, CPUS_ALL, work, &workers[i]);
	}
	for (unsigned int i = 0; i < WORKERS; i++)
		help_join(task[i]);
	TEST_CHECK_VAL(nr_wrong == 0, nr_wrong, 0);
	expect_sound(before);
}

static void put_nowhere(struct out *out, const char *s, size_t n)
{
	(void)out;
	(void)s;
	(void)n;
}

static struct out silent = { put_nowhere };

/* The validator copes with a busy system: no false findings, and it ends. */
static void test_check_while_busy(void)
{
	static struct worker busy;
	u64 before = help_settled_pages();
	struct task *task;
	unsigned int findings = 0;

	nr_wrong = 0;
	busy = (struct worker){ .seed = 0xb5b5, .id = 99 };
	task = help_spawn("busy", 8, CPUS_ALL, work, &busy);
	for (unsigned int i = 0; i < 3; i++)
		findings += mm_check(&silent);
	help_join(task);
	TEST_CHECK_VAL(findings == 0 && nr_wrong == 0, findings, nr_wrong);
	expect_sound(before);
}

/* ---- marks -------------------------------------------------------------------------------- */

static unsigned int zones_below_min(void)
{
	unsigned int nr = 0;

	for (unsigned int id = 0; id < MAX_NODES; id++) {
		for (int t = 0; node_get(id) && t < NR_ZONE_TYPES; t++) {
			const struct zone *z = &node_get(id)->zone[t];

			u64 free = __atomic_load_n(&z->nr_free, __ATOMIC_RELAXED);

			nr += z->managed_pages && free < z->wmark[WMARK_MIN];
		}
	}
	return nr;
}

/*
 * All of memory in the largest blocks, then in smaller ones: requests end at the
 * min marks, nothing is lost, everything comes back. Blocks are chained through
 * their first word.
 */
static void test_exhaustion_stops_at_min(void)
{
	u64 before = help_settled_pages();
	struct page *chain = NULL;

	/* Cases run above it, in a band that digs deeper. */
	if (!help_enter_band(BAND_BACKGROUND, BAND_ORDINARY))
		return;
	for (int order = MAX_PAGE_ORDER; order >= 4; order--) {
		struct page *page;

		while ((page = alloc_pages(GFP_HIGHUSER_MOVABLE | __GFP_NOWARN,
					   (unsigned int)order))) {
			*(struct page **)page_address(page) = chain;
			chain = page;
		}
	}
	TEST_CHECK_VAL(zones_below_min() == 0, zones_below_min(), unowned_pages());
	TEST_CHECK_VAL(unowned_pages() < before / 2, unowned_pages(), before);
	TEST_CHECK(alloc_pages(GFP_HIGHUSER_MOVABLE | __GFP_NOWARN, 8) == NULL);
	while (chain) {
		struct page *page = chain;

		chain = *(struct page **)page_address(page);
		free_pages(page, page_order(page));
	}
	expect_sound(before);
}

static const struct test_case cases[] = {
	{ "blocks are distinct", test_blocks_are_distinct },
	{ "every order", test_every_order },
	{ "zeroed", test_zeroed },
	{ "zone by flags", test_zone_by_flags },
	{ "memory is local", test_memory_is_local },
	{ "each node by name", test_each_node_by_name },
	{ "workers on all CPUs", test_workers },
	{ "check while busy", test_check_while_busy },
	{ "exhaustion stops at min", test_exhaustion_stops_at_min },
};
const struct test_suite suite_mm = { "mm", cases, ARRAY_SIZE(cases) };
