/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Priority inheritance: whoever is waited for has the priority of the most
 * urgent waiter, at the end of any chain and for any number of mutexes, gets it
 * at once and loses it at once; a dead owner's mutexes go on; a server is as
 * urgent as its clients. Actors do one thing at a time, as the case tells them,
 * and after each step the scheduler's own equations are looked at.
 */
#include "rtos/sched.h"
#include "tests/target/help.h"

enum { BOSS_PRIO = 30, MAX_ACTORS = 14, MAX_MUTEXES = 14 };

/* ---- actors ------------------------------------------------------------------------ */

enum deed { DO_LOCK, DO_UNLOCK, DO_END };

struct actor {
	struct task *t;
	struct sem go;
	enum deed deed;
	struct mutex *m;
	u64 deadline;
	int result; /* of the last deed */
	u32 done;   /* (A) deeds */
};

static struct actor actor[MAX_ACTORS];
static struct mutex mutex[MAX_MUTEXES];

static void act(void *arg)
{
	struct actor *a = arg;

	for (;;) {
		sem_wait(&a->go, TM_FOREVER);
		if (a->deed == DO_END)
			return;
		if (a->deed == DO_LOCK) {
			a->result = mutex_lock_until(a->m, a->deadline);
			help_mark((unsigned int)(a - actor));
		} else {
			mutex_unlock(a->m);
		}
		help_add(&a->done, 1);
	}
}

/* The case becomes more urgent than what it watches. */
static void begin(void)
{
	unsigned int i;

	TEST_CHECK(task_set_prio(task_current(), BOSS_PRIO) == 0);
	for (i = 0; i < MAX_MUTEXES; i++)
		mutex_init(&mutex[i], "test");
	help_marks_begin();
}

static void enter(unsigned int i, unsigned int prio)
{
	struct actor *a = &actor[i];

	*a = (struct actor){ .deed = DO_END };
	TEST_CHECK(sem_init(&a->go, "actor", 0, 1) == 0);
	a->t = help_spawn("actor", prio, CPUS_ALL, act, a);
}

static void tell(unsigned int i, enum deed deed, struct mutex *m, u64 deadline)
{
	actor[i].deed = deed;
	actor[i].m = m;
	actor[i].deadline = deadline;
	TEST_CHECK(sem_post(&actor[i].go) == 0);
}

static void leave(unsigned int i)
{
	tell(i, DO_END, NULL, 0);
	help_join(actor[i].t);
}

/* Done with what it was told; its n-th deed. */
static void expect_done(unsigned int i, u32 n, int result)
{
	TEST_CHECK_VAL(help_await(&actor[i].done, n), i, n);
	TEST_CHECK_VAL(actor[i].result == result, actor[i].result, result);
}

static void lock_now(unsigned int i, struct mutex *m)
{
	u32 n = help_read(&actor[i].done) + 1;

	tell(i, DO_LOCK, m, TM_FOREVER);
	expect_done(i, n, 0);
}

static void unlock_now(unsigned int i, struct mutex *m)
{
	u32 n = help_read(&actor[i].done) + 1;

	tell(i, DO_UNLOCK, m, 0);
	TEST_CHECK(help_await(&actor[i].done, n));
}

/* Let actor i wait for m as its n-th waiter. */
static void let_wait(unsigned int i, struct mutex *m, u32 n, u64 deadline)
{
	tell(i, DO_LOCK, m, deadline);
	TEST_CHECK_VAL(help_await(&m->queue.nr_waiting, n), i, n);
}

static void check_equations(void)
{
	u64 flags = sched_lock();
	unsigned int bad = sched_check_locked();

	sched_unlock(flags);
	TEST_CHECK_VAL(bad == 0, bad, 0);
}

/* A long chain goes on in interrupts: soon, not at once. */
static void expect_task_prio(const struct task *t, unsigned int want)
{
	u64 deadline = time_after_ns(10 * SEC);

	while (task_prio(t) != want && time_now_ns() < deadline)
		sleep_ns(MS / 10);
	TEST_CHECK_VAL(task_prio(t) == want, task_prio(t), want);
	check_equations();
}

static void expect_prio(unsigned int i, unsigned int want)
{
	expect_task_prio(actor[i].t, want);
}

