/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load averages over 1, 5 and 15 minutes, sampled every 5 s without a tick:
 * the number of active tasks is constant between two changes, so the samples
 * that fell between them are made up for at the next change or reading, n of
 * them in O(log n) steps. Guarded by sched_lock; refuses to know which tasks.
 */
#include "rtos/sched.h"

/* Fraction bits of a stored average, of a decay factor, and of what is shown.
 * 13 bits of tasks + 24 + 20 fit into a product of 64 bits. */
enum { AVG_BITS = 24, DECAY_BITS = 20, SHOWN_BITS = 11 };
#define DECAY_ONE (1ull << DECAY_BITS)
enum { LOAD_PERIOD_S = 5 };

static u64 load_avg[3]; /* (S) */
struct sched_load sched_load;

/* f^n, rounded, by squaring. */
static u64 power(u64 f, u64 n)
{
	u64 r = DECAY_ONE;

	for (; n; n >>= 1) {
		if (n & 1)
			r = (r * f + DECAY_ONE / 2) >> DECAY_BITS;
		f = (f * f + DECAY_ONE / 2) >> DECAY_BITS;
	}
	return r;
}

void load_catch_up(void)
{
	/* e^(-5 s / 1, 5, 15 min) * 2^20 */
	static const u32 decay[3] = { 964737, 1031245, 1042767 };
	u64 period = LOAD_PERIOD_S * arch_timer_hz(), active = sched_load.active << AVG_BITS, n;
	unsigned int i;

	n = (arch_ticks() - sched_load.next) / period + 1;
	for (i = 0; i < 3; i++) {
		u64 f = power(decay[i], n);

		load_avg[i] =
			(load_avg[i] * f + active * (DECAY_ONE - f) + DECAY_ONE / 2) >> DECAY_BITS;
	}
	sched_load.next += n * period;
}

void load_start(void)
{
	sched_load.next = arch_ticks() + LOAD_PERIOD_S * arch_timer_hz();
}

void sched_loadavg(u32 avg[3])
{
	u64 flags = sched_lock();
	unsigned int i;

	load_change_locked(0);
	for (i = 0; i < 3; i++)
		avg[i] = (u32)(load_avg[i] >> (AVG_BITS - SHOWN_BITS));
	sched_unlock(flags);
}
