/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one task of the fake machine, as far as the memory side asks for it: its
 * own words, its priority, whether it was asked to end, and whether what runs is
 * an interrupt on top of it. A test sets these through fake_task.
 */
#include "fake.h"

struct fake_task fake_task;

struct task *task_current(void)
{
	return (struct task *)(void *)&fake_task;
}

struct mm_task *task_mm(struct task *t)
{
	return &((struct fake_task *)(void *)t)->mm;
}

u32 task_id(const struct task *t)
{
	(void)t;
	return 1;
}

const char *task_name(const struct task *t)
{
	(void)t;
	return "tester";
}

/* Code addresses have no symbols here. */
void arch_symbol(u64 addr, char *buf, size_t size)
{
	tm_snprintf(buf, size, "0x%llx", (unsigned long long)addr);
}

unsigned int task_prio(const struct task *t)
{
	return ((const struct fake_task *)(const void *)t)->prio;
}

bool task_killed(const struct task *t)
{
	return ((const struct fake_task *)(const void *)t)->killed;
}

bool in_interrupt(void)
{
	return fake_task.in_interrupt;
}

void fake_task_reset(void)
{
	fake_task = (struct fake_task){ .prio = TASK_PRIO_DEFAULT };
	fake_current = task_current();
}
