/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slow path alone: this program answers for everything it calls, by a script
 * of what gains and what does not, and writes down each call as a letter. A table
 * holds the whole sequence that rows 66-79 give for each kind of request.
 *
 *   K  kswapd of one node woken       F  a try at the floor of the band
 *   H  a try at the high mark
 *   A L S  compaction: asynchronous, light, synchronous
 *   R  direct reclaim                 U  one high-atomic pageblock given back
 *   X  the same, the last one too     D  all caches drained
 *   d  own cache drained, a zone      y  gave way to equals
 *   z  slept                          O  somebody was ended, or not
 *   P  placed again after its limits changed
 *
 * A try is followed by what it may: 'c' within the task's limits, 'a' on any node
 * whatever the policy, and the band when it is not that of the request.
 */
#include "unit.h"

#include "mm/page/mobility.h"
#include "mm/page/pcp.h"
#include "mm/page/policy.h"
#include "mm/page/slowpath.h"
#include "mm/page/walk.h"
#include "mm/stat/owner.h"
#include "mm/stat/vmstat.h"
#include "mm/task.h"

enum { FOREVER = 1000000 };

/* What the world answers. Counts begin at 1; 0: never. */
struct world {
	unsigned int page_at;              /* the try that finds a block */
	u64 gain;                          /* of each reclaim */
	unsigned int gains;                /* how many gain; more do not */
	enum compact_result result;        /* of each compaction */
	unsigned int kills;                /* how many times ending somebody helps */
	unsigned int unreserve, last_ones; /* pageblocks to give back */
	u64 free, reclaimable;             /* of every zone */
	unsigned int cookie_until;         /* limits change before that many looks at the cookie */
	bool victim_at_kill;               /* it is us who is chosen */
	bool other_at_kill;                /* meanwhile another task comes as far */
};

static struct world world;
static struct node nodes[2];
static struct zoneref list[4];
static struct page block;
static char log_text[16384];
static unsigned int tries, looks;
static u64 counted[NR_VM_EVENTS];
static struct explained {
	enum explain_end end;
	unsigned int steps[NR_EXPLAIN_STEPS], begun, ended, reported;
} seen;

static void other_task(void);

static void note(const char *fmt, ...)
{
	size_t len = strlen(log_text);
	va_list ap;

	va_start(ap, fmt);
	assert_true(len < sizeof(log_text) - 16);
	vsnprintf(log_text + len, sizeof(log_text) - len, fmt, ap);
	va_end(ap);
}

/* ---- the world ------------------------------------------------------------------- */

struct page *walk_zones(const struct alloc_request *rq, const struct alloc_try *t,
			struct journey *j)
{
	bool more = !t->high_mark && t->band != rq->band;

	(void)j;
	assert_false(t->low_mark);
	note("%s", t->high_mark ? "H" : "F");
	if (more)
		note("%u", t->band);
	note("%s%s", t->cpuset ? "c" : "", t->any_node ? "a" : "");
	return ++tries == world.page_at ? &block : NULL;
}

u64 slow_reclaim(const struct alloc_request *rq)
{
	(void)rq;
	note("R");
	assert_true(fake_task.mm.special & MM_TASK_MEMALLOC);
	if (!world.gains)
		return 0;
	world.gains--;
	return world.gain;
}

u64 slow_reclaimable(const struct zone *z)
{
	(void)z;
	return world.reclaimable;
}

enum compact_result slow_compact(const struct alloc_request *rq, enum compact_mode mode)
{
	(void)rq;
	note("%c", "ALS"[mode]);
	assert_true(fake_task.mm.special & MM_TASK_MEMALLOC);
	return world.result;
}

void slow_wake_kswapd(struct zone *z, const struct alloc_request *rq)
{
	assert_true(z->type <= rq->high);
	note("K");
}

