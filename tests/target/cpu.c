/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPUs off and on again: what is refused, where tasks, timers and tied tasks
 * go and that they come back, hooks and their order, and many turns under load
 * from which everything comes out whole.
 */
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "rtos/sched.h"
#include "tests/target/help.h"

enum { CALM = 20, LOAD = 12, TURNS = 6 };

static bool can_go(void)
{
	if (arch_cpu_count() < 2 || cpus_online_count() < 2) {
		test_skip("one CPU");
		return false;
	}
	if (arch_cpu_can_off(1)) {
		test_skip("the machine cannot switch CPUs off");
		return false;
	}
	return true;
}

static unsigned int last_cpu(void)
{
	return fls_u64(cpus_online()) - 1;
}

/* All CPUs back, whatever the case did. */
static void all_on(void)
{
	unsigned int cpu;

	for (cpu = 1; cpu < arch_cpu_count(); cpu++)
		if (!(cpus_online() >> cpu & 1))
			TEST_CHECK_VAL(cpu_on(cpu) == 0, cpu, 0);
}

/* The idle task of CPU 1, which is off, runs nowhere. */
static void expect_idle_shown(void)
{
	struct task_info info;
	u32 id = 0, seen = 0;

	for (; task_info_next(&id, &info); id++)
		if (info.idle && info.cpu == 1)
			seen += info.state == TASK_SUSPENDED;
	TEST_CHECK_VAL(seen == 1, seen, 0);
}

static void test_refused(void)
{
	TEST_CHECK(cpu_off(arch_cpu_count()) == ERR_INVAL);
	TEST_CHECK(cpu_on(arch_cpu_count()) == ERR_INVAL);
	TEST_CHECK(cpu_off(MAX_CPUS + 1) == ERR_INVAL);
	TEST_CHECK(cpu_on(0) == ERR_INVAL);
	TEST_CHECK(cpu_off(0) == ERR_BUSY);
	if (!can_go())
		return;
	TEST_CHECK(cpu_on(1) == ERR_INVAL);
	TEST_CHECK(cpu_off(1) == 0);
	TEST_CHECK(cpu_off(1) == ERR_INVAL);
	expect_idle_shown();
	TEST_CHECK(task_set_cpus(task_current(), 1ull << 1) == ERR_INVAL);
	all_on();
}

/* ---- tied tasks and timers --------------------------------------------------------------- */

static struct {
	u32 turns, stop, on_cpu, fired;
	u64 fired_at;
} tied;

static void tied_task(void *arg)
{
	(void)arg;
	while (!help_read(&tied.stop)) {
		preempt_disable();
		__atomic_store_n(&tied.on_cpu, cpu_id(), __ATOMIC_RELEASE);
		preempt_enable();
		help_add(&tied.turns, 1);
		sleep_ns(MS / 10);
	}
}

static void expect_on(unsigned int cpu, bool there)
{
	u32 at = help_read(&tied.turns);

	TEST_CHECK(help_await(&tied.turns, at + 3));
	TEST_CHECK_VAL((help_read(&tied.on_cpu) == cpu) == there, help_read(&tied.on_cpu), cpu);
}

static void test_tied_task(void)
{
	unsigned int cpu;
	struct task *t;

	if (!can_go())
		return;
	cpu = last_cpu();
	memset(&tied, 0, sizeof(tied));
	t = help_spawn("tied", 10, 1ull << cpu, tied_task, NULL);
	expect_on(cpu, true);
	TEST_CHECK(cpu_off(cpu) == 0);
	TEST_CHECK(!(cpus_online() >> cpu & 1));
	expect_on(cpu, false);
	TEST_CHECK(cpu_on(cpu) == 0);
	TEST_CHECK(cpus_online() >> cpu & 1);
	expect_on(cpu, true);
	help_add(&tied.stop, 1);
	help_join(t);
}

static void fires(struct timer *t)
{
	(void)t;
	tied.fired_at = time_now_ns();
	help_add(&tied.fired, 1);
}

static void start_timer(void *arg)
{
	TEST_CHECK(timer_start(arg, time_after_ns(20 * MS), 10 * MS) == 0);
}

/* A periodic timer of a CPU that goes: it goes on elsewhere, no period lost. */
static void test_timer_moves(void)
{
	static struct timer t;
	unsigned int cpu;
	u32 at;

	if (!can_go())
		return;
	cpu = last_cpu();
	memset(&tied, 0, sizeof(tied));
	timer_init(&t, fires);
	help_join(help_spawn("starter", 10, 1ull << cpu, start_timer, &t));
	TEST_CHECK(cpu_off(cpu) == 0);
	at = help_read(&tied.fired);
	TEST_CHECK(help_await(&tied.fired, at + 3));
	TEST_CHECK(cpu_on(cpu) == 0);
	at = help_read(&tied.fired);
	TEST_CHECK(help_await(&tied.fired, at + 3));
	(void)timer_stop_sync(&t);
	TEST_CHECK_VAL(timer_overruns(&t) <= help_read(&tied.fired), timer_overruns(&t), 0);
}

