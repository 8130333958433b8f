/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory policies, limits and the counters of row 16 on the machine itself (rows
 * 76, 81-86). What needs two nodes with memory is skipped on one, with that
 * reason; masks that cannot be used are refused everywhere. Each case ends with
 * the policy and the limits a task begins with, and with every page home.
 */
#include "mm/mm.h"
#include "mm/task.h"
#include "tests/target/help.h"

enum {
	ROUNDS = 32,
	HELD = 64,
	TOGGLES = 200,
	TRIES_A_REST = 16,
	HARD = GFP_USER | __GFP_NOWARN,
};

/* First and last node with memory; equal on one. */
static u32 first_node(void)
{
	return (u32)__builtin_ctzll(nodes_with_memory());
}

static u32 last_node(void)
{
	return fls_u64(nodes_with_memory()) - 1;
}

static bool has_two_nodes(void)
{
	if (first_node() != last_node())
		return true;
	test_skip("one node with memory: there is nothing to choose");
	return false;
}

static int set(enum mm_policy_mode mode, u64 nodes)
{
	const struct mm_policy p = { mode, nodes };

	return mm_policy_set(&p);
}

static int served(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages(gfp, order);
	int node = page ? page_node(page) : NODE_NONE;

	if (page)
		free_pages(page, order);
	return node;
}

static void back_to_default(void)
{
	TEST_CHECK(mm_policy_set(NULL) == 0);
	TEST_CHECK(mm_mems_allowed_set(NULL, nodes_online()) == 0);
	TEST_CHECK(mm_policy_get().mode == MM_POLICY_LOCAL);
	TEST_CHECK_VAL(mm_mems_allowed(NULL) == nodes_online(), mm_mems_allowed(NULL), 0);
}

/* ---- what is refused ----------------------------------------------------------- */

static void test_refused(void)
{
	u64 unknown = ~nodes_online() & (nodes_online() + 1);
	u64 memoryless = nodes_online() & ~nodes_with_memory();
	u64 good = 1ull << first_node();

	TEST_CHECK(set(MM_POLICY_BIND, good) == 0);
	for (int mode = MM_POLICY_PREFERRED; mode <= MM_POLICY_BIND; mode++) {
		TEST_CHECK_VAL(set((enum mm_policy_mode)mode, 0) == ERR_INVAL, mode, 0);
		TEST_CHECK_VAL(set((enum mm_policy_mode)mode, unknown) == ERR_INVAL, mode, unknown);
		if (memoryless)
			TEST_CHECK_VAL(set((enum mm_policy_mode)mode, memoryless) == ERR_INVAL,
				       mode, memoryless);
	}
	TEST_CHECK(set(MM_POLICY_LOCAL, good) == ERR_INVAL);
	TEST_CHECK(set((enum mm_policy_mode)17, good) == ERR_INVAL);
	TEST_CHECK(mm_mems_allowed_set(NULL, 0) == ERR_INVAL);
	TEST_CHECK(mm_mems_allowed_set(NULL, good | unknown) == ERR_INVAL);
	TEST_CHECK(mm_policy_get().mode == MM_POLICY_BIND && mm_policy_get().nodes == good);
	TEST_CHECK(mm_mems_allowed(NULL) == nodes_online());
	back_to_default();
}

/* ---- modes ------------------------------------------------------------------------ */

/* Every node with memory is reached by each mode, for orders in caches and above. */
static void test_modes(void)
{
	static const unsigned int orders[] = { 0, 1, 3, 4, 9 };

	for (u32 id = 0; id < MAX_NODES; id++) {
		if (!(nodes_with_memory() >> id & 1))
			continue;
		for (unsigned int i = 0; i < ARRAY_SIZE(orders); i++) {
			int node;

			TEST_CHECK(set(MM_POLICY_BIND, 1ull << id) == 0);
			node = served(GFP_KERNEL, orders[i]);
			TEST_CHECK_VAL(node == (int)id, node, id);
			TEST_CHECK(set(MM_POLICY_PREFERRED, 1ull << id) == 0);
			node = served(GFP_KERNEL, orders[i]);
			TEST_CHECK_VAL(node == (int)id, node, id);
		}
	}
	back_to_default();
}

static void test_local_follows_the_cpu(void)
{
	if (!has_two_nodes())
		return;
	for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++) {
		int node = (int)cpu_to_node(cpu);

		if (!(cpus_online() >> cpu & 1) || !(nodes_with_memory() >> node & 1))
			continue;
		TEST_CHECK(task_set_cpus(task_current(), 1ull << cpu) == 0);
		TEST_CHECK_VAL(served(GFP_KERNEL, 0) == node, cpu, node);
	}
	TEST_CHECK(task_set_cpus(task_current(), CPUS_ALL) == 0);
}

