/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flat counters in the format of Linux 6.1 (row 134): /proc/vmstat, and
 * vmstat and numastat of one node. Every line it prints, in its order; what this
 * kernel does not have is 0, and our own lines come last with the prefix tm_.
 * The numbers are those of items.c and vmstat.c; nothing is counted here.
 */
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/stat/items.h"
#include "mm/stat/vmstat.h"

enum source {
	NOT_HERE,
	FROM_EVENT,  /* arg: enum vm_event */
	FROM_SERVED, /* pages, by arg: enum zone_type */
	FROM_FREED,  /* pages */
};

static const struct {
	const char *name;
	u8 source, arg;
} events[] = {
	{ "nr_dirty_threshold", NOT_HERE, 0 },
	{ "nr_dirty_background_threshold", NOT_HERE, 0 },
	{ "pgpgin", NOT_HERE, 0 },
	{ "pgpgout", NOT_HERE, 0 },
	{ "pswpin", NOT_HERE, 0 },
	{ "pswpout", NOT_HERE, 0 },
	{ "pgalloc_dma", FROM_SERVED, ZONE_DMA },
	{ "pgalloc_dma32", FROM_SERVED, ZONE_DMA32 },
	{ "pgalloc_normal", FROM_SERVED, ZONE_NORMAL },
	{ "pgalloc_movable", FROM_SERVED, ZONE_MOVABLE },
	{ "allocstall_dma", FROM_EVENT, ALLOCSTALL_DMA },
	{ "allocstall_dma32", FROM_EVENT, ALLOCSTALL_DMA32 },
	{ "allocstall_normal", FROM_EVENT, ALLOCSTALL_NORMAL },
	{ "allocstall_movable", FROM_EVENT, ALLOCSTALL_MOVABLE },
	{ "pgskip_dma", NOT_HERE, 0 },
	{ "pgskip_dma32", NOT_HERE, 0 },
	{ "pgskip_normal", NOT_HERE, 0 },
	{ "pgskip_movable", NOT_HERE, 0 },
	{ "pgfree", FROM_FREED, 0 },
	{ "pgactivate", NOT_HERE, 0 },
	{ "pgdeactivate", NOT_HERE, 0 },
	{ "pglazyfree", NOT_HERE, 0 },
	{ "pgfault", NOT_HERE, 0 },
	{ "pgmajfault", NOT_HERE, 0 },
	{ "pglazyfreed", NOT_HERE, 0 },
	{ "pgrefill", NOT_HERE, 0 },
	{ "pgreuse", NOT_HERE, 0 },
	{ "pgsteal_kswapd", NOT_HERE, 0 },
	{ "pgsteal_direct", NOT_HERE, 0 },
	{ "pgdemote_kswapd", NOT_HERE, 0 },
	{ "pgdemote_direct", NOT_HERE, 0 },
	{ "pgscan_kswapd", NOT_HERE, 0 },
	{ "pgscan_direct", NOT_HERE, 0 },
	{ "pgscan_direct_throttle", NOT_HERE, 0 },
	{ "pgscan_anon", NOT_HERE, 0 },
	{ "pgscan_file", NOT_HERE, 0 },
	{ "pgsteal_anon", NOT_HERE, 0 },
	{ "pgsteal_file", NOT_HERE, 0 },
	{ "zone_reclaim_failed", NOT_HERE, 0 },
	{ "pginodesteal", NOT_HERE, 0 },
	{ "slabs_scanned", NOT_HERE, 0 },
	{ "kswapd_inodesteal", NOT_HERE, 0 },
	{ "kswapd_low_wmark_hit_quickly", NOT_HERE, 0 },
	{ "kswapd_high_wmark_hit_quickly", NOT_HERE, 0 },
	{ "pageoutrun", NOT_HERE, 0 },
	{ "pgrotated", NOT_HERE, 0 },
	{ "drop_pagecache", NOT_HERE, 0 },
	{ "drop_slab", NOT_HERE, 0 },
	{ "oom_kill", FROM_EVENT, OOM_KILL },
	{ "numa_pte_updates", NOT_HERE, 0 },
	{ "numa_huge_pte_updates", NOT_HERE, 0 },
	{ "numa_hint_faults", NOT_HERE, 0 },
	{ "numa_hint_faults_local", NOT_HERE, 0 },
	{ "numa_pages_migrated", NOT_HERE, 0 },
	{ "pgmigrate_success", NOT_HERE, 0 },
	{ "pgmigrate_fail", NOT_HERE, 0 },
	{ "thp_migration_success", NOT_HERE, 0 },
	{ "thp_migration_fail", NOT_HERE, 0 },
	{ "thp_migration_split", NOT_HERE, 0 },
	{ "compact_migrate_scanned", NOT_HERE, 0 },
	{ "compact_free_scanned", NOT_HERE, 0 },
	{ "compact_isolated", NOT_HERE, 0 },
	{ "compact_stall", FROM_EVENT, COMPACT_STALL },
	{ "compact_fail", FROM_EVENT, COMPACT_FAIL },
	{ "compact_success", FROM_EVENT, COMPACT_DIRECT_SUCCESS },
	{ "compact_daemon_wake", NOT_HERE, 0 },
	{ "compact_daemon_migrate_scanned", NOT_HERE, 0 },
	{ "compact_daemon_free_scanned", NOT_HERE, 0 },
	{ "htlb_buddy_alloc_success", NOT_HERE, 0 },
	{ "htlb_buddy_alloc_fail", NOT_HERE, 0 },
	{ "cma_alloc_success", NOT_HERE, 0 },
	{ "cma_alloc_fail", NOT_HERE, 0 },
	{ "unevictable_pgs_culled", NOT_HERE, 0 },
	{ "unevictable_pgs_scanned", NOT_HERE, 0 },
	{ "unevictable_pgs_rescued", NOT_HERE, 0 },
	{ "unevictable_pgs_mlocked", NOT_HERE, 0 },
	{ "unevictable_pgs_munlocked", NOT_HERE, 0 },
	{ "unevictable_pgs_cleared", NOT_HERE, 0 },
	{ "unevictable_pgs_stranded", NOT_HERE, 0 },
	{ "thp_fault_alloc", NOT_HERE, 0 },
	{ "thp_fault_fallback", NOT_HERE, 0 },
	{ "thp_fault_fallback_charge", NOT_HERE, 0 },
	{ "thp_collapse_alloc", NOT_HERE, 0 },
	{ "thp_collapse_alloc_failed", NOT_HERE, 0 },
	{ "thp_file_alloc", NOT_HERE, 0 },
	{ "thp_file_fallback", NOT_HERE, 0 },
	{ "thp_file_fallback_charge", NOT_HERE, 0 },
	{ "thp_file_mapped", NOT_HERE, 0 },
	{ "thp_split_page", NOT_HERE, 0 },
	{ "thp_split_page_failed", NOT_HERE, 0 },
	{ "thp_deferred_split_page", NOT_HERE, 0 },
	{ "thp_split_pmd", NOT_HERE, 0 },
	{ "thp_scan_exceed_none_pte", NOT_HERE, 0 },
	{ "thp_scan_exceed_swap_pte", NOT_HERE, 0 },
	{ "thp_scan_exceed_share_pte", NOT_HERE, 0 },
	{ "thp_zero_page_alloc", NOT_HERE, 0 },
	{ "thp_zero_page_alloc_failed", NOT_HERE, 0 },
	{ "thp_swpout", NOT_HERE, 0 },
	{ "thp_swpout_fallback", NOT_HERE, 0 },
	{ "balloon_inflate", NOT_HERE, 0 },
	{ "balloon_deflate", NOT_HERE, 0 },
	{ "balloon_migrate", NOT_HERE, 0 },
	{ "swap_ra", NOT_HERE, 0 },
	{ "swap_ra_hit", NOT_HERE, 0 },
	{ "ksm_swpin_copy", NOT_HERE, 0 },
	{ "cow_ksm", NOT_HERE, 0 },
	{ "zswpin", NOT_HERE, 0 },
	{ "zswpout", NOT_HERE, 0 },
	{ "nr_unstable", NOT_HERE, 0 },
	{ "tm_alloc_long", FROM_EVENT, PGALLOC_LONG },
	{ "tm_alloc_slowpath", FROM_EVENT, ALLOC_SLOWPATH },
	{ "tm_alloc_failed", FROM_EVENT, ALLOC_FAILED },
	{ "tm_bad_request", FROM_EVENT, ALLOC_REFUSED },
	{ "tm_limits_retry", FROM_EVENT, COOKIE_RETRY },
	{ "tm_kswapd_wake", FROM_EVENT, KSWAPD_WAKE },
	{ "tm_alloc_fallback", FROM_EVENT, ALLOC_FALLBACK },
	{ "tm_pageblock_steal", FROM_EVENT, PAGEBLOCK_STEAL },
	{ "tm_watermark_boost", FROM_EVENT, BOOST },
	{ "tm_highatomic_reserve", FROM_EVENT, HIGHATOMIC_RESERVE },
	{ "tm_highatomic_unreserve", FROM_EVENT, HIGHATOMIC_UNRESERVE },
	{ "tm_pcp_refill", FROM_EVENT, PCP_REFILL },
	{ "tm_pcp_drain", FROM_EVENT, PCP_DRAIN },
	{ "tm_drain_all", FROM_EVENT, DRAIN_ALL },
	{ "tm_fault_injected", FROM_EVENT, FAULT_INJECTED },
};

