/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See loader.h. Kernel and tree go to the lowest addresses, 2 MiB aligned, that
 * are RAM and that no /memreserve/ or fixed child of /reserved-memory claims:
 * what boot scripts of boards do with addresses written by hand. Bounded by the
 * claims of the tree; more than MAX_CLAIMS of them are overlooked, and then the
 * kernel says that it lies on one.
 */
#include "loader.h"

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	MAX_CLAIMS = 1024,
	ROOM = 192 << 10,    /* for what is filled in: arguments, at most what execve() takes */
	MAX_FILE = 32 << 20, /* above the 16 MiB that the kernel refuses by itself */
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

static bool is_disabled(const void *fdt, int node)
{
	const char *status = fdt_getprop(fdt, node, "status", NULL);

	return status && strcmp(status, "okay") != 0 && strcmp(status, "ok") != 0;
}

static void find_banks(const void *fdt, struct ranges *banks)
{
	int node;

	fdt_for_each_subnode(node, fdt, 0)
	{
		if (is_memory(fdt, node) && !is_disabled(fdt, node))
			add_reg(fdt, node,
				fdt_getprop(fdt, node, "linux,usable-memory", NULL)
					? "linux,usable-memory"
					: "reg",
				banks);
	}
}

static void find_claims(const void *fdt, struct ranges *claims)
{
	int parent = fdt_path_offset(fdt, "/reserved-memory"), node;
	uint64_t start, size;

	for (int i = 0; !fdt_get_mem_rsv(fdt, i, &start, &size) && (start || size); i++)
		add(claims, start, size);
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

static tm_noreturn void fail(const char *file, const char *why)
{
	fprintf(stderr, "memmap: %s: %s\n", file, why);
	exit(2);
}

static void must(const char *file, int err)
{
	if (err < 0)
		fail(file, fdt_strerror(err));
}

static bool fits(u64 value, int nr_cells)
{
	return nr_cells == 2 || value <= 0xffffffff;
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
		u64 start = o->memory[i].start, size = o->memory[i].end - start;

		if (!fits(start, ac) || !fits(size, sc))
			fail(file, "--memory: does not fit the tree's cells of 32 bits");
		nr += put_cells(reg + nr, start, ac);
		nr += put_cells(reg + nr, size, sc);
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
	(void)fdt_delprop(fdt, node, "linux,usable-memory"); /* would stand in for reg */
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

/* Opening a FIFO would wait for somebody to write; so it is asked first what it is. */
static FILE *open_file(const char *file)
{
	struct stat st;
	FILE *f;

	if (!strcmp(file, "-"))
		return stdin;
	if (stat(file, &st))
		fail(file, strerror(errno));
	if (!S_ISREG(st.st_mode))
		fail(file, "not a file; - reads what is piped in");
	f = fopen(file, "rb");
	if (!f)
		fail(file, strerror(errno));
	return f;
}

/* Into zeroed memory with room behind it for what is filled in. */
static u8 *read_file(const char *file, u64 *size)
{
	FILE *f = open_file(file);
	u8 *data = calloc(1, MAX_FILE + ROOM);

	if (!data)
		fail(file, "no memory");
	*size = fread(data, 1, MAX_FILE, f);
	if (ferror(f))
		fail(file, strerror(errno));
	if (!*size)
		fail(file, "empty");
	if (*size == MAX_FILE)
		fail(file, "too large for a device tree");
	fclose(f);
	return data;
}

/* Why nothing can be filled in, nor the tree be read to find a place; null: it can. */
static const char *doubt(const u8 *blob, u64 size)
{
	static char text[96];
	int err;

	if (size < FDT_V16_SIZE)
		return "the file is shorter than a tree's header";
	if (fdt_magic(blob) == FDT_MAGIC && fdt_totalsize(blob) > size) {
		snprintf(text, sizeof(text), "the file has %llu bytes, its header says %u",
			 (unsigned long long)size, fdt_totalsize(blob));
		return text;
	}
	err = fdt_check_full(blob, size);
	return err ? fdt_strerror(err) : NULL;
}

static void fill_in(const char *file, struct loaded *l, const struct loader_options *o)
{
	must(file, fdt_open_into(l->blob, l->blob, (int)(l->size + ROOM)));
	if (o->nr_memory)
		fill_memory(file, l->blob, o);
	if (o->append)
		fill_bootargs(file, l->blob, o->append);
	must(file, fdt_pack(l->blob));
	l->size = fdt_totalsize(l->blob);
}

struct loaded loader_load(const char *file, const struct loader_options *o)
{
	static struct ranges banks, claims;
	struct loaded l = { .kernel = FALLBACK };

	l.blob = read_file(file, &l.size);
	l.doubt = doubt(l.blob, l.size);
	if (!l.doubt) {
		if (o->nr_memory || o->append)
			fill_in(file, &l, o);
		find_banks(l.blob, &banks);
		find_claims(l.blob, &claims);
	}
	if (o->kernel == NOWHERE) {
		u64 at = place(&banks, &claims, LOADER_KERNEL_BYTES);

		if (at != NOWHERE)
			l.kernel = at;
		else if (banks.nr)
			l.kernel = min_u64(align_up(banks.at[0].start, UNIT), LOADER_MAX_KERNEL);
	} else {
		l.kernel = o->kernel;
		add(&claims, l.kernel, LOADER_KERNEL_BYTES);
	}
	l.tree = place(&banks, &claims, align_up(l.size + 1, UNIT));
	if (l.tree == NOWHERE)
		l.tree = l.kernel + LOADER_KERNEL_BYTES;
	return l;
}
