/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Switching between two kernel stacks. Interrupts are masked on both sides;
 * arch_set_current and the scheduler's books are the caller's. Offsets are
 * those of struct arch_context (context.h).
 */
	.text
	.globl	arch_context_switch
	.type	arch_context_switch, %function
arch_context_switch:
	stp	x19, x20, [x0, #0]
	stp	x21, x22, [x0, #16]
	stp	x23, x24, [x0, #32]
	stp	x25, x26, [x0, #48]
	stp	x27, x28, [x0, #64]
	stp	x29, x30, [x0, #80]
	mov	x9, sp
	str	x9, [x0, #96]
	ldp	x19, x20, [x1, #0]
	ldp	x21, x22, [x1, #16]
	ldp	x23, x24, [x1, #32]
	ldp	x25, x26, [x1, #48]
	ldp	x27, x28, [x1, #64]
	ldp	x29, x30, [x1, #80]
	ldr	x9, [x1, #96]
	mov	sp, x9
	ret
	.size	arch_context_switch, . - arch_context_switch

/* First code of a task: x19 its entry, x20 the argument. */
	.globl	arm64_context_start
	.type	arm64_context_start, %function
arm64_context_start:
	mov	x0, x20
	blr	x19
	brk	#0
	.size	arm64_context_start, . - arm64_context_start
