/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One interrupt controller, as irq.c sees it: GICv2, GICv3, BCM2836. Line
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
	/* Its level 0..7 among pending lines, while masked; and make it pending:
	 * of a private line always this CPU's. */
	void (*set_level)(unsigned int irq, unsigned int level);
	void (*set_pending)(unsigned int irq);
	/* The line that these cells (1 to 4) mean below `parent`. 0; ERR_INVAL:
	 * no node of this controller, or cells it does not know. */
	int (*translate)(const struct dt_node *parent, const u32 *v, u32 cells, unsigned int *irq,
			 bool *edge);
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

extern const struct irqchip arm64_gicv2, arm64_gicv3, arm64_bcm2836;

/* ---- irq.c ------------------------------------------------------------------ */

/* Serve everything pending on this CPU; called by trap_irq, masked. */
void arm64_irq_handle(void);
/* The controller that `interrupts` of a node refers to, or null. Any. */
const struct dt_node *arm64_irq_parent(const struct dt_node *n);
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
