/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The validator beside the suites: in test builds a task walks all of memory once
 * a second while a suite of the memory side runs, and what it finds fails the case
 * that runs just then. Suites that count tasks, time or instructions are left
 * alone: who is walked beside stands in walker.c by name. One suite at a time.
 */
#ifndef TESTS_TARGET_WALKER_H
#define TESTS_TARGET_WALKER_H

/* Before a suite's first case, and after its last. Task. */
void walker_begin(const char *suite);
void walker_end(void);

#endif
