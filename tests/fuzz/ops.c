/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequences of operations; contracts in ops.h. What a caller may do is one
 * function each, fed by two bytes. What the one task has set, and thereby what
 * its requests may expect, is kept here a second time, for the model.
 */
#include "ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "help/arena.h"
#include "help/ghost.h"
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/mobility.h"
#include "mm/page/reserves.h"
#include "mm/stat/owner.h"

enum { SLOTS = 64, CPUS = 2, BULK = 20 };

struct slot {
	struct page *page;
	u32 order;
};

static const struct machine shapes[OPS_SHAPES] = {
	/* One zone of 8 MiB, marks of a few dozen pages. */
	{ .bank = { { GIB(1), GIB(1) + MIB(8), 0, 0 } },
	  .nr_cpus = CPUS,
	  .options = { .min_free_given = true, .min_free_kbytes = 256 } },
	/* Two nodes, a hole, CMA in both, half of the second movable. */
	{ .bank = { { GIB(1), GIB(1) + MIB(6), 0, 0 },
		    { GIB(1) + MIB(12), GIB(1) + MIB(24), 1, 0 } },
	  .cma = { { GIB(1) + MIB(2), GIB(1) + MIB(4) }, { GIB(1) + MIB(14), GIB(1) + MIB(16) } },
	  .nr_cpus = CPUS,
	  .cpu_node = { 0, 1 },
	  .options = { .min_free_given = true,
		       .min_free_kbytes = 384,
		       .movablecore = { true, MIB(4), 0 } } },
	/* DMA below DMA32 in one node, so that reserves count; no marks at first. */
	{ .bank = { { GIB(1), GIB(1) + MIB(12), 0, 0 } },
	  .nr_cpus = CPUS,
	  .dma_end = GIB(1) + MIB(4),
	  .options = { .min_free_given = true, .lowmem_reserve_ratio = { 32, 32, 32, 0 } } },
};

static const gfp_t kinds[] = {
	GFP_KERNEL,
	GFP_HIGHUSER_MOVABLE,
	GFP_KERNEL | __GFP_RECLAIMABLE,
	GFP_ATOMIC,
	GFP_NOWAIT,
	GFP_KERNEL | __GFP_DMA,
	GFP_NOWAIT | __GFP_DMA32,
	GFP_KERNEL | __GFP_THISNODE,
	GFP_HIGHUSER_MOVABLE | __GFP_THISNODE,
	GFP_NOWAIT | __GFP_MOVABLE,
	GFP_ATOMIC | __GFP_MEMALLOC,
	GFP_ATOMIC | __GFP_NOMEMALLOC,
	GFP_KERNEL | __GFP_NORETRY,
	GFP_KERNEL | __GFP_RETRY_MAYFAIL,
	GFP_USER | __GFP_HIGH,
	GFP_NOFS | __GFP_MOVABLE,
};

static const u64 kbytes[] = { 0, 64, 256, 512 };
static const struct machine *machine;
static struct slot slot[SLOTS];
static struct ops_count count;
static const u8 *sequence;
static size_t nr_sequence;
static u64 first_kbytes;
static bool trace;
/* What the one task has set, as the model understands it. */
static unsigned int scopes;
static u64 bound;  /* nodes its policy binds it to; 0: not */
static u64 limits; /* nodes it may use; 0: all */
static bool interrupt;
static bool watched;

struct ops_count ops_count(void)
{
	return count;
}

static void said(const char *text)
{
	static char journeys[4096];
	struct out_buf ob;

	out_buf_init(&ob, journeys, sizeof(journeys));
	mm_view_explain(&ob.out, 1);
	fprintf(stderr, "%s\n", journeys);
	fprintf(stderr, "%s\nafter %llu operations, shape %s, sequence ", text,
		(unsigned long long)count.operations, getenv("FUZZ_SHAPE") ?: "0");
	for (size_t i = 0; i < nr_sequence; i++)
		fprintf(stderr, "%02x", sequence[i]);
	fprintf(stderr, "\n");
	abort();
}

/* ---- asking -------------------------------------------------------------------------- */

