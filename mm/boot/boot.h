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
 * frames.c: address space and backing for the descriptors and the pageblock map
 * of all RAM, each node's part from its own memory (rows 2, 4); remembers the
 * banks. Needs memblock with node ids. Descriptors are written at the hand-over,
 * once, when their zones are known; nobody reads one before.
 */
void frames_init(const struct boot_info *bi);

/*
 * nodes.c: node structures in the node's own memory or its nearest's
 * (rows 10, 13-15), fallback orders by distance (row 21). After: node_get(),
 * cpu_to_node() and node_distance() work.
 */
void nodes_init(const struct boot_info *bi);

/*
 * zones.c: zone borders from DMA limit, kernelcore= and movablecore= (rows
 * 17-19), spanned and present counts (row 7), zonelists (rows 20, 21). After it
 * only zones_prepare() and intake_records() allocate from memblock.
 */
void zones_init(const struct boot_info *bi);

/*
 * page/hand_over.c: the page caches of every CPU. After zones_init() and before
 * the records, which shall list them.
 */
void zones_prepare(void);

/*
 * page/hand_over.c: write every descriptor once, give every free span of
 * memblock and every CMA area to the buddy lists, then marks and reserves (rows
 * 24-26, 30-32). After: alloc_pages() works; the caller retires memblock.
 */
void zones_hand_over(const struct boot_info *bi);

#endif
