/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First look at a device tree blob that nobody vouches for. dt_check() goes
 * once over the bytes, without recursion and in linear time, and says what is
 * wrong in words; only a blob that passed is given to libfdt, which trusts its
 * input in places. The padding behind the used part is never read.
 *
 * The cursor is the walk itself, at a tenth of the cost of libfdt's: for the
 * few walks over all of a tree. Its offsets are libfdt's node offsets, and what
 * is looked up by name in one node is looked up with libfdt. Boot CPU, no state but the text
 * of the last fault and the number of warnings.
 */
#ifndef MM_BOOT_DT_CHECK_H
#define MM_BOOT_DT_CHECK_H

#include "arch/arch.h"
#include "rtos/lib/lib.h"

enum {
	DT_HEADER_BYTES = 40,
	DT_MAX_BYTES = 2 << 20, /* the arm64 boot protocol's limit, for what is used */
	/* With padding: QEMU doubles a tree it is given, so one it dumped has over 2 MiB. */
	DT_MAX_TOTAL = 16 << 20,
	/* Levels of nodes below the root. Real trees have at most 12; paths of
	 * that depth must fit the stacks of walks here and in dt.c. */
	DT_MAX_DEPTH = 64,
	DT_PATH_BYTES = 160, /* of paths in messages; longer ones are cut */
};

enum dt_token {
	DT_TOKEN_BEGIN, /* a node opens; name is set */
	DT_TOKEN_PROP,  /* name, value, len are set */
	DT_TOKEN_CLOSE, /* the innermost node closes */
	DT_TOKEN_END,   /* the tree is over */
	DT_TOKEN_BAD,   /* the cursor's `fault` says why */
};

struct dt_cursor {
	const u8 *structs;   /* structure block */
	const char *strings; /* strings block */
	u32 nr_structs;      /* bytes */
	u32 nr_strings;      /* bytes */
	u32 next;            /* offset of the next token */
	u32 offset;          /* of the token just returned */
	const char *name;    /* of a node or property */
	const u8 *value;     /* of a property */
	u32 len;             /* of it */
	const char *fault;   /* constant text, after DT_TOKEN_BAD */
};

/*
 * What the pass saw: how much there is to copy, and where the nodes are that
 * boot looks into. Offsets are libfdt's, -1 without such a node.
 */
struct dt_shape {
	u32 nr_nodes, nr_props;
	u32 max_depth; /* root: 0 */
	int chosen, aliases, reserved_memory;
};

/*
 * Look at the header: 40 bytes at any alignment. Null when it is sound; *total
 * is then the size it claims, *used the bytes from the start that mean
 * something. Else the reason, valid until the next call.
 */
const char *dt_check_header(const void *fdt, u32 *total, u32 *used);

/*
 * Look at everything. nr_visible bytes may be read, and the blob is 8-byte
 * aligned. Null when the tree is sound in form; else the reason, with the path
 * of the node. Aliases that libfdt must not follow get a warning each.
 */
const char *dt_check(const void *fdt, u64 nr_visible, struct dt_shape *shape);

/* Set a cursor before the root node of a blob whose header was checked. */
void dt_cursor_init(struct dt_cursor *c, const void *fdt);
/* Move to the next token that is no NOP; never leaves the blocks. */
enum dt_token dt_cursor_next(struct dt_cursor *c);

/* Copy a name for a message: what does not print becomes `?`. Returns buf. */
const char *dt_printable(char *buf, size_t size, const char *name);

/*
 * Warn about the tree: node, property, value, and what was done. Counted; the
 * first ones are printed. dt_warnings: how many since dt_check() began.
 */
void dt_warn(const char *fmt, ...) tm_printf(1, 2);
u32 dt_warnings(void);

/* Big-endian words at any alignment. */
static inline u32 dt_be32(const void *p)
{
	const u8 *b = p;

	return (u32)b[0] << 24 | (u32)b[1] << 16 | (u32)b[2] << 8 | b[3];
}

static inline u64 dt_be64(const void *p)
{
	return (u64)dt_be32(p) << 32 | dt_be32((const u8 *)p + 4);
}

#endif