/* The band a request has: design, section 5. */
static u32 band_of(gfp_t gfp)
{
	static const u8 by_prio[32] = { 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2,
					3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 6, 6, 6, 6, 6, 6 };
	bool may_block = gfp & __GFP_DIRECT_RECLAIM;
	bool rights = !(gfp & __GFP_NOMEMALLOC);
	u32 band = by_prio[fake_task.prio];

	if (rights && ((gfp & __GFP_MEMALLOC) || ((scopes & MM_SCOPE_MEMALLOC) && !interrupt)))
		return BAND_MEMALLOC;
	if (interrupt)
		return BAND_INTERRUPT;
	if ((gfp & __GFP_HIGH) && band < BAND_REALTIME)
		band = BAND_REALTIME;
	return band == BAND_REALTIME && !may_block && rights ? BAND_ATOMIC : band;
}

/* Nodes that it may come from for certain; 0: some rule may open others. */
static u64 nodes_of(gfp_t gfp, int node, u32 band)
{
	u64 nodes = 0;

	if (interrupt || band >= BAND_REALTIME || !(gfp & __GFP_DIRECT_RECLAIM))
		return 0;
	/* A policy that names nothing the limits leave is none. */
	if (bound && node == NODE_NONE && !(gfp & __GFP_THISNODE))
		nodes = limits ? bound & limits : bound;
	if (!nodes && limits && (gfp & __GFP_HARDWALL))
		nodes = limits;
	return nodes;
}

static struct ghost_ask ask_for(gfp_t gfp, unsigned int order, int node)
{
	struct ghost_ask ask = { .gfp = gfp | __GFP_NOWARN, .order = order, .owner = 1 };

	if (interrupt)
		ask.gfp &= ~(gfp_t)__GFP_DIRECT_RECLAIM;
	ask.band = band_of(ask.gfp);
	ask.nodes = nodes_of(ask.gfp, node, ask.band);
	ask.node = node;
	return ask;
}

/* With limits or policies about, what a refused request might have used is not
 * for the model to say. */
static void check_refused(struct ghost_ask ask)
{
	count.refused++;
	if (ask.node == NODE_NONE && (ask.gfp & __GFP_THISNODE))
		ask.node = (int)cpu_to_node(cpu_id());
	if (ask.order <= MAX_PAGE_ORDER && (ask.node == NODE_NONE || node_table[ask.node]) &&
	    !bound && !limits)
		ghost_refused(&ask);
}

static void served(const struct ghost_ask *asked, struct page *page)
{
	struct ghost_ask ask = *asked;

	if (ask.node == NODE_NONE && (ask.gfp & __GFP_THISNODE))
		ask.node = (int)cpu_to_node(cpu_id());
	ghost_served(&ask, page);
}

/* Leave a word that no clear page has. */
static void write_to(struct page *page, unsigned int order)
{
	for (u32 i = 0; i < 1u << order; i++)
		*(u64 *)page_address(page + i) = ~0ull;
}

static struct slot *free_slot(void)
{
	for (unsigned int i = 0; i < SLOTS; i++)
		if (!slot[i].page)
			return &slot[i];
	return NULL;
}

static void keep(struct page *page, unsigned int order)
{
	struct slot *s = free_slot();

	write_to(page, order);
	*s = (struct slot){ page, order };
	count.served++;
}

static void op_alloc(u8 a, u8 b)
{
	static const u8 orders[16] = { 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 3, 4, 6, 9, 10, 11 };
	static const int nodes[4] = { NODE_NONE, 0, 1, NODE_NONE };
	struct ghost_ask ask = ask_for(kinds[a & 15], orders[b & 15], nodes[a >> 4 & 3]);
	struct page *page;

	if (!free_slot())
		return;
	if ((a & 0xc0) == 0x40 && ask.order <= 3)
		ask.gfp |= __GFP_ZERO;
	page = alloc_pages_node(ask.node, ask.gfp, ask.order);
	if (!page) {
		check_refused(ask);
		return;
	}
	served(&ask, page);
	keep(page, ask.order);
}

