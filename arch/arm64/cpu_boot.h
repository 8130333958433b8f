/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a starting CPU finds what is its own: one entry per CPU, searched by
 * affinity in head.S, filled by smp.c. State moves OFF -> ARMED (smp.c) ->
 * ARRIVED (the CPU, exclusive store) or back to OFF (smp.c after its timeout),
 * so a CPU that comes late is never given what was meant for another; it waits
 * until its own entry is armed. A CPU that powers down says LEAVING; when the
 * firmware knows it is off, whoever asks makes that OFF.
 */
#ifndef ARCH_ARM64_CPU_BOOT_H
#define ARCH_ARM64_CPU_BOOT_H

#define CPU_BOOT_OFF 0
#define CPU_BOOT_ARMED 1
#define CPU_BOOT_ARRIVED 2
#define CPU_BOOT_LEAVING 3

#define CPU_BOOT_NR 64 /* MAX_CPUS */
#define CPU_HWID_MASK 0xff00ffffff

#define CPU_BOOT_HWID 0
#define CPU_BOOT_STACK 8
#define CPU_BOOT_TASK 16
#define CPU_BOOT_EMERGENCY 24
#define CPU_BOOT_CPU 32
#define CPU_BOOT_STATE 36
#define CPU_BOOT_SIZE 40

#ifndef __ASSEMBLY__

#include "arch/arch.h"

struct cpu_boot {
	u64 hwid; /* all fields (I) while ARMED, but state (A) */
	void *stack_top;
	struct task *idle;
	void *emergency_top;
	u32 cpu;
	u32 state;
};
_Static_assert(offsetof(struct cpu_boot, hwid) == CPU_BOOT_HWID, "head.S");
_Static_assert(offsetof(struct cpu_boot, stack_top) == CPU_BOOT_STACK, "head.S");
_Static_assert(offsetof(struct cpu_boot, idle) == CPU_BOOT_TASK, "head.S");
_Static_assert(offsetof(struct cpu_boot, emergency_top) == CPU_BOOT_EMERGENCY, "head.S");
_Static_assert(offsetof(struct cpu_boot, cpu) == CPU_BOOT_CPU, "head.S");
_Static_assert(offsetof(struct cpu_boot, state) == CPU_BOOT_STATE, "head.S");
_Static_assert(sizeof(struct cpu_boot) == CPU_BOOT_SIZE, "head.S");
_Static_assert(CPU_BOOT_NR == MAX_CPUS, "head.S");

extern struct cpu_boot arm64_cpu_boot[MAX_CPUS];

/* Where firmware must start a secondary; runs at its load address. */
extern const char secondary_entry[];

#endif
#endif
