/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs before tools/shim.S on the virt machine with three CPUs, as firmware
 * without PSCI would: the other two are put into a pen, where they wait for the
 * one word at the end of this page. Then goes on to the shim at the address
 * at the end.
 */
	.text
	.globl	_start
_start:
	mov	x19, #1
0:	movz	x0, #0xc400, lsl #16		/* CPU_ON */
	movk	x0, #3
	mov	x1, x19
	adr	x2, pen
	mov	x3, xzr
	hvc	#0
	add	x19, x19, #1
	cmp	x19, #3
	b.lo	0b
	ldr	x4, next
	br	x4
pen:	adr	x5, pen
	and	x5, x5, #~0xfff
	ldr	x6, [x5, #0xff8]
	cbz	x6, pen
	br	x6
	.balign	8
next:	.quad	0x40180000
