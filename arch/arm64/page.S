/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clearing and copying one page; contracts in arch/arch.h. dc zva clears a whole
 * block without reading it first: as large as DCZID_EL0 says, 64 bytes on nearly
 * all CPUs, and not at all where bit 4 prohibits it. Unrolled until the loops
 * cost next to nothing; kernel code has no vector registers.
 */
	.text

/* void arch_clear_page(void *p) */
	.globl	arch_clear_page
	.type	arch_clear_page, %function
	.balign	16
arch_clear_page:
	mrs	x1, dczid_el0
	add	x2, x0, #4096
	cmp	w1, #4
	b.ne	2f
1:	.rept	31
	dc	zva, x0
	add	x0, x0, #64
	.endr
	dc	zva, x0
	add	x0, x0, #64
	cmp	x0, x2
	b.ne	1b
	ret
2:	tbnz	w1, #4, 4f
	and	w1, w1, #15
	mov	w3, #4
	lsl	x3, x3, x1
3:	dc	zva, x0
	add	x0, x0, x3
	cmp	x0, x2
	b.lo	3b
	ret
4:	stp	xzr, xzr, [x0]
	stp	xzr, xzr, [x0, #16]
	stp	xzr, xzr, [x0, #32]
	stp	xzr, xzr, [x0, #48]
	add	x0, x0, #64
	cmp	x0, x2
	b.ne	4b
	ret
	.size	arch_clear_page, . - arch_clear_page

/* void arch_copy_page(void *to, const void *from): 512 bytes a round, addressed
 * from the middle, where offsets reach both ways, and from the last round to the
 * first, since a step of 512 is only encodable downwards. */
	.globl	arch_copy_page
	.type	arch_copy_page, %function
	.balign	16
arch_copy_page:
	sub	x2, x0, #256
	add	x0, x0, #3840
	add	x1, x1, #3840
1:	.set	at, -256
	.rept	31
	.if	at == 0
	.set	at, 16
	.endif
	ldp	x3, x4, [x1, #at]
	stp	x3, x4, [x0, #at]
	.set	at, at + 16
	.endr
	ldp	x3, x4, [x1], #-512
	stp	x3, x4, [x0], #-512
	cmp	x0, x2
	b.ne	1b
	ret
	.size	arch_copy_page, . - arch_copy_page
