// SPDX-License-Identifier: Apache-2.0
/*
 * Linked in together with an app: creates the task "app", which calls the
 * user's app_main() and says so when its result is not 0. Knows nothing else of
 * the app. Its opposite, for Images without one, is none.c.
 */
#include "apps/app.h"

static void run_app(void *arg)
{
	int result = app_main();

	(void)arg;
	if (result)
		pr_warn("app: ended with %d", result);
}

void app_start(void)
{
	static const struct task_attr attr = {
		.name = "app",
		.prio = TASK_PRIO_DEFAULT,
		.flags = TASK_FP,
	};
	struct task *t = task_create(&attr, run_app, NULL);

	if (t)
		task_detach(t);
	else
		pr_err("app: no memory for its task");
}