bool slow_out_of_memory(const struct alloc_request *rq)
{
	(void)rq;
	note("O");
	if (world.victim_at_kill)
		fake_task.mm.special |= MM_TASK_VICTIM;
	if (world.other_at_kill)
		other_task();
	if (!world.kills)
		return false;
	world.kills--;
	return true;
}

bool mobility_unreserve_highatomic(const struct alloc_request *rq, bool force)
{
	unsigned int *left = force ? &world.last_ones : &world.unreserve;

	(void)rq;
	note(force ? "X" : "U");
	if (!*left)
		return false;
	--*left;
	return true;
}

bool mm_drain_caches(void)
{
	assert_true(may_sleep());
	note("D");
	return true;
}

bool pcp_drain_chunk(struct zone *z)
{
	static const struct zone *last;
	bool first = z != last;

	assert_true(arch_irqs_masked());
	if (first)
		note("d");
	last = first ? z : NULL;
	return first;
}

void fake_paused(char what)
{
	note("%c", what);
}

u64 limits_nodes(gfp_t gfp)
{
	return gfp & __GFP_HARDWALL ? 1 : ~0ull;
}

bool limits_retry(u32 cookie)
{
	(void)cookie;
	return ++looks < world.cookie_until;
}

void request_place_again(struct alloc_request *rq)
{
	(void)rq;
	note("P");
}

unsigned int mm_scope_save(unsigned int scopes)
{
	unsigned int before = fake_task.mm.special & MM_SCOPE_MEMALLOC;

	fake_task.mm.special |= scopes;
	return before;
}

void mm_scope_restore(unsigned int saved)
{
	fake_task.mm.special = (fake_task.mm.special & ~(u32)MM_SCOPE_MEMALLOC) | saved;
}

void vm_events(enum vm_event e, u64 n)
{
	counted[e] += n;
}

void vm_event(enum vm_event e)
{
	vm_events(e, 1);
}

bool trace_on;
void trace_record(enum trace_event e, u64 a, u64 b, u64 c, u64 d)
{
	(void)e, (void)a, (void)b, (void)c, (void)d;
}

struct journey *explain_begin(const struct alloc_request *rq)
{
	(void)rq;
	seen.begun++;
	return NULL;
}

void explain_step(struct journey *j, enum explain_step step, u64 value)
{
	(void)j, (void)value;
	seen.steps[step]++;
}

void explain_end(struct journey *j, enum explain_end end, const struct page *page)
{
	(void)j;
	assert_int_equal(end == END_SERVED, page != NULL);
	seen.end = end;
	seen.ended++;
}

void slowpath_report(const struct alloc_request *rq, enum explain_end end)
{
	(void)rq;
	assert_int_equal(end, seen.end);
	seen.reported++;
}

/* ---- one request ------------------------------------------------------------------- */

struct request {
	gfp_t gfp;
	unsigned int order;
	u32 band;
	bool cannot_wait; /* although the flags say so: interrupt, or before tasks */
	u32 special;
	bool interrupt;
};

static int setup(void **state)
{
	(void)state;
	fake_reset();
	fake_task_reset();
	memset(&world, 0, sizeof(world));
	memset(nodes, 0, sizeof(nodes));
	memset(counted, 0, sizeof(counted));
	memset(&seen, 0, sizeof(seen));
	log_text[0] = '\0';
	tries = looks = 0;
	for (unsigned int i = 0; i < 2; i++) {
		struct zone *z = &nodes[i].zone[ZONE_NORMAL];

		z->node = i;
		z->type = ZONE_NORMAL;
		z->floor[BAND_ORDINARY] = 100;
		nodes[i].zone[ZONE_DMA].floor[BAND_ORDINARY] = FOREVER;
	}
	list[0] = (struct zoneref){ &nodes[0].zone[ZONE_NORMAL], ZONE_NORMAL };
	list[1] = (struct zoneref){ &nodes[0].zone[ZONE_DMA], ZONE_DMA };
	list[2] = (struct zoneref){ &nodes[1].zone[ZONE_NORMAL], ZONE_NORMAL };
	list[3] = (struct zoneref){ NULL, 0 };
	block.flags = PAGE_ALLOCATED << PAGE_STATE_SHIFT;
	return 0;
}

