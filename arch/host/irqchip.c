/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated interrupt controller. Any GIC node of the tree stands for it
 * and its lines are numbered as the GIC's. Two things raise a line: the
 * console's UART its own, as a level, and the kernel any, by software. A raised
 * line waits while it is masked; of several the highest level comes first, then
 * the lowest number, on the CPU the line is directed to.
 */
#include "host.h"
#include "mm/dt.h"
#include "rtos/rtos.h"

enum {
	NR_LINES = 288, /* as many as QEMU's virt machine has */
	FIRST_PRIVATE = 16,
	FIRST_SHARED = 32,
	TYPE_SHARED = 0,
	TYPE_PRIVATE = 1,
	FLAG_EDGE = 3,
	TIMER_VIRTUAL = 2,
};

struct line {
	u32 unmasked; /* (A) */
	u32 raised;   /* (A) by software, until it is served */
	u32 cpu;      /* (A) */
	u32 level;    /* (A) */
};

static const struct dt_node *controller;
static unsigned int timer_irq, uart_irq;
static struct line lines[NR_LINES];
static unsigned int nr_raised; /* (A) */

static const struct dt_node *find_controller(void)
{
	static const char *const known[] = { "arm,gic-v3", "arm,gic-400", "arm,cortex-a15-gic" };
	const struct dt_node *n = NULL;

	for (unsigned int i = 0; !n && i < ARRAY_SIZE(known); i++)
		n = dt_find_compatible(NULL, known[i]);
	return n;
}

/* The node whose registers answer as the console: its line is the wire. */
static void find_uart_line(void)
{
	const struct dt_node *n;
	phys_t base;
	u64 nr_bytes;
	bool edge;

	for (n = dt_find_compatible(NULL, "arm,pl011"); n; n = dt_find_compatible(n, "arm,pl011"))
		if (dt_reg(n, 0, &base, &nr_bytes) == 0 && host_uart_is_at(base.v))
			(void)arch_irq_from_dt(n, 0, &uart_irq, &edge);
}

int arch_irq_init(void)
{
	const struct dt_node *timer = dt_find_compatible(NULL, "arm,armv8-timer");
	bool edge;

	controller = find_controller();
	if (!controller) {
		pr_err("irq: the tree names no GICv2 or GICv3: no interrupts, one CPU");
		return ERR_NODEV;
	}
	if (!timer || arch_irq_from_dt(timer, TIMER_VIRTUAL, &timer_irq, &edge) != 0) {
		pr_warn("timer: the tree names no line for it: the machine takes 27");
		timer_irq = 27;
	}
	find_uart_line();
	pr_info("irq: simulated, %d lines", NR_LINES);
	return 0;
}

void arch_irq_init_cpu(void)
{
}

bool host_irqs_ready(void)
{
	return controller;
}

unsigned int arch_timer_irq(void)
{
	return timer_irq;
}

unsigned int arch_irq_lines(void)
{
	return controller ? NR_LINES : 0;
}

const char *arch_irq_chip_name(void)
{
	return controller ? "sim" : "none";
}

enum arch_irq_kind arch_irq_kind(unsigned int irq)
{
	if (irq < FIRST_PRIVATE || irq == timer_irq)
		return ARCH_IRQ_RESERVED;
	return irq < FIRST_SHARED ? ARCH_IRQ_PRIVATE : ARCH_IRQ_SHARED;
}

/* ---- one line ------------------------------------------------------------------- */

static u32 get(const u32 *field)
{
	return __atomic_load_n(field, __ATOMIC_ACQUIRE);
}

static void set(u32 *field, u32 v)
{
	__atomic_store_n(field, v, __ATOMIC_RELEASE);
}

static struct line *line_of(unsigned int irq)
{
	BUG_ON_VAL(irq >= arch_irq_lines(), irq, arch_irq_lines());
	return &lines[irq];
}

void arch_irq_unmask(unsigned int irq, bool edge)
{
	struct line *l = line_of(irq);

	(void)edge;
	set(&l->unmasked, true);
	host_ring(&host_cpus[get(&l->cpu)]);
}

void arch_irq_mask(unsigned int irq)
{
	set(&line_of(irq)->unmasked, false);
}

void arch_irq_set_cpu(unsigned int irq, unsigned int cpu)
{
	BUG_ON_VAL(cpu >= arch_cpu_count() || get(&line_of(irq)->unmasked), irq, cpu);
	set(&line_of(irq)->cpu, cpu);
}

void arch_irq_set_level(unsigned int irq, unsigned int level)
{
	BUG_ON_VAL(level > IRQ_LEVEL_MAX || get(&line_of(irq)->unmasked), irq, level);
	set(&line_of(irq)->level, level);
}

void arch_irq_set_pending(unsigned int irq)
{
	struct line *l = line_of(irq);

	if (irq < FIRST_SHARED)
		set(&l->cpu, cpu_id());
	if (!__atomic_exchange_n(&l->raised, true, __ATOMIC_ACQ_REL))
		__atomic_add_fetch(&nr_raised, 1, __ATOMIC_ACQ_REL);
	host_ring(&host_cpus[get(&l->cpu)]);
}

/* ---- what the CPUs see -------------------------------------------------------------- */

static bool is_raised(unsigned int irq)
{
	return get(&lines[irq].raised) || (irq && irq == uart_irq && host_uart_line());
}

unsigned int host_irq_pending(unsigned int cpu)
{
	unsigned int best = 0;

	if (!get(&nr_raised) && !host_uart_line())
		return 0;
	for (unsigned int irq = FIRST_PRIVATE; irq < NR_LINES; irq++)
		if (get(&lines[irq].unmasked) && get(&lines[irq].cpu) == cpu && is_raised(irq) &&
		    (!best || get(&lines[irq].level) > get(&lines[best].level)))
			best = irq;
	return best;
}

unsigned int host_irq_take(unsigned int cpu)
{
	unsigned int irq = host_irq_pending(cpu);

	if (irq && __atomic_exchange_n(&lines[irq].raised, false, __ATOMIC_ACQ_REL))
		__atomic_sub_fetch(&nr_raised, 1, __ATOMIC_ACQ_REL);
	return irq;
}

/* ---- the tree's words ---------------------------------------------------------------- */

static const struct dt_node *interrupt_parent(const struct dt_node *n)
{
	u32 phandle;

	for (; n; n = n->parent)
		if (dt_u32(n, "interrupt-parent", 0, &phandle) == 0)
			return dt_find_phandle(phandle);
	return NULL;
}

int arch_irq_from_dt(const struct dt_node *node, unsigned int index, unsigned int *irq, bool *edge)
{
	u32 cells = 0, type, number, flags;

	if (!dt_has(node, "interrupts"))
		return ERR_NOENT;
	if (!controller || interrupt_parent(node) != controller ||
	    dt_u32(controller, "#interrupt-cells", 0, &cells) != 0 || cells < 3 || cells > 4)
		return ERR_INVAL;
	if (dt_u32(node, "interrupts", index * cells, &type) != 0 ||
	    dt_u32(node, "interrupts", index * cells + 1, &number) != 0 ||
	    dt_u32(node, "interrupts", index * cells + 2, &flags) != 0)
		return ERR_NOENT;
	if (type == TYPE_SHARED && number < NR_LINES - FIRST_SHARED)
		*irq = FIRST_SHARED + number;
	else if (type == TYPE_PRIVATE && number < FIRST_SHARED - FIRST_PRIVATE)
		*irq = FIRST_PRIVATE + number;
	else
		return ERR_INVAL;
	*edge = flags & FLAG_EDGE;
	return 0;
}
