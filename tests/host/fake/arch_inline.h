/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inline half of the arch contract for host tests: one thread plays one CPU,
 * interrupts are a flag, the current task an opaque pointer. fake.c owns the
 * variables and checks that nobody leaves interrupts masked.
 */
#ifndef HOST_ARCH_INLINE_H
#define HOST_ARCH_INLINE_H

extern bool fake_irqs_masked;
extern struct task *fake_current;

static inline u64 arch_irq_save(void)
{
	u64 flags = fake_irqs_masked;

	fake_irqs_masked = true;
	return flags;
}

static inline void arch_irq_restore(u64 flags)
{
	fake_irqs_masked = flags;
}

static inline u64 arch_irq_save_quiet(void)
{
	return arch_irq_save();
}

static inline void arch_irq_restore_quiet(u64 flags)
{
	arch_irq_restore(flags);
}

static inline void arch_irq_enable(void)
{
	fake_irqs_masked = false;
}

static inline bool arch_irqs_masked(void)
{
	return fake_irqs_masked;
}

static inline bool arch_irq_was_masked(u64 flags)
{
	return flags;
}

static inline void arch_cpu_relax(void)
{
}

static inline void arch_yield_point(void)
{
}

static inline void arch_undefined_instruction(void)
{
}

static inline void arch_wait_for_interrupt(void)
{
}

static inline struct task *arch_current(void)
{
	return fake_current;
}

static inline void arch_set_current(struct task *t)
{
	fake_current = t;
}

static inline u64 arch_ticks(void)
{
	return arch_now_ns();
}

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
