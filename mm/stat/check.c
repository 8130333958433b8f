/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The validator: walks every frame and every list of every zone and compares
 * them with the equations in mm/types.h (invariants 1-5, 7, 15). It only reads.
 *
 * A zone is walked in steps of 32 frames or links, each under the zone lock with
 * interrupts masked. If anybody allocated or freed in between, what was counted
 * so far no longer belongs together, so the walk of that zone starts over; after
 * a few tries it says that the zone is too busy. What one step finds wrong is
 * wrong in any case and counts.
 */
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/buddy.h"
#include "mm/page/pageblock.h"

enum {
	STEP = 32,
	TRIES = 5,
	MAX_PRINTED = 32,     /* findings in words; all are counted */
	LEAST_FOR_GAP = 1000, /* managed pages from which the marks must differ */
};

struct walk {
	struct out *out;
	const struct zone *z;
	unsigned int findings;
	u64 generation; /* of the zone when this try began */

	/* Inside a block: frames still to come that must be tails. */
	u64 inside;
	/* Recounted, in pages, and blocks by list. */
	u64 free, cma, allocated, leaked, reserved, holes;
	u64 blocks[NR_PAGE_ORDERS][MIGRATE_TYPES];
};

static void tm_printf(3, 4) found(struct walk *w, u64 pfn, const char *fmt, ...)
{
	va_list ap;

	if (w->findings++ >= MAX_PRINTED)
		return;
	out_printf(w->out, "mm check: node %u zone %s frame %llx: ", w->z->node, w->z->name,
		   (unsigned long long)pfn);
	va_start(ap, fmt);
	out_vprintf(w->out, fmt, ap);
	va_end(ap);
	out_printf(w->out, "\n");
}

/* Changes whenever a block changes hands. */
static u64 generation(const struct zone *z)
{
	return z->nr_alloc + z->nr_freed + z->bad_page + z->managed_pages;
}

/* ---- frames (invariants 1, 2, 3) ----------------------------------------------------- */

static bool is_free_head(const struct zone *z, u64 pfn, unsigned int order)
{
	return (frame(pfn)->flags & ~(u32)PAGE_MT_MASK) ==
	       frame_flags(z->id, PAGE_FREE, order, (enum migratetype)0);
}

static void check_free_head(struct walk *w, u64 pfn, unsigned int order)
{
	const struct page *page = frame(pfn);
	enum migratetype mt = frame_list_type(page);
	u64 buddy = pfn ^ (1ull << order);

	if (mt >= MIGRATE_TYPES) {
		found(w, pfn, "list type %u", mt);
		return;
	}
	w->free += 1ull << order;
	w->cma += mt == MIGRATE_CMA ? 1ull << order : 0;
	w->blocks[order][mt]++;
	if (mt != pageblock_type(pfn) || mt != pageblock_type(pfn + (1ull << order) - 1))
		found(w, pfn, "free block on list %s, pageblock is %s", migratetype_name(mt),
		      migratetype_name(pageblock_type(pfn)));
	if (page->refcount || page->mapping || page->mapcount)
		found(w, pfn, "free, but referenced or mapped");
	if (order < MAX_PAGE_ORDER && is_free_head(w->z, buddy, order) &&
	    (order < PAGEBLOCK_ORDER || frame_list_type(frame(buddy)) == mt))
		found(w, pfn, "unmerged free buddies of order %u", order);
}

static void check_head(struct walk *w, u64 pfn, enum page_state state)
{
	unsigned int order = frame_order(frame(pfn));

	if (order > MAX_PAGE_ORDER || !is_aligned(pfn, 1ull << order) ||
	    pfn + (1ull << order) > w->z->end.v) {
		found(w, pfn, "block of order %u is misaligned or leaves its zone", order);
		return;
	}
	BUG_ON_VAL(w->inside, pfn, w->inside);
	w->inside = (1ull << order) - 1;
	if (state == PAGE_FREE)
		check_free_head(w, pfn, order);
	else if (state == PAGE_ALLOCATED || state == PAGE_CACHED)
		w->allocated += 1ull << order;
	else
		w->leaked += 1ull << order;
	if (state == PAGE_ALLOCATED && !frame(pfn)->refcount)
		found(w, pfn, "allocated, but not referenced");
}

