/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The blob into memblock (row 5): memory nodes with every clip, then all that
 * is spoken for. RAM first, because the reservation table may have to grow into
 * it; claims not yet reserved are kept free by a guard that reads them from the
 * tree. Nothing is allocated before the last fixed claim is in.
 *
 * Refuses only what leaves no memory to trust: bad root cells, ragged reg of a
 * memory node, no RAM, a kernel outside of it. All else is named and survived.
 */
#include "mm/boot/intake.h"

#include <libfdt.h>

#include "mm/boot/intake_parts.h"
#include "mm/boot/options.h"
#include "rtos/rtos.h"

enum {
	/* Beside descriptors: stacks of 64 CPUs, page tables and the parsed tree
	 * fit in half of it; a shell with nothing to explore is no use. */
	MIN_FREE_BYTES = 4 << 20,
	MAX_USABLE_RANGES = 8, /* linux,usable-memory-range; kdump writes two */
};

struct boot_info intake_info;
struct intake_blob intake_blob tm_initbss;
struct intake_ids intake_ids tm_initbss;

/* A child of the root, with the properties that tell what it is. */
struct value {
	const u8 *v; /* null: no such property */
	u32 len;
};

struct root_child {
	const char *name;
	struct value type, reg, usable, status, node_id;
	bool hotpluggable;
};

const struct boot_info *boot_info(void)
{
	return &intake_info;
}

tm_init void intake_reset(void)
{
	intake_info = (struct boot_info){ .nodes = 0 };
	intake_blob = (struct intake_blob){ .fdt = NULL };
	intake_ids = (struct intake_ids){ .nr_with = 0 };
}

tm_init bool intake_tuple(const u8 **v, u32 *len, u64 *base, u64 *size)
{
	u32 ac = intake_blob.address_cells, sc = intake_blob.size_cells;

	BUG_ON_VAL(ac - 1 > 1 || sc - 1 > 1, ac, sc);
	if (*len < 4 * (ac + sc))
		return false;
	*base = dt_cells(*v, ac);
	*size = dt_cells(*v + 4 * ac, sc);
	*v += 4 * (ac + sc);
	*len -= 4 * (ac + sc);
	return true;
}

/* ---- the root ------------------------------------------------------------ */

static tm_init u32 root_cells(const char *name)
{
	int len;
	const void *v = fdt_getprop(intake_blob.fdt, 0, name, &len);
	u32 cells = v && len == 4 ? dt_be32(v) : 0;

	if (!v)
		panic("device tree refused: / has no %s", name);
	if (cells < 1 || cells > 2)
		panic("device tree refused: / %s = %u (%d bytes), must be 1 or 2", name, cells,
		      len);
	return cells;
}

static tm_init void take_prop(struct root_child *n, const struct dt_cursor *c)
{
	/* Most properties are none of these: one look at the first letter. */
	switch (c->name[0]) {
	case 'd':
		if (!strcmp(c->name, "device_type"))
			n->type = (struct value){ c->value, c->len };
		break;
	case 'r':
		if (!strcmp(c->name, "reg"))
			n->reg = (struct value){ c->value, c->len };
		break;
	case 'l':
		if (!strcmp(c->name, "linux,usable-memory"))
			n->usable = (struct value){ c->value, c->len };
		break;
	case 's':
		if (!strcmp(c->name, "status"))
			n->status = (struct value){ c->value, c->len };
		break;
	case 'n':
		if (!strcmp(c->name, "numa-node-id"))
			n->node_id = (struct value){ c->value, c->len };
		break;
	case 'h':
		n->hotpluggable |= !strcmp(c->name, "hotpluggable");
		break;
	}
}

/* One look at every child of the root, cheaper than libfdt's walk. */
static tm_init void each_root_child(void (*fn)(const struct root_child *n))
{
	struct root_child n = { .name = NULL };
	struct dt_cursor c;
	enum dt_token token;
	u32 depth = 0;

	dt_cursor_init(&c, intake_blob.fdt);
	while ((token = dt_cursor_next(&c)) < DT_TOKEN_END) {
		if (token == DT_TOKEN_BEGIN && ++depth == 2)
			n = (struct root_child){ .name = c.name };
		else if (token == DT_TOKEN_PROP && depth == 2)
			take_prop(&n, &c);
		else if (token == DT_TOKEN_CLOSE && depth-- == 2)
			fn(&n);
	}
}

