/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watch of the mixed workload: with the box's lock and the scheduler's held
 * it looks at every worker and every queue, and says in one line which rule is
 * broken, by whom and where. What it says is certain at the moment it looks;
 * rules that need time to come true again are given late_ns, which is more than
 * this machine can be late.
 */
#include "tests/target/mixed.h"

enum { FINDING_SIZE = 160 };

static char finding[FINDING_SIZE]; /* (S) the first broken rule; printed unlocked */

static void tm_printf(1, 2) found(const char *fmt, ...)
{
	va_list ap;

	if (finding[0])
		return;
	va_start(ap, fmt);
	tm_vsnprintf(finding, sizeof(finding), fmt, ap);
	va_end(ap);
}

static unsigned long long us(u64 ns)
{
	return ns / US;
}

/*
 * Tokens are there, nobody is about to wake anybody, and all who want one stand
 * in the queue: whoever should have been woken was not.
 */
static void check_box(u64 now)
{
	const struct mixed_box *b = &mixed.box;
	const struct mixed_worker *first = NULL;

	if (!b->tokens || b->posting)
		return;
	for (u32 i = 0; i < mixed.nr_workers; i++) {
		const struct mixed_worker *w = &mixed.worker[i];

		if (!w->in_box)
			continue;
		if (w->task->waiting_on != &b->queue)
			return;
		first = first ? first : w;
	}
	if (first)
		found("lost wake-up: '%s' (prio %u) waits on '%s' at %llu us, though %u are there",
		      first->name, first->task->prio, b->queue.name, us(now), b->tokens);
}

/* The same of the service: of those who want something, and of its own task. */
static void check_service(u64 now)
{
	const struct mixed_service *s = &mixed.service;

	for (u32 i = 0; i < mixed.nr_workers; i++) {
		const struct mixed_worker *w = &mixed.worker[i];

		if (w->in_call && s->served[i] && !s->telling && w->task->waiting_on == &s->done)
			found("lost wake-up: '%s' (prio %u) waits on '%s' at %llu us, "
			      "though served",
			      w->name, w->task->prio, s->done.name, us(now));
		if (s->asked[i] && !s->asking && s->task->waiting_on == &s->work)
			found("lost wake-up: '%s' waits on '%s' at %llu us, though '%s' asked",
			      task_name(s->task), s->work.name, us(now), w->name);
	}
}

static void check_sem(void)
{
	const struct sem *s = &mixed.sem.sem;

	if (s->count && s->waiters.nr_waiting)
		found("lost wake-up: %u wait on '%s', which has %u free", s->waiters.nr_waiting,
		      s->waiters.name, s->count);
}

static void check_mail(void)
{
	const struct msgq *q = &mixed.mail;

	if (q->count && q->receivers.nr_waiting)
		found("lost wake-up: %u wait to receive from '%s', which holds %u messages",
		      q->receivers.nr_waiting, q->receivers.name, q->count);
	if (q->count < q->capacity && q->senders.nr_waiting)
		found("lost wake-up: %u wait to send to '%s', which has room",
		      q->senders.nr_waiting, q->senders.name);
}

/* Whoever waits for a server lends it its priority. */
static void check_loan(const struct task *t)
{
	const struct task *server = t->waiting_on ? t->waiting_on->server : NULL;

	if (server && server->prio < t->prio)
		found("PI: '%s' (prio %u) waits on '%s' for '%s' (prio %u)", t->name, t->prio,
		      t->waiting_on->name, server->name, server->prio);
}

/*
 * Who owns nothing owes nothing, but for one that looks at those who wait for
 * flags: it sets some, or helps a set to its end before it waits or clears.
 */
static void check_base(const struct mixed_worker *w)
{
	if (!__atomic_load_n(&w->holding, __ATOMIC_ACQUIRE) &&
	    mixed.events.waiters.server != w->task && w->task->prio != w->task->base_prio)
		found("PI: '%s' runs at prio %u, its own is %u and it holds nothing; lent by '%s'",
		      w->name, w->task->prio, w->task->base_prio, sched_boost_name_locked(w->task));
}

/* Nobody looks any more, so nobody is lent anything for it. */
static void check_flags(void)
{
	const struct events *e = &mixed.events;

	if (e->waiters.server && !prio_list_linked(&e->mark))
		found("PI: '%s' (prio %u, its own is %u) serves '%s' though no look is under way",
		      e->waiters.server->name, e->waiters.server->prio,
		      e->waiters.server->base_prio, e->waiters.name);
}

