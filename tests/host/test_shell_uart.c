// SPDX-License-Identifier: Apache-2.0
/*
 * The UART drivers against register models that fail on a lost byte, a wrong
 * width or a forbidden order. Each driver is found by the string of a tree,
 * initialised from power-on and from a firmware's state, sends more than its
 * FIFO holds, receives, and raises its interrupts.
 */
#include "unit.h"

#include "fake/device.h"
#include "rtos/dev/uart.h"

static struct uart u;

static void open_uart(const char *compatible, volatile u8 *regs, unsigned int shift,
		      unsigned int width)
{
	const struct uart_type *type = uart_type_find(compatible);

	assert_non_null(type);
	memset(&u, 0, sizeof(u));
	assert_int_equal(uart_bind(&u, type, regs, shift, width), 0);
	u.ops->init(&u);
}

/* Send text as fast as the driver takes it; the wire moves one byte a time. */
static void send(const char *text)
{
	unsigned int waits = 0;

	for (; *text; text++)
		while (!u.ops->tx(&u, (u8)*text)) {
			model_drain(1);
			assert_true(++waits < 10000);
		}
	model_drain(MODEL_FIFO);
	assert_true(u.ops->tx_idle(&u));
}

static const char long_text[] = "forty-odd bytes, which no FIFO here can hold.";

static void check_io(void)
{
	send(long_text);
	assert_int_equal(model.nr_sent, strlen(long_text));
	assert_memory_equal(model.sent, long_text, strlen(long_text));
	assert_int_equal(u.ops->rx(&u), -1);
	model_receive('a');
	model_receive(0xff);
	assert_int_equal(u.ops->rx(&u), 'a');
	assert_int_equal(u.ops->rx(&u), 0xff);
	assert_int_equal(u.ops->rx(&u), -1);
	assert_true(u.ops->tx(&u, 'x'));
	assert_false(u.ops->tx_idle(&u));
}

/* Receive: level until read. Transmit: comes after a FIFO drained; goes with
 * the acknowledge, or (pl011) stays until it is filled. Off means off. */
static void check_irqs(bool stays)
{
	model_receive('a');
	assert_false(model_irq());
	u.ops->irq_enable(&u, true, false);
	assert_true(model_irq());
	u.ops->irq_ack(&u);
	assert_true(model_irq());
	u.ops->rx(&u);
	assert_false(model_irq());
	u.ops->irq_enable(&u, false, true);
	u.ops->irq_ack(&u);
	while (u.ops->tx(&u, 'x'))
		continue;
	assert_false(model_irq());
	model_drain(MODEL_FIFO);
	assert_true(model_irq());
	u.ops->irq_ack(&u);
	assert_int_equal(model_irq(), stays);
	while (u.ops->tx(&u, 'x'))
		continue;
	assert_false(model_irq());
	model_receive('b');
	assert_false(model_irq());
}

static void test_pl011_from_power_on(void **state)
{
	(void)state;
	open_uart("arm,pl011", model_pl011(), 0, 0);
	assert_string_equal(u.name, "pl011");
	assert_int_equal(model.cr & 0x301, 0x301);
	assert_int_equal(model.lcrh, 0x70);
	check_io();
	open_uart("arm,pl011", model_pl011(), 0, 0);
	check_irqs(true);
}

/* A running UART keeps what firmware chose (here seven bits, even parity). */
static void test_pl011_from_firmware(void **state)
{
	volatile u8 *regs = model_pl011();

	(void)state;
	model.cr = 0xb01;
	model.lcrh = 0x56;
	model.depth = MODEL_FIFO;
	open_uart("arm,pl011", regs, 0, 0);
	assert_int_equal(model.cr, 0xb01);
	assert_int_equal(model.lcrh, 0x56);
	check_io();
}

static void test_primecell(void **state)
{
	(void)state;
	open_uart("arm,primecell", model_pl011(), 0, 0);
	check_io();
}

static u32 other_cell(unsigned int reg)
{
	return reg == 0xfe0 / 4 ? 0x61 : 0x10; /* PL061: GPIO */
}

static void no_write(unsigned int reg, u32 val)
{
	(void)val;
	fail_msg("write to register %u of what is no UART", reg);
}

static void test_other_primecell_untouched(void **state)
{
	static const struct device gpio = { other_cell, no_write, 2, 4 };

	(void)state;
	memset(&u, 0, sizeof(u));
	assert_int_equal(uart_bind(&u, uart_type_find("arm,primecell"), device_attach(&gpio), 0, 0),
			 ERR_NODEV);
}

/* The SBSA subset has no line, rate or control register: touch none. */
static void test_sbsa(void **state)
{
	volatile u8 *regs = model_pl011();

	(void)state;
	model.depth = MODEL_FIFO;
	open_uart("arm,sbsa-uart", regs, 0, 0);
	assert_int_equal(model.cr, 0x300);
	assert_int_equal(model.lcrh, 0);
	check_io();
	open_uart("arm,sbsa-uart", regs, 0, 0);
	check_irqs(true);
}

