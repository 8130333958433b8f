/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers a call preserves: all a switch has to keep, because switching is
 * a call for the task that loses the CPU. A task that may use floating point
 * has a place for those registers besides: a call preserves half of q8-q15
 * only, but a switch at an interrupt must keep all. Shared with switch.S.
 */
#ifndef ARCH_ARM64_CONTEXT_H
#define ARCH_ARM64_CONTEXT_H

#include "arch_layout.h"
#include "rtos/lib/base.h"

struct arch_context {
	u64 x19_x28[10];
	u64 fp, lr;
	u64 sp;
	void *fp_place; /* null: floating point traps */
};
_Static_assert(offsetof(struct arch_context, fp) == 80, "switch.S");
_Static_assert(offsetof(struct arch_context, sp) == 96, "switch.S");
_Static_assert(offsetof(struct arch_context, fp_place) == 104, "switch.S loads it with sp");

/* Where switch.S keeps what, in the place. */
struct fp_registers {
	u64 q[32][2];
	u64 fpsr, fpcr;
};
_Static_assert(offsetof(struct fp_registers, fpsr) == 512, "switch.S");
_Static_assert(sizeof(struct fp_registers) == ARCH_FP_BYTES, "arch_layout.h");

#endif
