/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message queue: a ring of messages of one size on the caller's buffer. Tasks
 * wait on one side at most: receivers only while the ring is empty, senders only
 * while it is full, and that holds whenever the scheduler lock is free. So a
 * message for a waiting receiver goes straight from sender to receiver, and a
 * receiver that makes room fills it with the first sender's message before
 * anybody else comes: order is kept among messages and among waiters.
 *
 * A waiting task's buffer (wait_arg) is read or filled by its partner, under the
 * lock, at most MSGQ_MESSAGE_MAX bytes; a task that left the queue is not
 * touched any more.
 */
#include "rtos/life.h"
#include "rtos/sched.h"

int msgq_init(struct msgq *q, const char *name, void *buf, u32 size, u32 capacity)
{
	u64 nr_bytes = (u64)size * capacity;

	if (!buf || !size || size > MSGQ_MESSAGE_MAX || !capacity || nr_bytes > UINT32_MAX)
		return ERR_INVAL;
	*q = (struct msgq){ .buf = buf, .size = size, .capacity = capacity };
	waitq_init(&q->senders, name);
	waitq_init(&q->receivers, name);
	return 0;
}

/* ---- the ring ------------------------------------------------------------------- */

static void set_count(struct msgq *q, u32 count)
{
	__atomic_store_n(&q->count, count, __ATOMIC_RELAXED);
}

static void ring_put(struct msgq *q, const void *msg)
{
	u64 at = (u64)q->head + q->count;

	BUG_ON_VAL(q->count >= q->capacity, q->count, q->capacity);
	if (at >= q->capacity)
		at -= q->capacity;
	memcpy(q->buf + at * q->size, msg, q->size);
	set_count(q, q->count + 1);
}

static void ring_drop(struct msgq *q)
{
	BUG_ON_VAL(!q->count, q->head, q->capacity);
	q->head = q->head + 1 < q->capacity ? q->head + 1 : 0;
	set_count(q, q->count - 1);
}

static void ring_get(struct msgq *q, void *msg)
{
	memcpy(msg, q->buf + (u64)q->head * q->size, q->size);
	ring_drop(q);
}

/* ---- waiting ---------------------------------------------------------------------- */

/* Lock held; released on return. */
static int wait_partner(struct waitq *q, void *buf, u64 deadline_ns, u64 flags)
{
	int err;

	arch_current()->wait_arg = buf;
	err = sched_block_locked(q, deadline_ns, WAIT_KILLABLE);
	arch_irq_restore(flags);
	if (unlikely(err == ERR_KILLED))
		task_check_kill();
	return err;
}

/* There is room: the first sender that waits puts its message in; or null. */
static struct task *admit_sender(struct msgq *q)
{
	struct task *t = waitq_first_locked(&q->senders);

	if (t)
		ring_put(q, t->wait_arg);
	return t;
}

static void wake_unlock(struct task *t, u64 flags)
{
	if (t)
		sched_wake_unlock(t, 0, flags);
	else
		sched_unlock(flags);
}

int msgq_send(struct msgq *q, const void *msg, u64 deadline_ns)
{
	struct task *t;
	u64 flags;

	if (deadline_ns)
		task_kill_point();
	flags = sched_lock();
	t = waitq_first_locked(&q->receivers);
	BUG_ON_VAL(t && q->count, q->count, q);
	if (!t && q->count == q->capacity)
		return wait_partner(&q->senders, (void *)(uintptr_t)msg, deadline_ns, flags);
	if (t)
		memcpy(t->wait_arg, msg, q->size);
	else
		ring_put(q, msg);
	wake_unlock(t, flags);
	return 0;
}

int msgq_receive(struct msgq *q, void *msg, u64 deadline_ns)
{
	u64 flags;

	if (deadline_ns)
		task_kill_point();
	flags = sched_lock();
	BUG_ON_VAL(q->senders.nr_waiting && q->count < q->capacity, q->count, q->capacity);
	if (!q->count)
		return wait_partner(&q->receivers, msg, deadline_ns, flags);
	ring_get(q, msg);
	wake_unlock(admit_sender(q), flags);
	return 0;
}

u32 msgq_count(const struct msgq *q)
{
	return __atomic_load_n(&q->count, __ATOMIC_RELAXED);
}

/*
 * With senders waiting one message a hold, each making room for one of them, so
 * that they wait only while the ring is full; without, all that is left at once.
 */
u32 msgq_purge(struct msgq *q)
{
	u32 left = msgq_count(q), dropped = 0, n;
	u64 flags;

	do {
		flags = sched_lock();
		left = (u32)min_u64(left, q->count);
		n = q->senders.nr_waiting ? min_u64(left, 1) : left;
		q->head = (u32)(((u64)q->head + n) % q->capacity);
		set_count(q, q->count - n);
		left -= n;
		dropped += n;
		wake_unlock(n ? admit_sender(q) : NULL, flags);
	} while (left);
	return dropped;
}
