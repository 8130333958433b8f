/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Task stacks: STACK_SIZE bytes of four single pages, mapped in the upper half
 * of a slot of STACK_SLOT bytes whose lower half is never mapped, so running
 * over the end faults instead of spoiling a neighbour. A bitmap tells which
 * slots are in use; the lowest free one is taken, which keeps the page tables
 * few. Stacks are painted before use: nothing of an earlier task shows, and
 * the paint that is left tells the high-water mark.
 *
 * vmap_lock guards the bitmap and, as arch_map() asks, the mapping. Interrupts
 * never need it, and stay on while a page of tables is cleared under it.
 */
#include "mm/mm.h"
#include "rtos/task.h"

enum {
	NR_STACKS = 8192,
	STACK_PAGES = STACK_SIZE / PAGE_SIZE,
};
#define STACK_PAINT 0x7ac1d0f5e3b64a29ull

_Static_assert(STACK_SLOT == 2 * STACK_SIZE, "the gap is as large as the stack");
_Static_assert(64 * STACK_SLOT == ARCH_TABLE_SPAN, "a word of slots to a table");

struct spinlock vmap_lock = SPINLOCK_INIT(LOCK_RANK_VMAP);
static u64 slots_used[NR_STACKS / 64]; /* (vmap_lock) */

/* Lowest address of the stack in slot i; of its mapped half, that is. */
static u64 slot_stack(unsigned int i)
{
	return ARCH_STACK_BASE + (u64)i * STACK_SLOT + STACK_SIZE;
}

static unsigned int stack_slot(u64 stack)
{
	u64 off = stack - ARCH_STACK_BASE;

	BUG_ON_VAL(off % STACK_SLOT != STACK_SIZE || off / STACK_SLOT >= NR_STACKS, stack, off);
	return (unsigned int)(off / STACK_SLOT);
}

/* NR_STACKS when all are in use. */
static unsigned int slot_get(void)
{
	unsigned int word, slot = NR_STACKS;

	spin_lock(&vmap_lock);
	for (word = 0; word < NR_STACKS / 64; word++) {
		tm_step();
		if (~slots_used[word]) {
			slot = word * 64 + (unsigned int)__builtin_ctzll(~slots_used[word]);
			slots_used[word] |= 1ull << (slot % 64);
			break;
		}
	}
	spin_unlock(&vmap_lock);
	return slot;
}

/* The last of a word's slots takes their table with it, so that many tasks that
 * once were do not leave pages all over memory. */
static void slot_put(unsigned int slot)
{
	u64 *word = &slots_used[slot / 64];
	phys_t table = { 0 };

	spin_lock(&vmap_lock);
	BUG_ON(!(*word & (1ull << (slot % 64))));
	*word &= ~(1ull << (slot % 64));
	if (!*word)
		table = arch_unmap_table(ARCH_STACK_BASE + (u64)(slot / 64) * ARCH_TABLE_SPAN);
	spin_unlock(&vmap_lock);
	if (table.v)
		mm_table_page_put(table);
}

static void paint(u64 *word)
{
	unsigned int i;

	for (i = 0; i < PAGE_SIZE / sizeof(*word); i++)
		word[i] = STACK_PAINT;
}

static int page_in(u64 va)
{
	struct page *page = alloc_pages(GFP_KERNEL, 0);
	int err;

	if (!page)
		return ERR_NOMEM;
	paint(page_address(page));
	spin_lock(&vmap_lock);
	err = arch_map(va, pfn_to_phys(page_to_pfn(page)), 1, ARCH_PROT_RW);
	spin_unlock(&vmap_lock);
	if (err)
		free_pages(page, 0);
	return err;
}

static void page_out(u64 va)
{
	phys_t p;

	BUG_ON_VAL(!arch_translate(va, &p, NULL, NULL), va, 0);
	spin_lock(&vmap_lock);
	arch_unmap(va, 1);
	spin_unlock(&vmap_lock);
	free_pages(pfn_to_page(phys_to_pfn_down(p)), 0);
}

u64 stack_alloc(void)
{
	unsigned int slot = slot_get(), i;
	u64 stack;

	if (slot == NR_STACKS)
		return 0;
	stack = slot_stack(slot);
	for (i = 0; i < STACK_PAGES; i++) {
		if (page_in(stack + i * PAGE_SIZE)) {
			while (i--)
				page_out(stack + i * PAGE_SIZE);
			slot_put(slot);
			return 0;
		}
	}
	return stack;
}

void stack_free(u64 stack)
{
	unsigned int slot = stack_slot(stack), i;

	for (i = 0; i < STACK_PAGES; i++)
		page_out(stack + i * PAGE_SIZE);
	slot_put(slot);
}

u32 stack_used(u64 stack)
{
	const u64 *word = (const u64 *)(uintptr_t)stack;
	u32 i, nr = STACK_SIZE / sizeof(*word);

	for (i = 0; i < nr && __atomic_load_n(&word[i], __ATOMIC_RELAXED) == STACK_PAINT; i++)
		;
	return (u32)((nr - i) * sizeof(*word));
}
