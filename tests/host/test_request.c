/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From flags and context to a request: every combination of the flags that
 * decide something, in every context, against an oracle written from the rows;
 * contradictions in both variants; the map from priorities to bands.
 */
#include "unit.h"

#include "help/machine.h"
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/request.h"
#include "mm/task.h"

static const struct machine two = {
	.bank = { { GIB(1), GIB(1) + MIB(64), 0, 0 }, { GIB(2), GIB(2) + MIB(64), 1, 0 } },
	.nr_cpus = 2,
	.cpu_node = { 0, 1 },
	.options = { .movablecore = { true, MIB(64), 0 } },
};

/* Messages come once a second, so let time pass; it never goes back. */
static void next_second(void)
{
	static u64 now = 1;

	now += 2000000000;
	fake_clock_ns(now);
}

static void boot(const struct machine *m)
{
	machine_boot(m);
	mm_allow_blocking();
	next_second();
}

static int setup(void **state)
{
	(void)state;
	boot(&two);
	return 0;
}

static struct alloc_request ask(gfp_t gfp, unsigned int order)
{
	struct alloc_request rq = { 0 };

	assert_int_equal(request_fill(&rq, NODE_NONE, gfp, order, NULL), 0);
	return rq;
}

/* ---- every combination ----------------------------------------------------------- */

/* Flags that decide something below, or may stand beside others. */
static const gfp_t deciding[] = {
	__GFP_MOVABLE,        __GFP_RECLAIMABLE, __GFP_DMA,        __GFP_DMA32, __GFP_HIGHMEM,
	__GFP_DIRECT_RECLAIM, __GFP_IO,          __GFP_FS,         __GFP_HIGH,  __GFP_ATOMIC,
	__GFP_NOFAIL,         __GFP_MEMALLOC,    __GFP_NOMEMALLOC, 1u << 23,
};

struct context {
	unsigned int prio;
	u32 special;
	bool interrupt, atomic; /* atomic: a task that may not sleep */
};

static const struct context contexts[] = {
	{ 0, 0, false, false },
	{ 8, 0, false, false },
	{ 8, 0, true, false },
	{ 8, 0, false, true },
	{ 19, MM_TASK_NOIO, false, false },
	{ 20, MM_TASK_NOFS, false, false },
	{ 31, 0, false, false },
	{ 8, MM_TASK_MEMALLOC, false, false },
	{ 8, MM_TASK_VICTIM, false, false },
	{ 31, MM_TASK_VICTIM, false, false },
	{ 30, MM_TASK_VICTIM | MM_TASK_MEMALLOC, true, false },
};

static bool one_of(gfp_t gfp, gfp_t set)
{
	return __builtin_popcount(gfp & set) <= 1;
}

static bool contradicts(gfp_t gfp)
{
	return !one_of(gfp, __GFP_DMA | __GFP_DMA32 | __GFP_HIGHMEM) ||
	       !one_of(gfp, __GFP_MOVABLE | __GFP_RECLAIMABLE) ||
	       !one_of(gfp, __GFP_MEMALLOC | __GFP_NOMEMALLOC) || (gfp & 1u << 23) ||
	       ((gfp & __GFP_NOFAIL) && !(gfp & __GFP_DIRECT_RECLAIM));
}

/* The bands of design section 5, by default thresholds. */
static u32 oracle_band(gfp_t gfp, const struct context *c, bool waits)
{
	static const struct {
		unsigned int to;
		u32 band;
	} by_prio[] = { { 3, 0 }, { 7, 1 }, { 15, 2 }, { 19, 3 }, { 25, 4 }, { 31, 6 } };
	bool none = gfp & __GFP_NOMEMALLOC, high = gfp & __GFP_HIGH;
	u32 special = c->interrupt ? 0 : c->special, band = 9;

	if (!none && ((gfp & __GFP_MEMALLOC) || (special & MM_TASK_MEMALLOC)))
		return BAND_MEMALLOC;
	if (c->interrupt)
		return 7;
	for (unsigned int i = ARRAY_SIZE(by_prio); i--;)
		if (c->prio <= by_prio[i].to)
			band = by_prio[i].band;
	if ((gfp & __GFP_ATOMIC) && !(gfp & __GFP_DIRECT_RECLAIM))
		high = true;
	if (high && band < 4)
		band = 4;
	if (band == 4 && !waits && !none)
		band = 5;
	if ((special & MM_TASK_VICTIM) && !none && band < 6)
		band = 6;
	return band;
}

static gfp_t oracle_scope(gfp_t gfp, const struct context *c)
{
	u32 special = c->interrupt ? 0 : c->special;

	if (special & MM_TASK_NOIO)
		gfp &= ~(gfp_t)(__GFP_IO | __GFP_FS);
	if (special & MM_TASK_NOFS)
		gfp &= ~(gfp_t)__GFP_FS;
	return gfp;
}

