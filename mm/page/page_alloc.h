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

/* Frees refused because no zone could be named. Any. */
u64 page_alloc_foreign_frees(void);

#endif
