/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The boot, as two tables one can read: what is called, and what exists once
 * it has returned. The first runs on the boot stack with interrupts masked and
 * cannot sleep; the second in the task "init". A step that cannot do its work
 * panics with the reason, or says what is missing and goes on with less.
 */
#include "mm/mm.h"
#include "rtos/life.h"
#include "rtos/sched.h"
#include "rtos/work.h"

struct boot_step {
	const char *name;
	void (*run)(void);
	const char *then; /* what exists afterwards */
};

static phys_t boot_fdt;

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
	{ "work", workq_start, "calls can be put off" },
	{ "console", console_init, "the console works by interrupt" },
	{ "cpus", cpus_start, "the other CPUs run tasks" },
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
