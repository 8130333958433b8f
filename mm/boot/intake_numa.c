/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes, distances and DMA reach (rows 10-12, 14, 15, 17), from the parsed
 * tree. NUMA is taken as a whole or not at all: one wrong id or distance and
 * the machine runs as one node, because a half-right table places memory worse
 * than none. What was wrong is said once, with the entry.
 */
#include "mm/boot/intake.h"

#include "mm/boot/intake_parts.h"
#include "rtos/rtos.h"

enum {
	LOCAL_DISTANCE = 10, /* row 12 */
	REMOTE_DISTANCE = 20,
	MAX_DISTANCE = 255,
	/* Nodes of numa=fake begin where a unit of descriptors begins. */
	FAKE_ALIGN_BYTES = FRAME_UNIT_PAGES << PAGE_SHIFT,
	FAKE_MIN_BYTES = 4 * FAKE_ALIGN_BYTES,
};

/* ---- ids ----------------------------------------------------------------- */

/* Nodes of the CPUs, or the fault; those without an id are counted. */
static tm_init u64 cpu_ids(char *fault, size_t size, u32 *nr_without)
{
	const struct dt_node *cpus = dt_find_path("/cpus");
	u64 mask = 0;

	*nr_without = 0;
	for (const struct dt_node *n = cpus ? cpus->child : NULL; n; n = n->sibling) {
		char name[48];
		u32 id;

		if (!dt_is_cpu(n) || !dt_available(n))
			continue;
		if (dt_u32(n, "numa-node-id", 0, &id)) {
			++*nr_without;
			continue;
		}
		if (id < MAX_NODES)
			mask |= 1ull << id;
		else if (!fault[0])
			tm_snprintf(fault, size,
				    "/cpus/%s numa-node-id = 0x%x: ids go from 0 to 63",
				    dt_printable(name, sizeof(name), n->name), id);
	}
	return mask;
}

/* ---- distances ----------------------------------------------------------- */

static tm_init void default_distances(void)
{
	for (u32 a = 0; a < MAX_NODES; a++) {
		for (u32 b = 0; b < MAX_NODES; b++)
			intake_info.distance[a][b] = a == b ? LOCAL_DISTANCE : REMOTE_DISTANCE;
	}
}

/*
 * One triple into the matrix. False when it makes the map worthless. `given`
 * has a bit per pair that an entry named itself.
 */
static tm_init bool take_distance(u32 i, u32 a, u32 b, u32 distance, u64 *given, char *fault,
				  size_t size)
{
	const char *why = NULL;

	if (a >= MAX_NODES || b >= MAX_NODES || !(intake_info.nodes >> a & 1) ||
	    !(intake_info.nodes >> b & 1)) {
		dt_warn("/distance-map entry %u <%u %u %u>: no such node, ignored", i, a, b,
			distance);
		return true;
	}
	if (a == b && distance != LOCAL_DISTANCE)
		why = "a node is at distance 10 from itself";
	else if (a != b && (distance <= LOCAL_DISTANCE || distance > MAX_DISTANCE))
		why = "another node is at distance 11 to 255";
	if (why) {
		tm_snprintf(fault, size, "/distance-map entry %u <%u %u %u>: %s", i, a, b, distance,
			    why);
		return false;
	}
	if ((given[a] >> b & 1) && intake_info.distance[a][b] != distance)
		dt_warn("/distance-map entry %u <%u %u %u>: given before as %u, the last counts", i,
			a, b, distance, intake_info.distance[a][b]);
	given[a] |= 1ull << b;
	intake_info.distance[a][b] = (u8)distance;
	/* One direction stands for both until the other is given (row 12). */
	if (b > a && !(given[b] >> a & 1))
		intake_info.distance[b][a] = (u8)distance;
	return true;
}

static tm_init void name_missing(const u64 *given)
{
	for (u32 a = 0; a < MAX_NODES; a++) {
		for (u32 b = a + 1; b < MAX_NODES; b++) {
			if (!(intake_info.nodes >> a & intake_info.nodes >> b & 1))
				continue;
			if (!(given[a] >> b & 1) && !(given[b] >> a & 1))
				dt_warn("/distance-map: no entry for nodes %u and %u, %u is taken",
					a, b, REMOTE_DISTANCE);
		}
	}
}

