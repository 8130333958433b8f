/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the other files of rtos/ may ask the scheduler. A name that ends in
 * _locked wants the scheduler lock held with interrupts masked; it never calls
 * out of rtos/ except to ring another CPU or set the alarm.
 *
 * The lock guards run queues, task states, wait queues, priority inheritance,
 * timers and the state of all primitives of sync.h. It is always held with
 * interrupts masked, so it is not counted in the task (preempt_count).
 */
#ifndef RTOS_SCHED_H
#define RTOS_SCHED_H

#include "rtos/meter.h"
#include "rtos/spinlock.h"
#include "rtos/task.h"

/* ---- preemption ------------------------------------------------------------- */

/* This CPU was called, and the task may be preempted again. Any. */
void preempt_pending(void);
/*
 * End one masked section and begin another: interrupts are served, but t, the
 * calling task, is not preempted, so the caller looks whether its CPU was called
 * meanwhile. Masked, no lock held, preemption on.
 */
void sched_let_interrupts_in(struct task *t);

static inline __attribute__((always_inline)) void preempt_count_up(void)
{
	if (++arch_current()->preempt_count == 1 && tm_meter)
		meter_preempt_off(__builtin_return_address(0));
	__asm__ volatile("" : : : "memory");
}

static inline __attribute__((always_inline)) void preempt_count_down(void)
{
	struct task *t = arch_current();

	__asm__ volatile("" : : : "memory");
	BUG_ON_VAL(t->preempt_count == 0, t->id, t->cpu);
	if (tm_meter && t->preempt_count == 1)
		meter_preempt_on(__builtin_return_address(0));
	if (--t->preempt_count == 0 && unlikely(__atomic_load_n(&t->resched, __ATOMIC_RELAXED)))
		preempt_pending();
}

/* ---- the lock ----------------------------------------------------------------- */

extern struct spinlock sched_spinlock; /* LOCK_RANK_SCHED */

/* Interrupts are masked already. The one who releases it this way sees to it
 * that the CPU switches if it was called: irq_exit() does, and sched_resched(). */
static inline void sched_lock_masked(void)
{
	spin_take(&sched_spinlock, NULL);
}

static inline void sched_unlock_masked(void)
{
	spin_drop(&sched_spinlock, NULL);
}

/* Also masks interrupts. Any. */
static inline u64 tm_must_check sched_lock(void)
{
	u64 flags = arch_irq_save();

	sched_lock_masked();
	return flags;
}

/* sched_unlock() when this CPU was called meanwhile. */
void sched_unlock_called(u64 flags);

/* Release, switch at once if this CPU was called and the caller may be
 * preempted, and restore what sched_lock() returned. Any. */
static inline void sched_unlock(u64 flags)
{
	if (unlikely(__atomic_load_n(&arch_current()->resched, __ATOMIC_RELAXED))) {
		sched_unlock_called(flags);
		return;
	}
	sched_unlock_masked();
	arch_irq_restore(flags);
}

static inline bool sched_locked(void)
{
	return spin_held(&sched_spinlock);
}

/* ---- running -------------------------------------------------------------------- */

/* The boot CPU becomes known; tasks may be created. Boot, once. */
void sched_init(void);
extern bool sched_started; /* (A) what sched_running() says */
/* From now on tasks may sleep. Boot, once; the caller ends in sched_idle(). */
void sched_start(void);
/* Body of every idle task: runs what is ready, else waits for an interrupt. */
tm_noreturn void sched_idle(void);
/* A secondary CPU joins: called on it, as its idle task, masked. */
void sched_cpu_online(unsigned int cpu, struct task *idle);
/*
 * No task runs on `cpu` from its next switch on, which is asked for here; it
 * then calls its `parked` from its idle task. Groups that name no other online
 * CPU run anywhere meanwhile. Not the last one. Its timers are not moved.
 */
void sched_cpu_offline_locked(unsigned int cpu);
/* Switch as long as this CPU is asked to. Masked, nothing held, no lock. */
void sched_resched(void);

/* ---- sleeping and waking ---------------------------------------------------------- */

/*
 * Let the calling task sleep until sched_wake_locked() or the deadline. q may
 * be null (a plain sleep). A deadline already past returns at once, and so does
 * what ends a wait of this kind. The lock is RELEASED on return; the masking
 * stays. 0, ERR_TIMEDOUT, or by kind ERR_KILLED, ERR_FROZEN.
 */
