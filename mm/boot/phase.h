/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each phase of the memory side's boot cost, in the units of arch_count()
 * (Q16): mm_boot() starts the clock once and each stage names what it has just
 * finished. Boot CPU only; read by mm_boot_cost() in mm/mm.h.
 */
#ifndef MM_BOOT_PHASE_H
#define MM_BOOT_PHASE_H

#include "mm/mm.h"

/* Begin; forgets what was measured before. */
void boot_phase_start(void);
/* All since the last call of either belongs to this phase; phases add up. */
void boot_phase_end(enum mm_boot_phase phase);
/* Pages of metadata beside the frame array, of a later room. */
void boot_phase_metadata(u64 nr_pages);

#endif
