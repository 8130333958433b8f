// SPDX-License-Identifier: Apache-2.0
/*
 * `mm policy` and `mm mems`: where the shell's own requests go, and which nodes
 * a task may use at all. The policy is the calling task's, so it is the shell's
 * and of what runs in it; `mm alloc` without `node` follows it. A mask that
 * cannot be used is refused with its reason, and nothing changes.
 */
#include "rtos/shell/shell.h"
#include "mm/mm.h"
#include "rtos/shell/parse.h"

static const char *const modes[] = {
	[MM_POLICY_LOCAL] = "local",
	[MM_POLICY_PREFERRED] = "preferred",
	[MM_POLICY_INTERLEAVE] = "interleave",
	[MM_POLICY_BIND] = "bind",
};

/* A list of nodes; EXIT_USAGE after one line that says what is wrong with it. */
static int parse_nodes(const char *cmd, const char *text, u64 *nodes)
{
	if (!parse_list(text, MAX_NODES, nodes)) {
		sh_print("%s: nodes must be a list like 0-1,3, or all, not '%s'\n", cmd, text);
		return EXIT_USAGE;
	}
	if (!strcmp(text, "all"))
		*nodes = nodes_online();
	return EXIT_OK;
}

/* What is wrong with a mask that was refused. */
static int explain_nodes(const char *cmd, u64 nodes)
{
	u64 unknown = nodes & ~nodes_online();

	if (unknown)
		sh_print("%s: there is no node %d\n", cmd, __builtin_ctzll(unknown));
	else if (!(nodes & nodes_with_memory()))
		sh_print("%s: none of these nodes has memory\n", cmd);
	else
		sh_print("%s: preferred takes one node\n", cmd);
	return EXIT_FAIL;
}

/* ---- policy ------------------------------------------------------------------ */

static int show_policy(void)
{
	struct mm_policy p = mm_policy_get();

	sh_print("policy %s%s", modes[p.mode], p.nodes ? " " : "");
	out_mask(&sh, p.nodes);
	sh_print("\n");
	return EXIT_OK;
}

int mm_policy_cmd(int argc, char **argv)
{
	struct mm_policy p = { .nodes = 0 };
	unsigned int mode = 0;

	if (argc == 2)
		return show_policy();
	while (mode < ARRAY_SIZE(modes) && strcmp(argv[2], modes[mode]) != 0)
		mode++;
	if (mode == ARRAY_SIZE(modes) || argc != (mode == MM_POLICY_LOCAL ? 3 : 4))
		return mm_usage("policy");
	p.mode = (enum mm_policy_mode)mode;
	if (argc == 4 && parse_nodes("mm policy", argv[3], &p.nodes))
		return EXIT_USAGE;
	if (mm_policy_set(&p))
		return explain_nodes("mm policy", p.nodes);
	return show_policy();
}

/* ---- limits ------------------------------------------------------------------- */

struct limits {
	u64 nodes; /* to set; 0: only look */
	u64 now;   /* what they are then */
	char name[TASK_NAME_LEN];
};

static int change(struct task *t, void *arg)
{
	struct limits *l = arg;
	int err = l->nodes ? mm_mems_allowed_set(t, l->nodes) : 0;

	l->now = mm_mems_allowed(t);
	tm_snprintf(l->name, sizeof(l->name), "%s", task_name(t));
	return err;
}

/* The words after `mm mems`: [LIST] [task ID]. *id 0: the shell's own task. */
static int parse_mems(int argc, char **argv, struct limits *l, u64 *id)
{
	int i = 2;

	if (argc > i && strcmp(argv[i], "task") != 0)
		if (parse_nodes("mm mems", argv[i++], &l->nodes))
			return EXIT_USAGE;
	if (argc == i + 2 && !strcmp(argv[i], "task"))
		return sh_number("mm mems", "ID", argv[i + 1], 1, 0xffffffffu, id);
	if (argc == i)
		return EXIT_OK;
	return mm_usage("mems");
}

int mm_mems_cmd(int argc, char **argv)
{
	struct limits l = { .nodes = 0 };
	u64 id = 0;
	int err = parse_mems(argc, argv, &l, &id);

	if (err)
		return err;
	err = id ? task_call((u32)id, change, &l) : change(task_current(), &l);
	if (err == ERR_NOENT) {
		sh_print("mm mems: no task %llu (ps lists them)\n", (unsigned long long)id);
		return EXIT_FAIL;
	}
	if (err)
		return explain_nodes("mm mems", l.nodes);
	sh_print("mems ");
	out_mask(&sh, l.now);
	sh_print(" (%s)\n", l.name);
	return EXIT_OK;
}
