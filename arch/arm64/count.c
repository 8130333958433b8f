/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting work. Event 0x08 (instructions retired) in event counter 0 where
 * the PMU has it, else its cycle counter, else the clock. Event counters have
 * 32 bits: each CPU extends its own when it is read, so two reads must not be
 * more than 2^32 events apart. Exact means: a known stretch of code was
 * measured at boot and gave precisely its length.
 */
#include "arm64.h"
#include "rtos/rtos.h"

enum {
	EVENT_INST_RETIRED = 0x08,
	PMCR_E = 1 << 0,  /* all counters run */
	PMCR_P = 1 << 1,  /* event counters to zero */
	PMCR_C = 1 << 2,  /* cycle counter to zero */
	PMCR_LC = 1 << 6, /* cycle counter has 64 bits */
	COUNTER_EVENT0 = 1 << 0,
	PROBE_LENGTH = 64, /* instructions between the probe's two reads */
};
#define COUNTER_CYCLE (1u << 31)

enum source { SOURCE_CLOCK, SOURCE_CYCLES, SOURCE_EVENT };

static enum source source; /* boot CPU before others run, then constant */
static bool exact;

/* Of each CPU, touched by it alone with interrupts masked. */
static u32 last[MAX_CPUS];
static u64 high[MAX_CPUS];

static bool pmu_present(void)
{
	u64 version = arm64_read_sysreg(id_aa64dfr0_el1) >> 8 & 15;

	return version != 0 && version != 15;
}

static bool has_event(void)
{
	return (arm64_read_sysreg(pmcr_el0) >> 11 & 31) != 0 &&
	       (arm64_read_sysreg(pmceid0_el0) >> EVENT_INST_RETIRED & 1);
}

static u32 read_event0(void)
{
	__asm__ volatile("isb" : : : "memory");
	return (u32)arm64_read_sysreg(pmevcntr0_el0);
}

/* Events over a stretch of PROBE_LENGTH more instructions than an empty one. */
static u32 probe(void)
{
	u64 a, b, c;

	__asm__ volatile("isb\n\tmrs %0, pmevcntr0_el0\n\t"
			 "isb\n\tmrs %1, pmevcntr0_el0\n\t"
			 ".rept %c3\n\tnop\n\t.endr\n\t"
			 "isb\n\tmrs %2, pmevcntr0_el0"
			 : "=&r"(a), "=&r"(b), "=&r"(c)
			 : "i"(PROBE_LENGTH));
	return (u32)(c - b) - (u32)(b - a);
}

void arm64_count_init_cpu(void)
{
	unsigned int cpu = cpu_id();

	if (!pmu_present())
		return;
	/* A CPU that comes back counts on from where it was. */
	high[cpu] += last[cpu];
	last[cpu] = 0;
	arm64_write_sysreg(pmuserenr_el0, 0);
	arm64_write_sysreg(pmcntenclr_el0, ~0u);
	arm64_write_sysreg(pmintenclr_el1, ~0u);
	arm64_write_sysreg(pmevtyper0_el0, EVENT_INST_RETIRED);
	arm64_write_sysreg(pmccfiltr_el0, 0);
	arm64_write_sysreg(pmcr_el0, PMCR_E | PMCR_P | PMCR_C | PMCR_LC);
	arm64_write_sysreg(pmcntenset_el0, COUNTER_CYCLE | COUNTER_EVENT0);
	__asm__ volatile("isb" : : : "memory");
}

void arm64_count_init(void)
{
	arm64_count_init_cpu();
	if (!pmu_present())
		return;
	source = has_event() ? SOURCE_EVENT : SOURCE_CYCLES;
	exact = source == SOURCE_EVENT && probe() == PROBE_LENGTH;
}

u64 arch_count(void)
{
	u64 flags, v;
	unsigned int cpu;
	u32 now;

	if (source == SOURCE_CLOCK)
		return arch_now_ns();
	if (source == SOURCE_CYCLES)
		return arm64_read_sysreg(pmccntr_el0);
	flags = arch_irq_save_quiet();
	cpu = cpu_id();
	now = read_event0();
	if (now < last[cpu])
		high[cpu] += 1ull << 32;
	last[cpu] = now;
	v = high[cpu] + now;
	arch_irq_restore_quiet(flags);
	return v;
}

u32 arch_count_raw(void)
{
	return exact ? read_event0() : (u32)arch_ticks();
}

bool arch_count_exact(void)
{
	return exact;
}
