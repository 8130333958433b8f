/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers a call preserves: all a switch has to keep, because switching is
 * a call for the task that loses the CPU. Shared with switch.S.
 */
#ifndef ARCH_ARM64_CONTEXT_H
#define ARCH_ARM64_CONTEXT_H

#include "rtos/lib/base.h"

struct arch_context {
	u64 x19_x28[10];
	u64 fp, lr;
	u64 sp;
};
_Static_assert(offsetof(struct arch_context, fp) == 80, "switch.S");
_Static_assert(offsetof(struct arch_context, sp) == 96, "switch.S");

#endif
