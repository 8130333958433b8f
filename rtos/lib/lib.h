/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few library calls a kernel needs. mem* and str* have the signatures of
 * libc and come from libc on the host; every other name is our own. No
 * function here allocates, sleeps or takes a lock; all are legal in any
 * context.
 */
#ifndef RTOS_LIB_LIB_H
#define RTOS_LIB_LIB_H

#include "rtos/lib/base.h"

/* As in the C standard; strnlen as in POSIX. Null pointers are not accepted. */
void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
/* libfdt alone wants this one; digits of any base 2..36, no locale. */
unsigned long strtoul(const char *s, char **end, int base);

/*
 * Format into buf, always terminated when size > 0. Result: the length the
 * whole text would have, as snprintf. Conversions: % c s p d i u x X with the
 * flags - 0 + space #, width and precision (numbers or *), lengths hh h l ll z.
 */
int tm_snprintf(char *buf, size_t size, const char *fmt, ...) tm_printf(3, 4);
int tm_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap) tm_printf(3, 0);

/*
 * Where text goes: the console, a buffer, a ring. put() receives pieces in
 * order; how it treats a full destination is its own affair.
 */
struct out {
	void (*put)(struct out *out, const char *s, size_t n);
};

/* Format to a sink. Pieces are bounded; no length limit on the whole. */
void out_printf(struct out *out, const char *fmt, ...) tm_printf(2, 3);
void out_vprintf(struct out *out, const char *fmt, va_list ap) tm_printf(2, 0);

/* A mask as the list of its bits: 0-1,3; nothing for an empty one. */
void out_mask(struct out *out, u64 mask);

/* A sink that fills a buffer, stays terminated and remembers truncation. */
struct out_buf {
	struct out out;
	char *buf;
	size_t size;
	size_t len;     /* without the terminator */
	bool truncated; /* something did not fit */
};
void out_buf_init(struct out_buf *ob, char *buf, size_t size);

/*
 * Parse an unsigned number: decimal, 0x hexadecimal, leading and trailing
 * blanks not accepted. 0, ERR_INVAL (not a number) or ERR_RANGE (over 64 bit).
 */
int tm_parse_u64(const char *s, u64 *val) tm_must_check;

/*
 * Parse a size: a number with an optional suffix K M G T P (binary, either
 * case). *end, when end is not null, is set to the first byte not used;
 * otherwise the whole string must be used. 0, ERR_INVAL or ERR_RANGE.
 */
int tm_parse_size(const char *s, u64 *bytes, const char **end) tm_must_check;

/*
 * Split off the next word of a command line, in place: NAME, NAME=VALUE, with
 * double quotes anywhere grouping blanks and vanishing (an unclosed one reaches
 * to the end). *line moves behind the word. False at the end. *value is null
 * when there is no `=`.
 */
bool tm_next_arg(char **line, char **name, char **value);

/* Match shell-style: `*` any run, `?` one character. */
bool tm_glob(const char *pattern, const char *s);

/* Integer square root: the largest r with r * r <= v. */
u64 tm_isqrt(u64 v);

/*
 * Doubly linked list with a head, for everything except pages (those are
 * linked by frame number, see struct page_list). A node not on a list points
 * to itself after list_init or list_del.
 */
struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l;
	l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_add_tail(struct list *head, struct list *n)
{
	n->prev = head->prev;
	n->next = head;
	head->prev->next = n;
	head->prev = n;
}

static inline void list_add_head(struct list *head, struct list *n)
{
	list_add_tail(head->next, n);
}

static inline void list_del(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

#define list_for_each(pos, head) for ((pos) = (head)->next; (pos) != (head); (pos) = (pos)->next)

#endif
