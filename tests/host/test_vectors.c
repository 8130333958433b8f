/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nasty numbers into every size, count, order, node, flag and address argument of
 * mm/mm.h (H15), and pairs of them: the answer is an error or a correct block,
 * never a wrap. Pool sizes are those of the machine below, a page more and less
 * around them. The ghost model compares everything after each; what BUILD=test
 * answers with a named panic, the release build refuses and counts.
 */
#include "unit.h"

#include "help/ghost.h"
#include "help/machine.h"
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/page_alloc.h"

enum { POOL_PAGES = 2048, MOST = 4096 };

static const struct machine small = {
	.bank = { { GIB(1), GIB(1) + MIB(8), 0, 0 } },
	.options = { .min_free_given = true, .min_free_kbytes = 128 },
};

#define P(k) (1ull << (k)), (1ull << (k)) - 1, (1ull << (k)) + 1
static const u64 nasty[] = {
	0,
	P(1),
	P(3),
	9,
	10,
	11,
	P(4),
	P(6),
	P(9),
	P(10),
	P(11),
	P(12),
	P(15),
	P(16),
	P(22),
	P(23),
	P(31),
	P(32),
	P(44),
	P(52),
	P(63),
	~0ull,
	~0ull - 1,
	~0ull - PAGE_SIZE,
	~0ull - PAGE_SIZE + 2,
	POOL_PAGES - 16,
	POOL_PAGES + 16,
	POOL_PAGES *PAGE_SIZE - 16,
	POOL_PAGES *PAGE_SIZE + 16,
	GIB(1) >> PAGE_SHIFT,
	(GIB(1) >> PAGE_SHIFT) + POOL_PAGES,
	0xdeadfa11deadfa11ull,
};
_Static_assert(ARRAY_SIZE(nasty) >= 64, "sixty-four of them");

static int setup(void **state)
{
	(void)state;
	machine_boot(&small);
	mm_allow_blocking();
	ghost_init();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ghost_check();
	return 0;
}

/* Reports are made once a second. */
static void next_second(void)
{
	static u64 now;

	fake_clock_ns(now += 2000000000);
	fake_log_clear();
}

/* ---- requests ---------------------------------------------------------------------- */

static struct {
	int node;
	gfp_t gfp;
	unsigned int order;
	struct page *page;
} ask;

static void do_ask(void *arg)
{
	(void)arg;
	ask.page = alloc_pages_node(ask.node, ask.gfp, ask.order);
}

/* Null, a named panic of BUILD=test, or a block that is one. */
static void expect_right(int node, gfp_t gfp, unsigned int order)
{
	const char *panicked;

	next_second();
	ask.node = node;
	ask.gfp = gfp;
	ask.order = order;
	ask.page = NULL;
	panicked = fake_panics(do_ask, NULL);
	if (panicked) {
		assert_true(tm_debug);
		assert_non_null(strstr(panicked, "mm: request refused"));
	}
	if (!ask.page)
		return;
	assert_true(order <= MAX_PAGE_ORDER);
	ghost_alloced(ask.page, order, gfp);
	ghost_check();
	free_pages(ask.page, order);
	ghost_freed(ask.page, order);
}

/* Flags of all sorts but those that insist: NOFAIL may wait for ever, rightly. */
static gfp_t flags_of(u64 n)
{
	return (gfp_t)n & ~(gfp_t)__GFP_NOFAIL;
}

static void test_orders_and_nodes(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(nasty); i++) {
		expect_right(NODE_NONE, GFP_KERNEL, (unsigned int)nasty[i]);
		expect_right((int)nasty[i], GFP_KERNEL, 0);
		expect_right(NODE_NONE, flags_of(nasty[i]), 0);
		for (unsigned int k = 0; k < ARRAY_SIZE(nasty); k++) {
			expect_right((int)nasty[i], GFP_NOWAIT, (unsigned int)nasty[k]);
			expect_right(NODE_NONE, flags_of(nasty[i]), (unsigned int)nasty[k]);
		}
	}
}

/* Every pair of flags. */
static void test_flags(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 32; i++)
		for (unsigned int k = i; k < 32; k++)
			expect_right(NODE_NONE, flags_of(1u << i | 1u << k), i % 3);
}

static void test_policies(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(nasty); i++) {
		for (unsigned int mode = 0; mode < 8; mode++) {
			const struct mm_policy p = { (enum mm_policy_mode)(mode == 7 ? ~0u : mode),
						     nasty[i] };
			int err = mm_policy_check(&p);

			assert_true(err == 0 || err == ERR_INVAL);
			assert_true(!err == !mm_policy_set(&p));
		}
		assert_int_equal(mm_policy_set(NULL), 0);
		assert_true(mm_mems_allowed_set(NULL, nasty[i]) == (nasty[i] == 1 ? 0 : ERR_INVAL));
		mm_scope_restore(mm_scope_save((unsigned int)nasty[i] & 7));
	}
}

/* As many as there are, never more, each one a page. */
static void test_bulk(void **state)
{
	static struct page *page[MOST];

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(nasty); i++) {
		unsigned int nr =
			alloc_pages_bulk(GFP_NOWAIT | __GFP_NOWARN, (unsigned int)nasty[i], page);

		assert_true(nr <= (unsigned int)nasty[i] && nr < POOL_PAGES);
		for (unsigned int k = 0; k < nr; k++)
			ghost_alloced(page[k], 0, GFP_NOWAIT);
		ghost_check();
		free_pages_bulk(nr, page);
		for (unsigned int k = 0; k < nr; k++)
			ghost_freed(page[k], 0);
		(void)mm_drain_caches();
		ghost_check();
	}
}

