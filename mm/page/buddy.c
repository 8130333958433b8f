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

#include "mm/page/buddy_step.h"

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

/* Which of the three parts of nr_free a list belongs to. */
static inline u64 *part_of_free(struct zone *z, enum migratetype list)
{
	if (likely(list != MIGRATE_CMA && list != MIGRATE_HIGHATOMIC))
		return &z->nr_usable;
	return list == MIGRATE_CMA ? &z->nr_free_cma : &z->nr_free_highatomic;
}

static inline void count_free(struct zone *z, enum migratetype list, u64 delta)
{
	buddy_add_word(&z->nr_free, delta);
	buddy_add_word(part_of_free(z, list), delta);
}

/* ---- links ------------------------------------------------------------------ */

static inline void link_block(struct zone *z, u32 pfn, unsigned int order, enum migratetype mt)
{
	frame(pfn)->flags = frame_flags(z->id, PAGE_FREE, order, mt);
	page_list_add_head(&z->area[order].list[mt], pfn);
	buddy_set_filled(z, mt, z->filled[mt] | 1u << order);
}

/* Unlink; true if it was the last. A link that does not point back is memory somebody
 * else wrote to. */
static inline bool unlink_from(struct page_list *l, u32 pfn)
{
	u32 prev = frame(pfn)->prev, next = frame(pfn)->next;

	l->count--;
	if (prev != PFN_NIL) {
		BUG_ON_VAL(frame(prev)->next != pfn, pfn, prev);
		frame(prev)->next = next;
	} else {
		BUG_ON_VAL(l->head != pfn, pfn, l->head);
		l->head = next;
	}
	if (next != PFN_NIL) {
		BUG_ON_VAL(frame(next)->prev != pfn, pfn, next);
		frame(next)->prev = prev;
		return false;
	}
	BUG_ON_VAL(l->tail != pfn, pfn, l->tail);
	l->tail = prev;
	return prev == PFN_NIL;
}

static tm_noinline void move_count(struct zone *z, enum migratetype from, enum migratetype to,
				   u64 nr)
{
	buddy_add_word(part_of_free(z, from), -nr);
	buddy_add_word(part_of_free(z, to), nr);
}

/* Unlink a free block that will be linked as part of one of another type. */
static inline void leave_list(struct zone *z, u32 pfn, unsigned int order, enum migratetype from,
			      enum migratetype to)
{
	if (unlink_from(&z->area[order].list[from], pfn))
		buddy_set_filled(z, from, z->filled[from] & ~(1u << order));
	if (unlikely((u32)from > MIGRATE_RECLAIMABLE || (u32)to > MIGRATE_RECLAIMABLE))
		move_count(z, from, to, 1ull << order);
}

void buddy_relink_locked(struct zone *z, u32 pfn, enum migratetype to)
{
	unsigned int order = frame_order(frame(pfn));

	BUG_ON_VAL(tm_debug && !spin_held(&z->lock), z->id, 0);
	BUG_ON_VAL(frame_state(frame(pfn)) != PAGE_FREE || to >= MIGRATE_TYPES, pfn, to);
	leave_list(z, pfn, order, frame_list_type(frame(pfn)), to);
	link_block(z, pfn, order, to);
}

/* A head that some list must have; of a damaged one nobody knows which. */
static inline bool is_listed(u32 zone_id, u32 flags)
{
	u32 head = frame_flags(zone_id, PAGE_FREE, 0, (enum migratetype)0);

	return ((flags ^ head) & (u32)(PAGE_STATE_MASK | PAGE_ZONE_MASK)) == 0 &&
	       (flags & PAGE_ORDER_MASK) < PAGEBLOCK_ORDER << PAGE_ORDER_SHIFT &&
	       (flags & PAGE_MT_MASK) < MIGRATE_TYPES << PAGE_MT_SHIFT;
}

