/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at memory or registers that may not be there. The abort handler
 * knows these instructions by their labels: an abort between start and end
 * continues at end with the result 0.
 */
	.text
	.globl	arm64_probe_start, arm64_probe_end
arm64_probe_start:

/* bool arch_probe(const void *p): read one byte. */
	.globl	arch_probe
	.type	arch_probe, %function
arch_probe:
	ldrb	w1, [x0]
	mov	w0, #1
	ret
	.size	arch_probe, . - arch_probe

/* bool arm64_probe_word(const volatile void *p): read one 32-bit register. */
	.globl	arm64_probe_word
	.type	arm64_probe_word, %function
arm64_probe_word:
	ldr	w1, [x0]
	mov	w0, #1
	ret
	.size	arm64_probe_word, . - arm64_probe_word

/* bool arch_probe_reg(const volatile void *p, unsigned int width). */
	.globl	arch_probe_reg
	.type	arch_probe_reg, %function
arch_probe_reg:
	cmp	w1, #4
	b.eq	arm64_probe_word
	b	arch_probe
	.size	arch_probe_reg, . - arch_probe_reg

/*
 * bool arch_probe_ram(void *p): what is written must come back, from beyond
 * the caches, or else it is no memory. The old value is put back.
 */
	.globl	arch_probe_ram
	.type	arch_probe_ram, %function
arch_probe_ram:
	ldr	x1, [x0]
	mvn	x2, x1
	str	x2, [x0]
	dc	civac, x0
	dsb	sy
	ldr	x3, [x0]
	str	x1, [x0]
	dc	civac, x0
	dsb	sy
	cmp	x3, x2
	cset	w0, eq
arm64_probe_end:
	ret
	.size	arch_probe_ram, . - arch_probe_ram