static bool info_of(const struct task *t, struct task_info *info)
{
	u32 id = t->id;

	return task_info_next(&id, info) && info->id == t->id;
}

/* ---- one mutex ----------------------------------------------------------------------- */

static void test_one_step(void)
{
	struct task_info info;

	begin();
	enter(0, 5);
	enter(1, 20);
	lock_now(0, &mutex[0]);
	expect_prio(0, 5);
	let_wait(1, &mutex[0], 1, TM_FOREVER);
	expect_prio(0, 20);
	TEST_CHECK(info_of(actor[0].t, &info) && info.base_prio == 5 && info.mutexes == 1);
	TEST_CHECK(strcmp(info.boosted_by, "test") == 0);
	unlock_now(0, &mutex[0]);
	expect_prio(0, 5);
	expect_done(1, 1, 0);
	TEST_CHECK(info_of(actor[0].t, &info) && !info.boosted_by[0] && info.mutexes == 0);
	unlock_now(1, &mutex[0]);
	TEST_CHECK(mutex[0].owner == 0);
	leave(0);
	leave(1);
}

/* What was lent is gone before the next owner runs: the one who unlocks does
 * not go on above tasks that were more urgent than itself all the time. */
static u32 order_seen, may_unlock; /* (A) */

static void note_order(void *arg)
{
	help_add(arg, help_add(&order_seen, 1));
}

static void unlock_and_note(void *arg)
{
	mutex_lock(&mutex[0]);
	while (!help_read(&may_unlock))
		arch_cpu_relax();
	mutex_unlock(&mutex[0]);
	note_order(arg);
}

static void lock_and_note(void *arg)
{
	mutex_lock(&mutex[0]);
	note_order(arg);
	mutex_unlock(&mutex[0]);
}

static void test_unlock_drops_at_once(void)
{
	u32 low = 0, middle = 0, high = 0;
	struct task *t[3];
	u64 cpu;

	begin();
	cpu = help_first_cpus(1);
	TEST_CHECK(task_set_cpus(task_current(), cpu) == 0);
	order_seen = 0;
	may_unlock = 0;
	t[0] = help_spawn("low", 5, cpu, unlock_and_note, &low);
	TEST_CHECK(help_await(&t[0]->nr_held, 1));
	t[1] = help_spawn("high", 20, cpu, lock_and_note, &high);
	TEST_CHECK(help_await(&mutex[0].queue.nr_waiting, 1));
	/* Is to come after high, and before low goes on at its own level. */
	t[2] = help_spawn("middle", 10, cpu, note_order, &middle);
	help_add(&may_unlock, 1);
	help_join(t[0]);
	help_join(t[1]);
	help_join(t[2]);
	TEST_CHECK_VAL(high < middle && middle < low, high, middle);
}

static void test_timeout_takes_back(void)
{
	begin();
	enter(0, 5);
	enter(1, 20);
	enter(2, 10);
	lock_now(0, &mutex[0]);
	let_wait(2, &mutex[0], 1, TM_FOREVER);
	expect_prio(0, 10);
	tell(1, DO_LOCK, &mutex[0], time_after_ns(200 * MS));
	expect_prio(0, 20);
	expect_done(1, 1, ERR_TIMEDOUT);
	TEST_CHECK_VAL(task_prio(actor[0].t) == 10, task_prio(actor[0].t), 0);
	tell(1, DO_LOCK, &mutex[0], 0);
	expect_done(1, 2, ERR_TIMEDOUT);
	TEST_CHECK(mutex_trylock(&mutex[0]) == ERR_BUSY);
	unlock_now(0, &mutex[0]);
	expect_done(2, 1, 0);
	unlock_now(2, &mutex[0]);
	expect_prio(0, 5);
	TEST_CHECK(mutex_trylock(&mutex[0]) == 0);
	mutex_unlock(&mutex[0]);
	leave(0);
	leave(1);
	leave(2);
}

