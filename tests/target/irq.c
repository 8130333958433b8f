/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupt lines: requests that are refused, and the view, whose columns are
 * compared with what is known otherwise. That interrupts arrive is shown by
 * every sleep of every other suite.
 */
#include "tests/target/help.h"

enum { VIEW_MAX = 16384 };

static char view[VIEW_MAX];

static enum irq_result never(unsigned int irq, void *arg)
{
	(void)arg;
	TEST_CHECK_VAL(false, irq, 0);
	return IRQ_NONE;
}

static void test_refused(void)
{
	const struct uart *u = console_uart();
	struct irq_attr attr = { .name = "x", .handler = never };

	TEST_CHECK(irq_request(arch_irq_lines(), &attr) == ERR_RANGE);
	TEST_CHECK(irq_request(~0u, &attr) == ERR_RANGE);
	if (!u || u->irq == UART_POLLED)
		test_skip("the console has no line to ask for twice");
	else
		TEST_CHECK(irq_request(u->irq, &attr) == ERR_BUSY);
}

/* How often `what` stands in text. */
static unsigned int occurrences(const char *text, const char *what)
{
	unsigned int n = 0;

	for (; *text; text++)
		n += strncmp(text, what, strlen(what)) == 0;
	return n;
}

static void test_view(void)
{
	struct out_buf ob;

	out_buf_init(&ob, view, sizeof(view));
	irq_view(&ob.out);
	TEST_CHECK(!ob.truncated && ob.len && view[ob.len - 1] == '\n');
	TEST_CHECK_VAL(occurrences(view, "CPU") == cpus_online_count(), ob.len, 0);
	TEST_CHECK_VAL(occurrences(view, "arch_timer\n") == (arch_timer_irq() != 0), ob.len, 0);
	TEST_CHECK(occurrences(view, "IPI0:") == 1 && occurrences(view, "Err:") == 1);
}

/* The counts of the line of the view that ends in `name`, as text; or null. */
static char *counts_of(const char *name)
{
	char *line, *end;
	struct out_buf ob;

	out_buf_init(&ob, view, sizeof(view));
	irq_view(&ob.out);
	for (line = view; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		if (end - line > 20 && strcmp(end - strlen(name), name) == 0)
			return strchr(line, ':') + 1;
	}
	return NULL;
}

/* Alarms taken by all CPUs. */
static u64 timer_count(void)
{
	char *at = counts_of("arch_timer");
	unsigned int i;
	u64 sum = 0;

	for (i = 0; at && i < cpus_online_count(); i++)
		sum += strtoul(at, &at, 10);
	return sum;
}

/*
 * Each sleep costs at least one alarm. Where time is that of a busy host, one
 * alarm may come so late that it serves two.
 */
static void test_counts(void)
{
	u64 before, want = arch_count_exact() ? 10 : 1;
	unsigned int i;

	if (!arch_timer_irq()) {
		test_skip("no timer interrupt on this machine");
		return;
	}
	before = timer_count();
	for (i = 0; i < 10; i++)
		sleep_ms(1);
	TEST_CHECK_VAL(timer_count() >= before + want, timer_count(), before);
}

static const struct test_case cases[] = {
	{ "refused", test_refused },
	{ "view", test_view },
	{ "counts", test_counts },
};

const struct test_suite suite_irq = { "irq", cases, ARRAY_SIZE(cases) };
