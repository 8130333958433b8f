/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioremap(): memory never gets a second name, and ranges that do not exist are
 * refused with a message; the console's registers can be mapped and are read.
 */
#include "mm/mm.h"
#include "tests/target/suites.h"

static void test_refused(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, 0);
	u64 end = 1ull << arch_phys_bits();
	phys_t p;

	TEST_CHECK(!ioremap(phys_make(0), 0));
	TEST_CHECK(!ioremap(phys_make(~0ull), 2));
	TEST_CHECK(!ioremap(phys_make(~0ull - PAGE_SIZE), 2 * PAGE_SIZE));
	TEST_CHECK(!ioremap(phys_make(end), 1));
	/* Refused at once, not after a look at each of its pages. */
	TEST_CHECK(!ioremap(phys_make(end / 2), end / 2));
	TEST_CHECK(!ioremap(phys_make(end / 2), (1ull << 30) + 1));
	TEST_CHECK(!ioremap(phys_make(end - PAGE_SIZE), PAGE_SIZE + 1));
	TEST_CHECK(page);
	if (!page)
		return;
	p = virt_to_phys(page_address(page));
	TEST_CHECK(!ioremap(p, 1));
	TEST_CHECK(!ioremap(phys_make(p.v + PAGE_SIZE - 1), 1));
	TEST_CHECK(!ioremap(arch_image()->start, PAGE_SIZE));
	free_pages(page, 0);
}

static void test_console(void)
{
	const struct uart *u = console_uart();
	volatile void *regs;

	if (!u) {
		test_skip("no console whose registers are known");
		return;
	}
	regs = ioremap(u->phys, PAGE_SIZE);
	TEST_CHECK(regs &&
		   ((u64)(uintptr_t)regs & (PAGE_SIZE - 1)) == (u->phys.v & (PAGE_SIZE - 1)));
}

static const struct test_case cases[] = {
	{ "refused", test_refused },
	{ "console", test_console },
};

const struct test_suite suite_ioremap = { "ioremap", cases, ARRAY_SIZE(cases) };
