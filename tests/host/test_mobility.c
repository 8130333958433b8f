/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mobility grouping, rule by rule, on pageblocks painted for the purpose, with the
 * ghost model looking at every frame after every step.
 *
 * A picture has eight letters, one for each 64 frames of a pageblock:
 *   M  used, taken for movable use      .  free
 *   U  used otherwise                   :  every second frame free, the others U
 * Whatever else the zone has is in use while a picture is looked at.
 */
#include "unit.h"

#include "help/ghost.h"
#include "help/machine.h"
#include "mm/boot/topology.h"
#include "mm/page/mobility.h"
#include "mm/page/pageblock.h"
#include "mm/page/request.h"
#include "mm/stat/vmstat.h"

enum { PART = 64, PART_ORDER = 6, HALF = PAGEBLOCK_PAGES / 2, NR_PICTURES = 8 };

/* 64 MiB: one per cent is less than a pageblock. */
static const struct machine small = {
	.bank = { { GIB(1), GIB(1) + MIB(64), 0, 0 } },
};

static struct zone *zone;
static bool stolen, mixed; /* now; since boot() */
/* Order-10 blocks in our hands from setup() on, for pictures: their first frames. */
static u64 canvas[NR_PICTURES];
static unsigned int nr_canvas;

static gfp_t gfp_of(enum migratetype mt)
{
	static const gfp_t gfp[] = { 0, __GFP_MOVABLE, __GFP_RECLAIMABLE };

	return gfp[mt];
}

/* All turns under one hold, since nobody else is there. */
static struct page *take_locked(unsigned int order, enum migratetype mt, bool cma)
{
	struct page *page = NULL;

	for (enum mobility_turn turn = TURN_OWN; !page && turn < NR_TURNS; turn++)
		page = mobility_take_locked(zone, order, order, mt, cma, turn, &stolen);
	return page;
}

static struct page *take_cma(unsigned int order, enum migratetype mt, bool cma)
{
	u64 flags = spin_lock_irqsave(&zone->lock);
	struct page *page = take_locked(order, mt, cma);

	spin_unlock_irqrestore(&zone->lock, flags);
	if (page && frame_state(page) == PAGE_ALLOCATED)
		ghost_alloced(page, order, gfp_of(mt));
	ghost_check();
	if (stolen)
		mobility_settle(zone);
	mixed |= stolen;
	stolen = false;
	ghost_check();
	return page;
}

static struct page *take(unsigned int order, enum migratetype mt)
{
	return take_cma(order, mt, false);
}

static void put(struct page *page, unsigned int order)
{
	u64 flags = spin_lock_irqsave(&zone->lock);

	buddy_put_locked(zone, page, order, false);
	spin_unlock_irqrestore(&zone->lock, flags);
	ghost_freed(page, order);
	ghost_check();
}

static u64 number(const struct page *page)
{
	return page_to_pfn(page).v;
}

static u32 blocks(enum migratetype mt, unsigned int order)
{
	return zone->area[order].list[mt].count;
}

static void take_all(void)
{
	for (unsigned int t = 0; t < MIGRATE_HIGHATOMIC; t++) {
		while (zone->filled[t]) {
			unsigned int order = fls_u64(zone->filled[t]) - 1;
			u64 flags = spin_lock_irqsave(&zone->lock);
			struct page *page = buddy_take_from_locked(
				zone, order, order, (enum migratetype)t, MIGRATE_MOVABLE);

			spin_unlock_irqrestore(&zone->lock, flags);
			ghost_alloced(page, order, __GFP_MOVABLE);
			if (order == MAX_PAGE_ORDER && nr_canvas < NR_PICTURES)
				canvas[nr_canvas++] = number(page);
		}
	}
	ghost_check();
}

static void boot(const struct machine *m)
{
	machine_boot(m);
	assert_int_equal(mobility_set_boost_factor(15000), 0);
	zone = zone_next(0);
	mixed = false;
	nr_canvas = 0;
	ghost_init();
	take_all();
}

static int setup(void **state)
{
	(void)state;
	boot(&small);
	return 0;
}

/* One block of an order-9 block becomes a block of its own, of order 6 or 0. */
static void cut(u64 pfn, unsigned int order, bool movable)
{
	struct pageblock *b = pageblock_entry(pfn);
	struct page *page = frame(pfn);

	page->flags = frame_flags(zone->id, PAGE_ALLOCATED, order,
				  movable ? MIGRATE_MOVABLE : MIGRATE_UNMOVABLE);
	page->refcount = 1;
	b->nr_movable = (u16)(b->nr_movable + (movable ? 1u << order : 0));
	ghost_alloced(page, order, __GFP_MOVABLE);
}

static void cut_part(u64 pfn, char letter)
{
	bool dotted = letter == ':';

	for (u64 i = 0; i < PART; i += dotted ? 1 : PART)
		cut(pfn + i, dotted ? 0 : PART_ORDER, letter == 'M');
}

static void free_part(u64 pfn, char letter)
{
	for (u64 i = 0; letter == ':' && i < PART; i += 2)
		put(frame(pfn + i), 0);
	if (letter == '.')
		put(frame(pfn), PART_ORDER);
}

/* The first pageblock of canvas n, of type mt, as in the picture; its first frame. */
static u64 paint(unsigned int n, enum migratetype mt, const char *picture)
{
	u64 pfn = canvas[n];

	assert_true(n < nr_canvas && strlen(picture) == PAGEBLOCK_PAGES / PART);
	ghost_freed(frame(pfn), MAX_PAGE_ORDER);
	pageblock_set_type(pfn, pfn + PAGEBLOCK_PAGES, mt);
	pageblock_entry(pfn)[0].nr_movable = 0;
	pageblock_entry(pfn)[1].nr_movable = 0;
	cut(pfn + PAGEBLOCK_PAGES, PAGEBLOCK_ORDER, true);
	for (u64 i = 0; i < PAGEBLOCK_PAGES; i += PART)
		cut_part(pfn + i, picture[i / PART]);
	for (u64 i = 0; i < PAGEBLOCK_PAGES; i += PART)
		free_part(pfn + i, picture[i / PART]);
	ghost_check();
	return pfn;
}

