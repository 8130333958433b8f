// SPDX-License-Identifier: Apache-2.0
/*
 * The models of device.h. The PL011's transmit interrupt rises when draining
 * crosses half of the FIFO and falls when it is cleared or filled above; the
 * 8250's rises when the FIFO empties or is found empty on enabling, and falls
 * when the identification is read.
 */
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "rtos/dev/mmio.h"

enum { BASE = 0x1000, SIZE = 0x1000 };

static const struct device *device;
struct uart_model model;

static void broken(const char *what)
{
	fprintf(stderr, "device model: %s\n", what);
	abort();
}

volatile u8 *device_attach(const struct device *d)
{
	device = d;
	return (volatile u8 *)(uintptr_t)BASE;
}

const struct device *device_current(void)
{
	return device;
}

/* Looking whether a device is there must not change it: the model is not asked. */
bool arch_probe_reg(const volatile void *p, unsigned int width)
{
	(void)p;
	(void)width;
	return device != NULL;
}

static unsigned int reg_of(const volatile u8 *p, unsigned int width)
{
	uintptr_t offset = (uintptr_t)p & (SIZE - 1);

	if (!device)
		broken("access to no device");
	if (model.tick)
		model.tick();
	if (width != device->width || offset & ((1u << device->shift) - 1))
		broken("access of a wrong width or place");
	return (unsigned int)(offset >> device->shift);
}

u32 mmio_read(const volatile u8 *p, unsigned int width)
{
	return device->read(reg_of(p, width));
}

void mmio_write(volatile u8 *p, unsigned int width, u32 val)
{
	device->write(reg_of(p, width), val);
}

/* ---- the two FIFOs -------------------------------------------------------------- */

static void push(u8 c)
{
	if (model.nr_tx == model.depth)
		broken("byte lost: the transmit FIFO is full");
	model.tx[model.nr_tx++] = c;
}

static u8 pop(void)
{
	u8 c = model.rx[0];

	if (model.nr_rx == 0)
		return 0;
	memmove(model.rx, model.rx + 1, --model.nr_rx);
	return c;
}

void model_drain(unsigned int n)
{
	while (n-- && model.nr_tx && !model.stuck) {
		if (model.nr_sent == MODEL_SENT)
			broken("the wire's record is full");
		model.sent[model.nr_sent++] = model.tx[0];
		memmove(model.tx, model.tx + 1, --model.nr_tx);
		if (model.nr_tx == model.depth / 2)
			model.ris |= 1u << 5;
		if (model.nr_tx == 0)
			model.thri = true;
	}
}

bool model_receive(u8 c)
{
	if (model.nr_rx == MODEL_FIFO)
		return false;
	model.rx[model.nr_rx++] = c;
	return true;
}

static bool pl011;

bool model_irq(void)
{
	u32 ris = model.ris | (model.nr_rx ? 1u << 6 : 0);

	if (pl011)
		return ris & model.imsc;
	return (model.ier & 1 && model.nr_rx) || (model.ier & 2 && model.thri) || model.dw_busy ||
	       model.dw_timeout;
}

static void fresh(unsigned int depth)
{
	memset(&model, 0, sizeof(model));
	model.depth = depth;
}

/* ---- PL011 -------------------------------------------------------------------- */

static u32 pl011_read(unsigned int reg)
{
	switch (reg) {
	case 0x00 / 4:
		return pop() | 0x800; /* an error flag that must not get into the byte */
	case 0x18 / 4:
		return (model.nr_tx ? 1u << 3 : 1u << 7) | (model.nr_rx ? 0 : 1u << 4) |
		       (model.nr_tx == model.depth ? 1u << 5 : 0);
	case 0x2c / 4:
		return model.lcrh;
	case 0x30 / 4:
		return model.cr;
	case 0xfe0 / 4:
		return 0x11;
	case 0xfe4 / 4:
		return 0x10;
	}
	broken("PL011: read of a register the driver should not need");
	return 0;
}