static void check_frame(struct walk *w, u64 pfn)
{
	const struct page *page = frame(pfn);
	enum page_state state = frame_state(page);

	if (state != PAGE_HOLE && frame_zone_id(page) != w->z->id) {
		found(w, pfn, "claims zone %u", frame_zone_id(page));
		w->inside = 0;
		return;
	}
	if (w->inside) {
		w->inside--;
		if (state != PAGE_TAIL)
			found(w, pfn, "state %u inside a block", state);
		return;
	}
	switch (state) {
	case PAGE_FREE:
	case PAGE_ALLOCATED:
	case PAGE_BAD:
	case PAGE_CACHED:
	case PAGE_GUARD:
		check_head(w, pfn, state);
		break;
	case PAGE_RESERVED:
		w->reserved++;
		break;
	case PAGE_HOLE:
		w->holes++;
		break;
	case PAGE_TAIL:
		found(w, pfn, "a tail without a head");
		break;
	}
}

/* Frames of another node inside our span belong to nobody here: holes. */
static bool is_ours(const struct zone *z, u64 pfn)
{
	return frame_state(frame(pfn)) == PAGE_HOLE || page_node(frame(pfn)) == (int)z->node;
}

/* False: the zone changed underneath. */
static bool check_frames(struct walk *w, struct zone *z)
{
	for (u64 pfn = z->start.v; pfn < z->end.v;) {
		u64 end = min_u64(align_down(pfn, STEP) + STEP, z->end.v);
		u64 flags;
		bool same;

		if (!frame_exists(pfn)) {
			w->holes += end - pfn;
			pfn = end;
			continue;
		}
		flags = spin_lock_irqsave(&z->lock);
		same = generation(z) == w->generation;
		for (; same && pfn < end; pfn++) {
			if (is_ours(z, pfn))
				check_frame(w, pfn);
			else
				w->holes++;
		}
		spin_unlock_irqrestore(&z->lock, flags);
		if (!same)
			return false;
	}
	return true;
}

/* ---- lists (invariants 4, 5) ------------------------------------------------------------ */

/* Up to STEP links from *pfn on; false when the list cannot be followed. */
static bool check_links(struct walk *w, const struct page_list *l, u32 flags, u32 *pfn, u32 *before,
			u64 *count)
{
	for (unsigned int i = 0; i < STEP && *pfn != PFN_NIL; i++) {
		const struct page *page = frame(*pfn);

		if (!frame_exists(*pfn) || ++*count > l->count) {
			found(w, *pfn, "list leads outside, or in a circle");
			return false;
		}
		if (page->flags != flags)
			found(w, *pfn, "flags %x on a list of %x", page->flags, flags);
		if (page->prev != *before)
			found(w, *pfn, "links back to %x, not to %x", page->prev, *before);
		*before = *pfn;
		*pfn = page->next;
	}
	return true;
}

/* False: the zone changed underneath. */
static bool check_list(struct walk *w, struct zone *z, unsigned int order, enum migratetype mt)
{
	const struct page_list *l = &z->area[order].list[mt];
	u32 expected = frame_flags(z->id, PAGE_FREE, order, mt);
	u32 pfn = PFN_NIL, before = PFN_NIL;
	u64 count = 0;
	bool first = true;

	while (first || pfn != PFN_NIL) {
		u64 flags = spin_lock_irqsave(&z->lock);
		bool same = generation(z) == w->generation, sound = true;

		if (first)
			pfn = l->head;
		if (same)
			sound = check_links(w, l, expected, &pfn, &before, &count);
		spin_unlock_irqrestore(&z->lock, flags);
		if (!same)
			return false;
		if (!sound)
			return true;
		first = false;
	}
	if (count != l->count || count != w->blocks[order][mt] || l->tail != before)
		found(w, before, "order %u %s: %llu linked, %u counted, %llu seen", order,
		      migratetype_name(mt), (unsigned long long)count, l->count,
		      (unsigned long long)w->blocks[order][mt]);
	if ((z->filled[mt] >> order & 1) != (count != 0))
		found(w, before, "order %u %s: filled bit is wrong", order, migratetype_name(mt));
	return true;
}

