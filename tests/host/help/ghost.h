/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second opinion about every page: an array that knows who owns which frame,
 * with which order, kept by the test from what it asked for and got. After each
 * operation ghost_check() walks the real structures and compares them with the
 * array, frame by frame and link by link. It shares no code with mm/stat/check.
 */
#ifndef HOST_HELP_GHOST_H
#define HOST_HELP_GHOST_H

#include "mm/mm.h"

/* Learn from the machine's zones which frames are managed and free now. */
void ghost_init(void);
/* The allocator answered with this block, asked for by gfp: it must be aligned,
 * free in the model, of one zone that gfp permits; then it is owned. */
void ghost_alloced(struct page *page, unsigned int order, gfp_t gfp);
/* We gave the block back. */
void ghost_freed(struct page *page, unsigned int order);
/* A block the allocator leaked on purpose. */
void ghost_leaked(struct page *page, unsigned int order);
/* Compare everything; a difference fails the test with both sides printed. */
void ghost_check(void);
/* Free frames the model knows, CMA not counted. */
u64 ghost_free_pages(void);

#endif
