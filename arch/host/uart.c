/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PL011 whose wires are this process's input and output. It sends a byte a
 * microsecond of virtual time out of a FIFO of 32, so that the driver meets a
 * full FIFO and the interrupt that ends it. Input is taken only while every
 * CPU waits: when it comes then depends on the input alone, not on the speed
 * of whoever writes it. Knows the lines the shell ends with, for the status.
 */
#define _GNU_SOURCE
#include "host.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "rtos/dev/mmio.h"
#include "rtos/rtos.h"

enum {
	DR = 0x00,
	FR = 0x18,
	LCRH = 0x2c,
	CR = 0x30,
	IMSC = 0x38,
	RIS = 0x3c,
	MIS = 0x40,
	ICR = 0x44,
	PERIPH_ID0 = 0xfe0,
	PERIPH_ID1 = 0xfe4,
	UART_BYTES = 0x1000,

	FR_BUSY = 1 << 3,
	FR_RXFE = 1 << 4,
	FR_TXFF = 1 << 5,
	FR_TXFE = 1 << 7,
	INT_RX = 1 << 4,
	INT_TX = 1 << 5,
	INT_RT = 1 << 6,

	FIFO = 32,
	BYTE_NS = 1000,
	LINE_MAX = 64,
	STATUS_UNKNOWN = 1,
	STATUS_PANIC = 125,
};

static struct {
	u64 base;
	u32 cr, lcrh, imsc;
	u64 sent_ns;  /* when the last byte has left */
	bool tx_done; /* a byte has been written since the interrupt was cleared */
	u8 rx[FIFO];
	unsigned int rx_at, nr_rx;
	bool ended;
} uart;

static struct {
	char line[LINE_MAX]; /* last line of the console, its start */
	size_t len;
	bool ended; /* the shell named a status */
	int status;
	u8 buf[4096]; /* bytes on their way out */
	size_t used;
	bool spoken;
} wire;

static const struct host_options *options;
static bool terminal;
static struct termios saved;

/* ---- the process's side ---------------------------------------------------------- */

static void wire_flush(void)
{
	for (size_t at = 0; at < wire.used;) {
		ssize_t n = write(STDOUT_FILENO, wire.buf + at, wire.used - at);

		if (n <= 0)
			_exit(1);
		at += (size_t)n;
	}
	wire.used = 0;
}

static void note_line(void)
{
	u64 v;

	wire.line[wire.len] = '\0';
	if (strncmp(wire.line, "tm: exit ", 9) == 0 && tm_parse_u64(wire.line + 9, &v) == 0) {
		wire.status = (int)(v & 0xff);
		wire.ended = true;
	}
	wire.len = 0;
}

static void wire_put(u8 c)
{
	wire.spoken = true;
	wire.buf[wire.used++] = c;
	if (c == '\n')
		note_line();
	else if (c != '\r' && wire.len < LINE_MAX - 1)
		wire.line[wire.len++] = (char)c;
	if (wire.used == sizeof(wire.buf) || (terminal && c == '\n'))
		wire_flush();
}

static void print_stats(void)
{
	u64 turns, hash;

	host_cpus_stats(&turns, &hash);
	dprintf(STDERR_FILENO, "tidemark: seed %llu: %llu turns, order %016llx, %llu.%09llu s\n",
		(unsigned long long)options->seed, (unsigned long long)turns,
		(unsigned long long)hash, (unsigned long long)(host_time() / 1000000000),
		(unsigned long long)(host_time() % 1000000000));
}

/* The status when nobody gave one, and what there is to say about it. */
static int final_status(const char **why)
{
	if (host_panicked()) {
		if (!wire.spoken)
			*why = "panic before there was a console";
		return STATUS_PANIC;
	}
	if (!wire.ended && (options->run || options->test)) {
		if (!*why)
			*why = "the console named no exit status";
		return STATUS_UNKNOWN;
	}
	return wire.status;
}

/* Where coverage is counted: what is left to write when the process ends. */
void __gcov_dump(void) __attribute__((weak));

void host_exit(int status, const char *why)
{
	wire_flush();
	if (terminal)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	if (status < 0)
		status = final_status(&why);
	if (why)
		dprintf(STDERR_FILENO, "tidemark: %s\n", why);
	if (options->stats)
		print_stats();
	if (options->outcome) {
		options->outcome->ns = host_time();
		host_cpus_stats(&options->outcome->turns, &options->outcome->order);
	}
	if (__gcov_dump)
		__gcov_dump();
	_exit(status);
}

