// SPDX-License-Identifier: Apache-2.0
/*
 * The command parser: words, quotes, separators, the status, the target, and
 * every refusal by its text. Random text must be refused or taken, never
 * overrun (ASan watches) and never loop.
 */
#include "unit.h"

#include "rtos/shell/parse.h"

static struct parsed p;

/* The commands of a line as "a|b > t" joined by " ; ", or "! error". */
static const char *parsed_as(const char *line, int status)
{
	static char text[8192];
	size_t n = 0;
	int r;

	text[0] = '\0';
	while ((r = parse_next(&line, &p, status)) > 0) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", n ? " ; " : "");
		for (int i = 0; i < p.argc; i++)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? "|" : "",
					      p.argv[i]);
		assert_null(p.argv[p.argc]);
		if (p.target)
			n += (size_t)snprintf(text + n, sizeof(text) - n, " > %s", p.target);
	}
	if (r < 0)
		snprintf(text + n, sizeof(text) - n, "! %s", p.error);
	return text;
}

static void test_words(void **state)
{
	(void)state;
	assert_string_equal(parsed_as("", 0), "");
	assert_string_equal(parsed_as("  \t ", 0), "");
	assert_string_equal(parsed_as("ps", 0), "ps");
	assert_string_equal(parsed_as("  mm  alloc\t3 ", 0), "mm|alloc|3");
	assert_string_equal(parsed_as("a;b ; c;", 0), "a ; b ; c");
	assert_string_equal(parsed_as(";;; ;a", 0), "a");
	assert_string_equal(parsed_as("a\nb\r\nc", 0), "a ; b ; c");
	assert_string_equal(parsed_as("test mm_*?", 0), "test|mm_*?");
}

static void test_quotes(void **state)
{
	(void)state;
	assert_string_equal(parsed_as("echo 'a  b' \"c;d\"", 0), "echo|a  b|c;d");
	assert_string_equal(parsed_as("echo a'b'\"c\"d", 0), "echo|abcd");
	assert_string_equal(parsed_as("echo '' x", 0), "echo||x");
	assert_string_equal(parsed_as("echo \"\\\"\\\\ \\n\"", 0), "echo|\"\\ \\n");
	assert_string_equal(parsed_as("echo a\\ b \\; \\#", 0), "echo|a b|;|#");
	assert_string_equal(parsed_as("echo '\\'", 0), "echo|\\");
	assert_string_equal(parsed_as("echo 'a\nb'", 0), "echo|a\nb");
}

static void test_status(void **state)
{
	(void)state;
	assert_string_equal(parsed_as("echo $? \"$?\" '$?' $x $", 127), "echo|127|127|$?|$x|$");
	assert_string_equal(parsed_as("echo a$?b", -1), "echo|a-1b");
}

static void test_comments(void **state)
{
	(void)state;
	assert_string_equal(parsed_as("# nothing; here", 0), "");
	assert_string_equal(parsed_as("a # b ; c\nd", 0), "a ; d");
	assert_string_equal(parsed_as("a#b", 0), "a#b");
}

static void test_target(void **state)
{
	(void)state;
	assert_string_equal(parsed_as("echo 1 > /proc/x", 0), "echo|1 > /proc/x");
	assert_string_equal(parsed_as("echo 1>/proc/x; b", 0), "echo|1 > /proc/x ; b");
	assert_string_equal(parsed_as("echo > '/a b' 1", 0), "echo|1 > /a b");
}

