/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler: strict fixed priorities over all CPUs, FIFO inside a level.
 * Ready tasks stand in the run groups of runq.h; a CPU takes the best head
 * among the groups that name it, in one look per group in use, however many
 * tasks there are.
 *
 * A task that becomes ready calls the CPU that runq_pick() names; what is left
 * over when a CPU that was called has chosen is placed anew. A running task is
 * never moved to make room for one that is tied to its CPU, and equals never
 * preempt each other. A preempted task goes to the front of its level, a woken
 * one and one that yields to the back.
 *
 * The lock is held across a context switch and released by the task switched
 * to. Calls of arch_send_reschedule() and arch_timer_set_ns() are made under it.
 */
#include "rtos/life.h"
#include "rtos/panic.h"
#include "rtos/runq.h"
#include "rtos/watchdog.h"

struct spinlock sched_spinlock = SPINLOCK_INIT(LOCK_RANK_SCHED);
struct task boot_task = {
	.preempt_count = 1, /* until sched_start() */
	.state = TASK_RUNNING,
	.is_idle = true,
	.run_node = { &boot_task.run_node, &boot_task.run_node },
	.held = { &boot_task.held, &boot_task.held },
	.name = "idle/0",
};

struct list all_tasks = { &all_tasks, &all_tasks };
static struct task *ended; /* (S) whom the switch that is under way leaves for good */
bool sched_started;        /* (A) */

static inline void make_ready(struct task *t)
{
	struct task *me = arch_current();
	struct cpu *c = &cpus[me->cpu];

	t->state = TASK_READY;
	runq_add_tail(t);
	if (unlikely(several_cpus)) {
		runq_place(t->group->runs_on, t->prio, t->cpu);
	} else if (c->claim < (int)t->prio) {
		/* runq_call_cpu(), of this CPU. */
		c->claim = (int)t->prio;
		__atomic_store_n(&me->resched, true, __ATOMIC_RELAXED);
	}
}

/* ---- switching ---------------------------------------------------------------------- */

/* First act of a task that was switched to: release what the other one held. */
static inline void finish_switch(void)
{
	struct task *t = ended;

	if (unlikely(t)) {
		ended = NULL;
		t->dead = true;
		if (t->detached)
			task_reap_later_locked(t);
		else
			waitq_wake_one_locked(&t->joiners);
	}
	sched_unlock_masked();
}

/* Caller holds the lock, masked; on return, perhaps much later and on another
 * CPU, it is released. */
static inline void switch_to(struct cpu *c, struct task *prev, struct task *next)
{
	u64 now = arch_ticks();

	prev->run_ticks += now - c->switch_ticks;
	c->switch_ticks = now;
	c->running = next;
	next->cpu = prev->cpu;
	next->mm.cache = prev->mm.cache;
	next->switches++;
	if (unlikely(next->kill_now))
		task_kill_called_locked(next);
	next->state = TASK_RUNNING;
	arch_set_current(next);
	arch_context_switch(&prev->ctx, &next->ctx);
	finish_switch();
}

static int claim_of(const struct task *t)
{
	return t->is_idle ? CLAIM_IDLE : (int)t->prio;
}

/* prev, which may go on here, does so with this the best of the others. */
static inline bool stays(const struct task *prev, const struct task *best)
{
	return !best || best->prio < prev->prio || (best->prio == prev->prio && !prev->yielding);
}

/* What ran is suspended, or may not run here any more. */
static tm_noinline void put_away(struct task *t)
{
	if (t->suspended) {
		t->state = TASK_SUSPENDED;
		load_change_locked(-1);
		return;
	}
	t->state = TASK_READY;
	runq_add_tail(t);
}

/* What ran could go on: the one to run now, itself or best. */
static inline __attribute__((always_inline)) struct task *go_on_or_put_back(struct task *prev,
									    struct task *best)
{
	if (unlikely(prev->suspended || !runs_on(prev, prev->cpu))) {
		put_away(prev);
		return best;
	}
	if (stays(prev, best))
		return prev;
	prev->state = TASK_READY;
	if (prev->yielding)
		runq_add_tail(prev);
	else
		runq_add_head(prev);
	return best;
}

/* prev was called for more than one, or is left behind itself. */
static void place_others(const struct task *prev)
{
	runq_place_rest(prev->cpu, false);
	if (prev->state == TASK_READY && !runs_on(prev, prev->cpu))
		runq_place(prev->group->runs_on, prev->prio, prev->cpu);
}

