// SPDX-License-Identifier: Apache-2.0
/*
 * The mini-UART of Broadcom's BCM2835 to BCM2711 (Raspberry Pi "serial1"):
 * 8250-like registers, four bytes apart, with a FIFO of eight whose status bit
 * means "room for one more" and not "empty". Its rate follows the core clock;
 * firmware fixes both, and this driver leaves them alone.
 */
#include "rtos/dev/uart.h"
#include "rtos/dev/mmio.h"

enum {
	AUX_IO = 0x00,
	AUX_IER = 0x04,
	AUX_IIR = 0x08,
	AUX_LCR = 0x0c,
	AUX_LSR = 0x14,
	AUX_CNTL = 0x20,

	/* The receive interrupt needs bits 3:2 as well, which the manual calls
	 * unused. */
	IER_RX = 1u << 0 | 3u << 2,
	IER_TX = 1u << 1,
	LCR_8BIT = 3u << 0, /* both bits, whatever the manual says */
	LCR_DLAB = 1u << 7,
	LSR_RX_READY = 1u << 0,
	LSR_TX_ROOM = 1u << 5,
	LSR_TX_IDLE = 1u << 6,
	CNTL_RUN = 3u << 0, /* receiver, transmitter */
};

static u32 rd(const struct uart *u, unsigned int reg)
{
	return mmio_read(u->regs + reg, 4);
}

static void wr(struct uart *u, unsigned int reg, u32 val)
{
	mmio_write(u->regs + reg, 4, val);
}

static void aux_init(struct uart *u)
{
	wr(u, AUX_LCR, (rd(u, AUX_LCR) & ~(u32)LCR_DLAB) | LCR_8BIT);
	wr(u, AUX_IER, 0);
	wr(u, AUX_CNTL, rd(u, AUX_CNTL) | CNTL_RUN);
}

static bool aux_tx(struct uart *u, u8 c)
{
	if (!(rd(u, AUX_LSR) & LSR_TX_ROOM))
		return false;
	wr(u, AUX_IO, c);
	return true;
}

static bool aux_tx_idle(struct uart *u)
{
	return rd(u, AUX_LSR) & LSR_TX_IDLE;
}

static int aux_rx(struct uart *u)
{
	if (!(rd(u, AUX_LSR) & LSR_RX_READY))
		return -1;
	return (int)(rd(u, AUX_IO) & 0xff);
}

static void aux_irq_enable(struct uart *u, bool rx, bool tx)
{
	wr(u, AUX_IER, (rx ? IER_RX : 0) | (tx ? IER_TX : 0));
}

/* Both sources are levels: reading data and filling the FIFO clear them. */
static void aux_irq_ack(struct uart *u)
{
	(void)rd(u, AUX_IIR);
}

const struct uart_ops bcm2835_aux_ops = {
	.init = aux_init,
	.tx = aux_tx,
	.tx_idle = aux_tx_idle,
	.rx = aux_rx,
	.irq_enable = aux_irq_enable,
	.irq_ack = aux_irq_ack,
};
