/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exception entry and return. Every entry makes room for a frame on the
 * current stack and looks at bit 14 of SP: set in the mapped half of a stack
 * slot, clear below it. An overflowing stack is left for the emergency stack
 * of this CPU, whose top is kept in TPIDRRO_EL0 (TPIDR_EL0 and SP_EL0 serve as
 * scratch: nothing runs at EL0 with values of its own). Interrupts return, and
 * the one synchronous exception trap.c knows how to repair.
 */
#include "trap_frame.h"

.macro save_general
	stp	x0, x1, [sp, #0]
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	str	x30, [sp, #240]
	mrs	x22, elr_el1
	mrs	x23, spsr_el1
	stp	x22, x23, [sp, #TRAP_ELR]
	stp	x29, x22, [sp, #TRAP_RECORD]
	add	x29, sp, #TRAP_RECORD
.endm

/* ESR and FAR are only meaningful, and only read, for faults. */
.macro save_fault
	mrs	x24, esr_el1
	mrs	x25, far_el1
	stp	x24, x25, [sp, #TRAP_ESR]
.endm

/*
 * One of the sixteen entries. SP is tested with no register free: x0 and SP
 * are added and subtracted until each has its value back.
 */
.macro vector target
	.balign	128
	sub	sp, sp, #TRAP_SIZE
	add	sp, sp, x0
	sub	x0, sp, x0			/* x0 = SP after making room */
	tbz	x0, #14, 1f
	sub	x0, sp, x0
	sub	sp, sp, x0
	b	\target
1:	sub	x0, sp, x0
	sub	sp, sp, x0
	b	stack_overflow
.endm

	.text
	.balign	2048
	.globl	arm64_vectors
arm64_vectors:
	vector	entry_bad_mode			/* current level, SP_EL0 */
	vector	entry_bad_mode
	vector	entry_bad_mode
	vector	entry_bad_mode
	vector	entry_sync			/* current level, SP_EL1 */
	vector	entry_irq
	vector	entry_fiq
	vector	entry_serror
	.rept	8				/* lower levels: nobody lives there */
	vector	entry_bad_mode
	.endr

.macro fatal_entry name, reason
\name:
	save_general
	add	x22, sp, #TRAP_SIZE
	str	x22, [sp, #TRAP_SP]
	save_fault
	mov	x0, sp
	mov	x1, #\reason
	bl	trap_fatal
	brk	#0
.endm

	fatal_entry entry_serror, TRAP_SERROR
	fatal_entry entry_fiq, TRAP_FIQ
	fatal_entry entry_bad_mode, TRAP_BAD_MODE

stack_overflow:
	msr	tpidr_el0, x0
	add	x0, sp, #TRAP_SIZE
	msr	sp_el0, x0			/* the stack pointer that overflowed */
	mrs	x0, tpidrro_el0
	mov	sp, x0
	sub	sp, sp, #TRAP_SIZE
	mrs	x0, tpidr_el0
	save_general
	mrs	x22, sp_el0
	str	x22, [sp, #TRAP_SP]
	save_fault
	mov	x0, sp
	mov	x1, #TRAP_OVERFLOW
	bl	trap_fatal
	brk	#0

entry_sync:
	save_general
	add	x22, sp, #TRAP_SIZE
	str	x22, [sp, #TRAP_SP]
	save_fault
	mov	x0, sp
	bl	trap_sync
	b	restore_return

entry_irq:
	save_general
	msr	daifclr, #4			/* as everywhere but in a fault */
	bl	trap_irq
	msr	daifset, #4
restore_return:
	ldp	x22, x23, [sp, #TRAP_ELR]
	msr	elr_el1, x22
	msr	spsr_el1, x23
	ldp	x0, x1, [sp, #0]
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x19, [sp, #144]
	ldp	x20, x21, [sp, #160]
	ldp	x22, x23, [sp, #176]
	ldp	x24, x25, [sp, #192]
	ldp	x26, x27, [sp, #208]
	ldp	x28, x29, [sp, #224]
	ldr	x30, [sp, #240]
	add	sp, sp, #TRAP_SIZE
	eret
