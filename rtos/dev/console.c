// SPDX-License-Identifier: Apache-2.0
/*
 * The console core: one UART, a transmit ring for tasks, a receive ring, and
 * the messages of the kernel in between. Owns the rings; knows no register (a
 * UART driver does) and no key (the line editor does).
 *
 * con.lock (LOCK_RANK_CONSOLE) guards the UART, the transmit ring and the
 * merge of messages into it; printk gets here with the scheduler's lock held,
 * so nothing is woken under it. con.tty (LOCK_RANK_TTY) guards the receive
 * ring and is what readers and writers sleep with; it is taken first.
 *
 * Output comes from two sources, whole lines in turn: messages when the tasks'
 * output is between lines or has nothing more to send, tasks' output otherwise.
 * A message over an unfinished line (the prompt) starts on a new one and the
 * reader is told, so that it can draw the line again.
 */
#include "rtos/rtos.h"
#include "rtos/log.h"
#include "rtos/dev/ring.h"
#include "rtos/dev/uart.h"
#include "mm/dt.h"

enum {
	TX_SIZE = 8192,
	RX_SIZE = 4096,
	/*
	 * What one hold of the lock does, so that it stays below 1,000
	 * instructions with the interrupt around it: bytes to the UART (90 each),
	 * to which a message from the ring counts as FETCH, bytes from it (40
	 * each), bytes copied into the ring.
	 */
	STEP_TX = 4,
	FETCH = 3,
	STEP_RX = 4,
	STEP_READ = 16,
	STEP_WRITE = 256,
	/* Holds in a row for who may be interrupted in between. */
	STEPS = 16,
	RX_FIFO_MAX = 64,
	/* An unfinished line longer than this is sent without its end. */
	LINE_HOLD = 1024,
	CTRL_C = 3,
	/* One byte at 300 Bd takes 33 ms: a transmitter that has no room for
	 * longer is dead. */
	DEAD_NS = 50 * 1000000,
	POLL_NS = 1000000, /* 11 bytes at 115200 Bd, less than any FIFO */
};
/* Half a ring at 9600 Bd takes 4 s. */
#define ROOM_TIMEOUT_NS (10 * 1000000000ull)

enum con_state {
	CON_NONE,   /* no UART: messages stay in their ring */
	CON_BOOT,   /* polled: everything leaves before the call returns */
	CON_POLLED, /* no interrupt line: readers and writers do the work */
	CON_IRQ,
	CON_PANIC, /* polled, no lock */
};

static u8 tx_buf[TX_SIZE], rx_buf[RX_SIZE];

static struct {
	struct spinlock lock, tty;
	enum con_state state; /* (lock) */
	struct uart uart;     /* (lock) */
	char path[128];       /* (I) node of the tree, "" when hinted */

	struct ring tx;    /* (lock) */
	u32 tx_commit;     /* (lock) send up to here: tail <= commit <= head */
	char msg[512];     /* (lock) text fetched from the message ring */
	u32 msg_pos;       /* (lock) */
	u32 msg_len;       /* (lock) */
	int held;          /* (lock) byte the UART had no room for, or -1 */
	bool lf_due;       /* (lock) \r went out, \n follows */
	bool in_line;      /* (lock) the tasks' last byte was not a newline */
	bool line_broken;  /* (lock) messages went over an unfinished line */
	bool dead;         /* (lock) nothing moved for DEAD_NS */
	bool writer_waits; /* (lock) */
	bool irq_tx;       /* (lock) transmit interrupt is on */
	bool fetched;      /* (lock) this step has looked for a message */
	bool log_behind;   /* (lock) and has not come to its end */
	u64 dropped;       /* (lock) bytes of tasks that found no room */

	struct ring rx;      /* (tty) */
	bool rx_stopped;     /* (tty) ring full, receive interrupt off */
	u32 interrupted;     /* (A) Ctrl-C came */
	struct waitq reader; /* (tty) */
	struct waitq writer; /* (tty) */
} con = {
	.lock = SPINLOCK_INIT(LOCK_RANK_CONSOLE),
	.tty = SPINLOCK_INIT(LOCK_RANK_TTY),
	.tx = { .buf = tx_buf, .size = TX_SIZE },
	.rx = { .buf = rx_buf, .size = RX_SIZE },
	.held = -1,
	.reader = WAITQ_INIT(con.reader, "console input"),
	.writer = WAITQ_INIT(con.writer, "console room"),
};

