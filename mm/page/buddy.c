/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buddy core of a zone.
 *
 * 1. Blocks
 *
 * A block of order o is 2^o frames that start at a multiple of 2^o. Its buddy
 * is the block whose number differs in bit o alone, so the two together are a
 * block of order o + 1, and the lower of the two is its start:
 *
 *      order 2   |   0   |   4   |   8   |  12   |       buddy of 8 is 12
 *      order 3   |       0       |       8       |       together: 8, order 3
 *
 * Orders go from 0 to MAX_PAGE_ORDER (4 MiB). Everything a zone has free is a
 * set of such blocks, and no two free buddies of one order are left apart.
 *
 * 2. Heads
 *
 * Only the first frame of a block says anything: PAGE_FREE or PAGE_ALLOCATED,
 * the order, and the migratetype of the list it is on. All others are
 * PAGE_TAIL and are never read to answer a question about the block. Thus
 * taking and giving back cost the same for one frame and for a thousand. When
 * two blocks merge, the upper head turns into a tail; when one is split, the
 * upper half's first frame turns into a head. A descriptor that was neither is
 * not touched.
 *
 * Zone, state and order share the flags word. "Is the buddy free, of the same
 * order, in the same zone?" is therefore one load and one compare, and holes,
 * reserved frames, other zones and other nodes fail it by themselves.
 *
 * 3. Lists
 *
 * Each order has a list for each migratetype, linked through the heads by
 * frame number. A block goes to the list of its pageblock's type. filled[type]
 * keeps one bit per order, so that smallest fit is one count of trailing zeros
 * instead of a walk over eleven lists.
 *
 * Smallest fit leaves large blocks alone. A split keeps the low half and puts
 * the upper one on the list below, so requests served from one large block get
 * rising addresses, which is what lets block I/O merge them.
 *
 * A freed block goes to the head of its list (its lines are likely cached),
 * unless the block it would next merge with is already waiting one order up:
 * then it goes to the tail, to be left alone until its buddy comes back.
 *
 * 4. Types
 *
 * The type of a pageblock is kept once, beside two counts that follow every
 * block taken and put: what is free in it, and what is taken for movable use.
 * From these mobility.c decides in constant time whether a pageblock changes its
 * type; buddy only follows:
 *
 *      pageblock  |  M  |              |  U  |      free blocks of it are on
 *      lists      M: a b c d    ->     M: c d       M's lists until they go home
 *                 U:                   U: a b
 *
 * A steal relists as many blocks as fit one lock hold. Those left behind, strays,
 * go home when they come to the front of a list that is taken from, a few a time,
 * and when they merge: below pageblock order both buddies lie in one pageblock, so
 * they merge whatever lists they are on, and the result joins that of the
 * pageblock. At pageblock order and above two blocks merge only if both pageblocks
 * have the same type; there are no strays of that size, so the list of such a
 * block is the type of every pageblock in it.
 *
 * 5. Locking
 *
 * zone->lock, interrupts masked, for each function here. Counts that the mark
 * test reads without the lock are stored whole (one aligned store).
 *
 * 6. Worst case
 *
 * Taking order 0 from an order-10 block: one unlink and ten links, after at most
 * BUDDY_STRAYS relinks. Giving back the last frame of an order-10 block: ten
 * unlinks and one link. Both are independent of memory size, of list lengths, and
 * of the block's size.
 *
 * 7. Known faults
 *
 * - A pageblock in which frames of two zones meet has counts written under two
 *   locks, so they mean nothing; such pageblocks (at most two a bank) keep their
 *   type for ever and may be mixed without bound.
 * - A damaged list link ends in a panic, because what hangs behind it cannot be
 *   found again in bounded time; only a damaged head is survived. The same holds
 *   for a head whose order was changed to another legal one while its block is
 *   relisted.
 */
#include "mm/page/buddy.h"

#include "mm/page/pageblock.h"

void buddy_init(struct zone *z)
{
	BUG_ON_VAL(z->start.v >= z->end.v, z->start.v, z->end.v);
	for (unsigned int o = 0; o < NR_PAGE_ORDERS; o++)
		for (unsigned int t = 0; t < MIGRATE_TYPES; t++)
			page_list_init(&z->area[o].list[t]);
	memset(z->filled, 0, sizeof(z->filled));
	z->nr_free = 0;
	z->nr_free_cma = 0;
	z->nr_free_highatomic = 0;
	z->nr_usable = 0;
}

/* ---- counts ----------------------------------------------------------------- */

static inline void add_word(u64 *word, u64 delta)
{
	__atomic_store_n(word, *word + delta, __ATOMIC_RELAXED);
}

