/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters by their Linux names; contracts in items.h. A CPU that serves while
 * we read may show in one number and not yet in another; differences are taken
 * so that none wraps below 0.
 */
#include "mm/stat/items.h"

#include "mm/mm.h"
#include "mm/page/pcp.h"

enum zone_item_index { ITEM_FREE_PAGES = 0, ITEM_FREE_CMA = 10 };
enum numa_item_index { NUMA_HIT, NUMA_MISS, NUMA_FOREIGN, NUMA_INTERLEAVE, NUMA_LOCAL, NUMA_OTHER };
enum node_item_index { ITEM_PAGE_TABLES = 38 };
enum { TORN_MOST = 4096 }; /* blocks another CPU may move while we read; generous */

const char *const zone_item_names[NR_ZONE_ITEMS] = {
	[ITEM_FREE_PAGES] = "nr_free_pages",
	"nr_zone_inactive_anon",
	"nr_zone_active_anon",
	"nr_zone_inactive_file",
	"nr_zone_active_file",
	"nr_zone_unevictable",
	"nr_zone_write_pending",
	"nr_mlock",
	"nr_bounce",
	"nr_zspages",
	[ITEM_FREE_CMA] = "nr_free_cma",
};

const char *const numa_item_names[NR_NUMA_ITEMS] = {
	[NUMA_HIT] = "numa_hit",         [NUMA_MISS] = "numa_miss",
	[NUMA_FOREIGN] = "numa_foreign", [NUMA_INTERLEAVE] = "numa_interleave",
	[NUMA_LOCAL] = "numa_local",     [NUMA_OTHER] = "numa_other",
};

const char *const node_item_names[NR_NODE_ITEMS] = {
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
	[ITEM_PAGE_TABLES] = "nr_page_table_pages",
	"nr_sec_page_table_pages",
	"nr_swapcached",
	"pgpromote_success",
	"pgpromote_candidate",
};

static u64 read_word(const u64 *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/* A count of events less a part of them that was read earlier or later. */
static u64 less(u64 all, u64 part)
{
	return all > part ? all - part : 0;
}

u64 zone_item(const struct zone *z, unsigned int i)
{
	BUG_ON_VAL(i >= NR_ZONE_ITEMS, i, z->id);
	if (i == ITEM_FREE_PAGES)
		return read_word(&z->nr_free);
	return i == ITEM_FREE_CMA ? read_word(&z->nr_free_cma) : 0;
}

u64 node_item(const struct node *n, unsigned int i)
{
	BUG_ON_VAL(i >= NR_NODE_ITEMS, i, n->id);
	return i == ITEM_PAGE_TABLES ? read_word(&n->nr_table_pages) : 0;
}

/*
 * A list counts in 32 bits, so what is served by caches wraps there. What was freed
 * to them follows from it and from what lies in them, so that served - freed is
 * what is held however often they wrapped. A drain that we see half of is none.
 */
static void add_order(struct zone_traffic *t, const struct pcp *p, unsigned int order)
{
	u64 drained = read_word(&p->drained[order]), refilled = read_word(&p->refilled[order]);
	u64 cached = 0, freed;
	u32 served = -(u32)drained;

	for (unsigned int mt = 0; mt < PCP_TYPES; mt++) {
		served += __atomic_load_n(&p->list[order][mt].taken, __ATOMIC_RELAXED);
		cached += pcp_blocks(&p->list[order][mt]);
	}
	if (served > ~0u - TORN_MOST)
		served = 0;
	freed = served + drained + cached - refilled;
	t->blocks_served += served;
	t->blocks_freed += freed;
	t->pages_served += (u64)served << order;
	t->pages_freed += freed << order;
}

/* Less freed than nothing: the caches have just wrapped, and more is held since. */
static void unwrap(u64 *served, u64 *freed)
{
	if ((s64)*freed >= 0)
		return;
	*served += 1ull << 32;
	*freed += 1ull << 32;
}

u64 zone_cached(const struct zone *z, unsigned int cpu)
{
	const struct pcp *p = pcp_of(z, cpu);

	return p ? pcp_pages(p) : 0;
}

static void add_cpu(struct zone_traffic *t, const struct pcp *p, bool local)
{
	u64 before = t->blocks_served;

	for (unsigned int order = 0; order < PCP_ORDERS; order++)
		add_order(t, p, order);
	t->blocks_served += read_word(&p->direct_alloc);
	t->blocks_freed += read_word(&p->direct_free);
	t->pages_served += read_word(&p->direct_alloc_pages);
	t->pages_freed += read_word(&p->direct_free_pages);
	t->local += local ? t->blocks_served - before : 0;
	t->miss += read_word(&p->numa_miss);
	t->foreign += read_word(&p->numa_foreign);
	t->interleave += read_word(&p->numa_interleave);
}

struct zone_traffic zone_traffic(const struct zone *z)
{
	struct zone_traffic t = { 0 };

	for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++) {
		const struct pcp *p = pcp_of(z, cpu);

		if (!p)
			continue;
		add_cpu(&t, p, cpu_to_node(cpu) == z->node);
		t.cached += zone_cached(z, cpu);
	}
	unwrap(&t.blocks_served, &t.blocks_freed);
	unwrap(&t.pages_served, &t.pages_freed);
	return t;
}

u64 numa_item(const struct zone_traffic *t, unsigned int i)
{
	const u64 value[NR_NUMA_ITEMS] = {
		[NUMA_HIT] = less(t->blocks_served, t->miss),
		[NUMA_MISS] = t->miss,
		[NUMA_FOREIGN] = t->foreign,
		[NUMA_INTERLEAVE] = t->interleave,
		[NUMA_LOCAL] = t->local,
		[NUMA_OTHER] = less(t->blocks_served, t->local),
	};

	BUG_ON_VAL(i >= NR_NUMA_ITEMS, i, 0);
	return value[i];
}
