// SPDX-License-Identifier: Apache-2.0
/*
 * Commands over the text tree and the device tree: ls, cat, echo, dt. Paths and
 * messages are the tree's; what is printed here is one line for a refusal.
 */
#include "rtos/shell/shell.h"
#include "mm/dt.h"
#include "rtos/shell/tree.h"

static int complain(const char *cmd, const char *path, enum tree_result r)
{
	sh_print("%s: %s: %s\n", cmd, path, tree_message(r));
	return EXIT_FAIL;
}

static int list(const char *path)
{
	enum tree_result r = TREE_OK;
	char name[TREE_PATH];

	for (unsigned int i = 0; r == TREE_OK; i++) {
		r = tree_list(path, i, name, sizeof(name));
		if (r == TREE_OK)
			sh_print("%s\n", name);
		else if (i == 0)
			return complain("ls", path, r);
	}
	return EXIT_OK;
}

int cmd_ls(int argc, char **argv)
{
	int status = EXIT_OK;

	if (argc == 1)
		return list("/");
	for (int i = 1; i < argc; i++)
		if (list(argv[i]))
			status = EXIT_FAIL;
	return status;
}

int cmd_cat(int argc, char **argv)
{
	int status = EXIT_OK;

	if (argc == 1)
		return sh_usage("cat");
	for (int i = 1; i < argc && !sh_interrupted(); i++) {
		enum tree_result r = tree_show(argv[i], &sh);

		if (r != TREE_OK)
			status = complain("cat", argv[i], r);
	}
	return status;
}

/* Words with one blank between them. False: more than size - 1 bytes. */
static bool join(char *buf, size_t size, int n, char **words)
{
	struct out_buf ob;

	out_buf_init(&ob, buf, size);
	for (int i = 0; i < n; i++)
		out_printf(&ob.out, i ? " %s" : "%s", words[i]);
	return !ob.truncated;
}

int cmd_echo(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		sh_print(i > 1 ? " %s" : "%s", argv[i]);
	sh_print("\n");
	return EXIT_OK;
}

int sh_write_file(const char *path, int argc, char **argv)
{
	char value[TREE_VALUE];
	enum tree_result r;

	if (!join(value, sizeof(value), argc, argv)) {
		sh_print("echo: value too long (limit %d bytes)\n", TREE_VALUE - 1);
		return EXIT_USAGE;
	}
	r = tree_store(path, value);
	if (r == TREE_MALFORMED || r == TREE_OUT_OF_RANGE) {
		sh_print("echo: %s: '%s': %s", path, value, tree_message(r));
		tree_takes(path, &sh);
		sh_print("\n");
		return EXIT_FAIL;
	}
	return r == TREE_OK ? EXIT_OK : complain("echo", path, r);
}

int cmd_dt(int argc, char **argv)
{
	const struct dt_node *n = dt_root();

	if (argc > 2)
		return sh_usage("dt");
	if (argc == 2)
		n = dt_find_path(argv[1]);
	if (!n) {
		sh_print("dt: %s: no such node\n", argc == 2 ? argv[1] : "/");
		return EXIT_FAIL;
	}
	dt_view(&sh, n);
	return EXIT_OK;
}
