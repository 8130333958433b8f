// SPDX-License-Identifier: Apache-2.0
/*
 * The table of commands, and the one that is about it. A new command is one
 * line here and one prototype in shell.h. What lies outside the kernel, an app,
 * adds its own by shell_add_command().
 */
#include "rtos/shell/shell.h"

static const struct command commands[] = {
	{ "help", "[COMMAND]", "this list, or more about one", cmd_help, NULL },
	{ "ls", "[PATH...]", "list the text tree", cmd_ls, NULL },
	{ "cat", "FILE...", "print files of the text tree", cmd_cat, NULL },
	{ "echo", "[WORD...] [> FILE]", "print words, or write them to a file", cmd_echo, NULL },
	{ "dt", "[PATH]", "the device tree as parsed", cmd_dt, NULL },
	{ "free", "", "memory in KiB", cmd_free, NULL },
	{ "mm", "WORD ...", "try, watch and check the page allocator", cmd_mm,
	  "    mm alloc ORDER [COUNT] [node N] [WORD...]\n"
	  "        take COUNT blocks of 2^ORDER pages, from node N if it has them, and hold them\n"
	  "    mm alloc bulk COUNT [WORD...]    COUNT single pages by one call\n"
	  "    mm alloc exact BYTES [WORD...]   whole pages in one piece, up to 4 MiB\n"
	  "        WORD: zone and mobility: dma dma32 highmem movable reclaimable\n"
	  "              who asks: kernel user nofs noio (may wait) nowait atomic\n"
	  "              how deep: high memalloc nomemalloc; how hard: noretry retry nofail\n"
	  "              thisnode; zero; warn (the log has a report when it fails)\n"
	  "    mm hold                          what is held\n"
	  "    mm free ID|ADDRESS|all           give back\n"
	  "    mm drain                         empty the caches of all CPUs\n"
	  "    mm check                         compare everything with the equations\n"
	  "    mm stress [SECONDS] [seed N] [tasks N]\n"
	  "        random requests from many tasks; then every page must be home\n"
	  "    mm ladder                        how deep each band may dig, and what is left\n"
	  "    mm flood [SECONDS]\n"
	  "        tasks that take all memory against an urgent one (the ladder)\n"
	  "    mm explain [N|on|off]            latest requests not served at once: why\n"
	  "    mm owner [PFN]                   who holds memory; or a frame's history\n"
	  "    mm fault [NAME VALUE ...|off]    make requests fail by rule: probability interval\n"
	  "        times space min-order ignore-gfp-wait ignore-gfp-highmem tm_seed tm_spare_band\n"
	  "    mm trace [on|off|show [N]]       events of the page allocator\n"
	  "    mm policy [local|preferred N|interleave LIST|bind LIST]\n"
	  "        where this shell's requests go, unless they name a node\n"
	  "    mm mems [LIST] [task ID]         nodes a task may use (LIST: 0-1,3 or all)\n" },
	{ "ps", "", "tasks", cmd_ps, NULL },
	{ "top", "[TIMES]", "CPUs and tasks each second, until a key", cmd_top, NULL },
	{ "task", "kill|suspend|resume|prio|cpus ID [VALUE]", "end, stop or change a task",
	  cmd_task,
	  "    task kill ID          ask it to end (mutexes go to their next owners)\n"
	  "    task suspend ID       stop it where it is, until task resume ID\n"
	  "    task prio ID PRIO     its own priority, 0 to 31\n"
	  "    task cpus ID LIST     where it may run: 0-1,3, or all\n" },
	{ "cpu", "[off|on N]", "the CPUs; switch one off or on", cmd_cpu, NULL },
	{ "freeze", "", "stop all tasks that can be frozen", cmd_freeze, NULL },
	{ "thaw", "", "let them go on", cmd_thaw, NULL },
	{ "uptime", "", "time since boot and load", cmd_uptime, NULL },
	{ "version", "", "what is running", cmd_version, NULL },
	{ "dmesg", "[-n LEVEL]", "messages since boot; -n: show those below LEVEL here", cmd_dmesg,
	  NULL },
	{ "history", "", "lines typed", cmd_history, NULL },
	{ "inversion", "[inherit|ceiling|plain|chain|server|queue] [HOG_MS]",
	  "play a priority inversion and print who ran when", cmd_inversion,
	  "    low holds what high wants while a hog between them computes HOG_MS (20):\n"
	  "    inherit, ceiling, plain   a mutex of that protocol\n"
	  "    chain                     high waits for mid, who waits for low\n"
	  "    server, queue             a wait queue with and without a task that serves it\n" },
	{ "test", "[GLOB]", "run the self tests whose suite matches", cmd_test, NULL },
	{ "stress", "[MILLISECONDS] [tasks N] [seed N]", "tasks that use all of the core at once",
	  cmd_stress, NULL },
	{ "bench", "[NAME [unmasked]]", "measure the page allocator, booting or the core",
	  cmd_bench,
	  "    NAME: pair boot (both without a NAME) irq batch bulk exact contents churn row\n"
	  "        steal lines rtos\n"
	  "    unmasked: interrupts are let in during the calls; for /proc/tm_latency\n" },
	{ "time", "COMMAND...", "run a command and say how long it took", cmd_time, NULL },
	{ "sleep", "SECONDS", "wait", cmd_sleep, NULL },
	{ "stty", "echo|-echo", "show or hide what is typed (scripts hide it)", cmd_stty, NULL },
	{ "true", "", "succeed", cmd_true, NULL },
	{ "false", "", "fail", cmd_false, NULL },
	{ "poweroff", "", "switch the machine off", cmd_poweroff, NULL },
	{ "reboot", "", "restart the machine", cmd_reboot, NULL },
	{ "panic", "[FAULT|WORD...]", "stop the kernel with these words, or by a fault", cmd_panic,
	  "    FAULT: null stack stack-task stack-fp text exec undefined fp bug\n"
	  "        free-twice after-free (test builds) guard (debug_guardpage_minorder=)\n" },
};

const struct command *command_nth(unsigned int n)
{
	if (n < ARRAY_SIZE(commands))
		return &commands[n];
	return registry_command(n - (unsigned int)ARRAY_SIZE(commands));
}

const struct command *command_find(const char *name)
{
	const struct command *c;

	for (unsigned int i = 0; (c = command_nth(i)); i++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

enum { USE_WIDTH = 38 };

/* A use that is too long for its column has a line of its own. */
static void help_line(const struct command *c)
{
	char use[USE_WIDTH + 1] = "";

	if (strlen(c->name) + 1 + strlen(c->args) > USE_WIDTH)
		sh_print("  %s %s\n", c->name, c->args);
	else
		tm_snprintf(use, sizeof(use), "%s %s", c->name, c->args);
	sh_print("  %-38s %s\n", use, c->help);
}

int cmd_help(int argc, char **argv)
{
	const struct command *c;

	if (argc > 2)
		return sh_usage("help");
	if (argc == 2) {
		c = command_find(argv[1]);
		if (!c) {
			sh_print("help: no command '%s'\n", argv[1]);
			return EXIT_FAIL;
		}
		help_line(c);
		sh_print("%s", c->details ? c->details : "");
		return EXIT_OK;
	}
	for (unsigned int i = 0; (c = command_nth(i)); i++)
		help_line(c);
	sh_print("Several commands: separate with ;   Status of the last: echo $?   "
		 "Stop one: Ctrl-C\n");
	return EXIT_OK;
}
