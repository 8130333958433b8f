/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler's promises, one case each: strict priority on one CPU and on
 * all, FIFO among equals, affinity, preemption by a wake-up from a task and
 * from an interrupt, yielding, changes of level and CPUs, and its own equations
 * under random load.
 */
#include "rtos/sched.h"
#include "tests/target/help.h"

enum { BOSS_PRIO = 30 };

static void marker(void *arg)
{
	help_mark((unsigned int)(uintptr_t)arg);
}

/* The case itself becomes the most urgent task of the first CPU; what it
 * starts there runs when it sleeps. Returns that CPU's mask. */
static u64 boss(void)
{
	u64 cpu = help_first_cpus(1);

	TEST_CHECK(task_set_cpus(task_current(), cpu) == 0);
	TEST_CHECK(task_set_prio(task_current(), BOSS_PRIO) == 0);
	help_marks_begin();
	return cpu;
}

static void test_priority_one_cpu(void)
{
	static const unsigned int prio[] = { 5, 20, 10, 25, 1, 15 };
	static const unsigned int want[] = { 25, 20, 15, 10, 5, 1 };
	struct task *t[ARRAY_SIZE(prio)];
	u64 cpu = boss();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(prio); i++)
		t[i] = help_spawn("marker", prio[i], cpu, marker, (void *)(uintptr_t)prio[i]);
	TEST_CHECK(help_nr_marks == 0);
	for (i = 0; i < ARRAY_SIZE(prio); i++)
		help_join(t[i]);
	help_marks_are(want, ARRAY_SIZE(want));
}

/* Equal levels in different groups count as one queue. */
static void test_fifo(void)
{
	static const unsigned int want[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	struct task *t[ARRAY_SIZE(want)];
	u64 cpu = boss(), offline = ~cpus_online();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(want); i++)
		t[i] = help_spawn("marker", 10, i % 2 ? cpu | (offline & (0 - offline)) : cpu,
				  marker, (void *)(uintptr_t)i);
	for (i = 0; i < ARRAY_SIZE(want); i++)
		help_join(t[i]);
	help_marks_are(want, ARRAY_SIZE(want));
}

enum { MAX_SPINNERS = 24 };

static struct {
	u32 stop;                /* (A) */
	u32 turns[MAX_SPINNERS]; /* (A) */
} spin;

static void spinner(void *arg)
{
	u32 *turns = arg;

	while (!help_read(&spin.stop)) {
		help_add(turns, 1);
		arch_cpu_relax();
	}
}

static void stop_spinners(struct task **t, unsigned int n)
{
	help_add(&spin.stop, 1);
	while (n--)
		help_join(t[n]);
}

/* Every urgent spinner gets on, and no other one takes a turn meanwhile. */
static bool only_urgent_ran(unsigned int first_urgent, unsigned int n)
{
	u32 before[MAX_SPINNERS];
	unsigned int i;
	bool quiet = true;

	for (i = 0; i < n; i++)
		before[i] = help_read(&spin.turns[i]);
	for (i = first_urgent; i < n; i++)
		TEST_CHECK_VAL(help_await(&spin.turns[i], before[i] + 10), i, before[i]);
	sleep_ms(2);
	for (i = 0; i < first_urgent; i++)
		quiet = quiet && help_read(&spin.turns[i]) == before[i];
	return quiet;
}

/*
 * Twice as many spinning tasks as CPUs: the upper half runs, the lower half
 * does not get a single turn. The case sleeps except to look. An emulated CPU
 * whose host thread waits takes its interrupt late, and what it ran until then
 * goes on; so first it may take some rounds to get there, and then it stays.
 */
static void test_priority_all_cpus(void)
{
	unsigned int cpus_used = (unsigned int)min_u64(cpus_online_count(), 12);
	u64 cpu_mask = help_first_cpus(cpus_used);
	struct task *t[MAX_SPINNERS];
	unsigned int i, n = 2 * cpus_used, settling = 20;

	boss();
	memset(&spin, 0, sizeof(spin));
	/* Least urgent first, so that each newcomer has to preempt. */
	for (i = 0; i < n; i++)
		t[i] = help_spawn("spinner", BOSS_PRIO - n + i, cpu_mask, spinner, &spin.turns[i]);
	/* Once all of the upper half run, there is no CPU for the others. */
	for (i = cpus_used; i < n; i++)
		TEST_CHECK_VAL(help_await(&spin.turns[i], 1), i, 0);
	while (settling && !only_urgent_ran(cpus_used, n))
		settling--;
	TEST_CHECK(settling > 0);
	for (i = 0; i < 5; i++)
		TEST_CHECK_VAL(only_urgent_ran(cpus_used, n), i, 0);
	stop_spinners(t, n);
}

