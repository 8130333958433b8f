/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sleeping lock with an owner. The owner word holds the owning task and the
 * bits below. While it is 0, or a task without any bit, its owner takes and
 * leaves it alone with one compare-and-swap. As soon as a bit is set, only the
 * holder of the scheduler lock changes the word, by plain stores.
 *
 * While somebody waits, and while a ceiling is lent, the owner is the server of
 * the mutex's queue (inherit.c). Unlocking first takes the loan from the old
 * owner, then hands over to the most urgent waiter before that one runs, so the
 * old owner goes on at a level of its own and nobody overtakes.
 *
 * Every task keeps a list of what it holds, touched by itself, or under the
 * scheduler lock while it waits for the mutex that it is being given. Word and
 * list change one after the other, so a task that may end wherever it is preempted
 * does both under the lock: it never takes the short way, and a bit is always set
 * in what it owns.
 */
#include "rtos/sched.h"

enum {
	MUTEX_WAITERS = 1 << 0,   /* somebody waits, or did, or the owner may end anywhere */
	MUTEX_OWNERDEAD = 1 << 1, /* the last owner ended with it, nobody waited */
	MUTEX_CEIL = 1 << 2,      /* for good: a ceiling is lent with it */
	MUTEX_BITS = MUTEX_WAITERS | MUTEX_OWNERDEAD | MUTEX_CEIL,
	RING_MAX = 64, /* waiters looked at in search of a ring */
};

_Static_assert(_Alignof(struct task) > MUTEX_BITS, "bits below a task's address");

int mutex_init_protocol(struct mutex *m, const char *name, enum mutex_protocol protocol,
			unsigned int ceiling)
{
	if (protocol == MUTEX_CEILING && ceiling > TASK_PRIO_MAX)
		return ERR_INVAL;
	*m = (struct mutex){ .protocol = (u8)protocol };
	if (protocol == MUTEX_CEILING) {
		m->owner = MUTEX_CEIL;
		m->ceiling = (u8)ceiling;
	}
	waitq_init(&m->queue, name);
	return 0;
}

void mutex_init(struct mutex *m, const char *name)
{
	mutex_init_protocol(m, name, MUTEX_INHERIT, 0);
}

static struct task *task_of(uintptr_t word)
{
	return (struct task *)(word & ~(uintptr_t)MUTEX_BITS);
}

static struct task *owner_of(const struct mutex *m)
{
	return task_of(__atomic_load_n(&m->owner, __ATOMIC_RELAXED));
}

static inline bool ends_anywhere(const struct task *t)
{
	return t->flags & TASK_KILL_ANYWHERE;
}

/* Release: who takes it by compare-and-swap sees what its owner wrote. */
static void set_owner(struct mutex *m, struct task *t, uintptr_t bits)
{
	uintptr_t ceil = m->protocol == MUTEX_CEILING ? MUTEX_CEIL : 0;

	if (t && ends_anywhere(t))
		bits |= MUTEX_WAITERS;
	__atomic_store_n(&m->owner, (uintptr_t)t | bits | ceil, __ATOMIC_RELEASE);
}

static void note_held(struct mutex *m, struct task *t)
{
	list_add_head(&t->held, &m->held);
	t->nr_held++;
}

static void note_dropped(struct mutex *m, struct task *t)
{
	list_del(&m->held);
	t->nr_held--;
}

