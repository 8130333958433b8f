// SPDX-License-Identifier: Apache-2.0
/*
 * A driver, whole: the alarm of an Arm PL031 clock (QEMU's board has one). It
 * finds the device in the tree, maps its registers, takes its interrupt with a
 * hard handler that quiets it and a thread that does the rest, and sets the
 * next alarm from there, every two seconds. Where there is no such clock, or
 * its line cannot be used, the app says so and ends.
 */
#include "apps/app.h"
#include "mm/dt.h"

enum {
	RTC_DR = 0x00,
	RTC_MR = 0x04,
	RTC_IMSC = 0x10,
	RTC_ICR = 0x1c
}; /* now, alarm, mask, clear */
enum { PERIOD_S = 2, THREAD_PRIO = 20 };

static volatile u8 *regs; /* set before the line is taken */

static u32 read_reg(unsigned int reg)
{
	return *(volatile u32 *)(regs + reg);
}

static void write_reg(unsigned int reg, u32 val)
{
	*(volatile u32 *)(regs + reg) = val;
}

static enum irq_result on_alarm(unsigned int irq, void *arg)
{
	(void)irq;
	(void)arg;
	write_reg(RTC_ICR, 1); /* quiet the device first */
	return IRQ_WAKE;       /* the rest may sleep: leave it to the thread */
}

static void after_alarm(unsigned int irq, void *arg)
{
	(void)irq;
	(void)arg;
	pr_info("alarm: the clock says %u s", read_reg(RTC_DR));
	write_reg(RTC_MR, read_reg(RTC_DR) + PERIOD_S);
}

/* The clock's registers and line, from the tree. */
static int find_clock(unsigned int *irq, bool *edge)
{
	const struct dt_node *node = dt_find_compatible(NULL, "arm,pl031");
	phys_t base;
	u64 nr_bytes;
	int err;

	if (!node)
		return ERR_NODEV;
	err = dt_reg(node, 0, &base, &nr_bytes);
	if (err)
		return err;
	regs = ioremap(base, nr_bytes);
	return regs ? arch_irq_from_dt(node, 0, irq, edge) : ERR_NOMEM;
}

int app_main(void)
{
	struct irq_attr attr = {
		.name = "alarm",
		.handler = on_alarm,
		.thread = after_alarm,
		.level = IRQ_LEVEL_DEFAULT,
		.thread_prio = THREAD_PRIO,
	};
	unsigned int irq;
	int err = find_clock(&irq, &attr.edge);

	if (err)
		return err;
	write_reg(RTC_ICR, 1);
	err = irq_request(irq, &attr);
	if (err)
		return err;
	write_reg(RTC_MR, read_reg(RTC_DR) + PERIOD_S);
	write_reg(RTC_IMSC, 1);
	pr_info("alarm: line %u, every %u s", irq, PERIOD_S);
	return 0;
}
