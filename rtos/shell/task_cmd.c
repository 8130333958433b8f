// SPDX-License-Identifier: Apache-2.0
/*
 * Commands that act on tasks and CPUs: `task`, `cpu`, `freeze`, `thaw`. Every
 * one says in one line what it refuses and why. A task is found by the number
 * `ps` shows and cannot go away while it is acted on; the idle tasks and the
 * shell itself, without which nobody could type the next command, are left
 * alone where that would stop them.
 */
#include "rtos/shell/shell.h"
#include "rtos/shell/parse.h"

#define WAIT_KILLED_NS (1000000000ull)
#define FREEZE_NS (5 * 1000000000ull)

/* ---- task ------------------------------------------------------------------------ */

enum verb { KILL, SUSPEND, RESUME, PRIO, CPUS, NR_VERBS };

static const struct {
	const char *name;
	int argc; /* of the whole command */
} verbs[NR_VERBS] = {
	[KILL] = { "kill", 3 }, [SUSPEND] = { "suspend", 3 }, [RESUME] = { "resume", 3 },
	[PRIO] = { "prio", 4 }, [CPUS] = { "cpus", 4 },
};

struct request {
	enum verb verb;
	u32 id;
	u64 val; /* level, or mask of CPUs */
	char name[TASK_NAME_LEN];
	bool self;
};

/* On the task itself, which stays while this runs: an atomic section. */
static int act(struct task *t, void *arg)
{
	struct request *r = arg;

	memcpy(r->name, task_name(t), sizeof(r->name));
	r->self = t == task_current();
	switch (r->verb) {
	case KILL:
		return r->self ? ERR_BUSY : task_kill(t);
	case SUSPEND:
		return r->self ? ERR_BUSY : task_suspend(t);
	case RESUME:
		return task_resume(t);
	case PRIO:
		return task_set_prio(t, (unsigned int)r->val);
	default:
		return task_set_cpus(t, r->val);
	}
}

static bool find(u32 id, struct task_info *info)
{
	u32 found = id;

	return task_info_next(&found, info) && found == id;
}

/* An end takes the time the task needs to come to a point where it can. */
static void report_killed(u32 id)
{
	u64 end = time_after_ns(WAIT_KILLED_NS);
	struct task_info info;

	do {
		if (!find(id, &info))
			return;
	} while (sh_sleep(WAIT_KILLED_NS / 100) && time_now_ns() < end);
	sh_print("task: %u (%s) was asked to end, but has not yet%s%s\n", id, info.name,
		 info.waiting_for[0] ? "; it waits for " : "", info.waiting_for);
}

static int explain(const struct request *r, int err)
{
	struct task_info info;

	if (err == ERR_NOENT)
		sh_print("task: no task %u (ps lists them)\n", r->id);
	else if (err == ERR_BUSY)
		sh_print("task: %u (%s) is this shell, which cannot %s itself\n", r->id, r->name,
			 verbs[r->verb].name);
	else if (err == ERR_NOSPC)
		sh_print("task: too many different lists of CPUs are in use\n");
	else if (!find(r->id, &info))
		sh_print("task: %u has ended\n", r->id);
	else if (info.idle)
		sh_print("task: %u (%s) is what its CPU does when idle: not changed\n", r->id,
			 r->name);
	else if (r->verb == RESUME)
		sh_print("task: %u (%s) was not suspended\n", r->id, r->name);
	else
		sh_print("task: none of these CPUs is online\n");
	return EXIT_FAIL;
}

static int parse_request(int argc, char **argv, struct request *r)
{
	u64 id;

	if (argc < 3)
		return sh_usage("task");
	for (r->verb = KILL; r->verb < NR_VERBS; r->verb++)
		if (!strcmp(argv[1], verbs[r->verb].name))
			break;
	if (r->verb == NR_VERBS || argc != verbs[r->verb].argc)
		return sh_usage("task");
	if (sh_number("task", "ID", argv[2], 1, 0xffffffffu, &id))
		return EXIT_USAGE;
	r->id = (u32)id;
	if (r->verb == PRIO)
		return sh_number("task", "PRIO", argv[3], 0, TASK_PRIO_MAX, &r->val);
	if (r->verb == CPUS && !parse_list(argv[3], MAX_CPUS, &r->val)) {
		sh_print("task: CPUS must be a list like 0-1,3, or all, not '%s'\n", argv[3]);
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

int cmd_task(int argc, char **argv)
{
	struct request r = { .verb = NR_VERBS };
	int err = parse_request(argc, argv, &r);

	if (err)
		return err;
	err = task_call(r.id, act, &r);
	if (err)
		return explain(&r, err);
	if (r.verb == KILL)
		report_killed(r.id);
	return EXIT_OK;
}

/* ---- cpu ------------------------------------------------------------------------- */

static void list_cpus(void)
{
	for (unsigned int cpu = 0; cpu < arch_cpu_count(); cpu++)
		sh_print("cpu%-2u  %-3s  node %u\n", cpu, cpus_online() >> cpu & 1 ? "on" : "off",
			 arch_cpu_node(cpu));
}

static int explain_cpu(unsigned int cpu, bool on, int err)
{
	bool online = cpus_online() >> cpu & 1;

	if (err == ERR_INVAL)
		sh_print("cpu: cpu%u is %s already\n", cpu, online ? "on" : "off");
	else if (err == ERR_BUSY && !on && cpu == 0)
		sh_print("cpu: cpu0 started the machine and stays on\n");
	else if (err == ERR_BUSY)
		sh_print("cpu: another CPU is being switched\n");
	else if (err == ERR_NOSYS)
		sh_print("cpu: cpu%u: not supported: the device tree names no way to switch it\n",
			 cpu);
	else
		sh_print("cpu: cpu%u did not obey (dmesg says more)\n", cpu);
	return EXIT_FAIL;
}

int cmd_cpu(int argc, char **argv)
{
	unsigned int count = arch_cpu_count();
	bool on = argc == 3 && !strcmp(argv[1], "on");
	u64 cpu;
	int err;

	if (argc == 1) {
		list_cpus();
		return EXIT_OK;
	}
	if (argc != 3 || (!on && strcmp(argv[1], "off") != 0))
		return sh_usage("cpu");
	if (sh_number("cpu", "N", argv[2], 0, count - 1, &cpu))
		return EXIT_USAGE;
	err = on ? cpu_on((unsigned int)cpu) : cpu_off((unsigned int)cpu);
	return err ? explain_cpu((unsigned int)cpu, on, err) : EXIT_OK;
}

/* ---- freeze ---------------------------------------------------------------------- */

int cmd_freeze(int argc, char **argv)
{
	int err;

	(void)argv;
	if (argc > 1)
		return sh_usage("freeze");
	err = tasks_freeze(time_after_ns(FREEZE_NS));
	if (err == ERR_BUSY)
		sh_print("freeze: tasks are frozen already\n");
	else if (err)
		sh_print("freeze: not all of them stopped, so none stays so (dmesg names them)\n");
	return err ? EXIT_FAIL : EXIT_OK;
}

int cmd_thaw(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return sh_usage("thaw");
	tasks_thaw();
	return EXIT_OK;
}
