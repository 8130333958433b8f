/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device interrupts: who handles which line, and how often each CPU took it.
 * A line finds its action by one table look-up. Actions are only ever added;
 * irq_lock guards that, while dispatch reads without it: an action is complete
 * before its index is published, and the line is masked until then. The timer
 * and calls between CPUs do not come through here and are counted elsewhere.
 */
#include "rtos/task.h"

enum {
	MAX_LINES = 1024, /* GICv2 and GICv3 without LPIs end at 1019 */
	MAX_ACTIONS = 64,
};

struct action {
	struct irq_attr attr; /* (I) */
	u64 count[MAX_CPUS];  /* (P) */
};

static struct spinlock irq_lock = SPINLOCK_INIT(LOCK_RANK_IRQ);
static struct action actions[MAX_ACTIONS]; /* (irq_lock) */
static unsigned int nr_actions;            /* (irq_lock) */
static u8 action_of[MAX_LINES];            /* (irq_lock), (A) index + 1; 0: none */
static u64 spurious[MAX_CPUS];             /* (P) lines nobody asked for */

int irq_request(unsigned int irq, const struct irq_attr *attr)
{
	u64 flags;
	int err = 0;

	if (irq >= MAX_LINES || irq >= arch_irq_lines())
		return ERR_RANGE;
	if (!attr->handler || attr->thread || attr->level > IRQ_LEVEL_MAX)
		return ERR_INVAL;
	flags = spin_lock_irqsave(&irq_lock);
	if (action_of[irq]) {
		err = ERR_BUSY;
	} else if (nr_actions == MAX_ACTIONS) {
		err = ERR_NOSPC;
	} else {
		actions[nr_actions++] = (struct action){ .attr = *attr };
		__atomic_store_n(&action_of[irq], (u8)nr_actions, __ATOMIC_RELEASE);
		arch_irq_unmask(irq, attr->edge);
	}
	spin_unlock_irqrestore(&irq_lock, flags);
	return err;
}

static struct action *action_for(unsigned int irq)
{
	unsigned int i = irq < MAX_LINES ? __atomic_load_n(&action_of[irq], __ATOMIC_ACQUIRE) : 0;

	return i ? &actions[i - 1] : NULL;
}

void irq_dispatch(unsigned int irq)
{
	struct action *a = action_for(irq);
	unsigned int cpu = cpu_id();

	BUG_ON_VAL(!in_interrupt() || !arch_irqs_masked(), irq, cpu);
	if (a) {
		a->count[cpu]++;
		a->attr.handler(irq, a->attr.arg);
		return;
	}
	/* Nobody would ever quieten it. */
	arch_irq_mask(irq);
	spurious[cpu]++;
	pr_warn("irq %u: nobody handles it, masked", irq);
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
	return cpus[cpu].nr_timer;
}

static u64 get_ipi(const void *of, unsigned int cpu)
{
	(void)of;
	return cpus[cpu].nr_ipi;
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
}
