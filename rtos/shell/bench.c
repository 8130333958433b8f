// SPDX-License-Identifier: Apache-2.0
/*
 * `bench`: the command and how it measures, each timed call alone with interrupts
 * masked and the empty measurement subtracted. What is measured stands in
 * bench_page.c and bench_bulk.c (the page allocator) and bench_rtos.c (the core); here only what
 * booting cost. Under -icount the unit is one instruction and exact; elsewhere
 * it is whatever the machine counts, and the heading says so. Lines `bench NAME
 * VALUE` are read by tools/bench.py.
 */
#include "rtos/shell/bench.h"
#include "rtos/shell/shell.h"

static u64 empty;     /* cost of measuring nothing */
static bool unmasked; /* the calls run as they would elsewhere, for the meter */

u64 bench_empty(void)
{
	return empty;
}

void bench_add(struct bench_sum *m, u64 start, u64 end)
{
	u64 cost = end - start;

	cost = cost > empty ? cost - empty : 0;
	m->sum += cost;
	m->worst = max_u64(m->worst, cost);
	m->calls++;
}

u64 bench_mean(const struct bench_sum *m)
{
	return m->calls ? (m->sum + m->calls / 2) / m->calls : 0;
}

u64 bench_mask(void)
{
	return unmasked ? 0 : arch_irq_save();
}

void bench_unmask(u64 flags)
{
	if (!unmasked)
		arch_irq_restore(flags);
}

/* Not inlined: tools/lines knows by their names where a timed call ends. */
tm_noinline struct page *bench_alloc(struct bench_sum *m, gfp_t gfp, unsigned int order)
{
	u64 flags = bench_mask();
	u64 start = arch_count();
	struct page *page = alloc_pages(gfp, order);
	u64 end = arch_count();

	bench_unmask(flags);
	bench_add(m, start, end);
	return page;
}

tm_noinline void bench_free(struct bench_sum *m, struct page *page, unsigned int order)
{
	u64 flags = bench_mask();
	u64 start = arch_count();
	u64 end;

	free_pages(page, order);
	end = arch_count();
	bench_unmask(flags);
	bench_add(m, start, end);
}

/* Measure the empty harness and name the unit. */
static void begin(void)
{
	u64 flags = arch_irq_save();

	empty = ~0ull;
	for (unsigned int i = 0; i < 16; i++) {
		u64 start = arch_count();

		empty = min_u64(empty, arch_count() - start);
	}
	arch_irq_restore(flags);
	sh_print("bench: unit is %s\n", arch_count_exact()
						? "one instruction, exact"
						: "a cycle of this machine, not repeatable");
}

void bench_result(const char *name, u64 value)
{
	sh_print("bench %s %llu\n", name, (unsigned long long)value);
}

void bench_worst(const char *name, const struct bench_sum *a, const struct bench_sum *b)
{
	sh_print("bench %s_worst %llu\n", name,
		 (unsigned long long)max_u64(a->worst, b ? b->worst : 0));
}

int bench_no_memory(const char *name)
{
	sh_print("bench: %s: not enough free memory\n", name);
	return EXIT_FAIL;
}

/* ---- boot --------------------------------------------------------------------------- */

static u64 started; /* the counter when the shell began */

void bench_mark_boot(void)
{
	started = arch_count();
}

/* What was counted while booting: memory work is all of mm but the parsed tree. */
static int bench_boot(void)
{
	const struct mm_boot_cost *cost = mm_boot_cost();
	u64 ram = mm_present_pages(), share = cost->metadata_pages * 10000 / ram;
	u64 tree = cost->count[MM_BOOT_TREE], sum = 0;

	for (unsigned int i = 0; i < NR_MM_BOOT_PHASES; i++)
		sum += cost->count[i];
	bench_result("boot_memory", sum - tree);
	bench_result("boot_intake", cost->count[MM_BOOT_INTAKE]);
	bench_result("boot_map", cost->count[MM_BOOT_MAP]);
	bench_result("boot_frames", cost->count[MM_BOOT_FRAMES]);
	bench_result("boot_zones", cost->count[MM_BOOT_ZONES]);
	bench_result("boot_tree", tree);
	bench_result("boot_total", started);
	sh_print("bench frame_percent %llu.%02llu\n", (unsigned long long)share / 100,
		 (unsigned long long)share % 100);
	return EXIT_OK;
}

/* ---- the command ------------------------------------------------------------------ */

/* The short ones run when nothing is named: the others want half a GiB. */
static const struct {
	const char *name;
	int (*run)(void);
	bool is_short;
} benches[] = {
	{ "pair", bench_pair, true },          { "boot", bench_boot, true },
	{ "irq", bench_irq, false },           { "batch", bench_batch, false },
	{ "bulk", bench_bulk, false },         { "exact", bench_exact, false },
	{ "contents", bench_contents, false }, { "churn", bench_churn, false },
	{ "row", bench_row, false },           { "steal", bench_steal, false },
	{ "lines", bench_lines, false },       { "rtos", bench_rtos, false },
};

static int no_such_bench(const char *name)
{
	sh_print("bench: no bench '%s' (there are", name);
	for (unsigned int i = 0; i < ARRAY_SIZE(benches); i++)
		sh_print("%s %s", i ? "," : "", benches[i].name);
	sh_print(")\n");
	return EXIT_FAIL;
}

int cmd_bench(int argc, char **argv)
{
	int status = EXIT_OK;
	unsigned int ran = 0;

	if (argc > 3 || (argc == 3 && strcmp(argv[2], "unmasked") != 0))
		return sh_usage("bench");
	unmasked = argc == 3;
	for (unsigned int i = 0; i < ARRAY_SIZE(benches) && !sh_interrupted(); i++) {
		if (argc == 1 ? !benches[i].is_short : !tm_glob(argv[1], benches[i].name))
			continue;
		if (ran++ == 0)
			begin();
		if (benches[i].run())
			status = EXIT_FAIL;
	}
	return ran ? status : no_such_bench(argv[1]);
}
