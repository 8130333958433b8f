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
		return mm_usage("check");
	wrong = mm_check(&sh);
	sh_print("mm check: %u violations\n", wrong);
	return wrong ? EXIT_FAIL : EXIT_OK;
}

static int drain(int argc, char **argv)
{
	bool all;

	(void)argv;
	if (argc > 2)
		return mm_usage("drain");
	all = mm_drain_caches();
	sh_print(all ? "mm drain: the caches are empty\n"
		     : "mm drain: a CPU did not come within 100 ms\n");
	return all ? EXIT_OK : EXIT_FAIL;
}

static int ladder(int argc, char **argv)
{
	(void)argv;
	if (argc > 2)
		return mm_usage("ladder");
	mm_view_ladder(&sh);
	return EXIT_OK;
}

/* Called with argv[0] "mm", argv[1] the word. */
static const struct {
	const char *word;
	const char *args; /* as in the help */
	int (*run)(int argc, char **argv);
} parts[] = {
	{ "alloc", "ORDER [COUNT] [node N]|bulk COUNT|exact BYTES [WORD...]", mm_alloc },
	{ "free", "ID|ADDRESS|all", mm_free },
	{ "hold", "", mm_hold },
	{ "check", "", check },
	{ "drain", "", drain },
	{ "stress", "[SECONDS] [seed N] [tasks N]", mm_stress },
	{ "explain", "[N|on|off]", mm_explain },
	{ "owner", "[PFN]", mm_owner },
	{ "fault", "[NAME VALUE ...|off]", mm_fault },
	{ "trace", "[on|off|show [N]]", mm_trace },
	{ "policy", "[local|preferred N|interleave LIST|bind LIST]", mm_policy_cmd },
	{ "mems", "[LIST] [task ID]", mm_mems_cmd },
	{ "flood", "[SECONDS]", mm_flood },
	{ "ladder", "", ladder },
};

const char *mm_word(unsigned int n)
{
	return n < ARRAY_SIZE(parts) ? parts[n].word : NULL;
}

int mm_usage(const char *word)
{
	unsigned int i = 0;

	while (i < ARRAY_SIZE(parts) && strcmp(word, parts[i].word) != 0)
		i++;
	BUG_ON(i == ARRAY_SIZE(parts));
	sh_print("mm: usage: mm %s%s%s\n", word, parts[i].args[0] ? " " : "", parts[i].args);
	return EXIT_USAGE;
}

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
