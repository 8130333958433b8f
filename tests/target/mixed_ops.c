/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the workers of the mixed workload do. Every operation is a few calls of
 * the core, bounded in time, and checks what it alone can see: that it is alone
 * in a mutex, that it did not wake early, that a stopped timer is silent, that
 * its pages stay its own. What only shows from outside is the watch's affair.
 */
#include "mm/mm.h"
#include "tests/target/mixed.h"

enum {
	WAIT_US = 800, /* longest deadline of most waits */
	HOLD_US = 40,
	CEILING = 24, /* above every worker */
	CHILD_PRIO_SPREAD = 24,
	ORDERS = 3,
};

static void expect_due(struct mixed_worker *w, u64 deadline)
{
	__atomic_store_n(&w->due, deadline, __ATOMIC_RELEASE);
}

/* Some time of use: mostly running, sometimes asleep. */
static void dwell(struct mixed_worker *w, u32 us)
{
	u64 ns = (1 + mixed_draw(w, us)) * US;

	if (mixed_draw(w, 3))
		help_spin(ns / 8);
	else
		sleep_ns(ns);
}

/* ---- the box ----------------------------------------------------------------------- */

bool mixed_put(void)
{
	struct mixed_box *b = &mixed.box;
	u64 flags = spin_lock_irqsave(&b->lock);
	bool room = b->tokens < MIXED_TOKENS_MAX;

	if (room) {
		b->tokens++;
		b->put++;
		b->posting++;
	}
	spin_unlock_irqrestore(&b->lock, flags);
	if (!room)
		return false;
	waitq_wake_one(&b->queue);
	flags = spin_lock_irqsave(&b->lock);
	b->posting--;
	spin_unlock_irqrestore(&b->lock, flags);
	return true;
}

static void op_put(struct mixed_worker *w)
{
	(void)w;
	(void)mixed_put();
}

static void op_take(struct mixed_worker *w)
{
	struct mixed_box *b = &mixed.box;
	u64 deadline = mixed_draw(w, 4) ? time_after_ns(mixed_draw(w, WAIT_US) * US) : TM_FOREVER;
	u64 flags = spin_lock_irqsave(&b->lock);
	int err = 0;

	w->in_box = true;
	expect_due(w, deadline);
	while (!b->tokens && !err && !__atomic_load_n(&mixed.stop, __ATOMIC_ACQUIRE))
		err = waitq_wait(&b->queue, &b->lock, &flags, deadline);
	if (b->tokens) {
		b->tokens--;
		b->taken++;
	}
	expect_due(w, TM_FOREVER);
	w->in_box = false;
	spin_unlock_irqrestore(&b->lock, flags);
}

/* ---- the service ------------------------------------------------------------------- */

static u64 lock_state(void)
{
	return spin_lock_irqsave(&mixed.box.lock);
}

static void unlock_state(u64 flags)
{
	spin_unlock_irqrestore(&mixed.box.lock, flags);
}

/* The next that asked; MIXED_WORKERS_MAX: none. */
static u32 next_asked(const struct mixed_service *s)
{
	u32 i = 0;

	while (i < MIXED_WORKERS_MAX && !s->asked[i])
		i++;
	return i;
}

void mixed_service_task(void *arg)
{
	struct mixed_service *s = arg;
	u64 flags = lock_state();

	while (!s->quit) {
		u32 i = next_asked(s);

		if (i == MIXED_WORKERS_MAX) {
			(void)waitq_wait(&s->work, &mixed.box.lock, &flags, TM_FOREVER);
			continue;
		}
		s->asked[i] = false;
		unlock_state(flags);
		help_spin((1 + i) * US);
		flags = lock_state();
		s->served[i] = true;
		s->telling++;
		unlock_state(flags);
		(void)waitq_wake_all(&s->done);
		flags = lock_state();
		s->telling--;
	}
	unlock_state(flags);
}

void mixed_service_quit(void)
{
	u64 flags = lock_state();

	mixed.service.quit = true;
	unlock_state(flags);
	(void)waitq_wake_all(&mixed.service.work);
}