static tm_init bool child_available(const struct root_child *n)
{
	return !n->status.v || dt_list_has(n->status.v, n->status.len, "okay") ||
	       dt_list_has(n->status.v, n->status.len, "ok");
}

static tm_init bool is_memory(const struct root_child *n)
{
	return n->type.v && dt_list_has(n->type.v, n->type.len, "memory");
}

/* ---- memory nodes -------------------------------------------------------- */

static tm_init void numa_fault(const char *fmt, const char *node, u32 value)
{
	char name[48];

	if (!intake_ids.fault[0])
		tm_snprintf(intake_ids.fault, sizeof(intake_ids.fault), fmt,
			    dt_printable(name, sizeof(name), node), value);
}

/* The id of a memory node, or ANY_NODE; remembers why NUMA will be refused. */
static tm_init u32 memory_node_id(const struct root_child *n)
{
	u32 id;

	if (!n->node_id.v) {
		intake_ids.nr_without++;
		return MEMBLOCK_ANY_NODE;
	}
	intake_ids.nr_with++;
	id = n->node_id.len == 4 ? dt_be32(n->node_id.v) : ~0u;
	if (id >= MAX_NODES) {
		numa_fault("/%s numa-node-id = 0x%x: ids go from 0 to 63", n->name, id);
		return MEMBLOCK_ANY_NODE;
	}
	intake_ids.memory |= 1ull << id;
	return id;
}

/* End of a range after clipping; start when nothing is left. */
static tm_init u64 clip(const char *name, u64 start, u64 size)
{
	u64 end, limit = intake_blob.limit;
	bool wraps = add_overflows(start, size, &end);

	if (!wraps && end <= limit)
		return end;
	if (wraps)
		end = ~0ull;
	dt_warn("/%s reg [0x%llx, +0x%llx): %s 0x%llx, what lies above is not used", name,
		(unsigned long long)start, (unsigned long long)size,
		wraps ? "wraps, and addresses end at" : "addresses end at",
		(unsigned long long)limit);
	intake_info.clipped_bytes += end - max_u64(start, limit);
	return max_u64(start, limit);
}

/* RAM that an earlier tuple gave to another node cannot belong to two. */
static tm_init void check_overlap(const char *name, u64 start, u64 end, u32 id)
{
	u64 known = memblock_memory_inside(phys_make(start), phys_make(end));
	struct memblock_cursor c = { 0 };
	struct memblock_span s;

	if (!known)
		return;
	dt_warn("/%s reg [0x%llx, 0x%llx): %llu KiB were listed before, counted once", name,
		(unsigned long long)start, (unsigned long long)end,
		(unsigned long long)known / 1024);
	while (memblock_next_memory(&c, &s)) {
		/* That a node has no id is a fault of its own. */
		if (s.node == id || s.node == MEMBLOCK_ANY_NODE || id == MEMBLOCK_ANY_NODE)
			continue;
		if (s.start.v << PAGE_SHIFT < end && s.end.v << PAGE_SHIFT > start)
			numa_fault("/%s reg: overlaps memory of node %u", name, s.node);
	}
}

static tm_init void take_tuple(const struct root_child *n, const char *name, u64 base, u64 size,
			       u32 id)
{
	u64 end;

	if (!size)
		return; /* a placeholder for the boot loader to fill: common */
	end = clip(name, base, size);
	if (end <= base)
		return;
	BUG_ON_VAL(end > intake_blob.limit, base, end);
	check_overlap(name, base, end, id);
	memblock_add(phys_make(base), phys_make(end), id);
	if (n->hotpluggable)
		memblock_set_flags(phys_make(base), phys_make(end), MEMBLOCK_HOTPLUG);
}

static tm_init void take_memory(const struct root_child *n)
{
	u32 step = 4 * (intake_blob.address_cells + intake_blob.size_cells);
	const u8 *v = n->usable.v ? n->usable.v : n->reg.v;
	u32 len = n->usable.v ? n->usable.len : n->reg.len;
	char name[48];
	u64 base, size;
	u32 id;

	dt_printable(name, sizeof(name), n->name);
	if (!is_memory(n)) {
		if (n->reg.v && dt_name_is(n->name, "memory", 6))
			dt_warn("/%s: no device_type = \"memory\", ignored", name);
		return;
	}
	if (!child_available(n)) {
		dt_warn("/%s status: disabled, its memory is not used", name);
		return;
	}
	if (!v) {
		dt_warn("/%s: no reg, ignored", name);
		return;
	}
	if (len % step)
		panic("device tree refused: /%s %s is %u bytes, not a multiple of %u", name,
		      n->usable.v ? "linux,usable-memory" : "reg", len, step);
	id = memory_node_id(n);
	while (intake_tuple(&v, &len, &base, &size))
		take_tuple(n, name, base, size, id);
}

