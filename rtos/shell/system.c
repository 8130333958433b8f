// SPDX-License-Identifier: Apache-2.0
/*
 * Commands about the system as a whole, and the views of tasks, load and time
 * that the text tree shows too.
 */
#include "rtos/shell/shell.h"
#include "mm/mm.h"
#include "rtos/shell/lineedit.h"

enum { LOG_LEVELS = 8 };
#define FLUSH_NS (5 * 1000000000ull)
#define NS_PER_S 1000000000ull

/* ---- tasks ----------------------------------------------------------------------- */

const char *task_state_name(enum task_state state)
{
	static const char *const names[] = {
		[TASK_READY] = "ready",         [TASK_RUNNING] = "running",
		[TASK_SLEEPING] = "sleeping",   [TASK_BLOCKED] = "blocked",
		[TASK_SUSPENDED] = "suspended", [TASK_FROZEN] = "frozen",
		[TASK_DEAD] = "dead",
	};

	return (unsigned int)state < ARRAY_SIZE(names) ? names[state] : "?";
}

/* One letter each: F uses floating point, Z can be frozen, A can be killed
 * anywhere, K was asked to end, S is suspended. */
static const char *task_flags(const struct task_info *t, char *text)
{
	char *p = text;

	if (t->flags & TASK_FP)
		*p++ = 'F';
	if (t->flags & TASK_FREEZABLE)
		*p++ = 'Z';
	if (t->flags & TASK_KILL_ANYWHERE)
		*p++ = 'A';
	if (t->killed)
		*p++ = 'K';
	if (t->suspended)
		*p++ = 'S';
	if (p == text)
		*p++ = '-';
	*p = '\0';
	return text;
}

void view_tasks(struct out *out)
{
	struct task_info t;
	char flags[8];

	out_printf(out, "  ID NAME            STATE    PRI CPU    TIME(ms) SWITCHES      STACK"
			" WAITING FOR     BASE MUTEXES FLAGS BOOSTED BY\n");
	for (u32 id = 0; task_info_next(&id, &t); id++) {
		/* A state of nine letters uses the blank before the priority. */
		out_printf(out, "%4u %-15s %-9s", t.id, t.name, task_state_name(t.state));
		out_printf(out, t.prio == t.base_prio ? "%3u " : "%3u+", t.prio);
		out_printf(out, "%3u %11llu %8llu %5u/%5u %-15s ", t.cpu,
			   (unsigned long long)(t.run_ns / 1000000), (unsigned long long)t.switches,
			   t.stack_used, t.stack_size, t.waiting_for);
		out_printf(out, "%4u %7u %-5s %s\n", t.base_prio, t.mutexes, task_flags(&t, flags),
			   t.boosted_by[0] ? t.boosted_by : "-");
	}
}

int cmd_ps(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return sh_usage("ps");
	view_tasks(&sh);
	return EXIT_OK;
}

/* ---- time and load ------------------------------------------------------------- */

static void print_load(struct out *out, const char *sep)
{
	u32 avg[3];

	sched_loadavg(avg);
	for (unsigned int i = 0; i < 3; i++)
		out_printf(out, "%s%u.%02u", i ? sep : "", avg[i] >> 11,
			   (avg[i] & 2047) * 100 / 2048);
}

/* Linux: three averages, runnable/all tasks, the newest task's number. */
void view_loadavg(struct out *out)
{
	unsigned int runnable = 0, all = 0;
	u32 id, newest = 0;
	struct task_info t;

	for (id = 0; task_info_next(&id, &t); id++) {
		all++;
		newest = t.id;
		runnable += !t.idle && (t.state == TASK_RUNNING || t.state == TASK_READY);
	}
	print_load(out, " ");
	out_printf(out, " %u/%u %u\n", runnable, all, newest);
}

/* Linux: seconds since boot, and idle seconds of all CPUs. */
void view_uptime(struct out *out)
{
	u64 now = time_now_ns() / 10000000, idle = 0;

	for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++) {
		u64 busy, total;

		if (!(cpus_online() >> cpu & 1))
			continue;
		cpu_times(cpu, &busy, &total);
		idle += total - busy;
	}
	idle /= 10000000;
	out_printf(out, "%llu.%02llu %llu.%02llu\n", (unsigned long long)(now / 100),
		   (unsigned long long)(now % 100), (unsigned long long)(idle / 100),
		   (unsigned long long)(idle % 100));
}

int cmd_uptime(int argc, char **argv)
{
	u64 s = time_now_ns() / NS_PER_S;

	(void)argv;
	if (argc > 1)
		return sh_usage("uptime");
	sh_print("up %llu:%02llu:%02llu, %u CPU%s, load average: ", (unsigned long long)(s / 3600),
		 (unsigned long long)(s / 60 % 60), (unsigned long long)(s % 60),
		 cpus_online_count(), cpus_online_count() == 1 ? "" : "s");
	print_load(&sh, ", ");
	sh_print("\n");
	return EXIT_OK;
}

void view_version(struct out *out)
{
	out_printf(out, "Tidemark %s (%s build, gcc %s) " ARCH_NAME "\n", TM_VERSION,
		   tm_debug ? "test" : "release", __VERSION__);
}

