/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of suites: what `test` runs, from the libraries upward. A list one
 * can read instead of a linker section, so that a suite that was forgotten is
 * an undefined name or an unused one, never silence.
 */
#include "tests/target/suites.h"

const struct test_suite *const test_suites[] = {
	&suite_lib,     &suite_machine,  &suite_arch,     &suite_spinlock,  &suite_log,
	&suite_irq,     &suite_time,     &suite_sched,    &suite_wait,      &suite_sem,
	&suite_inherit, &suite_msgq,     &suite_events,   &suite_work,      &suite_ioremap,
	&suite_task,    &suite_kill,     &suite_midway,   &suite_freeze,    &suite_cpu,
	&suite_mixed,   &suite_day,      &suite_fp,       &suite_inversion, &suite_watchdog,
	&suite_mm,      &suite_policy,   &suite_mmstress, &suite_mmsweep,   &suite_see,
	&suite_ladder,  &suite_mobility, &suite_pcp,      &suite_latency,   NULL,
};