/*
 * A tree may list registers as RAM. Nobody may write there by accident, so
 * what a device at the top level claims is no memory.
 */
static tm_init void spare_device(const char *name, u64 base, u64 size)
{
	u64 start = align_down(base, PAGE_SIZE), end;

	if (!size || add_overflows(base, size, &end) || end > intake_blob.limit)
		return;
	end = align_up(end, PAGE_SIZE);
	if (!memblock_memory_inside(phys_make(start), phys_make(end)))
		return;
	dt_warn("%s reg [0x%llx, 0x%llx): a device inside RAM, taken out of RAM", name,
		(unsigned long long)start, (unsigned long long)end);
	memblock_remove(phys_make(start), phys_make(end));
}

static tm_init void spare_devices_of(const struct root_child *n)
{
	const u8 *v = n->reg.v;
	u32 len = n->reg.len;
	char name[48] = "/";
	u64 base, size;

	if (!v || is_memory(n) || dt_name_is(n->name, "memory", 6) || !child_available(n))
		return;
	dt_printable(name + 1, sizeof(name) - 1, n->name);
	while (intake_tuple(&v, &len, &base, &size))
		spare_device(name, base, size);
}

/* ---- limits -------------------------------------------------------------- */

static tm_init void give_up_piece(u64 start, u64 end, const char *why)
{
	u64 lost = start < end ? memblock_memory_inside(phys_make(start), phys_make(end)) : 0;

	if (!lost)
		return;
	intake_info.clipped_bytes += lost;
	pr_info("%s: %llu KiB of RAM in [0x%llx, 0x%llx) are not used", why,
		(unsigned long long)lost / 1024, (unsigned long long)start,
		(unsigned long long)end);
	memblock_remove(phys_make(start), phys_make(end));
}

/* Give up RAM in [start, end), except what the kernel and the initrd lie in. */
static tm_init void give_up(u64 start, u64 end, const char *why)
{
	const struct arch_image *im = arch_image();
	struct {
		u64 start, end;
	} kept[2] = {
		{ im->start.v, im->end.v },
		{ align_down(intake_info.initrd.v, PAGE_SIZE),
		  align_up(intake_info.initrd_end.v, PAGE_SIZE) },
	};
	bool swap = kept[1].start < kept[0].start;

	for (u32 i = 0; i < ARRAY_SIZE(kept); i++) {
		u32 next = swap ? 1 - i : i;

		if (kept[next].end <= start || kept[next].start >= end)
			continue;
		give_up_piece(start, kept[next].start, why);
		start = kept[next].end;
	}
	give_up_piece(start, end, why);
}

/* Free RAM below this address. */
static tm_init u64 free_below(u64 end)
{
	struct memblock_cursor c = { 0 };
	struct memblock_span s;
	u64 nr_bytes = 0;

	while (memblock_next_free(&c, &s)) {
		u64 from = s.start.v << PAGE_SHIFT, to = min_u64(s.end.v << PAGE_SHIFT, end);

		nr_bytes += to > from ? to - from : 0;
	}
	return nr_bytes;
}

/* What must be free of so much RAM: room for a descriptor of every frame, and for
 * a kernel to live in. */
static tm_init u64 least_free(u64 ram)
{
	return MIN_FREE_BYTES + ram / PAGE_SIZE * sizeof(struct page);
}

/* Where the first `limit` bytes of RAM end; ~0: there are not more. */
static tm_init u64 end_of_limit(u64 limit)
{
	struct memblock_cursor c = { 0 };
	struct memblock_span s;

	while (memblock_next_memory(&c, &s)) {
		u64 start = s.start.v << PAGE_SHIFT, nr_bytes = (s.end.v << PAGE_SHIFT) - start;

		if (nr_bytes > limit)
			return align_down(start + limit, PAGE_SIZE);
		limit -= nr_bytes;
	}
	return ~0ull;
}

/* mem=: the lowest bytes stay, and the kernel and the initrd wherever they are. */
static tm_init void apply_mem_limit(u64 limit)
{
	u64 end = end_of_limit(limit);

	if (end == ~0ull)
		return;
	if (free_below(end) < least_free(limit)) {
		pr_warn("boot argument mem=: of %llu KiB only %llu KiB would be free, %llu KiB "
			"are needed: ignored",
			(unsigned long long)limit / 1024,
			(unsigned long long)free_below(end) / 1024,
			(unsigned long long)least_free(limit) / 1024);
		return;
	}
	give_up(end, memblock_end().v, "mem=");
}