static bool inside(const struct page *page, u64 pageblock)
{
	return number(page) >= pageblock && number(page) < pageblock + PAGEBLOCK_PAGES;
}

/* ---- whose blocks are taken (row 52) -------------------------------------------------- */

/*
 *   first choice  |UUUUUU..|      second choice  |UUUUUU..|      one order-7 block each
 * Every type has its order of victims; with blocks of one size the nearer is taken.
 */
static void test_order_of_victims(void **state)
{
	static const enum migratetype order_of[3][3] = {
		{ MIGRATE_UNMOVABLE, MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE },
		{ MIGRATE_MOVABLE, MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE },
		{ MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE, MIGRATE_MOVABLE },
	};

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		u64 near, far;

		boot(&small);
		far = paint(0, order_of[i][2], "UUUUUU..");
		near = paint(1, order_of[i][1], "UUUUUU..");
		assert_true(inside(take(7, order_of[i][0]), near));
		assert_true(inside(take(7, order_of[i][0]), far));
		assert_null(take(0, order_of[i][0]));
	}
}

/*
 *   R |UUUUUUU.|   M |MMMM....|     an unmovable request
 * The largest block decides which pageblock is looked at, not the nearer type.
 */
static void test_largest_block_first(void **state)
{
	u64 near = paint(0, MIGRATE_RECLAIMABLE, "UUUUUUU.");
	u64 large = paint(1, MIGRATE_MOVABLE, "MMMM....");
	struct page *page = take(0, MIGRATE_UNMOVABLE);

	(void)state;
	assert_true(inside(page, large));
	assert_int_equal(pageblock_type(large), MIGRATE_UNMOVABLE);
	assert_int_equal(pageblock_type(near), MIGRATE_RECLAIMABLE);
}

/*
 *   M |........|  ->  U |x.......|       whole pageblocks mix nothing: no boost
 */
static void test_whole_pageblock(void **state)
{
	u64 pfn = paint(0, MIGRATE_MOVABLE, "........");
	struct page *page = take(0, MIGRATE_UNMOVABLE);

	(void)state;
	assert_int_equal(number(page), pfn);
	assert_int_equal(pageblock_type(pfn), MIGRATE_UNMOVABLE);
	assert_int_equal(blocks(MIGRATE_UNMOVABLE, 8), 1);
	assert_int_equal(zone->filled[MIGRATE_MOVABLE], 0);
	assert_false(mixed);
	assert_int_equal(zone->boost, 0);
	/* The next ones come from there. */
	assert_int_equal(number(take(0, MIGRATE_UNMOVABLE)), pfn + 1);
	put(page, 0);
	put(frame(pfn + 1), 0);
	assert_int_equal(blocks(MIGRATE_UNMOVABLE, 9), 1);
}

/*
 *   M |........|M |........|  ->  both are the asker's
 */
static void test_two_whole_pageblocks(void **state)
{
	u64 pfn = canvas[0];

	(void)state;
	put(frame(pfn), MAX_PAGE_ORDER);
	assert_int_equal(number(take(3, MIGRATE_RECLAIMABLE)), pfn);
	assert_int_equal(pageblock_type(pfn), MIGRATE_RECLAIMABLE);
	assert_int_equal(pageblock_type(pfn + PAGEBLOCK_PAGES), MIGRATE_RECLAIMABLE);
	put(frame(pfn), 3);
	assert_int_equal(blocks(MIGRATE_RECLAIMABLE, 10), 1);
}

/* ---- when a pageblock changes its type ------------------------------------------------ */

struct claim {
	enum migratetype type, asker;
	const char *picture;
	bool claimed;
};

/* Half of the pageblock free or of use to the asker, to the frame. */
static const struct claim claims[] = {
	/* What is used in a movable pageblock and not movable counts for the others. */
	{ MIGRATE_MOVABLE, MIGRATE_UNMOVABLE, "MMMM....", true },
	{ MIGRATE_MOVABLE, MIGRATE_UNMOVABLE, "MMMMM...", false },
	{ MIGRATE_MOVABLE, MIGRATE_UNMOVABLE, "MMMMUU..", true },
	{ MIGRATE_MOVABLE, MIGRATE_UNMOVABLE, "MMMMMU..", false },
	{ MIGRATE_MOVABLE, MIGRATE_RECLAIMABLE, "MMMMUUU.", true },
	/* Between unmovable and reclaimable nobody knows: only free counts. */
	{ MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE, "UUUU....", true },
	{ MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE, "UUUUU...", false },
	{ MIGRATE_UNMOVABLE, MIGRATE_RECLAIMABLE, "UUUUUU..", false },
	/* Movable askers: what is movable there already. */
	{ MIGRATE_UNMOVABLE, MIGRATE_MOVABLE, "UUUUMM..", true },
	{ MIGRATE_UNMOVABLE, MIGRATE_MOVABLE, "UUUUUM..", false },
	{ MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE, "UUUUMMM.", true },
};

static void test_claims(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(claims); i++) {
		const struct claim *c = &claims[i];
		struct page *page;
		u64 pfn;

		boot(&small);
		pfn = paint(0, c->type, c->picture);
		page = take(0, c->asker);
		assert_true(inside(page, pfn));
		assert_int_equal(pageblock_type(pfn), c->claimed ? c->asker : c->type);
		/* What a split leaves is on the lists of the pageblock's type. */
		assert_int_equal(zone->filled[c->claimed ? c->type : c->asker], 0);
		assert_true(zone->filled[c->claimed ? c->asker : c->type]);
	}
}