/* The service is as urgent as the most urgent who waits for it, or itself. */
static void check_server(void)
{
	const struct mixed_service *s = &mixed.service;
	const struct task *lender = s->task;
	u32 prio = s->task->base_prio;

	for (u32 i = 0; i < mixed.nr_workers; i++) {
		const struct task *t = mixed.worker[i].task;

		if (t && t->waiting_on == &s->done && t->prio > prio) {
			prio = t->prio;
			lender = t;
		}
	}
	if (s->task->prio != prio)
		found("PI: '%s' runs at prio %u, that of '%s' is %u", task_name(s->task),
		      s->task->prio, task_name(lender), prio);
}

/* A chain longer than one lock hold follows is being followed still. */
static bool pi_under_way(void)
{
	bool any = mixed.service.task->pi_pending;

	for (u32 i = 0; i < mixed.nr_workers; i++)
		any |= mixed.worker[i].task && mixed.worker[i].task->pi_pending;
	return any;
}

static void check_inheritance(void)
{
	if (pi_under_way())
		return;
	for (u32 i = 0; i < mixed.nr_workers; i++) {
		const struct mixed_worker *w = &mixed.worker[i];

		if (!w->task || w->task->state == TASK_DEAD)
			continue;
		check_loan(w->task);
		check_base(w);
	}
	check_flags();
	check_server();
}

/* A CPU that t may use and that runs something less urgent; MAX_CPUS: none. */
static unsigned int less_urgent(const struct task *t)
{
	u64 left = t->group->cpus & cpus_online();

	for (; left; left &= left - 1) {
		unsigned int cpu = (unsigned int)__builtin_ctzll(left);

		if (cpus[cpu].running->is_idle || cpus[cpu].running->prio < t->prio)
			return cpu;
	}
	return MAX_CPUS;
}

static void check_order(struct mixed_worker *w, u64 now)
{
	const struct task *t = w->task;
	unsigned int cpu = t->state == TASK_READY ? less_urgent(t) : MAX_CPUS;

	if (cpu == MAX_CPUS || w->passed_seq != t->queue_seq) {
		w->passed_since = now;
		w->passed_seq = t->queue_seq;
		if (cpu == MAX_CPUS)
			w->passed_seq = 0;
	} else if (now - w->passed_since > mixed.late_ns) {
		found("order: '%s' (prio %u) is ready for %llu us while CPU %u runs '%s' (prio %u)",
		      w->name, t->prio, us(now - w->passed_since), cpu, cpus[cpu].running->name,
		      cpus[cpu].running->prio);
	}
}

static void check_timeout(const struct mixed_worker *w, u64 now)
{
	u64 due = __atomic_load_n(&w->due, __ATOMIC_ACQUIRE);
	const struct task *t = w->task;

	if (due < now && now - due > mixed.late_ns &&
	    (t->state == TASK_SLEEPING || t->state == TASK_BLOCKED))
		found("timeout: '%s' (prio %u) still waits for '%s', %llu us after its deadline",
		      w->name, t->prio, t->waiting_on ? t->waiting_on->name : "time",
		      us(now - due));
}

static void check_mutex(const struct mixed_mutex *m)
{
	if (!mixed_owned(&m->mutex) && m->mutex.queue.nr_waiting)
		found("lost wake-up: %u wait for '%s', which is free", m->mutex.queue.nr_waiting,
		      m->name);
}

void mixed_watch(void)
{
	u64 flags = spin_lock_irqsave(&mixed.box.lock), now;
	unsigned int bad;

	finding[0] = '\0';
	sched_lock_masked();
	now = time_now_ns();
	check_box(now);
	check_service(now);
	check_sem();
	check_mail();
	check_inheritance();
	for (u32 i = 0; i < mixed.nr_workers; i++) {
		struct mixed_worker *w = &mixed.worker[i];

		if (!w->task || w->task->state == TASK_DEAD)
			continue;
		check_order(w, now);
		check_timeout(w, now);
	}
	for (u32 i = 0; i < MIXED_MUTEXES; i++)
		check_mutex(&mixed.mutex[i]);
	bad = sched_check_locked();
	if (bad)
		found("run queues: %u violations of their equations", bad);
	sched_unlock_masked();
	spin_unlock_irqrestore(&mixed.box.lock, flags);
	if (finding[0])
		mixed_broken("%s", finding);
}
