/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of spinlocks, for rtos/ only: taking and dropping one without
 * counting it in the task, for code that has masked interrupts and so cannot
 * be preempted anyway, and what their tests see. The fast path is here and in
 * line; builds with checks or the meter go through spinlock.c instead.
 */
#ifndef RTOS_SPINLOCK_H
#define RTOS_SPINLOCK_H

#include "rtos/rtos.h"

/* With all checks, yield points and the meter, in the builds that have them.
 * site: who asked for it, for the meter; null: the caller. */
void spin_take_checked(struct spinlock *l, const void *site);
void spin_drop_checked(struct spinlock *l, const void *site);
/* Wait until it is the turn of this ticket. */
void spin_await(const struct spinlock *l, u32 ticket);

/* Preemption is off or interrupts are masked, and stay so while it is held. */
static inline void spin_take(struct spinlock *l, const void *site)
{
	u32 ticket;

	if (tm_debug) {
		spin_take_checked(l, site);
		return;
	}
	ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);
	if (unlikely(__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket))
		spin_await(l, ticket);
	if (tm_meter)
		meter_locked(l->rank, site);
}

static inline void spin_drop(struct spinlock *l, const void *site)
{
	if (tm_debug) {
		spin_drop_checked(l, site);
		return;
	}
	if (tm_meter)
		meter_unlocking(l->rank, site);
	__atomic_store_n(&l->owner, l->owner + 1, __ATOMIC_RELEASE);
}

/*
 * Release what spin_lock_irqsave() took, interrupts staying masked, without a
 * look whether this CPU is to switch: the caller is about to.
 */
void spin_unlock_to_sleep(struct spinlock *l);

/*
 * Test builds: call this instead of panicking when a CPU that holds `held`
 * takes `wanted`; the lock is then taken all the same. Null: panic again.
 */
void spin_set_violation_hook(void (*hook)(const struct spinlock *held,
					  const struct spinlock *wanted));

#endif
