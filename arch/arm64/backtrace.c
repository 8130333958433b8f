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

enum { MAX_FRAMES = 32 };

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

void arch_symbol(u64 addr, char *buf, size_t size)
{
	const struct ksym *s = is_code(addr) ? ksym_find(addr - ARCH_KIMAGE_BASE) : 0;

	if (s)
		tm_snprintf(buf, size, "%s+0x%llx",
			    (const char *)&_ksyms.sym[_ksyms.count] + s->name,
			    (unsigned long long)(addr - ARCH_KIMAGE_BASE - s->offset));
	else
		tm_snprintf(buf, size, "0x%llx", (unsigned long long)addr);
}

static void print_return(struct out *out, u64 addr)
{
	char sym[80];

	arch_symbol(addr, sym, sizeof(sym));
	out_printf(out, "  %016llx  %s\n", (unsigned long long)addr, sym);
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

static void walk(struct out *out, u64 fp)
{
	u64 next, ret;

	for (unsigned int i = 0; i < MAX_FRAMES; i++) {
		if (!read_record(fp, &next, &ret) || !ret)
			return;
		print_return(out, ret);
		/* Older frames lie higher, except where an exception changed
		 * to the emergency stack. */
		if (next <= fp && next / STACK_SLOT == fp / STACK_SLOT)
			return;
		fp = next;
	}
	out_printf(out, "  ... more than %u frames\n", MAX_FRAMES);
}

void arch_backtrace(struct out *out, u64 frame)
{
	const struct trap_frame *f = arm64_fault_frame();

	if (frame) {
		walk(out, frame);
	} else if (f) {
		print_return(out, f->elr);
		walk(out, f->x[29]);
	} else {
		walk(out, (u64)(uintptr_t)__builtin_frame_address(0));
	}
}

void arch_backtrace_task(struct out *out, const struct task *t)
{
	/* rtos/task.h keeps the context first in struct task. */
	const struct arch_context *c = (const struct arch_context *)(const void *)t;

	print_return(out, c->lr);
	walk(out, c->fp);
}
