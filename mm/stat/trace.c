/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of the latest allocator events (row 63); contracts in owner.h.
 *
 * A place is claimed by an atomic count, so any context may write, also an
 * interrupt in the middle of another event. A place carries the number of its
 * event, 0 while it is being written: a reader that sees the same number before
 * and after its copy has a whole event. Every word is written whole. (Only a
 * writer that was held up while a thousand events passed could mix two.)
 */
#include "mm/stat/owner.h"

#include "mm/page/pageblock.h"
#include "mm/stat/names.h"

enum { NR_EVENTS = 1024, NR_ARGS = 4 };
#define NO_FRAME (~0ull)

struct event {
	u64 number;       /* (A) from 1; 0: being written */
	u64 time_ns;      /* (A) */
	u64 who;          /* (A) event << 56 | in interrupt << 48 | CPU << 32 | task */
	u64 name[2];      /* (A) of the task */
	u64 arg[NR_ARGS]; /* (A) */
};
_Static_assert(sizeof(((struct event *)0)->name) == TASK_NAME_LEN, "a name is two words");

bool trace_on;
static struct event ring[NR_EVENTS];
static u64 last_number;    /* (A) since the ring was emptied */
static u64 first_kept = 1; /* (A) events before it are of an earlier run */

static void put_word(u64 *word, u64 value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static u64 get_word(const u64 *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

void trace_record(enum trace_event e, u64 a, u64 b, u64 c, u64 d)
{
	u64 number = __atomic_add_fetch(&last_number, 1, __ATOMIC_RELAXED);
	struct event *ev = &ring[number % NR_EVENTS];
	const struct task *t = task_current();
	u64 name[2] = { 0 };

	BUG_ON_VAL(e >= NR_TRACE_EVENTS, e, a);
	tm_snprintf((char *)name, sizeof(name), "%s", task_name(t));
	put_word(&ev->number, 0);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	put_word(&ev->time_ns, time_now_ns());
	put_word(&ev->who,
		 (u64)e << 56 | (u64)in_interrupt() << 48 | (u64)cpu_id() << 32 | task_id(t));
	put_word(&ev->name[0], name[0]);
	put_word(&ev->name[1], name[1]);
	put_word(&ev->arg[0], a);
	put_word(&ev->arg[1], b);
	put_word(&ev->arg[2], c);
	put_word(&ev->arg[3], d);
	__atomic_store_n(&ev->number, number, __ATOMIC_RELEASE);
}

void mm_trace_switch(bool on)
{
	if (__atomic_load_n(&trace_on, __ATOMIC_RELAXED) == on)
		return;
	if (on) {
		put_word(&first_kept, get_word(&last_number) + 1);
		watch_begin();
	}
	__atomic_store_n(&trace_on, on, __ATOMIC_RELAXED);
	if (!on)
		watch_end();
}

/* ---- reading --------------------------------------------------------------------------- */

/* A whole copy of event n; false: overwritten, or being written. */
static bool copy_event(u64 n, struct event *copy)
{
	const struct event *ev = &ring[n % NR_EVENTS];

	if (__atomic_load_n(&ev->number, __ATOMIC_ACQUIRE) != n)
		return false;
	copy->time_ns = get_word(&ev->time_ns);
	copy->who = get_word(&ev->who);
	copy->name[0] = get_word(&ev->name[0]);
	copy->name[1] = get_word(&ev->name[1]);
	for (unsigned int i = 0; i < NR_ARGS; i++)
		copy->arg[i] = get_word(&ev->arg[i]);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return get_word(&ev->number) == n;
}

static void print_frame(struct out *out, u64 pfn)
{
	if (pfn == NO_FRAME)
		out_printf(out, "page=0 pfn=0x0");
	else
		out_printf(out, "page=%llx pfn=0x%llx",
			   (unsigned long long)(ARCH_FRAMES_BASE + pfn * sizeof(struct page)),
			   (unsigned long long)pfn);
}

static void print_alloc(struct out *out, const u64 *arg)
{
	out_printf(out, "mm_page_alloc: ");
	print_frame(out, arg[0]);
	out_printf(out, " order=%llu migratetype=%llu gfp_flags=", (unsigned long long)arg[1],
		   (unsigned long long)arg[3]);
	mm_print_gfp(out, (gfp_t)arg[2]);
}

static void print_typed(struct out *out, const char *name, const u64 *arg)
{
	out_printf(out, "%s: ", name);
	print_frame(out, arg[0]);
	out_printf(out, " order=%llu migratetype=%llu", (unsigned long long)arg[1],
		   (unsigned long long)arg[2]);
}

static void print_extfrag(struct out *out, const u64 *arg)
{
	out_printf(out, "mm_page_alloc_extfrag: ");
	print_frame(out, arg[0]);
	out_printf(out, " alloc_order=%llu alloc_migratetype=%llu fallback_migratetype=%llu",
		   (unsigned long long)arg[1], (unsigned long long)arg[2],
		   (unsigned long long)arg[3]);
}

static void print_args(struct out *out, enum trace_event e, const u64 *arg)
{
	switch (e) {
	case TRACE_ALLOC:
		print_alloc(out, arg);
		break;
	case TRACE_ALLOC_LOCKED:
		print_typed(out, "mm_page_alloc_zone_locked", arg);
		break;
	case TRACE_FREE:
		out_printf(out, "mm_page_free: ");
		print_frame(out, arg[0]);
		out_printf(out, " order=%llu", (unsigned long long)arg[1]);
		break;
	case TRACE_EXTFRAG:
		print_extfrag(out, arg);
		break;
	case TRACE_PCP_DRAIN:
		print_typed(out, "mm_page_pcpu_drain", arg);
		break;
	case TRACE_WAKE_KSWAPD:
		out_printf(out, "mm_vmscan_wakeup_kswapd: nid=%llu order=%llu gfp_flags=",
			   (unsigned long long)arg[0], (unsigned long long)arg[2]);
		mm_print_gfp(out, (gfp_t)arg[3]);
		break;
	case TRACE_RECLAIM_BEGIN:
		out_printf(out, "mm_vmscan_direct_reclaim_begin: order=%llu gfp_flags=",
			   (unsigned long long)arg[0]);
		mm_print_gfp(out, (gfp_t)arg[1]);
		break;
	case TRACE_RECLAIM_END:
		out_printf(out, "mm_vmscan_direct_reclaim_end: nr_reclaimed=%llu",
			   (unsigned long long)arg[0]);
		break;
	case NR_TRACE_EVENTS:
		break;
	}
}

/* Task, CPU, four flags of which only "in a hard interrupt" is told, time. */
static void print_event(struct out *out, const struct event *ev)
{
	u64 us = ev->time_ns / 1000;

	out_printf(out, "%16.*s-%-7u [%03u] ..%c.. %5llu.%06llu: ", TASK_NAME_LEN,
		   (const char *)ev->name, (u32)ev->who, (u32)(ev->who >> 32) & 0xffff,
		   ev->who >> 48 & 1 ? 'h' : '.', (unsigned long long)(us / 1000000),
		   (unsigned long long)(us % 1000000));
	print_args(out, (enum trace_event)(ev->who >> 56), ev->arg);
	out_printf(out, "\n");
}

void mm_view_trace(struct out *out, unsigned int nr)
{
	u64 last = get_word(&last_number), first = get_word(&first_kept);
	u64 written = last + 1 - first;
	u64 shown = min_u64(min_u64(nr, written), NR_EVENTS);

	out_printf(out,
		   "# tracer: nop\n#\n# entries-in-buffer/entries-written: %llu/%llu   #P:%u\n#\n",
		   (unsigned long long)min_u64(written, NR_EVENTS), (unsigned long long)written,
		   cpus_online_count());
	out_printf(out, "#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n");
	for (u64 n = last + 1 - shown; n <= last; n++) {
		struct event ev;

		if (copy_event(n, &ev))
			print_event(out, &ev);
	}
}
