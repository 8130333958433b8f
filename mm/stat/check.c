/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The validator: walks every frame and every list of every zone and compares
 * them with the equations in mm/types.h (invariants 1-8, 15). It only reads. The
 * per-CPU caches are check_cache.c's.
 *
 * A zone is walked in steps of a few heads or links, each under the zone lock with
 * interrupts masked. If anybody took from its lists or put there in between, what
 * was counted so far no longer belongs together, so the walk of that zone starts
 * over; after a few tries it says that the zone is too busy. What one step finds
 * wrong is wrong in any case and counts.
 *
 * A hit of a per-CPU cache takes no lock: under it a block may turn from cached
 * into allocated and back. So those two are told apart only where nobody hits.
 */
#include "mm/stat/check.h"

#include "mm/boot/topology.h"
#include "mm/page/buddy.h"
#include "mm/page/pageblock.h"
#include "mm/page/reserves.h"
#include "mm/stat/owner.h"

enum {
	/* A head costs up to 120 instructions, the rest of a block 10 a frame; a lock
	 * is held for 1,000 at most. */
	STEP = 2,
	STEP_FRAMES = 32,
	TRIES = 5,
	LOOKS = 64,         /* at a head that another CPU may be turning */
	MAX_PRINTED = 32,   /* findings in words; all are counted */
	SCALE_UNIT = 10000, /* of watermark_scale_factor */
};

static void tm_printf(3, 0)
	print_finding(struct check_walk *w, u64 pfn, const char *fmt, va_list ap)
{
	if (w->findings++ >= MAX_PRINTED)
		return;
	out_printf(w->out, "mm check: node %u zone %s frame %#llx: ", w->z->node, w->z->name,
		   (unsigned long long)pfn);
	out_vprintf(w->out, fmt, ap);
	out_printf(w->out, "\n");
}

void check_found(struct check_walk *w, u64 pfn, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_finding(w, pfn, fmt, ap);
	va_end(ap);
}

/* Changes whenever a block joins or leaves the lists, or changes them. */
static u64 generation(const struct zone *z)
{
	return z->nr_alloc + z->nr_freed + z->bad_page + z->managed_pages +
	       z->nr_free_highatomic * MAX_ORDER_PAGES + (z->nr_highatomic << 32);
}

/* ---- frames (invariants 1, 2, 3) ----------------------------------------------------- */

static bool is_free_head(const struct zone *z, u64 pfn, unsigned int order)
{
	return (frame_peek(frame(pfn)) & ~(u32)PAGE_MT_MASK) ==
	       frame_flags(z->id, PAGE_FREE, order, (enum migratetype)0);
}

/* The list a free block is on follows from its pageblock, or from what that once
 * was; but nothing comes to or leaves an area of CMA or what is isolated so. */
static void check_list_type(struct check_walk *w, u64 pfn, enum migratetype list)
{
	enum migratetype home = pageblock_type(pfn);
	bool list_fixed = list == MIGRATE_CMA || list == MIGRATE_ISOLATE;
	bool home_fixed = home == MIGRATE_CMA || home == MIGRATE_ISOLATE;

	if (list != home && (list_fixed || home_fixed))
		check_found(w, pfn, "free block on list %s, pageblock is %s",
			    migratetype_name(list), migratetype_name(home));
}

static void check_free_head(struct check_walk *w, u64 pfn, unsigned int order)
{
	const struct page *page = frame(pfn);
	enum migratetype mt = frame_list_type(page);
	u64 buddy = pfn ^ (1ull << order);

	if (mt >= MIGRATE_TYPES) {
		check_found(w, pfn, "list type %u", mt);
		return;
	}
	w->free[mt] += 1ull << order;
	w->blocks[order][mt]++;
	check_list_type(w, pfn, mt);
	check_list_type(w, pfn + (1ull << order) - 1, mt);
	if (page->refcount || page->mapping || page->mapcount)
		check_found(w, pfn, "free, but referenced or mapped");
	if (order < MAX_PAGE_ORDER && is_free_head(w->z, buddy, order) &&
	    (order < PAGEBLOCK_ORDER || flags_list_type(frame_peek(frame(buddy))) == mt))
		check_found(w, pfn, "unmerged free buddies of order %u", order);
}

/*
 * A block somebody has, or that waits in a cache for somebody. Flags and reference
 * change in one masked section of the CPU that has it, which a walk may meet half
 * way: what is wrong must stay so.
 */
