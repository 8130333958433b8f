/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floating point that any machine can do: sums of fractions whose order, and
 * so whose rounding, is fixed. Sixteen of them are alive at a time, which is
 * more than a call preserves.
 */
#include "tests/target/fp_work.h"

#include "arch/arch.h"
#include "rtos/lib/lib.h"

enum { SUMS = 16 };

u64 fp_sums(u64 seed, u32 rounds)
{
	double sum[SUMS], total = 0, x = 1.0 + (double)(seed % 1000) / 1000;
	unsigned int i;
	u64 bits;
	u32 n;

	for (i = 0; i < SUMS; i++)
		sum[i] = x * (i + 1);
	for (n = 1; n <= rounds; n++) {
		for (i = 0; i < SUMS; i++)
			sum[i] += x / (n + i) - sum[i] * 0.25;
		arch_yield_point();
	}
	for (i = 0; i < SUMS; i++)
		total += sum[i];
	memcpy(&bits, &total, sizeof(bits));
	return bits;
}