/* Turns go round by rising id, whatever happens in between. */
static void test_turns(void)
{
	u64 nodes = nodes_with_memory();
	u64 left = 0;

	if (!has_two_nodes())
		return;
	TEST_CHECK(set(MM_POLICY_INTERLEAVE, nodes) == 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		int want, node = served(GFP_KERNEL, i % 4);

		if (!left)
			left = nodes;
		want = __builtin_ctzll(left);
		left &= left - 1;
		TEST_CHECK_VAL(node == want, node, want);
	}
	back_to_default();
}

/* Row 84: the same offset is the same node, today and tomorrow, on any CPU. */
static void test_ranges(void)
{
	const struct mm_policy p = { MM_POLICY_INTERLEAVE, nodes_with_memory() };
	struct page *page[HELD];
	u32 nr = (u32)__builtin_popcountll(p.nodes);

	if (!has_two_nodes())
		return;
	for (u32 i = 0; i < HELD; i++) {
		page[i] = alloc_pages_policy(&p, i, GFP_KERNEL, 0);
		TEST_CHECK_VAL(page[i], i, 0);
		if (page[i] && i >= nr && page[i - nr])
			TEST_CHECK_VAL(page_node(page[i]) == page_node(page[i - nr]), i,
				       page_node(page[i]));
		if (page[i] && i && page[i - 1])
			TEST_CHECK_VAL(page_node(page[i]) != page_node(page[i - 1]), i,
				       page_node(page[i]));
	}
	for (u32 i = 0; i < HELD; i++)
		if (page[i])
			free_pages(page[i], 0);
	TEST_CHECK(mm_policy_get().mode == MM_POLICY_LOCAL);
}

/* ---- limits ---------------------------------------------------------------------------- */

static void test_limits(void)
{
	u64 far = 1ull << last_node();
	int near = (int)first_node();

	if (!has_two_nodes())
		return;
	TEST_CHECK(mm_mems_allowed_set(NULL, far) == 0);
	for (unsigned int order = 0; order < 6; order++)
		TEST_CHECK_VAL(served(HARD, order) == (int)last_node(), order, 0);
	/* Named, or not hard-walled: an ancestor may. */
	TEST_CHECK(set(MM_POLICY_PREFERRED, 1ull << near) == 0);
	TEST_CHECK(served(HARD, 0) == (int)last_node());
	back_to_default();
	TEST_CHECK(set(MM_POLICY_BIND, 1ull << near) == 0);
	TEST_CHECK(served(HARD, 0) == near);
	back_to_default();
}

/*
 * Row 76. One task asks without end for a page of the last node and nothing else,
 * another one changes whether it may. When the cookie says that the limits stayed
 * as they were, they alone decide; when they changed, either answer can be right.
 */
static struct {
	u32 stop;                              /* (A) */
	u32 failed, served, changed, mistakes; /* the asker's */
} race;

static u32 cookie(void)
{
	return __atomic_load_n(&task_mm(task_current())->mems_cookie, __ATOMIC_ACQUIRE);
}

static void ask(void *arg)
{
	const gfp_t gfp = GFP_USER | __GFP_THISNODE | __GFP_NORETRY | __GFP_NOWARN;

	(void)arg;
	while (!help_read(&race.stop)) {
		u32 before = cookie();
		bool may = mm_mems_allowed(NULL) >> last_node() & 1;
		struct page *page = alloc_pages_node((int)last_node(), gfp, 0);

		if (page)
			free_pages(page, 0);
		race.served += page != NULL;
		race.failed += page == NULL;
		if ((before & 1) || cookie() != before)
			race.changed++;
		else
			race.mistakes += may != (page != NULL);
		/* A failure alone takes no lock, so a simulated clock would stand; and a CPU
		 * that never rests can keep an emulator from running the others. */
		if ((race.served + race.failed) % TRIES_A_REST)
			task_yield();
		else
			sleep_ns(MS / 1000);
	}
}

