// SPDX-License-Identifier: Apache-2.0
/*
 * `mm`: one command whose first word says what of the memory subsystem is meant.
 * Here the table of these words, and those that take one line; the others have
 * files of their own (mm_hold.c, stress.c, mm_flood.c).
 */
#include "rtos/shell/shell.h"
#include "mm/mm.h"

static int check(int argc, char **argv)
{
	unsigned int wrong;

	(void)argv;
	if (argc > 2)
		return sh_usage("mm");
	wrong = mm_check(&sh);
	sh_print("mm check: %u violations\n", wrong);
	return wrong ? EXIT_FAIL : EXIT_OK;
}

static int drain(int argc, char **argv)
{
	bool all;

	(void)argv;
	if (argc > 2)
		return sh_usage("mm");
	all = mm_drain_caches();
	sh_print(all ? "mm drain: the caches are empty\n"
		     : "mm drain: a CPU did not come within 100 ms\n");
	return all ? EXIT_OK : EXIT_FAIL;
}

static int ladder(int argc, char **argv)
{
	(void)argv;
	if (argc > 2)
		return sh_usage("mm");
	mm_view_ladder(&sh);
	return EXIT_OK;
}

/* Called with argv[0] "mm", argv[1] the word. */
static const struct {
	const char *word;
	int (*run)(int argc, char **argv);
} parts[] = {
	{ "alloc", mm_alloc },     { "free", mm_free },         { "hold", mm_hold },
	{ "check", check },        { "drain", drain },          { "stress", mm_stress },
	{ "explain", mm_explain }, { "owner", mm_owner },       { "fault", mm_fault },
	{ "trace", mm_trace },     { "policy", mm_policy_cmd }, { "mems", mm_mems_cmd },
	{ "flood", mm_flood },     { "ladder", ladder },
};

int cmd_mm(int argc, char **argv)
{
	for (unsigned int i = 0; argc > 1 && i < ARRAY_SIZE(parts); i++)
		if (!strcmp(argv[1], parts[i].word))
			return parts[i].run(argc, argv);
	sh_print("mm: usage: mm ");
	for (unsigned int i = 0; i < ARRAY_SIZE(parts); i++)
		sh_print("%s%s", i ? "|" : "", parts[i].word);
	sh_print(" ... (help mm)\n");
	return EXIT_USAGE;
}
