/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many seeds in one go: each run is a forked child that builds its machine from
 * nothing, a few at a time, its console and its own words caught in a file
 * without a name. A run fails as a single one would; with `twice` a second run
 * of the seed must print the same bytes and take its turns in the same order.
 * Knows nothing of the kernel: what a run found is in what it printed.
 */
#define _GNU_SOURCE
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	JOBS_MAX = 64,
	WALL_LIMIT_S = 120, /* of one run; ends one that reaches no yield point */
	NAMED_MAX = 20,     /* failing seeds that are named; all are counted */
	SHOWN_MAX = 5,      /* of them, whose output is shown */
	TAIL = 6000,        /* bytes of it */
	STATUS_FAILED = 1,
};

/* One run on its way; at most `jobs` of them. */
struct run {
	pid_t pid; /* 0: free */
	u64 seed;
	bool second; /* the seed's second run; `before` is the first one's log */
	int log, before;
};

static struct run runs[JOBS_MAX];
static struct host_outcome *outcomes; /* shared with the children: two a run */
static u64 nr_seeds, nr_failed, nr_differ, machine_ns;

static u64 wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

static struct host_outcome *outcome_of(const struct run *r, bool second)
{
	return &outcomes[(r - runs) * 2 + second];
}

/* ---- one run ------------------------------------------------------------------- */

/* Child: true. Parent: false. */
static bool begin(struct run *r, struct host_options *o, u64 seed, bool second)
{
	int log = memfd_create("log", MFD_CLOEXEC);

	if (log < 0)
		host_refuse("no file for the output of a run");
	fflush(NULL);
	*outcome_of(r, second) = (struct host_outcome){ 0 };
	r->seed = seed;
	r->second = second;
	r->log = log;
	r->pid = fork();
	if (r->pid < 0)
		host_refuse("no process for a run");
	if (r->pid)
		return false;
	o->seed = seed;
	o->outcome = outcome_of(r, second);
	close(STDIN_FILENO);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	alarm(WALL_LIMIT_S);
	return true;
}

static size_t size_of(int log)
{
	off_t end = lseek(log, 0, SEEK_END);

	return end > 0 ? (size_t)end : 0;
}

/* The whole log, to be freed. */
static char *read_log(int log, size_t *size)
{
	char *text;

	*size = size_of(log);
	text = malloc(*size + 1);
	if (!text || pread(log, text, *size, 0) != (ssize_t)*size)
		host_refuse("cannot read the output of a run");
	text[*size] = '\0';
	return text;
}

static bool same_logs(const struct run *r)
{
	const struct host_outcome *a = outcome_of(r, false), *b = outcome_of(r, true);
	size_t size_a, size_b;
	char *log_a = read_log(r->before, &size_a), *log_b = read_log(r->log, &size_b);
	bool same = size_a == size_b && memcmp(log_a, log_b, size_a) == 0 && a->ns == b->ns &&
		    a->turns == b->turns && a->order == b->order;

	free(log_a);
	free(log_b);
	return same;
}

/* ---- what is said about it -------------------------------------------------------- */

static void print_command(const struct host_options *o, u64 seed)
{
	printf("  again: %s --dtb %s --seed %llu", o->program, o->dtb, (unsigned long long)seed);
	if (o->run)
		printf(" --run '%s'", o->run);
	if (o->test)
		printf(" --test '%s'", o->test);
	if (o->append)
		printf(" --append '%s'", o->append);
	if (o->mem)
		printf(" --mem %llu", (unsigned long long)o->mem);
	if (o->clock)
		printf(" --clock %llu", (unsigned long long)o->clock);
	printf("\n");
}

static void print_tail(int log)
{
	size_t size, at;
	char *text = read_log(log, &size);

	at = size > TAIL ? size - TAIL : 0;
	for (char *line = strtok(text + at, "\r\n"); line; line = strtok(NULL, "\r\n"))
		printf("  | %s\n", line);
	free(text);
}

static void report(const struct run *r, const struct host_options *o, int status, const char *what)
{
	if (nr_failed + nr_differ > NAMED_MAX)
		return;
	printf("seed %llu: %s", (unsigned long long)r->seed, what);
	if (WIFSIGNALED(status))
		printf(" (signal %d)", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		printf(" (status %d)", WEXITSTATUS(status));
	printf("\n");
	print_command(o, r->seed);
	if (nr_failed + nr_differ <= SHOWN_MAX)
		print_tail(r->log);
	fflush(stdout);
}

/* ---- all of them -------------------------------------------------------------------- */

/* A run has ended. True: its second one begins, and this is the child of it. */
static bool end(struct run *r, struct host_options *o, int status)
{
	machine_ns += outcome_of(r, r->second)->ns;
	r->pid = 0;
	if (!r->second && status) {
		nr_failed++;
		report(r, o, status, "failed");
	} else if (r->second && (status || !same_logs(r))) {
		nr_differ++;
		report(r, o, status, "the second run is not the first");
	} else if (!r->second && o->twice) {
		r->before = r->log;
		return begin(r, o, r->seed, true);
	}
	close(r->log);
	if (r->second)
		close(r->before);
	nr_seeds++;
	return false;
}

static struct run *run_of(pid_t pid)
{
	for (unsigned int i = 0; i < JOBS_MAX; i++)
		if (runs[i].pid == pid)
			return &runs[i];
	return NULL;
}

static void print_summary(const struct host_options *o, u64 start)
{
	u64 wall = wall_ns() - start;

	printf("%llu seeds%s: %llu failed, %llu did not repeat; %llu.%03llu s of the machine, "
	       "%llu.%03llu s of wall time, %u at a time\n",
	       (unsigned long long)nr_seeds, o->twice ? ", each twice" : "",
	       (unsigned long long)nr_failed, (unsigned long long)nr_differ,
	       (unsigned long long)(machine_ns / 1000000000),
	       (unsigned long long)(machine_ns / 1000000 % 1000),
	       (unsigned long long)(wall / 1000000000), (unsigned long long)(wall / 1000000 % 1000),
	       o->jobs);
}

void host_seeds_run(struct host_options *o)
{
	u64 next = o->first_seed, start = wall_ns();
	unsigned int active = 0;
	struct run *r;
	int status;

	outcomes = mmap(NULL, sizeof(*outcomes) * 2 * JOBS_MAX, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (outcomes == MAP_FAILED)
		host_refuse("no memory shared with the runs");
	o->jobs = (unsigned int)clamp_u64(o->jobs, 1, JOBS_MAX);
	while (active || next < o->end_seed) {
		if (active < o->jobs && next < o->end_seed) {
			if (begin(run_of(0), o, next++, false))
				return;
			active++;
			continue;
		}
		r = run_of(wait(&status));
		if (!r)
			continue;
		if (end(r, o, status))
			return;
		active -= !r->pid;
		if (o->stop && (nr_failed || nr_differ))
			next = o->end_seed;
	}
	print_summary(o, start);
	exit(nr_failed || nr_differ ? STATUS_FAILED : 0);
}
