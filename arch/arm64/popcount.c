/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one routine the compiler calls behind our back: it turns counting loops
 * and __builtin_popcountll() into a call, because counting bits otherwise takes
 * an FP register. Its own library's version uses one, which traps in kernel
 * code; so that library is not linked, and a second such routine would be an
 * undefined name instead of a fault at run time.
 */
#include "rtos/lib/base.h"

int __popcountdi2(u64 v);

/* Sums of neighbouring bits, pairs, nibbles; then all bytes into the top one. */
int __popcountdi2(u64 v)
{
	v -= v >> 1 & 0x5555555555555555ull;
	v = (v & 0x3333333333333333ull) + (v >> 2 & 0x3333333333333333ull);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (int)(v * 0x0101010101010101ull >> 56);
}
