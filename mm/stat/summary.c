/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory in words for a person: the first screen after boot (banks, nodes,
 * distances, zones, what is reserved and why) and the few lines a panic shows.
 * Format is free to change; scripts read /proc instead.
 *
 * Reads constants of boot and whole words of the zones; takes no lock, so it may
 * run in a panic.
 */
#include "mm/boot/topology.h"
#include "mm/mm.h"

enum { MAX_ROWS = 24 }; /* of one table; the rest is counted */

static const char *const reason_names[NR_MEM_REASONS] = {
	[MEM_KERNEL] = "kernel",
	[MEM_TREE] = "device tree",
	[MEM_INITRD] = "initrd",
	[MEM_MEMRESERVE] = "/memreserve/",
	[MEM_RESERVED] = "reserved-memory",
	[MEM_CMA] = "cma",
	[MEM_FRAMES] = "frame array",
	[MEM_TABLES] = "page tables",
	[MEM_BOOT] = "boot data",
	[MEM_CLIPPED] = "not used",
};

/* 2048 MiB, 1.5 GiB would be wrong to round: whole units only. */
static const char *size_text(char *buf, size_t size, u64 nr_bytes)
{
	if (nr_bytes >= 1ull << 20 && is_aligned(nr_bytes, 1ull << 20))
		tm_snprintf(buf, size, "%llu MiB", (unsigned long long)(nr_bytes >> 20));
	else
		tm_snprintf(buf, size, "%llu KiB", (unsigned long long)(nr_bytes >> 10));
	return buf;
}

static void print_range(struct out *out, u64 start, u64 end)
{
	char size[24];

	BUG_ON_VAL(start > end, start, end);
	out_printf(out, "  %010llx-%010llx %12s", (unsigned long long)start,
		   (unsigned long long)end, size_text(size, sizeof(size), end - start));
}

static void print_banks(struct out *out)
{
	u32 nr;
	const struct memblock_span *bank = ram_spans(&nr);
	u64 sum = 0;
	char size[24];

	for (u32 i = 0; i < nr; i++)
		sum += bank[i].end.v - bank[i].start.v;
	out_printf(out, "Memory: %s in %u bank%s (address ranges are [start, end))\n",
		   size_text(size, sizeof(size), sum << PAGE_SHIFT), nr, nr == 1 ? "" : "s");
	for (u32 i = 0; i < nr && i < MAX_ROWS; i++) {
		print_range(out, pfn_to_phys(bank[i].start).v, pfn_to_phys(bank[i].end).v);
		out_printf(out, "  node %u%s\n", bank[i].node,
			   bank[i].flags & MEMBLOCK_NOMAP ? "  no-map" : "");
	}
	if (nr > MAX_ROWS)
		out_printf(out, "  ... and %u more\n", nr - MAX_ROWS);
}

static void print_node(struct out *out, const struct node *n)
{
	char size[24];

	out_printf(out, "  node %2u %12s  distance", n->id,
		   n->present_pages ? size_text(size, sizeof(size), n->present_pages << PAGE_SHIFT)
				    : "no memory");
	for (u32 id = 0; id < MAX_NODES; id++)
		if (nodes_online() >> id & 1)
			out_printf(out, " %u", node_distance(n->id, id));
	out_printf(out, "  order");
	for (u32 i = 0; i < n->nr_fallback && i < MAX_ROWS; i++)
		out_printf(out, " %u", n->fallback[i]);
	out_printf(out, "  cpus ");
	if (n->cpus)
		mm_view_node_cpulist(out, n->id);
	else
		out_printf(out, "none\n");
}

static void print_nodes(struct out *out)
{
	u64 nodes = nodes_online();
	int nr = __builtin_popcountll(nodes);

	out_printf(out, "Nodes: %d%s\n", nr, nr == 1 ? " (no NUMA)" : "");
	for (u32 id = 0; id < MAX_NODES; id++)
		if (nodes >> id & 1)
			print_node(out, node_table[id]);
}

static void print_zones(struct out *out)
{
	out_printf(out, "Zones (pages)    managed      free       min       low      high\n");
	for (const struct zone *z = zone_next(0); z; z = zone_next(z->id + 1))
		out_printf(out, "  %2u/%-8s %11llu %9llu %9llu %9llu %9llu\n", z->node, z->name,
			   (unsigned long long)z->managed_pages, (unsigned long long)z->nr_free,
			   (unsigned long long)z->wmark[WMARK_MIN],
			   (unsigned long long)z->wmark[WMARK_LOW],
			   (unsigned long long)z->wmark[WMARK_HIGH]);
}

/* The name adds something where a tree or a boot argument gave it. */
static void print_record(struct out *out, const struct mem_record *r)
{
	bool named = r->name[0] &&
		     (r->reason == MEM_MEMRESERVE || r->reason == MEM_RESERVED ||
		      r->reason == MEM_CMA || r->reason == MEM_BOOT || r->reason == MEM_CLIPPED);

	BUG_ON_VAL(r->reason >= NR_MEM_REASONS, r->reason, r->start.v);
	print_range(out, r->start.v, r->end.v);
	out_printf(out, "  %s%s%s%s\n", reason_names[r->reason], named ? ": " : "",
		   named ? r->name : "", r->no_map ? " (no-map)" : "");
}

static void print_reserved(struct out *out)
{
	const struct boot_info *bi = boot_info();
	u64 sum = 0;
	char size[24];

	for (u32 i = 0; i < bi->nr_records; i++)
		sum += bi->records[i].end.v - bi->records[i].start.v;
	out_printf(out, "Reserved: %s\n", size_text(size, sizeof(size), sum));
	for (u32 i = 0; i < bi->nr_records && i < MAX_ROWS; i++)
		print_record(out, &bi->records[i]);
	if (bi->nr_records > MAX_ROWS)
		out_printf(out, "  ... and %u more, see /proc/iomem\n", bi->nr_records - MAX_ROWS);
}

void mm_view_boot(struct out *out)
{
	char total[24], array[24];

	print_banks(out);
	print_nodes(out);
	print_zones(out);
	print_reserved(out);
	out_printf(out, "Free to use: %s; frame descriptors take %s\n",
		   size_text(total, sizeof(total), mm_total_pages() << PAGE_SHIFT),
		   size_text(array, sizeof(array), frames_metadata_pages() << PAGE_SHIFT));
	if (boot_info()->nr_warnings)
		out_printf(out, "The device tree earned %u warning%s: see dmesg\n",
			   boot_info()->nr_warnings, boot_info()->nr_warnings == 1 ? "" : "s");
}

void mm_view_panic(struct out *out)
{
	if (zone_next(0))
		print_zones(out);
	else
		out_printf(out, "Zones: not built yet\n");
}
