/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device interrupts: who handles which line, where it is served, and how often
 * each CPU took it. A line finds its action by one table look-up without a lock.
 * irq_lock guards everything else, and the line's mask with it: a line is masked
 * as long as anybody has a reason (update_mask).
 *
 * Taking a handler away meets a CPU about to call it without a lock, too: the
 * CPU says which line it serves and then looks whether the action is leaving;
 * who takes it away says so and then looks who serves the line. With a barrier
 * between the two steps on both sides, one of them sees the other.
 *
 * The timer and calls between CPUs do not come through here and are counted
 * elsewhere.
 */
#include "rtos/irq.h"
#include "rtos/task.h"

enum {
	MAX_LINES = 1024, /* GICv2 and GICv3 without LPIs end at 1019 */
	MAX_ACTIONS = 64,
	NONE_LIMIT = 1000, /* in a row: a guess, far above what a shared wire may show */
};

struct action {
	struct irq_attr attr; /* (I) while in use, but for cpus: (irq_lock) */
	unsigned int irq;     /* (I) while in use */
	unsigned int cpu;     /* (irq_lock) that serves the line, if it is shared */
	bool used, ready;     /* (irq_lock) slot is taken; is attached */
	bool leaving;         /* (A) its handler is not called any more */
	bool masked;          /* (irq_lock) at the controller */
	bool waking;          /* (irq_lock) the thread has work; from then until it is done */
	bool stormed;         /* (irq_lock) masked because nobody claims it */
	bool stopping;        /* (irq_lock) the thread is to end */
	u32 depth;            /* (irq_lock) of irq_disable() */
	u32 nr_none;          /* (P) of the serving CPU: unclaimed in a row */
	struct task *thread;  /* (I) while in use; null: none */
	struct waitq wake;    /* the thread waits here for waking or stopping */
	u64 count[MAX_CPUS];  /* (P) */
};

static struct spinlock irq_lock = SPINLOCK_INIT(LOCK_RANK_IRQ);
static struct action actions[MAX_ACTIONS]; /* (irq_lock) */
static u8 action_of[MAX_LINES];            /* (irq_lock), (A) index + 1; 0: none */
static u32 serving[MAX_CPUS];              /* (A) line whose handler runs; 0: none */
static u64 spurious[MAX_CPUS];             /* (P) lines nobody asked for */

static struct action *action_for(unsigned int irq)
{
	unsigned int i = irq < MAX_LINES ? __atomic_load_n(&action_of[irq], __ATOMIC_ACQUIRE) : 0;

	return i ? &actions[i - 1] : NULL;
}

static struct action *find_locked(unsigned int irq)
{
	struct action *a = action_for(irq);

	BUG_ON(!spin_held(&irq_lock));
	return a && a->ready ? a : NULL;
}

/* ---- the line at the controller ------------------------------------------------------ */

static void update_mask(struct action *a)
{
	bool mask = a->depth || a->waking || a->stormed || a->leaving;

	if (mask == a->masked)
		return;
	a->masked = mask;
	if (mask)
		arch_irq_mask(a->irq);
	else
		arch_irq_unmask(a->irq, a->attr.edge);
}

/* First online CPU of the mask, 0 meaning all, but `gone`; none: -1. */
static int first_cpu(u64 mask, u64 gone)
{
	u64 left = (mask ? mask : CPUS_ALL) & cpus_online() & ~gone;

	return left ? __builtin_ctzll(left) : -1;
}

/* Direct the line elsewhere; what is pending goes along. */
static void direct(struct action *a, unsigned int cpu)
{
	if (!a->masked)
		arch_irq_mask(a->irq);
	a->cpu = cpu;
	arch_irq_set_cpu(a->irq, cpu);
	if (!a->masked)
		arch_irq_unmask(a->irq, a->attr.edge);
}

/* ---- serving --------------------------------------------------------------------------- */

static void unwanted(unsigned int irq)
{
	/* Nobody would ever quieten it. */
	arch_irq_mask(irq);
	spurious[cpu_id()]++;
	pr_warn("irq %u: nobody handles it, masked", irq);
}

static void wake_thread(struct action *a)
{
	u64 flags = spin_lock_irqsave(&irq_lock);

	BUG_ON_VAL(!a->thread, a->irq, 0);
	a->waking = true;
	update_mask(a);
	spin_unlock_irqrestore(&irq_lock, flags);
	waitq_wake_one(&a->wake);
}

