/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Per-CPU caches: what they are filled from, how long they may get, and how they
 * are emptied (rows 46-50). Contracts and equations in pcp.h; the hit path, which
 * only pops and pushes, is in hit.c.
 *
 * A lock hold moves at most PCP_CHUNK frames, or fewer blocks that merge; what a
 * list alone is asked or told lies outside of it. Whoever moves more lets interrupts
 * in between. A complete aligned group of PCP_CHUNK frames goes home as one block.
 *
 * Below the low mark nothing may be cached: whoever sees a zone there closes its
 * caches on all CPUs and asks each to empty its own, one chunk an interrupt. They
 * open again half way between low and high.
 */
#include "mm/page/pcp.h"

#include "mm/boot/phase.h"
#include "mm/boot/topology.h"
#include "mm/page/buddy_step.h"
#include "mm/page/hit.h"
#include "mm/page/page_check.h"
#include "mm/stat/owner.h"
#include "mm/stat/vmstat.h"

enum {
	GROUP_ORDER = PCP_ORDERS - 1, /* of a complete group of PCP_CHUNK frames */
	HOLD_BLOCKS = 2,              /* that a hold gives back, if neither merges; else one */
	ROOM_SINGLES = 128,           /* most blocks of a list of order 0; a guess */
	ROOM_OTHERS = 64,             /* most frames of a list of the others; the same */
	/* More than a zone's lists can hold, so that an end is in sight even when
	 * others fill them meanwhile. */
	MOST_CHUNKS = PCP_TYPES * (ROOM_SINGLES + (PCP_ORDERS - 1) * ROOM_OTHERS),
	WAIT_NS = 100 * 1000 * 1000,
	POLL_NS = 50 * 1000,
};
_Static_assert(1 << GROUP_ORDER == PCP_CHUNK, "a complete group is one block");

static struct pcp_cpu *caches[MAX_CPUS]; /* (I) null: no such CPU */
static unsigned int drain_call;          /* (I) */

/* ---- blocks ------------------------------------------------------------------------- */

static tm_noinline void leak(struct zone *z, struct page *page, u32 flags, unsigned int order)
{
	spin_lock(&z->lock);
	page->flags = flags ^ HIT_TAKEN;
	buddy_leak_locked(z, page, order);
	spin_unlock(&z->lock);
}

struct page *pcp_pop(struct pcp *p, unsigned int order, enum migratetype mt)
{
	struct pcp_list *l = &p->list[order][mt];
	struct page *page;

	BUG_ON_VAL(order >= PCP_ORDERS || (u32)mt >= PCP_TYPES, order, mt);
	if (l->head == PFN_NIL)
		return NULL;
	page = frame(l->head);
	l->head = page->next;
	l->taken++;
	if (unlikely(hit_pair(&page->flags) != l->flags || hit_is_mapped(page)))
		leak(p->zone, page, l->flags, order);
	else
		hit_set_head(page, (l->flags ^ HIT_TAKEN) | HIT_ONE_REF);
	return page;
}

void pcp_push(struct pcp *p, struct page *page, unsigned int order, enum migratetype mt)
{
	struct pcp_list *l = &p->list[order][mt];

	BUG_ON_VAL(order >= PCP_ORDERS || (u32)mt >= PCP_TYPES, order, mt);
	page->next = l->head;
	hit_set_head(page, l->flags);
	l->head = frame_number(page);
	l->put++;
}

static u64 usable(const struct zone *z)
{
	return __atomic_load_n(&z->nr_usable, __ATOMIC_RELAXED);
}

/* ---- refill (row 47) ------------------------------------------------------------------ */

/* The block is cut into pieces that all say the same: under the lock, since others go
 * from head to head. */
static inline void add_block(struct pcp_haul *h, struct page *page, unsigned int have)
{
	struct page *piece = page + (1u << have);

	while (piece != page) {
		piece -= 1u << h->order;
		hit_set_head(piece, h->head);
	}
	h->block[h->nr] = page;
	h->pieces[h->nr++] = 1u << (have - h->order);
}

