/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text a person typed, turned into numbers, and shell-style patterns. Input is
 * hostile by assumption: nothing wraps silently, nothing is accepted in part
 * unless the caller asks for the rest. Also the integer square root. No state,
 * no lock, any context.
 */
#include "rtos/lib/lib.h"

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

/* The longest number at s; *end is set past it whatever the outcome. */
static int parse_prefix(const char *s, u64 *val, const char **end)
{
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && digit_of(s[2]) < 16;
	unsigned int base = hex ? 16 : 10;
	bool over = false;
	const char *first;
	u64 v = 0;

	s += hex ? 2 : 0;
	for (first = s; digit_of(*s) < (int)base; s++) {
		over |= mul_overflows(v, base, &v);
		over |= add_overflows(v, (u64)digit_of(*s), &v);
	}
	*end = s;
	if (s == first)
		return ERR_INVAL;
	if (over)
		return ERR_RANGE;
	*val = v;
	return 0;
}

int tm_parse_u64(const char *s, u64 *val)
{
	const char *end;
	u64 v;
	int err = parse_prefix(s, &v, &end);

	if (*end)
		return ERR_INVAL;
	if (!err)
		*val = v;
	return err;
}

static unsigned int suffix_shift(char c)
{
	switch (c | 0x20) {
	case 'k':
		return 10;
	case 'm':
		return 20;
	case 'g':
		return 30;
	case 't':
		return 40;
	case 'p':
		return 50;
	default:
		return 0;
	}
}

int tm_parse_size(const char *s, u64 *bytes, const char **end)
{
	const char *rest;
	unsigned int shift;
	u64 v = 0;
	int err = parse_prefix(s, &v, &rest);

	shift = err == ERR_INVAL ? 0 : suffix_shift(*rest);
	rest += shift != 0;
	if (end)
		*end = err == ERR_INVAL ? s : rest;
	else if (*rest)
		return ERR_INVAL;
	if (err)
		return err;
	if (v << shift >> shift != v)
		return ERR_RANGE;
	*bytes = v << shift;
	return 0;
}

bool tm_next_arg(char **line, char **name, char **value)
{
	char *in = *line, *out;
	bool quoted = false;

	while (*in == ' ')
		in++;
	*name = in;
	*value = NULL;
	for (out = in; *in && (quoted || *in != ' '); in++) {
		if (*in == '"') {
			quoted = !quoted;
		} else if (*in == '=' && !*value) {
			*out++ = '\0';
			*value = out;
		} else {
			*out++ = *in;
		}
	}
	/* `""` alone is a word too, though an empty one. */
	*line = *in ? in + 1 : in;
	if (in == *name)
		return false;
	*out = '\0';
	return true;
}

/*
 * On a mismatch only the latest `*` needs to be tried longer: an earlier one
 * could match nothing more that the latest cannot. So no recursion, and at
 * most strlen(pattern) * strlen(s) steps.
 */
bool tm_glob(const char *pattern, const char *s)
{
	const char *star = NULL, *retry = NULL;

	while (*s) {
		if (*pattern == '*') {
			star = pattern++;
			retry = s;
		} else if (*pattern == '?' || *pattern == *s) {
			pattern++;
			s++;
		} else if (star) {
			pattern = star + 1;
			s = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

u64 tm_isqrt(u64 v)
{
	u64 root = 0;
	int bit;

	for (bit = 31; bit >= 0; bit--) {
		u64 trial = root | (1ull << bit);

		if (trial * trial <= v)
			root = trial;
	}
	return root;
}
