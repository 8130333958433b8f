/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The suite "arch" for this machine: what its tree and its controller say. The
 * suite of the same name in tests/target/arch.c asks an arm64 machine; what any
 * machine must keep is in tests/target/machine.c, for both.
 */
#include "host.h"
#include "mm/mm.h"
#include "tests/target/help.h"

static void test_lines_of_tree(void)
{
	const struct dt_node *n = dt_find_compatible(NULL, "arm,pl011");
	unsigned int irq;
	bool edge;

	if (!n || !arch_irq_lines()) {
		test_skip("no controller in the tree");
		return;
	}
	TEST_CHECK(arch_irq_from_dt(n, 0, &irq, &edge) == 0);
	TEST_CHECK(arch_irq_from_dt(n, 99, &irq, &edge) == ERR_NOENT);
	TEST_CHECK(arch_irq_from_dt(dt_root(), 0, &irq, &edge) == ERR_NOENT);
}

static const struct test_case cases[] = {
	{ "lines_of_tree", test_lines_of_tree },
};

const struct test_suite suite_arch = { "arch", cases, ARRAY_SIZE(cases) };