/* Those that pops give, from the smallest that fit on. */
static inline void haul_pops(struct zone *z, struct pcp_haul *h, u64 left, unsigned int takes,
			     enum migratetype mt)
{
	while (h->nr < takes) {
		u32 fits = z->filled[mt] & (~0u << h->order);
		unsigned int have = (unsigned int)__builtin_ctz(fits | 1u << NR_PAGE_ORDERS);
		u64 most = min_u64(left >> have, takes - h->nr);
		unsigned int first = h->nr, nr;

		if (!most)
			break;
		nr = buddy_take_row_locked(z, have, mt, h->head, (unsigned int)most,
					   &h->block[first]);
		for (unsigned int i = 0; i < nr; i++)
			if (have == h->order)
				h->pieces[h->nr++] = 1;
			else
				add_block(h, h->block[first + i], have);
		left -= (u64)nr << have;
		if (nr < most && z->filled[mt] >> have & 1)
			break;
	}
}

/* The first is no pop: it alone. */
static tm_noinline void haul_one(struct zone *z, struct pcp_haul *h, unsigned int most,
				 enum migratetype mt, bool cma)
{
	struct page *page = mobility_take_locked(z, h->order, most, mt, cma, h->turn, &h->stolen);

	if (unlikely(page && frame_state(page) != PAGE_ALLOCATED))
		h->damaged = page;
	else if (likely(page))
		add_block(h, page, frame_order(page));
}

void pcp_haul(struct zone *z, struct pcp_haul *h, enum migratetype mt, bool cma)
{
	u64 want;

	h->nr = 0;
	h->damaged = NULL;
	h->stolen = false;
	spin_lock(&z->lock);
	want = z->nr_usable > h->floor ? min_u64(z->nr_usable - h->floor, h->most) : 0;
	if (likely(h->turn == TURN_OWN && !(cma && z->nr_free_cma)))
		haul_pops(z, h, want, in_interrupt() ? 1 : PCP_TAKES, mt);
	if (!h->nr && want >> h->order)
		haul_one(z, h, fls_u64(want) - 1, mt, cma);
	spin_unlock(&z->lock);
}

/* What is taken later lies below on the list, so it is pushed in reverse. */
unsigned int pcp_refill(struct pcp *p, unsigned int order, enum migratetype mt, bool cma, u64 floor,
			enum mobility_turn turn, bool *stolen)
{
	struct pcp_list *l = &p->list[order][mt];
	unsigned int blocks = 0;
	struct pcp_haul h;
	u32 below;

	if (unlikely(usable(p->zone) < floor + (1ull << order)))
		return 0;
	h.order = order;
	h.most = PCP_CHUNK;
	h.turn = turn;
	h.floor = floor;
	h.head = l->flags;
	pcp_haul(p->zone, &h, mt, cma);
	below = l->head;
	for (unsigned int i = h.nr; i-- > 0;) {
		struct page *piece = h.block[i] + (h.pieces[i] << order);

		while (piece != h.block[i]) {
			piece -= 1u << order;
			piece->next = below;
			below = frame_number(piece);
		}
		blocks += h.pieces[i];
	}
	l->head = below;
	l->put += blocks;
	p->refilled[order] += blocks;
	vm_event(PCP_REFILL);
	if (unlikely(h.stolen))
		*stolen = true;
	if (unlikely(h.damaged))
		page_report_damaged(h.damaged);
	return blocks;
}

/* ---- drain (row 48) --------------------------------------------------------------------- */

/* Blocks at a link of a list that may go home under one hold. */
struct share {
	struct page *block[PCP_CHUNK];
	unsigned int nr;
	bool whole; /* they are a complete group, and all go */
	u32 behind; /* what the last one links to */
};

static inline bool is_sound(const struct page *page, u32 flags)
{
	return hit_pair(&page->flags) == flags && !hit_is_mapped(page);
}

