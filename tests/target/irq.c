/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupt lines: requests that are refused, lines raised by software on the
 * CPU, at the level and in the thread they were asked for, storms, lines taken
 * away while they are raised, and the console's on each CPU. The view's columns
 * are compared with what is known otherwise. That alarms arrive every sleep of
 * every suite shows.
 */
#include "rtos/irq.h"
#include "tests/target/help.h"

enum { VIEW_MAX = 16384, NR_OWN = 3, STORM = 1000 };

static char view[VIEW_MAX];

static enum irq_result never(unsigned int irq, void *arg)
{
	(void)arg;
	TEST_CHECK_VAL(false, irq, 0);
	return IRQ_NONE;
}

static void never_thread(unsigned int irq, void *arg)
{
	(void)arg;
	TEST_CHECK_VAL(false, irq, 0);
}

static void test_refused(void)
{
	const struct uart *u = console_uart();
	struct irq_attr attr = { .name = "x", .handler = never };

	TEST_CHECK(irq_request(arch_irq_lines(), &attr) == ERR_RANGE);
	TEST_CHECK(irq_request(~0u, &attr) == ERR_RANGE);
	if (arch_irq_lines()) {
		TEST_CHECK(irq_request(0, &attr) == ERR_BUSY);
		TEST_CHECK(irq_request(arch_timer_irq(), &attr) == ERR_BUSY);
		attr.level = IRQ_LEVEL_MAX + 1;
		TEST_CHECK(irq_request(arch_irq_lines() - 1, &attr) == ERR_INVAL);
		attr = (struct irq_attr){ .name = "x" };
		TEST_CHECK(irq_request(arch_irq_lines() - 1, &attr) == ERR_INVAL);
		attr.thread = never_thread;
		attr.thread_prio = TASK_PRIO_LEVELS;
		TEST_CHECK(irq_request(arch_irq_lines() - 1, &attr) == ERR_INVAL);
		attr = (struct irq_attr){ .name = "x", .handler = never, .cpus = ~cpus_online() };
		TEST_CHECK(!attr.cpus || irq_request(arch_irq_lines() - 1, &attr) == ERR_INVAL);
		attr.cpus = 0;
		TEST_CHECK(irq_free(arch_irq_lines() - 1) == ERR_NOENT);
		TEST_CHECK(irq_disable(arch_irq_lines() - 1) == ERR_NOENT);
		TEST_CHECK(irq_enable(arch_irq_lines()) == ERR_NOENT);
		TEST_CHECK(irq_set_cpus(~0u, 0) == ERR_NOENT);
	}
	if (!u || u->irq == UART_POLLED)
		test_skip("the console has no line to ask for twice");
	else
		TEST_CHECK(irq_request(u->irq, &attr) == ERR_BUSY);
}

/* ---- lines raised by software ----------------------------------------------------- */

/* What a handler of ours saw. */
static struct own {
	unsigned int irq;
	enum irq_result result;
	u32 calls, on_cpu, bad, runs;
	u64 spin_ns;
} own[NR_OWN];
static unsigned int order[NR_OWN];
static u32 nr_order;

static enum irq_result own_handler(unsigned int irq, void *arg)
{
	struct own *o = arg;

	o->bad += irq != o->irq || !in_interrupt() || !arch_irqs_masked();
	o->on_cpu = cpu_id();
	order[nr_order++ % NR_OWN] = (unsigned int)(o - own);
	help_spin(o->spin_ns);
	help_add(&o->calls, 1);
	return o->result;
}

static void own_thread(unsigned int irq, void *arg)
{
	struct own *o = arg;

	o->bad += irq != o->irq || !may_sleep();
	sleep_ns(o->spin_ns);
	help_add(&o->runs, 1);
}

/* Attach own[i] to a line nobody uses; false skips the case. */
static bool own_request(unsigned int i, struct irq_attr attr)
{
	unsigned int irq;
	int err = ERR_RANGE;

	own[i] = (struct own){ .result = attr.thread ? IRQ_WAKE : IRQ_DONE };
	nr_order = 0;
	attr.name = "own";
	attr.edge = true;
	attr.arg = &own[i];
	for (irq = arch_irq_lines() - 1; err && irq >= arch_irq_lines() - 10; irq--) {
		own[i].irq = irq;
		err = arch_irq_lines() ? irq_request(irq, &attr) : ERR_RANGE;
	}
	if (err && !arch_irq_lines())
		test_skip("no interrupt controller on this machine");
	else
		TEST_CHECK_VAL(err == 0, err, irq);
	return !err;
}

static void test_raised(void)
{
	unsigned int i;

	if (!own_request(0, (struct irq_attr){ .handler = own_handler }))
		return;
	for (i = 1; i <= 20; i++) {
		arch_irq_set_pending(own[0].irq);
		TEST_CHECK(help_await(&own[0].calls, i));
	}
	sleep_ms(1);
	TEST_CHECK_VAL(own[0].calls == 20 && !own[0].bad, own[0].calls, own[0].bad);
	TEST_CHECK(irq_free(own[0].irq) == 0);
	TEST_CHECK(irq_free(own[0].irq) == ERR_NOENT);
}

