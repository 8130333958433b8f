// SPDX-License-Identifier: Apache-2.0
/*
 * Arm PrimeCell PL011, and the subset of it that SBSA calls the generic UART
 * (no rate, line or enable registers). All registers are taken as 32 bit,
 * which every implementation accepts.
 *
 * The transmit interrupt tells that the FIFO has *drained past* a level, so it
 * never comes for a FIFO that was not filled first: the console core always
 * pushes bytes before it waits for one. The receive interrupts are cleared by
 * reading the data, never through the clear register: a byte that arrives
 * between the last read and the clear would be left without an interrupt.
 */
#include "rtos/dev/uart.h"
#include "rtos/dev/mmio.h"

enum {
	PL011_DR = 0x00,
	PL011_FR = 0x18,
	PL011_LCRH = 0x2c,
	PL011_CR = 0x30,
	PL011_IMSC = 0x38,
	PL011_ICR = 0x44,
	PL011_PERIPH_ID0 = 0xfe0,
	PL011_PERIPH_ID1 = 0xfe4,

	FR_BUSY = 1u << 3,
	FR_RXFE = 1u << 4, /* nothing received */
	FR_TXFF = 1u << 5, /* no room to send */
	LCRH_FEN = 1u << 4,
	LCRH_WLEN8 = 3u << 5,
	CR_RUN = 1u << 0 | 1u << 8 | 1u << 9, /* UART, transmitter, receiver */
	INT_RX = 1u << 4,
	INT_TX = 1u << 5,
	INT_RT = 1u << 6, /* bytes wait below the level */
	INT_ERRORS = 0xfu << 7,
	INT_ALL = 0x7ff,
	/* Reads until a byte of 9600 Bd has surely left (1 ms); a device that
	 * stays busy longer is taken over all the same. */
	SPIN_LIMIT = 100000,
};

static u32 rd(const struct uart *u, unsigned int reg)
{
	return mmio_read(u->regs + reg, 4);
}

static void wr(struct uart *u, unsigned int reg, u32 val)
{
	mmio_write(u->regs + reg, 4, val);
}

bool pl011_probe(const volatile u8 *regs)
{
	return (mmio_read(regs + PL011_PERIPH_ID0, 4) & 0xff) == 0x11 &&
	       (mmio_read(regs + PL011_PERIPH_ID1, 4) & 0x0f) == 0;
}

static void sbsa_init(struct uart *u)
{
	wr(u, PL011_IMSC, 0);
	wr(u, PL011_ICR, INT_ALL);
}

static void pl011_init(struct uart *u)
{
	u32 cr = rd(u, PL011_CR);
	u32 lcrh = rd(u, PL011_LCRH);

	sbsa_init(u);
	if ((cr & CR_RUN) == CR_RUN && (lcrh & LCRH_FEN))
		return;
	/* Nobody set it up (a bare loader): 8N1 with FIFOs at the rate it has.
	 * The line register may only change while the UART is off. */
	for (unsigned int i = 0; i < SPIN_LIMIT && (rd(u, PL011_FR) & FR_BUSY); i++)
		arch_cpu_relax();
	if ((cr & CR_RUN) != CR_RUN)
		lcrh = LCRH_WLEN8;
	wr(u, PL011_CR, 0);
	wr(u, PL011_LCRH, lcrh | LCRH_FEN);
	wr(u, PL011_CR, cr | CR_RUN);
}

static bool pl011_tx(struct uart *u, u8 c)
{
	if (rd(u, PL011_FR) & FR_TXFF)
		return false;
	wr(u, PL011_DR, c);
	return true;
}

static bool pl011_tx_idle(struct uart *u)
{
	return !(rd(u, PL011_FR) & FR_BUSY);
}

static int pl011_rx(struct uart *u)
{
	if (rd(u, PL011_FR) & FR_RXFE)
		return -1;
	return (int)(rd(u, PL011_DR) & 0xff); /* above: error flags */
}

static void pl011_irq_enable(struct uart *u, bool rx, bool tx)
{
	wr(u, PL011_IMSC, (rx ? INT_RX | INT_RT : 0) | (tx ? INT_TX : 0));
}

static void pl011_irq_ack(struct uart *u)
{
	/* Not the transmitter's: it stays asserted until the FIFO is filled past
	 * its trigger, and if cleared would wait for a passage downwards that a
	 * step of a few bytes never makes. */
	wr(u, PL011_ICR, INT_ERRORS);
}

const struct uart_ops pl011_ops = {
	.init = pl011_init,
	.tx = pl011_tx,
	.tx_idle = pl011_tx_idle,
	.rx = pl011_rx,
	.irq_enable = pl011_irq_enable,
	.irq_ack = pl011_irq_ack,
};

const struct uart_ops sbsa_uart_ops = {
	.init = sbsa_init,
	.tx = pl011_tx,
	.tx_idle = pl011_tx_idle,
	.rx = pl011_rx,
	.irq_enable = pl011_irq_enable,
	.irq_ack = pl011_irq_ack,
};
