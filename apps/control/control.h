/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this app share: the controlled plant, which is computed in
 * floating point, and the statistics of how late a periodic task wakes. Both
 * are plain data of their caller, who sees to it that one task at a time uses
 * them.
 */
#ifndef APPS_CONTROL_CONTROL_H
#define APPS_CONTROL_CONTROL_H

#include "apps/app.h"

#define PERIOD_NS 1000000ull /* 1 kHz */

/* A mass on a damped slide, and the controller that pushes it. */
struct plant {
	double position, speed;  /* m, m/s */
	double integral, before; /* of the error, and the last error */
};

/*
 * One period: compute the force from the error, let the plant move. Positions
 * in mm. Result: where it is now. For a task with TASK_FP.
 */
int plant_step(struct plant *p, int setpoint_mm);

enum { JITTER_SAMPLES = 1000 }; /* a second's worth */

/* How late the last JITTER_SAMPLES periods began; a ring. */
struct jitter {
	u32 late_ns[JITTER_SAMPLES];
	u32 nr;    /* samples inside */
	u32 next;  /* where the next one goes */
	u32 worst; /* ns, of all since the start */
};

struct jitter_summary {
	u32 nr, min, mean, p99, max; /* ns, but for nr */
};

/* Add one; over 4 s counts as 4 s. */
void jitter_note(struct jitter *j, u64 late_ns);
/* Sorts the samples, so work on a copy. About 20,000 steps. */
struct jitter_summary jitter_summarise(struct jitter *copy);

#endif
