/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many single pages at once; contracts in mm/mm.h. As long as requests would be
 * hits, a step of them shares one masked section. What the cache has not comes from
 * the zone's lists straight into the caller's array, a whole chunk a lock hold; what it
 * has no room for goes straight home, neighbours in the array as one block, up to a
 * chunk. Both count as if they had been cached. The rest goes the long way one by
 * one, and a request that is short of memory gets one page by all means there are
 * and no more.
 */
#include "mm/mm.h"
#include "mm/page/buddy.h"
#include "mm/page/hit.h"
#include "mm/page/page_alloc.h"
#include "mm/page/page_check.h"
#include "mm/page/slowpath.h"
#include "mm/stat/owner.h"
#include "mm/stat/vmstat.h"

enum {
	TAKE_STEP = 48, /* at most 15 instructions each */
	PUT_STEP = 40,  /* at most 17 each */
	GROUP_ORDER = PCP_ORDERS - 1,
};
_Static_assert(1 << GROUP_ORDER == PCP_CHUNK, "a chunk is one block");

/* ---- taking ----------------------------------------------------------------------- */

/* One masked section: hit_take() for many, with what they share looked at once.
 * Pages taken. */
static unsigned int take_step(const struct mm_task *me, gfp_t gfp, unsigned int nr,
			      struct page **page)
{
	struct page **next = page, **end = page + (nr < TAKE_STEP ? nr : TAKE_STEP);
	u64 which = hit_zone(gfp), flags = arch_irq_save();
	struct pcp_row *row = me->cache->first[which]->row;
	struct pcp_list *l = &row->list[gfp & HIT_MOBILITY];
	u32 head = l->head, cached = l->flags;

	if (head == PFN_NIL || hit_read64(&row->zone->nr_usable) <=
				       hit_read64(&row->zone->pass[ZONE_NORMAL + which])) {
		arch_irq_restore(flags);
		return 0;
	}
	while (next != end && head != PFN_NIL) {
		struct page *top = frame(head);

		if (unlikely(hit_pair(&top->flags) != cached || hit_is_mapped(top)))
			break;
		head = top->next;
		hit_set_head(top, (cached ^ HIT_TAKEN) | HIT_ONE_REF);
		*next++ = top;
	}
	l->head = head;
	l->taken += (u32)(next - page);
	arch_irq_restore(flags);
	return (unsigned int)(next - page);
}

/*
 * A chunk off the lists of the type's own, as the one block that it should be when it is
 * given back: smaller ones are left to who wants one page. Null: none. Masked.
 */
static inline struct page *take_chunk(struct zone *z, u64 floor, enum migratetype mt, u64 head)
{
	struct page *page = NULL;

	spin_lock(&z->lock);
	if (z->nr_usable >= floor + PCP_CHUNK && !(mt == MIGRATE_MOVABLE && z->nr_free_cma))
		page = buddy_take_from_locked(z, GROUP_ORDER, GROUP_ORDER, mt, mt);
	if (likely(page && frame_state(page) == PAGE_ALLOCATED))
		for (unsigned int i = 0; i < PCP_CHUNK; i++)
			hit_set_head(page + i, head);
	spin_unlock(&z->lock);
	return page;
}

/* Such a chunk into the array, which has place for it, while hits are open. Pages. */
static unsigned int chunk_step(const struct mm_task *me, gfp_t gfp, struct page **page)
{
	u32 which = hit_zone(gfp);
	enum migratetype mt = (enum migratetype)(gfp & HIT_MOBILITY);
	u64 flags = arch_irq_save();
	struct pcp *p = me->cache->first[which];
	struct pcp_list *l = &p->row[0].list[mt];
	struct page *first = NULL;
	unsigned int n = 0;
	u64 floor;

	if (likely(hit_read16(&p->row[0].limit))) {
		floor = hit_read64(&p->zone->pass[ZONE_NORMAL + which]) + PCP_CHUNK;
		first = take_chunk(p->zone, floor, mt, (l->flags ^ HIT_TAKEN) | HIT_ONE_REF);
	}
	if (likely(first && frame_state(first) == PAGE_ALLOCATED)) {
		for (; n < PCP_CHUNK; n++)
			page[n] = first + n;
		l->put += PCP_CHUNK;
		l->taken += PCP_CHUNK;
		p->refilled[0] += PCP_CHUNK;
		vm_event(PCP_REFILL);
	}
	arch_irq_restore(flags);
	if (unlikely(first && !n))
		page_report_damaged(first);
	return n;
}

/* Another chunk for such requests into the cache, while hits are open. False: not this
 * way. *mixed: the zone whose types were mixed for it, which has followers. */
