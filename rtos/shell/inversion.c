// SPDX-License-Identifier: Apache-2.0
/*
 * The scenes of inversion.h. Every task is tied to one CPU and waits for its
 * cue, a semaphore posted by the one before it, so the order of events follows
 * from the priorities alone and not from the clock. "Work" is CPU time of the
 * task itself: what passes while it is preempted does not count. One scene at
 * a time, so its state is static and has no lock: on its one CPU only a task
 * that runs writes.
 */
#include "rtos/shell/inversion.h"
#include "rtos/shell/shell.h"

/* A look at the clock that comes later than this after the last one: somebody
 * else ran in between. */
#define GAP_NS 200000ull
#define PATIENCE_NS (60 * 1000000000ull)
/* How soon Ctrl-C is noticed. */
#define SLICE_NS (20 * 1000000ull)

enum role { LOW, MID, HOG, HIGH, NR_ROLES };

static struct {
	enum scene_kind kind;
	struct scene_trace *trace;
	u64 start, hog_target, hog_done, woken;
	bool cancelled; /* not all tasks could be made */
	struct sem cue[NR_ROLES];
	struct mutex m, outer;      /* outer: chain only, held by mid */
	struct spinlock queue_lock; /* server and queue: guards `served` */
	struct waitq queue;
	bool served;
} scene;

/* ---- what all tasks do --------------------------------------------------------------- */

static void note(const char *what)
{
	struct scene_trace *t = scene.trace;
	u32 at = __atomic_fetch_add(&t->nr_events, 1, __ATOMIC_RELAXED);

	BUG_ON_VAL(at >= SCENE_EVENTS, at, scene.kind);
	if (at == 0)
		scene.start = time_now_ns();
	t->event[at].ns = time_now_ns() - scene.start;
	tm_snprintf(t->event[at].who, TASK_NAME_LEN, "%s", task_name(task_current()));
	t->event[at].prio = task_prio(task_current());
	t->event[at].what = what;
}

static void work(const u64 *target, u64 *done)
{
	u64 last = time_now_ns(), now;

	for (; *done < __atomic_load_n(target, __ATOMIC_RELAXED); last = now) {
		arch_cpu_relax();
		now = time_now_ns();
		if (now - last < GAP_NS)
			*done += now - last;
	}
}

static void do_section(unsigned int quarters)
{
	u64 target = quarters * SCENE_SECTION_NS / 4, done = 0;

	work(&target, &done);
}

/* False: there will be no scene. */
static bool wait_for_cue(enum role who)
{
	return !sem_wait(&scene.cue[who], TM_FOREVER) && !scene.cancelled;
}

static void cue(enum role who)
{
	if (who == HIGH)
		scene.woken = time_now_ns();
	(void)sem_post(&scene.cue[who]);
}

/* Errors of locking are impossible here: no owner dies, no ceiling is low. */
static void lock(struct mutex *m)
{
	int err = mutex_lock(m);

	BUG_ON_VAL(err, (u64)-err, scene.kind);
}

static void high_has_it(const char *what)
{
	scene.trace->waited_ns = time_now_ns() - scene.woken;
	scene.trace->hog_ns = scene.hog_done;
	note(what);
}

/* ---- the cast ------------------------------------------------------------------------ */

static bool uses_queue(void)
{
	return scene.kind == SCENE_SERVER || scene.kind == SCENE_QUEUE;
}

static void hog(void *arg)
{
	(void)arg;
	if (!wait_for_cue(HOG))
		return;
	note("computes");
	work(&scene.hog_target, &scene.hog_done);
	note("has computed enough");
}

static void low(void *arg)
{
	(void)arg;
	if (!wait_for_cue(LOW))
		return;
	note("locks M, has 4 ms to do with it");
	lock(&scene.m);
	do_section(1);
	if (scene.kind == SCENE_CHAIN) {
		note("wakes mid");
		cue(MID);
	}
	note("wakes high");
	cue(HIGH);
	note("works on, wakes the hog");
	cue(HOG);
	do_section(3);
	note("unlocks M");
	mutex_unlock(&scene.m);
	note("is back to its own affairs");
}

