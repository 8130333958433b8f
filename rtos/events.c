/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event flags: 32 bits, and tasks that wait for any or all of some of them.
 * Setting bits looks at the waiters in order, the most urgent first, a few in
 * each hold of the scheduler lock. Where it goes on, a mark stands in the queue,
 * so tasks may come and go in between; e->mark is linked exactly while a look is
 * not finished. Whoever comes meanwhile and could meet it out of order, a waiter
 * that is not more urgent than the mark, a clear, the end of another set, first
 * helps it to its end: to everybody but the waiters a set is one step.
 *
 * A waiter that is moved by a change of priority may jump over the mark. Moves
 * are counted, and a look that saw one begins again.
 *
 * The task that looks serves the queue meanwhile, so it runs at the priority of
 * the most urgent task still waiting: no hog between the two can hold it up. The
 * queue has a server only while the mark is linked: whoever ends a look ends the
 * loan with it, also where another task began it. A woken waiter is more urgent
 * than those not yet looked at, or an equal that came earlier, and runs first.
 */
#include "rtos/life.h"
#include "rtos/sched.h"

/* Waiters looked at in a hold; it ends with the first that is woken. */
enum { LOOK_BATCH = 8 };

/* In the waiter's wait_arg. */
struct want {
	u32 bits;
	unsigned int how;
	u32 got;
};

void events_init(struct events *e, const char *name)
{
	*e = (struct events){ .bits = 0 };
	waitq_init(&e->waiters, name);
}

/* ---- one waiter ------------------------------------------------------------------- */

static bool is_met(const struct events *e, const struct want *w)
{
	u32 have = e->bits & w->bits;

	return w->how & EVENTS_ALL ? have == w->bits : have != 0;
}

static void take(struct events *e, struct want *w)
{
	w->got = e->bits;
	if (w->how & EVENTS_CLEAR)
		e->bits &= ~w->bits;
}

/* ---- looking at all ------------------------------------------------------------------ */

static struct prio_node *first_waiter(const struct events *e)
{
	return prio_list_first(&e->waiters.waiters);
}

/* Take the mark out; the waiter behind it, null at the end. */
static struct prio_node *lift_mark(struct events *e)
{
	struct prio_node *n = prio_list_next(&e->waiters.waiters, &e->mark);

	prio_list_remove(&e->waiters.waiters, &e->mark);
	return n;
}

/* From n on, at most a batch; the first waiter not looked at, or null. */
static struct prio_node *look_batch(struct events *e, struct prio_node *n)
{
	struct prio_node *next;
	unsigned int looked;
	struct task *t;

	for (looked = 0; n && looked < LOOK_BATCH; n = next, looked++) {
		next = prio_list_next(&e->waiters.waiters, n);
		t = container_of(n, struct task, wait_node);
		if (is_met(e, t->wait_arg)) {
			take(e, t->wait_arg);
			sched_wake_locked(t, 0);
			return next;
		}
	}
	return n;
}

/* One hold's worth, from n on. The mark is linked afterwards if there is more. */
static void look(struct events *e, struct prio_node *n)
{
	if (e->bits)
		n = look_batch(e, n);
	else
		n = NULL; /* nobody waits for nothing */
	if (!n && e->moves != e->waiters.moves) {
		e->moves = e->waiters.moves;
		n = e->bits ? first_waiter(e) : NULL;
	}
	if (n)
		prio_list_add_before(&e->waiters.waiters, &e->mark, n);
}

/* The lock is held on entry and return, but let go in between. */
static void finish_look(struct events *e, u64 *flags)
{
	struct task *me = in_interrupt() ? NULL : arch_current();

	kill_hold();
	if (me)
		inherit_serve_locked(&e->waiters, me);
	while (prio_list_linked(&e->mark)) {
		inherit_run_locked();
		sched_unlock(*flags);
		*flags = sched_lock();
		if (prio_list_linked(&e->mark))
			look(e, lift_mark(e));
	}
	inherit_serve_locked(&e->waiters, NULL);
	inherit_run_locked();
	kill_release_locked();
}

/* The caller begins it again, at the most urgent; nothing is lent to whoever made it. */
static void break_off_look(struct events *e)
{
	lift_mark(e);
	inherit_serve_locked(&e->waiters, NULL);
	inherit_run_locked();
}

/* ---- for everybody ---------------------------------------------------------------------- */

void events_set(struct events *e, u32 bits)
{
	u64 flags = sched_lock();

	if (unlikely(prio_list_linked(&e->mark)))
		break_off_look(e);
	e->bits |= bits;
	e->moves = e->waiters.moves;
	look(e, first_waiter(e));
	if (unlikely(prio_list_linked(&e->mark)))
		finish_look(e, &flags);
	sched_unlock(flags);
}

void events_clear(struct events *e, u32 bits)
{
	u64 flags = sched_lock();

	if (unlikely(prio_list_linked(&e->mark)))
		finish_look(e, &flags);
	e->bits &= ~bits;
	sched_unlock(flags);
}

/* Waiters that may not be overtaken are still to be looked at. */
static bool must_queue(const struct events *e)
{
	return prio_list_linked(&e->mark) &&
	       (in_interrupt() || e->mark.prio >= arch_current()->prio);
}

int events_wait(struct events *e, u32 bits, unsigned int how, u64 deadline_ns, u32 *got)
{
	struct want w = { .bits = bits, .how = how };
	u64 flags;
	int err = 0;

	if (!bits || how & ~(unsigned int)(EVENTS_ALL | EVENTS_CLEAR))
		return ERR_INVAL;
	if (deadline_ns)
		task_kill_point();
	flags = sched_lock();
	if (unlikely(must_queue(e)))
		finish_look(e, &flags);
	if (is_met(e, &w)) {
		take(e, &w);
		sched_unlock(flags);
	} else {
		arch_current()->wait_arg = &w;
		err = sched_block_locked(&e->waiters, deadline_ns, WAIT_KILLABLE);
		arch_irq_restore(flags);
		if (unlikely(err == ERR_KILLED))
			task_check_kill();
	}
	if (!err && got)
		*got = w.got;
	return err;
}