/* Waiters change places when their priority changes, and what they lend too. */
static void test_waiter_changes(void)
{
	static const unsigned int want[] = { 0, 2, 1, 3 };
	unsigned int i;

	begin();
	enter(0, 5);
	for (i = 1; i <= 3; i++)
		enter(i, 9 + i);
	lock_now(0, &mutex[0]);
	for (i = 1; i <= 3; i++)
		let_wait(i, &mutex[0], i, TM_FOREVER);
	expect_prio(0, 12);
	TEST_CHECK(task_set_prio(actor[1].t, 25) == 0);
	expect_prio(0, 25);
	TEST_CHECK(task_set_prio(actor[1].t, 2) == 0);
	expect_prio(0, 12);
	/* Levels 11, 11, 11, and the first to get there is ahead: 2, 1, 3. */
	TEST_CHECK(task_set_prio(actor[1].t, 11) == 0);
	TEST_CHECK(task_set_prio(actor[3].t, 11) == 0);
	expect_prio(0, 11);
	/* Its own level above what it is lent, and below again. */
	TEST_CHECK(task_set_prio(actor[0].t, 15) == 0);
	expect_prio(0, 15);
	TEST_CHECK(task_set_prio(actor[0].t, 3) == 0);
	expect_prio(0, 11);
	for (i = 0; i < 4; i++) {
		TEST_CHECK_VAL(help_await(&help_nr_marks, i + 1), i, help_nr_marks);
		TEST_CHECK_VAL(help_marks[i] == want[i], help_marks[i], want[i]);
		unlock_now(want[i], &mutex[0]);
	}
	for (i = 0; i <= 3; i++)
		leave(i);
}

/* ---- chains ----------------------------------------------------------------------------- */

static unsigned int chain_base(unsigned int i)
{
	return 4 + i * 7 % 5;
}

/* Actor i holds mutex i and waits for mutex i-1: 0 is waited for by all. */
static void build_chain(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		enter(i, chain_base(i));
		lock_now(i, &mutex[i]);
		if (i)
			let_wait(i, &mutex[i - 1], 1, TM_FOREVER);
	}
}

/* Each has the most urgent of its own level, those behind, and `top`. */
static void expect_chain(unsigned int n, unsigned int top)
{
	unsigned int i = n;

	while (i--) {
		top = (unsigned int)max_u64(top, chain_base(i));
		expect_prio(i, top);
	}
}

static void unlock_chain(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (i)
			TEST_CHECK(help_await(&actor[i].done, 2));
		unlock_now(i, &mutex[i]);
		if (i)
			unlock_now(i, &mutex[i - 1]);
		expect_prio(i, chain_base(i));
	}
}

/* Up by a waiter at the end, down by its timeout; up and down by a change of
 * its priority; links beyond what one hold of the lock follows. */
static void test_chains(void)
{
	unsigned int n, i;

	for (n = 2; n <= 12; n++) {
		begin();
		build_chain(n);
		expect_chain(n, 0);
		enter(n, 20);
		tell(n, DO_LOCK, &mutex[n - 1], time_after_ns(300 * MS));
		expect_chain(n, 20);
		expect_done(n, 1, ERR_TIMEDOUT);
		expect_chain(n, 0);
		let_wait(n, &mutex[n - 1], 1, TM_FOREVER);
		TEST_CHECK(task_set_prio(actor[n].t, 29) == 0);
		expect_chain(n, 29);
		TEST_CHECK(task_set_prio(actor[n].t, 1) == 0);
		expect_chain(n, 1);
		unlock_chain(n);
		expect_done(n, 2, 0);
		unlock_now(n, &mutex[n - 1]);
		for (i = 0; i <= n; i++)
			leave(i);
	}
}

/* The middle of a chain gives up: what is before it sinks, what is behind stays. */
static void test_timeout_in_chain(void)
{
	begin();
	enter(0, 5);
	enter(1, 6);
	enter(2, 22);
	lock_now(0, &mutex[0]);
	lock_now(1, &mutex[1]);
	tell(1, DO_LOCK, &mutex[0], time_after_ns(300 * MS));
	tell(2, DO_LOCK, &mutex[1], TM_FOREVER);
	expect_prio(0, 22);
	expect_prio(1, 22);
	expect_done(1, 2, ERR_TIMEDOUT);
	expect_prio(0, 5);
	expect_prio(1, 22);
	unlock_now(1, &mutex[1]);
	expect_prio(1, 6);
	expect_done(2, 1, 0);
	unlock_now(2, &mutex[1]);
	unlock_now(0, &mutex[0]);
	leave(0);
	leave(1);
	leave(2);
}

