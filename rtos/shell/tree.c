// SPDX-License-Identifier: Apache-2.0
/*
 * One enumeration gives every file with its whole path; looking up, listing
 * and completing are loops over it. It has some 40 files and 3 a node, so a
 * lookup is cheap enough for a person and for a script.
 */
#include "rtos/shell/tree.h"
#include "mm/mm.h"
#include "rtos/shell/shell.h"

struct entry {
	char path[TREE_PATH];
	void (*show)(struct out *out);                      /* this, or */
	void (*show_node)(struct out *out, unsigned int n); /* this with node, or */
	unsigned int node;
	int (*store)(const char *value); /* null: read only */
	const struct mm_knob *knob;      /* null: not one */
};

static void show_cmdline(struct out *out)
{
	out_printf(out, "%s\n", boot_cmdline());
}

/* A mask as Linux lists it: 0-1,4. Nothing at all for an empty one. */
static void show_mask(struct out *out, u64 mask)
{
	out_mask(out, mask);
	out_printf(out, "\n");
}

static void show_online(struct out *out)
{
	show_mask(out, nodes_online());
}

static void show_has_memory(struct out *out)
{
	show_mask(out, nodes_with_memory());
}

static void show_has_cpu(struct out *out)
{
	u64 mask = 0;

	for (unsigned int n = 0; n < MAX_NODES; n++)
		if (node_get(n) && node_get(n)->cpus)
			mask |= 1ull << n;
	show_mask(out, mask);
}

/* Sorted, so that `ls` and completion are. */
static const struct proc_file proc_files[] = {
	{ "buddyinfo", mm_view_buddyinfo, NULL },
	{ "cmdline", show_cmdline, NULL },
	{ "interrupts", irq_view, NULL },
	{ "iomem", mm_view_iomem, NULL },
	{ "loadavg", view_loadavg, NULL },
	{ "meminfo", mm_view_meminfo, NULL },
	{ "pagetypeinfo", mm_view_pagetypeinfo, NULL },
	{ "tasks", view_tasks, NULL },
	{ "tm_latency", meter_view, meter_store },
	{ "uptime", view_uptime, NULL },
	{ "version", view_version, NULL },
	{ "vmstat", mm_view_vmstat, NULL },
	{ "zoneinfo", mm_view_zoneinfo, NULL },
};

#define NODE_DIR "/sys/devices/system/node/"

static const struct {
	const char *path;
	void (*show)(struct out *out);
} node_files[] = {
	{ NODE_DIR "has_cpu", show_has_cpu },
	{ NODE_DIR "has_memory", show_has_memory },
	{ NODE_DIR "online", show_online },
	/* No node can appear later, so the possible ones are those. */
	{ NODE_DIR "possible", show_online },
};

static const struct {
	const char *name;
	void (*show)(struct out *out, unsigned int node);
} one_node_files[] = {
	{ "cpulist", mm_view_node_cpulist }, { "distance", mm_view_node_distance },
	{ "meminfo", mm_view_node_meminfo }, { "numastat", mm_view_node_numastat },
	{ "vmstat", mm_view_node_vmstat },
};

/* File *i of the known nodes, node by node. False when they have fewer, then *i
 * counts on behind them. */
static bool node_entry(unsigned int *i, struct entry *e)
{
	unsigned int file = *i % ARRAY_SIZE(one_node_files);
	u64 nodes = nodes_online();

	for (; nodes && *i >= ARRAY_SIZE(one_node_files); nodes &= nodes - 1)
		*i -= (unsigned int)ARRAY_SIZE(one_node_files);
	if (!nodes)
		return false;
	e->node = (unsigned int)__builtin_ctzll(nodes);
	e->show_node = one_node_files[file].show;
	tm_snprintf(e->path, sizeof(e->path), NODE_DIR "node%u/%s", e->node,
		    one_node_files[file].name);
	return true;
}

/* File i below /sys/kernel: the attributes of fault injection, and the owners. */
static bool kernel_entry(unsigned int i, struct entry *e)
{
	unsigned int nr;
	const struct mm_knob *fault = mm_fault_knobs(&nr);

	if (i < nr) {
		e->knob = &fault[i];
		e->show = fault[i].show;
		e->store = fault[i].store;
		tm_snprintf(e->path, sizeof(e->path), "/sys/kernel/debug/fail_page_alloc/%s",
			    fault[i].name);
		return true;
	}
	e->show = mm_view_pageowner;
	tm_snprintf(e->path, sizeof(e->path), "/sys/kernel/mm/page_owner");
	return i == nr;
}

/*
 * File *i of those right below /proc, the kernel's own and those added, as one
 * sorted list. False when it has fewer, then *i counts on behind them.
 */
static bool proc_entry(unsigned int *i, struct entry *e)
{
	unsigned int own = 0, added = 0;
	struct proc_file f;

	for (;;) {
		bool more = registry_file(added, &f);

		if (own < ARRAY_SIZE(proc_files) &&
		    (!more || strcmp(proc_files[own].name, f.name) < 0))
			f = proc_files[own++];
		else if (more)
			added++;
		else
			return false;
		if (!*i)
			break;
		(*i)--;
	}
	e->show = f.show;
	e->store = f.store;
	tm_snprintf(e->path, sizeof(e->path), "/proc/%s", f.name);
	return true;
}

