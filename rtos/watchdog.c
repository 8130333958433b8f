/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A software watchdog for each CPU: a timer that checks five times in the limit
 * (`watchdog=SECONDS`) whether the CPU still does what it should. Reported are
 *
 *   - preemption held off while a more urgent task waits for this CPU,
 *   - a task that runs on and on while another one that stands ready stays so,
 *   - another CPU that takes no interrupts: its checks do not come.
 *
 * What counts is progress, not the clock: five checks in a row, each of them on
 * time, must see the same thing. A check that comes late says that this CPU was
 * away, since a virtual machine's host had other things to do; so do naps in
 * spin locks, which no CPU takes that is really there. Either starts all over. A
 * CPU that gets no time never reports and, seen by one that does, is reported
 * only if it got none for the whole limit.
 *
 * The timer is armed when a CPU stops being idle and runs out at the first check
 * that finds it idle; only while exactly one other CPU is checked and busy does
 * an idle one stay to watch it. So a system at rest has no ticks. The price: a
 * CPU that masks interrupts right after a rest of all is noticed when another
 * one has something to do. The scheduler lock guards all; messages are printed
 * without it.
 */
#include "rtos/watchdog.h"
#include "rtos/panic.h"
#include "rtos/runq.h"

enum { CHECKS = 5, NS_PER_S = 1000000000 };

struct watch {
	struct timer timer; /* (S) pending exactly while the CPU is in `armed` */
	u64 beats;          /* (S) checks made */
	u64 naps;           /* (S) of all CPUs at the last check */
	u64 switch_ticks;   /* (S) of the CPU at the last check: has it switched since? */
	u32 starved_id;     /* (S) task that stood ready then, */
	u64 starved_seq;    /* (S) since when */
	u32 held;           /* (S) checks in a row with preemption held off */
	u32 hogged;         /* (S) checks in a row with that task still ready */
	bool told;          /* (S) reported, until the next switch */
	unsigned int ward;  /* (S) the CPU watched, */
	u64 ward_beats;     /* (S) what it had done then, */
	u32 ward_silent;    /* (S) checks in a row without more */
};

struct incident {
	enum { NOTHING, HELD, HOGGED, SILENT } kind;
	unsigned int cpu;
	char culprit[TASK_NAME_LEN], victim[TASK_NAME_LEN];
	u32 culprit_id, victim_id;
	unsigned int culprit_prio, victim_prio;
};

static struct watch watches[MAX_CPUS];
static u64 armed;                                         /* (S) CPUs whose timer is pending */
static u64 silent;                                        /* (S) of them: reported as silent */
static u64 limit_ns = WATCHDOG_DEFAULT_S * (u64)NS_PER_S; /* (A) */
static bool panics;                                       /* (A) */
static u32 nr_incidents;                                  /* (S) */
static char last_message[200];                            /* (S) */

static u64 bit(unsigned int cpu)
{
	return 1ull << cpu;
}

static bool is_busy(unsigned int cpu)
{
	return cpus[cpu].running != cpus[cpu].idle;
}

/* ---- this CPU --------------------------------------------------------------------- */

static void begin_again(struct watch *w)
{
	w->held = 0;
	w->hogged = 0;
	w->starved_id = 0;
	w->ward_silent = 0;
}

static void name_tasks(struct incident *in, const struct task *culprit, const struct task *victim)
{
	memcpy(in->culprit, culprit->name, TASK_NAME_LEN);
	in->culprit_id = culprit->id;
	in->culprit_prio = culprit->prio;
	if (!victim)
		return;
	memcpy(in->victim, victim->name, TASK_NAME_LEN);
	in->victim_id = victim->id;
	in->victim_prio = victim->prio;
}

static void look_at_self(struct watch *w, const struct cpu *c, struct incident *in)
{
	const struct task *t = c->running, *ready;

	if (!is_busy(in->cpu) || c->switch_ticks != w->switch_ticks) {
		w->switch_ticks = c->switch_ticks;
		w->held = 0;
		w->hogged = 0;
		w->starved_id = 0;
		w->told = false;
		return;
	}
	ready = runq_best(in->cpu);
	w->held = ready && t->preempt_count && t->resched ? w->held + 1 : 0;
	if (ready && ready->id == w->starved_id && ready->queue_seq == w->starved_seq) {
		w->hogged++;
	} else {
		w->hogged = 0;
		w->starved_id = ready ? ready->id : 0;
		w->starved_seq = ready ? ready->queue_seq : 0;
	}
	if (w->told || (w->held < CHECKS && w->hogged < CHECKS))
		return;
	w->told = true;
	in->kind = t->preempt_count ? HELD : HOGGED;
	name_tasks(in, t, ready);
}

/* ---- another CPU ------------------------------------------------------------------- */

/* The next checked one after this, in a ring; this one if there is no other. */
static unsigned int next_ward(unsigned int cpu)
{
	u64 others = armed & ~silent & ~bit(cpu), above = others & ~(bit(cpu) | (bit(cpu) - 1));

	if (!others)
		return cpu;
	return (unsigned int)__builtin_ctzll(above ? above : others);
}

/* Its next check was due, by the interval it had set: before the limit changed, perhaps. */
static bool is_overdue(const struct watch *w)
{
	return w->timer.deadline < time_now_ns();
}

