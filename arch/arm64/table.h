/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Translation tables as a data structure: read and write entries, find or
 * make the table of a level. Tables are named by physical address and never by
 * pointer, because before the linear map covers them each access may have to go
 * through one shared window. For mmu.c and linear.c only.
 */
#ifndef ARCH_ARM64_TABLE_H
#define ARCH_ARM64_TABLE_H

#include "arm64.h"
#include "pte.h"

enum { TABLE_ENTRIES = 512, LEVEL_PAGE = 3 };

/* Bytes one entry of a level covers: 512 GiB, 1 GiB, 2 MiB, 4 KiB. */
static inline u64 level_size(unsigned int level)
{
	return 1ull << (39 - 9 * level);
}

static inline unsigned int level_index(u64 va, unsigned int level)
{
	return (va >> (39 - 9 * level)) & (TABLE_ENTRIES - 1);
}

static inline bool desc_is_table(u64 desc, unsigned int level)
{
	return level < LEVEL_PAGE && (desc & PTE_TYPE) == PTE_TABLE;
}

/* All entries of a table; the pointer is good until the next call of this
 * file, which may turn the window to another table. Any. */
volatile u64 *table_entries(phys_t table);
/* Entry of a table. Any. */
u64 table_read(phys_t table, unsigned int index);
/* Write it; the caller orders it with table_publish() or a TLB invalidation. */
void table_write(phys_t table, unsigned int index, u64 desc);
/*
 * The table of `level` that maps va. 0; ERR_NOENT (not there and !create),
 * ERR_NOMEM (no page for it), ERR_EXIST (a block covers va).
 */
int table_find(u64 va, unsigned int level, bool create, phys_t *table);
/* Leaf or first invalid entry of va, and its level. Any. */
u64 table_lookup(u64 va, unsigned int *level);
/* The linear map is complete: reach tables through it from now on. */
void table_use_linear(void);

/* New entries are seen by walks and by what follows. Any. */
static inline void table_publish(void)
{
	__asm__ volatile("dsb ishst\n\tisb" : : : "memory");
}

/* Forget the translation of one page, on every CPU; finish with tlb_sync. */
static inline void tlb_drop_page(u64 va)
{
	__asm__ volatile("tlbi vaae1is, %0" : : "r"(va >> PAGE_SHIFT & 0xfffffffffff) : "memory");
}

static inline void tlb_drop_all(void)
{
	__asm__ volatile("tlbi vmalle1is" : : : "memory");
}

static inline void tlb_sync(void)
{
	__asm__ volatile("dsb ish\n\tisb" : : : "memory");
}

#endif
