/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls to the firmware: arguments and result as in C, x4-x17 lost. The
 * instructions have labels because a tree may name a conduit the machine does
 * not have; the undefined-instruction exception is then turned into a result.
 */
	.text
	.globl	arm64_smc, arm64_smc_insn
	.type	arm64_smc, %function
arm64_smc:
arm64_smc_insn:
	smc	#0
	ret
	.size	arm64_smc, . - arm64_smc

	.globl	arm64_hvc, arm64_hvc_insn
	.type	arm64_hvc, %function
arm64_hvc:
arm64_hvc_insn:
	hvc	#0
	ret
	.size	arm64_hvc, . - arm64_hvc
