/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shorter text views in the format of Linux 6.1 on arm64 (row 134):
 * buddyinfo, pagetypeinfo, meminfo, and the files of one node. Fields of
 * mechanisms that are not built yet print 0; lines of our own come last, with
 * the prefix tm_.
 *
 * Free lists are counted under the zone lock, one order of one zone a hold.
 */
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/buddy.h"
#include "mm/page/page_alloc.h"
#include "mm/page/pageblock.h"
#include "mm/page/reserves.h"
#include "mm/stat/items.h"
#include "mm/stat/vmstat.h"

#define KIB(pages) ((unsigned long long)(pages) << (PAGE_SHIFT - 10))

/* ---- free blocks ------------------------------------------------------------------ */

void mm_view_buddyinfo(struct out *out)
{
	for (struct zone *z = zone_next(0); z; z = zone_next(z->id + 1)) {
		out_printf(out, "Node %u, zone %8s ", z->node, z->name);
		for (unsigned int o = 0; o < NR_PAGE_ORDERS; o++) {
			u64 flags = spin_lock_irqsave(&z->lock);
			u64 blocks = buddy_blocks(&z->area[o]);

			spin_unlock_irqrestore(&z->lock, flags);
			out_printf(out, "%6llu ", (unsigned long long)blocks);
		}
		out_printf(out, "\n");
	}
}

static void print_free_types(struct out *out, const struct zone *z)
{
	for (unsigned int t = 0; t < MIGRATE_TYPES; t++) {
		out_printf(out, "Node %4u, zone %8s, type %12s ", z->node, z->name,
			   migratetype_name((enum migratetype)t));
		for (unsigned int o = 0; o < NR_PAGE_ORDERS; o++)
			out_printf(out, "%6u ", z->area[o].list[t].count);
		out_printf(out, "\n");
	}
}

/* Blocks whose first frame in the zone is RAM of the zone, as Linux counts. */
static void print_block_types(struct out *out, const struct zone *z)
{
	u64 count[MIGRATE_TYPES] = { 0 };

	for (u64 pfn = z->start.v; pfn < z->end.v; pfn = align_up(pfn + 1, PAGEBLOCK_PAGES)) {
		const struct page *page = pfn_to_page(pfn_make(pfn));

		if (page && frame_state(page) != PAGE_HOLE && frame_zone_id(page) == z->id)
			count[pageblock_type(pfn)]++;
	}
	out_printf(out, "Node %u, zone %8s ", z->node, z->name);
	for (unsigned int t = 0; t < MIGRATE_TYPES; t++)
		out_printf(out, "%12llu ", (unsigned long long)count[t]);
	out_printf(out, "\n");
}

static void print_node_types(struct out *out, const struct node *n)
{
	out_printf(out, "Page block order: %d\nPages per block:  %d\n\n", PAGEBLOCK_ORDER,
		   PAGEBLOCK_PAGES);
	out_printf(out, "%-43s ", "Free pages count per migrate type at order");
	for (unsigned int o = 0; o < NR_PAGE_ORDERS; o++)
		out_printf(out, "%6u ", o);
	out_printf(out, "\n");
	for (unsigned int t = 0; t < NR_ZONE_TYPES; t++)
		if (n->zone[t].present_pages)
			print_free_types(out, &n->zone[t]);
	out_printf(out, "\n%-23s", "Number of blocks type ");
	for (unsigned int t = 0; t < MIGRATE_TYPES; t++)
		out_printf(out, "%12s ", migratetype_name((enum migratetype)t));
	out_printf(out, "\n");
	for (unsigned int t = 0; t < NR_ZONE_TYPES; t++)
		if (n->zone[t].present_pages)
			print_block_types(out, &n->zone[t]);
}

void mm_view_pagetypeinfo(struct out *out)
{
	for (u32 id = 0; id < MAX_NODES; id++)
		if (nodes_with_memory() >> id & 1)
			print_node_types(out, node_table[id]);
	out_printf(out, "tm_alloc_fallback %llu\ntm_pageblock_steal %llu\n",
		   (unsigned long long)vm_event_sum(ALLOC_FALLBACK),
		   (unsigned long long)vm_event_sum(PAGEBLOCK_STEAL));
}

/* ---- sums ---------------------------------------------------------------------------- */

/* free is what free lists hold: pages in per-CPU caches are no part of it, nor of
 * anything else, as in Linux; tm_PcpPages says how many that are. */
struct sums {
	u64 managed, free, cma, free_cma, tables, cached;
};

static void add_node(struct sums *s, const struct node *n)
{
	s->tables += __atomic_load_n(&n->nr_table_pages, __ATOMIC_RELAXED);
	for (unsigned int t = 0; t < NR_ZONE_TYPES; t++) {
		const struct zone *z = &n->zone[t];

		s->managed += z->managed_pages;
		s->free += z->nr_free;
		s->cma += z->cma_pages;
		s->free_cma += z->nr_free_cma;
		for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++)
			s->cached += zone_cached(z, cpu);
	}
}

static void kib(struct out *out, const char *name, u64 pages)
{
	out_printf(out, "%-16s%8llu kB\n", name, KIB(pages));
}

static void zero_lines(struct out *out, const char *const *names, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		kib(out, names[i], 0);
}