u64 buddy_relist_locked(struct zone *z, u64 pfn, u64 end, int work)
{
	enum migratetype to = pageblock_type(pfn);
	const struct page *page = frame(pfn), *last = frame(end);

	BUG_ON_VAL(tm_debug && !spin_held(&z->lock), z->id, 0);
	BUG_ON_VAL(end - pfn > PAGEBLOCK_PAGES, pfn, end);
	while (work > 0 && page < last) {
		u32 flags = frame_peek(page);
		enum migratetype from = flags_list_type(flags);
		unsigned int order = flags_order(flags);

		if (from != to && is_listed(z->id, flags)) {
			tm_step();
			leave_list(z, frame_number(page), order, from, to);
			link_block(z, frame_number(page), order, to);
			work -= BUDDY_MOVE_WORK;
		}
		/* Every frame that is no head says order 0. */
		page += 1u << order;
		work--;
	}
	return frame_number(page);
}

/* ---- taking ----------------------------------------------------------------- */

bool buddy_is_stray(const struct zone *z, u32 pfn, unsigned int order, enum migratetype list)
{
	enum migratetype home = pageblock_type(pfn);

	return home != list && !migratetype_is_border(home) &&
	       buddy_head_intact(z, pfn, order, list);
}

/* A block that left the lists is not what linking it wrote, or what was allocated. */
static void leak(struct zone *z, struct page *page, unsigned int order, enum migratetype mt)
{
	struct pageblock *home = pageblock_entry(frame_number(page));

	/* It counted as used for mt; now it is used for nothing. */
	buddy_count_pageblock(home, order,
			      buddy_taken_frame(false) - buddy_taken_frame(mt == MIGRATE_MOVABLE));
	page->flags = frame_flags(z->id, PAGE_BAD, order, mt);
	z->nr_leaked += 1ull << order;
	z->bad_page++;
}

/*
 * List the upper halves of what was taken too large. The lists of those orders are
 * empty, or the smallest fit had come from one of them: nothing is to be linked to.
 */
static tm_noinline struct page *split(struct zone *z, struct page *page, unsigned int have,
				      unsigned int order, enum migratetype from)
{
	u32 flags = frame_flags(z->id, PAGE_FREE, have, from);
	u32 filled = z->filled[from] | ((1u << have) - (1u << order));
	u32 pfn = frame_number(page);

	while (have > order) {
		struct page_list *l = &z->area[--have].list[from];
		struct page *upper = page + (1u << have);

		tm_step();
		BUG_ON_VAL(tm_debug && l->head != PFN_NIL, l->head, have);
		flags -= 1u << PAGE_ORDER_SHIFT;
		upper->flags = flags;
		upper->next = PFN_NIL;
		upper->prev = PFN_NIL;
		l->head = pfn + (1u << have);
		l->tail = pfn + (1u << have);
		l->count = 1;
	}
	buddy_set_filled(z, from, filled);
	return page;
}

/* Only as much as was asked for is given up: the rest of what was taken goes back. */
static tm_noinline struct page *take_damaged(struct zone *z, struct page *page, unsigned int have,
					     unsigned int order, enum migratetype rest)
{
	struct pageblock *home = pageblock_entry(frame_number(page));
	enum migratetype mt = frame_list_type(page);
	unsigned int taken = frame_order(page);

	count_free(z, rest, (1ull << taken) - (1ull << order));
	buddy_count_pageblock(home, taken, -buddy_taken_frame(mt == MIGRATE_MOVABLE));
	buddy_count_pageblock(home, order, buddy_taken_frame(mt == MIGRATE_MOVABLE));
	split(z, page, have, order, rest);
	leak(z, page, order, mt);
	z->nr_alloc--;
	return page;
}

/*
 * Take the first block of order `have`, wherever its home is: counted and marked
 * with the order that the caller gets, then cut to it; what is left goes to the lists
 * of `rest`. Everything rare comes last, as a tail call, so that the common way needs
 * no stack.
 */
