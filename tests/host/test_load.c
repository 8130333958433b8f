/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load averages: what is made up for at the next change must equal what a tick
 * every five seconds would have computed, and steady loads must be shown as
 * what they are.
 */
#include "unit.h"

#include "rtos/sched.h"

struct spinlock sched_spinlock = SPINLOCK_INIT(LOCK_RANK_SCHED);

/* One CPU, nobody to be called. */
void spin_take_checked(struct spinlock *l, const void *site)
{
	(void)site;
	l->next++;
}

void spin_drop_checked(struct spinlock *l, const void *site)
{
	(void)site;
	l->owner++;
}

void spin_await(const struct spinlock *l, u32 ticket)
{
	assert_int_equal(l->owner, ticket);
}

void sched_unlock_called(u64 flags)
{
	(void)flags;
	fail();
}

u64 arch_timer_hz(void)
{
	return 1000000000;
}

void preempt_pending(void)
{
	fail();
}

#define SAMPLE_NS 5000000000ull

static u64 now;

static void advance(u64 ns)
{
	now += ns;
	fake_clock_ns(now);
}

static void set_active(int delta)
{
	u64 flags = sched_lock();

	load_change_locked(delta);
	sched_unlock(flags);
}

static double distance(double a, double b)
{
	return a > b ? a - b : b - a;
}

static double read_load(int i)
{
	u32 avg[3];

	sched_loadavg(avg);
	return avg[i] / 2048.0;
}

/* The same in floating point: each sample pulls the average towards what is
 * active, with a time constant of 1, 5 and 15 minutes. */
struct model {
	double avg[3];
};

static void model_samples(struct model *m, unsigned int active, unsigned int n)
{
	/* e^(-5 s / 1, 5, 15 min) */
	static const double keep[3] = { 0.92004441, 0.98347145, 0.99445980 };

	while (n--)
		for (int i = 0; i < 3; i++)
			m->avg[i] = m->avg[i] * keep[i] + active * (1 - keep[i]);
}

static struct task caller;

static void begin(void)
{
	arch_set_current(&caller);
	fake_reset();
	now = 0;
	fake_clock_ns(0);
	load_start();
}

static void steady(void *arg)
{
	(void)arg;
	begin();
	assert_true(read_load(0) == 0);
	set_active(3);
	advance(60 * 1000000000ull);
	assert_true(distance(read_load(0), 3 * 0.63212) < 0.005);
	advance(3600 * 1000000000ull);
	for (int i = 0; i < 2; i++)
		assert_true(distance(read_load(i), 3) < 0.005);
	set_active(-3);
	advance(86400 * 1000000000ull);
	for (int i = 0; i < 3; i++)
		assert_true(read_load(i) < 0.001);
}

/* Random changes at random times stay by the model, but for what 20 bits of
 * decay cost and the 11 bits that are shown. */
static void random_load(void *arg)
{
	u64 seed = fake_seed("load", 6), next = SAMPLE_NS;
	struct model m = { { 0 } };
	unsigned int active = 0;

	(void)arg;
	begin();
	for (int step = 0; step < 3000; step++) {
		u64 end = now + fake_random(&seed) % (4 * SAMPLE_NS);
		unsigned int samples = 0;
		int delta;

		for (; next <= end; next += SAMPLE_NS)
			samples++;
		advance(end - now);
		model_samples(&m, active, samples);
		for (int i = 0; i < 3; i++)
			assert_true(distance(read_load(i), m.avg[i]) < 0.002 + m.avg[i] * 0.001);
		delta = (int)(fake_random(&seed) % 7) - 3;
		if ((int)active + delta < 0)
			continue;
		set_active(delta);
		active += (unsigned int)delta;
	}
}

/* Many samples at once are one long power, not many roundings. */
static void long_idle(void *arg)
{
	(void)arg;
	begin();
	set_active(40);
	advance(1000 * SAMPLE_NS);
	assert_true(distance(read_load(0), 40) < 0.01);
	advance(1ull << 60);
	assert_true(distance(read_load(2), 40) < 0.01);
}

static void below_zero(void *arg)
{
	(void)arg;
	load_change_locked(-1);
}

static void negative(void *arg)
{
	(void)arg;
	begin();
	assert_non_null(fake_panics(below_zero, NULL));
}

/* Each in a child: the averages are static. */
static void test_steady(void **state)
{
	(void)state;
	assert_int_equal(fake_run_child(steady, NULL), 0);
}

static void test_random(void **state)
{
	(void)state;
	assert_int_equal(fake_run_child(random_load, NULL), 0);
}

static void test_long_idle(void **state)
{
	(void)state;
	assert_int_equal(fake_run_child(long_idle, NULL), 0);
}

static void test_negative(void **state)
{
	(void)state;
	assert_int_equal(fake_run_child(negative, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_long_idle),
		cmocka_unit_test(test_negative),
	};

	return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
