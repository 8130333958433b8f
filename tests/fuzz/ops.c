/* SPDX-License-Identifier: Apache-2.0 */
/* Sequences of operations; see ops.h. */
#include "ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "help/arena.h"
#include "help/ghost.h"
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/reserves.h"

enum { SLOTS = 64, CPUS = 2, NODES = 2, FLOOD_MOST = 48 };

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
	GFP_ATOMIC | __GFP_NOMEMALLOC | __GFP_MEMALLOC,
	GFP_KERNEL | __GFP_NORETRY,
	GFP_KERNEL | __GFP_RETRY_MAYFAIL,
	GFP_USER | __GFP_HIGH,
	GFP_NOFS | __GFP_MOVABLE,
};

static const u64 kbytes[] = { 0, 64, 256, 512 };
static struct slot slot[SLOTS];
static struct ops_count count;
static const u8 *sequence;
static size_t nr_sequence;
static u64 first_kbytes;
static bool trace;

struct ops_count ops_count(void)
{
	return count;
}

static void said(const char *text)
{
	fprintf(stderr, "%s\nafter %llu operations, shape %s, sequence ", text,
		(unsigned long long)count.operations, getenv("FUZZ_SHAPE") ?: "0");
	for (size_t i = 0; i < nr_sequence; i++)
		fprintf(stderr, "%02x", sequence[i]);
	fprintf(stderr, "\n");
	abort();
}

/* ---- asking -------------------------------------------------------------------------- */

/* The band a request has by its flags: design, section 5. */
static u32 band_of(gfp_t gfp)
{
	if ((gfp & __GFP_MEMALLOC) && !(gfp & __GFP_NOMEMALLOC))
		return BAND_MEMALLOC;
	if (gfp & __GFP_HIGH)
		return gfp & __GFP_DIRECT_RECLAIM ? BAND_REALTIME : BAND_ATOMIC;
	return BAND_ORDINARY;
}

static struct ghost_ask ask_for(gfp_t gfp, unsigned int order, int node)
{
	if (node == NODE_NONE && (gfp & __GFP_THISNODE))
		node = (int)cpu_to_node(cpu_id());
	return (struct ghost_ask){ .gfp = gfp | __GFP_NOWARN,
				   .order = order,
				   .node = node,
				   .band = band_of(gfp),
				   .owner = 1 };
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
	if (page) {
		ghost_served(&ask, page);
		keep(page, ask.order);
	} else {
		count.refused++;
		if (ask.order <= MAX_PAGE_ORDER && (ask.node == NODE_NONE || node_table[ask.node]))
			ghost_refused(&ask);
	}
}

/* As long as it gives: down to the floor of this kind. */
static void op_flood(u8 a, u8 b)
{
	struct ghost_ask ask = ask_for(kinds[a & 15], b % 8 + 3, NODE_NONE);
	struct page *page;

	while (free_slot() && (page = alloc_pages(ask.gfp, ask.order))) {
		ghost_served(&ask, page);
		keep(page, ask.order);
	}
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

static void op_knob(u8 a, u8 b)
{
	if (a & 1)
		(void)reserves_set_min_free_kbytes(kbytes[b % 4]);
	else
		(void)reserves_set_scale_factor(b ? b * 10u : 10);
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
	case 12:
		op_free_some(a, b);
		break;
	case 13:
		op_wrong(a, b);
		break;
	case 14:
		fake_set_cpu(a % CPUS);
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
	arena_boot(&shapes[shape % OPS_SHAPES]);
	mm_allow_blocking();
	first_kbytes = reserves_knobs().min_free_kbytes;
}
