/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel command line: kept as given for /proc/cmdline, then split and
 * offered word by word to the memory subsystem and to the table below. Whatever
 * nobody knows, or finds malformed, costs one warning and nothing else. Written
 * once by the boot CPU, constant afterwards.
 */
#include "mm/mm.h"
#include "rtos/panic.h"
#include "rtos/watchdog.h"

enum { CMDLINE_SIZE = 4096, QUIET_LEVEL = 4, LEVEL_MAX = 8, HOURS_MAX = 24 * 366 };

static char cmdline[CMDLINE_SIZE];
static char words[CMDLINE_SIZE]; /* the same, cut up; values point in here */
static const char *run_cmds, *test_glob;
static u64 test_seed = 1, test_hours;

const char *boot_cmdline(void)
{
	return cmdline;
}

const char *boot_run(void)
{
	return run_cmds;
}

const char *boot_test(void)
{
	return test_glob;
}

u64 boot_test_seed(void)
{
	return test_seed;
}

u64 boot_test_hours(void)
{
	return test_hours;
}

static int set_run(const char *value)
{
	if (!value || !*value)
		return ERR_INVAL;
	run_cmds = value;
	return 0;
}

static int set_test(const char *value)
{
	test_glob = value && *value ? value : "*";
	return 0;
}

static int set_test_seed(const char *value)
{
	return value ? tm_parse_u64(value, &test_seed) : ERR_INVAL;
}

static int set_test_hours(const char *value)
{
	u64 hours;
	int err = value ? tm_parse_u64(value, &hours) : ERR_INVAL;

	if (err)
		return err;
	if (hours > HOURS_MAX)
		return ERR_RANGE;
	test_hours = hours;
	return 0;
}

static int set_loglevel(const char *value)
{
	u64 level;
	int err = value ? tm_parse_u64(value, &level) : ERR_INVAL;

	if (err)
		return err;
	if (level > LEVEL_MAX)
		return ERR_RANGE;
	log_set_console_level((unsigned int)level);
	return 0;
}

static int set_quiet(const char *value)
{
	if (value)
		return ERR_INVAL;
	log_set_console_level(QUIET_LEVEL);
	return 0;
}

static int set_panic(const char *value)
{
	bool negative = value && *value == '-';
	u64 n;
	int err = value ? tm_parse_u64(value + negative, &n) : ERR_INVAL;

	if (err)
		return err;
	if (n > 86400)
		return ERR_RANGE;
	panic_set_timeout(negative ? -(int)n : (int)n);
	return 0;
}

/* SECONDS, and `,panic`. */
static int set_watchdog(const char *value)
{
	char number[8];
	const char *comma = value ? strchr(value, ',') : NULL;
	size_t len = comma ? (size_t)(comma - value) : value ? strlen(value) : 0;
	u64 s;
	int err;

	if (!len || len >= sizeof(number) || (comma && strcmp(comma, ",panic") != 0))
		return ERR_INVAL;
	memcpy(number, value, len);
	number[len] = '\0';
	err = tm_parse_u64(number, &s);
	if (err)
		return err;
	if (s > WATCHDOG_MAX_S)
		return ERR_RANGE;
	watchdog_set(s * 1000000000, comma);
	return 0;
}

/* Said by loaders that would start Linux as well. */
static int set_console(const char *value)
{
	pr_info("boot argument console=%s: not used, the tree's stdout-path decides",
		value ? value : "");
	return 0;
}

static int set_yield_seed(const char *value)
{
	u64 seed;
	int err = value ? tm_parse_u64(value, &seed) : ERR_INVAL;

	return err ? err : arch_yield_seed(seed);
}

static const struct {
	const char *name;
	int (*set)(const char *value); /* null without `=` */
	const char *takes;             /* in a message, when the value is refused */
} options[] = {
	{ "run", set_run, "a line of commands" },
	{ "test", set_test, "a pattern of suite names" },
	{ "loglevel", set_loglevel, "0 to 8" },
	{ "quiet", set_quiet, "no value" },
	{ "panic", set_panic, "-86400 to 86400" },
	{ "console", set_console, "" },
	{ "earlycon", set_console, "" },
	{ "watchdog", set_watchdog, "SECONDS[,panic], 0 to 3600" },
	{ "yield_seed", set_yield_seed, "a number" },
	{ "test_seed", set_test_seed, "a number" },
	{ "test_hours", set_test_hours, "0 to 8784" },
};

static int offer(const char *name, const char *value)
{
	unsigned int i;
	int err = mm_boot_option(name, value);

	for (i = 0; err == ERR_NOENT && i < ARRAY_SIZE(options); i++)
		if (strcmp(options[i].name, name) == 0)
			err = options[i].set(value);
	return err;
}

static const char *takes(const char *name)
{
	const char *text = mm_boot_option_takes(name);

	for (unsigned int i = 0; !text && i < ARRAY_SIZE(options); i++)
		if (strcmp(options[i].name, name) == 0)
			text = options[i].takes;
	return text;
}

static void warn(const char *name, const char *value, int err)
{
	const char *why = err == ERR_NOENT   ? "unknown"
			  : err == ERR_RANGE ? "out of range"
			  : err == ERR_NOSYS ? "not built in"
					     : "malformed";
	const char *form = err == ERR_INVAL || err == ERR_RANGE ? takes(name) : NULL;

	pr_warn("boot argument %s%s%s: %s, ignored%s%s", name, value ? "=" : "", value ? value : "",
		why, form ? "; it takes " : "", form ? form : "");
}

static bool quotes_close(const char *s)
{
	bool open = false;

	for (; *s; s++)
		open ^= *s == '"';
	return !open;
}

void boot_args_parse(const char *given)
{
	char *line = words, *name, *value;
	size_t len = strnlen(given, CMDLINE_SIZE - 1), i;
	int err;

	for (i = 0; i < len; i++)
		cmdline[i] = (u8)given[i] < ' ' || given[i] == 0x7f ? ' ' : given[i];
	cmdline[len] = '\0';
	if (given[len])
		pr_warn("boot arguments cut at %u bytes", CMDLINE_SIZE - 1);
	if (!quotes_close(cmdline))
		pr_warn("boot arguments: a \" is not closed, the last argument takes all the rest");
	memcpy(words, cmdline, sizeof(words));
	while (tm_next_arg(&line, &name, &value)) {
		err = offer(name, value);
		if (err)
			warn(name, value, err);
	}
}
