// SPDX-License-Identifier: Apache-2.0
/*
 * The console core over the PL011 model: two sources on one wire, back-pressure
 * on input, polled and interrupt-driven, with a dead transmitter, without an
 * interrupt line and without a UART. Each case runs in a child process, since
 * the core's state is static; time passes by register accesses and by waiting.
 *
 *   tasks  ---> transmit ring --.
 *                               +--> UART ---> wire      wire ---> receive ring
 *   kernel ---> message ring ---'
 */
#include "unit.h"

#include "fake/device.h"
#include "mm/dt.h"
#include "rtos/log.h"
#include "rtos/rtos.h"

enum { IRQ = 33, BASE_ADDRESS = 0x9000000 };

/* Inside a child cmocka cannot report, so failing means abort(). */
#define check(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                 \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static struct {
	u64 now;
	const struct dt_node *node; /* what the path leads to; null: nothing */
	bool has_irq;
	enum irq_result (*handler)(unsigned int irq, void *arg);
	bool in_irq, woken;
	const char *input; /* to be typed as fast as the UART takes it */
	size_t nr_input;
	unsigned int baud_ns; /* time of one byte on the wire; 0: as fast as asked */
	u64 last_byte;
	char messages[1 << 15];
	size_t msg_head, msg_tail;
	unsigned int wakes;
} world;

static struct dt_node uart_node = { .name = "uart@9000000" };
static struct dt_console named = {
	.path = "/uart@9000000",
	.compatible = { "arm,pl011", "arm,primecell" },
	.base = { BASE_ADDRESS },
	.nr_bytes = 0x1000,
};

/* ---- the kernel around the console ---------------------------------------------- */

static void set_now(u64 now)
{
	world.now = now;
	fake_clock_ns(now);
}

static void tick(void)
{
	set_now(world.now + 1000);
	if (world.baud_ns && world.now - world.last_byte >= world.baud_ns) {
		world.last_byte = world.now;
		model_drain(1);
	}
}

/* A millisecond of the machine: wire both ways, then the interrupt. */
static void run_machine(void)
{
	set_now(world.now + 1000000);
	model_drain(11);
	while (world.nr_input && model_receive((u8)*world.input)) {
		world.input++;
		world.nr_input--;
	}
	for (unsigned int i = 0; i < 8 && world.handler && model_irq() && !fake_irqs_masked; i++) {
		world.in_irq = true;
		world.handler(IRQ, NULL);
		world.in_irq = false;
	}
}

u64 time_after_ns(u64 ns)
{
	return world.now + ns < ns ? TM_FOREVER : world.now + ns;
}

void sleep_ns(u64 ns)
{
	check(may_sleep());
	for (u64 end = world.now + ns; world.now < end;)
		run_machine();
}

int waitq_wait(struct waitq *q, struct spinlock *l, u64 *flags, u64 deadline_ns)
{
	(void)q;
	check(fake_locks_held() == 1 && !world.in_irq);
	spin_unlock_irqrestore(l, *flags);
	check(may_sleep());
	world.woken = false;
	for (unsigned int i = 0; !world.woken && world.now < deadline_ns; i++) {
		check(i < 20000); /* forever */
		run_machine();
	}
	*flags = spin_lock_irqsave(l);
	return world.woken ? 0 : ERR_TIMEDOUT;
}

/* Nobody is asked to end or to freeze here, so these are the same and nothing. */
int waitq_wait_leave(struct waitq *q, struct spinlock *l, u64 *flags, u64 deadline_ns)
{
	return waitq_wait(q, l, flags, deadline_ns);
}

void task_check_kill(void)
{
}

bool task_try_freeze(void)
{
	return false;
}

unsigned int waitq_wake_one(struct waitq *q)
{
	(void)q;
	check(fake_locks_held() == 0);
	world.woken = true;
	world.wakes++;
	return 1;
}

unsigned int waitq_wake_all(struct waitq *q)
{
	return waitq_wake_one(q);
}

int irq_request(unsigned int irq, const struct irq_attr *attr)
{
	check(irq == IRQ && !attr->edge && attr->name && !attr->thread);
	world.handler = attr->handler;
	return 0;
}

int arch_irq_from_dt(const struct dt_node *node, unsigned int index, unsigned int *irq, bool *edge)
{
	check(node == &uart_node && index == 0);
	*irq = IRQ;
	*edge = false;
	return world.has_irq ? 0 : ERR_NOENT;
}

