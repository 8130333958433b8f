/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for a boot loader where QEMU's own would get in the way: it
 * rewrites the memory nodes of a tree given with -dtb and refuses broken
 * blobs. QEMU's loader device puts this shim, the Image and the blob into RAM
 * and starts CPU 0 here; the words at the end are filled in by loader.py.
 * Copies `bytes` bytes from `staged` to `blob` first, for places where QEMU
 * keeps something of its own until the machine starts.
 * Registers as the boot protocol asks.
 */
	.text
	.globl	_start
_start:
	ldr	x4, image
	ldr	x0, blob
	ldr	x1, staged
	ldr	x2, bytes
	mov	x5, x0
0:	cbz	x2, 1f
	ldrb	w3, [x1], #1
	strb	w3, [x5], #1
	sub	x2, x2, #1
	b	0b
1:
	mov	x1, xzr
	mov	x2, xzr
	mov	x3, xzr
	br	x4
	.balign	8
image:	.quad	0
blob:	.quad	0
staged:	.quad	0
bytes:	.quad	0
