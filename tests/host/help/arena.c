/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machines that can be put back to a kept state; contracts in arena.h. The state
 * is a list of pieces of memory: what there is one of comes first, descriptors and
 * pageblocks last, all of them or those of a window.
 */
#include "help/arena.h"

#include <stdlib.h>
#include <string.h>

#include "help/ghost.h"
#include "mm/boot/topology.h"
#include "mm/page/pageblock.h"
#include "mm/page/pcp.h"

enum { MAX_PARTS = 256 };

/* One piece of memory that belongs to the state. */
struct part {
	void *at;
	u64 nr_bytes;
};

static struct part part[MAX_PARTS];
static unsigned int nr_parts;
static unsigned int nr_fixed; /* parts that are neither descriptors nor pageblocks */
static char *kept;

static void add_part(void *at, u64 nr_bytes)
{
	if (nr_parts == MAX_PARTS)
		abort();
	part[nr_parts++] = (struct part){ at, nr_bytes };
}

static void add_frames(u64 start, u64 end)
{
	u64 first = start / PAGEBLOCK_PAGES, last = (end - 1) / PAGEBLOCK_PAGES;

	add_part(frame(start), (end - start) * sizeof(struct page));
	add_part(pageblock_entry(start), (last - first + 1) * sizeof(struct pageblock));
}

static void learn_parts(void)
{
	nr_parts = 0;
	for (u32 id = 0; id < MAX_NODES; id++)
		if (node_table[id])
			add_part(node_table[id], sizeof(struct node));
	for (struct zone *z = zone_next(0); z; z = zone_next(z->id + 1))
		for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++)
			if (z->pcp[cpu])
				add_part(z->pcp[cpu], sizeof(struct pcp));
	nr_fixed = nr_parts;
}

static u64 sum_bytes(void)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < nr_parts; i++)
		sum += part[i].nr_bytes;
	return sum;
}

static void copy(char *kept_at, bool out)
{
	for (unsigned int i = 0; i < nr_parts; i++) {
		if (out)
			memcpy(kept_at, part[i].at, part[i].nr_bytes);
		else
			memcpy(part[i].at, kept_at, part[i].nr_bytes);
		kept_at += part[i].nr_bytes;
	}
}

static void use_all_frames(void)
{
	u32 nr;
	const struct memblock_span *span = ram_spans(&nr);

	nr_parts = nr_fixed;
	for (u32 i = 0; i < nr; i++)
		add_frames(span[i].start.v, span[i].end.v);
}

static void use_frames(u64 start, u64 end)
{
	nr_parts = nr_fixed;
	add_frames(start, end);
}

void arena_save(void)
{
	use_all_frames();
	free(kept);
	kept = malloc(sum_bytes());
	copy(kept, true);
	ghost_save();
}

void arena_restore(void)
{
	use_all_frames();
	copy(kept, false);
	ghost_restore();
}

void arena_boot(const struct machine *m)
{
	machine_boot(m);
	learn_parts();
	ghost_init();
	ghost_check();
	arena_save();
}

u64 arena_bytes(u64 start, u64 end)
{
	use_frames(start, end);
	return sum_bytes();
}

void arena_copy_out(void *to, u64 start, u64 end)
{
	use_frames(start, end);
	copy(to, true);
}

void arena_copy_in(const void *from, u64 start, u64 end)
{
	use_frames(start, end);
	copy((char *)(uintptr_t)from, false);
}
