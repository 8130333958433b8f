/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one moment when boot memory becomes the page allocator's. Every
 * descriptor of a backed unit is written exactly once: hole, reserved, or tail;
 * then each free span goes to the buddy lists as maximal aligned blocks, where
 * only the heads are touched again. Afterwards memblock has nothing left to
 * give and is retired by the caller.
 *
 * Cost: two and a quarter instructions a frame for the descriptors, a few dozen a
 * block of up to 1024 frames for the lists. Boot CPU; the zone lock is taken
 * only because the buddy core insists.
 */
#include "mm/boot/phase.h"
#include "mm/boot/topology.h"
#include "mm/page/buddy.h"
#include "mm/page/page_alloc.h"
#include "mm/page/pageblock.h"
#include "mm/page/pcp.h"
#include "mm/page/reserves.h"
#include "mm/stat/check.h"

/* The walk that writes descriptors: everything below `done` is written. */
struct writer {
	u64 done;
	struct memblock_cursor cursor;
	struct memblock_span free; /* the free span at or above done */
	bool more;                 /* there is one */
	const struct zone *last;   /* zone of the frame before `done`, or of an earlier one */
	u64 last_end;              /* where that zone's frames ended */
};

/*
 * Sixteen frames a round, two paired stores each. The words of a descriptor that
 * is no head are all zero but for its flags.
 */
static void tm_init write_frames(u64 pfn, u64 nr, u32 flags)
{
	u64 *word = (u64 *)frame(pfn);

	for (; nr >= 16; nr -= 16) {
#pragma GCC unroll 16
		for (unsigned int i = 0; i < 16; i++, word += 4) {
			word[0] = flags;
			word[1] = 0;
			word[2] = 0;
			word[3] = 0;
		}
	}
	for (; nr; nr--, word += 4) {
		word[0] = flags;
		word[1] = 0;
		word[2] = 0;
		word[3] = 0;
	}
}
_Static_assert(sizeof(struct page) == 4 * sizeof(u64) && offsetof(struct page, flags) == 0,
	       "write_frames() lays out a descriptor by hand");

static void tm_init write_to(struct writer *w, u64 end, u32 flags)
{
	BUG_ON_VAL(end < w->done || end > 1ull << 32, end, w->done);
	write_frames(w->done, end - w->done, flags);
	w->done = end;
}

/* A pageblock in which frames of two zones meet (spans rise). */
static void tm_init note_shared(struct writer *w, const struct zone *z, u64 end)
{
	bool same_block =
		w->last && (w->last_end - 1) >> PAGEBLOCK_ORDER == w->done >> PAGEBLOCK_ORDER;

	if (same_block && w->last != z)
		pageblock_entry(w->done)->shared = 1;
	w->last = z;
	w->last_end = end;
}

/* RAM of one zone: tails where it is free, reserved where it is not. */
static void tm_init write_ram(struct writer *w, const struct zone *z, u64 end)
{
	u32 reserved = frame_flags(z->id, PAGE_RESERVED, 0, (enum migratetype)0);
	u32 tail = frame_flags(z->id, PAGE_TAIL, 0, (enum migratetype)0);

	BUG_ON_VAL(end > z->end.v || w->done < z->start.v, end, z->id);
	note_shared(w, z, end);
	while (w->done < end) {
		while (w->more && w->free.end.v <= w->done)
			w->more = memblock_next_free(&w->cursor, &w->free);
		if (!w->more || w->free.start.v >= end) {
			write_to(w, end, reserved);
			return;
		}
		write_to(w, max_u64(w->free.start.v, w->done), reserved);
		write_to(w, min_u64(w->free.end.v, end), tail);
	}
}

/* Zone of a frame that is RAM of the node. */
static struct zone *tm_init zone_of(u32 node, u64 pfn)
{
	struct zone *z = node_table[node]->zone, *end = z + NR_ZONE_TYPES;

	while (pfn >= z->end.v) {
		z++;
		BUG_ON_VAL(z == end, pfn, node);
	}
	BUG_ON_VAL(pfn < z->start.v, pfn, node);
	return z;
}

/* Holes are written too, up to the ends of their units: a merge may ask. */
static void tm_init write_descriptors(void)
{
	struct writer w = { 0 };
	u32 nr;
	const struct memblock_span *span = ram_spans(&nr);

	w.more = memblock_next_free(&w.cursor, &w.free);
	for (u32 i = 0; i < nr; i++) {
		u64 unit = align_down(span[i].start.v, FRAME_UNIT_PAGES);

		if (w.done < unit) {
			write_to(&w, align_up(w.done, FRAME_UNIT_PAGES), PAGE_HOLE);
			w.done = unit;
		}
		write_to(&w, span[i].start.v, PAGE_HOLE);
		while (w.done < span[i].end.v) {
			const struct zone *z = zone_of(span[i].node, w.done);

			write_ram(&w, z, min_u64(span[i].end.v, z->end.v));
		}
	}
	write_to(&w, align_up(w.done, FRAME_UNIT_PAGES), PAGE_HOLE);
}

