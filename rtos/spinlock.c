/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ticket locks: first come, first served, so that nobody starves and the wait
 * is at most the holds of those ahead, at most one per CPU. Each hold is one
 * bounded step by the rule of the house.
 *
 * The price of strict order is paid on virtual machines with more CPUs than
 * the host has: the next in line may not be running at all, and the others
 * spin away the time it needs. So a wait that is already far longer than any
 * on hardware rests in short naps, which gives the host's CPU to whoever must
 * go first (four virtual CPUs on two: 50 times faster). The order stays.
 *
 * Test builds keep, per CPU, the locks held; taking one whose rank is not
 * above all of them panics with both names (mm/locks.h). The record belongs to
 * the CPU and not to the task: the scheduler lock passes from one task to the
 * next across a switch. A panic on its way checks nothing any more.
 */
#include "rtos/spinlock.h"
#include "rtos/panic.h"
#include "rtos/sched.h"

/*
 * Longest wait on hardware: 63 CPUs ahead, each with a step of about 1 us; a
 * guess, rounded up. A nap is short beside it and long beside an interrupt.
 */
enum { SPIN_NS = 100 * 1000, NAP_NS = 50 * 1000 };

static void (*violation_hook)(const struct spinlock *held, const struct spinlock *wanted);

static const char *const rank_names[LOCK_RANK_NR] = {
	[LOCK_RANK_NONE] = "none",       [LOCK_RANK_SHELL] = "shell",
	[LOCK_RANK_MM_HOLD] = "mm-hold", [LOCK_RANK_MM_KNOBS] = "mm-knobs",
	[LOCK_RANK_VMAP] = "vmap",       [LOCK_RANK_TASKS] = "tasks",
	[LOCK_RANK_ZONE] = "zone",       [LOCK_RANK_IRQ] = "irq",
	[LOCK_RANK_TTY] = "tty",         [LOCK_RANK_WAIT] = "wait",
	[LOCK_RANK_SCHED] = "sched",     [LOCK_RANK_CONSOLE] = "console",
	[LOCK_RANK_LOG] = "log",         [LOCK_RANK_MM_MEMS] = "mm-mems",
};

const char *lock_rank_name(enum lock_rank rank)
{
	if ((unsigned int)rank >= LOCK_RANK_NR || !rank_names[rank])
		return "unknown";
	return rank_names[rank];
}

void spin_set_violation_hook(void (*hook)(const struct spinlock *, const struct spinlock *))
{
	violation_hook = hook;
}

static void violation(const struct spinlock *held, const struct spinlock *wanted)
{
	if (violation_hook)
		violation_hook(held, wanted);
	else
		panic("lock order: '%s' (%p) taken while holding '%s' (%p)",
		      lock_rank_name(wanted->rank), (const void *)wanted,
		      lock_rank_name(held->rank), (const void *)held);
}

static void check_order(const struct spinlock *l)
{
	const struct cpu *c = this_cpu();
	u32 i;

	for (i = 0; i < c->nr_held; i++) {
		const struct spinlock *held = c->held[i];
		bool ranked = held->rank != LOCK_RANK_NONE && l->rank != LOCK_RANK_NONE;

		/* The lock itself, ranked or not, would wait for ever. */
		if (held == l)
			panic("lock '%s' (%p) taken twice", lock_rank_name(l->rank),
			      (const void *)l);
		if (ranked && held->rank >= l->rank)
			violation(held, l);
	}
}

/*
 * A lock may be taken with interrupts on, and an interrupt's locks come and go
 * in the same record: so it changes with interrupts masked, lest one sees a lock
 * counted whose name is not there yet, or leaves its own name in its place.
 */
static void note_taken(struct spinlock *l)
{
	u64 flags = arch_irq_save();
	struct cpu *c = this_cpu();

	BUG_ON_VAL(c->nr_held >= MAX_HELD_LOCKS, c->nr_held, l->rank);
	c->held[c->nr_held++] = l;
	l->holder = (u32)(c - cpus) + 1;
	arch_irq_restore(flags);
}

static void note_released(struct spinlock *l)
{
	u64 flags = arch_irq_save();
	struct cpu *c = this_cpu();
	u32 i = c->nr_held;

	BUG_ON_VAL(l->holder != (u32)(c - cpus) + 1, l->holder, l->rank);
	l->holder = 0;
	while (i && c->held[i - 1] != l)
		i--;
	BUG_ON_VAL(i == 0, c->nr_held, l->rank);
	for (c->nr_held--; i <= c->nr_held; i++)
		c->held[i - 1] = c->held[i];
	arch_irq_restore(flags);
}

void spin_await(const struct spinlock *l, u32 ticket)
{
	u64 patience = time_after_ns(SPIN_NS);

	while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket) {
		arch_cpu_relax();
		/* In an interrupt the alarm may be the one being served. */
		if (!in_interrupt() && sched_running() && time_now_ns() > patience)
			timer_nap(NAP_NS);
	}
}

void spin_take_checked(struct spinlock *l, const void *site)
{
	bool check = tm_debug && !panic_active();
	u32 ticket;

	if (check)
		check_order(l);
	arch_yield_point();
	ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);
	if (unlikely(__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket))
		spin_await(l, ticket);
	if (check)
		note_taken(l);
	if (tm_meter)
		meter_locked(l->rank, site ? site : __builtin_return_address(0));
}

void spin_drop_checked(struct spinlock *l, const void *site)
{
	if (tm_meter)
		meter_unlocking(l->rank, site ? site : __builtin_return_address(0));
	if (tm_debug && !panic_active())
		note_released(l);
	__atomic_store_n(&l->owner, l->owner + 1, __ATOMIC_RELEASE);
	arch_yield_point();
}

void spin_init(struct spinlock *l, enum lock_rank rank)
{
	*l = (struct spinlock)SPINLOCK_INIT(rank);
}

void spin_lock(struct spinlock *l)
{
	preempt_count_up();
	spin_take(l, __builtin_return_address(0));
}

void spin_unlock(struct spinlock *l)
{
	spin_drop(l, __builtin_return_address(0));
	preempt_count_down();
}

u64 spin_lock_irqsave(struct spinlock *l)
{
	bool first = tm_meter && !arch_irqs_masked();
	u64 flags = arch_irq_save();

	if (first)
		meter_masked_from(__builtin_return_address(0));
	preempt_count_up();
	spin_take(l, __builtin_return_address(0));
	return flags;
}

void spin_unlock_irqrestore(struct spinlock *l, u64 flags)
{
	spin_drop(l, __builtin_return_address(0));
	if (tm_meter)
		meter_unmasked_from(__builtin_return_address(0));
	arch_irq_restore(flags);
	preempt_count_down();
}

void spin_unlock_to_sleep(struct spinlock *l)
{
	spin_drop(l, __builtin_return_address(0));
	if (tm_meter && arch_current()->preempt_count == 1)
		meter_preempt_on(__builtin_return_address(0));
	arch_current()->preempt_count--;
}

bool spin_held(const struct spinlock *l)
{
	return !tm_debug || panic_active() || l->holder == arch_current()->cpu + 1;
}
