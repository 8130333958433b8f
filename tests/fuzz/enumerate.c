/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every state that the real allocator can reach in a tiny zone: breadth first,
 * each state left by every call that is possible in it, the ghost model looking
 * after each step. A zone is made tiny by holding all of it but a window of a
 * few pages at the end of one pageblock, whose held pages are half movable and
 * half not, so that what is served in the window decides which type a steal may
 * give the block.
 *
 * A state is what the next call can depend on: heads in the window with order
 * and type, the order of every free list and cache, the type of the pageblock,
 * boost, reserve, the CPU. Counters that only rise are not part of it. Prints
 * states and steps of each scene; ends with 1 when a state breaks an invariant,
 * with the calls that lead there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "help/arena.h"
#include "help/ghost.h"
#include "mm/boot/topology.h"
#include "mm/page/pageblock.h"
#include "mm/page/pcp.h"

enum {
	MAX_WINDOW = 16,
	WINDOWS = 3, /* of a scene with two zones */
	MAX_KEY = 1024,
	CACHE_HIGH = 216, /* pages: lists of orders 0 and 1 hold the whole window */
	HASH_BITS = 24,
	MAX_STATES = 1 << 23,
	HELD = GFP_ATOMIC | __GFP_MEMALLOC | __GFP_NOWARN,
};

/* What is enumerated. */
struct scene {
	const char *name;
	unsigned int pages;  /* of the window: 2 to 16 */
	unsigned int orders; /* asked for: 0 to orders - 1 */
	unsigned int cpus;
	unsigned int depth;     /* calls in a row; 0: until nothing is new */
	unsigned int most;      /* states; the rest is not looked at. 0: no limit */
	bool caches;            /* per-CPU caches are used */
	bool two_zones;         /* a window in each, and one in an area of CMA */
	bool urgent;            /* atomic requests besides */
	unsigned int tenth_for; /* depth or states of the short run; 0: the same */
};

/* A call. */
struct call {
	u8 what;  /* enum below */
	u8 order; /* of a request */
	u8 kind;  /* of a request */
	u8 frame; /* in the window, of a free */
};
enum { ALLOC, FREE_HEAD, DRAIN, OTHER_CPU, NR_CALLS };

struct node_of_search {
	u32 parent;
	struct call call;
	u64 diff; /* where its bytes begin in the store */
};

static const gfp_t kinds[] = { GFP_NOWAIT | __GFP_NOWARN, GFP_NOWAIT | __GFP_NOWARN | __GFP_MOVABLE,
			       GFP_ATOMIC | __GFP_NOWARN, GFP_NOWAIT | __GFP_NOWARN | __GFP_DMA };

static const struct scene *scene;
static u64 window[MAX_WINDOW]; /* frame numbers */
static unsigned int nr_window;
static u64 first, last; /* frames whose descriptors belong to the state */
static u64 *base_bytes, *now_bytes;
static u64 nr_words;
static struct node_of_search *search;
static u32 nr_search;
static char *store;
static u64 stored, store_size;
static unsigned __int128 *table;
static u64 nr_steps;
static u32 expanding;
static struct call now_calling;

/* ---- findings --------------------------------------------------------------------- */

static void print_call(const struct call *c)
{
	static const char *const names[NR_CALLS] = { "alloc", "free", "drain", "cpu" };

	fprintf(stderr, "  %s", names[c->what]);
	if (c->what == ALLOC)
		fprintf(stderr, " order %u kind %u", c->order, c->kind);
	if (c->what == FREE_HEAD)
		fprintf(stderr, " page %u", c->frame);
	fprintf(stderr, "\n");
}

static void print_way(u32 to)
{
	if (!to)
		return;
	print_way(search[to].parent);
	print_call(&search[to].call);
}

static void broken(const char *text)
{
	fprintf(stderr, "%s: %s\nafter:\n", scene->name, text);
	print_way(expanding);
	print_call(&now_calling);
	exit(1);
}

/* ---- going to a state and taking it down ------------------------------------------ */

