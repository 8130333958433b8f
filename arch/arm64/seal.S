/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this the Image that was built? tools/seal.py put a sum over all that lies
 * behind the header into the header; a file cut short, a sector or a bit gone
 * wrong on the way is noticed here, before any of it runs that the check does
 * not consist of. Called once by the boot CPU at its link address, caches on,
 * nothing written to the Image yet. A wrong sum is said on the UART of the hint,
 * polled and with the MMU off, and the CPU parks: a console of the tree would
 * take code that may be the damaged one. An Image without a seal (0) is not
 * checked, kernel.elf in a debugger for one.
 */
#include "arch_layout.h"
#include "pte.h"

#define HINT_TYPE 0  /* struct uart_hint, rtos/rtos.h */
#define HINT_BASE 16
#define HINT_SHIFT 24
#define UART_BIT 5   /* PL011: sender full; the others: sender empty */
#define PATIENCE 0x100000 /* readings for one character: over 100 ms at any rate */

	.section .seal.text, "ax"

/* Returns if the sum is right. Keeps x19-x21; x19 is where the Image lies. */
	.globl	check_seal
check_seal:
	adrp	x9, _image_start
	add	x9, x9, :lo12:_image_start
	ldr	x10, [x9, #ARM64_SEAL]
	cbz	x10, 2f
	adrp	x11, _file_end
	add	x11, x11, :lo12:_file_end
	add	x12, x9, #ARM64_SEALED
	mov	x13, xzr
	movz	x14, #:abs_g3:ARM64_SEAL_FACTOR
	movk	x14, #:abs_g2_nc:ARM64_SEAL_FACTOR
	movk	x14, #:abs_g1_nc:ARM64_SEAL_FACTOR
	movk	x14, #:abs_g0_nc:ARM64_SEAL_FACTOR
1:	ldp	x15, x16, [x12], #16
	madd	x13, x13, x14, x15
	madd	x13, x13, x14, x16
	cmp	x12, x11
	b.lo	1b
	cmp	x13, x10
	b.ne	damaged
2:	ret

/* On to the same code at its load address, where the identity map holds it. */
damaged:
	adr	x10, 1f
	sub	x10, x10, x9
	add	x10, x10, x19
	br	x10
1:	adr	x9, message
	/* fall through */

/* The same as below at EL1, where the MMU may be on. Runs on the identity map. */
	.globl	complain_mapped
complain_mapped:
	mrs	x10, sctlr_el1
	bic	x10, x10, #SCTLR_M
	bic	x10, x10, #SCTLR_C
	msr	sctlr_el1, x10
	isb
	/* fall through */

/*
 * Says the text at x9 on the hint's UART, if there is a hint, and parks. MMU
 * off, any level; addresses by adr alone, right wherever the Image lies.
 */
	.globl	complain
complain:
	adr	x14, _uart_hint
	ldp	w10, w11, [x14, #HINT_BASE]	/* whole words: may be misplaced */
	orr	x10, x10, x11, lsl #32
	cbz	x10, park_for_good
	/* x11: log2 of the register spacing, x12: status, x13: reading with room */
	ldr	w11, [x14, #HINT_SHIFT]
	ldrb	w14, [x14, #HINT_TYPE]
	mov	x12, #6
	mov	x13, xzr
	cmp	w14, #'p'			/* pl011 */
	b.eq	2f
	cmp	w14, #'s'			/* sbsa */
	b.eq	2f
	mov	x12, #5
	mov	x13, #(1 << UART_BIT)
	cmp	w14, #'b'			/* bcm2835-aux */
	b.ne	3f
2:	cbnz	w11, 3f
	mov	w11, #2
3:	lsl	x12, x12, x11
	add	x12, x12, x10
4:	ldrb	w14, [x9], #1
	cbz	w14, park_for_good
	mov	x16, #PATIENCE
5:	bl	read_status
	and	x15, x15, #(1 << UART_BIT)
	cmp	x15, x13
	b.eq	6f
	subs	x16, x16, #1
	b.ne	5b
6:	cmp	w11, #2
	b.eq	7f
	strb	w14, [x10]
	b	4b
7:	str	w14, [x10]
	b	4b

/* x15: the status register at x12, as wide as its spacing allows. */
read_status:
	cmp	w11, #2
	b.eq	1f
	ldrb	w15, [x12]
	ret
1:	ldr	w15, [x12]
	ret

park_for_good:
	wfe
	b	park_for_good

message:
	.ascii	"\r\ntm: panic: the Image is damaged or cut short: its checksum is wrong\r\n"
	.asciz	"tm: halted; load it again\r\n"
	.balign	4
