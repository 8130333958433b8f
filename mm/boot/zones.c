/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zones (rows 7, 17-19): where each type begins and ends on each node, and how
 * many frames lie inside. Every node has a slot for every type; empty slots are
 * legal and have all counts 0.
 *
 * Borders are frame numbers, rising: DMA, DMA32, NORMAL by address, the same on
 * every node; MOVABLE from a node's own border to its end, cut from the highest
 * type that has RAM. No page is free here yet; page/hand_over.c gives them out.
 */
#include "mm/boot/topology.h"

#include "mm/mm.h"

struct zone *zone_table[NR_ZONES];

static const char *const zone_names[NR_ZONE_TYPES] = {
	[ZONE_DMA] = "DMA",
	[ZONE_DMA32] = "DMA32",
	[ZONE_NORMAL] = "Normal",
	[ZONE_MOVABLE] = "Movable",
};

#define FRAMES_4G (1ull << (32 - PAGE_SHIFT))
#define FRAMES_ALL (1ull << 32)

/* ---- borders by address (row 17) ---------------------------------------------- */

/*
 * A zone for masters that reach `limit` only helps where there is RAM below it.
 * RAM that begins above the limit but below 4 GiB makes 4 GiB the border; RAM
 * that begins above 4 GiB is all one zone, since every master must reach it.
 */
static u64 tm_init zone_end(u64 limit, u64 ram_start, u64 ram_end)
{
	if (ram_start >= FRAMES_4G)
		return ram_end;
	if (ram_start >= limit)
		limit = FRAMES_4G;
	return min_u64(limit, ram_end);
}

static void tm_init find_type_ends(struct zone_limits *zl, const struct boot_info *bi)
{
	u32 nr;
	const struct memblock_span *span = ram_spans(&nr);
	u64 ram_start = span[0].start.v;
	u64 ram_end = span[nr - 1].end.v;
	u64 dma = phys_to_pfn_down(bi->dma_end).v;

	zl->end[ZONE_DMA] = zone_end(dma, ram_start, ram_end);
	zl->end[ZONE_DMA32] = max_u64(zone_end(FRAMES_4G, ram_start, ram_end), zl->end[ZONE_DMA]);
	zl->end[ZONE_NORMAL] = FRAMES_ALL;
	zl->end[ZONE_MOVABLE] = FRAMES_ALL;
	zl->movable_zone = ZONE_NORMAL;
	while (zl->movable_zone > ZONE_DMA && zl->end[zl->movable_zone - 1] >= ram_end)
		zl->movable_zone--;
}

/* First frame of the type that MOVABLE is cut from. */
static u64 tm_init movable_floor(const struct zone_limits *zl)
{
	return zl->movable_zone == ZONE_DMA ? 0 : zl->end[zl->movable_zone - 1];
}

/* ---- ZONE_MOVABLE (row 18) ------------------------------------------------------- */

static u64 tm_init ram_pages(void)
{
	u32 nr;
	const struct memblock_span *span = ram_spans(&nr);
	u64 sum = 0;

	for (u32 i = 0; i < nr; i++)
		sum += span[i].end.v - span[i].start.v;
	return sum;
}

static u64 tm_init amount_pages(const struct boot_amount *a, u64 total)
{
	if (!a->given)
		return 0;
	if (a->percent)
		return total * min_u64(a->percent, 100) / 100;
	return min_u64(a->nr_bytes >> PAGE_SHIFT, total);
}

/* Pages that must stay out of MOVABLE; 0: nobody asked, or nothing is left. */
static u64 tm_init wanted_core(const struct boot_options *o)
{
	u64 total = ram_pages();
	u64 core = amount_pages(&o->kernelcore, total);

	if (o->movablecore.given) {
		u64 movable = align_up(amount_pages(&o->movablecore, total), MAX_ORDER_PAGES);

		/* Both given: the kernel gets the larger of what each leaves it. */
		core = max_u64(core, total - min_u64(movable, total));
	}
	if (!o->kernelcore.given && !o->movablecore.given)
		return 0;
	return core < total ? core : 0;
}

/*
 * Let one node give up to `share` frames to the kernel, from its border so far
 * upwards. Frames below `floor` cannot be movable, so they count first. What
 * was taken comes off *wanted and the border moves.
 */
static void tm_init take_core(struct zone_limits *zl, u32 node, u64 floor, u64 share, u64 *wanted)
{
	u32 nr;
	const struct memblock_span *span = ram_spans(&nr);

	for (u32 i = 0; i < nr; i++) {
		u64 start = max_u64(span[i].start.v, zl->movable[node]);
		u64 end = span[i].end.v;
		u64 below, above;

		if (span[i].node != node || start >= end)
			continue;
		below = start < floor ? min_u64(end, floor) - start : 0;
		share -= min_u64(below, share);
		*wanted -= min_u64(below, *wanted);
		start += below;
		zl->movable[node] = start;
		if (start == end)
			continue;
		above = min_u64(end - start, share);
		zl->movable[node] = start + above;
		*wanted -= min_u64(above, *wanted);
		share -= above;
		if (!share)
			break;
	}
}

