/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The meter of bounded sections: how long interrupts stay masked, preemption
 * stays off and locks of each rank are held; in instructions where the machine
 * counts them exactly, net of the meter's own work, and in steps, which repeat
 * with any number of CPUs. Each CPU measures its own, so nothing here takes a
 * lock. Shown as /proc/tm_latency.
 *
 * Everything is called as `if (tm_meter)`: builds without it have none of it.
 */
#ifndef RTOS_METER_H
#define RTOS_METER_H

#include "mm/locks.h"
#include "rtos/lib/base.h"

/*
 * One step of a loop that runs with interrupts masked or a lock held: a node
 * passed, a page handled, a byte sent. Every such loop has one. Atomic.
 */
void meter_step(void);
static inline void tm_step(void)
{
	if (tm_meter)
		meter_step();
}

/* ---- hooks: for arch, spinlocks and preemption ----------------------------------- */

/* Interrupts have been masked / are about to be unmasked by the caller; or the
 * CPU is about to rest masked, / has rested. */
void meter_masked(void);
void meter_unmasked(void);
/* What the last meter_masked() began was asked for from there; what the next
 * meter_unmasked() ends, too. For wrappers. */
void meter_masked_from(const void *site);
void meter_unmasked_from(const void *site);
/*
 * An interrupt was taken, `before` instructions ago; and is about to return,
 * within `after` instructions. Its time counts as masked, not as part of what
 * it interrupted.
 */
void meter_irq_enter(u32 before);
void meter_irq_exit(u32 after);
/* The running task's preempt_count has left 0 / is about to be 0. */
void meter_preempt_off(const void *site);
void meter_preempt_on(const void *site);
/* A lock was taken / is about to be released; null: by the caller. */
void meter_locked(enum lock_rank rank, const void *site);
void meter_unlocking(enum lock_rank rank, const void *site);

/* Begin; calibrates. Boot CPU, masked, once. */
void meter_init(void);
/* A CPU comes, or comes back: nothing it left open counts. On it, masked. */
void meter_cpu_start(void);

/* ---- results ------------------------------------------------------------------------ */

enum meter_kind {
	METER_MASKED,
	METER_PREEMPT,
	METER_LOCK, /* + rank */
	METER_KINDS = METER_LOCK + LOCK_RANK_NR,
};

/* The worst of one kind since the last reset, boot apart. Without the meter
 * all is 0. */
struct meter_worst {
	u32 count; /* instructions, or ns when arch_count_exact() is false */
	u32 steps; /* not necessarily of the same section */
};
struct meter_worst meter_worst(unsigned int kind);
/* Forget what was measured. Any. */
void meter_reset(void);
/* A hash of who took which lock when, since boot: equal for equal histories. */
u64 meter_lock_order(void);

struct out;
/* Print /proc/tm_latency; 0 written to it resets (ERR_INVAL, ERR_RANGE). Task. */
void meter_view(struct out *out);
int meter_store(const char *value);

#endif
