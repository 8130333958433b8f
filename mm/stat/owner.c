/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds what (row 65): one record of 32 bytes for each frame of RAM, apart
 * from struct page and only where it is wanted, so a system that does not ask
 * pays no byte and no cycle. Contracts in owner.h.
 *
 * Only the record of a block's first frame is written, whatever the order, so
 * both hooks are O(1). The history of another frame of the block is therefore
 * looked for in the records of the up to ten heads it may have belonged to, the
 * latest one counts. Whoever serves or frees a block is alone with its record;
 * readers may see a record half changed, which a view tolerates.
 */
#include "mm/stat/owner.h"

#include "mm/boot/topology.h"
#include "mm/page/pageblock.h"
#include "mm/stat/names.h"

enum {
	OWNER_LIVE = 1u << 31, /* held now */
	OWNER_ORDER_SHIFT = 24,
	OWNER_ORDER_MASK = 0xf,
	MAX_PIECES = 256,
	NR_NAMES = 512, /* names of tasks told apart; place 0 is "?" */
	NAME_TRIES = 8,
	NR_SITES = 256, /* call sites told apart in a summary */
	NS_PER_MS = 1000000,
};
_Static_assert(GFP_BITS < 1u << OWNER_ORDER_SHIFT, "flags and order share a word");

/* Sites are distances from owner_record_set(): the Image is smaller than 2 GiB. */
struct record {
	u32 flags;                 /* (A) gfp | order | OWNER_LIVE; 0: never had an owner */
	u32 site, free_site;       /* (A) */
	u32 task, free_task;       /* (A) ids */
	u32 time_ms, free_time_ms; /* (A) wrap after 49 days */
	u16 name, free_name;       /* (A) places in names[] */
};
_Static_assert(sizeof(struct record) == 32, "under a hundredth of memory");

/* One line of the summary. */
struct owner_site {
	u64 pages, blocks;
	u32 site; /* packed */
	u32 name; /* of the task that held the last one seen */
};

bool owner_on;

/* Records of the frames [start, end), in the linear map. */
static struct {
	u64 start, end; /* (I) */
	struct record *record;
} piece[MAX_PIECES];  /* (I) rising */
static u32 nr_pieces; /* (I) */

/* ---- boot ------------------------------------------------------------------------------ */

static struct record *tm_init place(u64 nr_pages, u32 node)
{
	const struct memblock_request rq = {
		.nr_bytes = align_up(nr_pages * sizeof(struct record), PAGE_SIZE),
		.node = node,
		.reason = MEM_FRAMES,
		.name = "page owners",
	};
	phys_t p = memblock_alloc(&rq);

	return p.v ? memset(phys_to_virt(p), 0, rq.nr_bytes) : NULL;
}

/* In as few pieces as memory allows; pages left without a record. */
static u64 tm_init cover(u64 start, u64 end, u32 node)
{
	u64 nr = end - start;

	while (start < end && nr >= FRAME_UNIT_PAGES / 2 && nr_pieces < MAX_PIECES) {
		struct record *r;

		nr = min_u64(nr, end - start);
		r = place(nr, node);
		if (!r) {
			nr /= 2;
			continue;
		}
		piece[nr_pieces].start = start;
		piece[nr_pieces].end = start + nr;
		piece[nr_pieces++].record = r;
		frames_count_metadata(align_up(nr * sizeof(*r), PAGE_SIZE) >> PAGE_SHIFT);
		start += nr;
	}
	return end - start;
}

void tm_init owner_init(void)
{
	u64 uncovered = 0;
	u32 nr;
	const struct memblock_span *bank = ram_spans(&nr);

	nr_pieces = 0;
	owner_on = boot_info()->options.page_owner;
	if (!owner_on)
		return;
	for (u32 i = 0; i < nr; i++)
		uncovered += cover(bank[i].start.v, bank[i].end.v, bank[i].node);
	if (uncovered)
		pr_warn("page_owner: no room for the records of %llu pages",
			(unsigned long long)uncovered);
	if (!tm_debug) /* there every path has its hook */
		watch_begin();
}

