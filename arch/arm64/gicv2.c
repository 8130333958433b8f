/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv2: one distributor, one CPU interface seen by every CPU at the same
 * address. A CPU's own bit for targets is read from its banked target
 * registers. Shared lines go to the boot CPU until told otherwise. At most eight
 * CPUs.
 */
#include "arm64.h"
#include "gic.h"
#include "mmio.h"
#include "rtos/rtos.h"

enum {
	GICC_CTLR = 0x00,
	GICC_PMR = 0x04,
	GICC_BPR = 0x08,
	GICC_IAR = 0x0c,
	GICC_EOIR = 0x10,
	CTLR_ENABLE = 1 << 0,
	CTLR_BYPASS = 0x1e0, /* the firmware's choice, kept */
	CPUS_MAX = 8,
	REG_DIST = 0,
	REG_CPU = 1,
};

static volatile u8 *dist, *cpu_if; /* set by init, then constant */
static unsigned int nr_lines;
static u8 target[MAX_CPUS]; /* written by its CPU before it is online */

/* Older ones have no word that says what they are, but other devices do not
 * keep these two. */
static bool is_gicv2(void)
{
	bool shut;

	mmio_write32(cpu_if, GICC_PMR, 0);
	shut = !(mmio_read32(cpu_if, GICC_PMR) & 0xff);
	mmio_write32(cpu_if, GICC_PMR, GIC_PRIORITY_MASK);
	mmio_write32(dist, GICD_CTLR, CTLR_ENABLE);
	return shut && mmio_read32(cpu_if, GICC_PMR) & 0xff &&
	       mmio_read32(dist, GICD_CTLR) & CTLR_ENABLE;
}

static int init(const struct dt_node *node)
{
	dist = arm64_map_regs(node, REG_DIST, PAGE_SIZE);
	cpu_if = arm64_map_regs(node, REG_CPU, PAGE_SIZE);
	if (!dist || !cpu_if || !is_gicv2()) {
		pr_err("irq: %s: reg 0 or 1 is missing, cannot be mapped, or no GICv2 answers "
		       "there",
		       node->name);
		return ERR_NODEV;
	}
	mmio_write32(dist, GICD_CTLR, 0);
	nr_lines = gic_lines(node, dist);
	gic_reset_shared(dist, nr_lines);
	mmio_write32(dist, GICD_CTLR, CTLR_ENABLE);
	return 0;
}

/* The bit that means this CPU; all four bytes of a word carry it. */
static u8 own_target(void)
{
	for (unsigned int i = 0; i < IRQ_SHARED; i += 4) {
		u32 v = mmio_read32(dist, GICD_ITARGETSR + i);

		v |= v >> 16;
		v |= v >> 8;
		if (v & 0xff)
			return (u8)v;
	}
	return 1; /* single-CPU implementations read as zero */
}

static bool serves(unsigned int cpu)
{
	return cpu < CPUS_MAX;
}

static bool init_cpu(unsigned int cpu)
{
	target[cpu] = own_target();
	if (cpu == 0)
		for (unsigned int i = IRQ_SHARED; i < nr_lines; i += 4)
			mmio_write32(dist, GICD_ITARGETSR + i, target[0] * 0x01010101u);
	gic_reset_private(dist);
	mmio_write32(cpu_if, GICC_PMR, GIC_PRIORITY_MASK);
	mmio_write32(cpu_if, GICC_BPR, 0);
	mmio_write32(cpu_if, GICC_CTLR,
		     (mmio_read32(cpu_if, GICC_CTLR) & CTLR_BYPASS) | CTLR_ENABLE);
	return true;
}

/* The firmware's group, if there is one, stays as it is. */
static void leave_cpu(unsigned int cpu)
{
	(void)cpu;
	mmio_write32(cpu_if, GICC_CTLR, mmio_read32(cpu_if, GICC_CTLR) & ~(u32)CTLR_ENABLE);
}

static unsigned int lines(void)
{
	return nr_lines;
}

static void unmask(unsigned int irq, bool edge)
{
	gic_set_trigger(dist, irq, edge);
	gic_set_bit(dist, GICD_ISENABLER, irq);
}

static void mask(unsigned int irq)
{
	gic_set_bit(dist, GICD_ICENABLER, irq);
}

/*
 * A pending edge goes along with the target by the architecture; QEMU's model
 * keeps it with the old one. So it is made pending anew, which is the same.
 */
static void set_cpu(unsigned int irq, unsigned int cpu)
{
	bool edge = mmio_read32(dist, GICD_ICFGR + irq / 16 * 4) & 2u << irq % 16 * 2;
	bool pending = mmio_read32(dist, GICD_ISPENDR + irq / 32 * 4) & 1u << irq % 32;

	mmio_write8(dist, GICD_ITARGETSR + irq, target[cpu]);
	if (edge && pending) {
		gic_set_bit(dist, GICD_ICPENDR, irq);
		gic_set_bit(dist, GICD_ISPENDR, irq);
	}
}

/* The distributor banks the private lines' registers by CPU itself. */
static void set_level(unsigned int irq, unsigned int level)
{
	gic_set_level(dist, irq, level);
}

static void set_pending(unsigned int irq)
{
	gic_set_bit(dist, GICD_ISPENDR, irq);
}

static u32 ack(void)
{
	u32 value = mmio_read32(cpu_if, GICC_IAR);

	/* What the sender of a signal stored before it is read after it. */
	__asm__ volatile("dmb sy" : : : "memory");
	return value;
}

static void eoi(u32 value)
{
	mmio_write32(cpu_if, GICC_EOIR, value);
}

static void send(unsigned int cpu, unsigned int ipi)
{
	__asm__ volatile("dsb ishst" : : : "memory");
	mmio_write32(dist, GICD_SGIR, (u32)target[cpu] << 16 | ipi);
}

const struct irqchip arm64_gicv2 = {
	.name = "GICv2",
	.init = init,
	.serves = serves,
	.init_cpu = init_cpu,
	.leave_cpu = leave_cpu,
	.lines = lines,
	.unmask = unmask,
	.mask = mask,
	.set_cpu = set_cpu,
	.set_level = set_level,
	.set_pending = set_pending,
	.translate = gic_translate,
	.ack = ack,
	.eoi = eoi,
	.send = send,
};
