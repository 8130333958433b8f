/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Translation tables: access, walk, growth. Three ways lead to a table: those
 * of head.S lie in the Image; later ones are reached through one page window
 * until the linear map is complete, and through the linear map from then on.
 * The window exists only while the boot CPU is alone. Tables are never freed.
 * Who changes entries is serialised by the callers (arch.h).
 */
#include "table.h"
#include "mm/mm.h"

extern const u64 arm64_root_table[TABLE_ENTRIES];
extern u64 arm64_misc_l3[TABLE_ENTRIES];

static bool linear_ready; /* set once, before other CPUs start */
static u64 window_phys = ~0ull;

static bool in_image(phys_t p)
{
	return p.v >= arm64_image_phys(_tables_start).v && p.v < arm64_image_phys(_tables_end).v;
}

/* Turn the window to another table. */
static volatile u64 *window(phys_t table)
{
	volatile u64 *entry = &arm64_misc_l3[level_index(ARM64_TABLE_SLOT, LEVEL_PAGE)];

	if (window_phys != table.v) {
		*entry = 0;
		table_publish();
		tlb_drop_page(ARM64_TABLE_SLOT);
		tlb_sync();
		*entry = table.v | PROT_RW | PTE_PAGE;
		table_publish();
		window_phys = table.v;
	}
	return (volatile u64 *)ARM64_TABLE_SLOT;
}

volatile u64 *table_entries(phys_t table)
{
	BUG_ON_VAL(!is_aligned(table.v, PAGE_SIZE), table.v, 0);
	if (in_image(table))
		return (u64 *)(uintptr_t)(table.v - arch_image()->start.v + ARCH_KIMAGE_BASE);
	if (linear_ready)
		return phys_to_virt(table);
	return window(table);
}

void table_use_linear(void)
{
	linear_ready = true;
}

u64 table_read(phys_t table, unsigned int index)
{
	return table_entries(table)[index];
}

void table_write(phys_t table, unsigned int index, u64 desc)
{
	table_entries(table)[index] = desc;
}

/* A cleared page, visible as such to walks before it is linked. */
static int table_new(phys_t *table)
{
	*table = mm_table_page();
	if (!table->v)
		return ERR_NOMEM;
	/* Through the window it is ours alone to clear; later mm does. */
	if (!linear_ready)
		memset((void *)(uintptr_t)table_entries(*table), 0, PAGE_SIZE);
	__asm__ volatile("dmb ishst" : : : "memory");
	return 0;
}

int table_find(u64 va, unsigned int level, bool create, phys_t *table)
{
	phys_t at = arm64_image_phys(arm64_root_table), next;

	for (unsigned int l = 0; l < level; l++) {
		u64 desc = table_read(at, level_index(va, l));
		int err;

		if (desc_is_table(desc, l)) {
			at = phys_make(desc & PTE_ADDR);
			continue;
		}
		if (desc & PTE_VALID)
			return ERR_EXIST;
		if (!create)
			return ERR_NOENT;
		err = table_new(&next);
		if (err)
			return err;
		table_write(at, level_index(va, l), next.v | PTE_TABLE);
		at = next;
	}
	*table = at;
	return 0;
}

u64 table_lookup(u64 va, unsigned int *level)
{
	phys_t at = arm64_image_phys(arm64_root_table);
	u64 desc = 0;

	for (*level = 0;; (*level)++) {
		desc = table_read(at, level_index(va, *level));
		if (!desc_is_table(desc, *level))
			return desc;
		at = phys_make(desc & PTE_ADDR);
	}
}
