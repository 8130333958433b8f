// SPDX-License-Identifier: Apache-2.0
/*
 * The text tree over fake owners: three nodes (0, 1, 5) and two knobs. Every
 * path of the tree can be listed, reached from the root and read; everything
 * else is refused with the right reason. What others add finds its place.
 */
#include "unit.h"

#include "mm/mm.h"
#include "rtos/shell/shell.h"
#include "rtos/shell/tree.h"

static char stored[TREE_VALUE];
static struct node nodes[6];

static void knob_show(struct out *out)
{
	out_printf(out, "%s\n", stored);
}

static int knob_store(const char *value)
{
	if (!strcmp(value, "huge"))
		return ERR_RANGE;
	if (!value[0])
		return ERR_INVAL;
	snprintf(stored, sizeof(stored), "%s", value);
	return 0;
}

const struct mm_knob *mm_knobs(unsigned int *count)
{
	static const struct mm_knob knobs[] = {
		{ "fixed", knob_show, NULL, NULL, NULL },
		{ "loose", knob_show, knob_store, "what is short", NULL },
	};

	*count = ARRAY_SIZE(knobs);
	return knobs;
}

void mm_knob_takes(struct out *out, const struct mm_knob *k)
{
	out_printf(out, "%s", k->takes);
}

u64 nodes_online(void)
{
	return 0x23;
}

u64 nodes_with_memory(void)
{
	return 0x3;
}

const struct node *node_get(unsigned int id)
{
	nodes[0].cpus = 3;
	nodes[5].cpus = 4;
	return id < 6 && nodes_online() >> id & 1 ? &nodes[id] : NULL;
}

/* Owners that print their own name. */
void mm_view_zoneinfo(struct out *out)
{
	out_printf(out, "zoneinfo\n");
}

void mm_view_buddyinfo(struct out *out)
{
	out_printf(out, "buddyinfo\n");
}

void mm_view_pagetypeinfo(struct out *out)
{
	out_printf(out, "pagetypeinfo\n");
}

void mm_view_meminfo(struct out *out)
{
	out_printf(out, "meminfo\n");
}

void mm_view_iomem(struct out *out)
{
	out_printf(out, "iomem\n");
}

void mm_view_node_distance(struct out *out, unsigned int node)
{
	out_printf(out, "distance %u\n", node);
}

void mm_view_node_meminfo(struct out *out, unsigned int node)
{
	out_printf(out, "meminfo %u\n", node);
}

void mm_view_pageowner(struct out *out)
{
	out_printf(out, "page_owner is off\n");
}

const struct mm_knob *mm_fault_knobs(unsigned int *count)
{
	static const struct mm_knob table[] = { { "interval", knob_show, NULL, NULL, NULL } };

	*count = 1;
	return table;
}

void mm_view_vmstat(struct out *out)
{
	out_printf(out, "vmstat\n");
}

void mm_view_node_numastat(struct out *out, unsigned int node)
{
	out_printf(out, "numastat %u\n", node);
}

void mm_view_node_vmstat(struct out *out, unsigned int node)
{
	out_printf(out, "vmstat %u\n", node);
}

void mm_view_node_cpulist(struct out *out, unsigned int node)
{
	out_printf(out, "cpulist %u\n", node);
}

void irq_view(struct out *out)
{
	out_printf(out, "interrupts\n");
}

void meter_view(struct out *out)
{
	out_printf(out, "latency\n");
}

int meter_store(const char *value)
{
	return strcmp(value, "0") ? ERR_RANGE : 0;
}

void view_tasks(struct out *out)
{
	out_printf(out, "tasks\n");
}

void view_loadavg(struct out *out)
{
	out_printf(out, "loadavg\n");
}

void view_uptime(struct out *out)
{
	out_printf(out, "uptime\n");
}

void view_version(struct out *out)
{
	out_printf(out, "version\n");
}

const struct command *command_find(const char *name)
{
	static const struct command own = { .name = "own" };

	return strcmp(name, own.name) ? NULL : &own;
}

static const char *shown(const char *path, enum tree_result want)
{
	static char text[4096];
	struct out_buf ob;

	out_buf_init(&ob, text, sizeof(text));
	assert_int_equal(tree_show(path, &ob.out), want);
	return text;
}

/* A directory's entries, joined by blanks. */
static const char *listed(const char *path)
{
	static char text[4096];
	char name[TREE_PATH];
	size_t n = 0;

	text[0] = '\0';
	for (unsigned int i = 0; tree_list(path, i, name, sizeof(name)) == TREE_OK; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? " " : "", name);
	return text;
}