/* Two tasks that wait for each other with a deadline: both levels come to rest,
 * and everything is as before when the deadline has passed. */
static void test_ring_with_deadline(void)
{
	u64 due;

	begin();
	enter(0, 5);
	enter(1, 6);
	enter(2, 21);
	lock_now(0, &mutex[0]);
	lock_now(1, &mutex[1]);
	lock_now(2, &mutex[2]);
	due = time_after_ns(600 * MS);
	let_wait(0, &mutex[1], 1, due);
	let_wait(1, &mutex[0], 1, due);
	tell(2, DO_LOCK, &mutex[0], time_after_ns(200 * MS));
	expect_prio(0, 21);
	expect_prio(1, 21);
	expect_done(2, 2, ERR_TIMEDOUT);
	check_equations();
	expect_done(0, 2, ERR_TIMEDOUT);
	expect_done(1, 2, ERR_TIMEDOUT);
	expect_prio(0, 5);
	expect_prio(1, 6);
	unlock_now(0, &mutex[0]);
	unlock_now(1, &mutex[1]);
	unlock_now(2, &mutex[2]);
	leave(0);
	leave(1);
	leave(2);
}

/* Three mutexes, a waiter each, released in every order. */
static void test_several(void)
{
	static const u8 orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					 { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	static const u8 level[3] = { 10, 20, 15 };
	unsigned int n, i, k, top;

	for (n = 0; n < ARRAY_SIZE(orders); n++) {
		bool freed[3] = { false, false, false };

		begin();
		enter(0, 5);
		for (i = 0; i < 3; i++) {
			lock_now(0, &mutex[i]);
			enter(i + 1, level[i]);
			let_wait(i + 1, &mutex[i], 1, TM_FOREVER);
		}
		for (i = 0; i < 3; i++) {
			unlock_now(0, &mutex[orders[n][i]]);
			freed[orders[n][i]] = true;
			for (k = 0, top = 5; k < 3; k++)
				if (!freed[k])
					top = (unsigned int)max_u64(top, level[k]);
			expect_prio(0, top);
			expect_done(orders[n][i] + 1u, 1, 0);
			unlock_now(orders[n][i] + 1u, &mutex[orders[n][i]]);
		}
		for (i = 0; i < 4; i++)
			leave(i);
	}
}

/* ---- the end of an owner -------------------------------------------------------------------- */

static void lock_all_and_end(void *arg)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		mutex_lock(&mutex[i]);
	sem_wait(arg, TM_FOREVER);
}

static void test_owner_death(void)
{
	struct sem go;
	struct task *t;

	begin();
	TEST_CHECK(sem_init(&go, "end", 0, 1) == 0);
	t = help_spawn("mortal", 5, CPUS_ALL, lock_all_and_end, &go);
	enter(0, 10);
	enter(1, 12);
	enter(2, 22);
	TEST_CHECK(help_await(&t->nr_held, 3));
	let_wait(0, &mutex[0], 1, TM_FOREVER);
	let_wait(1, &mutex[0], 2, TM_FOREVER);
	let_wait(2, &mutex[2], 1, TM_FOREVER);
	expect_task_prio(t, 22);
	TEST_CHECK(sem_post(&go) == 0);
	help_join(t);
	expect_done(1, 1, ERR_OWNERDEAD);
	expect_done(2, 1, ERR_OWNERDEAD);
	expect_prio(1, 12);
	unlock_now(1, &mutex[0]);
	expect_done(0, 1, 0); /* said once */
	unlock_now(0, &mutex[0]);
	unlock_now(2, &mutex[2]);
	/* The one nobody waited for. */
	TEST_CHECK(mutex_trylock(&mutex[1]) == ERR_OWNERDEAD);
	TEST_CHECK(mutex_held(&mutex[1]));
	mutex_unlock(&mutex[1]);
	TEST_CHECK(mutex_lock(&mutex[1]) == 0);
	mutex_unlock(&mutex[1]);
	leave(0);
	leave(1);
	leave(2);
}

/* ---- other protocols --------------------------------------------------------------------- */

