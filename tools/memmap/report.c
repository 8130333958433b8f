/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See report.h. Sections: banks, nodes, zones, reserved, warnings; before them
 * one line each for tree, console, CPUs, DMA limit and the sum of pages. The
 * words `static` and `dynamic` tell whether the tree gave a reserved region its
 * place or left that to the kernel.
 */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake/fake.h"
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "rtos/dev/uart.h"

enum { MAX_METHODS = 4 };

static const char *const reasons[NR_MEM_REASONS] = {
	[MEM_KERNEL] = "kernel",         [MEM_TREE] = "tree",         [MEM_INITRD] = "initrd",
	[MEM_MEMRESERVE] = "memreserve", [MEM_RESERVED] = "reserved", [MEM_CMA] = "cma",
	[MEM_FRAMES] = "frames",         [MEM_TABLES] = "tables",     [MEM_BOOT] = "boot",
	[MEM_CLIPPED] = "clipped",
};

static struct {
	char name[24];
	u32 nr;
} methods[MAX_METHODS];
static u32 nr_cpu_nodes;
static struct dt_console console;
static bool console_named;

/* ---- what is collected during boot --------------------------------------------- */

void report_console(const struct dt_console *c)
{
	console_named = c != NULL;
	if (c)
		console = *c;
}

static void count_method(const char *name)
{
	char printable[sizeof(methods[0].name)];
	u32 i = 0;

	dt_printable(printable, sizeof(printable), name);
	while (i < MAX_METHODS - 1 && methods[i].nr && strcmp(methods[i].name, printable))
		i++;
	snprintf(methods[i].name, sizeof(methods[i].name), "%s",
		 i < MAX_METHODS - 1 ? printable : "others");
	methods[i].nr++;
}

void report_cpus(void)
{
	const struct dt_node *cpus = dt_find_path("/cpus");
	const char *all = cpus ? dt_string(cpus, "enable-method") : NULL;
	unsigned int node[MAX_CPUS] = { 0 };

	for (const struct dt_node *n = cpus ? cpus->child : NULL; n; n = n->sibling) {
		const char *method = dt_string(n, "enable-method");

		if (!dt_is_cpu(n) || !dt_available(n))
			continue;
		count_method(method ? method : all ? all : "none");
		if (nr_cpu_nodes < MAX_CPUS)
			(void)dt_u32(n, "numa-node-id", 0, &node[nr_cpu_nodes]);
		nr_cpu_nodes++;
	}
	fake_cpus(nr_cpu_nodes ? (unsigned int)min_u64(nr_cpu_nodes, MAX_CPUS) : 1, node);
}

/* A string of the tree, fit for a terminal; valid until the next call. */
static const char *clean(const char *text)
{
	static char buf[256];

	return dt_printable(buf, sizeof(buf), text);
}

/* ---- rows ---------------------------------------------------------------------- */

static void range(u64 start, u64 end)
{
	u64 size = end - start;
	bool whole = is_aligned(size, 1 << 20);
	bool pages = is_aligned(size, 1 << 10);

	printf("  [0x%010llx, 0x%010llx) %9llu %s", (unsigned long long)start,
	       (unsigned long long)end,
	       (unsigned long long)(whole   ? size >> 20
				    : pages ? size >> 10
					    : size),
	       whole   ? "MiB"
	       : pages ? "KiB"
		       : "B  ");
}

static void banks(void)
{
	u32 nr;
	const struct memblock_span *s = ram_spans(&nr);

	printf("banks\n");
	for (u32 i = 0; i < nr; i++) {
		range(pfn_to_phys(s[i].start).v, pfn_to_phys(s[i].end).v);
		printf("  node %u%s%s\n", s[i].node, s[i].flags & MEMBLOCK_NOMAP ? " no-map" : "",
		       s[i].flags & MEMBLOCK_HOTPLUG ? " hotpluggable" : "");
	}
}

static void nodes(void)
{
	printf("nodes%s\n", boot_info()->numa ? "" : " (without NUMA)");
	for (u32 id = 0; id < MAX_NODES; id++) {
		const struct node *n = node_get(id);

		if (!n)
			continue;
		printf("  %2u  pages %llu  cpus %d  distances", id,
		       (unsigned long long)n->present_pages, __builtin_popcountll(n->cpus));
		for (u32 to = 0; to < MAX_NODES; to++) {
			if (nodes_online() >> to & 1)
				printf(" %u", node_distance(id, to));
		}
		printf("\n");
	}
}

