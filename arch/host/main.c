/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build/host/tidemark: the command line. Options are read, the process is
 * started once more without address randomisation (so that every address, also
 * in a panic's registers, is the same in each run), and the machine is built
 * and switched on.
 */
#define _GNU_SOURCE
#include "host.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <unistd.h>

#include "rtos/lib/lib.h"

enum { LIMIT_S = 3600, STATUS_USAGE = 2 };

static const char usage[] =
	"Usage: tidemark --dtb FILE [OPTIONS]\n"
	"The kernel as one deterministic process: the seed decides every interleaving.\n\n"
	"  --dtb FILE      the machine: a device tree blob\n"
	"  --seed N        order of events, default 0; the same seed gives the same bytes\n"
	"  --run CMDS      shell commands, separated by ;, then power off\n"
	"  --test GLOB     suites to run, then power off\n"
	"  --append ARGS   kernel arguments, instead of the tree's\n"
	"  --mem SIZE      size of the tree's one memory range, with suffix K, M or G\n"
	"  --limit SECONDS give up after this much virtual time (status 124), 0: never;\n"
	"                  default 3600 with --run or --test\n"
	"  --clock NS      what the machine's counter shows at the start, default 0\n"
	"  --seeds A..B    every seed from A to B, each in a process of its own\n"
	"  --twice         each of them twice: the output must be the same\n"
	"  --stop          begin no more of them once one has failed\n"
	"  --jobs N        so many at a time, default: a CPU of this computer each\n"
	"  --stats         at the end, on standard error: turns given to other CPUs, a hash\n"
	"                  of their order, and the machine's time\n\n"
	"Without --run and --test there is a shell on standard input and output; type\n"
	"poweroff to leave. Status: what the shell named, 1 if it named none, 2 for a\n"
	"refused option or tree, 124 at the limit, 125 after a panic.\n";

/* Asked by the address sanitizer where it is linked in: stacks and faults are
 * the kernel's own, and its memory is not the C library's to look for leaks in. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_stack_use_after_return=0:detect_leaks=0:use_sigaltstack=0:"
	       "handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0";
}

static u64 number(const char *option, const char *text, bool size)
{
	const char *end = "";
	u64 v = 0;
	int err = size ? tm_parse_size(text, &v, &end) : tm_parse_u64(text, &v);

	if (err || *end)
		host_refuse("--%s %s: no number that can be used", option, text);
	return v;
}

static const struct option table[] = {
	{ "dtb", 1, NULL, 'd' },   { "seed", 1, NULL, 's' },   { "run", 1, NULL, 'r' },
	{ "test", 1, NULL, 't' },  { "append", 1, NULL, 'a' }, { "mem", 1, NULL, 'm' },
	{ "limit", 1, NULL, 'l' }, { "stats", 0, NULL, 'S' },  { "clock", 1, NULL, 'c' },
	{ "seeds", 1, NULL, 'n' }, { "twice", 0, NULL, '2' },  { "stop", 0, NULL, '1' },
	{ "jobs", 1, NULL, 'j' },  { "help", 0, NULL, 'h' },   { NULL, 0, NULL, 0 },
};

/* `A..B`, both included. */
static void parse_seeds(struct host_options *o, const char *text)
{
	const char *dots = strstr(text, "..");
	char first[32];

	if (!dots || (size_t)(dots - text) >= sizeof(first))
		host_refuse("--seeds %s: not of the form A..B", text);
	memcpy(first, text, (size_t)(dots - text));
	first[dots - text] = '\0';
	o->first_seed = number("seeds", first, false);
	o->end_seed = number("seeds", dots + 2, false) + 1;
	if (o->end_seed <= o->first_seed)
		host_refuse("--seeds %s: the last is before the first", text);
	o->seeds = true;
}

/* The options about many runs; false: none of them. */
static bool parse_runs(int c, struct host_options *o)
{
	switch (c) {
	case 'n':
		parse_seeds(o, optarg);
		return true;
	case '2':
		o->twice = true;
		return true;
	case '1':
		o->stop = true;
		return true;
	case 'j':
		o->jobs = (unsigned int)number("jobs", optarg, false);
		return true;
	default:
		return false;
	}
}

static u64 parse_size(const char *text)
{
	u64 nr_bytes = number("mem", text, true);

	if (!nr_bytes)
		host_refuse("--mem %s: a machine has some", text);
	return nr_bytes;
}

static void parse(int argc, char **argv, struct host_options *o)
{
	u64 limit = ~0ull;
	int c;

	o->program = argv[0];
	o->jobs = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 'd')
			o->dtb = optarg;
		else if (c == 's')
			o->seed = number("seed", optarg, false);
		else if (c == 'r')
			o->run = optarg;
		else if (c == 't')
			o->test = optarg;
		else if (c == 'a')
			o->append = optarg;
		else if (c == 'm')
			o->mem = parse_size(optarg);
		else if (c == 'l')
			limit = number("limit", optarg, false);
		else if (c == 'c')
			o->clock = number("clock", optarg, false);
		else if (c == 'S')
			o->stats = true;
		else if (!parse_runs(c, o)) {
			fputs(usage, c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : STATUS_USAGE);
		}
	}
	if (limit == ~0ull)
		limit = o->run || o->test ? LIMIT_S : 0;
	if (limit > ~0ull / 1000000000)
		host_refuse("--limit: too long");
	o->limit_ns = limit * 1000000000;
	if (o->seeds && !o->run && !o->test)
		host_refuse("--seeds: of what? --run or --test says");
	if (!o->dtb || optind != argc)
		host_refuse("%s; --help tells more", o->dtb ? "unknown argument" : "no --dtb FILE");
}

static void fix_addresses(char **argv)
{
	int now = personality(0xffffffff);

	if (now < 0 || (now & ADDR_NO_RANDOMIZE))
		return;
	if (personality((unsigned long)now | ADDR_NO_RANDOMIZE) >= 0)
		execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
	struct host_options o = { 0 };
	phys_t fdt;

	parse(argc, argv, &o);
	fix_addresses(argv);
	if (o.seeds)
		host_seeds_run(&o); /* from here on in a process for each of them */
	host_memory_init();
	fdt = host_board_load(&o);
	host_faults_init();
	host_cpus_run(&o, fdt);
}
