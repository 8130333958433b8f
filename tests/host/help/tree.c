/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See tree.h. Every libfdt call must succeed: the trees of tests are small and
 * well formed; broken ones are made by damaging the result.
 */
#include "tree.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>

enum { TREE_BYTES = 1 << 20 };

static u8 buf[TREE_BYTES] tm_aligned(8);
static u32 root_ac, root_sc;

static void must(int err)
{
	if (!err)
		return;
	fprintf(stderr, "tree: %s\n", fdt_strerror(err));
	abort();
}

void tree_begin_rsv(u32 address_cells, u32 size_cells, const u64 (*rsv)[2], u32 nr_rsv)
{
	must(fdt_create(buf, sizeof(buf)));
	for (u32 i = 0; i < nr_rsv; i++)
		must(fdt_add_reservemap_entry(buf, rsv[i][0], rsv[i][1]));
	must(fdt_finish_reservemap(buf));
	root_ac = address_cells;
	root_sc = size_cells;
	node_begin("");
	prop_u32("#address-cells", address_cells);
	prop_u32("#size-cells", size_cells);
}

void tree_begin(u32 address_cells, u32 size_cells)
{
	tree_begin_rsv(address_cells, size_cells, NULL, 0);
}

void node_begin(const char *name)
{
	must(fdt_begin_node(buf, name));
}

void node_end(void)
{
	must(fdt_end_node(buf));
}

void prop_u32(const char *name, u32 value)
{
	must(fdt_property_u32(buf, name, value));
}

void prop_u64(const char *name, u64 value)
{
	must(fdt_property_u64(buf, name, value));
}

void prop_string(const char *name, const char *value)
{
	must(fdt_property_string(buf, name, value));
}

void prop_bytes(const char *name, const void *value, u32 len)
{
	must(fdt_property(buf, name, value, (int)len));
}

void prop_empty(const char *name)
{
	prop_bytes(name, "", 0);
}

void prop_cells(const char *name, const u32 *cells, u32 nr)
{
	fdt32_t *v;
	void *at;

	must(fdt_property_placeholder(buf, name, (int)(4 * nr), &at));
	v = at;
	for (u32 i = 0; i < nr; i++)
		v[i] = cpu_to_fdt32(cells[i]);
}

static u32 put_cells(u32 *at, u64 value, u32 cells)
{
	if (cells == 1) {
		at[0] = (u32)value;
	} else {
		at[0] = (u32)(value >> 32);
		at[1] = (u32)value;
	}
	return cells;
}

void prop_reg(const char *name, const u64 (*reg)[2], u32 nr)
{
	u32 *cells = calloc((size_t)nr * 4 + 1, sizeof(*cells)), used = 0;

	for (u32 i = 0; i < nr; i++) {
		used += put_cells(cells + used, reg[i][0], root_ac);
		used += put_cells(cells + used, reg[i][1], root_sc);
	}
	prop_cells(name, cells, used);
	free(cells);
}

void memory_node(u64 base, u64 size, int id)
{
	const u64 reg[1][2] = { { base, size } };
	char name[40];

	snprintf(name, sizeof(name), "memory@%llx", (unsigned long long)base);
	node_begin(name);
	prop_string("device_type", "memory");
	prop_reg("reg", reg, 1);
	if (id >= 0)
		prop_u32("numa-node-id", (u32)id);
	node_end();
}

void cpu_node(u32 mpidr, int id)
{
	char name[40];

	snprintf(name, sizeof(name), "cpu@%x", mpidr);
	node_begin(name);
	prop_string("device_type", "cpu");
	prop_u32("reg", mpidr);
	if (id >= 0)
		prop_u32("numa-node-id", (u32)id);
	node_end();
}

void *tree_end(u32 *size)
{
	node_end();
	must(fdt_finish(buf));
	*size = fdt_totalsize(buf);
	return buf;
}

void tree_place(u64 phys, const void *blob, u32 size)
{
	fake_phys_write(phys, blob, size);
}
