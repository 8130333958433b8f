/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated CPUs. Each is a context of this one thread; exactly one has its
 * turn. At every yield point (lock, unlock, unmask, spin, wait) the clock moves
 * on and a generator seeded by the user decides who is next, so that the order
 * of all events is a function of the seed. A CPU takes its interrupts when it
 * has its turn, at a yield point, unmasked, on the stack of what it interrupts.
 *
 * Virtual time also passes when it is read, so that a loop until a deadline
 * ends. When every CPU waits it jumps to the next alarm.
 */
#include "context.h"
#include "host.h"
#include "rtos/rtos.h"

enum {
	STEP_NS = 100, /* of one yield point */
	READ_NS = 20,  /* of reading the clock */
	SERVE_MAX = 64,
	COINS = 4, /* kinds of run: a turn ends at one yield point in 1, 2, 4 or 8 */
	EXIT_GIVEN_UP = 124,
};

/* What a process starts with: MXCSR, and above it the x87 control word. */
#define FP_CONTROL (0x37full << 32 | 0x1f80)

u64 host_now;
struct host_cpu *host_self;

static struct host_cpu cpu[MAX_CPUS];
static bool frozen; /* a panic is being reported: nobody else gets a turn */
static u64 generator, turn_mask, limit_ns;
static u64 nr_turns, order; /* how often the turn went to another CPU; a hash of who and when */

/* xorshift64*; the state is never zero. */
static u64 draw(void)
{
	generator ^= generator >> 12;
	generator ^= generator << 25;
	generator ^= generator >> 27;
	return (generator * 0x2545f4914f6cdd1dull) >> 16;
}

/* ---- interrupts ------------------------------------------------------------ */

/* Shared lines go to the boot CPU, as both GICs are set up on hardware. */
static bool pending(const struct host_cpu *c)
{
	return c->ipi || c->alarm <= host_now || (c == cpu && host_irq_pending());
}

static void serve(struct host_cpu *c)
{
	if (c->ipi) {
		c->ipi = false;
		sched_ipi();
	} else if (c->alarm <= host_now) {
		c->alarm = ARCH_TIMER_OFF; /* quiet until rtos sets the next */
		timer_interrupt();
	} else {
		irq_dispatch(host_irq_pending());
	}
}

/* irq_exit() may switch tasks: when it returns, this may be another CPU. */
static void take_interrupts(void)
{
	while (!host_self->masked && host_irqs_ready() && pending(host_self)) {
		struct host_cpu *c = host_self;

		c->masked = true;
		irq_enter();
		for (unsigned int i = 0; i < SERVE_MAX && pending(c); i++)
			serve(c);
		irq_exit();
		host_self->masked = false;
	}
}

/* ---- turns ------------------------------------------------------------------- */

static bool can_run(const struct host_cpu *c)
{
	return c->on && (!c->waiting || pending(c));
}

/* Any CPU that can run but `not`; null: none. */
static struct host_cpu *pick(const struct host_cpu * not )
{
	struct host_cpu *can[MAX_CPUS];
	unsigned int n = 0;

	for (unsigned int i = 0; i < arch_cpu_count(); i++)
		if (&cpu[i] != not &&can_run(&cpu[i]))
			can[n++] = &cpu[i];
	return n ? can[draw() % n] : NULL;
}

/* Returns when this CPU has its turn again. */
static void give_turn(struct host_cpu *to)
{
	struct host_cpu *me = host_self;

	if (to == me)
		return;
	nr_turns++;
	order = (order ^ (host_now << 6 | (u64)(to - cpu))) * 0x100000001b3ull;
	host_self = to;
	host_switch(&me->sp, to->sp);
}

static void pass_time(void)
{
	host_now += STEP_NS;
	if (limit_ns && host_now > limit_ns)
		host_exit(EXIT_GIVEN_UP, "the time limit of the machine has passed");
}

void host_yield(void)
{
	struct host_cpu *to;

	if (frozen)
		return;
	pass_time();
	if (!(draw() & turn_mask)) {
		to = pick(NULL);
		if (to)
			give_turn(to);
	}
	take_interrupts();
}