static bool check_lists(struct walk *w, struct zone *z)
{
	for (unsigned int o = 0; o < NR_PAGE_ORDERS; o++)
		for (unsigned int t = 0; t < MIGRATE_TYPES; t++)
			if (!check_list(w, z, o, (enum migratetype)t))
				return false;
	return true;
}

/* ---- sums (invariants 1, 4, 7, 15) --------------------------------------------------------- */

static void check_equal(struct walk *w, const char *what, u64 counted, u64 recounted)
{
	if (counted != recounted)
		found(w, w->z->start.v, "%s is %llu, recounted %llu", what,
		      (unsigned long long)counted, (unsigned long long)recounted);
}

/* False: the zone changed underneath. */
static bool check_sums(struct walk *w, struct zone *z)
{
	u64 flags = spin_lock_irqsave(&z->lock);
	u64 managed = z->managed_pages, free = z->nr_free, cma = z->nr_free_cma;
	u64 leaked = z->nr_leaked;
	bool same = generation(z) == w->generation;

	spin_unlock_irqrestore(&z->lock, flags);
	if (!same)
		return false;
	check_equal(w, "free", free, w->free);
	check_equal(w, "free CMA", cma, w->cma);
	check_equal(w, "leaked", leaked, w->leaked);
	check_equal(w, "managed", managed, w->free + w->allocated + w->leaked);
	check_equal(w, "present", z->present_pages, managed + w->reserved);
	check_equal(w, "spanned", z->spanned_pages, z->present_pages + w->holes);
	return true;
}

static void check_marks(struct walk *w, const struct zone *z)
{
	const u64 *m = z->wmark;
	bool apart = m[WMARK_MIN] < m[WMARK_LOW] && m[WMARK_LOW] < m[WMARK_HIGH];
	bool ordered = m[WMARK_MIN] <= m[WMARK_LOW] && m[WMARK_LOW] <= m[WMARK_HIGH];

	if (!ordered || (!apart && z->managed_pages >= LEAST_FOR_GAP))
		found(w, z->start.v, "marks %llu %llu %llu do not rise",
		      (unsigned long long)m[WMARK_MIN], (unsigned long long)m[WMARK_LOW],
		      (unsigned long long)m[WMARK_HIGH]);
	for (unsigned int t = 0; t <= z->type; t++)
		if (z->lowmem_reserve[t])
			found(w, z->start.v, "keeps %llu pages from zone type %u below it",
			      (unsigned long long)z->lowmem_reserve[t], t);
}

static bool check_zone_once(struct walk *w, struct zone *z)
{
	u64 flags;

	*w = (struct walk){ .out = w->out, .z = z, .findings = w->findings };
	flags = spin_lock_irqsave(&z->lock);
	w->generation = generation(z);
	spin_unlock_irqrestore(&z->lock, flags);
	return check_frames(w, z) && check_lists(w, z) && check_sums(w, z);
}

static void check_zone(struct walk *w, struct zone *z)
{
	bool done = false;

	for (unsigned int i = 0; !done && i < TRIES; i++)
		done = check_zone_once(w, z);
	if (!done)
		out_printf(w->out, "mm check: node %u zone %s is too busy, counts not compared\n",
			   z->node, z->name);
	check_marks(w, z);
}

/* What a node holds back is at most what it has. */
static void check_reserves(struct walk *w, const struct node *n)
{
	u64 managed = 0;

	for (unsigned int t = 0; t < NR_ZONE_TYPES; t++)
		managed += n->zone[t].managed_pages;
	w->z = &n->zone[0];
	if (n->totalreserve_pages > managed)
		found(w, n->start.v, "node keeps back %llu of %llu pages",
		      (unsigned long long)n->totalreserve_pages, (unsigned long long)managed);
}

unsigned int mm_check(struct out *out)
{
	struct walk w = { .out = out };

	for (struct zone *z = zone_next(0); z; z = zone_next(z->id + 1))
		check_zone(&w, z);
	for (u32 id = 0; id < MAX_NODES; id++)
		if (node_table[id])
			check_reserves(&w, node_table[id]);
	if (w.findings > MAX_PRINTED)
		out_printf(out, "mm check: %u findings, %u shown\n", w.findings, MAX_PRINTED);
	return w.findings;
}