/* ---- records --------------------------------------------------------------------------- */

static struct record *record_of(u64 pfn)
{
	u32 low = 0, high = nr_pieces;

	while (low < high) {
		u32 mid = (low + high) / 2;

		if (pfn >= piece[mid].end)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == nr_pieces || pfn < piece[low].start)
		return NULL;
	return &piece[low].record[pfn - piece[low].start];
}

static u32 site_pack(const void *site)
{
	return site ? (u32)((uintptr_t)site - (uintptr_t)owner_record_set) : 0;
}

static u64 site_unpack(u32 packed)
{
	return packed ? (u64)((intptr_t)(uintptr_t)owner_record_set + (s32)packed) : 0;
}

/* ---- names ------------------------------------------------------------------------------- */

enum name_state { NAME_EMPTY, NAME_CLAIMED, NAME_READY };

static struct {
	u32 state;                /* (A) enum name_state */
	char name[TASK_NAME_LEN]; /* constant once ready */
} names[NR_NAMES];

static const char *name_text(u32 index)
{
	return index && index < NR_NAMES ? names[index].name : "?";
}

static u32 hash_name(const char *name)
{
	u32 hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (u8)*name) * 16777619u;
	return hash;
}

/* The place of a name. Two CPUs with a new name may make two places, no harm. */
static u16 name_index(const char *name)
{
	u32 hash = hash_name(name);

	for (u32 i = 0; i < NAME_TRIES; i++) {
		u32 at = 1 + (hash + i) % (NR_NAMES - 1);
		u32 state = __atomic_load_n(&names[at].state, __ATOMIC_ACQUIRE);

		if (state == NAME_READY && !strcmp(names[at].name, name))
			return (u16)at;
		if (state != NAME_EMPTY ||
		    !__atomic_compare_exchange_n(&names[at].state, &state, NAME_CLAIMED, false,
						 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			continue;
		tm_snprintf(names[at].name, TASK_NAME_LEN, "%s", name);
		__atomic_store_n(&names[at].state, NAME_READY, __ATOMIC_RELEASE);
		return (u16)at;
	}
	return 0;
}

/* ---- hooks ------------------------------------------------------------------------------- */

#define PUT(word, value) __atomic_store_n(&(word), (value), __ATOMIC_RELAXED)
#define GET(word) __atomic_load_n(&(word), __ATOMIC_RELAXED)

static u32 now_ms(void)
{
	return (u32)(time_now_ns() / NS_PER_MS);
}

void owner_record_set(const struct page *page, unsigned int order, gfp_t gfp, const void *site)
{
	struct record *r = record_of(frame_number(page));
	const struct task *t = task_current();

	BUG_ON_VAL(order > MAX_PAGE_ORDER, order, gfp);
	if (!r)
		return;
	PUT(r->site, site_pack(site));
	PUT(r->task, task_id(t));
	PUT(r->name, name_index(task_name(t)));
	PUT(r->time_ms, now_ms());
	PUT(r->flags, OWNER_LIVE | order << OWNER_ORDER_SHIFT | (gfp & GFP_BITS));
}

void owner_record_clear(const struct page *page, unsigned int order, const void *site)
{
	struct record *r = record_of(frame_number(page));
	const struct task *t = task_current();

	if (!r)
		return;
	PUT(r->free_site, site_pack(site));
	PUT(r->free_task, task_id(t));
	PUT(r->free_name, name_index(task_name(t)));
	PUT(r->free_time_ms, now_ms());
	/* What was served before the records began is known by its free alone. */
	PUT(r->flags, (GET(r->flags) & GFP_BITS) | order << OWNER_ORDER_SHIFT);
}

static unsigned int order_of(u32 flags)
{
	return flags >> OWNER_ORDER_SHIFT & OWNER_ORDER_MASK;
}

/* ---- one frame --------------------------------------------------------------------------- */

/* When the record last changed, +1 so that 0 is "never". */
static u64 latest(const struct record *r)
{
	u64 set = GET(r->time_ms), freed = GET(r->free_time_ms);

	if (!GET(r->flags) && !GET(r->free_site))
		return 0;
	return 1 + max_u64(set, freed);
}

/* The record that tells most about a frame, and the frame it belongs to. */
static const struct record *find_history(u64 pfn, u64 *head)
{
	const struct record *best = NULL;
	u64 when = 0;

	for (unsigned int o = 0; o <= MAX_PAGE_ORDER; o++) {
		u64 first = pfn & ~((1ull << o) - 1);
		const struct record *r = record_of(first);

		if (!r || (first == *head && best) || latest(r) <= when ||
		    order_of(GET(r->flags)) < o)
			continue;
		best = r;
		when = latest(r);
		*head = first;
	}
	return best;
}

static void print_who(struct out *out, const char *did, u32 task, u32 name, u32 ms, u32 site)
{
	char sym[80];

	arch_symbol(site_unpack(site), sym, sizeof(sym));
	out_printf(out, "  last %s by task %u %s at %u.%03u s, %s\n", did, task, name_text(name),
		   ms / 1000, ms % 1000, sym);
}

void mm_view_owner(struct out *out, pfn_t frame_nr)
{
	u64 pfn = frame_nr.v, head = pfn;
	const struct record *r = owner_on ? find_history(pfn, &head) : NULL;
	u32 flags = r ? GET(r->flags) : 0;

	if (!r) {
		out_printf(out, "frame %#llx: no history%s\n", (unsigned long long)pfn,
			   owner_on ? "" : " (page_owner=on keeps one)");
		return;
	}
	out_printf(out, "frame %#llx, of the block of order %u at %#llx: %s\n",
		   (unsigned long long)pfn, order_of(flags), (unsigned long long)head,
		   flags & OWNER_LIVE ? "held" : "free");
	if (GET(r->site)) {
		print_who(out, "allocated", GET(r->task), GET(r->name), GET(r->time_ms),
			  GET(r->site));
		out_printf(out, "  with ");
		mm_print_gfp(out, flags & GFP_BITS);
		out_printf(out, "\n");
	}
	if (GET(r->free_site))
		print_who(out, "freed", GET(r->free_task), GET(r->free_name), GET(r->free_time_ms),
			  GET(r->free_site));
}

void owner_log(u64 pfn)
{
	char text[512];
	struct out_buf ob;

	out_buf_init(&ob, text, sizeof(text));
	mm_view_owner(&ob.out, pfn_make(pfn));
	for (char *line = text, *end; *line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		else
			end = line + strlen(line);
		pr_err("%s", line);
	}
}

/* ---- everybody ----------------------------------------------------------------------------- */

/*
 * The next held block from *pfn on, whose record is copied; *pfn goes behind it.
 * False at the end. Without a lock: a block may be freed while it is told.
 */
static bool next_held(u64 *pfn, u64 *head, struct record *copy)
{
	for (u32 i = 0; i < nr_pieces; i++) {
		u64 at = max_u64(*pfn, piece[i].start);

		while (at < piece[i].end) {
			const struct record *r = &piece[i].record[at - piece[i].start];
			u32 flags = GET(r->flags), head_flags = frame_peek(frame(at));
			enum page_state state = flags_state(head_flags);
			bool is_head = state == PAGE_ALLOCATED || state == PAGE_FREE;

			if (flags & OWNER_LIVE && state == PAGE_ALLOCATED) {
				*copy = *r;
				*head = at;
				*pfn = at + (1ull << order_of(flags));
				return true;
			}
			at += is_head ? 1ull << flags_order(head_flags) : 1;
		}
	}
	return false;
}

/* One block as Linux prints it, the stack being one entry deep. */
static void print_block(struct out *out, u64 pfn, const struct record *r)
{
	gfp_t gfp = r->flags & GFP_BITS;
	char sym[80];

	arch_symbol(site_unpack(r->site), sym, sizeof(sym));
	out_printf(out, "Page allocated via order %u, mask %#x(", order_of(r->flags), gfp);
	mm_print_gfp(out, gfp);
	out_printf(out, "), pid %u, tgid %u (%s), ts %llu ns, free_ts %llu ns\n", r->task, r->task,
		   name_text(r->name), (unsigned long long)r->time_ms * NS_PER_MS,
		   (unsigned long long)r->free_time_ms * NS_PER_MS);
	out_printf(out, "PFN %llu type %s Block %llu type %s Flags %#x\n %s\n\n",
		   (unsigned long long)pfn,
		   migratetype_name((enum migratetype)(gfp & (__GFP_MOVABLE | __GFP_RECLAIMABLE))),
		   (unsigned long long)(pfn >> PAGEBLOCK_ORDER),
		   migratetype_name(pageblock_type(pfn)), frame_peek(frame(pfn)), sym);
}

static bool say_if_off(struct out *out)
{
	if (!owner_on)
		out_printf(out, "page_owner is off: boot with page_owner=on\n");
	return !owner_on;
}

void mm_view_pageowner(struct out *out)
{
	struct record r;
	u64 pfn = 0, head;

	if (say_if_off(out))
		return;
	while (next_held(&pfn, &head, &r))
		print_block(out, head, &r);
}

/* Largest first, by moving one up; the table is small. */
static void sort_sites(struct owner_site *site, u32 nr)
{
	for (u32 i = 1; i < nr; i++) {
		struct owner_site s = site[i];
		u32 at = i;

		for (; at && site[at - 1].pages < s.pages; at--)
			site[at] = site[at - 1];
		site[at] = s;
	}
}

static struct owner_site sites[NR_SITES]; /* whoever set `summing` */
static u32 summing;                       /* (A) */

/* Blocks and pages by site; what finds no place is summed up in *rest. */
static u32 sum_sites(struct owner_site *rest)
{
	struct record r;
	u64 pfn = 0, head;
	u32 nr = 0;

	while (next_held(&pfn, &head, &r)) {
		struct owner_site *s = rest;
		u32 i = 0;

		while (i < nr && sites[i].site != r.site)
			i++;
		if (i < NR_SITES)
			s = &sites[i];
		if (i == nr && nr < NR_SITES)
			sites[nr++] = (struct owner_site){ .site = r.site };
		s->blocks++;
		s->pages += 1ull << order_of(r.flags);
		s->name = r.name;
	}
	return nr;
}

void mm_view_owner_sites(struct out *out)
{
	struct owner_site rest = { 0 };
	u64 pages = 0;
	u32 nr, idle = 0;

	if (say_if_off(out))
		return;
	if (!__atomic_compare_exchange_n(&summing, &idle, 1, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED)) {
		out_printf(out, "page_owner: another task is at it\n");
		return;
	}
	nr = sum_sites(&rest);
	sort_sites(sites, nr);
	out_printf(out, "%10s %10s  %-16s %s\n", "pages", "blocks", "last by", "call site");
	for (u32 i = 0; i < nr; i++) {
		char sym[80];

		arch_symbol(site_unpack(sites[i].site), sym, sizeof(sym));
		pages += sites[i].pages;
		out_printf(out, "%10llu %10llu  %-16s %s\n", (unsigned long long)sites[i].pages,
			   (unsigned long long)sites[i].blocks, name_text(sites[i].name), sym);
	}
	if (rest.blocks)
		out_printf(out, "%10llu %10llu  %-16s (more sites than fit)\n",
			   (unsigned long long)rest.pages, (unsigned long long)rest.blocks, "");
	out_printf(out, "%10llu pages of %llu call sites are held\n",
		   (unsigned long long)(pages + rest.pages), (unsigned long long)nr);
	__atomic_store_n(&summing, 0, __ATOMIC_RELEASE);
}