static void op_call(struct mixed_worker *w)
{
	struct mixed_service *s = &mixed.service;
	u64 deadline = mixed_draw(w, 2) ? time_after_ns(mixed_draw(w, WAIT_US) * US) : TM_FOREVER;
	u64 flags = lock_state();
	int err = 0;

	s->asked[w->nr] = true;
	s->served[w->nr] = false;
	s->asking++;
	unlock_state(flags);
	(void)waitq_wake_one(&s->work);
	flags = lock_state();
	s->asking--;
	w->in_call = true;
	expect_due(w, deadline);
	while (!s->served[w->nr] && !err && !__atomic_load_n(&mixed.stop, __ATOMIC_ACQUIRE))
		err = waitq_wait(&s->done, &mixed.box.lock, &flags, deadline);
	expect_due(w, TM_FOREVER);
	w->in_call = false;
	s->asked[w->nr] = false;
	unlock_state(flags);
}

/* ---- the semaphore --------------------------------------------------------------------- */

static void op_sem(struct mixed_worker *w)
{
	u64 deadline = mixed_draw(w, 2) ? time_after_ns(mixed_draw(w, WAIT_US) * US) : TM_FOREVER;
	int err;

	expect_due(w, deadline);
	err = sem_wait(&mixed.sem.sem, deadline);
	expect_due(w, TM_FOREVER);
	if (err)
		return;
	if (help_add(&mixed.sem.inside, 1) > MIXED_PLACES)
		mixed_broken("semaphore: '%s' is one too many inside", w->name);
	dwell(w, HOLD_US);
	(void)__atomic_fetch_sub(&mixed.sem.inside, 1, __ATOMIC_ACQ_REL);
	if (sem_post(&mixed.sem.sem))
		mixed_broken("semaphore: full when '%s' leaves", w->name);
}

/* ---- mutexes ------------------------------------------------------------------------ */

static void use(struct mixed_worker *w, struct mixed_mutex *m)
{
	if (m->inside)
		mixed_broken("mutual exclusion: '%s' and '%s' are both inside '%s'", w->name,
			     task_name(m->inside), m->name);
	m->inside = task_current();
	m->pair[0]++;
	dwell(w, HOLD_US);
	if (++m->pair[1] != m->pair[0] || m->inside != task_current())
		mixed_broken("mutual exclusion: '%s' was disturbed inside '%s'", w->name, m->name);
	m->inside = NULL;
}

static int lock_one(struct mixed_worker *w, struct mixed_mutex *m)
{
	u64 deadline = time_after_ns(mixed_draw(w, WAIT_US) * US);
	int err;

	switch (mixed_draw(w, 3)) {
	case 0:
		return mutex_trylock(&m->mutex);
	case 1:
		expect_due(w, deadline);
		err = mutex_lock_until(&m->mutex, deadline);
		expect_due(w, TM_FOREVER);
		return err;
	default:
		return mutex_lock(&m->mutex);
	}
}

/* Up to three mutexes in order, used and left in any order. */
static void op_nest(struct mixed_worker *w)
{
	struct mixed_mutex *held[MIXED_MUTEXES];
	u32 n = 0;

	__atomic_store_n(&w->holding, 1, __ATOMIC_RELEASE);
	for (u32 i = 0; i < MIXED_MUTEXES; i++)
		if (!mixed_draw(w, 2) && lock_one(w, &mixed.mutex[i]) == 0) {
			held[n++] = &mixed.mutex[i];
			use(w, &mixed.mutex[i]);
			if (!mixed_draw(w, 8))
				op_call(w);
		}
	while (n) {
		u32 i = mixed_draw(w, n);

		mutex_unlock(&held[i]->mutex);
		held[i] = held[--n];
	}
	__atomic_store_n(&w->holding, 0, __ATOMIC_RELEASE);
}

/* ---- time ----------------------------------------------------------------------------- */