static u32 oracle_zone(gfp_t gfp)
{
	if (gfp & __GFP_DMA)
		return ZONE_DMA;
	if (gfp & __GFP_DMA32)
		return ZONE_DMA32;
	return (gfp & __GFP_HIGHMEM) && (gfp & __GFP_MOVABLE) ? ZONE_MOVABLE : ZONE_NORMAL;
}

static void compare(gfp_t gfp, unsigned int order, const struct context *c)
{
	bool waits = (gfp & __GFP_DIRECT_RECLAIM) && !c->interrupt && !c->atomic;
	bool recursion = !c->interrupt && (c->special & MM_TASK_MEMALLOC);
	struct alloc_request rq = ask(gfp, order);
	u32 band = oracle_band(gfp, c, waits);

	assert_int_equal(rq.order, order);
	assert_int_equal(rq.high, oracle_zone(gfp));
	assert_int_equal(rq.mt, gfp & __GFP_MOVABLE       ? MIGRATE_MOVABLE
				: gfp & __GFP_RECLAIMABLE ? MIGRATE_RECLAIMABLE
							  : MIGRATE_UNMOVABLE);
	assert_int_equal(rq.band, band);
	assert_int_equal(rq.may_block, waits);
	assert_int_equal(rq.may_reclaim, waits && band < 4 && !recursion);
	assert_int_equal(rq.cma, (gfp & __GFP_MOVABLE) != 0);
	assert_int_equal(rq.highatomic,
			 order && !(gfp & __GFP_NOMEMALLOC) && band >= 4 && band < BAND_MEMALLOC);
	assert_int_equal(rq.gfp & (__GFP_IO | __GFP_FS),
			 oracle_scope(gfp, c) & (__GFP_IO | __GFP_FS));
	if (gfp & __GFP_DIRECT_RECLAIM)
		assert_false(rq.gfp & __GFP_ATOMIC);
	else if (gfp & __GFP_ATOMIC)
		assert_true(rq.gfp & __GFP_HIGH);
}

struct asked {
	gfp_t gfp;
	unsigned int order;
	int err;
};

static void fill_it(void *arg)
{
	struct asked *a = arg;
	struct alloc_request rq;

	a->err = request_fill(&rq, 0, a->gfp, a->order, NULL);
}

/* A panic that says what contradicts, or the count and no request. */
static void expect_refused(gfp_t gfp, unsigned int order)
{
	struct asked a = { gfp, order, 0 };
	u64 before = request_refused();
	const char *text = fake_panics(fill_it, &a);

	if (tm_debug && order <= MAX_PAGE_ORDER) {
		assert_non_null(text);
		assert_non_null(strstr(text, "request refused: "));
		return;
	}
	assert_null(text);
	assert_int_equal(a.err, ERR_INVAL);
	assert_int_equal(request_refused(), before + 1);
}

static void in_context(const struct context *c, gfp_t gfp, unsigned int order)
{
	bool sleeps_where_nobody_may = (gfp & __GFP_DIRECT_RECLAIM) && (c->interrupt || c->atomic);
	struct asked a = { gfp, order, 0 };
	u64 flags = 0;

	if (c->atomic)
		flags = arch_irq_save();
	if (contradicts(gfp))
		expect_refused(gfp, order);
	else if (sleeps_where_nobody_may && tm_debug)
		assert_non_null(strstr(fake_panics(fill_it, &a), "nobody may sleep"));
	else
		compare(gfp, order, c);
	if (c->atomic)
		arch_irq_restore(flags);
}

static void test_every_combination(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(contexts); i++) {
		fake_task.prio = contexts[i].prio;
		fake_task.mm.special = contexts[i].special;
		fake_task.in_interrupt = contexts[i].interrupt;
		for (u32 set = 0; set < 1u << ARRAY_SIZE(deciding); set++) {
			gfp_t gfp = 0;

			for (unsigned int b = 0; b < ARRAY_SIZE(deciding); b++)
				if (set >> b & 1)
					gfp |= deciding[b];
			in_context(&contexts[i], gfp, set % 4 == 3);
		}
	}
}

/* ---- refused, warned --------------------------------------------------------- */

static void test_nasty_orders(void **state)
{
	static const unsigned int nasty[] = { 11, 12, 31, 32, 63, 64, 255, 0x7fffffff, 0xffffffff };

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(nasty); i++) {
		expect_refused(GFP_KERNEL, nasty[i]);
		assert_null(alloc_pages(GFP_KERNEL, nasty[i]));
	}
	for (unsigned int order = 0; order <= MAX_PAGE_ORDER; order++)
		ask(GFP_KERNEL, order);
}

