/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The freezer (row 132). tasks_freeze() marks every task with TASK_FREEZABLE
 * as awaited, ends their waits of the kind that can be left, and sleeps until
 * the last of them stands in task_try_freeze(), has ended or is suspended; each
 * of these counts itself off in one step. The calling task is not awaited.
 *
 * The scheduler lock guards state and count. The phase moves THAWED -> FREEZING
 * -> FROZEN -> THAWING -> THAWED, so that two freezers, or a freezer and a thaw
 * that still walks the tasks, never mix.
 */
#include "rtos/life.h"
#include "rtos/sched.h"

enum phase { THAWED, FREEZING, FROZEN, THAWING };
enum { NAMES_MAX = 8 };

static enum phase phase; /* (S) to set, (A) to read */
static u32 nr_awaited;   /* (S) tasks with freeze_awaited */
static struct waitq frozen_waitq = WAITQ_INIT(frozen_waitq, "thaw");
static struct waitq done_waitq = WAITQ_INIT(done_waitq, "frozen tasks");

static bool stopping(void)
{
	return phase == FREEZING || phase == FROZEN;
}

bool freeze_wants_locked(const struct task *t)
{
	return (t->flags & TASK_FREEZABLE) && stopping();
}

bool freeze_holds_locked(const struct task *t)
{
	return t->waiting_on == &frozen_waitq;
}

static void await_locked(struct task *t)
{
	t->freeze_awaited = true;
	nr_awaited++;
}

void freeze_task_gone_locked(struct task *t)
{
	if (!t->freeze_awaited)
		return;
	BUG_ON_VAL(nr_awaited == 0, t->id, phase);
	t->freeze_awaited = false;
	if (--nr_awaited == 0)
		waitq_wake_one_locked(&done_waitq);
}

void freeze_task_new_locked(struct task *t)
{
	if (!freeze_wants_locked(t))
		return;
	task_leave_update_locked(t);
	if (phase == FREEZING)
		await_locked(t);
}

/* ---- the tasks' side ------------------------------------------------------------------ */

static tm_noinline bool stop_here(struct task *t)
{
	bool stopped = false;
	u64 flags = sched_lock();

	while (freeze_wants_locked(t) && !t->kill_now) {
		stopped = true;
		freeze_task_gone_locked(t);
		(void)sched_block_locked(&frozen_waitq, TM_FOREVER, WAIT_KILLABLE);
		sched_lock_masked();
	}
	sched_unlock(flags);
	task_check_kill();
	return stopped;
}

bool task_try_freeze(void)
{
	if (likely(__atomic_load_n(&phase, __ATOMIC_RELAXED) == THAWED))
		return false;
	BUG_ON(!may_sleep());
	return stop_here(arch_current());
}

/* ---- the freezer's side ----------------------------------------------------------------- */

static bool move_phase(enum phase from, enum phase to)
{
	u64 flags = sched_lock();
	bool moved = phase == from;

	if (moved)
		__atomic_store_n(&phase, to, __ATOMIC_RELAXED);
	sched_unlock(flags);
	return moved;
}

static void ask_locked(struct task *t, void *arg)
{
	(void)arg;
	if (t == arch_current() || !freeze_wants_locked(t) || t->state == TASK_DEAD)
		return;
	if (!t->freeze_awaited && !t->suspended && !freeze_holds_locked(t))
		await_locked(t);
	task_leave_update_locked(t);
	if (t->state == TASK_BLOCKED)
		sched_leave_locked(t);
}

static void release_locked(struct task *t, void *arg)
{
	(void)arg;
	freeze_task_gone_locked(t);
	task_leave_update_locked(t);
}

static void visit_all(void (*fn)(struct task *t, void *arg), void *arg)
{
	u32 id = 0;

	while (task_visit_next(&id, fn, arg))
		id++;
}

static void thaw(void)
{
	visit_all(release_locked, NULL);
	waitq_wake_all(&frozen_waitq);
	BUG_ON_VAL(!move_phase(THAWING, THAWED), phase, nr_awaited);
}

/* Up to NAMES_MAX of those that did not come. */
struct culprits {
	u32 found;
	struct {
		u32 id;
		char name[TASK_NAME_LEN], waits[TASK_NAME_LEN];
	} who[NAMES_MAX];
};

static void note_locked(struct task *t, void *arg)
{
	struct culprits *c = arg;
	const char *waits = t->waiting_on ? t->waiting_on->name : "";

	if (!t->freeze_awaited)
		return;
	if (c->found < NAMES_MAX) {
		c->who[c->found].id = t->id;
		memcpy(c->who[c->found].name, t->name, TASK_NAME_LEN);
		tm_snprintf(c->who[c->found].waits, TASK_NAME_LEN, "%s", waits);
	}
	c->found++;
}

static void name_culprits(void)
{
	struct culprits c = { 0 };
	u32 i;

	visit_all(note_locked, &c);
	for (i = 0; i < c.found && i < NAMES_MAX; i++)
		pr_warn("freeze: task %u '%s' did not stop%s%s", c.who[i].id, c.who[i].name,
			c.who[i].waits[0] ? ": it waits for " : "", c.who[i].waits);
	if (c.found > NAMES_MAX)
		pr_warn("freeze: and %u more", c.found - NAMES_MAX);
}

static int await_all(u64 deadline)
{
	u64 flags = sched_lock();
	int err = 0;

	while (nr_awaited && !err) {
		err = sched_block_locked(&done_waitq, deadline, WAIT_KILLABLE);
		sched_lock_masked();
	}
	/* The last one may have come between the end of the wait and now. */
	if (!nr_awaited)
		err = 0;
	__atomic_store_n(&phase, err ? phase : FROZEN, __ATOMIC_RELAXED);
	sched_unlock(flags);
	return err;
}

static int freeze(u64 deadline_ns)
{
	int err;

	if (!move_phase(THAWED, FREEZING))
		return ERR_BUSY;
	visit_all(ask_locked, NULL);
	err = await_all(deadline_ns);
	if (!err)
		return 0;
	if (err == ERR_TIMEDOUT)
		name_culprits();
	BUG_ON_VAL(!move_phase(FREEZING, THAWING), phase, err);
	thaw();
	return err;
}

int tasks_freeze(u64 deadline_ns)
{
	int err;

	BUG_ON(!may_sleep());
	kill_hold();
	err = freeze(deadline_ns);
	kill_release();
	task_kill_point();
	return err;
}

void tasks_thaw(void)
{
	BUG_ON(!may_sleep());
	kill_hold();
	if (move_phase(FROZEN, THAWING))
		thaw();
	kill_release();
}
