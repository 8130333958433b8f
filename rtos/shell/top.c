// SPDX-License-Identifier: Apache-2.0
/*
 * `top`: per second, how busy each CPU was and which tasks used it. With a
 * count it prints that many pictures one below the other, for scripts; without,
 * it redraws the screen until a key. Differences are taken between two
 * readings; tasks beyond the table's size show only in `ps`.
 */
#include "rtos/shell/shell.h"
#include "mm/mm.h"

enum { MAX_SHOWN = 128 };
#define PERIOD_NS 1000000000ull

struct sample {
	u32 id;
	u64 run_ns;
};

static struct {
	struct sample task[MAX_SHOWN]; /* by rising id, as read */
	unsigned int nr_tasks;
	u64 busy[MAX_CPUS], total[MAX_CPUS];
	u64 now;
} was;

/* Tenths of a percent. */
static unsigned int permille(u64 part, u64 whole)
{
	return whole ? (unsigned int)min_u64(part * 1000 / whole, 1000) : 0;
}

static u64 earlier_run_ns(u32 id, u64 otherwise)
{
	for (unsigned int i = 0; i < was.nr_tasks; i++)
		if (was.task[i].id == id)
			return was.task[i].run_ns;
	return otherwise;
}

static void show_cpus(void)
{
	unsigned int shown = 0;

	for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++) {
		u64 busy, total;
		unsigned int p;

		if (!(cpus_online() >> cpu & 1))
			continue;
		cpu_times(cpu, &busy, &total);
		p = permille(busy - was.busy[cpu], total - was.total[cpu]);
		was.busy[cpu] = busy;
		was.total[cpu] = total;
		sh_print("%scpu%-2u %3u.%u %%", shown % 4 ? "   " : "", cpu, p / 10, p % 10);
		if (++shown % 4 == 0)
			sh_print("\n");
	}
	if (shown % 4)
		sh_print("\n");
}

static void show_tasks(u64 elapsed)
{
	static struct sample now[MAX_SHOWN];
	unsigned int nr = 0;
	struct task_info t;

	sh_print("  ID NAME            PRI CPU  %%CPU STATE    WAITING FOR     BOOSTED BY\n");
	for (u32 id = 0; nr < MAX_SHOWN && task_info_next(&id, &t); id++) {
		unsigned int p = permille(t.run_ns - earlier_run_ns(t.id, 0), elapsed);

		now[nr++] = (struct sample){ t.id, t.run_ns };
		sh_print("%4u %-15s %3u %3u %3u.%u %-9s%-15s %s\n", t.id, t.name, t.prio, t.cpu,
			 p / 10, p % 10, task_state_name(t.state), t.waiting_for,
			 t.boosted_by[0] ? t.boosted_by : "-");
	}
	memcpy(was.task, now, sizeof(now));
	was.nr_tasks = nr;
}

static void picture(bool screen)
{
	u64 now = time_now_ns();

	if (screen)
		sh_print("\x1b[H\x1b[2J");
	cmd_uptime(1, NULL);
	sh_print("memory: %llu KiB, free %llu KiB\n", (unsigned long long)mm_total_pages() * 4,
		 (unsigned long long)mm_free_pages() * 4);
	show_cpus();
	show_tasks(now - was.now);
	was.now = now;
}

/* Wait for the next picture. False: a key was pressed or Ctrl-C typed. */
static bool wait_period(bool screen)
{
	char key;

	if (!screen)
		return sh_sleep(PERIOD_NS);
	while (true) {
		int n = console_read(&key, 1, time_after_ns(PERIOD_NS));

		if (n != ERR_AGAIN)
			return n == ERR_TIMEDOUT;
	}
}

int cmd_top(int argc, char **argv)
{
	u64 times = ~0ull;
	bool screen = argc == 1;

	if (argc > 2)
		return sh_usage("top");
	if (argc == 2 && sh_number("top", "TIMES", argv[1], 1, 100000, &times))
		return EXIT_USAGE;
	memset(&was, 0, sizeof(was));
	picture(screen);
	while (--times && wait_period(screen) && !sh_interrupted())
		picture(screen);
	return EXIT_OK;
}
