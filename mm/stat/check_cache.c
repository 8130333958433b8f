/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The validator of per-CPU caches; contracts in check.h. Nobody but a CPU may
 * follow its lists, so each is asked to look at its own: in an interrupt, masked,
 * 32 links at a time. What it finds it only notes; whoever asked prints.
 *
 * One question at a time, of one CPU. The word `turn` says whose the question is:
 * it goes from the asker to the CPU and back, so a CPU that answers too late finds
 * nothing to do.
 */
#include "mm/boot/topology.h"
#include "mm/stat/check.h"

enum {
	STEP = 8,
	NR_LISTS = PCP_ORDERS * PCP_TYPES,
	RESTARTS = 8, /* of one list that others use meanwhile */
	ANSWER_NS = 100 * 1000 * 1000,
	POLL_NS = 20 * 1000,
	OFF_LOOKS = 20,
	OFF_PAUSE_NS = 1000 * 1000,
};

enum turn { NOBODY, ASKED, LOOKING };

/* What a CPU is to look at, how far it is, and what it found. */
struct look {
	const struct pcp *cache;
	u32 list; /* order * PCP_TYPES + type; NR_LISTS: done */
	bool begun;
	u32 pfn, seen;  /* of the list */
	u32 taken, put; /* when it was begun */
	u32 restarts;
	bool unsteady; /* some list was left */
	u64 pages;
	u32 findings;
	u32 bad_pfn; /* of the first */
	const char *what;
};

static struct look look; /* of whom `turn` names */
static u32 turn;         /* (A) enum turn */
static u32 asked_cpu;    /* (A) */
static u32 in_use;       /* (A) */
static unsigned int call_number;

static void note(u32 pfn, const char *what)
{
	if (look.findings++)
		return;
	look.bad_pfn = pfn;
	look.what = what;
}

static void next_list(void)
{
	look.list++;
	look.begun = false;
	look.restarts = 0;
}

/* A block on a list: exists, is marked so, is not used. */
static bool look_at_block(u32 pfn, unsigned int order, unsigned int type)
{
	u32 flags = frame_flags(look.cache->zone->id, PAGE_CACHED, order, (enum migratetype)type);

	if (!frame_exists(pfn)) {
		note(pfn, "a cache list leads outside");
		return false;
	}
	if (frame_peek(frame(pfn)) != flags)
		note(pfn, "not what its cache list holds");
	if (frame(pfn)->refcount || frame(pfn)->mapping || frame(pfn)->mapcount)
		note(pfn, "cached, but referenced or mapped");
	return true;
}

/* One link of the list at hand, or its beginning, or its end. */
static void look_at_link(void)
{
	unsigned int order = look.list / PCP_TYPES, type = look.list % PCP_TYPES;
	const struct pcp_list *l = &look.cache->list[order][type];

	if (look.begun && (l->taken != look.taken || l->put != look.put)) {
		look.begun = false;
		if (++look.restarts > RESTARTS) {
			look.unsteady = true;
			next_list();
		}
		return;
	}
	if (!look.begun) {
		look.begun = true;
		look.pfn = l->head;
		look.seen = 0;
		look.taken = l->taken;
		look.put = l->put;
	}
	if (look.pfn != PFN_NIL && look.seen < pcp_blocks(l) &&
	    look_at_block(look.pfn, order, type)) {
		look.seen++;
		look.pfn = frame(look.pfn)->next;
		return;
	}
	if (look.pfn != PFN_NIL || look.seen != pcp_blocks(l))
		note(look.pfn, "a cache list is not as long as its counters say");
	look.pages += (u64)look.seen << order;
	next_list();
}

static void look_step(void)
{
	for (unsigned int i = 0; i < STEP && look.list < NR_LISTS; i++) {
		tm_step();
		look_at_link();
	}
}

