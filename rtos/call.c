/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls between CPUs: contracts in rtos.h. Which CPU was asked for what is a word
 * of bits for each, so asking again before it ran costs one atomic operation and
 * no interrupt. They ride on the interrupt that calls a CPU to switch; sched_ipi()
 * looks at its word.
 *
 * A bit that is set has an interrupt on its way: whoever sets it first sends one.
 * A CPU that goes off looks once more when it has left cpus_online(); what was
 * asked after that look waits in its word until it is back. The table of functions
 * is complete before there is a second CPU.
 */
#include "rtos/sched.h"

enum { MAX_CALLS = 8 };

static cpu_call_fn calls[MAX_CALLS]; /* (I) after boot */
static unsigned int nr_calls;        /* (I) */
static u32 asked[MAX_CPUS];          /* (A) bit n: calls[n] */

unsigned int cpu_call_add(cpu_call_fn fn)
{
	BUG_ON_VAL(!fn || nr_calls == MAX_CALLS, nr_calls, MAX_CALLS);
	calls[nr_calls] = fn;
	return nr_calls++;
}

void cpu_call(u64 mask, unsigned int call)
{
	u64 left = mask & cpus_online();
	u32 bit = 1u << call;

	BUG_ON_VAL(call >= nr_calls, call, nr_calls);
	for (; left; left &= left - 1) {
		unsigned int cpu = (unsigned int)__builtin_ctzll(left);

		if (!(__atomic_fetch_or(&asked[cpu], bit, __ATOMIC_ACQ_REL) & bit))
			arch_send_reschedule(cpu);
	}
}

void cpu_calls_run(void)
{
	u32 *mine = &asked[cpu_id()];
	u32 bits;

	BUG_ON(!arch_irqs_masked());
	if (likely(!__atomic_load_n(mine, __ATOMIC_RELAXED)))
		return;
	bits = __atomic_exchange_n(mine, 0, __ATOMIC_ACQ_REL);
	for (; bits; bits &= bits - 1)
		calls[__builtin_ctz(bits)]();
}
