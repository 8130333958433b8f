// SPDX-License-Identifier: Apache-2.0
/*
 * The meter of bounded sections; see meter.h. Each CPU owns one structure and
 * writes it with interrupts masked; readers elsewhere look at `seq` to get a
 * record whole.
 *
 * Net figures: every hook reads the counter as its first and its last act, and
 * what lies between, with the few instructions around them that a calibration
 * at boot has counted, is added to `own`. Stretches are measured in count less
 * own, as if the hooks were not there.
 *
 * A stretch belongs to the CPU and not to the task: masking and the scheduler's
 * lock go on through a switch. So does "preemption off", which is at its end
 * when the task that runs then may be preempted.
 */
#include "rtos/meter.h"
#include "rtos/sched.h"

enum { HOOK_MASK, HOOK_PREEMPT, HOOK_LOCK, NR_HOOKS, CALIBRATIONS = 8, READ_TRIES = 16 };

/* Something that has begun. */
struct stretch {
	bool open, boot;
	u32 start; /* net count */
	u32 steps; /* of the CPU, then */
	u64 site;
};

struct place {
	u64 begin, end;
	char task[TASK_NAME_LEN];
};

/* The longest of one kind, and the one with most steps. */
struct record {
	u32 count, steps;
	struct place longest, most;
};

struct meter {
	u32 seq; /* (A) odd while a record is written */
	u32 era; /* (A) the reset that `record` follows */
	u32 own; /* all below: (P) the rest, own CPU masked */
	u32 steps;
	u32 last;  /* length of what ended last, for the calibration */
	u64 until; /* site for the next end of masking, or 0 */
	struct stretch open[METER_KINDS];
	struct record record[METER_KINDS], boot[METER_KINDS];
} tm_aligned(128);

static struct meter meters[tm_meter ? MAX_CPUS : 1];
static u32 hook_cost[NR_HOOKS]; /* (I) after meter_init */
static u32 step_cost;           /* (I) */
static bool ready;              /* (I) */
static u32 era;                 /* (A) */
static u64 lock_order;          /* (A) */

static struct meter *mine(void)
{
	return &meters[arch_current()->cpu];
}

static u64 address(const void *site)
{
	return (u64)(uintptr_t)site;
}

/* ---- stretches ----------------------------------------------------------------------- */

static void begin(struct meter *m, unsigned int kind, u32 now, const void *site)
{
	m->open[kind] = (struct stretch){
		.open = true,
		.boot = !sched_running(),
		.start = now - m->own,
		.steps = m->steps,
		.site = address(site),
	};
}

static void note(struct place *p, const struct stretch *s, const void *site)
{
	p->begin = s->site;
	p->end = address(site);
	memcpy(p->task, arch_current()->name, sizeof(p->task));
}