/* Caller holds the lock, masked; on return the lock is released. */
static inline __attribute__((always_inline)) void switch_inline(void)
{
	struct task *prev = arch_current(), *next = runq_best(prev->cpu);
	struct cpu *c = &cpus[prev->cpu];
	bool called = prev->resched;

	BUG_ON_VAL(prev->preempt_count, prev->preempt_count, prev->id);
	BUG_ON(tm_debug && (!sched_locked() || !arch_irqs_masked() || c->running != prev));
	if (called)
		__atomic_store_n(&prev->resched, false, __ATOMIC_RELAXED);
	if (prev->state == TASK_RUNNING && !prev->is_idle) {
		next = go_on_or_put_back(prev, next);
		prev->yielding = false;
	}
	if (!next)
		next = c->idle;
	else if (next != prev)
		runq_remove(next);
	c->claim = claim_of(next);
	if (unlikely(several_cpus) && (called || prev->state == TASK_READY))
		place_others(prev);
	if (next == prev) {
		sched_unlock_masked();
		return;
	}
	if (unlikely(prev->is_idle))
		watchdog_busy_locked(c);
	switch_to(c, prev, next);
}

static tm_noinline void switch_locked(void)
{
	switch_inline();
}

/* Where a new task starts: lock held, masked. */
static void first_entry(void *arg)
{
	struct task *t = arg;

	finish_switch();
	arch_irq_enable();
	task_check_kill();
	t->entry(t->arg);
	task_exit();
}

void sched_resched(void)
{
	struct task *t = arch_current();

	BUG_ON(!arch_irqs_masked());
	while (__atomic_load_n(&t->resched, __ATOMIC_RELAXED)) {
		sched_lock_masked();
		switch_inline();
	}
	if (unlikely(kill_wanted(t)))
		task_kill_preempted();
}

void sched_unlock_called(u64 flags)
{
	struct task *t = arch_current();

	if (t->preempt_count || t->irq_depth || panic_active()) {
		sched_unlock_masked(); /* whoever ends that looks again */
	} else if (arch_irq_was_masked(flags)) {
		sched_unlock_masked();
		/* Nobody looks when the caller unmasks: an interrupt does. */
		arch_send_reschedule(t->cpu);
	} else {
		switch_locked();
		sched_resched();
	}
	arch_irq_restore(flags);
}

void sched_ipi(void)
{
	struct cpu *c = this_cpu();

	/* The sender has set resched; irq_exit() acts on it. */
	__atomic_store_n(&c->nr_ipi, c->nr_ipi + 1, __ATOMIC_RELAXED);
	inherit_interrupt();
	cpu_calls_run();
}

/* ---- sleeping and waking -------------------------------------------------------------- */

/* What ends a wait of this kind before it began; 0: nothing. */
static int leave_result(const struct task *t, enum wait_kind kind)
{
	if (kind == WAIT_KILLABLE)
		return t->kill_now ? ERR_KILLED : 0;
	return kind == WAIT_LEAVE ? t->leave_err : 0;
}

static void join_queue(struct task *t, struct waitq *q)
{
	prio_list_add(&q->waiters, &t->wait_node, t->prio);
	__atomic_store_n(&q->nr_waiting, q->nr_waiting + 1, __ATOMIC_RELAXED);
	t->waiting_on = q;
	t->wait_wakings = q->wakings;
	if (q->server) {
		inherit_queue_locked(q);
		inherit_run_locked();
	}
}

/*
 * What woke us left our timer where it is, for us to take out: it may have been
 * an interrupt, and a tree of many timers takes a while. Should it expire before,
 * it finds that nobody waits. The switch to us and this are two masked sections.
 */
static tm_noinline void stop_timeout(struct task *t)
{
	u64 flags;

	sched_let_interrupts_in(t);
	flags = sched_lock();
	timer_stop_locked(&t->timer);
	sched_unlock(flags);
}

int sched_block_locked(struct waitq *q, u64 deadline, enum wait_kind kind)
{
	struct task *t = arch_current();
	int err = 0;

	if (deadline_passed(deadline))
		err = ERR_TIMEDOUT;
	else if (kind != WAIT_FIRM)
		err = leave_result(t, kind);
	if (err) {
		sched_unlock_masked();
		return err;
	}
	BUG_ON_VAL(t->irq_depth | t->preempt_count, t->id, t->preempt_count);
	BUG_ON_VAL(tm_debug && t->is_idle, t->id, t->cpu);
	t->state = TASK_SLEEPING;
	t->wait_kind = kind;
	if (q) {
		t->state = TASK_BLOCKED;
		join_queue(t, q);
	}
	if (!deadline_never(deadline))
		timer_start_locked(&t->timer, deadline);
	load_change_locked(-1);
	switch_inline();
	if (!deadline_never(deadline) && t->wake_result != ERR_TIMEDOUT)
		stop_timeout(t);
	return t->wake_result;
}

