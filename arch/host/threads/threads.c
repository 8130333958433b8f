/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread plays each CPU, so that they run at the same time: the mode for the
 * thread sanitizer, which sees every access that no lock orders. Nothing repeats
 * here. Time is that of the computer, except that when every CPU waits it jumps
 * to the next alarm.
 *
 * The machine itself must not order what the kernel does not: the files of
 * arch/host/ are compiled without the sanitizer and use no call it knows (locks,
 * condition variables), only atomic words and the futex below. Contexts of tasks
 * are the sanitizer's fibers; a switch orders the two, as one CPU does.
 */
#define _GNU_SOURCE
#include "host.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "rtos/rtos.h"

enum {
	NR_SLOTS = 8192,      /* of stacks */
	NAP_MAX_NS = 5000000, /* longest sleep before a waiting CPU looks again */
	EXIT_GIVEN_UP = 124,
};

/* The sanitizer's runtime. */
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned int flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned int flags);

extern __thread struct host_cpu *host_cpu_of_thread;
__thread struct host_cpu *host_cpu_of_thread;

static u64 start_ns, limit_ns;
static u64 skew_ns;            /* (A) what was jumped over */
static u32 machine;            /* (A) a spinlock: `on`, `waiting` and jumps */
static struct host_cpu *alone; /* (A) the only CPU that goes on; null: all */
static void *fibers[NR_SLOTS]; /* by stack slot; whoever starts a task there */

/* ---- time --------------------------------------------------------------------- */

