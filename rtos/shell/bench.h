/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the benches share: figures are counted in arch_count() units with the
 * cost of the measurement itself subtracted, and printed as `bench NAME VALUE`
 * lines for tools/bench.py. One task at a time runs a bench, so this has no
 * lock. For rtos/shell/bench*.c only.
 */
#ifndef RTOS_SHELL_BENCH_H
#define RTOS_SHELL_BENCH_H

#include "mm/mm.h"

/* Sums of one kind of call. */
struct bench_sum {
	u64 sum, worst, calls;
};

/* One stretch between two readings of arch_count(). */
void bench_add(struct bench_sum *m, u64 start, u64 end);
/* Mean, rounded; 0 when nothing was added. */
u64 bench_mean(const struct bench_sum *m);
void bench_result(const char *name, u64 value);
/* The worst call of the two (b may be null), as `bench NAME_worst`. */
void bench_worst(const char *name, const struct bench_sum *a, const struct bench_sum *b);
/* Says so; EXIT_FAIL. */
int bench_no_memory(const char *name);
/* What two readings in a row differ by. */
u64 bench_empty(void);

/* Round each timed call; nothing with `bench NAME unmasked`. */
u64 bench_mask(void);
void bench_unmask(u64 flags);
/* One call to the page allocator, interrupts masked round it. Task, or interrupt. */
struct page *bench_alloc(struct bench_sum *m, gfp_t gfp, unsigned int order);
void bench_free(struct bench_sum *m, struct page *page, unsigned int order);

/* `bench NAME` of bench_page.c. Exit status of the shell. */
int bench_pair(void);  /* alloc + free of one block, each order; a zeroed page */
int bench_irq(void);   /* the same in a hard interrupt */
int bench_batch(void); /* many blocks, freed in order, reversed, shuffled */
int bench_row(void);   /* half of memory in single pages */
int bench_churn(void); /* the workload of tests/bench/mmb_workload.h */
int bench_steal(void); /* a type without blocks takes from the others */
int bench_lines(void); /* warm pairs for tools/lines.py to watch */
/* `bench NAME` of bench_bulk.c. */
int bench_bulk(void);     /* 128 pages in one call */
int bench_contents(void); /* clear and copy a page */
int bench_exact(void);    /* five pages in a row, freed as one */
/* `bench rtos`: the RTOS core. Exit status of the shell. */
int bench_rtos(void);

#endif
