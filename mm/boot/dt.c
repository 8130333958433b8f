/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parsed tree of mm/dt.h: built once from a checked blob by one walk,
 * constant afterwards. Nodes lie in document order in one array, so the
 * next node is the next element; names and values point into a copy of the
 * blob's two blocks. Lookups never follow more than one alias and never recurse.
 *
 * What a property means is the reader's affair; here only phandles are judged,
 * because finding a node by one must be unambiguous.
 */
#include "mm/dt.h"

#include "mm/boot/dt_blob.h"
#include "mm/boot/memblock.h"
#include "rtos/rtos.h"

static struct dt_node *nodes;
static u32 nr_nodes;

/* Open hash of phandles: node index + 1, 0 is empty; a power of two, at most
 * half full. */
static u32 *phandle_slots;
static u32 nr_slots;

/* ---- building ------------------------------------------------------------ */

struct build {
	const char *fdt_structs, *fdt_strings; /* blocks of the blob */
	const char *structs, *strings;         /* their copies */
	struct dt_prop *props;
	u32 nr_props, nr_phandles;
	u32 depth;                                    /* open nodes */
	struct dt_node *open[DT_MAX_DEPTH + 1];       /* path to here */
	struct dt_node *last_child[DT_MAX_DEPTH + 1]; /* of each */
	struct dt_prop *last_prop[DT_MAX_DEPTH + 1];
};

static tm_init void build_node(struct build *b, const char *name)
{
	struct dt_node *n = &nodes[nr_nodes++];

	BUG_ON_VAL(b->depth > DT_MAX_DEPTH, b->depth, nr_nodes);
	n->name = b->structs + (name - b->fdt_structs);
	if (b->depth) {
		struct dt_node *parent = b->open[b->depth - 1];
		struct dt_node *before = b->last_child[b->depth - 1];

		n->parent = parent;
		if (before)
			before->sibling = n;
		else
			parent->child = n;
		b->last_child[b->depth - 1] = n;
	}
	b->open[b->depth] = n;
	b->last_child[b->depth] = NULL;
	b->last_prop[b->depth] = NULL;
	b->depth++;
}

/* 0 and all ones are not phandles; neither is anything but one cell. */
static tm_init void take_phandle(struct build *b, struct dt_node *n, const struct dt_prop *p)
{
	char path[DT_PATH_BYTES];
	u32 handle = p->len == 4 ? dt_be32(p->value) : 0;

	if (handle && handle != 0xffffffffu) {
		b->nr_phandles += !n->phandle;
		n->phandle = handle;
		return;
	}
	dt_path(n, path, sizeof(path));
	dt_warn("%s %s = 0x%x (%u bytes): not a phandle, ignored", path, p->name, handle, p->len);
}

static tm_init void build_prop(struct build *b, const struct dt_cursor *c)
{
	struct dt_node *n = b->open[b->depth - 1];
	struct dt_prop *p = &b->props[b->nr_props++];

	p->name = b->strings + (c->name - b->fdt_strings);
	p->value = (const u8 *)b->structs + ((const char *)c->value - b->fdt_structs);
	p->len = c->len;
	/* libfdt does not find a property behind a child node; neither do we. */
	if (n->child)
		return;
	if (b->last_prop[b->depth - 1])
		b->last_prop[b->depth - 1]->next = p;
	else
		n->props = p;
	b->last_prop[b->depth - 1] = p;
	if (!strcmp(p->name, "phandle") || !strcmp(p->name, "linux,phandle"))
		take_phandle(b, n, p);
}

static tm_init void build_all(struct build *b, struct dt_cursor *c)
{
	enum dt_token token;

	while ((token = dt_cursor_next(c)) < DT_TOKEN_END) {
		if (token == DT_TOKEN_BEGIN)
			build_node(b, c->name);
		else if (token == DT_TOKEN_PROP)
			build_prop(b, c);
		else
			b->depth--;
	}
	/* dt_check() saw the whole walk before. */
	BUG_ON_VAL(token != DT_TOKEN_END || b->depth, token, b->depth);
}

static u32 slot_of(u32 phandle)
{
	return (phandle * 0x9e3779b1u) & (nr_slots - 1);
}

static tm_init void hash_phandles(u32 count)
{
	char path[DT_PATH_BYTES];

	for (nr_slots = 16; nr_slots < 2 * count; nr_slots *= 2)
		;
	phandle_slots = memblock_alloc_zeroed((u64)nr_slots * sizeof(u32), MEMBLOCK_ANY_NODE,
					      MEM_BOOT, "device tree");
	for (u32 i = 0; i < nr_nodes; i++) {
		u32 s = slot_of(nodes[i].phandle);

		if (!nodes[i].phandle)
			continue;
		while (phandle_slots[s] && nodes[phandle_slots[s] - 1].phandle != nodes[i].phandle)
			s = (s + 1) & (nr_slots - 1);
		if (!phandle_slots[s]) {
			phandle_slots[s] = i + 1;
			continue;
		}
		dt_path(&nodes[i], path, sizeof(path));
		dt_warn("%s phandle = 0x%x: taken by an earlier node, ignored", path,
			nodes[i].phandle);
		nodes[i].phandle = 0;
	}
}

