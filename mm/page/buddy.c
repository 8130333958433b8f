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
 * frame number. A block is on the list of its pageblock's type. filled[type]
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
 * Below pageblock order both buddies lie in one pageblock and have its type. At
 * pageblock order and above they merge only if both pageblocks have the same
 * type; so the list of a block is the type of every pageblock in it.
 *
 * A type without a fitting block borrows from the others in a fixed order. The
 * pageblock keeps its type and the pages go home when they are freed. CMA,
 * high-atomic and isolated blocks are nobody's fallback.
 *
 * 5. Locking
 *
 * zone->lock, interrupts masked, for each function here. Counts that the mark
 * test reads without the lock are stored whole (one aligned store).
 *
 * 6. Worst case
 *
 * Taking order 0 from an order-10 block: one unlink and ten links. Giving back
 * the last frame of an order-10 block: ten unlinks and one link. Both are
 * independent of memory size, of list lengths, and of the block's size.
 *
 * 7. Known faults
 *
 * - Types mix without bound: a pageblock does not change its type, however
 *   many of its pages were borrowed. Stealing whole blocks cures it later.
 * - CMA pages are counted as free and are not lent yet.
 * - A damaged list link ends in a panic, because what hangs behind it cannot be
 *   found again in bounded time; only a damaged head is survived.
 */
#include "mm/page/buddy.h"

#include "mm/page/pageblock.h"

enum { NR_FALLBACKS = 2 };

/* Where a type looks when its own lists have nothing (row 52's order). */
static const u8 fallbacks[MIGRATE_HIGHATOMIC][NR_FALLBACKS] = {
	[MIGRATE_UNMOVABLE] = { MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE },
	[MIGRATE_MOVABLE] = { MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE },
	[MIGRATE_RECLAIMABLE] = { MIGRATE_UNMOVABLE, MIGRATE_MOVABLE },
};

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

static void count_free(struct zone *z, enum migratetype mt, u64 delta)
{
	__atomic_store_n(&z->nr_free, z->nr_free + delta, __ATOMIC_RELAXED);
	if (mt == MIGRATE_CMA)
		__atomic_store_n(&z->nr_free_cma, z->nr_free_cma + delta, __ATOMIC_RELAXED);
	else if (mt == MIGRATE_HIGHATOMIC)
		__atomic_store_n(&z->nr_free_highatomic, z->nr_free_highatomic + delta,
				 __ATOMIC_RELAXED);
	else
		__atomic_store_n(&z->nr_usable, z->nr_usable + delta, __ATOMIC_RELAXED);
}

/* The mark test reads it without the lock. */
static void set_filled(struct zone *z, enum migratetype mt, u32 orders)
{
	__atomic_store_n(&z->filled[mt], (u16)orders, __ATOMIC_RELAXED);
}

static void link_block(struct zone *z, u32 pfn, unsigned int order, enum migratetype mt, bool tail)
{
	struct page_list *l = &z->area[order].list[mt];

	frame(pfn)->flags = frame_flags(z->id, PAGE_FREE, order, mt);
	if (tail)
		page_list_add_tail(l, pfn);
	else
		page_list_add_head(l, pfn);
	set_filled(z, mt, z->filled[mt] | 1u << order);
}

static void unlink_block(struct zone *z, u32 pfn, unsigned int order, enum migratetype mt)
{
	struct page_list *l = &z->area[order].list[mt];

	BUG_ON_VAL(!l->count, pfn, order);
	page_list_del(l, pfn);
	if (!l->count)
		set_filled(z, mt, z->filled[mt] & ~(1u << order));
}

/* ---- taking ----------------------------------------------------------------- */

/* Does the head on a list still say what linking it wrote? */
static bool head_intact(const struct page *page, u32 flags)
{
	return !((page->flags ^ flags) | page->refcount | page->mapping | page->mapcount);
}

/* Keep the low half, list the upper one, until the order is right. */
static void split(struct zone *z, u32 pfn, unsigned int have, unsigned int want,
		  enum migratetype mt)
{
	while (have > want) {
		tm_step();
		have--;
		link_block(z, pfn + (1u << have), have, mt, false);
	}
}

/* The type that serves a request: its own, or the first that it may borrow from
 * and that has a block large enough. MIGRATE_TYPES: none has. */