/* "MMMM...." with one frame of the free half taken, then given back. */
static void test_half_to_the_frame(void **state)
{
	u64 pfn = paint(0, MIGRATE_MOVABLE, "MMMM....");
	struct page *last = take(0, MIGRATE_MOVABLE);
	struct page *page;

	(void)state;
	assert_int_equal(pageblock_entry(pfn)->nr_free, HALF - 1);
	page = take(2, MIGRATE_UNMOVABLE);
	assert_int_equal(pageblock_type(pfn), MIGRATE_MOVABLE);
	put(page, 2);
	put(last, 0);
	assert_int_equal(pageblock_entry(pfn)->nr_free, HALF);
	assert_true(inside(take(2, MIGRATE_UNMOVABLE), pfn));
	assert_int_equal(pageblock_type(pfn), MIGRATE_UNMOVABLE);
}

/*
 *   R |MMMMMMM.|     most of it is movable
 * A movable request claims nothing on the strength of a block under order 4: it can
 * be moved out again.
 */
static void test_movable_claim_border(void **state)
{
	u64 pfn = paint(0, MIGRATE_RECLAIMABLE, "MMMMMMM.");
	struct page *rest[2];

	(void)state;
	/* Leave order 3 free, then order 4. */
	rest[0] = take(5, MIGRATE_RECLAIMABLE);
	rest[1] = take(4, MIGRATE_RECLAIMABLE);
	take(3, MIGRATE_RECLAIMABLE);
	assert_true(inside(take(0, MIGRATE_MOVABLE), pfn));
	assert_int_equal(pageblock_type(pfn), MIGRATE_RECLAIMABLE);
	put(rest[1], 4);
	assert_true(inside(take(0, MIGRATE_MOVABLE), pfn));
	assert_int_equal(pageblock_type(pfn), MIGRATE_MOVABLE);
	put(rest[0], 5);
}

/*
 *   M |MMMMMMM.|   M |MMMMMM:M|      nothing can be claimed
 * Then the smallest block serves, so that the large ones stay whole.
 */
static void test_smallest_without_claim(void **state)
{
	u64 large = paint(0, MIGRATE_MOVABLE, "MMMMMMM.");
	u64 dotted = paint(1, MIGRATE_MOVABLE, "MMMMMM:M");

	(void)state;
	for (unsigned int i = 0; i < PART / 2; i++)
		assert_true(inside(take(0, MIGRATE_UNMOVABLE), dotted));
	assert_int_equal(blocks(MIGRATE_MOVABLE, PART_ORDER), 1);
	assert_true(inside(take(0, MIGRATE_UNMOVABLE), large));
	assert_int_equal(pageblock_type(large), MIGRATE_MOVABLE);
}

/*
 *   M |MMMMMMM.|   M |::::::::|      the largest block may not be claimed
 * It does not keep the pageblock of the smallest, half of it free, from being claimed: else
 * a flood would take a frame here and there for as long as the large one lies there.
 */
static void test_smallest_with_claim(void **state)
{
	u64 full = paint(0, MIGRATE_MOVABLE, "MMMMMMM.");
	u64 half = paint(1, MIGRATE_MOVABLE, "::::::::"), fallbacks;

	(void)state;
	assert_true(inside(take(0, MIGRATE_UNMOVABLE), half));
	assert_int_equal(pageblock_type(half), MIGRATE_UNMOVABLE);
	assert_int_equal(pageblock_type(full), MIGRATE_MOVABLE);
	/* Nor the strays of the claim from being found: they are no fallbacks. */
	fallbacks = vm_event_sum(ALLOC_FALLBACK);
	for (unsigned int i = 1; i < HALF; i++)
		assert_true(inside(take(0, MIGRATE_UNMOVABLE), half));
	assert_int_equal(vm_event_sum(ALLOC_FALLBACK), fallbacks);
	assert_int_equal(blocks(MIGRATE_MOVABLE, PART_ORDER), 1);
}

/* ---- what a hold moves, and what stays behind ----------------------------------------- */

/*
 *   M |::::::::|  ->  U: a few of the single frames on U's lists, the rest strays
 * The next takers of the old type bring strays home before they look elsewhere.
 */
static void test_strays_go_home(void **state)
{
	u64 pfn = paint(0, MIGRATE_MOVABLE, "::::::::");
	u32 moved, before = blocks(MIGRATE_MOVABLE, 0);

	(void)state;
	assert_int_equal(before, HALF);
	assert_true(inside(take(0, MIGRATE_UNMOVABLE), pfn));
	assert_int_equal(pageblock_type(pfn), MIGRATE_UNMOVABLE);
	moved = before - blocks(MIGRATE_MOVABLE, 0);
	assert_true(moved >= 4 && moved <= 8);
	/* A movable request first sends BUDDY_STRAYS home, then takes what comes. */
	assert_true(inside(take(0, MIGRATE_MOVABLE), pfn));
	assert_int_equal(blocks(MIGRATE_MOVABLE, 0), before - moved - BUDDY_STRAYS - 1);
	/* Everything comes home: one block, on the list of the new type. */
	for (u64 i = 0; i < PAGEBLOCK_PAGES; i++)
		if (frame_state(frame(pfn + i)) == PAGE_ALLOCATED)
			put(frame(pfn + i), 0);
	assert_int_equal(zone->filled[MIGRATE_MOVABLE], 0);
	assert_int_equal(blocks(MIGRATE_UNMOVABLE, 9), 1);
}

/* All that a type has left are strays: its request finds them none the less. */
static void test_only_strays(void **state)
{
	u64 pfn = paint(0, MIGRATE_MOVABLE, "::::::::");
	unsigned int n = 0;

	(void)state;
	take(0, MIGRATE_UNMOVABLE);
	while (take(0, MIGRATE_MOVABLE))
		n++;
	assert_int_equal(n, HALF - 1);
	assert_int_equal(pageblock_entry(pfn)->nr_free, 0);
}

/*
 *   R |..UUUUUU| now M   R |..UUUUUU| now U      an unmovable request
 * The first stray goes home, the second is one too many for this look; but it goes
 * home as the smallest that fits, and then there is nothing to steal.
 */