static u64 con_lock(void)
{
	return con.state == CON_PANIC ? 0 : spin_lock_irqsave(&con.lock);
}

static void con_unlock(u64 flags)
{
	if (con.state != CON_PANIC)
		spin_unlock_irqrestore(&con.lock, flags);
}

/* ---- what goes out ----------------------------------------------------------- */

static u32 tx_ready(void)
{
	return con.tx_commit - con.tx.tail;
}

static int tty_byte(void)
{
	u8 c;

	if (tx_ready() == 0)
		return -1;
	c = ring_get(&con.tx);
	con.in_line = c != '\n';
	if (!con.in_line)
		con.line_broken = false;
	return c;
}

static int message_byte(void)
{
	return con.msg_pos < con.msg_len ? (u8)con.msg[con.msg_pos++] : -1;
}

static bool fetch_messages(void)
{
	con.msg_len = (u32)log_console_fetch(con.msg, sizeof(con.msg), &con.log_behind);
	BUG_ON_VAL(con.msg_len > sizeof(con.msg), con.msg_len, sizeof(con.msg));
	con.msg_pos = 0;
	con.fetched = true;
	return con.msg_len != 0;
}

/* The next byte of either source, or -1. Messages are fetched between lines. */
static int next_char(void)
{
	int c = message_byte();

	if (c >= 0)
		return c;
	if (con.in_line && tx_ready())
		return tty_byte();
	if (!fetch_messages())
		return tty_byte();
	if (!con.in_line)
		return message_byte();
	con.in_line = false;
	con.line_broken = true;
	return '\n';
}

/* The next byte for the wire, or -1. */
static int next_byte(void)
{
	int c = con.held;

	if (c >= 0) {
		con.held = -1;
		return c;
	}
	if (con.lf_due) {
		con.lf_due = false;
		return '\n';
	}
	c = next_char();
	if (c != '\n')
		return c;
	con.lf_due = true;
	return '\r';
}

/* One step of filling the UART. True when there may be more to send. */
static bool pump(void)
{
	con.fetched = false;
	for (unsigned int i = 0; i < STEP_TX; i++) {
		int c = next_byte();

		tm_step();
		if (c < 0)
			return con.log_behind;
		if (con.fetched)
			i += FETCH;
		con.fetched = false;
		if (!con.uart.ops->tx(&con.uart, (u8)c)) {
			con.held = c;
			return true;
		}
		__atomic_store_n(&con.dead, false, __ATOMIC_RELAXED);
	}
	return true;
}

/* Wait, polling, until the UART takes a byte. */
static void tx_polled(u8 c)
{
	u64 deadline;

	if (con.uart.ops->tx(&con.uart, c)) {
		con.dead = false;
		return;
	}
	if (con.dead)
		return;
	deadline = time_after_ns(DEAD_NS);
	while (!con.uart.ops->tx(&con.uart, c)) {
		if (time_now_ns() >= deadline) {
			__atomic_store_n(&con.dead, true, __ATOMIC_RELAXED);
			return;
		}
		arch_cpu_relax();
	}
}

/* Boot and panic: send everything. Bounded by the rings, and by `dead`. */
static void drain_polled(void)
{
	int c;

	do {
		c = next_byte();
		if (c >= 0)
			tx_polled((u8)c);
	} while (c >= 0 || con.log_behind);
}

static void set_irqs(bool tx)
{
	con.irq_tx = tx;
	if (con.state == CON_IRQ)
		con.uart.ops->irq_enable(&con.uart, !con.rx_stopped, tx);
}

/*
 * One step of sending, by who is not the interrupt. True when another one could
 * follow at once. Waking is left to the interrupt: a writer waits only while
 * there is more to send, so it is on; for a reader who has to hear of a broken
 * line it is turned on.
 */
static bool push_step(void)
{
	bool more, full;

	if (con.state == CON_BOOT || con.state == CON_PANIC) {
		drain_polled();
		return false;
	}
	more = pump();
	full = con.held >= 0;
	if ((more || con.line_broken) && !con.irq_tx)
		set_irqs(true);
	return more && !full;
}

/*
 * Send what the UART takes now, the lock dropped between steps; who came with
 * interrupts masked makes one, and leaves the rest to the interrupt.
 */