static void op_sleep(struct mixed_worker *w)
{
	u64 until = time_after_ns(mixed_draw(w, WAIT_US / 2) * US);

	expect_due(w, until);
	sleep_until_ns(until);
	expect_due(w, TM_FOREVER);
	if (time_now_ns() < until)
		mixed_broken("sleep: '%s' woke before its time", w->name);
}

static void fired(struct timer *t)
{
	struct mixed_worker *w = container_of(t, struct mixed_worker, timer);

	if (help_read(&w->armed) == help_read(&w->over))
		mixed_broken("timer: that of '%s' fired after it was stopped", w->name);
	if (time_now_ns() < t->deadline)
		mixed_broken("timer: that of '%s' fired early", w->name);
	(void)mixed_put();
	help_add(&w->over, 1);
}

/* Start a timer whose call signals from interrupt, or stop it; one whose call is
 * being made just now is left alone. */
static void op_timer(struct mixed_worker *w)
{
	if (help_read(&w->armed) == help_read(&w->over)) {
		help_add(&w->armed, 1);
		(void)timer_start(&w->timer, time_after_ns(mixed_draw(w, WAIT_US) * US), 0);
	} else if (timer_stop(&w->timer)) {
		help_add(&w->over, 1);
	}
}

/* ---- scheduling ------------------------------------------------------------------------- */

static void op_prio(struct mixed_worker *w)
{
	struct mixed_worker *who = &mixed.worker[mixed_draw(w, mixed.nr_workers)];
	struct task *t = __atomic_load_n(&who->task, __ATOMIC_ACQUIRE);

	if (t)
		(void)task_set_prio(t, 1 + mixed_draw(w, 20));
}

static void op_cpus(struct mixed_worker *w)
{
	u64 cpu_mask = mixed_draw(w, 4) ? 1ull << mixed_draw(w, cpus_online_count()) : CPUS_ALL;

	if (!mixed_draw(w, 3))
		cpu_mask |= 1;
	(void)task_set_cpus(task_current(), cpu_mask);
}

static void op_yield(struct mixed_worker *w)
{
	help_spin(mixed_draw(w, 10) * US);
	task_yield();
}

/* ---- children ------------------------------------------------------------------------------ */

static void child_task(void *arg)
{
	u32 steps = (u32)(uintptr_t)arg;

	for (; steps; steps--) {
		(void)mixed_put();
		if (steps & 1)
			task_yield();
		else
			sleep_ns(5 * US);
	}
}

/* The mutex whose owners end: the next one is told, and only that one. */
bool mixed_lock_frail(const char *who)
{
	int err = mutex_lock(&mixed.frail);

	if (err && err != ERR_OWNERDEAD)
		return false;
	if (mixed.orphaned != (err == ERR_OWNERDEAD))
		mixed_broken("owner death: '%s' was%s told of one", who, err ? "" : " not");
	mixed.orphaned = false;
	return true;
}

static void orphan_task(void *arg)
{
	(void)arg;
	if (!mixed_lock_frail("orphan"))
		return;
	mixed.orphaned = true;
	task_yield();
}

static void op_frail(struct mixed_worker *w)
{
	const struct task_attr attr = { .name = "orphan",
					.prio = mixed_draw(w, CHILD_PRIO_SPREAD) };
	struct task *t = mixed_draw(w, 2) ? task_create(&attr, orphan_task, NULL) : NULL;

	__atomic_store_n(&w->holding, 1, __ATOMIC_RELEASE);
	if (mixed_lock_frail(w->name)) {
		dwell(w, HOLD_US);
		mutex_unlock(&mixed.frail);
	}
	__atomic_store_n(&w->holding, 0, __ATOMIC_RELEASE);
	if (t)
		(void)task_join(t, TM_FOREVER);
}

