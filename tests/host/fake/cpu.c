/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls between the CPUs of the fake machine, which one thread plays: the call
 * runs at once, as that CPU, masked, until nobody is asked for anything any more.
 * Asking while interrupts are masked or a lock is held, as a real CPU may, leaves
 * it to the next fake_cpu_calls() or to the next call asked for without either. Pages are
 * cleared and copied by the C library.
 */
#include "fake.h"

#include <string.h>

#include "mm/mm.h"

enum { MAX_CALLS = 8 };

static cpu_call_fn calls[MAX_CALLS];
static unsigned int nr_calls;
static u32 asked[MAX_CPUS];
static struct cpu_hook *hook;

void cpu_hook_add(struct cpu_hook *h)
{
	hook = h;
}

unsigned int cpu_call_add(cpu_call_fn fn)
{
	BUG_ON(nr_calls == MAX_CALLS);
	calls[nr_calls] = fn;
	return nr_calls++;
}

static void run_one(unsigned int cpu)
{
	unsigned int back = cpu_id();
	u32 bits = asked[cpu];

	asked[cpu] = 0;
	fake_set_cpu(cpu);
	fake_irqs_masked = true;
	for (; bits; bits &= bits - 1)
		calls[__builtin_ctz(bits)]();
	fake_irqs_masked = false;
	fake_set_cpu(back);
}

void fake_cpu_calls(void)
{
	bool again = !fake_irqs_masked;

	while (again) {
		again = false;
		for (unsigned int cpu = 0; cpu < arch_cpu_count(); cpu++) {
			if (!asked[cpu])
				continue;
			run_one(cpu);
			again = true;
		}
	}
}

void cpu_call(u64 cpus, unsigned int call)
{
	BUG_ON_VAL(call >= nr_calls, call, nr_calls);
	for (unsigned int cpu = 0; cpu < arch_cpu_count(); cpu++)
		if (cpus >> cpu & 1)
			asked[cpu] |= 1u << call;
	if (!fake_locks_held())
		fake_cpu_calls();
}

void fake_cpu_down(unsigned int cpu)
{
	hook->down(cpu);
}

/* Nobody else runs meanwhile: what a sleeper waits for is there, or never comes. */
void sleep_ns(u64 ns)
{
	fake_clock_ns(time_now_ns() + ns);
	fake_paused('z');
}

u64 time_after_ns(u64 ns)
{
	return time_now_ns() + ns;
}

void arch_clear_page(void *p)
{
	memset(p, 0, PAGE_SIZE);
}

void arch_copy_page(void *to, const void *from)
{
	memcpy(to, from, PAGE_SIZE);
}