static void test_stray_of_the_own_type(void **state)
{
	u64 own = paint(0, MIGRATE_RECLAIMABLE, "..UUUUUU");
	u64 other = paint(1, MIGRATE_RECLAIMABLE, "..UUUUUU");

	(void)state;
	pageblock_set_type(own, own + PAGEBLOCK_PAGES, MIGRATE_UNMOVABLE);
	pageblock_set_type(other, other + PAGEBLOCK_PAGES, MIGRATE_MOVABLE);
	assert_int_equal(zone->area[7].list[MIGRATE_RECLAIMABLE].head, other);
	assert_true(inside(take(0, MIGRATE_UNMOVABLE), own));
	assert_int_equal(pageblock_type(other), MIGRATE_MOVABLE);
	assert_int_equal(blocks(MIGRATE_MOVABLE, 7), 1);
}

/* ---- what nobody steals --------------------------------------------------------------- */

static void test_borders_are_not_stolen(void **state)
{
	static const enum migratetype border[] = { MIGRATE_CMA, MIGRATE_HIGHATOMIC,
						   MIGRATE_ISOLATE };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		u64 pfn = canvas[i];
		u64 flags = spin_lock_irqsave(&zone->lock);

		pageblock_set_type(pfn, pfn + 2 * PAGEBLOCK_PAGES, border[i]);
		buddy_put_locked(zone, frame(pfn), MAX_PAGE_ORDER, false);
		for (unsigned int t = 0; t < MIGRATE_HIGHATOMIC; t++)
			assert_null(take_locked(0, (enum migratetype)t, false));
		assert_int_equal(pageblock_type(pfn), border[i]);
		spin_unlock_irqrestore(&zone->lock, flags);
	}
}

/*
 *   node 0 |......|node 1          a border inside a pageblock, at 9 MiB
 * Two zones share that pageblock: its counts mean nothing and it is never claimed,
 * though more than half of it is free.
 */
static void test_shared_pageblock(void **state)
{
	static const struct machine two = {
		.bank = { { GIB(1), GIB(1) + MIB(9) + 0x40000, 0, 0 },
			  { GIB(1) + MIB(9) + 0x40000, GIB(1) + MIB(32), 1, 0 } },
	};
	u64 border = (GIB(1) + MIB(8)) >> PAGE_SHIFT;
	struct page *page;

	(void)state;
	boot(&two);
	assert_int_equal(pageblock_entry(border)->shared, 1);
	assert_int_equal(pageblock_entry(border - 1)->shared, 0);
	assert_int_equal(pageblock_entry(border + PAGEBLOCK_PAGES)->shared, 0);
	page = frame(border);
	assert_int_equal(frame_zone_id(page), zone->id);
	put(page, frame_order(page));
	assert_true(inside(take(0, MIGRATE_UNMOVABLE), border));
	assert_int_equal(pageblock_type(border), MIGRATE_MOVABLE);
}

/* ---- damaged heads -------------------------------------------------------------------- */

/*
 *   M |MMMM....|  the head of the free half was written to
 * Nothing is claimed on the word of a damaged head; it is leaked, the rest serves on.
 */
static void test_damaged_victim(void **state)
{
	u64 pfn = paint(0, MIGRATE_MOVABLE, "MMMM....");
	struct page *victim = frame(pfn + HALF), *page;
	u64 flags;

	(void)state;
	victim->mapping = 7;
	flags = spin_lock_irqsave(&zone->lock);
	page = take_locked(0, MIGRATE_UNMOVABLE, false);
	spin_unlock_irqrestore(&zone->lock, flags);
	assert_ptr_equal(page, victim);
	assert_int_equal(frame_state(page), PAGE_BAD);
	assert_int_equal(zone->nr_leaked, 1);
	ghost_leaked(page, 0);
	ghost_check();
	assert_int_equal(pageblock_type(pfn), MIGRATE_MOVABLE);
	assert_int_equal(pageblock_entry(pfn)->nr_free, HALF - 1);
	assert_true(inside(take(0, MIGRATE_UNMOVABLE), pfn));
}

/*
 *   U |UUUU....|  a free half on the list of M, which its pageblock was once
 * Written to, it goes nowhere on its word, and is leaked when its turn comes.
 */
static void test_damaged_stray(void **state)
{
	(void)state;
	for (enum mobility_turn turn = TURN_OWN; turn < NR_TURNS; turn++) {
		struct page *stray, *page;
		u64 pfn, flags;

		boot(&small);
		pfn = paint(0, MIGRATE_MOVABLE, "UUUU....");
		stray = frame(pfn + HALF);
		pageblock_set_type(pfn, pfn + PAGEBLOCK_PAGES, MIGRATE_UNMOVABLE);
		stray->mapping = 7;
		flags = spin_lock_irqsave(&zone->lock);
		page = mobility_take_any_locked(zone, 0, 0, MIGRATE_MOVABLE, false, turn, &stolen);
		spin_unlock_irqrestore(&zone->lock, flags);
		assert_ptr_equal(page, stray);
		assert_int_equal(frame_state(page), PAGE_BAD);
		assert_int_equal(zone->nr_leaked, 1);
		assert_false(stolen);
	}
}

/* In the last turn a stray is taken as it is: it may have come back meanwhile. */
static void test_last_turn(void **state)
{
	u64 pfn = paint(0, MIGRATE_MOVABLE, "UUUU....");
	struct page *page;
	u64 flags;

	(void)state;
	pageblock_set_type(pfn, pfn + PAGEBLOCK_PAGES, MIGRATE_UNMOVABLE);
	flags = spin_lock_irqsave(&zone->lock);
	page = mobility_take_any_locked(zone, 0, 0, MIGRATE_MOVABLE, false, TURN_LAST, &stolen);
	spin_unlock_irqrestore(&zone->lock, flags);
	assert_int_equal(number(page), pfn + HALF);
	assert_false(stolen);
	ghost_alloced(page, 0, __GFP_MOVABLE);
	ghost_check();
}