static void op_child(struct mixed_worker *w)
{
	const struct task_attr attr = { .name = "child", .prio = mixed_draw(w, CHILD_PRIO_SPREAD) };
	struct task *t = task_create(&attr, child_task, (void *)(uintptr_t)mixed_draw(w, 4));

	if (!t) {
		mixed_broken("'%s' cannot create a task", w->name);
		return;
	}
	if (mixed_draw(w, 4))
		(void)task_join(t, TM_FOREVER);
	else
		task_detach(t);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void op_pages(struct mixed_worker *w)
{
	unsigned int order = mixed_draw(w, ORDERS);
	struct page *page = alloc_pages(GFP_KERNEL, order);
	u64 *word, mine = (u64)w->nr << 32 | w->left;

	if (!page)
		return;
	word = page_address(page);
	for (u32 i = 0; i < (PAGE_SIZE << order) / sizeof(u64); i += 64)
		word[i] = mine;
	dwell(w, HOLD_US);
	for (u32 i = 0; i < (PAGE_SIZE << order) / sizeof(u64); i += 64)
		if (word[i] != mine) {
			mixed_broken("memory: a page of '%s' was written by somebody else",
				     w->name);
			break;
		}
	free_pages(page, order);
}

/* ---- the table ------------------------------------------------------------------- */

static const struct {
	void (*op)(struct mixed_worker *w);
	u32 weight;
} ops[] = {
	{ op_put, 10 },       { op_take, 14 },      { op_nest, 14 },         { op_sleep, 8 },
	{ op_timer, 8 },      { op_prio, 6 },       { op_cpus, 4 },          { op_yield, 6 },
	{ op_child, 2 },      { op_pages, 4 },      { op_call, 10 },         { op_sem, 8 },
	{ op_frail, 3 },      { mixed_op_send, 6 }, { mixed_op_receive, 6 }, { mixed_op_events, 8 },
	{ mixed_op_work, 4 }, { mixed_op_kill, 2 },
};

void mixed_op(struct mixed_worker *w)
{
	u32 sum = 0, i, at;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		sum += ops[i].weight;
	at = mixed_draw(w, sum);
	for (i = 0; at >= ops[i].weight; i++)
		at -= ops[i].weight;
	ops[i].op(w);
}

void mixed_ops_init(void)
{
	static const char *const names[MIXED_MUTEXES] = { "m0", "m1", "m2", "m3" };

	spin_init(&mixed.box.lock, LOCK_RANK_WAIT);
	waitq_init(&mixed.box.queue, "box");
	for (u32 i = 0; i < MIXED_MUTEXES; i++) {
		tm_snprintf(mixed.mutex[i].name, sizeof(mixed.mutex[i].name), "%s", names[i]);
		(void)mutex_init_protocol(&mixed.mutex[i].mutex, names[i],
					  i == MIXED_MUTEXES - 1 ? MUTEX_CEILING : MUTEX_INHERIT,
					  CEILING);
	}
	waitq_init(&mixed.service.work, "work");
	waitq_init(&mixed.service.done, "served");
	(void)sem_init(&mixed.sem.sem, "places", MIXED_PLACES, MIXED_PLACES);
	mutex_init(&mixed.frail, "frail");
	mixed_more_init();
	for (u32 i = 0; i < MIXED_WORKERS_MAX; i++)
		timer_init(&mixed.worker[i].timer, fired);
}

void mixed_ops_balance(void)
{
	const struct mixed_box *b = &mixed.box;

	if (b->put != b->taken + b->tokens || b->posting)
		mixed_broken("box: %llu put, %llu taken, %u inside", (unsigned long long)b->put,
			     (unsigned long long)b->taken, b->tokens);
	if (b->queue.nr_waiting)
		mixed_broken("box: %u tasks wait though all are done", b->queue.nr_waiting);
	mixed_more_balance();
	if (sem_count(&mixed.sem.sem) != MIXED_PLACES)
		mixed_broken("semaphore: %u places though all are done", sem_count(&mixed.sem.sem));
	for (u32 i = 0; i < MIXED_MUTEXES; i++)
		if (mixed_owned(&mixed.mutex[i].mutex) || mixed.mutex[i].mutex.queue.nr_waiting)
			mixed_broken("mutex '%s' is not free though all are done",
				     mixed.mutex[i].name);
}
