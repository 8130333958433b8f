// SPDX-License-Identifier: Apache-2.0
/*
 * `bench rtos`: what the core costs a task, from the last instruction before a
 * call to the first one after it, in this task or in the one it lets run; and
 * again with 100 and with 1,000 other tasks in existence, because a real-time
 * core must not notice them.
 *
 * All tasks of a bench are tied to one CPU. The driver runs at LOW, its partner
 * at HIGH; the others sleep or wait, at every priority. Under -icount with a
 * counter of 1 GHz a nanosecond is an instruction, which gives the times from a
 * deadline on.
 */
#include "rtos/shell/bench.h"
#include "rtos/shell/shell.h"

enum { LOW = 20, HIGH = 21, ROUNDS = 200, MAX_OTHERS = 1000 };
#define NS_PER_S 1000000000ull
#define JOIN_NS (60 * NS_PER_S)
/* Longer than any bench, different for each sleeper. */
#define FAR_NS (1000 * NS_PER_S)
/* From setting an alarm to its expiry: longer than what lies between. */
#define AHEAD_NS 100000ull

static struct bench_sum sum;
static u64 stamp; /* counter or clock when the stretch began */
static struct mutex lock;
static u64 home; /* mask of the one CPU */

static struct sem go, back, leave;
static struct waitq bell = WAITQ_INIT(bell, "bench bell");
static struct spinlock bell_lock = SPINLOCK_INIT(LOCK_RANK_WAIT);
static struct msgq queue;
static u64 message[2], buffer[4][2];
static unsigned int irq;

static struct task *spawn(const char *name, unsigned int prio, void (*fn)(void *), void *arg)
{
	const struct task_attr attr = { .name = name, .prio = prio, .cpus = home };

	return task_create(&attr, fn, arg);
}

/* ---- switches ------------------------------------------------------------------------ */

static void sem_high(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		(void)sem_wait(&go, TM_FOREVER);
		bench_add(&sum, stamp, arch_count());
	}
}

static void sem_low(void)
{
	stamp = arch_count();
	(void)sem_post(&go);
}

/* Two equals in turn: each round is two switches. */
static void pong(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		(void)sem_wait(&go, TM_FOREVER);
		(void)sem_post(&back);
	}
}

static void ping(void)
{
	u64 start = arch_count();

	(void)sem_post(&go);
	(void)sem_wait(&back, TM_FOREVER);
	bench_add(&sum, start, arch_count());
}

static void sem_alone(void)
{
	u64 start = arch_count();

	(void)sem_post(&go);
	(void)sem_wait(&go, TM_FOREVER);
	bench_add(&sum, start, arch_count());
}

static void waitq_high(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		u64 flags = spin_lock_irqsave(&bell_lock);

		(void)waitq_wait(&bell, &bell_lock, &flags, TM_FOREVER);
		spin_unlock_irqrestore(&bell_lock, flags);
		bench_add(&sum, stamp, arch_count());
	}
}

static void waitq_low(void)
{
	stamp = arch_count();
	waitq_wake_one(&bell);
}

static void msgq_high(void *arg)
{
	u64 got[2];

	(void)arg;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		(void)msgq_receive(&queue, got, TM_FOREVER);
		bench_add(&sum, stamp, arch_count());
	}
}

static void msgq_low(void)
{
	stamp = arch_count();
	(void)msgq_send(&queue, message, TM_FOREVER);
}

static void yield_partner(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		task_yield();
		bench_add(&sum, stamp, arch_count());
	}
}

static void yield_low(void)
{
	stamp = arch_count();
	task_yield();
}

/* ---- mutexes ---------------------------------------------------------------------------- */

static void mutex_low(void)
{
	u64 start = arch_count();

	mutex_lock(&lock);
	mutex_unlock(&lock);
	bench_add(&sum, start, arch_count());
}

/* From the call that blocks on what a less urgent task holds to having it: two
 * switches, the owner raised and lowered again, the hand-over. */
static void inherit_high(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		(void)sem_wait(&go, TM_FOREVER);
		stamp = arch_count();
		mutex_lock(&lock);
		bench_add(&sum, stamp, arch_count());
		mutex_unlock(&lock);
	}
}

static void inherit_low(void)
{
	mutex_lock(&lock);
	(void)sem_post(&go);
	mutex_unlock(&lock);
}

/* ---- interrupts ------------------------------------------------------------------------ */

static u32 nr_raised; /* (A) */

static enum irq_result raised(unsigned int line, void *arg)
{
	(void)line;
	(void)arg;
	__atomic_store_n(&nr_raised, nr_raised + 1, __ATOMIC_RELAXED);
	(void)sem_post(&go);
	return IRQ_DONE;
}

/* From the store that raises the line to the task its handler wakes. A line that is
 * raised again before it was served interrupts once for both, so that is waited for. */
static void irq_low(void)
{
	u32 before = nr_raised;
	u64 end = time_after_ns(NS_PER_S);

	stamp = arch_count();
	arch_irq_set_pending(irq);
	while (__atomic_load_n(&nr_raised, __ATOMIC_RELAXED) == before && time_now_ns() < end)
		arch_cpu_relax();
}