static void look_at_ward(struct watch *w, unsigned int cpu, struct incident *in)
{
	unsigned int ward = next_ward(cpu);

	if (ward == cpu || ward != w->ward || watches[ward].beats != w->ward_beats ||
	    !is_busy(ward) || !is_overdue(&watches[ward])) {
		w->ward = ward;
		w->ward_beats = watches[ward].beats;
		w->ward_silent = 0;
		return;
	}
	/* One more than for oneself, since the first says only when it was overdue. */
	if (++w->ward_silent <= CHECKS || in->kind != NOTHING)
		return;
	silent |= bit(ward);
	in->kind = SILENT;
	in->cpu = ward;
	name_tasks(in, cpus[ward].running, NULL);
}

/* Busy, or the only one there is to watch a busy one. */
static bool is_needed(unsigned int cpu)
{
	u64 others = armed & ~silent & ~bit(cpu);

	if (is_busy(cpu))
		return true;
	return is_pow2(others) && is_busy((unsigned int)__builtin_ctzll(others));
}

/* ---- telling ------------------------------------------------------------------------- */

/* Cuts what is put into it into messages of one line. */
struct line_out {
	struct out out;
	char line[120];
	size_t len;
};

static void put_lines(struct out *out, const char *s, size_t n)
{
	struct line_out *l = container_of(out, struct line_out, out);

	for (; n; n--, s++) {
		if (*s != '\n' && l->len < sizeof(l->line) - 1) {
			l->line[l->len++] = *s;
			continue;
		}
		l->line[l->len] = '\0';
		pr_err("%s", l->line);
		l->len = 0;
	}
}

static void describe(const struct incident *in, char *buf, size_t size)
{
	u64 tenths = watchdog_limit() / (NS_PER_S / 10);
	char since[24];

	tm_snprintf(since, sizeof(since), "%llu.%llu s", (unsigned long long)(tenths / 10),
		    (unsigned long long)(tenths % 10));
	if (in->kind == SILENT)
		tm_snprintf(
			buf, size,
			"watchdog: CPU %u: no interrupt taken for over %s, they are masked: task "
			"%u '%s', prio %u",
			in->cpu, since, in->culprit_id, in->culprit, in->culprit_prio);
	else
		tm_snprintf(
			buf, size,
			"watchdog: CPU %u: task %u '%s', prio %u, %s for over %s, task %u '%s', "
			"prio %u, waits for it",
			in->cpu, in->culprit_id, in->culprit, in->culprit_prio,
			in->kind == HELD ? "held preemption off" : "ran without a break", since,
			in->victim_id, in->victim, in->victim_prio);
}

static void tell(const struct incident *in)
{
	struct line_out lines = { .out.put = put_lines };
	char buf[sizeof(last_message)];
	u64 flags;

	describe(in, buf, sizeof(buf));
	flags = sched_lock();
	nr_incidents++;
	memcpy(last_message, buf, sizeof(buf));
	sched_unlock(flags);
	if (__atomic_load_n(&panics, __ATOMIC_RELAXED))
		panic("%s", buf);
	pr_err("%s", buf);
	/* Where a CPU is that does not answer, nobody can see. */
	if (in->kind != SILENT)
		arch_backtrace(&lines.out, (u64)(uintptr_t)__builtin_frame_address(0));
}

/* ---- the check ----------------------------------------------------------------------- */

static u64 interval(void)
{
	return watchdog_limit() / CHECKS;
}

static void check_locked(struct watch *w, unsigned int cpu, struct incident *in)
{
	u64 now = time_now_ns(), late = now - w->timer.deadline;

	w->beats++;
	silent &= ~bit(cpu);
	if (late > interval() / 2 || w->naps != timer_naps())
		begin_again(w);
	w->naps = timer_naps();
	look_at_self(w, &cpus[cpu], in);
	look_at_ward(w, cpu, in);
	if (interval() && is_needed(cpu))
		timer_start_locked(&w->timer, now + interval());
	else
		armed &= ~bit(cpu);
}

static void on_timer(struct timer *t)
{
	struct watch *w = container_of(t, struct watch, timer);
	unsigned int cpu = cpu_id();
	struct incident in = { .kind = NOTHING, .cpu = cpu };
	u64 flags = sched_lock();

	/* That of a CPU that went off came over with the rest of its timers. */
	if (w != &watches[cpu])
		armed &= ~bit((unsigned int)(w - watches));
	else
		check_locked(w, cpu, &in);
	sched_unlock(flags);
	if (in.kind != NOTHING)
		tell(&in);
}

void watchdog_busy_locked(struct cpu *c)
{
	unsigned int cpu = (unsigned int)(c - cpus);
	struct watch *w = &watches[cpu];

	if (likely(w->timer.pending && w->timer.cpu == c) || !watchdog_limit())
		return;
	/* While this CPU was off its timer went to another one. */
	timer_stop_locked(&w->timer);
	armed |= bit(cpu);
	begin_again(w);
	w->switch_ticks = 0;
	timer_init(&w->timer, on_timer);
	timer_start_locked(&w->timer, time_now_ns() + interval());
}

/* ---- settings -------------------------------------------------------------------------- */

void watchdog_set(u64 limit, bool panics_then)
{
	__atomic_store_n(&limit_ns, limit, __ATOMIC_RELAXED);
	__atomic_store_n(&panics, panics_then, __ATOMIC_RELAXED);
}

u64 watchdog_limit(void)
{
	return __atomic_load_n(&limit_ns, __ATOMIC_RELAXED);
}

u32 watchdog_incidents(char *buf, size_t size)
{
	u64 flags = sched_lock();
	u32 n = nr_incidents;

	tm_snprintf(buf, size, "%s", last_message);
	sched_unlock(flags);
	return n;
}