static void test_ceiling(void)
{
	begin();
	TEST_CHECK(mutex_init_protocol(&mutex[0], "ceiling", MUTEX_CEILING, 32) == ERR_INVAL);
	TEST_CHECK(mutex_init_protocol(&mutex[0], "ceiling", MUTEX_CEILING, 20) == 0);
	enter(0, 5);
	enter(1, 10);
	enter(2, 21);
	lock_now(0, &mutex[0]);
	expect_prio(0, 20);
	let_wait(1, &mutex[0], 1, TM_FOREVER);
	expect_prio(1, 10);
	tell(2, DO_LOCK, &mutex[0], TM_FOREVER);
	expect_done(2, 1, ERR_INVAL);
	TEST_CHECK(mutex_trylock(&mutex[0]) == ERR_BUSY);
	unlock_now(0, &mutex[0]);
	expect_prio(0, 5);
	expect_done(1, 1, 0);
	expect_prio(1, 20);
	unlock_now(1, &mutex[0]);
	expect_prio(1, 10);
	/* One with a ceiling and one that inherits, held together. */
	lock_now(0, &mutex[0]);
	lock_now(0, &mutex[1]);
	let_wait(2, &mutex[1], 1, TM_FOREVER);
	expect_prio(0, 21);
	unlock_now(0, &mutex[1]);
	expect_prio(0, 20);
	unlock_now(0, &mutex[0]);
	expect_prio(0, 5);
	expect_done(2, 2, 0);
	unlock_now(2, &mutex[1]);
	leave(0);
	leave(1);
	leave(2);
}

static void test_plain(void)
{
	begin();
	TEST_CHECK(mutex_init_protocol(&mutex[0], "plain", MUTEX_PLAIN, 0) == 0);
	enter(0, 5);
	enter(1, 20);
	enter(2, 21);
	lock_now(0, &mutex[0]);
	let_wait(1, &mutex[0], 1, TM_FOREVER);
	let_wait(2, &mutex[0], 2, TM_FOREVER);
	expect_prio(0, 5);
	unlock_now(0, &mutex[0]);
	expect_done(2, 1, 0);
	unlock_now(2, &mutex[0]);
	expect_done(1, 1, 0);
	unlock_now(1, &mutex[0]);
	leave(0);
	leave(1);
	leave(2);
}

/* ---- what it is for: a medium hog on one CPU ------------------------------------------------ */

static struct {
	u32 go, stop, locked, turns; /* (A) */
} hog;

static void hog_task(void *arg)
{
	(void)arg;
	while (!help_read(&hog.stop)) {
		help_add(&hog.turns, 1);
		arch_cpu_relax();
	}
}

static void low_holder(void *arg)
{
	(void)arg;
	mutex_lock(&mutex[0]);
	help_add(&hog.locked, 1);
	while (!help_read(&hog.go))
		arch_cpu_relax();
	help_spin(MS / 2);
	mutex_unlock(&mutex[0]);
}

/* How many turns a medium task takes on the CPU on which an urgent one waits for
 * a lock that a low one holds; and how that ends. */
static u32 inversion(enum mutex_protocol protocol, u64 patience, int *err)
{
	u64 cpu = help_first_cpus(1);
	struct task *low, *medium;
	u32 turns;

	begin();
	TEST_CHECK(task_set_cpus(task_current(), cpu) == 0);
	memset(&hog, 0, sizeof(hog));
	mutex_init_protocol(&mutex[0], "inverted", protocol, 0);
	low = help_spawn("low", 5, cpu, low_holder, NULL);
	TEST_CHECK(help_await(&hog.locked, 1));
	medium = help_spawn("medium", 10, cpu, hog_task, NULL);
	help_add(&hog.go, 1);
	*err = mutex_lock_until(&mutex[0], time_after_ns(patience));
	turns = help_read(&hog.turns);
	if (!*err)
		mutex_unlock(&mutex[0]);
	help_add(&hog.stop, 1);
	help_join(medium);
	help_join(low);
	return turns;
}

static void test_hog(void)
{
	u32 turns;
	int err;

	turns = inversion(MUTEX_INHERIT, 10 * SEC, &err);
	TEST_CHECK_VAL(err == 0 && turns == 0, err, turns);
	turns = inversion(MUTEX_PLAIN, 20 * MS, &err);
	TEST_CHECK_VAL(err == ERR_TIMEDOUT && turns > 0, err, turns);
}

