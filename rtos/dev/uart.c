// SPDX-License-Identifier: Apache-2.0
/*
 * The table of UARTs. A board adds nothing here: its tree names one of these
 * or the kernel boots without a console and keeps its messages in the ring.
 */
#include "rtos/dev/uart.h"

static const struct uart_type uart_types[] = {
	{ "arm,pl011", "pl011", &pl011_ops, 2, 4, 6, 0x100, NULL },
	/* Every PrimeCell says so, few of them are UARTs: look at its name plate. */
	{ "arm,primecell", "pl011", &pl011_ops, 2, 4, 6, 0x1000, pl011_probe },
	{ "arm,sbsa-uart", "sbsa", &sbsa_uart_ops, 2, 4, 6, 0x100, NULL },
	{ "snps,dw-apb-uart", "dw-apb", &dw_apb_uart_ops, 0, 1, 5, 0x100, NULL },
	{ "ns16550a", "ns16550", &ns16550_ops, 0, 1, 5, 0x80, NULL },
	{ "ns16550", "ns16550", &ns16550_ops, 0, 1, 5, 0x80, NULL },
	{ "ns16450", "ns16550", &ns16550_ops, 0, 1, 5, 0x80, NULL },
	{ "ns8250", "ns16550", &ns16550_ops, 0, 1, 5, 0x80, NULL },
	{ "brcm,bcm2835-aux-uart", "bcm2835-aux", &bcm2835_aux_ops, 2, 4, 5, 0x40, NULL },
};

const struct uart_type *uart_type_find(const char *compatible)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(uart_types); i++)
		if (!strcmp(uart_types[i].compatible, compatible))
			return &uart_types[i];
	return NULL;
}

const struct uart_type *uart_type_named(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(uart_types); i++)
		if (!strcmp(uart_types[i].name, name))
			return &uart_types[i];
	return NULL;
}

int uart_bind(struct uart *u, const struct uart_type *type, volatile u8 *regs, unsigned int shift,
	      unsigned int width)
{
	if (shift > 4 || (width != 0 && width != 1 && width != 2 && width != 4))
		return ERR_INVAL;
	u->name = type->name;
	u->ops = type->ops;
	u->regs = regs;
	u->reg_shift = shift ? shift : type->reg_shift;
	u->reg_width = width ? width : type->reg_width;
	u->irq = UART_POLLED;
	if (!arch_probe_reg(regs + (type->status << u->reg_shift), u->reg_width))
		return ERR_IO;
	return type->probe && !type->probe(regs) ? ERR_NODEV : 0;
}
