/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtos/lib/ but for mem* and str*: formatting against libc's for every
 * combination of flags, widths and lengths; parsers against their contract
 * with hostile text; patterns; the integer square root; words of a boot line.
 */
#include "unit.h"

#include "rtos/lib/lib.h"

/* ---- formatting ------------------------------------------------------------------ */

/* libc's and ours must give the same text and the same length, whatever the
 * size of the buffer. */
#define SAME(...)                                                                                  \
	do {                                                                                       \
		char want[300], got[300];                                                          \
		int n = snprintf(want, sizeof(want), __VA_ARGS__);                                 \
		memset(got, 0x55, sizeof(got));                                                    \
		assert_int_equal(tm_snprintf(got, sizeof(got), __VA_ARGS__), n);                   \
		assert_string_equal(got, want);                                                    \
		assert_int_equal(tm_snprintf(got, 4, __VA_ARGS__), n);                             \
		assert_int_equal(strlen(got), n < 3 ? n : 3);                                      \
	} while (0)

static const char *const flags[] = {
	"", "-", "0", "+", " ", "#", "-0", "+0", "0#", "-#", "+-", " 0"
};
static const char *const widths[] = { "", "1", "5", "20", ".0", ".3", "8.3", "3.8", "20.10", "." };

/* One conversion with all flags and widths, for a value of its length. */
static void sweep(const char *length, const char *convs, u64 v)
{
	char fmt[32];

	for (unsigned int f = 0; f < ARRAY_SIZE(flags); f++)
		for (unsigned int w = 0; w < ARRAY_SIZE(widths); w++)
			for (const char *c = convs; *c; c++) {
				snprintf(fmt, sizeof(fmt), "<%%%s%s%s%c>", flags[f], widths[w],
					 length, *c);
				if (length[0] == 'l' || length[0] == 'z')
					SAME(fmt, v);
				else
					SAME(fmt, (unsigned int)v);
			}
}

static void test_numbers(void **state)
{
	static const u64 values[] = { 0,           1,
				      9,           10,
				      255,         256,
				      32768,       0x7fffffff,
				      0x80000000,  0xffffffff,
				      0x100000000, ~0ull,
				      1ull << 63,  1234567890123456789ull };
	static const char *const lengths[] = { "", "h", "hh", "l", "ll", "z" };

	(void)state;
	for (unsigned int l = 0; l < ARRAY_SIZE(lengths); l++)
		for (unsigned int i = 0; i < ARRAY_SIZE(values); i++)
			sweep(lengths[l], "duxXi", values[i]);
}

static void test_text(void **state)
{
	(void)state;
	SAME("%s|%10s|%-10s|%.2s|%5.1s|%.0s", "abc", "abc", "abc", "abc", "abc", "abc");
	SAME("%c|%5c|%-5c|%%", 'a', 'b', 'c');
	SAME("%*d|%-*d|%.*s|%*.*s", 7, 42, 7, 42, 2, "abcdef", 6, 3, "abcdef");
	SAME("%*d", -7, 42);
	SAME("%p", (void *)0x1234);
	SAME("nothing to do");
	SAME("%s", "");
}

