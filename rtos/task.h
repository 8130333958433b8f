/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The task structure and the CPU structure, for rtos/ and debuggers only.
 * Everybody else sees tasks through the calls of rtos.h.
 *
 * Lock keys: (S) scheduler lock, (I) set at creation then constant, (T) the
 * task itself, (P) own CPU with interrupts masked, (L) the lock of the task
 * table, (A) atomic.
 */
#ifndef RTOS_TASK_H
#define RTOS_TASK_H

#include "context.h" /* struct arch_context, of the machine: found by -I */
#include "rtos/lib/tree.h"
#include "rtos/rtos.h"
#include "rtos/timer.h"

/*
 * Tasks with the same CPU mask share a group: a FIFO list for each level, and
 * a bitmap of the levels that are not empty.
 */
struct run_group {
	u64 cpus;                            /* (S) constant while in use */
	u32 nr_tasks;                        /* (S) members, ready or not; 0: unused */
	u32 levels;                          /* (S) bit n: queue[n] is not empty */
	struct list queue[TASK_PRIO_LEVELS]; /* (S) */
};

struct task {
	struct arch_context ctx; /* (S) while it does not run; first, for arch */
	u32 preempt_count;       /* (T) spinlocks held and explicit disables */
	u32 irq_depth;           /* (T) nested hard interrupts on this stack */
	u32 cpu;                 /* (S) where it runs, or last ran */
	enum task_state state;   /* (S) */
	u32 prio, base_prio;     /* (S) */
	bool yielding;           /* (S) gives way to equals at the next switch */
	bool is_idle;            /* (I) */
	u32 flags;               /* (I) TASK_FP ... */
	bool dead;               /* (S) off its CPU for good; may be released */
	bool joining;            /* (S) somebody waits in task_join */
	bool detached;           /* (S) released by the reaper */

	struct list run_node;    /* (S) in a run queue, or the reaper's list */
	struct run_group *group; /* (S) tasks with the same CPU mask */
	u64 queue_seq;           /* (S) order of arrival in the run queues */

	struct waitq *waiting_on;   /* (S) null: not on a wait queue */
	struct prio_node wait_node; /* (S) */
	struct timer timer;         /* (S) timeout of a sleep or a wait */
	int wake_result;            /* (S) 0 or ERR_TIMEDOUT */
	struct waitq joiners;       /* (S) */

	u64 run_ns;   /* (S) CPU time up to the last switch */
	u64 switches; /* (S) */

	u32 id;                     /* (I) */
	char name[TASK_NAME_LEN];   /* (I) */
	struct tree_node list_node; /* (L) in the table, by id */
	u64 stack;                  /* (I) lowest address; 0: the boot stack */
	void (*entry)(void *);      /* (I) */
	void *arg;                  /* (I) */
};

enum { MAX_HELD_LOCKS = 12 };

struct cpu {
	struct task *running; /* (S) */
	struct task *left;    /* (P) whom the last switch left, until it is over */
	struct task *idle;    /* (I) */
	/* (S) urgency of what runs here or was called here: -1 when idle */
	int claim;
	bool need_resched;                           /* (S) to set, read by its own CPU */
	u64 switch_ns;                               /* (S) when `running` was switched in */
	u64 start_ns;                                /* (I) */
	u64 idle_ns;                                 /* (S) up to the last switch */
	struct tree timers;                          /* (S) by deadline */
	struct timer *first_timer;                   /* (S) the first of them; null: none */
	struct timer *firing;                        /* (S) whose fn runs now; null: none */
	u64 alarm;                                   /* (S) what the hardware is set to */
	u64 nr_timer, nr_ipi;                        /* (P) interrupts taken */
	u32 nr_held;                                 /* (P) test builds: spinlocks held */
	const struct spinlock *held[MAX_HELD_LOCKS]; /* (P) in order of taking */
} tm_aligned(128);

extern struct cpu cpus[MAX_CPUS];

/* The boot CPU's idle task: what runs from the first instruction of C. */
extern struct task boot_task;

/* Stable only with preemption off. Any. */
static inline struct cpu *this_cpu(void)
{
	return &cpus[arch_current()->cpu];
}

/*
 * A descriptor with its id, linked into the table; stack is what stack_alloc()
 * gave, or 0. Null: no memory. Task or boot.
 */
struct task *task_new(const char *name, unsigned int prio, u64 stack);
/* Unlink and free a descriptor and its stack; it must be dead or never have
 * run. Task. */
void task_release(struct task *t);
/* Link the boot task into the table. Boot, once. */
void task_table_init(void);
/* Start the task that releases detached tasks. Boot, once, tasks may run. */
void task_reaper_start(void);
/* A detached task is off its CPU. */
void task_reap_later_locked(struct task *t);

/* ---- stacks (rtos/stack.c) ------------------------------------------------- */

/*
 * A painted stack of STACK_SIZE bytes with an unmapped gap of the same size
 * below. Its lowest address, or 0: out of memory or slots. Task or boot.
 */
u64 stack_alloc(void);
/* Unmap and free. Nobody runs on it any more. Task. */
void stack_free(u64 stack);
/* Most bytes ever used, with what a TASK_FP task keeps at the top. Any, on a
 * live stack. */
u32 stack_used(u64 stack);

#endif