/* ---- timers ------------------------------------------------------------------------------ */

/* The task that slept runs: how late, measured by the clock that woke it. */
static void timer_high(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		u64 deadline = time_after_ns(AHEAD_NS);

		sleep_until_ns(deadline);
		bench_add(&sum, deadline, time_now_ns() + bench_empty());
	}
}

/* Something else runs when it expires. */
static void timer_low(void)
{
	u64 end = time_after_ns(AHEAD_NS * 2);

	while (time_now_ns() < end)
		arch_cpu_relax();
}

/* ---- the table ----------------------------------------------------------------------------- */

static const struct {
	const char *name;
	unsigned int partner_prio;
	void (*partner)(void *arg); /* null: none */
	void (*low)(void);          /* one round of the driver */
	unsigned int parts;         /* of a round; its cost is divided by it */
} benches[] = {
	{ "sem_switch", HIGH, sem_high, sem_low, 1 },
	{ "sem_pingpong", LOW, pong, ping, 2 },
	{ "sem_pair", 0, NULL, sem_alone, 1 },
	{ "waitq_switch", HIGH, waitq_high, waitq_low, 1 },
	{ "msgq_switch", HIGH, msgq_high, msgq_low, 1 },
	{ "yield_switch", LOW, yield_partner, yield_low, 1 },
	{ "mutex_pair", 0, NULL, mutex_low, 1 },
	{ "mutex_inherit", HIGH, inherit_high, inherit_low, 1 },
	{ "irq_to_task", HIGH, sem_high, irq_low, 1 },
	{ "timer_to_task", HIGH, timer_high, timer_low, 1 },
};

static unsigned int nr_others;
static bool failed;

static void run_one(unsigned int i)
{
	struct task *partner = NULL;
	char name[48];

	memset(&sum, 0, sizeof(sum));
	if (benches[i].partner) {
		partner = spawn("bench-high", benches[i].partner_prio, benches[i].partner, NULL);
		failed |= !partner;
	}
	for (unsigned int n = 0; n < ROUNDS && !failed; n++)
		benches[i].low();
	if (partner && task_join(partner, time_after_ns(JOIN_NS)))
		failed = true;
	tm_snprintf(name, sizeof(name), "rtos_%s_%u", benches[i].name, nr_others);
	bench_result(name, bench_mean(&sum) / benches[i].parts);
}

static void driver(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < ARRAY_SIZE(benches) && !failed; i++)
		run_one(i);
}

/* ---- the others ------------------------------------------------------------------------------ */

static struct task *others[MAX_OTHERS];

/* One of two waits for good, the other also for its alarm. */
static void bystander(void *arg)
{
	u64 n = (uintptr_t)arg;

	(void)sem_wait(&leave, n % 2 ? time_after_ns(FAR_NS + n * AHEAD_NS) : TM_FOREVER);
}

/* At every priority above the shell, so that each has begun to wait at once. */
static bool add_others(unsigned int upto)
{
	while (nr_others < upto) {
		unsigned int prio = TASK_PRIO_DEFAULT + 1 + nr_others % 23;

		others[nr_others] = spawn("bystander", prio, bystander, (void *)(u64)nr_others);
		if (!others[nr_others])
			return false;
		nr_others++;
	}
	return true;
}

static void remove_others(void)
{
	for (unsigned int i = 0; i < nr_others; i++)
		(void)sem_post(&leave);
	while (nr_others)
		if (task_join(others[--nr_others], time_after_ns(JOIN_NS)))
			failed = true;
}

static bool prepare(void)
{
	const struct irq_attr attr = {
		.name = "bench", .edge = true, .handler = raised, .cpus = home
	};

	mutex_init(&lock, "bench");
	irq = arch_irq_lines() - 1;
	return !sem_init(&go, "bench go", 0, ROUNDS) && !sem_init(&back, "bench back", 0, 1) &&
	       !sem_init(&leave, "bench end", 0, MAX_OTHERS) &&
	       !msgq_init(&queue, "bench queue", buffer, sizeof(message), ARRAY_SIZE(buffer)) &&
	       !irq_request(irq, &attr);
}

int bench_rtos(void)
{
	static const unsigned int steps[] = { 1, 100, MAX_OTHERS };
	u64 cpus_before = cpus_online();

	failed = false;
	home = 1ull << cpu_id();
	if (!prepare()) {
		sh_print("bench: rtos: the last interrupt line is not free\n");
		return EXIT_FAIL;
	}
	task_set_cpus(task_current(), home);
	for (unsigned int i = 0; i < ARRAY_SIZE(steps) && !failed && !sh_interrupted(); i++) {
		struct task *t;

		failed = !add_others(steps[i]);
		t = failed ? NULL : spawn("bench-low", LOW, driver, NULL);
		failed |= !t || task_join(t, time_after_ns(JOIN_NS));
	}
	remove_others();
	(void)irq_free(irq);
	task_set_cpus(task_current(), cpus_before);
	if (failed)
		sh_print("bench: rtos: no memory for all tasks, or one did not end\n");
	return failed ? EXIT_FAIL : EXIT_OK;
}