static void test_affinity(void)
{
	u64 left, online = cpus_online();
	u32 calls = 0, cpu;

	if (!own_request(0, (struct irq_attr){ .handler = own_handler, .cpus = online }))
		return;
	for (left = online; left; left &= left - 1) {
		cpu = (u32)__builtin_ctzll(left);
		/* Also for one that is pending, while it is masked. */
		irq_disable(own[0].irq);
		arch_irq_set_pending(own[0].irq);
		TEST_CHECK(irq_set_cpus(own[0].irq, left) == 0);
		irq_enable(own[0].irq);
		TEST_CHECK(help_await(&own[0].calls, ++calls));
		TEST_CHECK_VAL(own[0].on_cpu == cpu, own[0].on_cpu, cpu);
		arch_irq_set_pending(own[0].irq);
		TEST_CHECK(help_await(&own[0].calls, ++calls));
		TEST_CHECK_VAL(own[0].on_cpu == cpu, own[0].on_cpu, cpu);
	}
	TEST_CHECK(!~online || irq_set_cpus(own[0].irq, ~online) == ERR_INVAL);
	irq_free(own[0].irq);
}

/* Three lines pending at once come in the order of their levels. */
static void test_levels(void)
{
	static const u8 levels[NR_OWN] = { 1, IRQ_LEVEL_MAX, 4 };
	u64 flags, here = 1ull << cpu_id();
	unsigned int i;

	task_set_cpus(task_current(), here);
	for (i = 0; i < NR_OWN; i++)
		if (!own_request(i, (struct irq_attr){ .handler = own_handler,
						       .level = levels[i],
						       .cpus = here }))
			return;
	flags = arch_irq_save();
	for (i = 0; i < NR_OWN; i++)
		arch_irq_set_pending(own[i].irq);
	arch_irq_restore(flags);
	for (i = 0; i < NR_OWN; i++) {
		TEST_CHECK(help_await(&own[i].calls, 1));
		irq_free(own[i].irq);
	}
	TEST_CHECK_VAL(order[0] == 1 && order[1] == 2 && order[2] == 0, order[0] * 10 + order[1],
		       order[2]);
}

/* The line stays masked until its thread has run, and nothing is lost. */
static void test_thread(void)
{
	unsigned int round;

	for (round = 0; round < 2; round++) {
		if (!own_request(0, (struct irq_attr){ .handler = round ? NULL : own_handler,
						       .thread = own_thread,
						       .thread_prio = 20 }))
			return;
		own[0].spin_ns = MS;
		arch_irq_set_pending(own[0].irq);
		arch_irq_set_pending(own[0].irq);
		TEST_CHECK(help_await(&own[0].runs, 1));
		arch_irq_set_pending(own[0].irq);
		TEST_CHECK(help_await(&own[0].runs, 2));
		sleep_ms(4);
		/* Its CPU may be one that the emulator's host does not run just now. */
		if (!round)
			TEST_CHECK(help_await(&own[0].runs, own[0].calls));
		TEST_CHECK_VAL(own[0].runs <= 3 && !own[0].bad, own[0].runs, own[0].bad);
		TEST_CHECK_VAL(round || own[0].calls == own[0].runs, own[0].calls, own[0].runs);
		TEST_CHECK(irq_free(own[0].irq) == 0);
	}
}

static void test_disable(void)
{
	if (!own_request(0, (struct irq_attr){ .handler = own_handler }))
		return;
	irq_disable(own[0].irq);
	irq_disable(own[0].irq);
	arch_irq_set_pending(own[0].irq);
	irq_enable(own[0].irq);
	sleep_ms(1);
	TEST_CHECK_VAL(own[0].calls == 0, own[0].calls, 0);
	irq_enable(own[0].irq);
	TEST_CHECK(help_await(&own[0].calls, 1));
	irq_free(own[0].irq);
}

/* Raise a line and wait until that was seen, at most ns. */
static bool raise_within(struct own *o, u64 ns)
{
	u64 deadline = time_after_ns(ns);
	u32 before = help_read(&o->calls);

	arch_irq_set_pending(o->irq);
	while (help_read(&o->calls) == before && time_now_ns() < deadline)
		arch_cpu_relax();
	return help_read(&o->calls) != before;
}

/* It comes, however late the host lets the other CPU run. */
static bool raise_once(struct own *o)
{
	return raise_within(o, 30 * SEC);
}

static void test_storm(void)
{
	unsigned int i, seen = 0;

	if (!own_request(0, (struct irq_attr){ .handler = own_handler }))
		return;
	own[0].result = IRQ_NONE;
	for (i = 0; i < STORM - 1; i++)
		seen += raise_once(&own[0]);
	own[0].result = IRQ_DONE; /* one that was claimed: counted from 0 again */
	seen += raise_once(&own[0]);
	own[0].result = IRQ_NONE;
	for (i = 0; i < STORM; i++)
		seen += raise_once(&own[0]);
	TEST_CHECK_VAL(seen == 2 * STORM, seen, own[0].calls);
	TEST_CHECK(!raise_within(&own[0], 10 * MS));
	/* Another chance, and the pending one comes. */
	irq_disable(own[0].irq);
	irq_enable(own[0].irq);
	TEST_CHECK(help_await(&own[0].calls, 2 * STORM + 1));
	irq_free(own[0].irq);
}

