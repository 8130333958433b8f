/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine as the tree describes it: what a board has in hardware and a
 * loader does before it enters the kernel. Reads the file, applies the options
 * to it, finds the RAM and the console's UART, and puts the tree into RAM. What
 * it cannot build it refuses by name; how the kernel takes an odd tree is the
 * kernel's affair, so little is checked here.
 */
#define _GNU_SOURCE
#include "host.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rtos/lib/lib.h"

enum {
	MAX_BANKS = 1024,
	TREE_MAX = 2 << 20,
	ROOM = 16 << 10, /* for what the options add */
	ARGS_MAX = 4096,
	IMAGE_OFFSET = 0x200000,
	TREE_OFFSET = 0x800000, /* of the tree, in the first bank */
	BANK_MIN = 16 << 20,
	STATUS_REFUSED = 2,
};

static struct {
	u64 start, end;
} bank[MAX_BANKS];
static unsigned int nr_banks;
static u8 tree[TREE_MAX + ROOM] tm_aligned(8);

void host_refuse(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "tidemark: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	exit(STATUS_REFUSED);
}

bool host_is_ram(u64 p)
{
	for (unsigned int i = 0; i < nr_banks; i++)
		if (p >= bank[i].start && p < bank[i].end)
			return true;
	return false;
}

static void read_tree(const char *name)
{
	static u8 file[TREE_MAX];
	FILE *f = fopen(name, "rb");
	size_t n;
	int err;

	if (!f)
		host_refuse("%s: cannot be read", name);
	n = fread(file, 1, sizeof(file), f);
	fclose(f);
	err = n < sizeof(struct fdt_header) ? -FDT_ERR_TRUNCATED : fdt_check_header(file);
	if (!err && ((u64)fdt_off_dt_strings(file) + fdt_size_dt_strings(file) > n ||
		     (u64)fdt_off_dt_struct(file) + fdt_size_dt_struct(file) > n))
		err = -FDT_ERR_TRUNCATED;
	/* Padding at the end, of which QEMU's trees have plenty, is not needed. */
	if (!err && fdt_totalsize(file) > sizeof(file))
		fdt_set_totalsize(file, (u32)n);
	err = err ? err : fdt_open_into(file, tree, sizeof(tree));
	if (err)
		host_refuse("%s: no device tree: %s", name, fdt_strerror(err));
}

/* ---- options ----------------------------------------------------------------- */

/* `name="value"`, as the kernel splits it. */
static size_t add_word(char *args, size_t at, const char *name, const char *value)
{
	if (!value)
		return at;
	if (strchr(value, '"'))
		host_refuse("--%s: the kernel's arguments cannot hold a quote", name);
	return at + (size_t)snprintf(args + at, at < ARGS_MAX ? ARGS_MAX - at : 0, "%s%s=\"%s\"",
				     at ? " " : "", name, value);
}

static void set_args(const struct host_options *o)
{
	static char args[ARGS_MAX];
	int chosen = fdt_path_offset(tree, "/chosen");
	char seed[32];
	size_t at = 0;

	if (!o->append && !o->run && !o->test)
		return;
	if (o->append)
		at = (size_t)snprintf(args, sizeof(args), "%s", o->append);
	at = add_word(args, at, "run", o->run);
	at = add_word(args, at, "test", o->test);
	/* One seed for the machine and for what suites draw. */
	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)o->seed);
	if (o->seed && !(o->append && strstr(o->append, "test_seed=")))
		at = add_word(args, at, "test_seed", seed);
	if (at >= sizeof(args))
		host_refuse("the kernel's arguments are longer than %d bytes", ARGS_MAX - 1);
	if (chosen < 0)
		chosen = fdt_add_subnode(tree, 0, "chosen");
	if (chosen < 0 || fdt_setprop_string(tree, chosen, "bootargs", args))
		host_refuse("no room in the tree for the kernel's arguments");
}

