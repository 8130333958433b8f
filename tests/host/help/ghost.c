/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ghost model; see ghost.h. One byte a frame: 0 not managed, 1 free or
 * cached, 2 leaked, else 3 + order of the owned block that begins here, or
 * OWNED_REST inside one. Plain on purpose; only managed frames are walked, from
 * head to head, so that a check costs what there are blocks.
 */
#include "unit.h"

#include "help/ghost.h"

#include "mm/boot/topology.h"
#include "mm/page/buddy.h"
#include "mm/page/pageblock.h"
#include "mm/page/pcp.h"

enum { NOT_MANAGED, FREE, LEAKED, OWNED_HEAD, OWNED_REST = 64, MAX_RUNS = 4096 };

/* Managed frames of one zone, without a gap. */
struct run {
	const struct zone *zone;
	u64 start, end;
};

/* What one walk finds in a zone. */
struct tally {
	u64 listed[MIGRATE_TYPES]; /* pages on free lists */
	u64 cached, allocated, leaked, guards;
};

static u8 *model, *saved;
static u16 *owner, *saved_owner;
static u64 base, size;
static struct run run[MAX_RUNS];
static unsigned int nr_runs;
/* All there are; asking zone_next() would be most of what a check takes. */
static const struct zone *zones[MAX_NODES * NR_ZONE_TYPES];
static unsigned int nr_zones;
static u8 *block_type; /* pageblock types at ghost_init() */
/* Recounts of pageblocks, by index from base; valid during a check. */
static u16 *block_free, *block_movable;
static bool blocks_counted; /* pageblocks counted what was free at ghost_init() */

void (*ghost_failed)(const char *text);

static tm_noinline tm_printf(3, 4) void failed(u64 pfn, const char *cond, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int n = snprintf(text, sizeof(text), "ghost: frame %llx: ", (unsigned long long)pfn);

	va_start(ap, fmt);
	n += vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	snprintf(text + n, sizeof(text) - (size_t)n, " (%s)", cond);
	if (ghost_failed)
		ghost_failed(text);
	fail_msg("%s", text);
}

