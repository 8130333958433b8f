/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem* and str* with the signatures of libc, for the target only: on the host
 * they come from libc, which is why nothing else lives in this file. Copies
 * and fills go by 64-bit words and never make an unaligned access, so they are
 * safe on memory of any type. No state, no lock, any context.
 *
 * A compiler may recognise a copy loop and replace it by a call of memcpy,
 * that is by a call of itself; keep() hides the pointer from such analysis.
 */
#include "rtos/lib/lib.h"

enum { WORD = sizeof(u64), BLOCK = 8 * WORD };

static inline void *keep(const void *p)
{
	__asm__ volatile("" : "+r"(p));
	return (void *)(uintptr_t)p;
}

static inline size_t misalign(const void *p)
{
	return (uintptr_t)p & (WORD - 1);
}

/* Both pointers word aligned; nr_words words upward. */
static void copy_words(u64 *d, const u64 *s, size_t nr_words)
{
	for (; nr_words >= 4; nr_words -= 4, d += 4, s += 4) {
		u64 a = s[0], b = s[1], c = s[2], e = s[3];

		d[0] = a;
		d[1] = b;
		d[2] = c;
		d[3] = e;
		d = keep(d);
	}
	for (; nr_words; nr_words--) {
		*d++ = *s++;
		d = keep(d);
	}
}

/*
 * Destination word aligned, source not: join neighbouring aligned words. Only
 * words that hold at least one wanted byte are read.
 */
static void copy_words_shifted(u64 *d, const u8 *s, size_t nr_words)
{
	unsigned int lo = (unsigned int)misalign(s) * 8, hi = 64 - lo;
	const u64 *w = (const u64 *)(const void *)(s - misalign(s));
	u64 left = *w++;

	for (; nr_words; nr_words--) {
		u64 right = *w++;

		*d++ = (left >> lo) | (right << hi);
		left = right;
	}
}

void *memcpy(void *dst, const void *src, size_t n)
{
	u8 *d = dst;
	const u8 *s = src;
	size_t nr_words;

	for (; n && misalign(d); n--)
		*d++ = *s++;
	nr_words = n / WORD;
	if (nr_words && misalign(s))
		copy_words_shifted((u64 *)(void *)d, s, nr_words);
	else
		copy_words((u64 *)(void *)d, (const u64 *)(const void *)s, nr_words);
	d += nr_words * WORD;
	s += nr_words * WORD;
	for (n %= WORD; n; n--) {
		*d++ = *s++;
		d = keep(d);
	}
	return dst;
}

static void copy_down(u8 *d, const u8 *s, size_t n)
{
	d += n;
	s += n;
	if (misalign(d) == misalign(s)) {
		for (; n && misalign(d); n--)
			*--d = *--s;
		for (; n >= WORD; n -= WORD) {
			d = (u8 *)keep(d) - WORD;
			s -= WORD;
			*(u64 *)(void *)d = *(const u64 *)(const void *)s;
		}
	}
	for (; n; n--) {
		d = keep(d);
		*--d = *--s;
	}
}

void *memmove(void *dst, const void *src, size_t n)
{
	uintptr_t d = (uintptr_t)dst, s = (uintptr_t)src;

	/* memcpy reads a word ahead of what it writes, never behind, so it
	 * also serves a destination that lies below an overlapping source. */
	if (d <= s || d - s >= n)
		return memcpy(dst, src, n);
	copy_down(dst, src, n);
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	u64 word = (u8)c * 0x0101010101010101ull;
	u8 *d = dst;

	for (; n && misalign(d); n--)
		*d++ = (u8)c;
	for (; n >= BLOCK; n -= BLOCK, d += BLOCK) {
		u64 *w = keep(d);

		w[0] = word;
		w[1] = word;
		w[2] = word;
		w[3] = word;
		w[4] = word;
		w[5] = word;
		w[6] = word;
		w[7] = word;
	}
	for (; n >= WORD; n -= WORD, d += WORD)
		*(u64 *)keep(d) = word;
	for (; n; n--) {
		d = keep(d);
		*d++ = (u8)c;
	}
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *p = a, *q = b;

	if (misalign(p) == 0 && misalign(q) == 0)
		for (; n >= WORD; n -= WORD, p += WORD, q += WORD)
			if (*(const u64 *)(const void *)p != *(const u64 *)(const void *)q)
				break;
	for (; n; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	const u8 *p = s;

	for (; n; n--, p++)
		if (*p == (u8)c)
			return (void *)(uintptr_t)p;
	return NULL;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n]) {
		n++;
		s = keep(s);
	}
	return n;
}

size_t strlen(const char *s)
{
	return strnlen(s, ~(size_t)0);
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		if (*a != *b)
			return (u8)*a - (u8)*b;
		if (!*a)
			break;
	}
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, ~(size_t)0);
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)(uintptr_t)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c)
			last = s;
		if (!*s)
			return (char *)(uintptr_t)last;
	}
}

static unsigned int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'z' ? (unsigned int)(c - 'a') + 10 : 99;
}

unsigned long strtoul(const char *s, char **end, int base)
{
	const char *start = s;
	unsigned long val = 0;
	bool negative, any = false, over = false;
	u64 next;

	while (*s == ' ' || (*s >= '\t' && *s <= '\r'))
		s++;
	negative = *s == '-';
	s += *s == '-' || *s == '+';
	if ((base == 0 || base == 16) && *s == '0' && (s[1] | 0x20) == 'x' &&
	    digit_value(s[2]) < 16) {
		s += 2;
		base = 16;
	}
	if (base == 0)
		base = *s == '0' ? 8 : 10;
	for (; digit_value(*s) < (unsigned int)base; s++, any = true) {
		over |= mul_overflows(val, (u64)base, &next);
		over |= add_overflows(next, digit_value(*s), &next);
		val = next;
	}
	if (end)
		*end = (char *)(uintptr_t)(any ? s : start);
	if (over)
		return ~0ul;
	return negative ? -val : val;
}
