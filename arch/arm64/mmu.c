/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's address space once it exists: single pages at given addresses,
 * device registers for good, questions about what is mapped. Only invalid
 * entries become valid and valid ones invalid, so break-before-make never comes
 * up. Changes are serialised by the caller (LOCK_RANK_VMAP), ioremap by its own
 * lock of that rank over its own range; questions take no lock.
 */
#include "mmu.h"
#include "rtos/rtos.h"

static unsigned int phys_bits;

static struct spinlock ioremap_lock = SPINLOCK_INIT(LOCK_RANK_VMAP);
static u64 ioremap_next = ARCH_IOREMAP_BASE; /* (ioremap_lock) */

enum { IOREMAP_BYTES = 1 << 30 }; /* plenty: registers, never memory */

void arm64_mmu_init(void)
{
	static const u8 bits[] = { 32, 36, 40, 42, 44, 48 };
	u64 range = arm64_read_sysreg(id_aa64mmfr0_el1) & 15;

	phys_bits = bits[min_u64(range, PARANGE_48)];
}

unsigned int arch_phys_bits(void)
{
	return phys_bits;
}

u64 prot_bits(enum arch_prot prot)
{
	switch (prot) {
	case ARCH_PROT_RO:
		return PROT_RO;
	case ARCH_PROT_RW:
		return PROT_RW;
	case ARCH_PROT_DEV:
		return PROT_DEV;
	}
	BUG_ON_VAL(true, prot, 0);
	return 0;
}

bool phys_range_ok(phys_t p, u64 nr_bytes)
{
	u64 end;

	return nr_bytes && !add_overflows(p.v, nr_bytes, &end) && end <= 1ull << phys_bits;
}

/* Pages from va that one last-level table maps, at most nr_pages. */
static u64 run_length(u64 va, u64 nr_pages)
{
	return min_u64(nr_pages, TABLE_ENTRIES - level_index(va, LEVEL_PAGE));
}

/* Tables for the pages of [va, va + nr) exist and every entry is free. */
static int map_prepare(u64 va, u64 nr_pages)
{
	while (nr_pages) {
		u64 run = run_length(va, nr_pages);
		volatile u64 *entry;
		phys_t table;
		int err = table_find(va, LEVEL_PAGE, true, &table);

		if (err)
			return err;
		entry = &table_entries(table)[level_index(va, LEVEL_PAGE)];
		for (u64 i = 0; i < run; i++)
			if (entry[i] & PTE_VALID)
				return ERR_EXIST;
		va += run << PAGE_SHIFT;
		nr_pages -= run;
	}
	return 0;
}

static void map_commit(u64 va, u64 desc, u64 nr_pages)
{
	while (nr_pages) {
		u64 run = run_length(va, nr_pages);
		volatile u64 *entry;
		phys_t table;

		BUG_ON_VAL(table_find(va, LEVEL_PAGE, false, &table), va, desc);
		entry = &table_entries(table)[level_index(va, LEVEL_PAGE)];
		for (u64 i = 0; i < run; i++, desc += PAGE_SIZE)
			entry[i] = desc;
		va += run << PAGE_SHIFT;
		nr_pages -= run;
	}
}

int arch_map(u64 va, phys_t p, u64 nr_pages, enum arch_prot prot)
{
	int err;

	BUG_ON_VAL(!is_aligned(va | p.v, PAGE_SIZE), va, p.v);
	BUG_ON_VAL(!phys_range_ok(p, nr_pages << PAGE_SHIFT), p.v, nr_pages);
	err = map_prepare(va, nr_pages);
	if (err)
		return err;
	map_commit(va, p.v | prot_bits(prot) | PTE_PAGE, nr_pages);
	table_publish();
	return 0;
}

