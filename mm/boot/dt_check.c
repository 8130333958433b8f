/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Validation of a flattened tree. Blocks first (inside the blob, apart from
 * each other, terminated), then one pass over the structure block. What is
 * found wrong is a refusal when a reader could be led outside the blob or into
 * a circle; everything that is merely odd is left to who uses it.
 *
 * Work is linear in the used bytes: names and values are measured as they are
 * passed, and one look at the end of the strings block bounds all strings.
 */
#include "mm/boot/dt_check.h"

#include "rtos/rtos.h"

#define FDT_MAGIC 0xd00dfeedu

/* Header fields, as byte offsets. */
enum {
	OFF_MAGIC = 0,
	OFF_TOTALSIZE = 4,
	OFF_STRUCT = 8,
	OFF_STRINGS = 12,
	OFF_RSVMAP = 16,
	OFF_VERSION = 20,
	OFF_LAST_COMP = 24,
	OFF_SIZE_STRINGS = 32,
	OFF_SIZE_STRUCT = 36,
};

/* Tokens of the structure block. */
enum { FDT_BEGIN_NODE = 1, FDT_END_NODE = 2, FDT_PROP = 3, FDT_NOP = 4, FDT_END = 9 };

struct block {
	const char *name;
	u64 start, end;
};

/* Enough to see what kind of tree it is; a hostile one has thousands. */
enum { MAX_WARNINGS_PRINTED = 40 };

static char fault_text[320] tm_initbss;
static u32 nr_warnings;

static tm_init tm_printf(1, 2) const char *fault(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tm_vsnprintf(fault_text, sizeof(fault_text), fmt, ap);
	va_end(ap);
	return fault_text;
}

tm_init void dt_warn(const char *fmt, ...)
{
	char text[220];
	va_list ap;

	va_start(ap, fmt);
	tm_vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	nr_warnings++;
	if (nr_warnings <= MAX_WARNINGS_PRINTED)
		pr_warn("device tree: %s", text);
	else if (nr_warnings == MAX_WARNINGS_PRINTED + 1)
		pr_warn("device tree: more warnings follow, which are only counted");
}

tm_init u32 dt_warnings(void)
{
	return nr_warnings;
}

const char *dt_printable(char *buf, size_t size, const char *name)
{
	size_t n = 0;

	BUG_ON(!size);
	for (; n + 1 < size && name[n]; n++)
		buf[n] = name[n] >= ' ' && name[n] < 0x7f ? name[n] : '?';
	buf[n] = '\0';
	return buf;
}

/* ---- header and blocks --------------------------------------------------- */

/* Three blocks whose sizes the header knows; the reserve map's comes later. */
static tm_init void get_blocks(const u8 *fdt, struct block *b)
{
	u64 s = dt_be32(fdt + OFF_STRUCT), t = dt_be32(fdt + OFF_STRINGS);
	u64 r = dt_be32(fdt + OFF_RSVMAP);

	b[0] = (struct block){ "header", 0, DT_HEADER_BYTES };
	b[1] = (struct block){ "structure block", s, s + dt_be32(fdt + OFF_SIZE_STRUCT) };
	b[2] = (struct block){ "strings block", t, t + dt_be32(fdt + OFF_SIZE_STRINGS) };
	b[3] = (struct block){ "memory reserve map", r, r + 16 };
}

static tm_init const char *check_blocks(const struct block *b, u32 total)
{
	for (u32 i = 1; i < 4; i++) {
		if (b[i].end > total)
			return fault("%s [%llu, %llu) is outside the blob of %u bytes", b[i].name,
				     (unsigned long long)b[i].start, (unsigned long long)b[i].end,
				     total);
		for (u32 j = 0; j < i; j++) {
			if (b[i].start < b[j].end && b[j].start < b[i].end)
				return fault("%s at %llu overlaps the %s", b[i].name,
					     (unsigned long long)b[i].start, b[j].name);
		}
	}
	if (!is_aligned(b[1].start | b[1].end, 4))
		return fault("structure block at %llu is not made of aligned words",
			     (unsigned long long)b[1].start);
	if (!is_aligned(b[3].start, 8))
		return fault("memory reserve map at %llu is not 8-byte aligned",
			     (unsigned long long)b[3].start);
	return NULL;
}