/* Not everything is movable at once: one that computes there is moved too. */
static void spins(void *arg)
{
	while (!help_read(&tied.stop)) {
		help_add(arg, 1);
		arch_cpu_relax();
	}
}

static void test_running_task_moves(void)
{
	u32 turns = 0, at;
	unsigned int cpu;
	struct task *t;

	if (!can_go())
		return;
	cpu = last_cpu();
	memset(&tied, 0, sizeof(tied));
	TEST_CHECK(task_set_cpus(task_current(), 1) == 0);
	TEST_CHECK(task_set_prio(task_current(), CALM) == 0);
	t = help_spawn("spins", 10, 1ull << cpu, spins, &turns);
	TEST_CHECK(help_await(&turns, 1));
	TEST_CHECK(cpu_off(cpu) == 0);
	at = help_read(&turns);
	TEST_CHECK(help_await(&turns, at + 1));
	help_add(&tied.stop, 1);
	help_join(t);
	all_on();
}

/* The caller may stand on the CPU that goes. */
static void goes_itself(void *arg)
{
	unsigned int cpu = (unsigned int)(uintptr_t)arg;

	TEST_CHECK_VAL(cpu_id() == cpu, cpu_id(), cpu);
	TEST_CHECK(cpu_off(cpu) == 0);
	TEST_CHECK_VAL(cpu_id() != cpu, cpu_id(), cpu);
	TEST_CHECK(cpu_on(cpu) == 0);
}

static void test_from_itself(void)
{
	unsigned int cpu;

	if (!can_go())
		return;
	cpu = last_cpu();
	help_join(help_spawn("goes", 12, 1ull << cpu, goes_itself, (void *)(uintptr_t)cpu));
	TEST_CHECK(cpus_online() >> cpu & 1);
}

/* ---- hooks --------------------------------------------------------------------------------- */

static u32 hook_steps[8], nr_hook_steps;

static void hook_note(u32 step)
{
	if (nr_hook_steps < ARRAY_SIZE(hook_steps))
		hook_steps[nr_hook_steps++] = step;
	sleep_ns(1000); /* they may */
}

static void first_up(unsigned int cpu)
{
	TEST_CHECK(cpus_online() >> cpu & 1);
	hook_note(1);
}

static void first_down(unsigned int cpu)
{
	TEST_CHECK(!(cpus_online() >> cpu & 1) && arch_cpu_is_off(cpu));
	hook_note(2);
}

static void second_up(unsigned int cpu)
{
	(void)cpu;
	hook_note(3);
}

static void second_down(unsigned int cpu)
{
	(void)cpu;
	hook_note(4);
}

static void test_hooks(void)
{
	static struct cpu_hook hooks[3] = {
		{ .name = "first", .up = first_up, .down = first_down },
		{ .name = "none" },
		{ .name = "second", .up = second_up, .down = second_down },
	};
	static bool added;
	unsigned int i;

	if (!can_go())
		return;
	for (i = 0; !added && i < ARRAY_SIZE(hooks); i++)
		cpu_hook_add(&hooks[i]);
	added = true;
	nr_hook_steps = 0;
	TEST_CHECK(cpu_off(1) == 0 && nr_hook_steps == 2);
	TEST_CHECK_VAL(hook_steps[0] == 4 && hook_steps[1] == 2, hook_steps[0], hook_steps[1]);
	TEST_CHECK(cpu_on(1) == 0 && nr_hook_steps == 4);
	TEST_CHECK_VAL(hook_steps[2] == 1 && hook_steps[3] == 3, hook_steps[2], hook_steps[3]);
}

/* What memory computes from the number of CPUs follows it. */
static void test_thresholds(void)
{
	u32 all, one;
	unsigned int cpu;

	if (!can_go())
		return;
	all = zone_next(0)->stat_threshold;
	for (cpu = 1; cpu < arch_cpu_count(); cpu++)
		TEST_CHECK(cpu_off(cpu) == 0);
	one = zone_next(0)->stat_threshold;
	all_on();
	TEST_CHECK_VAL(one < all, one, all);
	TEST_CHECK_VAL(zone_next(0)->stat_threshold == all, zone_next(0)->stat_threshold, all);
}

/* CPU time goes on where it was; the time off is idle time. */
static void test_times(void)
{
	u64 busy[2], total[2];

	if (!can_go())
		return;
	cpu_times(1, &busy[0], &total[0]);
	TEST_CHECK(cpu_off(1) == 0);
	sleep_ms(20);
	cpu_times(1, &busy[1], &total[1]);
	TEST_CHECK(busy[1] == 0 && total[1] == 0);
	TEST_CHECK(cpu_on(1) == 0);
	cpu_times(1, &busy[1], &total[1]);
	TEST_CHECK_VAL(total[1] >= total[0] + 20 * MS, total[0], total[1]);
	TEST_CHECK_VAL(busy[1] >= busy[0] && busy[1] - busy[0] < total[1] - total[0] - 15 * MS,
		       busy[0], busy[1]);
}

