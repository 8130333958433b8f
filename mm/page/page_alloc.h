/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rest of mm/ needs of the page allocator beyond mm/mm.h. Contracts of
 * alloc_pages() and free_pages() stand there, the theory in page_alloc.c.
 */
#ifndef MM_PAGE_PAGE_ALLOC_H
#define MM_PAGE_PAGE_ALLOC_H

#include "mm/mm.h"

/* page_free.c begins to count. Boot. */
void page_free_open(void);
/* From here on requests are served; mm_table_page() leaves memblock. Boot. */
void page_alloc_open(void);

struct alloc_request;
/*
 * The long way of a request: first try, then, if try_hard, the slow path, and what
 * every block goes through; null: none. The context of the request.
 */
struct page *page_alloc_request(const struct alloc_request *rq, bool try_hard);
/* What follows a request that mixed types in a zone (mobility.h), once its hold is over:
 * the rest of the pageblock, and waking who works the boost off (rows 52, 36). Any. */
void page_alloc_mixed(struct zone *z, const struct alloc_request *rq);
/* Each page of the block zeroed; the block. Any. */
struct page *page_alloc_cleared(struct page *page, unsigned int order);
/* alloc_pages() and free_pages() for another caller, and never as a hit. */
struct page *page_alloc_long(gfp_t gfp, unsigned int order, const void *site);
/* The same when it was no hit just now: the list may only be full. site may be null:
 * the caller's. */
void page_free_more(struct page *page, unsigned int order, const void *site);
void page_free_long(struct page *page, unsigned int order, const void *site);
/* free_pages_bulk() for another caller. */
void page_free_bulk(unsigned int nr, struct page **page, const void *site);
/*
 * Test builds, before every free: fill the block with poison and note who frees it,
 * if it is the caller's. Whether a free will be a hit is not known before, and both
 * are done before the block is anybody's. Any.
 */
void page_poison_own(struct page *page, unsigned int order, const void *site);

/* Frees refused because no zone could be named. Any. */
u64 page_alloc_foreign_frees(void);

#endif
