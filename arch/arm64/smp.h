/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cpus.c, smp.c, psci.c and power.c share: the tree's node of each CPU, and
 * the interfaces of firmware and hardware that switch CPUs and the machine.
 */
#ifndef ARCH_ARM64_SMP_H
#define ARCH_ARM64_SMP_H

#include "mm/dt.h"

/* Node of a logical CPU; null for a boot CPU the tree does not name. Any. */
const struct dt_node *arm64_cpu_node(unsigned int cpu);
const struct dt_node *arm64_cpus_node(void);

/* ---- smp.c -------------------------------------------------------------------- */

/* The CPU has come to the kernel and not yet said that it leaves. Any. */
bool arm64_cpu_runs(unsigned int cpu);

/* ---- psci.c ------------------------------------------------------------------- */

/* Read the tree's psci node and ask the firmware for its version. Boot CPU,
 * once, after dt_unflatten(). Without a usable node the calls below fail. */
void arm64_psci_init(void);
/* Start a CPU at a physical address. 0, ERR_NOSYS (no usable PSCI), or ERR_IO
 * with the firmware's code in *code. */
int arm64_psci_cpu_on(u64 hwid, phys_t entry, u64 argument, int *code);

/* Whether the two calls below exist. */
bool arm64_psci_can_off(void);
/* The calling CPU powers down: returns the firmware's code if that refuses. */
int arm64_psci_cpu_off(void);
/* Whether the CPU of this affinity is through with that. */
bool arm64_psci_is_off(u64 hwid);
/* Switch the machine off, or reset it; returns where PSCI cannot. Any. */
void arm64_psci_system_off(void);
void arm64_psci_system_reset(void);

/* ---- power.c ------------------------------------------------------------------ */

/* Find what can switch the machine off and reset it. Boot CPU, once, after the
 * linear map and arm64_psci_init(). */
void arm64_power_init(void);

/* ---- psci_call.S ---------------------------------------------------------------- */

/* One call by smc or hvc; the result register. An instruction the machine does
 * not have gives PSCI_NOT_SUPPORTED (trap.c steps over it). */
enum { PSCI_NOT_SUPPORTED = -1 };
s64 arm64_smc(u64 function, u64 a1, u64 a2, u64 a3);
s64 arm64_hvc(u64 function, u64 a1, u64 a2, u64 a3);
/* The two instructions, for trap.c. */
extern const char arm64_smc_insn[], arm64_hvc_insn[];

#endif