int sched_block_locked(struct waitq *q, u64 deadline, enum wait_kind kind);
/* Make a sleeping task ready; `result` is what its sleep returns. */
void sched_wake_locked(struct task *t, int result);
/* The same, then sched_unlock(flags): the shortest way to a more urgent task. */
void sched_wake_unlock(struct task *t, int result, u64 flags);
/* End the task's wait if kill_now or leave_err end one of its kind. */
void sched_leave_locked(struct task *t);
/* Most urgent waiter, or null. */
static inline struct task *waitq_first_locked(const struct waitq *q)
{
	struct prio_node *n = prio_list_first(&q->waiters);

	return n ? container_of(n, struct task, wait_node) : NULL;
}
/* Wake the most urgent waiter; null: none. */
struct task *waitq_wake_one_locked(struct waitq *q);

/* ---- the life of a task -------------------------------------------------------------- */

/*
 * A new task with stack, entry and prio becomes ready on these CPUs. 0, or
 * ERR_NOSPC when more different masks are in use than there are groups.
 */
int sched_add_locked(struct task *t, u64 cpu_mask);
/* The calling task ends, after inherit_task_ending(); its descriptor is `dead`
 * once it is off its CPU. */
tm_noreturn void sched_exit_locked(void);
/* Set its own priority: a change of the effective one moves a ready task to the
 * tail of its new level, and goes on to whom it waits for. */
void sched_set_prio_locked(struct task *t, unsigned int prio);
int sched_set_cpus_locked(struct task *t, u64 cpu_mask); /* 0, ERR_NOSPC */
/*
 * Not ready any more, from its next switch on if it runs; one that waits goes
 * on waiting, its timeout counts, and it stops when it is woken. What others
 * lend it, it keeps. Resume: ready again, at the tail. Neither twice.
 */
void sched_suspend_locked(struct task *t);
void sched_resume_locked(struct task *t);

/*
 * Violations of the scheduler's equations, each logged with its name, task and
 * queue: bitmaps match lists, lists are in order, no ready task is more urgent
 * than the claim of a CPU it may use (unless a CPU is about to switch), every
 * loan is that of the queue's most urgent waiter, and every priority the
 * greatest of base and loans (unless noted as pending). O(tasks): tests only.
 */
unsigned int sched_check_locked(void);

/* ---- calls between CPUs (rtos/call.c) --------------------------------------------------- */

/* What this CPU was asked by cpu_call(). Masked; one load when it was not. */
void cpu_calls_run(void);

/* ---- priority inheritance (rtos/inherit.c) -------------------------------------------- */

/* Most links of chains followed for one change. */
enum { INHERIT_LINKS = 2 };

/* The waiters of q, or what is lent to its server, have changed. */
void inherit_queue_locked(struct waitq *q);
/* t's base priority or loans have changed. */
void inherit_mark_locked(struct task *t);
/*
 * Follow what was marked, the latest first, at most INHERIT_LINKS links. What
 * is left over goes on in an interrupt this CPU sends itself, so that no hold
 * of the lock grows with a chain.
 */
void inherit_run_locked(void);
/* The same, only the task that was marked last. */
void inherit_one_locked(void);
/* The same from that interrupt; one load when nothing is left. */
void inherit_interrupt(void);
/* waitq_serve() under the lock, without inherit_run_locked(). */
void inherit_serve_locked(struct waitq *q, struct task *server);
/* The calling task is about to end: it serves no queue, and mutexes it holds go
 * to their next owners. Task. */
void inherit_task_ending(void);
/* Name of the queue whose loan raises t above its base; "" when none does. */
const char *sched_boost_name_locked(const struct task *t);
/* t, which does not run, has another effective priority: move it (sched.c). */
void sched_apply_prio_locked(struct task *t, unsigned int prio);
/* Hand over or leave behind every mutex the calling task holds (mutex.c). */
void mutex_abandon_all(void);

/* ---- load averages (rtos/load.c) ---------------------------------------------- */

/* Begin sampling. Boot, once. */
void load_start(void);
/* Make up for the samples that fell since the last one. */
void load_catch_up(void);
extern struct sched_load {
	u64 next;   /* (S) when the next sample falls, in ticks of the counter */
	u64 active; /* (S) tasks ready or running, idle ones left out */
} sched_load;

/* The number of ready or running tasks changes by delta. */
static inline void load_change_locked(int delta)
{
	if (unlikely((s64)(arch_ticks() - sched_load.next) >= 0))
		load_catch_up();
	BUG_ON(delta < 0 && !sched_load.active);
	sched_load.active += (u64)(s64)delta;
}

#endif
