/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The classic priority inversion, and what is done about it, played by real
 * tasks on one CPU: somebody unimportant holds what somebody important needs,
 * and a third, in between, computes. The command `inversion` prints the trace;
 * a suite of tests/target asserts on it. One scene at a time.
 */
#ifndef RTOS_SHELL_INVERSION_H
#define RTOS_SHELL_INVERSION_H

#include "rtos/rtos.h"

enum scene_kind {
	SCENE_INHERIT, /* a mutex that inherits: the default */
	SCENE_CEILING, /* a mutex with a ceiling */
	SCENE_PLAIN,   /* a mutex that does neither */
	SCENE_CHAIN,   /* high waits for mid, who waits for low */
	SCENE_SERVER,  /* high waits for a task that serves its queue */
	SCENE_QUEUE,   /* the same, but nobody said who serves it */
	NR_SCENES
};

enum { SCENE_LOW = 12, SCENE_MID = 14, SCENE_HOG = 16, SCENE_HIGH = 24, SCENE_EVENTS = 24 };
#define SCENE_SECTION_NS 4000000ull /* the work low does while it is needed */

struct scene_event {
	u64 ns; /* since the first event */
	char who[TASK_NAME_LEN];
	unsigned int prio; /* effective */
	const char *what;
};

struct scene_trace {
	unsigned int cpu;
	u32 nr_events;
	struct scene_event event[SCENE_EVENTS];
	u64 waited_ns; /* high, from being woken to having what it wants */
	u64 hog_ns;    /* what the hog had computed by then */
	u64 hog_all_ns;
};

/* The word that selects it on the command line. */
const char *scene_name(enum scene_kind kind);
/*
 * Play one, with a hog that computes for hog_ns of its own CPU time. 0,
 * ERR_NOMEM (no task), ERR_TIMEDOUT: it did not end within a minute more than
 * it should take, and its tasks still exist. Task of a priority below
 * SCENE_LOW, one at a time.
 */
int scene_play(enum scene_kind kind, u64 hog_ns, struct scene_trace *trace);

#endif
