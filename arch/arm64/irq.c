/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts between the vectors and rtos: finds the tree's controller, turns
 * `interrupts` entries into lines, serves what is pending, signals other CPUs.
 * Knows no register: a struct irqchip does, set once by the boot CPU. Nothing
 * here takes a lock.
 */
#include "arm64.h"
#include "irqchip.h"
#include "rtos/rtos.h"
#include "smp.h"

static const struct irqchip *chip;

static const struct {
	const char *compatible;
	const struct irqchip *chip;
} known[] = {
	{ "arm,gic-v3", &arm64_gicv3 },
	{ "arm,gic-400", &arm64_gicv2 },
	{ "arm,cortex-a15-gic", &arm64_gicv2 },
	{ "arm,cortex-a9-gic", &arm64_gicv2 },
	{ "arm,cortex-a7-gic", &arm64_gicv2 },
	{ "arm,pl390", &arm64_gicv2 },
	/* Last: a Pi 4 has it too, beside the GIC that serves its lines. */
	{ "brcm,bcm2836-l1-intc", &arm64_bcm2836 },
};

enum {
	CELLS_MAX = 4,
	STOP_WAIT_NS = 100 * 1000 * 1000,
};

static u64 stopped; /* (A) CPUs that obeyed IPI_STOP */

/* ---- finding the controller --------------------------------------------------- */

static const struct dt_node *find_controller(const struct irqchip **found)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(known); i++) {
		const struct dt_node *n = dt_find_compatible(0, known[i].compatible);

		*found = known[i].chip;
		if (n)
			return n;
	}
	return 0;
}

int arch_irq_init(void)
{
	const struct irqchip *found;
	const struct dt_node *node = find_controller(&found);
	char path[96];
	int err;

	if (!node) {
		pr_err("irq: the tree names no GICv2, GICv3 or BCM2836: no interrupts, one CPU");
		arm64_timer_init();
		return ERR_NODEV;
	}
	err = found->init(node);
	if (err) {
		arm64_timer_init();
		return err;
	}
	chip = found;
	dt_path(node, path, sizeof(path));
	pr_info("irq: %s at %s, %u lines", chip->name, path, chip->lines());
	arm64_timer_init();
	arch_irq_init_cpu();
	return 0;
}

bool arm64_irq_serves(unsigned int cpu)
{
	return chip && chip->serves(cpu);
}

void arch_irq_init_cpu(void)
{
	if (chip && chip->init_cpu(cpu_id()))
		arm64_timer_init_cpu();
}

void arm64_irq_leave(void)
{
	arm64_write_sysreg(cntv_ctl_el0, 0);
	if (chip)
		chip->leave_cpu(cpu_id());
}

unsigned int arch_irq_lines(void)
{
	return chip ? chip->lines() : 0;
}

const char *arch_irq_chip_name(void)
{
	return chip ? chip->name : "none";
}

void arch_irq_unmask(unsigned int irq, bool edge)
{
	BUG_ON_VAL(irq >= arch_irq_lines(), irq, arch_irq_lines());
	chip->unmask(irq, edge);
}

void arch_irq_mask(unsigned int irq)
{
	BUG_ON_VAL(irq >= arch_irq_lines(), irq, arch_irq_lines());
	chip->mask(irq);
}

enum arch_irq_kind arch_irq_kind(unsigned int irq)
{
	if (irq < IRQ_PRIVATE || irq == arch_timer_irq())
		return ARCH_IRQ_RESERVED;
	return irq < IRQ_SHARED ? ARCH_IRQ_PRIVATE : ARCH_IRQ_SHARED;
}

void arch_irq_set_cpu(unsigned int irq, unsigned int cpu)
{
	BUG_ON_VAL(irq < IRQ_SHARED || irq >= arch_irq_lines(), irq, arch_irq_lines());
	BUG_ON_VAL(cpu >= arch_cpu_count() || !chip->serves(cpu), irq, cpu);
	chip->set_cpu(irq, cpu);
}

void arch_irq_set_level(unsigned int irq, unsigned int level)
{
	BUG_ON_VAL(irq >= arch_irq_lines() || level > IRQ_LEVEL_MAX, irq, level);
	chip->set_level(irq, level);
}

void arch_irq_set_pending(unsigned int irq)
{
	BUG_ON_VAL(irq < IRQ_PRIVATE || irq >= arch_irq_lines(), irq, arch_irq_lines());
	chip->set_pending(irq);
}

