/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims: every piece of address space that is spoken for before the first
 * allocation, by the loader, the firmware or the kernel itself. One enumeration
 * serves three readers: reserving them, keeping growing tables off them while
 * they are not reserved yet, and choosing pages that may be touched to see
 * whether the memory the tree promises was built in.
 */
#include <libfdt.h>

#include "mm/boot/intake_parts.h"
#include "rtos/rtos.h"

/*
 * Up to the entry of zeros that dt_check() saw. libfdt counts only to the first of
 * size 0, and what firmware needs may stand behind that.
 */
static tm_init void claim_memreserve(claim_fn fn, void *arg)
{
	const u8 *at = (const u8 *)intake_blob.fdt + fdt_off_mem_rsvmap(intake_blob.fdt);

	for (; dt_be64(at) || dt_be64(at + 8); at += 16) {
		struct claim c = { .reason = MEM_MEMRESERVE, .name = "/memreserve/" };

		c.start = phys_make(dt_be64(at));
		c.nr_bytes = dt_be64(at + 8);
		fn(&c, arg);
	}
}

static tm_init void each_claim(claim_fn fn, void *arg)
{
	const struct arch_image *im = arch_image();
	const struct boot_info *bi = &intake_info;
	struct claim kernel = { im->start, im->end.v - im->start.v, MEM_KERNEL, "kernel", false,
				false };
	struct claim blob = { bi->fdt,  bi->fdt_end.v - bi->fdt.v,
			      MEM_TREE, "device tree blob",
			      false,    false };
	struct claim initrd = { bi->initrd, bi->initrd_end.v - bi->initrd.v,
				MEM_INITRD, "initrd",
				false,      false };
	struct claim core = { bi->elfcorehdr, bi->elfcorehdr_bytes,
			      MEM_RESERVED,   "elfcorehdr",
			      false,          false };

	fn(&kernel, arg);
	fn(&blob, arg);
	if (core.nr_bytes)
		fn(&core, arg);
	if (initrd.nr_bytes)
		fn(&initrd, arg);
	claim_memreserve(fn, arg);
	reserved_each_claim(fn, arg);
}

/*
 * The range asked about and the places of its size right below it, one bit each:
 * one walk over the claims rules them all out together. A tree with thousands of
 * claims side by side would else cost as many walks as it has claims.
 */
struct guarded {
	u64 start, end;
	u64 taken; /* bit i: a claim touches the i-th place; 0 is the range itself */
	u64 below; /* lowest start of a claim that touches the range */
	bool initrd_too;
};

static tm_init void guard_claim(const struct claim *c, void *arg)
{
	struct guarded *g = arg;
	u64 end, first, last, size = g->end - g->start;

	if (add_overflows(c->start.v, c->nr_bytes, &end) || !c->nr_bytes)
		return; /* reserve_claim() will not take it either */
	if ((c->reason == MEM_INITRD && !g->initrd_too) || c->start.v >= g->end)
		return;
	first = (g->end - min_u64(end, g->end)) / size;
	last = min_u64((g->end - 1 - c->start.v) / size, 63);
	if (first > last)
		return;
	g->taken |= ~0ull << first & ~0ull >> (63 - last);
	if (!first)
		g->below = min_u64(g->below, align_down(c->start.v, PAGE_SIZE));
}

/* *below, when it does: an end of the next range of the size that may be free. */
static tm_init bool touches_claim(u64 start, u64 end, bool initrd_too, u64 *below)
{
	struct guarded g = { .start = start, .end = end, .below = end, .initrd_too = initrd_too };
	u64 places, down;

	BUG_ON_VAL(start >= end, start, end);
	each_claim(guard_claim, &g);
	places = ~g.taken ? (u64)__builtin_ctzll(~g.taken) : 64;
	down = places * (end - start);
	*below = min_u64(g.below, end - min_u64(down, end));
	return places != 0;
}

tm_init bool claims_guard(phys_t start, phys_t end, phys_t *below)
{
	return !touches_claim(start.v, end.v, true, &below->v);
}

/* ---- memory that is really there ----------------------------------------- */

/*
 * Highest page of [start, end) that may be written for a moment: no firmware
 * is in it, nor the kernel, nor the blob. False when there is none.
 */
static tm_init bool unclaimed_page(u64 start, u64 end, u64 *page)
{
	u64 below;

	for (u64 at = align_down(end - 1, PAGE_SIZE);; at = below - PAGE_SIZE) {
		*page = at;
		if (!touches_claim(at, at + PAGE_SIZE, false, &below))
			return true;
		if (below < start + PAGE_SIZE)
			return false;
	}
}

/*
 * Whether there is memory in the page at p. Pages somebody claims are not
 * touched: secure firmware may punish that. Yes when there is no way to ask.
 */
static tm_init bool answers(u64 p)
{
	u64 page;
	void *at;

	if (!unclaimed_page(p, p + PAGE_SIZE, &page))
		return true;
	at = arch_early_map(phys_make(page), PAGE_SIZE, ARCH_PROT_RW);
	return !at || arch_probe_ram(at);
}

/*
 * Between a page that answers and one that does not: the edge, seen from below.
 * Claimed pages cannot be asked and go with the page below them, so that a claim
 * beyond the end of memory does not pass for memory up to there.
 */
static tm_init u64 find_edge(u64 good, u64 bad)
{
	u64 low = min_u64(good, bad), high = max_u64(good, bad), page;

	BUG_ON_VAL(good == bad, good, bad);
	/* At most 32 rounds: addresses have 44 bits. */
	while (high - low > PAGE_SIZE) {
		u64 mid = align_down(low + high, 2 * PAGE_SIZE) / 2;

		if (!unclaimed_page(low + PAGE_SIZE, mid + PAGE_SIZE, &page) ||
		    answers(page) == (good < bad))
			low = mid;
		else
			high = page;
	}
	return high;
}

