/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Later, and from elsewhere: timers, deferred work, device interrupts. Part of
 * rtos/rtos.h, which says what the context words and lock keys mean; include
 * that one.
 *
 * A driver's hard handler does what cannot wait and hands the rest to its
 * thread, to deferred work or to whoever waits: everything in sync.h with
 * deadline 0, sem_post(), events_set(), timer_start(), work_submit() and the
 * wake calls may be called from interrupts.
 */
#ifndef RTOS_DEFER_H
#define RTOS_DEFER_H

#include "rtos/lib/tree.h"
#include "rtos/lib/lib.h"
#include "arch/arch.h"

struct task;
struct cpu;

/* ---- timers -------------------------------------------------------------- */

enum { TIMER_PERIOD_MIN_NS = 10 * 1000 }; /* shorter ones would leave nothing else to run */

/*
 * Calls fn from the timer interrupt, once or with a period. Every CPU keeps a
 * tree of its own, ordered by deadline, and one alarm in hardware set to the
 * first; without timers there is no alarm and no tick.
 */
struct timer {
	struct tree_node node;       /* (S) */
	u64 deadline;                /* (S) absolute ns */
	u64 period;                  /* (S) ns; 0: one-shot */
	u64 overruns;                /* (S) to set, (A) to read: periods without a call */
	struct cpu *cpu;             /* (S) among whose timers it is, or last was */
	void (*fn)(struct timer *t); /* (I) null: wakes the task it lies in */
	bool pending;                /* (S) is to fire */
	bool locked;                 /* (I) fn is called under the scheduler lock: rtos/ only */
};

/* Not running; fn runs in interrupt, no lock held, and must be short. */
void timer_init(struct timer *t, void (*fn)(struct timer *t));
/*
 * Fire once the deadline has passed, on the calling CPU; a past one fires at
 * once, TM_FOREVER (from 2^63 on) never. Then every period_ns after the
 * deadline (0 means now), without drift; periods missed are counted, not made
 * up for. When fn runs, `deadline` is that of the next call already. A pending
 * timer is set anew. 0, ERR_INVAL: a period below TIMER_PERIOD_MIN_NS that is
 * not 0, nothing changed. O(log n) in the CPU's timers. Any, ranks below SCHED
 * held at most; from its own fn too.
 */
int timer_start(struct timer *t, u64 deadline, u64 period_ns);
/* True when it was pending and will not fire. False: it was not, or its fn is
 * running right now on another CPU; of a periodic one fn may run even if true.
 * Context as timer_start. */
bool timer_stop(struct timer *t);
/* The same, and fn is not running any more when this returns. Task. */
bool timer_stop_sync(struct timer *t);
u64 timer_overruns(const struct timer *t); /* since it was started. Any. */

/* ---- deferred work -------------------------------------------------------- */

struct workq;

/* A call to be made by a task. In at most one queue, at most once at a time;
 * lives until fn has returned, and is used by work_flush() till that returns. */
struct work {
	struct list link;           /* (S) in the queue, while pending */
	struct workq *queue;        /* (S) null: neither pending nor running */
	struct timer timer;         /* (S) of work_submit_at() */
	u32 state;                  /* (S) bits of work.c */
	void (*fn)(struct work *w); /* (I) */
};

/* In no queue; fn runs in the queue's task and may sleep. */
void work_init(struct work *w, void (*fn)(struct work *w));
/* A queue with a task of its own that makes the calls in order of submission.
 * Null: as task_create(), or 16 exist. Task. For good: queues are not destroyed. */
struct workq *workq_create(const char *name, unsigned int prio, u64 cpus);
/* The queue everybody may use, at TASK_PRIO_DEFAULT; short work only. */
struct workq *workq_system(void);
/* Have q call w->fn in its task. False: it was pending already, or waits for its
 * time, and is called once. Submitted while fn runs, it runs again after, in the
 * same queue. Any. */
bool work_submit(struct workq *q, struct work *w);
/* The same not before the deadline. Any. */
bool work_submit_at(struct workq *q, struct work *w, u64 deadline_ns);
/* True when it was pending and will not run. Any. */
bool work_cancel(struct work *w);
/* Wait until w is neither pending nor running; the waiter lends the queue's
 * task its priority meanwhile. 0, ERR_TIMEDOUT. Task, but the queue's own. */
int work_flush(struct work *w, u64 deadline_ns);

/* ---- interrupts ----------------------------------------------------------- */

enum irq_result {
	IRQ_DONE, /* nothing is left to do */
	IRQ_WAKE, /* let the thread go on; the line stays masked until it has */
	IRQ_NONE, /* it was not this device; too many of these mask the line */
};

enum { IRQ_LEVEL_DEFAULT = 3, IRQ_LEVEL_MAX = 7 };

/* What a driver wants of a line. */
struct irq_attr {
	const char *name; /* kept, not copied */
	bool edge;        /* else level */
	u8 level;         /* 0..7, most urgent last: which of several pending lines comes first
			     (a running handler is never interrupted) */
	u64 cpus;         /* served by the first of these that is online; 0: any */
	/* In hard interrupt. Null: mask the line and wake the thread. */
	enum irq_result (*handler)(unsigned int irq, void *arg);
	/* In a task of its own, at this priority; null: no thread. */
	void (*thread)(unsigned int irq, void *arg);
	unsigned int thread_prio;
	void *arg;
};

/*
 * Attach to a controller line and unmask it. 0, ERR_RANGE (no such line),
 * ERR_BUSY (taken, or the kernel's own), ERR_NOSPC (64 are), ERR_INVAL (neither
 * handler nor thread, level or priority too high, no CPU of cpus online, CPUs or
 * a thread for a line private to each CPU), ERR_NOMEM (no thread). A private
 * line is attached for all CPUs and unmasked on the caller's. Task, or boot
 * without a thread.
 */
int irq_request(unsigned int irq, const struct irq_attr *attr);
/* Mask the line and detach: neither handler nor thread run any more when this
 * returns. 0, ERR_NOENT. Task. */
int irq_free(unsigned int irq);
/*
 * Mask and unmask, nested: work of a driver that must not meet its handler. When
 * irq_disable() returns, no other CPU runs the handler, so the caller holds no
 * lock that it takes; the thread may run. The last irq_enable() also gives a
 * line another chance that was masked because nobody claimed its interrupts. 0,
 * ERR_NOENT. Any.
 */
int irq_disable(unsigned int irq);
int irq_enable(unsigned int irq);
/* Serve the line on the first online CPU of the mask. 0, ERR_NOENT, ERR_INVAL
 * (none online, or a line private to each CPU). Any. */
int irq_set_cpus(unsigned int irq, u64 cpus);
/* Print /proc/interrupts. */
struct out;
void irq_view(struct out *out);

/*
 * Registers of a device, mapped for good as device memory. Null, with a message
 * naming the range: it is RAM of the page allocator (which has cached names),
 * wraps, is over 1 GiB, lies above the CPU's physical addresses, or there is no
 * table page.
 * Task or boot, after the linear map.
 */
volatile void *ioremap(phys_t p, u64 nr_bytes);

#endif