/* The matrix; false with the fault in words when NUMA cannot be used. */
static tm_init bool take_distances(char *fault, size_t size)
{
	const struct dt_node *map = dt_find_path("/distance-map");
	u64 given[MAX_NODES] = { 0 };
	const u8 *v;
	u32 len = 0;

	default_distances();
	if (!map)
		return true;
	if (!dt_is_compatible(map, "numa-distance-map-v1")) {
		dt_warn("/distance-map compatible: not numa-distance-map-v1, 10 and 20 are taken");
		return true;
	}
	v = dt_prop_get(map, "distance-matrix", &len);
	if (!v || !len || len % 12) {
		tm_snprintf(fault, size, "/distance-map distance-matrix: %u bytes are no triples",
			    len);
		return false;
	}
	for (u32 i = 0; i < len / 12; i++, v += 12) {
		if (!take_distance(i, dt_be32(v), dt_be32(v + 4), dt_be32(v + 8), given, fault,
				   size))
			return false;
	}
	name_missing(given);
	return true;
}

/* ---- nodes --------------------------------------------------------------- */

static tm_init void one_node(void)
{
	memblock_set_node(phys_make(0), phys_make(1ull << ARCH_PHYS_BITS), 0);
	intake_info.numa = false;
	intake_info.nodes = 1;
	intake_info.memory_nodes = 1;
	default_distances();
}

/* Where CPUs go that the tree puts nowhere. */
static tm_init u32 lowest_node(void)
{
	return (u32)__builtin_ctzll(intake_info.nodes);
}

/* Ids from the tree; false with the reason when they are no use. */
static tm_init bool tree_nodes(char *fault, size_t size)
{
	u32 cpus_without;
	u64 cpus = cpu_ids(fault, size, &cpus_without);

	if (!fault[0])
		memcpy(fault, intake_ids.fault, min_u64(size, sizeof(intake_ids.fault)));
	if (!fault[0] && intake_ids.nr_without)
		tm_snprintf(fault, size, "%u memory nodes have a numa-node-id and %u have none",
			    intake_ids.nr_with, intake_ids.nr_without);
	if (fault[0])
		return false;
	intake_info.nodes = intake_ids.memory | cpus;
	if (cpus_without)
		dt_warn("/cpus: %u cpu nodes have no numa-node-id, node %u is taken", cpus_without,
			lowest_node());
	return take_distances(fault, size);
}

/* Address below which `nr_bytes` of RAM lie, on an aligned unit or a bank's start. There
 * are more than so many. */
static tm_init u64 border_after(u64 nr_bytes)
{
	struct memblock_cursor c = { 0 };
	struct memblock_span s;

	for (;;) {
		u64 start, size;

		BUG_ON_VAL(!memblock_next_memory(&c, &s), nr_bytes, 0);
		start = s.start.v << PAGE_SHIFT;
		size = (s.end.v << PAGE_SHIFT) - start;

		if (nr_bytes < size)
			return max_u64(start, align_down(start + nr_bytes, FAKE_ALIGN_BYTES));
		nr_bytes -= size;
	}
}

/* Split RAM in n nodes of about one size. */
static tm_init void fake_nodes(u32 n)
{
	u64 total = memblock_memory_bytes();

	while (n > 1 && total / n < FAKE_MIN_BYTES)
		n--;
	one_node();
	for (u32 node = 1; node < n; node++)
		memblock_set_node(phys_make(border_after(total / n * node)),
				  phys_make(1ull << ARCH_PHYS_BITS), node);
	intake_info.nodes = n == MAX_NODES ? ~0ull : (1ull << n) - 1;
	intake_info.numa = n > 1;
	if (n < intake_info.options.numa_fake)
		pr_warn("numa=fake=%u: RAM is enough for %u nodes", intake_info.options.numa_fake,
			n);
}

