/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second opinion about every page: an array that knows who owns which frame,
 * with which order, kept by the test from what it asked for and got. After each
 * operation ghost_check() walks the real structures and compares them with the
 * array, block by block and link by link: free lists, per-CPU caches, counts of
 * zones and pageblocks. It shares no code with mm/stat/check.
 */
#ifndef HOST_HELP_GHOST_H
#define HOST_HELP_GHOST_H

#include "mm/mm.h"

/* A request as its caller meant it; the model judges the answer by this alone. */
struct ghost_ask {
	gfp_t gfp;
	unsigned int order;
	int node;  /* asked for; NODE_NONE: by policy */
	u64 nodes; /* where it may come from; 0: anywhere */
	u32 band;  /* of the ladder; NR_BANDS: the floor is not looked at */
	u16 owner; /* anything; ghost_owner() tells it again */
};

/* Learn from the machine's zones which frames are managed and free now. */
void ghost_init(void);
/* Take the state of the model, or put it back; one state is kept. */
void ghost_save(void);
void ghost_restore(void);
/* The model's bytes of a frame and those that follow, to be kept and put back by
 * who goes to and fro between thousands of states. */
u8 *ghost_bytes(u64 pfn);

/* The allocator answered with this block: it must be aligned, free in the model,
 * of one zone and node that the request permits, leave its zone at least the
 * floor and the reserve, and be clear if that was asked for. Then it is owned. */
void ghost_served(const struct ghost_ask *ask, struct page *page);
/* The same for the first nr pages of a block whose others went back at once: each
 * is an owned block of its own. */
void ghost_served_part(const struct ghost_ask *ask, struct page *page, u64 nr);
/* The same, knowing no more than flags. */
void ghost_alloced(struct page *page, unsigned int order, gfp_t gfp);
/* The allocator had nothing: no permitted zone may be above the floor with a
 * block of the order in reach. Only where caches are drained before failing. */
void ghost_refused(const struct ghost_ask *ask);
/* We gave the block back. */
void ghost_freed(struct page *page, unsigned int order);
/* A block the allocator leaked on purpose. */
void ghost_leaked(struct page *page, unsigned int order);
u16 ghost_owner(const struct page *page);

/* Compare everything; a difference fails the test with both sides printed. */
void ghost_check(void);
/* Instead of failing the test: called with the finding; must not return. */
extern void (*ghost_failed)(const char *text);
/* Free frames the model knows, cached ones too, CMA not counted. */
u64 ghost_free_pages(void);

#endif