/* Only the CPU itself writes, so readers need no more than to notice it. */
static void write_begin(struct meter *m)
{
	__atomic_store_n(&m->seq, m->seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void write_end(struct meter *m)
{
	__atomic_store_n(&m->seq, m->seq + 1, __ATOMIC_RELEASE);
}

static void record(struct meter *m, const struct stretch *s, unsigned int kind, const void *site)
{
	struct record *r = s->boot ? &m->boot[kind] : &m->record[kind];
	u32 wanted = __atomic_load_n(&era, __ATOMIC_RELAXED), steps = m->steps - s->steps;

	if (m->era == wanted && m->last <= r->count && steps <= r->steps)
		return;
	write_begin(m);
	if (m->era != wanted) {
		memset(m->record, 0, sizeof(m->record));
		m->era = wanted;
	}
	if (m->last > r->count) {
		r->count = m->last;
		note(&r->longest, s, site);
	}
	if (steps > r->steps) {
		r->steps = steps;
		note(&r->most, s, site);
	}
	write_end(m);
}

static void end(struct meter *m, unsigned int kind, u32 now, const void *site)
{
	struct stretch *s = &m->open[kind];
	u32 net;

	if (!s->open)
		return;
	s->open = false;
	net = now - m->own - s->start - (m->steps - s->steps) * step_cost;
	m->last = (s32)net < 0 ? 0 : net;
	record(m, s, kind, site);
}

/* The last act of every hook that began at `now`. */
static void leave(struct meter *m, u32 now, unsigned int hook)
{
	m->own += hook_cost[hook];
	m->own += arch_count_raw() - now;
}

/* ---- hooks ------------------------------------------------------------------------------ */

void meter_step(void)
{
	mine()->steps++;
}

void meter_masked(void)
{
	u32 now = arch_count_raw();
	struct meter *m = mine();

	if (ready)
		begin(m, METER_MASKED, now, __builtin_return_address(0));
	leave(m, now, HOOK_MASK);
}

void meter_unmasked(void)
{
	u32 now = arch_count_raw();
	struct meter *m = mine();
	const void *site = __builtin_return_address(0);

	if (m->until)
		site = (const void *)(uintptr_t)m->until;
	m->until = 0;
	if (ready)
		end(m, METER_MASKED, now, site);
	leave(m, now, HOOK_MASK);
}

void meter_masked_from(const void *site)
{
	u32 now = arch_count_raw();
	struct meter *m = mine();

	m->open[METER_MASKED].site = address(site);
	leave(m, now, HOOK_MASK);
}

void meter_unmasked_from(const void *site)
{
	u32 now = arch_count_raw();
	struct meter *m = mine();

	m->until = address(site);
	leave(m, now, HOOK_MASK);
}

void meter_irq_enter(u32 before)
{
	u32 now = arch_count_raw();
	struct meter *m = mine();

	if (ready)
		begin(m, METER_MASKED, now - before, __builtin_return_address(0));
	leave(m, now, HOOK_MASK);
}

/*
 * Whatever else is open was so before: an interrupt that finds preemption off
 * or a lock held returns to it, and closes all it opens itself.
 */
void meter_irq_exit(u32 after)
{
	u32 now = arch_count_raw(), steps;
	struct meter *m = mine();
	const struct stretch *irq = &m->open[METER_MASKED];

	if (ready && irq->open) {
		steps = m->steps - irq->steps;
		end(m, METER_MASKED, now + after, __builtin_return_address(0));
		for (unsigned int kind = METER_PREEMPT; kind < METER_KINDS; kind++) {
			m->open[kind].start += m->last + steps * step_cost;
			m->open[kind].steps += steps;
		}
	}
	leave(m, now, HOOK_MASK);
}

/* The hooks below may find interrupts unmasked, and must not be interrupted. */

void meter_preempt_off(const void *site)
{
	u64 flags = arch_irq_save_quiet();
	u32 now = arch_count_raw();
	struct meter *m = mine();

	if (ready)
		begin(m, METER_PREEMPT, now, site);
	leave(m, now, HOOK_PREEMPT);
	arch_irq_restore_quiet(flags);
}

void meter_preempt_on(const void *site)
{
	u64 flags = arch_irq_save_quiet();
	u32 now = arch_count_raw();
	struct meter *m = mine();

	m->until = 0; /* the unlock before did not unmask */
	if (ready)
		end(m, METER_PREEMPT, now, site);
	leave(m, now, HOOK_PREEMPT);
	arch_irq_restore_quiet(flags);
}

/* FNV-1a over (CPU, rank); concurrent CPUs may lose a step of it, which under
 * -icount happens the same way every time. */
static void note_order(enum lock_rank rank)
{
	u64 h = __atomic_load_n(&lock_order, __ATOMIC_RELAXED);

	h = (h ^ (arch_current()->cpu << 8 | (u32)rank)) * 0x100000001b3ull;
	__atomic_store_n(&lock_order, h, __ATOMIC_RELAXED);
}

void meter_locked(enum lock_rank rank, const void *site)
{
	u64 flags = arch_irq_save_quiet();
	u32 now = arch_count_raw();
	struct meter *m = mine();

	note_order(rank);
	if (ready && rank != LOCK_RANK_NONE)
		begin(m, METER_LOCK + rank, now, site ? site : __builtin_return_address(0));
	leave(m, now, HOOK_LOCK);
	arch_irq_restore_quiet(flags);
}

void meter_unlocking(enum lock_rank rank, const void *site)
{
	u64 flags = arch_irq_save_quiet();
	u32 now = arch_count_raw();
	struct meter *m = mine();

	if (ready && rank != LOCK_RANK_NONE)
		end(m, METER_LOCK + rank, now, site ? site : __builtin_return_address(0));
	leave(m, now, HOOK_LOCK);
	arch_irq_restore_quiet(flags);
}

/* ---- calibration ------------------------------------------------------------------------- */

/* Length of an empty masked section around `inside`, with what is known so far. */
static u32 empty_section(void (*inside)(void))
{
	u32 least = ~0u;

	for (unsigned int i = 0; i < CALIBRATIONS; i++) {
		meter_masked();
		inside();
		meter_unmasked();
		if (mine()->last < least)
			least = mine()->last;
	}
	return least;
}

static void inside_nothing(void)
{
}

static void inside_preempt(void)
{
	meter_preempt_off(NULL);
	meter_preempt_on(NULL);
}

static void inside_lock(void)
{
	meter_locked(LOCK_RANK_LOG, NULL);
	meter_unlocking(LOCK_RANK_LOG, NULL);
}

static void inside_step(void)
{
	meter_step();
	meter_step();
}

void meter_init(void)
{
	if (!tm_meter)
		return;
	ready = true;
	/* With the call of `inside` and its return: some too many, so the least
	 * section is shown as 0 and none as shorter than it is by more. */
	hook_cost[HOOK_MASK] = empty_section(inside_nothing);
	hook_cost[HOOK_PREEMPT] = empty_section(inside_preempt) / 2;
	hook_cost[HOOK_LOCK] = empty_section(inside_lock) / 2;
	step_cost = empty_section(inside_step) / 2;
	meter_cpu_start();
	memset(mine()->boot, 0, sizeof(mine()->boot));
	begin(mine(), METER_MASKED, arch_count_raw(), __builtin_return_address(0));
}

void meter_cpu_start(void)
{
	memset(mine()->open, 0, sizeof(mine()->open));
}

/* ---- results ------------------------------------------------------------------------------- */

/* A record of another CPU, whole. False: it is rewritten all the time, or
 * follows no reset yet. */
static bool snapshot(const struct meter *m, const struct record *of, bool boot, struct record *r)
{
	for (unsigned int i = 0; i < READ_TRIES; i++) {
		u32 seq = __atomic_load_n(&m->seq, __ATOMIC_ACQUIRE);

		if (seq % 2)
			continue;
		*r = *of;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&m->seq, __ATOMIC_RELAXED) == seq)
			return boot || m->era == __atomic_load_n(&era, __ATOMIC_RELAXED);
	}
	return false;
}