/* Without the attribute by which the compiler would refuse what follows. */
static tm_noinline int oddly(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = tm_vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

static void test_oddities(void **state)
{
	char buf[40];

	(void)state;
	oddly(buf, sizeof(buf), "%s", (const char *)NULL);
	assert_string_equal(buf, "(null)");
	/* Not terminated, but a precision says where to stop. */
	oddly(buf, sizeof(buf), "%.3s", (char[]){ 'x', 'y', 'z' });
	assert_string_equal(buf, "xyz");
	oddly(buf, sizeof(buf), "%q %y %", 1, 2);
	assert_string_equal(buf, "%? %? %?");
	assert_int_equal(oddly(buf, sizeof(buf), "%99999999d", 1), 9999);
	assert_int_equal(oddly(NULL, 0, "%d", 12345), 5);
}

static void test_out_buf(void **state)
{
	struct out_buf ob;
	char buf[8];

	(void)state;
	out_buf_init(&ob, buf, sizeof(buf));
	assert_string_equal(buf, "");
	out_printf(&ob.out, "%s", "1234");
	assert_false(ob.truncated);
	out_printf(&ob.out, "%d", 567890);
	assert_true(ob.truncated);
	assert_string_equal(buf, "1234567");
	assert_int_equal(ob.len, 7);
	out_buf_init(&ob, buf, 0);
	out_printf(&ob.out, "x");
	assert_true(ob.truncated);
}

/* ---- parsing ------------------------------------------------------------------------ */

static void number(const char *s, int err, u64 want)
{
	u64 v = 77;

	assert_int_equal(tm_parse_u64(s, &v), err);
	assert_int_equal(v, err ? 77 : want);
}

static void test_parse_u64(void **state)
{
	(void)state;
	number("0", 0, 0);
	number("42", 0, 42);
	number("007", 0, 7);
	number("0x1F", 0, 31);
	number("0Xff", 0, 255);
	number("18446744073709551615", 0, ~0ull);
	number("0xffffffffffffffff", 0, ~0ull);
	number("18446744073709551616", ERR_RANGE, 0);
	number("0x10000000000000000", ERR_RANGE, 0);
	number("99999999999999999999999999", ERR_RANGE, 0);
	number("", ERR_INVAL, 0);
	number("0x", ERR_INVAL, 0);
	number("0xg", ERR_INVAL, 0);
	number(" 1", ERR_INVAL, 0);
	number("1 ", ERR_INVAL, 0);
	number("-1", ERR_INVAL, 0);
	number("+1", ERR_INVAL, 0);
	number("1a", ERR_INVAL, 0);
	number("a", ERR_INVAL, 0);
	number("99999999999999999999x", ERR_INVAL, 0);
}

static void size(const char *s, int err, u64 want, const char *rest)
{
	const char *end = NULL;
	u64 v = 77;

	assert_int_equal(tm_parse_size(s, &v, &end), err);
	assert_int_equal(v, err ? 77 : want);
	assert_string_equal(end, rest);
	/* Without `end` nothing may be left over. */
	v = 77;
	assert_int_equal(tm_parse_size(s, &v, NULL), *rest && err != ERR_RANGE ? ERR_INVAL : err);
}

static void test_parse_size(void **state)
{
	(void)state;
	size("4096", 0, 4096, "");
	size("64K", 0, 65536, "");
	size("64k", 0, 65536, "");
	size("3M", 0, 3 << 20, "");
	size("2G", 0, 2ull << 30, "");
	size("1t", 0, 1ull << 40, "");
	size("1P", 0, 1ull << 50, "");
	size("0x10M", 0, 16 << 20, "");
	size("64M@0x40000000", 0, 64 << 20, "@0x40000000");
	size("1KiB", 0, 1024, "iB");
	size("5x", 0, 5, "x");
	size("16383P", 0, 16383ull << 50, "");
	size("16384P", ERR_RANGE, 0, "");
	size("18446744073709551616", ERR_RANGE, 0, "");
	size("K", ERR_INVAL, 0, "K");
	size("", ERR_INVAL, 0, "");
	size("-1M", ERR_INVAL, 0, "-1M");
}

/* Any text is taken or refused; what was taken is within it. */
static void test_parse_random(void **state)
{
	static const char alphabet[] = "0123456789abcdefxXKMGTP@- ";
	u64 seed = fake_seed("parse", 1), v;
	char s[24];

	(void)state;
	for (int i = 0; i < 200000; i++) {
		unsigned int len = fake_random(&seed) % (sizeof(s) - 1);
		const char *end;

		for (unsigned int k = 0; k < len; k++)
			s[k] = alphabet[fake_random(&seed) % (sizeof(alphabet) - 1)];
		s[len] = '\0';
		(void)!tm_parse_size(s, &v, &end);
		assert_true(end >= s && end <= s + len);
		if (tm_parse_u64(s, &v) == 0)
			assert_int_equal(v,
					 strtoull(s, NULL, s[1] == 'x' || s[1] == 'X' ? 16 : 10));
	}
}

/* The plain definition of a pattern, for comparison. */
static bool glob_model(const char *p, const char *s)
{
	if (!*p)
		return !*s;
	if (*p == '*')
		return glob_model(p + 1, s) || (*s && glob_model(p, s + 1));
	return *s && (*p == '?' || *p == *s) && glob_model(p + 1, s + 1);
}

static void test_glob(void **state)
{
	u64 seed = fake_seed("glob", 2);
	char p[9], s[12];

	(void)state;
	assert_true(tm_glob("*", "") && tm_glob("", "") && tm_glob("mm_*", "mm_buddy"));
	assert_true(tm_glob("*a*b", "xaxbxb") && !tm_glob("?", "") && !tm_glob("a", "ab"));
	for (int i = 0; i < 200000; i++) {
		unsigned int np = fake_random(&seed) % sizeof(p),
			     ns = fake_random(&seed) % sizeof(s);

		for (unsigned int k = 0; k < np; k++)
			p[k] = "ab*?"[fake_random(&seed) % 4];
		for (unsigned int k = 0; k < ns; k++)
			s[k] = "ab"[fake_random(&seed) % 2];
		p[np] = s[ns] = '\0';
		assert_int_equal(tm_glob(p, s), glob_model(p, s));
	}
}

static void test_isqrt(void **state)
{
	u64 seed = fake_seed("isqrt", 3);

	(void)state;
	for (u64 v = 0; v < 70000; v++)
		assert_true(tm_isqrt(v) * tm_isqrt(v) <= v &&
			    (tm_isqrt(v) + 1) * (tm_isqrt(v) + 1) > v);
	assert_int_equal(tm_isqrt(~0ull), 0xffffffff);
	assert_int_equal(tm_isqrt(0xffffffffull * 0xffffffffull), 0xffffffff);
	assert_int_equal(tm_isqrt(0xffffffffull * 0xffffffffull - 1), 0xfffffffe);
	for (int i = 0; i < 10000; i++) {
		u64 r = fake_random(&seed) >> 32;

		assert_int_equal(tm_isqrt(r * r), r);
		assert_int_equal(tm_isqrt(r * r + r), r);
	}
}

/* ---- words of a boot line ---------------------------------------------------------- */

/* "name=value" pairs as [name|value], a missing value as [name]. */
static const char *args_of(const char *given)
{
	static char text[1024];
	char line[256], *rest = line, *name, *value;
	size_t n = 0;

	snprintf(line, sizeof(line), "%s", given);
	text[0] = '\0';
	while (tm_next_arg(&rest, &name, &value))
		n += (size_t)snprintf(text + n, sizeof(text) - n, value ? "[%s|%s]" : "[%s]", name,
				      value);
	return text;
}

static void test_args(void **state)
{
	(void)state;
	assert_string_equal(args_of(""), "");
	assert_string_equal(args_of("   "), "");
	assert_string_equal(args_of("quiet"), "[quiet]");
	assert_string_equal(args_of(" a  b=1   c= "), "[a][b|1][c|]");
	assert_string_equal(args_of("cma=64M@0x40000000 x=a=b"), "[cma|64M@0x40000000][x|a=b]");
	assert_string_equal(args_of("run=\"ps; free\" q"), "[run|ps; free][q]");
	assert_string_equal(args_of("\"run=ps; free\" q"), "[run|ps; free][q]");
	assert_string_equal(args_of("a=\"b c\"d\"e f\""), "[a|b cde f]");
	assert_string_equal(args_of("run=\"unclosed to the end"), "[run|unclosed to the end]");
	assert_string_equal(args_of("= =x \"\" z"), "[|][|x][][z]");
	assert_string_equal(args_of("a=\"=\""), "[a|=]");
}

static void test_args_random(void **state)
{
	u64 seed = fake_seed("args", 4);

	(void)state;
	for (int i = 0; i < 100000; i++) {
		unsigned int len = fake_random(&seed) % 40, words = 0;
		char *line = malloc(len + 1), *rest = line, *name, *value;

		for (unsigned int k = 0; k < len; k++)
			line[k] = "a =\""[fake_random(&seed) % 4];
		line[len] = '\0';
		while (tm_next_arg(&rest, &name, &value)) {
			assert_true(name >= line && name <= line + len);
			assert_true(!value || (value > name && value <= line + len));
			assert_true(++words <= len);
		}
		free(line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),      cmocka_unit_test(test_text),
		cmocka_unit_test(test_oddities),     cmocka_unit_test(test_out_buf),
		cmocka_unit_test(test_parse_u64),    cmocka_unit_test(test_parse_size),
		cmocka_unit_test(test_parse_random), cmocka_unit_test(test_glob),
		cmocka_unit_test(test_isqrt),        cmocka_unit_test(test_args),
		cmocka_unit_test(test_args_random),
	};

	return cmocka_run_group_tests_name("lib", tests, NULL, NULL);
}