/* Out of its queue, what it lent taken back. */
static inline void end_wait(struct task *t, int result)
{
	struct waitq *q = t->waiting_on;

	BUG_ON_VAL(tm_debug && t->state != TASK_SLEEPING && t->state != TASK_BLOCKED, t->state,
		   t->id);
	t->wake_result = result;
	if (!q)
		return;
	prio_list_remove(&q->waiters, &t->wait_node);
	__atomic_store_n(&q->nr_waiting, q->nr_waiting - 1, __ATOMIC_RELAXED);
	t->waiting_on = NULL;
	if (q->server) {
		inherit_queue_locked(q);
		inherit_run_locked();
	}
}

/* A sleep is over. */
static inline void arrive(struct task *t)
{
	if (unlikely(t->suspended)) {
		t->state = TASK_SUSPENDED;
		return;
	}
	load_change_locked(1);
	make_ready(t);
}

void sched_wake_locked(struct task *t, int result)
{
	end_wait(t, result);
	arrive(t);
}

/*
 * t, more urgent than the caller, may take this CPU at once. Nothing else that
 * is ready is: this CPU was not called, so by the rule its claim, the caller's
 * priority, is at least that of all that may use it.
 */
static inline bool takes_over(const struct task *me, const struct task *t, u64 flags)
{
	/* A panic masks for good. */
	if (t->prio <= me->prio || me->preempt_count || arch_irq_was_masked(flags))
		return false;
	if (me->special | t->special)
		return false;
	return likely(!several_cpus) ||
	       runq_pick(t->group->runs_on, t->prio, t->cpu) == (int)me->cpu;
}

void sched_wake_unlock(struct task *t, int result, u64 flags)
{
	struct task *me = arch_current();
	struct cpu *c = &cpus[me->cpu];

	end_wait(t, result);
	if (!takes_over(me, t, flags)) {
		arrive(t);
		if (me->irq_depth) { /* irq_exit() looks whether this CPU was called */
			sched_unlock_masked();
			arch_irq_restore(flags);
		} else {
			sched_unlock(flags);
		}
		return;
	}
	load_change_locked(1);
	me->state = TASK_READY;
	runq_add_head(me);
	c->claim = (int)t->prio;
	if (unlikely(several_cpus))
		runq_place(me->group->runs_on, me->prio, me->cpu);
	switch_to(c, me, t);
	arch_irq_restore(flags);
}

void sched_leave_locked(struct task *t)
{
	int result;

	if (t->state != TASK_SLEEPING && t->state != TASK_BLOCKED)
		return;
	result = leave_result(t, t->wait_kind);
	if (result)
		sched_wake_locked(t, result);
}

struct task *waitq_wake_one_locked(struct waitq *q)
{
	struct task *t = waitq_first_locked(q);

	if (t)
		sched_wake_locked(t, 0);
	return t;
}

/* ---- the life of a task ----------------------------------------------------------------- */

/* The first switch to t enters it; a TASK_FP task keeps the top of its stack. */
static void init_context(struct task *t)
{
	u64 top = t->stack + STACK_SIZE;

	if (t->flags & TASK_FP)
		top -= ARCH_FP_BYTES;
	arch_context_init(&t->ctx, (void *)(uintptr_t)top, first_entry, t);
	if (t->flags & TASK_FP)
		arch_context_set_fp(&t->ctx, (void *)(uintptr_t)top);
}

int sched_add_locked(struct task *t, u64 cpu_mask)
{
	int err = runq_set_group(t, cpu_mask);

	if (err)
		return err;
	init_context(t);
	list_add_tail(&all_tasks, &t->all_node);
	load_change_locked(1);
	make_ready(t);
	return 0;
}

void sched_exit_locked(void)
{
	struct task *t = arch_current();

	BUG_ON(t->is_idle || t->irq_depth);
	BUG_ON_VAL(t->nr_held || prio_list_first(&t->loans), t->nr_held, t->id);
	if (t->pi_pending)
		list_del(&t->pi_node);
	list_del(&t->all_node);
	t->state = TASK_DEAD;
	t->group->nr_tasks--;
	t->group = NULL;
	ended = t;
	load_change_locked(-1);
	switch_locked();
	BUG_ON_VAL(true, t->id, t->state);
	__builtin_unreachable();
}

/* What runs on a CPU has changed its level: look again at what it may run. */
static void reconsider(struct task *t, bool lowered)
{
	struct cpu *c = &cpus[t->cpu];

	c->claim = claim_of(t);
	if (lowered || t->resched)
		runq_place_rest(t->cpu, true);
}

