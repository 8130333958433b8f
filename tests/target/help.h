/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helpers shared by the suites: tasks started and joined in a line, marks that
 * say who came by in what order, what the live tables map, and time in units one
 * can read. For cases only, one at a time: there is one list of marks. A helper
 * that cannot do its work fails the case.
 */
#ifndef TESTS_TARGET_HELP_H
#define TESTS_TARGET_HELP_H

#include "tests/target/suites.h"

#define MS 1000000ull
#define SEC (1000 * MS)

/* Start a task; null fails the case. */
struct task *help_spawn(const char *name, unsigned int prio, u64 cpu_mask, void (*fn)(void *),
			void *arg);
/* Join it within 30 s of machine time, else the case fails. */
void help_join(struct task *t);
/* Keep this CPU busy for ns of machine time. */
void help_spin(u64 ns);
/* Wait, sleeping in between, until *word is at least `want`; at most 30 s. */
bool help_await(const u32 *word, u32 want);
/* Pages nobody owns: on free lists or in caches, which differ from one moment to
 * the next by what was freed last. */
u64 unowned_pages(void);
/* The same once nothing has moved for a while: tasks that ended give back their
 * stacks in their own time. Sleeps. */
u64 help_settled_pages(void);
/* Highest priority whose band of the ladder, as this boot has them, lies in least..most;
 * -1: none does. */
int help_prio_of_band(u32 least, u32 most);
/* The case goes on at such a priority; false, and skipped, when there is none. */
bool help_enter_band(u32 least, u32 most);
/* Mask of the first n online CPUs (fewer if there are fewer). */
u64 help_first_cpus(unsigned int n);

/*
 * Who came by since help_marks_begin(), in order, HELP_NOBODY beyond the last.
 * All are counted, those beyond HELP_MARKS not kept.
 */
enum { HELP_MARKS = 64 };
#define HELP_NOBODY 0xffffffffu
extern unsigned int help_marks[HELP_MARKS];
extern u32 help_nr_marks;    /* (A) */
void help_marks_begin(void); /* while nobody marks */
void help_mark(unsigned int who);
/* They are these n and no others, else the case fails. */
void help_marks_are(const unsigned int *want, u32 n);

/* Whether an address is mapped, and with these rights, by the live tables. */
bool help_mapped(u64 va);
bool help_rights_are(const void *at, bool writable, bool executable);

static inline u32 help_read(const u32 *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline u32 help_add(u32 *word, u32 n)
{
	return __atomic_add_fetch(word, n, __ATOMIC_ACQ_REL);
}

#endif