tm_init void dt_unflatten(const void *fdt, const struct dt_shape *shape)
{
	u64 node_bytes = (u64)shape->nr_nodes * sizeof(struct dt_node);
	u64 prop_bytes = (u64)shape->nr_props * sizeof(struct dt_prop);
	struct build b = { .nr_props = 0 };
	struct dt_cursor c;
	char *at;

	BUG_ON(nodes || !shape->nr_nodes);
	dt_cursor_init(&c, fdt);
	at = memblock_alloc_zeroed(node_bytes + prop_bytes + c.nr_structs + c.nr_strings,
				   MEMBLOCK_ANY_NODE, MEM_BOOT, "device tree");
	nodes = (struct dt_node *)(void *)at;
	b.props = (struct dt_prop *)(void *)(at + node_bytes);
	at += node_bytes + prop_bytes;
	b.structs = memcpy(at, c.structs, c.nr_structs);
	b.strings = memcpy(at + c.nr_structs, c.strings, c.nr_strings);
	b.fdt_structs = (const char *)c.structs;
	b.fdt_strings = c.strings;
	memblock_move_names(b.fdt_structs, c.nr_structs, b.structs);
	build_all(&b, &c);
	BUG_ON_VAL(nr_nodes != shape->nr_nodes, nr_nodes, shape->nr_nodes);
	BUG_ON_VAL(b.nr_props != shape->nr_props, b.nr_props, shape->nr_props);
	hash_phandles(b.nr_phandles);
}

tm_init void dt_forget(void)
{
	nodes = NULL;
	nr_nodes = 0;
	phandle_slots = NULL;
	nr_slots = 0;
}

/* ---- finding nodes ------------------------------------------------------- */

const struct dt_node *dt_root(void)
{
	return nodes;
}

const struct dt_node *dt_next(const struct dt_node *n)
{
	BUG_ON_VAL(n < nodes || n >= nodes + nr_nodes, (uintptr_t)n, nr_nodes);
	return n + 1 < nodes + nr_nodes ? n + 1 : NULL;
}

bool dt_name_is(const char *have, const char *want, size_t len)
{
	if (!len || strncmp(have, want, len))
		return false;
	return !have[len] || (have[len] == '@' && !memchr(want, '@', len));
}

static const struct dt_node *child_by_name(const struct dt_node *n, const char *name, size_t len)
{
	const struct dt_node *c = n->child;

	while (c && !dt_name_is(c->name, name, len))
		c = c->sibling;
	return c;
}

const struct dt_node *dt_child(const struct dt_node *n, const char *name)
{
	return child_by_name(n, name, strlen(name));
}

/* Follow components from n; a `:` ends the path, as in stdout-path. */
static const struct dt_node *walk_path(const struct dt_node *n, const char *path)
{
	while (n) {
		size_t len = 0;

		while (*path == '/')
			path++;
		while (path[len] && path[len] != '/' && path[len] != ':')
			len++;
		if (!len)
			return n;
		n = child_by_name(n, path, len);
		path += len;
	}
	return NULL;
}

const struct dt_node *dt_find_path(const char *path)
{
	const struct dt_node *aliases;
	char alias[64];
	const char *target;
	size_t len = 0;

	if (!nodes)
		return NULL;
	if (path[0] == '/')
		return walk_path(nodes, path);
	while (path[len] && path[len] != '/' && path[len] != ':')
		len++;
	if (!len || len >= sizeof(alias))
		return NULL;
	memcpy(alias, path, len);
	alias[len] = '\0';
	aliases = dt_child(nodes, "aliases");
	target = aliases ? dt_string(aliases, alias) : NULL;
	/* One step: an alias of an alias is not followed. */
	if (!target || target[0] != '/')
		return NULL;
	return walk_path(walk_path(nodes, target), path + len);
}

const struct dt_node *dt_find_compatible(const struct dt_node *from, const char *compatible)
{
	const struct dt_node *n = from ? dt_next(from) : dt_root();

	while (n && !(dt_is_compatible(n, compatible) && dt_available(n)))
		n = dt_next(n);
	return n;
}

const struct dt_node *dt_find_phandle(u32 phandle)
{
	u32 s;

	if (!phandle || !phandle_slots)
		return NULL;
	for (s = slot_of(phandle); phandle_slots[s]; s = (s + 1) & (nr_slots - 1)) {
		if (nodes[phandle_slots[s] - 1].phandle == phandle)
			return &nodes[phandle_slots[s] - 1];
	}
	return NULL;
}

void dt_path(const struct dt_node *n, char *buf, size_t size)
{
	const char *names[DT_MAX_DEPTH + 1];
	char name[48];
	u32 depth = 0;
	size_t len = 0;

	BUG_ON(size < 2);
	for (; n->parent; n = n->parent) {
		BUG_ON_VAL(depth > DT_MAX_DEPTH, depth, 0);
		names[depth++] = n->name;
	}
	buf[0] = '/';
	buf[1] = '\0';
	while (depth-- && len < size)
		len += (size_t)tm_snprintf(buf + len, size - len, "/%s",
					   dt_printable(name, sizeof(name), names[depth]));
}

