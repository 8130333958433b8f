/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What gicv2.c and gicv3.c share: the layout of the distributor, the priorities
 * in use, and the functions of gic.c on a bank of lines, which take the address
 * of a distributor or of a redistributor's second frame. Nobody else needs it.
 */
#ifndef ARCH_ARM64_GIC_H
#define ARCH_ARM64_GIC_H

#include "irqchip.h"

/*
 * The GIC's distributor, whose banks of shared lines are the same in both
 * generations: everything off, not pending, of the default level and trigger.
 */
void gic_reset_shared(volatile u8 *dist, unsigned int nr_lines);
/* The same for the private lines, at a distributor or redistributor. */
void gic_reset_private(volatile u8 *base);
/* Trigger of a line; and the bit of a line in a bank of single bits. */
void gic_set_trigger(volatile u8 *base, unsigned int irq, bool edge);
void gic_set_bit(volatile u8 *base, unsigned int bank, unsigned int irq);
/* Priority of a line for the level 0..7. */
void gic_set_level(volatile u8 *base, unsigned int irq, unsigned int level);
/* How many lines the distributor of this node has. Boot CPU, once. */
unsigned int gic_lines(const struct dt_node *node, volatile u8 *dist);
/* The translate() of both, for the node that gic_lines() was told. */
int gic_translate(const struct dt_node *parent, const u32 *v, u32 cells, unsigned int *irq,
		  bool *edge);

/* Banks of the distributor, and of a redistributor's second frame. */
enum {
	GICD_CTLR = 0x000,
	GICD_TYPER = 0x004,
	GICD_IGROUPR = 0x080,
	GICD_ISENABLER = 0x100,
	GICD_ICENABLER = 0x180,
	GICD_ISPENDR = 0x200,
	GICD_ICPENDR = 0x280,
	GICD_ICACTIVER = 0x380,
	GICD_IPRIORITYR = 0x400,
	GICD_ITARGETSR = 0x800,
	GICD_ICFGR = 0xc00,
	GICD_SGIR = 0xf00,
	GICD_IROUTER = 0x6000,
	/*
	 * Sixteen priorities exist in either security state, lower numbers first,
	 * and the mask lets all but the last two pass: from the non-secure side
	 * numbers are squeezed into the upper half, those of lines always, the
	 * mask's only where the firmware keeps FIQs to itself. Lines of devices take eight,
	 * level 0 the last of them; what is private to a CPU, alarm and calls,
	 * comes before all devices. None interrupts another: interrupts stay
	 * masked until the end.
	 */
	GIC_PRIORITY_PRIVATE = 0x50,
	GIC_PRIORITY_LEVEL0 = 0xd0,
	GIC_PRIORITY_STEP = 0x10,
	GIC_PRIORITY_MASK = 0xf0,
};

#endif