/* A head whose order or type cannot be is on no list that could be known: passed over. */
static void test_relist_passes_damage(void **state)
{
	static const u32 wrong[] = { MAX_PAGE_ORDER << PAGE_ORDER_SHIFT, PAGE_MT_MASK };

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct page *head;
		u64 pfn, flags;
		u32 sound;

		boot(&small);
		pfn = paint(0, MIGRATE_MOVABLE, "UUUU....");
		head = frame(pfn + HALF);
		sound = head->flags;
		head->flags |= wrong[i];
		pageblock_set_type(pfn, pfn + PAGEBLOCK_PAGES, MIGRATE_UNMOVABLE);
		flags = spin_lock_irqsave(&zone->lock);
		pfn = buddy_relist_locked(zone, pfn, pfn + PAGEBLOCK_PAGES, 2 * PAGEBLOCK_PAGES);
		spin_unlock_irqrestore(&zone->lock, flags);
		assert_true(pfn >= frame_number(head));
		assert_int_equal(head->flags, sound | wrong[i]);
		assert_int_equal(blocks(MIGRATE_MOVABLE, 8), 1);
		assert_int_equal(zone->filled[MIGRATE_UNMOVABLE], 0);
	}
}

/* ---- boost (row 36) ------------------------------------------------------------------- */

/* Mixing below pageblock order adds a pageblock's worth each time, up to the cap;
 * marks and floors of bands that may reclaim rise with it, the others' do not. */
static void test_boost(void **state)
{
	u64 most = max_u64(zone->wmark[WMARK_HIGH] * 3 / 2, PAGEBLOCK_PAGES);
	u64 floor[NR_BANDS], pass = zone->pass[ZONE_NORMAL];

	(void)state;
	memcpy(floor, zone->floor, sizeof(floor));
	paint(0, MIGRATE_MOVABLE, "MMMMMMM.");
	take(0, MIGRATE_UNMOVABLE);
	assert_true(mixed);
	assert_int_equal(zone->boost, min_u64(most, PAGEBLOCK_PAGES));
	for (unsigned int b = 0; b < NR_BANDS; b++)
		assert_int_equal(zone->floor[b],
				 floor[b] + (b < BAND_NO_RECLAIM ? zone->boost : 0));
	assert_int_equal(zone->pass[ZONE_NORMAL], pass + zone->boost);
	for (unsigned int i = 0; i < 8; i++)
		take(0, MIGRATE_UNMOVABLE);
	assert_int_equal(zone->boost, most);
	mobility_lower_boost(zone, 100);
	assert_int_equal(zone->boost, most - 100);
	assert_int_equal(zone->floor[0], floor[0] + most - 100);
	/* What was recorded earlier may be more than is left. */
	mobility_lower_boost(zone, most);
	assert_int_equal(zone->boost, 0);
	assert_memory_equal(floor, zone->floor, sizeof(floor));
	assert_int_equal(zone->pass[ZONE_NORMAL], pass);
}

static void test_boost_factor(void **state)
{
	(void)state;
	paint(0, MIGRATE_MOVABLE, "MMMMMMM.");
	assert_int_equal(mobility_set_boost_factor(0), 0);
	take(0, MIGRATE_UNMOVABLE);
	assert_int_equal(zone->boost, 0);
	/* Ten times the high mark: several pageblocks may add up. */
	assert_int_equal(mobility_set_boost_factor(100000), 0);
	for (unsigned int i = 0; i < 20; i++)
		take(0, MIGRATE_UNMOVABLE);
	assert_int_equal(zone->boost, max_u64(zone->wmark[WMARK_HIGH] * 10, PAGEBLOCK_PAGES));
	assert_int_equal(mobility_set_boost_factor(0x80000000ull), ERR_RANGE);
	assert_int_equal(mobility_boost_factor(), 100000);
}

/* Under four pageblocks a boost would eat the zone. */
static void test_no_boost_on_tiny_zones(void **state)
{
	static const struct machine tiny = {
		.bank = { { GIB(1), GIB(1) + MIB(8), 0, 0 } },
	};

	(void)state;
	boot(&tiny);
	assert_true(zone->managed_pages < 4 * PAGEBLOCK_PAGES);
	paint(0, MIGRATE_MOVABLE, "MMMMMMM.");
	assert_non_null(take(0, MIGRATE_UNMOVABLE));
	assert_int_equal(zone->boost, 0);
}

/* ---- CMA lending (row 53) ------------------------------------------------------------- */

static const struct machine with_cma = {
	.bank = { { GIB(1), GIB(1) + MIB(64), 0, 0 } },
	.cma = { { GIB(1) + MIB(8), GIB(1) + MIB(16) } },
};

/*
 *   free: CMA 2048, others 1024 x n      movable requests, entitled
 * CMA serves first while it is more than half of all that is free, and again when
 * nothing else is there; never for who is not entitled.
 */
static void test_cma_lending(void **state)
{
	(void)state;
	boot(&with_cma);
	assert_int_equal(zone->nr_free_cma, 2048);
	put(frame(canvas[0]), 10);
	put(frame(canvas[1]), 10);
	/* Exactly half is not more than half. */
	assert_int_equal(pageblock_type(number(take_cma(0, MIGRATE_MOVABLE, true))),
			 MIGRATE_MOVABLE);
	assert_int_equal(pageblock_type(number(take_cma(0, MIGRATE_MOVABLE, true))), MIGRATE_CMA);
	assert_int_equal(zone->nr_free_cma, 2047);
	/* Now both are half again. */
	assert_int_equal(pageblock_type(number(take_cma(0, MIGRATE_MOVABLE, true))),
			 MIGRATE_MOVABLE);
	assert_int_equal(pageblock_type(number(take_cma(0, MIGRATE_MOVABLE, false))),
			 MIGRATE_MOVABLE);
	take_all();
	assert_int_equal(zone->nr_free, zone->nr_free_cma);
	for (unsigned int t = 0; t < MIGRATE_HIGHATOMIC; t++)
		assert_null(take(0, (enum migratetype)t));
	assert_int_equal(pageblock_type(number(take_cma(9, MIGRATE_MOVABLE, true))), MIGRATE_CMA);
	assert_int_equal(zone->nr_usable, 0);
}

