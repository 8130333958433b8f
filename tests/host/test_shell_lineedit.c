// SPDX-License-Identifier: Apache-2.0
/*
 * The line editor against a terminal: a small model of one prints what the
 * editor sends, and after every key its row must show prompt and line, with
 * the cursor where the editor thinks it is. Random keys keep to the same rule.
 */
#include "unit.h"

#include "rtos/shell/lineedit.h"

/* One row is enough: the editor is told nothing of a terminal's width. */
enum { COLUMNS = 1024 };

static struct {
	char cell[COLUMNS][5]; /* a UTF-8 character each; "" is blank */
	size_t col, bells, newlines;
	char part[5]; /* a character not complete yet */
	size_t part_len, need;
} term;

static struct out sink;
static struct lineedit le;

static void term_clear_from(size_t col)
{
	for (; col < COLUMNS; col++)
		term.cell[col][0] = '\0';
}

static void term_print(char c)
{
	if (term.need && ((u8)c & 0xc0) == 0x80) {
		term.part[term.part_len++] = c;
		term.need--;
	} else {
		term.part[0] = c;
		term.part_len = 1;
		term.need = (u8)c >= 0xf0 ? 3 : (u8)c >= 0xe0 ? 2 : (u8)c >= 0xc0 ? 1 : 0;
	}
	if (term.need)
		return;
	term.part[term.part_len] = '\0';
	assert_true(term.col < COLUMNS);
	memcpy(term.cell[term.col++], term.part, sizeof(term.part));
}

static void term_put(struct out *out, const char *s, size_t n)
{
	(void)out;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\x1b') {
			if (n - i >= 3 && !memcmp(s + i, "\x1b[K", 3)) {
				term_clear_from(term.col);
				i += 2;
			} else {
				assert_true(n - i >= 7 && !memcmp(s + i, "\x1b[H\x1b[2J", 7));
				term_clear_from(0);
				term.col = 0;
				i += 6;
			}
		} else if (s[i] == '\n') {
			term.newlines++;
			term.col = 0;
			term_clear_from(0);
		} else if (s[i] == '\r') {
			term.col = 0;
		} else if (s[i] == '\b') {
			assert_true(term.col > 0);
			term.col--;
		} else if (s[i] == '\a') {
			term.bells++;
		} else {
			term_print(s[i]);
		}
	}
}

/* The row as text, blanks at its end dropped. */
static const char *row(void)
{
	static char text[COLUMNS * 4 + 1];
	size_t n = 0, end = 0;

	for (size_t i = 0; i < COLUMNS; i++) {
		const char *cell = term.cell[i][0] ? term.cell[i] : " ";

		memcpy(text + n, cell, strlen(cell));
		n += strlen(cell);
		if (strcmp(cell, " "))
			end = n;
	}
	text[end] = '\0';
	return text;
}

static bool complete(const char *line, size_t start, unsigned int index, char *word, size_t size)
{
	static const char *const words[] = { "bench", "beta", "cat", "dir/" };

	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++) {
		if (strncmp(words[i], line + start, strlen(line + start)) || index--)
			continue;
		snprintf(word, size, "%s", words[i]);
		return true;
	}
	return false;
}

static int setup(void **state)
{
	(void)state;
	memset(&term, 0, sizeof(term));
	memset(&le, 0, sizeof(le));
	sink.put = term_put;
	le_init(&le, &sink, "> ", complete);
	le_start(&le);
	return 0;
}

/* Feed text; the event of its last byte. */
static enum le_event type(const char *s)
{
	enum le_event ev = LE_MORE;

	for (; *s; s++)
		ev = le_feed(&le, (u8)*s);
	return ev;
}

/* What the terminal must show now. */
static void check_row(void)
{
	char want[COLUMNS];
	size_t col = 2, end;

	snprintf(want, sizeof(want), "> %s", le.buf);
	for (end = strlen(want); end && want[end - 1] == ' '; end--)
		want[end - 1] = '\0';
	assert_string_equal(row(), want);
	for (size_t i = 0; i < le.pos; i++)
		col += ((u8)le.buf[i] & 0xc0) != 0x80;
	assert_int_equal(term.col, col);
}

static void check_line(const char *want)
{
	assert_string_equal(le.buf, want);
	check_row();
}

static void test_typing(void **state)
{
	(void)state;
	assert_int_equal(type("hello"), LE_MORE);
	check_line("hello");
	assert_int_equal(type("\r"), LE_LINE);
	assert_string_equal(le.buf, "hello");
	assert_int_equal(term.newlines, 1);
}

