/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many single pages at once; contracts in mm/mm.h. As long as requests would be
 * hits, STEP of them share one masked section, and the cache is filled and drained
 * a chunk at a time in between; the rest goes the long way one by one. A request
 * that is short of memory gets one page by all means there are and no more.
 */
#include "mm/mm.h"
#include "mm/page/hit.h"
#include "mm/page/page_alloc.h"
#include "mm/page/page_check.h"
#include "mm/page/slowpath.h"
#include "mm/stat/owner.h"

enum { STEP = 32 }; /* at most 30 instructions each */

/* ---- taking ----------------------------------------------------------------------- */

/* One masked section: hit_take() for many, with what they share looked at once.
 * Pages taken. */
static unsigned int take_step(const struct mm_task *me, gfp_t gfp, unsigned int nr,
			      struct page **page)
{
	unsigned int most = nr < STEP ? nr : STEP, n = 0;
	u64 which = hit_zone(gfp), flags = arch_irq_save();
	struct pcp_row *row = me->cache->first[which]->row;
	struct pcp_list *l = &row->list[gfp & HIT_MOBILITY];
	u32 head = l->head, cached = l->flags;

	if (head == PFN_NIL || hit_read64(&row->zone->nr_usable) <=
				       hit_read64(&row->zone->pass[ZONE_NORMAL + which])) {
		arch_irq_restore(flags);
		return 0;
	}
	while (n < most && head != PFN_NIL) {
		struct page *top = frame(head);

		if (unlikely(hit_pair(&top->flags) != cached || hit_is_mapped(top)))
			break;
		head = top->next;
		hit_set_head(top, (cached ^ HIT_TAKEN) | HIT_ONE_REF);
		page[n++] = top;
	}
	l->head = head;
	l->taken += n;
	arch_irq_restore(flags);
	return n;
}

/* Another chunk for such requests, while hits are open. False: not this way.
 * *mixed: the zone whose types were mixed for it, which has followers. */
static bool refill_step(const struct mm_task *me, gfp_t gfp, struct zone **mixed)
{
	u32 which = hit_zone(gfp);
	enum migratetype mt = (enum migratetype)(gfp & HIT_MOBILITY);
	bool stolen = false;
	u64 flags = arch_irq_save(), pass;
	unsigned int got = 0;
	struct pcp *p = me->cache->first[which];

	if (__atomic_load_n(&p->row[0].limit, __ATOMIC_RELAXED)) {
		pass = __atomic_load_n(&p->zone->pass[ZONE_NORMAL + which], __ATOMIC_RELAXED);
		got = pcp_refill(p, 0, mt, mt == MIGRATE_MOVABLE, pass + PCP_CHUNK, &stolen);
	}
	arch_irq_restore(flags);
	if (unlikely(stolen))
		*mixed = p->zone;
	return got && !stolen;
}

static unsigned int take_hits(gfp_t gfp, unsigned int nr, struct page **page, const void *site,
			      struct zone **mixed)
{
	const struct mm_task *me = mm_own();
	unsigned int n = 0;

	if (!hit_is_plain(me, gfp))
		return 0;
	do
		n += take_step(me, gfp, nr - n, page + n);
	while (n < nr && refill_step(me, gfp, mixed));
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

	if ((n == nr && !mixed) || request_fill(&rq, NODE_NONE, gfp, 0, site))
		return n;
	if (unlikely(mixed))
		slow_wake_kswapd(mixed, &rq);
	for (; n < nr; n++) {
		page[n] = page_alloc_request(&rq, n == 0);
		if (!page[n])
			break;
	}
	return n;
}

/* ---- giving back ------------------------------------------------------------------- */

/* Pages that go where the first went, which was a hit: same zone, same type. Masked. */
static unsigned int put_alike(const struct mm_task *me, unsigned int nr, struct page **page)
{
	u32 cached = page[0]->flags, type = frame_list_type(page[0]);
	struct pcp_row *row = me->cache->zone[frame_zone_id(page[0])].row;
	struct pcp_list *l = &row->list[type];
	u64 taken = (cached ^ HIT_TAKEN) | HIT_ONE_REF;
	u32 limit = hit_read16(&row->limit), blocks = pcp_blocks(l), head = l->head;
	/* Others may have closed it since. */
	u32 room = limit > blocks ? limit - blocks : 0;
	unsigned int most = nr - 1 < room ? nr - 1 : room, n = 0;

	for (; n < most; n++) {
		struct page *p = page[n + 1];
		u64 pfn = hit_rotate((u64)(uintptr_t)p - ARCH_FRAMES_BASE, 5);

		if (unlikely(pfn - frame_map.run_start >= frame_map.run_frames) ||
		    hit_read8(&pageblock_entry(pfn)->type) != type ||
		    hit_pair(&p->flags) != taken || hit_is_mapped(p))
			break;
		p->next = head;
		hit_set_head(p, cached);
		head = (u32)pfn;
	}
	l->head = head;
	l->put += n;
	return n;
}

static unsigned int put_step(const struct mm_task *me, unsigned int nr, struct page **page,
			     const void *site)
{
	unsigned int most = nr < STEP ? nr : STEP, n = 0;
	u64 flags;

	for (unsigned int i = 0; tm_debug && i < most; i++)
		page_poison_own(page[i], 0, site);
	flags = arch_irq_save();
	while (n < most && hit_put(me, page[n], 0)) {
		n++;
		n += put_alike(me, most - n + 1, page + n - 1);
	}
	arch_irq_restore(flags);
	return n;
}

void free_pages_bulk(unsigned int nr, struct page **page)
{
	const struct mm_task *me = mm_own();
	const void *site = __builtin_return_address(0);

	for (unsigned int n = 0; n < nr;) {
		n += put_step(me, nr - n, page + n, site);
		/* Not a hit: the list is full, so this one drains it, or it is odd. */
		if (n < nr)
			page_free_more(page[n++], 0, site);
	}
}
