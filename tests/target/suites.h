/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every suite inside the Image, in the order in which they run. A new suite
 * is declared here, defined in its own file, and named in suites.c.
 */
#ifndef TESTS_TARGET_SUITES_H
#define TESTS_TARGET_SUITES_H

#include "rtos/rtos.h"

/* Null-ended. */
extern const struct test_suite *const test_suites[];

extern const struct test_suite suite_lib;
extern const struct test_suite suite_machine;
extern const struct test_suite suite_arch;
extern const struct test_suite suite_spinlock;
extern const struct test_suite suite_log;
extern const struct test_suite suite_irq;
extern const struct test_suite suite_time;
extern const struct test_suite suite_sched;
extern const struct test_suite suite_wait;
extern const struct test_suite suite_sem;
extern const struct test_suite suite_inherit;
extern const struct test_suite suite_msgq;
extern const struct test_suite suite_events;
extern const struct test_suite suite_work;
extern const struct test_suite suite_ioremap;
extern const struct test_suite suite_watchdog;
extern const struct test_suite suite_task;
extern const struct test_suite suite_inversion;
extern const struct test_suite suite_fp;
extern const struct test_suite suite_kill;
extern const struct test_suite suite_midway;
extern const struct test_suite suite_freeze;
extern const struct test_suite suite_cpu;
extern const struct test_suite suite_mixed;
extern const struct test_suite suite_day;
extern const struct test_suite suite_mm;
extern const struct test_suite suite_mmstress;
extern const struct test_suite suite_mmsweep;
extern const struct test_suite suite_see;
extern const struct test_suite suite_policy;
extern const struct test_suite suite_ladder;
extern const struct test_suite suite_mobility;
extern const struct test_suite suite_pcp;
extern const struct test_suite suite_latency;

#endif
