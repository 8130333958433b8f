/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock order, as an enumeration. A CPU may take a lock only when every
 * lock it already holds has a lower rank; two locks of one rank are never
 * held together unless the comment says so. Test builds record the ranks per
 * CPU and panic with both names on an inversion; release builds carry none of
 * it. Add a rank where it belongs in the order, never at the end by habit.
 */
#ifndef MM_LOCKS_H
#define MM_LOCKS_H

enum lock_rank {
	LOCK_RANK_NONE = 0, /* not ranked: tests only */
	LOCK_RANK_SHELL,    /* commands and files added to the shell */
	LOCK_RANK_MM_HOLD,  /* shell's list of held blocks */
	LOCK_RANK_MM_KNOBS, /* marks and reserves recomputed by one at a time */
	LOCK_RANK_VMAP,     /* stack slots, ioremap ranges, page tables */
	LOCK_RANK_TASKS,    /* the list of all tasks */
	LOCK_RANK_MM_MEMS,  /* a task's limits changed by one at a time */
	LOCK_RANK_ZONE,     /* one zone's free lists and counts */
	LOCK_RANK_IRQ,      /* interrupt descriptors and controller */
	LOCK_RANK_TTY,      /* console receive and transmit rings */
	LOCK_RANK_WAIT,     /* one wait queue, mutex or semaphore */
	LOCK_RANK_SCHED,    /* run queues, task states, timers */
	LOCK_RANK_CONSOLE,  /* a UART's registers and its transmit ring */
	LOCK_RANK_LOG,      /* the message ring; the console pulls from it */
	LOCK_RANK_NR
};

/* Name of a rank for messages; never null. */
const char *lock_rank_name(enum lock_rank rank);

#endif
