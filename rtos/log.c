/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message ring: 64 KiB of records in .bss, written from any context. A
 * record is never split; the oldest give way to the newest. Positions count
 * bytes since boot and never wrap, so a reader whose position has been
 * overwritten notices and is told how many messages it lost.
 *
 * Every step under the lock handles one record. In a panic the lock is not
 * taken: the other CPUs are stopped, and the holder may be this one.
 */
#include "rtos/log.h"
#include "rtos/panic.h"
#include "rtos/rtos.h"

enum {
	RING_BYTES = 64 * 1024,
	TEXT_MAX = 240,
	STAMP_MAX = 32, /* "[1234567890.123456] " */
	LINE_MAX = TEXT_MAX + STAMP_MAX + 1,
	PASS_MAX = 16, /* messages passed over in one step */
};

/* Header of a record, 8 byte aligned; the text follows without terminator.
 * Size 0, or no room for a header: the ring goes on at its start. */
struct record {
	u64 time_ns;
	u16 size; /* bytes to the next record */
	u16 len;  /* bytes of text */
	u32 level;
};

struct cursor {
	u64 pos, seq;
};

static u8 ring[RING_BYTES] tm_aligned(8);
static struct spinlock log_lock = SPINLOCK_INIT(LOCK_RANK_LOG);
static struct cursor oldest, newest;           /* (log_lock) [oldest, newest) is valid */
static struct cursor console;                  /* (log_lock) next message to show */
static unsigned int console_level = LOG_DEBUG; /* (A) */

static u64 lock_log(void)
{
	return panic_active() ? arch_irq_save() : spin_lock_irqsave(&log_lock);
}

static void unlock_log(u64 flags)
{
	if (panic_active())
		arch_irq_restore(flags);
	else
		spin_unlock_irqrestore(&log_lock, flags);
}

static u64 bytes_to_end(u64 pos)
{
	return RING_BYTES - pos % RING_BYTES;
}

static struct record *record_at(u64 pos)
{
	return (struct record *)(void *)&ring[pos % RING_BYTES];
}

/* The record at c, which must not be the end; moves c over unused bytes. */
static struct record *settle(struct cursor *c)
{
	BUG_ON_VAL(c->pos >= newest.pos, c->pos, newest.pos);
	if (bytes_to_end(c->pos) < sizeof(struct record) || !record_at(c->pos)->size)
		c->pos += bytes_to_end(c->pos);
	return record_at(c->pos);
}

static void advance(struct cursor *c)
{
	c->pos += settle(c)->size;
	c->seq++;
}

static void make_room(u64 nr_bytes)
{
	while (newest.pos + nr_bytes - oldest.pos > RING_BYTES) {
		tm_step();
		advance(&oldest);
	}
}

static void append(u32 level, const char *text, size_t len)
{
	u64 size = align_up(sizeof(struct record) + len, 8);
	u64 unused = bytes_to_end(newest.pos);
	struct record *r;

	if (size > unused) {
		make_room(unused);
		if (unused >= sizeof(*r))
			record_at(newest.pos)->size = 0;
		/* An empty ring must not begin with unused bytes. */
		if (oldest.pos == newest.pos)
			oldest.pos += unused;
		newest.pos += unused;
	}
	make_room(size);
	r = record_at(newest.pos);
	*r = (struct record){ time_now_ns(), (u16)size, (u16)len, level };
	memcpy(r + 1, text, len);
	newest.pos += size;
	newest.seq++;
}

/* One record a line, so that every line has its stamp. */
static void append_lines(u32 level, const char *text)
{
	const char *end;
	u64 flags;

	do {
		end = strchr(text, '\n');
		flags = lock_log();
		append(level, text, end ? (size_t)(end - text) : strlen(text));
		unlock_log(flags);
		text = end ? end + 1 : "";
	} while (*text);
}

void printk(enum log_level level, const char *fmt, ...)
{
	char text[TEXT_MAX + 1];
	va_list ap;

	va_start(ap, fmt);
	tm_vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	append_lines(level, text);
	console_kick();
}

void log_set_console_level(unsigned int level)
{
	__atomic_store_n(&console_level, level, __ATOMIC_RELAXED);
}

unsigned int log_console_level(void)
{
	return __atomic_load_n(&console_level, __ATOMIC_RELAXED);
}

/* Digits of v before `end`, at least `min` places filled with `fill`. */
static char *digits(char *end, u64 v, unsigned int min, char fill)
{
	char *p = end;

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	while (p > end - min)
		*--p = fill;
	return p;
}

/*
 * `[    s.uuuuuu] ` into line; its length. By hand: this is done under the lock
 * of the console, and printf would take longer than all the rest.
 */
static size_t stamp(char *line, u64 time_ns)
{
	char text[STAMP_MAX], *end = text + sizeof(text), *p = end;
	u64 us = time_ns / 1000;

	*--p = ' ';
	*--p = ']';
	p = digits(p, us % 1000000, 6, '0');
	*--p = '.';
	p = digits(p, us / 1000000, 5, ' ');
	*--p = '[';
	memcpy(line, p, (size_t)(end - p));
	return (size_t)(end - p);
}

/*
 * The next message at c below `level` as a line, or a line that tells how many
 * were lost; its length, at most LINE_MAX. 0 when nothing is left, or PASS_MAX
 * messages were passed over. Caller holds the lock.
 */
static size_t next_line(struct cursor *c, u32 level, char *line)
{
	const struct record *r;
	size_t n;

	if (c->pos < oldest.pos) {
		n = stamp(line, time_now_ns());
		n += (size_t)tm_snprintf(line + n, LINE_MAX - n, "(%llu messages lost here)\n",
					 (unsigned long long)(oldest.seq - c->seq));
		*c = oldest;
		return n;
	}
	for (unsigned int i = 0; i < PASS_MAX && c->pos != newest.pos; i++) {
		tm_step();
		r = settle(c);
		advance(c);
		if (r->level >= level)
			continue;
		n = stamp(line, r->time_ns);
		memcpy(line + n, r + 1, r->len);
		line[n + r->len] = '\n';
		return n + r->len + 1;
	}
	return 0;
}

size_t log_console_fetch(char *buf, size_t n, bool *more)
{
	u64 flags = lock_log();
	size_t len;

	BUG_ON_VAL(n < LINE_MAX, n, LINE_MAX);
	len = next_line(&console, log_console_level(), buf);
	*more = !len && console.pos != newest.pos;
	unlock_log(flags);
	return len;
}

void log_dump(struct out *out)
{
	char line[LINE_MAX];
	struct cursor c, end;
	size_t len;
	u64 flags;

	flags = lock_log();
	c = oldest;
	end = newest;
	unlock_log(flags);
	/* Messages that come meanwhile are left out, so this ends. */
	while (c.pos < end.pos) {
		flags = lock_log();
		len = next_line(&c, ~0u, line);
		if (!len)
			c = end;
		unlock_log(flags);
		out->put(out, line, len);
	}
}
