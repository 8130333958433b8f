/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies, limits, their cookie and scopes (rows 76, 81-86), on three nodes of
 * which one has no CPU, on a node without memory, and without NUMA:
 *
 *   node 0: CPU 0, 1, RAM    node 1: CPU 2, RAM    node 2: RAM    node 3: CPU 3
 *   distances 0-1 20, 0-2 40, 1-2 30
 */
#include "unit.h"

#include "help/machine.h"
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/policy.h"
#include "mm/stat/vmstat.h"

static const struct machine shape = {
	.bank = { { GIB(1), GIB(1) + MIB(128), 0, 0 },
		  { GIB(2), GIB(2) + MIB(128), 1, 0 },
		  { GIB(3), GIB(3) + MIB(128), 2, 0 } },
	.nr_cpus = 4,
	.cpu_node = { 0, 0, 1, 3 },
	.extra_nodes = 1 << 3,
	.distance = { { 10, 20, 40, 50 },
		      { 20, 10, 30, 50 },
		      { 40, 30, 10, 50 },
		      { 50, 50, 45, 10 } },
};

static const struct machine one = { .bank = { { GIB(1), GIB(1) + MIB(128), 0, 0 } }, .nr_cpus = 2 };

enum { HARD = GFP_USER | __GFP_NORETRY };

static int setup(void **state)
{
	(void)state;
	machine_boot(&shape);
	mm_allow_blocking(); /* who cannot wait may ignore limits rather than fail */
	return 0;
}

static int set(enum mm_policy_mode mode, u64 nodes)
{
	const struct mm_policy p = { mode, nodes };

	return mm_policy_set(&p);
}

/* Node a request of this kind is served from, the block given back at once. */
static int served(gfp_t gfp)
{
	struct page *page = alloc_pages(gfp | __GFP_NOWARN, 0);
	int node = page ? page_node(page) : NODE_NONE;

	if (page)
		free_pages(page, 0);
	return node;
}

/* Take single pages and big blocks of a node until it gives no more; the floor
 * that stays is for others. */
static void exhaust(u32 node)
{
	for (int order = MAX_PAGE_ORDER; order >= 0; order--)
		while (alloc_pages_node((int)node, GFP_ATOMIC | __GFP_THISNODE | __GFP_NOWARN,
					(unsigned int)order))
			;
}

/* ---- what is refused ------------------------------------------------------------- */

static void test_bad_policies(void **state)
{
	static const struct mm_policy bad[] = {
		{ MM_POLICY_LOCAL, 1 },
		{ MM_POLICY_PREFERRED, 0 },
		{ MM_POLICY_PREFERRED, 3 },
		{ MM_POLICY_PREFERRED, 1 << 3 },
		{ MM_POLICY_PREFERRED, 1 << 4 },
		{ MM_POLICY_INTERLEAVE, 0 },
		{ MM_POLICY_INTERLEAVE, 1 << 3 },
		{ MM_POLICY_INTERLEAVE, 1 | 1ull << 63 },
		{ MM_POLICY_BIND, 0 },
		{ MM_POLICY_BIND, 1 << 3 },
		{ MM_POLICY_BIND, ~0ull },
		{ (enum mm_policy_mode)4, 1 },
		{ (enum mm_policy_mode) - 1, 1 },
	};

	(void)state;
	assert_int_equal(set(MM_POLICY_BIND, 2), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(mm_policy_check(&bad[i]), ERR_INVAL);
		assert_int_equal(mm_policy_set(&bad[i]), ERR_INVAL);
		assert_null(alloc_pages_policy(&bad[i], 0, GFP_ATOMIC | __GFP_NOWARN, 0));
		assert_int_equal(mm_policy_get().mode, MM_POLICY_BIND);
		assert_int_equal(mm_policy_get().nodes, 2);
	}
	assert_int_equal(mm_policy_set(NULL), 0);
	assert_int_equal(mm_policy_get().mode, MM_POLICY_LOCAL);
	assert_int_equal(mm_policy_get().nodes, 0);
	assert_int_equal(fake_task.mm.special, 0);
}