/* Which of the three parts of nr_free a list belongs to. */
static inline u64 *part_of_free(struct zone *z, enum migratetype list)
{
	if (likely(list != MIGRATE_CMA && list != MIGRATE_HIGHATOMIC))
		return &z->nr_usable;
	return list == MIGRATE_CMA ? &z->nr_free_cma : &z->nr_free_highatomic;
}

static inline void count_free(struct zone *z, enum migratetype list, u64 delta)
{
	add_word(&z->nr_free, delta);
	add_word(part_of_free(z, list), delta);
}

/* Frames that became free (negative: that were taken) and, of those, movable ones. */
static inline void count_pageblock(struct pageblock *b, unsigned int order, int sign, bool movable)
{
	u32 nr = order < PAGEBLOCK_ORDER ? 1u << order : PAGEBLOCK_PAGES;
	u32 delta = sign > 0 ? nr : -nr;
	u32 used = movable ? -delta : 0;

	b->nr_free = (u16)(b->nr_free + delta);
	b->nr_movable = (u16)(b->nr_movable + used);
	if (unlikely(order > PAGEBLOCK_ORDER)) {
		b[1].nr_free = (u16)(b[1].nr_free + delta);
		b[1].nr_movable = (u16)(b[1].nr_movable + used);
	}
}
_Static_assert((int)MAX_PAGE_ORDER == PAGEBLOCK_ORDER + 1, "a block has at most two pageblocks");

/* ---- links ------------------------------------------------------------------ */

/* The mark test reads it without the lock. */
static inline void set_filled(struct zone *z, enum migratetype mt, u32 orders)
{
	__atomic_store_n(&z->filled[mt], (u16)orders, __ATOMIC_RELAXED);
}

static inline void link_block(struct zone *z, u32 pfn, unsigned int order, enum migratetype mt,
			      bool tail)
{
	struct page_list *l = &z->area[order].list[mt];

	frame(pfn)->flags = frame_flags(z->id, PAGE_FREE, order, mt);
	if (tail)
		page_list_add_tail(l, pfn);
	else
		page_list_add_head(l, pfn);
	set_filled(z, mt, z->filled[mt] | 1u << order);
}

static inline void unlink_block(struct zone *z, u32 pfn, unsigned int order, enum migratetype mt)
{
	struct page_list *l = &z->area[order].list[mt];

	BUG_ON_VAL(!l->count, pfn, order);
	page_list_del(l, pfn);
	if (!l->count)
		set_filled(z, mt, z->filled[mt] & ~(1u << order));
}

/* Unlink a free block that will be linked as part of one of another type. */
static inline void leave_list(struct zone *z, u32 pfn, unsigned int order, enum migratetype from,
			      enum migratetype to)
{
	unlink_block(z, pfn, order, from);
	if (unlikely(from != to)) {
		add_word(part_of_free(z, from), -(1ull << order));
		add_word(part_of_free(z, to), 1ull << order);
	}
}

void buddy_relink_locked(struct zone *z, u32 pfn, enum migratetype to)
{
	unsigned int order = frame_order(frame(pfn));

	BUG_ON_VAL(tm_debug && !spin_held(&z->lock), z->id, 0);
	BUG_ON_VAL(frame_state(frame(pfn)) != PAGE_FREE || to >= MIGRATE_TYPES, pfn, to);
	leave_list(z, pfn, order, frame_list_type(frame(pfn)), to);
	link_block(z, pfn, order, to, false);
}

/* ---- taking ----------------------------------------------------------------- */

bool buddy_is_stray(const struct zone *z, u32 pfn, unsigned int order, enum migratetype list)
{
	enum migratetype home = pageblock_type(pfn);

	return home != list && !migratetype_is_border(home) &&
	       buddy_head_intact(z, pfn, order, list);
}

/* Unlink and split done, but the head is not what linking it wrote. */
static tm_noinline void leak(struct zone *z, struct page *page, unsigned int order,
			     enum migratetype mt)
{
	page->flags = frame_flags(z->id, PAGE_BAD, order, mt);
	z->nr_leaked += 1ull << order;
	z->bad_page++;
}

/* Cut the listed block down to the order, mark it, count it. */
static inline struct page *take_block(struct zone *z, unsigned int have, unsigned int order,
				      enum migratetype from, enum migratetype mt)
{
	struct page_list *l = &z->area[have].list[from];
	u32 pfn = page_list_pop(l);
	struct page *page = frame(pfn);
	bool intact = buddy_head_intact(z, pfn, have, from);

