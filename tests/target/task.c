/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of tasks: creation that is refused, ends that are waited for or
 * not, stacks that are guarded, clean and measured, and thousands of lives
 * that leave the free memory as they found it.
 */
#include "mm/mm.h"
#include "rtos/task.h"
#include "tests/target/help.h"

enum { LIVES = 3000, BATCH = 30, CROWD = 100 };

static u32 nr_ran; /* (A) */

static void nothing(void *arg)
{
	(void)arg;
	help_add(&nr_ran, 1);
}

static void test_refused(void)
{
	struct task_attr attr = { .name = "refused", .prio = 32 };

	TEST_CHECK(!task_create(&attr, nothing, NULL));
	attr = (struct task_attr){ .name = "refused", .prio = 8, .cpus = ~cpus_online() };
	if (attr.cpus)
		TEST_CHECK(!task_create(&attr, nothing, NULL));
}

static void test_name(void)
{
	struct task *t = help_spawn("a name that is much too long", 8, CPUS_ALL, nothing, NULL);

	TEST_CHECK(t && strcmp(task_name(t), "a name that is ") == 0);
	help_join(t);
	TEST_CHECK(strcmp(task_name(task_current()), "name") == 0);
}

static u32 may_end; /* (A) */

static void patient(void *arg)
{
	(void)arg;
	while (!help_read(&may_end))
		sleep_ns(MS / 10);
	help_add(&nr_ran, 1);
}

static void test_join(void)
{
	struct task *t;

	nr_ran = 0;
	may_end = 0;
	t = help_spawn("patient", 8, CPUS_ALL, patient, NULL);
	TEST_CHECK(task_join(t, 0) == ERR_TIMEDOUT);
	TEST_CHECK(task_join(t, time_after_ns(MS)) == ERR_TIMEDOUT);
	help_add(&may_end, 1);
	TEST_CHECK(task_join(t, time_after_ns(30 * SEC)) == 0);
	TEST_CHECK(nr_ran == 1);
	/* One that has ended long before. */
	t = help_spawn("nothing", 20, CPUS_ALL, nothing, NULL);
	TEST_CHECK(help_await(&nr_ran, 2));
	sleep_ms(1);
	TEST_CHECK(task_join(t, 0) == 0);
}

static void quit(void *arg)
{
	help_add(arg, 1);
	task_exit();
	help_add(arg, 1);
}

static void test_exit(void)
{
	u32 steps = 0;
	struct task *t = help_spawn("quit", 8, CPUS_ALL, quit, &steps);

	help_join(t);
	TEST_CHECK_VAL(steps == 1, steps, 0);
}

/* CROWD tasks at once, all joined: descriptors fill several pages, slots are
 * reused out of order. */
static void crowd(void)
{
	static struct task *t[CROWD];
	unsigned int i;

	may_end = 0;
	for (i = 0; i < CROWD; i++)
		t[i] = help_spawn("crowd", 8, CPUS_ALL, patient, NULL);
	help_add(&may_end, 1);
	for (i = 0; i < CROWD; i++)
		help_join(t[i * 7 % CROWD]);
}

/* Free pages once the reaper is done; the first crowd has paid for the page
 * tables of the stack area, which stay. */
static bool expect_free(u64 want)
{
	u64 deadline = time_after_ns(30 * SEC), pages;

	while (unowned_pages() < want && time_now_ns() < deadline)
		sleep_ns(MS / 5);
	/* A page on its way from a list to a cache may have counted in both. */
	pages = help_settled_pages();
	TEST_CHECK_VAL(pages == want, pages, want);
	return pages == want;
}

static void test_crowd(void)
{
	u64 before;

	crowd();
	before = help_settled_pages();
	crowd();
	crowd();
	expect_free(before);
}

/* More different CPU masks than there are groups: the last ones are refused,
 * and when the others have gone the groups are there again. */
static void test_masks(void)
{
	static struct task *t[CROWD];
	u64 before = help_settled_pages();
	unsigned int i, made = 0;

	may_end = 0;
	for (i = 0; i < CROWD; i++) {
		struct task_attr attr = { .name = "mask", .prio = 8, .cpus = 1 | (u64)i << 40 };

		t[made] = task_create(&attr, patient, NULL);
		made += t[made] != NULL;
	}
	TEST_CHECK_VAL(made > 64 && made < CROWD, made, 0);
	TEST_CHECK(task_set_cpus(task_current(), 1 | (u64)CROWD << 40) == ERR_NOSPC);
	help_add(&may_end, 1);
	for (i = 0; i < made; i++)
		help_join(t[i]);
	TEST_CHECK(task_set_cpus(task_current(), 1 | (u64)CROWD << 40) == 0);
	expect_free(before);
}