static void expect_exact(u64 nr_bytes)
{
	u64 nr = nr_bytes / PAGE_SIZE + !!(nr_bytes % PAGE_SIZE);
	struct ghost_ask whole = { .gfp = GFP_KERNEL, .node = NODE_NONE, .band = NR_BANDS };
	u8 *p = alloc_pages_exact(nr_bytes, GFP_KERNEL | __GFP_NOWARN | __GFP_ZERO);

	if (!p)
		return;
	assert_true(nr_bytes && nr_bytes <= MIB(4));
	while (1ull << whole.order < nr)
		whole.order++;
	assert_int_equal(p[0] | p[nr_bytes - 1], 0);
	p[0] = p[nr_bytes - 1] = 0xff;
	ghost_served_part(&whole, virt_to_page(p), nr);
	ghost_check();
	free_pages_exact(p, nr_bytes);
	for (u64 i = 0; i < nr; i++)
		ghost_freed(virt_to_page(p + i * PAGE_SIZE), 0);
	ghost_check();
}

static void test_exact(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(nasty); i++) {
		expect_exact(nasty[i]);
		expect_exact(nasty[i] << PAGE_SHIFT);
		(void)mm_drain_caches();
	}
	/* Every step of a byte around the most. */
	for (u64 n = MIB(4) - 20; n < MIB(4) + 20; n++)
		expect_exact(n);
}

/* ---- giving back ---------------------------------------------------------------------- */

static struct {
	struct page *page;
	unsigned int order;
	void *bytes;
	u64 nr_bytes;
} give;

static void do_give(void *arg)
{
	(void)arg;
	if (give.bytes)
		free_pages_exact(give.bytes, give.nr_bytes);
	else
		free_pages(give.page, give.order);
}

/* Nothing changes but the count of refusals. */
static void expect_refused(void)
{
	u64 before = unowned_pages();
	const char *panicked;

	next_second();
	panicked = fake_panics(do_give, NULL);
	assert_true(!panicked == !tm_debug);
	assert_int_equal(unowned_pages(), before);
	ghost_check();
}

static void test_frees(void **state)
{
	struct page *page = alloc_pages(GFP_KERNEL, 5);

	(void)state;
	ghost_alloced(page, 5, GFP_KERNEL);
	for (unsigned int i = 0; i < ARRAY_SIZE(nasty); i++) {
		give.order = (unsigned int)nasty[i];
		give.page = page;
		if (give.order != 5)
			expect_refused();
		/* As an address, and as a frame number where there are descriptors. */
		give.page = (struct page *)(uintptr_t)nasty[i];
		expect_refused();
		give.page = (struct page *)(uintptr_t)(ARCH_FRAMES_BASE + nasty[i]);
		if (give.page != page)
			expect_refused();
	}
	free_pages(page, 5);
	ghost_freed(page, 5);
}

/* ---- names of pages and nodes ------------------------------------------------------------ */

static void test_names(void **state)
{
	u64 first = GIB(1) >> PAGE_SHIFT;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(nasty); i++) {
		u64 n = nasty[i];
		struct page *page = pfn_to_page(pfn_make(n));

		assert_true(!page == !(n >= first && n < first + POOL_PAGES));
		page = virt_to_page((const void *)(uintptr_t)n);
		assert_null(page);
		page = virt_to_page((const void *)(uintptr_t)(ARCH_LINEAR_BASE + n));
		assert_true(!page || frame_exists(frame_number(page)));
		assert_true(!node_get((unsigned int)n) == ((unsigned int)n != 0));
		/* Ids are the caller's affair: the machine names them (mm/mm.h). */
		if (n < MAX_CPUS)
			assert_int_equal(cpu_to_node((unsigned int)n), 0);
		for (unsigned int k = 0; n < MAX_NODES && k < MAX_NODES; k++)
			assert_true(node_distance((unsigned int)n, k) >= 10);
	}
}

/* Views of nodes and rings by number, and knobs by text. */
static void test_views_and_knobs(void **state)
{
	static char text[1 << 16];
	char value[32];
	struct out_buf ob;
	unsigned int nr;
	const struct mm_knob *k = mm_knobs(&nr);

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(nasty); i++) {
		out_buf_init(&ob, text, sizeof(text));
		mm_view_node_distance(&ob.out, (unsigned int)nasty[i]);
		mm_view_node_meminfo(&ob.out, (unsigned int)nasty[i]);
		mm_view_node_cpulist(&ob.out, (unsigned int)nasty[i]);
		mm_view_explain(&ob.out, (unsigned int)nasty[i]);
		snprintf(value, sizeof(value), "%llu", (unsigned long long)nasty[i]);
		for (unsigned int n = 0; n < nr; n++) {
			int err = k[n].store ? k[n].store(value) : 0;

			assert_true(err == 0 || err == ERR_INVAL || err == ERR_RANGE);
		}
		out_buf_init(&ob, text, sizeof(text));
		if (mm_check(&ob.out))
			fail_msg("after %s: %s", value, text);
		ghost_check();
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_orders_and_nodes),
		CASE(test_flags),
		CASE(test_policies),
		CASE(test_bulk),
		CASE(test_exact),
		CASE(test_frees),
		CASE(test_names),
		CASE(test_views_and_knobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