/* Lent pages go home to their area, whole, and count as movable meanwhile. */
static void test_cma_comes_home(void **state)
{
	struct page *page[8];
	u64 pfn;

	(void)state;
	boot(&with_cma);
	for (unsigned int i = 0; i < 8; i++)
		page[i] = take_cma(0, MIGRATE_MOVABLE, true);
	pfn = number(page[0]);
	assert_int_equal(pageblock_entry(pfn)->nr_movable, 8);
	assert_int_equal(pageblock_entry(pfn)->nr_free, PAGEBLOCK_PAGES - 8);
	for (unsigned int i = 0; i < 8; i++)
		put(page[i], 0);
	assert_int_equal(zone->nr_free_cma, 2048);
	assert_int_equal(blocks(MIGRATE_CMA, 10), 2);
}

/* CMA is tried before other types are robbed. */
static void test_cma_before_stealing(void **state)
{
	u64 pfn;

	(void)state;
	boot(&with_cma);
	pfn = paint(0, MIGRATE_UNMOVABLE, "........");
	assert_int_equal(pageblock_type(number(take_cma(0, MIGRATE_MOVABLE, true))), MIGRATE_CMA);
	assert_int_equal(pageblock_type(pfn), MIGRATE_UNMOVABLE);
	assert_true(inside(take_cma(0, MIGRATE_MOVABLE, false), pfn));
}

/* ---- the high-atomic reserve (row 55) ------------------------------------------------- */

static struct page *take_reserved(unsigned int order)
{
	u64 flags = spin_lock_irqsave(&zone->lock);
	struct page *page = mobility_take_highatomic_locked(zone, order);

	spin_unlock_irqrestore(&zone->lock, flags);
	if (page)
		ghost_alloced(page, order, 0);
	ghost_check();
	return page;
}

static bool unreserve(enum migratetype mt, bool force)
{
	const struct alloc_request rq = {
		.mt = mt,
		.high = ZONE_NORMAL,
		.nodes = ~0ull,
		.list = node_table[0]->zonelist[ZONELIST_FALLBACK],
	};
	bool freed = mobility_unreserve_highatomic(&rq, force);

	ghost_check();
	return freed;
}

/* 256 MiB: one per cent is 1.3 pageblocks, rounded up two. */
static const struct machine large = {
	.bank = { { GIB(1), GIB(1) + MIB(256), 0, 0 } },
};

/*
 *   M |U.......|  ->  H |U.......|      the pageblock of a block just served
 */
static void test_reserve(void **state)
{
	struct page *served;
	u64 pfn, usable;

	(void)state;
	boot(&large);
	pfn = paint(0, MIGRATE_MOVABLE, "U.......");
	usable = zone->nr_usable;
	served = take(2, MIGRATE_MOVABLE);
	mobility_reserve_highatomic(zone, served);
	ghost_check();
	assert_int_equal(pageblock_type(pfn), MIGRATE_HIGHATOMIC);
	assert_int_equal(zone->nr_highatomic, PAGEBLOCK_PAGES);
	assert_int_equal(zone->nr_free_highatomic, usable - 4);
	assert_int_equal(zone->nr_usable, 0);
	for (unsigned int t = 0; t < MIGRATE_HIGHATOMIC; t++)
		assert_null(take(0, (enum migratetype)t));
	/* Once is enough. */
	mobility_reserve_highatomic(zone, served);
	assert_int_equal(zone->nr_highatomic, PAGEBLOCK_PAGES);
	assert_true(inside(take_reserved(3), pfn));
	/* What comes back stays in the reserve. */
	put(served, 2);
	assert_int_equal(zone->nr_free_highatomic, usable - 8);
}

/* Who can neither wait nor reclaim is served from it, and nobody else. */
static void test_reserve_serves_the_urgent(void **state)
{
	struct page *page;
	u64 pfn;

	(void)state;
	boot(&large);
	pfn = paint(0, MIGRATE_MOVABLE, "U.......");
	mobility_reserve_highatomic(zone, frame(pfn));
	assert_null(alloc_pages_node(0, GFP_NOWAIT | __GFP_NOWARN, 2));
	page = alloc_pages_node(0, GFP_ATOMIC | __GFP_NOWARN, 2);
	assert_non_null(page);
	assert_true(inside(page, pfn));
	ghost_alloced(page, 2, GFP_ATOMIC);
	ghost_check();
	put(page, 2);
}

/* As many pageblocks as one per cent, rounded up, and no more. */
static void test_reserve_is_limited(void **state)
{
	(void)state;
	boot(&large);
	for (unsigned int i = 0; i < 4; i++) {
		u64 pfn = paint(i, MIGRATE_MOVABLE, "UUU.....");

		mobility_reserve_highatomic(zone, frame(pfn));
		assert_int_equal(pageblock_type(pfn), i < 2 ? MIGRATE_HIGHATOMIC : MIGRATE_MOVABLE);
	}
	assert_int_equal(zone->nr_highatomic, 2 * PAGEBLOCK_PAGES);
	assert_int_equal(zone->nr_free_highatomic, 2 * 5 * PART);
	/* All but the last of a zone come free at once, that one only by force. */
	assert_true(unreserve(MIGRATE_UNMOVABLE, false));
	assert_int_equal(zone->nr_highatomic, PAGEBLOCK_PAGES);
	assert_false(unreserve(MIGRATE_UNMOVABLE, false));
	assert_true(unreserve(MIGRATE_UNMOVABLE, true));
	assert_int_equal(zone->nr_highatomic, 0);
	assert_int_equal(zone->nr_free_highatomic, 0);
	assert_int_equal(zone->filled[MIGRATE_HIGHATOMIC], 0);
	assert_false(unreserve(MIGRATE_UNMOVABLE, true));
	assert_true(blocks(MIGRATE_UNMOVABLE, 6) + blocks(MIGRATE_UNMOVABLE, 8) > 0);
}

