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
#include "mm/task.h"
#include "rtos/lib/tree.h"
#include "rtos/rtos.h"
#include "rtos/timer.h"

/*
 * Tasks with the same CPU mask share a group: a FIFO list for each level, and
 * a bitmap of the levels that are not empty.
 */
struct run_group {
	u64 cpus;                            /* (S) as asked for; constant while in use */
	u64 runs_on;                         /* (S) those online; all online ones if none is */
	u32 nr_tasks;                        /* (S) members, ready or not; 0: unused */
	u32 index;                           /* (S) in run_groups */
	u32 levels;                          /* (S) bit n: queue[n] is not empty */
	struct list queue[TASK_PRIO_LEVELS]; /* (S) by queue_seq */
};

/* How a wait may end before its time. */
enum wait_kind {
	WAIT_FIRM,     /* only by what is waited for, and the deadline */
	WAIT_LEAVE,    /* also with leave_err: ERR_KILLED or ERR_FROZEN */
	WAIT_KILLABLE, /* also with ERR_KILLED, when kill_now */
};

struct task {
	union {
		struct arch_context ctx; /* (S) while it does not run; first, for arch */
		u8 ctx_room[112];        /* (S) of the largest, so that mm lies in one place */
	};                               /* (S) */
	u32 preempt_count;               /* (T) spinlocks held and explicit disables */
	u32 irq_depth;                   /* (T) nested hard interrupts on this stack */
	union {
		struct {
			bool resched;   /* (A) its CPU was called to switch; only while it runs */
			bool yielding;  /* (S) gives way to equals at the next switch */
			bool suspended; /* (S) does not get ready */
			bool is_idle;   /* (I) */
		};                      /* (S) */
		u32 special;            /* (S) any of the four; for a look at all of them at once */
	};                              /* (S) */
	u32 cpu;                        /* (S) where it runs, or last ran */
	struct mm_task mm;              /* (T) by mm/task.h; at TASK_MM_OFFSET */
	enum task_state state;          /* (S) */
	u32 prio, base_prio;            /* (S) effective; its own */
	u32 flags;                      /* (I) TASK_FP ... */
	bool dead;                      /* (S) off its CPU for good; may be released */
	bool joining;                   /* (S) somebody waits in task_join */
	bool detached;                  /* (S) released by the reaper */

	struct list run_node;    /* (S) in a run queue, or the reaper's list */
	struct run_group *group; /* (S) tasks with the same CPU mask */
	u64 queue_seq;           /* (S) place among equals in the run queues */

	struct waitq *waiting_on;   /* (S) null: not on a wait queue */
	struct prio_node wait_node; /* (S) */
	u32 wait_wakings;           /* (S) of its queue, when it joined */
	struct timer timer;         /* (S) timeout of a sleep or a wait */
	int wake_result;            /* (S) what the wait returns */
	enum wait_kind wait_kind;   /* (S) of the present wait */
	bool killed;                /* (S) asked to end */
	bool kill_now;              /* (S) to set, (A): the same, and does not put it off */
	bool freeze_awaited;        /* (S) tasks_freeze() waits until it stops */
	u32 kill_deferred;          /* (S) how often it puts its end off */
	u32 kill_held;              /* (T) how often it may not end where it is preempted */
	void *wait_arg;             /* (S) what a partner reads or fills meanwhile */
	int leave_err;              /* (S) what ends a WAIT_LEAVE at once; 0: nothing */
	struct waitq joiners;       /* (S) */

	struct task_cleanup *cleanups; /* (T) latest first */

	struct prio_list loans; /* (S) of the queues it serves; prio = max(base_prio, these) */
	struct list held;       /* (T) mutexes, latest first; (S) while it is blocked */
	u32 nr_held;            /* (T) same */
	bool ending;            /* (S) serves no queue any more */
	bool pi_pending;        /* (S) prio may be out of date: on the list of inherit.c */
	struct list pi_node;    /* (S) in that list */
	struct mutex *wants;    /* (S) mutex it waits for, or null */
	struct list all_node;   /* (S) in the list of all that may run, for the validator */

	u64 run_ticks; /* (S) CPU time up to the last switch */
	u64 switches;  /* (S) */

	u32 id;                     /* (I) */
	char name[TASK_NAME_LEN];   /* (I) */
	struct tree_node list_node; /* (L) in the table, by id */
	u64 stack;                  /* (I) lowest address; 0: the boot stack */
	void (*entry)(void *);      /* (I) */
	void *arg;                  /* (I) */
};

_Static_assert(offsetof(struct task, mm) == TASK_MM_OFFSET, "mm/task.h finds it there");

enum { MAX_HELD_LOCKS = 12 };

struct cpu {
	struct task *running; /* (S) */
	struct task *idle;    /* (I) */
	/* (S) urgency of what runs here or was called here: -1 when idle */
	int claim;
	bool chains_left; /* (P) inheritance goes on in an interrupt it sent itself */
	u64 switch_ticks; /* (S) when `running` was switched in */
	u64 start_ticks;  /* (I) */
	u64 idle_before;  /* (I) CPU time its idle task had then */
	/* (S) what its idle task calls, masked, once it is offline; may be null. */
	void (*parked)(void);
	struct tree timers;                          /* (S) by deadline, but for two at most: */
	struct timer *first_timer;                   /* (S) the first of all; null: none */
	struct timer *tree_timer;                    /* (S) the first in the tree; null: none */
	struct timer *again;                         /* (S) periodic, to be put back; null: none */
	struct timer *firing;                        /* (S) whose fn runs now; null: none */
	u64 alarm;                                   /* (S) what the hardware is set to */
	u64 nr_timer, nr_ipi;                        /* (P) to set, (A) to read: interrupts taken */
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
