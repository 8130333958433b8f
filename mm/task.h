/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the memory subsystem keeps in each task (struct task embeds it). Only
 * the task itself changes it, but for mems_allowed, which others may change too;
 * an interrupt that comes meanwhile never looks at more than `special`.
 *
 * (T) the task itself (A) atomic, read with the cookie around it (P) own CPU
 * with interrupts masked
 */
#ifndef MM_TASK_H
#define MM_TASK_H

#include "arch/arch.h"

enum {
	MM_TASK_NOIO = 1 << 0,
	MM_TASK_NOFS = 1 << 1,
	MM_TASK_MEMALLOC = 1 << 2, /* row 33: no floor; row 72: never reclaims */
	MM_TASK_POLICY = 1 << 3,   /* policy is not LOCAL */
	MM_TASK_LIMITED = 1 << 4,  /* mems_allowed is not everything */
	MM_TASK_VICTIM = 1 << 5,   /* chosen by the OOM killer: band 6, does not loop */
};

struct pcp_cpu; /* mm/page/pcp.h */

/*
 * The first line's worth is what every request reads: 16 bytes, never on two
 * lines. `cache` is of the CPU the task runs on: whoever changes the task on a
 * CPU hands it on, so that it is true whenever interrupts are masked.
 */
struct mm_task {
	struct pcp_cpu *cache; /* (P) own CPU's, set when the task is switched in */
	u32 special;         /* (T), LIMITED and VICTIM (A): any bit sends a request the long way */
	u32 mems_cookie;     /* (A) odd while mems_allowed changes; row 76 */
	u64 mems_allowed;    /* (A) nodes; meaningful with MM_TASK_LIMITED */
	u32 policy_mode;     /* (T) enum mm_policy_mode */
	u32 interleave_next; /* (T) node the next interleaved request starts at */
	u64 policy_nodes;    /* (T) */
	u32 slow_paths;      /* (T) its requests that the first try did not serve; wraps */
} tm_aligned(16);

/* Where struct task keeps it (rtos/task.h asserts this). */
enum { TASK_MM_OFFSET = 128 };

/* Of the calling task; in an interrupt, of the one it interrupted. Any. */
static inline struct mm_task *mm_own(void)
{
	return (struct mm_task *)(void *)((u8 *)arch_current() + TASK_MM_OFFSET);
}

#endif
