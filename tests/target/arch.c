/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about an arm64 machine as the kernel set it up: rights of the Image's
 * pages, registers across interrupts, lines of the tree. They are asked of the
 * live tables and registers, not of the code that wrote them. What arch.h
 * promises of any machine is asked by machine.c.
 */
#include "mm/mm.h"
#include "rtos/task.h"
#include "tests/target/fp_work.h"
#include "tests/target/help.h"

enum {
	HEADER_SIZE_AT = 16 / 8, /* in 64-bit words: image_size, flags, magic */
	HEADER_FLAGS_AT = 24 / 8,
	HEADER_MAGIC_AT = 56 / 4,
	HEADER_MAGIC = 0x644d5241,
	TIMER_VIRTUAL = 2,
};
static u32 some_data = 1;
static const u32 some_constant = 2;

/* ---- mappings ------------------------------------------------------------------ */

static void test_header(void)
{
	const struct arch_image *im = arch_image();
	const u64 *words = phys_to_virt(im->start);
	const u32 *halves = phys_to_virt(im->start);

	TEST_CHECK_VAL(words[HEADER_SIZE_AT] == im->end.v - im->start.v, words[HEADER_SIZE_AT],
		       im->end.v - im->start.v);
	TEST_CHECK_VAL(words[HEADER_FLAGS_AT] == 0xa, words[HEADER_FLAGS_AT], 0);
	TEST_CHECK_VAL(halves[HEADER_MAGIC_AT] == HEADER_MAGIC, halves[HEADER_MAGIC_AT], 0);
	TEST_CHECK_VAL(is_aligned(im->start.v, 2 << 20), im->start.v, 0);
}

static void test_wx(void)
{
	TEST_CHECK(arch_check_wx());
}

static void test_image_rights(void)
{
	TEST_CHECK(help_rights_are((const void *)(uintptr_t)test_wx, false, true));
	TEST_CHECK(help_rights_are(&some_constant, false, false));
	TEST_CHECK(help_rights_are(&some_data, true, false));
	TEST_CHECK(help_rights_are("text", false, false));
}

/* The same bytes under their linear address: never executable, writable only
 * where the link address is. */
static void test_linear_rights(void)
{
	static const void *const at[] = { &some_constant, &some_data };
	phys_t p;

	TEST_CHECK(arch_translate((u64)(uintptr_t)test_wx, &p, NULL, NULL));
	TEST_CHECK(help_rights_are(phys_to_virt(p), false, false));
	for (unsigned int i = 0; i < ARRAY_SIZE(at); i++) {
		TEST_CHECK(arch_translate((u64)(uintptr_t)at[i], &p, NULL, NULL));
		TEST_CHECK(help_rights_are(phys_to_virt(p), i == 1, false));
		TEST_CHECK_VAL(*(const u32 *)phys_to_virt(p) == *(const u32 *)at[i], i, p.v);
	}
}

static void test_init_gone(void)
{
	const struct arch_image *im = arch_image();

	for (u64 p = im->init_start.v; p < im->init_end.v; p += PAGE_SIZE) {
		TEST_CHECK_VAL(!help_mapped(ARCH_KIMAGE_BASE + p - im->start.v), p, 0);
		TEST_CHECK_VAL(help_rights_are(phys_to_virt(phys_make(p)), true, false), p, 0);
	}
}

static void test_ioremap_limits(void)
{
	TEST_CHECK(!arch_ioremap(phys_make(0), 0));
	TEST_CHECK(!arch_ioremap(phys_make(~0ull), 2));
	TEST_CHECK(!arch_ioremap(phys_make(1ull << arch_phys_bits()), PAGE_SIZE));
	TEST_CHECK(!arch_ioremap(phys_make((1ull << arch_phys_bits()) - PAGE_SIZE), 2 * PAGE_SIZE));
}

/* ---- names --------------------------------------------------------------------- */