tm_init const char *dt_check_header(const void *fdt, u32 *total, u32 *used)
{
	const u8 *h = fdt;
	struct block b[4];
	const char *why;

	if (dt_be32(h + OFF_MAGIC) != FDT_MAGIC)
		return fault("magic is 0x%08x, not 0x%08x", dt_be32(h + OFF_MAGIC), FDT_MAGIC);
	*total = dt_be32(h + OFF_TOTALSIZE);
	if (*total < DT_HEADER_BYTES || *total > DT_MAX_TOTAL)
		return fault("totalsize %u is not between %u and %u", *total, DT_HEADER_BYTES,
			     DT_MAX_TOTAL);
	if (dt_be32(h + OFF_VERSION) < 17 || dt_be32(h + OFF_LAST_COMP) > 17)
		return fault("format version %u (compatible down to %u): 17 is understood",
			     dt_be32(h + OFF_VERSION), dt_be32(h + OFF_LAST_COMP));
	get_blocks(h, b);
	why = check_blocks(b, *total);
	if (why)
		return why;
	*used = (u32)max_u64(b[1].end, b[2].end);
	/* The map's own end is unknown yet; behind the others it may be long. */
	if (b[3].start >= *used)
		*used = (u32)min_u64(*total, DT_MAX_BYTES);
	if (*used > DT_MAX_BYTES)
		return fault("totalsize %u, of which %u bytes are used: over %u", *total, *used,
			     DT_MAX_BYTES);
	return NULL;
}

/* Entries up to the terminator, which must come before the next block. */
static tm_init const char *check_reserve_map(const u8 *fdt, u32 used)
{
	struct block b[4];
	u64 limit = used, at;

	get_blocks(fdt, b);
	for (u32 i = 1; i < 3; i++) {
		if (b[i].start >= b[3].start)
			limit = min_u64(limit, b[i].start);
	}
	for (at = b[3].start; at + 16 <= limit; at += 16) {
		if (!dt_be64(fdt + at) && !dt_be64(fdt + at + 8))
			return NULL;
	}
	return fault("memory reserve map at %llu has no terminator before %llu",
		     (unsigned long long)b[3].start, (unsigned long long)limit);
}

/* ---- the cursor ---------------------------------------------------------- */

tm_init void dt_cursor_init(struct dt_cursor *c, const void *fdt)
{
	const u8 *h = fdt;

	*c = (struct dt_cursor){
		.structs = h + dt_be32(h + OFF_STRUCT),
		.strings = (const char *)h + dt_be32(h + OFF_STRINGS),
		.nr_structs = dt_be32(h + OFF_SIZE_STRUCT),
		.nr_strings = dt_be32(h + OFF_SIZE_STRINGS),
	};
}

static tm_init enum dt_token bad(struct dt_cursor *c, const char *why)
{
	c->fault = why;
	c->next = c->nr_structs; /* stay at the end */
	return DT_TOKEN_BAD;
}

static tm_init u32 word(const struct dt_cursor *c, u32 offset)
{
	return __builtin_bswap32(*(const u32 *)(const void *)(c->structs + offset));
}

/* All sums below are of 32-bit numbers under DT_MAX_BYTES or done in 64 bits. */
static tm_init enum dt_token take_name(struct dt_cursor *c)
{
	const char *name = (const char *)c->structs + c->offset + 4;
	u32 left = c->nr_structs - (c->offset + 4);
	size_t len = strnlen(name, left);

	if (len == left)
		return bad(c, "node name runs out of the structure block");
	c->name = name;
	c->next = c->offset + 4 + (u32)align_up(len + 1, 4);
	return DT_TOKEN_BEGIN;
}

static tm_init enum dt_token take_prop(struct dt_cursor *c)
{
	u32 nameoff;
	u64 end;

	if (c->nr_structs - c->offset < 12)
		return bad(c, "property runs out of the structure block");
	c->len = word(c, c->offset + 4);
	nameoff = word(c, c->offset + 8);
	end = align_up((u64)c->offset + 12 + c->len, 4);
	if (end > c->nr_structs)
		return bad(c, "property value runs out of the structure block");
	if (nameoff >= c->nr_strings)
		return bad(c, "property name is outside the strings block");
	c->name = c->strings + nameoff;
	c->value = c->structs + c->offset + 12;
	c->next = (u32)end;
	return DT_TOKEN_PROP;
}

tm_init enum dt_token dt_cursor_next(struct dt_cursor *c)
{
	BUG_ON_VAL(c->next > c->nr_structs, c->next, c->nr_structs);
	while (c->nr_structs - c->next >= 4) {
		u32 token = word(c, c->next);

		c->offset = c->next;
		c->next += 4;
		switch (token) {
		case FDT_BEGIN_NODE:
			return take_name(c);
		case FDT_PROP:
			return take_prop(c);
		case FDT_END_NODE:
			return DT_TOKEN_CLOSE;
		case FDT_END:
			return DT_TOKEN_END;
		case FDT_NOP:
			continue;
		default:
			return bad(c, "unknown token");
		}
	}
	return bad(c, "structure block ends without its end token");
}

/* ---- the pass ------------------------------------------------------------ */

struct pass {
	struct dt_cursor c;
	const char *name[DT_MAX_DEPTH + 1]; /* of the open nodes */
	u32 open;                           /* how many are */
	bool in_aliases;
};

