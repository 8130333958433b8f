/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start of deferred work, for the boot table only; the calls for everybody
 * are in rtos/defer.h. There is nothing to stop: queues are for good, and
 * struct workq is known to work.c alone.
 */
#ifndef RTOS_WORK_H
#define RTOS_WORK_H

/* Create the queue of workq_system(). Boot, once, tasks may run. */
void workq_start(void);

#endif