const struct dt_node *dt_find_path(const char *path)
{
	check(!strcmp(path, named.path));
	return world.node;
}

const struct dt_node *dt_root(void)
{
	return world.node;
}

const struct dt_node *dt_next(const struct dt_node *n)
{
	(void)n;
	return NULL;
}

bool dt_has(const struct dt_node *n, const char *name)
{
	return n == &uart_node && !strcmp(name, "interrupts");
}

int dt_reg(const struct dt_node *n, unsigned int index, phys_t *base, u64 *nr_bytes)
{
	check(n == &uart_node && index == 0);
	*base = named.base;
	*nr_bytes = named.nr_bytes;
	return 0;
}

/* The kernel says something: one line. */
static void say(const char *text)
{
	size_t n = strlen(text);

	check(world.msg_head + n < sizeof(world.messages));
	memcpy(world.messages + world.msg_head, text, n);
	world.msg_head += n;
	console_kick();
}

/* One message a call, as long as it is whole. */
size_t log_console_fetch(char *buf, size_t n, bool *more)
{
	const char *from = world.messages + world.msg_tail;
	const char *end = memchr(from, '\n', world.msg_head - world.msg_tail);

	*more = false;
	if (!end)
		return 0;
	check((size_t)(end + 1 - from) <= n);
	memcpy(buf, from, (size_t)(end + 1 - from));
	world.msg_tail += (size_t)(end + 1 - from);
	return (size_t)(end + 1 - from);
}

/* ---- helpers of the cases ---------------------------------------------------------- */

static void power_on(void)
{
	fake_reset();
	model_pl011();
	memset(&world, 0, sizeof(world));
	world.node = &uart_node;
	world.has_irq = true;
	model.tick = tick;
	world.baud_ns = 86805;
	set_now(1000000);
}

static void open_by_interrupt(void)
{
	check(console_early_init(&named) == 0);
	console_init();
	check(world.handler);
}

static void put(const char *text)
{
	console_write(text, strlen(text));
}

/* All that was sent so far. */
static const char *wire(void)
{
	check(model.nr_sent < MODEL_SENT);
	model.sent[model.nr_sent] = '\0';
	return (const char *)model.sent;
}

static void settle(void)
{
	console_flush(time_after_ns(10000000000ull));
	check(fake_locks_held() == 0 && !fake_irqs_masked);
}

/* ---- cases -------------------------------------------------------------------------- */

/* Before interrupts everything is on the wire when the call returns. */
static void boot_polled(void *arg)
{
	(void)arg;
	power_on();
	say("before the UART\n");
	check(console_uart() == NULL);
	check(console_early_init(&named) == 0);
	put("one\ntwo");
	say("message\n");
	put("\n");
	model_drain(MODEL_FIFO);
	/* "two" had no end yet when the message came. */
	check(!strcmp(wire(), "before the UART\r\none\r\nmessage\r\ntwo\r\n"));
	check(model.imsc == 0);
}

/* Far more than ring and FIFO: the writer sleeps, nothing is lost. */
static void long_output(void *arg)
{
	static char text[40000];
	size_t n = 0;

	(void)arg;
	power_on();
	open_by_interrupt();
	for (unsigned int i = 0; n < sizeof(text) - 16; i++)
		n += (size_t)sprintf(text + n, "line %u\r", i);
	console_write(text, n);
	settle();
	check(model.nr_sent == n && !memcmp(model.sent, text, n));
	check(model.imsc == 0x50); /* receive on, transmit off again */
}

/* Lines of both sources, in pieces and at random times, come out whole. */
static void merged_lines(void *arg)
{
	u64 random = fake_seed("merged_lines", 11);
	unsigned int task = 0, kernel = 0, seen_task = 0, seen_kernel = 0;
	char text[64];

	(void)arg;
	power_on();
	open_by_interrupt();
	while (task < 400) {
		u64 r = fake_random(&random);

		if (r % 3 == 0 && kernel < 400) {
			sprintf(text, "[kernel %u]\n", kernel++);
			say(text);
		} else {
			sprintf(text, "task %u ", task++);
			put(text);
			if (r & 64)
				say("[extra]\n");
			put("ends\n");
		}
		if (r & 256)
			run_machine();
	}
	settle();
	for (char *line = strtok((char *)wire(), "\n"); line; line = strtok(NULL, "\n")) {
		if (!strcmp(line, "[extra]\r"))
			continue;
		sprintf(text, "[kernel %u]\r", seen_kernel);
		if (!strcmp(line, text)) {
			seen_kernel++;
			continue;
		}
		sprintf(text, "task %u ends\r", seen_task++);
		check(!strcmp(line, text));
	}
	check(seen_kernel == kernel && seen_task == task);
}