static u32 nr_strays; /* (A) times a task was seen on a CPU it may not use */

static void stay_put(void *arg)
{
	u64 cpu_mask = (uintptr_t)arg;
	unsigned int i;

	for (i = 0; i < 200; i++) {
		if (!(cpu_mask & (1ull << cpu_id())))
			help_add(&nr_strays, 1);
		if (i % 4 == 0)
			sleep_ns(10 * 1000);
		else
			task_yield();
	}
}

static void test_affinity(void)
{
	u64 online = cpus_online(), left, pair;
	struct task *t[MAX_SPINNERS];
	unsigned int n = 0;

	nr_strays = 0;
	for (left = online; left && n + 2 <= MAX_SPINNERS; left &= left - 1) {
		u64 one = left & (0 - left);

		pair = one | ((left & (left - 1)) & (0 - (left & (left - 1))));
		t[n++] = help_spawn("one", 12, one, stay_put, (void *)(uintptr_t)one);
		t[n++] = help_spawn("pair", 12, pair, stay_put, (void *)(uintptr_t)pair);
	}
	while (n--)
		help_join(t[n]);
	TEST_CHECK_VAL(nr_strays == 0, nr_strays, online);
}

/* A task moves itself round all CPUs. */
static void test_migrate_self(void)
{
	u64 online = cpus_online(), left = online;
	unsigned int i;

	for (i = 0; i < 300; i++, left &= left - 1) {
		if (!left)
			left = online;
		TEST_CHECK(task_set_cpus(task_current(), left & (0 - left)) == 0);
		TEST_CHECK_VAL((left & (0 - left)) == 1ull << cpu_id(), left, cpu_id());
	}
	TEST_CHECK(task_set_cpus(task_current(), ~online) == ERR_INVAL || !~online);
	TEST_CHECK(task_set_cpus(task_current(), 0) == ERR_INVAL);
}

static u32 cpu_seen; /* (A) CPU + 1 */

static void reporter(void *arg)
{
	(void)arg;
	while (!help_read(&spin.stop)) {
		__atomic_store_n(&cpu_seen, cpu_id() + 1, __ATOMIC_RELEASE);
		arch_cpu_relax();
	}
}

/* A task that never sleeps is moved by another one. */
static void test_migrate_other(void)
{
	u64 left = cpus_online(), deadline;
	struct task *t;

	boss();
	memset(&spin, 0, sizeof(spin));
	t = help_spawn("reporter", 10, CPUS_ALL, reporter, NULL);
	for (; left; left &= left - 1) {
		u32 want = (u32)__builtin_ctzll(left) + 1;

		TEST_CHECK(task_set_cpus(t, left & (0 - left)) == 0);
		deadline = time_after_ns(10 * SEC);
		while (help_read(&cpu_seen) != want && time_now_ns() < deadline)
			sleep_ns(100 * 1000);
		TEST_CHECK_VAL(help_read(&cpu_seen) == want, cpu_seen, want);
	}
	stop_spinners(&t, 1);
}

/* ---- preemption ------------------------------------------------------------------ */

static struct spinlock gate_lock = SPINLOCK_INIT(LOCK_RANK_NONE);
static struct waitq gate = WAITQ_INIT(gate, "gate");
static u32 nr_waiting; /* (A) */
static bool open;      /* (gate_lock) */

static void gate_close(void)
{
	open = false;
	nr_waiting = 0;
}

static void gate_wait(void)
{
	u64 flags = spin_lock_irqsave(&gate_lock);

	help_add(&nr_waiting, 1);
	while (!open)
		waitq_wait(&gate, &gate_lock, &flags, TM_FOREVER);
	spin_unlock_irqrestore(&gate_lock, flags);
}

static void gate_open(void)
{
	u64 flags = spin_lock_irqsave(&gate_lock);

	open = true;
	spin_unlock_irqrestore(&gate_lock, flags);
	waitq_wake_all(&gate);
}

static void gated(void *arg)
{
	gate_wait();
	help_mark((unsigned int)(uintptr_t)arg);
}

/* Waking a more urgent task: it has run before the call returns. An equal or
 * less urgent one has not. */
