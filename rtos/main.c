/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The boot, as two tables one can read: what is called, and what exists once
 * it has returned. The first runs on the boot stack with interrupts masked and
 * cannot sleep; the second in the task "init". A step that cannot do its work
 * panics with the reason, or says what is missing and goes on with less.
 */
#include "mm/mm.h"
#include "rtos/sched.h"

struct boot_step {
	const char *name;
	void (*run)(void);
	const char *then; /* what exists afterwards */
};

enum { CPU_START_TIMEOUT_MS = 1000 };

static phys_t boot_fdt;
static struct spinlock boot_lock = SPINLOCK_INIT(LOCK_RANK_WAIT);
static struct waitq boot_waitq = WAITQ_INIT(boot_waitq, "CPUs");

static void step_banner(void)
{
	pr_info("Tidemark %s%s", TM_VERSION, tm_debug ? " (test build)" : "");
}

static void step_memory(void)
{
	mm_boot(boot_fdt);
}

static void step_irq(void)
{
	/* Without a controller the console stays polled and nothing wakes a
	 * sleeper; arch has said so. */
	(void)arch_irq_init();
}

static void init_task(void *arg);

static void step_first_task(void)
{
	static const struct task_attr attr = { .name = "init", .prio = TASK_PRIO_DEFAULT };
	struct task *t;

	task_reaper_start();
	t = task_create(&attr, init_task, NULL);
	if (!t)
		panic("no memory for the first task");
	task_detach(t);
}

/* Start one secondary CPU; true: it will show up in cpus_online(). */
static bool start_cpu(unsigned int cpu)
{
	char name[TASK_NAME_LEN];
	u64 stack = stack_alloc();
	struct task *idle;
	int err;

	tm_snprintf(name, sizeof(name), "idle/%u", cpu);
	idle = stack ? task_new(name, TASK_PRIO_IDLE, stack) : NULL;
	if (!idle) {
		if (stack)
			stack_free(stack);
		pr_err("cpu %u: no memory for its idle task", cpu);
		return false;
	}
	idle->cpu = cpu;
	idle->is_idle = true;
	idle->state = TASK_RUNNING;
	idle->preempt_count = 1; /* until sched_idle() */
	err = arch_cpu_start(cpu, (void *)(uintptr_t)(stack + STACK_SIZE), idle);
	if (err) /* arch has said why */
		task_release(idle);
	return !err;
}

static void step_cpus(void)
{
	u64 deadline, flags;
	unsigned int cpu, count = arch_cpu_count(), expected = 1;
	int err = 0;

	for (cpu = 1; cpu < count; cpu++)
		expected += start_cpu(cpu);
	deadline = time_after_ns(CPU_START_TIMEOUT_MS * 1000000ull);
	flags = spin_lock_irqsave(&boot_lock);
	while (!err && cpus_online_count() < expected)
		err = waitq_wait(&boot_waitq, &boot_lock, &flags, deadline);
	spin_unlock_irqrestore(&boot_lock, flags);
	pr_info("cpus: %u of %u online", cpus_online_count(), count);
}

static void step_free_init(void)
{
	u64 nr_pages = mm_free_init();

	pr_info("boot code and data freed: %llu KiB",
		(unsigned long long)(nr_pages * (PAGE_SIZE / 1024)));
}

static void step_shell(void)
{
	static const struct task_attr attr = { .name = "shell", .prio = TASK_PRIO_DEFAULT };
	struct task *t = task_create(&attr, shell_main, NULL);

	if (!t)
		panic("no memory for the shell");
	task_detach(t);
}

static const struct boot_step boot_steps[] = {
	{ "sched", sched_init, "this CPU has a run queue; locks and messages work" },
	{ "meter", meter_init, "test builds measure masked sections and lock holds" },
	{ "banner", step_banner, "the ring holds who we are" },
	{ "memory", step_memory, "console (polled), boot arguments, tree, page allocator" },
	{ "tasks", task_table_init, "tasks can be created" },
	{ "irq", step_irq, "interrupt controller, timer; still masked here" },
	{ "first task", step_first_task, "init is ready and will go on below" },
	{ "start", sched_start, "tasks may sleep; this stack becomes the idle task" },
};

static const struct boot_step task_steps[] = {
	{ "blocking", mm_allow_blocking, "requests for memory may wait" },
	{ "console", console_init, "the console works by interrupt" },
	{ "cpus", step_cpus, "the other CPUs run tasks" },
	{ "init memory", step_free_init, "code and data used once belong to everybody" },
	{ "shell", step_shell, "a prompt, or what run= or test= asked for" },
};

static void run_steps(const struct boot_step *step, unsigned int count)
{
	for (; count; count--, step++) {
		pr_debug("boot: %s", step->name);
		step->run();
		BUG_ON_VAL(arch_current()->preempt_count > 1, arch_current()->preempt_count, count);
	}
}

static void init_task(void *arg)
{
	(void)arg;
	run_steps(task_steps, ARRAY_SIZE(task_steps));
}

void kernel_main(phys_t fdt)
{
	boot_fdt = fdt;
	run_steps(boot_steps, ARRAY_SIZE(boot_steps));
	/* Here, because this frame and no other of this stack stays in use. */
	arch_stack_guard_seed(mm_boot_seed());
	sched_idle();
}

void secondary_main(unsigned int cpu)
{
	u64 flags;

	arch_irq_init_cpu();
	sched_cpu_online(cpu, arch_current());
	/* Under the waiter's lock, so that it is either told or sees it. */
	flags = spin_lock_irqsave(&boot_lock);
	spin_unlock_irqrestore(&boot_lock, flags);
	waitq_wake_all(&boot_waitq);
	sched_idle();
}
