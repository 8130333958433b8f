/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event counters; contracts in vmstat.h. A row of lines for each CPU, so that
 * counting moves no line between CPUs. Adding is atomic because the task may be
 * moved to another CPU between choosing the row and adding, and because an
 * interrupt may count in the middle: nothing is lost, and nothing is masked.
 */
#include "mm/stat/vmstat.h"

struct event_row {
	u64 count[NR_VM_EVENTS]; /* (A) only rises */
} tm_aligned(64);

static struct event_row rows[MAX_CPUS];

void vm_events(enum vm_event e, u64 n)
{
	BUG_ON_VAL(e >= NR_VM_EVENTS, e, n);
	__atomic_fetch_add(&rows[cpu_id()].count[e], n, __ATOMIC_RELAXED);
}

void vm_event(enum vm_event e)
{
	vm_events(e, 1);
}

u64 vm_event_sum(enum vm_event e)
{
	u64 sum = 0;

	BUG_ON_VAL(e >= NR_VM_EVENTS, e, 0);
	for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++)
		sum += __atomic_load_n(&rows[cpu].count[e], __ATOMIC_RELAXED);
	return sum;
}