static void save_state(struct node_of_search *n)
{
	char *to;
	u32 nr = 0;

	if (stored + nr_words * 10 + MAX_WINDOW + 8 > store_size) {
		store_size = store_size * 2 + (16u << 20);
		store = realloc(store, store_size);
		if (!store)
			broken("out of memory for states");
	}
	n->diff = stored;
	to = store + stored + sizeof(nr);
	for (u64 i = 0; i < nr_words; i++) {
		u16 at = (u16)i;

		if (now_bytes[i] == base_bytes[i])
			continue;
		memcpy(to, &at, sizeof(at));
		memcpy(to + 2, &now_bytes[i], 8);
		to += 10;
		nr++;
	}
	memcpy(store + stored, &nr, sizeof(nr));
	for (unsigned int i = 0; i < nr_window; i++)
		*to++ = (char)*ghost_bytes(window[i]);
	*to++ = (char)cpu_id();
	stored = (u64)(to - store);
}

static void go_to(const struct node_of_search *n)
{
	const char *from = store + n->diff;
	u32 nr;

	memcpy(now_bytes, base_bytes, nr_words * 8);
	memcpy(&nr, from, sizeof(nr));
	from += sizeof(nr);
	for (; nr; nr--, from += 10) {
		u16 at;

		memcpy(&at, from, sizeof(at));
		memcpy(&now_bytes[at], from + 2, 8);
	}
	arena_copy_in(now_bytes, first, last);
	for (unsigned int i = 0; i < nr_window; i++)
		*ghost_bytes(window[i]) = (u8)*from++;
	fake_set_cpu((unsigned int)*from);
}

/* ---- the state as a key ----------------------------------------------------------- */

static u8 *add_word(u8 *key, u64 value)
{
	memcpy(key, &value, 4);
	return key + 4;
}

static u8 *add_chain(u8 *key, u32 head)
{
	for (u32 pfn = head; pfn != PFN_NIL; pfn = frame(pfn)->next)
		key = add_word(key, pfn);
	return add_word(key, PFN_NIL);
}

static u8 *add_zone(u8 *key, const struct zone *z)
{
	for (unsigned int o = 0; o < PCP_ORDERS + 1; o++)
		for (unsigned int t = 0; t < MIGRATE_ISOLATE; t++)
			if (z->area[o].list[t].count)
				key = add_chain(add_word(key, o * 8 + t), z->area[o].list[t].head);
	key = add_word(key, z->boost);
	key = add_word(key, z->nr_highatomic);
	key = add_word(key, z->below_low);
	for (unsigned int cpu = 0; cpu < scene->cpus && z->pcp[0]; cpu++) {
		key = add_word(key, z->pcp[cpu]->row[0].limit);
		for (unsigned int o = 0; o < PCP_ORDERS; o++)
			for (unsigned int t = 0; t < PCP_TYPES; t++)
				if (pcp_blocks(&z->pcp[cpu]->list[o][t]))
					key = add_chain(add_word(key, 0x1000 + o * 8 + t),
							z->pcp[cpu]->list[o][t].head);
	}
	return key;
}

static unsigned __int128 key_of_state(void)
{
	static u8 key[MAX_KEY];
	u8 *end = key;
	u64 a = 0x9e3779b97f4a7c15ull, b = 0xbf58476d1ce4e5b9ull;

	for (unsigned int i = 0; i < nr_window; i++)
		end = add_word(end, frame(window[i])->flags);
	for (const struct zone *z = zone_next(0); z; z = zone_next(z->id + 1))
		end = add_zone(end, z);
	for (u64 pfn = align_down(first, PAGEBLOCK_PAGES); pfn < last; pfn += PAGEBLOCK_PAGES)
		end = add_word(end, pageblock_type(pfn));
	end = add_word(end, cpu_id());
	if (end > key + MAX_KEY)
		broken("the key is too long");
	for (const u8 *k = key; k < end; k += 4) {
		u32 w;

		memcpy(&w, k, 4);
		a = (a ^ w) * 0xff51afd7ed558ccdull;
		a ^= a >> 29;
		b = (b + w) * 0xc4ceb9fe1a85ec53ull;
		b ^= b >> 31;
	}
	return (unsigned __int128)a << 64 | b | 1;
}

/* True: not seen before; now it is. */
static bool is_new(unsigned __int128 key)
{
	u64 i = (u64)(key >> 40) & ((1ull << HASH_BITS) - 1);

	for (; table[i]; i = (i + 1) & ((1ull << HASH_BITS) - 1))
		if (table[i] == key)
			return false;
	table[i] = key;
	return true;
}

static void note_state(u32 parent)
{
	struct node_of_search *n;

	if (!is_new(key_of_state()))
		return;
	if (nr_search == MAX_STATES)
		broken("more states than there is room for");
	n = &search[nr_search++];
	n->parent = parent;
	n->call = now_calling;
	arena_copy_out(now_bytes, first, last);
	save_state(n);
}