static void zones(void)
{
	printf("zones\n");
	for (const struct zone *z = zone_next(0); z; z = zone_next(z->id + 1)) {
		range(pfn_to_phys(z->start).v, pfn_to_phys(z->end).v);
		printf("  node %u %s  pages spanned %llu present %llu managed %llu cma %llu\n",
		       z->node, z->name, (unsigned long long)z->spanned_pages,
		       (unsigned long long)z->present_pages, (unsigned long long)z->managed_pages,
		       (unsigned long long)z->cma_pages);
	}
}

/* The child that a record comes from; names of records are cut. */
static const struct dt_node *child_of(const struct mem_record *r)
{
	const struct dt_node *parent = dt_find_path("/reserved-memory");
	const struct dt_node *n = parent ? parent->child : NULL;

	while (n && strncmp(n->name, r->name, sizeof(r->name) - 1) != 0)
		n = n->sibling;
	return n;
}

static void record(const struct mem_record *r)
{
	const struct dt_node *child = NULL;

	range(r->start.v, r->end.v);
	printf("  %s", reasons[r->reason]);
	if (r->reason == MEM_RESERVED || r->reason == MEM_CMA) {
		child = child_of(r);
		printf(" %s", r->name);
	} else if (r->reason == MEM_BOOT) {
		printf(" (%s)", r->name);
	}
	if (child)
		printf(" %s", dt_has(child, "reg") ? "static" : "dynamic");
	if (r->no_map)
		printf(" no-map");
	for (u32 i = 0; i < boot_info()->nr_cma; i++) {
		if (boot_info()->cma[i].is_default && boot_info()->cma[i].start.v == r->start.v)
			printf(" default");
	}
	printf("\n");
}

static void sum(void)
{
	u64 present = 0, managed = 0, cma = 0;

	for (const struct zone *z = zone_next(0); z; z = zone_next(z->id + 1)) {
		present += z->present_pages;
		managed += z->managed_pages;
		cma += z->cma_pages;
	}
	printf("pages    %llu of RAM: %llu managed (%llu cma), %llu kept\n",
	       (unsigned long long)present, (unsigned long long)managed, (unsigned long long)cma,
	       (unsigned long long)(present - managed));
}

static void console_line(void)
{
	const struct uart_type *type = NULL;

	if (!console_named) {
		printf("console  none named\n");
		return;
	}
	for (u32 i = 0; i < ARRAY_SIZE(console.compatible) && !type; i++)
		type = uart_type_find(console.compatible[i]);
	printf("console  %s at 0x%llx, ", clean(console.path), (unsigned long long)console.base.v);
	printf("%s: %s\n", clean(console.compatible[0]), type ? type->name : "no driver");
}

static void cpus_line(void)
{
	printf("cpus     %u:", nr_cpu_nodes);
	for (u32 i = 0; i < MAX_METHODS && methods[i].nr; i++)
		printf(" %u %s", methods[i].nr, methods[i].name);
	printf("\n");
}

void report_warnings(void)
{
	const char *at = fake_log(), *end;

	printf("warnings\n");
	for (; (end = strchr(at, '\n')) != NULL; at = end + 1) {
		char line[512];

		snprintf(line, sizeof(line), "%.*s", (int)(end - at), at);
		if (strncmp(line, "memory: ", 8) != 0 && !strstr(line, " bytes at 0x") &&
		    !strstr(line, "what was kept and what was not"))
			printf("  %s\n", line);
	}
}

void report(const char *file, const struct loaded *l)
{
	const struct boot_info *bi = boot_info();
	const char *model = dt_string(dt_root(), "model");

	printf("%s: %s\n", file, model ? clean(model) : "no model");
	printf("loader   kernel at 0x%llx, tree of %llu bytes at 0x%llx\n",
	       (unsigned long long)l->kernel, (unsigned long long)l->size,
	       (unsigned long long)l->tree);
	if (l->doubt)
		printf("loader   changed nothing: %s\n", l->doubt);
	console_line();
	cpus_line();
	printf("dma      up to 0x%llx\n", (unsigned long long)bi->dma_end.v);
	sum();
	banks();
	nodes();
	zones();
	printf("reserved\n");
	for (u32 i = 0; i < bi->nr_records; i++)
		record(&bi->records[i]);
	report_warnings();
}