static bool refill_step(const struct mm_task *me, gfp_t gfp, struct zone **mixed)
{
	u32 which = hit_zone(gfp);
	enum migratetype mt = (enum migratetype)(gfp & HIT_MOBILITY);
	bool stolen = false;
	unsigned int got = 0;

	for (enum mobility_turn turn = TURN_OWN; !got && turn < NR_TURNS; turn++) {
		u64 flags = arch_irq_save(), pass;
		struct pcp *p = me->cache->first[which];

		if (hit_read16(&p->row[0].limit)) {
			pass = hit_read64(&p->zone->pass[ZONE_NORMAL + which]);
			got = pcp_refill(p, 0, mt, mt == MIGRATE_MOVABLE, pass + PCP_CHUNK, turn,
					 &stolen);
		}
		arch_irq_restore(flags);
		if (unlikely(stolen))
			*mixed = p->zone;
	}
	return got && !stolen;
}

static unsigned int take_hits(gfp_t gfp, unsigned int nr, struct page **page, const void *site,
			      struct zone **mixed)
{
	const struct mm_task *me = mm_own();
	bool more = hit_is_plain(me, gfp) && (gfp & HIT_MOBILITY) != HIT_MOBILITY;
	bool cached = true, chunks = true; /* there may be some */
	unsigned int n = 0, got;

	while (n < nr && more) {
		got = 0;
		if (cached) {
			got = take_step(me, gfp, nr - n, page + n);
			cached = got == TAKE_STEP;
		} else if (chunks && nr - n >= PCP_CHUNK) {
			got = chunk_step(me, gfp, page + n);
			chunks = got;
		} else {
			more = refill_step(me, gfp, mixed);
			cached = true;
		}
		n += got;
	}
	for (unsigned int i = 0; (tm_debug || (gfp & __GFP_ZERO)) && i < n; i++) {
		if (tm_debug) {
			page_poison_check(page[i], 0);
			owner_set(page[i], 0, gfp, site);
		}
		if (gfp & __GFP_ZERO)
			clear_page(page_address(page[i]));
	}
	return n;
}

unsigned int alloc_pages_bulk(gfp_t gfp, unsigned int nr, struct page **page)
{
	const void *site = __builtin_return_address(0);
	struct zone *mixed = NULL;
	unsigned int n = take_hits(gfp, nr, page, site, &mixed);
	struct alloc_request rq;

	/* Where types were mixed, not all came: no further look is needed if they did. */
	if (n == nr || request_fill(&rq, NODE_NONE, gfp, 0, site))
		return n;
	if (unlikely(mixed))
		page_alloc_mixed(mixed, &rq);
	for (; n < nr; n++) {
		page[n] = page_alloc_request(&rq, n == 0);
		if (!page[n])
			break;
	}
	return n;
}

/* ---- giving back ------------------------------------------------------------------- */

/* Where a page belongs, and with it all that are like it. */
struct place {
	struct pcp *pcp;
	struct pcp_list *list;
	u64 taken;          /* what their heads say */
	struct page *block; /* first of its pageblock */
	enum migratetype type;
	u32 room; /* of the list; 0: full */
};

/* How many descriptors p lies behind the base; if in the middle of one: beyond all. */
static inline u64 rotated(const struct page *p, const void *base)
{
	return hit_rotate((u64)(uintptr_t)p - (u64)(uintptr_t)base, 5);
}

static inline u64 number_of(const struct page *page)
{
	return rotated(page, (const void *)(uintptr_t)ARCH_FRAMES_BASE);
}

/* Whether it is allocated and intact is asked later. False: no page of a list, or that is
 * closed. Masked. */
static inline bool find_place(const struct mm_task *me, const struct page *page, struct place *at)
{
	u64 pfn = number_of(page), id;
	u32 limit, blocks;

	if (unlikely(pfn - frame_map.run_start >= frame_map.run_frames))
		return false;
	id = frame_zone_id(page);
	at->block = frame(align_down(pfn, PAGEBLOCK_PAGES));
	at->type = pageblock_type(pfn);
	if (unlikely(id >= frame_map.nr_zone_ids || (u32)at->type >= PCP_TYPES))
		return false;
	at->pcp = &me->cache->zone[id];
	at->list = &at->pcp->row[0].list[at->type];
	at->taken = (at->list->flags ^ HIT_TAKEN) | HIT_ONE_REF;
	limit = hit_read16(&at->pcp->row[0].limit);
	blocks = pcp_blocks(at->list);
	at->room = limit > blocks ? limit - blocks : 0;
	return limit;
}