/*
 * Spread `wanted` evenly. Nodes that have less than their share leave the rest
 * to the others, so go round again with one divisor less each time; that bounds
 * the rounds by the number of nodes.
 */
static void tm_init spread_core(struct zone_limits *zl, u64 wanted)
{
	u64 nodes = nodes_with_memory();
	u64 floor = movable_floor(zl);

	for (u64 divisor = (u64)__builtin_popcountll(nodes); divisor && wanted; divisor--) {
		u64 share = wanted / divisor;

		for (u32 id = 0; id < MAX_NODES; id++) {
			if (!(nodes >> id & 1))
				continue;
			/* Low memory of earlier nodes may have used up a part. */
			if (wanted < share)
				share = wanted / divisor;
			take_core(zl, id, floor, share, &wanted);
		}
		if (wanted <= divisor - 1)
			break;
	}
}

/* The tree marks RAM that may be taken away: without kernelcore= or
 * movablecore= it is where MOVABLE begins, if something else is left. */
static void tm_init respect_hotplug(struct zone_limits *zl)
{
	u32 nr;
	const struct memblock_span *span = ram_spans(&nr);
	u64 floor = movable_floor(zl);
	bool kernel_has_some = false;

	for (u32 i = 0; i < nr; i++) {
		u64 *border = &zl->movable[span[i].node];
		u64 start = max_u64(span[i].start.v, floor);

		if (!(span[i].flags & MEMBLOCK_HOTPLUG)) {
			kernel_has_some = true;
			*border = 0; /* ordinary RAM above: it cannot start lower */
		} else if (span[i].end.v > start && !*border) {
			*border = start;
		}
	}
	if (!kernel_has_some)
		memset(zl->movable, 0, sizeof(zl->movable));
}

void tm_init zone_limits_init(struct zone_limits *zl, const struct boot_info *bi)
{
	u64 wanted = wanted_core(&bi->options);

	memset(zl, 0, sizeof(*zl));
	find_type_ends(zl, bi);
	if (wanted)
		spread_core(zl, wanted);
	else if (!bi->options.kernelcore.given && !bi->options.movablecore.given)
		respect_hotplug(zl);
	for (u32 id = 0; id < MAX_NODES; id++) {
		const struct node *n = node_table[id];

		zl->movable[id] = align_up(zl->movable[id], MAX_ORDER_PAGES);
		if (!n || zl->movable[id] >= n->end.v)
			zl->movable[id] = 0;
	}
}

/* ---- the zones ------------------------------------------------------------------- */

static u64 tm_init present_inside(u32 node, u64 start, u64 end)
{
	u32 nr;
	const struct memblock_span *span = ram_spans(&nr);
	u64 sum = 0;

	for (u32 i = 0; i < nr; i++) {
		u64 s = max_u64(span[i].start.v, start);
		u64 e = min_u64(span[i].end.v, end);

		if (span[i].node == node && s < e)
			sum += e - s;
	}
	return sum;
}

/* As in Linux a zone spans its node between its borders, even where the ends
 * are holes; without RAM it spans nothing. */
static void tm_init cut_zone(const struct zone_limits *zl, struct node *n, enum zone_type type)
{
	struct zone *z = &n->zone[type];
	u64 movable = zl->movable[n->id] ? zl->movable[n->id] : FRAMES_ALL;
	u64 start = type == ZONE_MOVABLE ? movable
		    : type == ZONE_DMA   ? 0
					 : min_u64(zl->end[type - 1], movable);
	u64 end = type == ZONE_MOVABLE ? FRAMES_ALL : min_u64(zl->end[type], movable);

	spin_init(&z->lock, LOCK_RANK_ZONE);
	z->id = n->id * NR_ZONE_TYPES + type;
	z->type = type;
	z->node = n->id;
	z->name = zone_names[type];
	start = max_u64(start, n->start.v);
	end = min_u64(end, n->end.v);
	if (start < end)
		z->present_pages = present_inside(n->id, start, end);
	if (z->present_pages) {
		z->start = pfn_make(start);
		z->end = pfn_make(end);
		z->spanned_pages = end - start;
	}
	BUG_ON_VAL(z->present_pages > z->spanned_pages, z->present_pages, z->spanned_pages);
	zone_table[z->id] = z;
}

void tm_init zones_init(const struct boot_info *bi)
{
	static struct zone_limits zl tm_initbss;

	zone_limits_init(&zl, bi);
	memset(zone_table, 0, sizeof(zone_table));
	for (u32 id = 0; id < MAX_NODES; id++) {
		u64 present = 0;

		for (unsigned int t = 0; node_table[id] && t < NR_ZONE_TYPES; t++) {
			cut_zone(&zl, node_table[id], (enum zone_type)t);
			present += node_table[id]->zone[t].present_pages;
		}
		/* Every frame of a node is in exactly one of its zones. */
		BUG_ON_VAL(node_table[id] && present != node_table[id]->present_pages, id, present);
	}
	zonelists_init(bi);
}

struct zone *zone_next(u32 id)
{
	for (; id < NR_ZONES; id++)
		if (zone_table[id] && zone_table[id]->present_pages)
			return zone_table[id];
	return NULL;
}
