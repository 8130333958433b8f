/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole corpus of tools/hostile_trees.py through the real mm_boot(), each
 * tree in a child of its own, on a machine of 512 MiB: it must end as the index
 * says, with the text it says, never in a fault, a failed assertion or a hang.
 * After a boot every page of RAM must be accounted for.
 *
 * Texts that arch or the console print on the target cannot be seen here; such
 * trees must only end in the right class.
 */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "help/tree.h"
#include "mm/boot/memblock.h"
#include "mm/mm.h"

enum { EXIT_BOOTED = 10, EXIT_REFUSED = 11, EXIT_OTHER = 12, MAX_TREES = 600 };

struct entry {
	char name[128], path[256], expected[16], needle[128];
	u64 load;
};

static struct entry trees[MAX_TREES];
static unsigned int nr_trees;

static void to_stderr(struct out *out, const char *text, size_t n)
{
	(void)out;
	fwrite(text, 1, n, stderr);
}

static void boot(void *arg)
{
	mm_boot(*(phys_t *)arg);
}

static int end_as(const struct entry *e, int status, const char *text)
{
	if (text && !strstr(text, e->needle)) {
		fprintf(stderr, "%s: \"%s\" is not in:\n%s\n", e->name, e->needle, text);
		return EXIT_OTHER;
	}
	return status;
}

/* Said by code the fake machine stands in for. */
static bool said_elsewhere(const char *needle)
{
	return !strcmp(needle, "left out") || !strcmp(needle, "smp:") ||
	       !strcmp(needle, "boot arg") || strstr(needle, "boot CPU");
}

static void one_tree(void *arg)
{
	const struct entry *e = arg;
	phys_t at = phys_make(e->load);
	struct out out = { to_stderr };
	const char *refused;
	char *data;
	size_t size;

	alarm(20); /* under the sanitizers; on the target 2 s */
	fake_ram(0x40000000, 0x60000000, false);
	fake_ram(0x08000000, 0x0a000000, false); /* virt's registers answer too */
	data = fake_read_file(e->path, &size);
	if (size)
		fake_phys_write(e->load, data, size);
	free(data);
	refused = fake_panics(boot, &at);
	if (refused)
		exit(end_as(e, strstr(refused, "device tree refused") ? EXIT_REFUSED : EXIT_OTHER,
			    refused));
	if (!memblock_retired() || mm_check(&out))
		exit(EXIT_OTHER);
	exit(end_as(e, EXIT_BOOTED, said_elsewhere(e->needle) ? NULL : fake_log()));
}

static int make_corpus(void **state)
{
	char cmd[512], dir[] = "/tmp/hostile-XXXXXX", line[1024], index[64];
	FILE *f;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(cmd, sizeof(cmd), "/usr/bin/python3 -B tools/hostile_trees.py %s", dir);
	if (system(cmd))
		return -1;
	snprintf(index, sizeof(index), "%s/index.tsv", dir);
	f = fopen(index, "r");
	while (f && fgets(line, sizeof(line), f) && nr_trees < MAX_TREES) {
		struct entry *e = &trees[nr_trees++];
		char load[32];

		if (sscanf(line, "%127[^\t]\t%255[^\t]\t%31[^\t]\t%15[^\t]\t%127[^\n]", e->name,
			   e->path, load, e->expected, e->needle) != 5)
			return -1;
		e->load = strtoull(load, NULL, 0);
	}
	return f && !fclose(f) ? 0 : -1;
}

static int remove_corpus(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < nr_trees; i++)
		unlink(trees[i].path);
	if (nr_trees) {
		char *slash = strrchr(trees[0].path, '/');

		strcpy(slash, "/index.tsv");
		unlink(trees[0].path);
		*slash = '\0';
		rmdir(trees[0].path);
	}
	return 0;
}

static void test_corpus(void **state)
{
	unsigned int wrong = 0, classes[2] = { 0, 0 };

	(void)state;
	assert_true(nr_trees >= 200);
	for (unsigned int i = 0; i < nr_trees; i++) {
		bool refuse = !strcmp(trees[i].expected, "REFUSED");
		int status;

		fake_reset();
		status = fake_run_child(one_tree, &trees[i]);
		classes[refuse]++;
		if (status == (refuse ? EXIT_REFUSED : EXIT_BOOTED))
			continue;
		wrong++;
		fprintf(stderr, "%s: expected %s, ended with %d\n", trees[i].name,
			trees[i].expected, status);
	}
	printf("%u trees boot, %u are refused\n", classes[0], classes[1]);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, make_corpus, remove_corpus);
}
