/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Per-CPU caches on the machine itself (rows 46-50): every CPU fills its own, a
 * drain empties all of them, a CPU that goes off leaves nothing behind, a hard
 * interrupt is served, and many pages, odd sizes and zeroed ones are what was asked
 * for. Each case ends with every page home and a clean walk.
 */
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/pcp.h"
#include "tests/target/help.h"

enum { MANY = 300, ROUNDS = 200, IRQ_BLOCKS = 6, PATTERN = 0x5a };

static void expect_home(u64 before)
{
	u64 now = help_settled_pages();

	TEST_CHECK_VAL(now == before, now, before);
	TEST_CHECK(mm_check(&console_out) == 0);
}

static u64 cached_by(unsigned int cpu)
{
	u64 pages = 0;

	for (const struct zone *z = zone_next(0); z; z = zone_next(z->id + 1))
		pages += pcp_of(z, cpu) ? pcp_pages(pcp_of(z, cpu)) : 0;
	return pages;
}

/* ---- every CPU ----------------------------------------------------------------------- */

static u32 done; /* (A) */

static void churn(void *arg)
{
	struct page *page[8];

	(void)arg;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		for (unsigned int k = 0; k < ARRAY_SIZE(page); k++)
			page[k] = alloc_pages(k & 1 ? GFP_USER | __GFP_MOVABLE : GFP_KERNEL, k % 4);
		for (unsigned int k = 0; k < ARRAY_SIZE(page); k++) {
			TEST_CHECK_VAL(page[k] && page_order(page[k]) == k % 4, k, i);
			if (page[k])
				free_pages(page[k], k % 4);
		}
	}
	help_add(&done, 1);
}

static void on_all_cpus(void)
{
	struct task *t[MAX_CPUS];
	unsigned int n = 0;

	help_add(&done, -help_read(&done));
	for (u64 left = cpus_online(); left; left &= left - 1)
		t[n++] = help_spawn("churn", TASK_PRIO_DEFAULT, left & -left, churn, NULL);
	for (unsigned int i = 0; i < n; i++)
		if (t[i])
			help_join(t[i]);
	TEST_CHECK_VAL(help_read(&done) == n, help_read(&done), n);
}

static void test_all_cpus(void)
{
	u64 before = help_settled_pages();

	on_all_cpus();
	expect_home(before);
}

/* Without guard blocks, which mm_cached_pages() counts and no drain gives back. */
static u64 pages_in_caches(void)
{
	u64 sum = 0;

	for (const struct zone *z = zone_next(0); z; z = zone_next(z->id + 1))
		for (unsigned int cpu = 0; cpu < arch_cpu_count(); cpu++)
			sum += pcp_of(z, cpu) ? pcp_pages(pcp_of(z, cpu)) : 0;
	return sum;
}

/* Other tasks may allocate right after it, so the machine is asked some times. */
static void test_drain(void)
{
	u64 before = help_settled_pages(), left = 1;

	on_all_cpus();
	for (unsigned int i = 0; left && i < 10; i++) {
		TEST_CHECK(mm_drain_caches());
		left = pages_in_caches();
	}
	TEST_CHECK_VAL(left == 0, left, 0);
	expect_home(before);
}

static void test_cpu_off(void)
{
	unsigned int cpu = cpus_online_count() - 1;
	u64 before;

	if (cpus_online_count() < 2 || cpu_off(cpu)) {
		test_skip("no CPU can be taken off here");
		return;
	}
	TEST_CHECK(cpu_on(cpu) == 0);
	before = help_settled_pages();
	on_all_cpus();
	TEST_CHECK(cpu_off(cpu) == 0);
	TEST_CHECK_VAL(cached_by(cpu) == 0, cached_by(cpu), cpu);
	TEST_CHECK(cpu_on(cpu) == 0);
	on_all_cpus();
	expect_home(before);
}

/* ---- in a hard interrupt ----------------------------------------------------------------- */

static struct page *from_irq[IRQ_BLOCKS];
static u32 irq_ran; /* (A) */

static void in_timer(struct timer *t)
{
	(void)t;
	for (unsigned int o = 0; o < IRQ_BLOCKS; o++)
		from_irq[o] = alloc_pages(GFP_ATOMIC | __GFP_NOWARN, o);
	if (from_irq[0]) {
		free_pages(from_irq[0], 0);
		from_irq[0] = alloc_pages(GFP_ATOMIC | __GFP_NOWARN, 0);
	}
	help_add(&irq_ran, 1);
}