static void check_used_head(struct check_walk *w, u64 pfn, unsigned int order)
{
	const struct page *page = frame(pfn);
	enum page_state state = PAGE_HOLE;
	u32 flags = 0, type;
	bool wrong = true;

	for (unsigned int i = 0; wrong && i < LOOKS; i++) {
		u32 refs;

		flags = __atomic_load_n(&page->flags, __ATOMIC_ACQUIRE);
		refs = __atomic_load_n(&page->refcount, __ATOMIC_ACQUIRE);
		state = (enum page_state)(flags & PAGE_STATE_MASK);
		wrong = state == PAGE_ALLOCATED ? !refs : refs != 0;
		if (wrong)
			arch_cpu_relax();
	}
	type = (flags & PAGE_MT_MASK) >> PAGE_MT_SHIFT;
	*(state == PAGE_ALLOCATED ? &w->allocated : &w->cached) += 1ull << order;
	if (wrong)
		check_found(w, pfn,
			    state == PAGE_ALLOCATED ? "allocated, but not referenced"
						    : "cached, but referenced");
	if (state == PAGE_CACHED && (order >= PCP_ORDERS || type >= PCP_TYPES))
		check_found(w, pfn, "cached with order %u, type %u", order, type);
	if (type == MIGRATE_MOVABLE)
		w->kind = CHECK_MOVABLE;
}

static void check_head(struct check_walk *w, u64 pfn, enum page_state state)
{
	unsigned int order = flags_order(frame_peek(frame(pfn)));

	if (order > MAX_PAGE_ORDER || !is_aligned(pfn, 1ull << order) ||
	    pfn + (1ull << order) > w->z->end.v) {
		check_found(w, pfn, "block of order %u is misaligned or leaves its zone", order);
		return;
	}
	BUG_ON_VAL(w->inside, pfn, w->inside);
	w->inside = (1ull << order) - 1;
	if (state == PAGE_FREE) {
		w->kind = CHECK_FREE;
		check_free_head(w, pfn, order);
	} else if (state == PAGE_ALLOCATED || state == PAGE_CACHED) {
		check_used_head(w, pfn, order);
	} else {
		*(state == PAGE_GUARD ? &w->guards : &w->leaked) += 1ull << order;
	}
}

static void check_tail(struct check_walk *w, u64 pfn, enum page_state state)
{
	w->inside--;
	if (state != PAGE_TAIL)
		check_found(w, pfn, "state %u inside a block", state);
}

static void check_frame(struct check_walk *w, u64 pfn)
{
	u32 flags = frame_peek(frame(pfn)), zone_id = (flags & PAGE_ZONE_MASK) >> PAGE_ZONE_SHIFT;
	enum page_state state = (enum page_state)(flags & PAGE_STATE_MASK);

	if (state != PAGE_HOLE && zone_id != w->z->id) {
		check_found(w, pfn, "claims zone %u", zone_id);
		w->inside = 0;
		return;
	}
	if (w->inside) {
		check_tail(w, pfn, state);
		return;
	}
	w->kind = CHECK_OTHER;
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
		w->kind = CHECK_HOLE;
		break;
	case PAGE_TAIL:
		check_found(w, pfn, "a tail without a head");
		break;
	}
}

/* The zone ends or begins in this pageblock and has nothing in it but holes: what it
 * counts are the frames of the zone next door. */
static bool is_neighbours(const struct check_walk *w)
{
	u32 seen = 0;

	for (unsigned int kind = 0; kind < NR_CHECK_KINDS; kind++)
		seen += w->in_block[kind];
	return seen < PAGEBLOCK_PAGES && seen == w->in_block[CHECK_HOLE];
}

/* The last frame of a pageblock was seen: what it counts is what there was. */
static void check_pageblock(struct check_walk *w, u64 pfn)
{
	const struct pageblock *b = pageblock_entry(pfn);

	if (b->type >= MIGRATE_TYPES)
		check_found(w, pfn, "pageblock of type %u", b->type);
	if (!b->shared && !w->in_block[CHECK_FOREIGN] && !is_neighbours(w) &&
	    (b->nr_free != w->in_block[CHECK_FREE] || b->nr_movable != w->in_block[CHECK_MOVABLE]))
		check_found(w, pfn, "pageblock counts %u free, %u movable, recounted %u and %u",
			    b->nr_free, b->nr_movable, w->in_block[CHECK_FREE],
			    w->in_block[CHECK_MOVABLE]);
	memset(w->in_block, 0, sizeof(w->in_block));
}

/* Frames of another node inside our span belong to nobody here: holes. */
static bool is_ours(const struct zone *z, u64 pfn)
{
	u32 flags = frame_peek(frame(pfn));

	return (flags & PAGE_STATE_MASK) == PAGE_HOLE ||
	       ((flags & PAGE_ZONE_MASK) >> PAGE_ZONE_SHIFT) / NR_ZONE_TYPES == z->node;
}