/* ---- calls ------------------------------------------------------------------------ */

static void do_call(const struct call *c)
{
	struct page *page;

	if (c->what == ALLOC) {
		struct ghost_ask ask = { .gfp = kinds[c->kind],
					 .order = c->order,
					 .node = NODE_NONE,
					 .band = c->kind == 2 ? BAND_ATOMIC : BAND_ORDINARY };

		page = alloc_pages(ask.gfp, ask.order);
		if (page)
			ghost_served(&ask, page);
		else
			ghost_refused(&ask);
	} else if (c->what == FREE_HEAD) {
		page = frame(window[c->frame]);
		ghost_freed(page, frame_order(page));
		free_pages(page, frame_order(page));
	} else if (c->what == DRAIN) {
		(void)mm_drain_caches();
	} else {
		fake_set_cpu(cpu_id() ^ 1);
	}
}

static void step(u32 from, struct call c)
{
	now_calling = c;
	go_to(&search[from]);
	do_call(&c);
	ghost_check();
	note_state(from);
	nr_steps++;
}

static bool is_owned_head(const struct node_of_search *n, unsigned int i)
{
	go_to(n);
	return frame_state(frame(window[i])) == PAGE_ALLOCATED;
}

static bool is_asked(unsigned int kind)
{
	return kind < 2 || (kind == 2 ? scene->urgent : scene->two_zones);
}

static void expand(u32 from)
{
	expanding = from;
	for (u8 k = 0; k < ARRAY_SIZE(kinds); k++)
		for (u8 o = 0; o < scene->orders; o++)
			if (is_asked(k))
				step(from, (struct call){ ALLOC, o, k, 0 });
	for (u8 i = 0; i < nr_window; i++)
		if (is_owned_head(&search[from], i))
			step(from, (struct call){ FREE_HEAD, 0, 0, i });
	if (scene->caches)
		step(from, (struct call){ DRAIN, 0, 0, 0 });
	if (scene->cpus > 1)
		step(from, (struct call){ OTHER_CPU, 0, 0, 0 });
}

/* ---- the tiny zone ---------------------------------------------------------------- */

static struct page *hold(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages(HELD | gfp, order);

	if (page)
		ghost_alloced(page, order, HELD | gfp);
	return page;
}

static void let_go(struct page *page, unsigned int order)
{
	ghost_freed(page, order);
	free_pages(page, order);
}

/* All there is; block[i] are pageblocks of it, allocated as a whole: that at at[i],
 * or for 0 the first. */
static void hold_everything(struct page **block, const u64 *at, unsigned int nr)
{
	unsigned int most = at[0] ? PAGEBLOCK_ORDER : MAX_PAGE_ORDER;
	struct page *page;

	for (unsigned int o = most + 1; o-- > 0;)
		while ((page = hold(__GFP_MOVABLE, o)))
			for (unsigned int i = 0; o == PAGEBLOCK_ORDER && i < nr; i++)
				if (!block[i] && (!at[i] || frame_number(page) == at[i]))
					block[i] = page;
}

/* Halves of what is left, movable and not in turn where both may lie, until `pages`
 * are; these are added to the window. */
static void open_window(struct page *block, unsigned int pages)
{
	u64 pfn = frame_number(block), end = pfn + PAGEBLOCK_PAGES;
	gfp_t other = pageblock_type(pfn) == MIGRATE_CMA ? __GFP_MOVABLE : 0;

	let_go(block, PAGEBLOCK_ORDER);
	for (unsigned int o = PAGEBLOCK_ORDER - 2; o > 1; o--) {
		hold(__GFP_MOVABLE, o);
		hold(other, o);
	}
	for (unsigned int left = 8; left > pages; left--)
		hold(left % 2 ? __GFP_MOVABLE : other, 0);
	while (pfn < end) {
		const struct page *head = frame(pfn);
		u64 next = pfn + (1ull << frame_order(head));
		bool is_free = frame_state(head) == PAGE_FREE;

		for (; pfn < next; pfn++)
			if (is_free && nr_window < MAX_WINDOW)
				window[nr_window++] = pfn;
	}
}

