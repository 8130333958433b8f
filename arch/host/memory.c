/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Physical memory is one sparse file without a name; every kernel address is a
 * view of it at a fixed place, so that two names of a page are one page. What
 * is not mapped faults, as on the machine. pte[] remembers single pages, a
 * short list the ranges of the linear map.
 */
#define _GNU_SOURCE
#include "host.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rtos/rtos.h"

enum {
	PTE_VALID = 1,
	PTE_WRITABLE = 2,
	MAX_LINEAR = 1024,
	IMAGE_TEXT = 0x80000, /* what a kernel of this size would take */
	IMAGE_RODATA = 0xc0000,
	IMAGE_INIT = 0xe0000,
	IMAGE_INIT_END = 0xf8000,
	IMAGE_SIZE = 0x200000,
};
#define PHYS_BYTES min_u64(1ull << ARCH_PHYS_BITS, ARCH_FRAMES_BASE - ARCH_LINEAR_BASE)

static int ram_file;
static u64 *pte; /* by page above ARCH_FRAMES_BASE: address and rights */
static struct {
	u64 start, end;
} linear[MAX_LINEAR];
static unsigned int nr_linear;
static u64 early_next = HOST_EARLY_BASE;
static struct arch_image image;

static bool in_stacks(u64 va)
{
	return va >= ARCH_STACK_BASE && va < HOST_EARLY_BASE;
}

static u64 *pte_of(u64 va)
{
	return &pte[(va - ARCH_FRAMES_BASE) >> PAGE_SHIFT];
}

static bool in_pages(u64 va)
{
	return va >= ARCH_FRAMES_BASE && va < HOST_SPACE_END;
}

static void *place(u64 va, u64 nr_bytes, int prot, int flags, int fd, u64 offset)
{
	void *at = mmap((void *)(uintptr_t)va, nr_bytes, prot, flags | MAP_NORESERVE, fd,
			(off_t)offset);

	if (at == MAP_FAILED)
		host_refuse("no address space for %llu bytes", (unsigned long long)nr_bytes);
	return at;
}

static void view(u64 va, u64 p, u64 nr_bytes, bool writable)
{
	place(va, nr_bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED | MAP_FIXED,
	      ram_file, p);
}

static void set_ptes(u64 va, u64 p, u64 nr_pages, bool writable)
{
	for (u64 i = 0; i < nr_pages; i++)
		*pte_of(va + (i << PAGE_SHIFT)) =
			(p + (i << PAGE_SHIFT)) | PTE_VALID | (writable ? PTE_WRITABLE : 0);
}