static void push_out(void)
{
	unsigned int steps = arch_irqs_masked() ? 1 : STEPS;
	bool more = true;

	while (more && steps--) {
		u64 flags = con_lock();

		more = push_step();
		con_unlock(flags);
	}
}

void console_kick(void)
{
	if (con.state != CON_NONE)
		push_out();
}

/* ---- service: by interrupt, or by whoever waits while polled ------------------- */

/* Take what was received while there is room. True when there may be more.
 * con.tty and con.lock held. */
static bool fetch_input(void)
{
	for (unsigned int i = 0; i < STEP_RX; i++) {
		int c;

		tm_step();
		con.rx_stopped = ring_room(&con.rx) == 0;
		if (con.rx_stopped)
			return false;
		c = con.uart.ops->rx(&con.uart);
		if (c < 0)
			return false;
		if (c == CTRL_C) {
			__atomic_store_n(&con.interrupted, 1, __ATOMIC_RELAXED);
			con.rx.tail = con.rx.head;
		}
		ring_put(&con.rx, (u8)c);
	}
	return true;
}

/* One step of each direction. True when another one could follow at once. */
static bool service(void)
{
	u64 flags = spin_lock_irqsave(&con.tty);
	bool wake_reader, wake_writer, more;

	spin_lock(&con.lock);
	con.uart.ops->irq_ack(&con.uart);
	more = fetch_input();
	set_irqs(pump());
	more |= con.irq_tx && con.held < 0;
	wake_reader = ring_used(&con.rx) || con.line_broken;
	wake_writer = con.writer_waits && ring_room(&con.tx) >= TX_SIZE / 2;
	if (wake_writer)
		con.writer_waits = false;
	spin_unlock(&con.lock);
	spin_unlock_irqrestore(&con.tty, flags);
	if (wake_reader)
		waitq_wake_one(&con.reader);
	if (wake_writer)
		waitq_wake_all(&con.writer);
	return more;
}

/* The interrupt's work in a machine that has none. */
static void poll(void)
{
	for (unsigned int i = 0; i < STEPS && service(); i++)
		;
}

static enum irq_result console_irq(unsigned int irq, void *arg)
{
	(void)irq;
	(void)arg;
	/* What is left keeps the line asserted. */
	(void)service();
	return IRQ_DONE;
}

/*
 * Sleep on q with con.tty held. Without an interrupt line nobody would wake
 * us, so then do the interrupt's work every millisecond instead.
 */
static int tty_wait(struct waitq *q, u64 *flags, u64 deadline_ns)
{
	if (con.state != CON_POLLED)
		return waitq_wait(q, &con.tty, flags, deadline_ns);
	spin_unlock_irqrestore(&con.tty, *flags);
	sleep_ns(POLL_NS);
	poll();
	*flags = spin_lock_irqsave(&con.tty);
	return time_now_ns() < deadline_ns ? 0 : ERR_TIMEDOUT;
}

/* ---- writing --------------------------------------------------------------------- */

/*
 * Bytes of s that fit, into the ring; `lines` of them are whole lines, and sent.
 * con.lock held.
 */
static size_t enqueue(const char *s, size_t n, size_t lines)
{
	size_t fits = ring_write(&con.tx, s, n);

	if (lines)
		con.tx_commit = con.tx.head - (u32)(fits - min_u64(lines, fits));
	if (fits < n || con.state == CON_PANIC || con.tx.head - con.tx_commit > LINE_HOLD)
		con.tx_commit = con.tx.head;
	return fits;
}

/* Bytes of s up to and with its last newline. */
static size_t whole_lines(const char *s, size_t n)
{
	while (n && s[n - 1] != '\n')
		n--;
	return n;
}

static bool wants_room(void)
{
	u64 flags = con_lock();

	bool wants = ring_room(&con.tx) < TX_SIZE / 2;

	con.writer_waits = wants;
	if (wants)
		push_step();
	con_unlock(flags);
	return wants;
}

/* Sleep until half the ring is free; false when the UART does not move. */
static bool wait_for_room(void)
{
	u64 deadline = time_after_ns(ROOM_TIMEOUT_NS);
	u64 flags = spin_lock_irqsave(&con.tty);
	int err = 0;

	while (!err && wants_room())
		err = tty_wait(&con.writer, &flags, deadline);
	spin_unlock_irqrestore(&con.tty, flags);
	return !err;
}

/* What found no room is lost; a transmitter that stands still is dead. */
static void drop(size_t n, bool dead)
{
	u64 flags = con_lock();

	con.dead = dead;
	con.dropped += n;
	con_unlock(flags);
}