static tm_init u64 nodes_with_memory_now(void)
{
	struct memblock_cursor c = { 0 };
	struct memblock_span s;
	u64 mask = 0;

	while (memblock_next_memory(&c, &s)) {
		BUG_ON_VAL(s.node >= MAX_NODES, s.node, s.start.v);
		mask |= 1ull << s.node;
	}
	return mask;
}

tm_init void intake_numa(void)
{
	const struct boot_options *opt = &intake_info.options;
	char fault[200] = "";

	if (opt->numa_fake) {
		fake_nodes(opt->numa_fake);
	} else if (opt->numa_off || !intake_ids.nr_with) {
		one_node();
	} else if (tree_nodes(fault, sizeof(fault))) {
		intake_info.numa = true;
	} else {
		dt_warn("%s; NUMA is not used, all memory is node 0", fault);
		one_node();
	}
	intake_info.memory_nodes = nodes_with_memory_now();
	BUG_ON_VAL(intake_info.memory_nodes & ~intake_info.nodes, intake_info.memory_nodes,
		   intake_info.nodes);
	BUG_ON(!intake_info.memory_nodes);
	memblock_set_distances(intake_info.distance);
}

tm_init u32 boot_cpu_node(unsigned int cpu)
{
	u32 count = (u32)__builtin_popcountll(intake_info.nodes), node;

	if (!intake_info.numa)
		return 0;
	if (intake_info.options.numa_fake)
		return cpu % count;
	node = arch_cpu_node(cpu);
	return node < MAX_NODES && (intake_info.nodes >> node & 1) ? node : lowest_node();
}

/* ---- DMA reach ----------------------------------------------------------- */

/* Highest CPU address that masters of this bus reach; 0 when it says nothing. */
static tm_init u64 dma_reach(const struct dt_node *n)
{
	u32 ca, cs, pa, ps, len, step;
	const u8 *v = dt_prop_get(n, "dma-ranges", &len);
	char path[DT_PATH_BYTES];
	u64 reach = 0;

	if (!v || !len || !n->parent)
		return 0;
	dt_path(n, path, sizeof(path));
	dt_child_cells(n, &ca, &cs);
	dt_child_cells(n->parent, &pa, &ps);
	step = 4 * (ca + pa + cs);
	if (ca > 3 || pa < 1 || pa > 3 || cs < 1 || cs > 2 || len % step) {
		dt_warn("%s dma-ranges: %u bytes do not fit its cells, ignored", path, len);
		return 0;
	}
	for (; len; v += step, len -= step) {
		u64 start = dt_address(v + 4 * ca, pa), size = dt_cells(v + 4 * (ca + pa), cs), end;

		if (!size || !dt_translate(n->parent, "dma-ranges", &start))
			continue;
		if (add_overflows(start, size - 1, &end))
			end = ~0ull;
		reach = max_u64(reach, end);
	}
	return reach;
}

/* A disabled bus switches off all that hangs on it. */
static tm_init bool bus_available(const struct dt_node *n)
{
	while (n && dt_available(n))
		n = n->parent;
	return !n;
}

/*
 * Row 17: the smallest reach of any bus, exact to the page as in Linux 6.12,
 * never above 4 GiB. A limit that lies below all RAM would leave no DMA memory:
 * then 4 GiB, and all there is if RAM begins above that.
 */
tm_init void intake_dma(void)
{
	u64 lowest = (1ull << 32) - 1, start = memblock_start().v, end;

	for (const struct dt_node *n = dt_root(); n; n = dt_next(n)) {
		u64 reach = dma_reach(n);

		if (reach && reach < lowest && bus_available(n))
			lowest = reach;
	}
	end = align_down(lowest + 1, PAGE_SIZE);
	if (start >= end)
		end = 1ull << 32;
	if (start >= end)
		end = 1ull << ARCH_PHYS_BITS;
	BUG_ON_VAL(!end || !is_aligned(end, PAGE_SIZE), end, lowest);
	intake_info.dma_end = phys_make(end);
}

/* ---- CMA ----------------------------------------------------------------- */

