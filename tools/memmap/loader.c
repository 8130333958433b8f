/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See loader.h. Kernel and tree go to the lowest addresses, 2 MiB aligned, that
 * are RAM and that no /memreserve/ or fixed child of /reserved-memory claims:
 * what boot scripts of boards do with addresses written by hand. Bounded by the
 * claims of the tree; more than MAX_CLAIMS of them are overlooked, and then the
 * kernel says that it lies on one.
 */
#include "loader.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_CLAIMS = 1024,
	ROOM = 64 << 10, /* for what is filled in */
	UNIT = 2 << 20,
};
#define NOWHERE (~0ull)
/* Where QEMU's virt has them, for a tree from which no place can be told. */
#define FALLBACK 0x40200000ull

struct ranges {
	struct loader_range at[MAX_CLAIMS];
	u32 nr;
};

static void add(struct ranges *r, u64 start, u64 size)
{
	if (size && r->nr < MAX_CLAIMS)
		r->at[r->nr++] = (struct loader_range){ start, start + min_u64(size, ~start) };
}

static u64 cells(const u8 *v, int nr)
{
	u64 n = 0;

	for (int i = 0; i < 4 * nr; i++)
		n = n << 8 | v[i];
	return n;
}

/* Every (address, size) of a property with the root's cells. */
static void add_reg(const void *fdt, int node, const char *name, struct ranges *r)
{
	int ac = fdt_address_cells(fdt, 0), sc = fdt_size_cells(fdt, 0), len;
	const u8 *v = fdt_getprop(fdt, node, name, &len);

	if (ac < 1 || ac > 2 || sc < 1 || sc > 2)
		return;
	for (; v && len >= 4 * (ac + sc); v += 4 * (ac + sc), len -= 4 * (ac + sc))
		add(r, cells(v, ac), cells(v + 4 * ac, sc));
}

static bool is_memory(const void *fdt, int node)
{
	const char *type = fdt_getprop(fdt, node, "device_type", NULL);

	return type && !strcmp(type, "memory");
}

static void find_banks(const void *fdt, struct ranges *banks)
{
	int node;

	fdt_for_each_subnode(node, fdt, 0)
	{
		if (is_memory(fdt, node))
			add_reg(fdt, node, "reg", banks);
	}
}

static void find_claims(const void *fdt, struct ranges *claims)
{
	int parent = fdt_path_offset(fdt, "/reserved-memory"), node;
	uint64_t start, size;

	for (int i = 0; i < fdt_num_mem_rsv(fdt); i++) {
		if (!fdt_get_mem_rsv(fdt, i, &start, &size))
			add(claims, start, size);
	}
	if (parent < 0)
		return;
	fdt_for_each_subnode(node, fdt, parent) add_reg(fdt, node, "reg", claims);
}

/* End of a claim that touches the range, or 0. */
static u64 claimed_to(const struct ranges *claims, u64 start, u64 end)
{
	for (u32 i = 0; i < claims->nr; i++) {
		if (claims->at[i].start < end && claims->at[i].end > start)
			return claims->at[i].end;
	}
	return 0;
}

/* Lowest free place in one bank; the first page of all is left alone. */
static u64 place_in(const struct loader_range *bank, const struct ranges *claims, u64 size)
{
	u64 at = align_up(max_u64(bank->start, UNIT), UNIT), taken;

	while (at >= bank->start && at < bank->end && size <= bank->end - at) {
		taken = claimed_to(claims, at, at + size);
		if (!taken)
			return at;
		if (taken > ~0ull - UNIT)
			break;
		at = align_up(taken, UNIT);
	}
	return NOWHERE;
}

static u64 place(const struct ranges *banks, struct ranges *claims, u64 size)
{
	u64 lowest = NOWHERE;

	for (u32 i = 0; i < banks->nr; i++)
		lowest = min_u64(lowest, place_in(&banks->at[i], claims, size));
	if (lowest != NOWHERE)
		add(claims, lowest, size);
	return lowest;
}

/* ---- filling in ------------------------------------------------------------------ */

static void must(const char *file, int err)
{
	if (err >= 0)
		return;
	fprintf(stderr, "memmap: %s: cannot fill in: %s\n", file, fdt_strerror(err));
	exit(2);
}