static struct page *run(const struct request *r)
{
	bool waits = (r->gfp & __GFP_DIRECT_RECLAIM) && !r->cannot_wait && !r->interrupt;
	struct alloc_request rq = {
		.gfp = r->gfp,
		.order = r->order,
		.high = r->gfp & __GFP_DMA ? ZONE_DMA : ZONE_NORMAL,
		.mt = (enum migratetype)(r->gfp & 3),
		.band = r->band,
		.may_block = waits,
		.may_reclaim =
			waits && r->band < BAND_NO_RECLAIM && !(r->special & MM_TASK_MEMALLOC),
		.nodes = ~0ull,
		.list = list,
	};
	struct page *page;

	for (unsigned int i = 0; i < 2; i++)
		nodes[i].zone[ZONE_NORMAL].nr_usable = world.free;
	fake_task.mm.special = r->special;
	fake_task.in_interrupt = r->interrupt;
	page = slowpath_alloc(&rq);
	assert_int_equal(fake_task.mm.special & ~(u32)MM_TASK_VICTIM,
			 r->special & ~(u32)MM_TASK_VICTIM);
	assert_int_equal(seen.begun, 1);
	assert_int_equal(seen.ended, 1);
	assert_int_equal(counted[ALLOC_SLOWPATH], 1);
	assert_int_equal(fake_task.mm.slow_paths, !r->interrupt);
	assert_int_equal(counted[ALLOC_FAILED], !page);
	assert_int_equal(seen.reported, !page);
	return page;
}

/* Each run is a world and a request of its own. */
static void expect(struct world w, struct request r, const char *calls, enum explain_end end)
{
	setup(NULL);
	world = w;
	assert_int_equal(run(&r) != NULL, end == END_SERVED);
	assert_string_equal(log_text, calls);
	assert_int_equal(seen.end, end);
}

#define WORLD(...) ((struct world){ __VA_ARGS__ })
#define RQ(f, o, b, ...) ((struct request){ .gfp = f, .order = o, .band = b, __VA_ARGS__ })
#define NONE ((struct world){ 0 })

/* ---- bands and contexts that do not reclaim ---------------------------------- */

static void test_urgent_bands(void **state)
{
	(void)state;
	/* wake both nodes, floor; wake, floor, own caches, reserve, once more */
	for (u32 band = BAND_REALTIME; band <= BAND_CRITICAL; band++)
		expect(NONE, RQ(GFP_KERNEL, 0, band), "KKFcKKFcdddUFc", END_BAND);
	expect(NONE, RQ(GFP_NOWAIT, 0, BAND_ATOMIC), "KKFcKKFcdddUFc", END_CANNOT_WAIT);
	/* Order and movability do not make it compact. */
	expect(NONE, RQ(GFP_KERNEL, 9, BAND_REALTIME), "KKFcKKFcdddUFc", END_BAND);
	/* Served as soon as something is there. */
	expect(WORLD(.page_at = 1), RQ(GFP_KERNEL, 0, BAND_REALTIME), "KKFc", END_SERVED);
	expect(WORLD(.page_at = 3), RQ(GFP_KERNEL, 0, BAND_REALTIME), "KKFcKKFcdddUFc", END_SERVED);
	/* Atomic and high: limits and policy do not bind it. */
	expect(NONE, RQ(GFP_ATOMIC, 0, BAND_ATOMIC), "KKFKKFadddUFa", END_CANNOT_WAIT);
	expect(NONE, RQ(GFP_ATOMIC | __GFP_NOMEMALLOC, 0, BAND_REALTIME), "KKFcKKFcdddUFc",
	       END_CANNOT_WAIT);
}

