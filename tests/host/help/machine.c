/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds memblock and the boot_info from a struct machine and runs the real
 * stages over them. boot_info() and boot_cpu_node() are weak: a program that
 * links the real intake gets intake's.
 */
#include "help/machine.h"

#include <string.h>

#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/stat/owner.h"

static struct boot_info info;
static struct boot_cma cma_areas[4];
static unsigned int cpu_nodes[MAX_CPUS];

__attribute__((weak)) const struct boot_info *boot_info(void)
{
	return &info;
}

__attribute__((weak)) u32 boot_cpu_node(unsigned int cpu)
{
	return cpu_nodes[cpu];
}

struct boot_info *machine_info(void)
{
	return &info;
}

void machine_records(const struct mem_record *records, u32 nr)
{
	info.records = records;
	info.nr_records = nr;
}

static void set_distances(const struct machine *m)
{
	for (u32 a = 0; a < MAX_NODES; a++)
		for (u32 b = 0; b < MAX_NODES; b++)
			info.distance[a][b] = a == b ? 10 : 20;
	for (u32 a = 0; m->distance[0][0] && a < 4; a++)
		for (u32 b = 0; b < 4; b++)
			info.distance[a][b] = m->distance[a][b];
}

static void set_options(const struct machine *m)
{
	static const u32 ratio[NR_ZONE_TYPES] = { 256, 256, 32, 0 };

	info.options = m->options;
	if (!info.options.watermark_scale_factor)
		info.options.watermark_scale_factor = 10;
	if (!info.options.lowmem_reserve_ratio[0])
		memcpy(info.options.lowmem_reserve_ratio, ratio, sizeof(ratio));
}

static void add_banks(const struct machine *m)
{
	for (u32 i = 0; i < MACHINE_BANKS && m->bank[i].end; i++) {
		phys_t start = phys_make(m->bank[i].start), end = phys_make(m->bank[i].end);

		fake_ram(start.v, end.v, false);
		memblock_add(start, end, m->bank[i].node);
		if (m->bank[i].flags)
			memblock_set_flags(start, end, m->bank[i].flags);
		info.memory_nodes |= 1ull << m->bank[i].node;
	}
	info.nodes = info.memory_nodes | m->extra_nodes;
}

/* As boot does it: banks may share a page. */
static void map_ram(void)
{
	struct memblock_cursor c = { 0 };
	struct memblock_span s;

	while (memblock_next_memory(&c, &s))
		if (!(s.flags & MEMBLOCK_NOMAP))
			fake_map(pfn_to_phys(s.start).v, pfn_to_phys(s.end).v);
	memblock_use_linear_map();
}

static void add_reservations(const struct machine *m)
{
	for (u32 i = 0; i < MACHINE_BANKS && m->reserved[i].end; i++)
		memblock_reserve(phys_make(m->reserved[i].start), phys_make(m->reserved[i].end),
				 MEM_RESERVED, "test");
	for (u32 i = 0; i < 4 && m->cma[i].end; i++) {
		struct boot_cma *area = &cma_areas[info.nr_cma++];

		area->start = phys_make(m->cma[i].start);
		area->end = phys_make(m->cma[i].end);
		memblock_reserve(area->start, area->end, MEM_CMA, "cma");
		for (u32 b = 0; b < MACHINE_BANKS && m->bank[b].end; b++)
			if (area->start.v >= m->bank[b].start && area->start.v < m->bank[b].end)
				area->node = m->bank[b].node;
	}
	info.cma = cma_areas;
}

void machine_boot_zones(const struct machine *m)
{
	fake_reset();
	memset(&info, 0, sizeof(info));
	memblock_init();
	add_banks(m);
	map_ram();
	set_distances(m);
	set_options(m);
	info.numa = info.nodes != 1;
	info.dma_end = phys_make(m->dma_end ? m->dma_end : GIB(4));
	memblock_set_distances(info.distance);
	memcpy(cpu_nodes, m->cpu_node, sizeof(cpu_nodes));
	fake_cpus(m->nr_cpus ? m->nr_cpus : 1, cpu_nodes);
	add_reservations(m);
	frames_init(&info);
	owner_init();
	nodes_init(&info);
	zones_init(&info);
}

void machine_boot(const struct machine *m)
{
	machine_boot_zones(m);
	zones_prepare();
	zones_hand_over(&info);
	memblock_retire();
}

u64 unowned_pages(void)
{
	return mm_free_pages() + mm_cached_pages();
}