/* /chosen linux,usable-memory-range: only RAM inside these may be used. */
static tm_init void apply_usable_ranges(void)
{
	struct {
		u64 start, end;
	} range[MAX_USABLE_RANGES];
	u32 nr = 0, length;
	int len = 0;
	const u8 *v =
		fdt_getprop(intake_blob.fdt, intake_blob.chosen, "linux,usable-memory-range", &len);
	u64 base, size, pos = 0;

	length = v ? (u32)len : 0;
	while (nr < MAX_USABLE_RANGES && v && intake_tuple(&v, &length, &base, &size)) {
		range[nr].start = base;
		if (!size || add_overflows(base, size, &range[nr].end))
			continue;
		nr++;
	}
	if (!v)
		return;
	if (!nr || length) {
		dt_warn("/chosen linux,usable-memory-range: %d bytes are not 1 to %u ranges, "
			"ignored",
			len, MAX_USABLE_RANGES);
		return;
	}
	/* Nothing below the next range that starts or reaches above pos. */
	for (u32 round = 0; round < nr; round++) {
		u32 next = nr;

		for (u32 i = 0; i < nr; i++) {
			if (range[i].end > pos &&
			    (next == nr || range[i].start < range[next].start))
				next = i;
		}
		if (next == nr)
			break;
		if (range[next].start > pos)
			give_up(pos, range[next].start, "linux,usable-memory-range");
		pos = range[next].end;
	}
	give_up(pos, ~0ull, "linux,usable-memory-range");
}

/* ---- /chosen ------------------------------------------------------------- */

/* A number of one or two cells. */
static tm_init bool chosen_number(const char *name, u64 *val)
{
	int len;
	const u8 *v = fdt_getprop(intake_blob.fdt, intake_blob.chosen, name, &len);

	if (!v)
		return false;
	if (len != 4 && len != 8) {
		dt_warn("/chosen %s: %d bytes, not a number, ignored", name, len);
		return false;
	}
	*val = dt_cells(v, (unsigned int)len / 4);
	return true;
}

/* As given, before RAM is known; so that nothing grows into it. */
static tm_init void take_initrd(void)
{
	u64 start = 0, end = 0;
	bool has_start = chosen_number("linux,initrd-start", &start);
	bool has_end = chosen_number("linux,initrd-end", &end);

	if (!has_start && !has_end)
		return;
	if (!has_start || !has_end || start >= end) {
		dt_warn("/chosen linux,initrd-start/-end [0x%llx, 0x%llx): not two ends in order, "
			"ignored",
			(unsigned long long)start, (unsigned long long)end);
		return;
	}
	intake_info.initrd = phys_make(start);
	intake_info.initrd_end = phys_make(end);
}

static tm_init void check_initrd(void)
{
	const struct arch_image *im = arch_image();
	phys_t start = intake_info.initrd, end = intake_info.initrd_end;
	const char *why = NULL;

	if (start.v < im->end.v && end.v > im->start.v)
		why = "it overlaps the kernel";
	else if (memblock_memory_inside(start, end) != end.v - start.v)
		why = "it is not all in RAM";
	if (!why)
		return;
	dt_warn("/chosen linux,initrd-start/-end [0x%llx, 0x%llx): %s, ignored",
		(unsigned long long)start.v, (unsigned long long)end.v, why);
	intake_info.initrd = intake_info.initrd_end = phys_make(0);
}

/* The core image of a crashed kernel must survive: a claim like the initrd. */
static tm_init void take_elfcorehdr(void)
{
	int len = 0;
	const u8 *v = fdt_getprop(intake_blob.fdt, intake_blob.chosen, "linux,elfcorehdr", &len);
	u32 length = (u32)len;
	u64 base, size;

	if (v && len > 0 && intake_tuple(&v, &length, &base, &size) && size &&
	    base < intake_blob.limit && size <= intake_blob.limit - base) {
		intake_info.elfcorehdr = phys_make(base);
		intake_info.elfcorehdr_bytes = size;
	}
}

/* ---- the whole ----------------------------------------------------------- */

