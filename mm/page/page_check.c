/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verdicts on bad frees and damaged blocks, and the poison of test builds; see
 * page_check.h. Nothing here changes a list or a count.
 *
 * Poison covers the first 64 bytes of a page: enough to catch a stale pointer
 * to the start of an object, cheap enough to be always on in test builds. That a
 * page carries it is noted in its descriptor (private), since pages that boot
 * handed over were never filled.
 */
#include "mm/page/page_check.h"

#include "mm/mm.h"
#include "mm/stat/owner.h"

enum {
	POISON_WORDS = 8,
	REPORT_EVERY_NS = 1000000000,
};
#define POISON 0xdeadfa11deadfa11ull
#define POISON_MARK 0x706f6973u /* page->private while filled */

static const char *const fault_names[NR_PAGE_FAULTS] = {
	[PAGE_FAULT_FOREIGN] = "not a page of RAM",
	[PAGE_FAULT_RESERVED] = "a reserved frame",
	[PAGE_FAULT_DOUBLE] = "a double free",
	[PAGE_FAULT_MIDDLE] = "the middle of an allocated block",
	[PAGE_FAULT_ORDER] = "the wrong order",
	[PAGE_FAULT_DAMAGED] = "a damaged descriptor",
};

/* What is freed with a tail frame of a block: the head that claims it decides. */
static enum page_fault classify_tail(u32 pfn)
{
	for (unsigned int o = 1; o < NR_PAGE_ORDERS; o++) {
		u32 flags = frame_peek(frame(pfn & ~((1u << o) - 1)));

		if (flags_order(flags) < o)
			continue;
		switch (flags_state(flags)) {
		case PAGE_ALLOCATED:
			return PAGE_FAULT_MIDDLE;
		case PAGE_FREE:
		case PAGE_CACHED:
		case PAGE_GUARD:
			return PAGE_FAULT_DOUBLE;
		default:
			break;
		}
	}
	return PAGE_FAULT_DAMAGED;
}

enum page_fault page_classify(const struct page *page, unsigned int order)
{
	u32 flags = frame_peek(page);

	BUG_ON(!page_is_descriptor(page));
	switch (flags_state(flags)) {
	case PAGE_FREE:
	case PAGE_CACHED:
	case PAGE_GUARD:
		return PAGE_FAULT_DOUBLE;
	case PAGE_ALLOCATED:
		return flags_order(flags) == order ? PAGE_FAULT_DAMAGED : PAGE_FAULT_ORDER;
	case PAGE_TAIL:
		return classify_tail(frame_number(page));
	case PAGE_HOLE:
	case PAGE_RESERVED:
		return PAGE_FAULT_RESERVED;
	case PAGE_BAD:
		break;
	}
	return PAGE_FAULT_DAMAGED;
}

/* One report a second; racing CPUs may print one each, which does no harm. */
static bool may_report(void)
{
	static u64 next_report; /* (A) */
	u64 now = time_now_ns();

	if (now < __atomic_load_n(&next_report, __ATOMIC_RELAXED))
		return false;
	__atomic_store_n(&next_report, now + REPORT_EVERY_NS, __ATOMIC_RELAXED);
	return true;
}

/* Who had the frame, where anybody keeps records of that. */
static void tell_history(u64 pfn, bool has_frame)
{
	if (owner_on && has_frame)
		owner_log(pfn);
}

void page_report_bad_free(const struct page *page, unsigned int order, enum page_fault fault)
{
	u64 pfn = frame_number(page);
	u32 flags = fault == PAGE_FAULT_FOREIGN ? 0 : frame_peek(page);

	BUG_ON_VAL(fault >= NR_PAGE_FAULTS, fault, order);
	if (tm_debug) {
		tell_history(pfn, fault != PAGE_FAULT_FOREIGN);
		panic("free of frame %#llx, order %u: %s (flags %x)", (unsigned long long)pfn,
		      order, fault_names[fault], flags);
	}
	if (!may_report())
		return;
	pr_err("mm: free of frame %#llx, order %u refused: %s (flags %x)", (unsigned long long)pfn,
	       order, fault_names[fault], flags);
	tell_history(pfn, fault != PAGE_FAULT_FOREIGN);
}

void page_report_damaged(const struct page *page)
{
	u64 pfn = frame_number(page);

	if (tm_debug) {
		tell_history(pfn, true);
		panic("damaged free frame %#llx: references %x, mapping %x, mapped %x",
		      (unsigned long long)pfn, page->refcount, page->mapping, page->mapcount);
	}
	if (!may_report())
		return;
	pr_err("mm: damaged free frame %#llx leaked: references %x, mapping %x, mapped %x",
	       (unsigned long long)pfn, page->refcount, page->mapping, page->mapcount);
	tell_history(pfn, true);
}

void page_poison(struct page *page, unsigned int order)
{
	BUG_ON_VAL(order > MAX_PAGE_ORDER, order, 0);
	for (u32 i = 0; i < 1u << order; i++) {
		u64 *word = page_address(page + i);

		for (unsigned int w = 0; w < POISON_WORDS; w++)
			word[w] = POISON;
		page[i].private = POISON_MARK;
	}
}

void page_poison_check(struct page *page, unsigned int order)
{
	BUG_ON_VAL(order > MAX_PAGE_ORDER, order, 0);
	for (u32 i = 0; i < 1u << order; i++) {
		const u64 *word = page_address(page + i);

		if (page[i].private != POISON_MARK)
			continue;
		page[i].private = 0;
		for (unsigned int w = 0; w < POISON_WORDS; w++) {
			if (word[w] == POISON)
				continue;
			tell_history(frame_number(page + i), true);
			panic("frame %#x was written after it was freed: %llx at byte %u",
			      frame_number(page + i), (unsigned long long)word[w], w * 8);
		}
	}
}
