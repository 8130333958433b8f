/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread plays all CPUs: each is a context, exactly one has its turn. At
 * every yield point (lock, unlock, unmask, spin, wait) the clock moves on and a
 * generator seeded by the user decides who is next, so that the order of all
 * events is a function of the seed.
 *
 * Virtual time also passes when it is read, so that a loop until a deadline
 * ends. When every CPU waits it jumps to the next alarm.
 */
#include "host.h"
#include "rtos/rtos.h"

enum {
	STEP_NS = 100, /* of one yield point */
	READ_NS = 20,  /* of reading the clock */
	COINS = 4,     /* kinds of run: a turn ends at one yield point in 1, 2, 4 or 8 */
	EXIT_GIVEN_UP = 124,
};

struct host_cpu *host_turn;

static u64 now;     /* nanoseconds since the machine was switched on */
static bool frozen; /* a panic or the end is being reported: no other turn */
static u64 generator, turn_mask, limit_ns;
static u64 nr_turns, order; /* how often the turn went to another CPU; a hash of who and when */

/* xorshift64*; the state is never zero. */
static u64 draw(void)
{
	generator ^= generator >> 12;
	generator ^= generator << 25;
	generator ^= generator >> 27;
	return (generator * 0x2545f4914f6cdd1dull) >> 16;
}

/* ---- turns ------------------------------------------------------------------- */

static bool can_run(const struct host_cpu *c)
{
	return c->on && (!c->waiting || host_pending(c));
}

/* Any CPU that can run but `other`; null: none. */
static struct host_cpu *pick(const struct host_cpu *other)
{
	struct host_cpu *can[MAX_CPUS];
	unsigned int n = 0;

	for (unsigned int i = 0; i < arch_cpu_count(); i++)
		if (&host_cpus[i] != other && can_run(&host_cpus[i]))
			can[n++] = &host_cpus[i];
	return n ? can[draw() % n] : NULL;
}

/* Returns when this CPU has its turn again. */
static void give_turn(struct host_cpu *to)
{
	struct host_cpu *me = host_turn;

	if (to == me)
		return;
	nr_turns++;
	order = (order ^ (now << 6 | (u64)(to - host_cpus))) * 0x100000001b3ull;
	host_turn = to;
	host_switch(&me->sp, to->sp);
}

static void pass_time(void)
{
	now += STEP_NS;
	if (limit_ns && now > limit_ns)
		host_exit(EXIT_GIVEN_UP, "the time limit of the machine has passed");
}

void host_yield(void)
{
	struct host_cpu *to;

	if (frozen)
		return;
	pass_time();
	if (!(draw() & turn_mask)) {
		to = pick(NULL);
		if (to)
			give_turn(to);
	}
	host_take_interrupts();
}

void host_relax(void)
{
	struct host_cpu *to;

	pass_time();
	if (frozen)
		return;
	to = pick(host_turn);
	if (to)
		give_turn(to);
	host_take_interrupts();
}

/* Every CPU waits: time jumps to what happens next. */
static void pass_idle_time(void)
{
	u64 next = host_uart_event();

	for (unsigned int i = 0; i < arch_cpu_count(); i++)
		if (host_cpus[i].on)
			next = min_u64(next, host_cpus[i].alarm);
	if (host_uart_input(next))
		return;
	if (next == ARCH_TIMER_OFF) {
		host_freeze();
		host_exit_stuck();
	}
	now = max_u64(now, next);
	pass_time();
}

void host_wait(void)
{
	struct host_cpu *me = host_turn, *to;

	if (frozen)
		host_exit(-1, NULL); /* a panic has said all it had to say */
	pass_time();
	me->waiting = true;
	while (!host_pending(me)) {
		to = pick(me);
		if (to)
			give_turn(to);
		else
			pass_idle_time();
	}
	me->waiting = false;
	host_take_interrupts();
}

void host_cpus_stats(u64 *turns, u64 *hash)
{
	*turns = nr_turns;
	*hash = order;
}

/* ---- for cpu.c ------------------------------------------------------------------ */

void host_freeze(void)
{
	frozen = true;
}

u64 host_time(void)
{
	return now;
}

void host_time_read(void)
{
	now += READ_NS;
}

/* Nobody sleeps who would have to be woken. */
void host_ring(struct host_cpu *c)
{
	(void)c;
}

void *host_fiber_new(void *stack_top)
{
	(void)stack_top;
	return NULL;
}

void *host_fiber_switch(void *to)
{
	return to;
}

void host_order_init(const struct host_options *o)
{
	/* Neighbouring seeds must not begin alike. */
	generator = (o->seed + 1) * 0x9e3779b97f4a7c15ull;
	generator = (generator ^ generator >> 31) | 1;
	turn_mask = (1ull << (draw() % COINS)) - 1;
	limit_ns = o->limit_ns;
}

/* The boot CPU begins at once, another when it is given its first turn. */
void host_cpu_begin(struct host_cpu *c, void *stack_top)
{
	u64 left_behind;

	(void)stack_top;
	c->on = true;
	if (host_turn)
		return;
	host_turn = c;
	host_switch(&left_behind, c->sp);
}

void host_cpu_end(struct host_cpu *c)
{
	struct host_cpu *to;

	c->on = false;
	while (!(to = pick(c)))
		pass_idle_time();
	give_turn(to);
	__builtin_unreachable();
}
