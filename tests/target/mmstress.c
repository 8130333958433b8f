/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every kind of request at once, drawn from boot_test_seed(): tasks of all
 * priorities that take, sign, check and give back blocks of all orders and
 * types, in bulk, exact, by policies, limits and scopes; a timer that does the
 * same in interrupts; above them one that takes CPUs off and puts them back,
 * drains caches, moves the marks, walks all of memory with the validator, and
 * ends tasks that hold memory. What a task holds is written down where it can be
 * given back after its end, so every page comes home, and the walk is clean.
 *
 * Lock keys: (T) the worker itself, or who joined it, (I) the interrupt, (A) atomic.
 */
#include "mm/mm.h"
#include "mm/stat/owner.h"
#include "tests/target/help.h"

#define US 1000ull

enum {
	WORKERS = 6,
	OPS = 1200, /* of one worker */
	SLOTS = 40,
	BULK = 24,
	RING = 12,        /* blocks an interrupt holds */
	TICK_US = 40,     /* between two interrupts */
	PAUSE_US = 50,    /* at most, between two disturbances */
	SPARE = 6000,     /* pages left when the rest is held */
	PRIO_SPREAD = 20, /* of workers: 1 to 20 */
	PATIENCE_S = 100,
	KILLS = 6,
};

/* A block somebody holds. */
struct held {
	struct page *page;
	u32 order;
	u64 mark; /* in the first word of each page, and complemented in its last */
};

struct worker {
	struct task *task;
	char name[TASK_NAME_LEN];
	u64 gen;                 /* (T) */
	u32 left;                /* (A) operations to go */
	u64 next_mark;           /* (T) */
	bool done;               /* (A) */
	struct held held[SLOTS]; /* (T) */
};

static struct {
	struct worker worker[WORKERS];
	struct timer timer;
	struct held ring[RING];                         /* (I) */
	u32 ring_next;                                  /* (I) */
	u64 ring_gen;                                   /* (I) */
	struct page *ballast;                           /* chained through first words */
	bool stop;                                      /* (A) */
	u32 nr_served, nr_null, nr_interrupt, nr_wrong; /* (A) */
	u32 nr_cpu, nr_kills, nr_walks;
} all;

/* ---- chance ------------------------------------------------------------------------ */

static u32 draw(u64 *gen, u32 n)
{
	*gen ^= *gen >> 12;
	*gen ^= *gen << 25;
	*gen ^= *gen >> 27;
	return (u32)((*gen * 0x2545f4914f6cdd1dull) >> 33) % n;
}

static u64 seeded(u64 nr)
{
	u64 s = boot_test_seed() * 0x9e3779b97f4a7c15ull + nr * 0xbf58476d1ce4e5b9ull;
	u64 gen = (s ^ s >> 29) | 1;

	for (unsigned int i = 0; i < 4; i++)
		(void)draw(&gen, 1);
	return gen;
}

/* ---- blocks that know their owner ------------------------------------------------- */

static void sign(const struct held *h)
{
	for (u32 i = 0; i < 1u << h->order; i++) {
		u64 *word = page_address(h->page + i);

		word[0] = h->mark + i;
		word[PAGE_SIZE / 8 - 1] = ~(h->mark + i);
	}
}

static void check_sign(const struct held *h)
{
	for (u32 i = 0; i < 1u << h->order; i++) {
		const u64 *word = page_address(h->page + i);

		if (word[0] != h->mark + i || word[PAGE_SIZE / 8 - 1] != ~(h->mark + i))
			help_add(&all.nr_wrong, 1);
	}
}

static void give_back(struct held *h)
{
	check_sign(h);
	free_pages(h->page, h->order);
	h->page = NULL;
}

static bool is_clear(const struct page *page, unsigned int order)
{
	u64 any = 0;

	for (u32 i = 0; i < 1u << order; i++) {
		const u64 *word = page_address(page + i);

		for (unsigned int w = 0; w < PAGE_SIZE / 8; w += 17)
			any |= word[w];
	}
	return !any;
}

/* A request, its answer checked for what can be seen of it. */
static bool take(struct held *h, gfp_t gfp, u32 order, u64 mark)
{
	struct page *page = alloc_pages(gfp | __GFP_NOWARN, order);

	if (!page) {
		help_add(&all.nr_null, 1);
		return false;
	}
	help_add(&all.nr_served, 1);
	if (!is_aligned(page_to_pfn(page).v, 1ull << order) || page_order(page) != order ||
	    ((gfp & __GFP_ZERO) && !is_clear(page, order)))
		help_add(&all.nr_wrong, 1);
	*h = (struct held){ page, order, mark };
	sign(h);
	return true;
}

