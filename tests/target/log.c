/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message ring: what is printed is read back in order, the oldest gives
 * way when the ring wraps, lines are cut and split as promised, and writers on
 * all CPUs never tear each other's records.
 */
#include "tests/target/help.h"

enum { WRAP_LINES = 1400, WRITER_LINES = 200, MAX_WRITERS = 8 };

/* A sink that looks at every line of the ring. */
struct scan {
	struct out out;
	void (*line)(struct scan *s, const char *text, size_t len);
	unsigned int lines, bad;
	u64 first, next[MAX_WRITERS];
};

/* Behind the stamp `[    s.uuuuuu] `; null when it is malformed. */
static const char *after_stamp(const char *line, size_t len)
{
	const char *close = memchr(line, ']', len);

	if (line[0] != '[' || !close || close - line < 13 || close[-7] != '.' || close[1] != ' ')
		return NULL;
	return close + 2;
}

static void scan_put(struct out *out, const char *text, size_t n)
{
	struct scan *s = container_of(out, struct scan, out);
	const char *body = n ? after_stamp(text, n) : NULL;

	/* log_dump() hands over whole lines. */
	if (!body || text[n - 1] != '\n') {
		s->bad++;
		return;
	}
	s->lines++;
	s->line(s, body, (size_t)(text + n - 1 - body));
}

static void scan_ring(struct scan *s, void (*line)(struct scan *, const char *, size_t))
{
	*s = (struct scan){ .out = { scan_put }, .line = line };
	log_dump(&s->out);
}

/* "wrap: 00042 xxx..." in sequence, whatever stands between. */
static void wrap_line(struct scan *s, const char *text, size_t len)
{
	char number[8] = "";
	u64 n;

	if (len < 10 || strncmp(text, "wrap: ", 6) != 0)
		return;
	memcpy(number, text + 6, 4);
	if (tm_parse_u64(number, &n) || (s->next[0] && n != s->next[0]))
		s->bad++;
	if (!s->next[0])
		s->first = n;
	s->next[0] = n + 1;
}

static void test_wrap(void)
{
	unsigned int i;
	struct scan s;

	for (i = 1000; i < 1000 + WRAP_LINES; i++)
		pr_debug("wrap: %u %.*s", i, (int)(i % 61),
			 "................................"
			 ".............................");
	scan_ring(&s, wrap_line);
	TEST_CHECK_VAL(s.bad == 0, s.bad, s.lines);
	TEST_CHECK_VAL(s.next[0] == 1000 + WRAP_LINES, s.next[0], s.lines);
	/* 64 KiB hold at least 600 of these, and not all of them. */
	TEST_CHECK_VAL(s.first > 1000 && s.lines > 600, s.first, s.lines);
}

static unsigned int longest, seen_first, seen_second;

static void shape_line(struct scan *s, const char *text, size_t len)
{
	(void)s;
	if (strncmp(text, "long: ", 6) == 0)
		longest = (unsigned int)len;
	seen_first += strncmp(text, "split: one\n", 11) == 0;
	seen_second += strncmp(text, "split: two\n", 11) == 0;
}

static void test_shape(void)
{
	char big[400];
	struct scan s;

	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	longest = seen_first = seen_second = 0;
	pr_debug("long: %s", big);
	pr_debug("split: one\nsplit: two\n");
	scan_ring(&s, shape_line);
	TEST_CHECK_VAL(longest == 240, longest, 0);
	TEST_CHECK_VAL(seen_first == 1 && seen_second == 1, seen_first, seen_second);
}

/* "w3: 0042 ..." : each writer's own lines in order. */
static void writer_line(struct scan *s, const char *text, size_t len)
{
	unsigned int w;
	char number[8] = "";
	u64 n;

	if (len < 8 || text[0] != 'w' || text[2] != ':')
		return;
	w = (unsigned int)(text[1] - '0');
	memcpy(number, text + 4, 4);
	if (w >= MAX_WRITERS || tm_parse_u64(number, &n) || (s->next[w] && n != s->next[w])) {
		s->bad++;
		return;
	}
	s->next[w] = n + 1;
}

static void writer(void *arg)
{
	unsigned int w = (unsigned int)(uintptr_t)arg, i;

	for (i = 0; i < WRITER_LINES; i++)
		pr_debug("w%u: %u", w, 1000 + i);
}

static void test_writers(void)
{
	unsigned int n = (unsigned int)min_u64(cpus_online_count(), MAX_WRITERS), i;
	struct task *t[MAX_WRITERS];
	struct scan s;

	for (i = 0; i < n; i++)
		t[i] = help_spawn("writer", 12, CPUS_ALL, writer, (void *)(uintptr_t)i);
	for (i = 0; i < n; i++)
		help_join(t[i]);
	scan_ring(&s, writer_line);
	TEST_CHECK_VAL(s.bad == 0, s.bad, s.lines);
	for (i = 0; i < n; i++)
		TEST_CHECK_VAL(s.next[i] == 1000 + WRITER_LINES, s.next[i], i);
}

static const struct test_case cases[] = {
	{ "wrap", test_wrap },
	{ "shape", test_shape },
	{ "writers", test_writers },
};

const struct test_suite suite_log = { "log", cases, ARRAY_SIZE(cases) };
