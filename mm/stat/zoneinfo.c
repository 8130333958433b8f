/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/zoneinfo, byte for byte in the format of Linux 6.1 on arm64 (row 134):
 * every line it prints, in its order and spacing, so that parsers written for it
 * work. What this kernel does not have yet is printed as 0; our own lines come
 * last in a zone, with the prefix tm_.
 *
 * Counts are read without locks, each whole: a snapshot of a busy system may be
 * off by what happened in between, as Linux's is.
 */
#include "mm/boot/topology.h"
#include "mm/mm.h"

/* Node counters of the stages to come; the few we have stand out by name. */
static const char *const node_items[] = {
	"nr_inactive_anon",
	"nr_active_anon",
	"nr_inactive_file",
	"nr_active_file",
	"nr_unevictable",
	"nr_slab_reclaimable",
	"nr_slab_unreclaimable",
	"nr_isolated_anon",
	"nr_isolated_file",
	"workingset_nodes",
	"workingset_refault_anon",
	"workingset_refault_file",
	"workingset_activate_anon",
	"workingset_activate_file",
	"workingset_restore_anon",
	"workingset_restore_file",
	"workingset_nodereclaim",
	"nr_anon_pages",
	"nr_mapped",
	"nr_file_pages",
	"nr_dirty",
	"nr_writeback",
	"nr_writeback_temp",
	"nr_shmem",
	"nr_shmem_hugepages",
	"nr_shmem_pmdmapped",
	"nr_file_hugepages",
	"nr_file_pmdmapped",
	"nr_anon_transparent_hugepages",
	"nr_vmscan_write",
	"nr_vmscan_immediate_reclaim",
	"nr_dirtied",
	"nr_written",
	"nr_throttled_written",
	"nr_kernel_misc_reclaimable",
	"nr_foll_pin_acquired",
	"nr_foll_pin_released",
	"nr_kernel_stack",
	"nr_page_table_pages",
	"nr_sec_page_table_pages",
	"nr_swapcached",
	"pgpromote_success",
	"pgpromote_candidate",
};

/* Zone counters between nr_free_pages and nr_free_cma. */
static const char *const zone_items[] = {
	"nr_zone_inactive_anon",
	"nr_zone_active_anon",
	"nr_zone_inactive_file",
	"nr_zone_active_file",
	"nr_zone_unevictable",
	"nr_zone_write_pending",
	"nr_mlock",
	"nr_bounce",
	"nr_zspages",
};

static const char *const numa_items[] = {
	"numa_hit", "numa_miss", "numa_foreign", "numa_interleave", "numa_local", "numa_other",
};

static void item(struct out *out, const char *name, u64 value)
{
	out_printf(out, "\n      %-12s %llu", name, (unsigned long long)value);
}

static void print_node_items(struct out *out, const struct node *n)
{
	out_printf(out, "\n  per-node stats");
	for (unsigned int i = 0; i < ARRAY_SIZE(node_items); i++) {
		u64 value = 0;

		if (!strcmp(node_items[i], "nr_page_table_pages"))
			value = __atomic_load_n(&n->nr_table_pages, __ATOMIC_RELAXED);
		item(out, node_items[i], value);
	}
}

static void print_marks(struct out *out, const struct zone *z)
{
	const struct {
		const char *name;
		u64 value;
	} lines[] = {
		{ "boost", 0 },
		{ "min", z->wmark[WMARK_MIN] },
		{ "low", z->wmark[WMARK_LOW] },
		{ "high", z->wmark[WMARK_HIGH] },
		{ "spanned", z->spanned_pages },
		{ "present", z->present_pages },
		{ "managed", z->managed_pages },
		{ "cma", z->cma_pages },
	};

	out_printf(out, "\n  pages free     %llu", (unsigned long long)z->nr_free);
	for (unsigned int i = 0; i < ARRAY_SIZE(lines); i++)
		out_printf(out, "\n        %-8s %llu", lines[i].name,
			   (unsigned long long)lines[i].value);
	out_printf(out, "\n        protection: (%llu", (unsigned long long)z->lowmem_reserve[0]);
	for (unsigned int t = 1; t < NR_ZONE_TYPES; t++)
		out_printf(out, ", %llu", (unsigned long long)z->lowmem_reserve[t]);
	out_printf(out, ")");
}

static void print_pagesets(struct out *out, const struct zone *z)
{
	u64 online = cpus_online();

	out_printf(out, "\n  pagesets");
	for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (!(online >> cpu & 1))
			continue;
		out_printf(out, "\n    cpu: %u\n              count: %u", cpu, 0u);
		out_printf(out, "\n              high:  %u\n              batch: %u", z->pcp_high,
			   z->pcp_batch);
		out_printf(out, "\n  vm stats threshold: %u", z->stat_threshold);
	}
}

static void print_own(struct out *out, const struct zone *z)
{
	const struct {
		const char *name;
		u64 value;
	} lines[] = {
		{ "tm_alloc", z->nr_alloc },    { "tm_free", z->nr_freed },
		{ "tm_bad_free", z->bad_free }, { "tm_bad_page", z->bad_page },
		{ "tm_leaked", z->nr_leaked },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(lines); i++)
		item(out, lines[i].name, lines[i].value);
}

static void print_zone(struct out *out, const struct node *n, const struct zone *z, bool first)
{
	out_printf(out, "Node %u, zone %8s", n->id, z->name);
	if (first)
		print_node_items(out, n);
	print_marks(out, z);
	if (z->present_pages) {
		item(out, "nr_free_pages", z->nr_free);
		for (unsigned int i = 0; i < ARRAY_SIZE(zone_items); i++)
			item(out, zone_items[i], 0);
		item(out, "nr_free_cma", z->nr_free_cma);
		for (unsigned int i = 0; i < ARRAY_SIZE(numa_items); i++)
			item(out, numa_items[i], 0);
		print_pagesets(out, z);
		out_printf(out, "\n  node_unreclaimable:  %u\n  start_pfn:           %llu", 0u,
			   (unsigned long long)z->start.v);
		print_own(out, z);
	}
	out_printf(out, "\n");
}

void mm_view_zoneinfo(struct out *out)
{
	for (u32 id = 0; id < MAX_NODES; id++) {
		const struct node *n = node_table[id];
		bool seen = false;

		for (unsigned int t = 0; n && t < NR_ZONE_TYPES; t++) {
			const struct zone *z = &n->zone[t];

			print_zone(out, n, z, !seen && z->present_pages);
			seen |= z->present_pages != 0;
		}
	}
}
