/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deferred work: queues of calls, each with a task that makes them in order. A
 * piece of work is, in any combination that makes sense, waiting for its timer,
 * pending in its queue's list, and running; w->queue is set exactly while it is
 * one of them. It belongs to one queue all that time, so it never runs twice at
 * once: what is submitted while it runs goes to the queue that runs it.
 *
 * The scheduler lock guards everything; timers of work call back under it, so a
 * cancelled timer is cancelled for good. While a task waits in work_flush() it
 * lends its priority to the queue's task, which serves `flushers`.
 */
#include "rtos/work.h"
#include "rtos/life.h"
#include "rtos/sched.h"

enum {
	WORK_TIMED = 1 << 0,   /* waits for its timer, or for ever */
	WORK_PENDING = 1 << 1, /* in the list */
	WORK_RUNNING = 1 << 2,
	MAX_QUEUES = 16,
};

struct workq {
	struct list pending;      /* (S) */
	struct task *task;        /* (I) null: the slot is free, or about to be used */
	struct waitq idle;        /* the task, while nothing is pending */
	struct waitq flushers;    /* served by the task */
	bool used;                /* (S) */
	char name[TASK_NAME_LEN]; /* (I) */
};

static struct workq queues[MAX_QUEUES]; /* [0] is everybody's */

static struct work *work_entry(struct list *n)
{
	return container_of(n, struct work, link);
}

static void work_due_locked(struct timer *t);

void work_init(struct work *w, void (*fn)(struct work *w))
{
	*w = (struct work){ .fn = fn };
	timer_init_locked(&w->timer, work_due_locked);
}

/* ---- the task of a queue ---------------------------------------------------------- */

static struct work *next_work(struct workq *q)
{
	u64 flags = sched_lock();
	struct work *w;

	while (list_empty(&q->pending)) {
		(void)sched_block_locked(&q->idle, TM_FOREVER, WAIT_FIRM);
		arch_irq_restore(flags);
		flags = sched_lock();
	}
	w = work_entry(q->pending.next);
	BUG_ON_VAL(w->state != WORK_PENDING || w->queue != q, w->state, q);
	list_del(&w->link);
	w->state = WORK_RUNNING;
	sched_unlock(flags);
	return w;
}

/* One of its states ended. True: somebody may have waited for that. */
static bool left_state(struct work *w, u32 state)
{
	struct workq *q = w->queue;

	w->state &= ~state;
	if (w->state)
		return false;
	w->queue = NULL;
	return q->flushers.nr_waiting;
}

static void worker(void *arg)
{
	struct workq *q = arg;
	struct work *w;
	bool tell;
	u64 flags;

	task_defer_kill();
	for (;;) {
		w = next_work(q);
		w->fn(w);
		flags = sched_lock();
		tell = left_state(w, WORK_RUNNING);
		sched_unlock(flags);
		/* All look whether it was theirs: there are few at a time. */
		if (tell)
			waitq_wake_all(&q->flushers);
	}
}

/* ---- queues ------------------------------------------------------------------------- */

static struct workq *reserve_queue(void)
{
	u64 flags = sched_lock();
	unsigned int i = 0;

	while (i < MAX_QUEUES && queues[i].used)
		i++;
	if (i < MAX_QUEUES)
		queues[i].used = true;
	sched_unlock(flags);
	return i < MAX_QUEUES ? &queues[i] : NULL;
}

struct workq *workq_create(const char *name, unsigned int prio, u64 cpu_mask)
{
	struct workq *q = reserve_queue();
	struct task_attr attr = { .prio = prio, .cpus = cpu_mask };

	if (!q)
		return NULL;
	tm_snprintf(q->name, sizeof(q->name), "%s", name);
	attr.name = q->name;
	list_init(&q->pending);
	waitq_init(&q->idle, "work");
	waitq_init(&q->flushers, q->name);
	q->task = task_create(&attr, worker, q);
	if (q->task)
		waitq_serve(&q->flushers, q->task);
	else
		q->used = false;
	return q->task ? q : NULL;
}

struct workq *workq_system(void)
{
	BUG_ON(!queues[0].task);
	return &queues[0];
}

void workq_start(void)
{
	struct workq *q = workq_create("work", TASK_PRIO_DEFAULT, 0);

	if (!q)
		panic("no memory for the task of deferred work");
	BUG_ON(q != queues);
}

/* ---- submitting ----------------------------------------------------------------------- */

/* Its queue's task when that has to be woken, else null. */
static struct task *make_pending(struct work *w)
{
	w->state |= WORK_PENDING;
	list_add_tail(&w->queue->pending, &w->link);
	return waitq_first_locked(&w->queue->idle);
}

static void work_due_locked(struct timer *t)
{
	struct work *w = container_of(t, struct work, timer);
	struct task *wake;

	BUG_ON_VAL(!(w->state & WORK_TIMED) || w->state & WORK_PENDING, w->state, w);
	w->state &= ~(u32)WORK_TIMED;
	wake = make_pending(w);
	if (wake)
		sched_wake_locked(wake, 0);
}

bool work_submit_at(struct workq *q, struct work *w, u64 deadline_ns)
{
	bool now = deadline_passed(deadline_ns);
	struct task *wake = NULL;
	u64 flags = sched_lock();
	bool fresh = !(w->state & (WORK_TIMED | WORK_PENDING));

	if (fresh) {
		BUG_ON_VAL(!w->queue != !w->state, w->state, w->queue);
		if (!w->queue)
			w->queue = q;
		if (now) {
			wake = make_pending(w);
		} else {
			w->state |= WORK_TIMED;
			timer_start_locked(&w->timer, deadline_ns);
		}
	}
	if (wake)
		sched_wake_unlock(wake, 0, flags);
	else
		sched_unlock(flags);
	return fresh;
}

bool work_submit(struct workq *q, struct work *w)
{
	return work_submit_at(q, w, 0);
}

/* ---- taking back, waiting ---------------------------------------------------------------- */

bool work_cancel(struct work *w)
{
	struct workq *q;
	bool tell = false;
	u64 flags;
	u32 had;

	kill_hold();
	flags = sched_lock();
	q = w->queue;
	had = w->state & (WORK_TIMED | WORK_PENDING);
	timer_stop_locked(&w->timer);
	if (had & WORK_PENDING)
		list_del(&w->link);
	if (had)
		tell = left_state(w, had);
	sched_unlock(flags);
	if (tell)
		waitq_wake_all(&q->flushers);
	kill_release();
	return had;
}

int work_flush(struct work *w, u64 deadline_ns)
{
	u64 flags;
	int err = 0;

	task_kill_point();
	flags = sched_lock();
	while (w->queue && !err) {
		BUG_ON_VAL(w->queue->task == arch_current(), w, arch_current()->id);
		err = sched_block_locked(&w->queue->flushers, deadline_ns, WAIT_KILLABLE);
		arch_irq_restore(flags);
		if (unlikely(err == ERR_KILLED))
			task_check_kill();
		flags = sched_lock();
	}
	sched_unlock(flags);
	return err;
}