static void mid(void *arg)
{
	(void)arg;
	if (!wait_for_cue(MID))
		return;
	note("locks M2, wants M");
	lock(&scene.outer);
	lock(&scene.m);
	note("has M");
	mutex_unlock(&scene.m);
	note("unlocks M2");
	mutex_unlock(&scene.outer);
	note("is back to its own affairs");
}

static void high(void *arg)
{
	struct mutex *m = scene.kind == SCENE_CHAIN ? &scene.outer : &scene.m;

	(void)arg;
	if (!wait_for_cue(HIGH))
		return;
	note(m == &scene.m ? "wants M" : "wants M2");
	lock(m);
	high_has_it(m == &scene.m ? "has M" : "has M2");
	mutex_unlock(m);
}

/* low, as a service: it works for others when high asks, and then for high. */
static void server(void *arg)
{
	u64 flags;

	(void)arg;
	if (scene.kind == SCENE_SERVER)
		waitq_serve(&scene.queue, task_current());
	if (!wait_for_cue(LOW))
		goto out;
	note("serves somebody, has 4 ms to do");
	do_section(1);
	note("wakes high");
	cue(HIGH);
	note("works on, wakes the hog");
	cue(HOG);
	do_section(3);
	note("serves high");
	flags = spin_lock_irqsave(&scene.queue_lock);
	scene.served = true;
	spin_unlock_irqrestore(&scene.queue_lock, flags);
	waitq_wake_one(&scene.queue);
	note("waits for requests");
out:
	waitq_serve(&scene.queue, NULL);
}

static void client(void *arg)
{
	u64 flags;

	(void)arg;
	if (!wait_for_cue(HIGH))
		return;
	note("waits to be served");
	flags = spin_lock_irqsave(&scene.queue_lock);
	while (!scene.served)
		(void)waitq_wait(&scene.queue, &scene.queue_lock, &flags, TM_FOREVER);
	spin_unlock_irqrestore(&scene.queue_lock, flags);
	high_has_it("is served");
}

/* ---- the play ------------------------------------------------------------------------ */

const char *scene_name(enum scene_kind kind)
{
	static const char *const names[NR_SCENES] = {
		[SCENE_INHERIT] = "inherit", [SCENE_CEILING] = "ceiling", [SCENE_PLAIN] = "plain",
		[SCENE_CHAIN] = "chain",     [SCENE_SERVER] = "server",   [SCENE_QUEUE] = "queue",
	};

	BUG_ON_VAL(kind >= NR_SCENES, kind, 0);
	return names[kind];
}

static void set_stage(enum scene_kind kind, u64 hog_ns, struct scene_trace *trace)
{
	enum mutex_protocol protocol = kind == SCENE_CEILING ? MUTEX_CEILING
				       : kind == SCENE_PLAIN ? MUTEX_PLAIN
							     : MUTEX_INHERIT;
	u64 online = cpus_online();

	memset(trace, 0, sizeof(*trace));
	memset(&scene, 0, sizeof(scene));
	trace->cpu = 63 - (unsigned int)__builtin_clzll(online);
	trace->hog_all_ns = hog_ns;
	scene.kind = kind;
	scene.trace = trace;
	scene.hog_target = hog_ns;
	for (unsigned int i = 0; i < NR_ROLES; i++)
		(void)sem_init(&scene.cue[i], "cue", 0, 1);
	(void)mutex_init_protocol(&scene.m, "M", protocol, SCENE_HIGH);
	mutex_init(&scene.outer, "M2");
	spin_init(&scene.queue_lock, LOCK_RANK_WAIT);
	waitq_init(&scene.queue, "service");
}

