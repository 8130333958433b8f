/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fake machine itself: the checks it makes must fire, or every other host
 * test would prove less than it says. Physical memory aliases between views,
 * locks refuse recursion and inversion, panics come back as text.
 */
#include "unit.h"

#include <signal.h>

#include "mm/locks.h"

static int setup(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

/* One frame seen through the linear map, arch_map and the file is one frame. */
static void test_views_alias(void **state)
{
	u64 *linear, *mapped, value;
	phys_t p;

	(void)state;
	fake_ram(0x40000000, 0x40400000, true);
	linear = phys_to_virt(phys_make(0x40001000));
	assert_int_equal(arch_map(ARCH_FRAMES_BASE, phys_make(0x40001000), 1, ARCH_PROT_RW), 0);
	assert_int_equal(arch_map(ARCH_FRAMES_BASE, phys_make(0x40002000), 1, ARCH_PROT_RW),
			 ERR_EXIST);
	mapped = (u64 *)(uintptr_t)ARCH_FRAMES_BASE;
	*linear = 0x1234;
	assert_int_equal(*mapped, 0x1234);
	fake_phys_read(0x40001000, &value, sizeof(value));
	assert_int_equal(value, 0x1234);
	assert_true(arch_translate(ARCH_FRAMES_BASE + 8, &p, NULL, NULL));
	assert_int_equal(p.v, 0x40001008);
	arch_unmap(ARCH_FRAMES_BASE, 1);
	assert_false(arch_translate(ARCH_FRAMES_BASE, &p, NULL, NULL));
}

static void touch_unmapped(void *arg)
{
	signal(SIGSEGV, SIG_DFL);
	*(volatile u64 *)arg = 1;
}

static void test_unmapped_faults(void **state)
{
	(void)state;
	fake_ram(0x40000000, 0x40400000, false);
	assert_int_equal(fake_run_child(touch_unmapped, phys_to_virt(phys_make(0x40000000))),
			 128 + SIGSEGV);
}

static void do_panic(void *arg)
{
	panic("number %u", *(unsigned int *)arg);
}

static void do_bug(void *arg)
{
	BUG_ON_VAL(*(unsigned int *)arg == 7, 7, 9);
}

static void test_panics_return(void **state)
{
	unsigned int n = 7;

	(void)state;
	assert_string_equal(fake_panics(do_panic, &n), "number 7");
	assert_non_null(strchr(fake_panics(do_bug, &n), '7'));
	n = 8;
	assert_null(fake_panics(do_bug, &n));
}

static struct spinlock zone_lock = SPINLOCK_INIT(LOCK_RANK_ZONE);
static struct spinlock log_lock = SPINLOCK_INIT(LOCK_RANK_LOG);

static void lock_twice(void *arg)
{
	(void)arg;
	spin_lock(&zone_lock);
	spin_lock(&zone_lock);
}

static void lock_inverted(void *arg)
{
	(void)arg;
	spin_lock(&log_lock);
	spin_lock(&zone_lock);
}

static void test_lock_rules(void **state)
{
	u64 flags;

	(void)state;
	flags = spin_lock_irqsave(&zone_lock);
	assert_true(arch_irqs_masked());
	assert_true(spin_held(&zone_lock));
	spin_lock(&log_lock);
	assert_int_equal(fake_locks_held(), 2);
	spin_unlock(&log_lock);
	spin_unlock_irqrestore(&zone_lock, flags);
	assert_false(arch_irqs_masked());
	assert_int_equal(fake_run_child(lock_twice, NULL), 128 + SIGABRT);
	assert_int_equal(fake_run_child(lock_inverted, NULL), 128 + SIGABRT);
}

static void test_log_is_captured(void **state)
{
	(void)state;
	pr_warn("bank %u dropped", 3u);
	pr_warn("bank %u dropped", 4u);
	assert_true(fake_log_has("bank 4 dropped"));
	assert_int_equal(fake_log_count("dropped"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_views_alias, setup),
		cmocka_unit_test_setup(test_unmapped_faults, setup),
		cmocka_unit_test_setup(test_panics_return, setup),
		cmocka_unit_test_setup(test_lock_rules, setup),
		cmocka_unit_test_setup(test_log_is_captured, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