void host_relax(void)
{
	struct host_cpu *to;

	pass_time();
	if (frozen)
		return;
	to = pick(host_self);
	if (to)
		give_turn(to);
	take_interrupts();
}

/* Every CPU waits: time jumps to what happens next. */
static void pass_idle_time(void)
{
	u64 next = host_uart_event();

	for (unsigned int i = 0; i < arch_cpu_count(); i++)
		if (cpu[i].on)
			next = min_u64(next, cpu[i].alarm);
	if (host_uart_input(next))
		return;
	if (next == ARCH_TIMER_OFF)
		host_exit(-1, "nothing is left that could happen");
	host_now = max_u64(host_now, next);
	pass_time();
}

void host_wait(void)
{
	struct host_cpu *me = host_self, *to;

	if (frozen)
		host_exit(-1, NULL); /* a panic has said all it had to say */
	pass_time();
	me->waiting = true;
	while (!pending(me)) {
		to = pick(me);
		if (to)
			give_turn(to);
		else
			pass_idle_time();
	}
	me->waiting = false;
	take_interrupts();
}

void arch_idle(void)
{
	host_wait();
	/* Without a controller nobody would take the alarm. */
	if (!host_irqs_ready() && host_self->alarm <= host_now) {
		host_self->alarm = ARCH_TIMER_OFF;
		irq_enter();
		timer_interrupt();
		irq_exit();
	}
}

void host_cpus_stats(u64 *turns, u64 *hash)
{
	*turns = nr_turns;
	*hash = order;
}

bool host_panicked(void)
{
	return frozen;
}

/* ---- contexts -------------------------------------------------------------------- */

static u64 first_sp(void *stack_top, void (*entry)(void *arg), void *arg)
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
	c->sp = first_sp(stack_top, entry, arg);
}

/* Nothing traps here, and host_switch() keeps what a call preserves. */
void arch_context_set_fp(struct arch_context *c, void *place)
{
	(void)c;
	(void)place;
}

void arch_context_switch(struct arch_context *prev, struct arch_context *next)
{
	BUG_ON(!host_self->masked);
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
	cpu[i] = (struct host_cpu){ .current = idle,
				    .masked = true,
				    .on = true,
				    .alarm = ARCH_TIMER_OFF,
				    .sp = first_sp(stack_top, entry, arg) };
}

void host_cpus_run(const struct host_options *o, phys_t fdt)
{
	u64 left_behind;

	/* Neighbouring seeds must not begin alike. */
	generator = (o->seed + 1) * 0x9e3779b97f4a7c15ull;
	generator = (generator ^ generator >> 31) | 1;
	turn_mask = (1ull << (draw() % COINS)) - 1;
	limit_ns = o->limit_ns;
	power_on(0, (void *)ARCH_BOOT_STACK_TOP, boot_entry, (void *)(uintptr_t)fdt.v, &boot_task);
	host_self = &cpu[0];
	host_switch(&left_behind, cpu[0].sp);
	__builtin_unreachable();
}

/* ---- the contract of arch.h ---------------------------------------------------- */

int arch_cpu_start(unsigned int i, void *stack_top, struct task *idle)
{
	BUG_ON_VAL(i == 0 || i >= arch_cpu_count() || cpu[i].on, i, arch_cpu_count());
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
	struct host_cpu *me = host_self, *to;

	BUG_ON_VAL(!me->masked, me - cpu, 0);
	me->alarm = ARCH_TIMER_OFF;
	me->on = false;
	while (!(to = pick(me)))
		pass_idle_time();
	give_turn(to);
	__builtin_unreachable();
}

bool arch_cpu_is_off(unsigned int i)
{
	return !cpu[i].on;
}

void arch_send_reschedule(unsigned int i)
{
	if (host_irqs_ready())
		cpu[i].ipi = true;
}

void arch_stop_others(void)
{
	frozen = true;
}

void arch_timer_set_ns(u64 deadline)
{
	host_self->alarm = deadline;
}

u64 arch_now_ns(void)
{
	host_now += READ_NS;
	return host_now;
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

u32 arch_count_raw(void)
{
	return (u32)arch_ticks();
}

bool arch_count_exact(void)
{
	return false;
}