/* ---- under load ------------------------------------------------------------ */

static struct {
	u32 stop, turns[LOAD], wrong;
	struct mutex mutex;
	struct sem sem;
	u64 guarded[2];
} load;

static void guarded_step(void)
{
	if (mutex_lock(&load.mutex))
		return;
	if (load.guarded[0] != load.guarded[1])
		help_add(&load.wrong, 1);
	load.guarded[0]++;
	arch_cpu_relax();
	load.guarded[1]++;
	mutex_unlock(&load.mutex);
}

static void works(void *arg)
{
	u32 i = (u32)(uintptr_t)arg, n;

	for (n = i; !help_read(&load.stop); n++) {
		u64 until = time_after_ns((1 + n % 5) * MS);

		if (n % 3 == 0)
			sleep_until_ns(until);
		else if (n % 3 == 1)
			(void)sem_wait(&load.sem, until);
		else
			guarded_step();
		if (n % 3 == 0 && time_now_ns() < until)
			help_add(&load.wrong, 1);
		if (n % 7 == 0)
			(void)sem_post(&load.sem);
		help_add(&load.turns[i], 1);
	}
}

static void everybody_gets_on(void)
{
	u32 at[LOAD], i;

	for (i = 0; i < LOAD; i++)
		at[i] = help_read(&load.turns[i]);
	for (i = 0; i < LOAD; i++)
		TEST_CHECK_VAL(help_await(&load.turns[i], at[i] + 2), i, at[i]);
}

static void expect_sound(void)
{
	u64 flags = sched_lock();
	unsigned int bad = sched_check_locked();

	sched_unlock(flags);
	TEST_CHECK_VAL(bad == 0, bad, cpus_online());
}

/* All secondaries, in changing order, over and over: sleepers, waiters, owners
 * of a mutex, tasks tied to each CPU. */
static void test_turns(void)
{
	unsigned int turn, cpu, nr = arch_cpu_count();
	struct task *t[LOAD];
	u32 i;

	if (!can_go())
		return;
	memset(&load, 0, sizeof(load));
	mutex_init(&load.mutex, "load");
	TEST_CHECK(sem_init(&load.sem, "load", 0, 1000) == 0);
	TEST_CHECK(task_set_prio(task_current(), CALM) == 0);
	for (i = 0; i < LOAD; i++)
		t[i] = help_spawn("load", 4 + i % 8, i % 2 ? CPUS_ALL : 1ull << i / 2 % nr, works,
				  (void *)(uintptr_t)i);
	for (turn = 0; turn < TURNS; turn++) {
		for (i = 1; i < nr; i++) {
			cpu = 1 + (i * 3 + turn) % (nr - 1);
			if (cpus_online() >> cpu & 1)
				TEST_CHECK_VAL(cpu_off(cpu) == 0, cpu, turn);
			expect_sound();
		}
		everybody_gets_on();
		all_on();
		expect_sound();
		everybody_gets_on();
	}
	help_add(&load.stop, 1);
	for (i = 0; i < LOAD; i++)
		help_join(t[i]);
	TEST_CHECK_VAL(load.wrong == 0, load.wrong, 0);
}

/* Two at a time: one of them is told to come later. */
static void flips(void *arg)
{
	unsigned int i, cpu = last_cpu();

	for (i = 0; i < 10; i++) {
		int err = i % 2 ? cpu_on(cpu) : cpu_off(cpu);

		TEST_CHECK_VAL(!err || err == ERR_BUSY || err == ERR_INVAL, err, i);
		help_add(arg, !err);
	}
}

static void test_two_callers(void)
{
	struct task *a, *b;
	u32 done = 0;

	if (!can_go())
		return;
	a = help_spawn("flips", 10, CPUS_ALL, flips, &done);
	b = help_spawn("flips", 10, CPUS_ALL, flips, &done);
	help_join(a);
	help_join(b);
	TEST_CHECK(done > 0);
	all_on();
}

/* Nothing is kept: free memory is the same after the first turn and the last. */
static void test_memory(void)
{
	u64 before;
	u32 i;

	if (!can_go())
		return;
	TEST_CHECK(cpu_off(1) == 0 && cpu_on(1) == 0);
	before = unowned_pages();
	for (i = 0; i < 5; i++)
		TEST_CHECK(cpu_off(1) == 0 && cpu_on(1) == 0);
	TEST_CHECK_VAL(unowned_pages() == before, unowned_pages(), before);
}

static const struct test_case cases[] = {
	{ "refused", test_refused },
	{ "tied_task", test_tied_task },
	{ "timer_moves", test_timer_moves },
	{ "running_task_moves", test_running_task_moves },
	{ "from_itself", test_from_itself },
	{ "hooks", test_hooks },
	{ "thresholds", test_thresholds },
	{ "two_callers", test_two_callers },
	{ "memory", test_memory },
	{ "times", test_times },
	{ "turns", test_turns },
};

const struct test_suite suite_cpu = { "cpu", cases, ARRAY_SIZE(cases) };
