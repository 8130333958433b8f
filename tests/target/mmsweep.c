/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation fails once (H10): each scene is run with its first request
 * refused, then its second, and so on until it comes through with none refused;
 * once more with all requests from the n-th on refused. A scene may fail, but must
 * end, and afterwards every page is home. Which call sites were refused is printed.
 * Commands that ask thousands of times have some of their requests refused: those
 * that they begin with, and samples.
 */
#include "mm/mm.h"
#include "mm/stat/owner.h"
#include "rtos/shell/shell.h"
#include "tests/target/help.h"

enum {
	MOST = 400, /* requests of one scene */
	CHILDREN = 12,
	MAX_SITES = 32,
	SITE_LEN = 48,
	MAX_WORDS = 8,
	FIRST_FEW = 8,     /* of commands that create tasks and then ask for seconds */
	IN_FULL_RUN = 500, /* after those */
	LINES_TRIED = 16,
	REGISTERS = 2 << 20,
	TABLES = 4, /* that these keep, each time they are mapped */
};

/* What a scene does; true: nothing was refused to it. */
struct scene {
	const char *name;
	bool (*run)(void);
};

static char sites[MAX_SITES][SITE_LEN];
static u32 nr_sites;

/* ---- scenes ------------------------------------------------------------------------- */

static void nothing(void *arg)
{
	(void)arg;
}

static void never(unsigned int irq, void *arg)
{
	(void)arg;
	TEST_CHECK_VAL(false, irq, 0);
}

/* Descriptors and stacks, and the page tables these are mapped by. */
static bool make_tasks(void)
{
	const struct task_attr attr = { .name = "child", .prio = TASK_PRIO_DEFAULT };
	struct task *t[CHILDREN];
	bool all = true;

	for (unsigned int i = 0; i < CHILDREN; i++)
		t[i] = task_create(&attr, nothing, NULL);
	for (unsigned int i = 0; i < CHILDREN; i++) {
		all &= t[i] != NULL;
		if (t[i])
			help_join(t[i]);
	}
	return all;
}

static bool bulk(void)
{
	struct page *page[16];
	unsigned int nr = alloc_pages_bulk(GFP_KERNEL | __GFP_NOWARN, ARRAY_SIZE(page), page);

	free_pages_bulk(nr, page);
	return nr > 0;
}

static bool exact(void)
{
	void *p = alloc_pages_exact(5 * PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN);

	if (p)
		free_pages_exact(p, 5 * PAGE_SIZE);
	return p;
}

static bool table_page(void)
{
	phys_t p = mm_table_page();

	if (p.v)
		mm_table_page_put(p);
	return p.v;
}

static bool by_policy(void)
{
	const struct mm_policy p = { MM_POLICY_INTERLEAVE, nodes_with_memory() };
	struct page *page = alloc_pages_policy(&p, 3, GFP_KERNEL | __GFP_NOWARN, 1);

	if (page)
		free_pages(page, 1);
	return page;
}

/* A line as typed: words between blanks. */
static int type(const char *line)
{
	static char words[64];
	char *argv[MAX_WORDS + 1];
	const struct command *c;
	int argc = 0;

	tm_snprintf(words, sizeof(words), "%s", line);
	for (char *at = words; *at && argc < MAX_WORDS;) {
		argv[argc++] = at;
		while (*at && *at != ' ')
			at++;
		if (*at)
			*at++ = '\0';
	}
	argv[argc] = NULL;
	c = command_find(argv[0]);
	return c ? c->run(argc, argv) : EXIT_UNKNOWN;
}

static bool shell_alloc(void)
{
	int status = type("mm alloc 2 3");

	(void)type("mm free all");
	return status == EXIT_OK;
}

static bool shell_stress(void)
{
	return type("stress 2 tasks 4 seed 5") == EXIT_OK;
}

static bool bench_pair(void)
{
	return type("bench pair") == EXIT_OK;
}

static bool bench_bulk(void)
{
	return type("bench bulk") == EXIT_OK;
}