/* Nothing of the reserve is free: there is nothing to release, even by force. */
static void test_unreserve_all_taken(void **state)
{
	u64 pfn;

	(void)state;
	boot(&large);
	pfn = paint(0, MIGRATE_MOVABLE, "UUUUUUUU");
	mobility_reserve_highatomic(zone, frame(pfn));
	assert_int_equal(zone->nr_highatomic, PAGEBLOCK_PAGES);
	assert_int_equal(zone->filled[MIGRATE_HIGHATOMIC], 0);
	assert_false(unreserve(MIGRATE_UNMOVABLE, true));
	assert_int_equal(zone->nr_highatomic, PAGEBLOCK_PAGES);
	assert_int_equal(pageblock_type(pfn), MIGRATE_HIGHATOMIC);
}

/* A pageblock of single frames takes several holds to leave the reserve. */
static void test_unreserve_in_steps(void **state)
{
	u64 pfn;

	(void)state;
	boot(&large);
	pfn = paint(0, MIGRATE_HIGHATOMIC, "::::::::");
	zone->nr_highatomic = PAGEBLOCK_PAGES;
	assert_int_equal(zone->nr_free_highatomic, HALF);
	assert_true(unreserve(MIGRATE_RECLAIMABLE, true));
	assert_int_equal(pageblock_type(pfn), MIGRATE_RECLAIMABLE);
	assert_int_equal(blocks(MIGRATE_RECLAIMABLE, 0), HALF);
	assert_int_equal(zone->nr_free_highatomic, 0);
	assert_int_equal(zone->nr_usable, HALF);
}

/* Single frames that were left on other lists serve on; what is freed joins. */
static void test_reserve_leaves_some(void **state)
{
	struct page *page;
	u64 pfn;

	(void)state;
	boot(&large);
	pfn = paint(0, MIGRATE_MOVABLE, "::::::::");
	mobility_reserve_highatomic(zone, frame(pfn + 1));
	ghost_check();
	assert_int_equal(pageblock_type(pfn), MIGRATE_HIGHATOMIC);
	assert_int_equal(zone->nr_free_highatomic + zone->nr_usable, HALF);
	assert_true(zone->nr_free_highatomic >= 8);
	page = take(0, MIGRATE_MOVABLE);
	assert_true(inside(page, pfn));
	put(page, 0);
	assert_int_equal(frame_list_type(frame(pfn)), MIGRATE_HIGHATOMIC);
}

/* Order 10: both its pageblocks, if there is room for one more at all. */
static void test_reserve_order_10(void **state)
{
	(void)state;
	boot(&large);
	mobility_reserve_highatomic(zone, frame(canvas[0]));
	assert_int_equal(zone->nr_highatomic, 2 * PAGEBLOCK_PAGES);
	put(frame(canvas[0]), MAX_PAGE_ORDER);
	assert_int_equal(blocks(MIGRATE_HIGHATOMIC, 10), 1);
	assert_int_equal(number(take_reserved(1)), canvas[0]);
	put(frame(canvas[0]), 1);
	assert_true(unreserve(MIGRATE_MOVABLE, true));
	assert_int_equal(zone->nr_highatomic, 0);
	assert_int_equal(blocks(MIGRATE_MOVABLE, 10), 1);
}

/* A whole pageblock of it whose head was written to: it leaves the reserve, and is leaked. */
static void test_unreserve_of_damaged(void **state)
{
	struct page *page;

	(void)state;
	boot(&large);
	page = frame(canvas[0]);
	mobility_reserve_highatomic(zone, page);
	put(page, MAX_PAGE_ORDER);
	page->mapping = 7;
	assert_true(mobility_unreserve_highatomic(
		&(struct alloc_request){ .mt = MIGRATE_MOVABLE,
					 .high = ZONE_NORMAL,
					 .nodes = ~0ull,
					 .list = node_table[0]->zonelist[ZONELIST_FALLBACK] },
		true));
	assert_int_equal(frame_state(page), PAGE_BAD);
	assert_int_equal(zone->nr_leaked, MAX_ORDER_PAGES);
	assert_int_equal(zone->nr_highatomic, 0);
	assert_int_equal(zone->nr_free_highatomic, 0);
	assert_int_equal(pageblock_type(canvas[0]), MIGRATE_MOVABLE);
	ghost_leaked(page, MAX_PAGE_ORDER);
	ghost_check();
}

/* A pageblock that two zones share is no reserve of either. A free block of one that is
 * on the reserve's list by chance takes nothing else with it. */
static void test_reserve_not_shared(void **state)
{
	u64 pfn;

	(void)state;
	boot(&large);
	pfn = paint(0, MIGRATE_MOVABLE, "UU......");
	pageblock_entry(pfn)->shared = 1;
	mobility_reserve_highatomic(zone, frame(pfn));
	assert_int_equal(zone->nr_highatomic, 0);
	pageblock_entry(pfn)->shared = 0;
	mobility_reserve_highatomic(zone, frame(pfn));
	assert_int_equal(zone->nr_highatomic, PAGEBLOCK_PAGES);
	pageblock_set_type(pfn, pfn + PAGEBLOCK_PAGES, MIGRATE_MOVABLE);
	assert_true(unreserve(MIGRATE_UNMOVABLE, true));
	assert_int_equal(zone->nr_highatomic, PAGEBLOCK_PAGES);
	assert_int_equal(pageblock_type(pfn), MIGRATE_MOVABLE);
	assert_int_equal(zone->nr_free_highatomic, 0);
	assert_true(inside(take(0, MIGRATE_MOVABLE), pfn));
}

