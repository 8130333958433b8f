/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The suite "arch" for this machine: what the kernel may rely on, asked of the
 * running simulator. The suite of the same name in tests/target/arch.c asks an
 * arm64 machine; what only hardware can answer (rights of the Image's pages,
 * registers across interrupts) has no counterpart here.
 */
#include "host.h"
#include "mm/mm.h"
#include "rtos/task.h"
#include "tests/target/help.h"

/* A part of the address space nobody uses. */
#define SCRATCH_VA (HOST_BOOT_STACK + 0x100000000ull)

static bool mapped(u64 va)
{
	phys_t p;

	return arch_translate(va, &p, NULL, NULL);
}

static void check_guard(u64 in_stack)
{
	u64 slot = align_down(in_stack, STACK_SLOT);

	for (u64 at = slot; at < slot + STACK_SLOT; at += PAGE_SIZE)
		TEST_CHECK_VAL(mapped(at) == (at >= slot + STACK_SLOT - STACK_SIZE), at, in_stack);
}

static void test_guards(void)
{
	u64 here = 0;

	check_guard((u64)(uintptr_t)&here);
	check_guard(ARCH_BOOT_STACK_TOP - 8);
}

static void test_lower_half(void)
{
	TEST_CHECK(!mapped(0));
	TEST_CHECK(!mapped(arch_image()->start.v));
	TEST_CHECK(!mapped(ARCH_LINEAR_BASE - 8));
}

/* Two names of one page show the same bytes; a taken name is refused whole. */
static void test_map(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, 0);
	volatile u64 *window = (u64 *)(uintptr_t)SCRATCH_VA;
	phys_t p;

	TEST_CHECK(page);
	if (!page)
		return;
	p = virt_to_phys(page_address(page));
	TEST_CHECK(arch_map(SCRATCH_VA, p, 1, ARCH_PROT_RW) == 0);
	TEST_CHECK(arch_map(SCRATCH_VA, p, 1, ARCH_PROT_RW) == ERR_EXIST);
	TEST_CHECK(arch_map(SCRATCH_VA - PAGE_SIZE, p, 2, ARCH_PROT_RW) == ERR_EXIST);
	TEST_CHECK(!mapped(SCRATCH_VA - PAGE_SIZE));
	*window = 0x7469646572656d61;
	TEST_CHECK(*(volatile u64 *)page_address(page) == 0x7469646572656d61);
	arch_unmap(SCRATCH_VA, 1);
	TEST_CHECK(!mapped(SCRATCH_VA));
	free_pages(page, 0);
}

static void test_symbols(void)
{
	char name[64];

	arch_symbol((u64)(uintptr_t)kernel_main, name, sizeof(name));
	TEST_CHECK(strcmp(name, "kernel_main+0x0") == 0);
	arch_symbol((u64)(uintptr_t)test_symbols + 4, name, sizeof(name));
	TEST_CHECK(strcmp(name, "test_symbols+0x4") == 0);
	arch_symbol(0, name, 5);
	TEST_CHECK(strcmp(name, "0x0") == 0);
}

static bool has_word(const char *text, const char *word)
{
	for (; (text = strchr(text, word[0])); text++)
		if (strncmp(text, word, strlen(word)) == 0)
			return true;
	return false;
}

static void test_backtrace(void)
{
	char text[1024];
	struct out_buf ob;

	out_buf_init(&ob, text, sizeof(text));
	arch_backtrace(&ob.out, (u64)(uintptr_t)__builtin_frame_address(0));
	TEST_CHECK(has_word(text, "case_task+"));
	TEST_CHECK(has_word(text, "host_context_start+"));
	out_buf_init(&ob, text, sizeof(text));
	arch_backtrace(&ob.out, 0x1000);
	arch_backtrace(&ob.out, ARCH_LINEAR_BASE + (1ull << 43));
	arch_backtrace(&ob.out, (u64)(uintptr_t)&ob + 1);
	TEST_CHECK_VAL(ob.len == 0, ob.len, 0);
}

static void test_ipi(void)
{
	u64 online, deadline;

	if (cpus_online_count() < 2) {
		test_skip("one CPU");
		return;
	}
	preempt_disable();
	online = cpus_online() & ~(1ull << cpu_id());
	for (; online; online &= online - 1) {
		unsigned int cpu = (unsigned int)__builtin_ctzll(online);
		volatile u64 *taken = &cpus[cpu].nr_ipi;
		u64 before = *taken;

		arch_send_reschedule(cpu);
		deadline = time_after_ns(SEC);
		while (*taken == before && time_now_ns() < deadline)
			arch_cpu_relax();
		TEST_CHECK_VAL(*taken != before, cpu, before);
	}
	preempt_enable();
}

/* Masked, an alarm that is due stays out; it comes with the unmasking. */
static void test_masking(void)
{
	u64 before, flags, until;

	TEST_CHECK(task_set_cpus(task_current(), 1ull << cpu_id()) == 0);
	flags = arch_irq_save();
	before = this_cpu()->nr_ipi;
	arch_send_reschedule(cpu_id());
	until = time_after_ns(MS);
	while (time_now_ns() < until)
		arch_cpu_relax();
	TEST_CHECK_VAL(this_cpu()->nr_ipi == before, before, 0);
	arch_irq_restore(flags);
	TEST_CHECK_VAL(this_cpu()->nr_ipi > before, before, 0);
	TEST_CHECK(task_set_cpus(task_current(), CPUS_ALL) == 0);
}

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
	{ "stack_guards", test_guards },
	{ "lower_half", test_lower_half },
	{ "map", test_map },
	{ "symbols", test_symbols },
	{ "backtrace", test_backtrace },
	{ "ipi", test_ipi },
	{ "masking", test_masking },
	{ "lines_of_tree", test_lines_of_tree },
};

const struct test_suite suite_arch = { "arch", cases, ARRAY_SIZE(cases) };
