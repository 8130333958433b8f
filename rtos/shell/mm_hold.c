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
	u64 nr_bytes; /* of alloc_pages_exact(); 0: a block of this order */
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

static u64 held_kib(const struct held *h)
{
	return h->nr_bytes ? (h->nr_bytes + PAGE_SIZE - 1) / PAGE_SIZE * 4 : 4ull << h->order;
}

static void show_block(const struct held *h)
{
	pfn_t pfn = page_to_pfn(h->page);
	char size[16];

	if (h->nr_bytes)
		tm_snprintf(size, sizeof(size), "%llu KiB", (unsigned long long)held_kib(h));
	else
		tm_snprintf(size, sizeof(size), "order %u", h->order);
	sh_print("%4u  %#012llx  %-8s  pfn %-8llu  node %d  %s\n", h->id,
		 (unsigned long long)pfn_to_phys(pfn).v, size, (unsigned long long)pfn.v,
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
		kib += held_kib(&held[i]);
	}
	sh_print("%u block%s held (limit %d), %llu KiB\n", nr_held(), nr_held() == 1 ? "" : "s",
		 HOLD_MAX, (unsigned long long)kib);
	return EXIT_OK;
}

/* ---- alloc: what is asked for --------------------------------------------------------- */

enum kind { BLOCKS, BULK, EXACT };

struct request {
	enum kind kind;
	u64 order, count; /* BULK: pages; EXACT: bytes, in one piece */
	u64 node;
	bool has_node;
	bool waits, never_waits; /* a word said so */
	gfp_t gfp;
};

static const struct {
	const char *name;
	gfp_t gfp;
} words[] = {
	/* zone and mobility */
	{ "dma", __GFP_DMA },
	{ "dma32", __GFP_DMA32 },
	{ "highmem", __GFP_HIGHMEM },
	{ "movable", __GFP_HIGHMEM | __GFP_MOVABLE },
	{ "reclaimable", __GFP_RECLAIMABLE },
	/* who asks */
	{ "kernel", GFP_KERNEL },
	{ "user", GFP_USER },
	{ "nofs", GFP_NOFS },
	{ "noio", GFP_NOIO },
	{ "nowait", GFP_NOWAIT },
	{ "atomic", GFP_ATOMIC },
	/* how deep, and how hard to try */
	{ "high", __GFP_HIGH },
	{ "memalloc", __GFP_MEMALLOC },
	{ "nomemalloc", __GFP_NOMEMALLOC },
	{ "noretry", __GFP_NORETRY },
	{ "retry", __GFP_RETRY_MAYFAIL },
	{ "nofail", __GFP_NOFAIL },
	/* where, and what is in it */
	{ "thisnode", __GFP_THISNODE },
	{ "zero", __GFP_ZERO },
	{ "warn", 0 }, /* takes __GFP_NOWARN away */
};

static bool parse_word(const char *text, struct request *r)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(text, words[i].name) != 0)
			continue;
		r->gfp |= words[i].gfp;
		r->waits |= words[i].gfp & __GFP_DIRECT_RECLAIM;
		r->never_waits |= words[i].gfp == GFP_ATOMIC || words[i].gfp == GFP_NOWAIT;
		if (!words[i].gfp)
			r->gfp &= ~(gfp_t)__GFP_NOWARN;
		return true;
	}
	return false;
}

static int parse_node(const char *text, struct request *r)
{
	if (sh_number("mm alloc", "node", text, 0, MAX_NODES - 1, &r->node))
		return EXIT_USAGE;
	if (!node_get((unsigned int)r->node)) {
		sh_print("mm alloc: there is no node %llu\n", (unsigned long long)r->node);
		return EXIT_USAGE;
	}
	r->has_node = true;
	return EXIT_OK;
}

/* The words after what is asked for. */
static int parse_words(char **argv, struct request *r)
{
	for (; *argv; argv++) {
		if (parse_word(*argv, r))
			continue;
		if (strcmp(*argv, "node") != 0) {
			sh_print("mm alloc: no word '%s' (help mm lists them)\n", *argv);
			return EXIT_USAGE;
		}
		if (!argv[1] || r->kind != BLOCKS) {
			sh_print("mm alloc: %s\n",
				 argv[1] ? "bulk and exact take no node (mm policy)"
					 : "which node?");
			return EXIT_USAGE;
		}
		if (parse_node(*++argv, r))
			return EXIT_USAGE;
	}
	return EXIT_OK;
}

