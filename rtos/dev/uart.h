/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The UART drivers as the console core finds them: one table from the strings
 * of a device tree (or of the Image's hint) to a driver. Constant; any
 * context. A driver knows registers and nothing else: no ring, no lock, no
 * task. For rtos/dev/ only.
 */
#ifndef RTOS_DEV_UART_H
#define RTOS_DEV_UART_H

#include "rtos/rtos.h"

struct uart_type {
	const char *compatible;
	const char *name; /* also the type in struct uart_hint */
	const struct uart_ops *ops;
	unsigned int reg_shift, reg_width; /* when the tree does not say */
	unsigned int status;               /* register whose reading changes nothing */
	unsigned int nr_bytes;             /* of registers to map */
	/* Null, or: do the mapped registers belong to this device? */
	bool (*probe)(const volatile u8 *regs);
};

/* By an entry of a `compatible` list; null when there is no driver. */
const struct uart_type *uart_type_find(const char *compatible);
/* By short name ("pl011"); null when there is none. */
const struct uart_type *uart_type_named(const char *name);
/*
 * Fill u for the device whose registers are mapped at regs; nothing is written
 * to it yet. shift and width as in the tree, 0 when absent. 0, ERR_IO (nothing
 * answers there), ERR_NODEV (it is another device) or ERR_INVAL (a spacing or
 * width no driver can use).
 */
int uart_bind(struct uart *u, const struct uart_type *type, volatile u8 *regs, unsigned int shift,
	      unsigned int width);

extern const struct uart_ops pl011_ops, sbsa_uart_ops;
extern const struct uart_ops ns16550_ops, dw_apb_uart_ops;
extern const struct uart_ops bcm2835_aux_ops;

/* Is this PrimeCell a PL011? */
bool pl011_probe(const volatile u8 *regs);

#endif
