// SPDX-License-Identifier: Apache-2.0
/*
 * `mm alloc`, `mm free`, `mm hold`: ask the page allocator for blocks by hand, keep
 * them, give them back. The blocks held belong to the shell; only its task comes
 * here.
 */
#include "rtos/shell/shell.h"
#include "mm/mm.h"

enum { HOLD_MAX = 256 };

struct held {
	u32 id; /* 0: empty place */
	u32 order;
	struct page *page;
};

static struct held held[HOLD_MAX];
static u32 last_id;

static unsigned int nr_held(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < HOLD_MAX; i++)
		n += held[i].id != 0;
	return n;
}

static const char *zone_name(const struct page *page)
{
	const struct node *node = node_get(page_node(page));
	unsigned int zone = page->flags >> PAGE_ZONE_SHIFT & 0x1ff;

	return node ? node->zone[zone % NR_ZONE_TYPES].name : "?";
}

static void show_block(const struct held *h)
{
	pfn_t pfn = page_to_pfn(h->page);

	sh_print("%4u  %#012llx  order %-2u  pfn %-8llu  node %d  %s\n", h->id,
		 (unsigned long long)pfn_to_phys(pfn).v, h->order, (unsigned long long)pfn.v,
		 page_node(h->page), zone_name(h->page));
}

int mm_hold(int argc, char **argv)
{
	u64 kib = 0;

	(void)argv;
	if (argc > 2)
		return mm_usage("hold");
	for (unsigned int i = 0; i < HOLD_MAX; i++) {
		if (!held[i].id)
			continue;
		show_block(&held[i]);
		kib += 4ull << held[i].order;
	}
	sh_print("%u block%s held (limit %d), %llu KiB\n", nr_held(), nr_held() == 1 ? "" : "s",
		 HOLD_MAX, (unsigned long long)kib);
	return EXIT_OK;
}

/* ---- alloc ----------------------------------------------------------------------- */

struct request {
	u64 order, count, node;
	bool has_node;
	gfp_t gfp;
};

static const struct {
	const char *name;
	gfp_t gfp;
} words[] = {
	{ "dma", __GFP_DMA },
	{ "dma32", __GFP_DMA32 },
	{ "movable", GFP_HIGHUSER_MOVABLE },
	{ "reclaimable", __GFP_RECLAIMABLE },
	{ "atomic", GFP_ATOMIC },
	{ "nowait", GFP_NOWAIT },
	{ "kernel", GFP_KERNEL },
	{ "memalloc", __GFP_MEMALLOC },
	{ "thisnode", __GFP_THISNODE },
	{ "zero", __GFP_ZERO },
	{ "warn", 0 }, /* takes __GFP_NOWARN away */
};

static int alloc_usage(void)
{
	sh_print("mm: usage: mm alloc ORDER [COUNT] [node N]");
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++)
		sh_print("%s%s", i ? "|" : " [", words[i].name);
	sh_print("]\n");
	return EXIT_USAGE;
}

static bool parse_word(const char *text, gfp_t *gfp)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(text, words[i].name) != 0)
			continue;
		*gfp |= words[i].gfp;
		if (!words[i].gfp)
			*gfp &= ~__GFP_NOWARN;
		return true;
	}
	return false;
}

/* The words after ORDER and COUNT. */
static int parse_where(char **argv, struct request *r)
{
	for (; *argv; argv++) {
		if (parse_word(*argv, &r->gfp))
			continue;
		if (strcmp(*argv, "node") != 0 || !argv[1])
			return alloc_usage();
		argv++;
		if (sh_number("mm alloc", "node", *argv, 0, MAX_NODES - 1, &r->node))
			return EXIT_USAGE;
		r->has_node = true;
	}
	return EXIT_OK;
}

