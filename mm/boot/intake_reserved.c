/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /reserved-memory: children with a place of their own are claims like any
 * other; those that only name a size are placed after every fixed claim is in,
 * highest first, in the alloc-ranges they ask for. Reusable pools become CMA
 * areas when they can be lent, else they are simply kept.
 *
 * A parent whose cells differ from the root's, or without ranges, makes all its
 * addresses meaningless: then the whole node is ignored, loudly. What a ranges that
 * is not empty says is overlooked, as in Linux: rather keep too much.
 */
#include <libfdt.h>

#include "mm/boot/intake_parts.h"
#include "mm/boot/options.h"
#include "rtos/rtos.h"

/* One child, as far as it was understood. */
struct reserved {
	const char *name;
	const u8 *reg, *size, *alignment, *ranges;
	int reg_len, size_len, alignment_len, ranges_len;
	bool no_map, lend, is_default, available;
};

static tm_init const u8 *prop(int node, const char *name, int *len)
{
	*len = 0;
	return fdt_getprop(intake_blob.fdt, node, name, len);
}

static tm_init void read_child(int node, struct reserved *r)
{
	int len;
	const u8 *v;
	bool reusable = prop(node, "reusable", &len) != NULL;

	*r = (struct reserved){ .name = fdt_get_name(intake_blob.fdt, node, NULL) };
	r->reg = prop(node, "reg", &r->reg_len);
	r->size = prop(node, "size", &r->size_len);
	r->alignment = prop(node, "alignment", &r->alignment_len);
	r->ranges = prop(node, "alloc-ranges", &r->ranges_len);
	r->no_map = prop(node, "no-map", &len) != NULL;
	r->is_default = prop(node, "linux,cma-default", &len) != NULL;
	v = prop(node, "compatible", &len);
	r->lend = reusable && !r->no_map && v && dt_list_has(v, (u32)len, "shared-dma-pool");
	v = prop(node, "status", &len);
	r->available = !v || dt_list_has(v, (u32)len, "okay") || dt_list_has(v, (u32)len, "ok");
}

/* Like Linux, cma= stands in for the tree's default area, which is not made. */
static tm_init bool replaced_by_option(const struct reserved *r)
{
	return r->lend && r->is_default && boot_options()->cma_given;
}

static tm_init bool cell_is(int node, const char *name, u32 want)
{
	int len;
	const u8 *v = prop(node, name, &len);

	return v && len == 4 && dt_be32(v) == want;
}

/* The parent, when its children's addresses mean what the root's do; else < 0. */
static tm_init int parent_node(void)
{
	int node = intake_blob.reserved_memory, len;

	if (node < 0 || !cell_is(node, "#address-cells", intake_blob.address_cells) ||
	    !cell_is(node, "#size-cells", intake_blob.size_cells) || !prop(node, "ranges", &len))
		return -FDT_ERR_NOTFOUND;
	return node;
}

/* Claims of one child. */
static tm_init void child_claims(const struct reserved *r, claim_fn fn, void *arg)
{
	struct claim c = { .reason = MEM_RESERVED, .name = r->name };
	const u8 *v = r->reg;
	u32 len = (u32)r->reg_len;
	u64 base, size;

	c.no_map = r->no_map;
	c.lend = r->lend;
	while (intake_tuple(&v, &len, &base, &size)) {
		c.start = phys_make(base);
		c.nr_bytes = size;
		fn(&c, arg);
	}
}

tm_init void reserved_each_claim(claim_fn fn, void *arg)
{
	int parent = parent_node(), node;
	struct reserved r;

	if (parent < 0)
		return;
	fdt_for_each_subnode(node, intake_blob.fdt, parent)
	{
		read_child(node, &r);
		if (r.reg && r.available && !replaced_by_option(&r))
			child_claims(&r, fn, arg);
	}
}

