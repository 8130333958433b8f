/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a host test may ask of the machine it runs on. Physical memory is one
 * sparse memory file, byte p of RAM being byte p of the file; the linear map,
 * early mappings and arch_map() are views of it, so writing through one shows
 * in the others, and touching what nobody mapped faults at once.
 *
 * Spinlocks are not contended here (one thread): they check recursion, rank
 * order, unlock by the owner in the reverse way, and that interrupts are masked
 * where they must be. Every broken rule is a failed test through abort().
 */
#ifndef HOST_FAKE_H
#define HOST_FAKE_H

#include "arch/arch.h"
#include "mm/task.h"
#include "rtos/rtos.h"

/*
 * Forget RAM, mappings, messages, CPUs; clock to 0, one CPU on node 0, the
 * Image at [0x40200000, 0x40300000). Static data of the sources under test is
 * theirs: tests that need it fresh run in a child, see fake_run_child().
 */
void fake_reset(void);

/* The task that plays everything; fake_reset() gives it back its defaults. */
struct fake_task {
	u8 room[TASK_MM_OFFSET];
	struct mm_task mm;
	unsigned int prio;
	bool killed;       /* was asked to end */
	bool in_interrupt; /* what runs now interrupted it */
};
extern struct fake_task fake_task;
void fake_task_reset(void);

/* RAM exists at [start, end). Not accessible before arch_linear_map() unless
 * `mapped`, which maps it at once for tests below that layer. */
void fake_ram(u64 start, u64 end, bool mapped);
/* Map whole pages of RAM, as boot would. */
void fake_map(u64 start, u64 end);
/* From now on, also across fake_reset(), mapped RAM begins full of junk. */
void fake_junk(bool on);
/* Write into or read from physical memory that no one has mapped (yet). */
void fake_phys_write(u64 p, const void *data, u64 nr_bytes);
void fake_phys_read(u64 p, void *data, u64 nr_bytes);

/* nr CPUs; node[i] is the node of CPU i, null puts all on node 0. */
void fake_cpus(unsigned int nr, const unsigned int *node);
/* The CPU we play from now on. */
void fake_set_cpu(unsigned int cpu);
/* Run what CPUs were asked for by cpu_call() while interrupts were masked. */
void fake_cpu_calls(void);
/* What happens to the caches of a CPU that went off. */
void fake_cpu_down(unsigned int cpu);
void fake_image(u64 start, u64 end, u64 init_start, u64 init_end);
void fake_clock_ns(u64 now);
void fake_phys_bits(unsigned int bits);
/* A test may define it: the code gave way ('y') or slept ('z'). */
void fake_paused(char what);
/* Boot line; boot_args_parse() offers its words to mm_boot_option(). */
void fake_cmdline(const char *line);
/* The n-th arch_map() from now fails with ERR_NOMEM (1: the next; 0: never). */
void fake_fail_map(unsigned int n);

/* Messages since fake_reset(): all, whether one holds a text, how often. */
const char *fake_log(void);
bool fake_log_has(const char *text);
unsigned int fake_log_count(const char *text);
void fake_log_clear(void);

/*
 * Run fn(arg); the message if it ended in panic(), tm_bug() or panic_fault(),
 * else null. Locks held and the interrupt flag are restored afterwards.
 */
const char *fake_panics(void (*fn)(void *arg), void *arg);

/*
 * Run fn(arg) in a child process and return its exit status: 0 when it
 * returned, the code when it called exit(), 128 + signal when it died (a failed
 * assert or an unexpected panic is SIGABRT). What sources keep in static data is
 * fresh for each child.
 */
int fake_run_child(void (*fn)(void *arg), void *arg);

/* Locks held now; 0 between calls, else somebody forgot one. */
unsigned int fake_locks_held(void);
/* Pages that arch_map() has mapped, and calls of arch_linear_map(). */
u64 fake_mapped_pages(void);
u64 fake_linear_bytes(void);

/* Seed for property tests: env SEED (decimal or 0x), else `fallback`; printed. */
u64 fake_seed(const char *test, u64 fallback);
/* Rounds of a property test: n, or ten times as many when SOAK is set. */
unsigned int fake_rounds(unsigned int n);
/* Next value of a 64-bit generator (xorshift64*). */
u64 fake_random(u64 *state);

/* A file of the oracle or fixtures, relative to the repository; terminated.
 * The caller frees it; aborts when it cannot be read. */
char *fake_read_file(const char *path, size_t *size);

#endif