/* Sums over some zones. */
struct totals {
	u64 zone_item[NR_ZONE_ITEMS];
	u64 numa_item[NR_NUMA_ITEMS];
	u64 node_item[NR_NODE_ITEMS];
	u64 served[NR_ZONE_TYPES], freed, cached; /* pages */
};

static void add_zone(struct totals *sum, const struct zone *z)
{
	struct zone_traffic t = zone_traffic(z);

	for (unsigned int i = 0; i < NR_ZONE_ITEMS; i++)
		sum->zone_item[i] += zone_item(z, i);
	for (unsigned int i = 0; i < NR_NUMA_ITEMS; i++)
		sum->numa_item[i] += numa_item(&t, i);
	sum->served[z->type] += t.pages_served;
	sum->freed += t.pages_freed;
	sum->cached += t.cached;
}

static void add_node(struct totals *sum, const struct node *n)
{
	for (unsigned int i = 0; i < NR_NODE_ITEMS; i++)
		sum->node_item[i] += node_item(n, i);
	for (unsigned int t = 0; t < NR_ZONE_TYPES; t++)
		if (n->zone[t].present_pages)
			add_zone(sum, &n->zone[t]);
}

static void line(struct out *out, const char *name, u64 value)
{
	out_printf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void print_items(struct out *out, const struct totals *sum)
{
	for (unsigned int i = 0; i < NR_ZONE_ITEMS; i++)
		line(out, zone_item_names[i], sum->zone_item[i]);
	for (unsigned int i = 0; i < NR_NUMA_ITEMS; i++)
		line(out, numa_item_names[i], sum->numa_item[i]);
	for (unsigned int i = 0; i < NR_NODE_ITEMS; i++)
		line(out, node_item_names[i], sum->node_item[i]);
}

static u64 event_value(const struct totals *sum, u8 source, u8 arg)
{
	switch ((enum source)source) {
	case NOT_HERE:
		return 0;
	case FROM_EVENT:
		return vm_event_sum((enum vm_event)arg);
	case FROM_SERVED:
		return sum->served[arg];
	case FROM_FREED:
		return sum->freed;
	}
	return 0;
}

void mm_view_vmstat(struct out *out)
{
	struct totals sum = { 0 };

	for (u32 id = 0; id < MAX_NODES; id++)
		if (node_table[id])
			add_node(&sum, node_table[id]);
	print_items(out, &sum);
	for (unsigned int i = 0; i < ARRAY_SIZE(events); i++)
		line(out, events[i].name, event_value(&sum, events[i].source, events[i].arg));
	line(out, "tm_pcp_pages", sum.cached);
}

void mm_view_node_vmstat(struct out *out, unsigned int node)
{
	const struct node *n = node_get(node);
	struct totals sum = { 0 };

	if (!n)
		return;
	add_node(&sum, n);
	print_items(out, &sum);
}

void mm_view_node_numastat(struct out *out, unsigned int node)
{
	static const char *const names[NR_NUMA_ITEMS] = {
		"numa_hit",       "numa_miss",  "numa_foreign",
		"interleave_hit", "local_node", "other_node",
	};
	const struct node *n = node_get(node);
	struct totals sum = { 0 };

	if (!n)
		return;
	add_node(&sum, n);
	for (unsigned int i = 0; i < NR_NUMA_ITEMS; i++)
		line(out, names[i], sum.numa_item[i]);
}
