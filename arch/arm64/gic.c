// SPDX-License-Identifier: Apache-2.0
/*
 * What both generations of the GIC share: the words by which a tree names their
 * lines, and the distributor's banks of shared lines, which a redistributor
 * repeats for the private ones. gic_node and its number of lines are set once
 * by the boot CPU. Takes no lock; registers of single bits need none.
 */
#include "gic.h"
#include "mmio.h"
#include "rtos/rtos.h"

enum {
	PRIORITY_SHARED = GIC_PRIORITY_LEVEL0 - IRQ_LEVEL_DEFAULT * GIC_PRIORITY_STEP,
	CELLS_MIN = 3, /* a fourth names a CPU partition, 0 for all */
	TYPE_SHARED = 0,
	TYPE_PRIVATE = 1,
	FLAG_EDGE = 3, /* rising or falling */
};

static const struct dt_node *gic_node;

int gic_translate(const struct dt_node *parent, const u32 *v, u32 cells, unsigned int *irq,
		  bool *edge)
{
	if (parent != gic_node || cells < CELLS_MIN)
		return ERR_INVAL;
	if (v[0] == TYPE_SHARED && v[1] < IRQ_MAX - IRQ_SHARED)
		*irq = IRQ_SHARED + v[1];
	else if (v[0] == TYPE_PRIVATE && v[1] < IRQ_SHARED - IRQ_PRIVATE)
		*irq = IRQ_PRIVATE + v[1];
	else
		return ERR_INVAL;
	*edge = v[2] & FLAG_EDGE;
	return 0;
}

/* The same priority for the four lines of a word. */
static u32 priority_word(u32 priority)
{
	return priority * 0x01010101u;
}

unsigned int gic_lines(const struct dt_node *node, volatile u8 *dist)
{
	u32 blocks = (mmio_read32(dist, GICD_TYPER) & 0x1f) + 1;

	gic_node = node;
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

void gic_set_level(volatile u8 *base, unsigned int irq, unsigned int level)
{
	mmio_write8(base, GICD_IPRIORITYR + irq,
		    (u8)(GIC_PRIORITY_LEVEL0 - level * GIC_PRIORITY_STEP));
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