static void test_interrupts(void **state)
{
	(void)state;
	expect(NONE, RQ(GFP_ATOMIC, 0, BAND_INTERRUPT, .interrupt = true), "KKFKKFa",
	       END_CANNOT_WAIT);
	expect(WORLD(.page_at = 1), RQ(GFP_ATOMIC, 3, BAND_INTERRUPT, .interrupt = true), "KKF",
	       END_SERVED);
}

static void test_ordinary_that_cannot_wait(void **state)
{
	(void)state;
	expect(NONE, RQ(GFP_NOWAIT, 0, BAND_ORDINARY), "KKFcKKFc", END_CANNOT_WAIT);
	expect(NONE, RQ(0, 0, BAND_ORDINARY), "FcFc", END_CANNOT_WAIT); /* kswapd sleeps on */
	expect(NONE, RQ(GFP_KERNEL, 0, BAND_ORDINARY, .cannot_wait = true), "KKFcKKFc",
	       END_CANNOT_WAIT);
}

/* Row 72: reclaim's own requests, with all reserves or with none. */
static void test_recursion(void **state)
{
	(void)state;
	expect(NONE, RQ(GFP_KERNEL, 0, BAND_MEMALLOC, .special = MM_TASK_MEMALLOC),
	       "KKFcKKFadddUFa", END_RECURSION);
	expect(NONE,
	       RQ(GFP_KERNEL | __GFP_NOMEMALLOC, 0, BAND_ORDINARY, .special = MM_TASK_MEMALLOC),
	       "KKFcKKFc", END_RECURSION);
}

/* Row 86: kswapd of a node the caller may not use sleeps on. */
static void test_kswapd_within_limits(void **state)
{
	(void)state;
	expect(NONE, RQ(GFP_NOWAIT | __GFP_HARDWALL, 0, BAND_ORDINARY), "KFcKFc", END_CANNOT_WAIT);
	expect(NONE, RQ(GFP_NOWAIT | __GFP_DMA, 0, BAND_ORDINARY), "KFcKFc", END_CANNOT_WAIT);
}

/* ---- reclaim ----------------------------------------------------------------- */

static void test_nothing_gained(void **state)
{
	(void)state;
	/* Nothing could help: one round, the last pageblock, drain, high mark, end somebody. */
	expect(NONE, RQ(GFP_KERNEL, 0, BAND_ORDINARY), "KKFcKKFcRXDHcFcO", END_OOM_FAILED);
	expect(NONE, RQ(GFP_KERNEL | __GFP_NORETRY, 0, BAND_ORDINARY), "KKFcKKFcR", END_NORETRY);
	expect(NONE, RQ(GFP_KERNEL | __GFP_RETRY_MAYFAIL, 0, BAND_ORDINARY), "KKFcKKFcRXDHcFc",
	       END_NO_PROGRESS);
	expect(NONE, RQ(GFP_KERNEL | __GFP_THISNODE, 0, BAND_ORDINARY), "KKFcKKFcRXDHcFc",
	       END_NO_PROGRESS);
	expect(NONE, RQ(GFP_KERNEL | __GFP_DMA, 0, BAND_ORDINARY), "KFcKFcRXDHcFc",
	       END_NO_PROGRESS);
	/* The high mark is met after all; or the floor, by what was in caches. */
	expect(WORLD(.page_at = 3), RQ(GFP_KERNEL, 0, BAND_ORDINARY), "KKFcKKFcRXDHc", END_SERVED);
	expect(WORLD(.page_at = 4), RQ(GFP_KERNEL, 0, BAND_ORDINARY), "KKFcKKFcRXDHcFc",
	       END_SERVED);
}