static bool bench_exact(void)
{
	return type("bench exact") == EXIT_OK;
}

static bool bench_batch(void)
{
	return type("bench batch") == EXIT_OK;
}

static bool flood(void)
{
	return type("mm flood 1") == EXIT_OK;
}

static bool shell_mm_stress(void)
{
	return type("mm stress 1 tasks 2 seed 5") == EXIT_OK;
}

/* The task of a threaded interrupt; true as well where there is no free line. */
static bool irq_thread(void)
{
	const struct irq_attr attr = { .name = "sweep", .thread = never, .thread_prio = 20 };
	u32 lines = arch_irq_lines();

	for (u32 i = 1; i <= LINES_TRIED && i < lines; i++) {
		int err = irq_request(lines - i, &attr);

		if (err == ERR_NOMEM)
			return false;
		if (!err) {
			TEST_CHECK(irq_free(lines - i) == 0);
			return true;
		}
	}
	return true;
}

/* Registers next to the console's, as many as need page tables of their own; nobody
 * reads them. True as well where there are none. */
static bool map_registers(void)
{
	const struct uart *u = console_uart();

	return !u || ioremap(u->phys, REGISTERS);
}

/* A CPU that comes back needs a stack for emergencies, a task, page tables. */
static bool turn_cpu(void)
{
	unsigned int cpu = arch_cpu_count() - 1;

	if (!cpu || arch_cpu_can_off(cpu))
		return true;
	if (cpus_online() >> cpu & 1)
		TEST_CHECK(cpu_off(cpu) == 0);
	return cpu_on(cpu) == 0;
}

/* ---- the sweep -------------------------------------------------------------------------- */

static u64 settled(void)
{
	u64 now = 0, calm = 0;

	for (unsigned int i = 0; i < 200 && calm < 4; i++) {
		u64 before = now;

		sleep_ms(1);
		now = mm_free_pages() + mm_cached_pages();
		calm = now == before ? calm + 1 : 0;
	}
	return now;
}

/* Who was refused last, as the journey tells it: "  by NAME+0x..". */
static void note_site(void)
{
	static char text[1024];
	struct out_buf ob;
	const char *by;
	u32 i = 0;

	out_buf_init(&ob, text, sizeof(text));
	mm_view_explain(&ob.out, 1);
	for (by = text; *by && strncmp(by, "\n  by ", 6); by++)
		;
	if (!*by || nr_sites == MAX_SITES)
		return;
	by += 6;
	while (by[i] && by[i] != '+' && by[i] != '\n' && i < SITE_LEN - 1) {
		sites[nr_sites][i] = by[i];
		i++;
	}
	sites[nr_sites][i] = '\0';
	for (i = 0; i < nr_sites; i++)
		if (strcmp(sites[i], sites[nr_sites]) == 0)
			return;
	nr_sites++;
}

/* The n-th request is refused, or all from there on. False: there was none. */
static bool refuse_one(const struct scene *s, u32 n, bool from_then_on)
{
	struct fault_knobs k = fault_default();
	u64 before = fault_count();
	bool done;

	k.probability = 100;
	k.min_order = 0;
	k.ignore_reclaim = k.ignore_highmem = false;
	k.times = from_then_on ? -1 : 1;
	/* A budget in pages stands for a number of requests: every first comes by. */
	k.space = from_then_on ? n : 0;
	k.interval = from_then_on ? 1 : n;
	TEST_CHECK(fault_set(&k) == 0);
	done = s->run();
	/* Other suites set what they need of these and no more. */
	k = fault_default();
	TEST_CHECK(fault_set(&k) == 0);
	if (fault_count() != before) {
		note_site();
		return true;
	}
	TEST_CHECK(done);
	return false;
}

