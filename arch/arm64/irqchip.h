/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One interrupt controller, as gic.c sees it: GICv2, GICv3, later others. Line
 * numbers are the controller's own; lines below 32 belong to each CPU (0-15
 * between CPUs, 16-31 private devices), the rest are shared. A driver knows
 * registers and nothing else: no tree, no tasks, no locks. mask, unmask and
 * configure of shared lines are called under LOCK_RANK_IRQ by rtos.
 */
#ifndef ARCH_ARM64_IRQCHIP_H
#define ARCH_ARM64_IRQCHIP_H

#include "mm/dt.h"

enum {
	IRQ_PRIVATE = 16,   /* first private line */
	IRQ_SHARED = 32,    /* first shared line */
	IRQ_MAX = 1020,     /* above it: special answers of the hardware */
	IRQ_NONE = 1023,    /* nothing pending */
	IPI_RESCHEDULE = 0, /* lines used between CPUs */
	IPI_STOP = 1,
};

struct irqchip {
	const char *name; /* as /proc/interrupts prints it */
	/* Find registers from the node, set up what all CPUs share. 0; or an
	 * error, logged. Boot CPU, once. */
	int (*init)(const struct dt_node *node);
	/* Set up this CPU's part; no line is open afterwards but those
	 * between CPUs. False, logged: this CPU cannot be interrupted. */
	bool (*init_cpu)(unsigned int cpu);
	unsigned int (*lines)(void);
	void (*unmask)(unsigned int irq, bool edge);
	void (*mask)(unsigned int irq);
	/* Take the most urgent pending line, or IRQ_NONE. The value goes back
	 * to eoi() unchanged; its line is value & 0x3ff. */
	u32 (*ack)(void);
	void (*eoi)(u32 value);
	/* Interrupt one CPU with a line below 16. Any. */
	void (*send)(unsigned int cpu, unsigned int ipi);
};

extern const struct irqchip arm64_gicv2, arm64_gicv3;

/* Serve everything pending on this CPU; called by trap_irq, masked. */
void arm64_irq_handle(void);
/* Private line of the virtual timer, for handling without a descriptor; 0
 * until timer.c has found it. */
unsigned int arm64_timer_irq(void);
/* The line fired: silence it, tell rtos. Masked. */
void arm64_timer_handle(void);
/* Open the timer of this CPU at the controller. After init_cpu. */
void arm64_timer_init(void);
void arm64_timer_init_cpu(void);

#endif
