/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where am I: task, atomic section or interrupt, and on which CPU. The count
 * of disables lies in the running task, so it needs no lock and travels with
 * it. Every way out of an atomic section comes past preempt_enable() or
 * irq_exit(); both look whether this CPU was asked to switch meanwhile.
 */
#include "rtos/panic.h"
#include "rtos/sched.h"

void preempt_disable(void)
{
	preempt_count_up();
}

void preempt_enable(void)
{
	preempt_count_down();
}

void preempt_pending(void)
{
	struct task *t = arch_current();
	u64 flags;

	if (t->irq_depth || panic_active())
		return; /* irq_exit() will see it; a panic never switches */
	if (arch_irqs_masked()) {
		/* Nobody looks again when the caller unmasks: an interrupt does. */
		arch_send_reschedule(t->cpu);
		return;
	}
	flags = arch_irq_save();
	sched_resched();
	arch_irq_restore(flags);
}

void irq_enter(void)
{
	arch_current()->irq_depth++;
}

/* What comes in between finds preemption off, so that it leaves the switch to us
 * and never nests any deeper. */
void sched_let_interrupts_in(struct task *t)
{
	t->preempt_count++;
	arch_irq_enable();
	(void)arch_irq_save();
	t->preempt_count--;
}

void irq_exit(void)
{
	struct task *t = arch_current();

	BUG_ON_VAL(t->irq_depth == 0, t->id, t->cpu);
	t->irq_depth--;
	if (unlikely(__atomic_load_n(&t->resched, __ATOMIC_RELAXED)) && t->irq_depth == 0 &&
	    t->preempt_count == 0) {
		/* Serving an interrupt and switching are two masked sections. */
		sched_let_interrupts_in(t);
		sched_resched();
	}
}

bool in_interrupt(void)
{
	return arch_current()->irq_depth != 0;
}

bool may_sleep(void)
{
	const struct task *t = arch_current();

	return __atomic_load_n(&sched_started, __ATOMIC_RELAXED) && !t->is_idle &&
	       !t->preempt_count && !t->irq_depth && !arch_irqs_masked();
}

unsigned int cpu_id(void)
{
	return arch_current()->cpu;
}
