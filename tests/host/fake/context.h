/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No task ever runs on the fake machine, so there is nothing to save. The
 * structure exists for sources of rtos/ that include rtos/task.h for something
 * else.
 */
#ifndef HOST_FAKE_CONTEXT_H
#define HOST_FAKE_CONTEXT_H

#include "rtos/lib/base.h"

struct arch_context {
	u64 sp;
};

#endif
