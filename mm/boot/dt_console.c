/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console UART out of the blob, before there is memory for a parsed tree.
 * The nodes on one path are enough: they are read into a short chain with the
 * few properties that decide an address, and the rules of dt.c then apply to
 * the chain as to the whole tree. Boot CPU; walks the blob once, and only to
 * the node that is sought.
 */
#include <libfdt.h>

#include "mm/boot/dt_blob.h"
#include "rtos/rtos.h"

enum { CHAIN_PROPS = 8 };

/* The nodes from the root to one node, and what is wanted of each. */
struct chain {
	struct dt_node node[DT_MAX_DEPTH + 1];
	struct dt_prop prop[DT_MAX_DEPTH + 1][CHAIN_PROPS];
	u32 nr_props[DT_MAX_DEPTH + 1];
	u32 nr_nodes;
};

static struct chain chain tm_initbss;

static tm_init bool wanted(const char *name)
{
	static const char *const names[] = {
		"#address-cells", "#size-cells", "ranges",       "reg",
		"compatible",     "reg-shift",   "reg-io-width", "status",
	};

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return false;
}

static tm_init void chain_push(const char *name)
{
	u32 at = chain.nr_nodes++;

	BUG_ON_VAL(at > DT_MAX_DEPTH, at, 0);
	chain.node[at] = (struct dt_node){ .name = name };
	chain.nr_props[at] = 0;
	if (at) {
		chain.node[at].parent = &chain.node[at - 1];
		chain.node[at - 1].child = &chain.node[at];
	}
}

static tm_init void chain_prop(const struct dt_cursor *c)
{
	u32 at = chain.nr_nodes - 1;
	struct dt_prop *p;

	/* Of repetitions the first counts, as for libfdt. */
	if (dt_has(&chain.node[at], c->name))
		return;
	BUG_ON_VAL(chain.nr_props[at] == CHAIN_PROPS, chain.nr_props[at], c->offset);
	p = &chain.prop[at][chain.nr_props[at]++];
	*p = (struct dt_prop){ c->name, c->value, c->len, chain.node[at].props };
	chain.node[at].props = p;
}

/* Length of the path component at *path, past its slashes; 0 at the end. */
static tm_init size_t component(const char **path)
{
	size_t len = 0;

	while (**path == '/')
		(*path)++;
	while ((*path)[len] && (*path)[len] != '/' && (*path)[len] != ':')
		len++;
	return len;
}

/*
 * Read the chain to the node at a full path. Null when there is no such node;
 * one that was begun and left again is not gone back to, as no two children of
 * one node have the same name.
 */
static tm_init const struct dt_node *read_chain(const void *fdt, const char *path)
{
	struct dt_cursor c;
	u32 depth = 0; /* open nodes of the walk; the chain is its prefix */
	size_t len = component(&path);
	enum dt_token token;

	chain.nr_nodes = 0;
	dt_cursor_init(&c, fdt);
	for (;;) {
		bool here = depth == chain.nr_nodes;

		token = dt_cursor_next(&c);
		/* dt_check() saw it whole, and the root's end is looked at here. */
		BUG_ON_VAL(token >= DT_TOKEN_END, token, depth);
		if (token == DT_TOKEN_BEGIN) {
			if (!depth) {
				chain_push(c.name);
			} else if (here && dt_name_is(c.name, path, len)) {
				path += len;
				len = component(&path);
				chain_push(c.name);
			} else if (here && !len) {
				break; /* properties of the last node are over */
			}
			depth++;
		} else if (token == DT_TOKEN_PROP) {
			if (here && wanted(c.name))
				chain_prop(&c);
		} else {
			if (here)
				break;
			depth--;
		}
	}
	return len ? NULL : &chain.node[chain.nr_nodes - 1];
}

/* String property of a node of the blob; null when absent or not terminated. */
static tm_init const char *blob_string(const void *fdt, int node, const char *name)
{
	int len;
	const char *v = fdt_getprop(fdt, node, name, &len);

	return v && memchr(v, 0, (size_t)len) ? v : NULL;
}

/* One of the two properties that name the console; null: none, or none of use. */
static tm_init const char *named_console(const void *fdt, int chosen, const char *name)
{
	const char *value = blob_string(fdt, chosen, name);
	int len = 0;

	if (!value && fdt_getprop(fdt, chosen, name, &len))
		dt_warn("/chosen %s: %d bytes without a terminator, ignored", name, len);
	return value;
}

/* The path that stdout-path stands for, its options cut off. */
static tm_init int stdout_path(const void *fdt, const struct dt_shape *shape, char *path,
			       size_t size)
{
	const char *value = named_console(fdt, shape->chosen, "stdout-path");
	char *options;

	if (!value)
		value = named_console(fdt, shape->chosen, "linux,stdout-path");
	if (!value)
		return ERR_NOENT;
	tm_snprintf(path, size, "%s", value);
	options = strchr(path, ':');
	if (options)
		*options = '\0';
	if (path[0] == '/')
		return 0;
	/* An alias; its value must be a path, it is not followed further. */
	value = blob_string(fdt, shape->aliases, path);
	if (!value || value[0] != '/')
		return ERR_INVAL;
	tm_snprintf(path, size, "%s", value);
	return 0;
}

static tm_init void take_compatible(const struct dt_node *n, struct dt_console *c)
{
	u32 len, at = 0;
	const u8 *v = dt_prop_get(n, "compatible", &len);

	if (!v || !len || v[len - 1])
		dt_warn("%s compatible: %s, so no driver for this console", c->path,
			v ? "not terminated" : "missing");
	for (u32 i = 0; v && i < ARRAY_SIZE(c->compatible) && at < len; i++) {
		u32 n_chars = (u32)strnlen((const char *)v + at, len - at);

		if (at + n_chars == len)
			return; /* not terminated */
		tm_snprintf(c->compatible[i], sizeof(c->compatible[i]), "%s", (const char *)v + at);
		at += n_chars + 1;
	}
}

tm_init int dt_console_find(const void *fdt, const struct dt_shape *shape, struct dt_console *c)
{
	const struct dt_node *n;
	int err;

	*c = (struct dt_console){ .reg_shift = 0 };
	err = stdout_path(fdt, shape, c->path, sizeof(c->path));
	if (err) {
		if (err != ERR_NOENT)
			dt_warn("/chosen stdout-path = \"%s\": no such alias, or not an alias of "
				"a path",
				c->path);
		return err;
	}
	n = read_chain(fdt, c->path);
	if (!n) {
		dt_warn("/chosen stdout-path = \"%s\": no such node", c->path);
		return ERR_INVAL;
	}
	take_compatible(n, c);
	dt_u32(n, "reg-shift", 0, &c->reg_shift);
	dt_u32(n, "reg-io-width", 0, &c->reg_width);
	if (dt_reg(n, 0, &c->base, &c->nr_bytes)) {
		dt_warn("%s reg: no address a CPU can use, so no console there", c->path);
		return ERR_INVAL;
	}
	return 0;
}
