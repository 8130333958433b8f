/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helpers of the rtos suites; see help.h. Every wait here is bounded by the
 * machine's own time, so that a lost wake-up is a failed check and not a hang.
 */
#include "tests/target/help.h"

enum { PATIENCE_S = 30, LOOKS = 64 };

struct task *help_spawn(const char *name, unsigned int prio, u64 cpu_mask, void (*fn)(void *),
			void *arg)
{
	const struct task_attr attr = { .name = name, .prio = prio, .cpus = cpu_mask };
	struct task *t = task_create(&attr, fn, arg);

	TEST_CHECK_VAL(t, prio, cpu_mask);
	return t;
}

void help_join(struct task *t)
{
	if (t)
		TEST_CHECK(task_join(t, time_after_ns(PATIENCE_S * SEC)) == 0);
}

void help_spin(u64 ns)
{
	u64 end = time_after_ns(ns);
	unsigned int looks;

	/* Where CPUs take turns every relaxing look hands over to the next, which
	 * costs the emulator far more than what is waited for. */
	for (looks = 0; time_now_ns() < end; looks++)
		if (looks % LOOKS == 0)
			arch_cpu_relax();
}

bool help_await(const u32 *word, u32 want)
{
	u64 deadline = time_after_ns(PATIENCE_S * SEC);

	while (help_read(word) < want) {
		if (time_now_ns() >= deadline)
			return false;
		sleep_ns(MS / 10);
	}
	return true;
}

u64 help_first_cpus(unsigned int n)
{
	u64 left = cpus_online(), mask = 0;

	for (; left && n; n--, left &= left - 1)
		mask |= left & (0 - left);
	return mask;
}
