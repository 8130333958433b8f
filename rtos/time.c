/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers and sleeping, without a tick: each CPU's tree of timers is ordered by
 * deadline, and its one-shot alarm stands at the first. Adding, removing and
 * expiring take O(log n). An interrupt expires at most TIMER_BATCH timers and
 * leaves the rest to the next one, which comes at once. sched_lock guards all.
 *
 * Deadlines are absolute and saturate: one already past fires immediately,
 * TM_FOREVER never does.
 */
#include "rtos/sched.h"

enum { TIMER_BATCH = 16 };

static struct timer *timer_entry(const struct tree_node *n)
{
	return container_of(n, struct timer, node);
}

static bool fires_before(const struct tree_node *a, const struct tree_node *b)
{
	return timer_entry(a)->deadline < timer_entry(b)->deadline;
}

/* Set this CPU's alarm to its first timer. An alarm that is too early is left
 * alone: removals then cost no register write, only a spare interrupt. */
static void set_alarm(struct cpu *c)
{
	const struct tree_node *first = tree_first(&c->timers);

	if (first && timer_entry(first)->deadline < c->alarm) {
		c->alarm = timer_entry(first)->deadline;
		arch_timer_set_ns(c->alarm);
	}
}

void timer_start_locked(struct timer *t, u64 deadline)
{
	struct cpu *c = this_cpu();

	BUG_ON_VAL(tree_linked(&t->node), t->deadline, deadline);
	if (deadline == TM_FOREVER)
		return;
	t->deadline = deadline;
	t->cpu = c;
	tree_insert(&c->timers, &t->node, fires_before);
	set_alarm(c);
}

bool timer_stop_locked(struct timer *t)
{
	if (!tree_linked(&t->node))
		return false;
	tree_remove(&t->cpu->timers, &t->node);
	return true;
}

void timer_init(struct timer *t, void (*fn)(struct timer *t))
{
	*t = (struct timer){ .fn = fn };
}

int timer_start(struct timer *t, u64 deadline, u64 period_ns)
{
	u64 flags;

	if (period_ns)
		return ERR_INVAL;
	flags = spin_lock_irqsave(&sched_lock);
	timer_stop_locked(t);
	timer_start_locked(t, deadline);
	spin_unlock_irqrestore(&sched_lock, flags);
	return 0;
}

bool timer_stop(struct timer *t)
{
	u64 flags = spin_lock_irqsave(&sched_lock);
	bool pending = timer_stop_locked(t);

	spin_unlock_irqrestore(&sched_lock, flags);
	return pending;
}

static void expire(struct cpu *c, struct timer *t)
{
	tree_remove(&c->timers, &t->node);
	if (!t->fn) {
		sched_wake_locked(container_of(t, struct task, timer), ERR_TIMEDOUT);
		return;
	}
	spin_unlock(&sched_lock);
	t->fn(t);
	spin_lock(&sched_lock);
}

void timer_interrupt(void)
{
	struct cpu *c = this_cpu();
	struct tree_node *first;
	unsigned int n;

	c->nr_timer++;
	spin_lock(&sched_lock);
	for (n = 0; n < TIMER_BATCH; n++) {
		first = tree_first(&c->timers);
		if (!first || timer_entry(first)->deadline > time_now_ns())
			break;
		expire(c, timer_entry(first));
	}
	arch_timer_set_ns(ARCH_TIMER_OFF);
	c->alarm = ARCH_TIMER_OFF;
	set_alarm(c);
	spin_unlock(&sched_lock);
}

void timer_nap(u64 ns)
{
	u64 flags;

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
	spin_lock(&sched_lock);
	sched_block_locked(NULL, deadline);
	arch_irq_restore(flags);
}

void sleep_ns(u64 ns)
{
	sleep_until_ns(time_after_ns(ns));
}
