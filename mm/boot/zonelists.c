/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zonelists (rows 20, 21): for each node the zones a request may be served
 * from, in order. One list falls back over all nodes, one has the node's own
 * zones only and is empty on a memoryless node, so that a strict request ends
 * there at once (row 15).
 *
 * Order by node: nearest node first, inside it the highest type first. Under
 * zonelist_order=zone the highest type of all nodes comes first, nearest first
 * within it, which spares low memory at the price of distance. Lists lie in the
 * node's own memory and never change.
 */
#include "mm/boot/topology.h"

static void tm_init append(struct zoneref *list, u32 *nr, u32 node, u32 type)
{
	struct zone *z = &node_table[node]->zone[type];

	BUG_ON_VAL(*nr >= MAX_ZONELIST - 1, *nr, node);
	if (z->present_pages)
		list[(*nr)++] = (struct zoneref){ z, type };
}

/* Length is bounded by the nodes of the order, so it is taken as allocated. */
static void tm_init fill_fallback(const struct node *n, struct zoneref *list, bool by_zone)
{
	u32 nr = 0;

	if (by_zone) {
		for (u32 t = NR_ZONE_TYPES; t-- > 0;)
			for (u32 i = 0; i < n->nr_fallback; i++)
				append(list, &nr, n->fallback[i], t);
		return;
	}
	for (u32 i = 0; i < n->nr_fallback; i++)
		for (u32 t = NR_ZONE_TYPES; t-- > 0;)
			append(list, &nr, n->fallback[i], t);
}

/* Both lists in one piece: their longest, and an end each. */
static void tm_init build_lists(struct node *n, bool by_zone)
{
	u32 longest = n->nr_fallback * NR_ZONE_TYPES + 1, nr = 0;
	struct zoneref *lists;

	lists = memblock_alloc_zeroed((longest + NR_ZONE_TYPES + 1) * sizeof(*lists), n->id,
				      MEM_BOOT, "zonelists");
	n->zonelist[ZONELIST_FALLBACK] = lists;
	n->zonelist[ZONELIST_THISNODE] = lists + longest;
	fill_fallback(n, n->zonelist[ZONELIST_FALLBACK], by_zone);
	for (u32 t = NR_ZONE_TYPES; t-- > 0;)
		append(n->zonelist[ZONELIST_THISNODE], &nr, n->id, t);
}

void tm_init zonelists_init(const struct boot_info *bi)
{
	for (u32 id = 0; id < MAX_NODES; id++)
		if (node_table[id])
			build_lists(node_table[id], bi->options.zonelist_by_zone);
}