static void unclaimed(struct action *a)
{
	u64 flags;

	/* The line may have moved: its next CPU may come in between. */
	if (__atomic_add_fetch(&a->nr_none, 1, __ATOMIC_RELAXED) < NONE_LIMIT)
		return;
	__atomic_store_n(&a->nr_none, 0, __ATOMIC_RELAXED);
	flags = spin_lock_irqsave(&irq_lock);
	a->stormed = true;
	update_mask(a);
	spin_unlock_irqrestore(&irq_lock, flags);
	pr_err("irq %u (%s): %u interrupts in a row that nobody claimed, masked", a->irq,
	       a->attr.name, NONE_LIMIT);
}

static void serve(struct action *a, unsigned int cpu)
{
	enum irq_result result = IRQ_WAKE;

	a->count[cpu]++;
	if (a->attr.handler)
		result = a->attr.handler(a->irq, a->attr.arg);
	if (result == IRQ_NONE) {
		unclaimed(a);
		return;
	}
	__atomic_store_n(&a->nr_none, 0, __ATOMIC_RELAXED);
	if (result == IRQ_WAKE)
		wake_thread(a);
}

void irq_dispatch(unsigned int irq)
{
	const struct task *me = arch_current();
	unsigned int cpu = me->cpu;
	struct action *a;

	BUG_ON_VAL(!me->irq_depth || !arch_irqs_masked(), irq, cpu);
	__atomic_store_n(&serving[cpu], irq, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	a = action_for(irq);
	if (!a)
		unwanted(irq);
	else if (!__atomic_load_n(&a->leaving, __ATOMIC_RELAXED))
		serve(a, cpu);
	__atomic_store_n(&serving[cpu], 0, __ATOMIC_RELEASE);
}

/* Until no CPU runs the handler; one that calls this itself is not waited for. */
static void wait_handlers(unsigned int irq)
{
	u64 left = cpus_online();
	unsigned int cpu;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (in_interrupt() && serving[cpu_id()] == irq)
		left &= ~(1ull << cpu_id());
	for (; left; left &= left - 1) {
		cpu = (unsigned int)__builtin_ctzll(left);
		while (__atomic_load_n(&serving[cpu], __ATOMIC_ACQUIRE) == irq)
			arch_cpu_relax();
	}
}

/* ---- threads ---------------------------------------------------------------------------- */

/* False: the thread is to end. */
static bool wait_for_work(struct action *a)
{
	u64 flags = spin_lock_irqsave(&irq_lock);
	bool go_on;

	while (!a->waking && !a->stopping)
		(void)waitq_wait(&a->wake, &irq_lock, &flags, TM_FOREVER);
	go_on = !a->stopping;
	spin_unlock_irqrestore(&irq_lock, flags);
	return go_on;
}

static void thread_main(void *arg)
{
	struct action *a = arg;
	u64 flags;

	/* The line needs it as long as it is attached. */
	task_defer_kill();
	while (wait_for_work(a)) {
		a->attr.thread(a->irq, a->attr.arg);
		flags = spin_lock_irqsave(&irq_lock);
		a->waking = false;
		update_mask(a);
		spin_unlock_irqrestore(&irq_lock, flags);
	}
}

static bool start_thread(struct action *a)
{
	char name[TASK_NAME_LEN];
	const struct task_attr attr = { .name = name, .prio = a->attr.thread_prio };

	if (!a->attr.thread)
		return true;
	tm_snprintf(name, sizeof(name), "irq/%u-%s", a->irq, a->attr.name);
	a->thread = task_create(&attr, thread_main, a);
	return a->thread;
}

static void stop_thread(struct action *a)
{
	u64 flags;
	int err;

	if (!a->thread)
		return;
	BUG_ON_VAL(a->thread == task_current(), a->irq, 0);
	flags = spin_lock_irqsave(&irq_lock);
	a->stopping = true;
	spin_unlock_irqrestore(&irq_lock, flags);
	waitq_wake_one(&a->wake);
	err = task_join(a->thread, TM_FOREVER);
	BUG_ON_VAL(err, err, a->irq);
}

/* ---- attach and detach ---------------------------------------------------------------------- */

static int check_attr(unsigned int irq, const struct irq_attr *attr)
{
	if (irq >= MAX_LINES || irq >= arch_irq_lines())
		return ERR_RANGE;
	if ((!attr->handler && !attr->thread) || attr->level > IRQ_LEVEL_MAX)
		return ERR_INVAL;
	if (attr->thread && attr->thread_prio > TASK_PRIO_MAX)
		return ERR_INVAL;
	if (first_cpu(attr->cpus, 0) < 0)
		return ERR_INVAL;
	switch (arch_irq_kind(irq)) {
	case ARCH_IRQ_RESERVED:
		return ERR_BUSY;
	case ARCH_IRQ_PRIVATE:
		return attr->cpus || attr->thread ? ERR_INVAL : 0;
	default:
		return 0;
	}
}

/* An action for the line, masked and not ready. 0, ERR_BUSY, ERR_NOSPC. */
static int reserve_locked(unsigned int irq, const struct irq_attr *attr, struct action **a)
{
	unsigned int i = 0;

	if (action_of[irq])
		return ERR_BUSY;
	while (i < MAX_ACTIONS && actions[i].used)
		i++;
	if (i == MAX_ACTIONS)
		return ERR_NOSPC;
	*a = &actions[i];
	**a = (struct action){ .attr = *attr, .irq = irq, .used = true, .masked = true };
	waitq_init(&(*a)->wake, attr->name);
	__atomic_store_n(&action_of[irq], (u8)(i + 1), __ATOMIC_RELEASE);
	return 0;
}

static void release(struct action *a)
{
	u64 flags = spin_lock_irqsave(&irq_lock);

	__atomic_store_n(&action_of[a->irq], 0, __ATOMIC_RELEASE);
	a->used = false;
	spin_unlock_irqrestore(&irq_lock, flags);
}

static void attach_locked(struct action *a)
{
	int cpu = first_cpu(a->attr.cpus, 0);

	arch_irq_set_level(a->irq, a->attr.level);
	if (arch_irq_kind(a->irq) == ARCH_IRQ_SHARED)
		direct(a, cpu < 0 ? 0 : (unsigned int)cpu);
	a->ready = true;
	update_mask(a);
}

int irq_request(unsigned int irq, const struct irq_attr *attr)
{
	int err = check_attr(irq, attr);
	struct action *a;
	u64 flags;

	if (err)
		return err;
	flags = spin_lock_irqsave(&irq_lock);
	err = reserve_locked(irq, attr, &a);
	spin_unlock_irqrestore(&irq_lock, flags);
	if (err)
		return err;
	if (!start_thread(a)) {
		release(a);
		return ERR_NOMEM;
	}
	flags = spin_lock_irqsave(&irq_lock);
	attach_locked(a);
	spin_unlock_irqrestore(&irq_lock, flags);
	return 0;
}

int irq_free(unsigned int irq)
{
	u64 flags = spin_lock_irqsave(&irq_lock);
	struct action *a = find_locked(irq);

	if (a) {
		a->ready = false;
		__atomic_store_n(&a->leaving, true, __ATOMIC_RELAXED);
		update_mask(a);
	}
	spin_unlock_irqrestore(&irq_lock, flags);
	if (!a)
		return ERR_NOENT;
	wait_handlers(irq);
	stop_thread(a);
	release(a);
	return 0;
}

/* ---- mask and direct ------------------------------------------------------------------------ */

int irq_disable(unsigned int irq)
{
	u64 flags = spin_lock_irqsave(&irq_lock);
	struct action *a = find_locked(irq);

	if (a) {
		a->depth++;
		update_mask(a);
	}
	spin_unlock_irqrestore(&irq_lock, flags);
	if (!a)
		return ERR_NOENT;
	wait_handlers(irq);
	return 0;
}

int irq_enable(unsigned int irq)
{
	u64 flags = spin_lock_irqsave(&irq_lock);
	struct action *a = find_locked(irq);

	if (a) {
		BUG_ON_VAL(!a->depth, irq, 0);
		if (--a->depth == 0)
			a->stormed = false;
		update_mask(a);
	}
	spin_unlock_irqrestore(&irq_lock, flags);
	return a ? 0 : ERR_NOENT;
}

int irq_set_cpus(unsigned int irq, u64 mask)
{
	u64 flags = spin_lock_irqsave(&irq_lock);
	struct action *a = find_locked(irq);
	int cpu = first_cpu(mask, 0), err = 0;

	if (!a) {
		err = ERR_NOENT;
	} else if (cpu < 0 || arch_irq_kind(irq) != ARCH_IRQ_SHARED) {
		err = ERR_INVAL;
	} else {
		a->attr.cpus = mask;
		direct(a, (unsigned int)cpu);
	}
	spin_unlock_irqrestore(&irq_lock, flags);
	return err;
}

static bool can_move(const struct action *a)
{
	return a->ready && arch_irq_kind(a->irq) == ARCH_IRQ_SHARED;
}

void irq_cpu_gone(unsigned int gone)
{
	struct action *a;
	bool stray;
	int cpu;
	u64 flags;

	for (a = actions; a < actions + MAX_ACTIONS; a++) {
		flags = spin_lock_irqsave(&irq_lock);
		stray = false;
		if (can_move(a) && a->cpu == gone) {
			cpu = first_cpu(a->attr.cpus, 1ull << gone);
			stray = cpu < 0;
			if (stray)
				cpu = first_cpu(0, 1ull << gone);
			BUG_ON_VAL(cpu < 0, gone, cpus_online());
			direct(a, (unsigned int)cpu);
		}
		spin_unlock_irqrestore(&irq_lock, flags);
		if (stray)
			printk(LOG_NOTICE,
			       "irq %u: no CPU it was meant for is online, CPU %d serves it",
			       a->irq, cpu);
	}
}

void irq_cpu_back(void)
{
	struct action *a;
	u64 flags;
	int cpu;

	for (a = actions; a < actions + MAX_ACTIONS; a++) {
		flags = spin_lock_irqsave(&irq_lock);
		cpu = can_move(a) && a->attr.cpus ? first_cpu(a->attr.cpus, 0) : -1;
		if (cpu >= 0 && (unsigned int)cpu != a->cpu)
			direct(a, (unsigned int)cpu);
		spin_unlock_irqrestore(&irq_lock, flags);
	}
}

/* ---- /proc/interrupts --------------------------------------------------------------- */

static void counts(struct out *out, u64 (*get)(const void *of, unsigned int cpu), const void *of)
{
	u64 left;

	for (left = cpus_online(); left; left &= left - 1)
		out_printf(out, "%10llu ",
			   (unsigned long long)get(of, (unsigned int)__builtin_ctzll(left)));
}

static u64 get_action(const void *of, unsigned int cpu)
{
	return ((const struct action *)of)->count[cpu];
}

static u64 get_timer(const void *of, unsigned int cpu)
{
	(void)of;
	return __atomic_load_n(&cpus[cpu].nr_timer, __ATOMIC_RELAXED);
}

static u64 get_ipi(const void *of, unsigned int cpu)
{
	(void)of;
	return __atomic_load_n(&cpus[cpu].nr_ipi, __ATOMIC_RELAXED);
}

static void view_line(struct out *out, unsigned int irq, int width,
		      u64 (*get)(const void *of, unsigned int cpu), const struct action *a,
		      const char *name)
{
	out_printf(out, "%*u: ", width, irq);
	counts(out, get, a);
	out_printf(out, " %8s %*u %-8s  %s\n", arch_irq_chip_name(), width, irq,
		   a && a->attr.edge ? "Edge" : "Level", name);
}

/* The controller's lines that somebody uses. */
static void view_lines(struct out *out, int width)
{
	const struct action *a;
	unsigned int irq;

	for (irq = 0; irq < MAX_LINES; irq++) {
		a = action_for(irq);
		if (a)
			view_line(out, irq, width, get_action, a, a->attr.name);
		else if (irq && irq == arch_timer_irq())
			view_line(out, irq, width, get_timer, NULL, "arch_timer");
	}
}

/* Where the lines are served and how, which Linux has no columns for. */
static void view_directions(struct out *out)
{
	const struct action *a;
	unsigned int irq;

	for (irq = 0; irq < MAX_LINES; irq++) {
		a = action_for(irq);
		if (!a || !a->ready || arch_irq_kind(irq) != ARCH_IRQ_SHARED)
			continue;
		out_printf(out, "tm_irq %u: cpu %u of %#llx, level %u%s%s\n", irq, a->cpu,
			   (unsigned long long)(a->attr.cpus ? a->attr.cpus : CPUS_ALL),
			   a->attr.level, a->thread ? ", thread" : "",
			   a->stormed ? ", stormed" : "");
	}
}

/* Columns as Linux 6.1 prints them; the first is as wide as the line numbers
 * need, at least 3. */
void irq_view(struct out *out)
{
	int width = arch_irq_lines() > 1000 ? 4 : 3;
	u64 left, errors = 0;
	unsigned int cpu;

	out_printf(out, "%*s", width + 8, "");
	for (left = cpus_online(); left; left &= left - 1)
		out_printf(out, "CPU%-8d", __builtin_ctzll(left));
	out_printf(out, "\n");
	view_lines(out, width);
	out_printf(out, "%*s0:%s", width - 1, "IPI", width >= 4 ? " " : "");
	counts(out, get_ipi, NULL);
	for (cpu = 0; cpu < MAX_CPUS; cpu++)
		errors += spurious[cpu];
	out_printf(out, "      Rescheduling interrupts\n%*s: %10llu\n", width, "Err",
		   (unsigned long long)errors);
	view_directions(out);
}