/* Start those who have a part, the least urgent first. Result: how many. */
static unsigned int start_tasks(struct task **task)
{
	const struct {
		const char *name;
		unsigned int prio;
		void (*fn)(void *arg);
	} cast[NR_ROLES] = {
		[LOW] = { uses_queue() ? "server" : "low", SCENE_LOW, uses_queue() ? server : low },
		[MID] = { "mid", SCENE_MID, scene.kind == SCENE_CHAIN ? mid : NULL },
		[HOG] = { "hog", SCENE_HOG, hog },
		[HIGH] = { "high", SCENE_HIGH, uses_queue() ? client : high },
	};
	unsigned int nr = 0;

	for (unsigned int i = 0; i < NR_ROLES; i++) {
		struct task_attr attr = { .name = cast[i].name, .prio = cast[i].prio };

		attr.cpus = 1ull << scene.trace->cpu;
		if (!cast[i].fn)
			continue;
		task[nr] = task_create(&attr, cast[i].fn, NULL);
		if (!task[nr])
			scene.cancelled = true;
		else
			nr++;
	}
	return nr;
}

/* Ctrl-C ends the hog's computing, and with it soon the scene. */
static int join(struct task *t, u64 deadline)
{
	int err;

	do {
		err = task_join(t, min_u64(deadline, time_after_ns(SLICE_NS)));
		if (err && sh_interrupted())
			__atomic_store_n(&scene.hog_target, 0, __ATOMIC_RELAXED);
	} while (err && time_now_ns() < deadline);
	return err;
}

int scene_play(enum scene_kind kind, u64 hog_ns, struct scene_trace *trace)
{
	u64 deadline = time_after_ns(PATIENCE_NS + hog_ns);
	struct task *task[NR_ROLES];
	unsigned int nr;
	int err = 0;

	set_stage(kind, hog_ns, trace);
	nr = start_tasks(task);
	for (unsigned int i = 0; i < NR_ROLES && scene.cancelled; i++)
		cue((enum role)i);
	if (!scene.cancelled)
		cue(LOW);
	for (unsigned int i = 0; i < nr; i++)
		if (join(task[i], deadline))
			err = ERR_TIMEDOUT;
	return scene.cancelled ? ERR_NOMEM : err;
}

/* ---- the command --------------------------------------------------------------------- */

static void print_ms(u64 ns)
{
	sh_print("%4llu.%03llu", (unsigned long long)(ns / 1000000),
		 (unsigned long long)(ns / 1000 % 1000));
}

static void print_trace(enum scene_kind kind, const struct scene_trace *t)
{
	sh_print("inversion %s: low %u, hog %u, high %u, all on cpu%u\n", scene_name(kind),
		 SCENE_LOW, SCENE_HOG, SCENE_HIGH, t->cpu);
	sh_print("      ms  task    prio\n");
	for (u32 i = 0; i < t->nr_events; i++) {
		const struct scene_event *e = &t->event[i];

		print_ms(e->ns);
		sh_print("  %-7s %4u  %s\n", e->who, e->prio, e->what);
	}
	sh_print("high waited");
	print_ms(t->waited_ns);
	sh_print(" ms; the hog computed");
	print_ms(t->hog_ns);
	sh_print(" of its");
	print_ms(t->hog_all_ns);
	sh_print(" ms meanwhile: %s\n", t->hog_ns ? "unbounded" : "bounded");
}

int cmd_inversion(int argc, char **argv)
{
	static struct scene_trace trace;
	unsigned int kind = SCENE_INHERIT;
	u64 hog_ms = 20;
	int err;

	for (; argc > 1 && kind < NR_SCENES; kind++)
		if (!strcmp(argv[1], scene_name((enum scene_kind)kind)))
			break;
	if (kind == NR_SCENES || argc > 3)
		return sh_usage("inversion");
	if (argc == 3 && sh_number("inversion", "HOG_MS", argv[2], 1, 10000, &hog_ms))
		return EXIT_USAGE;
	err = scene_play((enum scene_kind)kind, hog_ms * 1000000, &trace);
	if (!err)
		print_trace((enum scene_kind)kind, &trace);
	else
		sh_print("inversion: %s\n",
			 err == ERR_NOMEM ? "no memory for its tasks" : "it did not end");
	return err ? EXIT_FAIL : EXIT_OK;
}