/* What no request can ask for at once: a panic in BUILD=test, so not let through. */
static bool contradicts(gfp_t gfp)
{
	gfp_t zone = gfp & (__GFP_DMA | __GFP_DMA32 | __GFP_HIGHMEM);
	gfp_t mobility = gfp & (__GFP_MOVABLE | __GFP_RECLAIMABLE);

	return (zone & (zone - 1)) || (mobility & (mobility - 1));
}

static int parse_request(int argc, char **argv, struct request *r)
{
	int i = 3;

	*r = (struct request){ .count = 1, .gfp = __GFP_NOWARN | __GFP_HARDWALL };
	if (argc < 3)
		return alloc_usage();
	if (sh_number("mm alloc", "ORDER", argv[2], 0, MAX_PAGE_ORDER, &r->order))
		return EXIT_USAGE;
	if (argc > i && argv[i][0] >= '0' && argv[i][0] <= '9')
		if (sh_number("mm alloc", "COUNT", argv[i++], 1, HOLD_MAX, &r->count))
			return EXIT_USAGE;
	if (parse_where(argv + i, r))
		return EXIT_USAGE;
	if (contradicts(r->gfp)) {
		sh_print("mm alloc: one zone (dma, dma32, movable) and one mobility at most\n");
		return EXIT_USAGE;
	}
	if (r->has_node && !node_get((unsigned int)r->node)) {
		sh_print("mm alloc: there is no node %llu\n", (unsigned long long)r->node);
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

static struct held *free_place(void)
{
	for (unsigned int i = 0; i < HOLD_MAX; i++)
		if (!held[i].id)
			return &held[i];
	return NULL;
}

int mm_alloc(int argc, char **argv)
{
	struct request r;

	if (parse_request(argc, argv, &r))
		return EXIT_USAGE;
	if (r.count > HOLD_MAX - nr_held()) {
		sh_print("mm alloc: %u of %d blocks are held already (mm free all)\n", nr_held(),
			 HOLD_MAX);
		return EXIT_FAIL;
	}
	for (u64 i = 0; i < r.count && !sh_interrupted(); i++) {
		struct held *h = free_place();

		BUG_ON_VAL(!h, i, r.count);
		h->page = alloc_pages_node(r.has_node ? (int)r.node : NODE_NONE, r.gfp,
					   (unsigned int)r.order);
		if (!h->page) {
			sh_print("mm alloc: no memory for block %llu of %llu\n",
				 (unsigned long long)i + 1, (unsigned long long)r.count);
			return EXIT_FAIL;
		}
		h->order = (u32)r.order;
		h->id = ++last_id;
		show_block(h);
	}
	return EXIT_OK;
}

/* ---- free, check --------------------------------------------------------------------- */

static void give_back(struct held *h)
{
	free_pages(h->page, h->order);
	*h = (struct held){ 0 };
}

static int free_all(void)
{
	unsigned int n = nr_held();

	for (unsigned int i = 0; i < HOLD_MAX; i++)
		if (held[i].id)
			give_back(&held[i]);
	sh_print("%u block%s freed\n", n, n == 1 ? "" : "s");
	return EXIT_OK;
}

/* By number, or by physical address. */
static struct held *find_held(u64 id)
{
	for (unsigned int i = 0; i < HOLD_MAX; i++)
		if (held[i].id &&
		    (held[i].id == id || pfn_to_phys(page_to_pfn(held[i].page)).v == id))
			return &held[i];
	return NULL;
}

int mm_free(int argc, char **argv)
{
	struct held *h;
	u64 id;

	if (argc != 3)
		return mm_usage("free");
	if (!strcmp(argv[2], "all"))
		return free_all();
	if (sh_number("mm free", "ID", argv[2], 1, ~0ull, &id))
		return EXIT_USAGE;
	h = find_held(id);
	if (!h) {
		sh_print("mm free: no block %s is held (mm hold lists them)\n", argv[2]);
		return EXIT_FAIL;
	}
	give_back(h);
	return EXIT_OK;
}