static void test_limits_change_meanwhile(void)
{
	const u64 sides[] = { 1ull << first_node(), 1ull << last_node() };
	struct task *asker;

	if (!has_two_nodes())
		return;
	memset(&race, 0, sizeof(race));
	asker = help_spawn("asker", TASK_PRIO_DEFAULT - 1, 0, ask, NULL);
	for (unsigned int i = 0; asker && i < TOGGLES; i++) {
		u64 side = sides[i % 2];

		TEST_CHECK(mm_mems_allowed_set(asker, side) == 0);
		TEST_CHECK(mm_mems_allowed(asker) == side);
		sleep_ns(MS / 20 + i % 7 * (MS / 100));
	}
	help_add(&race.stop, 1);
	help_join(asker);
	TEST_CHECK_VAL(race.mistakes == 0, race.mistakes, race.changed);
	TEST_CHECK_VAL(race.failed && race.served, race.failed, race.served);
}

/* ---- counters of row 16 ------------------------------------------------------------------ */

enum { HIT, MISS, FOREIGN, INTERLEAVE, LOCAL, OTHER, NR_NUMASTAT };

/* The six numbers of a node, in the order of the file. */
static void numastat(u32 node, u64 *value)
{
	static char text[512];
	struct out_buf ob;
	const char *at = text;

	out_buf_init(&ob, text, sizeof(text));
	mm_view_node_numastat(&ob.out, node);
	for (unsigned int i = 0; i < NR_NUMASTAT; i++) {
		at = strchr(at, ' ');
		TEST_CHECK_VAL(at, node, i);
		if (!at)
			return;
		value[i] = 0;
		for (at++; *at >= '0' && *at <= '9'; at++)
			value[i] = value[i] * 10 + (u64)(*at - '0');
	}
}

/* Take `times` single pages by the policy that holds, and give them back. What the
 * counters of the node say about it goes to delta. */
static void count_some(u32 node, unsigned int times, u64 *delta)
{
	u64 before[NR_NUMASTAT] = { 0 }, after[NR_NUMASTAT] = { 0 };

	numastat(node, before);
	for (unsigned int i = 0; i < times; i++)
		(void)served(GFP_KERNEL, i % 5);
	numastat(node, after);
	for (unsigned int i = 0; i < NR_NUMASTAT; i++)
		delta[i] = after[i] - before[i];
}

/* At least: other tasks may ask for memory meanwhile. */
static void test_numastat(void)
{
	u64 delta[NR_NUMASTAT] = { 0 };
	u32 far = last_node();

	if (!has_two_nodes())
		return;
	TEST_CHECK(task_set_cpus(task_current(), 1) == 0);
	TEST_CHECK(set(MM_POLICY_BIND, 1ull << far) == 0);
	count_some(far, ROUNDS, delta);
	TEST_CHECK_VAL(delta[HIT] >= ROUNDS, delta[HIT], ROUNDS);
	TEST_CHECK_VAL(delta[MISS] == 0, delta[MISS], delta[FOREIGN]);
	if (cpu_to_node(0) != far)
		TEST_CHECK_VAL(delta[OTHER] >= ROUNDS, delta[OTHER], delta[LOCAL]);
	TEST_CHECK_VAL(delta[HIT] + delta[MISS] == delta[LOCAL] + delta[OTHER], delta[HIT],
		       delta[LOCAL]);
	TEST_CHECK(set(MM_POLICY_INTERLEAVE, 1ull << far) == 0);
	count_some(far, ROUNDS, delta);
	TEST_CHECK_VAL(delta[INTERLEAVE] == ROUNDS, delta[INTERLEAVE], ROUNDS);
	TEST_CHECK(task_set_cpus(task_current(), CPUS_ALL) == 0);
	back_to_default();
}

/* ---- scopes -------------------------------------------------------------------------------- */

static void test_scopes(void)
{
	unsigned int outer = mm_scope_save(MM_SCOPE_NOFS);
	unsigned int inner = mm_scope_save(MM_SCOPE_NOIO | MM_SCOPE_MEMALLOC);

	TEST_CHECK_VAL(outer == 0 && inner == MM_SCOPE_NOFS, outer, inner);
	TEST_CHECK(served(GFP_KERNEL, 0) != NODE_NONE);
	mm_scope_restore(inner);
	TEST_CHECK(mm_scope_save(0) == MM_SCOPE_NOFS);
	mm_scope_restore(outer);
	TEST_CHECK(mm_scope_save(0) == 0);
}

static const struct test_case cases[] = {
	{ "masks that cannot be used", test_refused },
	{ "every mode reaches every node", test_modes },
	{ "local follows the CPU", test_local_follows_the_cpu },
	{ "turns go round", test_turns },
	{ "ranges by offset", test_ranges },
	{ "limits", test_limits },
	{ "limits change meanwhile", test_limits_change_meanwhile },
	{ "numastat", test_numastat },
	{ "scopes nest", test_scopes },
};
const struct test_suite suite_policy = { "policy", cases, ARRAY_SIZE(cases) };
