// SPDX-License-Identifier: Apache-2.0
/*
 * The shell's task: reads lines, runs commands, keeps the last status. Owns
 * the line editor and the sink `sh`. Knows no command but by the table in
 * commands.c.
 */
#include "rtos/shell/shell.h"
#include "apps/app.h"
#include "mm/mm.h"
#include "rtos/shell/lineedit.h"
#include "rtos/shell/parse.h"
#include "rtos/shell/tree.h"

/* Slice of a wait in which Ctrl-C is noticed. */
#define SLICE_NS (20 * 1000000ull)
#define FLUSH_NS (5 * 1000000000ull)

struct lineedit sh_editor;
static int last_status;

static void sh_put(struct out *out, const char *s, size_t n)
{
	(void)out;
	if (!sh_interrupted())
		console_write(s, n);
}

struct out sh = { .put = sh_put };

bool sh_interrupted(void)
{
	return console_interrupted();
}

bool sh_sleep(u64 ns)
{
	u64 end = time_after_ns(ns);

	while (time_now_ns() < end) {
		if (sh_interrupted())
			return false;
		sleep_until_ns(min_u64(end, time_after_ns(SLICE_NS)));
	}
	return true;
}

int sh_status(int status)
{
	return sh_interrupted() ? EXIT_INTERRUPTED : status;
}

int sh_usage(const char *name)
{
	const struct command *c = command_find(name);

	BUG_ON(!c);
	sh_print("%s: usage: %s%s%s\n", name, name, c->args[0] ? " " : "", c->args);
	return EXIT_USAGE;
}

int sh_number(const char *cmd, const char *what, const char *text, u64 min, u64 max, u64 *val)
{
	int err = tm_parse_u64(text, val);

	if (err == ERR_INVAL)
		sh_print("%s: %s must be a number, not '%s'\n", cmd, what, text);
	else if (err || *val < min || *val > max)
		sh_print("%s: %s must be %llu to %llu, not %s\n", cmd, what,
			 (unsigned long long)min, (unsigned long long)max, text);
	else
		return EXIT_OK;
	return EXIT_USAGE;
}

/* ---- running ------------------------------------------------------------------- */

static int run_command(struct parsed *p)
{
	const struct command *c = command_find(p->argv[0]);

	if (!c) {
		sh_print("%s: unknown command (help lists them)\n", p->argv[0]);
		return EXIT_UNKNOWN;
	}
	if (!p->target)
		return c->run(p->argc, p->argv);
	if (c->run == cmd_echo)
		return sh_write_file(p->target, p->argc - 1, p->argv + 1);
	sh_print("%s: only echo can write to a file\n", c->name);
	return EXIT_USAGE;
}

/* One command at a time: none of them runs a line itself. */
static struct parsed words;

static int complain(void)
{
	sh_print("syntax: %s\n", words.error);
	last_status = EXIT_USAGE;
	return last_status;
}

/* Nothing runs of a line that is not understood to its end. */
static int parse_all(const char *text)
{
	int r;

	do
		r = parse_next(&text, &words, last_status);
	while (r > 0);
	return r;
}

int sh_run(const char *text)
{
	int r = parse_all(text);

	if (r)
		return complain();
	while (!sh_interrupted()) {
		r = parse_next(&text, &words, last_status);
		if (r < 0)
			return complain();
		if (r == 0)
			break;
		last_status = sh_status(run_command(&words));
	}
	return last_status;
}

/* ---- completion ------------------------------------------------------------------ */

static bool nth_command(const char *prefix, unsigned int index, char *word, size_t size)
{
	const struct command *c;

	for (unsigned int i = 0; (c = command_nth(i)); i++) {
		if (strncmp(c->name, prefix, strlen(prefix)) != 0 || index--)
			continue;
		tm_snprintf(word, size, "%s", c->name);
		return true;
	}
	return false;
}