int cmd_version(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return sh_usage("version");
	view_version(&sh);
	return EXIT_OK;
}

/* ---- memory ----------------------------------------------------------------------- */

/* "Name:   12345 kB" out of the text of /proc/meminfo, so that `free` cannot
 * disagree with it. 0 when the line is not there. */
static u64 meminfo_kib(const char *text, const char *name)
{
	const char *line = text;
	u64 val = 0;

	while (line && strncmp(line, name, strlen(name)) != 0) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	for (line = line ? line + strlen(name) : ""; *line == ' '; line++)
		continue;
	for (; *line >= '0' && *line <= '9'; line++)
		val = val * 10 + (u64)(*line - '0');
	return val;
}

int cmd_free(int argc, char **argv)
{
	static char text[4096];
	struct out_buf ob;
	u64 total, unused, cached;

	(void)argv;
	if (argc > 1)
		return sh_usage("free");
	out_buf_init(&ob, text, sizeof(text));
	mm_view_meminfo(&ob.out);
	total = meminfo_kib(text, "MemTotal:");
	unused = meminfo_kib(text, "MemFree:");
	cached = meminfo_kib(text, "Buffers:") + meminfo_kib(text, "Cached:") +
		 meminfo_kib(text, "SReclaimable:");
	sh_print("               total        used        free      shared  buff/cache   "
		 "available\n");
	sh_print("Mem:    %12llu%12llu%12llu%12llu%12llu%12llu\n", (unsigned long long)total,
		 (unsigned long long)(total - unused - cached), (unsigned long long)unused,
		 (unsigned long long)meminfo_kib(text, "Shmem:"), (unsigned long long)cached,
		 (unsigned long long)meminfo_kib(text, "MemAvailable:"));
	sh_print("Swap:   %12llu%12llu%12llu\n",
		 (unsigned long long)meminfo_kib(text, "SwapTotal:"),
		 (unsigned long long)(meminfo_kib(text, "SwapTotal:") -
				      meminfo_kib(text, "SwapFree:")),
		 (unsigned long long)meminfo_kib(text, "SwapFree:"));
	return EXIT_OK;
}

/* ---- messages, lines, tests ---------------------------------------------------------- */

int cmd_dmesg(int argc, char **argv)
{
	u64 level;

	if (argc == 1) {
		log_dump(&sh);
		return EXIT_OK;
	}
	if (argc != 3 || strcmp(argv[1], "-n") != 0)
		return sh_usage("dmesg");
	if (sh_number("dmesg", "LEVEL", argv[2], 1, LOG_LEVELS, &level))
		return EXIT_USAGE;
	log_set_console_level((unsigned int)level);
	return EXIT_OK;
}

int cmd_history(int argc, char **argv)
{
	unsigned int last = sh_editor.hist_count;

	(void)argv;
	if (argc > 1)
		return sh_usage("history");
	for (unsigned int n = last > LE_HISTORY ? last - LE_HISTORY + 1 : 1; n <= last; n++)
		sh_print("%5u  %s\n", n, le_history(&sh_editor, n));
	return EXIT_OK;
}

int cmd_stty(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "echo"))
		sh_editor.echo = true;
	else if (argc == 2 && !strcmp(argv[1], "-echo"))
		sh_editor.echo = false;
	else
		return sh_usage("stty");
	return EXIT_OK;
}

int cmd_test(int argc, char **argv)
{
	if (argc > 2)
		return sh_usage("test");
	return tests_run(argc == 2 ? argv[1] : "*") ? EXIT_FAIL : EXIT_OK;
}

int cmd_true(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return EXIT_OK;
}

int cmd_false(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return EXIT_FAIL;
}

int cmd_sleep(int argc, char **argv)
{
	u64 seconds;

	if (argc != 2)
		return sh_usage("sleep");
	if (sh_number("sleep", "SECONDS", argv[1], 0, 86400, &seconds))
		return EXIT_USAGE;
	sh_sleep(seconds * NS_PER_S);
	return EXIT_OK;
}

int cmd_time(int argc, char **argv)
{
	const struct command *c;
	u64 start = time_now_ns();
	int status;

	if (argc == 1)
		return sh_usage("time");
	c = command_find(argv[1]);
	if (!c) {
		sh_print("time: %s: unknown command\n", argv[1]);
		return EXIT_UNKNOWN;
	}
	status = c->run(argc - 1, argv + 1);
	start = (time_now_ns() - start) / 1000;
	sh_print("time: %llu.%06llu s\n", (unsigned long long)(start / 1000000),
		 (unsigned long long)(start % 1000000));
	return status;
}

/* ---- the end ---------------------------------------------------------------------------- */

int cmd_poweroff(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return sh_usage("poweroff");
	console_flush(time_after_ns(FLUSH_NS));
	arch_poweroff();
	sh_print("poweroff: the device tree names no way to do it\n");
	return EXIT_FAIL;
}

int cmd_reboot(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return sh_usage("reboot");
	console_flush(time_after_ns(FLUSH_NS));
	arch_reboot();
	sh_print("reboot: the device tree names no way to do it\n");
	return EXIT_FAIL;
}
