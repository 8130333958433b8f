/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formatted output: one engine that writes to a sink (struct out), and the
 * buffer forms on top of it. It owns no memory beyond its own stack frame,
 * takes no lock, and treats an unknown conversion as text so that a wrong
 * format is seen and not guessed at. %n and floating point do not exist here.
 */
#include "rtos/lib/lib.h"

struct spec {
	bool left, zero, plus, space, alt;
	int width;
	int precision; /* -1: none given */
	int length;    /* bytes of the argument */
	char conv;
};

static void put(struct out *out, size_t *total, const char *s, size_t n)
{
	if (n)
		out->put(out, s, n);
	*total += n;
}

static void pad(struct out *out, size_t *total, char c, int n)
{
	static const char blanks[16] = "                ", zeros[16] = "0000000000000000";

	while (n > 0) {
		int step = n < 16 ? n : 16;

		put(out, total, c == '0' ? zeros : blanks, (size_t)step);
		n -= step;
	}
}

/* Digits of v, right-aligned in buf's 24 bytes; returns the first one. */
static char *to_digits(char *end, u64 v, unsigned int base, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";

	do {
		*--end = digits[v % base];
		v /= base;
	} while (v);
	return end;
}

static void put_number(struct out *out, size_t *total, const struct spec *sp, u64 v, bool negative)
{
	bool hex = sp->conv == 'x' || sp->conv == 'X' || sp->conv == 'p';
	char buf[24], prefix[2];
	char *end = buf + sizeof(buf);
	char *digits = to_digits(end, v, hex ? 16 : 10, sp->conv == 'X');
	int nr_digits = (int)(end - digits), nr_prefix = 0, zeros, blanks;

	if (v == 0 && sp->precision == 0)
		nr_digits = 0;
	if (hex && ((sp->alt && v) || sp->conv == 'p')) {
		prefix[nr_prefix++] = '0';
		prefix[nr_prefix++] = sp->conv == 'X' ? 'X' : 'x';
	} else if (sp->conv == 'd' && (negative || sp->plus || sp->space)) {
		prefix[nr_prefix++] = negative ? '-' : sp->plus ? '+' : ' ';
	}
	zeros = sp->precision - nr_digits;
	if (sp->precision < 0 && sp->zero && !sp->left)
		zeros = sp->width - nr_digits - nr_prefix;
	if (zeros < 0)
		zeros = 0;
	blanks = sp->width - nr_digits - nr_prefix - zeros;
	if (!sp->left)
		pad(out, total, ' ', blanks);
	put(out, total, prefix, (size_t)nr_prefix);
	pad(out, total, '0', zeros);
	put(out, total, digits, (size_t)nr_digits);
	if (sp->left)
		pad(out, total, ' ', blanks);
}

static void put_text(struct out *out, size_t *total, const struct spec *sp, const char *s, size_t n)
{
	int blanks = n < (size_t)sp->width ? sp->width - (int)n : 0;

	if (!sp->left)
		pad(out, total, ' ', blanks);
	put(out, total, s, n);
	if (sp->left)
		pad(out, total, ' ', blanks);
}

/* A number in the format; at most 9999, so that a slip cannot flood the sink. */
static const char *parse_number(const char *f, int *n)
{
	*n = 0;
	for (; *f >= '0' && *f <= '9'; f++)
		*n = *n * 10 + (*f - '0') > 9999 ? 9999 : *n * 10 + (*f - '0');
	return f;
}

static const char *parse_flags(const char *f, struct spec *sp)
{
	for (;; f++) {
		if (*f == '-')
			sp->left = true;
		else if (*f == '0')
			sp->zero = true;
		else if (*f == '+')
			sp->plus = true;
		else if (*f == ' ')
			sp->space = true;
		else if (*f == '#')
			sp->alt = true;
		else
			return f;
	}
}

static const char *parse_length(const char *f, struct spec *sp)
{
	sp->length = sizeof(int);
	if (f[0] == 'h') {
		sp->length = f[1] == 'h' ? 1 : 2;
		return f + (f[1] == 'h' ? 2 : 1);
	}
	if (f[0] == 'l' || f[0] == 'z') {
		sp->length = 8;
		return f + (f[0] == 'l' && f[1] == 'l' ? 2 : 1);
	}
	return f;
}

