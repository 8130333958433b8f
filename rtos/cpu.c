/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPUs that come and go: the secondary ones at boot, and cpu_off() and cpu_on()
 * later. One call at a time, by `changing`.
 *
 * Off: the CPU leaves cpus_online(), from when on nobody places tasks there and
 * those that are tied to it run anywhere; device interrupts go elsewhere; once
 * its idle task runs it parks: says so under the scheduler lock and powers down,
 * masked. Until it has said so all can be taken back. Its timers go to the CPU of
 * the caller while it powers down; when arch says that it is off, the hooks drain
 * what it left. On: the same idle task on the same stack.
 */
#include "mm/mm.h"
#include "rtos/irq.h"
#include "rtos/life.h"
#include "rtos/runq.h"

enum { OBEY_NS = 1000 * 1000 * 1000, POLL_NS = 100 * 1000 };

static struct spinlock cpu_lock = SPINLOCK_INIT(LOCK_RANK_WAIT);
static struct waitq arrivals = WAITQ_INIT(arrivals, "CPUs");
static struct list hooks = { &hooks, &hooks }; /* (cpu_lock) only ever added to */
static bool changing;                          /* (A) */
static u64 parked;                             /* (S) to set, (A) to read */

/* ---- hooks ------------------------------------------------------------------------- */

void cpu_hook_add(struct cpu_hook *h)
{
	u64 flags = spin_lock_irqsave(&cpu_lock);

	list_add_tail(&hooks, &h->link);
	spin_unlock_irqrestore(&cpu_lock, flags);
}

/* The next one in order, or in reverse; from the ends: null in, null out. */
static struct cpu_hook *hook_after(struct cpu_hook *h, bool reverse)
{
	u64 flags = spin_lock_irqsave(&cpu_lock);
	struct list *at = h ? &h->link : &hooks;

	at = reverse ? at->prev : at->next;
	spin_unlock_irqrestore(&cpu_lock, flags);
	return at == &hooks ? NULL : container_of(at, struct cpu_hook, link);
}

static void run_hooks(unsigned int cpu, bool up)
{
	struct cpu_hook *h;

	for (h = hook_after(NULL, !up); h; h = hook_after(h, !up)) {
		if (up && h->up)
			h->up(cpu);
		else if (!up && h->down)
			h->down(cpu);
	}
}

/* ---- starting ----------------------------------------------------------------------- */

static bool is_online(unsigned int cpu)
{
	return cpus_online() & (1ull << cpu);
}

/* What a secondary CPU runs when nothing else is ready; made once. */
static struct task *idle_for(unsigned int cpu)
{
	char name[TASK_NAME_LEN];
	struct task *idle = cpus[cpu].idle;
	u64 stack;

	if (!idle) {
		stack = stack_alloc();
		tm_snprintf(name, sizeof(name), "idle/%u", cpu);
		idle = stack ? task_new(name, TASK_PRIO_IDLE, stack) : NULL;
		if (!idle && stack)
			stack_free(stack);
		if (!idle)
			return NULL;
		idle->is_idle = true;
	}
	idle->cpu = cpu;
	idle->mm.cache = mm_cpu_cache(cpu);
	idle->state = TASK_RUNNING;
	idle->resched = false;
	idle->preempt_count = 1; /* until sched_idle() */
	return idle;
}

/* 0: it is on its way to cpus_online(). */
static int start(unsigned int cpu)
{
	struct task *idle = idle_for(cpu);
	int err;

	if (!idle) {
		pr_err("cpu %u: no memory for its idle task", cpu);
		return ERR_NOMEM;
	}
	err = arch_cpu_start(cpu, (void *)(uintptr_t)(idle->stack + STACK_SIZE), idle);
	if (err && !cpus[cpu].idle) /* arch has said why */
		task_release(idle);
	return err;
}

/* Wait until all of these are online. */
static bool await_online(u64 mask)
{
	u64 deadline = time_after_ns(OBEY_NS), flags = spin_lock_irqsave(&cpu_lock);
	int err = 0;

	while (!err && (cpus_online() & mask) != mask)
		err = waitq_wait(&arrivals, &cpu_lock, &flags, deadline);
	spin_unlock_irqrestore(&cpu_lock, flags);
	return (cpus_online() & mask) == mask;
}

static void tell_mm(unsigned int cpu)
{
	(void)cpu;
	mm_cpus_changed();
}

void cpus_start(void)
{
	static struct cpu_hook mm = { .name = "memory", .up = tell_mm, .down = tell_mm };
	unsigned int cpu, count = arch_cpu_count();
	u64 expected = 0;

	cpu_hook_add(&mm);
	for (cpu = 1; cpu < count; cpu++)
		if (start(cpu) == 0)
			expected |= 1ull << cpu;
	(void)await_online(expected);
	pr_info("cpus: %u of %u online", cpus_online_count(), count);
}

void secondary_main(unsigned int cpu)
{
	u64 flags;

	arch_irq_init_cpu();
	sched_cpu_online(cpu, arch_current());
	cpu_calls_run(); /* asked for just before it went off: no interrupt will come */
	/* Under the waiter's lock, so that it is either told or sees it. */
	flags = spin_lock_irqsave(&cpu_lock);
	spin_unlock_irqrestore(&cpu_lock, flags);
	waitq_wake_all(&arrivals);
	sched_idle();
}

