/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with a block, in words, and what is done about it (row 43). The
 * fast paths only ask yes or no; this file is entered on the no. BUILD=test
 * panics with the name of the fault, otherwise the block is leaked, the fault is
 * counted by the caller, and one line a second is printed.
 */
#ifndef MM_PAGE_PAGE_CHECK_H
#define MM_PAGE_PAGE_CHECK_H

#include "mm/page/frame.h"

enum page_fault {
	PAGE_FAULT_FOREIGN,  /* no descriptor of RAM */
	PAGE_FAULT_RESERVED, /* RAM the allocator never had, or a hole */
	PAGE_FAULT_DOUBLE,   /* free already, alone or inside a larger block */
	PAGE_FAULT_MIDDLE,   /* inside an allocated block */
	PAGE_FAULT_ORDER,    /* head of a block of another order */
	PAGE_FAULT_DAMAGED,  /* right state, wrong contents */
	NR_PAGE_FAULTS
};

/* The address is that of a descriptor with RAM behind it. Any. */
static inline bool page_is_descriptor(const struct page *page)
{
	u64 offset = (u64)(uintptr_t)page - ARCH_FRAMES_BASE;

	return offset % sizeof(*page) == 0 && frame_exists(offset / sizeof(*page));
}

/*
 * Why a free of this block with this order was refused. The descriptor exists.
 * Zone lock held, or the answer is a guess.
 */
enum page_fault page_classify(const struct page *page, unsigned int order);

/* Panic in BUILD=test, else one line a second at most. No lock held. */
void page_report_bad_free(const struct page *page, unsigned int order, enum page_fault fault);
void page_report_damaged(const struct page *page);

/* Test builds: fill the first line of each page of a block that is being freed,
 * and look at it when the block is handed out again. A write in between is a
 * panic. Never under a lock; linear in the block, 64 bytes a page. */
void page_poison(struct page *page, unsigned int order);
void page_poison_check(struct page *page, unsigned int order);

#endif
