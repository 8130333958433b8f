// SPDX-License-Identifier: Apache-2.0
/*
 * What a call of the page allocator costs: pairs of each order, single pages over
 * half of memory, batches, the churn every allocator under test runs, requests
 * from a hard interrupt, and requests of a type that has no blocks left. Only
 * the calls are timed, never what a bench does around them; blocks a bench holds
 * are chained through their owner's words, so memory may be as large as it likes.
 */
#include "rtos/shell/bench.h"
#include "rtos/defer.h"
#include "rtos/shell/shell.h"
#include "tests/bench/mmb_workload.h"

enum {
	PAIRS = 1000,
	MAX_HELD = 8, /* a split gives two mates in a row; boot leaves few odd blocks */
	BATCH = 10000,
	IRQ_ROUNDS = 100,
	IRQ_PAIRS = 4, /* in each interrupt */
};

static const gfp_t PLAIN = GFP_NOWAIT | __GFP_NOWARN;

static void result_pair(const char *name, const struct bench_sum *alloc,
			const struct bench_sum *back)
{
	bench_result(name, bench_mean(alloc) + bench_mean(back));
	bench_worst(name, alloc, back);
}

/* ---- blocks held, newest first -------------------------------------------------------- */

struct chain {
	u32 head; /* frame number */
};

static void chain_add(struct chain *c, struct page *page, unsigned int order)
{
	page->private = c->head;
	page->index = order;
	c->head = (u32)page_to_pfn(page).v;
}

static struct page *chain_take(struct chain *c)
{
	struct page *page = c->head != PFN_NIL ? pfn_to_page(pfn_make(c->head)) : NULL;

	if (page)
		c->head = page->private;
	return page;
}

static void chain_free(struct chain *c, struct bench_sum *m)
{
	for (struct page *page = chain_take(c); page; page = chain_take(c))
		bench_free(m, page, page->index);
}

/* ---- pairs ------------------------------------------------------------------------------ */

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
		held[nr] = alloc_pages(PLAIN, order);
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

static bool pair_cost(const char *name, gfp_t gfp, unsigned int order)
{
	struct bench_sum alloc = { 0 }, back = { 0 };
	struct page *held[MAX_HELD], *page = NULL;
	unsigned int nr = hold_buddies(held, order);

	for (unsigned int i = 0; i < PAIRS; i++) {
		page = bench_alloc(&alloc, gfp, order);
		if (!page)
			break;
		bench_free(&back, page, order);
	}
	while (nr)
		free_pages(held[--nr], order);
	if (page)
		result_pair(name, &alloc, &back);
	return page != NULL;
}

int bench_pair(void)
{
	char name[24];

	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
		tm_snprintf(name, sizeof(name), "pair_order%u", order);
		if (!pair_cost(name, PLAIN, order))
			return bench_no_memory("pair");
	}
	return pair_cost("pair_zeroed", PLAIN | __GFP_ZERO, 0) ? EXIT_OK : bench_no_memory("pair");
}

int bench_lines(void)
{
	return pair_cost("lines_pair", PLAIN, 0) ? EXIT_OK : bench_no_memory("lines");
}

/* ---- in a hard interrupt -------------------------------------------------------------- */

static struct {
	struct bench_sum alloc, back;
	struct sem done;
	unsigned int rounds;
} in_irq;

static void irq_round(struct timer *t)
{
	struct page *page;

	for (unsigned int i = 0; i < IRQ_PAIRS; i++) {
		page = bench_alloc(&in_irq.alloc, GFP_ATOMIC | __GFP_NOWARN, 0);
		if (page)
			bench_free(&in_irq.back, page, 0);
	}
	if (++in_irq.rounds < IRQ_ROUNDS)
		(void)timer_start(t, 0, 0);
	else
		(void)sem_post(&in_irq.done);
}

int bench_irq(void)
{
	struct timer timer;

	memset(&in_irq, 0, sizeof(in_irq));
	if (sem_init(&in_irq.done, "bench irq", 0, 1))
		return EXIT_FAIL;
	timer_init(&timer, irq_round);
	(void)timer_start(&timer, 0, 0);
	(void)sem_wait(&in_irq.done, TM_FOREVER);
	(void)timer_stop_sync(&timer);
	if (in_irq.back.calls < IRQ_ROUNDS * IRQ_PAIRS)
		return bench_no_memory("irq");
	result_pair("pair_irq", &in_irq.alloc, &in_irq.back);
	return EXIT_OK;
}

/* ---- a batch ---------------------------------------------------------------------------- */

enum batch_order { IN_ORDER, REVERSED, SHUFFLED };

/* Which of the batch is freed as number i: 4999 and 10000 have no common factor,
 * so each comes once. */
static unsigned int batch_index(enum batch_order how, unsigned int i)
{
	switch (how) {
	case REVERSED:
		return BATCH - 1 - i;
	case SHUFFLED:
		return (i * 4999u + 17) % BATCH;
	case IN_ORDER:
		break;
	}
	return i;
}

