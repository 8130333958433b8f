// SPDX-License-Identifier: Apache-2.0
/*
 * The terminal is assumed to do no more than print, \b, \n, \r, bell and the
 * two escape sequences that clear (of the screen for Ctrl-L, to the end of the
 * line for a redraw). Every change is shown by printing the line from the
 * change to its end, blanks over what became free, and backspaces to the
 * cursor. Invariant between calls: pos <= len < LE_SIZE, buf[len] == 0.
 */
#include "rtos/shell/lineedit.h"

enum {
	KEY_CTRL_A = 1,
	KEY_CTRL_B = 2,
	KEY_CTRL_C = 3,
	KEY_CTRL_D = 4,
	KEY_CTRL_E = 5,
	KEY_CTRL_F = 6,
	KEY_BELL = 7,
	KEY_BACKSPACE = 8,
	KEY_TAB = 9,
	KEY_NEWLINE = 10,
	KEY_CTRL_K = 11,
	KEY_CTRL_L = 12,
	KEY_RETURN = 13,
	KEY_CTRL_N = 14,
	KEY_CTRL_P = 16,
	KEY_CTRL_U = 21,
	KEY_CTRL_W = 23,
	KEY_ESC = 27,
	KEY_DELETE = 127,
};

/* ---- showing ------------------------------------------------------------------ */

static void show(struct lineedit *le, const char *s, size_t n)
{
	if (le->echo && n)
		le->out->put(le->out, s, n);
}

static void show_times(struct lineedit *le, char c, size_t n)
{
	char run[32];

	memset(run, c, sizeof(run));
	for (; n; n -= min_u64(n, sizeof(run)))
		show(le, run, min_u64(n, sizeof(run)));
}

static void bell(struct lineedit *le)
{
	show_times(le, KEY_BELL, 1);
}

/* Is this byte inside a UTF-8 character, not its first? */
static bool is_inner(char c)
{
	return ((u8)c & 0xc0) == 0x80;
}

/* Columns that buf[from, to) takes. */
static size_t columns(const struct lineedit *le, size_t from, size_t to)
{
	size_t n = 0;

	while (from < to)
		n += !is_inner(le->buf[from++]);
	return n;
}

/*
 * The cursor stands at byte `from`; show everything from there, blank `erase`
 * columns after the end, and put the cursor at pos.
 */
static void show_from(struct lineedit *le, size_t from, size_t erase)
{
	show(le, le->buf + from, le->len - from);
	show_times(le, ' ', erase);
	show_times(le, '\b', erase + columns(le, le->pos, le->len));
}

/* Show what was inserted before pos, now that the character is complete. */
static void show_undrawn(struct lineedit *le)
{
	if (le->undrawn)
		show_from(le, le->pos - le->undrawn, 0);
	le->undrawn = 0;
	le->need = 0;
}

static void move_to(struct lineedit *le, size_t pos)
{
	if (pos < le->pos)
		show_times(le, '\b', columns(le, pos, le->pos));
	else
		show(le, le->buf + le->pos, pos - le->pos);
	le->pos = pos;
}

void le_redraw(struct lineedit *le)
{
	show(le, "\r", 1);
	show(le, le->prompt, strlen(le->prompt));
	show(le, le->buf, le->len);
	show(le, "\x1b[K", 3);
	show_times(le, '\b', columns(le, le->pos, le->len));
	le->undrawn = 0;
}

/* ---- changing ------------------------------------------------------------------ */

/* Remove buf[from, to) with the cursor inside or at an end of it. */
static void cut(struct lineedit *le, size_t from, size_t to)
{
	size_t gone = columns(le, from, to);

	le->too_long = false;
	if (from == to) {
		bell(le);
		return;
	}
	move_to(le, from);
	memmove(le->buf + from, le->buf + to, le->len - to + 1);
	le->len -= to - from;
	show_from(le, from, gone);
}

/* Replace the whole line; the cursor goes to its end. */
static void replace(struct lineedit *le, const char *line)
{
	size_t old = columns(le, 0, le->len), now;

	move_to(le, 0);
	tm_snprintf(le->buf, sizeof(le->buf), "%s", line);
	le->len = strlen(le->buf);
	le->pos = le->len;
	le->too_long = false;
	now = columns(le, 0, le->len);
	show_from(le, 0, old > now ? old - now : 0);
}

static bool insert_byte(struct lineedit *le, char c)
{
	if (le->len + 1 >= LE_SIZE) {
		if (!le->too_long)
			bell(le);
		le->too_long = true;
		return false;
	}
	memmove(le->buf + le->pos + 1, le->buf + le->pos, le->len - le->pos + 1);
	le->buf[le->pos++] = c;
	le->len++;
	le->undrawn++;
	return true;
}

/* How many bytes follow this first byte of a character. */
static unsigned int utf8_need(u8 c)
{
	return c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
}