/* One span of RAM, one node, not across the end of a zone. */
static tm_init bool fits_one_zone(const struct mem_region *r, u32 *node)
{
	u64 dma = intake_info.dma_end.v, four_gib = 1ull << 32;
	struct memblock_cursor c = { 0 };
	struct memblock_span s;

	if ((r->start.v < dma && r->end.v > dma) || (r->start.v < four_gib && r->end.v > four_gib))
		return false;
	while (memblock_next_memory(&c, &s)) {
		if (s.start.v << PAGE_SHIFT <= r->start.v && s.end.v << PAGE_SHIFT >= r->end.v) {
			*node = s.node;
			return true;
		}
	}
	return false;
}

/* An area across a border: move it if it may be moved, else only keep it. */
static tm_init void mend_area(const struct mem_region *r)
{
	char name[48];
	phys_t place;

	memblock_free(r->start, r->end);
	place = reserved_place_again(r->name);
	if (place.v)
		return;
	memblock_reserve(r->start, r->end, MEM_RESERVED, r->name);
	dt_warn("%s [0x%llx, 0x%llx): not in one node and zone, reserved but not lent",
		dt_printable(name, sizeof(name), r->name), (unsigned long long)r->start.v,
		(unsigned long long)r->end.v);
}

/* Mend all areas; how many are left. Each round ends in one misfit less. */
static tm_init u32 check_areas(void)
{
	struct memblock_cursor c = { 0 };
	struct mem_region r;
	u32 nr = 0, node;

	while (memblock_next_reserved(&c, &r)) {
		if (r.reason != MEM_CMA)
			continue;
		nr++;
		if (fits_one_zone(&r, &node))
			continue;
		mend_area(&r);
		c = (struct memblock_cursor){ 0 };
		nr = 0;
	}
	return nr;
}

static const char cma_option_name[] = "cma=";

/* The area of cma=: where it says, else as high as every device reaches. */
static tm_init void make_option_area(void)
{
	const struct boot_options *opt = &intake_info.options;
	u64 block = (u64)PAGEBLOCK_PAGES << PAGE_SHIFT;
	struct memblock_request rq = {
		.nr_bytes = align_up(opt->cma_bytes, block),
		.align = block,
		.min = opt->cma_start,
		.max = opt->cma_end.v ? opt->cma_end : intake_info.dma_end,
		.node = MEMBLOCK_ANY_NODE,
		.reason = MEM_CMA,
		.name = cma_option_name,
	};
	phys_t place = phys_make(0);

	if (!opt->cma_bytes)
		return;
	if (rq.nr_bytes >= opt->cma_bytes)
		place = memblock_alloc(&rq);
	if (!place.v)
		pr_warn("cma=: no room for %llu KiB in [0x%llx, 0x%llx), no area made",
			(unsigned long long)opt->cma_bytes / 1024, (unsigned long long)rq.min.v,
			(unsigned long long)rq.max.v);
}

tm_init void intake_cma(void)
{
	struct memblock_cursor c = { 0 };
	const char *default_name;
	struct boot_cma *areas;
	struct mem_region r;
	u32 nr;

	make_option_area();
	nr = check_areas();
	if (!nr)
		return;
	areas = memblock_alloc_zeroed(nr * sizeof(*areas), MEMBLOCK_ANY_NODE, MEM_BOOT,
				      "CMA areas");
	intake_info.cma = areas;
	/* cma= stands in for the tree's, which are not made then. */
	default_name = intake_info.options.cma_given ? cma_option_name : reserved_default_area();
	while (memblock_next_reserved(&c, &r)) {
		struct boot_cma *a = &areas[intake_info.nr_cma];

		if (r.reason != MEM_CMA)
			continue;
		BUG_ON_VAL(intake_info.nr_cma == nr, nr, r.start.v);
		intake_info.nr_cma++;
		a->start = r.start;
		a->end = r.end;
		a->is_default = default_name && !strcmp(r.name, default_name);
		if (a->is_default)
			default_name = NULL; /* the first of its pieces */
		dt_printable(a->name, sizeof(a->name), r.name);
		BUG_ON_VAL(!fits_one_zone(&r, &a->node), r.start.v, r.end.v);
	}
	BUG_ON_VAL(intake_info.nr_cma != nr, intake_info.nr_cma, nr);
}