void host_exit_stuck(void)
{
	struct task_info info;
	u32 id = 0;

	wire_flush();
	for (; (options->run || options->test) && task_info_next(&id, &info); id++)
		if (info.state == TASK_BLOCKED)
			dprintf(STDERR_FILENO, "tidemark: '%s' (prio %u) waits for %s\n", info.name,
				info.prio, info.waiting_for);
	host_exit(-1, "nothing is left that could happen");
}

static void make_raw(void)
{
	struct termios t;

	terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &saved) == 0;
	if (!terminal)
		return;
	t = saved;
	t.c_iflag &= ~(tcflag_t)(ICRNL | IXON);
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
	tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

static bool wants_input(void)
{
	return !uart.ended && !uart.nr_rx && (uart.imsc & (INT_RX | INT_RT));
}

static bool input_waits(u64 until)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	u64 ns = until > host_time() ? until - host_time() : 0;
	struct timespec t = { (time_t)(ns / 1000000000), (long)(ns % 1000000000) };

	return ppoll(&p, 1, &t, NULL) == 1;
}

bool host_uart_input(u64 until)
{
	ssize_t n;

	wire_flush();
	if (!wants_input() || (until != ARCH_TIMER_OFF && !(terminal && input_waits(until))))
		return false;
	n = read(STDIN_FILENO, uart.rx, FIFO);
	uart.ended = n <= 0;
	uart.rx_at = 0;
	uart.nr_rx = n > 0 ? (unsigned int)n : 0;
	return n > 0;
}

/* ---- the machine's side ----------------------------------------------------------- */

void host_uart_init(u64 base, const struct host_options *o)
{
	options = o;
	uart.base = base;
	make_raw();
}

bool host_uart_is_at(u64 p)
{
	return p >= uart.base && p < uart.base + UART_BYTES;
}

/* Bytes in the FIFO. */
static u64 tx_level(void)
{
	return uart.sent_ns > host_time() ? (uart.sent_ns - host_time() + BYTE_NS - 1) / BYTE_NS
					  : 0;
}

static u32 raw_interrupts(void)
{
	return (uart.nr_rx ? INT_RX | INT_RT : 0) |
	       (uart.tx_done && tx_level() <= FIFO / 2 ? INT_TX : 0);
}

bool host_uart_line(void)
{
	return raw_interrupts() & uart.imsc;
}

u64 host_uart_event(void)
{
	if (!(uart.imsc & INT_TX) || !uart.tx_done || tx_level() <= FIFO / 2)
		return ARCH_TIMER_OFF;
	return uart.sent_ns - FIFO / 2 * BYTE_NS;
}

static u32 flags(void)
{
	u64 level = tx_level();

	return (level ? FR_BUSY : FR_TXFE) | (level >= FIFO ? FR_TXFF : 0) |
	       (uart.nr_rx ? 0 : FR_RXFE);
}

static u32 take_byte(void)
{
	if (!uart.nr_rx)
		return 0;
	uart.nr_rx--;
	return uart.rx[uart.rx_at++];
}

u32 mmio_read(const volatile u8 *p, unsigned int width)
{
	u64 at = (u64)(uintptr_t)p - HOST_DEV_BASE;

	if (!host_uart_is_at(at))
		panic("no device answers at 0x%llx (%u bytes)", (unsigned long long)at, width);
	switch (at - uart.base) {
	case DR:
		return take_byte();
	case FR:
		return flags();
	case LCRH:
		return uart.lcrh;
	case CR:
		return uart.cr;
	case IMSC:
		return uart.imsc;
	case RIS:
		return raw_interrupts();
	case MIS:
		return raw_interrupts() & uart.imsc;
	case PERIPH_ID0:
		return 0x11;
	case PERIPH_ID1:
		return 0x10;
	default:
		return 0;
	}
}

void mmio_write(volatile u8 *p, unsigned int width, u32 val)
{
	u64 at = (u64)(uintptr_t)p - HOST_DEV_BASE;

	if (!host_uart_is_at(at))
		panic("no device answers at 0x%llx (%u bytes)", (unsigned long long)at, width);
	switch (at - uart.base) {
	case DR:
		if (tx_level() >= FIFO)
			break; /* lost, as on the wire */
		wire_put((u8)val);
		uart.sent_ns = max_u64(host_time(), uart.sent_ns) + BYTE_NS;
		uart.tx_done = true;
		break;
	case LCRH:
		uart.lcrh = val;
		break;
	case CR:
		uart.cr = val;
		break;
	case IMSC:
		uart.imsc = val;
		break;
	case ICR:
		if (val & INT_TX)
			uart.tx_done = false;
		break;
	}
}

void arch_poweroff(void)
{
	host_exit(-1, NULL);
}

void arch_reboot(void)
{
	host_exit(-1, "the machine asked for a reboot");
}
