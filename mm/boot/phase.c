/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stop watch with a dial per phase; see phase.h. One reading of the counter
 * ends a phase and begins the next, so nothing between two stages is lost.
 */
#include "mm/boot/phase.h"

#include "mm/boot/topology.h"

static struct mm_boot_cost cost;
static u64 last, later_pages;

void boot_phase_start(void)
{
	memset(&cost, 0, sizeof(cost));
	later_pages = 0;
	last = arch_count();
}

void boot_phase_end(enum mm_boot_phase phase)
{
	u64 now = arch_count();

	BUG_ON_VAL(phase >= NR_MM_BOOT_PHASES, phase, 0);
	cost.count[phase] += now - last;
	last = now;
}

void boot_phase_metadata(u64 nr_pages)
{
	later_pages += nr_pages;
}

const struct mm_boot_cost *mm_boot_cost(void)
{
	cost.metadata_pages = frames_metadata_pages() + later_pages;
	return &cost;
}
