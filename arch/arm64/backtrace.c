/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names for code addresses and walks along frame pointers. The symbol table
 * is part of the Image: tools/mksyms puts it into .ksyms after a first link,
 * sorted, addresses as offsets from the Image's start. The walk trusts nothing
 * it reads: every record must be aligned and mapped, and the number of steps is
 * fixed, so that a damaged stack costs lines and never a second fault.
 */
#include "arm64.h"
#include "context.h"
#include "rtos/rtos.h"

/* No stack of ours holds more: a frame with a record has at least 32 bytes. */
enum { MAX_STEPS = 512 };
_Static_assert(MAX_STEPS * 32 == STACK_SIZE, "every frame of a full stack");

/* Layout of .ksyms; count entries, then the names, each ending in NUL. */
struct ksym {
	u32 offset; /* of the address from _image_start */
	u32 name;   /* of the name from the first name */
};
struct ksyms {
	u32 count;
	u32 names_bytes;
	struct ksym sym[];
};
extern const struct ksyms _ksyms;

/* Last symbol at or below the offset, or null. */
static const struct ksym *ksym_find(u64 offset)
{
	u32 lo = 0, hi = _ksyms.count;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (_ksyms.sym[mid].offset <= offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &_ksyms.sym[lo - 1] : 0;
}

static bool is_code(u64 addr)
{
	return (addr >= (u64)(uintptr_t)_image_start && addr < (u64)(uintptr_t)_text_end) ||
	       (addr >= (u64)(uintptr_t)_init_start && addr < (u64)(uintptr_t)_init_text_end);
}

/* addr by the symbol that holds `place`. */
static void name_by(u64 place, u64 addr, char *buf, size_t size)
{
	const struct ksym *s = is_code(place) ? ksym_find(place - ARCH_KIMAGE_BASE) : 0;

	if (s)
		tm_snprintf(buf, size, "%s+0x%llx",
			    (const char *)&_ksyms.sym[_ksyms.count] + s->name,
			    (unsigned long long)(addr - ARCH_KIMAGE_BASE - s->offset));
	else
		tm_snprintf(buf, size, "0x%llx", (unsigned long long)addr);
}

void arch_symbol(u64 addr, char *buf, size_t size)
{
	name_by(addr, addr, buf, size);
}

/* Lines on their way out: a recursion that ran over its stack is one line. */
struct trace {
	struct out *out;
	u64 last; /* address printed last */
	unsigned int repeats;
};

static void print_repeats(struct trace *t)
{
	if (t->repeats)
		out_printf(t->out, "  ... and again %u times\n", t->repeats);
	t->repeats = 0;
}

/* Is the instruction at addr BL or BLR? */
static bool is_call(u64 addr)
{
	u32 insn;

	if (!is_aligned(addr, 4) || !is_code(addr))
		return false;
	insn = *(const u32 *)(uintptr_t)addr;
	return insn >> 26 == 0x25 || (insn & 0xfffffc1f) == 0xd63f0000;
}

static void print_place(struct trace *t, u64 addr, u64 place)
{
	char sym[80];

	if (addr == t->last) {
		t->repeats++;
		return;
	}
	print_repeats(t);
	name_by(place, addr, sym, sizeof(sym));
	out_printf(t->out, "  %016llx  %s\n", (unsigned long long)addr, sym);
	t->last = addr;
}

/* A call that never returns may end its function; what follows is the next. */
static void print_return(struct trace *t, u64 addr)
{
	print_place(t, addr, is_call(addr - 4) ? addr - 4 : addr);
}

/* Read the record at fp; false when that would not be safe. */
static bool read_record(u64 fp, u64 *next, u64 *ret)
{
	const u64 *record = (const u64 *)(uintptr_t)fp;
	phys_t p;

	if (!fp || !is_aligned(fp, 8) || !arch_translate(fp, &p, 0, 0) ||
	    !arch_translate(fp + 8, &p, 0, 0))
		return false;
	*next = record[0];
	*ret = record[1];
	return true;
}

static void walk(struct trace *t, u64 fp)
{
	u64 next, ret;

	for (unsigned int i = 0; i < MAX_STEPS; i++) {
		if (!read_record(fp, &next, &ret) || !ret)
			break;
		print_return(t, ret);
		/* Older frames lie higher, except where an exception changed
		 * to the emergency stack. */
		if (next <= fp && next / STACK_SLOT == fp / STACK_SLOT)
			break;
		fp = next;
	}
	print_repeats(t);
}

/*
 * A leaf saves no record, so its caller is only in the link register; but once
 * a function has called another, that register points into itself.
 */
static bool leaf_faulted(const struct trap_frame *f)
{
	u64 next, ret, lr = f->x[30];

	if (!is_code(lr) || (read_record(f->x[29], &next, &ret) && ret == lr))
		return false;
	return !is_code(f->elr) ||
	       ksym_find(f->elr - ARCH_KIMAGE_BASE) != ksym_find(lr - ARCH_KIMAGE_BASE);
}

void arch_backtrace(struct out *out, u64 frame)
{
	const struct trap_frame *f = arm64_fault_frame();
	struct trace t = { .out = out };

	if (frame) {
		walk(&t, frame);
	} else if (f) {
		print_place(&t, f->elr, f->elr);
		if (leaf_faulted(f))
			print_return(&t, f->x[30]);
		walk(&t, f->x[29]);
	} else {
		walk(&t, (u64)(uintptr_t)__builtin_frame_address(0));
	}
}

void arch_backtrace_task(struct out *out, const struct task *t)
{
	/* rtos/task.h keeps the context first in struct task. */
	const struct arch_context *c = (const struct arch_context *)(const void *)t;
	struct trace trace = { .out = out };

	print_return(&trace, c->lr);
	walk(&trace, c->fp);
}