/* Two zones of ordinary pageblocks, the upper one with an area of CMA besides. */
static unsigned int plan_two_zones(struct machine *m, u64 *at)
{
	m->bank[0].end = GIB(1) + MIB(12);
	m->dma_end = GIB(1) + MIB(4);
	m->cma[0].start = GIB(1) + MIB(6);
	m->cma[0].end = GIB(1) + MIB(8);
	/* Of the lower zone one page is not for those who may use the upper. */
	m->options.lowmem_reserve_ratio[ZONE_DMA] = 1024;
	for (unsigned int i = 0; i < WINDOWS; i++)
		at[i] = (GIB(1) + MIB(2 + 2 * i)) >> PAGE_SHIFT;
	return WINDOWS;
}

static void build(void)
{
	struct machine m = {
		.bank = { { GIB(1), GIB(1) + MIB(8), 0, 0 } },
		.nr_cpus = scene->cpus,
		.options = { .min_free_given = true },
	};
	u64 at[WINDOWS] = { 0 };
	struct page *block[WINDOWS] = { NULL };
	unsigned int nr = scene->two_zones ? plan_two_zones(&m, at) : 1;

	arena_boot(&m);
	hold_everything(block, at, nr);
	nr_window = 0;
	for (unsigned int i = 0; i < nr; i++) {
		if (!block[i])
			broken("no pageblock to open a window in");
		open_window(block[i], scene->pages / nr);
	}
	/* So small a zone would have none. */
	for (struct zone *z = zone_next(0); z; z = zone_next(z->id + 1)) {
		z->pcp_high = scene->caches ? CACHE_HIGH : 0;
		pcp_limits_update(z);
	}
	first = window[0];
	last = window[nr_window - 1] + 1;
	if (mm_free_pages() != nr_window || nr_window != scene->pages)
		broken("more is free than the window");
	ghost_check();
}

/* ---- one scene -------------------------------------------------------------------- */

/* Expand what was found at one depth, then what that found. */
static unsigned int walk(unsigned int depth, unsigned int most)
{
	unsigned int level = 0;
	u32 next = 0;

	while (next < nr_search && (!depth || level < depth)) {
		u32 end = nr_search;

		for (; next < end && (!most || nr_search < most); next++)
			expand(next);
		if (next < end)
			break;
		level++;
	}
	return next < nr_search ? level : level | 1u << 31;
}

static void run_scene(const struct scene *s, bool whole)
{
	struct timespec t0, t1;
	unsigned int level;

	clock_gettime(CLOCK_MONOTONIC, &t0);
	scene = s;
	nr_search = 0;
	nr_steps = stored = 0;
	memset(table, 0, sizeof(*table) << HASH_BITS);
	build();
	nr_words = arena_bytes(first, last) / 8;
	free(base_bytes);
	free(now_bytes);
	base_bytes = malloc(nr_words * 8);
	now_bytes = malloc(nr_words * 8);
	arena_copy_out(base_bytes, first, last);
	note_state(0);
	level = whole || !s->tenth_for ? walk(s->depth, s->most) : walk(s->depth, s->tenth_for);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	printf("%-34s %8u states %9llu steps %3u deep, %s, %.1f s\n", s->name, nr_search,
	       (unsigned long long)nr_steps, level & ~(1u << 31),
	       level >> 31 ? "all there are" : "bounded",
	       (double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9);
	fflush(stdout);
}

static const struct scene scenes[] = {
	{ "6 pages, 2 orders, 2 types", 6, 2, 1, 0, 0, false, false, false, 0 },
	{ "6 pages, 3 orders, 2 types, atomic", 6, 3, 1, 0, 0, false, false, true, 0 },
	{ "8 pages, 4 orders, 2 types", 8, 4, 1, 0, 1000000, false, false, false, 100000 },
	{ "6 pages, caches of 2 CPUs", 6, 2, 2, 0, 0, true, false, false, 0 },
	{ "2 zones of 3 pages, CMA of 3", 9, 2, 1, 0, 1000000, false, true, false, 100000 },
	{ "8 pages, caches of 2 CPUs", 8, 3, 2, 0, 1000000, true, false, true, 100000 },
};

int main(int argc, char **argv)
{
	bool whole = argc > 1 && !strcmp(argv[1], "--whole");

	ghost_failed = broken;
	search = malloc(sizeof(*search) * MAX_STATES);
	table = malloc(sizeof(*table) << HASH_BITS);
	for (unsigned int i = 0; i < ARRAY_SIZE(scenes); i++)
		run_scene(&scenes[i], whole);
	return 0;
}
