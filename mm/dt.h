/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device tree as the kernel keeps it: nodes and properties in plain
 * structures, built once at boot with libfdt from the checked blob. After
 * dt_unflatten() nobody calls libfdt again (it needs FP registers), the blob's
 * memory goes back to the page allocator, and everything here is constant:
 * any context, no lock. Seeds are wiped before the copy is made.
 *
 * Values keep the tree's big-endian cells; read them with the helpers.
 */
#ifndef MM_DT_H
#define MM_DT_H

#include "arch/arch.h"
#include "rtos/lib/lib.h"

struct dt_prop {
	const char *name;
	const u8 *value;
	u32 len; /* bytes */
	const struct dt_prop *next;
};

struct dt_node {
	const char *name; /* with unit address; "" for the root */
	const struct dt_node *parent, *child, *sibling;
	const struct dt_prop *props;
	u32 phandle; /* 0: none, or not usable */
};

const struct dt_node *dt_root(void); /* null before dt_unflatten() */
/* By full path or alias (an alias is followed once, never in a circle). */
const struct dt_node *dt_find_path(const char *path);
/* Next node in document order after `from` (null: from the root) whose
 * compatible list holds the string; disabled nodes are passed over. */
const struct dt_node *dt_find_compatible(const struct dt_node *from, const char *compatible);
const struct dt_node *dt_find_phandle(u32 phandle);
/* Next node in document order; null at the end. */
const struct dt_node *dt_next(const struct dt_node *n);
/* Child by name; the unit address may be left out. */
const struct dt_node *dt_child(const struct dt_node *n, const char *name);

/* Null when absent. len may be null. */
const u8 *dt_prop_get(const struct dt_node *n, const char *name, u32 *len);
bool dt_has(const struct dt_node *n, const char *name);
/* String property (first string of a list); null when absent or not
 * terminated. */
const char *dt_string(const struct dt_node *n, const char *name);
/* Cell `index` as a number. 0 or ERR_NOENT. */
int dt_u32(const struct dt_node *n, const char *name, unsigned int index, u32 *val);
/* Big-endian cells (1 or 2) to a number. */
u64 dt_cells(const u8 *value, unsigned int cells);
/* An address of 1 to 3 cells; the first of three is PCI's own and no part of it. */
u64 dt_address(const u8 *value, unsigned int cells);
bool dt_is_compatible(const struct dt_node *n, const char *compatible);
/* No `status`, or "okay", or "ok". */
bool dt_available(const struct dt_node *n);
/* A child of /cpus that is one: its device_type says so, or is missing and its name does. */
bool dt_is_cpu(const struct dt_node *n);
/* #address-cells and #size-cells that apply to n's children (default 2, 1). */
void dt_child_cells(const struct dt_node *n, u32 *address, u32 *size);
/*
 * Entry `index` of `reg`, translated through every `ranges` up to the root.
 * 0, ERR_NOENT (no such entry), ERR_INVAL (bad cells, not translatable).
 */
int dt_reg(const struct dt_node *n, unsigned int index, phys_t *base, u64 *nr_bytes);
/* Full path of a node into buf. */
void dt_path(const struct dt_node *n, char *buf, size_t size);
/* The tree as text, in dts syntax as far as types can be guessed. */
void dt_view(struct out *out, const struct dt_node *from);

/* What the early console must know before the tree is unflattened. */
struct dt_console {
	char path[128];
	char compatible[3][40]; /* first entries of the list; "" when fewer */
	phys_t base;
	u64 nr_bytes;
	u32 reg_shift, reg_width;
};

#endif
