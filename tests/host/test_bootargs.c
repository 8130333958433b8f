/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boot arguments as a whole: who takes which, what is kept, and exactly one
 * warning for each that nobody takes. The splitting into words has its cases
 * in test_lib.c; mm's options are those of mm/boot/options.c.
 */
#include "unit.h"

#include "rtos/panic.h"
#include "rtos/watchdog.h"

static int panic_seconds;

void panic_set_timeout(int seconds)
{
	panic_seconds = seconds;
}

static u64 yield_seed;

int arch_yield_seed(u64 seed)
{
	yield_seed = seed;
	return seed == 7 ? ERR_NOSYS : 0;
}

static u64 watchdog_ns;
static bool watchdog_panics;

void watchdog_set(u64 limit_ns, bool panics)
{
	watchdog_ns = limit_ns;
	watchdog_panics = panics;
}

/* Parse one line in a fresh process, then check. */
struct line {
	const char *given;
	void (*check)(void);
};

static void parse(void *arg)
{
	const struct line *l = arg;

	fake_reset();
	panic_seconds = 12345;
	boot_args_parse(l->given);
	l->check();
}

static void expect(const char *given, void (*check)(void))
{
	struct line l = { given, check };

	assert_int_equal(fake_run_child(parse, &l), 0);
}

static unsigned int warnings(void)
{
	return fake_log_count(", ignored");
}

static void check_empty(void)
{
	assert_string_equal(boot_cmdline(), "");
	assert_null(boot_run());
	assert_null(boot_test());
	assert_int_equal(warnings(), 0);
}

static void check_all(void)
{
	assert_string_equal(boot_run(), "ps; free");
	assert_string_equal(boot_test(), "mm_*");
	assert_int_equal(log_console_level(), 3);
	assert_int_equal(panic_seconds, -1);
	assert_int_equal(warnings(), 0);
	assert_string_equal(boot_cmdline(),
			    "run=\"ps; free\" test=mm_* loglevel=3 panic=-1 mem=1G");
}

static void check_defaults(void)
{
	assert_string_equal(boot_test(), "*");
	assert_int_equal(panic_seconds, 10);
	assert_int_equal(log_console_level(), 4);
	assert_int_equal(warnings(), 0);
}

static void check_last_wins(void)
{
	assert_string_equal(boot_run(), "b");
	assert_int_equal(log_console_level(), 7);
}

static void check_refused_keeps(void)
{
	assert_string_equal(boot_run(), "a");
	assert_int_equal(warnings(), 2);
}

static void check_open_quote(void)
{
	assert_string_equal(boot_run(), "a panic=-1");
	assert_int_equal(fake_log_count("is not closed"), 1);
}

static void check_closed_quotes(void)
{
	assert_int_equal(fake_log_count("is not closed"), 0);
}

static void check_unknown(void)
{
	assert_int_equal(warnings(), 3);
	assert_true(fake_log_has("boot argument root=/dev/vda: unknown, ignored"));
	assert_true(fake_log_has("boot argument rw: unknown, ignored"));
	assert_true(fake_log_has("boot argument loglevel=9: out of range, ignored"));
}

static void check_malformed(void)
{
	assert_int_equal(warnings(), 7);
	assert_int_equal(panic_seconds, 12345);
	assert_null(boot_run());
}

static void check_seed(void)
{
	assert_int_equal(yield_seed, 12);
	assert_int_equal(warnings(), 1);
	assert_true(fake_log_has("boot argument yield_seed=x: malformed, ignored"));
}

static void check_no_seed(void)
{
	assert_true(fake_log_has("boot argument yield_seed=7: not built in, ignored"));
}

static void check_watchdog(void)
{
	assert_true(watchdog_ns == 3600ull * 1000000000 && watchdog_panics);
	assert_int_equal(warnings(), 6);
	assert_true(fake_log_has("boot argument watchdog=3601: out of range, ignored"));
	assert_true(fake_log_has("boot argument watchdog=5,reboot: malformed, ignored"));
}

static void check_watchdog_off(void)
{
	assert_true(watchdog_ns == 0 && !watchdog_panics);
	assert_int_equal(warnings(), 0);
}

static void check_console(void)
{
	assert_int_equal(warnings(), 0);
	assert_int_equal(fake_log_count("stdout-path decides"), 2);
}

static void check_control(void)
{
	assert_string_equal(boot_cmdline(), "quiet  panic=5 ");
	assert_int_equal(panic_seconds, 5);
	assert_int_equal(warnings(), 0);
}

static void test_values(void **state)
{
	(void)state;
	expect("", check_empty);
	expect("run=\"ps; free\" test=mm_* loglevel=3 panic=-1 mem=1G", check_all);
	expect("test panic=10 quiet", check_defaults);
	expect("run=a loglevel=1 run=b loglevel=7", check_last_wins);
}

static void test_warnings(void **state)
{
	(void)state;
	expect("root=/dev/vda rw loglevel=9", check_unknown);
	expect("run= run panic panic=soon panic=99999999 loglevel= quiet=1", check_malformed);
	expect("yield_seed=12 yield_seed=x", check_seed);
	expect("yield_seed=7", check_no_seed);
	expect("watchdog=3600,panic watchdog=3601 watchdog=5,reboot watchdog= watchdog "
	       "watchdog=,panic watchdog=123456789",
	       check_watchdog);
	expect("watchdog=3600,panic watchdog=0", check_watchdog_off);
	expect("console=ttyAMA0,115200 earlycon", check_console);
	expect("run=a run= run", check_refused_keeps);
	expect("quiet run=\"a panic=-1", check_open_quote);
	expect("run=\"a\" test=\"x\"", check_closed_quotes);
}

static void test_control_bytes(void **state)
{
	(void)state;
	expect("quiet\t\npanic=5\x7f", check_control);
}

static void check_long(void)
{
	assert_int_equal(strlen(boot_cmdline()), 4095);
	assert_int_equal(fake_log_count("cut at 4095 bytes"), 1);
	assert_int_equal(warnings(), 1);
}

static void test_long(void **state)
{
	char *big = malloc(9000);

	(void)state;
	memset(big, 'x', 8999);
	big[8999] = '\0';
	expect(big, check_long);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_control_bytes),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests_name("bootargs", tests, NULL, NULL);
}
