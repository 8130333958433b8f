/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work with floating point for the suites: the bodies stand in files that are
 * compiled for it (*.fp.c) and may only be called by tasks with TASK_FP. What
 * goes in and out are integers, because their callers may be ordinary code.
 */
#ifndef TESTS_TARGET_FP_WORK_H
#define TESTS_TARGET_FP_WORK_H

#include "rtos/lib/base.h"

/*
 * Sixteen running sums kept alive over `rounds` rounds, with a place where
 * others may run in each. The bits of the total: the same for the same seed,
 * whoever came in between.
 */
u64 fp_sums(u64 seed, u32 rounds);

/* ---- arch_fp.fp.c: arm64 only -------------------------------------------------- */

/*
 * Put patterns made from seed into q0-q31, FPCR (rounding) and FPSR (flags),
 * keep the CPU busy, and look. Result: registers that changed.
 */
u32 arch_fp_hold(u64 seed, u64 busy_loops);
/* Registers that are not zero on entry. */
u32 arch_fp_dirty(void);

#endif
