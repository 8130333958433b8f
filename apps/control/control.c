// SPDX-License-Identifier: Apache-2.0
/*
 * A control loop as one would write it: an urgent task that wakes a thousand
 * times a second at absolute times and computes in floating point, an idle one
 * that reports what the first tells it through a message queue, and one mutex
 * for what both touch. The mutex inherits: when the reporter holds it, the
 * controller lends it its priority, so that nothing in between can delay the
 * loop. `cat /proc/app` and the command `control` show how late the loop woke.
 */
#include "control.h"

enum { CONTROL_PRIO = 24, REPORT_PRIO = 4, PERIODS_A_MESSAGE = 100, MESSAGES = 16 };

struct message {
	u64 period;
	int setpoint_mm, position_mm;
};

static struct mutex lock; /* guards what follows, but for the queue */
static struct jitter jitter;
static int setpoint_mm = 1000;
static u64 nr_periods, nr_missed, nr_lock_waits, nr_unsent;

static struct msgq queue;
static struct message queue_buf[MESSAGES];

/* ---- the loop ----------------------------------------------------------------------- */

/* ERR_OWNERDEAD is as good as 0 here: whoever was killed had only been reading. */
static void take_lock(void)
{
	if (mutex_trylock(&lock) != ERR_BUSY)
		return;
	(void)mutex_lock(&lock);
	nr_lock_waits++;
}

/* The period that began late_ns ago. */
static void one_period(struct plant *p, u64 late_ns)
{
	struct message m;

	take_lock();
	jitter_note(&jitter, late_ns);
	m.period = ++nr_periods;
	m.setpoint_mm = setpoint_mm;
	mutex_unlock(&lock);

	m.position_mm = plant_step(p, m.setpoint_mm);
	/* Never waits: a report less is better than a period late. */
	if (m.period % PERIODS_A_MESSAGE == 0 && msgq_send(&queue, &m, 0)) {
		take_lock();
		nr_unsent++;
		mutex_unlock(&lock);
	}
}

static void control_loop(void *arg)
{
	struct plant plant = { 0 };
	u64 next = time_after_ns(PERIOD_NS), late;

	(void)arg;
	for (;;) {
		sleep_until_ns(next);
		late = time_now_ns() - next;
		one_period(&plant, late);
		next += PERIOD_NS * (1 + late / PERIOD_NS);
		if (late >= PERIOD_NS) {
			take_lock();
			nr_missed += late / PERIOD_NS;
			mutex_unlock(&lock);
		}
	}
}

/* ---- reports ------------------------------------------------------------------------ */

struct report {
	struct jitter_summary late;
	u32 worst;
	int setpoint_mm;
	u64 nr_periods, nr_missed, nr_lock_waits, nr_unsent;
};

/* A copy under the lock, then the slow part without it. `scratch` is the
 * caller's, because two tasks ask. */
static struct report make_report(struct jitter *scratch)
{
	struct report r;

	take_lock();
	*scratch = jitter;
	r = (struct report){
		.worst = jitter.worst,
		.setpoint_mm = setpoint_mm,
		.nr_periods = nr_periods,
		.nr_missed = nr_missed,
		.nr_lock_waits = nr_lock_waits,
		.nr_unsent = nr_unsent,
	};
	mutex_unlock(&lock);
	r.late = jitter_summarise(scratch);
	return r;
}

static void report_loop(void *arg)
{
	static struct jitter scratch;
	const unsigned int every = 1000 / PERIODS_A_MESSAGE; /* messages: a second */
	struct message m;

	(void)arg;
	for (unsigned int n = 1;; n++) {
		struct report r;

		(void)msgq_receive(&queue, &m, TM_FOREVER);
		if (n % every)
			continue;
		r = make_report(&scratch);
		pr_info("control: at %d of %d mm; woke late by min %u mean %u p99 %u max %u ns",
			m.position_mm, m.setpoint_mm, r.late.min, r.late.mean, r.late.p99,
			r.late.max);
	}
}

static void show(struct out *out)
{
	static struct jitter scratch; /* the shell's task reads, one file at a time */
	struct report r = make_report(&scratch);

	out_printf(out, "periods     %llu\n", (unsigned long long)r.nr_periods);
	out_printf(out, "missed      %llu\n", (unsigned long long)r.nr_missed);
	out_printf(out, "late_min    %u ns\n", r.late.min);
	out_printf(out, "late_mean   %u ns\n", r.late.mean);
	out_printf(out, "late_p99    %u ns\n", r.late.p99);
	out_printf(out, "late_max    %u ns\n", r.late.max);
	out_printf(out, "late_worst  %u ns\n", r.worst);
	out_printf(out, "lock_waits  %llu\n", (unsigned long long)r.nr_lock_waits);
	out_printf(out, "unsent      %llu\n", (unsigned long long)r.nr_unsent);
	out_printf(out, "setpoint    %d mm\n", r.setpoint_mm);
}

/* `control`, `control MM`. */
static int command(int argc, char **argv)
{
	u64 mm;

	if (argc == 1) {
		show(&console_out);
		return 0;
	}
	if (argc > 2 || tm_parse_u64(argv[1], &mm) || mm > 5000) {
		out_printf(&console_out, "control: usage: control [MM], 0 to 5000\n");
		return 2;
	}
	take_lock();
	setpoint_mm = (int)mm;
	mutex_unlock(&lock);
	return 0;
}

/* ---- start -------------------------------------------------------------------------- */

static int start(const char *name, unsigned int prio, unsigned int flags, void (*loop)(void *))
{
	struct task_attr attr = { .name = name, .prio = prio, .flags = flags };
	struct task *t = task_create(&attr, loop, NULL);

	if (!t)
		return ERR_NOMEM;
	task_detach(t);
	return 0;
}

int app_main(void)
{
	static const struct command control = { "control", "[MM]",
						"how late the loop wakes; move the setpoint",
						command, NULL };
	int err;

	mutex_init(&lock, "control state");
	err = msgq_init(&queue, "control reports", queue_buf, sizeof(struct message), MESSAGES);
	if (!err)
		err = start("report", REPORT_PRIO, 0, report_loop);
	if (!err)
		err = start("control", CONTROL_PRIO, TASK_FP, control_loop);
	if (!err)
		err = shell_add_command(&control);
	return err ? err : proc_add_file("app", show);
}