/* As long as it gives: down to the floor of this kind. */
static void op_flood(u8 a, u8 b)
{
	struct ghost_ask ask = ask_for(kinds[a & 15], b % 8 + 3, NODE_NONE);
	struct page *page;

	while (free_slot() && (page = alloc_pages(ask.gfp, ask.order))) {
		served(&ask, page);
		keep(page, ask.order);
	}
}

/* Up to as many as there are slots for; at least one whenever one would be served. */
static void op_bulk(u8 a, u8 b)
{
	struct ghost_ask ask = ask_for(kinds[a & 15], 0, NODE_NONE);
	struct page *page[BULK];
	unsigned int room = 0, nr;

	for (unsigned int i = 0; i < SLOTS; i++)
		room += !slot[i].page;
	nr = alloc_pages_bulk(ask.gfp, (unsigned int)min_u64(b % (BULK + 1), room), page);
	if (b % (BULK + 1) && room && !nr)
		check_refused(ask);
	for (unsigned int i = 0; i < nr; i++) {
		served(&ask, page[i]);
		keep(page[i], 0);
	}
}

/* A size in bytes; what is too much of its power of two is free again. */
static void op_exact(u8 a, u8 b)
{
	struct ghost_ask ask = ask_for(kinds[a & 15], 0, NODE_NONE);
	u64 nr_pages = b % 24 + 1;
	u64 nr_bytes = nr_pages * PAGE_SIZE - (a >> 4) * 256;
	void *p = alloc_pages_exact(nr_bytes, ask.gfp);
	struct page *page;

	while (1ull << ask.order < nr_pages)
		ask.order++;
	if (!p) {
		check_refused(ask);
		return;
	}
	page = virt_to_page(p);
	/* Floor and pages are judged as the block it was cut from. */
	for (u64 i = 0; i < nr_pages; i++)
		*(u64 *)page_address(page + i) = ~0ull;
	ghost_served_part(&ask, page, nr_pages);
	ghost_check();
	free_pages_exact(p, nr_bytes);
	for (u64 i = 0; i < nr_pages; i++)
		ghost_freed(page + i, 0);
}

/* ---- giving back ------------------------------------------------------------------------ */

static struct slot *pick(u8 a)
{
	for (unsigned int i = 0; i < SLOTS; i++)
		if (slot[(a + i) % SLOTS].page)
			return &slot[(a + i) % SLOTS];
	return NULL;
}

static void put(struct slot *s)
{
	free_pages(s->page, s->order);
	ghost_freed(s->page, s->order);
	s->page = NULL;
	count.freed++;
}

static void op_free(u8 a)
{
	struct slot *s = pick(a);

	if (s)
		put(s);
}

static void op_free_some(u8 a, u8 b)
{
	for (unsigned int i = 0; i < SLOTS; i++)
		if (slot[i].page && (b >> i % 8 & 1) && slot[i].order <= a % 11)
			put(&slot[i]);
}

struct wrong {
	struct page *page;
	unsigned int order;
};

static void free_wrong(void *arg)
{
	const struct wrong *w = arg;

	free_pages(w->page, w->order);
}

/* Refused, and nothing has changed: ghost_check() follows. */
static void op_wrong(u8 a, u8 b)
{
	struct slot *s = pick(a);
	struct wrong w = { s ? s->page : NULL, s ? s->order : 0 };

	if (!s)
		return;
	switch (b & 3) {
	case 0:
		w.order += 1 + (b >> 2 & 7);
		break;
	case 1:
		w.page += 1 + (b >> 2) % 7; /* the middle, or whatever lies there */
		if (ghost_owner(w.page))
			return;
		break;
	case 2: {
		struct page *page = s->page;

		put(s);
		w.page = page;
		break;
	}
	default:
		w.page = (struct page *)((uintptr_t)s->page + 8);
	}
	count.wrong++;
	if (!fake_panics(free_wrong, &w) && tm_debug)
		said("a wrong free went unnoticed");
}

/* ---- everything else ----------------------------------------------------------------------- */

/* Somebody watches every block: no hits meanwhile. */
static void op_watch(bool on)
{
	if (on && !watched)
		watch_begin();
	if (!on && watched)
		watch_end();
	watched = on;
}