static tm_init void check_child(int node)
{
	u32 step = 4 * (intake_blob.address_cells + intake_blob.size_cells);
	struct reserved r;
	char name[48];
	int len;

	read_child(node, &r);
	dt_printable(name, sizeof(name), r.name);
	if (!r.available)
		return;
	if (!r.reg && !r.size)
		dt_warn("/reserved-memory/%s: neither reg nor size, ignored", name);
	if (r.reg && (u32)r.reg_len % step)
		dt_warn("/reserved-memory/%s reg: %d bytes are not a multiple of %u, the rest is "
			"ignored",
			name, r.reg_len, step);
	if (r.no_map && prop(node, "reusable", &len))
		dt_warn("/reserved-memory/%s: no-map and reusable exclude each other, not lent",
			name);
	if (!r.reg && r.ranges && (u32)r.ranges_len % step)
		dt_warn("/reserved-memory/%s alloc-ranges: %d bytes are not a multiple of %u, the "
			"rest is ignored",
			name, r.ranges_len, step);
	if (replaced_by_option(&r))
		pr_info("/reserved-memory/%s: not made, cma= stands in for it", name);
}

tm_init void reserved_check(void)
{
	int parent = parent_node(), node, len;

	if (parent < 0) {
		if (intake_blob.reserved_memory >= 0)
			dt_warn("/reserved-memory: #address-cells, #size-cells differ from the "
				"root's or ranges is missing, all of it is ignored");
		return;
	}
	(void)prop(parent, "ranges", &len); /* there is one */
	if (len)
		dt_warn("/reserved-memory ranges: %d bytes, taken as if it were empty", len);
	fdt_for_each_subnode(node, intake_blob.fdt, parent) check_child(node);
}

tm_init void reserved_mark_no_map(u64 start, u64 end, const char *name)
{
	const struct arch_image *im = arch_image();

	start = align_down(start, PAGE_SIZE);
	end = align_up(end, PAGE_SIZE);
	BUG_ON_VAL(start >= end, start, end);
	if (start < im->end.v && end > im->start.v) {
		dt_warn("/reserved-memory/%s no-map: covers the kernel, which stays mapped", name);
		if (start < im->start.v)
			memblock_set_flags(phys_make(start), im->start, MEMBLOCK_NOMAP);
		start = im->end.v;
	}
	if (start < end)
		memblock_set_flags(phys_make(start), phys_make(end), MEMBLOCK_NOMAP);
}

/* ---- children without a place -------------------------------------------- */

static tm_init bool number(const u8 *v, int len, u32 cells, u64 *val)
{
	if (len != (int)(4 * cells))
		return false;
	*val = dt_cells(v, cells);
	return true;
}

/* Size and alignment, made fit for what the region is for. Null, or the fault. */
static tm_init const char *wish(const struct reserved *r, struct memblock_request *rq)
{
	u64 unit = r->lend ? (u64)PAGEBLOCK_PAGES << PAGE_SHIFT : PAGE_SIZE;

	rq->align = unit;
	if (!number(r->size, r->size_len, intake_blob.size_cells, &rq->nr_bytes) || !rq->nr_bytes)
		return "size is not a number above 0";
	if (r->alignment &&
	    (!number(r->alignment, r->alignment_len, intake_blob.address_cells, &rq->align) ||
	     (rq->align && !is_pow2(rq->align))))
		return "alignment is not a power of two";
	rq->align = max_u64(rq->align, unit);
	if (rq->nr_bytes > intake_blob.limit || rq->align > intake_blob.limit)
		return "larger than all memory";
	rq->nr_bytes = align_up(rq->nr_bytes, unit);
	return NULL;
}

/* Try each of the ranges in turn, in [min, max) of the request; without any,
 * all of that. {0}: no room. */
static tm_init phys_t find_place(const struct reserved *r, const struct memblock_request *wanted)
{
	struct memblock_request rq = *wanted;
	u64 limit = rq.max.v ? rq.max.v : intake_blob.limit;
	const u8 *v = r->ranges;
	u32 len = (u32)r->ranges_len;
	u64 base, size;
	phys_t place = phys_make(0);

	if (!v)
		return memblock_alloc(&rq);
	while (!place.v && intake_tuple(&v, &len, &base, &size)) {
		u64 end;

		if (add_overflows(base, size, &end))
			end = limit;
		rq.min = phys_make(max_u64(base, wanted->min.v));
		rq.max = phys_make(min_u64(end, limit));
		if (rq.min.v < rq.max.v)
			place = memblock_alloc(&rq);
	}
	return place;
}

