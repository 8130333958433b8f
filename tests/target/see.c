/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeing why, on the machine itself: the history of a frame, events, requests
 * that are made to fail while tasks work, and that the numbers told about a
 * failure are those of the zone. What is switched on is off again afterwards, and
 * every page is home.
 */
#include "mm/mm.h"
#include "mm/page/request.h"
#include "tests/target/help.h"

enum {
	TEXT_BYTES = 32 * 1024,
	WORKERS = 4,
	STEPS = 3000,
	BLOCKS = 16,
	MOST_BLOCKS = 4096,
};

static char text[TEXT_BYTES];
static struct out_buf view;

static void begin_view(void)
{
	out_buf_init(&view, text, sizeof(text));
}

/* Where `what` stands behind `from`; null fails the case and prints the text. */
static const char *find(const char *from, const char *what)
{
	size_t n = strlen(what);

	for (; from && *from; from++)
		if (!strncmp(from, what, n))
			return from;
	test_report("no \"%s\" in: %.200s", what, text);
	return NULL;
}

static void store(const char *name, const char *value)
{
	unsigned int nr;
	const struct mm_knob *k = mm_fault_knobs(&nr);

	for (unsigned int i = 0; i < nr; i++)
		if (!strcmp(k[i].name, name)) {
			TEST_CHECK(k[i].store(value) == 0);
			return;
		}
	test_report("no knob %s", name);
}

/* Tasks that ended are reaped in their own time. */
static u64 settled_pages(void)
{
	u64 now = mm_free_pages() + mm_cached_pages();

	for (unsigned int i = 0, calm = 0; i < 200 && calm < 20; i++) {
		u64 before = now;

		sleep_ms(1);
		now = mm_free_pages() + mm_cached_pages();
		calm = now == before ? calm + 1 : 0;
	}
	return now;
}

/* ---- history -------------------------------------------------------------------------- */

static void test_history(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, 2);

	TEST_CHECK(page != NULL);
	if (!page)
		return;
	begin_view();
	mm_view_owner(&view.out, page_to_pfn(page + 3));
	free_pages(page, 2);
	if (strchr(text, '(')) {
		test_skip("no owners are kept (page_owner=on)");
		return;
	}
	find(find(text, "of the block of order 2"), "held\n");
	find(text, task_name(task_current()));
	find(text, "test_history+0x");
	begin_view();
	mm_view_owner(&view.out, page_to_pfn(page));
	find(find(text, "last allocated by task"), "last freed by task");
}

/* ---- events --------------------------------------------------------------------------- */

static void test_events(void)
{
	struct page *page;
	char want[64];

	mm_trace_switch(true);
	page = alloc_pages(GFP_KERNEL, 3);
	if (page)
		free_pages(page, 3);
	mm_trace_switch(false);
	TEST_CHECK(page != NULL);
	if (!page)
		return;
	begin_view();
	mm_view_trace(&view.out, 64);
	tm_snprintf(want, sizeof(want), "pfn=0x%llx order=3",
		    (unsigned long long)page_to_pfn(page).v);
	find(find(find(text, "mm_page_alloc: "), want), "mm_page_free: ");
}

/* Nothing is written while it is off. */
static void test_events_off(void)
{
	struct page *page;
	size_t len;

	begin_view();
	mm_view_trace(&view.out, 64);
	len = view.len;
	page = alloc_pages(GFP_KERNEL, 0);
	if (page)
		free_pages(page, 0);
	begin_view();
	mm_view_trace(&view.out, 64);
	TEST_CHECK_VAL(view.len == len, view.len, len);
}

/* ---- injected failures -------------------------------------------------------------------- */

static u32 nr_done, nr_null, nr_urgent_null;

/* Requests that cannot wait, of orders 0 to 3; the others of the system are
 * spared, since they can. */
