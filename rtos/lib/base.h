/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words every file needs: fixed-width types, error codes, assertions and
 * a few typed helpers. Nothing here has state, nothing here may sleep, all of
 * it is legal in any context.
 *
 * Kernel sources include no header of a hosted C library; the four below are
 * the freestanding ones that come with the compiler.
 */
#ifndef RTOS_LIB_BASE_H
#define RTOS_LIB_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

/*
 * Errors. A function that can fail for a reason the caller may act on returns
 * 0 or one of these (always negative); the prototype says which.
 */
enum tm_error {
	ERR_NOENT = -2,      /* no such thing */
	ERR_IO = -5,         /* device failed */
	ERR_AGAIN = -11,     /* not now; trying later can succeed */
	ERR_NOMEM = -12,     /* no memory within the caller's rights */
	ERR_FAULT = -14,     /* address outside what may be touched */
	ERR_BUSY = -16,      /* in use */
	ERR_EXIST = -17,     /* already there */
	ERR_NODEV = -19,     /* no such device */
	ERR_INVAL = -22,     /* malformed argument */
	ERR_NOSPC = -28,     /* a fixed-size table is full */
	ERR_RANGE = -34,     /* number out of range */
	ERR_NOSYS = -38,     /* not supported on this machine */
	ERR_OVERFLOW = -75,  /* arithmetic would wrap */
	ERR_TIMEDOUT = -110, /* the deadline passed first */
	ERR_KILLED = -125,   /* the waiting task was asked to end */
	ERR_FROZEN = -126,   /* the waiting task was asked to freeze */
	ERR_OWNERDEAD = -130 /* had, but its owner before died holding it */
};

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define tm_packed __attribute__((packed))
#define tm_aligned(n) __attribute__((aligned(n)))
#define tm_printf(f, a) __attribute__((format(printf, f, a)))
#define tm_noreturn __attribute__((noreturn))
#define tm_must_check __attribute__((warn_unused_result))
#define tm_noinline __attribute__((noinline))
#define tm_always_inline inline __attribute__((always_inline))
#define tm_section(s) __attribute__((section(s)))
/* Code and data used only until boot ends; given to the page allocator then. */
#define tm_init __attribute__((section(".init.text")))
#define tm_initdata __attribute__((section(".init.data")))
#define tm_initbss __attribute__((section(".init.bss")))

#define TM_VERSION "0.1"

/* True in BUILD=test: poison, ghost checks, lock ranks, debug panics. A
 * constant and a plain `if`, so that both sides always compile. */
#ifndef TM_DEBUG
#define TM_DEBUG 0
#endif
enum { tm_debug = TM_DEBUG };

/* True in builds that measure their masked sections (rtos/meter.h): BUILD=test,
 * and BUILD=meter, which is the shipped code and nothing else but that. */
#ifndef TM_METER
#define TM_METER TM_DEBUG
#endif
enum { tm_meter = TM_METER };

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/*
 * A broken rule inside the kernel. Prints the place, the condition and the
 * two values, then panics. Always on. The condition must have no side effect.
 */
tm_noreturn void tm_bug(const char *file, int line, const char *what, u64 a, u64 b);
#define BUG_ON(cond) BUG_ON_VAL(cond, 0, 0)
#define BUG_ON_VAL(cond, a, b)                                                                     \
	do {                                                                                       \
		if (unlikely(cond))                                                                \
			tm_bug(__FILE__, __LINE__, #cond, (u64)(a), (u64)(b));                     \
	} while (0)

static inline u64 min_u64(u64 a, u64 b)
{
	return a < b ? a : b;
}

static inline u64 max_u64(u64 a, u64 b)
{
	return a > b ? a : b;
}

static inline u64 clamp_u64(u64 v, u64 lo, u64 hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

/* Rounding; `align` is a power of two. align_up wraps to 0 past 2^64. */
static inline u64 align_down(u64 v, u64 align)
{
	return v & ~(align - 1);
}

static inline u64 align_up(u64 v, u64 align)
{
	return (v + align - 1) & ~(align - 1);
}

static inline bool is_aligned(u64 v, u64 align)
{
	return (v & (align - 1)) == 0;
}

static inline bool is_pow2(u64 v)
{
	return v && (v & (v - 1)) == 0;
}

/* Index of the highest set bit plus one; 0 for 0. Linux: fls64(). */
static inline unsigned int fls_u64(u64 v)
{
	return v ? 64u - (unsigned int)__builtin_clzll(v) : 0;
}

/* a + b and a * b into *r; true when the result did not fit. */
static inline bool add_overflows(u64 a, u64 b, u64 *r)
{
	return __builtin_add_overflow(a, b, r);
}

static inline bool mul_overflows(u64 a, u64 b, u64 *r)
{
	return __builtin_mul_overflow(a, b, r);
}

#endif