static void test_interrupt(void)
{
	static struct timer t;
	u64 before = help_settled_pages();
	u32 ran = help_read(&irq_ran);

	timer_init(&t, in_timer);
	TEST_CHECK(timer_start(&t, time_after_ns(1000000), 0) == 0);
	TEST_CHECK(help_await(&irq_ran, ran + 1));
	for (unsigned int o = 0; o < IRQ_BLOCKS; o++) {
		TEST_CHECK_VAL(from_irq[o] && page_order(from_irq[o]) == o, o, 0);
		if (from_irq[o])
			free_pages(from_irq[o], o);
	}
	expect_home(before);
}

/* ---- many, odd, zeroed ---------------------------------------------------------------------- */

static void test_bulk(void)
{
	static struct page *page[MANY];
	u64 before = help_settled_pages();
	unsigned int n = alloc_pages_bulk(GFP_KERNEL, MANY, page);

	TEST_CHECK_VAL(n == MANY, n, MANY);
	for (unsigned int i = 0; i < n; i++)
		*(u64 *)page_address(page[i]) = i;
	for (unsigned int i = 0; i < n; i++)
		TEST_CHECK_VAL(*(u64 *)page_address(page[i]) == i && page_order(page[i]) == 0, i,
			       page_order(page[i]));
	free_pages_bulk(n, page);
	TEST_CHECK(alloc_pages_bulk(GFP_KERNEL, 0, page) == 0);
	expect_home(before);
}

static void test_exact(void)
{
	static const u64 sizes[] = { 1, PAGE_SIZE, 5 * PAGE_SIZE, 33 * PAGE_SIZE - 1,
				     100 * PAGE_SIZE };
	u64 before = help_settled_pages();

	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		u64 pages = (sizes[i] + PAGE_SIZE - 1) / PAGE_SIZE;
		u8 *p = alloc_pages_exact(sizes[i], GFP_KERNEL | __GFP_ZERO);

		TEST_CHECK_VAL(p != NULL, sizes[i], 0);
		if (!p)
			continue;
		TEST_CHECK(p[0] == 0 && p[pages * PAGE_SIZE - 1] == 0);
		memset(p, PATTERN, pages * PAGE_SIZE);
		/* One by itself, the rest together. */
		free_pages(virt_to_page(p + (pages - 1) * PAGE_SIZE), 0);
		free_pages_exact(p, (pages - 1) * PAGE_SIZE);
	}
	TEST_CHECK(alloc_pages_exact(0, GFP_KERNEL) == NULL);
	TEST_CHECK(alloc_pages_exact((4u << 20) + 1, GFP_KERNEL) == NULL);
	TEST_CHECK(alloc_pages_exact(~0ull, GFP_KERNEL) == NULL);
	expect_home(before);
}

static bool all_bytes(const u8 *p, u64 nr, u8 value)
{
	for (u64 i = 0; i < nr; i++)
		if (p[i] != value)
			return false;
	return true;
}

/* Dirty blocks go back; those that come out zeroed are so to the last byte. */
static void test_zeroed(void)
{
	u64 before = help_settled_pages();

	for (unsigned int o = 0; o <= 4; o++) {
		u64 nr = (u64)PAGE_SIZE << o;
		struct page *page = alloc_pages(GFP_KERNEL, o);

		TEST_CHECK(page != NULL);
		if (!page)
			continue;
		memset(page_address(page), PATTERN, nr);
		free_pages(page, o);
		page = alloc_pages(GFP_KERNEL | __GFP_ZERO, o);
		TEST_CHECK_VAL(page && all_bytes(page_address(page), nr, 0), o, 0);
		if (page)
			free_pages(page, o);
	}
	expect_home(before);
}

static void test_copy(void)
{
	struct page *a = alloc_pages(GFP_KERNEL, 0), *b = alloc_pages(GFP_KERNEL | __GFP_ZERO, 1);

	TEST_CHECK(a && b);
	if (a && b) {
		u8 *from = page_address(a), *to = page_address(b);

		for (u32 i = 0; i < PAGE_SIZE; i++)
			from[i] = (u8)(i * 7 + i / 256);
		copy_page(to, from);
		TEST_CHECK(memcmp(to, from, PAGE_SIZE) == 0);
		TEST_CHECK(all_bytes(to + PAGE_SIZE, PAGE_SIZE, 0));
		clear_page(to);
		TEST_CHECK(all_bytes(to, PAGE_SIZE, 0) && from[1] == 7);
	}
	if (a)
		free_pages(a, 0);
	if (b)
		free_pages(b, 1);
}

static const struct test_case cases[] = {
	{ "all CPUs", test_all_cpus },   { "drain", test_drain }, { "CPU off", test_cpu_off },
	{ "interrupt", test_interrupt }, { "bulk", test_bulk },   { "exact", test_exact },
	{ "zeroed", test_zeroed },       { "copy", test_copy },
};

const struct test_suite suite_pcp = { "pcp", cases, ARRAY_SIZE(cases) };
