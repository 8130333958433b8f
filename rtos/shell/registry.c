// SPDX-License-Identifier: Apache-2.0
/*
 * Commands and files that somebody outside the shell added: an app, a driver.
 * Two small tables that only grow, guarded by one lock of their own, because
 * they are added by any task while the shell's reads them. Entries lie in their
 * owners' memory; nothing is ever taken away, so what was found stays valid.
 */
#include "rtos/shell/shell.h"
#include "rtos/shell/tree.h"

enum { MAX_ADDED = 16, MAX_COMMAND_NAME = 16, MAX_FILE_NAME = 40 };

_Static_assert(MAX_FILE_NAME + sizeof("/proc/") <= TREE_PATH, "the tree can hold the path");

static struct spinlock registry_lock = SPINLOCK_INIT(LOCK_RANK_SHELL);
static const struct command *added[MAX_ADDED]; /* (registry_lock) in order of arrival */
static unsigned int nr_added;
static struct proc_file files[MAX_ADDED]; /* (registry_lock) by name */
static unsigned int nr_files;

/* Can be typed as one word, and without meaning anything else to the parser. */
static bool good_name(const char *name, size_t max)
{
	size_t n = name ? strnlen(name, max + 1) : 0;

	for (size_t i = 0; i < n; i++)
		if (name[i] <= ' ' || name[i] > '~' || strchr("'\"\\;#|&<>$*/", name[i]))
			return false;
	return n && n <= max;
}

static int add_command_locked(const struct command *c)
{
	for (unsigned int i = 0; i < nr_added; i++)
		if (!strcmp(added[i]->name, c->name))
			return ERR_EXIST;
	if (nr_added == MAX_ADDED)
		return ERR_NOSPC;
	added[nr_added++] = c;
	return 0;
}

int shell_add_command(const struct command *c)
{
	int err;

	if (!good_name(c->name, MAX_COMMAND_NAME) || !c->run || !c->args || !c->help)
		return ERR_INVAL;
	if (command_find(c->name))
		return ERR_EXIST;
	spin_lock(&registry_lock);
	err = add_command_locked(c); /* looks again: two may add at once */
	spin_unlock(&registry_lock);
	return err;
}

const struct command *registry_command(unsigned int n)
{
	const struct command *c;

	spin_lock(&registry_lock);
	c = n < nr_added ? added[n] : NULL;
	spin_unlock(&registry_lock);
	return c;
}

/* Insert by name, at most MAX_ADDED steps. */
static int add_file_locked(const struct proc_file *f)
{
	unsigned int at = 0;

	while (at < nr_files && strcmp(files[at].name, f->name) < 0)
		at++;
	if (at < nr_files && !strcmp(files[at].name, f->name))
		return ERR_EXIST;
	if (nr_files == MAX_ADDED)
		return ERR_NOSPC;
	memmove(files + at + 1, files + at, (nr_files - at) * sizeof(files[0]));
	files[at] = *f;
	nr_files++;
	return 0;
}

int proc_add_file(const char *name, void (*show)(struct out *out))
{
	struct proc_file f = { name, show, NULL };
	char path[TREE_PATH], first[TREE_PATH];
	int err;

	if (!good_name(name, MAX_FILE_NAME) || !show)
		return ERR_INVAL;
	tm_snprintf(path, sizeof(path), "/proc/%s", name);
	if (tree_list(path, 0, first, sizeof(first)) == TREE_OK)
		return ERR_EXIST;
	spin_lock(&registry_lock);
	err = add_file_locked(&f);
	spin_unlock(&registry_lock);
	return err;
}

bool registry_file(unsigned int n, struct proc_file *f)
{
	bool found;

	spin_lock(&registry_lock);
	found = n < nr_files;
	if (found)
		*f = files[n];
	spin_unlock(&registry_lock);
	return found;
}