/* ---- the tree's words ------------------------------------------------------------ */

const struct dt_node *arm64_irq_parent(const struct dt_node *n)
{
	u32 phandle;

	for (; n; n = n->parent)
		if (dt_u32(n, "interrupt-parent", 0, &phandle) == 0)
			return dt_find_phandle(phandle);
	return 0;
}

/* Place and width of entry `index` of interrupts-extended. */
static int find_extended(const struct dt_node *node, unsigned int index,
			 const struct dt_node **parent, u32 *at, u32 *cells)
{
	u32 phandle, cell = 0;

	for (unsigned int i = 0; dt_u32(node, "interrupts-extended", cell, &phandle) == 0; i++) {
		*parent = dt_find_phandle(phandle);
		if (!*parent || dt_u32(*parent, "#interrupt-cells", 0, cells) != 0 ||
		    *cells > CELLS_MAX)
			return ERR_INVAL;
		if (i == index) {
			*at = cell + 1;
			return 0;
		}
		cell += 1 + *cells;
	}
	return ERR_NOENT;
}

int arch_irq_from_dt(const struct dt_node *node, unsigned int index, unsigned int *irq, bool *edge)
{
	const char *prop = "interrupts";
	const struct dt_node *parent = 0;
	u32 at = 0, cells = 0, v[CELLS_MAX];
	int err;

	if (dt_has(node, "interrupts-extended")) {
		prop = "interrupts-extended";
		err = find_extended(node, index, &parent, &at, &cells);
		if (err)
			return err;
	} else {
		if (!dt_has(node, prop))
			return ERR_NOENT;
		parent = arm64_irq_parent(node);
		if (!parent || dt_u32(parent, "#interrupt-cells", 0, &cells) != 0)
			return ERR_INVAL;
		at = index * cells;
	}
	if (!chip || cells < 1 || cells > CELLS_MAX)
		return ERR_INVAL;
	for (unsigned int i = 0; i < cells; i++)
		if (dt_u32(node, prop, at + i, &v[i]) != 0)
			return ERR_NOENT;
	err = chip->translate(parent, v, cells, irq, edge);
	return err || *irq < chip->lines() ? err : ERR_INVAL;
}

/* ---- serving --------------------------------------------------------------------- */

static tm_noreturn void stop_here(void)
{
	__atomic_fetch_or(&stopped, 1ull << cpu_id(), __ATOMIC_RELEASE);
	for (;;)
		arch_wait_for_interrupt();
}

static void serve(unsigned int irq)
{
	if (irq == IPI_RESCHEDULE)
		sched_ipi();
	else if (irq == arch_timer_irq())
		arm64_timer_handle();
	else
		irq_dispatch(irq);
}

/*
 * One line an entry: what else is pending interrupts again at once, most urgent
 * first, with a switch to a more urgent task in between where one is due.
 */
void arm64_irq_handle(void)
{
	unsigned int irq;
	u32 value;

	if (!chip)
		panic("interrupt, but no controller is known");
	irq_enter();
	value = chip->ack();
	irq = irqchip_line(value);
	if (irq == IPI_STOP) {
		chip->eoi(value);
		stop_here();
	}
	if (irq < IRQ_MAX) {
		serve(irq);
		chip->eoi(value);
	}
	irq_exit();
}

void arch_idle(void)
{
	if (chip && arch_timer_irq()) {
		arch_wait_for_interrupt();
	} else if (arm64_timer_due()) {
		irq_enter();
		arm64_timer_handle();
		irq_exit();
	} else {
		arch_cpu_relax();
	}
}

/* ---- other CPUs ------------------------------------------------------------------- */

void arch_send_reschedule(unsigned int cpu)
{
	if (chip)
		chip->send(cpu, IPI_RESCHEDULE);
}

void arch_stop_others(void)
{
	u64 others = 0, start = arch_now_ns();

	if (!chip)
		return;
	/* Also one that is about to join or to go. */
	for (unsigned int cpu = 0; cpu < arch_cpu_count(); cpu++) {
		if (cpu != cpu_id() && arm64_cpu_runs(cpu)) {
			others |= 1ull << cpu;
			chip->send(cpu, IPI_STOP);
		}
	}
	while ((__atomic_load_n(&stopped, __ATOMIC_ACQUIRE) & others) != others &&
	       arch_now_ns() - start < STOP_WAIT_NS)
		arch_cpu_relax();
}