/* File i of the tree, in the order of `ls`. */
static bool get_entry(unsigned int i, struct entry *e)
{
	unsigned int nr_knobs;
	const struct mm_knob *knobs = mm_knobs(&nr_knobs);

	memset(e, 0, sizeof(*e));
	if (proc_entry(&i, e))
		return true;
	if (i < nr_knobs) {
		e->knob = &knobs[i];
		e->show = knobs[i].show;
		e->store = knobs[i].store;
		tm_snprintf(e->path, sizeof(e->path), "/proc/sys/vm/%s", knobs[i].name);
		return true;
	}
	i -= nr_knobs;
	if (i < ARRAY_SIZE(node_files)) {
		e->show = node_files[i].show;
		tm_snprintf(e->path, sizeof(e->path), "%s", node_files[i].path);
		return true;
	}
	i -= (unsigned int)ARRAY_SIZE(node_files);
	return node_entry(&i, e) || kernel_entry(i, e);
}

/* The path with single slashes and none at the end, "" for the root; as the
 * table has it. False when it is longer than any path of the tree. */
static bool normalise(const char *path, char *norm)
{
	size_t n = 0;

	for (; *path; path++) {
		if (*path == '/' && (path[1] == '/' || !path[1]))
			continue;
		if (n == 0 && *path != '/')
			norm[n++] = '/';
		if (n + 1 >= TREE_PATH)
			return false;
		norm[n++] = *path;
	}
	norm[n] = '\0';
	return true;
}

/* Is `path` below directory dir? Then *rest is what follows the slash. */
static bool is_below(const char *path, const char *dir, const char **rest)
{
	size_t n = strlen(dir);

	if (strncmp(path, dir, n) != 0 || path[n] != '/')
		return false;
	*rest = path + n + 1;
	return true;
}

/* Find a file by its path. Tells a directory, or a file used as one, apart. */
static enum tree_result find(const char *path, struct entry *e)
{
	enum tree_result r = TREE_NO_ENTRY;
	char norm[TREE_PATH];
	const char *rest;

	if (!normalise(path, norm))
		return TREE_NO_ENTRY;
	for (unsigned int i = 0; get_entry(i, e); i++) {
		if (!strcmp(e->path, norm))
			return path[strlen(path) - 1] == '/' ? TREE_NOT_DIR : TREE_OK;
		if (is_below(e->path, norm, &rest))
			r = TREE_IS_DIR;
		else if (is_below(norm, e->path, &rest))
			r = TREE_NOT_DIR;
	}
	return r;
}

const char *tree_message(enum tree_result r)
{
	switch (r) {
	case TREE_OK:
		return "done";
	case TREE_NO_ENTRY:
		return "no such file or directory";
	case TREE_IS_DIR:
		return "is a directory";
	case TREE_NOT_DIR:
		return "not a directory";
	case TREE_READ_ONLY:
		return "read only";
	case TREE_MALFORMED:
		return "value not understood";
	case TREE_OUT_OF_RANGE:
		return "value out of range";
	}
	return "unknown result";
}

enum tree_result tree_show(const char *path, struct out *out)
{
	struct entry e;
	enum tree_result r = find(path, &e);

	if (r != TREE_OK)
		return r;
	if (e.show)
		e.show(out);
	else
		e.show_node(out, e.node);
	return TREE_OK;
}

enum tree_result tree_store(const char *path, const char *value)
{
	struct entry e;
	enum tree_result r = find(path, &e);
	int err;

	if (r != TREE_OK)
		return r;
	if (!e.store)
		return TREE_READ_ONLY;
	err = e.store(value);
	if (err == ERR_RANGE)
		return TREE_OUT_OF_RANGE;
	return err ? TREE_MALFORMED : TREE_OK;
}

void tree_takes(const char *path, struct out *out)
{
	struct entry e;

	if (find(path, &e) != TREE_OK || !e.knob)
		return;
	out_printf(out, "; it takes ");
	mm_knob_takes(out, e.knob);
}

/* The first component of rest, with its slash if it is a directory. */
static void component(const char *rest, char *name, size_t size)
{
	const char *slash = strchr(rest, '/');
	size_t n = slash ? (size_t)(slash - rest) + 1 : strlen(rest);

	tm_snprintf(name, size, "%.*s", (int)n, rest);
}

/* Components come sorted, so equal ones are neighbours. */
static enum tree_result list_dir(const char *dir, unsigned int index, char *name, size_t size)
{
	char part[TREE_PATH], last[TREE_PATH] = "";
	const char *rest;
	struct entry e;

	for (unsigned int i = 0; get_entry(i, &e); i++) {
		if (!is_below(e.path, dir, &rest))
			continue;
		component(rest, part, sizeof(part));
		if (!strcmp(part, last))
			continue;
		memcpy(last, part, sizeof(last));
		if (index-- == 0) {
			tm_snprintf(name, size, "%s", part);
			return TREE_OK;
		}
	}
	return TREE_NO_ENTRY;
}

enum tree_result tree_list(const char *path, unsigned int index, char *name, size_t size)
{
	char norm[TREE_PATH];
	struct entry e;
	enum tree_result r = find(path, &e);

	if (r == TREE_OK && index == 0) {
		tm_snprintf(name, size, "%s", e.path);
		return TREE_OK;
	}
	if (r != TREE_IS_DIR)
		return r == TREE_OK ? TREE_NO_ENTRY : r;
	return normalise(path, norm) ? list_dir(norm, index, name, size) : TREE_NO_ENTRY;
}
