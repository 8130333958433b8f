/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of arch/host/ tell each other. cpu.c owns the simulated CPUs,
 * turns/ or threads/ the clock and the order in which they go on, irqchip.c the
 * interrupt lines, memory.c the address space, board.c what the tree says the
 * machine has, uart.c the one device, fault.c signals and names of addresses.
 * No locks here: of many threads, the kernel's own locks or a machine that
 * stands still let one in at a time. Only board.c, memory.c, uart.c and fault.c know
 * that there is a Linux below.
 */
#ifndef ARCH_HOST_HOST_H
#define ARCH_HOST_HOST_H

#include "arch/arch.h"

/* ---- options (board.c) ------------------------------------------------------ */

struct host_options {
	const char *program, *dtb, *run, *test, *append;
	u64 mem;      /* bytes; 0: as the tree says */
	u64 seed;     /* decides every turn */
	u64 clock;    /* what the machine's counter shows when it is switched on */
	u64 limit_ns; /* virtual time after which the run is given up; 0: never */
	bool stats;   /* say at the end how the run went */
	/* Many runs (seeds.c): of the seeds [first_seed, end_seed). */
	bool seeds, twice, stop;
	u64 first_seed, end_seed;
	unsigned int jobs;
	struct host_outcome *outcome; /* filled when the run ends, unless null */
};

/* What is left of a run when it is over. */
struct host_outcome {
	u64 ns, turns, order;
};

/* ---- many runs (seeds.c) ----------------------------------------------------- */

/* Returns in the child of each run, its seed in the options; ends the process
 * once all are through, with status 1 if any was not as it should be. */
void host_seeds_run(struct host_options *o);

/* ---- the machine out of the tree (board.c) ---------------------------------- */

/* Read the file, apply the options, find RAM, UART and CPUs, place the tree in
 * RAM. Where it lies. Ends the process with a message when it cannot. */
phys_t host_board_load(const struct host_options *o);
/* Does RAM answer at p? */
bool host_is_ram(u64 p);
tm_noreturn void host_refuse(const char *fmt, ...) tm_printf(1, 2);

/* ---- address space (memory.c) ------------------------------------------------ */

void host_memory_init(void);
void host_memory_write(u64 p, const void *data, u64 nr_bytes);
/* Where a loader would have put the Image. */
void host_image_place(u64 start);

/* ---- CPUs (cpu.c) -------------------------------------------------------------- */

extern struct host_cpu host_cpus[MAX_CPUS];
/* The boot CPU enters the kernel; never returns. */
tm_noreturn void host_cpus_run(const struct host_options *o, phys_t fdt);
/* This CPU has an interrupt to take. */
bool host_pending(const struct host_cpu *c);
/* Take what is pending, unless masked. */
void host_take_interrupts(void);
/* A panic was or is being reported. */
bool host_panicked(void);
/* What a new context begins with: the stack pointer to load. */
u64 host_first_sp(void *stack_top, void (*entry)(void *arg), void *arg);
void host_switch(u64 *save_sp, u64 load_sp);
extern const char host_context_start[];

/* ---- the interrupt controller (irqchip.c) -------------------------------------- */

/* The line this CPU would take now, 0: none; and take it. */
unsigned int host_irq_pending(unsigned int cpu);
unsigned int host_irq_take(unsigned int cpu);
bool host_irqs_ready(void);

/* ---- who goes on when, and the clock (turns/turns.c or threads/threads.c) -------- */

void host_order_init(const struct host_options *o);
/* A CPU begins with the context at c->sp. For the boot CPU: never returns. */
void host_cpu_begin(struct host_cpu *c, void *stack_top);
/* The calling CPU, which this is, goes off: nobody uses its stack any more once
 * c->on is false. */
tm_noreturn void host_cpu_end(struct host_cpu *c);
/* Nanoseconds since the machine was switched on. */
u64 host_time(void);
/* The kernel reads the clock, which takes time. */
void host_time_read(void);
/* Something came for this CPU that ends its waiting. */
void host_ring(struct host_cpu *c);
/* Nobody but the caller goes on: the end is being reported. */
void host_freeze(void);
/* What the thread sanitizer must know of contexts; null where there is none.
 * The switch returns what is left. */
void *host_fiber_new(void *stack_top);
void *host_fiber_switch(void *to);
/* How often another CPU got its turn, and a hash of which and when. */
void host_cpus_stats(u64 *turns, u64 *hash);

/* ---- the UART (uart.c) ---------------------------------------------------------- */

void host_uart_init(u64 base, const struct host_options *o);
bool host_uart_is_at(u64 p);
/* Interrupt line as the device drives it. */
bool host_uart_line(void);
/* When the line may rise by itself; ARCH_TIMER_OFF: not before more happens. */
u64 host_uart_event(void);
/*
 * Nothing runs until `until`: take input that waits. May block on the input
 * when `until` is ARCH_TIMER_OFF, else only on a terminal, where the machine's
 * idle time passes as fast as the user's. False: nothing came.
 */
bool host_uart_input(u64 until);
/* End the process; with the status the shell named last, or that of a panic,
 * unless one is given (>= 0). */
tm_noreturn void host_exit(int status, const char *why);

/* Every CPU waits for what cannot come: say who waits for what, and end. */
tm_noreturn void host_exit_stuck(void);

/* ---- faults (fault.c) -------------------------------------------------------------- */

void host_faults_init(void);

#endif