/* Bytes for alloc_pages_exact(), with K or M. */
static int parse_bytes(const char *text, u64 *nr_bytes)
{
	u64 most = (u64)MAX_ORDER_PAGES << PAGE_SHIFT;
	const char *end;
	int err = tm_parse_size(text, nr_bytes, &end);

	if (err == ERR_INVAL || (!err && *end)) {
		sh_print("mm alloc: BYTES must be a number (K, M), not '%s'\n", text);
		return EXIT_USAGE;
	}
	if (err || !*nr_bytes || *nr_bytes > most) {
		sh_print("mm alloc: BYTES must be 1 to %llu, not %s\n", (unsigned long long)most,
			 text);
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

/* What comes before the words; *next: the first of them. */
static int parse_amount(int argc, char **argv, struct request *r, int *next)
{
	*next = 4;
	if (!strcmp(argv[2], "bulk") || !strcmp(argv[2], "exact")) {
		r->kind = argv[2][0] == 'b' ? BULK : EXACT;
		if (argc < 4)
			return mm_usage("alloc");
		return r->kind == EXACT
			       ? parse_bytes(argv[3], &r->count)
			       : sh_number("mm alloc", "COUNT", argv[3], 1, HOLD_MAX, &r->count);
	}
	if (sh_number("mm alloc", "ORDER", argv[2], 0, MAX_PAGE_ORDER, &r->order))
		return EXIT_USAGE;
	if (argc > 3 && argv[3][0] >= '0' && argv[3][0] <= '9')
		return sh_number("mm alloc", "COUNT", argv[3], 1, HOLD_MAX, &r->count);
	*next = 3;
	return EXIT_OK;
}

static int parse_request(int argc, char **argv, struct request *r)
{
	const char *why;
	int next;

	*r = (struct request){ .count = 1, .gfp = __GFP_NOWARN | __GFP_HARDWALL };
	if (argc < 3)
		return mm_usage("alloc");
	if (parse_amount(argc, argv, r, &next) || parse_words(argv + next, r))
		return EXIT_USAGE;
	why = gfp_contradiction(r->gfp);
	if (!why && r->waits && r->never_waits)
		why = "may wait and may not wait";
	if (why) {
		sh_print("mm alloc: these words contradict: %s\n", why);
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

/* ---- alloc: asking -------------------------------------------------------------------- */

static struct held *free_place(void)
{
	for (unsigned int i = 0; i < HOLD_MAX; i++)
		if (!held[i].id)
			return &held[i];
	return NULL;
}

static void keep(struct page *page, u32 order, u64 nr_bytes)
{
	struct held *h = free_place();

	BUG_ON_VAL(!h, nr_held(), order);
	*h = (struct held){ .id = ++last_id, .order = order, .nr_bytes = nr_bytes, .page = page };
	show_block(h);
}

/*
 * What may not fail waits until it is served, and nobody could give anything back
 * while this shell waits. So it is asked for only if as deep a request is served.
 */
static bool would_wait_for_ever(const struct request *r, int node)
{
	gfp_t gfp = (r->gfp & ~(gfp_t)(__GFP_NOFAIL | __GFP_ZERO)) | __GFP_HIGH | __GFP_NORETRY;
	unsigned int order =
		r->kind == EXACT ? fls_u64((r->count - 1) >> PAGE_SHIFT) : (unsigned int)r->order;
	struct page *page;

	if (!(r->gfp & __GFP_NOFAIL))
		return false;
	page = alloc_pages_node(node, gfp, order);
	if (!page) {
		sh_print("mm alloc: not asked for: nofail would wait for ever\n");
		return true;
	}
	free_pages(page, order);
	return false;
}

static int alloc_blocks(const struct request *r)
{
	int node = r->has_node ? (int)r->node : NODE_NONE;

	for (u64 i = 0; i < r->count && !sh_interrupted(); i++) {
		struct page *page = NULL;

		if (!would_wait_for_ever(r, node))
			page = alloc_pages_node(node, r->gfp, (unsigned int)r->order);
		if (!page) {
			sh_print("mm alloc: no memory for block %llu of %llu\n",
				 (unsigned long long)i + 1, (unsigned long long)r->count);
			return EXIT_FAIL;
		}
		keep(page, (u32)r->order, 0);
	}
	return EXIT_OK;
}

static int alloc_bulk(const struct request *r)
{
	static struct page *page[HOLD_MAX];
	unsigned int nr = 0;

	if (!would_wait_for_ever(r, NODE_NONE))
		nr = alloc_pages_bulk(r->gfp, (unsigned int)r->count, page);
	for (unsigned int i = 0; i < nr; i++)
		keep(page[i], 0, 0);
	if (nr == r->count)
		return EXIT_OK;
	sh_print("mm alloc: %u of %llu pages at once\n", nr, (unsigned long long)r->count);
	return EXIT_FAIL;
}

static int alloc_exact(const struct request *r)
{
	void *p = would_wait_for_ever(r, NODE_NONE) ? NULL : alloc_pages_exact(r->count, r->gfp);

	if (!p) {
		sh_print("mm alloc: no memory for %llu bytes in one piece\n",
			 (unsigned long long)r->count);
		return EXIT_FAIL;
	}
	keep(virt_to_page(p), 0, r->count);
	return EXIT_OK;
}

int mm_alloc(int argc, char **argv)
{
	struct request r;

	if (parse_request(argc, argv, &r))
		return EXIT_USAGE;
	if ((r.kind == EXACT ? 1 : r.count) > HOLD_MAX - nr_held()) {
		sh_print("mm alloc: %u of %d blocks are held already (mm free all)\n", nr_held(),
			 HOLD_MAX);
		return EXIT_FAIL;
	}
	if (r.kind == BULK)
		return sh_status(alloc_bulk(&r));
	return sh_status(r.kind == EXACT ? alloc_exact(&r) : alloc_blocks(&r));
}

/* ---- free, check --------------------------------------------------------------------- */

static void give_back(struct held *h)
{
	if (h->nr_bytes)
		free_pages_exact(page_address(h->page), h->nr_bytes);
	else
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