void sched_apply_prio_locked(struct task *t, unsigned int prio)
{
	bool lowered = prio < t->prio;
	struct waitq *q = t->waiting_on;

	if (t->state == TASK_READY) {
		runq_remove(t);
		__atomic_store_n(&t->prio, prio, __ATOMIC_RELAXED);
		make_ready(t);
		return;
	}
	__atomic_store_n(&t->prio, prio, __ATOMIC_RELAXED);
	if (q) {
		prio_list_remove(&q->waiters, &t->wait_node);
		/* One that is being woken with all others must stand before newcomers. */
		if (t->wait_wakings == q->wakings)
			prio_list_add(&q->waiters, &t->wait_node, prio);
		else
			prio_list_add_head(&q->waiters, &t->wait_node, prio);
		q->moves++;
		inherit_queue_locked(q);
	}
	if (t->state == TASK_RUNNING)
		reconsider(t, lowered);
}

void sched_set_prio_locked(struct task *t, unsigned int prio)
{
	t->base_prio = prio;
	inherit_mark_locked(t);
	inherit_run_locked();
}

int sched_set_cpus_locked(struct task *t, u64 cpu_mask)
{
	bool ready = t->state == TASK_READY;
	int err;

	if (ready)
		runq_remove(t);
	err = runq_set_group(t, cpu_mask);
	if (ready)
		make_ready(t);
	if (!err && t->state == TASK_RUNNING && !runs_on(t, t->cpu))
		runq_call_cpu(t->cpu, CLAIM_IDLE);
	return err;
}

void sched_suspend_locked(struct task *t)
{
	BUG_ON_VAL(t->suspended || t->is_idle, t->id, t->state);
	t->suspended = true;
	if (t->state == TASK_READY) {
		runq_remove(t);
		t->state = TASK_SUSPENDED;
		load_change_locked(-1);
	} else if (t->state == TASK_RUNNING) {
		runq_call_cpu(t->cpu, CLAIM_IDLE);
	}
}

void sched_resume_locked(struct task *t)
{
	BUG_ON_VAL(!t->suspended, t->id, t->state);
	t->suspended = false;
	if (t->state == TASK_SUSPENDED) {
		load_change_locked(1);
		make_ready(t);
	}
}

void task_yield(void)
{
	u64 flags;

	BUG_ON(!may_sleep());
	flags = sched_lock();
	arch_current()->yielding = true;
	switch_inline();
	arch_irq_restore(flags);
	task_kill_point();
}

/* ---- CPUs ------------------------------------------------------------------------------- */

/* What a CPU that joins knows of itself. */
static void cpu_begin(struct cpu *c, struct task *idle)
{
	bool back = c->idle;

	c->running = idle;
	c->idle = idle;
	c->claim = CLAIM_IDLE;
	c->alarm = ARCH_TIMER_OFF;
	if (back)
		return; /* the time it was off counts as idle */
	c->start_ticks = arch_ticks();
	c->switch_ticks = c->start_ticks;
	c->idle_before = idle->run_ticks;
}

void sched_init(void)
{
	BUG_ON(arch_current() != &boot_task || cpus[0].idle);
	cpu_begin(&cpus[0], &boot_task);
	online_mask = 1;
	load_start();
}

void sched_cpu_online(unsigned int cpu, struct task *idle)
{
	BUG_ON_VAL(arch_current() != idle || idle->cpu != cpu, cpu, idle->cpu);
	BUG_ON_VAL(online_mask & (1ull << cpu), cpu, online_mask);
	cpu_begin(&cpus[cpu], idle);
	sched_lock_masked();
	runq_set_online(cpu, true);
	sched_unlock_masked();
}

void sched_cpu_offline_locked(unsigned int cpu)
{
	BUG_ON_VAL(!(online_mask & (1ull << cpu)), cpu, online_mask);
	runq_set_online(cpu, false);
	runq_call_cpu(cpu, CLAIM_IDLE);
}

void sched_start(void)
{
	__atomic_store_n(&sched_started, true, __ATOMIC_RELEASE);
}

bool sched_running(void)
{
	return __atomic_load_n(&sched_started, __ATOMIC_ACQUIRE);
}

/* Nothing is ready. Masked. */
static void rest(void)
{
	struct cpu *c = this_cpu();

	if (likely(cpus_online() & (1ull << (c - cpus)) || !c->parked)) {
		arch_idle();
		return;
	}
	while (c->chains_left)
		inherit_interrupt(); /* nobody interrupts a CPU that is off */
	c->parked();
}

void sched_idle(void)
{
	struct task *t = arch_current();

	BUG_ON_VAL(!t->is_idle || t->preempt_count != 1, t->id, t->preempt_count);
	t->preempt_count = 0;
	for (;;) {
		(void)arch_irq_save();
		if (!__atomic_load_n(&t->resched, __ATOMIC_RELAXED))
			rest();
		sched_resched();
		arch_irq_enable();
	}
}
