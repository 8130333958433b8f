/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the benches share: figures are counted in arch_count() units with the
 * cost of the measurement itself subtracted, and printed as `bench NAME VALUE`
 * lines for tools/bench.py. One task at a time runs a bench, so this has no
 * lock. For rtos/shell/bench*.c only.
 */
#ifndef RTOS_SHELL_BENCH_H
#define RTOS_SHELL_BENCH_H

#include "rtos/rtos.h"

/* Sums of one kind of call. */
struct bench_sum {
	u64 sum, worst, calls;
};

/* One stretch between two readings of arch_count(). */
void bench_add(struct bench_sum *m, u64 start, u64 end);
/* Mean, rounded; 0 when nothing was added. */
u64 bench_mean(const struct bench_sum *m);
void bench_result(const char *name, u64 value);
/* What two readings in a row differ by. */
u64 bench_empty(void);

/* `bench rtos`: the RTOS core. Exit status of the shell. */
int bench_rtos(void);

#endif