static tm_always_inline struct page *take_first(struct zone *z, unsigned int have,
						unsigned int least, unsigned int most,
						enum migratetype from, enum migratetype rest,
						enum migratetype mt)
{
	struct page_list *l = &z->area[have].list[from];
	unsigned int order = have < most ? have : most;
	u32 pfn = l->head, id = z->id;
	struct page *page = frame(pfn);
	bool intact = buddy_head_intact(z, pfn, have, from);

	buddy_pop(z, l, pfn, have, from);
	page->flags = frame_flags(id, PAGE_ALLOCATED, order, mt);
	page->refcount = 1;
	buddy_count_pageblock(pageblock_entry(pfn), order,
			      buddy_taken_frame(mt == MIGRATE_MOVABLE));
	count_free(z, from, -(1ull << order));
	z->nr_alloc++;
	if (unlikely(!intact))
		return take_damaged(z, page, have, least, rest);
	return have > order ? split(z, page, have, order, rest) : page;
}

static inline u32 fitting(const struct zone *z, unsigned int order, enum migratetype from)
{
	return z->filled[from] & (~0u << order);
}

/* The smallest fit is of another type's pageblock: it goes home, and so do those
 * that come up in its place, up to a limit. */
static tm_noinline struct page *take_past_strays(struct zone *z, unsigned int order,
						 unsigned int most, enum migratetype from,
						 enum migratetype mt)
{
	u32 fits = fitting(z, order, from);

	for (unsigned int i = 0; fits && i < BUDDY_STRAYS; i++) {
		unsigned int have = (unsigned int)__builtin_ctz(fits);
		u32 pfn = z->area[have].list[from].head;

		if (!buddy_is_stray(z, pfn, have, from))
			break;
		tm_step();
		buddy_relink_locked(z, pfn, pageblock_type(pfn));
		fits = fitting(z, order, from);
	}
	return fits ? take_first(z, (unsigned int)__builtin_ctz(fits), order, most, from, from, mt)
		    : NULL;
}

struct page *buddy_take_from_locked(struct zone *z, unsigned int order, unsigned int most,
				    enum migratetype from, enum migratetype mt)
{
	u32 fits = fitting(z, order, from);
	unsigned int have;

	BUG_ON_VAL(tm_debug && !spin_held(&z->lock), z->id, 0);
	BUG_ON_VAL(tm_debug && (order > most || most > MAX_PAGE_ORDER), order, most);
	if (unlikely(!fits))
		return NULL;
	have = (unsigned int)__builtin_ctz(fits);
	if (unlikely(pageblock_type(z->area[have].list[from].head) != from))
		return take_past_strays(z, order, most, from, mt);
	return take_first(z, have, order, most, from, from, mt);
}

struct page *buddy_take_as_is_locked(struct zone *z, unsigned int order, enum migratetype from,
				     enum migratetype mt)
{
	u32 fits = fitting(z, order, from);

	BUG_ON_VAL(tm_debug && !spin_held(&z->lock), z->id, 0);
	BUG_ON_VAL(!fits, order, from);
	return take_first(z, (unsigned int)__builtin_ctz(fits), order, order, from, from, mt);
}

struct page *buddy_take_claimed_locked(struct zone *z, unsigned int have, unsigned int order,
				       unsigned int most, enum migratetype from,
				       enum migratetype mt)
{
	BUG_ON_VAL(tm_debug && !spin_held(&z->lock), z->id, 0);
	BUG_ON_VAL(have < order || fitting(z, order, mt), have, mt);
	return take_first(z, have, order, most, from, mt, mt);
}

/* ---- giving back ------------------------------------------------------------ */

/* A free block as linking it writes it; `flags` are those of a block of the same
 * order and zone, on a list of another type? Then below pageblock order it merges. */
static inline bool is_stray_buddy(u32 flags, u32 linked, unsigned int order)
{
	return !((flags ^ linked) & ~(u32)PAGE_MT_MASK) && order < PAGEBLOCK_ORDER;
}

/*
 * Merge the block at pfn, of the order and type, as far as it goes, and link the
 * result. `linked` is what the head says then, one order more with each merge;
 * the bits of the type's lists are written once, at the end. Result: its order.
 */
