/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The task that walks; contracts in walker.h. Background priority: it takes what
 * time is left, and holds a zone's lock for 32 frames at a time. It can be frozen
 * like any other.
 */
#include "tests/target/walker.h"

#include "mm/mm.h"
#include "tests/target/suites.h"

enum {
	WALKER_PRIO = 2,
	LOOK_MS = 20, /* at whether to stop */
	LOOKS = 50,   /* between two walks: a second */
	TEXT_BYTES = 1024,
};

static struct task *walker; /* of who runs suites */
static u32 stop;            /* (A) */

static bool walks_beside(const char *suite)
{
	static const char *const names[] = { "mm*", "pcp", "policy" };

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
		if (tm_glob(names[i], suite))
			return true;
	return false;
}

static void walk_once(void)
{
	static char text[TEXT_BYTES];
	struct out_buf ob;

	out_buf_init(&ob, text, sizeof(text));
	if (mm_check(&ob.out))
		test_report("the walk found: %s", text);
}

static void walk(void *arg)
{
	(void)arg;
	for (u32 i = 1; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++) {
		(void)task_try_freeze();
		sleep_ms(LOOK_MS);
		if (i % LOOKS == 0)
			walk_once();
	}
}

void walker_begin(const char *suite)
{
	const struct task_attr attr = { .name = "walker",
					.prio = WALKER_PRIO,
					.flags = TASK_FREEZABLE };

	if (!tm_debug || !walks_beside(suite))
		return;
	__atomic_store_n(&stop, 0, __ATOMIC_RELEASE);
	walker = task_create(&attr, walk, NULL);
}

void walker_end(void)
{
	if (!walker)
		return;
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	(void)task_join(walker, TM_FOREVER);
	walker = NULL;
}
