/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for each other: wait queues, mutexes, semaphores, message queues,
 * event flags. Part of rtos/rtos.h, which says what the context words and lock
 * keys mean; include that one.
 *
 * Order everywhere: the most urgent waiter first, FIFO among equals; a change
 * of priority moves a waiter to the tail of its new level. Time arguments are
 * absolute (time_after_ns() makes one): 0, like any moment that has passed,
 * means "do not wait" and makes a call legal in any context; TM_FOREVER, and
 * every value from 2^63 on, which is what a negative number becomes, means "as
 * long as it takes".
 *
 * Waiting here is a point where a killed task ends (task_kill), but for
 * mutexes and plain wait queues: what they protect is half done.
 */
#ifndef RTOS_SYNC_H
#define RTOS_SYNC_H

#include "rtos/lib/prio_list.h"
#include "rtos/lib/lib.h"

struct spinlock;
struct task;

/* ---- wait queues --------------------------------------------------------- */

/*
 * Tasks waiting for something. With a server, whoever waits lends it its
 * priority, through any chain of servers that themselves wait, and takes it
 * back when it leaves, by whatever way.
 */
struct waitq {
	struct prio_list waiters; /* (S) */
	u32 wakings;              /* (S) times all were woken: who came before the last one goes */
	u32 nr_waiting;           /* (S) to set, (A) to read: tasks in waiters */
	u32 moves;                /* (S) waiters that changed their place so far */
	u32 lent;                 /* (S) level lent without waiting; 0: none */
	struct task *server;      /* (S) null: nobody in particular */
	struct prio_node loan;    /* (S) in the server's loans */
	const char *name;         /* (I) shown by ps */
};

#define WAITQ_INIT(var, nm)                                                                        \
	{                                                                                          \
		.name = (nm)                                                                       \
	}
/* The same at run time; the name is kept, not copied. */
void waitq_init(struct waitq *q, const char *name);

/*
 * Check-and-sleep without a lost wake-up: the caller holds `l` (taken by
 * spin_lock_irqsave, nothing else held), has found its condition false, and
 * calls this; the lock is dropped once the task is queued, and taken again
 * before returning. 0 when woken, ERR_TIMEDOUT when the deadline came first.
 * Callers loop on their condition. Task, apart from that one lock.
 */
int waitq_wait(struct waitq *q, struct spinlock *l, u64 *flags, u64 deadline_ns);
/*
 * The same for work that can be left half way: also returns ERR_KILLED when the
 * task was asked to end (it ends itself when it is ready to, by task_exit() or
 * at its next such point) and ERR_FROZEN when all are to freeze (a task with
 * TASK_FREEZABLE then calls task_try_freeze() and loops).
 */
int waitq_wait_leave(struct waitq *q, struct spinlock *l, u64 *flags, u64 deadline_ns);
/* Wake the most urgent waiter, or all, one a lock hold, but no more than waited
 * when it began. Result: tasks woken. Any. */
unsigned int waitq_wake_one(struct waitq *q);
unsigned int waitq_wake_all(struct waitq *q);

/*
 * Name the task that serves q (kswapd of a node, a driver's thread), or null:
 * from now on its effective priority is at least that of the most urgent
 * waiter. It must stop serving before it ends; one that does not is struck off
 * when it ends. Bounded as a priority change. Any.
 */
void waitq_serve(struct waitq *q, struct task *server);
/* Lend the server of q at least this level without waiting, until called with
 * 0 (TASK_PRIO_IDLE). The last word counts. Any. */
void waitq_lend(struct waitq *q, unsigned int prio);

/* ---- mutex --------------------------------------------------------------- */

enum mutex_protocol {
	/* Waiters lend the owner their priority, transitively: the default. */
	MUTEX_INHERIT,
	/* The owner has at least the ceiling from lock to unlock. */
	MUTEX_CEILING,
	/* Neither: for showing what happens then. */
	MUTEX_PLAIN,
};

/*
 * A sleeping lock with an owner. Unlocking hands it to the most urgent waiter
 * before that one runs, so nobody overtakes a waiter and the wait is bounded
 * by the holds ahead. Not recursive.
 */
struct mutex {
	uintptr_t owner;    /* (A) task, and the bits of mutex.c */
	struct waitq queue; /* (S) its server is the owner, while somebody waits */
	struct list held;   /* (T) of the owner, or (S) while it is blocked: in its held list */
	u8 protocol;        /* (I) enum mutex_protocol */
	u8 ceiling;         /* (I) level */
};

