/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bool arch_probe(const void *p), bool arm64_probe_word(const volatile void *p):
 * read one byte, or one aligned 32-bit register, and survive when nothing
 * answers. The loads have labels; the abort handler sees them, skips the load
 * and the instruction after it, so that the result stays 0.
 */
	.text
	.globl	arch_probe, arm64_probe_insn
	.type	arch_probe, %function
arch_probe:
	mov	x1, x0
	mov	w0, #0
arm64_probe_insn:
	ldrb	w1, [x1]
	mov	w0, #1
	ret
	.size	arch_probe, . - arch_probe

	.globl	arm64_probe_word, arm64_probe_word_insn
	.type	arm64_probe_word, %function
arm64_probe_word:
	mov	x1, x0
	mov	w0, #0
arm64_probe_word_insn:
	ldr	w1, [x1]
	mov	w0, #1
	ret
	.size	arm64_probe_word, . - arm64_probe_word