/* A message over the prompt: on its own line, and the reader is told once. */
static void broken_prompt(void *arg)
{
	char buf[8];

	(void)arg;
	power_on();
	open_by_interrupt();
	put("tm> ");
	check(console_read(buf, sizeof(buf), time_after_ns(5000000)) == ERR_TIMEDOUT);
	check(!strcmp(wire(), "tm> "));
	say("hello\n");
	check(console_read(buf, sizeof(buf), TM_FOREVER) == ERR_AGAIN);
	check(console_read(buf, sizeof(buf), time_after_ns(5000000)) == ERR_TIMEDOUT);
	settle();
	check(!strcmp(wire(), "tm> \r\nhello\r\n"));
	/* Between lines nobody needs telling. */
	say("again\n");
	check(console_read(buf, sizeof(buf), time_after_ns(5000000)) == ERR_TIMEDOUT);
}

/* 20,000 bytes against a ring of 4,096 and a reader that dawdles. */
static void fast_typing(void *arg)
{
	static char text[20000];
	u64 random = 99;
	size_t got = 0;
	bool masked = false;

	(void)arg;
	power_on();
	open_by_interrupt();
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('!' + fake_random(&random) % 90);
	world.input = text;
	world.nr_input = sizeof(text);
	while (got < sizeof(text)) {
		char buf[100];
		int n = console_read(buf, sizeof(buf), time_after_ns(1000000000));

		check(n > 0 && !memcmp(buf, text + got, (size_t)n));
		got += (size_t)n;
		for (unsigned int i = 0; i < 20; i++)
			run_machine();
		masked |= !(model.imsc & 0x10);
	}
	check(masked);
	check(model.imsc & 0x10);
}

/* Typed while the machine booted, before anything set the FIFO up. */
static void typed_before_boot(void *arg)
{
	char buf[8];

	(void)arg;
	power_on();
	model_receive('h');
	model_receive('i');
	open_by_interrupt();
	check(console_read(buf, sizeof(buf), TM_FOREVER) == 2 && !memcmp(buf, "hi", 2));
}

static void ctrl_c(void *arg)
{
	char buf[8];

	(void)arg;
	power_on();
	open_by_interrupt();
	world.input = "typed\3x";
	world.nr_input = 7;
	run_machine();
	check(console_interrupted());
	check(console_read(buf, sizeof(buf), TM_FOREVER) == 2 && !memcmp(buf, "\3x", 2));
	console_clear_interrupt();
	check(!console_interrupted());
	/* Cleared before it was read, it is gone; what follows is not. */
	world.input = "\3yz";
	world.nr_input = 3;
	run_machine();
	check(console_interrupted());
	console_clear_interrupt();
	check(console_read(buf, sizeof(buf), TM_FOREVER) == 2 && !memcmp(buf, "yz", 2));
}

/* A transmitter that stands still costs 50 ms once at boot, and a writer 10 s. */
static void dead_transmitter(void *arg)
{
	static char text[10000];
	u64 start;

	(void)arg;
	power_on();
	model.stuck = true;
	memset(text, 'x', sizeof(text));
	check(console_early_init(&named) == 0);
	start = world.now;
	console_write(text, sizeof(text));
	console_write(text, sizeof(text));
	put("\n");
	check(world.now - start < 100000000);
	console_init();
	start = world.now;
	console_write(text, sizeof(text));
	check(world.now - start < 11000000000ull);
	start = world.now;
	console_write(text, sizeof(text));
	check(world.now - start < 100000000);
	/* It comes back to life. */
	model.stuck = false;
	for (unsigned int i = 0; i < 1000; i++)
		run_machine();
	put("alive\n");
	settle();
	check(strstr(wire(), "alive\r\n"));
	check(fake_log_has("bytes of output lost"));
}