#define GHOST(cond, pfn, ...)                                                                      \
	do {                                                                                       \
		if (unlikely(!(cond)))                                                             \
			failed(pfn, #cond, __VA_ARGS__);                                           \
	} while (0)

static u8 *at(u64 pfn)
{
	GHOST(pfn >= base && pfn < base + size, pfn, "outside the machine");
	return &model[pfn - base];
}

/* Every frame of a block, the first apart, is in this state. */
static void expect(u64 pfn, u64 nr, u8 head, u8 rest)
{
	const u8 *m = at(pfn);
	u8 differ = m[0] ^ head;

	(void)at(pfn + nr - 1);
	for (u64 i = 1; i < nr; i++)
		differ |= m[i] ^ rest;
	for (u64 i = 0; differ && i < nr; i++)
		GHOST(m[i] == (i ? rest : head), pfn + i, "model says %u, should be %u", m[i],
		      i ? rest : head);
}

static void set(u64 pfn, unsigned int order, u8 head, u8 rest)
{
	memset(at(pfn), rest, 1ull << order);
	*at(pfn) = head;
}

/* ---- learning --------------------------------------------------------------------- */

static void learn_zones(void)
{
	nr_zones = 0;
	for (const struct zone *z = zone_next(0); z; z = zone_next(z->id + 1))
		zones[nr_zones++] = z;
}

static void learn_runs(void)
{
	nr_runs = 0;
	for (unsigned int i = 0; i < nr_zones; i++) {
		const struct zone *z = zones[i];

		for (u64 pfn = z->start.v; pfn < z->end.v; pfn++) {
			struct run *r = nr_runs ? &run[nr_runs - 1] : NULL;

			if (*at(pfn) == NOT_MANAGED || frame_zone_id(frame(pfn)) != z->id)
				continue;
			if (r && r->zone == z && r->end == pfn) {
				r->end++;
				continue;
			}
			GHOST(nr_runs < MAX_RUNS, pfn, "too many runs");
			run[nr_runs++] = (struct run){ z, pfn, pfn + 1 };
		}
	}
}

static void learn_free(const struct zone *z)
{
	for (unsigned int o = 0; o < NR_PAGE_ORDERS; o++) {
		for (unsigned int t = 0; t < MIGRATE_TYPES; t++) {
			u32 pfn = z->area[o].list[t].head;

			for (; pfn != PFN_NIL; pfn = frame(pfn)->next) {
				expect(pfn, 1ull << o, NOT_MANAGED, NOT_MANAGED);
				set(pfn, o, FREE, FREE);
			}
		}
	}
}

/* Blocks of pageblock size from base on, which is the start of one. */
static u64 nr_blocks(void)
{
	return align_up(size, PAGEBLOCK_PAGES) / PAGEBLOCK_PAGES;
}

void ghost_init(void)
{
	u32 nr;
	const struct memblock_span *span = ram_spans(&nr);

	free(model);
	free(owner);
	free(block_type);
	free(block_free);
	free(block_movable);
	base = align_down(span[0].start.v, PAGEBLOCK_PAGES);
	size = span[nr - 1].end.v - base;
	model = calloc(1, size);
	owner = calloc(size, sizeof(*owner));
	block_type = calloc(nr_blocks(), sizeof(*block_type));
	block_free = calloc(nr_blocks(), sizeof(*block_free));
	block_movable = calloc(nr_blocks(), sizeof(*block_movable));
	learn_zones();
	for (unsigned int i = 0; i < nr_zones; i++)
		learn_free(zones[i]);
	learn_runs();
	blocks_counted = false;
	for (unsigned int i = 0; i < nr_runs; i++) {
		for (u64 pfn = run[i].start; pfn < run[i].end; pfn++) {
			block_type[(pfn - base) / PAGEBLOCK_PAGES] = (u8)pageblock_type(pfn);
			blocks_counted |= pageblock_entry(pfn)->nr_free != 0;
		}
	}
}

void ghost_save(void)
{
	free(saved);
	free(saved_owner);
	saved = malloc(size);
	saved_owner = malloc(size * sizeof(*owner));
	memcpy(saved, model, size);
	memcpy(saved_owner, owner, size * sizeof(*owner));
}

void ghost_restore(void)
{
	memcpy(model, saved, size);
	memcpy(owner, saved_owner, size * sizeof(*owner));
}

u8 *ghost_bytes(u64 pfn)
{
	return at(pfn);
}

/* ---- answers ---------------------------------------------------------------------- */

static enum zone_type highest(gfp_t gfp)
{
	if (gfp & __GFP_DMA)
		return ZONE_DMA;
	if (gfp & __GFP_DMA32)
		return ZONE_DMA32;
	return (gfp & (__GFP_HIGHMEM | __GFP_MOVABLE)) == (__GFP_HIGHMEM | __GFP_MOVABLE)
		       ? ZONE_MOVABLE
		       : ZONE_NORMAL;
}

/* Pages that such a request may count on; those of the reserve for high orders
 * where its band may dig for it. */
static u64 reach(const struct ghost_ask *ask, const struct zone *z)
{
	u64 n = z->nr_free - z->nr_free_cma - z->nr_free_highatomic;

	if ((ask->gfp & (__GFP_MOVABLE | __GFP_RECLAIMABLE)) == __GFP_MOVABLE)
		n += z->nr_free_cma;
	if (ask->band >= BAND_REALTIME)
		n += z->nr_free_highatomic;
	return n;
}

static bool permits(const struct ghost_ask *ask, const struct zone *z)
{
	if (z->type > highest(ask->gfp))
		return false;
	if ((ask->gfp & __GFP_THISNODE) && ask->node != NODE_NONE && ask->node != (int)z->node)
		return false;
	return !ask->nodes || (ask->nodes >> z->node & 1);
}

/* Long blocks are looked at where errors are likely: at their ends. */
static void expect_clear(const struct page *page, unsigned int order)
{
	for (u32 i = 0; i < 1u << order; i++) {
		const u64 *word = page_address(page + i);
		u64 any = word[0] | word[PAGE_SIZE / 8 - 1] | word[PAGE_SIZE / 16];

		for (unsigned int w = 0; order < 2 && w < PAGE_SIZE / 8; w++)
			any |= word[w];
		GHOST(!any, frame_number(page + i), "asked for clear, is not");
	}
}

/* Where it lies and what it leaves; not whose it is. */
static void judge(const struct ghost_ask *ask, const struct page *page)
{
	u64 pfn = frame_number(page), nr = 1ull << ask->order;
	const struct zone *z = zone_table[frame_zone_id(page)];

	GHOST(z, pfn, "of no zone");
	GHOST(is_aligned(pfn, nr), pfn, "not aligned to order %u", ask->order);
	GHOST(pfn >= z->start.v && pfn + nr <= z->end.v, pfn, "leaves its zone");
	GHOST(permits(ask, z), pfn, "node %u zone %s is not permitted (flags %x, node %d)", z->node,
	      z->name, ask->gfp, ask->node);
	GHOST(page->refcount == 1, pfn, "served with %u references", page->refcount);
	GHOST(pageblock_type(pfn) != MIGRATE_CMA || (ask->gfp & __GFP_MOVABLE), pfn,
	      "CMA for what cannot move");
	/* Memalloc keeps nothing back, not even the reserve (row 33). */
	if (ask->band < BAND_MEMALLOC) {
		u64 floor = z->floor[ask->band] + z->lowmem_reserve[highest(ask->gfp)];

		GHOST(reach(ask, z) >= floor, pfn, "band %u left %llu, its floor is %llu",
		      ask->band, (unsigned long long)reach(ask, z), (unsigned long long)floor);
	}
	expect(pfn, nr, FREE, FREE);
}

void ghost_served(const struct ghost_ask *ask, struct page *page)
{
	u64 pfn = frame_number(page);

	judge(ask, page);
	if (ask->gfp & __GFP_ZERO)
		expect_clear(page, ask->order);
	set(pfn, ask->order, (u8)(OWNED_HEAD + ask->order), OWNED_REST);
	owner[pfn - base] = ask->owner;
}

void ghost_served_part(const struct ghost_ask *ask, struct page *page, u64 nr)
{
	judge(ask, page);
	for (u64 i = 0; i < nr; i++) {
		*at(frame_number(page) + i) = OWNED_HEAD;
		owner[frame_number(page) + i - base] = ask->owner;
	}
}

void ghost_alloced(struct page *page, unsigned int order, gfp_t gfp)
{
	const struct ghost_ask ask = {
		.gfp = gfp, .order = order, .node = NODE_NONE, .band = NR_BANDS
	};

	ghost_served(&ask, page);
}

void ghost_refused(const struct ghost_ask *ask)
{
	for (unsigned int i = 0; i < nr_zones; i++) {
		const struct zone *z = zones[i];
		u64 floor = z->floor[ask->band] + z->lowmem_reserve[highest(ask->gfp)];
		u64 usable = z->nr_free - z->nr_free_cma - z->nr_free_highatomic;
		u32 filled = z->filled[0] | z->filled[1] | z->filled[2];

		if (!permits(ask, z))
			continue;
		GHOST(usable < (1ull << ask->order) + floor || !(filled >> ask->order), z->start.v,
		      "refused order %u band %u, though %llu are usable over %llu", ask->order,
		      ask->band, (unsigned long long)usable, (unsigned long long)floor);
	}
}

void ghost_freed(struct page *page, unsigned int order)
{
	u64 pfn = page_to_pfn(page).v;

	expect(pfn, 1ull << order, (u8)(OWNED_HEAD + order), OWNED_REST);
	set(pfn, order, FREE, FREE);
	owner[pfn - base] = 0;
}

void ghost_leaked(struct page *page, unsigned int order)
{
	set(page_to_pfn(page).v, order, LEAKED, LEAKED);
}

u16 ghost_owner(const struct page *page)
{
	u64 pfn = frame_number(page);

	return pfn >= base && pfn < base + size ? owner[pfn - base] : 0;
}

u64 ghost_free_pages(void)
{
	u64 n = 0;

	for (u64 i = 0; i < size; i++)
		n += model[i] == FREE && pageblock_type(base + i) != MIGRATE_CMA;
	return n;
}

/* ---- the walk over lists and caches ----------------------------------------------- */

/* A block that nobody owns counts in the pageblocks it covers. */
static void count_block(u16 *counts, u64 pfn, unsigned int order)
{
	u64 nr = 1ull << order;

	for (u64 i = (pfn - base) / PAGEBLOCK_PAGES; nr; i++) {
		u64 part = min_u64(nr, PAGEBLOCK_PAGES);

		counts[i] = (u16)(counts[i] + part);
		nr -= part;
	}
}

/* Areas of CMA are the only blocks whose list and pageblock never part. */
static void check_border(u64 pfn, unsigned int o, enum migratetype t)
{
	u64 last = pfn + (1ull << o) - 1;

	GHOST((pageblock_type(pfn) == MIGRATE_CMA) == (t == MIGRATE_CMA), pfn,
	      "on list %u, pageblock is %u", t, pageblock_type(pfn));
	GHOST((pageblock_type(last) == MIGRATE_CMA) == (t == MIGRATE_CMA), last,
	      "on list %u, pageblock is %u", t, pageblock_type(last));
}

/* One list: linked both ways, counted, every head what the list says. */
static u64 check_list(const struct zone *z, unsigned int o, enum migratetype t)
{
	const struct page_list *l = &z->area[o].list[t];
	u32 before = PFN_NIL, n = 0;

	for (u32 pfn = l->head; pfn != PFN_NIL; before = pfn, pfn = frame(pfn)->next) {
		const struct page *page = frame(pfn);

		GHOST(n++ < l->count, pfn, "list longer than its count");
		GHOST(page->prev == before, pfn, "links back to %x", page->prev);
		GHOST(page->flags == frame_flags(z->id, PAGE_FREE, o, t), pfn,
		      "flags %x on the list of order %u type %u", page->flags, o, t);
		GHOST(page->refcount == 0, pfn, "free but referenced");
		expect(pfn, 1ull << o, FREE, FREE);
		check_border(pfn, o, t);
		count_block(block_free, pfn, o);
	}
	GHOST(l->tail == before && n == l->count, before, "order %u type %u: tail or count wrong",
	      o, t);
	GHOST(!!(z->filled[t] >> o & 1) == (n != 0), z->start.v,
	      "order %u type %u: filled bit wrong", o, t);
	return (u64)n << o;
}

/* One CPU's lists of the zone: as long as the counters say. */
static u64 check_cache(const struct zone *z, const struct pcp *p)
{
	u64 pages = 0;

	for (unsigned int o = 0; o < PCP_ORDERS; o++) {
		for (unsigned int t = 0; t < PCP_TYPES; t++) {
			u32 n = pcp_blocks(&p->list[o][t]);
			u32 pfn = p->list[o][t].head;

			pages += (u64)n << o;
			for (; pfn != PFN_NIL; pfn = frame(pfn)->next, n--) {
				GHOST(n, pfn, "cache list longer than put - taken");
				GHOST(frame_state(frame(pfn)) == PAGE_CACHED &&
					      frame_order(frame(pfn)) == o &&
					      frame_zone_id(frame(pfn)) == z->id,
				      pfn, "flags %x in a cache of order %u", frame(pfn)->flags, o);
				expect(pfn, 1ull << o, FREE, FREE);
			}
			GHOST(!n, z->start.v, "CPU %u order %u type %u: %u blocks missing", p->cpu,
			      o, t, n);
		}
	}
	return pages;
}

/* ---- the walk over frames --------------------------------------------------------- */

/* The zone is the frame's own: nodes may lie inside each other. */
static void check_unmerged(const struct zone *z, u64 pfn, unsigned int order)
{
	u64 buddy = pfn ^ (1ull << order);

	if (order == MAX_PAGE_ORDER || buddy < z->start.v || buddy >= z->end.v)
		return;
	if (order >= PAGEBLOCK_ORDER &&
	    (pageblock_type(buddy) != pageblock_type(pfn) ||
	     frame_list_type(frame(buddy)) != frame_list_type(frame(pfn))))
		return;
	GHOST((frame(buddy)->flags & ~(u32)PAGE_MT_MASK) !=
		      frame_flags(z->id, PAGE_FREE, order, (enum migratetype)0),
	      pfn, "two free buddies of order %u left apart", order);
}

/* Heads and tails of one block; the places where a split or merge writes. */
static void check_tails(u64 pfn, unsigned int order)
{
	for (unsigned int k = 0; k < order; k++)
		GHOST(frame_state(frame(pfn + (1ull << k))) == PAGE_TAIL, pfn + (1ull << k),
		      "state %u inside a block", frame_state(frame(pfn + (1ull << k))));
}

static void check_head(const struct zone *z, u64 pfn, struct tally *sum)
{
	const struct page *page = frame(pfn);
	unsigned int order = frame_order(page);
	u64 nr = 1ull << order;
	u8 m = *at(pfn);

	GHOST(order <= MAX_PAGE_ORDER && is_aligned(pfn, nr) && pfn + nr <= z->end.v, pfn,
	      "block of order %u", order);
	check_tails(pfn, order);
	switch (frame_state(page)) {
	case PAGE_FREE:
		check_unmerged(z, pfn, order);
		break;
	case PAGE_CACHED:
	case PAGE_GUARD:
		expect(pfn, nr, FREE, FREE);
		*(frame_state(page) == PAGE_GUARD ? &sum->guards : &sum->cached) += nr;
		break;
	case PAGE_ALLOCATED:
		GHOST(m == OWNED_HEAD + order, pfn, "owned with order %u, model says %d", order,
		      m - OWNED_HEAD);
		expect(pfn, nr, m, OWNED_REST);
		sum->allocated += nr;
		break;
	case PAGE_BAD:
		GHOST(m == LEAKED, pfn, "bad, but the model knows no leak");
		sum->leaked += nr;
		break;
	default:
		GHOST(false, pfn, "managed, but state %u where a head should be",
		      frame_state(page));
	}
	if ((frame_state(page) == PAGE_ALLOCATED || frame_state(page) == PAGE_CACHED) &&
	    frame_list_type(page) == MIGRATE_MOVABLE)
		count_block(block_movable, pfn, order);
}

static void check_run(const struct run *r, struct tally *sum)
{
	for (u64 pfn = r->start; pfn < r->end; pfn += 1ull << frame_order(frame(pfn)))
		check_head(r->zone, pfn, sum);
}

/* ---- sums ------------------------------------------------------------------------- */

static void check_sums(const struct zone *z, const struct tally *sum)
{
	u64 nr_free = 0;

	for (unsigned int t = 0; t < MIGRATE_TYPES; t++)
		nr_free += sum->listed[t];
	GHOST(nr_free == z->nr_free, z->start.v, "nr_free %llu, lists hold %llu",
	      (unsigned long long)z->nr_free, (unsigned long long)nr_free);
	GHOST(sum->listed[MIGRATE_CMA] == z->nr_free_cma, z->start.v, "nr_free_cma");
	GHOST(sum->listed[MIGRATE_HIGHATOMIC] == z->nr_free_highatomic, z->start.v,
	      "nr_free_highatomic");
	GHOST(z->nr_usable == nr_free - z->nr_free_cma - z->nr_free_highatomic, z->start.v,
	      "nr_usable %llu", (unsigned long long)z->nr_usable);
	GHOST(sum->guards == z->nr_guard && sum->leaked == z->nr_leaked, z->start.v,
	      "guards or leaks");
	GHOST(z->managed_pages ==
		      nr_free + sum->cached + sum->allocated + sum->guards + sum->leaked,
	      z->start.v, "managed %llu: %llu free, %llu cached, %llu allocated",
	      (unsigned long long)z->managed_pages, (unsigned long long)nr_free,
	      (unsigned long long)sum->cached, (unsigned long long)sum->allocated);
}

static void check_ladder(const struct zone *z)
{
	for (unsigned int b = 1; b < NR_BANDS; b++)
		GHOST(z->floor[b] <= z->floor[b - 1], z->start.v, "floor of band %u rises", b);
	GHOST(z->floor[BAND_MEMALLOC] == 0, z->start.v, "memalloc has a floor");
	GHOST(z->wmark[WMARK_MIN] <= z->wmark[WMARK_LOW] &&
		      z->wmark[WMARK_LOW] <= z->wmark[WMARK_HIGH],
	      z->start.v, "marks do not rise");
}

static void check_zone(const struct zone *z)
{
	struct tally sum = { 0 };
	u64 cached = 0;

	for (unsigned int o = 0; o < NR_PAGE_ORDERS; o++)
		for (unsigned int t = 0; t < MIGRATE_TYPES; t++)
			sum.listed[t] += check_list(z, o, (enum migratetype)t);
	for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++)
		if (z->pcp[cpu])
			cached += check_cache(z, z->pcp[cpu]);
	for (unsigned int i = 0; i < nr_runs; i++)
		if (run[i].zone == z)
			check_run(&run[i], &sum);
	GHOST(cached == sum.cached, z->start.v, "%llu pages in caches, %llu marked so",
	      (unsigned long long)cached, (unsigned long long)sum.cached);
	check_sums(z, &sum);
	check_ladder(z);
}

