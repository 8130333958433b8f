/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts between the vectors and rtos: finds the tree's controller, turns
 * `interrupts` entries into lines, serves what is pending, signals other CPUs.
 * chip and chip_node are set once by the boot CPU. What is common to the
 * distributors of both GIC generations stands at the end.
 */
#include "arm64.h"
#include "irqchip.h"
#include "mmio.h"
#include "rtos/rtos.h"
#include "smp.h"

static const struct irqchip *chip;
static const struct dt_node *chip_node;

static const struct {
	const char *compatible;
	const struct irqchip *chip;
} known[] = {
	{ "arm,gic-v3", &arm64_gicv3 },         { "arm,gic-400", &arm64_gicv2 },
	{ "arm,cortex-a15-gic", &arm64_gicv2 }, { "arm,cortex-a9-gic", &arm64_gicv2 },
	{ "arm,cortex-a7-gic", &arm64_gicv2 },  { "arm,pl390", &arm64_gicv2 },
};

enum {
	CELLS_MIN = 3,
	CELLS_MAX = 4, /* GICv3: the fourth names a CPU partition, 0 for all */
	TYPE_SHARED = 0,
	TYPE_PRIVATE = 1,
	FLAG_EDGE = 3, /* rising or falling */
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
		pr_err("irq: the tree names no GICv2 or GICv3: no interrupts, one CPU");
		arm64_timer_init();
		return ERR_NODEV;
	}
	err = found->init(node);
	if (err) {
		arm64_timer_init();
		return err;
	}
	chip = found;
	chip_node = node;
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
	mmio_write8(chip->home(irq), GICD_IPRIORITYR + irq,
		    (u8)(GIC_PRIORITY_LEVEL0 - level * GIC_PRIORITY_STEP));
}

void arch_irq_set_pending(unsigned int irq)
{
	BUG_ON_VAL(irq < IRQ_PRIVATE || irq >= arch_irq_lines(), irq, arch_irq_lines());
	gic_set_bit(chip->home(irq), GICD_ISPENDR, irq);
}

/* ---- the tree's words ------------------------------------------------------------ */

/* The controller that `interrupts` of a node refers to, or null. */
static const struct dt_node *interrupt_parent(const struct dt_node *n)
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

static int decode(u32 type, u32 number, u32 flags, unsigned int *irq, bool *edge)
{
	if (type == TYPE_SHARED && number < IRQ_MAX - IRQ_SHARED)
		*irq = IRQ_SHARED + number;
	else if (type == TYPE_PRIVATE && number < IRQ_SHARED - IRQ_PRIVATE)
		*irq = IRQ_PRIVATE + number;
	else
		return ERR_INVAL;
	*edge = flags & FLAG_EDGE;
	return *irq < arch_irq_lines() ? 0 : ERR_INVAL;
}

int arch_irq_from_dt(const struct dt_node *node, unsigned int index, unsigned int *irq, bool *edge)
{
	const char *prop = "interrupts";
	const struct dt_node *parent = 0;
	u32 at = 0, cells = 0, v[CELLS_MIN];
	int err;

	if (dt_has(node, "interrupts-extended")) {
		prop = "interrupts-extended";
		err = find_extended(node, index, &parent, &at, &cells);
		if (err)
			return err;
	} else {
		if (!dt_has(node, prop))
			return ERR_NOENT;
		parent = interrupt_parent(node);
		if (!parent || dt_u32(parent, "#interrupt-cells", 0, &cells) != 0)
			return ERR_INVAL;
		at = index * cells;
	}
	if (!chip || parent != chip_node || cells < CELLS_MIN || cells > CELLS_MAX)
		return ERR_INVAL;
	for (unsigned int i = 0; i < CELLS_MIN; i++)
		if (dt_u32(node, prop, at + i, &v[i]) != 0)
			return ERR_NOENT;
	return decode(v[0], v[1], v[2], irq, edge);
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

/* ---- both generations --------------------------------------------------------------- */

enum { PRIORITY_SHARED = GIC_PRIORITY_LEVEL0 - IRQ_LEVEL_DEFAULT * GIC_PRIORITY_STEP };

/* The same priority for the four lines of a word. */
static u32 priority_word(u32 priority)
{
	return priority * 0x01010101u;
}

unsigned int gic_lines(volatile u8 *dist)
{
	u32 blocks = (mmio_read32(dist, GICD_TYPER) & 0x1f) + 1;

	return (unsigned int)min_u64(blocks * 32, IRQ_MAX);
}

void gic_set_bit(volatile u8 *base, unsigned int bank, unsigned int irq)
{
	mmio_write32(base, bank + irq / 32 * 4, 1u << irq % 32);
}

void gic_set_trigger(volatile u8 *base, unsigned int irq, bool edge)
{
	u32 at = GICD_ICFGR + irq / 16 * 4, bit = 2u << irq % 16 * 2;
	u32 v = mmio_read32(base, at);

	mmio_write32(base, at, edge ? v | bit : v & ~bit);
}

void gic_reset_shared(volatile u8 *dist, unsigned int nr_lines)
{
	for (unsigned int i = IRQ_SHARED; i < nr_lines; i += 32) {
		mmio_write32(dist, GICD_ICENABLER + i / 8, ~0u);
		mmio_write32(dist, GICD_ICPENDR + i / 8, ~0u);
		mmio_write32(dist, GICD_ICACTIVER + i / 8, ~0u);
	}
	for (unsigned int i = IRQ_SHARED; i < nr_lines; i += 4)
		mmio_write32(dist, GICD_IPRIORITYR + i, priority_word(PRIORITY_SHARED));
	for (unsigned int i = IRQ_SHARED; i < nr_lines; i += 16)
		mmio_write32(dist, GICD_ICFGR + i / 4, 0);
}

void gic_reset_private(volatile u8 *base)
{
	mmio_write32(base, GICD_ICENABLER, 0xffff0000);
	mmio_write32(base, GICD_ICPENDR, 0xffff0000);
	mmio_write32(base, GICD_ICACTIVER, ~0u);
	for (unsigned int i = 0; i < IRQ_SHARED; i += 4)
		mmio_write32(base, GICD_IPRIORITYR + i, priority_word(GIC_PRIORITY_PRIVATE));
	mmio_write32(base, GICD_ISENABLER, 1u << IPI_RESCHEDULE | 1u << IPI_STOP);
}