static void test_list(void **state)
{
	(void)state;
	assert_string_equal(listed("/"), "proc/ sys/");
	assert_string_equal(listed("/proc"),
			    "buddyinfo cmdline interrupts iomem loadavg meminfo "
			    "pagetypeinfo tasks tm_latency uptime version vmstat zoneinfo sys/");
	assert_string_equal(listed("/proc/sys/vm/"), "fixed loose");
	assert_string_equal(listed("/sys/devices/system/node"),
			    "has_cpu has_memory online possible node0/ node1/ node5/");
	assert_string_equal(listed("/sys/devices/system/node/node5"),
			    "cpulist distance meminfo numastat vmstat");
	assert_string_equal(listed("/sys"), "devices/ kernel/");
	assert_string_equal(listed("/sys/kernel"), "debug/ mm/");
	assert_string_equal(listed("/sys/kernel/debug/fail_page_alloc"), "interval");
	assert_string_equal(listed("/sys/kernel/mm"), "page_owner");
	assert_string_equal(listed("/proc/meminfo"), "/proc/meminfo");
	assert_string_equal(listed("proc//sys/"), "vm/");
	assert_string_equal(listed("/nosuch"), "");
	assert_string_equal(listed("/pro"), "");
	assert_string_equal(listed("/proc/meminfo/"), "");
}

static void test_show(void **state)
{
	(void)state;
	fake_cmdline("a=1 b");
	assert_string_equal(shown("/proc/zoneinfo", TREE_OK), "zoneinfo\n");
	assert_string_equal(shown("//proc///tasks", TREE_OK), "tasks\n");
	assert_string_equal(shown("proc/uptime", TREE_OK), "uptime\n");
	assert_string_equal(shown("/proc/cmdline", TREE_OK), "a=1 b\n");
	assert_string_equal(shown("/sys/devices/system/node/online", TREE_OK), "0-1,5\n");
	assert_string_equal(shown("/sys/devices/system/node/possible", TREE_OK), "0-1,5\n");
	assert_string_equal(shown("/sys/devices/system/node/has_memory", TREE_OK), "0-1\n");
	assert_string_equal(shown("/sys/devices/system/node/has_cpu", TREE_OK), "0,5\n");
	assert_string_equal(shown("/sys/devices/system/node/node5/distance", TREE_OK),
			    "distance 5\n");
	assert_string_equal(shown("/sys/kernel/mm/page_owner", TREE_OK), "page_owner is off\n");
}

static void test_refused(void **state)
{
	char path[3 * TREE_PATH];

	(void)state;
	shown("", TREE_IS_DIR);
	shown("/", TREE_IS_DIR);
	shown("/proc", TREE_IS_DIR);
	shown("/proc/sys/", TREE_IS_DIR);
	shown("/proc/nosuch", TREE_NO_ENTRY);
	shown("/proc/meminf", TREE_NO_ENTRY);
	shown("/proc/meminfox", TREE_NO_ENTRY);
	shown("/proc/meminfo/", TREE_NOT_DIR);
	shown("/proc/meminfo/x", TREE_NOT_DIR);
	shown("/sys/devices/system/node/node2/distance", TREE_NO_ENTRY);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	shown(path, TREE_NO_ENTRY);
}

static void test_store(void **state)
{
	(void)state;
	assert_int_equal(tree_store("/proc/sys/vm/loose", "17 4"), TREE_OK);
	assert_string_equal(shown("/proc/sys/vm/loose", TREE_OK), "17 4\n");
	assert_int_equal(tree_store("/proc/sys/vm/loose", "huge"), TREE_OUT_OF_RANGE);
	assert_int_equal(tree_store("/proc/sys/vm/loose", ""), TREE_MALFORMED);
	assert_string_equal(stored, "17 4");
	assert_int_equal(tree_store("/proc/sys/vm/fixed", "1"), TREE_READ_ONLY);
	assert_int_equal(tree_store("/proc/tm_latency", "0"), TREE_OK);
	assert_int_equal(tree_store("/proc/tm_latency", "1"), TREE_OUT_OF_RANGE);
	assert_int_equal(tree_store("/proc/zoneinfo", "1"), TREE_READ_ONLY);
	assert_int_equal(tree_store("/proc/sys", "1"), TREE_IS_DIR);
	assert_int_equal(tree_store("/nosuch", "1"), TREE_NO_ENTRY);
}

/* Walk the whole tree by listing alone: every file must show something. */
static unsigned int walk(const char *dir)
{
	char name[TREE_PATH], path[2 * TREE_PATH];
	unsigned int files = 0;

	for (unsigned int i = 0; tree_list(dir, i, name, sizeof(name)) == TREE_OK; i++) {
		snprintf(path, sizeof(path), "%s%s", dir, name);
		if (name[strlen(name) - 1] == '/') {
			files += walk(path);
			continue;
		}
		assert_true(strlen(shown(path, TREE_OK)) > 1);
		files++;
	}
	return files;
}