static tm_init void check_kernel_in_ram(void)
{
	const struct arch_image *im = arch_image();

	if (memblock_memory_inside(im->start, im->end) != im->end.v - im->start.v)
		panic("device tree refused: the kernel at [0x%llx, 0x%llx) is not in the memory "
		      "the tree lists",
		      (unsigned long long)im->start.v, (unsigned long long)im->end.v);
}

static tm_init void check_enough(void)
{
	u64 ram = memblock_memory_bytes();
	u64 bytes = free_below(~0ull), needed = least_free(ram);

	if (bytes < needed)
		panic("device tree refused: %llu KiB of RAM are free of %llu KiB, at least %llu "
		      "KiB are needed",
		      (unsigned long long)bytes / 1024, (unsigned long long)ram / 1024,
		      (unsigned long long)needed / 1024);
}

/* What everybody after us builds on. */
static tm_init void check_promises(void)
{
	const struct arch_image *im = arch_image();
	u64 size = im->end.v - im->start.v;

	BUG_ON_VAL(memblock_memory_inside(im->start, im->end) != size, im->start.v, size);
	BUG_ON_VAL(memblock_reserved_inside(im->start, im->end, NULL) != size, im->start.v, size);
	BUG_ON_VAL(memblock_is_no_map(im->start), im->start.v, size);
	BUG_ON_VAL(memblock_end().v > intake_blob.limit, memblock_end().v, intake_blob.limit);
	BUG_ON_VAL(!is_aligned(memblock_start().v | memblock_end().v, PAGE_SIZE),
		   memblock_start().v, memblock_end().v);
}

static tm_init void init_blob(const void *fdt, const struct dt_shape *shape)
{
	u32 bits = (u32)min_u64(arch_phys_bits(), ARCH_PHYS_BITS);

	BUG_ON_VAL(!is_aligned((uintptr_t)fdt, 8), (uintptr_t)fdt, 0);
	intake_blob.fdt = fdt;
	intake_blob.limit = 1ull << bits;
	/* The last frame number means "none" in page lists. */
	if (bits == ARCH_PHYS_BITS)
		intake_blob.limit -= PAGE_SIZE;
	intake_blob.chosen = shape->chosen;
	intake_blob.reserved_memory = shape->reserved_memory;
	intake_blob.address_cells = root_cells("#address-cells");
	intake_blob.size_cells = root_cells("#size-cells");
}

tm_init void intake_early(const void *fdt, phys_t fdt_phys, const struct dt_shape *shape,
			  const struct dt_console *console)
{
	init_blob(fdt, shape);
	intake_info.options = *boot_options();
	intake_info.fdt = fdt_phys;
	intake_info.fdt_end = phys_make(fdt_phys.v + fdt_totalsize(fdt));
	take_initrd();
	take_elfcorehdr();
	memblock_set_guard(claims_guard);
	each_root_child(take_memory);
	if (!memblock_memory_bytes())
		panic("device tree refused: no memory node lists any usable RAM");
	each_root_child(spare_devices_of);
	if (console && console->path[0] && console->nr_bytes)
		spare_device(console->path, console->base.v, console->nr_bytes);
	intake_info.ram_bytes = memblock_memory_bytes();
	claims_drop_missing_memory();
	check_kernel_in_ram();
	check_initrd();

	claims_reserve();
	memblock_set_guard(NULL);
	reserved_check();
	apply_usable_ranges();
	if (intake_info.options.mem_limit)
		apply_mem_limit(intake_info.options.mem_limit);
	memblock_trim();
	reserved_place_dynamic();
	check_enough();
	memblock_check();
	check_promises();
}

tm_init void intake_records(void)
{
	struct memblock_cursor c = { 0 };
	struct mem_region r;
	struct mem_record *rec;
	u32 nr = 1; /* this list itself */

	while (memblock_next_reserved(&c, &r))
		nr++;
	rec = memblock_alloc_zeroed(nr * sizeof(*rec), MEMBLOCK_ANY_NODE, MEM_BOOT, "boot records");
	c = (struct memblock_cursor){ 0 };
	intake_info.records = rec;
	for (; memblock_next_reserved(&c, &r); rec++) {
		BUG_ON_VAL(intake_info.nr_records == nr, nr, r.start.v);
		rec->start = r.start;
		rec->end = r.end;
		rec->reason = (enum mem_reason)r.reason;
		rec->no_map = memblock_is_no_map(r.start);
		dt_printable(rec->name, sizeof(rec->name), r.name);
		intake_info.nr_records++;
	}
	intake_info.nr_warnings = dt_warnings();
}
