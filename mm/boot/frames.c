/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backing of the frame array and of the pageblock map (rows 2, 4). Both are
 * indexed by frame number over the whole physical space; memory stands behind
 * them only where RAM is: descriptors in units of one 4 MiB block of RAM, the
 * type bytes in pages that serve 8 GiB each. A unit belongs to the node whose
 * RAM touches it first, and its memory comes from there.
 *
 * Allocates from memblock, so it runs before zones are cut. Frames found here
 * are only addressed later, by page/hand_over.c.
 */
#include "mm/boot/topology.h"

#include "mm/boot/phase.h"

enum {
	UNIT_BYTES = FRAME_UNIT_PAGES * sizeof(struct page),
	UNIT_MAP_PAGES = UNIT_BYTES / PAGE_SIZE,
	/* Frames whose type bytes fill one page. */
	PBLOCK_PAGE_SHIFT = PAGEBLOCK_ORDER + PAGE_SHIFT - 3, /* frames described by a page */
	MAX_RUN_UNITS = 4096, /* 16 GiB of RAM in one piece of descriptors */
};
_Static_assert(UNIT_BYTES % PAGE_SIZE == 0, "a unit of descriptors is whole pages");

struct frame_map frame_map;

static struct memblock_span *banks;
static u32 nr_banks;
static u64 metadata_pages;
static u64 *unit_bits;
static u64 run_start, run_end; /* frames of the run that back_span() is in */

const struct memblock_span *ram_spans(u32 *nr)
{
	*nr = nr_banks;
	return banks;
}

u64 frames_metadata_pages(void)
{
	return metadata_pages;
}

void tm_init frames_count_metadata(u64 nr_pages)
{
	metadata_pages += nr_pages;
}

/* The walk ends when a table changes, so spans are counted, then copied. */
static void tm_init copy_banks(void)
{
	struct memblock_cursor c = { 0 };
	struct memblock_span span;
	u32 nr = 0;

	while (memblock_next_memory(&c, &span))
		nr++;
	if (!nr)
		panic("no memory: the device tree names no usable RAM");
	banks = memblock_alloc_zeroed(nr * sizeof(*banks), MEMBLOCK_ANY_NODE, MEM_BOOT, "banks");
	c = (struct memblock_cursor){ 0 };
	for (nr_banks = 0; nr_banks < nr; nr_banks++)
		BUG_ON_VAL(!memblock_next_memory(&c, &banks[nr_banks]), nr_banks, nr);
}

static u64 tm_init unit_of(u64 pfn)
{
	return pfn / FRAME_UNIT_PAGES;
}

static void tm_init alloc_unit_map(void)
{
	u64 last = banks[nr_banks - 1].end.v - 1;
	u64 words = unit_of(last) / 64 + 1;

	if (last >> 32)
		panic("RAM ends at frame %llx: frames are numbered in 32 bits",
		      (unsigned long long)last);
	if (last == PFN_NIL) /* the number that ends lists */
		memblock_reserve(pfn_to_phys(pfn_make(last)), pfn_to_phys(pfn_make(last + 1)),
				 MEM_CLIPPED, "last frame number");
	unit_bits = memblock_alloc_zeroed(words * sizeof(u64), MEMBLOCK_ANY_NODE, MEM_FRAMES,
					  "unit map");
	metadata_pages += align_up(words * sizeof(u64), PAGE_SIZE) >> PAGE_SHIFT;
	frame_map.units = unit_bits;
	frame_map.nr_units = unit_of(last) + 1;
}

static phys_t tm_init place(u64 nr_bytes, u32 node, bool strict)
{
	const struct memblock_request rq = {
		.nr_bytes = nr_bytes,
		.node = node,
		.strict = strict,
		.reason = MEM_FRAMES,
		.name = "frames",
	};

	return memblock_alloc(&rq);
}

static void tm_init map_backing(u64 va, phys_t p, u64 nr_pages)
{
	int err = arch_map(va, p, nr_pages, ARCH_PROT_RW);

	if (err)
		panic("cannot map frame descriptors at %llx (error %d)", (unsigned long long)va,
		      err);
	metadata_pages += nr_pages;
}

