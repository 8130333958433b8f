/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only the target can say about the library: mem* and str* are libc's on
 * the host, and -mstrict-align makes every alignment a case of its own. The
 * rest of rtos/lib/ is covered by tests/host/; here a few known strings prove
 * that the same source behaves on this machine.
 */
#include "tests/target/suites.h"

enum { SPAN = 160, ROOM = SPAN + 32 };

static u8 from[ROOM], to[ROOM];

/* Byte i of the source pattern. */
static u8 pattern(unsigned int i)
{
	return (u8)(i * 7 + 1);
}

static void fill(void)
{
	unsigned int i;

	for (i = 0; i < ROOM; i++) {
		from[i] = pattern(i);
		to[i] = 0xee;
	}
}

/* to[d..d+n) must equal from[s..s+n), everything else must be untouched. */
static bool copied(unsigned int d, unsigned int s, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < ROOM; i++)
		if (to[i] != (i >= d && i < d + n ? pattern(s + i - d) : 0xee))
			return false;
	return true;
}

static void test_memcpy(void)
{
	unsigned int d, s, n;

	for (d = 0; d < 8; d++)
		for (s = 0; s < 8; s++)
			for (n = 0; n <= SPAN; n += n < 20 ? 1 : 7) {
				fill();
				TEST_CHECK(memcpy(to + d, from + s, n) == to + d);
				TEST_CHECK_VAL(copied(d, s, n), d << 8 | s, n);
			}
}

/* from[24..24+n) moved by d: bytes outside the target keep their value. */
static bool moved(int d, unsigned int n)
{
	int i;

	for (i = 0; i < ROOM; i++) {
		bool inside = i >= 24 + d && i < 24 + d + (int)n;

		if (from[i] != pattern((unsigned int)(inside ? i - d : i)))
			return false;
	}
	return true;
}

static void test_memmove(void)
{
	unsigned int n;
	int d;

	for (d = -20; d <= 20; d++)
		for (n = 0; n <= 50; n++) {
			fill();
			TEST_CHECK(memmove(from + 24 + d, from + 24, n) == from + 24 + d);
			TEST_CHECK_VAL(moved(d, n), d, n);
		}
}

static void test_memset(void)
{
	unsigned int d, i, n, wrong;

	for (d = 0; d < 8; d++)
		for (n = 0; n <= 150; n++) {
			fill();
			memset(to + d, 0x15a, n);
			for (i = 0, wrong = 0; i < ROOM; i++)
				wrong += to[i] != (i >= d && i < d + n ? 0x5a : 0xee);
			TEST_CHECK_VAL(wrong == 0, d, n);
		}
}

static void test_compare(void)
{
	unsigned int a, n;

	for (a = 0; a < 8; a++)
		for (n = 1; n <= 30; n++) {
			fill();
			memcpy(to + a, from, n);
			TEST_CHECK_VAL(memcmp(to + a, from, n) == 0, a, n);
			to[a + n - 1] ^= 0x80;
			TEST_CHECK_VAL((memcmp(to + a, from, n) > 0) ==
					       (to[a + n - 1] > from[n - 1]),
				       a, n);
			TEST_CHECK(memchr(from, from[n], ROOM) == from + n);
		}
	TEST_CHECK(memchr("abc", 'd', 3) == NULL);
}

static void test_strings(void)
{
	const char *text = "zone/DMA32/zone";
	char *end;

	TEST_CHECK(strlen(text) == 15 && strlen("") == 0);
	TEST_CHECK(strnlen(text, 4) == 4 && strnlen(text, 99) == 15);
	TEST_CHECK(strcmp("a", "b") < 0 && strcmp("b", "a") > 0 && strcmp("ab", "ab") == 0);
	TEST_CHECK(strcmp("a\x80", "a\x01") > 0);
	TEST_CHECK(strncmp("abc", "abd", 2) == 0 && strncmp("abc", "abd", 3) < 0);
	TEST_CHECK(strchr(text, '/') == text + 4 && strrchr(text, '/') == text + 10);
	TEST_CHECK(strchr(text, 0) == text + 15 && strchr(text, 'x') == NULL);
	TEST_CHECK(strtoul("0x1fZ", &end, 0) == 31 && *end == 'Z');
	TEST_CHECK(strtoul(" -1", NULL, 10) == ~0ul && strtoul("077", NULL, 0) == 63);
	TEST_CHECK(strtoul("99999999999999999999", NULL, 10) == ~0ul);
	TEST_CHECK(strtoul("0x", &end, 16) == 0 && *end == 'x');
}

static void test_printf(void)
{
	char buf[64];

	tm_snprintf(buf, sizeof(buf), "%5d|%-5u|%05x|%#llx|%.3s|%c", -42, 7u, 0xabcu,
		    0xffff000012345678ull, "zoneinfo", '!');
	TEST_CHECK(strcmp(buf, "  -42|7    |00abc|0xffff000012345678|zon|!") == 0);
	TEST_CHECK(tm_snprintf(buf, 4, "%s", "DMA32") == 5 && strcmp(buf, "DMA") == 0);
}

static const struct test_case cases[] = {
	{ "memcpy", test_memcpy },   { "memmove", test_memmove }, { "memset", test_memset },
	{ "compare", test_compare }, { "strings", test_strings }, { "printf", test_printf },
};

const struct test_suite suite_lib = { "lib", cases, ARRAY_SIZE(cases) };