static inline unsigned int merge(struct zone *z, u32 pfn, unsigned int order, enum migratetype mt,
				 bool to_tail)
{
	const u32 tail = frame_flags(z->id, PAGE_TAIL, 0, (enum migratetype)0);
	u32 linked = frame_flags(z->id, PAGE_FREE, order, mt), filled = z->filled[mt];
	struct free_area *a = &z->area[order];

	for (; order < MAX_PAGE_ORDER; order++, a++, linked += 1u << PAGE_ORDER_SHIFT) {
		u32 buddy = pfn ^ (1u << order);
		u32 flags = frame_peek(frame(buddy));

		if (likely(flags == linked)) {
			if (unlink_from(&a->list[mt], buddy))
				filled &= ~(1u << order);
		} else if (is_stray_buddy(flags, linked, order)) {
			leave_list(z, buddy, order, flags_list_type(flags), mt);
		} else {
			break;
		}
		tm_step();
		frame(pfn | buddy)->flags = tail;
		pfn &= buddy;
	}
	frame(pfn)->flags = linked;
	if (unlikely(to_tail || buddy_next_merge_waits(pfn, order, linked)))
		page_list_add_tail(&a->list[mt], pfn);
	else
		page_list_add_head(&a->list[mt], pfn);
	buddy_set_filled(z, mt, filled | 1u << order);
	return order;
}

unsigned int buddy_put_locked(struct zone *z, struct page *page, unsigned int order, bool to_tail)
{
	u32 pfn = frame_number(page);
	struct pageblock *home = pageblock_entry(pfn);
	enum migratetype mt = (enum migratetype)home->type;

	BUG_ON_VAL(tm_debug && !spin_held(&z->lock), z->id, 0);
	BUG_ON_VAL(tm_debug && (order > MAX_PAGE_ORDER || (pfn & ((1u << order) - 1))), pfn, order);
	BUG_ON_VAL(tm_debug && (pfn < z->start.v || pfn + (1ull << order) > z->end.v), pfn, z->id);
	page->refcount = 0;
	count_free(z, mt, 1ull << order);
	buddy_count_pageblock(home, order,
			      -buddy_taken_frame(frame_list_type(page) == MIGRATE_MOVABLE));
	return merge(z, pfn, order, mt, to_tail) - order;
}

void buddy_leak_locked(struct zone *z, struct page *page, unsigned int order)
{
	BUG_ON_VAL(tm_debug && !spin_held(&z->lock), z->id, 0);
	BUG_ON_VAL(frame_state(page) != PAGE_ALLOCATED, page->flags, order);
	leak(z, page, order, frame_list_type(page));
}

/* ---- held back (row 40) ------------------------------------------------------- */

void buddy_hide_locked(struct zone *z, u32 pfn, unsigned int order)
{
	enum migratetype list = frame_list_type(frame(pfn));

	BUG_ON_VAL(tm_debug && !spin_held(&z->lock), z->id, 0);
	leave_list(z, pfn, order, list, list);
	count_free(z, list, -(1ull << order));
	buddy_count_pageblock(pageblock_entry(pfn), order, buddy_taken_frame(false));
	z->nr_guard += 1ull << order;
	frame(pfn)->flags = frame_flags(z->id, PAGE_GUARD, order, list);
}

void buddy_unhide_locked(struct zone *z, u32 pfn, unsigned int order)
{
	enum migratetype list = pageblock_type(pfn); /* as any block that comes back */

	BUG_ON_VAL(tm_debug && !spin_held(&z->lock), z->id, 0);
	BUG_ON_VAL(z->nr_guard < 1ull << order, z->nr_guard, pfn);
	z->nr_guard -= 1ull << order;
	count_free(z, list, 1ull << order);
	buddy_count_pageblock(pageblock_entry(pfn), order, -buddy_taken_frame(false));
	link_block(z, pfn, order, list);
}