static void test_gain_helps(void **state)
{
	(void)state;
	expect(WORLD(.gain = 32, .gains = 1, .page_at = 3), RQ(GFP_KERNEL, 0, BAND_ORDINARY),
	       "KKFcKKFcRFc", END_SERVED);
	/* Not at once, but after what was stranded has come back. */
	expect(WORLD(.gain = 32, .gains = 1, .page_at = 4), RQ(GFP_KERNEL, 0, BAND_ORDINARY),
	       "KKFcKKFcRFcUDFc", END_SERVED);
	/* In the round after. */
	expect(WORLD(.gain = 32, .gains = 1, .page_at = 5, .reclaimable = 1000),
	       RQ(GFP_KERNEL, 0, BAND_ORDINARY), "KKFcKKFcRFcUDFcyKKFc", END_SERVED);
	/* The last pageblock of the reserve is worth a round. */
	expect(WORLD(.last_ones = 1, .page_at = 3), RQ(GFP_KERNEL, 0, BAND_ORDINARY),
	       "KKFcKKFcRXKKFc", END_SERVED);
}

/* Count a letter. */
static unsigned int nr(char c)
{
	unsigned int n = 0;

	for (const char *s = log_text; *s; s++)
		n += *s == c;
	return n;
}

/* Row 73: 16 rounds without gain while a zone could pass, and the 17th ends it. */
static void test_rounds_without_gain(void **state)
{
	struct request r = RQ(GFP_KERNEL, 0, BAND_ORDINARY);

	(void)state;
	world.reclaimable = 1000;
	assert_null(run(&r));
	assert_int_equal(nr('R'), 17);
	assert_int_equal(nr('y'), 16);
	assert_int_equal(nr('O'), 1);
	assert_int_equal(seen.end, END_OOM_FAILED);
	/* Exactly the mark is not above it. */
	expect(WORLD(.reclaimable = 60, .free = 40), r, "KKFcKKFcRXDHcFcO", END_OOM_FAILED);
	expect(WORLD(.reclaimable = 61, .free = 40, .page_at = 3), r, "KKFcKKFcRyKKFc", END_SERVED);
}

/* Gain begins the count anew, but there is an end to that too. */
static void test_rounds_with_gain(void **state)
{
	struct request r = RQ(GFP_KERNEL, 0, BAND_ORDINARY);

	(void)state;
	world = WORLD(.gain = 1, .gains = 40, .reclaimable = 1000);
	assert_null(run(&r));
	assert_int_equal(nr('R'), 40 + 17);
}

/* ---- compaction -------------------------------------------------------------- */

static void test_early_compaction(void **state)
{
	struct world skipped = { .result = COMPACT_SKIPPED };
	struct world deferred = { .result = COMPACT_DEFERRED };
	struct world success = { .result = COMPACT_SUCCESS, .page_at = 2 };

	(void)state;
	/* Costly or not movable, of order over 0: before reclaim, asynchronous. */
	expect(success, RQ(GFP_KERNEL, 1, BAND_ORDINARY), "KKFcAFc", END_SERVED);
	expect(success, RQ(GFP_KERNEL | __GFP_MOVABLE, 4, BAND_ORDINARY), "KKFcAFc", END_SERVED);
	expect(WORLD(.page_at = 2), RQ(GFP_KERNEL | __GFP_MOVABLE, 3, BAND_ORDINARY), "KKFcKKFc",
	       END_SERVED);
	/* Not with reserve rights. */
	expect(WORLD(.page_at = 2), RQ(GFP_KERNEL, 1, BAND_CRITICAL, .special = MM_TASK_VICTIM),
	       "KKFcKKFa", END_SERVED);
	expect(WORLD(.page_at = 2), RQ(GFP_KERNEL, 1, BAND_ORDINARY, .special = MM_TASK_VICTIM),
	       "KKFcKKF6a", END_SERVED);
	/* In a round, when reclaim brought nothing. */
	expect(WORLD(.result = COMPACT_SUCCESS, .page_at = 3),
	       RQ(GFP_KERNEL | __GFP_MOVABLE, 2, BAND_ORDINARY), "KKFcKKFcRLFc", END_SERVED);
	/* Costly and NORETRY: at once, if compaction says it is no use. */
	expect(skipped, RQ(GFP_KERNEL | __GFP_NORETRY, 4, BAND_ORDINARY), "KKFcA", END_COMPACTION);
	expect(deferred, RQ(GFP_KERNEL | __GFP_NORETRY, 4, BAND_ORDINARY), "KKFcA", END_COMPACTION);
	expect(skipped, RQ(GFP_KERNEL | __GFP_NORETRY, 3, BAND_ORDINARY), "KKFcAKKFcRL",
	       END_NORETRY);
	/* It tried, in vain: one round, still asynchronous. */
	expect(WORLD(.result = COMPACT_PARTIAL), RQ(GFP_KERNEL | __GFP_NORETRY, 4, BAND_ORDINARY),
	       "KKFcAFcDFcKKFcRAFcDFc", END_NORETRY);
}