/* Named with the first of a second, then silent, all counted. */
static void test_refusals_are_named_gently(void **state)
{
	struct alloc_request rq;

	(void)state;
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(request_fill(&rq, 0, GFP_KERNEL, 11, NULL), ERR_INVAL);
	assert_int_equal(fake_log_count("request refused: order over 10"), 1);
	assert_int_equal(request_refused(), 100);
	next_second();
	request_fill(&rq, 0, GFP_KERNEL, 11, NULL);
	assert_int_equal(fake_log_count("request refused: order over 10"), 2);
}

static void test_warnings_come_once(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		ask(GFP_KERNEL | __GFP_NOFAIL, 1);
		ask(GFP_KERNEL, 10);
	}
	assert_int_equal(fake_log_count("said once"), 0);
	for (unsigned int i = 0; i < 3; i++) {
		ask(GFP_KERNEL | __GFP_NOFAIL, 2);
		assert_false(ask(GFP_KERNEL | __GFP_ATOMIC, 0).gfp & __GFP_ATOMIC);
	}
	assert_int_equal(fake_log_count("NOFAIL above order 1"), 1);
	assert_int_equal(fake_log_count("ATOMIC that may wait"), 1);
}

static void test_no_such_place(void **state)
{
	static const int nodes[] = { -2, 2, 63, 64, 0x7fffffff, (int)0x80000000 };
	struct alloc_request rq;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(nodes); i++)
		assert_int_equal(request_fill(&rq, nodes[i], GFP_KERNEL, 0, NULL), ERR_NOENT);
}

/* Row 62: until tasks run nobody waits, and a task's priority says nothing. */
static void test_before_tasks_run(void **state)
{
	struct alloc_request rq;

	(void)state;
	machine_boot(&two);
	assert_int_equal(request_fill(&rq, 0, GFP_KERNEL | __GFP_NOFAIL, 0, NULL), 0);
	assert_false(rq.may_block || rq.may_reclaim);
	mm_allow_blocking();
	assert_true(ask(GFP_KERNEL, 0).may_reclaim);
}

/* ---- bands by priority ------------------------------------------------------- */

static void test_default_bands(void **state)
{
	static const u32 want[32] = { 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2,
				      3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 6, 6, 6, 6, 6, 6 };

	(void)state;
	for (unsigned int prio = 0; prio < 32; prio++) {
		fake_task.prio = prio;
		assert_int_equal(request_prio_band(prio), want[prio]);
		assert_int_equal(ask(GFP_KERNEL, 0).band, want[prio]);
		assert_int_equal(request_band(GFP_KERNEL, true), want[prio]);
	}
}

static void test_given_bands(void **state)
{
	struct machine m = two;

	(void)state;
	m.options.bands_given = true;
	memcpy(m.options.band_start, (u8[]){ 0, 8, 8, 31, 32 }, BAND_STARTS);
	boot(&m);
	assert_int_equal(request_prio_band(0), BAND_BATCH);
	assert_int_equal(request_prio_band(7), BAND_BATCH);
	assert_int_equal(request_prio_band(8), BAND_URGENT);
	assert_int_equal(request_prio_band(30), BAND_URGENT);
	assert_int_equal(request_prio_band(31), BAND_REALTIME);
}

/* ladder=off: priorities say nothing, GFP's rights do, and nobody loses reclaim. */
static void test_without_the_ladder(void **state)
{
	struct machine m = two;

	(void)state;
	m.options.ladder_off = true;
	boot(&m);
	assert_false(request_ladder());
	for (unsigned int prio = 0; prio < 32; prio++) {
		fake_task.prio = prio;
		assert_int_equal(ask(GFP_KERNEL, 0).band, BAND_ORDINARY);
		assert_int_equal(ask(GFP_ATOMIC, 0).band, BAND_ATOMIC);
		fake_task.in_interrupt = true;
		assert_int_equal(ask(GFP_ATOMIC, 0).band, BAND_ATOMIC);
		assert_int_equal(ask(GFP_NOWAIT, 0).band, BAND_ORDINARY);
		fake_task.in_interrupt = false;
		assert_true(ask(GFP_KERNEL | __GFP_HIGH, 0).may_reclaim);
		/* Who reclaims has no need of a reserve for those who cannot. */
		assert_false(ask(GFP_KERNEL | __GFP_HIGH, 1).highatomic);
		assert_true(ask(GFP_ATOMIC, 1).highatomic);
		assert_false(ask(GFP_KERNEL | __GFP_MEMALLOC, 0).may_reclaim);
	}
}

/* ---- policy ------------------------------------------------------------------ */

