// SPDX-License-Identifier: Apache-2.0
/*
 * Many pages at once, and what is in them: bulk requests, a page cleared or
 * copied, sizes that are no power of two. Measured as in bench_page.c.
 */
#include "rtos/shell/bench.h"
#include "rtos/shell/shell.h"

enum { BULK = 128, ROUNDS = 100, EXACT_BYTES = 5 * PAGE_SIZE };

static const gfp_t PLAIN = GFP_NOWAIT | __GFP_NOWARN;

static struct page *pages[BULK];

static unsigned int bulk_alloc(struct bench_sum *m)
{
	u64 flags = bench_mask();
	u64 start = arch_count();
	unsigned int nr = alloc_pages_bulk(PLAIN, BULK, pages);
	u64 end = arch_count();

	bench_unmask(flags);
	bench_add(m, start, end);
	return nr;
}

static void bulk_free(struct bench_sum *m, unsigned int nr)
{
	u64 flags = bench_mask();
	u64 start = arch_count();
	u64 end;

	free_pages_bulk(nr, pages);
	end = arch_count();
	bench_unmask(flags);
	bench_add(m, start, end);
}

int bench_bulk(void)
{
	struct bench_sum alloc = { 0 }, back = { 0 };

	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned int nr = bulk_alloc(&alloc);

		bulk_free(&back, nr);
		if (nr < BULK)
			return bench_no_memory("bulk");
	}
	bench_result("bulk_per_page", (bench_mean(&alloc) + bench_mean(&back) + BULK / 2) / BULK);
	bench_worst("bulk_per_page", &alloc, &back);
	return EXIT_OK;
}

/* ---- contents ------------------------------------------------------------------------- */

static u64 clear_cost(void *p)
{
	u64 flags = bench_mask();
	u64 start = arch_count();
	u64 end;

	clear_page(p);
	end = arch_count();
	bench_unmask(flags);
	return end - start - bench_empty();
}

static u64 copy_cost(void *to, const void *from)
{
	u64 flags = bench_mask();
	u64 start = arch_count();
	u64 end;

	copy_page(to, from);
	end = arch_count();
	bench_unmask(flags);
	return end - start - bench_empty();
}

int bench_contents(void)
{
	struct page *page = alloc_pages(PLAIN, 1);
	char *p;

	if (!page)
		return bench_no_memory("contents");
	p = page_address(page);
	bench_result("clear_page", clear_cost(p));
	bench_result("copy_page", copy_cost(p, p + PAGE_SIZE));
	free_pages(page, 1);
	return EXIT_OK;
}

/* ---- exact sizes ------------------------------------------------------------------------ */

int bench_exact(void)
{
	struct bench_sum alloc = { 0 }, back = { 0 };

	for (unsigned int i = 0; i < ROUNDS; i++) {
		u64 flags = bench_mask();
		u64 start = arch_count();
		void *p = alloc_pages_exact(EXACT_BYTES, PLAIN);
		u64 middle = arch_count(), end;

		if (p)
			free_pages_exact(p, EXACT_BYTES);
		end = arch_count();
		bench_unmask(flags);
		if (!p)
			return bench_no_memory("exact");
		bench_add(&alloc, start, middle);
		bench_add(&back, middle, end);
	}
	bench_result("exact_5_pages", bench_mean(&alloc) + bench_mean(&back));
	bench_worst("exact_5_pages", &alloc, &back);
	return EXIT_OK;
}