static void test_preempt_by_wake(void)
{
	static const unsigned int want[] = { 31, 99, 30, 29 };
	struct task *t[3];
	u64 cpu = boss();
	unsigned int i;

	gate_close();
	for (i = 0; i < 3; i++)
		t[i] = help_spawn("gated", 29 + i, cpu, gated, (void *)(uintptr_t)(29 + i));
	TEST_CHECK(help_await(&nr_waiting, 3));
	gate_open();
	help_mark(99);
	for (i = 0; i < 3; i++)
		help_join(t[i]);
	help_marks_are(want, ARRAY_SIZE(want));
}

static u32 low_turns;          /* (A) */
static u32 turns_at_interrupt; /* (A) */

static void low(void *arg)
{
	(void)arg;
	while (!help_read(&spin.stop)) {
		help_add(&low_turns, 1);
		arch_cpu_relax();
	}
}

static void high(void *arg)
{
	u32 *turns_passed = arg;

	gate_wait();
	*turns_passed = help_read(&low_turns) - help_read(&turns_at_interrupt);
	help_add(&spin.stop, 1);
}

static void open_from_interrupt(struct timer *t)
{
	(void)t;
	__atomic_store_n(&turns_at_interrupt, help_read(&low_turns), __ATOMIC_RELEASE);
	gate_open();
}

/* A low task spins; the timer interrupt wakes a high one on the same CPU. It
 * must run before the low one takes another turn. */
static void test_preempt_by_irq(void)
{
	struct timer timer = { .fn = open_from_interrupt };
	u64 cpu = boss();
	u32 passed = ~0u;
	struct task *t[2];

	memset(&spin, 0, sizeof(spin));
	gate_close();
	low_turns = 0;
	t[0] = help_spawn("high", 20, cpu, high, &passed);
	t[1] = help_spawn("low", 10, cpu, low, NULL);
	TEST_CHECK(help_await(&nr_waiting, 1));
	TEST_CHECK(help_await(&low_turns, 1));
	timer_start(&timer, time_after_ns(MS), 0);
	help_join(t[0]);
	help_join(t[1]);
	TEST_CHECK_VAL(passed == 0, passed, low_turns);
}

static void marks_twice(void *arg)
{
	(void)arg;
	help_mark(1);
	while (!help_read(&spin.stop))
		arch_cpu_relax();
	help_mark(2);
}

/* A preempted task goes on before those of its level that have not begun. */
static void test_preempted_first(void)
{
	static const unsigned int want[] = { 1, 2, 3 };
	u64 cpu = boss();
	struct task *t[2];

	memset(&spin, 0, sizeof(spin));
	t[0] = help_spawn("preempted", 10, cpu, marks_twice, NULL);
	t[1] = help_spawn("marker", 10, cpu, marker, (void *)3);
	/* Each look at it preempts the first. */
	TEST_CHECK(help_await(&help_nr_marks, 1));
	sleep_ms(1);
	help_add(&spin.stop, 1);
	help_join(t[0]);
	help_join(t[1]);
	help_marks_are(want, ARRAY_SIZE(want));
}

/* With preemption off the switch waits for preempt_enable(). */
static void test_preempt_disable(void)
{
	static const unsigned int want[] = { 1, 2, 31 };
	u64 cpu = boss();
	struct task *t;

	t = help_spawn("marker", 1, cpu, marker, (void *)31);
	preempt_disable();
	TEST_CHECK(task_set_prio(t, 31) == 0);
	help_mark(1);
	help_spin(MS / 10);
	help_mark(2);
	preempt_enable();
	help_join(t);
	help_marks_are(want, ARRAY_SIZE(want));
}

/* Interrupts masked by hand: no lock, no preempt_enable() on the way out. */
static void test_preempt_masked(void)
{
	static const unsigned int want[] = { 1, 31 };
	u64 cpu, deadline, flags;
	struct task *t;

	cpu = boss();
	gate_close();
	t = help_spawn("gated", 31, cpu, gated, (void *)31);
	TEST_CHECK(help_await(&nr_waiting, 1));
	flags = arch_irq_save();
	gate_open();
	help_mark(1);
	arch_irq_restore(flags);
	/* The call to itself arrives as an interrupt: soon, not at once. */
	deadline = time_after_ns(SEC);
	while (help_read(&help_nr_marks) < 2 && time_now_ns() < deadline)
		arch_cpu_relax();
	help_marks_are(want, ARRAY_SIZE(want));
	help_join(t);
}