static void op_knob(u8 a, u8 b)
{
	switch (a % 6) {
	case 0:
		(void)reserves_set_min_free_kbytes(kbytes[b % 4]);
		break;
	case 1:
		(void)reserves_set_scale_factor(b ? b * 10u : 10);
		break;
	case 2:
		(void)mobility_set_boost_factor((u64)b * 100);
		break;
	case 3:
		(void)mm_drain_caches();
		break;
	case 4: /* the other CPU goes off, and what it had goes home */
		if (cpu_id() == 0) {
			fake_cpus(1, machine->cpu_node);
			fake_cpu_down(1);
			fake_cpus(CPUS, machine->cpu_node);
		}
		break;
	default:
		op_watch(b & 1);
	}
}

/* Who asks from now on: how urgent, with what rights, limited to what. */
static void op_task(u8 a, u8 b)
{
	const struct mm_policy p = { (enum mm_policy_mode)(b & 3), b >> 2 & 3 };

	switch (a % 8) {
	case 0:
	case 1:
	case 2:
		fake_task.prio = b % 32;
		break;
	case 3:
		interrupt = b & 1;
		fake_task.in_interrupt = interrupt;
		break;
	case 4:
		scopes = b & 7;
		mm_scope_restore(0);
		(void)mm_scope_save(scopes);
		break;
	case 5:
		if (!mm_policy_set(&p))
			bound = p.mode == MM_POLICY_BIND ? p.nodes : 0;
		break;
	case 6:
		if (!mm_mems_allowed_set(NULL, b & 3))
			limits = nodes_with_memory() & ~(u64)b & 3 ? b & 3 : 0;
		break;
	default:
		fake_set_cpu(b % CPUS);
	}
}

/* Everything the task has set, back to what a fresh one has. */
static void fresh_task(void)
{
	(void)mm_mems_allowed_set(NULL, nodes_online());
	(void)mm_policy_set(NULL);
	mm_scope_restore(0);
	fake_task.prio = TASK_PRIO_DEFAULT;
	fake_task.in_interrupt = interrupt = false;
	scopes = 0;
	bound = limits = 0;
}

static void one_op(u8 op, u8 a, u8 b)
{
	if (trace)
		fprintf(stderr, "op %u a %u b %u\n", op % 16, a, b);
	switch (op % 16) {
	default:
		op_alloc(a, b);
		break;
	case 8:
		op_flood(a, b);
		break;
	case 9:
	case 10:
	case 11:
		op_free(a);
		break;
	case 6:
		op_bulk(a, b);
		break;
	case 7:
		op_exact(a, b);
		break;
	case 12:
		op_free_some(a, b);
		break;
	case 13:
		op_wrong(a, b);
		break;
	case 14:
		op_task(a, b);
		break;
	case 15:
		op_knob(a, b);
		break;
	}
}

static void start(void)
{
	static u64 now;

	arena_restore();
	memset(slot, 0, sizeof(slot));
	fake_set_cpu(0);
	fake_log_clear();
	fake_clock_ns(now += 10000000000ull);
}

/* Everything goes home: what is left over belongs to nobody. */
static void finish(void)
{
	for (unsigned int i = 0; i < SLOTS; i++)
		if (slot[i].page)
			put(&slot[i]);
	fresh_task();
	op_watch(false);
	(void)mobility_set_boost_factor(15000);
	(void)reserves_set_scale_factor(10);
	(void)reserves_set_min_free_kbytes(first_kbytes);
	ghost_check();
}

void ops_run(const u8 *data, size_t nr_bytes)
{
	sequence = data;
	nr_sequence = min_u64(nr_bytes, OPS_MOST * OPS_BYTES);
	start();
	for (size_t i = 0; i + OPS_BYTES <= nr_sequence; i += OPS_BYTES) {
		one_op(data[i], data[i + 1], data[i + 2]);
		count.operations++;
		ghost_check();
	}
	finish();
	count.sequences++;
}

void ops_boot(unsigned int shape)
{
	trace = getenv("OPS_TRACE");
	ghost_failed = said;
	machine = &shapes[shape % OPS_SHAPES];
	arena_boot(machine);
	mm_allow_blocking();
	first_kbytes = reserves_knobs().min_free_kbytes;
}
