/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the shell share: the table of commands and the helpers
 * that make all of them speak alike. One task runs all of this, so the shell's
 * own state has no lock. For rtos/shell/ only.
 *
 * A command prints to `sh`, which drops text once Ctrl-C was typed, so a
 * command that only prints need not look; loops that work or wait do, with
 * sh_interrupted().
 */
#ifndef RTOS_SHELL_SHELL_H
#define RTOS_SHELL_SHELL_H

#include "rtos/rtos.h"

/* Exit statuses, as a Unix shell has them. */
enum {
	EXIT_OK = 0,
	EXIT_FAIL = 1,
	EXIT_USAGE = 2,
	EXIT_UNKNOWN = 127,
	EXIT_INTERRUPTED = 130,
};

/* Command n in the order help lists them: the shell's own, then what others
 * added. Null past the last. */
const struct command *command_nth(unsigned int n);
/* Null: no such command. */
const struct command *command_find(const char *name);

/* What others added (registry.c): command n, and file n below /proc by rising
 * name. Null past the last; a name stays where it is or moves up. */
struct proc_file {
	const char *name; /* without /proc/ */
	void (*show)(struct out *out);
	int (*store)(const char *value); /* null: read only */
};
const struct command *registry_command(unsigned int n);
bool registry_file(unsigned int n, struct proc_file *f);

extern struct out sh;
#define sh_print(...) out_printf(&sh, __VA_ARGS__)

bool sh_interrupted(void);
/* Sleep, ended early by Ctrl-C. True when it slept to the end. */
bool sh_sleep(u64 ns);
/* Status of a command that may have been interrupted. */
int sh_status(int status);
/* "NAME: usage: NAME ARGS"; returns EXIT_USAGE. */
int sh_usage(const char *name);
/*
 * A number between min and max, decimal or 0x. EXIT_OK, or EXIT_USAGE after
 * one line that names the command, what the number is, and the limits.
 */
int sh_number(const char *cmd, const char *what, const char *text, u64 min, u64 max, u64 *val);
/* Run a line of commands; the status of the last. */
int sh_run(const char *text);

/* The editor's state for `history` and `stty`. */
struct lineedit;
extern struct lineedit sh_editor;

/* Commands by file: system.c, task_cmd.c, top.c, inversion.c, tree_cmd.c,
 * mm_cmd.c (and mm_*.c), stress.c, bench.c, crash.c. */
int cmd_help(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_task(int argc, char **argv);
int cmd_cpu(int argc, char **argv);
int cmd_freeze(int argc, char **argv);
int cmd_thaw(int argc, char **argv);
int cmd_inversion(int argc, char **argv);
int cmd_free(int argc, char **argv);
int cmd_dmesg(int argc, char **argv);
int cmd_uptime(int argc, char **argv);
int cmd_version(int argc, char **argv);
int cmd_history(int argc, char **argv);
int cmd_echo(int argc, char **argv);
int cmd_cat(int argc, char **argv);
int cmd_ls(int argc, char **argv);
int cmd_dt(int argc, char **argv);
int cmd_mm(int argc, char **argv);
int cmd_test(int argc, char **argv);
int cmd_stress(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_stty(int argc, char **argv);
int cmd_sleep(int argc, char **argv);
int cmd_time(int argc, char **argv);
int cmd_true(int argc, char **argv);
int cmd_false(int argc, char **argv);
int cmd_poweroff(int argc, char **argv);
int cmd_reboot(int argc, char **argv);
int cmd_panic(int argc, char **argv);
/* Uses floating point (crash.fp.c). */
u64 crash_fp(u64 n);

/* `echo WORDS > FILE`: the words joined by blanks, into the text tree. */
int sh_write_file(const char *path, int argc, char **argv);
/* `mm WORD ...`, argv[0] being "mm": in the table of mm_cmd.c. */
/* The n-th word, for completion; null after the last. */
const char *mm_word(unsigned int n);
/* "mm: usage: mm WORD ARGS"; returns EXIT_USAGE. */
int mm_usage(const char *word);
int mm_alloc(int argc, char **argv);
int mm_free(int argc, char **argv);
int mm_hold(int argc, char **argv);
int mm_stress(int argc, char **argv);
int mm_flood(int argc, char **argv);
int mm_explain(int argc, char **argv);
int mm_owner(int argc, char **argv);
int mm_fault(int argc, char **argv);
int mm_trace(int argc, char **argv);
int mm_policy_cmd(int argc, char **argv);
int mm_mems_cmd(int argc, char **argv);
/* Free pages once nothing else moves them: a task that has just ended gives its
 * stack back a little later. At most a second. Task. */
u64 mm_settled_free_pages(void);

/* The boot is over: what it cost ends here. The shell's first act. */
void bench_mark_boot(void);

/* ---- what views and commands both print -------------------------------------- */

void view_tasks(struct out *out);
void view_loadavg(struct out *out);
void view_uptime(struct out *out);
void view_version(struct out *out);
const char *task_state_name(enum task_state state);

#endif
