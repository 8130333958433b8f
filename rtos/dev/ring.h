/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of bytes. The indices run freely and wrap at 2^32; head - tail is the
 * number of bytes inside, at most size, which is a power of two. The owner's
 * lock guards it. Any context.
 */
#ifndef RTOS_DEV_RING_H
#define RTOS_DEV_RING_H

#include "rtos/lib/lib.h"

struct ring {
	u8 *buf;
	u32 size;
	u32 head; /* next byte goes in here */
	u32 tail; /* next byte comes out here */
};

static inline u32 ring_used(const struct ring *r)
{
	return r->head - r->tail;
}

static inline u32 ring_room(const struct ring *r)
{
	return r->size - ring_used(r);
}

/* The caller has seen room. */
static inline void ring_put(struct ring *r, u8 c)
{
	BUG_ON_VAL(ring_room(r) == 0, r->head, r->tail);
	r->buf[r->head++ & (r->size - 1)] = c;
}

/* As many of the n bytes at s as there is room for; their number. */
static inline size_t ring_write(struct ring *r, const char *s, size_t n)
{
	size_t fits = min_u64(n, ring_room(r)), at = r->head & (r->size - 1);
	size_t first = min_u64(fits, r->size - at);

	memcpy(r->buf + at, s, first);
	memcpy(r->buf, s + first, fits - first);
	r->head += (u32)fits;
	return fits;
}

/* The caller has seen a byte. */
static inline u8 ring_get(struct ring *r)
{
	BUG_ON_VAL(ring_used(r) == 0, r->head, r->tail);
	return r->buf[r->tail++ & (r->size - 1)];
}

#endif