/*
 * Back `nr` units from `first`, in as few pieces as memory allows: on the node
 * in halving pieces, then, unit by unit, wherever there is room.
 */
static void tm_init back_units(u64 first, u64 nr, u32 node)
{
	u64 piece = nr;

	while (nr) {
		phys_t p;

		piece = min_u64(piece, nr);
		p = place(piece * UNIT_BYTES, node, piece > 1);
		if (!p.v && piece == 1)
			panic("no memory for frame descriptors of node %u", node);
		if (!p.v) {
			piece /= 2;
			continue;
		}
		map_backing(ARCH_FRAMES_BASE + first * UNIT_BYTES, p, piece * UNIT_MAP_PAGES);
		first += piece;
		nr -= piece;
	}
}

/* Units rise. The longest run of them so far goes into the map. */
static void tm_init note_run(u64 unit, u64 nr)
{
	u64 start = unit * FRAME_UNIT_PAGES, frames = nr * FRAME_UNIT_PAGES;

	if (run_end == start)
		start = run_start;
	run_start = start;
	run_end = unit * FRAME_UNIT_PAGES + frames;
	if (run_end - run_start > frame_map.run_frames) {
		frame_map.run_start = run_start;
		frame_map.run_frames = run_end - run_start;
	}
}

static void tm_init back_span(const struct memblock_span *span, u64 *done)
{
	u64 unit = max_u64(unit_of(span->start.v), *done);
	u64 end = unit_of(span->end.v - 1) + 1;

	while (unit < end) {
		u64 nr = min_u64(end - unit, MAX_RUN_UNITS);

		back_units(unit, nr, span->node);
		for (u64 u = unit; u < unit + nr; u++)
			unit_bits[u / 64] |= 1ull << u % 64;
		note_run(unit, nr);
		unit += nr;
	}
	*done = max_u64(*done, end);
}

static void tm_init back_pageblocks(const struct memblock_span *span, u64 *done)
{
	u64 page = max_u64(span->start.v >> PBLOCK_PAGE_SHIFT, *done);
	u64 end = ((span->end.v - 1) >> PBLOCK_PAGE_SHIFT) + 1;

	for (; page < end; page++) {
		phys_t p = place(PAGE_SIZE, span->node, false);

		if (!p.v)
			panic("no memory for the pageblock map of node %u", span->node);
		map_backing(ARCH_PBLOCK_BASE + page * PAGE_SIZE, p, 1);
		memset((void *)(uintptr_t)(ARCH_PBLOCK_BASE + page * PAGE_SIZE), 0, PAGE_SIZE);
	}
	*done = max_u64(*done, end);
}

void tm_init frames_init(const struct boot_info *bi)
{
	u64 units_done = 0, pages_done = 0;

	(void)bi;
	metadata_pages = 0;
	frame_map = (struct frame_map){ 0 };
	run_start = run_end = 0;
	copy_banks();
	alloc_unit_map();
	for (u32 i = 0; i < nr_banks; i++) {
		back_span(&banks[i], &units_done);
		back_pageblocks(&banks[i], &pages_done);
	}
	boot_phase_end(MM_BOOT_FRAMES);
}

/* ---- frame numbers, addresses, descriptors ----------------------------------- */

pfn_t page_to_pfn(const struct page *page)
{
	return pfn_make(frame_number(page));
}

void *page_address(const struct page *page)
{
	return phys_to_virt(pfn_to_phys(page_to_pfn(page)));
}

struct page *pfn_to_page(pfn_t pfn)
{
	return frame_exists(pfn.v) ? frame(pfn.v) : NULL;
}

struct page *virt_to_page(const void *addr)
{
	phys_t p = virt_to_phys(addr);

	return p.v >> ARCH_PHYS_BITS ? NULL : pfn_to_page(phys_to_pfn_down(p));
}

int page_node(const struct page *page)
{
	return (int)(frame_zone_id(page) / NR_ZONE_TYPES);
}

unsigned int page_order(const struct page *page)
{
	return frame_order(page);
}