static void sweep(const struct scene *s)
{
	u32 refused[2] = { 0, 0 };
	u64 before, after;

	TEST_CHECK(s->run());
	before = settled();
	for (u32 mode = 0; mode < 2; mode++)
		while (refused[mode] < MOST && refuse_one(s, refused[mode] + 1, mode))
			refused[mode]++;
	TEST_CHECK(s->run());
	after = settled();
	TEST_CHECK_VAL(after == before, after, before);
	TEST_CHECK_VAL(refused[0] && refused[0] < MOST && refused[1] < MOST, refused[0],
		       refused[1]);
	out_printf(&console_out,
		   "    # %s: %u requests refused one by one, %u with all that follow\n", s->name,
		   refused[0], refused[1]);
}

/* The command must fail when what it begins with is refused, and then be clean. */
static void test_beginnings(void)
{
	static const struct scene scenes[] = { { "mm flood", flood },
					       { "mm stress", shell_mm_stress } };
	u64 before, after;

	for (u32 i = 0; i < ARRAY_SIZE(scenes); i++) {
		before = settled();
		for (u32 n = 1; n <= FIRST_FEW; n++)
			TEST_CHECK(refuse_one(&scenes[i], n, true));
		after = settled();
		TEST_CHECK_VAL(after == before, after, before);
	}
	before = settled();
	TEST_CHECK(refuse_one(&scenes[0], IN_FULL_RUN, true));
	after = settled();
	TEST_CHECK_VAL(after == before, after, before);
	TEST_CHECK(mm_check(&console_out) == 0);
}

static void test_samples(void)
{
	static const struct scene scenes[] = { { "bench pair", bench_pair },
					       { "bench bulk", bench_bulk },
					       { "bench exact", bench_exact },
					       { "bench batch", bench_batch } };
	u64 before = settled(), after;

	for (u32 i = 0; i < ARRAY_SIZE(scenes); i++)
		for (u32 n = 1; n <= 64; n *= 8)
			for (u32 mode = 0; mode < 2; mode++)
				TEST_CHECK_VAL(refuse_one(&scenes[i], n, mode), i, n);
	after = settled();
	TEST_CHECK_VAL(after == before, after, before);
	TEST_CHECK(mm_check(&console_out) == 0);
}

static void test_sweep(void)
{
	static const struct scene scenes[] = {
		{ "tasks", make_tasks },    { "bulk", bulk },
		{ "exact", exact },         { "page table", table_page },
		{ "by policy", by_policy }, { "mm alloc", shell_alloc },
		{ "stress", shell_stress },
	};

	nr_sites = 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(scenes); i++)
		sweep(&scenes[i]);
	TEST_CHECK(mm_check(&console_out) == 0);
}

/* How many requests these make depends on the machine: some, or none. */
static void sweep_some(const struct scene *s, u64 kept)
{
	u64 before = settled(), after;
	u32 n = 0;

	while (n < MOST && refuse_one(s, n + 1, false))
		n++;
	TEST_CHECK(s->run());
	after = settled();
	TEST_CHECK_VAL(after <= before && before - after <= kept * (n + 2), after, before);
	TEST_CHECK(mm_check(&console_out) == 0);
	out_printf(&console_out, "    # %s: %u requests refused one by one\n", s->name, n);
}

static void test_cpu(void)
{
	static const struct scene s = { "CPU off and on", turn_cpu };

	sweep_some(&s, 0);
}

static void test_drivers(void)
{
	static const struct scene scenes[] = { { "irq thread", irq_thread },
					       { "ioremap", map_registers } };

	sweep_some(&scenes[0], 0);
	/* What is mapped stays, and so do its tables. */
	sweep_some(&scenes[1], TABLES);
}

/* Of all cases before. */
static void test_sites(void)
{
	TEST_CHECK(nr_sites > 0);
	for (u32 i = 0; i < nr_sites; i++)
		out_printf(&console_out, "    # refused: %s\n", sites[i]);
}

static const struct test_case cases[] = {
	{ "each request refused", test_sweep },
	{ "commands that ask for seconds", test_beginnings },
	{ "benches", test_samples },
	{ "a CPU comes back", test_cpu },
	{ "what drivers ask for", test_drivers },
	{ "call sites", test_sites },
};

const struct test_suite suite_mmsweep = { "mmsweep", cases, ARRAY_SIZE(cases) };