/* Most frames are the rest of a block, and as they should be: the first from pfn on
 * that is not, or that ends the step. */
static u64 pass_tails(struct check_walk *w, u64 pfn, u64 end)
{
	const u32 mask = PAGE_STATE_MASK | PAGE_ZONE_MASK;
	const u32 tail = frame_flags(w->z->id, PAGE_TAIL, 0, (enum migratetype)0);
	u64 n = 0, most = min_u64(w->inside, end - 1 - pfn);

	while (n < most && (frame_peek(frame(pfn + n)) & mask) == tail)
		n++;
	w->inside -= n;
	w->in_block[w->kind] += (u32)n;
	return pfn + n;
}

/* A step's frames, the lock held; where the next step begins. */
static u64 check_some(struct check_walk *w, u64 pfn, u64 end)
{
	const struct zone *z = w->z;

	for (unsigned int i = 0; i < STEP && pfn < end; i++, pfn++) {
		pfn = pass_tails(w, pfn, end);
		if (is_ours(z, pfn)) {
			check_frame(w, pfn);
			w->in_block[w->kind]++;
		} else {
			w->holes++;
			w->in_block[CHECK_FOREIGN]++;
		}
		if (is_aligned(pfn + 1, PAGEBLOCK_PAGES) || pfn + 1 == z->end.v)
			check_pageblock(w, pfn);
	}
	return pfn;
}

/* False: the zone changed underneath. */
static bool check_frames(struct check_walk *w, struct zone *z)
{
	for (u64 pfn = z->start.v; pfn < z->end.v;) {
		u64 end = min_u64(align_down(pfn, STEP_FRAMES) + STEP_FRAMES, z->end.v);
		u64 flags;
		bool same;

		if (!frame_exists(pfn)) {
			w->holes += end - pfn;
			pfn = end;
			continue;
		}
		flags = spin_lock_irqsave(&z->lock);
		same = generation(z) == w->generation;
		if (same)
			pfn = check_some(w, pfn, end);
		spin_unlock_irqrestore(&z->lock, flags);
		if (!same)
			return false;
	}
	return true;
}

/* ---- lists (invariants 4, 5) ------------------------------------------------------------ */

/* Up to STEP links from *pfn on; false when the list cannot be followed. */
static bool check_links(struct check_walk *w, const struct page_list *l, u32 flags, u32 *pfn,
			u32 *before, u64 *count)
{
	for (unsigned int i = 0; i < STEP && *pfn != PFN_NIL; i++) {
		const struct page *page = frame(*pfn);

		if (!frame_exists(*pfn) || ++*count > l->count) {
			check_found(w, *pfn, "list leads outside, or in a circle");
			return false;
		}
		if (page->flags != flags)
			check_found(w, *pfn, "flags %x on a list of %x", page->flags, flags);
		if (page->prev != *before)
			check_found(w, *pfn, "links back to %x, not to %x", page->prev, *before);
		*before = *pfn;
		*pfn = page->next;
	}
	return true;
}

/* False: the zone changed underneath. */
static bool check_list(struct check_walk *w, struct zone *z, unsigned int order,
		       enum migratetype mt)
{
	const struct page_list *l = &z->area[order].list[mt];
	u32 expected = frame_flags(z->id, PAGE_FREE, order, mt);
	u32 pfn = PFN_NIL, before = PFN_NIL, filled = 0;
	struct page_list said = { 0 }; /* at the last link, under the lock */
	u64 count = 0;
	bool first = true;

	while (first || pfn != PFN_NIL) {
		u64 flags = spin_lock_irqsave(&z->lock);
		bool same = generation(z) == w->generation, sound = true;

		if (first)
			pfn = l->head;
		if (same)
			sound = check_links(w, l, expected, &pfn, &before, &count);
		said = *l;
		filled = z->filled[mt];
		spin_unlock_irqrestore(&z->lock, flags);
		if (!same)
			return false;
		if (!sound)
			return true;
		first = false;
	}
	if (count != said.count || count != w->blocks[order][mt] || said.tail != before)
		check_found(w, before, "order %u %s: %llu linked, %u counted, %llu seen", order,
			    migratetype_name(mt), (unsigned long long)count, said.count,
			    (unsigned long long)w->blocks[order][mt]);
	if ((filled >> order & 1) != (count != 0))
		check_found(w, before, "order %u %s: filled bit is wrong", order,
			    migratetype_name(mt));
	return true;
}

