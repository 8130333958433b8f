/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One interrupt controller, as gic.c sees it: GICv2, GICv3, later others. Line
 * numbers are the controller's own; lines below 32 belong to each CPU (0-15
 * between CPUs, 16-31 private devices), the rest are shared. A driver knows
 * its registers and where its node names them; it takes no lock. mask and
 * unmask of shared lines are called under LOCK_RANK_IRQ by rtos.
 */
#ifndef ARCH_ARM64_IRQCHIP_H
#define ARCH_ARM64_IRQCHIP_H

#include "mm/dt.h"

enum {
	IRQ_PRIVATE = 16,   /* first private line */
	IRQ_SHARED = 32,    /* first shared line */
	IRQ_MAX = 1020,     /* above it: special answers of the hardware */
	IPI_RESCHEDULE = 0, /* lines used between CPUs */
	IPI_STOP = 1,
};

struct irqchip {
	const char *name; /* as /proc/interrupts prints it */
	/* Map registers as the node names them, set up what all CPUs share.
	 * 0; or ERR_NODEV, logged with the reason. Boot CPU, once. */
	int (*init)(const struct dt_node *node);
	/* Whether it can interrupt a CPU at all; asked before it is started. */
	bool (*serves)(unsigned int cpu);
	/* Set up this CPU's part; only the lines between CPUs are open then.
	 * False, logged: this CPU cannot be interrupted. */
	bool (*init_cpu)(unsigned int cpu);
	/* This CPU powers down, masked: it takes no interrupt any more. */
	void (*leave_cpu)(unsigned int cpu);
	unsigned int (*lines)(void);
	void (*unmask)(unsigned int irq, bool edge);
	void (*mask)(unsigned int irq);
	/* Direct a shared line, which is masked, to one CPU. */
	void (*set_cpu)(unsigned int irq, unsigned int cpu);
	/* Where a line's banks are: the distributor, or what this CPU has. */
	volatile u8 *(*home)(unsigned int irq);
	/* Take the most urgent pending line. The value goes back to eoi()
	 * unchanged; irqchip_line() is its line, from IRQ_MAX on: none. */
	u32 (*ack)(void);
	void (*eoi)(u32 value);
	/* Interrupt one CPU by a line below 16, after earlier stores. Any. */
	void (*send)(unsigned int cpu, unsigned int ipi);
};

static inline unsigned int irqchip_line(u32 value)
{
	return value & 0x3ff;
}

extern const struct irqchip arm64_gicv2, arm64_gicv3;

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
unsigned int gic_lines(volatile u8 *dist);

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

/* Serve everything pending on this CPU; called by trap_irq, masked. */
void arm64_irq_handle(void);
/* Whether a controller can interrupt the CPU; false without one. Any. */
bool arm64_irq_serves(unsigned int cpu);

/* The calling CPU takes no interrupt any more: it powers down. Masked. */
void arm64_irq_leave(void);

/* ---- timer.c ---------------------------------------------------------------- */

/* Find the virtual timer's line and check its rate. Boot CPU, once, after the
 * controller. */
void arm64_timer_init(void);
/* Open it on this CPU. */
void arm64_timer_init_cpu(void);
/* The alarm of this CPU is due, whether or not its line can interrupt. Any. */
bool arm64_timer_due(void);
/* The line fired: silence it, tell rtos. Masked. */
void arm64_timer_handle(void);

#endif
