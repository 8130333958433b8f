/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for a boot loader where QEMU's own would get in the way: it
 * rewrites the memory nodes of a tree given with -dtb and refuses broken
 * blobs. QEMU's loader device puts this shim, the Image and the blob into RAM
 * and starts CPU 0 here; the two addresses at the end are filled in by the
 * tests (tests/serial/loader.py). Registers as the boot protocol asks.
 */
	.text
	.globl	_start
_start:
	ldr	x4, image
	ldr	x0, blob
	mov	x1, xzr
	mov	x2, xzr
	mov	x3, xzr
	br	x4
	.balign	8
image:	.quad	0
blob:	.quad	0
