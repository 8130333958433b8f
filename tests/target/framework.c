/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs suites and prints KTAP version 1 on the console. Each case runs in a
 * task of its own while the caller waits, at most CASE_LIMIT_S of the
 * machine's own time (a case may ask for more): one that hangs is reported with
 * its backtrace and with who waits for what, and the run ends there, because
 * nothing can be said after it. One run at a time; checks may come from any
 * task of the case, and from interrupts.
 */
#include "tests/target/suites.h"
#include "tests/target/walker.h"

enum { CASE_LIMIT_S = 120, MAX_REPORTS = 8, CASE_PRIO = 16, REPORT_SIZE = 200 };

struct tally {
	unsigned int passed, failed, skipped;
	bool hung;
};

static u32 nr_failures;         /* (A) checks that failed in this case */
static const char *skip_reason; /* (A) */
static u64 case_limit_s;        /* (A) */
static u32 run_active;          /* (A) */

void test_fail(const char *file, int line, const char *what, u64 a, u64 b)
{
	/* A check in a loop must not flood the console. */
	if (__atomic_fetch_add(&nr_failures, 1, __ATOMIC_RELAXED) < MAX_REPORTS)
		out_printf(&console_out, "    # %s:%d: %s is false (%#llx, %#llx)\n", file, line,
			   what, (unsigned long long)a, (unsigned long long)b);
}

void test_report(const char *fmt, ...)
{
	char text[REPORT_SIZE];
	va_list ap;

	va_start(ap, fmt);
	tm_vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (__atomic_fetch_add(&nr_failures, 1, __ATOMIC_RELAXED) < MAX_REPORTS)
		out_printf(&console_out, "    # %s\n", text);
}

void test_allow_s(u64 seconds)
{
	__atomic_store_n(&case_limit_s, seconds, __ATOMIC_RELEASE);
}

void test_skip(const char *reason)
{
	__atomic_store_n(&skip_reason, reason, __ATOMIC_RELEASE);
}

static void case_task(void *arg)
{
	const struct test_case *c = arg;

	c->fn();
}

static void print_result(struct tally *sum, unsigned int number, const char *name, bool ended)
{
	const char *reason = __atomic_load_n(&skip_reason, __ATOMIC_ACQUIRE);
	u32 failures = __atomic_load_n(&nr_failures, __ATOMIC_ACQUIRE);

	if (!ended || failures) {
		sum->failed++;
		out_printf(&console_out, "    not ok %u %s\n", number, name);
	} else if (reason) {
		sum->skipped++;
		out_printf(&console_out, "    ok %u %s # SKIP %s\n", number, name, reason);
	} else {
		sum->passed++;
		out_printf(&console_out, "    ok %u %s\n", number, name);
	}
}

/* Who waits for what, when a case does not end. */
static void print_tasks(void)
{
	struct task_info info;
	u32 id = 0;

	for (; task_info_next(&id, &info); id++)
		if (!info.idle && (info.state == TASK_BLOCKED || info.state == TASK_READY))
			out_printf(&console_out, "    # '%s' (prio %u) %s%s\n", info.name,
				   info.prio, info.waiting_for[0] ? "waits for " : "is ready",
				   info.waiting_for);
}

/* Join within the limit, which the case may move while it runs. */
static bool join_case(struct task *t)
{
	u64 start = time_now_ns(), limit;
	bool ended;

	do {
		limit = __atomic_load_n(&case_limit_s, __ATOMIC_ACQUIRE);
		ended = task_join(t, start + limit * 1000000000ull) == 0;
	} while (!ended && limit < __atomic_load_n(&case_limit_s, __ATOMIC_ACQUIRE));
	if (!ended)
		out_printf(&console_out, "    # still running after %llu s\n",
			   (unsigned long long)limit);
	return ended;
}

static void run_case(const struct test_case *c, unsigned int number, struct tally *sum)
{
	const struct task_attr attr = { .name = c->name, .prio = CASE_PRIO };
	struct task *t;

	__atomic_store_n(&nr_failures, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&skip_reason, NULL, __ATOMIC_RELAXED);
	test_allow_s(CASE_LIMIT_S);
	t = task_create(&attr, case_task, (void *)(uintptr_t)c);
	if (!t)
		out_printf(&console_out, "    # no memory for the task of this case\n");
	if (t && !join_case(t)) {
		arch_backtrace_task(&console_out, t);
		print_tasks();
		sum->hung = true;
	}
	print_result(sum, number, c->name, t && !sum->hung);
}

/* False once a case hangs, or somebody at the console has seen enough. */
static bool goes_on(const struct tally *sum)
{
	return !sum->hung && !console_interrupted();
}

static void run_suite(const struct test_suite *s, unsigned int number, struct tally *sum)
{
	unsigned int failed = sum->failed, i;

	out_printf(&console_out, "    KTAP version 1\n    # Subtest: %s\n    1..%u\n", s->name,
		   s->nr_cases);
	walker_begin(s->name);
	for (i = 0; i < s->nr_cases && goes_on(sum); i++)
		run_case(&s->cases[i], i + 1, sum);
	if (!sum->hung)
		walker_end();
	out_printf(&console_out, "%s %u %s\n", sum->failed == failed ? "ok" : "not ok", number,
		   s->name);
}

static unsigned int count_matching(const char *pattern)
{
	unsigned int i, n = 0;

	for (i = 0; test_suites[i]; i++)
		n += tm_glob(pattern, test_suites[i]->name);
	return n;
}

static void run_matching(const char *pattern, struct tally *sum)
{
	unsigned int i, n = 0;

	out_printf(&console_out, "KTAP version 1\n1..%u\n", count_matching(pattern));
	for (i = 0; test_suites[i] && goes_on(sum); i++)
		if (tm_glob(pattern, test_suites[i]->name))
			run_suite(test_suites[i], ++n, sum);
	if (sum->hung)
		out_printf(&console_out, "Bail out! a case did not end\n");
	if (console_interrupted()) {
		sum->failed++;
		out_printf(&console_out, "Bail out! stopped by Ctrl-C\n");
	}
	if (n == 0) {
		sum->failed++;
		out_printf(&console_out, "# no suite matches '%s'\n", pattern);
	}
}

unsigned int tests_run(const char *pattern)
{
	struct tally sum = { 0 };

	if (__atomic_exchange_n(&run_active, 1, __ATOMIC_ACQUIRE)) {
		out_printf(&console_out, "# tests are running already\n");
		return 1;
	}
	run_matching(pattern, &sum);
	out_printf(&console_out, "# %u passed, %u failed, %u skipped\n", sum.passed, sum.failed,
		   sum.skipped);
	__atomic_store_n(&run_active, 0, __ATOMIC_RELEASE);
	return sum.failed;
}
