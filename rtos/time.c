/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers and sleeping, without a tick: each CPU's tree of timers is ordered by
 * deadline, the first one is remembered, and the one-shot alarm stands at it.
 * Starting and stopping take O(log n); one that is started as the first of all
 * stays outside the tree until an earlier one comes, so that a short sleep takes
 * the same steps however many timers there are. The scheduler lock guards all.
 *
 * An interrupt does one step: it expires one timer, or puts a periodic one that
 * expired back into the tree. What else is to be done comes as the next
 * interrupt, at once.
 *
 * Invariant: a pending timer is in the tree of t->cpu, or its first_timer, or
 * its `again`; the alarm of a CPU is never later than its first timer, and 0
 * with an `again`. It may be earlier: stopping a timer does not write the
 * hardware, and costs a spare interrupt instead.
 *
 * Time counts up from 0 at boot and stays below 2^63 for 292 years, so that
 * deadlines compare as plain numbers; deadline_never() is the one exception.
 */
#include "rtos/life.h"
#include "rtos/sched.h"

enum { MOVE_BATCH = 4 };

static struct timer *timer_entry(const struct tree_node *n)
{
	return container_of(n, struct timer, node);
}

static bool fires_before(const struct tree_node *a, const struct tree_node *b)
{
	return timer_entry(a)->deadline < timer_entry(b)->deadline;
}

/* ---- one CPU's timers ------------------------------------------------------------ */

static bool in_tree(const struct timer *t)
{
	return tree_linked(&t->node);
}

/* The first of all, kept apart so far, becomes the first of the tree. */
static void put_first_into_tree(struct cpu *c)
{
	struct timer *t = c->first_timer;

	if (!c->tree_timer)
		tree_link(&c->timers, &t->node, NULL, &c->timers.root);
	else
		tree_link(&c->timers, &t->node, &c->tree_timer->node,
			  &c->tree_timer->node.child[0]);
	c->tree_timer = t;
}

static void link_timer(struct cpu *c, struct timer *t)
{
	t->cpu = c;
	t->pending = true;
	if (!c->first_timer || t->deadline < c->first_timer->deadline) {
		if (c->first_timer != c->tree_timer)
			put_first_into_tree(c);
		c->first_timer = t;
		return;
	}
	tree_insert(&c->timers, &t->node, fires_before);
	if (!c->tree_timer || t->deadline < c->tree_timer->deadline)
		c->tree_timer = t;
}

static void unlink_timer(struct timer *t)
{
	struct cpu *c = t->cpu;
	struct tree_node *next;

	t->pending = false;
	if (c->again == t) {
		c->again = NULL;
		return;
	}
	if (in_tree(t)) {
		if (c->tree_timer == t) {
			next = tree_next(&t->node);
			c->tree_timer = next ? timer_entry(next) : NULL;
		}
		tree_remove(&c->timers, &t->node);
	}
	if (c->first_timer == t)
		c->first_timer = c->tree_timer;
}

/* After an addition: bring the alarm of c, which is this CPU, forward. */
static void advance_alarm(struct cpu *c)
{
	if (c->first_timer && c->first_timer->deadline < c->alarm) {
		c->alarm = c->first_timer->deadline;
		arch_timer_set_ns(c->alarm);
	}
}

void timer_start_locked(struct timer *t, u64 deadline)
{
	struct cpu *c = this_cpu();

	BUG_ON_VAL(t->pending, t->deadline, deadline);
	t->deadline = deadline;
	if (deadline_never(deadline))
		return;
	link_timer(c, t);
	advance_alarm(c);
}

bool timer_stop_locked(struct timer *t)
{
	if (!t->pending)
		return false;
	unlink_timer(t);
	return true;
}

/* ---- for everybody ---------------------------------------------------------------- */

void timer_init(struct timer *t, void (*fn)(struct timer *t))
{
	*t = (struct timer){ .fn = fn };
}

void timer_init_locked(struct timer *t, void (*fn)(struct timer *t))
{
	*t = (struct timer){ .fn = fn, .locked = true };
}

int timer_start(struct timer *t, u64 deadline, u64 period_ns)
{
	u64 flags;

	if (period_ns && period_ns < TIMER_PERIOD_MIN_NS)
		return ERR_INVAL;
	/* "At once", then from now on, not from the beginning of time. */
	if (period_ns && !deadline)
		deadline = time_now_ns();
	flags = sched_lock();
	timer_stop_locked(t);
	t->period = period_ns;
	__atomic_store_n(&t->overruns, 0, __ATOMIC_RELAXED);
	timer_start_locked(t, deadline);
	sched_unlock(flags);
	return 0;
}

bool timer_stop(struct timer *t)
{
	u64 flags = sched_lock();
	bool pending = timer_stop_locked(t);

	sched_unlock(flags);
	return pending;
}

/* Some CPU is in the middle of its fn; perhaps one that is about to go. */
static bool firing_locked(const struct timer *t)
{
	unsigned int cpu;

	for (cpu = 0; cpu < arch_cpu_count(); cpu++)
		if (cpus[cpu].firing == t)
			return true;
	return false;
}

/* fn may start its timer again, so both are looked at under one lock hold. */
bool timer_stop_sync(struct timer *t)
{
	bool pending = false, firing;
	u64 flags;

	BUG_ON(!may_sleep());
	for (;;) {
		flags = sched_lock();
		pending |= timer_stop_locked(t);
		firing = firing_locked(t);
		sched_unlock(flags);
		if (!firing)
			return pending;
		arch_cpu_relax();
	}
}