static u64 cells_at(const fdt32_t *v, int n)
{
	u64 sum = 0;

	while (n--)
		sum = sum << 32 | fdt32_to_cpu(*v++);
	return sum;
}

static bool is_memory(int node)
{
	const char *type = fdt_getprop(tree, node, "device_type", NULL);

	return type && strcmp(type, "memory") == 0;
}

/* The size of the one bank there is. */
static void set_size(int node, u64 size)
{
	int na = fdt_address_cells(tree, 0), ns = fdt_size_cells(tree, 0), len;
	u8 *reg = fdt_getprop_w(tree, node, "reg", &len);
	fdt32_t value[2] = { cpu_to_fdt32((u32)(size >> 32)), cpu_to_fdt32((u32)size) };

	if (!reg || ns < 1 || ns > 2 || len != (na + ns) * 4 || (ns == 1 && size >> 32))
		host_refuse("--mem: the tree's memory is not one range that can be that large");
	memcpy(reg + na * 4, value + 2 - ns, (size_t)ns * 4);
}

static void add_banks(int node)
{
	int na = fdt_address_cells(tree, 0), ns = fdt_size_cells(tree, 0), len = 0;
	const fdt32_t *reg = fdt_getprop(tree, node, "reg", &len);

	if (na < 1 || na > 2 || ns < 1 || ns > 2)
		host_refuse("the tree's root has %d and %d cells for memory", na, ns);
	for (; reg && len >= (na + ns) * 4; len -= (na + ns) * 4, reg += na + ns) {
		u64 start = cells_at(reg, na), size = cells_at(reg + na, ns), end;

		if (!size)
			continue;
		if (nr_banks == MAX_BANKS || add_overflows(start, size, &end))
			host_refuse("the tree's memory is too many ranges, or one that wraps");
		bank[nr_banks].start = start;
		bank[nr_banks++].end = end;
	}
}

static void find_memory(u64 size)
{
	unsigned int nr_nodes = 0;
	int node;

	for (node = fdt_first_subnode(tree, 0); node >= 0; node = fdt_next_subnode(tree, node))
		nr_nodes += is_memory(node);
	if (size && nr_nodes != 1)
		host_refuse("--mem: the tree has %u memory nodes, it needs one", nr_nodes);
	for (node = fdt_first_subnode(tree, 0); node >= 0; node = fdt_next_subnode(tree, node)) {
		if (!is_memory(node))
			continue;
		if (size)
			set_size(node, size);
		add_banks(node);
	}
}

/* ---- the console ---------------------------------------------------------------- */

/* The first PL011 directly below the root: there and only there is a wire. */
static void find_uart(const struct host_options *o)
{
	int na = fdt_address_cells(tree, 0), len = 0, node;
	const fdt32_t *reg;

	for (node = fdt_first_subnode(tree, 0); node >= 0; node = fdt_next_subnode(tree, node))
		if (fdt_node_check_compatible(tree, node, "arm,pl011") == 0)
			break;
	reg = node >= 0 ? fdt_getprop(tree, node, "reg", &len) : NULL;
	if (!reg || na < 1 || na > 2 || len < na * 4)
		host_refuse("the tree has no arm,pl011 below its root: no console to simulate");
	host_uart_init(cells_at(reg, na), o);
}

phys_t host_board_load(const struct host_options *o)
{
	unsigned int first = 0;
	u64 at;

	read_tree(o->dtb);
	set_args(o);
	find_memory(o->mem);
	for (unsigned int i = 1; i < nr_banks; i++)
		if (bank[i].start < bank[first].start)
			first = i;
	if (!nr_banks || bank[first].end - bank[first].start < BANK_MIN)
		host_refuse("the lowest memory of the tree has less than 16 MiB");
	find_uart(o);
	fdt_pack(tree);
	at = align_up(bank[first].start, IMAGE_OFFSET);
	host_image_place(at + IMAGE_OFFSET);
	host_memory_write(at + TREE_OFFSET, tree, fdt_totalsize(tree));
	return phys_make(at + TREE_OFFSET);
}
