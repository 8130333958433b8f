/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes (rows 10, 13-15) and their order by distance (row 21). A node is known
 * because RAM or a CPU names it; either may be missing. Its structure lies in
 * its own memory, or in that of the nearest node that has some. Ids may be
 * sparse; everything is indexed by id.
 *
 * Refuses to know the device tree: ids, masks and distances come from intake.
 */
#include "mm/boot/topology.h"

#include "mm/mm.h"

struct node *node_table[MAX_NODES];
u8 cpu_node_table[MAX_CPUS];

static const struct boot_info *info;
static u64 memory_mask; /* nodes that own at least one whole frame of RAM */

static void tm_init span_node(struct node *n)
{
	u32 nr;
	const struct memblock_span *span = ram_spans(&nr);

	for (u32 i = 0; i < nr; i++) {
		if (span[i].node != n->id)
			continue;
		if (!n->present_pages)
			n->start = span[i].start;
		memory_mask |= 1ull << n->id;
		n->end = span[i].end;
		n->present_pages += span[i].end.v - span[i].start.v;
	}
	n->spanned_pages = n->end.v - n->start.v;
}

/* ---- fallback order ------------------------------------------------------------ */

/*
 * How unattractive `to` is for requests of `from`. Distance decides; among
 * equals the next id after our own comes first, a node without CPUs before one
 * whose CPUs want its memory themselves, and then the one that fewer nodes have
 * as their first choice, so that equals share the load.
 */
static u32 tm_init burden(u32 from, u32 to, const u32 *load)
{
	u32 b = node_distance(from, to);

	b += to < from;
	b += node_table[to]->cpus != 0;
	return b * MAX_NODES + load[to];
}

static u32 tm_init best_of(u64 candidates, u32 from, const u32 *load)
{
	u32 best = MAX_NODES, least = ~0u;

	for (u32 id = 0; id < MAX_NODES; id++) {
		if (!(candidates >> id & 1) || burden(from, id, load) >= least)
			continue;
		least = burden(from, id, load);
		best = id;
	}
	BUG_ON_VAL(best == MAX_NODES, candidates, from);
	return best;
}

/* Only nodes with memory are in the order; the node itself first if it has. */
static void tm_init order_node(struct node *n, u64 candidates, u32 *load)
{
	u32 last = n->id;

	if (candidates >> n->id & 1) {
		n->fallback[n->nr_fallback++] = n->id;
		candidates &= ~(1ull << n->id);
	}
	while (candidates) {
		u32 next = best_of(candidates, n->id, load);

		/* First of a group of equals: the next node's first choice among
		 * them shall be another one. */
		if (node_distance(n->id, next) != node_distance(n->id, last))
			load[next]++;
		n->fallback[n->nr_fallback++] = next;
		candidates &= ~(1ull << next);
		last = next;
	}
}

void tm_init nodes_init(const struct boot_info *bi)
{
	u32 load[MAX_NODES] = { 0 };

	info = bi;
	memory_mask = 0;
	BUG_ON_VAL(!bi->nodes || (bi->memory_nodes & ~bi->nodes), bi->nodes, bi->memory_nodes);
	for (u32 id = 0; id < MAX_NODES; id++) {
		node_table[id] = NULL;
		if (!(bi->nodes >> id & 1))
			continue;
		node_table[id] = memblock_alloc_zeroed(sizeof(struct node), id, MEM_BOOT, "node");
		node_table[id]->id = id;
		span_node(node_table[id]);
	}
	for (unsigned int cpu = 0; cpu < arch_cpu_count(); cpu++) {
		u32 id = boot_cpu_node(cpu);

		BUG_ON_VAL(id >= MAX_NODES || !node_table[id], cpu, id);
		cpu_node_table[cpu] = (u8)id;
		node_table[id]->cpus |= 1ull << cpu;
	}
	for (u32 id = 0; id < MAX_NODES; id++)
		if (node_table[id])
			order_node(node_table[id], memory_mask, load);
}

/* ---- afterwards ----------------------------------------------------------------- */

unsigned int cpu_to_node(unsigned int cpu)
{
	BUG_ON_VAL(cpu >= MAX_CPUS, cpu, 0);
	return cpu_node_table[cpu];
}

u8 node_distance(unsigned int a, unsigned int b)
{
	BUG_ON_VAL(a >= MAX_NODES || b >= MAX_NODES, a, b);
	return info->distance[a][b];
}

u64 nodes_online(void)
{
	return info->nodes;
}

u64 nodes_with_memory(void)
{
	return memory_mask;
}

const struct node *node_get(unsigned int id)
{
	return id < MAX_NODES ? node_table[id] : NULL;
}