/* A printable byte. The character is shown when it is whole: half of one in
 * front of the rest of the line would not display as anything. */
static void type(struct lineedit *le, u8 c)
{
	bool inner = is_inner((char)c) && le->need;

	if (!inner)
		show_undrawn(le);
	if (!insert_byte(le, (char)c))
		return;
	le->need = inner ? le->need - 1 : utf8_need(c);
	if (le->need == 0)
		show_undrawn(le);
}

/* ---- places in the line ----------------------------------------------------------- */

static size_t prev_char(const struct lineedit *le, size_t pos)
{
	while (pos && is_inner(le->buf[pos - 1]))
		pos--;
	return pos ? pos - 1 : 0;
}

static size_t next_char(const struct lineedit *le, size_t pos)
{
	if (pos < le->len)
		pos++;
	while (pos < le->len && is_inner(le->buf[pos]))
		pos++;
	return pos;
}

static size_t prev_word(const struct lineedit *le, size_t pos)
{
	while (pos && le->buf[pos - 1] == ' ')
		pos--;
	while (pos && le->buf[pos - 1] != ' ')
		pos--;
	return pos;
}

static size_t next_word(const struct lineedit *le, size_t pos)
{
	while (pos < le->len && le->buf[pos] == ' ')
		pos++;
	while (pos < le->len && le->buf[pos] != ' ')
		pos++;
	return pos;
}

/* ---- history -------------------------------------------------------------------- */

const char *le_history(const struct lineedit *le, unsigned int n)
{
	if (n == 0 || n > le->hist_count || n + LE_HISTORY <= le->hist_count)
		return NULL;
	return le->history[(n - 1) % LE_HISTORY];
}

void le_remember(struct lineedit *le, const char *line)
{
	const char *last = le_history(le, le->hist_count);

	if (!line[0] || (last && !strcmp(last, line)))
		return;
	tm_snprintf(le->history[le->hist_count % LE_HISTORY], LE_SIZE, "%s", line);
	le->hist_count++;
}

/* Go to the line `back` lines before the one being typed. */
static void look_back(struct lineedit *le, unsigned int back)
{
	const char *line = le->typed;

	if (back)
		line = back > le->hist_count ? NULL : le_history(le, le->hist_count - back + 1);
	if (!line) {
		bell(le);
		return;
	}
	if (le->hist_back == 0)
		memcpy(le->typed, le->buf, le->len + 1);
	le->hist_back = back;
	replace(le, line);
}

static void look_forward(struct lineedit *le)
{
	if (le->hist_back)
		look_back(le, le->hist_back - 1);
	else
		bell(le);
}

/* ---- completion -------------------------------------------------------------------- */

struct matches {
	unsigned int count;
	size_t common;       /* bytes all candidates share */
	char first[LE_WORD]; /* the first candidate */
};

/* The line up to the cursor, for the completion function. */
static size_t split_word(const struct lineedit *le, char *line)
{
	size_t start = le->pos;

	memcpy(line, le->buf, le->pos);
	line[le->pos] = '\0';
	while (start && !strchr(" ;>\"'", line[start - 1]))
		start--;
	return start;
}

static void find_matches(struct lineedit *le, const char *line, size_t start, struct matches *m)
{
	char word[LE_WORD];

	m->count = 0;
	m->common = 0;
	while (le->complete(line, start, m->count, word, sizeof(word))) {
		size_t same = 0;

		if (m->count++ == 0) {
			memcpy(m->first, word, sizeof(word));
			m->common = strlen(word);
		}
		while (same < m->common && word[same] == m->first[same])
			same++;
		m->common = same;
	}
}

/* What of a candidate is worth listing: not the folders all of them share. */
static const char *last_part(const char *word)
{
	const char *part = word;

	for (const char *c = word; *c; c++)
		if (*c == '/' && c[1])
			part = c + 1;
	return part;
}

static void list_matches(struct lineedit *le, const char *line, size_t start, unsigned int count)
{
	char word[LE_WORD];

	show(le, "\n", 1);
	for (unsigned int i = 0; i < count; i++) {
		if (!le->complete(line, start, i, word, sizeof(word)))
			break;
		show(le, last_part(word), strlen(last_part(word)));
		show(le, i + 1 < count ? "  " : "\n", i + 1 < count ? 2 : 1);
	}
	le_redraw(le);
}

static void complete(struct lineedit *le)
{
	char line[LE_SIZE];
	size_t start = split_word(le, line);
	size_t have = le->pos - start;
	struct matches m = { .count = 0 };

	if (le->complete)
		find_matches(le, line, start, &m);
	if (m.count == 0 || m.common < have) {
		bell(le);
		return;
	}
	if (m.count > 1 && m.common == have) {
		list_matches(le, line, start, m.count);
		return;
	}
	for (size_t i = have; i < m.common; i++)
		insert_byte(le, m.first[i]);
	if (m.count == 1 && m.common && m.first[m.common - 1] != '/')
		insert_byte(le, ' ');
	show_undrawn(le);
}

