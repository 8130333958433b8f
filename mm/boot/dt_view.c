/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parsed tree as text in dts syntax. The tree does not say what a value
 * is, so types are guessed as dtc guesses them: strings when every byte prints
 * and the terminators are in place, cells when the length allows, else bytes.
 * Reads constant data only: any context that may print.
 */
#include "mm/boot/dt_blob.h"
#include "rtos/rtos.h"

/* One or more terminated strings of printable characters, none empty. */
static bool looks_like_strings(const u8 *v, u32 len)
{
	u32 run = 0;

	for (u32 i = 0; i < len; i++) {
		if (v[i]) {
			if (v[i] < ' ' || v[i] > '~')
				return false;
			run++;
		} else if (!run) {
			return false;
		} else {
			run = 0;
		}
	}
	return len && !v[len - 1];
}

static void put_strings(struct out *out, const u8 *v, u32 len)
{
	for (u32 at = 0; at < len; at += (u32)strlen((const char *)v + at) + 1) {
		out_printf(out, at ? ", \"" : "\"");
		for (const u8 *s = v + at; *s; s++)
			out_printf(out, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
		out_printf(out, "\"");
	}
}

static void put_cells(struct out *out, const u8 *v, u32 len)
{
	out_printf(out, "<");
	for (u32 at = 0; at < len; at += 4)
		out_printf(out, "%s0x%x", at ? " " : "", dt_be32(v + at));
	out_printf(out, ">");
}

static void put_bytes(struct out *out, const u8 *v, u32 len)
{
	out_printf(out, "[");
	for (u32 at = 0; at < len; at++)
		out_printf(out, "%s%02x", at ? " " : "", v[at]);
	out_printf(out, "]");
}

static void put_indent(struct out *out, u32 depth)
{
	while (depth--)
		out_printf(out, "\t");
}

static void put_prop(struct out *out, const struct dt_prop *p, u32 depth)
{
	char name[64];

	put_indent(out, depth);
	out_printf(out, "%s", dt_printable(name, sizeof(name), p->name));
	if (p->len)
		out_printf(out, " = ");
	if (looks_like_strings(p->value, p->len))
		put_strings(out, p->value, p->len);
	else if (p->len && p->len % 4 == 0)
		put_cells(out, p->value, p->len);
	else if (p->len)
		put_bytes(out, p->value, p->len);
	out_printf(out, ";\n");
}

static void put_node(struct out *out, const struct dt_node *n, u32 depth)
{
	char name[64];

	put_indent(out, depth);
	out_printf(out, "%s {\n", n->parent ? dt_printable(name, sizeof(name), n->name) : "/");
	for (const struct dt_prop *p = n->props; p; p = p->next)
		put_prop(out, p, depth + 1);
	if (n->props && n->child)
		out_printf(out, "\n");
}

void dt_view(struct out *out, const struct dt_node *from)
{
	const struct dt_node *n = from;
	u32 depth = 0;

	if (!n)
		return;
	put_node(out, n, depth);
	for (;;) {
		if (n->child) {
			n = n->child;
			put_node(out, n, ++depth);
			continue;
		}
		/* Close this node, and each parent whose last child this was. */
		for (;; n = n->parent, depth--) {
			put_indent(out, depth);
			out_printf(out, "};\n");
			if (n == from)
				return;
			if (n->sibling)
				break;
		}
		n = n->sibling;
		out_printf(out, "\n");
		put_node(out, n, depth);
	}
}
