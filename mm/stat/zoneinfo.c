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
#include "mm/stat/items.h"

static void item(struct out *out, const char *name, u64 value)
{
	out_printf(out, "\n      %-12s %llu", name, (unsigned long long)value);
}

static void print_node_items(struct out *out, const struct node *n)
{
	out_printf(out, "\n  per-node stats");
	for (unsigned int i = 0; i < NR_NODE_ITEMS; i++)
		item(out, node_item_names[i], node_item(n, i));
}

/* Marks as they count now, so with the boost on top, which also stands alone. */
static void print_marks(struct out *out, const struct zone *z)
{
	u64 boost = __atomic_load_n(&z->boost, __ATOMIC_RELAXED);
	const struct {
		const char *name;
		u64 value;
	} lines[] = {
		{ "boost", boost },
		{ "min", z->wmark[WMARK_MIN] + boost },
		{ "low", z->wmark[WMARK_LOW] + boost },
		{ "high", z->wmark[WMARK_HIGH] + boost },
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
		out_printf(out, "\n    cpu: %u\n              count: %llu", cpu,
			   (unsigned long long)zone_cached(z, cpu));
		out_printf(out, "\n              high:  %u\n              batch: %u", z->pcp_high,
			   z->pcp_batch);
		out_printf(out, "\n  vm stats threshold: %u", z->stat_threshold);
	}
}

static void print_floors(struct out *out, const struct zone *z)
{
	out_printf(out, "\n      tm_floor     (%llu", (unsigned long long)z->floor[0]);
	for (unsigned int band = 1; band < NR_BANDS; band++)
		out_printf(out, ", %llu", (unsigned long long)z->floor[band]);
	out_printf(out, ")");
}

static void print_own(struct out *out, const struct zone *z, const struct zone_traffic *t)
{
	const struct {
		const char *name;
		u64 value;
	} lines[] = {
		{ "tm_alloc", z->nr_alloc },
		{ "tm_free", z->nr_freed },
		{ "tm_pages_served", t->pages_served },
		{ "tm_pages_freed", t->pages_freed },
		{ "tm_pcp_pages", t->cached },
		{ "tm_highatomic", z->nr_highatomic },
		{ "tm_free_highatomic", z->nr_free_highatomic },
		{ "tm_guard", z->nr_guard },
		{ "tm_bad_free", z->bad_free },
		{ "tm_bad_page", z->bad_page },
		{ "tm_leaked", z->nr_leaked },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(lines); i++)
		item(out, lines[i].name, lines[i].value);
	print_floors(out, z);
}

/* What only zones with memory have. */
static void print_counts(struct out *out, const struct zone *z)
{
	struct zone_traffic t = zone_traffic(z);

	for (unsigned int i = 0; i < NR_ZONE_ITEMS; i++)
		item(out, zone_item_names[i], zone_item(z, i));
	for (unsigned int i = 0; i < NR_NUMA_ITEMS; i++)
		item(out, numa_item_names[i], numa_item(&t, i));
	print_pagesets(out, z);
	out_printf(out, "\n  node_unreclaimable:  %u\n  start_pfn:           %llu", 0u,
		   (unsigned long long)z->start.v);
	print_own(out, z, &t);
}

static void print_zone(struct out *out, const struct node *n, const struct zone *z, bool first)
{
	out_printf(out, "Node %u, zone %8s", n->id, z->name);
	if (first)
		print_node_items(out, n);
	print_marks(out, z);
	if (z->present_pages)
		print_counts(out, z);
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