/* Blocks of the same group that lie behind one another, up to a damaged one. */
static inline unsigned int find_run(u32 pfn, u32 flags, unsigned int most, struct page **block,
				    u32 *behind)
{
	u32 group = pfn / PCP_CHUNK;
	unsigned int nr = 0;

	while (nr < most && pfn / PCP_CHUNK == group) {
		struct page *page = frame(pfn);

		if (unlikely(!is_sound(page, flags)))
			break;
		block[nr++] = page;
		pfn = page->next;
	}
	*behind = pfn;
	return nr;
}

/*
 * A complete aligned group of PCP_CHUNK frames, or what there is of one, or a block and
 * another that lie there alone. None: the first is damaged. The list is this CPU's
 * alone, so nobody waits for the search; a function of its own, or half of what the
 * loop needs would lie on the stack.
 */
static tm_noinline void find_share(u32 pfn, u32 flags, unsigned int order, struct share *s)
{
	unsigned int all = PCP_CHUNK >> order;
	u32 behind;

	s->nr = find_run(pfn, flags, all, s->block, &s->behind);
	s->whole = s->nr == all;
	if (s->nr != 1 || s->whole || s->behind == PFN_NIL ||
	    find_run(s->behind, flags, 2, &s->block[1], &behind) != 1)
		return;
	s->nr = 2;
	s->behind = behind;
}

/* A complete group becomes one block of the highest order. Under the lock, since
 * others go from head to head. */
static inline struct page *join_locked(const struct share *s, u32 flags)
{
	struct page *first = frame(frame_number(s->block[0]) & ~(u32)(PCP_CHUNK - 1));
	u32 tail = (flags & (u32)PAGE_ZONE_MASK) | (u32)PAGE_TAIL << PAGE_STATE_SHIFT;

	for (unsigned int i = 0; i < s->nr; i++)
		s->block[i]->flags = tail;
	first->flags = (flags & ~(u32)PAGE_ORDER_MASK) | GROUP_ORDER << PAGE_ORDER_SHIFT;
	return first;
}

/* Blocks of the share, as many as fit a hold: at least one. Their number. */
static inline unsigned int give_share(struct zone *z, const struct share *s, unsigned int order,
				      u32 flags)
{
	unsigned int nr = 0, merges = 0;
	u32 free = (flags & ~(u32)PAGE_STATE_MASK) | PAGE_FREE;

	spin_lock(&z->lock);
	if (s->whole) {
		buddy_put_locked(z, join_locked(s, flags), GROUP_ORDER, false);
		nr = s->nr;
		z->nr_freed++;
	} else {
		do
			merges = buddy_put_locked(z, s->block[nr++], order, false);
		while (!merges && nr < s->nr && nr < HOLD_BLOCKS &&
		       !buddy_is_free_block(frame_number(s->block[nr]) ^ 1u << order, free));
		z->nr_freed += nr;
	}
	spin_unlock(&z->lock);
	return nr;
}

/* One hold's worth of the blocks behind the link goes home. */
static void drain_from(struct pcp *p, u32 *link, unsigned int order, enum migratetype mt)
{
	struct pcp_list *l = &p->list[order][mt];
	struct share s;
	unsigned int nr = 1;

	find_share(*link, l->flags, order, &s);
	if (likely(s.nr)) {
		nr = give_share(p->zone, &s, order, l->flags);
		*link = nr < s.nr ? frame_number(s.block[nr]) : s.behind;
		trace_event(TRACE_PCP_DRAIN, frame_number(s.block[0]),
			    s.whole ? (unsigned int)GROUP_ORDER : order, mt, nr);
	} else {
		struct page *page = frame(*link);

		*link = page->next;
		leak(p->zone, page, l->flags, order);
	}
	l->taken += nr;
	p->drained[order] += nr;
	vm_event(PCP_DRAIN);
}