/* \r\n is one Enter, \n\r two, \n alone one. */
static void test_line_ends(void **state)
{
	(void)state;
	assert_int_equal(type("a\r"), LE_LINE);
	le_start(&le);
	assert_int_equal(type("\n"), LE_MORE);
	assert_int_equal(type("b\n"), LE_LINE);
	le_start(&le);
	assert_int_equal(type("\r"), LE_LINE);
}

static void test_moving_and_cutting(void **state)
{
	(void)state;
	type("one two three\x01X\x05Y");
	check_line("Xone two threeY");
	type("\x17");
	check_line("Xone two ");
	type("\x1b[D\x1b[D\x1b[Do\x7f\x7f");
	check_line("Xone wo ");
	type("\x1b[H\x1b[3~\x04\x1b[F!");
	check_line("ne wo !");
	type("\x02\x02\x0b");
	check_line("ne wo");
	type("\x15");
	check_line("");
	assert_int_equal(term.bells, 0);
	type("\x7f\x04\x15\x0b\x17");
	assert_int_equal(term.bells, 5);
	check_line("");
}

static void test_words(void **state)
{
	(void)state;
	type("aa bb  cc\x1b[1;5D\x1b[1;5DX");
	check_line("aa Xbb  cc");
	type("\x1b[1;5C\x1b[1;5CY");
	check_line("aa Xbb  ccY");
}

/* Both spellings of Home and End, and keys that mean nothing here. */
static void test_escape_sequences(void **state)
{
	static const char *const nothing[] = {
		"\x1b[5~", "\x1b[15~", "\x1b[17~", "\x1bOP",
		"\x1b[2~", "\x1bx",    "\x1b[I",   "\x1b[99;99;99;99;99;99;99;99",
	};

	(void)state;
	type("mid\x1bOHa\x1bOFb\x1b[1~c\x1b[4~d\x1b[7~e\x1b[8~f");
	check_line("ecamidbdf");
	for (unsigned int i = 0; i < ARRAY_SIZE(nothing); i++) {
		type(nothing[i]);
		type("\x1b[F");
	}
	type("z");
	assert_int_equal(le.buf[le.len - 1], 'z');
	check_row();
}

static void test_control_bytes_ignored(void **state)
{
	(void)state;
	type("a\x0f\x12\x13\x14\x16\x18\x19\x1a\x1c\x1d\x1e\x1f\x11\x07z");
	le_feed(&le, 0);
	check_line("az");
	assert_int_equal(type("\x03"), LE_CANCEL);
}

/* A control byte in the middle of a sequence ends it and is itself heard. */
static void test_broken_escape(void **state)
{
	(void)state;
	type("ab\x1b[\x01Z");
	check_line("Zab");
	assert_int_equal(type("\x1b[\r"), LE_LINE);
}

static void test_utf8(void **state)
{
	(void)state;
	type("g\xc3\xb6\xe2\x82\xac!");
	check_line("g\xc3\xb6\xe2\x82\xac!");
	type("\x02\x02\x7f");
	check_line("g\xe2\x82\xac!");
	type("\xf0\x9f\x98\x80");
	check_line("g\xf0\x9f\x98\x80\xe2\x82\xac!");
	type("\x04");
	check_line("g\xf0\x9f\x98\x80!");
}

/* What fits is kept; what does not rings once and spoils the line. */
static void test_too_long(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < LE_SIZE - 1; i++)
		assert_int_equal(le_feed(&le, 'x'), LE_MORE);
	assert_int_equal(term.bells, 0);
	for (unsigned int i = 0; i < 2000; i++)
		assert_int_equal(le_feed(&le, 'y'), LE_MORE);
	assert_int_equal(term.bells, 1);
	assert_int_equal(le.len, LE_SIZE - 1);
	assert_int_equal(le_feed(&le, '\r'), LE_TOO_LONG);
	le_start(&le);
	assert_int_equal(type("fine\r"), LE_LINE);
}

/* Whoever edits the overfull line sees what is there, so it may run. */
static void test_too_long_then_edited(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < LE_SIZE + 10; i++)
		le_feed(&le, 'x');
	assert_int_equal(type("\x7f\r"), LE_LINE);
	assert_int_equal(strlen(le.buf), LE_SIZE - 2);
}