static bool batch(const char *name, u32 *pfns, enum batch_order how)
{
	struct bench_sum alloc = { 0 }, back = { 0 };
	struct page *page;
	unsigned int nr;

	for (nr = 0; nr < BATCH; nr++) {
		page = bench_alloc(&alloc, PLAIN, 0);
		if (!page)
			break;
		pfns[nr] = (u32)page_to_pfn(page).v;
	}
	for (unsigned int i = 0; i < BATCH; i++)
		if (batch_index(how, i) < nr)
			bench_free(&back, pfn_to_page(pfn_make(pfns[batch_index(how, i)])), 0);
	if (nr == BATCH)
		result_pair(name, &alloc, &back);
	return nr == BATCH;
}

int bench_batch(void)
{
	unsigned int order = fls_u64((BATCH * sizeof(u32) - 1) >> PAGE_SHIFT);
	struct page *table = alloc_pages(PLAIN, order);
	u32 *pfns = table ? page_address(table) : NULL;
	bool ok = pfns && batch("batch_inorder", pfns, IN_ORDER) &&
		  batch("batch_reversed", pfns, REVERSED) &&
		  batch("batch_shuffled", pfns, SHUFFLED);

	if (table)
		free_pages(table, order);
	return ok ? EXIT_OK : bench_no_memory("batch");
}

/* ---- order 0 in a row ------------------------------------------------------------- */

int bench_row(void)
{
	struct bench_sum alloc = { 0 }, back = { 0 };
	struct chain held = { PFN_NIL };
	u64 want = mm_total_pages() / 2;

	while (alloc.calls < want) {
		struct page *page = bench_alloc(&alloc, PLAIN, 0);

		if (!page)
			break;
		chain_add(&held, page, 0);
	}
	chain_free(&held, &back);
	if (back.calls < want)
		return bench_no_memory("row");
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
		bench_free(m, pfn_to_page(pfn_make(*slot >> 8)), (unsigned int)(*slot & 0xff));
	*slot = ~0ull;
}

static bool slot_fill(struct bench_sum *m, u64 *slot, unsigned long long r)
{
	unsigned int order = mmb_order(r);
	struct page *page = bench_alloc(m, PLAIN, order);

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
	/* The last state proves that this was the sequence. */
	return ok && state == 0x7cdfbc167dd327e6ull;
}

int bench_churn(void)
{
	unsigned int order = fls_u64((MMB_SLOTS * sizeof(u64) - 1) >> PAGE_SHIFT);
	struct page *table = alloc_pages(PLAIN, order);
	struct bench_sum alloc = { 0 }, back = { 0 };
	bool ok;

	if (!table)
		return bench_no_memory("churn");
	ok = churn(page_address(table), &alloc, &back);
	free_pages(table, order);
	if (!ok)
		return bench_no_memory("churn");
	result_pair("churn", &alloc, &back);
	return EXIT_OK;
}

/* ---- stealing ------------------------------------------------------------------------ */

/*
 * Is this frame free in the picture of the steal bench? Memory is full of movable
 * single pages; then, by pageblock, runs of 1, 2, 4 or 8 of them are given back
 * and as many kept:
 *
 *     block 0  .#.#.#.#.#.#.#.#   block 1  ..##..##..##..##   ...
 */
static bool in_gap(u64 pfn)
{
	return !(pfn >> (pfn >> PAGEBLOCK_ORDER & 3) & 1);
}

static u64 fill_with_movable(struct chain *full)
{
	struct page *page;
	u64 nr = 0;

	for (page = alloc_pages(PLAIN | __GFP_MOVABLE, 0); page; nr++) {
		chain_add(full, page, 0);
		page = alloc_pages(PLAIN | __GFP_MOVABLE, 0);
	}
	return nr;
}

static struct chain open_gaps(struct chain *full)
{
	struct chain kept = { PFN_NIL };

	for (struct page *page = chain_take(full); page; page = chain_take(full)) {
		if (in_gap(page_to_pfn(page).v))
			free_pages(page, 0);
		else
			chain_add(&kept, page, 0);
	}
	return kept;
}

/* Unmovable and reclaimable in turn, orders 3 to 0, a quarter of the gaps in all. */
static struct chain fill_gaps(struct bench_sum *m, u64 gaps)
{
	struct chain got = { PFN_NIL };

	for (u64 taken = 0, i = 0; taken < gaps / 4 && i < gaps; i++) {
		unsigned int order = 3 - (unsigned int)(i & 3);
		gfp_t gfp = PLAIN | (i & 4 ? __GFP_RECLAIMABLE : 0);
		struct page *page = bench_alloc(m, gfp, order);

		if (!page)
			continue;
		taken += 1ull << order;
		chain_add(&got, page, order);
	}
	return got;
}

int bench_steal(void)
{
	struct bench_sum whole = { 0 }, mixed = { 0 }, back = { 0 };
	struct chain full = { PFN_NIL }, kept, got;
	u64 nr;

	/* First from whole blocks, ... */
	got = fill_gaps(&whole, mm_free_pages());
	chain_free(&got, &back);
	/* ... then from what is full of holes. */
	nr = fill_with_movable(&full);
	kept = open_gaps(&full);
	got = fill_gaps(&mixed, nr / 2);
	chain_free(&got, &back);
	chain_free(&kept, &back);
	if (mixed.calls == 0)
		return bench_no_memory("steal");
	bench_result("steal_worst", max_u64(whole.worst, mixed.worst));
	bench_result("steal_mean", bench_mean(&mixed));
	bench_result("steal_worst_free", back.worst);
	return EXIT_OK;
}
