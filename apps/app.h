/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The place for the user's own code. `make APP=DIR run` compiles every .c and
 * .S of DIR with the kernel's flags (NAME.fp.c may use floating point) and
 * links them into an Image of their own; the kernel's Image stays as it is. An
 * app sees rtos/rtos.h, which this includes, mm/mm.h and mm/dt.h (the device
 * tree), and nothing else. It runs with the kernel's rights: its mistakes are
 * the kernel's.
 */
#ifndef APPS_APP_H
#define APPS_APP_H

#include "rtos/rtos.h"

/*
 * The app's entry, to be written by the user. Called once, in the task "app"
 * (TASK_PRIO_DEFAULT, TASK_FP), when the shell is up; not when the machine was
 * booted for self tests. It may return while the tasks it created go on. A
 * result other than 0 is printed.
 */
int app_main(void);

/*
 * Start that task; in an Image without an app nothing happens. For the shell:
 * once, before its first prompt or command. Task.
 */
void app_start(void);

#endif