static void work(void *arg)
{
	struct page *page[BLOCKS] = { NULL };
	u64 state = (u64)(uintptr_t)arg;

	for (unsigned int i = 0; i < STEPS; i++) {
		unsigned int at = i % BLOCKS;
		u64 *word;

		state = state * 6364136223846793005ull + 1442695040888963407ull;
		if (page[at]) {
			word = page_address(page[at]);
			TEST_CHECK_VAL(*word == (u64)(uintptr_t)arg + at, *word, at);
			free_pages(page[at], at % 4);
			page[at] = NULL;
		}
		if (state >> 62 == 0)
			continue;
		page[at] = alloc_pages(GFP_NOWAIT | __GFP_NOWARN, at % 4);
		if (page[at])
			*(u64 *)page_address(page[at]) = (u64)(uintptr_t)arg + at;
		else
			help_add(&nr_null, 1);
	}
	for (unsigned int i = 0; i < BLOCKS; i++)
		if (page[i])
			free_pages(page[i], i % 4);
	help_add(&nr_done, 1);
}

/* Whoever digs deeper than ordinary tasks is spared here. */
static void work_urgent(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < STEPS; i++) {
		struct page *page = alloc_pages(GFP_ATOMIC | __GFP_NOWARN, i % 3);

		if (page)
			free_pages(page, i % 3);
		else
			help_add(&nr_urgent_null, 1);
	}
	help_add(&nr_done, 1);
}

static void test_failures_under_load(void)
{
	int prio = help_prio_of_band(BAND_BACKGROUND, BAND_URGENT);
	struct task *t[WORKERS + 1];
	u64 before;

	if (prio < 0) {
		test_skip("every priority of this boot (bands=) is spared");
		return;
	}
	/* In a band that is spared, or the tasks below might not come to be. */
	if (request_ladder() && !help_enter_band(BAND_NO_RECLAIM, BAND_CRITICAL))
		return;
	before = settled_pages();
	nr_done = nr_null = nr_urgent_null = 0;
	store("min-order", "0");
	store("times", "-1");
	store("tm_spare_band", "4");
	store("tm_seed", "7");
	store("probability", "1");
	for (u64 i = 0; i < WORKERS; i++)
		t[i] = help_spawn("faulty", (unsigned int)prio, 0, work,
				  (void *)(uintptr_t)((i + 1) << 32));
	t[WORKERS] = help_spawn("spared", (unsigned int)prio, 0, work_urgent, NULL);
	for (unsigned int i = 0; i <= WORKERS; i++)
		if (t[i])
			help_join(t[i]);
	store("probability", "0");
	store("tm_spare_band", "9");
	store("times", "1");
	store("min-order", "1");
	TEST_CHECK_VAL(nr_done == WORKERS + 1, nr_done, 0);
	/* 4 x 3000 x 3/4 requests, one in a hundred. */
	TEST_CHECK_VAL(nr_null > 30 && nr_null < 300, nr_null, 0);
	TEST_CHECK_VAL(nr_urgent_null == 0, nr_urgent_null, 0);
	TEST_CHECK_VAL(settled_pages() == before, settled_pages(), before);
	TEST_CHECK(mm_check(&console_out) == 0);
}

static void test_injected_is_told(void)
{
	struct page *page;

	store("min-order", "9");
	store("probability", "100");
	page = alloc_pages(GFP_NOWAIT | __GFP_NOWARN, 9);
	store("probability", "0");
	store("min-order", "1");
	TEST_CHECK(!page);
	if (page)
		free_pages(page, 9);
	begin_view();
	mm_view_explain(&view.out, 1);
	find(find(find(text, "wanted order 9"), "test_injected_is_told+0x"),
	     "failed: injected by fail_page_alloc");
}

/* ---- journeys ------------------------------------------------------------------------- */

static struct page *block[MOST_BLOCKS];
static unsigned int nr_blocks;

/* All of the largest blocks that an ordinary request gets. The last of them tries
 * everything: what lies stranded in caches and in the high-atomic reserve would
 * otherwise come back while the requests below are expected to fail. */
static void take_large(void)
{
	for (nr_blocks = 0; nr_blocks < MOST_BLOCKS; nr_blocks++) {
		block[nr_blocks] = alloc_pages(GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN,
					       MAX_PAGE_ORDER);
		if (!block[nr_blocks])
			break;
	}
}