/* ---- off ------------------------------------------------------------------------------ */

/* Called by the idle task of a CPU that is to go, masked. */
static void park(void)
{
	unsigned int cpu = cpu_id();
	bool goes;

	sched_lock_masked();
	goes = cpus[cpu].parked && !is_online(cpu);
	if (goes)
		__atomic_store_n(&parked, parked | 1ull << cpu, __ATOMIC_RELEASE);
	sched_unlock_masked();
	if (goes) {
		cpu_calls_run();
		arch_cpu_off();
	}
}

static bool has_parked(unsigned int cpu)
{
	return __atomic_load_n(&parked, __ATOMIC_ACQUIRE) & (1ull << cpu);
}

static bool await(bool (*reached)(unsigned int cpu), unsigned int cpu)
{
	u64 deadline = time_after_ns(OBEY_NS);

	while (!reached(cpu) && time_now_ns() < deadline)
		sleep_ns(POLL_NS);
	return reached(cpu);
}

/* Tasks whose masks name no CPU that is online. */
static u32 nr_tied_locked(void)
{
	const struct run_group *g;
	u32 n = 0;

	for (g = run_groups; g < run_groups + NR_GROUPS; g++)
		if (g->nr_tasks && !(g->cpus & online_mask))
			n += g->nr_tasks;
	return n;
}

static void leave(unsigned int cpu)
{
	u64 flags = sched_lock();
	u32 tied;

	cpus[cpu].parked = park;
	sched_cpu_offline_locked(cpu);
	tied = nr_tied_locked();
	sched_unlock(flags);
	if (tied)
		pr_warn("cpu %u: tasks tied to CPUs that are off run elsewhere: %u", cpu, tied);
	irq_cpu_gone(cpu);
}

/* It did not get as far as parking: everything as it was. True: it did. */
static bool stay(unsigned int cpu)
{
	u64 flags = sched_lock();
	bool gone = has_parked(cpu);

	if (!gone) {
		cpus[cpu].parked = NULL;
		runq_set_online(cpu, true);
	}
	sched_unlock(flags);
	if (!gone)
		irq_cpu_back();
	return gone;
}

/* What it would have gone on with: its timers, and rests of inheritance. */
static void take_over(unsigned int cpu)
{
	u64 flags;

	preempt_disable();
	timer_cpu_gone(cpu);
	preempt_enable();
	flags = arch_irq_save();
	inherit_interrupt();
	arch_irq_restore(flags);
}

static int take_off(unsigned int cpu)
{
	leave(cpu);
	if (!await(has_parked, cpu) && !stay(cpu)) {
		pr_err("cpu %u: what runs there did not let go within 1 s: it stays", cpu);
		return ERR_IO;
	}
	take_over(cpu);
	if (!await(arch_cpu_is_off, cpu)) {
		pr_err("cpu %u: out of use, but not off after 1 s", cpu);
		return ERR_IO;
	}
	run_hooks(cpu, false);
	pr_info("cpu %u: off, %u online", cpu, cpus_online_count());
	return 0;
}

/* ---- for everybody ---------------------------------------------------------------------- */

static bool begin(void)
{
	BUG_ON(!may_sleep());
	if (__atomic_exchange_n(&changing, true, __ATOMIC_ACQUIRE))
		return false;
	task_defer_kill(); /* nothing half done is left behind */
	return true;
}

static void finish(void)
{
	__atomic_store_n(&changing, false, __ATOMIC_RELEASE);
	task_allow_kill();
}

int cpu_off(unsigned int cpu)
{
	int err;

	if (cpu >= arch_cpu_count())
		return ERR_INVAL;
	if (!begin())
		return ERR_BUSY;
	if (!is_online(cpu))
		err = ERR_INVAL;
	else if (cpu == 0)
		err = ERR_BUSY;
	else
		err = arch_cpu_can_off(cpu);
	if (!err)
		err = take_off(cpu);
	finish();
	return err;
}

static int bring_back(unsigned int cpu)
{
	u64 flags;
	int err;

	if (!arch_cpu_is_off(cpu)) {
		pr_err("cpu %u: it never went off: not started", cpu);
		return ERR_IO;
	}
	flags = sched_lock();
	cpus[cpu].parked = NULL;
	__atomic_store_n(&parked, parked & ~(1ull << cpu), __ATOMIC_RELEASE);
	sched_unlock(flags);
	err = start(cpu);
	if (err)
		return err == ERR_NODEV ? ERR_NOSYS : err;
	if (!await_online(1ull << cpu)) {
		pr_err("cpu %u: started, but not there within 1 s", cpu);
		return ERR_IO;
	}
	irq_cpu_back();
	run_hooks(cpu, true);
	pr_info("cpu %u: on, %u online", cpu, cpus_online_count());
	return 0;
}

int cpu_on(unsigned int cpu)
{
	int err;

	if (cpu >= arch_cpu_count())
		return ERR_INVAL;
	if (!begin())
		return ERR_BUSY;
	err = is_online(cpu) ? ERR_INVAL : bring_back(cpu);
	finish();
	return err;
}
