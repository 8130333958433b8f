// SPDX-License-Identifier: Apache-2.0
/*
 * A scanner of one pass and no lookahead beyond a byte. Words are copied into
 * the result, since quotes and $? change them; the text itself stays as it was.
 */
#include "rtos/shell/parse.h"

struct scan {
	const char *s;
	struct parsed *p;
	int status;
};

static int refuse(struct scan *sc, const char *fmt, ...) tm_printf(2, 3);
static int refuse(struct scan *sc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tm_vsnprintf(sc->p->error, sizeof(sc->p->error), fmt, ap);
	va_end(ap);
	return ERR_INVAL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool ends_command(char c)
{
	return c == '\0' || c == ';' || c == '\n' || c == '\r';
}

static int put(struct scan *sc, char c)
{
	struct parsed *p = sc->p;

	if (p->used >= sizeof(p->bytes))
		return refuse(sc, "command too long (limit %d bytes)", PARSE_BYTES - 1);
	p->bytes[p->used++] = c;
	return 0;
}

static int put_status(struct scan *sc)
{
	char digits[12];
	int err = 0;

	tm_snprintf(digits, sizeof(digits), "%d", sc->status);
	for (const char *d = digits; *d && !err; d++)
		err = put(sc, *d);
	return err;
}

/* One byte or $?, where both have their meaning. */
static int plain(struct scan *sc)
{
	if (sc->s[0] == '$' && sc->s[1] == '?') {
		sc->s += 2;
		return put_status(sc);
	}
	return put(sc, *sc->s++);
}

static int escaped(struct scan *sc)
{
	sc->s++;
	if (ends_command(*sc->s) && *sc->s != ';')
		return refuse(sc, "nothing after the last \\");
	return put(sc, *sc->s++);
}

static int quoted(struct scan *sc)
{
	char quote = *sc->s++;
	int err = 0;

	while (!err && *sc->s != quote) {
		if (!*sc->s)
			err = refuse(sc, "no closing %c", quote);
		else if (quote == '\'')
			err = put(sc, *sc->s++);
		else if (*sc->s == '\\' && (sc->s[1] == '"' || sc->s[1] == '\\'))
			err = escaped(sc);
		else
			err = plain(sc);
	}
	sc->s += !err;
	return err;
}

/* A word, of which there is at least one byte; *start is its text. */
static int word(struct scan *sc, char **start)
{
	int err = 0;

	*start = sc->p->bytes + sc->p->used;
	while (!err && !ends_command(*sc->s) && !is_blank(*sc->s) && *sc->s != '>') {
		if (strchr("|&<`", *sc->s))
			err = refuse(sc, "%c means nothing here (quote it to pass it on)", *sc->s);
		else if (*sc->s == '\'' || *sc->s == '"')
			err = quoted(sc);
		else if (*sc->s == '\\')
			err = escaped(sc);
		else
			err = plain(sc);
	}
	return err ? err : put(sc, '\0');
}

static void skip_blanks(struct scan *sc)
{
	while (is_blank(*sc->s))
		sc->s++;
	if (*sc->s == '#')
		while (*sc->s && *sc->s != '\n' && *sc->s != '\r')
			sc->s++;
}

static int target(struct scan *sc)
{
	char *name;
	int err;

	sc->s++;
	if (*sc->s == '>')
		return refuse(sc, ">> is not known, only >");
	skip_blanks(sc);
	if (ends_command(*sc->s) || *sc->s == '>')
		return refuse(sc, "no file after >");
	if (sc->p->target)
		return refuse(sc, "more than one >");
	err = word(sc, &name);
	sc->p->target = name;
	return err;
}

static int argument(struct scan *sc)
{
	struct parsed *p = sc->p;

	if (p->argc == PARSE_ARGS)
		return refuse(sc, "too many words (limit %d)", PARSE_ARGS);
	return word(sc, &p->argv[p->argc++]);
}

int parse_next(const char **text, struct parsed *p, int status)
{
	struct scan sc = { .s = *text, .p = p, .status = status };
	int err = 0;

	p->argc = 0;
	p->target = NULL;
	p->used = 0;
	p->error[0] = '\0';
	while (!err) {
		skip_blanks(&sc);
		if (*sc.s == '>')
			err = target(&sc);
		else if (!ends_command(*sc.s))
			err = argument(&sc);
		else if (p->argc || p->target || !*sc.s)
			break;
		else
			sc.s++; /* an empty command */
	}
	*text = sc.s;
	if (!err && p->target && !p->argc)
		err = refuse(&sc, "nothing to write before >");
	if (err)
		return err;
	p->argv[p->argc] = NULL;
	return p->argc > 0;
}

/* ---- lists of numbers ------------------------------------------------------------ */

static bool parse_small(const char **text, unsigned int max, unsigned int *val)
{
	const char *p = *text;

	for (*val = 0; *p >= '0' && *p <= '9' && *val < max; p++)
		*val = *val * 10 + (unsigned int)(*p - '0');
	if (p == *text || *val >= max)
		return false;
	*text = p;
	return true;
}

bool parse_list(const char *text, unsigned int max, u64 *mask)
{
	unsigned int first, last;

	*mask = ~0ull;
	if (!strcmp(text, "all"))
		return true;
	for (*mask = 0;; text++) {
		if (!parse_small(&text, max, &first))
			return false;
		last = first;
		if (*text == '-') {
			text++;
			if (!parse_small(&text, max, &last))
				return false;
		}
		for (unsigned int n = first; n <= last; n++)
			*mask |= 1ull << n;
		if (last < first || (*text && *text != ','))
			return false;
		if (!*text)
			return true;
	}
}
