/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of journeys; contracts in explain.h.
 *
 * A slot belongs to whoever set its `busy`: a request from explain_begin() to
 * explain_end(), which may sleep in between, or a reader while it prints. Who
 * finds a slot busy takes the next one; when none of the first few is free the
 * journey goes unrecorded and is counted. So nobody ever waits here, and it is
 * legal in a hard interrupt that came over either of them.
 *
 * Of a long journey the first lines and the last are kept: how it began, and
 * what it ended in. Lines of one journey are written by one task or interrupt.
 */
#include "mm/stat/explain.h"

#include "mm/boot/topology.h"
#include "mm/page/pageblock.h"
#include "mm/page/slowpath.h"
#include "mm/stat/names.h"

enum {
	NR_JOURNEYS = 32,
	CLAIM_TRIES = 8, /* slots looked at before a journey goes unrecorded */
	FIRST_LINES = 28,
	LAST_LINES = 12,
	NO_ZONE = 0xffff,
};

enum line_kind { LINE_STEP, LINE_ZONE, LINE_SKIPPED };

/* (H): the holder of the slot, (A): atomic. */
struct line {
	u8 kind; /* (H) enum line_kind */
	u8 what; /* (H) step, verdict, or why it was skipped */
	u16 zone;
	u32 reserve; /* (H) lowmem_reserve that is part of floor */
	union {
		u64 value;
		struct {
			u64 free, unusable, floor;
		};
	}; /* (H) */
};

struct journey {
	u32 busy;                 /* (A) */
	u64 number;               /* (A) 0: nothing here yet */
	u64 start_ns, end_ns;     /* (H) */
	u64 site, nodes;          /* (H) */
	u64 pfn;                  /* (H) of the block; with END_SERVED */
	u32 gfp, order, high, mt; /* (H) of the request */
	u32 band;                 /* (H) */
	int node;                 /* (H) */
	u32 nr_lines;             /* (H) written, more than are kept perhaps */
	u32 nr_short;             /* (H) zones too full in the latest try, and */
	u32 nr_fragmented;        /* (H) zones without a block of the order */
	u16 served_zone;          /* (H) zone id, or NO_ZONE */
	u8 end;                   /* (H) enum explain_end, NR_EXPLAIN_ENDS: not yet */
	u8 in_interrupt;          /* (H) */
	u32 cpu, task, prio;      /* (H) who asked, or whom the interrupt came over */
	char name[TASK_NAME_LEN]; /* (H) */
	struct line line[FIRST_LINES + LAST_LINES]; /* (H) */
};

static struct journey ring[NR_JOURNEYS];
static u64 last_number;   /* (A) */
static u64 nr_unrecorded; /* (A) */
static bool switched_off; /* (A) */

/* ---- writing ------------------------------------------------------------------------ */