/* Areas of CMA stay what boot made them, and nothing else joins them. */
static void check_blocks(void)
{
	for (unsigned int i = 0; i < nr_runs; i++) {
		for (u64 pfn = run[i].start; pfn < run[i].end;
		     pfn = align_down(pfn, PAGEBLOCK_PAGES) + PAGEBLOCK_PAGES) {
			const struct pageblock *b = pageblock_entry(pfn);
			u64 at_base = (pfn - base) / PAGEBLOCK_PAGES;

			GHOST((block_type[at_base] == MIGRATE_CMA) == (b->type == MIGRATE_CMA), pfn,
			      "pageblock was %u, is %u", block_type[at_base], b->type);
			if (!blocks_counted || b->shared)
				continue;
			GHOST(b->nr_free == block_free[at_base], pfn,
			      "pageblock counts %u free, lists %u", b->nr_free,
			      block_free[at_base]);
			GHOST(b->nr_movable == block_movable[at_base], pfn,
			      "pageblock counts %u movable, heads %u", b->nr_movable,
			      block_movable[at_base]);
		}
	}
}

void ghost_check(void)
{
	memset(block_free, 0, nr_blocks() * sizeof(*block_free));
	memset(block_movable, 0, nr_blocks() * sizeof(*block_movable));
	for (unsigned int i = 0; i < nr_zones; i++)
		check_zone(zones[i]);
	check_blocks();
	GHOST(!fake_locks_held() && !arch_irqs_masked(), 0, "a lock or the mask is left over");
}
