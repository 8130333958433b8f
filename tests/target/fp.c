/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks with floating point: what they compute does not depend on who ran in
 * between, on the same CPU or on another, with it or without; and their place
 * at the top of the stack is theirs.
 */
#include "rtos/task.h"
#include "tests/target/fp_work.h"
#include "tests/target/help.h"

enum { WORKERS = 6, TURNS = 40, ROUNDS = 400, PRIO = 10, PATIENCE = 30 };

static struct worker {
	struct task *task;
	u64 seed, want;
	u32 wrong, done; /* (A) done */
} workers[WORKERS];

static struct task *spawn_fp(unsigned int prio, u64 cpu_mask, void (*fn)(void *), void *arg)
{
	const struct task_attr attr = {
		.name = "fp", .prio = prio, .cpus = cpu_mask, .flags = TASK_FP
	};
	struct task *t = task_create(&attr, fn, arg);

	TEST_CHECK_VAL(t, prio, cpu_mask);
	return t;
}

/* Alone: what the sums are. */
static void reference(void *arg)
{
	struct worker *w = arg;

	w->want = fp_sums(w->seed, ROUNDS);
}

/* Wakes at odd times, in the middle of what the less urgent compute. */
static void compute(void *arg)
{
	struct worker *w = arg;
	u32 i;

	for (i = 0; i < TURNS; i++) {
		w->wrong += fp_sums(w->seed, ROUNDS) != w->want;
		sleep_ns((20 + (w->seed + i) * 37 % 100) * 1000);
	}
	help_add(&w->done, 1);
}

static u32 all_done(void)
{
	u32 i, n = 0;

	for (i = 0; i < WORKERS; i++)
		n += help_read(&workers[i].done);
	return n;
}

/* Keeps the workers moving: each turn every one of them gets another CPU. */
static void drive(u64 cpu_mask)
{
	u64 deadline = time_after_ns(PATIENCE * SEC);
	u32 turn, i;

	for (turn = 0; all_done() < WORKERS && time_now_ns() < deadline; turn++) {
		for (i = 0; i < WORKERS; i++) {
			u64 only = cpu_mask & (1ull << ((turn + i) % MAX_CPUS));

			TEST_CHECK(task_set_cpus(workers[i].task, only ? only : cpu_mask) == 0);
		}
		sleep_ns(70 * 1000);
	}
}

static void run_workers(u64 cpu_mask)
{
	u32 i;

	memset(workers, 0, sizeof(workers));
	for (i = 0; i < WORKERS; i++) {
		workers[i].seed = 77 * i + 5;
		help_join(spawn_fp(PRIO, cpu_mask, reference, &workers[i]));
	}
	TEST_CHECK(task_set_prio(task_current(), PRIO + WORKERS + 1) == 0);
	for (i = 0; i < WORKERS; i++)
		workers[i].task = spawn_fp(PRIO + i, cpu_mask, compute, &workers[i]);
	drive(cpu_mask);
	for (i = 0; i < WORKERS; i++) {
		help_join(workers[i].task);
		TEST_CHECK_VAL(workers[i].wrong == 0, i, workers[i].wrong);
	}
}

static void test_one_cpu(void)
{
	run_workers(help_first_cpus(1));
}

static void test_all_cpus(void)
{
	run_workers(cpus_online());
}

/* Bytes between the top of the stack and a frame of the task's body. */
static void measure(void *arg)
{
	u64 frame = (u64)(uintptr_t)__builtin_frame_address(0);
	struct task *t = task_current();

	*(u64 *)arg = t->stack + STACK_SIZE - frame;
	TEST_CHECK_VAL(stack_used(t->stack) >= t->stack + STACK_SIZE - frame, frame, t->stack);
}

/* It lies above all frames, and only a task that needs it has it. */
static void test_place(void)
{
	u64 with = 0, without = 0;

	help_join(spawn_fp(PRIO + 20, CPUS_ALL, measure, &with));
	help_join(help_spawn("plain", PRIO + 20, CPUS_ALL, measure, &without));
	TEST_CHECK_VAL(with == without + ARCH_FP_BYTES, with, without);
}

static void test_info(void)
{
	static struct worker w = { .seed = 1 };
	struct task *t = spawn_fp(PRIO, CPUS_ALL, compute, &w);
	u32 id = t ? t->id : 0;
	struct task_info info;

	TEST_CHECK(task_info_next(&id, &info) && t && id == t->id);
	TEST_CHECK_VAL(info.flags == TASK_FP, info.flags, 0);
	TEST_CHECK_VAL(info.stack_used + 1 > ARCH_FP_BYTES, info.stack_used, 0);
	help_join(t);
}

static void test_unknown_flag(void)
{
	const struct task_attr attr = { .name = "refused", .prio = 8, .flags = 1u << 31 };

	TEST_CHECK(!task_create(&attr, compute, NULL));
}

static const struct test_case cases[] = {
	{ "one_cpu", test_one_cpu }, { "all_cpus", test_all_cpus },         { "place", test_place },
	{ "info", test_info },       { "unknown_flag", test_unknown_flag },
};

const struct test_suite suite_fp = { "fp", cases, ARRAY_SIZE(cases) };