void arch_unmap(u64 va, u64 nr_pages)
{
	phys_t table = { 0 };

	BUG_ON_VAL(!is_aligned(va, PAGE_SIZE), va, 0);
	for (u64 i = 0; i < nr_pages; i++) {
		u64 at = va + (i << PAGE_SHIFT);
		unsigned int index = level_index(at, LEVEL_PAGE);

		if (i == 0 || index == 0)
			BUG_ON_VAL(table_find(at, LEVEL_PAGE, false, &table), at, 0);
		BUG_ON_VAL(!(table_read(table, index) & PTE_VALID), at, 0);
		table_write(table, index, 0);
	}
	table_publish();
	for (u64 i = 0; i < nr_pages; i++)
		tlb_drop_page(va + (i << PAGE_SHIFT));
	tlb_sync();
}

phys_t arch_unmap_table(u64 va)
{
	unsigned int above = LEVEL_PAGE - 1;
	phys_t parent;
	u64 desc;

	BUG_ON_VAL(!is_aligned(va, ARCH_TABLE_SPAN), va, 0);
	if (table_find(va, above, false, &parent))
		return phys_make(0);
	desc = table_read(parent, level_index(va, above));
	if (!desc_is_table(desc, above))
		return phys_make(0);
	table_write(parent, level_index(va, above), 0);
	table_publish();
	tlb_drop_page(va); /* walks may have kept the entry above as well */
	tlb_sync();
	return phys_make(desc & PTE_ADDR);
}

void *arch_ioremap(phys_t p, u64 nr_bytes)
{
	u64 offset = p.v & (PAGE_SIZE - 1), nr_pages, va = 0, flags;

	if (!phys_range_ok(p, nr_bytes) || nr_bytes > IOREMAP_BYTES)
		return 0;
	nr_pages = (offset + nr_bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
	flags = spin_lock_irqsave(&ioremap_lock);
	if (ioremap_next + (nr_pages << PAGE_SHIFT) <= ARCH_IOREMAP_BASE + IOREMAP_BYTES &&
	    arch_map(ioremap_next, phys_make(p.v - offset), nr_pages, ARCH_PROT_DEV) == 0) {
		va = ioremap_next + offset;
		ioremap_next += nr_pages << PAGE_SHIFT;
	}
	spin_unlock_irqrestore(&ioremap_lock, flags);
	return (void *)(uintptr_t)va;
}

static bool desc_writable(u64 desc)
{
	return !(desc & PTE_RDONLY);
}

static bool desc_executable(u64 desc)
{
	return !(desc & PTE_PXN);
}

bool arch_translate(u64 va, phys_t *p, bool *writable, bool *executable)
{
	unsigned int level;
	u64 desc;

	if (va < ARCH_LINEAR_BASE)
		return false;
	desc = table_lookup(va, &level);
	if (!(desc & PTE_VALID))
		return false;
	p->v = (desc & PTE_ADDR & ~(level_size(level) - 1)) | (va & (level_size(level) - 1));
	if (writable)
		*writable = desc_writable(desc);
	if (executable)
		*executable = desc_executable(desc);
	return true;
}

/* An executable page must not be writable, here or under its other name. */
static bool leaf_is_sound(u64 va, u64 desc)
{
	phys_t p = phys_make(desc & PTE_ADDR), alias;
	bool writable = false;

	if (!desc_executable(desc))
		return true;
	if (desc_writable(desc)) {
		pr_err("mmu: %016llx is writable and executable\n", (unsigned long long)va);
		return false;
	}
	if (arch_translate((u64)(uintptr_t)phys_to_virt(p), &alias, &writable, 0) && writable) {
		pr_err("mmu: %016llx is executable, its linear address writable\n",
		       (unsigned long long)va);
		return false;
	}
	return true;
}

bool arch_check_wx(void)
{
	bool sound = true;
	u64 va = ARCH_LINEAR_BASE;

	/* Wraps to zero behind the last entry of the upper half. */
	while (va) {
		unsigned int level;
		u64 desc = table_lookup(va, &level);

		if (desc & PTE_VALID)
			sound &= leaf_is_sound(va, desc);
		va = align_down(va, level_size(level)) + level_size(level);
	}
	return sound;
}