/* From a section that may not sleep, what does not fit is dropped. */
static void atomic_writer(void *arg)
{
	static char text[20000];
	u64 flags, start;

	(void)arg;
	power_on();
	open_by_interrupt();
	memset(text, 'x', sizeof(text));
	flags = arch_irq_save();
	start = world.now;
	console_write(text, sizeof(text));
	check(world.now - start < 1000000);
	arch_irq_restore(flags);
	settle();
	check(model.nr_sent >= 8192 && model.nr_sent < 8300);
	check(fake_log_has("bytes of output lost"));
}

static void no_interrupt_line(void *arg)
{
	static char text[12000];
	char buf[8];

	(void)arg;
	power_on();
	world.has_irq = false;
	check(console_early_init(&named) == 0);
	console_init();
	check(console_uart()->irq == UART_POLLED && model.imsc == 0);
	memset(text, 'y', sizeof(text));
	console_write(text, sizeof(text));
	settle();
	check(model.nr_sent == sizeof(text));
	world.input = "k\3";
	world.nr_input = 1;
	check(console_read(buf, sizeof(buf), TM_FOREVER) == 1 && buf[0] == 'k');
	check(console_read(buf, sizeof(buf), time_after_ns(3000000)) == ERR_TIMEDOUT);
	world.input = "\3";
	world.nr_input = 1;
	run_machine();
	check(console_interrupted());
}

/* An unknown UART or none: everything returns, messages stay where they are. */
static void no_uart(void *arg)
{
	struct dt_console other = named;
	struct uart_hint hint = { .type = "pl012" };
	char buf[8];

	(void)arg;
	power_on();
	strcpy(other.compatible[0], "acme,uart");
	other.compatible[1][0] = '\0';
	check(console_early_init(NULL) == ERR_NODEV);
	check(console_early_init(&other) == ERR_NODEV);
	check(fake_log_has("/uart@9000000 (acme,uart): no driver"));
	check(console_early_hint(&hint) == ERR_NODEV);
	hint.type[0] = '\0';
	check(console_early_hint(&hint) == ERR_NODEV);
	say("kept\n");
	put("lost\n");
	console_init();
	console_panic_mode();
	console_flush(TM_FOREVER);
	check(console_read(buf, sizeof(buf), time_after_ns(3000000)) == ERR_TIMEDOUT);
	check(console_uart() == NULL && !console_interrupted());
	check(world.msg_tail == 0 && model.nr_sent == 0);
}

/* The hint opens it, the tree takes over; without a path it is found by address. */
static void hinted(void *arg)
{
	struct uart_hint hint = { .type = "pl011", .base = BASE_ADDRESS };

	(void)arg;
	power_on();
	check(console_early_hint(&hint) == 0);
	say("early\n");
	if (arg)
		check(console_early_init(&named) == 0);
	console_init();
	check(console_uart()->irq == IRQ);
	put("late\n");
	settle();
	check(!strcmp(wire(), "early\r\nlate\r\n"));
}

/* In a panic whoever held the lock is gone, and a dead UART must not hang it. */
static void panic_output(void *arg)
{
	char text[300];
	u64 start;

	(void)arg;
	power_on();
	open_by_interrupt();
	put("half a line");
	console_panic_mode();
	put("panic: text\n");
	model_drain(MODEL_FIFO);
	check(!strcmp(wire(), "half a linepanic: text\r\n"));
	model.stuck = true;
	memset(text, 'z', sizeof(text));
	start = world.now;
	console_write(text, sizeof(text));
	console_flush(time_after_ns(20000000));
	check(world.now - start < 100000000);
	check(fake_locks_held() == 0);
}

static void run_case(void **state)
{
	assert_int_equal(fake_run_child((void (*)(void *)) * state, NULL), 0);
}

static void run_hinted_then_named(void **state)
{
	(void)state;
	assert_int_equal(fake_run_child(hinted, &named), 0);
}

#define CASE(fn)                                                                                   \
	{                                                                                          \
#fn, run_case, NULL, NULL, (void *)(uintptr_t)(fn)                                 \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(boot_polled),   CASE(long_output),
		CASE(merged_lines),  CASE(broken_prompt),
		CASE(fast_typing),   CASE(typed_before_boot),
		CASE(ctrl_c),        CASE(dead_transmitter),
		CASE(atomic_writer), CASE(no_interrupt_line),
		CASE(no_uart),       CASE(hinted),
		CASE(panic_output),  cmocka_unit_test(run_hinted_then_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