static bool swap_owner(struct mutex *m, uintptr_t from, uintptr_t to)
{
	return __atomic_compare_exchange_n(&m->owner, &from, to, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

/* ---- locking ------------------------------------------------------------------------ */

/* The mutex belongs to nobody: it is t's now. */
static int take_locked(struct mutex *m, struct task *t, uintptr_t old)
{
	set_owner(m, t, 0);
	note_held(m, t);
	if (m->protocol == MUTEX_CEILING) {
		m->queue.lent = m->ceiling;
		inherit_serve_locked(&m->queue, t);
		inherit_one_locked();
	}
	return old & MUTEX_OWNERDEAD ? ERR_OWNERDEAD : 0;
}

/* Only of a blocked task is `wants` not about to change. */
static bool waits_forever(const struct task *t)
{
	return t->state == TASK_BLOCKED && t->wants && !t->timer.pending;
}

/*
 * A ring in which nobody has a deadline never ends: say who waits for what.
 * Test builds only; release builds let them wait, as their tasks asked for.
 */
static void look_for_ring(const struct mutex *m, const struct task *me)
{
	const struct task *t = owner_of(m);
	char text[200] = "";
	size_t n = 0;
	int steps;

	for (steps = 0; t && t != me && waits_forever(t) && steps < RING_MAX; steps++) {
		if (n < sizeof(text))
			n += (size_t)tm_snprintf(text + n, sizeof(text) - n, ", '%s' for '%s'",
						 t->name, t->wants->queue.name);
		t = owner_of(t->wants);
	}
	if (t == me)
		panic("a ring of waiters: task '%s' waits for mutex '%s'%s", me->name,
		      m->queue.name, text);
}

static int wait_locked(struct mutex *m, struct task *me, u64 deadline)
{
	struct task *owner = owner_of(m);
	int err;

	if (owner == me)
		panic("mutex '%s' locked twice by task '%s'", m->queue.name, me->name);
	if (tm_debug && (s64)deadline < 0)
		look_for_ring(m, me);
	/* Its loan follows when this task stands in the queue. */
	if (m->protocol == MUTEX_INHERIT)
		m->queue.server = owner;
	me->wants = m;
	/* Woken means handed over: one wait decides. */
	err = sched_block_locked(&m->queue, deadline, WAIT_FIRM);
	me->wants = NULL;
	BUG_ON_VAL((owner_of(m) == me) != (err != ERR_TIMEDOUT), me->id, err);
	return err;
}

static tm_noinline int lock_slow(struct mutex *m, u64 deadline)
{
	struct task *me = arch_current();
	uintptr_t old;
	u64 flags;
	int err;

	flags = sched_lock();
	if (m->protocol == MUTEX_CEILING && me->base_prio > m->ceiling) {
		sched_unlock(flags);
		return ERR_INVAL;
	}
	old = __atomic_fetch_or(&m->owner, MUTEX_WAITERS, __ATOMIC_ACQUIRE);
	if (task_of(old)) {
		err = wait_locked(m, me, deadline);
		arch_irq_restore(flags);
		return err;
	}
	err = take_locked(m, me, old);
	sched_unlock(flags);
	return err;
}

int mutex_lock_until(struct mutex *m, u64 deadline_ns)
{
	struct task *me = arch_current();

	BUG_ON(tm_debug && deadline_ns && !may_sleep());
	if (unlikely(ends_anywhere(me) || !swap_owner(m, 0, (uintptr_t)me)))
		return lock_slow(m, deadline_ns);
	note_held(m, me);
	return 0;
}

int mutex_lock(struct mutex *m)
{
	return mutex_lock_until(m, TM_FOREVER);
}

int mutex_trylock(struct mutex *m)
{
	int err;

	if (owner_of(m))
		return ERR_BUSY;
	err = mutex_lock_until(m, 0);
	return err == ERR_TIMEDOUT ? ERR_BUSY : err;
}

/* ---- unlocking ------------------------------------------------------------------------ */

/*
 * `me` lets go: the loan first, so that nothing is placed against a level it
 * only had on loan, then the next owner, which is told `result`. Null when
 * nobody waits; else the caller wakes it.
 */
static struct task *pass_on_locked(struct mutex *m, struct task *me, bool died)
{
	struct task *next = waitq_first_locked(&m->queue);

	note_dropped(m, me);
	inherit_serve_locked(&m->queue, NULL);
	inherit_one_locked();
	if (!next) {
		m->queue.lent = 0;
		set_owner(m, NULL, died ? MUTEX_OWNERDEAD : 0);
		return NULL;
	}
	set_owner(m, next, MUTEX_WAITERS);
	note_held(m, next);
	return next;
}

/* The new owner has left the queue: whoever is still in it lends to it. */
static void lend_to_next_locked(struct mutex *m, struct task *next)
{
	bool lends = m->protocol == MUTEX_CEILING ||
		     (m->protocol == MUTEX_INHERIT && m->queue.nr_waiting > 1);

	if (lends) {
		inherit_serve_locked(&m->queue, next);
		inherit_one_locked();
	} else if (m->queue.nr_waiting == 1) {
		set_owner(m, next, 0);
	}
}

static tm_noinline void unlock_slow(struct mutex *m)
{
	struct task *me = arch_current(), *next;
	u64 flags = sched_lock();

	if (owner_of(m) != me)
		panic("mutex '%s' unlocked by task '%s', which does not hold it", m->queue.name,
		      me->name);
	next = pass_on_locked(m, me, false);
	if (!next) {
		sched_unlock(flags);
		return;
	}
	lend_to_next_locked(m, next);
	sched_wake_unlock(next, 0, flags);
}

void mutex_unlock(struct mutex *m)
{
	struct task *me = arch_current();

	if (unlikely(__atomic_load_n(&m->owner, __ATOMIC_RELAXED) != (uintptr_t)me)) {
		unlock_slow(m);
		return;
	}
	note_dropped(m, me);
	if (unlikely(!swap_owner(m, (uintptr_t)me, 0))) {
		/* Somebody has come to wait meanwhile. */
		note_held(m, me);
		unlock_slow(m);
	}
}

bool mutex_held(const struct mutex *m)
{
	/* Another task's writes cannot make this one the owner or undo it. */
	return owner_of(m) == arch_current();
}

void mutex_abandon_all(void)
{
	struct task *me = arch_current(), *next;

	while (!list_empty(&me->held)) {
		struct mutex *m = container_of(me->held.next, struct mutex, held);
		u64 flags = sched_lock();

		next = pass_on_locked(m, me, true);
		if (next) {
			lend_to_next_locked(m, next);
			sched_wake_unlock(next, ERR_OWNERDEAD, flags);
		} else {
			sched_unlock(flags);
		}
	}
}
