/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The static inline parts of arch/arch.h for arm64; contracts stand there.
 * TPIDR_EL1 holds the current task, so that one instruction reads it and a
 * migration in between cannot make it wrong.
 */
#ifndef ARCH_ARM64_INLINE_H
#define ARCH_ARM64_INLINE_H

#include "rtos/meter.h"

/* The name may itself be a macro, for registers older assemblers do not know. */
#define arm64_string_(r) #r
#define arm64_read_sysreg(r)                                                                       \
	({                                                                                         \
		u64 v_;                                                                            \
		__asm__ volatile("mrs %0, " arm64_string_(r) : "=r"(v_));                          \
		v_;                                                                                \
	})
#define arm64_write_sysreg(r, v)                                                                   \
	__asm__ volatile("msr " arm64_string_(r) ", %0" : : "r"((u64)(v)) : "memory")

#define ARM64_DAIF_I (1u << 7)

static inline u64 arch_irq_save_quiet(void)
{
	u64 flags = arm64_read_sysreg(daif);

	__asm__ volatile("msr daifset, #2" : : : "memory");
	return flags;
}

static inline void arch_irq_restore_quiet(u64 flags)
{
	arm64_write_sysreg(daif, flags);
}

static inline u64 arch_irq_save(void)
{
	u64 flags = arch_irq_save_quiet();

	if (tm_meter && !(flags & ARM64_DAIF_I))
		meter_masked();
	return flags;
}

static inline void arch_irq_restore(u64 flags)
{
	if (tm_meter && !(flags & ARM64_DAIF_I))
		meter_unmasked();
	arch_irq_restore_quiet(flags);
}

static inline void arch_irq_enable(void)
{
	if (tm_meter)
		meter_unmasked();
	/* Without the isb a core may leave what is pending for later, and the
	 * idle loop masks again a few instructions on. */
	__asm__ volatile("msr daifclr, #2\n\tisb" : : : "memory");
}

static inline bool arch_irqs_masked(void)
{
	return arm64_read_sysreg(daif) & ARM64_DAIF_I;
}

static inline bool arch_irq_was_masked(u64 flags)
{
	return flags & (1u << 7);
}

static inline void arch_cpu_relax(void)
{
	__asm__ volatile("yield" : : : "memory");
}

extern u32 arm64_yield_on;
void arm64_yield_point(void);

static inline void arch_yield_point(void)
{
	if (tm_debug && unlikely(arm64_yield_on))
		arm64_yield_point();
}

static inline void arch_undefined_instruction(void)
{
	__asm__ volatile("udf #0");
}

static inline void arch_wait_for_interrupt(void)
{
	if (tm_meter)
		meter_unmasked();
	__asm__ volatile("dsb sy\n\twfi" : : : "memory");
	if (tm_meter)
		meter_masked();
}

static inline struct task *arch_current(void)
{
	/* Not volatile: within one task the value never changes. */
	struct task *t;

	__asm__("mrs %0, tpidr_el1" : "=r"(t));
	return t;
}

static inline void arch_set_current(struct task *t)
{
	arm64_write_sysreg(tpidr_el1, (u64)(uintptr_t)t);
}

static inline u64 arch_ticks(void)
{
	return arm64_read_sysreg(cntvct_el0);
}

static inline void arch_fp_enable(void)
{
	arm64_write_sysreg(cpacr_el1, 3u << 20);
	__asm__ volatile("isb" : : : "memory");
}

static inline void arch_fp_disable(void)
{
	arm64_write_sysreg(cpacr_el1, 0);
	__asm__ volatile("isb" : : : "memory");
}

extern u64 __stack_chk_guard;

static inline void arch_stack_guard_seed(u64 seed)
{
	u64 v = seed ^ arm64_read_sysreg(cntvct_el0) * 0x9e3779b97f4a7c15ull;

	v ^= v >> 29;
	v *= 0xbf58476d1ce4e5b9ull;
	v ^= v >> 32;
	/* A zero byte in front stops overflowing strings. */
	__stack_chk_guard = v << 8;
}

#endif