/* ---- what workers do -------------------------------------------------------------- */

static const gfp_t kinds[] = {
	GFP_KERNEL,
	GFP_HIGHUSER_MOVABLE,
	GFP_KERNEL | __GFP_RECLAIMABLE,
	GFP_ATOMIC,
	GFP_NOWAIT,
	GFP_KERNEL | __GFP_ZERO,
	GFP_HIGHUSER_MOVABLE | __GFP_ZERO,
	GFP_KERNEL | __GFP_NORETRY,
	GFP_NOWAIT | __GFP_MOVABLE,
	GFP_ATOMIC | __GFP_NOMEMALLOC,
};

static u32 draw_order(struct worker *w)
{
	static const u8 orders[] = { 0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 5, 7, 9 };

	return orders[draw(&w->gen, ARRAY_SIZE(orders))];
}

static void op_take(struct worker *w)
{
	struct held *h = &w->held[draw(&w->gen, SLOTS)];

	if (h->page)
		give_back(h);
	else
		(void)take(h, kinds[draw(&w->gen, ARRAY_SIZE(kinds))], draw_order(w),
			   w->next_mark += 4096);
}

/* No wait in between, so that nobody ends with an array nobody knows. */
static void op_bulk(struct worker *w)
{
	struct page *page[BULK] = { 0 };
	unsigned int nr = alloc_pages_bulk(GFP_NOWAIT | __GFP_NOWARN | __GFP_MOVABLE,
					   1 + draw(&w->gen, BULK), page);
	u64 mark = w->next_mark += 4096;

	help_add(&all.nr_served, nr);
	for (unsigned int i = 0; i < nr; i++)
		sign(&(struct held){ page[i], 0, mark + i });
	for (unsigned int i = 0; i < nr; i++)
		check_sign(&(struct held){ page[i], 0, mark + i });
	free_pages_bulk(nr, page);
}

static void op_exact(struct worker *w)
{
	u64 nr_bytes = 1 + draw(&w->gen, 24 * PAGE_SIZE);
	u8 *p = alloc_pages_exact(nr_bytes, GFP_NOWAIT | __GFP_NOWARN);
	u8 mark = (u8)draw(&w->gen, 256);

	if (!p)
		return;
	p[0] = p[nr_bytes - 1] = mark;
	if (p[0] != mark || p[nr_bytes - 1] != mark)
		help_add(&all.nr_wrong, 1);
	free_pages_exact(p, nr_bytes);
}

static void op_policy(struct worker *w)
{
	const struct mm_policy p = { (enum mm_policy_mode)draw(&w->gen, 4),
				     draw(&w->gen, 2) ? nodes_with_memory()
						      : 1ull << draw(&w->gen, 3) };

	(void)mm_policy_set(draw(&w->gen, 2) ? &p : NULL);
	(void)mm_mems_allowed_set(NULL,
				  draw(&w->gen, 3) ? nodes_online() : 1ull << draw(&w->gen, 3));
}

static void op_scope(struct worker *w)
{
	unsigned int saved = mm_scope_save(1u << draw(&w->gen, 3));

	op_take(w);
	mm_scope_restore(saved);
}

static void one_op(struct worker *w)
{
	switch (draw(&w->gen, 16)) {
	case 0:
		op_bulk(w);
		break;
	case 1:
		op_exact(w);
		break;
	case 2:
		op_policy(w);
		break;
	case 3:
		op_scope(w);
		break;
	case 4:
		sleep_ns(draw(&w->gen, 60) * US);
		break;
	case 5:
		(void)task_set_prio(task_current(), 1 + draw(&w->gen, PRIO_SPREAD));
		break;
	default:
		op_take(w);
	}
}