static void test_orders_of_a_policy(void **state)
{
	const struct mm_policy bind = { MM_POLICY_BIND, 2 };
	struct placement place;

	(void)state;
	assert_int_equal(policy_of_range(&bind, 0, GFP_KERNEL, MAX_PAGE_ORDER, &place), 0);
	assert_int_equal(policy_of_range(&bind, 0, GFP_KERNEL, NR_PAGE_ORDERS, &place), ERR_INVAL);
	assert_null(alloc_pages_policy(&bind, 0, GFP_KERNEL, NR_PAGE_ORDERS));
}

/* A range's policy yields to the limits, to THISNODE, and where they leave nothing. */
static void test_range_within_limits(void **state)
{
	const struct mm_policy bind = { MM_POLICY_BIND, 2 }, local = { MM_POLICY_LOCAL, 0 };
	struct placement place;

	(void)state;
	assert_int_equal(policy_of_range(&bind, 0, GFP_KERNEL, 0, &place), 0);
	assert_int_equal(place.nodes, 2);
	assert_int_equal(policy_of_range(&local, 0, GFP_KERNEL, 0, &place), 0);
	assert_int_equal(place.nodes, ~0ull);
	assert_int_equal(policy_of_range(&bind, 0, GFP_KERNEL | __GFP_THISNODE, 0, &place), 0);
	assert_int_equal(place.nodes, ~0ull);
	assert_int_equal(mm_mems_allowed_set(task_current(), 1), 0);
	assert_int_equal(mm_mems_allowed(task_current()), 1);
	assert_int_equal(policy_of_range(&bind, 0, GFP_KERNEL, 0, &place), 0);
	assert_int_equal(place.nodes, ~0ull);
	fake_task.in_interrupt = true;
	assert_int_equal(policy_of_range(&bind, 0, GFP_KERNEL, 0, &place), 0);
	assert_int_equal(place.nodes, 2);
	fake_task.in_interrupt = false;
}

/* Interleaving goes on behind the last node there can be. */
static void test_interleave_wraps(void **state)
{
	(void)state;
	assert_int_equal(set(MM_POLICY_INTERLEAVE, 0x7), 0);
	fake_task.mm.interleave_next = MAX_NODES;
	assert_int_equal(served(GFP_ATOMIC), 0);
	assert_int_equal(served(GFP_ATOMIC), 1);
}

/* Nodes without memory drop out of a mask that names others too. */
static void test_memoryless_drops_out(void **state)
{
	(void)state;
	assert_int_equal(set(MM_POLICY_BIND, 0xc), 0);
	assert_int_equal(mm_policy_get().nodes, 1 << 2);
	assert_int_equal(served(GFP_ATOMIC), 2);
	assert_int_equal(set(MM_POLICY_INTERLEAVE, 0xf), 0);
	for (int i = 0; i < 6; i++)
		assert_int_equal(served(GFP_ATOMIC), i % 3);
}

/* ---- modes -------------------------------------------------------------------------- */

static void test_local(void **state)
{
	static const int first[] = { 0, 0, 1, 2 };

	(void)state;
	for (unsigned int cpu = 0; cpu < 4; cpu++) {
		fake_set_cpu(cpu);
		assert_int_equal(served(GFP_ATOMIC), first[cpu]);
	}
}

/* Preferred, then nearest to it: node 2's neighbour is 1, not the CPU's own 0. */
static void test_preferred(void **state)
{
	(void)state;
	assert_int_equal(set(MM_POLICY_PREFERRED, 1 << 2), 0);
	assert_int_equal(served(GFP_ATOMIC), 2);
	exhaust(2);
	assert_int_equal(served(GFP_ATOMIC), 1);
	exhaust(1);
	assert_int_equal(served(GFP_ATOMIC), 0);
}

/* Nearest of the mask first, then the next of it; never outside. Only who cannot
 * wait and digs deeper forgets the mask before it fails (row 70). */