/*
 * Where a list that is too long is cut: below the blocks on top that lie together.
 * They are the hottest, and the ones freed next will complete them. All of it is
 * one group: at the top.
 */
static u32 *below_top(struct pcp_list *l)
{
	u32 *link = &l->head, group = l->head / PCP_CHUNK;

	for (unsigned int i = 0; i < PCP_CHUNK && *link / PCP_CHUNK == group; i++)
		link = &frame(*link)->next;
	return *link == PFN_NIL ? &l->head : link;
}

void pcp_drain_list(struct pcp *p, unsigned int order, enum migratetype mt)
{
	struct pcp_list *l = &p->list[order][mt];

	if (l->head != PFN_NIL)
		drain_from(p, below_top(l), order, mt);
}

/* False: nothing was left. */
static bool drain_chunk(struct pcp *p)
{
	for (unsigned int o = PCP_ORDERS; o-- > 0;) {
		for (unsigned int t = 0; t < PCP_TYPES; t++) {
			if (p->list[o][t].head == PFN_NIL)
				continue;
			drain_from(p, &p->list[o][t].head, o, (enum migratetype)t);
			return true;
		}
	}
	return false;
}

bool pcp_drain_chunk(struct zone *z)
{
	BUG_ON(!arch_irqs_masked());
	return drain_chunk(pcp_own(z));
}

void pcp_drain_cpu(unsigned int cpu)
{
	for (struct zone *z = zone_next(0); z; z = zone_next(z->id + 1)) {
		bool more = caches[cpu] != NULL;

		while (more) {
			u64 flags = arch_irq_save();

			/* The calling task may have come to another CPU meanwhile. */
			BUG_ON_VAL((cpus_online() >> cpu & 1) && cpu != cpu_id(), cpu, cpu_id());
			more = drain_chunk(&caches[cpu]->zone[z->id]);
			arch_irq_restore(flags);
		}
	}
}

/* ---- drains that others ask for (row 50) ---------------------------------------------------- */

static bool is_asked(const struct pcp *p)
{
	return __atomic_load_n(&p->drain, __ATOMIC_ACQUIRE);
}

/* In an interrupt of each CPU that was asked: one chunk, and again. */
static void drain_asked(void)
{
	struct pcp_cpu *c = mm_own()->cache;

	for (u32 id = 0; id < frame_map.nr_zone_ids; id++) {
		struct pcp *p = &c->zone[id];

		if (!p->zone || !is_asked(p))
			continue;
		if (!drain_chunk(p)) {
			__atomic_store_n(&p->drain, 0, __ATOMIC_RELEASE);
			continue;
		}
		cpu_call(1ull << cpu_id(), drain_call);
		return;
	}
}

/* Ask these CPUs for the zone's caches, or for those of all zones. */
static void ask(u64 cpus, const struct zone *only)
{
	u32 first = only ? only->id : 0, end = only ? only->id + 1 : (u32)frame_map.nr_zone_ids;

	for (u64 left = cpus; left; left &= left - 1) {
		struct pcp_cpu *c = caches[__builtin_ctzll(left)];

		for (u32 id = first; id < end; id++)
			__atomic_store_n(&c->zone[id].drain, 1, __ATOMIC_RELEASE);
	}
	cpu_call(cpus, drain_call);
}

void pcp_drain_others(struct zone *z)
{
	ask(cpus_online() & ~(1ull << cpu_id()), z);
}

static bool all_done(u64 cpus)
{
	for (u64 left = cpus & cpus_online(); left; left &= left - 1) {
		unsigned int cpu = (unsigned int)__builtin_ctzll(left);

		for (u32 id = 0; id < frame_map.nr_zone_ids; id++)
			if (caches[cpu]->zone[id].zone && is_asked(&caches[cpu]->zone[id]))
				return false;
	}
	return true;
}