/* Between '%' and the conversion letter; `*` takes its value from ap. */
static const char *parse_spec(const char *f, struct spec *sp, va_list *ap)
{
	*sp = (struct spec){ .precision = -1 };
	f = parse_flags(f, sp);
	if (*f == '*') {
		sp->width = va_arg(*ap, int);
		if (sp->width < 0) {
			sp->left = true;
			sp->width = sp->width < -9999 ? 9999 : -sp->width;
		}
		f++;
	} else {
		f = parse_number(f, &sp->width);
	}
	if (*f == '.') {
		f++;
		if (*f == '*') {
			sp->precision = va_arg(*ap, int);
			f++;
		} else {
			f = parse_number(f, &sp->precision);
		}
	}
	f = parse_length(f, sp);
	sp->conv = *f == 'i' ? 'd' : *f;
	return *f ? f + 1 : f;
}

static u64 signed_arg(const struct spec *sp, va_list *ap, bool *negative)
{
	s64 v = sp->length == 8 ? va_arg(*ap, s64) : va_arg(*ap, int);

	if (sp->length == 1)
		v = (signed char)v;
	else if (sp->length == 2)
		v = (short)v;
	*negative = v < 0;
	return v < 0 ? 0 - (u64)v : (u64)v;
}

static u64 unsigned_arg(const struct spec *sp, va_list *ap)
{
	u64 v = sp->length == 8 ? va_arg(*ap, u64) : va_arg(*ap, unsigned int);

	if (sp->length == 1)
		v = (u8)v;
	else if (sp->length == 2)
		v = (u16)v;
	return v;
}

static void convert(struct out *out, size_t *total, const struct spec *sp, va_list *ap)
{
	const char *s;
	bool negative = false;
	char c;
	u64 v;

	switch (sp->conv) {
	case 'd':
		v = signed_arg(sp, ap, &negative);
		put_number(out, total, sp, v, negative);
		break;
	case 'u':
	case 'x':
	case 'X':
		put_number(out, total, sp, unsigned_arg(sp, ap), false);
		break;
	case 'p':
		put_number(out, total, sp, (uintptr_t)va_arg(*ap, void *), false);
		break;
	case 'c':
		c = (char)va_arg(*ap, int);
		put_text(out, total, sp, &c, 1);
		break;
	case 's':
		s = va_arg(*ap, const char *);
		if (!s)
			s = "(null)";
		put_text(out, total, sp, s,
			 strnlen(s, sp->precision < 0 ? ~(size_t)0 : (size_t)sp->precision));
		break;
	case '%':
		put(out, total, "%", 1);
		break;
	default:
		put(out, total, "%?", 2);
	}
}

static size_t format(struct out *out, const char *f, va_list *ap)
{
	size_t total = 0;
	struct spec sp;

	while (*f) {
		const char *text = f;

		while (*f && *f != '%')
			f++;
		put(out, &total, text, (size_t)(f - text));
		if (*f == '%') {
			f = parse_spec(f + 1, &sp, ap);
			convert(out, &total, &sp, ap);
		}
	}
	return total;
}

void out_vprintf(struct out *out, const char *fmt, va_list ap)
{
	va_list copy;

	va_copy(copy, ap);
	format(out, fmt, &copy);
	va_end(copy);
}

void out_printf(struct out *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format(out, fmt, &ap);
	va_end(ap);
}

static void buf_put(struct out *out, const char *s, size_t n)
{
	struct out_buf *ob = container_of(out, struct out_buf, out);
	size_t room = ob->size ? ob->size - 1 - ob->len : 0;

	if (n > room) {
		ob->truncated = true;
		n = room;
	}
	if (!n)
		return;
	memcpy(ob->buf + ob->len, s, n);
	ob->len += n;
	ob->buf[ob->len] = '\0';
}

void out_buf_init(struct out_buf *ob, char *buf, size_t size)
{
	*ob = (struct out_buf){ .out = { buf_put }, .buf = buf, .size = size };
	if (size)
		buf[0] = '\0';
}

int tm_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out_buf ob;
	va_list copy;
	size_t total;

	out_buf_init(&ob, buf, size);
	va_copy(copy, ap);
	total = format(&ob.out, fmt, &copy);
	va_end(copy);
	return (int)total;
}

int tm_snprintf(char *buf, size_t size, const char *fmt, ...)
{
	struct out_buf ob;
	va_list ap;
	size_t total;

	out_buf_init(&ob, buf, size);
	va_start(ap, fmt);
	total = format(&ob.out, fmt, &ap);
	va_end(ap);
	return (int)total;
}

void out_mask(struct out *out, u64 mask)
{
	const char *comma = "";

	while (mask) {
		unsigned int first = (unsigned int)__builtin_ctzll(mask);
		u64 run = mask >> first;
		unsigned int len = ~run ? (unsigned int)__builtin_ctzll(~run) : 64;

		out_printf(out, len > 1 ? "%s%u-%u" : "%s%u", comma, first, first + len - 1);
		mask &= len + first >= 64 ? 0 : ~0ull << (first + len);
		comma = ",";
	}
}