/* True when the text holds the word. */
static bool has_word(const char *text, const char *word)
{
	for (; (text = strchr(text, word[0])); text++)
		if (strncmp(text, word, strlen(word)) == 0)
			return true;
	return false;
}

/* A function that ends in a call, as those do that call panic(). */
extern const char behind_the_call[];
__asm__(".pushsection .text\n"
	".type ends_in_call, %function\n"
	"ends_in_call: bl behind_the_call\n"
	".type behind_the_call, %function\n"
	"behind_the_call: ret\n"
	".popsection");

static void test_backtrace_last_call(void)
{
	u64 record[2] = { 0, (u64)(uintptr_t)behind_the_call };
	char text[256];
	struct out_buf ob;

	out_buf_init(&ob, text, sizeof(text));
	arch_backtrace(&ob.out, (u64)(uintptr_t)record);
	TEST_CHECK(has_word(text, "ends_in_call+0x4"));
	arch_symbol(record[1], text, sizeof(text));
	TEST_CHECK(strcmp(text, "behind_the_call+0x0") == 0);
}

/* ---- interrupts, clock, counters ------------------------------------------------- */

static u32 ticks_wanted;

static void ticker(void *arg)
{
	(void)arg;
	while (__atomic_load_n(&ticks_wanted, __ATOMIC_RELAXED))
		sleep_ns(100 * 1000);
}

/* All but 0, which counts, and those the ABI keeps: 18, 29, 30. */
#define REGS                                                                                       \
	"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,"                                               \
	"19,20,21,22,23,24,25,26,27,28"

/* Interrupts and switches under a loop leave every register as it was. */
static void test_registers(void)
{
	const struct task_attr attr = { .name = "ticker", .prio = TASK_PRIO_MAX, .cpus = 1 };
	struct task *t;
	u64 folded;

	TEST_CHECK(task_set_cpus(task_current(), 1ull << 0) == 0);
	ticks_wanted = 1;
	t = task_create(&attr, ticker, NULL);
	TEST_CHECK(t);
	__asm__ volatile("mov x0, #0x400000\n\t"
			 ".irp n, " REGS "\n\t"
			 "mov x\\n, #(1 << \\n)\n\t"
			 ".endr\n"
			 "1:\tsubs x0, x0, #1\n\t"
			 "b.ne 1b\n\t"
			 ".irp n, " REGS "\n\t"
			 "eor x0, x0, x\\n\n\t"
			 ".endr\n\t"
			 "mov %0, x0"
			 : "=r"(folded)
			 :
			 : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
			   "x12", "x13", "x14", "x15", "x16", "x17", "x19", "x20", "x21", "x22",
			   "x23", "x24", "x25", "x26", "x27", "x28", "cc");
	__atomic_store_n(&ticks_wanted, 0, __ATOMIC_RELAXED);
	TEST_CHECK_VAL(folded == 0x1ffbfffe, folded, 0);
	if (t)
		help_join(t);
	TEST_CHECK(task_set_cpus(task_current(), CPUS_ALL) == 0);
}

static void test_lines_of_tree(void)
{
	const struct dt_node *n = dt_find_compatible(NULL, "arm,armv8-timer");
	unsigned int irq;
	bool edge;

	if (!n)
		n = dt_find_compatible(NULL, "arm,armv7-timer");
	if (!n || !arch_irq_lines()) {
		test_skip("no generic timer or no controller in the tree");
		return;
	}
	TEST_CHECK(arch_irq_from_dt(n, TIMER_VIRTUAL, &irq, &edge) == 0);
	TEST_CHECK_VAL(irq >= 16 && irq < 32, irq, 0);
	TEST_CHECK(arch_irq_from_dt(n, 99, &irq, &edge) == ERR_NOENT);
	TEST_CHECK(arch_irq_from_dt(dt_root(), 0, &irq, &edge) == ERR_NOENT);
}

static tm_noinline u64 count_of(unsigned int rounds)
{
	u64 start = arch_count();

	__asm__ volatile("1:\tsubs %w0, %w0, #1\n\tb.ne 1b" : "+r"(rounds) : : "cc");
	return arch_count() - start;
}