static void test_bind(void **state)
{
	(void)state;
	assert_int_equal(set(MM_POLICY_BIND, 0x6), 0);
	assert_int_equal(served(GFP_ATOMIC), 1);
	fake_set_cpu(2);
	assert_int_equal(served(GFP_ATOMIC), 1);
	fake_set_cpu(0);
	exhaust(1);
	assert_int_equal(served(GFP_ATOMIC), 2);
	exhaust(2);
	assert_int_equal(served(GFP_KERNEL), NODE_NONE);
	assert_int_equal(served(GFP_ATOMIC), 0);
	assert_int_equal(set(MM_POLICY_LOCAL, 0), 0);
	assert_int_equal(served(GFP_KERNEL), 0);
}

/* In turn over the mask, starting at its first; a full node's turn goes to the
 * nearest, and turns go on. Naming a node takes no turn. */
static void test_interleave(void **state)
{
	static const int turns[] = { 0, 2, 0, 2 };

	(void)state;
	assert_int_equal(set(MM_POLICY_INTERLEAVE, 0x5), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(turns); i++) {
		assert_int_equal(served(GFP_ATOMIC), turns[i]);
		assert_non_null(alloc_pages_node(1, GFP_ATOMIC, 0));
	}
	exhaust(2);
	assert_int_equal(served(GFP_ATOMIC), 0);
	assert_int_equal(served(GFP_ATOMIC), 1);
	assert_int_equal(served(GFP_ATOMIC), 0);
}

/* Row 84: placement follows from the offset alone, in blocks of the order. */
static void test_range_by_offset(void **state)
{
	const struct mm_policy all = { MM_POLICY_INTERLEAVE, 0xf };
	const struct mm_policy bind = { MM_POLICY_BIND, 0x4 };
	const u64 far = ~0ull;
	struct placement place;

	(void)state;
	for (u64 index = 0; index < 64; index++)
		for (unsigned int order = 0; order < 3; order++) {
			struct page *page = alloc_pages_policy(&all, index, GFP_ATOMIC, order);

			assert_int_equal(page_node(page), (index >> order) % 3);
			free_pages(page, order);
		}
	assert_int_equal(policy_of_range(&all, far, GFP_ATOMIC, 0, &place), 0);
	assert_int_equal(place.node, far % 3);
	assert_true(place.interleave);
	assert_int_equal(policy_of_range(&bind, far, GFP_ATOMIC, 0, &place), 0);
	assert_int_equal(place.nodes, 4);
	assert_int_equal(policy_of_range(&all, 0, GFP_ATOMIC, 11, &place), ERR_INVAL);
	/* The task's own policy and turns are not touched. */
	assert_int_equal(set(MM_POLICY_INTERLEAVE, 0x3), 0);
	assert_int_equal(page_node(alloc_pages_policy(&bind, 0, GFP_ATOMIC, 0)), 2);
	assert_int_equal(served(GFP_ATOMIC), 0);
	assert_int_equal(served(GFP_ATOMIC), 1);
}

/* An interrupt has no policy, and THISNODE is the CPU's node. */
static void test_policy_is_the_tasks(void **state)
{
	(void)state;
	assert_int_equal(set(MM_POLICY_BIND, 0x4), 0);
	assert_int_equal(served(GFP_ATOMIC | __GFP_THISNODE), 0);
	fake_task.in_interrupt = true;
	assert_int_equal(served(GFP_ATOMIC), 0);
	fake_task.in_interrupt = false;
	assert_int_equal(served(GFP_ATOMIC), 2);
}

/* ---- limits ----------------------------------------------------------------------------- */

static void test_bad_limits(void **state)
{
	(void)state;
	assert_int_equal(mm_mems_allowed_set(NULL, 0x2), 0);
	assert_int_equal(mm_mems_allowed_set(NULL, 0), ERR_INVAL);
	assert_int_equal(mm_mems_allowed_set(NULL, 1 << 3), ERR_INVAL);
	assert_int_equal(mm_mems_allowed_set(NULL, 1 << 4 | 1), ERR_INVAL);
	assert_int_equal(mm_mems_allowed_set(NULL, ~0ull), ERR_INVAL);
	assert_int_equal(mm_mems_allowed(NULL), 0x2);
	assert_int_equal(mm_mems_allowed_set(NULL, 0xf), 0);
	assert_int_equal(mm_mems_allowed(task_current()), 0xf);
	assert_int_equal(fake_task.mm.special, 0);
}