static void test_refusals(void **state)
{
	(void)state;
	assert_string_equal(parsed_as("echo 'a", 0), "! no closing '");
	assert_string_equal(parsed_as("echo \"a", 0), "! no closing \"");
	assert_string_equal(parsed_as("echo a\\", 0), "! nothing after the last \\");
	assert_string_equal(parsed_as("echo a >", 0), "! no file after >");
	assert_string_equal(parsed_as("echo a > ; b", 0), "! no file after >");
	assert_string_equal(parsed_as("echo a >> b", 0), "! >> is not known, only >");
	assert_string_equal(parsed_as("echo a > b > c", 0), "! more than one >");
	assert_string_equal(parsed_as("> b", 0), "! nothing to write before >");
	assert_string_equal(parsed_as("a | b", 0),
			    "! | means nothing here (quote it to pass it on)");
	assert_string_equal(parsed_as("a && b", 0),
			    "! & means nothing here (quote it to pass it on)");
	assert_string_equal(parsed_as("ok; a < b", 0),
			    "ok! < means nothing here (quote it to pass it on)");
}

static void test_limits(void **state)
{
	char line[4 * PARSE_BYTES];
	size_t n = 0;

	(void)state;
	for (unsigned int i = 0; i < PARSE_ARGS; i++)
		n += (size_t)sprintf(line + n, "w ");
	assert_int_equal(strlen(parsed_as(line, 0)), 2 * PARSE_ARGS - 1);
	sprintf(line + n, "w");
	assert_string_equal(parsed_as(line, 0), "! too many words (limit 32)");

	memset(line, 'x', sizeof(line));
	line[PARSE_BYTES - 1] = '\0';
	assert_int_equal(strlen(parsed_as(line, 0)), PARSE_BYTES - 1);
	line[PARSE_BYTES - 1] = 'x';
	line[PARSE_BYTES] = '\0';
	assert_string_equal(parsed_as(line, 0), "! command too long (limit 1023 bytes)");
}

static void test_random_text(void **state)
{
	static const char bytes[] = "ab '\"\\;>#$?|\n\t\xc3";
	u64 random = fake_seed("test_random_text", 5);
	char line[128];

	(void)state;
	for (unsigned int i = 0; i < 50000; i++) {
		const char *text = line;
		size_t n = fake_random(&random) % sizeof(line);
		unsigned int rounds = 0;

		for (size_t k = 0; k < n; k++)
			line[k] = bytes[fake_random(&random) % (sizeof(bytes) - 1)];
		line[n] = '\0';
		while (parse_next(&text, &p, 42) > 0) {
			assert_true(p.argc >= 1 && p.argc <= PARSE_ARGS);
			assert_true(++rounds <= sizeof(line));
		}
		assert_true(text >= line && text <= line + n);
	}
}

static void test_list(void **state)
{
	static const struct {
		const char *text;
		u64 mask; /* 0: refused */
	} cases[] = {
		{ "0", 1 },          { "3", 8 },
		{ "0-1,3", 0xb },    { "63", 1ull << 63 },
		{ "all", ~0ull },    { "5-5", 0x20 },
		{ "3,1,3", 0xa },    { "0-63", ~0ull },
		{ "007", 0x80 },     { "", 0 },
		{ ",", 0 },          { "1,", 0 },
		{ ",1", 0 },         { "1-", 0 },
		{ "-1", 0 },         { "3-1", 0 },
		{ "64", 0 },         { "0-64", 0 },
		{ "1 2", 0 },        { "x", 0 },
		{ "1x", 0 },         { "1-2-3", 0 },
		{ "1,,2", 0 },       { "ALL", 0 },
		{ "4294967296", 0 }, { "99999999999999999999", 0 },
	};
	u64 mask;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(parse_list(cases[i].text, 64, &mask), cases[i].mask != 0);
		if (cases[i].mask)
			assert_true(mask == cases[i].mask);
	}
	assert_true(parse_list("3", 4, &mask));
	assert_false(parse_list("4", 4, &mask));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),        cmocka_unit_test(test_words),
		cmocka_unit_test(test_quotes),      cmocka_unit_test(test_status),
		cmocka_unit_test(test_comments),    cmocka_unit_test(test_target),
		cmocka_unit_test(test_refusals),    cmocka_unit_test(test_limits),
		cmocka_unit_test(test_random_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