static void print_meminfo_rest(struct out *out, const struct sums *s)
{
	static const char *const after_swap[] = {
		"AnonHugePages:", "ShmemHugePages:", "ShmemPmdMapped:",
		"FileHugePages:", "FilePmdMapped:",
	};

	kib(out, "PageTables:", s->tables);
	kib(out, "SecPageTables:", 0);
	kib(out, "NFS_Unstable:", 0);
	kib(out, "Bounce:", 0);
	kib(out, "WritebackTmp:", 0);
	kib(out, "CommitLimit:", s->managed / 2);
	kib(out, "Committed_AS:", 0);
	kib(out, "VmallocTotal:", 0);
	kib(out, "VmallocUsed:", 0);
	kib(out, "VmallocChunk:", 0);
	kib(out, "Percpu:", 0);
	out_printf(out, "HardwareCorrupted: %5u kB\n", 0u);
	zero_lines(out, after_swap, ARRAY_SIZE(after_swap));
	kib(out, "CmaTotal:", s->cma);
	kib(out, "CmaFree:", s->free_cma);
	out_printf(out, "HugePages_Total:   %5u\nHugePages_Free:    %5u\n", 0u, 0u);
	out_printf(out, "HugePages_Rsvd:    %5u\nHugePages_Surp:    %5u\n", 0u, 0u);
	kib(out, "Hugepagesize:", PAGEBLOCK_PAGES);
	kib(out, "Hugetlb:", 0);
	kib(out, "tm_PcpPages:", s->cached);
	kib(out, "tm_FrameArray:", frames_metadata_pages());
	out_printf(out, "%-16s%8llu\n",
		   "tm_ForeignFrees:", (unsigned long long)page_alloc_foreign_frees());
}

void mm_view_meminfo(struct out *out)
{
	static const char *const before_stack[] = {
		"Buffers:",        "Cached:",       "SwapCached:",     "Active:",
		"Inactive:",       "Active(anon):", "Inactive(anon):", "Active(file):",
		"Inactive(file):", "Unevictable:",  "Mlocked:",        "SwapTotal:",
		"SwapFree:",       "Zswap:",        "Zswapped:",       "Dirty:",
		"Writeback:",      "AnonPages:",    "Mapped:",         "Shmem:",
		"KReclaimable:",   "Slab:",         "SReclaimable:",   "SUnreclaim:",
		"KernelStack:",
	};
	struct sums s = { 0 };

	for (u32 id = 0; id < MAX_NODES; id++)
		if (node_table[id])
			add_node(&s, node_table[id]);
	kib(out, "MemTotal:", s.managed);
	kib(out, "MemFree:", s.free);
	kib(out, "MemAvailable:", s.free - min_u64(reserves_total(), s.free));
	zero_lines(out, before_stack, ARRAY_SIZE(before_stack));
	print_meminfo_rest(out, &s);
}

/* ---- one node --------------------------------------------------------------------------- */

static void node_kib(struct out *out, unsigned int node, const char *name, u64 pages)
{
	out_printf(out, "Node %u %-15s %8llu kB\n", node, name, KIB(pages));
}

void mm_view_node_meminfo(struct out *out, unsigned int node)
{
	static const char *const before_tables[] = {
		"SwapCached:",     "Active:",       "Inactive:",       "Active(anon):",
		"Inactive(anon):", "Active(file):", "Inactive(file):", "Unevictable:",
		"Mlocked:",        "Dirty:",        "Writeback:",      "FilePages:",
		"Mapped:",         "AnonPages:",    "Shmem:",          "KernelStack:",
	};
	static const char *const after_tables[] = {
		"SecPageTables:", "NFS_Unstable:",   "Bounce:",         "WritebackTmp:",
		"KReclaimable:",  "Slab:",           "SReclaimable:",   "SUnreclaim:",
		"AnonHugePages:", "ShmemHugePages:", "ShmemPmdMapped:", "FileHugePages:",
		"FilePmdMapped:",
	};
	const struct node *n = node_get(node);
	struct sums s = { 0 };

	if (!n)
		return;
	add_node(&s, n);
	node_kib(out, node, "MemTotal:", s.managed);
	node_kib(out, node, "MemFree:", s.free);
	node_kib(out, node, "MemUsed:", s.managed - min_u64(s.free, s.managed));
	for (unsigned int i = 0; i < ARRAY_SIZE(before_tables); i++)
		node_kib(out, node, before_tables[i], 0);
	node_kib(out, node, "PageTables:", s.tables);
	for (unsigned int i = 0; i < ARRAY_SIZE(after_tables); i++)
		node_kib(out, node, after_tables[i], 0);
	out_printf(out, "Node %u HugePages_Total: %5u\n", node, 0u);
	out_printf(out, "Node %u HugePages_Free:  %5u\n", node, 0u);
	out_printf(out, "Node %u HugePages_Surp:  %5u\n", node, 0u);
	node_kib(out, node, "tm_PcpPages:", s.cached);
}

void mm_view_node_distance(struct out *out, unsigned int node)
{
	const char *blank = "";

	for (u32 id = 0; node_get(node) && id < MAX_NODES; id++) {
		if (!(nodes_online() >> id & 1))
			continue;
		out_printf(out, "%s%u", blank, node_distance(node, id));
		blank = " ";
	}
	out_printf(out, "\n");
}

void mm_view_node_cpulist(struct out *out, unsigned int node)
{
	const struct node *n = node_get(node);

	out_mask(out, n ? n->cpus & cpus_online() : 0);
	out_printf(out, "\n");
}
