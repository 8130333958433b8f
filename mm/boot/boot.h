/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stages of mm_boot() after memblock is filled, in the order in which
 * boot.c calls them. Each file does one; what it needs and what exists
 * afterwards stands at its prototype. Boot CPU, no lock, no failure: what
 * cannot be built ends in panic() with the reason.
 */
#ifndef MM_BOOT_BOOT_H
#define MM_BOOT_BOOT_H

#include "mm/boot/intake.h"

/*
 * frames.c: back the descriptors and the pageblock map of all RAM, each node's
 * part from its own memory (rows 2, 4); write every descriptor once, as
 * reserved. Needs memblock and node ids. After: pfn_to_page() works.
 */
void frames_init(const struct boot_info *bi);

/*
 * nodes.c: node structures in the node's own memory or its nearest's
 * (rows 10, 13, 15), fallback orders by distance. After: node_get() works.
 */
void nodes_init(const struct boot_info *bi);

/*
 * zones.c: zone borders from DMA limit, kernelcore= and movablecore= (rows
 * 17-19), counts (row 7), zonelists (rows 20, 21). No page is free yet.
 */
void zones_init(const struct boot_info *bi);

/*
 * zones.c: give every free span of memblock to the buddy lists, then marks and
 * reserves (rows 24-26, 30-32). After: alloc_pages() works; the caller retires
 * memblock.
 */
void zones_hand_over(const struct boot_info *bi);

#endif
