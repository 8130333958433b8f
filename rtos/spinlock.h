/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of spinlocks that only their tests see: what an inversion of the
 * lock order leads to. Release builds check no ranks, so there the hook is
 * never called.
 */
#ifndef RTOS_SPINLOCK_H
#define RTOS_SPINLOCK_H

#include "rtos/rtos.h"

/*
 * Test builds: call this instead of panicking when a CPU that holds `held`
 * takes `wanted`; the lock is then taken all the same. Null: panic again.
 */
void spin_set_violation_hook(void (*hook)(const struct spinlock *held,
					  const struct spinlock *wanted));

#endif