static bool claim(struct journey *j)
{
	u32 idle = 0;

	return __atomic_compare_exchange_n(&j->busy, &idle, 1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static void release(struct journey *j)
{
	BUG_ON_VAL(!__atomic_load_n(&j->busy, __ATOMIC_RELAXED), j - ring, 0);
	__atomic_store_n(&j->busy, 0, __ATOMIC_RELEASE);
}

static void note_request(struct journey *j, const struct alloc_request *rq)
{
	const struct task *t = task_current();

	j->start_ns = time_now_ns();
	j->site = (u64)(uintptr_t)rq->site;
	j->nodes = rq->nodes;
	j->gfp = rq->gfp;
	j->order = rq->order;
	j->high = rq->high;
	j->mt = rq->mt;
	j->band = rq->band;
	j->node = rq->node;
	j->nr_lines = 0;
	j->nr_short = 0;
	j->nr_fragmented = 0;
	j->served_zone = NO_ZONE;
	j->end = NR_EXPLAIN_ENDS;
	j->in_interrupt = in_interrupt();
	j->cpu = cpu_id();
	j->task = task_id(t);
	j->prio = task_prio(t);
	tm_snprintf(j->name, sizeof(j->name), "%s", task_name(t));
}

struct journey *explain_begin(const struct alloc_request *rq)
{
	u64 number;

	if (__atomic_load_n(&switched_off, __ATOMIC_RELAXED))
		return NULL;
	number = __atomic_add_fetch(&last_number, 1, __ATOMIC_RELAXED);
	for (u64 i = 0; i < CLAIM_TRIES; i++) {
		struct journey *j = &ring[(number + i) % NR_JOURNEYS];

		if (!claim(j))
			continue;
		__atomic_store_n(&j->number, number, __ATOMIC_RELAXED);
		note_request(j, rq);
		return j;
	}
	__atomic_fetch_add(&nr_unrecorded, 1, __ATOMIC_RELAXED);
	return NULL;
}

/* The place of line n: the first ones stay, the others go round in the rest. */
static struct line *line_at(struct journey *j, u32 n)
{
	return &j->line[n < FIRST_LINES ? n : FIRST_LINES + (n - FIRST_LINES) % LAST_LINES];
}

void explain_step(struct journey *j, enum explain_step step, u64 value)
{
	if (!j)
		return;
	BUG_ON_VAL(step >= NR_EXPLAIN_STEPS, step, value);
	if (step == STEP_FIRST_TRY || step == STEP_FLOOR_TRY) {
		j->nr_short = 0;
		j->nr_fragmented = 0;
	}
	*line_at(j, j->nr_lines++) =
		(struct line){ .kind = LINE_STEP, .what = step, .value = value };
}

void explain_zone(struct journey *j, const struct zone *z, u64 free, u64 unusable, u64 floor,
		  enum wm_verdict verdict)
{
	u64 reserve;

	if (!j)
		return;
	reserve = __atomic_load_n(&z->lowmem_reserve[j->high], __ATOMIC_RELAXED);
	j->nr_short += verdict == WM_SHORT;
	j->nr_fragmented += verdict == WM_FRAGMENTED;
	*line_at(j, j->nr_lines++) = (struct line){
		.kind = LINE_ZONE,
		.what = verdict,
		.zone = (u16)z->id,
		.reserve = (u32)min_u64(reserve, floor),
		.free = free,
		.unusable = unusable,
		.floor = floor,
	};
}

void explain_skipped(struct journey *j, const struct zone *z, unsigned int why)
{
	if (!j)
		return;
	*line_at(j, j->nr_lines++) =
		(struct line){ .kind = LINE_SKIPPED, .what = (u8)why, .zone = (u16)z->id };
}

void explain_end(struct journey *j, enum explain_end end, const struct page *page)
{
	if (!j)
		return;
	BUG_ON_VAL(end >= NR_EXPLAIN_ENDS || (end == END_SERVED) != (page != NULL), end, j->number);
	if (page) {
		j->pfn = frame_number(page);
		j->served_zone = (u16)frame_zone_id(page);
	}
	j->end = end;
	j->end_ns = time_now_ns();
	release(j);
}

void mm_explain_switch(bool on)
{
	__atomic_store_n(&switched_off, !on, __ATOMIC_RELAXED);
}

/* ---- reading: the lines of a journey -------------------------------------------------- */

static const char *zone_text(char *buf, size_t size, u32 id)
{
	const struct zone *z = id < NR_ZONES ? zone_table[id] : NULL;

	if (z)
		tm_snprintf(buf, size, "node %u %s", z->node, z->name);
	else
		tm_snprintf(buf, size, "zone %u", id);
	return buf;
}

static const char *const step_text[NR_EXPLAIN_STEPS] = {
	[STEP_FIRST_TRY] = "first try",
	[STEP_WOKE_KSWAPD] = "woke kswapd",
	[STEP_FLOOR_TRY] = "try at the floor of band",
	[STEP_COMPACT] = "compaction",
	[STEP_RECLAIM] = "direct reclaim",
	[STEP_UNRESERVE] = "gave reserved high-order blocks back",
	[STEP_DRAIN] = "drained the per-CPU caches",
	[STEP_RETRY_RECLAIM] = "again after reclaim",
	[STEP_RETRY_COMPACT] = "again after compaction",
	[STEP_COOKIE] = "the nodes it may use changed: from the start",
	[STEP_OOM] = "out of memory killer",
	[STEP_OOM_BUSY] = "another request is at the last resort: waited for it",
	[STEP_NOFAIL] = "must not fail: again",
	[STEP_END] = "end",
};

static const char *const end_text[NR_EXPLAIN_ENDS] = {
	[END_SERVED] = "served",
	[END_CANNOT_WAIT] = "it may not wait for reclaim",
	[END_BAND] = "its band never reclaims",
	[END_RECURSION] = "it comes from reclaim itself, which does not reclaim for its own needs",
	[END_NORETRY] = "__GFP_NORETRY: reclaim and compaction were tried once",
	[END_COSTLY] = "order over 3 without __GFP_RETRY_MAYFAIL: not worth more rounds",
	[END_NO_PROGRESS] = "nothing could be reclaimed",
	[END_COMPACTION] = "compaction was skipped or put off, and __GFP_NORETRY",
	[END_OOM_FAILED] = "nothing was left to end for its memory",
	[END_VICTIM] = "the task is being ended for its memory",
	[END_INJECTED] = "injected by fail_page_alloc",
};

const char *explain_end_text(enum explain_end end)
{
	return end < NR_EXPLAIN_ENDS ? end_text[end] : "still under way";
}

static const char *compact_text(u64 result)
{
	static const char *const text[] = {
		[COMPACT_SKIPPED] = "skipped: memory is short, not fragmented",
		[COMPACT_DEFERRED] = "put off: it failed lately",
		[COMPACT_PARTIAL] = "done all it could, no block",
		[COMPACT_SUCCESS] = "a block should be there",
	};

	return result < ARRAY_SIZE(text) ? text[result] : "?";
}

static const char *mode_text(u64 mode)
{
	static const char *const text[] = {
		[COMPACT_ASYNC] = "async",
		[COMPACT_LIGHT] = "light",
		[COMPACT_SYNC] = "sync",
	};

	return mode < ARRAY_SIZE(text) ? text[mode] : "?";
}

static void print_step(struct out *out, const struct line *l)
{
	unsigned long long value = l->value;

	out_printf(out, "  %s", step_text[l->what]);
	switch ((enum explain_step)l->what) {
	case STEP_FLOOR_TRY:
		out_printf(out, " %llu\n", value);
		return;
	case STEP_DRAIN:
		out_printf(out, value ? "\n" : ", but one CPU did not come\n");
		return;
	case STEP_COMPACT:
		out_printf(out, ": %s\n", compact_text(value));
		return;
	case STEP_RECLAIM:
		out_printf(out, ": %llu page%s gained\n", value, value == 1 ? "" : "s");
		return;
	case STEP_RETRY_RECLAIM:
		out_printf(out, ": %llu round%s without progress\n", value, value == 1 ? "" : "s");
		return;
	case STEP_RETRY_COMPACT:
		out_printf(out, ", now %s\n", mode_text(value));
		return;
	case STEP_OOM:
		out_printf(out, ": %s\n", value ? "it helped" : "it could not help");
		return;
	case STEP_NOFAIL:
		out_printf(out, ", %llu round%s so far\n", value, value == 1 ? "" : "s");
		return;
	default:
		out_printf(out, "\n");
		return;
	}
}

/* "needs more than 1024 + 256 reserved, free 1100 (16 of them not for it)" */
static void print_zone(struct out *out, const struct journey *j, const struct line *l)
{
	u64 usable = l->free - min_u64(l->unusable, l->free);
	char name[32];

	out_printf(out, "    %-16s free %llu", zone_text(name, sizeof(name), l->zone),
		   (unsigned long long)l->free);
	if (l->unusable)
		out_printf(out, " (%llu not for it)", (unsigned long long)l->unusable);
	out_printf(out, ", mark %llu + reserve %u", (unsigned long long)(l->floor - l->reserve),
		   l->reserve);
	if (l->what == WM_PASS)
		out_printf(out, ": enough\n");
	else if (l->what == WM_SHORT)
		out_printf(
			out, ": short by %llu\n",
			(unsigned long long)(l->floor + (1ull << j->order) -
					     min_u64(usable, l->floor + (1ull << j->order) - 1)));
	else
		out_printf(out, ": enough, but no block of order %u\n", j->order);
}

static void print_line(struct out *out, const struct journey *j, const struct line *l)
{
	static const char *const why[] = { "outside the task's nodes", "outside the policy's nodes",
					   "enough dirty pages" };
	char name[32];

	if (l->kind == LINE_STEP)
		print_step(out, l);
	else if (l->kind == LINE_ZONE)
		print_zone(out, j, l);
	else
		out_printf(out, "    %-16s skipped: %s\n", zone_text(name, sizeof(name), l->zone),
			   l->what < ARRAY_SIZE(why) ? why[l->what] : "?");
}

/* ---- reading: journeys ------------------------------------------------------------------ */

static void print_time(struct out *out, u64 ns)
{
	out_printf(out, "%llu.%06llu", (unsigned long long)(ns / 1000000000),
		   (unsigned long long)(ns % 1000000000 / 1000));
}

static void print_nodes(struct out *out, u64 nodes)
{
	out_printf(out, ", only node%s ", nodes & (nodes - 1) ? "s" : "");
	out_mask(out, nodes);
}

static void print_head(struct out *out, const struct journey *j)
{
	char site[80];

	arch_symbol(j->site, site, sizeof(site));
	out_printf(out, "#%llu at ", (unsigned long long)j->number);
	print_time(out, j->start_ns);
	if (j->in_interrupt)
		out_printf(out, ": an interrupt on CPU %u (over task %u %s)", j->cpu, j->task,
			   j->name);
	else
		out_printf(out, ": task %u %s, priority %u, CPU %u", j->task, j->name, j->prio,
			   j->cpu);
	out_printf(out, ", band %u\n  wanted order %u (", j->band, j->order);
	mm_print_gfp(out, j->gfp);
	out_printf(out, "), %s, node %d first, zones up to %s", migratetype_name(j->mt), j->node,
		   mm_zone_type_name(j->high));
	if (j->nodes != ~0ull)
		print_nodes(out, j->nodes);
	out_printf(out, "\n  by %s\n", site);
}

static void print_end(struct out *out, const struct journey *j)
{
	char name[32];

	if (j->end == END_SERVED)
		out_printf(out, "  served in the end: pfn %llu, %s", (unsigned long long)j->pfn,
			   zone_text(name, sizeof(name), j->served_zone));
	else
		out_printf(out, "  failed: %s%s", explain_end_text(j->end),
			   j->nr_fragmented ? ", and what is free is in smaller blocks"
			   : j->nr_short    ? ", and too little is free"
					    : "");
	out_printf(out, "; took %llu us\n", (unsigned long long)((j->end_ns - j->start_ns) / 1000));
}

static void print_journey(struct out *out, struct journey *j)
{
	u32 first = j->nr_lines > FIRST_LINES + LAST_LINES ? j->nr_lines - LAST_LINES : FIRST_LINES;

	print_head(out, j);
	for (u32 n = 0; n < j->nr_lines && n < FIRST_LINES; n++)
		print_line(out, j, line_at(j, n));
	if (first > FIRST_LINES)
		out_printf(out, "    ... %u steps left out ...\n", first - FIRST_LINES);
	for (u32 n = first; n < j->nr_lines; n++)
		print_line(out, j, line_at(j, n));
	print_end(out, j);
}

/* The slot with the smallest number above `after`, ours; null: none. Slots in
 * which a journey is under way are passed over. */
static struct journey *next_journey(u64 after)
{
	for (unsigned int tries = 0; tries < NR_JOURNEYS; tries++) {
		struct journey *best = NULL;
		u64 least = ~0ull;

		for (unsigned int i = 0; i < NR_JOURNEYS; i++) {
			u64 number = __atomic_load_n(&ring[i].number, __ATOMIC_RELAXED);

			if (number > after && number < least) {
				best = &ring[i];
				least = number;
			}
		}
		if (!best)
			return NULL;
		after = least;
		if (!claim(best))
			continue;
		if (best->number == least && best->end < NR_EXPLAIN_ENDS)
			return best;
		release(best);
	}
	return NULL;
}

/* The number that the nr latest journeys of the ring are above. */
static u64 before_latest(unsigned int nr)
{
	u64 least = ~0ull;

	for (; nr && least; nr--) {
		u64 next = 0;

		for (unsigned int i = 0; i < NR_JOURNEYS; i++) {
			u64 number = __atomic_load_n(&ring[i].number, __ATOMIC_RELAXED);

			if (number < least && number > next)
				next = number;
		}
		least = next;
	}
	return least ? least - 1 : 0;
}

void mm_view_explain(struct out *out, unsigned int nr)
{
	u64 last = __atomic_load_n(&last_number, __ATOMIC_RELAXED);
	u64 lost = __atomic_load_n(&nr_unrecorded, __ATOMIC_RELAXED);
	bool off = __atomic_load_n(&switched_off, __ATOMIC_RELAXED);
	u64 at = before_latest(nr);
	struct journey *j;

	while (nr-- && (j = next_journey(at))) {
		at = j->number;
		print_journey(out, j);
		release(j);
	}
	out_printf(out, "%llu journey%s since boot, the latest %d are kept",
		   (unsigned long long)last, last == 1 ? "" : "s", NR_JOURNEYS);
	if (lost)
		out_printf(out, ", %llu not recorded", (unsigned long long)lost);
	out_printf(out, off ? "; switched off\n" : "\n");
}