/* Only zones that the request may use give theirs back. */
static void test_unreserve_where_allowed(void **state)
{
	struct alloc_request rq = {
		.mt = MIGRATE_MOVABLE,
		.high = ZONE_NORMAL,
		.nodes = 2,
		.list = node_table[0]->zonelist[ZONELIST_FALLBACK],
	};
	u64 pfn;

	(void)state;
	boot(&large);
	pfn = paint(0, MIGRATE_MOVABLE, "UU......");
	mobility_reserve_highatomic(zone, frame(pfn));
	assert_false(mobility_unreserve_highatomic(&rq, true));
	rq.nodes = 1;
	assert_true(mobility_unreserve_highatomic(&rq, true));
	assert_false(mobility_unreserve_highatomic(&rq, true));
}

/* One per cent of a small zone is less than a pageblock: no reserve. CMA never. */
static void test_reserve_on_small_zones(void **state)
{
	u64 pfn = paint(0, MIGRATE_MOVABLE, "UU......");

	(void)state;
	mobility_reserve_highatomic(zone, frame(pfn));
	assert_int_equal(pageblock_type(pfn), MIGRATE_MOVABLE);
	assert_int_equal(zone->nr_highatomic, 0);
	boot(&large);
	pageblock_set_type(canvas[0], canvas[0] + 1024, MIGRATE_CMA);
	mobility_reserve_highatomic(zone, frame(canvas[0]));
	assert_int_equal(zone->nr_highatomic, 0);
}

/* ---- random sequences ----------------------------------------------------------------- */

enum { SLOTS = 512, OPERATIONS = 3000 };

static void release_all(struct page **slot, const u8 *order)
{
	for (unsigned int i = 0; i < SLOTS; i++) {
		if (slot[i])
			put(slot[i], order[i]);
		slot[i] = NULL;
	}
}

/* All types, CMA lent, reserves made and dropped, on banks with holes; at the end
 * every pageblock is whole again, and nothing is reserved. */
static void test_random(void **state)
{
	static const struct machine ragged = {
		.bank = { { GIB(1), GIB(1) + MIB(5) + 0x5000, 0, 0 },
			  { GIB(1) + MIB(6), GIB(1) + MIB(256) + 0x1000, 0, 0 } },
		.reserved = { { GIB(1) + 0x7000, GIB(1) + 0x9000 } },
		.cma = { { GIB(1) + MIB(8), GIB(1) + MIB(12) } },
	};
	static struct page *slot[SLOTS];
	static u8 order[SLOTS];
	u64 seed = fake_seed("mobility", 0x0b111e), free;

	(void)state;
	boot(&ragged);
	for (unsigned int i = 0; i < nr_canvas; i++)
		put(frame(canvas[i]), MAX_PAGE_ORDER);
	free = zone->nr_free;
	for (unsigned int i = 0; i < fake_rounds(OPERATIONS); i++) {
		u64 r = fake_random(&seed);
		unsigned int s = (unsigned int)(r % SLOTS);
		enum migratetype mt = (enum migratetype)((r >> 16) % 3);

		if (slot[s]) {
			put(slot[s], order[s]);
			slot[s] = NULL;
		} else if ((r >> 20) % 32 == 0) {
			order[s] = (u8)((r >> 32) % 4);
			slot[s] = take_reserved(order[s]);
		} else {
			order[s] = (u8)((r >> 24) % 3 ? (r >> 32) % 4 : (r >> 32) % 11);
			slot[s] = take_cma(order[s], mt, mt == MIGRATE_MOVABLE && r >> 63);
		}
		if (slot[s] && (r >> 48) % 16 == 0)
			mobility_reserve_highatomic(zone, slot[s]);
		if ((r >> 52) % 64 == 0)
			unreserve(mt, r >> 62 & 1);
	}
	release_all(slot, order);
	while (unreserve(MIGRATE_MOVABLE, true))
		;
	assert_int_equal(zone->nr_free, free);
	assert_int_equal(zone->nr_highatomic, 0);
	assert_int_equal(zone->nr_free_highatomic, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_of_victims),
		cmocka_unit_test_setup(test_largest_block_first, setup),
		cmocka_unit_test_setup(test_whole_pageblock, setup),
		cmocka_unit_test_setup(test_two_whole_pageblocks, setup),
		cmocka_unit_test(test_claims),
		cmocka_unit_test_setup(test_half_to_the_frame, setup),
		cmocka_unit_test_setup(test_movable_claim_border, setup),
		cmocka_unit_test_setup(test_smallest_without_claim, setup),
		cmocka_unit_test_setup(test_smallest_with_claim, setup),
		cmocka_unit_test_setup(test_strays_go_home, setup),
		cmocka_unit_test_setup(test_only_strays, setup),
		cmocka_unit_test_setup(test_stray_of_the_own_type, setup),
		cmocka_unit_test_setup(test_borders_are_not_stolen, setup),
		cmocka_unit_test(test_shared_pageblock),
		cmocka_unit_test_setup(test_damaged_victim, setup),
		cmocka_unit_test_setup(test_damaged_stray, setup),
		cmocka_unit_test_setup(test_last_turn, setup),
		cmocka_unit_test_setup(test_relist_passes_damage, setup),
		cmocka_unit_test_setup(test_boost, setup),
		cmocka_unit_test_setup(test_boost_factor, setup),
		cmocka_unit_test(test_no_boost_on_tiny_zones),
		cmocka_unit_test(test_cma_lending),
		cmocka_unit_test(test_cma_comes_home),
		cmocka_unit_test(test_cma_before_stealing),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_reserve_serves_the_urgent),
		cmocka_unit_test(test_reserve_is_limited),
		cmocka_unit_test(test_unreserve_in_steps),
		cmocka_unit_test(test_unreserve_all_taken),
		cmocka_unit_test(test_reserve_leaves_some),
		cmocka_unit_test(test_reserve_order_10),
		cmocka_unit_test(test_unreserve_of_damaged),
		cmocka_unit_test(test_unreserve_where_allowed),
		cmocka_unit_test(test_reserve_not_shared),
		cmocka_unit_test_setup(test_reserve_on_small_zones, setup),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