/* ---- services ------------------------------------------------------------------------------- */

static struct {
	struct spinlock lock;
	struct waitq clients; /* served by the server */
	struct sem work;
	u32 asked, answered; /* (lock) */
	u32 stop;            /* (A) */
} service = { .lock = SPINLOCK_INIT(LOCK_RANK_NONE) };

static void server(void *arg)
{
	u64 flags;

	(void)arg;
	while (!help_read(&service.stop)) {
		sem_wait(&service.work, TM_FOREVER);
		help_spin(MS / 5);
		flags = spin_lock_irqsave(&service.lock);
		service.answered = service.asked;
		spin_unlock_irqrestore(&service.lock, flags);
		waitq_wake_all(&service.clients);
	}
}

/* Ask, and wait for the answer. */
static int ask(u64 deadline)
{
	u64 flags = spin_lock_irqsave(&service.lock);
	u32 mine = ++service.asked;
	int err = 0;

	sem_post(&service.work);
	while (service.answered < mine && !err)
		err = waitq_wait(&service.clients, &service.lock, &flags, deadline);
	spin_unlock_irqrestore(&service.lock, flags);
	return err;
}

static struct task *service_begin(u64 cpu)
{
	begin();
	TEST_CHECK(task_set_cpus(task_current(), cpu) == 0);
	waitq_init(&service.clients, "service");
	TEST_CHECK(sem_init(&service.work, "work", 0, 100) == 0);
	service.asked = 0;
	service.answered = 0;
	__atomic_store_n(&service.stop, 0, __ATOMIC_RELEASE);
	memset(&hog, 0, sizeof(hog));
	return help_spawn("server", 5, cpu, server, NULL);
}

static void service_end(struct task *t)
{
	help_add(&service.stop, 1);
	sem_post(&service.work);
	help_join(t);
}

/* A low server, an urgent client and a hog between them, on one CPU. */
static void test_service(void)
{
	u64 cpu = help_first_cpus(1);
	struct task *t = service_begin(cpu), *medium;
	unsigned int i;
	u32 turns;

	medium = help_spawn("medium", 10, cpu, hog_task, NULL);
	TEST_CHECK(help_await(&hog.turns, 1));
	TEST_CHECK(ask(time_after_ns(5 * MS)) == ERR_TIMEDOUT);
	waitq_serve(&service.clients, t);
	for (i = 0; i < 5; i++) {
		turns = help_read(&hog.turns);
		TEST_CHECK(ask(time_after_ns(10 * SEC)) == 0);
		TEST_CHECK_VAL(help_read(&hog.turns) == turns, hog.turns, turns);
		expect_task_prio(t, 5);
	}
	waitq_serve(&service.clients, NULL);
	TEST_CHECK(ask(time_after_ns(5 * MS)) == ERR_TIMEDOUT);
	help_add(&hog.stop, 1);
	help_join(medium);
	service_end(t);
}

static void test_lend(void)
{
	struct task *t = service_begin(help_first_cpus(1));
	struct task *other = help_spawn("server", 6, CPUS_ALL, server, NULL);

	waitq_lend(&service.clients, 12);
	expect_task_prio(t, 5);
	waitq_serve(&service.clients, t);
	expect_task_prio(t, 12);
	waitq_lend(&service.clients, 18);
	expect_task_prio(t, 18);
	waitq_serve(&service.clients, other);
	expect_task_prio(t, 5);
	expect_task_prio(other, 18);
	waitq_lend(&service.clients, 3);
	expect_task_prio(other, 6);
	waitq_lend(&service.clients, 0);
	TEST_CHECK(task_set_prio(other, 4) == 0);
	expect_task_prio(other, 4);
	waitq_serve(&service.clients, NULL);
	help_add(&service.stop, 1);
	sem_post(&service.work);
	sem_post(&service.work);
	help_join(t);
	help_join(other);
}