static void worker_task(void *arg)
{
	struct worker *w = arg;

	while (w->left && !__atomic_load_n(&all.stop, __ATOMIC_ACQUIRE)) {
		one_op(w);
		__atomic_store_n(&w->left, w->left - 1, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&w->done, true, __ATOMIC_RELEASE);
}

/* No memory for it is no failure: it is what this is about. */
static void start_worker(struct worker *w)
{
	const struct task_attr attr = { .name = w->name, .prio = 1 + draw(&w->gen, PRIO_SPREAD) };

	w->task = task_create(&attr, worker_task, w);
	if (!w->task)
		__atomic_store_n(&w->done, true, __ATOMIC_RELEASE);
}

/* Its end: what it held goes home. */
static void bury(struct worker *w)
{
	if (w->task)
		help_join(w->task);
	w->task = NULL;
	for (unsigned int i = 0; i < SLOTS; i++)
		if (w->held[i].page)
			give_back(&w->held[i]);
}

/* ---- what interrupts do ----------------------------------------------------------- */

static void tick(struct timer *t)
{
	struct held *h = &all.ring[all.ring_next++ % RING];

	if (h->page)
		give_back(h);
	else if (take(h, GFP_ATOMIC, draw(&all.ring_gen, 4), (u64)all.ring_next << 40))
		help_add(&all.nr_interrupt, 1);
	if (!__atomic_load_n(&all.stop, __ATOMIC_ACQUIRE))
		(void)timer_start(t, time_after_ns(TICK_US * US), 0);
}

/* ---- what is done to all of them -------------------------------------------------- */

static void turn_cpu(u64 *gen)
{
	unsigned int cpu = 1 + draw(gen, arch_cpu_count());

	if (cpu >= arch_cpu_count() || arch_cpu_can_off(cpu))
		return;
	if (cpus_online() >> cpu & 1)
		(void)cpu_off(cpu);
	else
		(void)cpu_on(cpu);
	all.nr_cpu++;
}

static void all_cpus_on(void)
{
	for (unsigned int cpu = 1; cpu < arch_cpu_count(); cpu++)
		if (!(cpus_online() >> cpu & 1) && !arch_cpu_can_off(cpu))
			TEST_CHECK_VAL(cpu_on(cpu) == 0, cpu, 0);
}

static const struct mm_knob *knob(const char *name)
{
	unsigned int nr;
	const struct mm_knob *k = mm_knobs(&nr);

	for (unsigned int i = 0; i < nr; i++)
		if (strcmp(k[i].name, name) == 0)
			return &k[i];
	return NULL;
}

/* The value of a knob as text, without its newline. */
static void read_knob(const struct mm_knob *k, char *text, size_t size)
{
	struct out_buf ob;

	out_buf_init(&ob, text, size);
	k->show(&ob.out);
	for (char *c = text; *c; c++)
		if (*c == '\n')
			*c = '\0';
}

static void turn_knob(u64 *gen, const char *usual)
{
	static const char *const values[] = { "512", "1024", "2048" };
	const struct mm_knob *k = knob("min_free_kbytes");

	(void)k->store(draw(gen, 3) ? values[draw(gen, ARRAY_SIZE(values))] : usual);
}

/* A task ends wherever it waits, with all it holds, and begins anew. */
static void kill_one(u64 *gen)
{
	struct worker *w = &all.worker[draw(gen, WORKERS)];

	if (__atomic_load_n(&w->done, __ATOMIC_ACQUIRE) || all.nr_kills == KILLS)
		return;
	(void)task_kill(w->task);
	bury(w);
	all.nr_kills++;
	if (__atomic_load_n(&w->left, __ATOMIC_ACQUIRE))
		start_worker(w);
	else
		__atomic_store_n(&w->done, true, __ATOMIC_RELEASE);
}

/* The validator, which says something only when it found something. */
static void walk(void)
{
	static char text[2048];
	struct out_buf ob;

	out_buf_init(&ob, text, sizeof(text));
	if (mm_check(&ob.out))
		test_report("%s", text);
	all.nr_walks++;
}

static void disturb(u64 *gen, const char *usual)
{
	switch (draw(gen, 6)) {
	case 0:
		turn_cpu(gen);
		break;
	case 1:
		(void)mm_drain_caches();
		break;
	case 2:
		turn_knob(gen, usual);
		break;
	case 3:
		kill_one(gen);
		break;
	default:
		walk();
	}
}

static bool all_done(void)
{
	for (unsigned int i = 0; i < WORKERS; i++)
		if (!__atomic_load_n(&all.worker[i].done, __ATOMIC_ACQUIRE))
			return false;
	return true;
}

/* ---- a run ------------------------------------------------------------------------ */

static u64 pages_at_home(void)
{
	(void)mm_drain_caches();
	return mm_free_pages() + mm_cached_pages();
}

/* Tasks that ended are reaped in their own time. */
static u64 settled(void)
{
	u64 pages = pages_at_home();

	for (unsigned int i = 0, calm = 0; i < 200 && calm < 20; i++) {
		u64 before = pages;

		sleep_ms(1);
		pages = pages_at_home();
		calm = pages == before ? calm + 1 : 0;
	}
	return pages;
}

/* Most of memory, in the largest blocks, so that the rest is short. */
static void hold_most(void)
{
	struct page *page;

	while (mm_free_pages() > SPARE + MAX_ORDER_PAGES &&
	       (page = alloc_pages(GFP_HIGHUSER_MOVABLE | __GFP_NOWARN | __GFP_NORETRY,
				   MAX_PAGE_ORDER))) {
		*(struct page **)page_address(page) = all.ballast;
		all.ballast = page;
	}
}

static void let_go(void)
{
	while (all.ballast) {
		struct page *page = all.ballast;

		all.ballast = *(struct page **)page_address(page);
		free_pages(page, MAX_PAGE_ORDER);
	}
}

static void begin(void)
{
	memset(&all, 0, sizeof(all));
	hold_most();
	all.ring_gen = seeded(100);
	for (u32 i = 0; i < WORKERS; i++) {
		struct worker *w = &all.worker[i];

		w->gen = seeded(i + 1);
		w->left = OPS;
		w->next_mark = (u64)(i + 1) << 48;
		tm_snprintf(w->name, sizeof(w->name), "stress%u", i);
	}
	timer_init(&all.timer, tick);
	(void)timer_start(&all.timer, time_after_ns(TICK_US * US), 0);
	for (u32 i = 0; i < WORKERS; i++)
		start_worker(&all.worker[i]);
}

static void end(void)
{
	__atomic_store_n(&all.stop, true, __ATOMIC_RELEASE);
	for (u32 i = 0; i < WORKERS; i++)
		bury(&all.worker[i]);
	/* Not only stopped: its function may be filling the ring on another CPU. */
	(void)timer_stop_sync(&all.timer);
	for (u32 i = 0; i < RING; i++)
		if (all.ring[i].page)
			give_back(&all.ring[i]);
	let_go();
	all_cpus_on();
}

static void run(bool disturbed)
{
	u64 gen = seeded(0), before = settled(), after;
	u64 deadline = time_after_ns(PATIENCE_S * SEC);
	char usual[24];

	read_knob(knob("min_free_kbytes"), usual, sizeof(usual));
	(void)task_set_prio(task_current(), TASK_PRIO_MAX);
	begin();
	while (!all_done() && time_now_ns() < deadline) {
		if (disturbed)
			disturb(&gen, usual);
		sleep_ns((1 + draw(&gen, PAUSE_US)) * US);
	}
	TEST_CHECK(all_done());
	end();
	TEST_CHECK(knob("min_free_kbytes")->store(usual) == 0);
	after = settled();
	TEST_CHECK_VAL(after == before, after, before);
	TEST_CHECK_VAL(help_read(&all.nr_wrong) == 0, all.nr_wrong, 0);
	TEST_CHECK(mm_check(&console_out) == 0);
	out_printf(&console_out,
		   "    # seed %llu: %u served, %u in interrupts, %u refused; %u CPU turns, %u "
		   "kills, %u walks\n",
		   (unsigned long long)boot_test_seed(), all.nr_served, all.nr_interrupt,
		   all.nr_null, all.nr_cpu, all.nr_kills, all.nr_walks);
}

static void test_all(void)
{
	run(true);
}

static void test_undisturbed(void)
{
	run(false);
}

/* One request in fifty fails by injection: nobody panics, nothing leaks (T7). */
static void test_faults(void)
{
	const struct fault_knobs off = fault_get();
	struct fault_knobs k = off;

	k.probability = 2;
	k.interval = 1;
	k.times = -1;
	k.seed = boot_test_seed() + 1;
	TEST_CHECK(fault_set(&k) == 0);
	run(false);
	TEST_CHECK(fault_set(&off) == 0);
	TEST_CHECK(all.nr_null > 0);
}

static const struct test_case cases[] = {
	{ "all kinds at once", test_undisturbed },
	{ "CPUs, marks and tasks come and go", test_all },
	{ "with injected failures", test_faults },
};

const struct test_suite suite_mmstress = { "mmstress", cases, ARRAY_SIZE(cases) };
