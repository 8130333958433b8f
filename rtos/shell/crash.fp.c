/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code with floating point for `panic fp`, which calls it from a task that may
 * not use it: compiled as *.fp.c, so that the compiler is free to.
 */
#include "rtos/shell/shell.h"

u64 crash_fp(u64 n)
{
	volatile double x = (double)n;

	return (u64)(x / 3);
}
