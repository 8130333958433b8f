/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first context of a task: a switch to it returns into
 * arm64_context_start, which calls the entry. Frame pointer zero ends
 * backtraces there.
 */
#include "arch/arch.h"
#include "context.h"
#include "rtos/lib/lib.h"

extern const char arm64_context_start[];

void arch_context_init(struct arch_context *c, void *stack_top, void (*entry)(void *arg), void *arg)
{
	BUG_ON_VAL(!is_aligned((u64)(uintptr_t)stack_top, 16), (uintptr_t)stack_top, 0);
	*c = (struct arch_context){
		.x19_x28 = { (u64)(uintptr_t)entry, (u64)(uintptr_t)arg },
		.lr = (u64)(uintptr_t)arm64_context_start,
		.sp = (u64)(uintptr_t)stack_top,
	};
}

void arch_context_set_fp(struct arch_context *c, void *place)
{
	BUG_ON_VAL(!is_aligned((u64)(uintptr_t)place, 16), (uintptr_t)place, 0);
	/* Round to nearest, no flags, nothing of another task in the registers. */
	memset(place, 0, ARCH_FP_BYTES);
	c->fp_place = place;
}