static void test_history(void **state)
{
	char line[16];

	(void)state;
	for (unsigned int i = 1; i <= LE_HISTORY + 8; i++) {
		snprintf(line, sizeof(line), "line %u", i);
		le_remember(&le, line);
		le_remember(&le, line);
		le_remember(&le, "");
	}
	assert_int_equal(le.hist_count, LE_HISTORY + 8);
	assert_null(le_history(&le, 8));
	assert_string_equal(le_history(&le, 9), "line 9");
	assert_null(le_history(&le, LE_HISTORY + 9));
	type("draft\x1b[A");
	check_line("line 40");
	type("\x10");
	check_line("line 39");
	type("\x1b[B\x0e");
	check_line("draft");
	type("\x1b[B");
	assert_int_equal(term.bells, 1);
	for (unsigned int i = 0; i < LE_HISTORY + 3; i++)
		type("\x1b[A");
	check_line("line 9");
	assert_int_equal(term.bells, 4);
}

static void test_completion(void **state)
{
	(void)state;
	type("c\t");
	check_line("cat ");
	type("b\t");
	check_line("cat be");
	type("\t");
	assert_int_equal(term.newlines, 2);
	check_line("cat be");
	type("n\t");
	check_line("cat bench ");
	type("di\t");
	check_line("cat bench dir/");
	type("\x01zz\t");
	assert_int_equal(term.bells, 1);
	check_line("zzcat bench dir/");
	type("\x05\x15");
	type("x;ca\ty");
	check_line("x;cat y");
}

/* Without echo only the prompt is shown, and everything still works. */
static void test_no_echo(void **state)
{
	(void)state;
	le.echo = false;
	type("abc\x01\x04\x1b[A\t\x7f");
	assert_string_equal(row(), ">");
	assert_int_equal(term.bells, 0);
	assert_int_equal(type("\r"), LE_LINE);
	assert_int_equal(term.newlines, 0);
	assert_string_equal(le.buf, "bc");
}

static void test_redraw(void **state)
{
	(void)state;
	type("abc\x02");
	term_put(&sink, "\nmessage\n", 9);
	le_redraw(&le);
	check_line("abc");
	type("X\x0c");
	check_line("abXc");
}

/* Any keys in any order: the terminal always shows the line. */
static void test_random_keys(void **state)
{
	static const char *const keys[] = {
		"a",         "b",         " ",    "\xc3\xb6", "\xe2\x82\xac", "\x7f",
		"\x04",      "\x01",      "\x05", "\x02",     "\x06",         "\x0b",
		"\x17",      "\x10",      "\x0e", "\x1b[D",   "\x1b[C",       "\x1b[3~",
		"\x1b[1;5D", "\x1b[1;5C", "\x0c", "\x12",     "be\t",         "long run of text ",
	};
	u64 random = fake_seed("test_random_keys", 20240607);

	(void)state;
	for (unsigned int i = 0; i < 60000; i++) {
		u64 r = fake_random(&random);

		type(keys[r % ARRAY_SIZE(keys)]);
		assert_true(le.pos <= le.len && le.len < LE_SIZE);
		assert_int_equal(le.buf[le.len], 0);
		assert_int_equal(strlen(le.buf), le.len);
		check_row();
		if (r >> 32 & 63 || !le.len)
			continue;
		le_remember(&le, le.buf);
		type("\r");
		le_start(&le);
	}
}

/* Any bytes at all: no overrun (ASan watches), and Enter still ends the line. */
static void test_random_bytes(void **state)
{
	u64 random = fake_seed("test_random_bytes", 77);

	(void)state;
	le.echo = false;
	for (unsigned int i = 0; i < 200000; i++) {
		enum le_event ev = le_feed(&le, (u8)fake_random(&random));

		assert_true(le.pos <= le.len && le.len < LE_SIZE);
		if (ev == LE_MORE)
			continue;
		memset(&term, 0, sizeof(term));
		le_start(&le);
	}
	type("\x1b[A");
	assert_int_not_equal(le_feed(&le, '\r'), LE_MORE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_typing, setup),
		cmocka_unit_test_setup(test_line_ends, setup),
		cmocka_unit_test_setup(test_moving_and_cutting, setup),
		cmocka_unit_test_setup(test_words, setup),
		cmocka_unit_test_setup(test_escape_sequences, setup),
		cmocka_unit_test_setup(test_control_bytes_ignored, setup),
		cmocka_unit_test_setup(test_broken_escape, setup),
		cmocka_unit_test_setup(test_utf8, setup),
		cmocka_unit_test_setup(test_too_long, setup),
		cmocka_unit_test_setup(test_too_long_then_edited, setup),
		cmocka_unit_test_setup(test_history, setup),
		cmocka_unit_test_setup(test_completion, setup),
		cmocka_unit_test_setup(test_no_echo, setup),
		cmocka_unit_test_setup(test_redraw, setup),
		cmocka_unit_test_setup(test_random_keys, setup),
		cmocka_unit_test_setup(test_random_bytes, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