static void drain_own(void)
{
	for (struct zone *z = zone_next(0); z; z = zone_next(z->id + 1)) {
		bool more = true;

		/* A task that moves on the way leaves the rest to nobody: what is in a
		 * cache when this ends is what other requests put there. */
		for (unsigned int i = 0; more && i < MOST_CHUNKS; i++) {
			u64 flags = arch_irq_save();

			more = pcp_drain_chunk(z);
			arch_irq_restore(flags);
		}
	}
}

bool mm_drain_caches(void)
{
	u64 all = cpus_online(), deadline = time_after_ns(WAIT_NS);

	vm_event(DRAIN_ALL);
	if (!may_sleep()) {
		pcp_drain_others(NULL);
		drain_own();
		return all_done(all);
	}
	ask(all, NULL);
	while (!all_done(all) && time_now_ns() < deadline)
		sleep_ns(POLL_NS);
	return all_done(all);
}

/* ---- limits (rows 47, 48) ------------------------------------------------------------------- */

/*
 * Blocks a list may hold: all lists together stay about `high` pages, which is
 * per zone and CPU; two thirds of it are for single pages, by far the most asked
 * for. Whole chunks, so that one too many is one drain. Too small a zone has none.
 */
static unsigned int room_of(u32 high, unsigned int order)
{
	u64 pages = order ? min_u64(high / (3 * (PCP_ORDERS - 1) * PCP_TYPES), ROOM_OTHERS)
			  : min_u64(high * 2ull / (3 * PCP_TYPES), ROOM_SINGLES);

	return (unsigned int)(align_down(pages, PCP_CHUNK) >> order);
}

/* Whoever sees a zone cross its mark does this within a request: one look at each CPU. */
static void set_limits(struct zone *z, const u16 *room)
{
	bool watched = watch_active();

	for (unsigned int cpu = 0, nr = arch_cpu_count(); cpu < nr; cpu++) {
		struct pcp *p = z->pcp[cpu];

		for (unsigned int o = 0; o < PCP_ORDERS; o++) {
			__atomic_store_n(&p->row[o].room, room[o], __ATOMIC_RELAXED);
			__atomic_store_n(&p->row[o].limit, watched ? 0 : room[o], __ATOMIC_RELAXED);
		}
	}
}

static u64 low_mark(const struct zone *z)
{
	return __atomic_load_n(&z->wmark[WMARK_LOW], __ATOMIC_RELAXED) +
	       __atomic_load_n(&z->boost, __ATOMIC_RELAXED);
}

/* Where they open again. */
static u64 open_mark(const struct zone *z)
{
	return low_mark(z) + (z->wmark[WMARK_HIGH] - z->wmark[WMARK_LOW]) / 2;
}

/* Racing CPUs may each see a crossing: the last look wins, and is right. */
void pcp_limits_update(struct zone *z)
{
	bool was_below = __atomic_load_n(&z->below_low, __ATOMIC_RELAXED);
	bool below = usable(z) <= (was_below ? open_mark(z) : low_mark(z));
	u16 room[PCP_ORDERS] = { 0 };

	__atomic_store_n(&z->below_low, below, __ATOMIC_RELAXED);
	for (unsigned int o = 0; o < PCP_ORDERS && !below && !guard_below; o++)
		room[o] = (u16)room_of(z->pcp_high, o);
	set_limits(z, room);
	if (below && !was_below)
		ask(cpus_online(), z);
}

void pcp_check_low(struct zone *z)
{
	bool below = __atomic_load_n(&z->below_low, __ATOMIC_RELAXED);

	if (unlikely(below ? usable(z) > open_mark(z) : usable(z) <= low_mark(z)))
		pcp_limits_update(z);
}

/* ---- boot ----------------------------------------------------------------------------------- */

static u32 tm_init nr_zone_ids(void)
{
	u32 nr = 0;

	for (const struct zone *z = zone_next(0); z; z = zone_next(z->id + 1))
		nr = z->id + 1;
	return nr;
}