static void test_costly(void **state)
{
	(void)state;
	expect(NONE, RQ(GFP_KERNEL, 4, BAND_ORDINARY), "KKFcAKKFcRL", END_COSTLY);
	/* RETRY_MAYFAIL goes on, but ends nobody. */
	expect(NONE, RQ(GFP_KERNEL | __GFP_RETRY_MAYFAIL, 4, BAND_ORDINARY), "KKFcAKKFcRLXDHcFc",
	       END_NO_PROGRESS);
}

/* Row 74: light, then synchronous, but only if reclaim gained something. */
static void test_compaction_effort(void **state)
{
	(void)state;
	expect(WORLD(.gain = 1, .gains = 2), RQ(GFP_KERNEL | __GFP_MOVABLE, 2, BAND_ORDINARY),
	       "KKFc"
	       "KKFcRFcUDFcLX" /* light, and it gained: more effort */
	       "KKFcRFcUDFcSXDHcFcO",
	       END_OOM_FAILED);
	/* Costly orders do not go that far. */
	expect(WORLD(.gain = 1, .gains = 9), RQ(GFP_KERNEL | __GFP_RETRY_MAYFAIL, 4, BAND_ORDINARY),
	       "KKFcAKKFcRFcUDFcLXDHcFc", END_NO_PROGRESS);
}

/* Success that others take: 16 times, a quarter for costly orders, then more effort. */
static void test_compaction_success_taken(void **state)
{
	struct request small = RQ(GFP_KERNEL | __GFP_MOVABLE, 2, BAND_ORDINARY);
	struct request costly = RQ(GFP_KERNEL | __GFP_RETRY_MAYFAIL, 4, BAND_ORDINARY);

	(void)state;
	world = WORLD(.result = COMPACT_SUCCESS, .gain = 1, .gains = FOREVER);
	assert_null(run(&small));
	assert_int_equal(nr('L'), 17);
	assert_int_equal(nr('S'), 17);
	setup(NULL);
	world = WORLD(.result = COMPACT_SUCCESS, .gain = 1, .gains = FOREVER);
	assert_null(run(&costly));
	assert_int_equal(nr('A'), 1);
	assert_int_equal(nr('L'), 5);
	assert_int_equal(nr('S'), 0);
}

/* ---- limits, the last resort, NOFAIL ----------------------------------------- */

static void test_cookie(void **state)
{
	(void)state;
	/* Before the last resort. */
	expect(WORLD(.cookie_until = 2, .page_at = 3), RQ(GFP_KERNEL, 0, BAND_ORDINARY),
	       "KKFcKKFcRXPKKFc", END_SERVED);
	/* Before failing. */
	expect(WORLD(.cookie_until = 2, .page_at = 3), RQ(GFP_NOWAIT, 0, BAND_ORDINARY),
	       "KKFcKKFcPKKFc", END_SERVED);
	/* Not for ever. */
	setup(NULL);
	world = WORLD(.cookie_until = FOREVER);
	assert_null(run(&RQ(GFP_NOWAIT, 0, BAND_ORDINARY)));
	assert_int_equal(nr('P'), 16);
	assert_int_equal(counted[COOKIE_RETRY], 16);
	/* An interrupt has no limits that could have changed. */
	expect(WORLD(.cookie_until = FOREVER), RQ(GFP_ATOMIC, 0, BAND_INTERRUPT, .interrupt = true),
	       "KKFKKFa", END_CANNOT_WAIT);
}