/* ---- properties ---------------------------------------------------------- */

const u8 *dt_prop_get(const struct dt_node *n, const char *name, u32 *len)
{
	for (const struct dt_prop *p = n->props; p; p = p->next) {
		if (strcmp(p->name, name))
			continue;
		if (len)
			*len = p->len;
		return p->value;
	}
	return NULL;
}

bool dt_has(const struct dt_node *n, const char *name)
{
	return dt_prop_get(n, name, NULL) != NULL;
}

const char *dt_string(const struct dt_node *n, const char *name)
{
	u32 len;
	const u8 *v = dt_prop_get(n, name, &len);

	return v && memchr(v, 0, len) ? (const char *)v : NULL;
}

int dt_u32(const struct dt_node *n, const char *name, unsigned int index, u32 *val)
{
	u32 len;
	const u8 *v = dt_prop_get(n, name, &len);

	if (!v || index >= len / 4)
		return ERR_NOENT;
	*val = dt_be32(v + 4 * (size_t)index);
	return 0;
}

u64 dt_cells(const u8 *value, unsigned int cells)
{
	BUG_ON_VAL(cells < 1 || cells > 2, cells, 0);
	return cells == 1 ? dt_be32(value) : dt_be64(value);
}

/* Whether a list of strings holds s. An end without terminator never matches. */
bool dt_list_has(const u8 *list, u32 len, const char *s)
{
	size_t want = strlen(s) + 1;

	for (u32 at = 0; at < len;) {
		size_t n = strnlen((const char *)list + at, len - at) + 1;

		if (n == want && at + n <= len && !memcmp(list + at, s, n))
			return true;
		at += (u32)n;
	}
	return false;
}

bool dt_is_compatible(const struct dt_node *n, const char *compatible)
{
	u32 len;
	const u8 *v = dt_prop_get(n, "compatible", &len);

	return v && dt_list_has(v, len, compatible);
}

bool dt_available(const struct dt_node *n)
{
	u32 len;
	const u8 *v = dt_prop_get(n, "status", &len);

	return !v || dt_list_has(v, len, "okay") || dt_list_has(v, len, "ok");
}

u64 dt_address(const u8 *value, unsigned int cells)
{
	return cells == 3 ? dt_cells(value + 4, 2) : dt_cells(value, cells);
}

bool dt_is_cpu(const struct dt_node *n)
{
	const char *type = dt_string(n, "device_type");

	return type ? !strcmp(type, "cpu") : dt_name_is(n->name, "cpu", 3);
}

void dt_child_cells(const struct dt_node *n, u32 *address, u32 *size)
{
	*address = 2;
	*size = 1;
	dt_u32(n, "#address-cells", 0, address);
	dt_u32(n, "#size-cells", 0, size);
}

/*
 * One step up: an address of bus `n` as its parent bus sees it. Without ranges
 * nothing gets through; without dma-ranges everything does. What PCI decodes for a
 * CPU needs more than a number; what its masters reach does not.
 */
static bool translate_up(const struct dt_node *n, const char *prop, u64 *addr)
{
	bool dma = !strcmp(prop, "dma-ranges");
	u32 ca, cs, pa, ps, len, most = dma ? 3 : 2;
	const u8 *v = dt_prop_get(n, prop, &len);

	if (!v)
		return dma;
	if (!len)
		return true;
	dt_child_cells(n, &ca, &cs);
	dt_child_cells(n->parent, &pa, &ps);
	if (ca < 1 || ca > most || pa < 1 || pa > most || cs < 1 || cs > 2)
		return false;
	for (u32 step = 4 * (ca + pa + cs); len >= step; v += step, len -= step) {
		u64 child = dt_address(v, ca), parent = dt_address(v + 4 * ca, pa);
		u64 size = dt_cells(v + 4 * (ca + pa), cs);

		if (*addr >= child && *addr - child < size)
			return !add_overflows(parent, *addr - child, addr);
	}
	return false;
}

bool dt_translate(const struct dt_node *bus, const char *prop, u64 *addr)
{
	for (; bus->parent; bus = bus->parent) {
		if (!translate_up(bus, prop, addr))
			return false;
	}
	return true;
}

int dt_reg(const struct dt_node *n, unsigned int index, phys_t *base, u64 *nr_bytes)
{
	u32 ca, cs, len, step;
	const u8 *v = dt_prop_get(n, "reg", &len);
	u64 addr;

	if (!v)
		return ERR_NOENT;
	if (!n->parent)
		return ERR_INVAL;
	dt_child_cells(n->parent, &ca, &cs);
	if (ca < 1 || ca > 2 || cs > 2)
		return ERR_INVAL;
	step = 4 * (ca + cs);
	if (index >= len / step)
		return ERR_NOENT;
	v += (size_t)index * step;
	addr = dt_cells(v, ca);
	*nr_bytes = cs ? dt_cells(v + 4 * ca, cs) : 0;
	if (!dt_translate(n->parent, "ranges", &addr))
		return ERR_INVAL;
	*base = phys_make(addr);
	return 0;
}
