/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One modelled device behind mmio_read() and mmio_write() of a host test, and
 * the models of two UARTs. A model is as strict as hardware manuals are: a
 * byte pushed into a full FIFO is a failed test, an access outside the
 * registers or of a wrong width too.
 */
#ifndef HOST_HELP_DEVICE_H
#define HOST_HELP_DEVICE_H

#include "rtos/lib/base.h"

struct device {
	u32 (*read)(unsigned int reg);
	void (*write)(unsigned int reg, u32 val);
	unsigned int shift, width; /* register spacing (log2 bytes), access width */
};

/*
 * Put a device in place, or none (null: nothing answers); its registers start
 * at the address returned, and at any other that is aligned to 4 KiB.
 */
volatile u8 *device_attach(const struct device *d);
const struct device *device_current(void);

enum { MODEL_FIFO = 16, MODEL_SENT = 1 << 16 };

/* State of either UART model; tests look and poke. */
struct uart_model {
	void (*tick)(void);  /* called at every access: time passes */
	u8 sent[MODEL_SENT]; /* what left on the wire */
	size_t nr_sent;
	u8 tx[MODEL_FIFO], rx[MODEL_FIFO];
	unsigned int nr_tx, nr_rx;
	unsigned int depth;      /* of the transmit FIFO, 1..16 */
	bool stuck;              /* the transmitter does not move */
	u32 cr, lcrh, imsc, ris; /* PL011 */
	u32 ier, lcr, mcr, fcr;  /* 8250 */
	bool thri;               /* 8250: transmit interrupt pending */
	bool dw_busy;            /* DesignWare: busy interrupt pending */
	bool dw_timeout;         /* DesignWare: time-out without data pending */
};
extern struct uart_model model;

/* Fresh models: FIFOs off, transmitter off, as after power-on. */
volatile u8 *model_pl011(void);
volatile u8 *model_ns16550(unsigned int shift, unsigned int width);
volatile u8 *model_aux(void);
/* n bytes leave the transmit FIFO. */
void model_drain(unsigned int n);
/* A byte arrives. False: the receive FIFO is full. */
bool model_receive(u8 c);
/* Is the interrupt line up? */
bool model_irq(void);

#endif
