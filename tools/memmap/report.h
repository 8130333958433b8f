/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tools/memmap prints, line by line, in a form that a person reads and a
 * script can take apart: a section's name alone on a line, its rows indented by
 * two, ranges as [start, end) in bytes. Everything comes from what boot left
 * behind; nothing is looked up in the blob again.
 */
#ifndef TOOLS_MEMMAP_REPORT_H
#define TOOLS_MEMMAP_REPORT_H

#include "loader.h"
#include "mm/dt.h"

/* The console that the tree named, as the kernel was told; null: none. */
void report_console(const struct dt_console *c);
/* The CPUs, from the parsed tree, for the machine and for the report. */
void report_cpus(void);

/* After mm_boot(). */
void report(const char *file, const struct loaded *l);
/* The warnings among the messages, also after a refusal. */
void report_warnings(void);

#endif