/* Thousands of short lives, half of them detached. */
static void test_lives(void)
{
	unsigned int i, batch;
	struct task *t[BATCH];
	u64 before;

	crowd();
	before = help_settled_pages();
	nr_ran = 0;
	for (batch = 0; batch < LIVES / BATCH; batch++) {
		for (i = 0; i < BATCH; i++)
			t[i] = help_spawn("life", 8 + i % 4, CPUS_ALL, nothing, NULL);
		for (i = 0; i < BATCH; i++) {
			if (i % 2)
				help_join(t[i]);
			else if (t[i])
				task_detach(t[i]);
		}
		if (!expect_free(before))
			return;
	}
	TEST_CHECK_VAL(nr_ran == LIVES, nr_ran, LIVES);
}

static tm_noinline u32 use_stack(u32 depth)
{
	volatile u8 room[512];

	room[0] = (u8)depth;
	room[511] = room[0];
	return depth ? use_stack(depth - 1) + room[511] : room[0];
}

static void deep(void *arg)
{
	*(u32 *)arg = stack_used(task_current()->stack);
	use_stack(16);
	*(u32 *)arg = stack_used(task_current()->stack);
}

static void shallow(void *arg)
{
	*(u32 *)arg = stack_used(task_current()->stack);
}

/* What a task left on its stack is gone for the next one. */
static void test_stack(void)
{
	u32 used_deep = 0, used_shallow = 0;

	help_join(help_spawn("deep", 20, CPUS_ALL, deep, &used_deep));
	help_join(help_spawn("shallow", 20, CPUS_ALL, shallow, &used_shallow));
	TEST_CHECK_VAL(used_deep > 16 * 512 && used_deep < STACK_SIZE, used_deep, 0);
	TEST_CHECK_VAL(used_shallow > 0 && used_shallow < 2048, used_shallow, 0);
}

static void test_guard(void)
{
	u64 stack = task_current()->stack;
	bool writable, executable;
	phys_t p;

	TEST_CHECK(arch_translate(stack, &p, &writable, &executable));
	TEST_CHECK(writable && !executable);
	TEST_CHECK(arch_translate(stack + STACK_SIZE - 1, &p, NULL, NULL));
	TEST_CHECK(!arch_translate(stack - 1, &p, NULL, NULL));
	TEST_CHECK(!arch_translate(stack - STACK_SIZE, &p, NULL, NULL));
}

/* The table: ids ascend, this task is there, and says of itself what is so. */
static void test_info(void)
{
	u32 id = 0, last = 0, me = 0, idle = 0;
	struct task_info info;

	for (; task_info_next(&id, &info); last = id++) {
		TEST_CHECK_VAL(id > last && id == info.id, id, last);
		idle += strncmp(info.name, "idle/", 5) == 0;
		if (id != task_current()->id)
			continue;
		me++;
		TEST_CHECK(strcmp(info.name, "info") == 0 && info.state == TASK_RUNNING);
		TEST_CHECK(info.prio == task_prio(task_current()) && info.cpu == cpu_id());
		TEST_CHECK(info.stack_used > 0 && info.stack_used < info.stack_size);
	}
	TEST_CHECK_VAL(me == 1 && idle == cpus_online_count(), me, idle);
}

static void busy(void *arg)
{
	help_spin(20 * MS);
	help_add(arg, 1);
}

/* CPU time is accounted to who used it. */
static void test_cpu_time(void)
{
	u64 busy_before, busy_after, total;
	u32 done = 0, id, tries = 0;
	struct task_info info;
	struct task *t;

	cpu_times(0, &busy_before, &total);
	TEST_CHECK(total >= busy_before);
	t = help_spawn("busy", 20, 1, busy, &done);
	TEST_CHECK(help_await(&done, 1));
	do { /* it has said so, and is about to end */
		sleep_ms(1);
		id = t ? t->id : 0;
		TEST_CHECK(task_info_next(&id, &info) && t && id == t->id);
	} while (info.state != TASK_DEAD && tries++ < 100);
	TEST_CHECK_VAL(info.state == TASK_DEAD && info.run_ns >= 15 * MS, info.run_ns, info.state);
	help_join(t);
	cpu_times(0, &busy_after, &total);
	TEST_CHECK_VAL(busy_after - busy_before >= 15 * MS, busy_before, busy_after);
	cpu_times(MAX_CPUS, &busy_after, &total);
	TEST_CHECK(busy_after == 0 && total == 0);
}

static const struct test_case cases[] = {
	{ "refused", test_refused }, { "name", test_name },         { "join", test_join },
	{ "exit", test_exit },       { "stack", test_stack },       { "guard", test_guard },
	{ "info", test_info },       { "lives", test_lives },       { "crowd", test_crowd },
	{ "masks", test_masks },     { "cpu_time", test_cpu_time },
};

const struct test_suite suite_task = { "task", cases, ARRAY_SIZE(cases) };