static void test_walk(void **state)
{
	(void)state;
	fake_cmdline("x");
	assert_int_equal(walk("/"), 13 + 2 + 4 + 3 * 5 + 2);
}

static void show_first(struct out *out)
{
	out_printf(out, "first\n");
}

static int run_nothing(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

/* Last, because nothing that was added is ever taken away. Files go to their
 * place between the kernel's own; 16 and no more. */
static void test_added_files(void **state)
{
	static char names[32][8];
	unsigned int n = 0;

	(void)state;
	assert_int_equal(proc_add_file("mine", show_first), 0);
	assert_int_equal(proc_add_file("app", show_first), 0);
	assert_int_equal(proc_add_file("zz", show_first), 0);
	assert_string_equal(
		listed("/proc"),
		"app buddyinfo cmdline interrupts iomem loadavg meminfo "
		"mine pagetypeinfo tasks tm_latency uptime version vmstat zoneinfo zz sys/");
	assert_string_equal(shown("/proc/mine", TREE_OK), "first\n");
	assert_string_equal(shown("/proc/zoneinfo", TREE_OK), "zoneinfo\n");
	assert_int_equal(tree_store("/proc/mine", "1"), TREE_READ_ONLY);
	assert_int_equal(proc_add_file("mine", show_first), ERR_EXIST);
	assert_int_equal(proc_add_file("tasks", show_first), ERR_EXIST);
	assert_int_equal(proc_add_file("sys", show_first), ERR_EXIST);
	assert_int_equal(proc_add_file("", show_first), ERR_INVAL);
	assert_int_equal(proc_add_file("a/b", show_first), ERR_INVAL);
	assert_int_equal(proc_add_file("a b", show_first), ERR_INVAL);
	assert_int_equal(proc_add_file(NULL, show_first), ERR_INVAL);
	assert_int_equal(proc_add_file("noshow", NULL), ERR_INVAL);
	do
		snprintf(names[n], sizeof(names[n]), "f%u", n);
	while (!proc_add_file(names[n], show_first) && ++n < 31);
	assert_int_equal(n, 16 - 3);
	assert_int_equal(proc_add_file("full", show_first), ERR_NOSPC);
	assert_int_equal(walk("/"), 13 + 16 + 2 + 4 + 3 * 5 + 2);
}

static void test_added_commands(void **state)
{
	static const struct command good = { "good", "", "does it", run_nothing, NULL };
	static const struct command twice = { "good", "", "does it", run_nothing, NULL };
	static const struct command own = { "own", "", "does it", run_nothing, NULL };
	static const struct command blank = { "two words", "", "does it", run_nothing, NULL };
	static const struct command quote = { "it's", "", "does it", run_nothing, NULL };
	static const struct command empty = { "", "", "does it", run_nothing, NULL };
	static const struct command mute = { "mute", "", NULL, run_nothing, NULL };
	static struct command many[32];
	static char names[32][8];
	unsigned int n = 0;

	(void)state;
	assert_null(registry_command(0));
	assert_int_equal(shell_add_command(&good), 0);
	assert_ptr_equal(registry_command(0), &good);
	assert_int_equal(shell_add_command(&twice), ERR_EXIST);
	assert_int_equal(shell_add_command(&own), ERR_EXIST);
	assert_int_equal(shell_add_command(&blank), ERR_INVAL);
	assert_int_equal(shell_add_command(&quote), ERR_INVAL);
	assert_int_equal(shell_add_command(&empty), ERR_INVAL);
	assert_int_equal(shell_add_command(&mute), ERR_INVAL);
	do {
		snprintf(names[n], sizeof(names[n]), "c%u", n);
		many[n] = good;
		many[n].name = names[n];
	} while (!shell_add_command(&many[n]) && ++n < 31);
	assert_int_equal(n, 16 - 1);
	assert_ptr_equal(registry_command(15), &many[14]);
	assert_null(registry_command(16));
}

static void test_messages(void **state)
{
	(void)state;
	for (int r = TREE_OK; r <= TREE_OUT_OF_RANGE; r++)
		assert_true(strlen(tree_message(r)) > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),        cmocka_unit_test(test_show),
		cmocka_unit_test(test_refused),     cmocka_unit_test(test_store),
		cmocka_unit_test(test_walk),        cmocka_unit_test(test_messages),
		cmocka_unit_test(test_added_files), cmocka_unit_test(test_added_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