static void tm_init init_cache(struct pcp *p, struct zone *z, unsigned int cpu)
{
	p->cpu = cpu;
	p->zone = z;
	for (unsigned int o = 0; o < PCP_ORDERS; o++) {
		p->row[o].zone = z;
		p->row[o].no_head = PFN_NIL;
		for (unsigned int t = 0; t < PCP_TYPES; t++) {
			p->list[o][t].head = PFN_NIL;
			p->list[o][t].flags = z ? frame_flags(z->id, PAGE_CACHED, o, t) : 0;
		}
	}
	if (z)
		z->pcp[cpu] = p;
}

/* Of the first zone of the CPU's list that such a request may use; without one,
 * the cache behind the last, which is empty for good. */
static struct pcp *tm_init first_cache(struct pcp_cpu *c, u32 nr_ids, u32 node, u32 high)
{
	const struct zoneref *ref = node_table[node]->zonelist[ZONELIST_FALLBACK];

	while (ref->zone && ref->type > high)
		ref++;
	return &c->zone[ref->zone ? ref->zone->id : nr_ids];
}

static struct pcp_cpu *tm_init build(unsigned int cpu, u32 nr)
{
	const struct memblock_request rq = {
		.nr_bytes = sizeof(struct pcp_cpu) + (nr + 1) * sizeof(struct pcp),
		.align = _Alignof(struct pcp_cpu),
		.node = cpu_to_node(cpu),
		.reason = MEM_BOOT,
		.name = "page caches",
	};
	phys_t place = memblock_alloc(&rq);
	struct pcp_cpu *c = phys_to_virt(place);

	if (!place.v)
		panic("no memory for the page caches of CPU %u", cpu);
	memset(c, 0, rq.nr_bytes);
	for (u32 id = 0; id < nr; id++)
		init_cache(&c->zone[id], zone_next(id) == zone_table[id] ? zone_table[id] : NULL,
			   cpu);
	init_cache(&c->zone[nr], NULL, cpu);
	c->first[0] = first_cache(c, nr, cpu_to_node(cpu), ZONE_NORMAL);
	c->first[1] = first_cache(c, nr, cpu_to_node(cpu), ZONE_MOVABLE);
	boot_phase_metadata(align_up(rq.nr_bytes, PAGE_SIZE) >> PAGE_SHIFT);
	return c;
}

void tm_init pcp_init(void)
{
	static struct cpu_hook hook = { .name = "page caches", .down = pcp_drain_cpu };
	static bool registered;
	u32 nr = nr_zone_ids();

	memset(caches, 0, sizeof(caches));
	for (unsigned int cpu = 0; cpu < arch_cpu_count(); cpu++)
		caches[cpu] = build(cpu, nr);
	mm_own()->cache = caches[cpu_id()];
	frame_map.nr_zone_ids = nr;
	if (registered)
		return;
	registered = true;
	drain_call = cpu_call_add(drain_asked);
	cpu_hook_add(&hook);
}

struct pcp_cpu *mm_cpu_cache(unsigned int cpu)
{
	return caches[cpu];
}

/* ---- counts --------------------------------------------------------------------------------- */

const struct pcp *pcp_of(const struct zone *z, unsigned int cpu)
{
	return cpu < MAX_CPUS ? z->pcp[cpu] : NULL;
}

u64 pcp_pages(const struct pcp *p)
{
	u64 pages = 0;

	for (unsigned int o = 0; o < PCP_ORDERS; o++)
		for (unsigned int t = 0; t < PCP_TYPES; t++)
			pages += (u64)pcp_blocks(&p->list[o][t]) << o;
	return pages;
}

u64 mm_cached_pages(void)
{
	u64 sum = 0;

	for (const struct zone *z = zone_next(0); z; z = zone_next(z->id + 1)) {
		for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++)
			sum += z->pcp[cpu] ? pcp_pages(z->pcp[cpu]) : 0;
		sum += __atomic_load_n(&z->nr_guard, __ATOMIC_RELAXED);
	}
	return sum;
}
