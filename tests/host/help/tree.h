/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device trees for tests, written down where they are used: nodes and
 * properties in order, through libfdt's sequential writer. One tree at a time;
 * tree_end() gives the blob, tree_place() puts it into the fake machine's RAM.
 */
#ifndef HOST_HELP_TREE_H
#define HOST_HELP_TREE_H

#include "fake/fake.h"

/* Begin a tree with #address-cells and #size-cells of the root as given. */
void tree_begin(u32 address_cells, u32 size_cells);
/* /memreserve/ entries come first of all: between tree_begin_rsv and its root. */
void tree_begin_rsv(u32 address_cells, u32 size_cells, const u64 (*rsv)[2], u32 nr_rsv);

void node_begin(const char *name);
void node_end(void);
void prop_u32(const char *name, u32 value);
void prop_u64(const char *name, u64 value);
void prop_string(const char *name, const char *value);
void prop_bytes(const char *name, const void *value, u32 len);
void prop_empty(const char *name);
/* nr 32-bit cells. */
void prop_cells(const char *name, const u32 *cells, u32 nr);
/* A reg-like list of (base, size) with the root's cells. */
void prop_reg(const char *name, const u64 (*reg)[2], u32 nr);

/* A whole memory node: one tuple, and a node id unless it is negative. */
void memory_node(u64 base, u64 size, int id);
/* A cpu node under /cpus (opened and closed around them by the caller). */
void cpu_node(u32 mpidr, int id);

/* Close the root; the blob and its size, valid until the next tree_begin. */
void *tree_end(u32 *size);

/* Copy the blob to a physical address of the fake machine. */
void tree_place(u64 phys, const void *blob, u32 size);

#endif
