/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers of devices for drivers. The machine maps; what is decided here is
 * whether it may: memory with a cached name, that is all the linear map reaches,
 * must never get a second name as a device. Ranges that are no-map in the tree
 * are not in the linear map and may be mapped. Holds no state and no lock.
 */
#include "rtos/rtos.h"

/* Far more than any device has; who asks for more has a broken tree, and the
 * pages are looked at one by one. */
enum { BYTES_MAX = 1 << 30 };

/* Some page of [start, end) is in the linear map. */
static bool has_cached_name(u64 start, u64 end)
{
	u64 at;
	phys_t p;

	for (at = align_down(start, PAGE_SIZE); at < end; at += PAGE_SIZE)
		if (at < 1ull << ARCH_PHYS_BITS &&
		    arch_translate((u64)(uintptr_t)phys_to_virt(phys_make(at)), &p, NULL, NULL))
			return true;
	return false;
}

static const char *why_not(u64 start, u64 nr_bytes)
{
	u64 end;

	if (!nr_bytes)
		return "it is empty";
	if (add_overflows(start, nr_bytes, &end))
		return "it wraps";
	if (end > 1ull << arch_phys_bits())
		return "this CPU's physical addresses end below it";
	if (nr_bytes > BYTES_MAX)
		return "it is over 1 GiB, no device is";
	if (has_cached_name(start, end))
		return "it is memory, not a device";
	return NULL;
}

volatile void *ioremap(phys_t p, u64 nr_bytes)
{
	const char *why = why_not(p.v, nr_bytes);
	volatile void *regs = why ? NULL : arch_ioremap(p, nr_bytes);

	if (!regs)
		pr_err("ioremap: %#llx, %#llx bytes: %s", (unsigned long long)p.v,
		       (unsigned long long)nr_bytes, why ? why : "no room to map it");
	return regs;
}
