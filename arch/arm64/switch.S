/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Switching between two kernel stacks. Interrupts are masked on both sides;
 * arch_set_current and the scheduler's books are the caller's. Offsets are
 * those of struct arch_context (context.h).
 *
 * Floating point is open on this CPU exactly while a task runs that has a place
 * for its registers. With no such task on either side it costs three
 * instructions.
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
	ldr	x10, [x0, #104]
	ldp	x9, x11, [x1, #96]
	orr	x12, x10, x11
	cbnz	x12, switch_fp
1:	ldp	x19, x20, [x1, #0]
	ldp	x21, x22, [x1, #16]
	ldp	x23, x24, [x1, #32]
	ldp	x25, x26, [x1, #48]
	ldp	x27, x28, [x1, #64]
	ldp	x29, x30, [x1, #80]
	mov	sp, x9
	ret

.macro each_pair op, place
	\op	q0, q1, [\place, #0]
	\op	q2, q3, [\place, #32]
	\op	q4, q5, [\place, #64]
	\op	q6, q7, [\place, #96]
	\op	q8, q9, [\place, #128]
	\op	q10, q11, [\place, #160]
	\op	q12, q13, [\place, #192]
	\op	q14, q15, [\place, #224]
	\op	q16, q17, [\place, #256]
	\op	q18, q19, [\place, #288]
	\op	q20, q21, [\place, #320]
	\op	q22, q23, [\place, #352]
	\op	q24, q25, [\place, #384]
	\op	q26, q27, [\place, #416]
	\op	q28, q29, [\place, #448]
	\op	q30, q31, [\place, #480]
.endm

/* x10 place of the task that goes, x11 of the one that comes; not both null. */
switch_fp:
	cbz	x10, 2f
	each_pair stp, x10
	mrs	x12, fpsr
	mrs	x13, fpcr
	add	x10, x10, #512
	stp	x12, x13, [x10]
	cbnz	x11, 3f
	msr	cpacr_el1, xzr			/* from FP to none */
	isb
	b	1b
2:	mov	x12, #(3 << 20)			/* from none to FP */
	msr	cpacr_el1, x12
	isb
3:	each_pair ldp, x11
	add	x11, x11, #512
	ldp	x12, x13, [x11]
	msr	fpsr, x12
	msr	fpcr, x13
	b	1b
	.size	arch_context_switch, . - arch_context_switch

/* First code of a task: x19 its entry, x20 the argument. */
	.globl	arm64_context_start
	.type	arm64_context_start, %function
arm64_context_start:
	mov	x0, x20
	blr	x19
	brk	#0
	.size	arm64_context_start, . - arm64_context_start
