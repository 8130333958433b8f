/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A task that does not run: its stack pointer, first. What a call preserves on x86-64
 * lies on the stack below it, as switch.S pushed it: the control words of
 * floating point, r15, r14, r13, r12, rbx, rbp, return address.
 */
#ifndef ARCH_HOST_CONTEXT_H
#define ARCH_HOST_CONTEXT_H

#include "rtos/lib/base.h"

struct arch_context {
	u64 sp;
	void *fiber; /* threads: what the thread sanitizer knows it by */
};

#endif
