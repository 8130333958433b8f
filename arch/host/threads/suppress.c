/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the thread sanitizer asks the program: options, and the accesses that
 * race on purpose, each with its reason. Whatever else it reports is a bug of
 * the kernel, or a word that should have been atomic.
 */
#include "rtos/lib/base.h"

const char *__tsan_default_options(void);
const char *__tsan_default_suppressions(void);

const char *__tsan_default_options(void)
{
	return "exitcode=66:handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0:"
	       "use_sigaltstack=0:report_thread_leaks=0:report_signal_unsafe=0:history_size=4";
}

const char *__tsan_default_suppressions(void)
{
	return
		/* The high-water mark of a stack is read while its task runs on it: each
		 * word is either still paint or not, and a mark is of a moment. */
		"race:^stack_used$\n"
		/* The sum of what caches ever took and gave is looked at twice by the validator,
		 * to know whether anybody moved; a hit pays one plain store for it. The same
		 * counts are read as a snapshot for views, totals, and the validator's look at a
		 * CPU that just went off. */
		"race:^check_cache_generation$\n"
		"race:^pcp_blocks$\n"
		/* What a CPU of this machine keeps of itself, written by the thread that plays it
		 * from the moment it is on again. */
		"race_top:^arch_irq_save$\n"
		"race_top:^arch_set_current$\n"
		"race_top:^idle_for$\n";
}
