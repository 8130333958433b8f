/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load averages over 1, 5 and 15 minutes, sampled every 5 s without a tick:
 * the number of active tasks is constant between two changes, so the samples
 * that fell between them are made up for at the next change or reading, n of
 * them in O(log n) steps. Guarded by sched_lock; refuses to know which tasks.
 */
#include "rtos/sched.h"

enum { LOAD_BITS = 11, LOAD_ONE = 1 << LOAD_BITS };
#define LOAD_PERIOD_NS 5000000000ull

static u32 load_avg[3]; /* (S) fixed point, LOAD_BITS */
static u64 nr_active;   /* (S) ready or running, idle tasks left out */
static u64 next_sample; /* (S) ns */

/* (f / LOAD_ONE)^n, rounded, by squaring. */
static u64 power(u64 f, u64 n)
{
	u64 r = LOAD_ONE;

	for (; n; n >>= 1) {
		if (n & 1)
			r = (r * f + LOAD_ONE / 2) >> LOAD_BITS;
		f = (f * f + LOAD_ONE / 2) >> LOAD_BITS;
	}
	return r;
}

static void catch_up(u64 now)
{
	/* e^(-5/60), e^(-5/300), e^(-5/900) times 2048 */
	static const u32 decay[3] = { 1884, 2014, 2037 };
	u64 active = nr_active << LOAD_BITS, n;
	unsigned int i;

	if (now < next_sample)
		return;
	n = (now - next_sample) / LOAD_PERIOD_NS + 1;
	for (i = 0; i < 3; i++) {
		u64 f = power(decay[i], n), avg = load_avg[i];
		/* Rounding up while rising lets a steady load reach its value. */
		u64 up = active >= avg ? LOAD_ONE - 1 : 0;

		load_avg[i] = (u32)((avg * f + active * (LOAD_ONE - f) + up) >> LOAD_BITS);
	}
	next_sample += n * LOAD_PERIOD_NS;
}

void load_start(u64 now)
{
	next_sample = now + LOAD_PERIOD_NS;
}

void load_change_locked(int delta)
{
	catch_up(time_now_ns());
	BUG_ON(delta < 0 && nr_active == 0);
	nr_active += (u64)(s64)delta;
}

void sched_loadavg(u32 avg[3])
{
	u64 flags = spin_lock_irqsave(&sched_lock);
	unsigned int i;

	catch_up(time_now_ns());
	for (i = 0; i < 3; i++)
		avg[i] = load_avg[i];
	spin_unlock_irqrestore(&sched_lock, flags);
}
