/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The static inline parts of arch/arch.h for the simulated machine; contracts
 * stand there. Wherever real hardware could let another CPU or an interrupt
 * in between, these call the simulator (cpu.c), which decides by its seed.
 */
#ifndef ARCH_HOST_INLINE_H
#define ARCH_HOST_INLINE_H

struct host_cpu {
	struct task *current;
	bool masked; /* interrupts */
	/* Below: for arch/host/ only. */
	u32 ipi;          /* (A) somebody calls it */
	u32 event;        /* (A) threads: changes when it has a reason to look again */
	bool on, waiting; /* threads: under the machine's lock */
	u64 alarm;        /* (A) ARCH_TIMER_OFF: none */
	u64 sp;           /* turns: where it was left when another CPU got its turn */
};

/* host_self(): the simulated CPU this code runs on. */
#include "host_self.h"

/* Another CPU may get its turn; pending interrupts of this one are taken. */
void host_yield(void);
/* The same for one that spins: another CPU gets its turn if any can run. */
void host_relax(void);
void host_wait(void);

static inline u64 arch_irq_save(void)
{
	u64 flags = host_self()->masked;

	host_self()->masked = true;
	return flags;
}

static inline void arch_irq_restore(u64 flags)
{
	host_self()->masked = flags;
	if (!flags)
		host_yield();
}

static inline u64 arch_irq_save_quiet(void)
{
	return arch_irq_save();
}

static inline void arch_irq_restore_quiet(u64 flags)
{
	host_self()->masked = flags;
}

static inline void arch_irq_enable(void)
{
	host_self()->masked = false;
	host_yield();
}

static inline bool arch_irqs_masked(void)
{
	return host_self()->masked;
}

static inline bool arch_irq_was_masked(u64 flags)
{
	return flags;
}

static inline void arch_yield_point(void)
{
	host_yield();
}

static inline void arch_cpu_relax(void)
{
	host_relax();
}

static inline void arch_wait_for_interrupt(void)
{
	host_wait();
}

static inline struct task *arch_current(void)
{
	return host_self()->current;
}

static inline void arch_set_current(struct task *t)
{
	host_self()->current = t;
}

static inline void arch_undefined_instruction(void)
{
	__asm__ volatile("ud2");
}

u64 host_counter(void);

static inline u64 arch_ticks(void)
{
	return host_counter();
}

/* Nothing traps floating point here, and the compiler keeps no canary. */
static inline void arch_fp_enable(void)
{
}

static inline void arch_fp_disable(void)
{
}

static inline void arch_stack_guard_seed(u64 seed)
{
	(void)seed;
}

#endif