void console_write(const char *s, size_t n)
{
	while (n && con.state != CON_NONE) {
		size_t part = min_u64(n, STEP_WRITE), lines = whole_lines(s, part), done;
		u64 flags = con_lock();
		bool dead, polled = con.state == CON_BOOT || con.state == CON_PANIC;

		done = enqueue(s, part, lines);
		con_unlock(flags);
		push_out();
		dead = __atomic_load_n(&con.dead, __ATOMIC_RELAXED);
		s += done;
		n -= done;
		/* Polled output has made room, if only by giving up. */
		if (n == 0 || polled || done == part)
			continue;
		if (dead || !may_sleep() || !wait_for_room()) {
			drop(n, dead || may_sleep());
			return;
		}
	}
}

static void console_put(struct out *out, const char *s, size_t n)
{
	(void)out;
	console_write(s, n);
}

struct out console_out = { .put = console_put };

/* Send unfinished lines too; say what was lost meanwhile. */
static void commit_all(void)
{
	u64 flags, dropped;

	if (con.state == CON_NONE)
		return;
	flags = con_lock();
	dropped = con.dropped;
	con.dropped = 0;
	con.tx_commit = con.tx.head;
	con_unlock(flags);
	push_out();
	if (dropped)
		pr_warn("console: %llu bytes of output lost", (unsigned long long)dropped);
}

static bool all_sent(void)
{
	u64 flags = con_lock();
	bool idle = false;

	if (!pump())
		idle = con.uart.ops->tx_idle(&con.uart);
	con_unlock(flags);
	return idle;
}

void console_flush(u64 deadline_ns)
{
	if (con.state == CON_NONE)
		return;
	commit_all();
	while (!all_sent() && time_now_ns() < deadline_ns) {
		if (may_sleep())
			sleep_ns(POLL_NS);
		else
			arch_cpu_relax();
	}
}

/* ---- reading --------------------------------------------------------------------- */

static bool take_line_broken(void)
{
	u64 flags = con_lock();
	bool broken = con.line_broken;

	con.line_broken = false;
	con_unlock(flags);
	return broken;
}

/* Once the full ring is half empty again, let the UART speak. con.tty held. */
static void restart_input(void)
{
	u64 flags;

	if (!con.rx_stopped || ring_used(&con.rx) > RX_SIZE / 2)
		return;
	con.rx_stopped = false;
	flags = con_lock();
	set_irqs(con.irq_tx);
	con_unlock(flags);
}

/* A reader may leave: it ends here if it was asked to, or stands frozen. */
static int wait_for_input(u64 *flags, u64 deadline_ns)
{
	int err;

	if (con.state == CON_POLLED)
		return tty_wait(&con.reader, flags, deadline_ns);
	err = waitq_wait_leave(&con.reader, &con.tty, flags, deadline_ns);
	if (err != ERR_KILLED && err != ERR_FROZEN)
		return err;
	spin_unlock_irqrestore(&con.tty, *flags);
	task_check_kill();
	(void)task_try_freeze();
	*flags = spin_lock_irqsave(&con.tty);
	return 0;
}

int console_read(char *buf, size_t n, u64 deadline_ns)
{
	int count = 0, err = 0;
	u64 flags;

	commit_all();
	flags = spin_lock_irqsave(&con.tty);
	while (!err && ring_used(&con.rx) == 0) {
		if (take_line_broken())
			err = ERR_AGAIN;
		else
			err = wait_for_input(&flags, deadline_ns);
	}
	while ((size_t)count < min_u64(n, STEP_READ) && ring_used(&con.rx)) {
		tm_step();
		buf[count++] = (char)ring_get(&con.rx);
	}
	restart_input();
	spin_unlock_irqrestore(&con.tty, flags);
	return count ? count : err;
}

bool console_interrupted(void)
{
	if (con.state == CON_POLLED && may_sleep())
		poll();
	return __atomic_load_n(&con.interrupted, __ATOMIC_RELAXED);
}

void console_clear_interrupt(void)
{
	u64 flags = spin_lock_irqsave(&con.tty);

	__atomic_store_n(&con.interrupted, 0, __ATOMIC_RELAXED);
	/* It emptied the ring, so unread it comes first. */
	if (ring_used(&con.rx) && con.rx.buf[con.rx.tail & (RX_SIZE - 1)] == CTRL_C)
		(void)ring_get(&con.rx);
	spin_unlock_irqrestore(&con.tty, flags);
}

