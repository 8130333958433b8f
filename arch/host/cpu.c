/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated CPUs, as far as it does not matter who decides when each of
 * them goes on (turns/ or threads/): their interrupts, the contexts of tasks,
 * and the calls of arch.h about them. A CPU takes its interrupts at yield
 * points (lock, unlock, unmask, spin, wait) when it is unmasked, on the stack
 * of what it interrupts. Fields of a CPU that others touch are atomic.
 */
#include "context.h"
#include "host.h"
#include "rtos/rtos.h"

enum { SERVE_MAX = 64 };

/* What a process starts with: MXCSR, and above it the x87 control word. */
#define FP_CONTROL (0x37full << 32 | 0x1f80)

struct host_cpu host_cpus[MAX_CPUS];
static bool panicked;     /* (A) one was or is being reported */
static u64 counter_start; /* what the counter showed when the machine was switched on */

/* ---- interrupts ------------------------------------------------------------ */

static bool alarm_is_due(const struct host_cpu *c)
{
	return __atomic_load_n(&c->alarm, __ATOMIC_RELAXED) <= host_time();
}

bool host_pending(const struct host_cpu *c)
{
	return __atomic_load_n(&c->ipi, __ATOMIC_ACQUIRE) || alarm_is_due(c) ||
	       host_irq_pending((unsigned int)(c - host_cpus));
}

static void serve(struct host_cpu *c)
{
	unsigned int irq;

	if (__atomic_exchange_n(&c->ipi, 0, __ATOMIC_ACQ_REL)) {
		sched_ipi();
	} else if (alarm_is_due(c)) {
		/* Quiet until rtos sets the next. */
		__atomic_store_n(&c->alarm, ARCH_TIMER_OFF, __ATOMIC_RELAXED);
		timer_interrupt();
	} else {
		irq = host_irq_take((unsigned int)(c - host_cpus));
		if (irq)
			irq_dispatch(irq);
	}
}

/* irq_exit() may switch tasks: when it returns, this may be another CPU. */
void host_take_interrupts(void)
{
	while (!host_self()->masked && host_irqs_ready() && host_pending(host_self())) {
		struct host_cpu *c = host_self();

		c->masked = true;
		irq_enter();
		for (unsigned int i = 0; i < SERVE_MAX && host_pending(c); i++)
			serve(c);
		irq_exit();
		host_self()->masked = false;
	}
}

void arch_idle(void)
{
	host_wait();
	/* Without a controller nobody would take the alarm. */
	if (!host_irqs_ready() && alarm_is_due(host_self())) {
		__atomic_store_n(&host_self()->alarm, ARCH_TIMER_OFF, __ATOMIC_RELAXED);
		irq_enter();
		timer_interrupt();
		irq_exit();
	}
}

/* ---- contexts -------------------------------------------------------------------- */

u64 host_first_sp(void *stack_top, void (*entry)(void *arg), void *arg)
{
	/* As host_switch() pushes: control words, r15, r14, r13, r12, rbx, rbp,
	 * return address; and two words more, so that the stack is aligned at the
	 * call. */
	u64 *sp = (u64 *)stack_top - 10;

	sp[0] = FP_CONTROL;
	sp[1] = 0;
	sp[2] = 0;
	sp[3] = (u64)(uintptr_t)arg;
	sp[4] = (u64)(uintptr_t)entry;
	sp[5] = 0;
	sp[6] = 0;
	sp[7] = (u64)(uintptr_t)host_context_start;
	sp[8] = 0;
	sp[9] = 0;
	return (u64)(uintptr_t)sp;
}

void arch_context_init(struct arch_context *c, void *stack_top, void (*entry)(void *arg), void *arg)
{
	BUG_ON_VAL(!is_aligned((u64)(uintptr_t)stack_top, 16), (uintptr_t)stack_top, 0);
	c->sp = host_first_sp(stack_top, entry, arg);
	c->fiber = host_fiber_new(stack_top);
}

