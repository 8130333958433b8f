/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory at boot: the early windows, the linear map of RAM, and the end of the
 * init sections. All of it runs on the boot CPU, the last with tasks around.
 * The linear map never gives a writable name to a page that is executable
 * under its link address, and covers nothing the caller did not name.
 */
#include "mmu.h"
#include "rtos/rtos.h"

extern u64 arm64_early_l3[2 * TABLE_ENTRIES];
extern u64 arm64_misc_l3[TABLE_ENTRIES];

/* A window of single pages, filled from the start. */
struct window {
	u64 base;
	u64 nr_pages;
	volatile u64 *entries; /* last-level, of page 0 */
	u64 used;
};

static struct window early = {
	ARM64_EARLY_BASE,
	ARM64_EARLY_SIZE / PAGE_SIZE,
	arm64_early_l3,
	0,
};
static struct window early_dev = {
	ARM64_EARLY_DEV,
	ARM64_EARLY_DEV_SIZE / PAGE_SIZE,
	arm64_misc_l3,
	0,
};
_Static_assert(ARM64_EARLY_SIZE / PAGE_SIZE == 2 * TABLE_ENTRIES, "tables of head.S");
_Static_assert((ARM64_EARLY_DEV & 0x1fffff) == 0, "entry 0 of its table");

void *arch_early_map(phys_t p, u64 nr_bytes, enum arch_prot prot)
{
	struct window *w = prot == ARCH_PROT_DEV ? &early_dev : &early;
	u64 offset = p.v & (PAGE_SIZE - 1), nr_pages, va;

	if (!phys_range_ok(p, nr_bytes))
		return 0;
	nr_pages = (offset + nr_bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
	if (nr_pages > w->nr_pages - w->used)
		return 0;
	va = w->base + (w->used << PAGE_SHIFT);
	for (u64 i = 0; i < nr_pages; i++)
		w->entries[w->used++] =
			(p.v - offset + (i << PAGE_SHIFT)) | prot_bits(prot) | PTE_PAGE;
	table_publish();
	return (void *)(uintptr_t)(va + offset);
}

void arch_early_unmap_all(void)
{
	for (u64 i = 0; i < early.used; i++)
		early.entries[i] = 0;
	early.used = 0;
	table_publish();
	tlb_drop_all();
	tlb_sync();
	table_use_linear();
}

/* ---- the linear map -------------------------------------------------------- */

static bool by_pages; /* set before it is made: every entry is a page */

void arch_linear_by_pages(void)
{
	by_pages = true;
}

enum cover { COVER_NONE, COVER_PART, COVER_ALL };

/* How much of [p, p + nr_bytes) is in [start, end). */
static enum cover cover(u64 p, u64 nr_bytes, phys_t start, phys_t end)
{
	if (p >= start.v && p + nr_bytes <= end.v)
		return COVER_ALL;
	return p < end.v && p + nr_bytes > start.v ? COVER_PART : COVER_NONE;
}

/* How much of it is code or constants of the Image. */
static enum cover read_only(u64 p, u64 nr_bytes)
{
	const struct arch_image *im = arch_image();
	enum cover a, b;

	if (p >= im->end.v || p + nr_bytes <= im->start.v)
		return COVER_NONE;
	a = cover(p, nr_bytes, im->start, im->rodata_end);
	b = cover(p, nr_bytes, im->init_start, arm64_image_phys(_init_text_end));

	return max_u64(a, b);
}

/* Largest block that may start at p; its entry's level. */
static unsigned int block_level(u64 p, u64 end)
{
	unsigned int level;

	if (by_pages)
		return LEVEL_PAGE;
	for (level = 1; level < LEVEL_PAGE; level++)
		if (is_aligned(p, level_size(level)) && end - p >= level_size(level) &&
		    read_only(p, level_size(level)) != COVER_PART)
			break;
	return level;
}

/* One entry at p; *table is the last one used, of *level. Its level. */
static unsigned int map_block(u64 p, u64 end, unsigned int *level, phys_t *table)
{
	unsigned int now = block_level(p, end);
	u64 va = ARCH_LINEAR_BASE + p;
	u64 desc = read_only(p, level_size(now)) == COVER_ALL ? PROT_RO : PROT_RW;
	volatile u64 *entry;

	if ((now != *level || level_index(va, now) == 0) && table_find(va, now, true, table) != 0)
		panic("mmu: no memory for the tables of the linear map at %016llx",
		      (unsigned long long)p);
	*level = now;
	entry = &table_entries(*table)[level_index(va, now)];
	BUG_ON_VAL(*entry, va, *entry);
	*entry = p | desc | (now == LEVEL_PAGE ? PTE_PAGE : PTE_BLOCK);
	return now;
}

void arch_linear_map(phys_t start, phys_t end)
{
	unsigned int level = 0; /* no block is that large: look the table up */
	phys_t table = { 0 };

	BUG_ON_VAL(!is_aligned(start.v | end.v, PAGE_SIZE), start.v, end.v);
	BUG_ON_VAL(start.v >= end.v || end.v > 1ull << ARCH_PHYS_BITS, start.v, end.v);
	BUG_ON_VAL(!phys_range_ok(start, end.v - start.v), start.v, end.v);
	for (u64 p = start.v; p < end.v;)
		p += level_size(map_block(p, end.v, &level, &table));
	table_publish();
}

bool arch_linear_guard(phys_t p, u64 nr_pages, bool guard)
{
	u64 va = (u64)(uintptr_t)phys_to_virt(p);
	volatile u64 *entry;
	phys_t table;

	BUG_ON_VAL(!is_aligned(p.v, nr_pages << PAGE_SHIFT) || nr_pages > 16, p.v, nr_pages);
	if (!by_pages || table_find(va, LEVEL_PAGE, false, &table) != 0)
		return false;
	entry = &table_entries(table)[level_index(va, LEVEL_PAGE)];
	for (u64 i = 0; i < nr_pages; i++)
		entry[i] = guard ? 0 : (p.v + (i << PAGE_SHIFT)) | PROT_RW | PTE_PAGE;
	table_publish();
	for (u64 i = 0; guard && i < nr_pages; i++)
		tlb_drop_page(va + (i << PAGE_SHIFT));
	tlb_sync();
	return true;
}

/* ---- the end of init -------------------------------------------------------- */

/* Code that can no longer run becomes ordinary memory in the linear map. */
static void alias_writable(phys_t p)
{
	u64 va = (u64)(uintptr_t)phys_to_virt(p);
	phys_t table;
	u64 desc;

	/* An Image outside the memory the tree names has no alias. */
	if (table_find(va, LEVEL_PAGE, false, &table) != 0)
		return;
	desc = table_read(table, level_index(va, LEVEL_PAGE));
	BUG_ON_VAL((desc & PTE_ADDR) != p.v, desc, p.v);
	table_write(table, level_index(va, LEVEL_PAGE), p.v | PROT_RW | PTE_PAGE);
	table_publish();
	tlb_drop_page(va);
}

void arch_free_init(void)
{
	const struct arch_image *im = arch_image();
	u64 text_end = arm64_image_phys(_init_text_end).v;

	arch_unmap((u64)(uintptr_t)_init_start, (im->init_end.v - im->init_start.v) >> PAGE_SHIFT);
	for (u64 p = im->init_start.v; p < text_end; p += PAGE_SIZE)
		alias_writable(phys_make(p));
	tlb_sync();
}