/* Row 86, case by case. */
static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(mm_mems_allowed_set(NULL, 0x4), 0);
	assert_int_equal(served(HARD), 2);
	assert_int_equal(served(GFP_ATOMIC), 0); /* an ancestor may use everything */
	exhaust(2);
	assert_int_equal(served(HARD), NODE_NONE);
	assert_int_equal(served(GFP_ATOMIC), 0);
	fake_task.in_interrupt = true;
	assert_int_equal(served(GFP_NOWAIT | __GFP_HARDWALL), 0);
	fake_task.in_interrupt = false;
	fake_task.killed = true;
	assert_int_equal(served(HARD), 0);
	fake_task.killed = false;
	fake_task.mm.special |= MM_TASK_VICTIM;
	assert_int_equal(served(HARD), 0);
	fake_task.mm.special &= ~(u32)MM_TASK_VICTIM;
	assert_int_equal(served(HARD), NODE_NONE);
}

/* kswapd of a node the caller may not use is not woken. */
/* An interrupt has none of its own, and is not bound by those of whom it came upon. */
static void test_limits_in_interrupts(void **state)
{
	(void)state;
	assert_int_equal(mm_mems_allowed_set(NULL, 1), 0);
	assert_int_equal(limits_nodes(HARD), 1);
	fake_task.in_interrupt = true;
	assert_int_equal(limits_nodes(HARD), ~0ull);
	fake_task.in_interrupt = false;
}

static void test_limits_name_zones(void **state)
{
	(void)state;
	assert_int_equal(mm_mems_allowed_set(NULL, 0x2), 0);
	for (const struct zone *z = zone_next(0); z; z = zone_next(z->id + 1)) {
		assert_int_equal(limits_allow(z, HARD), z->node == 1);
		assert_true(limits_allow(z, GFP_ATOMIC));
	}
}