/* Complete the last component of a path from the entries of its directory. */
static bool nth_path(const char *prefix, unsigned int index, char *word, size_t size)
{
	const char *base = strrchr(prefix, '/') + 1;
	char dir[TREE_PATH], name[TREE_PATH];

	tm_snprintf(dir, sizeof(dir), "%.*s", (int)(base - prefix), prefix);
	for (unsigned int i = 0; tree_list(dir, i, name, sizeof(name)) == TREE_OK; i++) {
		if (strncmp(name, base, strlen(base)) != 0 || index--)
			continue;
		tm_snprintf(word, size, "%s%s", dir, name);
		return true;
	}
	return false;
}

/* Is the word that starts here the name of a command? */
static bool in_command_place(const char *line, size_t start)
{
	while (start && line[start - 1] == ' ')
		start--;
	return start == 0 || line[start - 1] == ';';
}

/* Is the word that starts here the first after that command? */
static bool follows(const char *command, const char *line, size_t start)
{
	size_t len = strlen(command), end = start;

	while (end && line[end - 1] == ' ')
		end--;
	return end < start && end >= len && !strncmp(line + end - len, command, len) &&
	       in_command_place(line, end - len);
}

static bool nth_mm_word(const char *prefix, unsigned int index, char *word, size_t size)
{
	const char *name;

	for (unsigned int i = 0; (name = mm_word(i)); i++) {
		if (strncmp(name, prefix, strlen(prefix)) != 0 || index--)
			continue;
		tm_snprintf(word, size, "%s", name);
		return true;
	}
	return false;
}

static bool complete(const char *line, size_t start, unsigned int index, char *word, size_t size)
{
	if (in_command_place(line, start) || follows("help", line, start))
		return nth_command(line + start, index, word, size);
	if (follows("mm", line, start))
		return nth_mm_word(line + start, index, word, size);
	if (line[start] == '/')
		return nth_path(line + start, index, word, size);
	return false;
}

/* ---- the task --------------------------------------------------------------------- */

/* Read until a line is complete. False: nothing to run. */
static bool read_line(void)
{
	enum le_event ev = LE_MORE;
	char c;

	le_start(&sh_editor);
	while (ev == LE_MORE) {
		int n = console_read(&c, 1, TM_FOREVER);

		if (n == 1)
			ev = le_feed(&sh_editor, (u8)c);
		else if (n == ERR_AGAIN && sh_editor.echo)
			le_redraw(&sh_editor);
	}
	if (ev == LE_CANCEL)
		console_clear_interrupt();
	if (ev == LE_TOO_LONG) {
		sh_print("line too long (limit %d bytes): not run\n", LE_SIZE - 1);
		last_status = EXIT_USAGE;
	}
	return ev == LE_LINE;
}

/* Ctrl-C stopped a command: show it, and do not let it cancel the next line. */
static void end_interrupt(void)
{
	if (!console_interrupted())
		return;
	console_clear_interrupt();
	if (sh_editor.echo)
		sh_print("^C\n");
}

static void prompt(void)
{
	static char line[LE_SIZE];

	for (;;) {
		if (!read_line())
			continue;
		memcpy(line, sh_editor.buf, sizeof(line));
		le_remember(&sh_editor, line);
		sh_run(line);
		end_interrupt();
	}
}

/* The machine has done what the boot line asked for. */
static void finish(int status)
{
	console_clear_interrupt();
	sh_print("tm: exit %d\n", status);
	console_flush(time_after_ns(FLUSH_NS));
	arch_poweroff();
	sh_print("tm: this machine cannot power itself off\n");
}

void shell_main(void *arg)
{
	(void)arg;
	bench_mark_boot();
	le_init(&sh_editor, &console_out, "tm> ", complete);
	if (boot_test()) {
		finish(tests_run(boot_test()) ? EXIT_FAIL : EXIT_OK);
	} else if (boot_run() && *boot_run()) {
		app_start();
		finish(sh_run(boot_run()));
	} else {
		mm_view_boot(&sh);
		app_start();
	}
	sh_print("Type help for the commands, ls / for the text tree.\n");
	prompt();
}