static u32 put_cells(fdt32_t *at, u64 value, int nr)
{
	if (nr == 2)
		*at++ = cpu_to_fdt32((u32)(value >> 32));
	*at = cpu_to_fdt32((u32)value);
	return (u32)nr;
}

/* All memory in one node, as U-Boot leaves it. */
static void fill_memory(const char *file, void *fdt, const struct loader_options *o)
{
	int ac = fdt_address_cells(fdt, 0), sc = fdt_size_cells(fdt, 0), node, other;
	fdt32_t reg[4 * LOADER_BANKS];
	char name[32];
	u32 nr = 0;

	if (ac < 1 || ac > 2 || sc < 1 || sc > 2)
		return;
	for (u32 i = 0; i < o->nr_memory; i++) {
		nr += put_cells(reg + nr, o->memory[i].start, ac);
		nr += put_cells(reg + nr, o->memory[i].end - o->memory[i].start, sc);
	}
	for (node = fdt_first_subnode(fdt, 0); node >= 0 && !is_memory(fdt, node);)
		node = fdt_next_subnode(fdt, node);
	if (node < 0) {
		snprintf(name, sizeof(name), "memory@%llx", (unsigned long long)o->memory[0].start);
		node = fdt_add_subnode(fdt, 0, name);
		must(file, node);
	}
	must(file, fdt_setprop_string(fdt, node, "device_type", "memory"));
	must(file, fdt_setprop(fdt, node, "reg", reg, (int)(nr * sizeof(*reg))));
	for (other = fdt_next_subnode(fdt, node); other >= 0;) {
		if (is_memory(fdt, other)) {
			must(file, fdt_del_node(fdt, other));
			other = node;
		}
		other = fdt_next_subnode(fdt, other);
	}
}

static void fill_bootargs(const char *file, void *fdt, const char *args)
{
	int node = fdt_path_offset(fdt, "/chosen");

	if (node < 0)
		node = fdt_add_subnode(fdt, 0, "chosen");
	must(file, node);
	must(file, fdt_setprop_string(fdt, node, "bootargs", args));
}

/* ---- the whole ----------------------------------------------------------------- */

static void *read_file(const char *file, u64 *size, u64 *room)
{
	FILE *f = fopen(file, "rb");
	long n = -1;
	u8 *data;

	if (f && !fseek(f, 0, SEEK_END))
		n = ftell(f);
	if (n < 0) {
		perror(file);
		exit(2);
	}
	rewind(f);
	*size = (u64)n;
	*room = *size + ROOM;
	data = calloc(1, *room);
	if (!data || fread(data, 1, *size, f) != *size) {
		perror(file);
		exit(2);
	}
	fclose(f);
	return data;
}

struct loaded loader_load(const char *file, const struct loader_options *o)
{
	static struct ranges banks, claims;
	u64 room;
	struct loaded l = { .kernel = FALLBACK, .tree = FALLBACK + LOADER_KERNEL_BYTES };

	l.blob = read_file(file, &l.size, &room);
	if (l.size >= sizeof(struct fdt_header) && !fdt_check_full(l.blob, l.size)) {
		if (o->nr_memory || o->append) {
			must(file, fdt_open_into(l.blob, l.blob, (int)room));
			if (o->nr_memory)
				fill_memory(file, l.blob, o);
			if (o->append)
				fill_bootargs(file, l.blob, o->append);
			must(file, fdt_pack(l.blob));
			l.size = fdt_totalsize(l.blob);
		}
		find_banks(l.blob, &banks);
		find_claims(l.blob, &claims);
	}
	if (o->kernel == NOWHERE) {
		u64 at = place(&banks, &claims, LOADER_KERNEL_BYTES);

		l.kernel = at == NOWHERE ? banks.nr ? align_up(banks.at[0].start, UNIT) : FALLBACK
					 : at;
	} else {
		l.kernel = o->kernel;
		add(&claims, l.kernel, LOADER_KERNEL_BYTES);
	}
	l.tree = place(&banks, &claims, align_up(l.size + 1, UNIT));
	if (l.tree == NOWHERE)
		l.tree = l.kernel + LOADER_KERNEL_BYTES;
	return l;
}
