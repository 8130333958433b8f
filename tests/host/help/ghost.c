/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ghost model; see ghost.h. One byte a frame: 0 not managed, 1 free, 2
 * leaked, else 3 + order of the owned block that begins here, or OWNED_REST
 * inside one. Plain and slow on purpose.
 */
#include "unit.h"

#include "help/ghost.h"

#include "mm/boot/topology.h"
#include "mm/page/buddy.h"
#include "mm/page/pageblock.h"

enum { NOT_MANAGED, FREE, LEAKED, OWNED_HEAD, OWNED_REST = 64 };

static u8 *model;
static u64 base, size;

#define GHOST(cond, pfn, what)                                                                     \
	do {                                                                                       \
		if (!(cond))                                                                       \
			fail_msg("ghost: frame %llx: %s (%s)", (unsigned long long)(pfn), (what),  \
				 #cond);                                                           \
	} while (0)

static u8 *at(u64 pfn)
{
	GHOST(pfn >= base && pfn < base + size, pfn, "outside the machine");
	return &model[pfn - base];
}

static void set(u64 pfn, unsigned int order, u8 from, u8 head, u8 rest)
{
	for (u64 i = 0; i < 1ull << order; i++) {
		GHOST(*at(pfn + i) == (from == OWNED_HEAD && i ? OWNED_REST : from) ||
			      (from == OWNED_HEAD && !i && *at(pfn) == OWNED_HEAD + order),
		      pfn + i, "was in another state");
		*at(pfn + i) = i ? rest : head;
	}
}

void ghost_init(void)
{
	u32 nr;
	const struct memblock_span *span = ram_spans(&nr);

	free(model);
	base = span[0].start.v;
	size = span[nr - 1].end.v - base;
	model = calloc(1, size);
	for (const struct zone *z = zone_next(0); z; z = zone_next(z->id + 1)) {
		for (unsigned int o = 0; o < NR_PAGE_ORDERS; o++) {
			for (unsigned int t = 0; t < MIGRATE_TYPES; t++) {
				u32 pfn = z->area[o].list[t].head;

				for (; pfn != PFN_NIL; pfn = frame(pfn)->next)
					set(pfn, o, NOT_MANAGED, FREE, FREE);
			}
		}
	}
}

void ghost_alloced(struct page *page, unsigned int order, gfp_t gfp)
{
	u64 pfn = page_to_pfn(page).v;
	const struct zone *z = zone_table[frame_zone_id(page)];

	GHOST(is_aligned(pfn, 1ull << order), pfn, "not aligned");
	GHOST(pfn >= z->start.v && pfn + (1ull << order) <= z->end.v, pfn, "leaves its zone");
	GHOST(z->type != ZONE_MOVABLE ||
		      (gfp & (__GFP_HIGHMEM | __GFP_MOVABLE)) == (__GFP_HIGHMEM | __GFP_MOVABLE),
	      pfn, "zone not permitted");
	GHOST(!(gfp & __GFP_DMA) || z->type == ZONE_DMA, pfn, "above the DMA zone");
	set(pfn, order, FREE, (u8)(OWNED_HEAD + order), OWNED_REST);
}

void ghost_freed(struct page *page, unsigned int order)
{
	set(page_to_pfn(page).v, order, OWNED_HEAD, FREE, FREE);
}

void ghost_leaked(struct page *page, unsigned int order)
{
	u64 pfn = page_to_pfn(page).v;

	for (u64 i = 0; i < 1ull << order; i++)
		*at(pfn + i) = LEAKED;
}

u64 ghost_free_pages(void)
{
	u64 n = 0;

	for (u64 i = 0; i < size; i++)
		n += model[i] == FREE && pageblock_type(base + i) != MIGRATE_CMA;
	return n;
}

/* One list: linked both ways, counted, every head what the list says. */
static u64 check_list(const struct zone *z, unsigned int o, enum migratetype t)
{
	const struct page_list *l = &z->area[o].list[t];
	u32 before = PFN_NIL, n = 0;

	for (u32 pfn = l->head; pfn != PFN_NIL; before = pfn, pfn = frame(pfn)->next) {
		const struct page *page = frame(pfn);

		GHOST(n++ < l->count, pfn, "list longer than its count");
		GHOST(page->prev == before, pfn, "links back elsewhere");
		GHOST(page->flags == frame_flags(z->id, PAGE_FREE, o, t), pfn, "not a head of it");
		GHOST(page->refcount == 0, pfn, "free but referenced");
		for (u64 i = 0; i < 1u << o; i++) {
			GHOST(*at(pfn + i) == FREE, pfn + i, "listed but not free");
			GHOST(pageblock_type(pfn + i) == t, pfn + i, "pageblock of another type");
		}
	}
	GHOST(l->tail == before && n == l->count, before, "tail or count wrong");
	GHOST(!!(z->filled[t] >> o & 1) == (n != 0), o, "filled bit wrong");
	return (u64)n << o;
}

/* The zone is the frame's own: nodes may lie inside each other. */
static void check_unmerged(u64 pfn, unsigned int order)
{
	const struct zone *z = zone_table[frame_zone_id(frame(pfn))];
	u64 buddy = pfn ^ (1ull << order);

	if (order == MAX_PAGE_ORDER || buddy < z->start.v || buddy >= z->end.v)
		return;
	if (order >= PAGEBLOCK_ORDER && pageblock_type(buddy) != pageblock_type(pfn))
		return;
	GHOST((frame(buddy)->flags & ~(u32)PAGE_MT_MASK) !=
		      frame_flags(z->id, PAGE_FREE, order, (enum migratetype)0),
	      pfn, "two free buddies left apart");
}

/* Frames of one zone in order; each block as long as its head says. */
static void check_frames(const struct zone *z)
{
	for (u64 pfn = z->start.v; pfn < z->end.v;) {
		const struct page *page = pfn_to_page(pfn_make(pfn));
		u8 m = *at(pfn);
		u64 step = 1;

		if (page && frame_state(page) == PAGE_FREE) {
			GHOST(m == FREE, pfn, "free head the model does not know");
			check_unmerged(pfn, frame_order(page));
			step = 1ull << frame_order(page);
		} else if (page && frame_state(page) == PAGE_ALLOCATED) {
			GHOST(m == OWNED_HEAD + frame_order(page), pfn, "owned with another order");
			step = 1ull << frame_order(page);
		} else if (page && frame_state(page) == PAGE_BAD) {
			GHOST(m == LEAKED, pfn, "bad, but the model knows no leak");
			step = 1ull << frame_order(page);
		} else {
			GHOST(m == NOT_MANAGED, pfn, "managed, but no head covers it");
			GHOST(!page || frame_state(page) != PAGE_TAIL, pfn, "tail without a head");
		}
		pfn += step;
	}
}

void ghost_check(void)
{
	for (const struct zone *z = zone_next(0); z; z = zone_next(z->id + 1)) {
		u64 nr_free = 0, nr_cma = 0;

		for (unsigned int o = 0; o < NR_PAGE_ORDERS; o++) {
			for (unsigned int t = 0; t < MIGRATE_TYPES; t++) {
				u64 n = check_list(z, o, (enum migratetype)t);

				nr_free += n;
				nr_cma += t == MIGRATE_CMA ? n : 0;
			}
		}
		GHOST(nr_free == z->nr_free, z->nr_free, "nr_free is not the sum of the lists");
		GHOST(nr_cma == z->nr_free_cma, z->nr_free_cma, "nr_free_cma likewise");
		check_frames(z);
	}
	GHOST(!fake_locks_held() && !arch_irqs_masked(), 0, "a lock or the mask is left over");
}