static void test_count(void)
{
	u64 flags = arch_irq_save(), few, many;

	(void)count_of(1);
	few = count_of(1);
	many = count_of(1001);
	arch_irq_restore(flags);
	if (arch_count_exact())
		TEST_CHECK_VAL(many - few == 2000, many, few);
	else
		TEST_CHECK_VAL(many > 0, many, few);
}

static void test_cpu_state(void)
{
	/* FP closed, lower half closed, W^X enforced by the MMU as well. */
	TEST_CHECK_VAL((arm64_read_sysreg(cpacr_el1) >> 20 & 3) == 0, arm64_read_sysreg(cpacr_el1),
		       0);
	TEST_CHECK_VAL(arm64_read_sysreg(tcr_el1) >> 7 & 1, arm64_read_sysreg(tcr_el1), 0);
	TEST_CHECK_VAL(arm64_read_sysreg(sctlr_el1) >> 19 & 1, arm64_read_sysreg(sctlr_el1), 0);
	TEST_CHECK_VAL((__stack_chk_guard & 0xff) == 0, 0, 0);
	TEST_CHECK(__stack_chk_guard != 0x00a5d3f07be1c982);
}

/* ---- floating point ------------------------------------------------------------ */

enum { FP_TASKS = 5, FP_TURNS = 60, FP_LOOPS = 20000 };

static struct {
	u64 seed;
	u32 dirty, changed, done; /* (A) done */
} fp[FP_TASKS];

static void hold_registers(void *arg)
{
	unsigned int i = (unsigned int)(uintptr_t)arg, turn;

	fp[i].dirty = arch_fp_dirty();
	for (turn = 0; turn < FP_TURNS; turn++) {
		fp[i].changed += arch_fp_hold(fp[i].seed + turn, FP_LOOPS);
		sleep_ns((30 + (i * 7 + turn) * 41 % 90) * 1000);
	}
	help_add(&fp[i].done, 1);
}

/* Every register, rounding and flags survive whoever preempts, here or after a
 * move to another CPU; a new task sees nothing of the others. */
static void test_fp_registers(void)
{
	struct task_attr attr = { .name = "fp", .flags = TASK_FP };
	struct task *t[FP_TASKS];
	unsigned int i, turn;

	memset(fp, 0, sizeof(fp));
	TEST_CHECK(task_set_prio(task_current(), 20) == 0);
	for (i = 0; i < FP_TASKS; i++) {
		attr.prio = 8 + i;
		fp[i].seed = i * 1000003;
		t[i] = task_create(&attr, hold_registers, (void *)(uintptr_t)i);
		TEST_CHECK(t[i]);
	}
	for (turn = 0; help_read(&fp[0].done) == 0 && turn < 100000; turn++) {
		u64 one = 1ull << turn % MAX_CPUS & cpus_online();

		(void)task_set_cpus(t[turn % FP_TASKS], one ? one : CPUS_ALL);
		sleep_ns(50 * 1000);
	}
	for (i = 0; i < FP_TASKS; i++) {
		help_join(t[i]);
		TEST_CHECK_VAL(fp[i].changed == 0 && fp[i].dirty == 0, fp[i].changed, fp[i].dirty);
	}
}

static const struct test_case cases[] = {
	{ "header", test_header },
	{ "wx", test_wx },
	{ "image_rights", test_image_rights },
	{ "linear_rights", test_linear_rights },
	{ "init_gone", test_init_gone },
	{ "ioremap_limits", test_ioremap_limits },
	{ "backtrace_last_call", test_backtrace_last_call },
	{ "registers", test_registers },
	{ "lines_of_tree", test_lines_of_tree },
	{ "count", test_count },
	{ "cpu_state", test_cpu_state },
	{ "fp_registers", test_fp_registers },
};

const struct test_suite suite_arch = { "arch", cases, ARRAY_SIZE(cases) };