/* Every spacing and width a tree may ask for. */
static void test_ns16550(void **state)
{
	static const struct {
		unsigned int shift, width;
	} layouts[] = { { 0, 1 }, { 2, 1 }, { 2, 4 }, { 1, 2 }, { 3, 1 } };

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(layouts); i++) {
		unsigned int shift = layouts[i].shift, width = layouts[i].width;

		open_uart("ns16550a", model_ns16550(shift, width), shift, width);
		assert_int_equal(model.lcr, 0x03);
		assert_int_equal(model.mcr & 0xb, 0xb);
		assert_int_equal(u.fifo, 16);
		check_io();
		open_uart("ns16550a", model_ns16550(shift, width), shift, width);
		check_irqs(false);
	}
}

/* An 8250 has no FIFO: the enable bit does not stick, one byte at a time. */
static const struct device *plain;

static u32 plain_read(unsigned int reg)
{
	return reg == 2 ? plain->read(reg) & 0x3f : plain->read(reg);
}

static void plain_write(unsigned int reg, u32 val)
{
	if (reg != 2)
		plain->write(reg, val);
}

static void test_8250_without_fifo(void **state)
{
	static struct device without;
	volatile u8 *regs = model_ns16550(0, 1);

	(void)state;
	plain = device_current();
	without = (struct device){ plain_read, plain_write, 0, 1 };
	device_attach(&without);
	open_uart("ns8250", regs, 0, 0);
	assert_int_equal(u.fifo, 1);
	check_io();
}

/* Both interrupts that only DesignWare has go away by the acknowledge. */
static void test_dw_quirks(void **state)
{
	(void)state;
	open_uart("snps,dw-apb-uart", model_ns16550(2, 4), 2, 4);
	check_io();
	open_uart("snps,dw-apb-uart", model_ns16550(2, 4), 2, 4);
	check_irqs(false);
	u.ops->rx(&u);
	model.dw_busy = true;
	assert_true(model_irq());
	u.ops->irq_ack(&u);
	assert_false(model_irq());
	model.dw_timeout = true;
	u.ops->irq_ack(&u);
	assert_false(model_irq());
	/* A true time-out must not cost its byte. */
	model_receive('k');
	model.dw_timeout = true;
	u.ops->irq_ack(&u);
	assert_int_equal(u.ops->rx(&u), 'k');
}

static void test_aux(void **state)
{
	(void)state;
	open_uart("brcm,bcm2835-aux-uart", model_aux(), 0, 0);
	assert_int_equal(model.lcr, 0x03);
	assert_int_equal(model.cr & 3, 3);
	check_io();
	open_uart("brcm,bcm2835-aux-uart", model_aux(), 0, 0);
	u.ops->irq_enable(&u, true, false);
	assert_int_equal(model.ier & 0xd, 0xd);
	u.ops->irq_enable(&u, false, false);
	check_irqs(false);
}

static void test_table(void **state)
{
	static const char *const names[] = { "pl011", "sbsa", "ns16550", "dw-apb", "bcm2835-aux" };

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		assert_non_null(uart_type_named(names[i]));
		assert_string_equal(uart_type_named(names[i])->name, names[i]);
	}
	assert_null(uart_type_named("pl012"));
	assert_null(uart_type_named(""));
	assert_null(uart_type_find("arm,pl01"));
	assert_null(uart_type_find(""));
}

static void test_bad_layout(void **state)
{
	const struct uart_type *type = uart_type_find("ns16550a");

	(void)state;
	assert_int_equal(uart_bind(&u, type, model_ns16550(0, 1), 5, 1), ERR_INVAL);
	assert_int_equal(uart_bind(&u, type, model_ns16550(0, 1), 0, 3), ERR_INVAL);
	assert_int_equal(uart_bind(&u, type, model_ns16550(0, 1), 0, 8), ERR_INVAL);
}

/* An address where nothing is must not be touched by the driver. */
static void test_nothing_there(void **state)
{
	(void)state;
	assert_int_equal(uart_bind(&u, uart_type_find("arm,pl011"), device_attach(NULL), 0, 0),
			 ERR_IO);
	assert_int_equal(uart_bind(&u, uart_type_find("arm,primecell"), device_attach(NULL), 0, 0),
			 ERR_IO);
	assert_int_equal(uart_bind(&u, uart_type_find("ns16550a"), device_attach(NULL), 2, 4),
			 ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pl011_from_power_on),
		cmocka_unit_test(test_pl011_from_firmware),
		cmocka_unit_test(test_primecell),
		cmocka_unit_test(test_other_primecell_untouched),
		cmocka_unit_test(test_sbsa),
		cmocka_unit_test(test_ns16550),
		cmocka_unit_test(test_8250_without_fifo),
		cmocka_unit_test(test_dw_quirks),
		cmocka_unit_test(test_aux),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_bad_layout),
		cmocka_unit_test(test_nothing_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