	if (!l->count)
		set_filled(z, from, z->filled[from] & ~(1u << have));
	while (have > order) {
		tm_step();
		have--;
		link_block(z, pfn + (1u << have), have, from, false);
	}
	count_free(z, from, -(1ull << order));
	count_pageblock(pageblock_entry(pfn), order, -1, intact && mt == MIGRATE_MOVABLE);
	if (unlikely(!intact)) {
		leak(z, page, order, mt);
		return page;
	}
	page->flags = frame_flags(z->id, PAGE_ALLOCATED, order, mt);
	page->refcount = 1;
	z->nr_alloc++;
	return page;
}

struct page *buddy_take_from_locked(struct zone *z, unsigned int order, unsigned int most,
				    enum migratetype from, enum migratetype mt)
{
	BUG_ON_VAL(tm_debug && !spin_held(&z->lock), z->id, 0);
	BUG_ON_VAL(most > MAX_PAGE_ORDER || from >= MIGRATE_ISOLATE, most, from);
	for (unsigned int strays = 0;; strays++) {
		u32 fits = z->filled[from] & (~0u << order);
		unsigned int have = (unsigned int)__builtin_ctz(fits | 1u << NR_PAGE_ORDERS);
		u32 pfn;

		if (unlikely(!fits))
			return NULL;
		pfn = z->area[have].list[from].head;
		BUG_ON_VAL(pfn == PFN_NIL, have, from);
		if (likely(pageblock_type(pfn) == from) || strays == BUDDY_STRAYS ||
		    !buddy_is_stray(z, pfn, have, from))
			return take_block(z, have, have < most ? have : most, from, mt);
		tm_step();
		buddy_relink_locked(z, pfn, pageblock_type(pfn));
	}
}

/* ---- giving back ------------------------------------------------------------ */

static inline bool is_free_block(const struct zone *z, u32 pfn, unsigned int order)
{
	return (frame(pfn)->flags & ~(u32)PAGE_MT_MASK) ==
	       frame_flags(z->id, PAGE_FREE, order, (enum migratetype)0);
}

/* May a free block of this order and type absorb the free block at buddy? */
static inline bool types_merge(u32 buddy, unsigned int order, enum migratetype mt)
{
	return order < PAGEBLOCK_ORDER || frame_list_type(frame(buddy)) == mt;
}

/* Would the next merge already succeed if our buddy came back? The frames asked
 * about lie in our own 4 MiB unit, so their descriptors are backed. */
static inline bool next_merge_waits(const struct zone *z, u32 pfn, unsigned int order)
{
	u32 parent = pfn & ~(1u << order);

	return order + 1 < MAX_PAGE_ORDER && is_free_block(z, parent ^ (2u << order), order + 1);
}

unsigned int buddy_put_locked(struct zone *z, struct page *page, unsigned int order, bool to_tail)
{
	u32 pfn = frame_number(page);
	struct pageblock *home = pageblock_entry(pfn);
	enum migratetype mt = (enum migratetype)home->type;
	unsigned int given = order;

	BUG_ON_VAL(tm_debug && !spin_held(&z->lock), z->id, 0);
	BUG_ON_VAL(order > MAX_PAGE_ORDER || (pfn & ((1u << order) - 1)), pfn, order);
	BUG_ON_VAL(tm_debug && (pfn < z->start.v || pfn + (1ull << order) > z->end.v), pfn, z->id);
	page->refcount = 0;
	count_free(z, mt, 1ull << order);
	count_pageblock(home, order, 1, frame_list_type(page) == MIGRATE_MOVABLE);
	while (order < MAX_PAGE_ORDER) {
		u32 buddy = pfn ^ (1u << order);

		if (!is_free_block(z, buddy, order) || !types_merge(buddy, order, mt))
			break;
		tm_step();
		leave_list(z, buddy, order, frame_list_type(frame(buddy)), mt);
		frame(pfn | buddy)->flags = frame_flags(z->id, PAGE_TAIL, 0, (enum migratetype)0);
		pfn &= buddy;
		order++;
	}
	link_block(z, pfn, order, mt, to_tail || next_merge_waits(z, pfn, order));
	return order - given;
}

void buddy_leak_locked(struct zone *z, struct page *page, unsigned int order)
{
	enum migratetype mt = frame_list_type(page);
	struct pageblock *home = pageblock_entry(frame_number(page));

	BUG_ON_VAL(tm_debug && !spin_held(&z->lock), z->id, 0);
	BUG_ON_VAL(frame_state(page) != PAGE_ALLOCATED, page->flags, order);
	/* Free for a moment in the counts, then taken for nothing movable. */
	count_pageblock(home, order, 1, mt == MIGRATE_MOVABLE);
	count_pageblock(home, order, -1, false);
	leak(z, page, order, mt);
}