static void test_last_resort(void **state)
{
	(void)state;
	expect(WORLD(.kills = 1, .page_at = 5), RQ(GFP_KERNEL, 0, BAND_ORDINARY),
	       "KKFcKKFcRXDHcFcOKKFc", END_SERVED);
	/* It is ourselves: no more rounds, whatever it brought. */
	expect(WORLD(.kills = 1, .victim_at_kill = true), RQ(GFP_KERNEL, 0, BAND_ORDINARY),
	       "KKFcKKFcRXDHcFcO", END_VICTIM);
	/* A victim digs deeper from its first round on, outside its limits. */
	expect(NONE, RQ(GFP_KERNEL, 0, BAND_ORDINARY, .special = MM_TASK_VICTIM),
	       "KKFcKKF6aRXDHcF6aO", END_VICTIM);
	expect(NONE, RQ(GFP_KERNEL | __GFP_NOMEMALLOC, 0, BAND_ORDINARY, .special = MM_TASK_VICTIM),
	       "KKFcKKFcRXDHcFcO", END_VICTIM);
	/* However often it helps others. */
	setup(NULL);
	world = WORLD(.kills = FOREVER);
	assert_null(run(&RQ(GFP_KERNEL, 0, BAND_ORDINARY)));
	assert_int_equal(nr('R'), 256);
	assert_int_equal(seen.end, END_NO_PROGRESS);
}

/* While one is about to end somebody, others that are as far wait a little and look again. */
static void other_task(void)
{
	struct alloc_request rq = {
		.gfp = GFP_KERNEL,
		.high = ZONE_NORMAL,
		.band = BAND_ORDINARY,
		.may_block = true,
		.may_reclaim = true,
		.nodes = ~0ull,
		.list = list,
	};

	world.other_at_kill = false;
	world.page_at = tries + 3;
	note("(");
	assert_non_null(slowpath_alloc(&rq));
	note(")");
	assert_int_equal(seen.steps[STEP_OOM_BUSY], 1);
	world.page_at = tries + 1;
	seen.begun = seen.ended = 0;
	seen.begun++;
	counted[ALLOC_SLOWPATH]--;
	fake_task.mm.slow_paths--;
}

static void test_one_ends_tasks_at_a_time(void **state)
{
	(void)state;
	expect(WORLD(.kills = 1, .other_at_kill = true), RQ(GFP_KERNEL, 0, BAND_ORDINARY),
	       "KKFcKKFcRXDHcFcO(KKFcKKFcRXzKKFc)KKFc", END_SERVED);
	/* The next one that gets there is not kept out. */
	expect(WORLD(.kills = 1, .page_at = 5), RQ(GFP_KERNEL, 0, BAND_ORDINARY),
	       "KKFcKKFcRXDHcFcOKKFc", END_SERVED);
}

/* A pageblock of the reserve comes back before the last: on both ways that ask for it. */
static void test_reserve_comes_back(void **state)
{
	(void)state;
	expect(WORLD(.unreserve = 1, .page_at = 3), RQ(GFP_KERNEL, 0, BAND_REALTIME),
	       "KKFcKKFcdddUFc", END_SERVED);
	assert_int_equal(seen.steps[STEP_UNRESERVE], 1);
	expect(WORLD(.unreserve = 1, .gain = 1, .gains = 1, .page_at = 4),
	       RQ(GFP_KERNEL, 0, BAND_ORDINARY), "KKFcKKFcRFcUDFc", END_SERVED);
	assert_int_equal(seen.steps[STEP_UNRESERVE], 1);
}