/* ---- keys ----------------------------------------------------------------------- */

/* A finished escape sequence: letters of VT100 and xterm keys. */
static void escape_key(struct lineedit *le)
{
	char final = le->esc[le->esc_len - 1];
	char code = final == '~' && le->esc_len == 3 ? le->esc[1] : 0;
	bool ctrl = le->esc_len > 3 && !strncmp(le->esc, "[1;5", 4);

	if (final == 'A')
		look_back(le, le->hist_back + 1);
	else if (final == 'B')
		look_forward(le);
	else if (final == 'C')
		move_to(le, ctrl ? next_word(le, le->pos) : next_char(le, le->pos));
	else if (final == 'D')
		move_to(le, ctrl ? prev_word(le, le->pos) : prev_char(le, le->pos));
	else if (final == 'H' || code == '1' || code == '7')
		move_to(le, 0);
	else if (final == 'F' || code == '4' || code == '8')
		move_to(le, le->len);
	else if (code == '3')
		cut(le, le->pos, next_char(le, le->pos));
}

/* A byte after ESC. The sequence ends with its first letter or ~. */
static void escape_byte(struct lineedit *le, u8 c)
{
	le->esc[le->esc_len++] = (char)c;
	if (le->esc_len == 1) {
		le->in_esc = c == '[' || c == 'O';
		return;
	}
	if (c >= '@' && c <= '~') {
		le->in_esc = false;
		escape_key(le);
	} else if (le->esc_len == sizeof(le->esc)) {
		le->in_esc = false;
	}
}

static enum le_event enter(struct lineedit *le)
{
	move_to(le, le->len);
	show(le, "\n", 1);
	return le->too_long ? LE_TOO_LONG : LE_LINE;
}

static enum le_event cancel(struct lineedit *le)
{
	show(le, "^C\n", 3);
	return LE_CANCEL;
}

static void clear_screen(struct lineedit *le)
{
	show(le, "\x1b[H\x1b[2J", 7);
	le_redraw(le);
}

/* Keys that move or change; unknown control bytes do nothing. */
static void edit_key(struct lineedit *le, u8 c)
{
	if (c == KEY_CTRL_A)
		move_to(le, 0);
	else if (c == KEY_CTRL_E)
		move_to(le, le->len);
	else if (c == KEY_CTRL_B)
		move_to(le, prev_char(le, le->pos));
	else if (c == KEY_CTRL_F)
		move_to(le, next_char(le, le->pos));
	else if (c == KEY_CTRL_D)
		cut(le, le->pos, next_char(le, le->pos));
	else if (c == KEY_BACKSPACE || c == KEY_DELETE)
		cut(le, prev_char(le, le->pos), le->pos);
	else if (c == KEY_CTRL_K)
		cut(le, le->pos, le->len);
	else if (c == KEY_CTRL_U)
		cut(le, 0, le->pos);
	else if (c == KEY_CTRL_W)
		cut(le, prev_word(le, le->pos), le->pos);
	else if (c == KEY_CTRL_P)
		look_back(le, le->hist_back + 1);
	else if (c == KEY_CTRL_N)
		look_forward(le);
	else if (c == KEY_CTRL_L)
		clear_screen(le);
	else if (c == KEY_TAB)
		complete(le);
}

enum le_event le_feed(struct lineedit *le, u8 c)
{
	bool after_cr = le->after_cr;

	le->after_cr = c == KEY_RETURN;
	BUG_ON_VAL(le->pos > le->len || le->len >= LE_SIZE, le->pos, le->len);
	if (le->in_esc && c >= ' ' && c < KEY_DELETE) {
		escape_byte(le, c);
		return LE_MORE;
	}
	le->in_esc = c == KEY_ESC;
	le->esc_len = 0;
	if (c >= ' ' && c != KEY_DELETE) {
		type(le, c);
		return LE_MORE;
	}
	show_undrawn(le);
	if (c == KEY_NEWLINE && after_cr)
		return LE_MORE;
	if (c == KEY_RETURN || c == KEY_NEWLINE)
		return enter(le);
	if (c == KEY_CTRL_C)
		return cancel(le);
	edit_key(le, c);
	return LE_MORE;
}

void le_init(struct lineedit *le, struct out *out, const char *prompt, le_complete_fn fn)
{
	le->out = out;
	le->prompt = prompt;
	le->complete = fn;
	le->echo = true;
}

void le_start(struct lineedit *le)
{
	le->buf[0] = '\0';
	le->len = 0;
	le->pos = 0;
	le->undrawn = 0;
	le->need = 0;
	le->too_long = false;
	le->hist_back = 0;
	le->in_esc = false;
	le->out->put(le->out, le->prompt, strlen(le->prompt));
}