static u32 raising;

static void raise_often(void *arg)
{
	(void)arg;
	while (help_read(&raising)) {
		arch_irq_set_pending(own[0].irq);
		sleep_ns(20 * 1000); /* leave time to live between two of them */
	}
}

/* Freed in the middle of it all: neither handler nor thread afterwards. */
static void test_free(void)
{
	struct task *t;
	unsigned int round;
	u32 calls, runs;

	for (round = 0; round < 20; round++) {
		if (!own_request(0, (struct irq_attr){ .handler = own_handler,
						       .thread = round % 2 ? own_thread : NULL,
						       .thread_prio = 20,
						       .cpus = round % 3 ? 0 : cpus_online() }))
			return;
		own[0].spin_ns = 1000 * (round % 4);
		raising = 1;
		t = help_spawn("raise", TASK_PRIO_DEFAULT, CPUS_ALL, raise_often, NULL);
		TEST_CHECK(help_await(&own[0].calls, 1 + round % 5));
		/* Whoever raised it after that would find nobody. */
		irq_disable(own[0].irq);
		__atomic_store_n(&raising, 0, __ATOMIC_RELEASE);
		help_join(t);
		if (round % 2)
			irq_enable(own[0].irq);
		TEST_CHECK(irq_free(own[0].irq) == 0);
		calls = help_read(&own[0].calls);
		runs = help_read(&own[0].runs);
		sleep_ns(MS / 2);
		TEST_CHECK(calls == help_read(&own[0].calls) && runs == help_read(&own[0].runs));
		TEST_CHECK_VAL(!own[0].bad, own[0].bad, round);
	}
}

/* What cpu_off() and cpu_on() ask for, with the CPU still there to see it. */
static void test_cpu_gone(void)
{
	unsigned int last = fls_u64(cpus_online()) - 1, first = cpu_id();

	if (cpus_online_count() < 2) {
		test_skip("one CPU");
		return;
	}
	if (!own_request(0, (struct irq_attr){ .handler = own_handler, .cpus = 1ull << last }))
		return;
	TEST_CHECK(raise_once(&own[0]) && own[0].on_cpu == last);
	irq_cpu_gone(last);
	TEST_CHECK(raise_once(&own[0]) && own[0].on_cpu != last);
	irq_cpu_back();
	TEST_CHECK(raise_once(&own[0]) && own[0].on_cpu == last);
	first = (unsigned int)__builtin_ctzll(cpus_online());
	irq_set_cpus(own[0].irq, 1ull << last | 1ull << first);
	TEST_CHECK(raise_once(&own[0]) && own[0].on_cpu == first);
	irq_cpu_gone(first);
	TEST_CHECK(raise_once(&own[0]) && own[0].on_cpu != first);
	irq_free(own[0].irq);
	irq_cpu_back();
}

/* ---- the view ---------------------------------------------------------------------- */

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

/* Interrupts of a line that the n-th online CPU took. */
static u64 line_count(const char *name, unsigned int n)
{
	char *at = counts_of(name);
	u64 count = 0;

	for (unsigned int i = 0; at && i <= n; i++)
		count = strtoul(at, &at, 10);
	return count;
}

/* A line of a real device is served where it is directed, too. */
static void test_device(void)
{
	static const char text[] =
		"# sent while the console's interrupt is served by one CPU after the other\n";
	const struct uart *u = console_uart();
	unsigned int n = 0;

	if (!u || u->irq == UART_POLLED) {
		test_skip("the console has no interrupt line");
		return;
	}
	for (u64 left = cpus_online(); left; left &= left - 1, n++) {
		u64 deadline = time_after_ns(30 * SEC), before;

		TEST_CHECK(irq_set_cpus(u->irq, left & -left) == 0);
		before = line_count(u->name, n);
		while (line_count(u->name, n) == before && time_now_ns() < deadline) {
			console_write(text, sizeof(text) - 1);
			sleep_ms(1);
		}
		TEST_CHECK_VAL(line_count(u->name, n) > before, n, before);
	}
	TEST_CHECK(irq_set_cpus(u->irq, 0) == 0);
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
	{ "refused", test_refused }, { "view", test_view },         { "counts", test_counts },
	{ "raised", test_raised },   { "affinity", test_affinity }, { "levels", test_levels },
	{ "thread", test_thread },   { "disable", test_disable },   { "storm", test_storm },
	{ "free", test_free },       { "cpu_gone", test_cpu_gone }, { "device", test_device },
};

const struct test_suite suite_irq = { "irq", cases, ARRAY_SIZE(cases) };
