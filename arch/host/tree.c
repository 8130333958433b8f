/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel reads of its tree on this machine: CPUs and interrupt lines.
 * Any GIC node stands for the simulated controller, whose lines are numbered
 * as the GIC's; only the console's shared line can ever be raised. The first
 * available CPU of the tree is the boot CPU.
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

static struct {
	u64 hwid;
	u32 node;
} cpu_table[MAX_CPUS];
static unsigned int nr_cpus;

static const struct dt_node *controller;
static bool unmasked[NR_LINES];
static unsigned int timer_irq;

/* ---- CPUs ------------------------------------------------------------------- */

static void add_cpu(const struct dt_node *n, u32 cells)
{
	const char *type = dt_string(n, "device_type");
	u32 len;
	const u8 *reg = dt_prop_get(n, "reg", &len);

	if (!type || strcmp(type, "cpu") != 0 || !dt_available(n))
		return;
	if (!reg || cells < 1 || cells > 2 || len != cells * sizeof(u32) || nr_cpus == MAX_CPUS) {
		pr_warn("cpus: %s: left out", n->name);
		return;
	}
	cpu_table[nr_cpus].hwid = dt_cells(reg, cells);
	(void)dt_u32(n, "numa-node-id", 0, &cpu_table[nr_cpus].node);
	nr_cpus++;
}

void arch_cpus_init(void)
{
	const struct dt_node *cpus_node = dt_find_path("/cpus");
	u32 address = 1, size;

	if (cpus_node) {
		dt_child_cells(cpus_node, &address, &size);
		for (const struct dt_node *n = cpus_node->child; n; n = n->sibling)
			add_cpu(n, address);
	}
	if (!nr_cpus) {
		pr_warn("cpus: the tree names none that is available: one");
		nr_cpus = 1;
	}
}

/* Before the tree is read there is the boot CPU. */
unsigned int arch_cpu_count(void)
{
	return nr_cpus ? nr_cpus : 1;
}

u64 arch_cpu_hwid(unsigned int cpu)
{
	BUG_ON_VAL(cpu >= arch_cpu_count(), cpu, nr_cpus);
	return cpu_table[cpu].hwid;
}

unsigned int arch_cpu_node(unsigned int cpu)
{
	BUG_ON_VAL(cpu >= arch_cpu_count(), cpu, nr_cpus);
	return cpu_table[cpu].node;
}

/* ---- interrupt lines ---------------------------------------------------------- */

static const struct dt_node *find_controller(void)
{
	static const char *const known[] = { "arm,gic-v3", "arm,gic-400", "arm,cortex-a15-gic" };
	const struct dt_node *n = NULL;

	for (unsigned int i = 0; !n && i < ARRAY_SIZE(known); i++)
		n = dt_find_compatible(NULL, known[i]);
	return n;
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

void arch_irq_unmask(unsigned int irq, bool edge)
{
	(void)edge;
	BUG_ON_VAL(irq >= NR_LINES, irq, NR_LINES);
	unmasked[irq] = true;
}

void arch_irq_mask(unsigned int irq)
{
	BUG_ON_VAL(irq >= NR_LINES, irq, NR_LINES);
	unmasked[irq] = false;
}

/* The console is the only device: its line is the only shared one in use. */
unsigned int host_irq_pending(void)
{
	if (!host_uart_line())
		return 0;
	for (unsigned int irq = FIRST_SHARED; irq < NR_LINES; irq++)
		if (unmasked[irq])
			return irq;
	return 0;
}

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