/* Nothing traps here, and host_switch() keeps what a call preserves. */
void arch_context_set_fp(struct arch_context *c, void *place)
{
	(void)c;
	(void)place;
}

void arch_context_switch(struct arch_context *prev, struct arch_context *next)
{
	BUG_ON(!host_self()->masked);
	prev->fiber = host_fiber_switch(next->fiber);
	host_switch(&prev->sp, next->sp);
}

static void boot_entry(void *arg)
{
	kernel_main(phys_make((u64)(uintptr_t)arg));
}

static void secondary_entry(void *arg)
{
	secondary_main((unsigned int)(uintptr_t)arg);
}

static void power_on(unsigned int i, void *stack_top, void (*entry)(void *arg), void *arg,
		     struct task *idle)
{
	host_cpus[i] = (struct host_cpu){ .current = idle,
					  .masked = true,
					  .alarm = ARCH_TIMER_OFF,
					  .sp = host_first_sp(stack_top, entry, arg) };
	host_cpu_begin(&host_cpus[i], stack_top);
}

void host_cpus_run(const struct host_options *o, phys_t fdt)
{
	host_order_init(o);
	counter_start = o->clock;
	power_on(0, (void *)ARCH_BOOT_STACK_TOP, boot_entry, (void *)(uintptr_t)fdt.v, &boot_task);
	__builtin_unreachable();
}

/* ---- the contract of arch.h ---------------------------------------------------- */

int arch_cpu_start(unsigned int i, void *stack_top, struct task *idle)
{
	BUG_ON_VAL(i == 0 || i >= arch_cpu_count() || host_cpus[i].on, i, arch_cpu_count());
	if (!host_irqs_ready())
		return ERR_NODEV;
	power_on(i, stack_top, secondary_entry, (void *)(uintptr_t)i, idle);
	return 0;
}

int arch_cpu_can_off(unsigned int i)
{
	return i && i < arch_cpu_count() ? 0 : ERR_NOSYS;
}

void arch_cpu_off(void)
{
	struct host_cpu *me = host_self();

	BUG_ON_VAL(!me->masked, me - host_cpus, 0);
	__atomic_store_n(&me->alarm, ARCH_TIMER_OFF, __ATOMIC_RELAXED);
	host_cpu_end(me);
}

bool arch_cpu_is_off(unsigned int i)
{
	return !__atomic_load_n(&host_cpus[i].on, __ATOMIC_ACQUIRE);
}

void arch_send_reschedule(unsigned int i)
{
	if (!host_irqs_ready())
		return;
	__atomic_store_n(&host_cpus[i].ipi, 1, __ATOMIC_RELEASE);
	host_ring(&host_cpus[i]);
}

void arch_stop_others(void)
{
	__atomic_store_n(&panicked, true, __ATOMIC_RELAXED);
	host_freeze();
}

bool host_panicked(void)
{
	return __atomic_load_n(&panicked, __ATOMIC_RELAXED);
}

void arch_timer_set_ns(u64 deadline)
{
	__atomic_store_n(&host_self()->alarm, deadline, __ATOMIC_RELAXED);
}

u64 host_counter(void)
{
	return counter_start + host_time();
}

/* Since the machine was switched on: the counter may begin anywhere, and wrap. */
u64 arch_now_ns(void)
{
	host_time_read();
	return host_counter() - counter_start;
}

u64 arch_ticks_to_ns(u64 ticks)
{
	return ticks;
}

u64 arch_timer_hz(void)
{
	return 1000000000;
}

/* Nothing counts instructions here: virtual time is the measure. */
u64 arch_count(void)
{
	return arch_now_ns();
}

/* --seed has decided. */
int arch_yield_seed(u64 seed)
{
	(void)seed;
	return ERR_NOSYS;
}

u32 arch_count_raw(void)
{
	return (u32)arch_ticks();
}

bool arch_count_exact(void)
{
	return false;
}
