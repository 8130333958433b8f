// SPDX-License-Identifier: Apache-2.0
/*
 * The 8250 family: 8250, 16450, 16550 and Synopsys DesignWare APB. Register
 * spacing and access width come from the tree. The rate and line format stay
 * as firmware left them.
 *
 * An empty transmit FIFO takes a whole FIFO of bytes after one look at the
 * status, so u->room counts the places known to be free. DesignWare raises two
 * interrupts of its own that reading the usual registers does not clear; see
 * dw_irq_ack.
 */
#include "rtos/dev/uart.h"
#include "rtos/dev/mmio.h"

enum {
	REG_DATA = 0,
	REG_IER = 1,
	REG_IIR = 2, /* read */
	REG_FCR = 2, /* write */
	REG_LCR = 3,
	REG_MCR = 4,
	REG_LSR = 5,
	REG_DW_USR = 31,

	IER_RX = 1u << 0,
	IER_TX = 1u << 1,
	IIR_ID = 0x0f,
	IIR_DW_BUSY = 0x07,
	IIR_RX_TIMEOUT = 0x0c,
	IIR_FIFO = 3u << 6,
	FCR_ENABLE = 1u << 0,
	FCR_RX_LEVEL_8 = 2u << 6, /* half a FIFO; the time-out brings the rest */
	LCR_DLAB = 1u << 7,
	MCR_DTR_RTS = 3u << 0,
	MCR_OUT2 = 1u << 3, /* gates the interrupt line on PC-style boards */
	LSR_RX_READY = 1u << 0,
	LSR_TX_EMPTY = 1u << 5,
	LSR_TX_IDLE = 1u << 6,
	FIFO_DEPTH = 16, /* of a 16550A; deeper ones are not filled further */
};

static u32 rd(const struct uart *u, unsigned int reg)
{
	return mmio_read(u->regs + (reg << u->reg_shift), u->reg_width);
}

static void wr(struct uart *u, unsigned int reg, u32 val)
{
	mmio_write(u->regs + (reg << u->reg_shift), u->reg_width, val);
}

static void ns16550_init(struct uart *u)
{
	u32 lcr = rd(u, REG_LCR);

	/* DesignWare refuses this write while busy, so not without need. */
	if (lcr & LCR_DLAB)
		wr(u, REG_LCR, lcr & ~(u32)LCR_DLAB);
	wr(u, REG_IER, 0);
	wr(u, REG_FCR, FCR_ENABLE | FCR_RX_LEVEL_8);
	wr(u, REG_MCR, rd(u, REG_MCR) | MCR_DTR_RTS | MCR_OUT2);
	u->fifo = (rd(u, REG_IIR) & IIR_FIFO) == IIR_FIFO ? FIFO_DEPTH : 1;
	u->room = 0;
}

static bool ns16550_tx(struct uart *u, u8 c)
{
	if (u->room == 0) {
		if (!(rd(u, REG_LSR) & LSR_TX_EMPTY))
			return false;
		u->room = u->fifo;
	}
	wr(u, REG_DATA, c);
	u->room--;
	return true;
}

static bool ns16550_tx_idle(struct uart *u)
{
	return rd(u, REG_LSR) & LSR_TX_IDLE;
}

static int ns16550_rx(struct uart *u)
{
	if (!(rd(u, REG_LSR) & LSR_RX_READY))
		return -1;
	return (int)(rd(u, REG_DATA) & 0xff);
}

static void ns16550_irq_enable(struct uart *u, bool rx, bool tx)
{
	wr(u, REG_IER, (rx ? IER_RX : 0) | (tx ? IER_TX : 0));
}

/* Reading the identification clears a transmit interrupt. */
static void ns16550_irq_ack(struct uart *u)
{
	(void)rd(u, REG_IIR);
}

/*
 * "Busy" is raised by a line-register write at the wrong time and goes away
 * only when USR is read. A receive time-out may come with nothing in the FIFO;
 * then it stays raised until the data register is read once.
 */
static void dw_irq_ack(struct uart *u)
{
	u32 id = rd(u, REG_IIR) & IIR_ID;

	if (id == IIR_DW_BUSY)
		(void)rd(u, REG_DW_USR);
	else if (id == IIR_RX_TIMEOUT && !(rd(u, REG_LSR) & LSR_RX_READY))
		(void)rd(u, REG_DATA);
}

const struct uart_ops ns16550_ops = {
	.init = ns16550_init,
	.tx = ns16550_tx,
	.tx_idle = ns16550_tx_idle,
	.rx = ns16550_rx,
	.irq_enable = ns16550_irq_enable,
	.irq_ack = ns16550_irq_ack,
};

const struct uart_ops dw_apb_uart_ops = {
	.init = ns16550_init,
	.tx = ns16550_tx,
	.tx_idle = ns16550_tx_idle,
	.rx = ns16550_rx,
	.irq_enable = ns16550_irq_enable,
	.irq_ack = dw_irq_ack,
};