/* Unlocked; the name is kept, not copied. */
void mutex_init(struct mutex *m, const char *name);
/* ceiling counts for MUTEX_CEILING only. 0, ERR_INVAL (ceiling over 31). */
int mutex_init_protocol(struct mutex *m, const char *name, enum mutex_protocol protocol,
			unsigned int ceiling);
/*
 * 0; or ERR_OWNERDEAD: locked as well, and the owner before ended while holding
 * it, so what it protects may be half done (said once, to the next owner).
 * Panics on self-deadlock, test builds also on a ring of waiters, with its
 * members' names. ERR_INVAL, not locked: the caller's own level is above the
 * ceiling. Task.
 */
int mutex_lock(struct mutex *m);
int mutex_lock_until(struct mutex *m, u64 deadline_ns); /* also ERR_TIMEDOUT */
int mutex_trylock(struct mutex *m);                     /* ERR_BUSY instead of waiting */
/* By the owner, else panics. Task or atomic section, not interrupt. */
void mutex_unlock(struct mutex *m);
/* The calling task owns it. Task. */
bool mutex_held(const struct mutex *m);

/* ---- counting semaphore -------------------------------------------------- */

struct sem {
	u32 count, max;       /* (S) count <= max; > 0 only while nobody waits */
	struct waitq waiters; /* (S) */
};

/* 0, ERR_INVAL: max 0 or initial over max. */
int sem_init(struct sem *s, const char *name, u32 initial, u32 max);
/* Take one: 0 or ERR_TIMEDOUT. Task; any with deadline 0. */
int sem_wait(struct sem *s, u64 deadline_ns);
/* Give one, to the most urgent waiter at once: 0, or ERR_RANGE: it is full. Any. */
int sem_post(struct sem *s);
u32 sem_count(const struct sem *s); /* a moment's value. Any. */

/* ---- message queue ------------------------------------------------------- */

enum { MSGQ_MESSAGE_MAX = 256 }; /* bytes copied in one lock hold */

/* Fixed-size messages, copied in and out in order. */
struct msgq {
	u8 *buf;                         /* (I) capacity * size bytes */
	u32 size, capacity;              /* (I) bytes; messages */
	u32 head;                        /* (S) oldest message */
	u32 count;                       /* (S) to set, (A) to read: messages inside */
	struct waitq senders, receivers; /* (S) one of them is empty */
};

/* On the caller's buffer. 0, ERR_INVAL: a size of 0 or over MSGQ_MESSAGE_MAX,
 * no room for one message, capacity * size wraps 32 bits. */
int msgq_init(struct msgq *q, const char *name, void *buf, u32 size, u32 capacity);
/* Copy one message in, or out; a waiting partner is served directly, so that
 * order among messages and among waiters holds. 0 or ERR_TIMEDOUT. Task; any
 * with deadline 0. */
int msgq_send(struct msgq *q, const void *msg, u64 deadline_ns);
int msgq_receive(struct msgq *q, void *msg, u64 deadline_ns);
u32 msgq_count(const struct msgq *q);
/* Forget all messages; waiting senders go on. Result: messages dropped. Task. */
u32 msgq_purge(struct msgq *q);

/* ---- event flags --------------------------------------------------------- */

enum {
	EVENTS_ANY = 0,        /* one of the bits is enough */
	EVENTS_ALL = 1 << 0,   /* all of them are needed */
	EVENTS_CLEAR = 1 << 1, /* clear what was waited for when it is there */
};

/* 32 bits that tasks wait for in any combination. */
struct events {
	u32 bits;              /* (S) */
	u32 moves;             /* (S) waiters.moves when the look began */
	struct waitq waiters;  /* (S) */
	struct prio_node mark; /* (S) in waiters while a look at them is not finished */
};

/* No bits set; the name is kept, not copied. */
void events_init(struct events *e, const char *name);
/*
 * Set bits and wake whose wait is over, most urgent first; one of them that
 * clears takes them away from those behind it. O(waiters), at most 8 a lock
 * hold; the caller runs at the priority of the most urgent task still waiting.
 * Any; from interrupts only where few wait, since all steps are made there.
 */
void events_set(struct events *e, u32 bits);
/* Any; a set under way is first helped to its end, at the priority it gives. */
void events_clear(struct events *e, u32 bits);
/* Wait for bits, after the rest of a set under way as above; *got, which may be
 * null, are all that were set then. 0, ERR_TIMEDOUT, ERR_INVAL: no bits asked for,
 * or unknown ones in `how`. Task; any with deadline 0. */
int events_wait(struct events *e, u32 bits, unsigned int how, u64 deadline_ns, u32 *got);

#endif