static tm_init void place_child(int node)
{
	struct memblock_request rq = { .node = MEMBLOCK_ANY_NODE, .reason = MEM_RESERVED };
	struct reserved r;
	const char *fault;
	phys_t place;
	char name[48];

	read_child(node, &r);
	if (r.reg || !r.size || !r.available || replaced_by_option(&r))
		return;
	dt_printable(name, sizeof(name), r.name);
	rq.name = r.name;
	if (r.lend)
		rq.reason = MEM_CMA;
	fault = wish(&r, &rq);
	place = fault ? phys_make(0) : find_place(&r, &rq);
	if (!place.v) {
		dt_warn("/reserved-memory/%s: %s, not made", name,
			fault      ? fault
			: r.ranges ? "no room in its alloc-ranges"
				   : "no room for its size and alignment");
		return;
	}
	BUG_ON_VAL(!is_aligned(place.v, rq.align), place.v, rq.align);
	if (r.no_map)
		reserved_mark_no_map(place.v, place.v + rq.nr_bytes, name);
}

tm_init void reserved_place_dynamic(void)
{
	int parent = parent_node(), node;

	if (parent < 0)
		return;
	fdt_for_each_subnode(node, intake_blob.fdt, parent) place_child(node);
}

/* ---- the default area ----------------------------------------------------- */

static tm_init bool is_area(const char *name)
{
	struct memblock_cursor c = { 0 };
	struct mem_region r;

	while (memblock_next_reserved(&c, &r)) {
		if (r.reason == MEM_CMA && !strcmp(r.name, name))
			return true;
	}
	return false;
}

tm_init const char *reserved_default_area(void)
{
	const struct dt_node *n = dt_find_path("/reserved-memory");
	const char *found = NULL;
	char name[48];

	BUG_ON(!n); /* there are areas, and not of cma= */
	for (n = n->child; n; n = n->sibling) {
		if (!dt_has(n, "linux,cma-default") || !is_area(n->name))
			continue;
		if (found)
			dt_warn("/reserved-memory/%s linux,cma-default: there was one before, not "
				"the default",
				dt_printable(name, sizeof(name), n->name));
		else
			found = n->name;
	}
	return found;
}

/* ---- lent areas that turned out to lie across a border -------------------- */

static tm_init const u8 *copied(const struct dt_node *n, const char *name, int *len)
{
	u32 l = 0;
	const u8 *v = dt_prop_get(n, name, &l);

	*len = (int)l;
	return v;
}

tm_init phys_t reserved_place_again(const char *name)
{
	const u64 border[] = { 0, intake_info.dma_end.v, 1ull << 32, intake_blob.limit };
	const struct dt_node *n = dt_find_path("/reserved-memory");
	struct memblock_request rq = { .node = MEMBLOCK_ANY_NODE, .reason = MEM_CMA };
	struct reserved r = { .name = name, .lend = true };
	phys_t place = phys_make(0);

	for (n = n ? n->child : NULL; n && strcmp(n->name, name);)
		n = n->sibling;
	if (!n || dt_has(n, "reg") || !dt_has(n, "size"))
		return place;
	r.size = copied(n, "size", &r.size_len);
	r.alignment = copied(n, "alignment", &r.alignment_len);
	r.ranges = copied(n, "alloc-ranges", &r.ranges_len);
	rq.name = n->name;
	if (wish(&r, &rq))
		return place;
	/* Below the DMA limit first: what every device reaches serves most. */
	for (u32 i = 0; !place.v && i + 1 < ARRAY_SIZE(border); i++) {
		rq.min = phys_make(border[i]);
		rq.max = phys_make(border[i + 1]);
		if (rq.min.v < rq.max.v)
			place = find_place(&r, &rq);
	}
	return place;
}
