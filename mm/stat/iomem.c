/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/iomem: physical memory as Linux prints it (row 134). A bank is "System
 * RAM"; indented inside stand the Image's parts and everything reserved. Memory
 * that must not be mapped is "reserved" at the outer level. Devices are listed
 * by their drivers' registers elsewhere (`dt`), not here.
 *
 * Reads what boot recorded, which is constant; ends are inclusive as in Linux.
 */
#include "mm/boot/topology.h"
#include "mm/mm.h"

static void line(struct out *out, bool inner, u64 start, u64 end, const char *name)
{
	if (start < end)
		out_printf(out, "%s%08llx-%08llx : %s\n", inner ? "  " : "",
			   (unsigned long long)start, (unsigned long long)end - 1, name);
}

/* The part of [start, end) that lies in the bank. */
static void inner_line(struct out *out, const struct memblock_span *bank, u64 start, u64 end,
		       const char *name)
{
	u64 bank_start = pfn_to_phys(bank->start).v, bank_end = pfn_to_phys(bank->end).v;

	line(out, true, max_u64(start, bank_start), min_u64(end, bank_end), name);
}

static void print_record(struct out *out, const struct memblock_span *bank,
			 const struct mem_record *r)
{
	const struct arch_image *image = arch_image();

	if (r->reason != MEM_KERNEL) {
		inner_line(out, bank, r->start.v, r->end.v, "reserved");
		return;
	}
	inner_line(out, bank, r->start.v, image->text_end.v, "Kernel code");
	inner_line(out, bank, max_u64(r->start.v, image->text_end.v), image->rodata_end.v,
		   "reserved");
	inner_line(out, bank, max_u64(r->start.v, image->rodata_end.v), r->end.v, "Kernel data");
}

void mm_view_iomem(struct out *out)
{
	const struct boot_info *bi = boot_info();
	u32 nr;
	const struct memblock_span *bank = ram_spans(&nr);

	for (u32 i = 0; i < nr; i++) {
		bool no_map = bank[i].flags & MEMBLOCK_NOMAP;

		line(out, false, pfn_to_phys(bank[i].start).v, pfn_to_phys(bank[i].end).v,
		     no_map ? "reserved" : "System RAM");
		for (u32 r = 0; !no_map && r < bi->nr_records; r++)
			print_record(out, &bank[i], &bi->records[r]);
	}
}
