/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mixed workload, between its files: mixed.c starts and ends it,
 * mixed_ops.c and mixed_more.c are what its workers do, mixed_watch.c looks at all of it while it
 * runs and names the rule that was broken. Everything drawn comes from
 * boot_test_seed(), so that a seed is a workload.
 *
 * Lock keys: (B) box.lock, of the service too, (A) atomic, (T) the worker itself, (M) the mutex.
 */
#ifndef TESTS_TARGET_MIXED_H
#define TESTS_TARGET_MIXED_H

#include "rtos/sched.h"
#include "tests/target/help.h"

#define US 1000ull

enum {
	MIXED_WORKERS_MAX = 10,
	MIXED_MUTEXES = 4, /* taken in order; the last has a ceiling */
	MIXED_TOKENS_MAX = 8,
	MIXED_MESSAGES = 4,
	MIXED_PLACES = 2, /* of the semaphore */
};

struct mixed_worker {
	struct task *task;
	char name[TASK_NAME_LEN];
	u32 nr;
	u32 left;     /* (T) operations to go */
	u64 gen;      /* (T) generator */
	u32 holding;  /* (A) may own a mutex: its priority may be lent */
	u64 due;      /* (A) deadline it waits for at most; TM_FOREVER: none */
	bool in_call; /* (B) wants to be served */
	bool in_box;  /* (B) between finding the box empty and leaving it */
	bool done;    /* (A) */
	struct timer timer;
	u32 armed, over; /* (A) times the timer was started; that it fired or was stopped */
	struct work work;
	u32 submitted;              /* (T) */
	u32 worked;                 /* (A) */
	u32 sent;                   /* (T) number of its last message */
	u32 got[MIXED_WORKERS_MAX]; /* (T) number of the last one it got of each */
	/* (S) of the watch: since when it is ready though others run */
	u64 passed_seq, passed_since;
};

/* A box of tokens: the plainest use of a wait queue. */
struct mixed_box {
	struct spinlock lock;
	struct waitq queue;
	u32 tokens;     /* (B) */
	u32 posting;    /* (B) put one, have not woken yet */
	u64 put, taken; /* (B) */
};

/* A task that works for others: whoever waits for it lends it its priority. */
struct mixed_service {
	struct task *task;
	struct waitq work, done;
	bool asked[MIXED_WORKERS_MAX], served[MIXED_WORKERS_MAX]; /* (B) */
	u32 asking, telling; /* (B) have changed the above, have not woken yet */
	bool quit;           /* (B) */
};

/* As many may be inside as there are places. */
struct mixed_sem {
	struct sem sem;
	u32 inside; /* (A) */
};

struct mixed_mutex {
	struct mutex mutex;
	char name[TASK_NAME_LEN];
	struct task *inside; /* (M) who is between lock and unlock */
	u64 pair[2];         /* (M) always equal outside a hold */
};

struct mixed {
	struct mixed_worker worker[MIXED_WORKERS_MAX];
	u32 nr_workers;
	u32 nr_done; /* (A) */
	bool stop;   /* (A) something broke: everybody goes home */
	u64 late_ns; /* longer than anything may be late on this machine */
	u64 nr_ops;  /* (A) */
	struct mixed_box box;
	struct mixed_mutex mutex[MIXED_MUTEXES];
	struct mixed_service service;
	struct mixed_sem sem;
	struct mutex frail; /* children end holding it */
	struct msgq mail;
	u32 nr_sent, nr_received; /* (A) */
	struct events events;
	bool orphaned; /* (M) of frail: the next owner must be told */
};
extern struct mixed mixed;

/* The word also has flags of mutex.c in its lowest bits. */
static inline bool mixed_owned(const struct mutex *m)
{
	return __atomic_load_n(&m->owner, __ATOMIC_RELAXED) & ~(uintptr_t)7;
}

/* Next number of the worker's own sequence, below n. */
u32 mixed_draw(struct mixed_worker *w, u32 n);
/* A broken rule: one line, and the end of the run. */
void mixed_broken(const char *fmt, ...) tm_printf(1, 2);

/* ---- mixed_ops.c ---- */

void mixed_ops_init(void);
/* One operation of the worker, drawn. */
void mixed_op(struct mixed_worker *w);
/* Put a token into the box; false: it is full. Any. */
bool mixed_put(void);
/* The service's task; ends when told to. */
void mixed_service_task(void *arg);
void mixed_service_quit(void);
/* What must add up once everybody is done. */
void mixed_ops_balance(void);

/* Lock the mutex whose owners end; false: not locked. */
bool mixed_lock_frail(const char *who);

/* ---- mixed_more.c ---- */

void mixed_more_init(void);
void mixed_op_send(struct mixed_worker *w);
void mixed_op_receive(struct mixed_worker *w);
void mixed_op_events(struct mixed_worker *w);
void mixed_op_work(struct mixed_worker *w);
void mixed_op_kill(struct mixed_worker *w);
/* The worker goes home. */
void mixed_more_end(struct mixed_worker *w);
void mixed_more_balance(void);

/* ---- mixed_watch.c ---- */

/* Look at everything once; broken rules are reported. */
void mixed_watch(void);

#endif
