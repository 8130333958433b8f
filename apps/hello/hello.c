// SPDX-License-Identifier: Apache-2.0
/*
 * The smallest app that does something: it greets, then counts once a second,
 * and says how late each time it woke. It sleeps until absolute times, so the
 * lateness of one tick does not move the next. Runs until it is killed.
 */
#include "apps/app.h"

#define PERIOD_NS 1000000000ull

int app_main(void)
{
	u64 next = time_now_ns();

	pr_info("hello from task '%s', priority %u", task_name(task_current()),
		task_prio(task_current()));
	for (unsigned int tick = 1;; tick++) {
		next += PERIOD_NS;
		sleep_until_ns(next);
		pr_info("hello: tick %u, woke %llu us late", tick,
			(unsigned long long)(time_now_ns() - next) / 1000);
	}
}
