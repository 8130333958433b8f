/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rest of mm/ needs of the page allocator beyond mm/mm.h. Contracts of
 * alloc_pages() and free_pages() stand there, the theory in page_alloc.c.
 */
#ifndef MM_PAGE_PAGE_ALLOC_H
#define MM_PAGE_PAGE_ALLOC_H

#include "mm/types.h"

/* From here on requests are served; mm_table_page() leaves memblock. Boot. */
void page_alloc_open(void);

struct alloc_request;
/* First try, slow path, and what every block goes through; null: none. The
 * context of the request. */
struct page *page_alloc_request(const struct alloc_request *rq);

/* Frees refused because no zone could be named. Any. */
u64 page_alloc_foreign_frees(void);

#endif
