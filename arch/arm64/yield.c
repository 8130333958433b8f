/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded interleavings: under QEMU's -icount one CPU runs at a time, and the
 * instruction `yield` lets the next one go on. At both ends of a lock a
 * generator of each CPU decides whether to execute it, so every seed makes a new
 * order of events, the same at every start. The seed also picks how often: each
 * time, or one time in 2, 4 or 8.
 *
 * A CPU's generator is touched by it alone, without a lock: an interrupt between
 * its steps comes at the same instruction in every run. Test builds only.
 */
#include "rtos/rtos.h"

u32 arm64_yield_on; /* (A) */

static u32 state[MAX_CPUS]; /* (P) */
static u32 rate_mask;       /* (I) once on */

/* Neighbouring seeds give unrelated words, never 0. */
static u32 mix(u64 v)
{
	v = (v + 0x9e3779b97f4a7c15ull) * 0xbf58476d1ce4e5b9ull;
	v = (v ^ v >> 29) * 0x94d049bb133111ebull;
	return (u32)(v >> 32) | 1;
}

void arm64_yield_point(void)
{
	u32 *s = &state[cpu_id()];

	*s ^= *s << 13;
	*s ^= *s >> 17;
	*s ^= *s << 5;
	if (!((*s >> 7) & rate_mask))
		arch_cpu_relax();
}

int arch_yield_seed(u64 seed)
{
	if (!tm_debug)
		return ERR_NOSYS;
	for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++)
		state[cpu] = mix(seed * MAX_CPUS + cpu);
	rate_mask = (1u << (mix(~seed) >> 8 & 3)) - 1;
	__atomic_store_n(&arm64_yield_on, 1, __ATOMIC_RELEASE);
	pr_info("yield_seed: %llu, one lock end in %u", (unsigned long long)seed, rate_mask + 1);
	return 0;
}