static bool check_lists(struct check_walk *w, struct zone *z)
{
	for (unsigned int o = 0; o < NR_PAGE_ORDERS; o++)
		for (unsigned int t = 0; t < MIGRATE_TYPES; t++)
			if (!check_list(w, z, o, (enum migratetype)t))
				return false;
	return true;
}

/* ---- sums (invariants 1, 4, 7, 15) --------------------------------------------------------- */

static void check_equal(struct check_walk *w, const char *what, u64 counted, u64 recounted)
{
	if (counted != recounted)
		check_found(w, w->z->start.v, "%s is %llu, recounted %llu", what,
			    (unsigned long long)counted, (unsigned long long)recounted);
}

/* What the zone says about itself. */
struct counts {
	u64 managed, free, cma, highatomic, usable, leaked, guard;
};

/* Of one moment; false: the zone changed underneath. */
static bool copy_counts(const struct check_walk *w, struct zone *z, struct counts *c)
{
	u64 flags = spin_lock_irqsave(&z->lock);
	bool same = generation(z) == w->generation;

	*c = (struct counts){ z->managed_pages, z->nr_free,   z->nr_free_cma, z->nr_free_highatomic,
			      z->nr_usable,     z->nr_leaked, z->nr_guard };
	spin_unlock_irqrestore(&z->lock, flags);
	return same;
}

/* False: the zone changed underneath. */
static bool check_sums(struct check_walk *w, struct zone *z)
{
	struct counts said;
	u64 free = 0;

	if (!copy_counts(w, z, &said))
		return false;
	for (unsigned int t = 0; t < MIGRATE_TYPES; t++)
		free += w->free[t];
	check_equal(w, "free", said.free, free);
	check_equal(w, "free CMA", said.cma, w->free[MIGRATE_CMA]);
	check_equal(w, "free high-atomic", said.highatomic, w->free[MIGRATE_HIGHATOMIC]);
	check_equal(w, "usable", said.usable,
		    free - w->free[MIGRATE_CMA] - w->free[MIGRATE_HIGHATOMIC]);
	check_equal(w, "leaked", said.leaked, w->leaked);
	check_equal(w, "guards", said.guard, w->guards);
	check_equal(w, "managed", said.managed,
		    free + w->allocated + w->cached + w->guards + w->leaked);
	check_equal(w, "present", z->present_pages, said.managed + w->reserved);
	check_equal(w, "spanned", z->spanned_pages, z->present_pages + w->holes);
	return true;
}