/* In an interrupt of the CPU that was asked. */
static void look_asked(void)
{
	u32 expected = ASKED;

	if (cpu_id() != __atomic_load_n(&asked_cpu, __ATOMIC_ACQUIRE) ||
	    !__atomic_compare_exchange_n(&turn, &expected, LOOKING, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		return;
	look_step();
	__atomic_store_n(&turn, NOBODY, __ATOMIC_RELEASE);
}

/* Wait for the answer; false: none came, and none will. */
static bool await_answer(u64 deadline)
{
	u32 expected = ASKED;

	while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != NOBODY) {
		if (time_now_ns() >= deadline &&
		    __atomic_compare_exchange_n(&turn, &expected, NOBODY, false, __ATOMIC_ACQ_REL,
						__ATOMIC_ACQUIRE))
			return false;
		expected = ASKED;
		if (may_sleep())
			sleep_ns(POLL_NS);
		else
			arch_cpu_relax();
	}
	return true;
}

/* One step on that CPU: an interrupt there, or here and now when it is ours, or
 * when it is off and touches nothing. */
static bool step_on(unsigned int cpu)
{
	u64 flags = arch_irq_save();
	bool elsewhere = cpu != cpu_id() && (cpus_online() >> cpu & 1);

	if (!elsewhere) {
		look_step();
	} else {
		__atomic_store_n(&asked_cpu, cpu, __ATOMIC_RELEASE);
		__atomic_store_n(&turn, ASKED, __ATOMIC_RELEASE);
		cpu_call(1ull << cpu, call_number);
	}
	arch_irq_restore(flags);
	return !elsewhere || await_answer(time_after_ns(ANSWER_NS));
}

/* All lists of one CPU; steps end because lists and restarts do. */
static bool look_on(struct check_walk *w, unsigned int cpu, u64 *pages)
{
	bool answered = true;

	look = (struct look){ .cache = w->z->pcp[cpu] };
	while (answered && look.list < NR_LISTS)
		answered = step_on(cpu);
	if (!answered) {
		out_printf(w->out, "mm check: CPU %u did not look at its caches\n", cpu);
		return false;
	}
	if (look.findings)
		check_found(w, look.bad_pfn, "%s (CPU %u, %u such)", look.what, cpu, look.findings);
	*pages += look.pages;
	return !look.unsteady;
}

/* A CPU that is off was drained by who took it off, or is about to be. */
static void check_off(struct check_walk *w, unsigned int cpu)
{
	for (unsigned int i = 0; i < OFF_LOOKS; i++) {
		if ((cpus_online() >> cpu & 1) || !pcp_pages(w->z->pcp[cpu]))
			return;
		if (may_sleep())
			sleep_ns(OFF_PAUSE_NS);
	}
	check_found(w, w->z->start.v, "CPU %u is off, its caches hold %llu pages", cpu,
		    (unsigned long long)pcp_pages(w->z->pcp[cpu]));
}

bool check_caches_of(struct check_walk *w, const struct zone *z, u64 *pages)
{
	bool still = true;

	*pages = 0;
	w->z = z;
	if (__atomic_exchange_n(&in_use, 1, __ATOMIC_ACQUIRE))
		return false;
	for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (!z->pcp[cpu])
			continue;
		check_off(w, cpu);
		still &= look_on(w, cpu, pages);
	}
	__atomic_store_n(&in_use, 0, __ATOMIC_RELEASE);
	return still;
}

u64 check_cache_generation(const struct zone *z)
{
	u64 sum = 0;

	for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++) {
		const struct pcp *p = z->pcp[cpu];

		for (unsigned int i = 0; p && i < NR_LISTS; i++) {
			const struct pcp_list *l = &p->list[i / PCP_TYPES][i % PCP_TYPES];

			sum += __atomic_load_n(&l->put, __ATOMIC_RELAXED) +
			       __atomic_load_n(&l->taken, __ATOMIC_RELAXED);
		}
	}
	return sum;
}

void tm_init check_cache_init(void)
{
	static bool registered;

	if (!registered)
		call_number = cpu_call_add(look_asked);
	registered = true;
}