static u64 wall_ns(void)
{
	struct timespec t;

	/* Not by the library: the sanitizer would take it for an access of the task. */
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

u64 host_time(void)
{
	return wall_ns() - start_ns + __atomic_load_n(&skew_ns, __ATOMIC_RELAXED);
}

void host_time_read(void)
{
}

/* ---- the machine's lock, and sleeping --------------------------------------------- */

static void machine_lock(void)
{
	while (__atomic_exchange_n(&machine, 1, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void machine_unlock(void)
{
	__atomic_store_n(&machine, 0, __ATOMIC_RELEASE);
}

static void wake_thread(struct host_cpu *c)
{
	__atomic_fetch_add(&c->event, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &c->event, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* Until c->event is no longer `seen`, or ns have passed. */
static void sleep_thread(struct host_cpu *c, u32 seen, u64 ns)
{
	struct timespec t = { 0, (long)min_u64(ns, NAP_MAX_NS) };

	syscall(SYS_futex, &c->event, FUTEX_WAIT_PRIVATE, seen, &t, NULL, 0);
}

void host_ring(struct host_cpu *c)
{
	wake_thread(c);
}

/* ---- yield points -------------------------------------------------------------------- */

/* Others than the one that reports the end stop for good. */
static void stop_if_frozen(void)
{
	const struct host_cpu *c = __atomic_load_n(&alone, __ATOMIC_ACQUIRE);

	while (c && c != host_self())
		pause();
}

static bool frozen(void)
{
	return __atomic_load_n(&alone, __ATOMIC_ACQUIRE);
}

void host_freeze(void)
{
	struct host_cpu *nobody = NULL;

	__atomic_compare_exchange_n(&alone, &nobody, host_self(), false, __ATOMIC_ACQ_REL,
				    __ATOMIC_ACQUIRE);
	stop_if_frozen();
}

void host_yield(void)
{
	stop_if_frozen();
	if (!frozen())
		host_take_interrupts();
}

void host_relax(void)
{
	if (limit_ns && host_time() > limit_ns)
		host_exit(EXIT_GIVEN_UP, "the time limit of the machine has passed");
	sched_yield();
	host_yield();
}

/* ---- waiting ------------------------------------------------------------------------- */

static u64 next_alarm(void)
{
	u64 next = host_uart_event();

	for (unsigned int i = 0; i < arch_cpu_count(); i++)
		if (host_cpus[i].on)
			next = min_u64(next,
				       __atomic_load_n(&host_cpus[i].alarm, __ATOMIC_RELAXED));
	return next;
}

/* Every CPU waits, with nothing to take. Machine locked. */
static bool all_wait(void)
{
	for (unsigned int i = 0; i < arch_cpu_count(); i++)
		if (host_cpus[i].on && (!host_cpus[i].waiting || host_pending(&host_cpus[i])))
			return false;
	return true;
}

/* Time jumps to what happens next. Machine locked. */
static void pass_idle_time(void)
{
	u64 next = next_alarm(), now = host_time();

	if (host_uart_input(next))
		return;
	if (next == ARCH_TIMER_OFF) {
		machine_unlock();
		host_freeze();
		host_exit_stuck();
	}
	if (next > now)
		__atomic_fetch_add(&skew_ns, next - now, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < arch_cpu_count(); i++)
		if (host_cpus[i].on && host_pending(&host_cpus[i]))
			wake_thread(&host_cpus[i]);
}

static void set_waiting(struct host_cpu *me, bool waiting)
{
	machine_lock();
	me->waiting = waiting;
	if (waiting && all_wait())
		pass_idle_time();
	machine_unlock();
}

void host_wait(void)
{
	struct host_cpu *me = host_self();
	u64 now, next;
	u32 seen;

	stop_if_frozen();
	if (frozen())
		host_exit(-1, NULL); /* a panic has said all it had to say */
	while (!host_pending(me)) {
		seen = __atomic_load_n(&me->event, __ATOMIC_SEQ_CST);
		set_waiting(me, true);
		now = host_time();
		next = min_u64(me->alarm, me == host_cpus ? host_uart_event() : ARCH_TIMER_OFF);
		if (!host_pending(me) && next > now)
			sleep_thread(me, seen, next - now);
		stop_if_frozen();
		if (limit_ns && host_time() > limit_ns)
			host_exit(EXIT_GIVEN_UP, "the time limit of the machine has passed");
	}
	set_waiting(me, false);
	host_take_interrupts();
}

void host_cpus_stats(u64 *turns, u64 *hash)
{
	*turns = 0;
	*hash = 0;
}

/* ---- contexts -------------------------------------------------------------------------- */

/* A fiber for the task that begins on this stack; that of the one before ends. */
void *host_fiber_new(void *stack_top)
{
	u64 slot = ((u64)(uintptr_t)stack_top - 1 - ARCH_STACK_BASE) / STACK_SLOT;
	void *fiber = __tsan_create_fiber(0);

	if (slot < NR_SLOTS) {
		if (fibers[slot])
			__tsan_destroy_fiber(fibers[slot]);
		fibers[slot] = fiber;
	}
	return fiber;
}

void *host_fiber_switch(void *to)
{
	void *left = __tsan_get_current_fiber();

	__tsan_switch_to_fiber(to, 0);
	return left;
}

/* ---- threads ----------------------------------------------------------------------------- */

/* What a thread comes from, and goes back to when its CPU goes off. */
static struct origin {
	struct host_cpu *cpu;
	void *first_fiber, *own_fiber;
	u64 own_sp;
} origins[MAX_CPUS];

static void *cpu_thread(void *arg)
{
	struct origin *o = arg;

	host_cpu_of_thread = o->cpu;
	o->own_fiber = host_fiber_switch(o->first_fiber);
	host_switch(&o->own_sp, o->cpu->sp);
	machine_lock();
	__atomic_store_n(&o->cpu->on, false, __ATOMIC_RELEASE);
	machine_unlock();
	return NULL;
}

void host_cpu_end(struct host_cpu *c)
{
	struct origin *o = &origins[c - host_cpus];
	u64 left_behind;

	(void)host_fiber_switch(o->own_fiber);
	host_switch(&left_behind, o->own_sp);
	__builtin_unreachable();
}

void host_order_init(const struct host_options *o)
{
	start_ns = wall_ns();
	limit_ns = o->limit_ns;
}

void host_cpu_begin(struct host_cpu *c, void *stack_top)
{
	struct origin *o = &origins[c - host_cpus];
	pthread_t thread;

	o->cpu = c;
	o->first_fiber = host_fiber_new(stack_top);
	machine_lock();
	c->on = true;
	machine_unlock();
	if (c == host_cpus)
		cpu_thread(o);
	else if (pthread_create(&thread, NULL, cpu_thread, o))
		host_refuse("no thread for a CPU");
	else
		pthread_detach(thread);
}