static void copy_words(u64 *to, const u64 *from, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

/* What a zone's marks and reserve are. */
struct marks {
	u64 min, low, high, managed, reserve[NR_ZONE_TYPES];
};

static void copy_marks(struct marks *m, const struct zone *z)
{
	copy_words(&m->min, &z->wmark[WMARK_MIN], 1);
	copy_words(&m->low, &z->wmark[WMARK_LOW], 1);
	copy_words(&m->high, &z->wmark[WMARK_HIGH], 1);
	copy_words(&m->managed, &z->managed_pages, 1);
	copy_words(m->reserve, z->lowmem_reserve, NR_ZONE_TYPES);
}

static bool marks_rise(const struct marks *m)
{
	/* Less than a page apart is not apart. */
	u64 scaled = m->managed * reserves_knobs().watermark_scale_factor;

	if (m->min > m->low || m->low > m->high)
		return false;
	return scaled < SCALE_UNIT || (m->min < m->low && m->low < m->high);
}

/* They are written one by one, under no lock that is ours to take: marks that are
 * computed anew meanwhile are looked at again. */
static void check_marks(struct check_walk *w, const struct zone *z)
{
	struct marks m;

	copy_marks(&m, z);
	for (unsigned int i = 0; !marks_rise(&m) && i < LOOKS; i++)
		copy_marks(&m, z);
	if (!marks_rise(&m))
		check_found(w, z->start.v, "marks %llu %llu %llu do not rise",
			    (unsigned long long)m.min, (unsigned long long)m.low,
			    (unsigned long long)m.high);
	for (unsigned int t = 0; t <= z->type; t++)
		if (m.reserve[t])
			check_found(w, z->start.v, "keeps %llu pages from zone type %u below it",
				    (unsigned long long)m.reserve[t], t);
}

/* What must fit together in a zone's ladder. */
struct ladder {
	u64 floor[NR_BANDS], pass[NR_ZONE_TYPES], reserve[NR_ZONE_TYPES];
	u64 low, boost;
};

static void copy_ladder(struct ladder *l, struct zone *z)
{
	u64 flags = spin_lock_irqsave(&z->lock);

	copy_words(l->floor, z->floor, NR_BANDS);
	copy_words(l->pass, z->pass, NR_ZONE_TYPES);
	copy_words(l->reserve, z->lowmem_reserve, NR_ZONE_TYPES);
	copy_words(&l->low, &z->wmark[WMARK_LOW], 1);
	copy_words(&l->boost, &z->boost, 1);
	spin_unlock_irqrestore(&z->lock, flags);
}

/* Every hit is closed, or all are open above low. */
static bool passes_fit(const struct ladder *l)
{
	unsigned int closed = 0, open = 0;

	for (unsigned int t = 0; t < NR_ZONE_TYPES; t++) {
		closed += l->pass[t] == ~0ull;
		open += l->pass[t] == l->low + l->boost + l->reserve[t];
	}
	return closed == NR_ZONE_TYPES || open == NR_ZONE_TYPES;
}

/* The ladder falls from rung to rung to nothing, and what a hit compares with is
 * its top, or closed. Marks that are computed anew meanwhile are looked at again. */
static void check_ladder(struct check_walk *w, struct zone *z)
{
	struct ladder l;

	copy_ladder(&l, z);
	for (unsigned int i = 0; !passes_fit(&l) && i < LOOKS; i++)
		copy_ladder(&l, z);
	/* The two levels of ladder=off are no ladder. */
	for (unsigned int b = 1; b < NR_BANDS && request_ladder(); b++)
		if (l.floor[b] > l.floor[b - 1])
			check_found(w, z->start.v, "floor of band %u is %llu, of band %u %llu",
				    b - 1, (unsigned long long)l.floor[b - 1], b,
				    (unsigned long long)l.floor[b]);
	if (l.floor[BAND_MEMALLOC])
		check_found(w, z->start.v, "memalloc has a floor");
	if (!passes_fit(&l))
		check_found(w, z->start.v, "hits are passed at %llu, low is %llu, boost %llu",
			    (unsigned long long)l.pass[ZONE_NORMAL], (unsigned long long)l.low,
			    (unsigned long long)l.boost);
}

static bool check_zone_once(struct check_walk *w, struct zone *z)
{
	u64 flags;

	*w = (struct check_walk){ .out = w->out, .z = z, .findings = w->findings };
	flags = spin_lock_irqsave(&z->lock);
	w->generation = generation(z);
	spin_unlock_irqrestore(&z->lock, flags);
	return check_frames(w, z) && check_lists(w, z) && check_sums(w, z);
}

/* True: its sums were compared. */
static bool check_zone(struct check_walk *w, struct zone *z)
{
	bool done = false;

	for (unsigned int i = 0; !done && i < TRIES; i++)
		done = check_zone_once(w, z);
	if (!done)
		out_printf(w->out, "mm check: node %u zone %s is too busy, counts not compared\n",
			   z->node, z->name);
	check_marks(w, z);
	check_ladder(w, z);
	return done;
}

/* What a node holds back is at most what it has. */
static void check_reserves(struct check_walk *w, const struct node *n)
{
	u64 managed = 0, kept, one;

	for (unsigned int t = 0; t < NR_ZONE_TYPES; t++) {
		copy_words(&one, &n->zone[t].managed_pages, 1);
		managed += one;
	}
	copy_words(&kept, &n->totalreserve_pages, 1);
	w->z = &n->zone[0];
	if (kept > managed)
		check_found(w, n->start.v, "node keeps back %llu of %llu pages",
			    (unsigned long long)kept, (unsigned long long)managed);
}

/*
 * Frames marked cached are those that the caches hold: compared where nobody
 * touched a cache between the two counts.
 */
static void check_cached(struct check_walk *w, struct zone *z)
{
	u64 before = check_cache_generation(z), held;
	bool counted = check_zone(w, z) && check_caches_of(w, z, &held);

	if (counted && check_cache_generation(z) == before && w->cached != held)
		check_found(w, z->start.v, "caches hold %llu pages, %llu are marked so",
			    (unsigned long long)held, (unsigned long long)w->cached);
}

unsigned int mm_check(struct out *out)
{
	struct check_walk w = { .out = out };

	for (struct zone *z = zone_next(0); z; z = zone_next(z->id + 1))
		check_cached(&w, z);
	for (u32 id = 0; id < MAX_NODES; id++)
		if (node_table[id])
			check_reserves(&w, node_table[id]);
	if (w.findings > MAX_PRINTED)
		out_printf(out, "mm check: %u findings, %u shown\n", w.findings, MAX_PRINTED);
	return w.findings;
}
