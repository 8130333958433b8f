// SPDX-License-Identifier: Apache-2.0
/*
 * `bench`: what the page allocator costs, each timed call alone with interrupts
 * masked and the empty measurement subtracted; the RTOS core is measured in
 * bench_rtos.c. Under -icount the unit is one instruction and exact; elsewhere
 * it is whatever the machine counts, and the heading says so. Lines `bench NAME
 * VALUE` are read by tools/bench.py.
 */
#include "rtos/shell/bench.h"
#include "rtos/shell/shell.h"
#include "mm/mm.h"
#include "tests/bench/mmb_workload.h"

enum {
	PAIRS = 1000,
	MAX_HELD = 8, /* a split gives two mates in a row; boot leaves few odd blocks */
};

static u64 empty; /* cost of measuring nothing */

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

static struct page *timed_alloc(struct bench_sum *m, unsigned int order)
{
	u64 flags = arch_irq_save();
	u64 start = arch_count();
	struct page *page = alloc_pages(GFP_NOWAIT | __GFP_NOWARN, order);
	u64 end = arch_count();

	arch_irq_restore(flags);
	bench_add(m, start, end);
	return page;
}

static void timed_free(struct bench_sum *m, struct page *page, unsigned int order)
{
	u64 flags = arch_irq_save();
	u64 start = arch_count();
	u64 end;

	free_pages(page, order);
	end = arch_count();
	arch_irq_restore(flags);
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

static int no_memory(const char *name)
{
	sh_print("bench: %s: not enough free memory\n", name);
	return EXIT_FAIL;
}

/*
 * A free block of this order whose buddy stays taken: then a pair neither splits
 * nor merges, whatever boot left on the lists. The held blocks go to `held`; their
 * count, or 0 when memory is short. The largest order has no buddy.
 */
static unsigned int hold_buddies(struct page *held[MAX_HELD], unsigned int order)
{
	unsigned int nr = 0;
	u64 mate = 1ull << order;

	if (order == MAX_PAGE_ORDER)
		return 0;
	while (nr < MAX_HELD) {
		held[nr] = alloc_pages(GFP_NOWAIT | __GFP_NOWARN, order);
		if (!held[nr])
			break;
		if (nr && page_to_pfn(held[nr]).v == (page_to_pfn(held[nr - 1]).v ^ mate)) {
			free_pages(held[nr], order);
			break;
		}
		nr++;
	}
	return nr;
}

/* Mean cost of alloc + free; all ones when there is no such block. */
static u64 pair_cost(unsigned int order)
{
	struct bench_sum alloc = { 0 }, back = { 0 };
	struct page *held[MAX_HELD], *page = NULL;
	unsigned int nr = hold_buddies(held, order);

	for (unsigned int i = 0; i < PAIRS; i++) {
		page = timed_alloc(&alloc, order);
		if (!page)
			break;
		timed_free(&back, page, order);
	}
	while (nr)
		free_pages(held[--nr], order);
	return page ? bench_mean(&alloc) + bench_mean(&back) : ~0ull;
}

static int bench_pair(void)
{
	u64 small = pair_cost(0), large = pair_cost(9), largest = pair_cost(10);

	if (small == ~0ull || large == ~0ull || largest == ~0ull)
		return no_memory("pair");
	bench_result("pair_order0", small);
	bench_result("pair_order9", large);
	bench_result("pair_order10", largest);
	return EXIT_OK;
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

/* ---- order 0 in a row ------------------------------------------------------------- */

/* The pages are chained through their owner's word `private`. */
static int bench_row(void)
{
	struct bench_sum alloc = { 0 }, back = { 0 };
	u64 want = mm_total_pages() / 2;
	u32 last = PFN_NIL;

	while (alloc.calls < want) {
		struct page *page = timed_alloc(&alloc, 0);

		if (!page)
			break;
		page->private = last;
		last = (u32)page_to_pfn(page).v;
	}
	while (last != PFN_NIL) {
		struct page *page = pfn_to_page(pfn_make(last));

		last = page->private;
		timed_free(&back, page, 0);
	}
	if (back.calls < want)
		return no_memory("row");
	bench_result("row_order0", bench_mean(&alloc) + bench_mean(&back));
	bench_result("row_worst_alloc", alloc.worst);
	bench_result("row_worst_free", back.worst);
	return EXIT_OK;
}

/* ---- churn -------------------------------------------------------------------------- */

/* A slot keeps frame number and order: a frame number has 32 bits. */
static u64 slot_pack(const struct page *page, unsigned int order)
{
	return page_to_pfn(page).v << 8 | order;
}

static void slot_free(struct bench_sum *m, u64 *slot)
{
	if (*slot != ~0ull)
		timed_free(m, pfn_to_page(pfn_make(*slot >> 8)), (unsigned int)(*slot & 0xff));
	*slot = ~0ull;
}

static bool slot_fill(struct bench_sum *m, u64 *slot, unsigned long long r)
{
	unsigned int order = mmb_order(r);
	struct page *page = timed_alloc(m, order);

	*slot = page ? slot_pack(page, order) : ~0ull;
	return page != NULL;
}

static bool churn(u64 *slots, struct bench_sum *alloc, struct bench_sum *back)
{
	struct bench_sum fill = { 0 };
	unsigned long long r, state = MMB_SEED;
	bool ok = true;

	for (unsigned int i = 0; i < MMB_SLOTS; i++)
		slots[i] = ~0ull;
	for (unsigned int i = 0; ok && i < MMB_SLOTS; i++)
		ok = slot_fill(&fill, &slots[i], mmb_next(&state));
	for (unsigned int i = 0; ok && i < MMB_CHURN_OPS; i++) {
		r = mmb_next(&state);
		slot_free(back, &slots[mmb_slot(r)]);
		ok = slot_fill(alloc, &slots[mmb_slot(r)], r);
	}
	for (unsigned int i = 0; i < MMB_SLOTS; i++)
		slot_free(&fill, &slots[i]);
	return ok;
}

static int bench_churn(void)
{
	unsigned int order = fls_u64((MMB_SLOTS * sizeof(u64) - 1) >> PAGE_SHIFT);
	struct page *table = alloc_pages(GFP_NOWAIT | __GFP_NOWARN, order);
	struct bench_sum alloc = { 0 }, back = { 0 };
	bool ok;

	if (!table)
		return no_memory("churn");
	ok = churn(page_address(table), &alloc, &back);
	free_pages(table, order);
	if (!ok)
		return no_memory("churn");
	bench_result("churn", bench_mean(&alloc) + bench_mean(&back));
	return EXIT_OK;
}

/* The short ones run when nothing is named: the others want half a GiB. */
static const struct {
	const char *name;
	int (*run)(void);
	bool is_short;
} benches[] = {
	{ "pair", bench_pair, true },    { "boot", bench_boot, true },
	{ "churn", bench_churn, false }, { "row", bench_row, false },
	{ "rtos", bench_rtos, false },
};

int cmd_bench(int argc, char **argv)
{
	int status = EXIT_OK;
	unsigned int ran = 0;

	if (argc > 2)
		return sh_usage("bench");
	for (unsigned int i = 0; i < ARRAY_SIZE(benches) && !sh_interrupted(); i++) {
		if (argc == 1 ? !benches[i].is_short : !tm_glob(argv[1], benches[i].name))
			continue;
		if (ran++ == 0)
			begin();
		if (benches[i].run())
			status = EXIT_FAIL;
	}
	if (ran)
		return status;
	sh_print("bench: no bench '%s' (there are pair, boot, churn, row, rtos)\n", argv[1]);
	return EXIT_FAIL;
}