/* A server that ends is struck off, its queues go on without. */
static void test_server_ends(void)
{
	struct task *t = service_begin(help_first_cpus(1));

	waitq_serve(&service.clients, t);
	waitq_lend(&service.clients, 20);
	expect_task_prio(t, 20);
	service_end(t);
	TEST_CHECK(!service.clients.server);
	waitq_lend(&service.clients, 25);
	TEST_CHECK(ask(time_after_ns(MS)) == ERR_TIMEDOUT);
	check_equations();
}

/* ---- everything at once ---------------------------------------------------------------------- */

enum { NR_STORM = 10, STORM_STEPS = 60, STORM_MUTEXES = 5 };

static struct task *storm[NR_STORM];
static struct sem storm_begin, storm_end;
static u32 storm_done; /* (A) */

static u64 next_random(u64 *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 33;
}

/* Up to three mutexes in ascending order, some with a deadline. */
static void storm_round(u64 *state)
{
	unsigned int first = next_random(state) % STORM_MUTEXES, i, held = 0;
	u64 pick = next_random(state), deadline;

	for (i = first; i < STORM_MUTEXES && i < first + 3; i++) {
		deadline = pick >> i & 1 ? time_after_ns(pick % 30000) : TM_FOREVER;
		if (mutex_lock_until(&mutex[i], deadline))
			continue;
		held |= 1u << i;
		if (pick >> i & 2)
			sleep_ns(pick % 9000);
	}
	/* Any order: first those with an odd number. */
	for (i = 0; i < 2 * STORM_MUTEXES; i++)
		if (held & 1u << (i * 2 + (i < STORM_MUTEXES / 2)) % STORM_MUTEXES) {
			mutex_unlock(&mutex[(i * 2 + (i < STORM_MUTEXES / 2)) % STORM_MUTEXES]);
			held &= ~(1u << (i * 2 + (i < STORM_MUTEXES / 2)) % STORM_MUTEXES);
		}
}

static void storm_task(void *arg)
{
	u64 state = (uintptr_t)arg + 1;
	unsigned int i;

	sem_wait(&storm_begin, TM_FOREVER);
	for (i = 0; i < STORM_STEPS; i++) {
		storm_round(&state);
		task_set_prio(storm[next_random(&state) % NR_STORM],
			      (unsigned int)(next_random(&state) % 20 + 1));
	}
	TEST_CHECK_VAL(task_current()->nr_held == 0, arg, task_current()->nr_held);
	help_add(&storm_done, 1);
	sem_wait(&storm_end, TM_FOREVER);
}

static void test_storm(void)
{
	unsigned int i;

	begin();
	sem_init(&storm_begin, "begin", 0, NR_STORM);
	sem_init(&storm_end, "end", 0, NR_STORM);
	storm_done = 0;
	for (i = 0; i < NR_STORM; i++)
		storm[i] = help_spawn("storm", 10, CPUS_ALL, storm_task, (void *)(uintptr_t)i);
	for (i = 0; i < NR_STORM; i++)
		sem_post(&storm_begin);
	while (help_read(&storm_done) < NR_STORM) {
		check_equations();
		sleep_ns(200 * 1000);
	}
	for (i = 0; i < NR_STORM; i++)
		sem_post(&storm_end);
	for (i = 0; i < NR_STORM; i++)
		help_join(storm[i]);
	for (i = 0; i < STORM_MUTEXES; i++)
		TEST_CHECK_VAL(mutex[i].owner == 0 && !mutex[i].queue.server, i, mutex[i].owner);
}

static const struct test_case cases[] = {
	{ "one_step", test_one_step },
	{ "unlock_drops_at_once", test_unlock_drops_at_once },
	{ "timeout_takes_back", test_timeout_takes_back },
	{ "waiter_changes", test_waiter_changes },
	{ "chains", test_chains },
	{ "timeout_in_chain", test_timeout_in_chain },
	{ "ring_with_deadline", test_ring_with_deadline },
	{ "several", test_several },
	{ "owner_death", test_owner_death },
	{ "ceiling", test_ceiling },
	{ "plain", test_plain },
	{ "hog", test_hog },
	{ "service", test_service },
	{ "lend", test_lend },
	{ "server_ends", test_server_ends },
	{ "storm", test_storm },
};

const struct test_suite suite_inherit = { "inherit", cases, ARRAY_SIZE(cases) };
