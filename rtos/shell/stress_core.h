/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stress of the core, for the shell's `stress` and for the suite that
 * asserts how long its sections are. One at a time: the caller sees to it. For
 * rtos/shell/ and tests/target/ only.
 */
#ifndef RTOS_SHELL_STRESS_CORE_H
#define RTOS_SHELL_STRESS_CORE_H

#include "rtos/rtos.h"

enum { STRESS_TASKS_MAX = 1000 };

struct stress_result {
	u64 ops;           /* done by all tasks */
	u64 wrong;         /* mutexes found in the wrong hands */
	unsigned int lost; /* tasks that did not end within 60 s */
	bool refused;      /* no memory for all tasks */
};

/*
 * Run `tasks` (1 to STRESS_TASKS_MAX) workers for ms milliseconds; what each
 * does follows from the seed. wait() sleeps for the caller and ends it early
 * when it returns false. Task.
 */
struct stress_result core_stress(unsigned int tasks, u64 ms, u64 seed, bool (*wait)(u64 ns));

#endif