static void pl011_set_line(u32 val)
{
	if (model.cr & 1)
		broken("PL011: line register written while enabled");
	if ((val ^ model.lcrh) & 1u << 4)
		model.nr_rx = 0;
	model.lcrh = val;
	model.depth = val & 1u << 4 ? MODEL_FIFO : 1;
}

static void pl011_write(unsigned int reg, u32 val)
{
	switch (reg) {
	case 0x00 / 4:
		push((u8)val);
		if (model.nr_tx > model.depth / 2)
			model.ris &= ~(1u << 5);
		return;
	case 0x2c / 4:
		pl011_set_line(val);
		return;
	case 0x30 / 4:
		model.cr = val;
		return;
	case 0x38 / 4:
		model.imsc = val;
		return;
	case 0x44 / 4:
		model.ris &= ~val;
		return;
	}
	broken("PL011: write to a register the driver should not need");
}

volatile u8 *model_pl011(void)
{
	static const struct device d = { pl011_read, pl011_write, 2, 4 };

	fresh(1);
	pl011 = true;
	model.cr = 0x300;
	return device_attach(&d);
}

/* ---- 8250 ------------------------------------------------------------------------ */

static u32 ns16550_iir(void)
{
	u32 fifo = model.fcr & 1 ? 0xc0 : 0;

	if (model.dw_busy)
		return fifo | 0x7;
	if (model.dw_timeout)
		return fifo | 0xc;
	if (model.ier & 1 && model.nr_rx)
		return fifo | 0x4;
	if (model.ier & 2 && model.thri) {
		model.thri = false;
		return fifo | 0x2;
	}
	return fifo | 0x1;
}

static u32 ns16550_read(unsigned int reg)
{
	switch (reg) {
	case 0:
		if (model.lcr & 0x80)
			broken("8250: data register hidden by DLAB");
		model.dw_timeout = false;
		return pop();
	case 2:
		return ns16550_iir();
	case 3:
		return model.lcr;
	case 4:
		return model.mcr;
	case 5:
		return (model.nr_rx ? 1 : 0) | (model.nr_tx ? 0 : 3u << 5);
	case 31:
		model.dw_busy = false;
		return 0;
	}
	broken("8250: read of a register the driver should not need");
	return 0;
}

static void ns16550_write(unsigned int reg, u32 val)
{
	switch (reg) {
	case 0:
		push((u8)val);
		model.thri = false;
		return;
	case 1:
		model.thri |= !(model.ier & 2) && val & 2 && !model.nr_tx;
		model.ier = val;
		return;
	case 2:
		if ((val ^ model.fcr) & 1)
			model.nr_rx = 0;
		model.fcr = val;
		model.depth = val & 1 ? MODEL_FIFO : 1;
		return;
	case 3:
		model.lcr = val;
		return;
	case 4:
		model.mcr = val;
		return;
	}
	broken("8250: write to a register the driver should not need");
}

volatile u8 *model_ns16550(unsigned int shift, unsigned int width)
{
	static struct device d;

	d = (struct device){ ns16550_read, ns16550_write, shift, width };
	fresh(1);
	pl011 = false;
	model.lcr = 0x83;
	return device_attach(&d);
}

/* ---- mini-UART: the same face, but its status bit means "room for one" ---------------- */

static u32 aux_read(unsigned int reg)
{
	if (reg == 5)
		return (model.nr_rx ? 1 : 0) | (model.nr_tx < model.depth ? 1u << 5 : 0) |
		       (model.nr_tx ? 0 : 1u << 6);
	if (reg == 8)
		return model.cr;
	return ns16550_read(reg);
}

static void aux_write(unsigned int reg, u32 val)
{
	if (reg == 8)
		model.cr = val;
	else if (reg == 2)
		broken("mini-UART: FIFO register written");
	else
		ns16550_write(reg, val);
}

volatile u8 *model_aux(void)
{
	static const struct device d = { aux_read, aux_write, 2, 4 };

	fresh(8);
	pl011 = false;
	model.lcr = 0x80;
	return device_attach(&d);
}