/* Fault at the innermost open node, with its path. */
static tm_init const char *fault_at(const struct pass *p, const char *why)
{
	char path[DT_PATH_BYTES] = "/", name[40];
	size_t len = 0;

	for (u32 i = 1; i < p->open && len < sizeof(path); i++)
		len += (size_t)tm_snprintf(path + len, sizeof(path) - len, "/%s",
					   dt_printable(name, sizeof(name), p->name[i]));
	return fault("node %s, offset %u of the structure block: %s", path, p->c.offset, why);
}

static tm_init void note_top_node(struct pass *p, struct dt_shape *shape)
{
	int offset = (int)p->c.offset;

	p->in_aliases = !strcmp(p->c.name, "aliases");
	if (p->in_aliases && shape->aliases < 0)
		shape->aliases = offset;
	else if (shape->chosen < 0 && !strcmp(p->c.name, "chosen"))
		shape->chosen = offset;
	else if (shape->reserved_memory < 0 && !strcmp(p->c.name, "reserved-memory"))
		shape->reserved_memory = offset;
}

static tm_init const char *open_node(struct pass *p, struct dt_shape *shape)
{
	if (!p->open && shape->nr_nodes)
		return fault_at(p, "second root node");
	if (!p->open && p->c.offset)
		return fault_at(p, "the root node is not the first token");
	if (!p->open && p->c.name[0])
		return fault_at(p, "the root node has a name");
	if (p->open > DT_MAX_DEPTH)
		return fault_at(p, "nested more than 64 levels deep");
	p->name[p->open] = p->c.name;
	if (p->open == 1)
		note_top_node(p, shape);
	shape->max_depth = (u32)max_u64(shape->max_depth, p->open);
	shape->nr_nodes++;
	p->open++;
	return NULL;
}

/*
 * libfdt 1.6.1 follows an alias whose value is again an alias by calling
 * itself, without end when they form a circle. It is never asked to here; such
 * values are named so that the tree can be mended.
 */
static tm_init void check_alias(const struct dt_cursor *c)
{
	char alias[40], value[64];
	bool text = c->len && !c->value[c->len - 1];

	if (text && c->value[0] == '/')
		return;
	if (!strcmp(c->name, "phandle") || !strcmp(c->name, "linux,phandle"))
		return;
	dt_warn("/aliases %s = \"%s\": not the path of a node, ignored",
		dt_printable(alias, sizeof(alias), c->name),
		text ? dt_printable(value, sizeof(value), (const char *)c->value) : "?");
}

static tm_init const char *pass_token(struct pass *p, enum dt_token token, struct dt_shape *shape)
{
	switch (token) {
	case DT_TOKEN_BEGIN:
		return open_node(p, shape);
	case DT_TOKEN_PROP:
		if (!p->open)
			return fault_at(p, "property outside of any node");
		shape->nr_props++;
		if (p->in_aliases && p->open == 2)
			check_alias(&p->c);
		return NULL;
	case DT_TOKEN_CLOSE:
		if (!p->open)
			return fault_at(p, "a node ends that never began");
		p->open--;
		return NULL;
	case DT_TOKEN_END:
		if (p->open)
			return fault_at(p, "the tree ends inside this node");
		return shape->nr_nodes ? NULL : fault_at(p, "no root node");
	default:
		return fault_at(p, p->c.fault);
	}
}

tm_init const char *dt_check(const void *fdt, u64 nr_visible, struct dt_shape *shape)
{
	static struct pass p tm_initbss;
	u32 total = 0, used = 0;
	enum dt_token token;
	const char *why;

	BUG_ON_VAL(!is_aligned((uintptr_t)fdt, 8), (uintptr_t)fdt, 0);
	nr_warnings = 0;
	if (nr_visible < DT_HEADER_BYTES)
		return fault("only %llu bytes", (unsigned long long)nr_visible);
	why = dt_check_header(fdt, &total, &used);
	if (why)
		return why;
	if (used > nr_visible)
		return fault("%u bytes in use, only %llu are there", used,
			     (unsigned long long)nr_visible);
	why = check_reserve_map(fdt, used);
	if (why)
		return why;

	p = (struct pass){ .open = 0 };
	*shape = (struct dt_shape){ .chosen = -1, .aliases = -1, .reserved_memory = -1 };
	dt_cursor_init(&p.c, fdt);
	/* Every name starts inside, so this one byte ends them all in time. */
	if (p.c.nr_strings && p.c.strings[p.c.nr_strings - 1])
		return fault("strings block does not end with a terminator");
	do {
		token = dt_cursor_next(&p.c);
		why = pass_token(&p, token, shape);
	} while (!why && token != DT_TOKEN_END);
	return why;
}