void host_memory_init(void)
{
	u64 nr_ptes = (HOST_SPACE_END - ARCH_FRAMES_BASE) >> PAGE_SHIFT;
	u64 stack = HOST_BOOT_STACK + STACK_SLOT - STACK_SIZE;
	u64 mapped = STACK_SIZE + HOST_STACK_EXTRA;

	ram_file = memfd_create("ram", MFD_CLOEXEC);
	if (ram_file < 0 || ftruncate(ram_file, (off_t)PHYS_BYTES))
		host_refuse("no file for the machine's memory");
	pte = place(0, nr_ptes * sizeof(*pte), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	place(stack - HOST_STACK_EXTRA, mapped, PROT_READ | PROT_WRITE,
	      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	set_ptes(stack, 0, STACK_SIZE / PAGE_SIZE, true);
}

void host_memory_write(u64 p, const void *data, u64 nr_bytes)
{
	if (pwrite(ram_file, data, nr_bytes, (off_t)p) != (ssize_t)nr_bytes)
		host_refuse("cannot write the machine's memory");
}

/* ---- boot -------------------------------------------------------------------- */

void host_image_place(u64 start)
{
	image = (struct arch_image){
		.start = phys_make(start),
		.end = phys_make(start + IMAGE_SIZE),
		.text_end = phys_make(start + IMAGE_TEXT),
		.rodata_end = phys_make(start + IMAGE_RODATA),
		.init_start = phys_make(start + IMAGE_INIT),
		.init_end = phys_make(start + IMAGE_INIT_END),
	};
}

const struct arch_image *arch_image(void)
{
	return &image;
}

/* Its pages were never mapped as code: the process keeps its own. */
void arch_free_init(void)
{
}

void *arch_early_map(phys_t p, u64 nr_bytes, enum arch_prot prot)
{
	u64 first = align_down(p.v, PAGE_SIZE), end, va = early_next;

	if (!nr_bytes || add_overflows(p.v, nr_bytes, &end) || end > PHYS_BYTES)
		return NULL;
	if (prot == ARCH_PROT_DEV)
		return (void *)(uintptr_t)(HOST_DEV_BASE + p.v);
	end = align_up(end, PAGE_SIZE);
	if (end - first > HOST_EARLY_BASE + HOST_EARLY_SIZE - va)
		return NULL;
	view(va, first, end - first, prot == ARCH_PROT_RW);
	set_ptes(va, first, (end - first) >> PAGE_SHIFT, prot == ARCH_PROT_RW);
	early_next += end - first;
	return (void *)(uintptr_t)(va + (p.v - first));
}

void arch_early_unmap_all(void)
{
	if (early_next > HOST_EARLY_BASE)
		arch_unmap(HOST_EARLY_BASE, (early_next - HOST_EARLY_BASE) >> PAGE_SHIFT);
	early_next = HOST_EARLY_BASE;
}

bool arch_probe(const void *p)
{
	phys_t at;

	return arch_translate((u64)(uintptr_t)p, &at, NULL, NULL) && host_is_ram(at.v);
}

bool arch_probe_ram(void *p)
{
	return arch_probe(p);
}

bool arch_probe_reg(const volatile void *p, unsigned int width)
{
	(void)width;
	return host_uart_is_at((u64)(uintptr_t)p - HOST_DEV_BASE);
}

void arch_linear_map(phys_t start, phys_t end)
{
	BUG_ON_VAL(!is_aligned(start.v | end.v, PAGE_SIZE), start.v, end.v);
	BUG_ON_VAL(start.v >= end.v || end.v > PHYS_BYTES, start.v, end.v);
	if (nr_linear == MAX_LINEAR)
		panic("more than %d ranges of memory: this machine maps no more", MAX_LINEAR);
	view(ARCH_LINEAR_BASE + start.v, start.v, end.v - start.v, true);
	linear[nr_linear].start = start.v;
	linear[nr_linear++].end = end.v;
}

void arch_linear_by_pages(void)
{
}

/* Where the host has room for one more piece of its own map. */
bool arch_linear_guard(phys_t p, u64 nr_pages, bool guard)
{
	return mprotect(phys_to_virt(p), nr_pages << PAGE_SHIFT,
			guard ? PROT_NONE : PROT_READ | PROT_WRITE) == 0;
}

/* ---- single pages --------------------------------------------------------------- */

/* Where the address sanitizer is linked in: a task that ended left its frames
 * marked as taken, and the next one may get the same stack. */
void __asan_unpoison_memory_region(const volatile void *p, size_t nr_bytes) __attribute__((weak));

static void forget_frames(u64 va, u64 nr_bytes)
{
	if (__asan_unpoison_memory_region)
		__asan_unpoison_memory_region((const void *)(uintptr_t)va, nr_bytes);
}

/* Where the runtime of a sanitizer needs more stack than the kernel gives. */
static void add_room_below(u64 va)
{
	if (HOST_STACK_EXTRA && in_stacks(va) && va % STACK_SLOT == STACK_SLOT - STACK_SIZE)
		place(va - HOST_STACK_EXTRA, HOST_STACK_EXTRA, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

int arch_map(u64 va, phys_t p, u64 nr_pages, enum arch_prot prot)
{
	BUG_ON_VAL(!is_aligned(va | p.v, PAGE_SIZE), va, p.v);
	BUG_ON_VAL(!in_pages(va) || !in_pages(va + (nr_pages << PAGE_SHIFT) - 1), va, nr_pages);
	for (u64 i = 0; i < nr_pages; i++)
		if (*pte_of(va + (i << PAGE_SHIFT)))
			return ERR_EXIST;
	view(va, p.v, nr_pages << PAGE_SHIFT, prot != ARCH_PROT_RO);
	set_ptes(va, p.v, nr_pages, prot != ARCH_PROT_RO);
	add_room_below(va);
	forget_frames(va, nr_pages << PAGE_SHIFT);
	return 0;
}

void arch_unmap(u64 va, u64 nr_pages)
{
	BUG_ON_VAL(!is_aligned(va, PAGE_SIZE), va, 0);
	for (u64 i = 0; i < nr_pages; i++) {
		u64 *entry = pte_of(va + (i << PAGE_SHIFT));

		BUG_ON_VAL(!*entry, va, i);
		*entry = 0;
	}
	if (munmap((void *)(uintptr_t)va, nr_pages << PAGE_SHIFT))
		panic("the host cannot unmap %llu pages", (unsigned long long)nr_pages);
}

/* One table of this machine serves all; it is none of the kernel's memory. */
phys_t arch_unmap_table(u64 va)
{
	BUG_ON_VAL(!is_aligned(va, ARCH_TABLE_SPAN), va, 0);
	return phys_make(0);
}

void *arch_ioremap(phys_t p, u64 nr_bytes)
{
	u64 end;

	if (!nr_bytes || add_overflows(p.v, nr_bytes, &end) || end > PHYS_BYTES)
		return NULL;
	return (void *)(uintptr_t)(HOST_DEV_BASE + p.v);
}

static bool translate_linear(u64 p)
{
	for (unsigned int i = 0; i < nr_linear; i++)
		if (p >= linear[i].start && p < linear[i].end)
			return true;
	return false;
}

bool arch_translate(u64 va, phys_t *p, bool *writable, bool *executable)
{
	u64 entry = in_pages(va) ? *pte_of(va) : 0;

	if (va >= ARCH_LINEAR_BASE && translate_linear(va - ARCH_LINEAR_BASE))
		entry = align_down(va - ARCH_LINEAR_BASE, PAGE_SIZE) | PTE_VALID | PTE_WRITABLE;
	if (!entry)
		return false;
	*p = phys_make(align_down(entry, PAGE_SIZE) | (va & (PAGE_SIZE - 1)));
	if (writable)
		*writable = entry & PTE_WRITABLE;
	if (executable)
		*executable = false;
	return true;
}

/* Nothing of the kernel's address space is ever mapped executable. */
bool arch_check_wx(void)
{
	return true;
}

unsigned int arch_phys_bits(void)
{
	return ARCH_PHYS_BITS;
}

unsigned int arch_boot_el(void)
{
	return 1;
}

const struct uart_hint *arch_uart_hint(void)
{
	static const struct uart_hint none;

	return &none;
}
