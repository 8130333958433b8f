// SPDX-License-Identifier: Apache-2.0
/*
 * Leaving one stack for another, for tasks of one CPU and for turns between
 * CPUs alike. A call preserves rbx, rbp and r12 to r15; they lie on the stack
 * that is left, in the order context.h tells. Of floating point it preserves
 * the two control words (rounding, masks) and nothing else: no register is live
 * across a switch here, since tasks are only interrupted at calls.
 */
	.text

/* void host_switch(u64 *save_sp, u64 load_sp) */
	.globl host_switch
	.type host_switch, @function
host_switch:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	subq $8, %rsp
	stmxcsr (%rsp)
	fnstcw 4(%rsp)
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	ldmxcsr (%rsp)
	fldcw 4(%rsp)
	addq $8, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret
	.size host_switch, . - host_switch

/* First return of a new context: entry in r12, its argument in r13. Frame
 * pointer zero ends backtraces here. */
	.globl host_context_start
	.type host_context_start, @function
host_context_start:
	xorl %ebp, %ebp
	movq %r13, %rdi
	callq *%r12
	ud2
	.size host_context_start, . - host_context_start

	.section .note.GNU-stack, "", @progbits
