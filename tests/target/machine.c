/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What arch/arch.h promises of every machine, asked of the one that runs:
 * stacks with gaps, mapping and unmapping, names of addresses and traces,
 * interrupts between CPUs and their masking, one clock for all. What only one
 * machine has is asked by its own suite, "arch".
 */
#include "mm/mm.h"
#include "rtos/task.h"
#include "tests/target/help.h"

/* ---- mappings ------------------------------------------------------------------ */

static void check_guard(u64 in_stack)
{
	u64 slot = align_down(in_stack, STACK_SLOT);

	for (u64 at = slot; at < slot + STACK_SLOT - STACK_SIZE; at += PAGE_SIZE)
		TEST_CHECK_VAL(!help_mapped(at), at, in_stack);
	for (u64 at = slot + STACK_SLOT - STACK_SIZE; at < slot + STACK_SLOT; at += PAGE_SIZE)
		TEST_CHECK_VAL(help_rights_are((void *)(uintptr_t)at, true, false), at, in_stack);
}

static void test_guards(void)
{
	u64 here = 0;

	check_guard((u64)(uintptr_t)&here);
	check_guard(ARCH_BOOT_STACK_TOP - 8);
}

static void test_lower_half(void)
{
	TEST_CHECK(!help_mapped(0));
	TEST_CHECK(!help_mapped(arch_image()->start.v));
	TEST_CHECK(!help_mapped(ARCH_LINEAR_BASE - 8));
}

static void test_map(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, 0);
	volatile u64 *window = (u64 *)(uintptr_t)ARCH_UNUSED_BASE;
	phys_t p;

	TEST_CHECK(page);
	if (!page)
		return;
	p = virt_to_phys(page_address(page));
	TEST_CHECK(arch_map(ARCH_UNUSED_BASE, p, 1, ARCH_PROT_RW) == 0);
	TEST_CHECK(arch_map(ARCH_UNUSED_BASE, p, 1, ARCH_PROT_RW) == ERR_EXIST);
	/* One page beyond it is free, but nothing may be left behind. */
	TEST_CHECK(arch_map(ARCH_UNUSED_BASE - PAGE_SIZE, p, 2, ARCH_PROT_RW) == ERR_EXIST);
	TEST_CHECK(!help_mapped(ARCH_UNUSED_BASE - PAGE_SIZE));
	*window = 0x7469646572656d61;
	TEST_CHECK(*(volatile u64 *)page_address(page) == 0x7469646572656d61);
	TEST_CHECK(help_rights_are((void *)(uintptr_t)ARCH_UNUSED_BASE, true, false));
	arch_unmap(ARCH_UNUSED_BASE, 1);
	TEST_CHECK(!help_mapped(ARCH_UNUSED_BASE));
	TEST_CHECK(arch_map(ARCH_UNUSED_BASE, p, 1, ARCH_PROT_RO) == 0);
	TEST_CHECK(help_rights_are((void *)(uintptr_t)ARCH_UNUSED_BASE, false, false));
	arch_unmap(ARCH_UNUSED_BASE, 1);
	free_pages(page, 0);
}

/* ---- names --------------------------------------------------------------------- */

static void test_symbols(void)
{
	char name[64], want[64];

	arch_symbol((u64)(uintptr_t)kernel_main, name, sizeof(name));
	TEST_CHECK(strcmp(name, "kernel_main+0x0") == 0);
	arch_symbol((u64)(uintptr_t)test_symbols + 4, name, sizeof(name));
	TEST_CHECK(strcmp(name, "test_symbols+0x4") == 0);
	arch_symbol(ARCH_UNUSED_BASE, name, sizeof(name));
	tm_snprintf(want, sizeof(want), "0x%llx", (unsigned long long)ARCH_UNUSED_BASE);
	TEST_CHECK(strcmp(name, want) == 0);
	arch_symbol(0, name, 5);
	TEST_CHECK(strcmp(name, "0x0") == 0);
}

/* True when the text holds the word. */
static bool has_word(const char *text, const char *word)
{
	for (; (text = strchr(text, word[0])); text++)
		if (strncmp(text, word, strlen(word)) == 0)
			return true;
	return false;
}

static tm_noinline void take_trace(struct out_buf *ob)
{
	arch_backtrace(&ob->out, (u64)(uintptr_t)__builtin_frame_address(0));
	__asm__ volatile("" : : "r"(ob) : "memory"); /* no tail call */
}

static void test_backtrace(void)
{
	char text[1024];
	struct out_buf ob;

	out_buf_init(&ob, text, sizeof(text));
	take_trace(&ob);
	TEST_CHECK(has_word(text, "test_backtrace+"));
	TEST_CHECK(has_word(text, "_context_start+"));
	/* Garbage is refused before it is read. */
	out_buf_init(&ob, text, sizeof(text));
	arch_backtrace(&ob.out, 0x1000);
	arch_backtrace(&ob.out, ARCH_LINEAR_BASE + (1ull << 43));
	arch_backtrace(&ob.out, (u64)(uintptr_t)&ob + 1);
	TEST_CHECK_VAL(ob.len == 0, ob.len, 0);
}

/* ---- interrupts and clock ------------------------------------------------------ */

static void test_ipi(void)
{
	u64 online = cpus_online(), deadline;

	if (cpus_online_count() < 2) {
		test_skip("one CPU");
		return;
	}
	preempt_disable();
	online &= ~(1ull << cpu_id());
	for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++) {
		volatile u64 *taken = &cpus[cpu].nr_ipi;
		u64 before;

		if (!(online >> cpu & 1))
			continue;
		before = *taken;
		arch_send_reschedule(cpu);
		deadline = time_after_ns(SEC);
		while (*taken == before && time_now_ns() < deadline)
			arch_cpu_relax();
		TEST_CHECK_VAL(*taken != before, cpu, before);
	}
	preempt_enable();
}

/* What one CPU has read, no later read on another may be below. */
static void test_one_clock(void)
{
	u64 online = cpus_online(), last = 0;

	for (unsigned int i = 0; i < 200; i++) {
		unsigned int cpu = i % MAX_CPUS;
		u64 now;

		if (!(online >> cpu & 1))
			continue;
		TEST_CHECK(task_set_cpus(task_current(), 1ull << cpu) == 0);
		now = time_now_ns();
		TEST_CHECK_VAL(now >= last, now, last);
		last = now;
	}
	TEST_CHECK(task_set_cpus(task_current(), CPUS_ALL) == 0);
}

/* Masked, an interrupt stays out; it comes with the unmasking. */
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

static const struct test_case cases[] = {
	{ "stack_guards", test_guards }, { "lower_half", test_lower_half }, { "map", test_map },
	{ "symbols", test_symbols },     { "backtrace", test_backtrace },   { "ipi", test_ipi },
	{ "masking", test_masking },     { "one_clock", test_one_clock },
};

const struct test_suite suite_machine = { "machine", cases, ARRAY_SIZE(cases) };