/* ---- to the lists --------------------------------------------------------------- */

/* Largest block that starts at `pfn`, is aligned, ends by `end` and has one
 * migratetype throughout. */
static unsigned int tm_init block_order(u64 pfn, u64 end)
{
	unsigned int by_align = (unsigned int)__builtin_ctzll(pfn | MAX_ORDER_PAGES);
	unsigned int by_size = fls_u64(end - pfn) - 1;
	unsigned int order = (unsigned int)min_u64(by_align, by_size);

	BUG_ON_VAL(pfn >= end, pfn, end);
	while (order > PAGEBLOCK_ORDER &&
	       pageblock_type(pfn) != pageblock_type(pfn + (1ull << (order - 1))))
		order--;
	return order;
}
_Static_assert((int)MAX_PAGE_ORDER == PAGEBLOCK_ORDER + 1, "a block has at most two pageblocks");

/* Rising addresses at the tails, so that the lowest are served first. */
static void tm_init give(struct zone *z, u64 start, u64 end)
{
	for (u64 pfn = start; pfn < end;) {
		unsigned int order = block_order(pfn, end);
		u64 flags = spin_lock_irqsave(&z->lock);

		BUG_ON_VAL(frame_state(frame(pfn)) != PAGE_TAIL, pfn, order);
		buddy_put_locked(z, frame(pfn), order, true);
		z->managed_pages += 1ull << order;
		spin_unlock_irqrestore(&z->lock, flags);
		pfn += 1ull << order;
	}
}

static void tm_init give_free_spans(void)
{
	struct memblock_cursor c = { 0 };
	struct memblock_span span;

	while (memblock_next_free(&c, &span)) {
		u64 pfn = span.start.v;

		while (pfn < span.end.v) {
			struct zone *z = zone_of(span.node, pfn);
			u64 end = min_u64(span.end.v, z->end.v);

			give(z, pfn, end);
			pfn = end;
		}
	}
}

/* ---- CMA -------------------------------------------------------------------------- */

/*
 * An area becomes free memory of its own type: its blocks are marked, then its
 * reservation in memblock ends, so that the walks above find it free.
 */
static void tm_init open_cma(const struct boot_cma *area)
{
	u64 start = phys_to_pfn_up(area->start).v;
	u64 end = phys_to_pfn_down(area->end).v;
	struct zone *z = zone_of(area->node, start);

	if (start >= end || !is_aligned(start | end, PAGEBLOCK_PAGES) || end > z->end.v) {
		pr_warn("cma %s [%llx, %llx): not whole pageblocks of one zone, stays reserved",
			area->name, (unsigned long long)area->start.v,
			(unsigned long long)area->end.v);
		return;
	}
	pageblock_set_type(start, end, MIGRATE_CMA);
	memblock_free(area->start, area->end);
	z->cma_pages += end - start;
}

/* What was given is what is free, and no more than there is (row 7). */
static void tm_init check_hand_over(void)
{
	for (const struct zone *z = zone_next(0); z; z = zone_next(z->id + 1)) {
		BUG_ON_VAL(z->nr_free != z->managed_pages, z->nr_free, z->managed_pages);
		BUG_ON_VAL(z->managed_pages > z->present_pages, z->managed_pages, z->present_pages);
		BUG_ON_VAL(z->nr_free_cma != z->cma_pages, z->nr_free_cma, z->cma_pages);
	}
}

void tm_init zones_prepare(void)
{
	pcp_init();
	check_cache_init();
}

void tm_init zones_hand_over(const struct boot_info *bi)
{
	u32 nr;
	const struct memblock_span *span = ram_spans(&nr);

	if (tm_debug)
		memblock_check();
	for (u32 i = 0; i < nr; i++)
		pageblock_set_type(span[i].start.v, span[i].end.v, MIGRATE_MOVABLE);
	for (struct zone *z = zone_next(0); z; z = zone_next(z->id + 1))
		buddy_init(z);
	for (u32 i = 0; i < bi->nr_cma; i++)
		open_cma(&bi->cma[i]);
	boot_phase_end(MM_BOOT_ZONES);
	write_descriptors();
	boot_phase_end(MM_BOOT_FRAMES);
	give_free_spans();
	check_hand_over();
	reserves_init(bi);
	guard_init();
	page_alloc_open();
	boot_phase_end(MM_BOOT_ZONES);
}
