/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs before shim.S on the virt machine: gives the pci-serial card in slot 1
 * its I/O ports, as firmware would, so that an ordinary 16550A answers at
 * 0x3eff1000. Then goes on to the shim at the address at the end.
 */
	.text
	.globl	_start
_start:
	ldr	x0, slot1
	mov	w1, #0x1001			/* BAR 0: ports from 0x1000 */
	str	w1, [x0, #0x10]
	mov	w1, #1				/* command: decode I/O */
	strh	w1, [x0, #4]
	ldr	x4, next
	br	x4
	.balign	8
slot1:	.quad	0x4010008000			/* configuration space, slot 1 */
next:	.quad	0x40180000