static enum migratetype serving_type(const struct zone *z, u32 large_enough, enum migratetype mt)
{
	if (z->filled[mt] & large_enough)
		return mt;
	for (unsigned int i = 0; i < NR_FALLBACKS; i++)
		if (z->filled[fallbacks[mt][i]] & large_enough)
			return (enum migratetype)fallbacks[mt][i];
	return MIGRATE_TYPES;
}

/* Unlink and split done: the block is the caller's, or it is leaked. */
static void hand_out(struct zone *z, struct page *page, unsigned int order, enum migratetype mt,
		     bool intact)
{
	enum page_state state = intact ? PAGE_ALLOCATED : PAGE_BAD;

	BUG_ON_VAL(z->nr_free < 1ull << order, z->nr_free, order);
	page->flags = frame_flags(z->id, state, order, mt);
	count_free(z, mt, -(1ull << order));
	if (likely(intact)) {
		page->refcount = 1;
		z->nr_alloc++;
	} else {
		z->nr_leaked += 1ull << order;
		z->bad_page++;
	}
}

struct page *buddy_take_locked(struct zone *z, unsigned int order, enum migratetype mt)
{
	u32 large_enough = ~0u << order;
	struct page_list *l;
	struct page *page;
	unsigned int have;
	bool intact;

	BUG_ON_VAL(tm_debug && !spin_held(&z->lock), z->id, 0);
	BUG_ON_VAL(order > MAX_PAGE_ORDER || mt >= MIGRATE_HIGHATOMIC, order, mt);
	mt = serving_type(z, large_enough, mt);
	if (unlikely(mt == MIGRATE_TYPES))
		return NULL;
	have = (unsigned int)__builtin_ctz(z->filled[mt] & large_enough);
	l = &z->area[have].list[mt];
	BUG_ON_VAL(!l->count, have, mt);
	page = frame(page_list_pop(l));
	if (!l->count)
		set_filled(z, mt, z->filled[mt] & ~(1u << have));
	intact = head_intact(page, frame_flags(z->id, PAGE_FREE, have, mt));
	split(z, frame_number(page), have, order, mt);
	hand_out(z, page, order, mt, intact);
	return page;
}

/* ---- giving back ------------------------------------------------------------ */

static bool is_free_block(const struct zone *z, u32 pfn, unsigned int order)
{
	return (frame(pfn)->flags & ~(u32)PAGE_MT_MASK) ==
	       frame_flags(z->id, PAGE_FREE, order, (enum migratetype)0);
}

/* May a free block of this order and type absorb the free block at buddy? */
static bool types_merge(u32 buddy, unsigned int order, enum migratetype mt)
{
	return order < PAGEBLOCK_ORDER || frame_list_type(frame(buddy)) == mt;
}

/* Would the next merge already succeed if our buddy came back? The frames asked
 * about lie in our own 4 MiB unit, so their descriptors are backed. */
static bool next_merge_waits(const struct zone *z, u32 pfn, unsigned int order)
{
	u32 parent = pfn & ~(1u << order);

	return order + 1 < MAX_PAGE_ORDER && is_free_block(z, parent ^ (2u << order), order + 1);
}

void buddy_put_locked(struct zone *z, struct page *page, unsigned int order, bool to_tail)
{
	u32 pfn = frame_number(page);
	enum migratetype mt = pageblock_type(pfn);

	BUG_ON_VAL(tm_debug && !spin_held(&z->lock), z->id, 0);
	BUG_ON_VAL(order > MAX_PAGE_ORDER || (pfn & ((1u << order) - 1)), pfn, order);
	BUG_ON_VAL(pfn < z->start.v || pfn + (1ull << order) > z->end.v, pfn, z->id);
	page->refcount = 0;
	count_free(z, mt, 1ull << order);
	while (order < MAX_PAGE_ORDER) {
		u32 buddy = pfn ^ (1u << order);

		tm_step();
		if (!is_free_block(z, buddy, order) || !types_merge(buddy, order, mt))
			break;
		unlink_block(z, buddy, order, frame_list_type(frame(buddy)));
		frame(pfn | buddy)->flags = frame_flags(z->id, PAGE_TAIL, 0, (enum migratetype)0);
		pfn &= buddy;
		order++;
	}
	link_block(z, pfn, order, mt, to_tail || next_merge_waits(z, pfn, order));
}
