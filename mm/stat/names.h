/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of mm in words, for every view and report: GFP flags, zone types.
 * Pure; no lock, any context.
 */
#ifndef MM_STAT_NAMES_H
#define MM_STAT_NAMES_H

#include "mm/mm.h"

/*
 * The flags as Linux prints them: the largest combination that has a name, then
 * what is over, joined by '|'; "none" for 0, unknown bits as 0x... . Any.
 */
void mm_print_gfp(struct out *out, gfp_t gfp);
/* "DMA" ... ; "?" for what is none. Any. */
const char *mm_zone_type_name(u32 type);

#endif