static void test_policy_places_it(void **state)
{
	const struct mm_policy bind = { MM_POLICY_BIND, 1ull << 1 };
	const struct mm_policy bad = { MM_POLICY_BIND, 1ull << 9 };
	struct alloc_request rq;

	(void)state;
	assert_int_equal(mm_policy_set(&bind), 0);
	assert_int_equal(ask(GFP_KERNEL, 0).nodes, 1ull << 1);
	assert_int_equal(request_fill(&rq, 0, GFP_KERNEL, 0, NULL), 0);
	assert_int_equal(rq.nodes, ~0ull);
	fake_task.in_interrupt = true;
	assert_int_equal(ask(GFP_ATOMIC, 0).nodes, ~0ull);
	fake_task.in_interrupt = false;
	assert_int_equal(mm_policy_set(NULL), 0);
	assert_int_equal(request_fill_policy(&rq, &bind, 0, GFP_KERNEL, 0, NULL), 0);
	assert_int_equal(rq.nodes, 1ull << 1);
	assert_int_equal(request_fill_policy(&rq, &bad, 0, GFP_KERNEL, 0, NULL), ERR_INVAL);
	assert_true(fake_log_has("malformed policy"));
	/* Odd, but nothing wrong with it. */
	assert_int_equal(request_fill_policy(&rq, &bind, 0, GFP_KERNEL | __GFP_NOFAIL, 0, NULL), 0);
	/* A policy is no excuse for an order that there is not. */
	next_second();
	assert_int_equal(request_fill_policy(&rq, &bind, 0, GFP_KERNEL, 11, NULL), ERR_INVAL);
	assert_true(fake_log_has("order over 10"));
}

/* Limits that change between request and retry (row 76). */
static void test_place_again(void **state)
{
	const struct mm_policy bind = { MM_POLICY_BIND, 3 };
	struct alloc_request rq;
	u32 cookie;

	(void)state;
	assert_int_equal(mm_policy_set(&bind), 0);
	assert_int_equal(mm_mems_allowed_set(NULL, 1), 0);
	rq = ask(GFP_USER, 0);
	assert_int_equal(rq.nodes, 1);
	cookie = rq.cookie;
	assert_int_equal(mm_mems_allowed_set(NULL, 2), 0);
	request_place_again(&rq);
	assert_int_equal(rq.nodes, 2);
	assert_int_not_equal(rq.cookie, cookie);
}

/* A node that was asked for stays what it is. */
static void test_place_again_on_a_node(void **state)
{
	struct alloc_request rq;
	u32 cookie;

	(void)state;
	assert_int_equal(request_fill(&rq, 1, GFP_USER, 0, NULL), 0);
	cookie = rq.cookie;
	assert_int_equal(mm_mems_allowed_set(NULL, 1), 0);
	request_place_again(&rq);
	assert_int_equal(rq.node, 1);
	assert_int_equal(rq.nodes, ~0ull);
	assert_int_not_equal(rq.cookie, cookie);
}

/* Local and nowhere else; meanwhile the task came to a node that has no memory. */
static void test_place_again_where_nothing_is(void **state)
{
	static const struct machine m = {
		.bank = { { GIB(1), GIB(1) + MIB(64), 0, 0 } },
		.nr_cpus = 2,
		.cpu_node = { 0, 1 },
		.extra_nodes = 2,
	};
	struct alloc_request rq;

	(void)state;
	boot(&m);
	rq = ask(GFP_KERNEL | __GFP_THISNODE, 0);
	assert_non_null(rq.list->zone);
	fake_set_cpu(1);
	request_place_again(&rq);
	assert_int_equal(rq.node, 1);
	assert_null(rq.list->zone);
	assert_int_equal(request_fill(&rq, NODE_NONE, GFP_KERNEL | __GFP_THISNODE, 0, NULL),
			 ERR_NOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_every_combination, setup),
		cmocka_unit_test_setup(test_nasty_orders, setup),
		cmocka_unit_test_setup(test_refusals_are_named_gently, setup),
		cmocka_unit_test_setup(test_warnings_come_once, setup),
		cmocka_unit_test_setup(test_no_such_place, setup),
		cmocka_unit_test_setup(test_before_tasks_run, setup),
		cmocka_unit_test_setup(test_default_bands, setup),
		cmocka_unit_test_setup(test_given_bands, setup),
		cmocka_unit_test_setup(test_without_the_ladder, setup),
		cmocka_unit_test_setup(test_policy_places_it, setup),
		cmocka_unit_test_setup(test_place_again, setup),
		cmocka_unit_test_setup(test_place_again_on_a_node, setup),
		cmocka_unit_test_setup(test_place_again_where_nothing_is, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