/* The worst over all CPUs; *cpu is where the longest was. */
static struct record worst_of(unsigned int kind, bool boot, unsigned int *cpu)
{
	struct record worst = { 0 }, r;

	*cpu = 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(meters); i++) {
		const struct meter *m = &meters[i];

		if (!snapshot(m, boot ? &m->boot[kind] : &m->record[kind], boot, &r))
			continue;
		if (r.count > worst.count) {
			worst.count = r.count;
			worst.longest = r.longest;
			*cpu = i;
		}
		if (r.steps > worst.steps) {
			worst.steps = r.steps;
			worst.most = r.most;
		}
	}
	return worst;
}

static u32 in_units(u32 count)
{
	return arch_count_exact() ? count : (u32)arch_ticks_to_ns(count);
}

struct meter_worst meter_worst(unsigned int kind)
{
	unsigned int cpu;
	struct record r;

	if (!tm_meter)
		return (struct meter_worst){ 0 };
	r = worst_of(kind, false, &cpu);
	return (struct meter_worst){ .count = in_units(r.count), .steps = r.steps };
}

void meter_reset(void)
{
	__atomic_add_fetch(&era, 1, __ATOMIC_RELAXED);
}

u64 meter_lock_order(void)
{
	return __atomic_load_n(&lock_order, __ATOMIC_RELAXED);
}

static void view_place(struct out *out, const struct place *p)
{
	char name[64] = "-";

	if (p->begin)
		arch_symbol(p->begin, name, sizeof(name));
	out_printf(out, " %s", name);
	if (p->end)
		arch_symbol(p->end, name, sizeof(name));
	out_printf(out, " %s", name);
}

static void view_kind(struct out *out, unsigned int kind, bool boot)
{
	const char *name = kind == METER_MASKED ? "masked" : "preempt-off";
	unsigned int cpu;
	struct record r = worst_of(kind, boot, &cpu);

	if (boot && !r.count && !r.steps)
		return;
	if (kind >= METER_LOCK)
		name = lock_rank_name((enum lock_rank)(kind - METER_LOCK));
	out_printf(out, "%s%s%s %u", boot ? "boot-" : "", kind >= METER_LOCK ? "lock-" : "", name,
		   in_units(r.count));
	view_place(out, &r.longest);
	out_printf(out, " %u", r.steps);
	view_place(out, &r.most);
	out_printf(out, " %u %s\n", cpu, r.longest.task[0] ? r.longest.task : "-");
}

void meter_view(struct out *out)
{
	if (!tm_meter) {
		out_printf(out, "not built in: BUILD=test and BUILD=meter have the meter\n");
		return;
	}
	out_printf(out, "unit %s\n", arch_count_exact() ? "instructions" : "ns");
	out_printf(out, "kind worst from to steps from to cpu task\n");
	for (unsigned int i = 0; i < 2 * METER_KINDS; i++)
		if (i % METER_KINDS != METER_LOCK + LOCK_RANK_NONE)
			view_kind(out, i % METER_KINDS, i >= METER_KINDS);
	out_printf(out, "tm_lock_order %016llx\n", (unsigned long long)meter_lock_order());
}

int meter_store(const char *value)
{
	u64 v;
	int err = tm_parse_u64(value, &v);

	if (err)
		return err;
	if (v)
		return ERR_RANGE;
	meter_reset();
	return 0;
}