/* As many as are alike onto the list. Masked. */
static inline unsigned int put_alike(const struct place *at, unsigned int most, struct page **page)
{
	struct pcp_list *l = at->list;
	u64 taken = at->taken, cached = l->flags;
	struct page *block = at->block;
	struct page **next = page, **end = page + most;
	u32 head = l->head, first = frame_number(block);

	HIT_AS_IS(first);
	while (next != end) {
		struct page *p = *next;
		u64 in_block = rotated(p, block);

		/* Descriptors are backed in whole pageblocks. */
		if (unlikely(in_block >= PAGEBLOCK_PAGES)) {
			u64 pfn = number_of(p);

			if (pfn - frame_map.run_start >= frame_map.run_frames ||
			    pageblock_type(pfn) != at->type)
				break;
			block = frame(align_down(pfn, PAGEBLOCK_PAGES));
			in_block = rotated(p, block);
			first = frame_number(block);
			HIT_AS_IS(first);
		}
		if (unlikely(hit_pair(&p->flags) != taken || hit_is_mapped(p)))
			break;
		next++;
		p->next = head;
		hit_set_head(p, cached);
		head = first + (u32)in_block;
	}
	l->head = head;
	l->put += (u32)(next - page);
	return (unsigned int)(next - page);
}
_Static_assert(FRAME_UNIT_PAGES % PAGEBLOCK_PAGES == 0, "a backed unit is whole pageblocks");

/*
 * The largest block, a group at most, that starts with the first page of the array and goes
 * on, rising or falling, with the next ones, all alike and intact: its head; null: the first
 * is not.
 */
static inline struct page *find_block(const struct place *at, unsigned int nr, struct page **page,
				      unsigned int *order)
{
	bool falls = nr > 1 && page[1] < page[0];
	struct page **next = page, **end = page + (nr < PCP_CHUNK ? nr : PCP_CHUNK), *p = page[0];
	u64 edge = number_of(p) + falls;
	unsigned int run, o = 0;

	while (next != end && *next == p && hit_pair(&p->flags) == at->taken && !hit_is_mapped(p)) {
		p += falls ? -1 : 1;
		next++;
	}
	run = (unsigned int)(next - page);
	while (2u << o <= run && !(edge >> o & 1))
		o++;
	*order = o;
	if (unlikely(!run))
		return NULL;
	return falls ? page[0] - ((1u << o) - 1) : page[0];
}

/*
 * Pages at the start of the array go home as one block: one lock hold. Result: how many;
 * 0: the first is not alike or not intact. Masked.
 */
static unsigned int give_block(const struct place *at, unsigned int nr, struct page **page)
{
	unsigned int order, size;
	struct page *low = find_block(at, nr, page, &order);
	struct pcp *p = at->pcp;
	struct zone *z = p->zone;
	u64 tail = frame_flags(z->id, PAGE_TAIL, 0, (enum migratetype)0);

	if (unlikely(!low))
		return 0;
	size = 1u << order;
	/* Joined under the lock, since others go from head to head. */
	spin_lock(&z->lock);
	hit_set_head(low, at->taken | order << PAGE_ORDER_SHIFT);
	for (struct page *next = low + 1; next != low + size; next++)
		hit_set_head(next, tail);
	buddy_put_locked(z, low, order, false);
	z->nr_freed++;
	spin_unlock(&z->lock);
	at->list->put += size;
	at->list->taken += size;
	p->drained[0] += size;
	vm_event(PCP_DRAIN);
	return size;
}

/*
 * One masked section: into the cache as long as it has room, then home, unless they are
 * few: these wait for room. What is cached stays there, so that the next request of many
 * takes, and gives back, the same pages: it tears no groups of others.
 */
static unsigned int put_step(const struct mm_task *me, unsigned int nr, struct page **page,
			     bool few)
{
	u64 flags = arch_irq_save();
	unsigned int n = 0;
	struct place at;

	if (likely(find_place(me, page[0], &at))) {
		unsigned int most = at.room < PUT_STEP ? at.room : PUT_STEP;

		if (likely(most))
			n = put_alike(&at, nr < most ? nr : most, page);
		else if (!few)
			n = give_block(&at, nr, page);
	}
	arch_irq_restore(flags);
	return n;
}

void page_free_bulk(unsigned int nr, struct page **page, const void *site)
{
	const struct mm_task *me = mm_own();
	bool few = nr <= PCP_CHUNK;
	unsigned int n = 0, noted = 0;

	while (n < nr) {
		unsigned int got;

		for (; tm_debug && noted < nr && noted < n + PUT_STEP; noted++)
			page_poison_own(page[noted], 0, site);
		got = put_step(me, nr - n, page + n, few);
		n += got;
		/* Odd, or nothing may be cached, or this makes room. */
		if (!got)
			page_free_more(page[n++], 0, site);
	}
}

void free_pages_bulk(unsigned int nr, struct page **page)
{
	page_free_bulk(nr, page, __builtin_return_address(0));
}
