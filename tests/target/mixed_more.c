/* SPDX-License-Identifier: Apache-2.0 */
/*
 * More of what the workers of the mixed workload do: messages, event flags,
 * deferred work, and tasks that are suspended and killed while they hold a
 * mutex. As in mixed_ops.c each operation checks what it alone can see; the
 * frail mutex is told of owners that ended, once each.
 */
#include "tests/target/mixed.h"

enum { WAIT_US = 500, VICTIM_ROUNDS = 50, EVENT_BITS = 6, PRIO_SPREAD = 24 };

struct message {
	u32 from, seq;
};

static struct message room[MIXED_MESSAGES];

static u64 soon(struct mixed_worker *w)
{
	u64 deadline = time_after_ns(mixed_draw(w, WAIT_US) * US);

	__atomic_store_n(&w->due, deadline, __ATOMIC_RELEASE);
	return deadline;
}

static void over(struct mixed_worker *w)
{
	__atomic_store_n(&w->due, TM_FOREVER, __ATOMIC_RELEASE);
}

/* ---- messages ---------------------------------------------------------------------- */

void mixed_op_send(struct mixed_worker *w)
{
	struct message m = { w->nr, ++w->sent };

	if (msgq_send(&mixed.mail, &m, soon(w)) == 0)
		help_add(&mixed.nr_sent, 1);
	over(w);
}

/* What one sender sent, one receiver gets in that order. */
void mixed_op_receive(struct mixed_worker *w)
{
	struct message m = { MIXED_WORKERS_MAX, 0 };

	if (msgq_receive(&mixed.mail, &m, soon(w)) == 0) {
		help_add(&mixed.nr_received, 1);
		if (m.from >= MIXED_WORKERS_MAX || m.seq <= w->got[m.from])
			mixed_broken("messages: '%s' got number %u of w%u late", w->name, m.seq,
				     m.from);
		else
			w->got[m.from] = m.seq;
	}
	over(w);
}

/* ---- event flags --------------------------------------------------------------------- */

void mixed_op_events(struct mixed_worker *w)
{
	u32 bits = 1 + mixed_draw(w, (1 << EVENT_BITS) - 1), got = 0;
	unsigned int how = mixed_draw(w, 4);
	bool there;

	if (mixed_draw(w, 2)) {
		events_set(&mixed.events, bits);
		return;
	}
	if (events_wait(&mixed.events, bits, how, soon(w), &got) == 0) {
		there = how & EVENTS_ALL ? (got & bits) == bits : got & bits;
		if (!there)
			mixed_broken("events: '%s' waited for %x, went on with %x", w->name, bits,
				     got);
	}
	over(w);
	events_clear(&mixed.events, bits);
}

/* ---- deferred work --------------------------------------------------------------------- */

static void work_done(struct work *work)
{
	struct mixed_worker *w = container_of(work, struct mixed_worker, work);

	help_spin(US);
	help_add(&w->worked, 1);
}

void mixed_op_work(struct mixed_worker *w)
{
	w->submitted += work_submit(workq_system(), &w->work);
	if (mixed_draw(w, 2) || work_flush(&w->work, TM_FOREVER))
		return;
	if (help_read(&w->worked) != w->submitted)
		mixed_broken("work: that of '%s' was done %u times, submitted %u times", w->name,
			     help_read(&w->worked), w->submitted);
}

/* ---- tasks that are stopped and ended -------------------------------------------------- */

/* Ends at a sleep, often with the mutex. */
static void victim_task(void *arg)
{
	u32 rounds;

	for (rounds = 0; rounds < VICTIM_ROUNDS; rounds++) {
		if (!mixed_lock_frail("victim"))
			return;
		mixed.orphaned = true;
		sleep_ns((uintptr_t)arg);
		mixed.orphaned = false;
		mutex_unlock(&mixed.frail);
		sleep_ns((uintptr_t)arg);
	}
}

void mixed_op_kill(struct mixed_worker *w)
{
	const struct task_attr attr = { .name = "victim", .prio = mixed_draw(w, PRIO_SPREAD) };
	u64 nap = (1 + mixed_draw(w, 30)) * US;
	struct task *t = task_create(&attr, victim_task, (void *)(uintptr_t)nap);

	if (!t) {
		mixed_broken("'%s' cannot create a task", w->name);
		return;
	}
	sleep_ns(mixed_draw(w, 60) * US);
	if (mixed_draw(w, 2)) {
		(void)task_suspend(t);
		sleep_ns(mixed_draw(w, 40) * US);
		(void)task_resume(t);
	}
	(void)task_kill(t);
	(void)task_join(t, TM_FOREVER);
}

/* ---- all of it ---------------------------------------------------------------------------- */

void mixed_more_init(void)
{
	(void)msgq_init(&mixed.mail, "mail", room, sizeof(room[0]), MIXED_MESSAGES);
	events_init(&mixed.events, "flags");
	for (u32 i = 0; i < MIXED_WORKERS_MAX; i++)
		work_init(&mixed.worker[i].work, work_done);
}

void mixed_more_end(struct mixed_worker *w)
{
	(void)work_flush(&w->work, TM_FOREVER);
}

void mixed_more_balance(void)
{
	u32 left = help_read(&mixed.nr_sent) - help_read(&mixed.nr_received);

	if (left != msgq_count(&mixed.mail))
		mixed_broken("messages: %u sent, %u received, %u inside", mixed.nr_sent,
			     mixed.nr_received, msgq_count(&mixed.mail));
}
