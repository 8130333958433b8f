// SPDX-License-Identifier: Apache-2.0
/*
 * Statistics of lateness. A note costs a handful of instructions, so that the
 * periodic task can afford it; the summary sorts, which is for a task that has
 * time. No lock: the caller's.
 */
#include "control.h"

void jitter_note(struct jitter *j, u64 late_ns)
{
	u32 late = (u32)min_u64(late_ns, 4000000000u);

	j->late_ns[j->next] = late;
	j->next = (j->next + 1) % JITTER_SAMPLES;
	if (j->nr < JITTER_SAMPLES)
		j->nr++;
	if (late > j->worst)
		j->worst = late;
}

/* Shell sort with gaps n/2, n/4 ... 1: short, no recursion, fast enough. */
static void sort(u32 *v, u32 n)
{
	for (u32 gap = n / 2; gap; gap /= 2) {
		for (u32 i = gap; i < n; i++) {
			u32 moved = v[i], at = i;

			for (; at >= gap && v[at - gap] > moved; at -= gap)
				v[at] = v[at - gap];
			v[at] = moved;
		}
	}
}

struct jitter_summary jitter_summarise(struct jitter *copy)
{
	struct jitter_summary s = { .nr = copy->nr };
	u64 sum = 0;

	if (!s.nr)
		return s;
	for (u32 i = 0; i < s.nr; i++)
		sum += copy->late_ns[i];
	sort(copy->late_ns, s.nr);
	s.min = copy->late_ns[0];
	s.mean = (u32)(sum / s.nr);
	s.p99 = copy->late_ns[(s.nr * 99 + 99) / 100 - 1];
	s.max = copy->late_ns[s.nr - 1];
	return s;
}