/* Limits come first: a policy takes what they leave of it, or has no effect. */
static void test_limits_and_policy(void **state)
{
	(void)state;
	assert_int_equal(set(MM_POLICY_INTERLEAVE, 0x7), 0);
	assert_int_equal(mm_mems_allowed_set(NULL, 0x6), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(served(HARD), 1 + i % 2);
	assert_int_equal(set(MM_POLICY_BIND, 0x1), 0);
	assert_int_equal(served(HARD), 1);
	assert_int_equal(mm_mems_allowed_set(NULL, 0xf), 0);
	assert_int_equal(served(HARD), 0);
}

/* ---- cookie ------------------------------------------------------------------------------- */

static void test_cookie(void **state)
{
	u32 before = limits_begin();

	(void)state;
	assert_false(limits_retry(before));
	assert_int_equal(before & 1, 0);
	assert_int_equal(mm_mems_allowed_set(NULL, 0x2), 0);
	assert_true(limits_retry(before));
	assert_false(limits_retry(limits_begin()));
	/* Refused: nothing changed. */
	before = limits_begin();
	assert_int_equal(mm_mems_allowed_set(NULL, 0), ERR_INVAL);
	assert_false(limits_retry(before));
	/* Somebody is in the middle of it: odd, so what was seen says nothing. */
	fake_task.mm.mems_cookie++;
	assert_true(limits_retry(before));
	assert_true(limits_retry(limits_begin()));
	fake_task.mm.mems_cookie++;
	assert_false(limits_retry(limits_begin()));
}

/* A failure while somebody changes the limits says nothing: the request starts
 * over, but not without end, and what it can have it gets. */
static void test_starts_over(void **state)
{
	u64 before = vm_event_sum(COOKIE_RETRY);

	(void)state;
	assert_int_equal(mm_mems_allowed_set(NULL, 0x4), 0);
	exhaust(2);
	assert_int_equal(served(HARD), NODE_NONE);
	assert_int_equal(vm_event_sum(COOKIE_RETRY), before);
	fake_task.mm.mems_cookie++;
	assert_int_equal(served(HARD), NODE_NONE);
	assert_in_range(vm_event_sum(COOKIE_RETRY) - before, 1, 64);
	before = vm_event_sum(COOKIE_RETRY);
	assert_int_equal(served(GFP_KERNEL), 0);
	assert_int_equal(vm_event_sum(COOKIE_RETRY), before);
	fake_task.mm.mems_cookie++;
	assert_int_equal(served(HARD), NODE_NONE);
	assert_int_equal(vm_event_sum(COOKIE_RETRY), before);
}

/* ---- scopes ---------------------------------------------------------------------------------- */

static void test_scopes_nest(void **state)
{
	unsigned int outer, inner;

	(void)state;
	assert_int_equal(set(MM_POLICY_BIND, 0x2), 0);
	outer = mm_scope_save(MM_SCOPE_NOIO);
	assert_int_equal(outer, 0);
	inner = mm_scope_save(MM_SCOPE_NOIO | MM_SCOPE_MEMALLOC);
	assert_int_equal(inner, MM_SCOPE_NOIO);
	assert_int_equal(fake_task.mm.special, MM_TASK_NOIO | MM_TASK_MEMALLOC | MM_TASK_POLICY);
	mm_scope_restore(inner);
	assert_int_equal(fake_task.mm.special, MM_TASK_NOIO | MM_TASK_POLICY);
	mm_scope_restore(outer);
	assert_int_equal(fake_task.mm.special, MM_TASK_POLICY);
}

static void save_nonsense(void *arg)
{
	(void)arg;
	mm_scope_save(1 << 4);
}

static void test_scopes_are_known(void **state)
{
	(void)state;
	assert_non_null(fake_panics(save_nonsense, NULL));
}

/* ---- without NUMA -------------------------------------------------------------------------- */

static void test_one_node(void **state)
{
	const struct mm_policy all = { MM_POLICY_INTERLEAVE, 1 };

	(void)state;
	machine_boot(&one);
	assert_int_equal(set(MM_POLICY_BIND, 2), ERR_INVAL);
	assert_int_equal(set(MM_POLICY_BIND, 1), 0);
	assert_int_equal(served(HARD), 0);
	assert_int_equal(set(MM_POLICY_INTERLEAVE, 1), 0);
	assert_int_equal(served(HARD), 0);
	assert_int_equal(served(HARD), 0);
	assert_int_equal(page_node(alloc_pages_policy(&all, 12345, GFP_ATOMIC, 0)), 0);
	assert_int_equal(mm_mems_allowed_set(NULL, 1), 0);
	assert_int_equal(mm_mems_allowed_set(NULL, 2), ERR_INVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_bad_policies, setup),
		cmocka_unit_test_setup(test_orders_of_a_policy, setup),
		cmocka_unit_test_setup(test_range_within_limits, setup),
		cmocka_unit_test_setup(test_interleave_wraps, setup),
		cmocka_unit_test_setup(test_memoryless_drops_out, setup),
		cmocka_unit_test_setup(test_local, setup),
		cmocka_unit_test_setup(test_preferred, setup),
		cmocka_unit_test_setup(test_bind, setup),
		cmocka_unit_test_setup(test_interleave, setup),
		cmocka_unit_test_setup(test_range_by_offset, setup),
		cmocka_unit_test_setup(test_policy_is_the_tasks, setup),
		cmocka_unit_test_setup(test_bad_limits, setup),
		cmocka_unit_test_setup(test_limits, setup),
		cmocka_unit_test_setup(test_limits_name_zones, setup),
		cmocka_unit_test_setup(test_limits_in_interrupts, setup),
		cmocka_unit_test_setup(test_limits_and_policy, setup),
		cmocka_unit_test_setup(test_cookie, setup),
		cmocka_unit_test_setup(test_starts_over, setup),
		cmocka_unit_test_setup(test_scopes_nest, setup),
		cmocka_unit_test_setup(test_scopes_are_known, setup),
		cmocka_unit_test(test_one_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