/*
 * A tree may promise more than was built in. Asking at both ends costs little;
 * only when nobody answers at one of them, halve until the edge is found.
 * Result: what is missing of [start, end); empty when all is there.
 */
static tm_init bool missing_part(u64 start, u64 end, u64 *from, u64 *to)
{
	u64 last;

	*from = start;
	*to = end;
	if (!unclaimed_page(start, end, &last))
		return false;
	if (answers(last)) {
		if (answers(start))
			return false;
		*to = find_edge(last, start);
	} else if (answers(start)) {
		*from = find_edge(start, last);
	}
	return true;
}

tm_init void claims_drop_missing_memory(void)
{
	struct memblock_cursor c = { 0 };
	struct memblock_span s;
	u64 done = 0, from, to;

	while (memblock_next_memory(&c, &s)) {
		u64 start = s.start.v << PAGE_SHIFT, end = s.end.v << PAGE_SHIFT;

		if (end <= done)
			continue;
		done = end;
		if (!missing_part(start, end, &from, &to))
			continue;
		BUG_ON_VAL(from < start || from >= to || to > end, from, to);
		dt_warn("memory nodes: [0x%llx, 0x%llx): no memory answers in [0x%llx, 0x%llx), "
			"not used",
			(unsigned long long)start, (unsigned long long)end,
			(unsigned long long)from, (unsigned long long)to);
		intake_info.clipped_bytes += to - from;
		memblock_remove(phys_make(from), phys_make(to));
		c = (struct memblock_cursor){ 0 }; /* an edit ends the walk */
	}
}

/* ---- reserving ----------------------------------------------------------- */

/* Aligned, all of it RAM, and nobody else's: what a CMA area must be. */
static tm_init bool can_lend(const struct claim *c, u64 end, u64 taken)
{
	u64 block = (u64)PAGEBLOCK_PAGES << PAGE_SHIFT;

	if (!is_aligned(c->start.v | end, block)) {
		dt_warn("/reserved-memory/%s [0x%llx, 0x%llx): not aligned to 2 MiB, reserved but "
			"not lent",
			c->name, (unsigned long long)c->start.v, (unsigned long long)end);
		return false;
	}
	if (taken || memblock_memory_inside(c->start, phys_make(end)) != c->nr_bytes) {
		dt_warn("/reserved-memory/%s [0x%llx, 0x%llx): not all free RAM, reserved but not "
			"lent",
			c->name, (unsigned long long)c->start.v, (unsigned long long)end);
		return false;
	}
	return true;
}

/*
 * A later claim inside an area that was to be lent: the pages would be handed
 * out under its owner, so the whole area is just kept.
 */
static tm_init void stop_lending(u64 start, u64 end)
{
	struct memblock_cursor c = { 0 };
	struct mem_region r;
	char name[48];

	while (memblock_next_reserved(&c, &r)) {
		if (r.reason != MEM_CMA || r.start.v >= end || r.end.v <= start)
			continue;
		dt_warn("%s [0x%llx, 0x%llx): not free any more, reserved but not lent",
			dt_printable(name, sizeof(name), r.name), (unsigned long long)r.start.v,
			(unsigned long long)r.end.v);
		memblock_free(r.start, r.end);
		memblock_reserve(r.start, r.end, MEM_RESERVED, r.name);
		c = (struct memblock_cursor){ 0 }; /* an edit ends the walk */
	}
}

static tm_init const char *claim_prefix(const struct claim *c)
{
	return c->reason == MEM_RESERVED ? "/reserved-memory/" : "";
}

static tm_init void reserve_claim(const struct claim *c, void *arg)
{
	const char *other = "";
	char name[48], with[48];
	u64 end, taken;
	bool lend, *lent = arg;

	BUG_ON(!c->name || c->reason >= NR_MEM_REASONS);
	dt_printable(name, sizeof(name), c->name);
	if (!c->nr_bytes || add_overflows(c->start.v, c->nr_bytes, &end)) {
		dt_warn("%s%s [0x%llx, +0x%llx): %s, ignored", claim_prefix(c), name,
			(unsigned long long)c->start.v, (unsigned long long)c->nr_bytes,
			c->nr_bytes ? "wraps" : "empty");
		return;
	}
	end = min_u64(end, intake_blob.limit);
	if (c->start.v >= end) { /* beyond every RAM we can use */
		if (c->lend)
			dt_warn("%s%s [0x%llx, +0x%llx): addresses end at 0x%llx, not lent",
				claim_prefix(c), name, (unsigned long long)c->start.v,
				(unsigned long long)c->nr_bytes,
				(unsigned long long)intake_blob.limit);
		return;
	}
	taken = memblock_reserved_inside(c->start, phys_make(end), &other);
	lend = c->lend && can_lend(c, end, taken);
	/* Boot loaders list the blob and the initrd in /memreserve/ too. */
	if (taken && c->reason != MEM_MEMRESERVE)
		dt_warn("%s%s [0x%llx, 0x%llx): overlaps %s", claim_prefix(c), name,
			(unsigned long long)c->start.v, (unsigned long long)end,
			dt_printable(with, sizeof(with), other));
	if (taken && *lent)
		stop_lending(c->start.v, end);
	if (taken)
		intake_info.fdt_shared |=
			c->start.v < intake_info.fdt_end.v && end > intake_info.fdt.v;
	*lent |= lend;
	memblock_reserve(c->start, phys_make(end), lend ? MEM_CMA : c->reason, c->name);
	if (c->no_map)
		reserved_mark_no_map(c->start.v, end, name);
}

tm_init void claims_reserve(void)
{
	bool lent = false; /* something, so far */

	each_claim(reserve_claim, &lent);
}
