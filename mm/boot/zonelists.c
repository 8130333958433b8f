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

static struct zoneref *tm_init new_list(u32 node, u32 nr)
{
	return memblock_alloc_zeroed((nr + 1) * sizeof(struct zoneref), node, MEM_BOOT, "zonelist");
}

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

void tm_init zonelists_init(const struct boot_info *bi)
{
	for (u32 id = 0; id < MAX_NODES; id++) {
		struct node *n = node_table[id];
		u32 nr = 0;

		if (!n)
			continue;
		n->zonelist[ZONELIST_FALLBACK] = new_list(id, n->nr_fallback * NR_ZONE_TYPES);
		fill_fallback(n, n->zonelist[ZONELIST_FALLBACK], bi->options.zonelist_by_zone);
		n->zonelist[ZONELIST_THISNODE] = new_list(id, NR_ZONE_TYPES);
		for (u32 t = NR_ZONE_TYPES; t-- > 0;)
			append(n->zonelist[ZONELIST_THISNODE], &nr, id, t);
	}
}