static void give_large(void)
{
	while (nr_blocks)
		free_pages(block[--nr_blocks], MAX_PAGE_ORDER);
}

/* This request fails, and so it is said to. */
static void fails_because(gfp_t gfp, const char *why)
{
	struct page *page = alloc_pages(gfp | __GFP_NOWARN, MAX_PAGE_ORDER);

	TEST_CHECK_VAL(page == NULL, gfp, 0);
	if (page)
		free_pages(page, MAX_PAGE_ORDER);
	begin_view();
	mm_view_explain(&view.out, 1);
	find(find(text, "wanted order 10 ("), why);
}

/* What was compared is what the zones have: the floor of its band, their reserve. */
static void numbers_are_the_zones(void)
{
	const char *at = find(text, ", band ");
	unsigned int band = at ? (unsigned int)(at[7] - '0') : NR_BANDS;

	TEST_CHECK_VAL(band < NR_BANDS, band, 0);
	if (band >= NR_BANDS)
		return;
	for (unsigned int id = 0; id < MAX_NODES; id++) {
		const struct node *n = node_get(id);

		for (unsigned int t = 0; n && t <= ZONE_NORMAL; t++) {
			const struct zone *z = &n->zone[t];
			char want[96];

			if (!z->managed_pages)
				continue;
			tm_snprintf(want, sizeof(want), ", mark %llu + reserve %llu: ",
				    (unsigned long long)z->floor[band],
				    (unsigned long long)z->lowmem_reserve[ZONE_NORMAL]);
			find(text, want);
		}
	}
}

static void ask_as_urgent(void *arg)
{
	(void)arg;
	fails_because(GFP_KERNEL, "failed: its band never reclaims");
	help_add(&nr_done, 1);
}

static void ends_of_urgent(unsigned int prio)
{
	struct task *t;

	nr_done = 0;
	t = help_spawn("urgent", prio, 0, ask_as_urgent, NULL);
	if (t)
		help_join(t);
	TEST_CHECK(nr_done == 1);
}

static void test_ends(void)
{
	unsigned int scope;
	int urgent = help_prio_of_band(BAND_REALTIME, BAND_REALTIME);

	/* Neighbours, or there may be a block between their floors. */
	if (request_ladder() && urgent < 0) {
		test_skip("no priority of this boot (bands=) has band 4");
		return;
	}
	if (request_ladder() && !help_enter_band(BAND_URGENT, BAND_URGENT))
		return;
	take_large();
	if (nr_blocks == MOST_BLOCKS) {
		give_large();
		test_skip("more memory than this case can take");
		return;
	}
	fails_because(GFP_NOWAIT, "failed: it may not wait for reclaim");
	numbers_are_the_zones();
	fails_because(GFP_KERNEL, "failed: order over 3 without __GFP_RETRY_MAYFAIL");
	find(find(text, "woke kswapd"), "direct reclaim: 0 pages gained");
	numbers_are_the_zones();
	fails_because(GFP_KERNEL | __GFP_RETRY_MAYFAIL, "failed: nothing could be reclaimed");
	fails_because(GFP_KERNEL | __GFP_NORETRY, "failed: ");
	find(text, "__GFP_NORETRY");
	if (urgent >= 0)
		ends_of_urgent((unsigned int)urgent);
	/* With rights to everything only contiguity can be missing. */
	scope = mm_scope_save(MM_SCOPE_MEMALLOC);
	block[nr_blocks] = alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_PAGE_ORDER);
	nr_blocks += block[nr_blocks] != NULL;
	mm_scope_restore(scope);
	give_large();
	TEST_CHECK(mm_check(&console_out) == 0);
}

static const struct test_case cases[] = {
	{ "history of a frame", test_history },
	{ "events", test_events },
	{ "no events while off", test_events_off },
	{ "failures under load", test_failures_under_load },
	{ "an injected failure is told", test_injected_is_told },
	{ "each end of a journey", test_ends },
};

const struct test_suite suite_see = { "see", cases, ARRAY_SIZE(cases) };
