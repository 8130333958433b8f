/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inline half of the arch contract where a thread plays a CPU and its task, for
 * `make host-bench`: what masks interrupts is a word of the thread, as cheap as a
 * register of a real CPU. native.c owns the variables; the fake machine of the host
 * tests does the rest.
 */
#ifndef BENCH_NATIVE_ARCH_INLINE_H
#define BENCH_NATIVE_ARCH_INLINE_H

/* Those of the fake machine, which nothing here looks at. */
extern bool fake_irqs_masked;
extern struct task *fake_current;

extern __thread bool native_masked;
extern __thread struct task *native_task;

static inline u64 arch_irq_save(void)
{
	u64 flags = native_masked;

	native_masked = true;
	__atomic_signal_fence(__ATOMIC_ACQ_REL);
	return flags;
}

static inline void arch_irq_restore(u64 flags)
{
	__atomic_signal_fence(__ATOMIC_ACQ_REL);
	native_masked = flags;
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
	native_masked = false;
}

static inline bool arch_irqs_masked(void)
{
	return native_masked;
}

static inline bool arch_irq_was_masked(u64 flags)
{
	return flags;
}

static inline void arch_cpu_relax(void)
{
	__builtin_ia32_pause();
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
	return native_task;
}

static inline void arch_set_current(struct task *t)
{
	native_task = t;
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