u64 timer_overruns(const struct timer *t)
{
	return __atomic_load_n(&t->overruns, __ATOMIC_RELAXED);
}

/* ---- expiry ------------------------------------------------------------------------ */

/*
 * To fire at the first multiple of the period that is to come. The multiples in
 * between are overruns; a deadline out of reach ends the series. The place in
 * the tree is found in an interrupt of its own.
 */
static void start_next_period(struct cpu *c, struct timer *t, u64 now)
{
	u64 missed = (now - t->deadline) / t->period;

	if (missed)
		__atomic_store_n(&t->overruns, t->overruns + missed, __ATOMIC_RELAXED);
	if (add_overflows(t->deadline + missed * t->period, t->period, &t->deadline) ||
	    deadline_never(t->deadline))
		return;
	if (!c->first_timer || t->deadline < c->first_timer->deadline) {
		link_timer(c, t);
		return;
	}
	t->pending = true;
	c->again = t;
}

/* Where it belongs, what start_next_period() left. */
static void put_again(struct cpu *c)
{
	struct timer *t = c->again;

	c->again = NULL;
	link_timer(c, t);
}

static void set_alarm(struct cpu *c)
{
	c->alarm = ARCH_TIMER_OFF;
	if (c->again)
		c->alarm = 0;
	else if (c->first_timer)
		c->alarm = c->first_timer->deadline;
	arch_timer_set_ns(c->alarm);
}

/*
 * t->fn may stop t, start it anew, or let its memory go: nothing of t is
 * touched once the lock is dropped.
 */
static void expire(struct cpu *c, struct timer *t, u64 now)
{
	struct task *sleeper;

	unlink_timer(t);
	if (t->period)
		start_next_period(c, t, now);
	if (!t->fn) {
		sleeper = container_of(t, struct task, timer);
		/* One that was woken before has not run yet to stop it. */
		if (sleeper->state == TASK_SLEEPING || sleeper->state == TASK_BLOCKED)
			sched_wake_locked(sleeper, ERR_TIMEDOUT);
		return;
	}
	if (t->locked) {
		t->fn(t);
		return;
	}
	c->firing = t;
	sched_unlock_masked();
	t->fn(t);
	sched_lock_masked();
	c->firing = NULL;
}

void timer_interrupt(void)
{
	struct cpu *c = this_cpu();
	u64 now;

	__atomic_store_n(&c->nr_timer, c->nr_timer + 1, __ATOMIC_RELAXED);
	sched_lock_masked();
	if (c->again) {
		put_again(c);
	} else if (c->first_timer) {
		now = time_now_ns();
		if (c->first_timer->deadline <= now)
			expire(c, c->first_timer, now);
	}
	set_alarm(c);
	sched_unlock_masked();
}

void timer_cpu_gone(unsigned int cpu)
{
	struct cpu *gone = &cpus[cpu];
	struct timer *t;
	unsigned int n;
	u64 flags;

	do {
		flags = sched_lock();
		BUG_ON_VAL(this_cpu() == gone || gone->firing, cpu, cpu_id());
		for (n = 0; n < MOVE_BATCH && (gone->again || gone->first_timer); n++) {
			t = gone->again ? gone->again : gone->first_timer;
			unlink_timer(t);
			link_timer(this_cpu(), t);
		}
		advance_alarm(this_cpu());
		sched_unlock(flags);
	} while (n == MOVE_BATCH);
}

unsigned int timer_check_locked(unsigned int cpu)
{
	const struct cpu *c = &cpus[cpu];
	const struct tree_node *first = tree_first(&c->timers);
	const struct timer *t = c->first_timer, *of_tree = first ? timer_entry(first) : NULL;

	return !tree_check(&c->timers, fires_before) + (c->tree_timer != of_tree) +
	       (t ? !t->pending || t->cpu != c : of_tree != NULL) +
	       (t && in_tree(t) && t != of_tree) +
	       (t && of_tree && of_tree->deadline < t->deadline) + (t && c->alarm > t->deadline) +
	       (c->again && (!c->again->pending || in_tree(c->again) || c->alarm));
}

/* ---- sleeping ----------------------------------------------------------------------- */

static u64 nr_naps; /* (A) */

u64 timer_naps(void)
{
	return __atomic_load_n(&nr_naps, __ATOMIC_RELAXED);
}

void timer_nap(u64 ns)
{
	u64 flags;

	__atomic_fetch_add(&nr_naps, 1, __ATOMIC_RELAXED);
	if (!arch_timer_irq())
		return; /* nothing would end it */
	flags = arch_irq_save();
	arch_timer_set_ns(time_after_ns(ns));
	arch_wait_for_interrupt();
	/* Only this CPU changes it, and not now. */
	arch_timer_set_ns(this_cpu()->alarm);
	arch_irq_restore(flags);
}

u64 time_after_ns(u64 ns)
{
	u64 sum;

	return add_overflows(time_now_ns(), ns, &sum) ? TM_FOREVER : sum;
}

void sleep_until_ns(u64 deadline)
{
	u64 flags;

	BUG_ON(!may_sleep());
	flags = arch_irq_save();
	sched_lock_masked();
	(void)sched_block_locked(NULL, deadline, WAIT_KILLABLE);
	arch_irq_restore(flags);
	task_kill_point();
}

void sleep_ns(u64 ns)
{
	sleep_until_ns(time_after_ns(ns));
}

void sleep_ms(u64 ms)
{
	u64 ns;

	sleep_ns(mul_overflows(ms, 1000 * 1000, &ns) ? TM_FOREVER : ns);
}