/* ---- opening --------------------------------------------------------------------- */

const struct uart *console_uart(void)
{
	return con.state == CON_NONE ? NULL : &con.uart;
}

/*
 * Map, initialise and make it the console. What was typed before (the machine
 * may have run for a while) goes into the ring first: setting up the FIFO
 * would throw it away.
 */
static tm_init int open_early(const struct uart_type *type, phys_t base, u32 shift, u32 width)
{
	volatile u8 *regs = arch_early_map(base, type->nr_bytes, ARCH_PROT_DEV);
	struct uart u = { .phys = base };
	int c, err;

	if (!regs)
		return ERR_NOMEM;
	err = uart_bind(&u, type, regs, shift, width);
	if (err)
		return err;
	for (unsigned int i = 0; i < RX_FIFO_MAX && (c = u.ops->rx(&u)) >= 0; i++)
		ring_put(&con.rx, (u8)c);
	u.ops->init(&u);
	con.uart = u;
	con.state = CON_BOOT;
	return 0;
}

tm_init int console_early_hint(const struct uart_hint *hint)
{
	char name[sizeof(hint->type) + 1] = { 0 };
	const struct uart_type *type;

	memcpy(name, hint->type, sizeof(hint->type));
	if (!name[0])
		return ERR_NODEV;
	type = uart_type_named(name);
	return type ? open_early(type, phys_make(hint->base), hint->reg_shift, hint->reg_width)
		    : ERR_NODEV;
}

tm_init int console_early_init(const struct dt_console *named)
{
	int err = ERR_NODEV;

	if (!named || !named->path[0])
		return err;
	for (unsigned int i = 0; err && i < ARRAY_SIZE(named->compatible); i++) {
		const struct uart_type *type = uart_type_find(named->compatible[i]);

		if (type)
			err = open_early(type, named->base, named->reg_shift, named->reg_width);
	}
	if (err) {
		pr_warn("console: %s (%s): %s", named->path, named->compatible[0],
			err == ERR_NODEV ? "no driver for it"
			: err == ERR_IO  ? "nothing answers at its address"
					 : "reg, reg-shift or reg-io-width cannot be used");
		return err;
	}
	tm_snprintf(con.path, sizeof(con.path), "%s", named->path);
	console_kick();
	return 0;
}

/* The tree's node of the open UART: by path, or the one with its address. */
static tm_init const struct dt_node *find_node(void)
{
	const struct dt_node *n;
	phys_t base;
	u64 nr_bytes;

	if (con.path[0])
		return dt_find_path(con.path);
	for (n = dt_root(); n; n = dt_next(n))
		if (dt_has(n, "interrupts") && dt_reg(n, 0, &base, &nr_bytes) == 0 &&
		    base.v == con.uart.phys.v)
			return n;
	return NULL;
}

tm_init void console_init(void)
{
	const struct dt_node *node;
	struct uart *u = &con.uart;
	unsigned int irq = UART_POLLED;
	bool edge = false;
	u64 flags;

	if (con.state == CON_NONE)
		return;
	BUG_ON_VAL(con.state != CON_BOOT, con.state, 0);
	node = find_node();
	if (!node || arch_irq_from_dt(node, 0, &irq, &edge) ||
	    irq_request(irq, &(struct irq_attr){ .name = u->name,
						 .edge = edge,
						 .level = IRQ_LEVEL_DEFAULT,
						 .handler = console_irq }))
		irq = UART_POLLED;
	flags = con_lock();
	u->irq = irq;
	u->irq_edge = edge;
	con.state = irq == UART_POLLED ? CON_POLLED : CON_IRQ;
	set_irqs(true);
	con_unlock(flags);
	if (irq == UART_POLLED)
		pr_warn("console: %s at %#llx has no interrupt line: polled", u->name,
			(unsigned long long)u->phys.v);
	else
		pr_info("console: %s at %#llx, interrupt %u", u->name,
			(unsigned long long)u->phys.v, irq);
}

void console_panic_mode(void)
{
	if (con.state == CON_NONE || con.state == CON_PANIC)
		return;
	con.state = CON_PANIC;
	con.uart.ops->irq_enable(&con.uart, false, false);
	con.tx_commit = con.tx.head;
	drain_polled();
}