static void yielder(void *arg)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		help_mark((unsigned int)(uintptr_t)arg);
		task_yield();
	}
}

static void test_yield(void)
{
	static const unsigned int want[] = { 1, 2, 3, 1, 2, 3, 1, 2, 3 };
	struct task *t[3];
	u64 cpu = boss();
	unsigned int i;

	for (i = 0; i < 3; i++)
		t[i] = help_spawn("yielder", 10, cpu, yielder, (void *)(uintptr_t)(i + 1));
	for (i = 0; i < 3; i++)
		help_join(t[i]);
	help_marks_are(want, ARRAY_SIZE(want));
}

/* Raising a ready task, lowering oneself: both switch at once. */
static void test_set_prio(void)
{
	static const unsigned int want[] = { 0, 7, 1, 5, 2 };
	u64 cpu = boss();
	struct task *a, *b;

	a = help_spawn("marker", 5, cpu, marker, (void *)5);
	b = help_spawn("marker", 6, cpu, marker, (void *)7);
	help_mark(0);
	TEST_CHECK(task_set_prio(b, 31) == 0);
	help_mark(1);
	TEST_CHECK(task_set_prio(task_current(), 4) == 0);
	help_mark(2);
	help_join(a);
	help_join(b);
	help_marks_are(want, ARRAY_SIZE(want));
	TEST_CHECK(task_set_prio(task_current(), 32) == ERR_INVAL);
	TEST_CHECK(task_prio(task_current()) == 4);
}

/* ---- random load ------------------------------------------------------------------- */

enum { NR_RANDOM = 24, RANDOM_STEPS = 150 };

static struct task *random_tasks[NR_RANDOM];
static u32 random_ready, random_done; /* (A) */

static u64 next_random(u64 *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 33;
}

static void random_task(void *arg)
{
	u64 state = (uintptr_t)arg, online = cpus_online();
	unsigned int i;

	while (!help_read(&random_ready))
		sleep_ns(MS / 10);
	for (i = 0; i < RANDOM_STEPS; i++) {
		struct task *other = random_tasks[next_random(&state) % NR_RANDOM];
		u64 pick = next_random(&state);

		switch (pick % 6) {
		case 0:
			sleep_ns(pick % 30000);
			break;
		case 1:
			task_yield();
			break;
		case 2:
			task_set_prio(other, (unsigned int)(pick / 6 % 15 + 1));
			break;
		case 3:
			pick = next_random(&state) & online;
			task_set_cpus(other, pick ? pick : CPUS_ALL);
			break;
		default:
			help_spin(pick % 5000);
		}
	}
	help_add(&random_done, 1);
}

static void test_random(void)
{
	unsigned int i, bad = 0;
	u64 flags;

	boss();
	random_ready = 0;
	random_done = 0;
	for (i = 0; i < NR_RANDOM; i++)
		random_tasks[i] =
			help_spawn("random", 10, CPUS_ALL, random_task, (void *)(uintptr_t)(i + 1));
	help_add(&random_ready, 1);
	for (i = 0; i < 200; i++) {
		flags = sched_lock();
		bad += sched_check_locked();
		sched_unlock(flags);
		sleep_ns(100 * 1000);
	}
	/* None is released while another may still change it. */
	TEST_CHECK_VAL(help_await(&random_done, NR_RANDOM), random_done, NR_RANDOM);
	for (i = 0; i < NR_RANDOM; i++)
		help_join(random_tasks[i]);
	TEST_CHECK_VAL(bad == 0, bad, 0);
}

static const struct test_case cases[] = {
	{ "priority_one_cpu", test_priority_one_cpu },
	{ "fifo", test_fifo },
	{ "priority_all_cpus", test_priority_all_cpus },
	{ "affinity", test_affinity },
	{ "migrate_self", test_migrate_self },
	{ "migrate_other", test_migrate_other },
	{ "preempt_by_wake", test_preempt_by_wake },
	{ "preempt_by_irq", test_preempt_by_irq },
	{ "preempted_first", test_preempted_first },
	{ "preempt_disable", test_preempt_disable },
	{ "preempt_masked", test_preempt_masked },
	{ "yield", test_yield },
	{ "set_prio", test_set_prio },
	{ "random", test_random },
};

const struct test_suite suite_sched = { "sched", cases, ARRAY_SIZE(cases) };
