/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helpers of the suites; see help.h. Every wait here is bounded by the
 * machine's own time, so that a lost wake-up is a failed check and not a hang.
 */
#include "tests/target/help.h"

#include "mm/mm.h"
#include "mm/page/request.h"

enum { PATIENCE_S = 30, LOOKS = 64 };

struct task *help_spawn(const char *name, unsigned int prio, u64 cpu_mask, void (*fn)(void *),
			void *arg)
{
	const struct task_attr attr = { .name = name, .prio = prio, .cpus = cpu_mask };
	struct task *t = task_create(&attr, fn, arg);

	TEST_CHECK_VAL(t, prio, cpu_mask);
	return t;
}

void help_join(struct task *t)
{
	if (t)
		TEST_CHECK(task_join(t, time_after_ns(PATIENCE_S * SEC)) == 0);
}

void help_spin(u64 ns)
{
	u64 end = time_after_ns(ns);
	unsigned int looks;

	/* Where CPUs take turns every relaxing look hands over to the next, which
	 * costs the emulator far more than what is waited for. */
	for (looks = 0; time_now_ns() < end; looks++)
		if (looks % LOOKS == 0)
			arch_cpu_relax();
}

bool help_await(const u32 *word, u32 want)
{
	u64 deadline = time_after_ns(PATIENCE_S * SEC);

	while (help_read(word) < want) {
		if (time_now_ns() >= deadline)
			return false;
		sleep_ns(MS / 10);
	}
	return true;
}

u64 help_first_cpus(unsigned int n)
{
	u64 left = cpus_online(), mask = 0;

	for (; left && n; n--, left &= left - 1)
		mask |= left & (0 - left);
	return mask;
}

unsigned int help_marks[HELP_MARKS];
u32 help_nr_marks;

void help_marks_begin(void)
{
	unsigned int i;

	for (i = 0; i < HELP_MARKS; i++)
		help_marks[i] = HELP_NOBODY;
	__atomic_store_n(&help_nr_marks, 0, __ATOMIC_RELEASE);
}

/* The mark before the number: who sees n of them can read the first n. */
void help_mark(unsigned int who)
{
	unsigned int i, nobody;

	for (i = 0; i < HELP_MARKS; i++) {
		nobody = HELP_NOBODY;
		if (__atomic_compare_exchange_n(&help_marks[i], &nobody, who, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			break;
	}
	help_add(&help_nr_marks, 1);
}

void help_marks_are(const unsigned int *want, u32 n)
{
	u32 i, came = help_read(&help_nr_marks);

	TEST_CHECK_VAL(came == n && n <= HELP_MARKS, came, n);
	for (i = 0; i < n && i < HELP_MARKS; i++)
		TEST_CHECK_VAL(help_marks[i] == want[i], help_marks[i], want[i]);
}

bool help_mapped(u64 va)
{
	phys_t p;

	return arch_translate(va, &p, NULL, NULL);
}

bool help_rights_are(const void *at, bool writable, bool executable)
{
	bool w, x;
	phys_t p;

	return arch_translate((u64)(uintptr_t)at, &p, &w, &x) && w == writable && x == executable;
}

u64 unowned_pages(void)
{
	return mm_free_pages() + mm_cached_pages();
}

u64 help_settled_pages(void)
{
	u64 pages = unowned_pages();
	unsigned int calm = 0;

	for (unsigned int i = 0; i < 200 && calm < 20; i++) {
		sleep_ms(1);
		calm = pages == unowned_pages() ? calm + 1 : 0;
		pages = unowned_pages();
	}
	return pages;
}

int help_prio_of_band(u32 least, u32 most)
{
	for (int prio = TASK_PRIO_LEVELS - 1; prio >= 0; prio--) {
		u32 band = request_prio_band((unsigned int)prio);

		if (band >= least && band <= most)
			return prio;
	}
	return -1;
}

bool help_enter_band(u32 least, u32 most)
{
	int prio = help_prio_of_band(least, most);

	if (prio < 0) {
		test_skip("no priority of this boot (bands=) has a band that the case needs");
		return false;
	}
	TEST_CHECK(task_set_prio(task_current(), (unsigned int)prio) == 0);
	return true;
}