static void test_nofail(void **state)
{
	gfp_t gfp = GFP_KERNEL | __GFP_NOFAIL;

	(void)state;
	/* Some of the reserve within limits, then anywhere; asleep; another round. */
	expect(WORLD(.page_at = 5), RQ(gfp, 0, BAND_ORDINARY), "KKFcKKFcRXDHcFcOF4c", END_SERVED);
	expect(WORLD(.page_at = 7), RQ(gfp, 0, BAND_ORDINARY), "KKFcKKFcRXDHcFcOF4cF4zKKFc",
	       END_SERVED);
	/* Urgent ones too, never below their own floor. */
	expect(WORLD(.page_at = 6), RQ(gfp, 0, BAND_CRITICAL), "KKFcKKFcdddUFcFcFzKKFc",
	       END_SERVED);
	/* As long as it takes. */
	setup(NULL);
	world = WORLD(.page_at = 300);
	assert_non_null(run(&RQ(gfp, 0, BAND_CRITICAL)));
	/* Costly: warned, and served in the end. */
	setup(NULL);
	world = WORLD(.page_at = 20);
	assert_non_null(run(&RQ(gfp, 4, BAND_ORDINARY)));
	assert_true(fake_log_has("may not fail is costly"));
	/* Reclaim's own, which nobody can help: it is said once. */
	setup(NULL);
	world = WORLD(.page_at = 9);
	assert_non_null(run(&RQ(gfp, 0, BAND_MEMALLOC, .special = MM_TASK_MEMALLOC)));
	assert_int_equal(fake_log_count("may not fail is made by reclaim"), 1);
	assert_true(nr('z') > 0);
	/* 256 rounds are no end for it. */
	setup(NULL);
	world = WORLD(.kills = FOREVER, .page_at = 1200);
	assert_non_null(run(&RQ(gfp, 0, BAND_ORDINARY)));
	assert_true(nr('R') > 256);
	/* One that cannot wait fails, and says so. */
	setup(NULL);
	assert_null(run(&RQ(gfp, 0, BAND_ORDINARY, .cannot_wait = true)));
	assert_true(fake_log_has("cannot wait"));
}

static void test_counts(void **state)
{
	(void)state;
	world = WORLD(.gain = 1, .gains = 1, .result = COMPACT_PARTIAL);
	assert_null(run(&RQ(GFP_KERNEL | __GFP_NORETRY, 1, BAND_ORDINARY)));
	assert_int_equal(counted[KSWAPD_WAKE], 4);
	assert_int_equal(counted[ALLOCSTALL_NORMAL], 1);
	assert_int_equal(counted[COMPACT_STALL], 2);
	assert_int_equal(counted[COMPACT_FAIL], 2);
	assert_int_equal(counted[COMPACT_DIRECT_SUCCESS], 0);
	assert_int_equal(seen.steps[STEP_WOKE_KSWAPD], 2);
	assert_int_equal(seen.steps[STEP_RECLAIM], 1);
	assert_int_equal(seen.steps[STEP_COMPACT], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_urgent_bands, setup),
		cmocka_unit_test_setup(test_interrupts, setup),
		cmocka_unit_test_setup(test_ordinary_that_cannot_wait, setup),
		cmocka_unit_test_setup(test_recursion, setup),
		cmocka_unit_test_setup(test_kswapd_within_limits, setup),
		cmocka_unit_test_setup(test_nothing_gained, setup),
		cmocka_unit_test_setup(test_gain_helps, setup),
		cmocka_unit_test_setup(test_rounds_without_gain, setup),
		cmocka_unit_test_setup(test_rounds_with_gain, setup),
		cmocka_unit_test_setup(test_early_compaction, setup),
		cmocka_unit_test_setup(test_costly, setup),
		cmocka_unit_test_setup(test_compaction_effort, setup),
		cmocka_unit_test_setup(test_compaction_success_taken, setup),
		cmocka_unit_test_setup(test_cookie, setup),
		cmocka_unit_test_setup(test_last_resort, setup),
		cmocka_unit_test_setup(test_one_ends_tasks_at_a_time, setup),
		cmocka_unit_test_setup(test_reserve_comes_back, setup),
		cmocka_unit_test_setup(test_nofail, setup),
		cmocka_unit_test_setup(test_counts, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
