/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clearing and copying one page on the simulated machine: the C library's ways,
 * after a look that the address is a page's, as the instructions of a real
 * machine take for granted. Contracts in arch/arch.h.
 */
#include <string.h>

#include "arch/arch.h"

void arch_clear_page(void *p)
{
	BUG_ON_VAL((uintptr_t)p % PAGE_SIZE, (uintptr_t)p, 0);
	memset(p, 0, PAGE_SIZE);
}

void arch_copy_page(void *to, const void *from)
{
	BUG_ON_VAL(((uintptr_t)to | (uintptr_t)from) % PAGE_SIZE, (uintptr_t)to, (uintptr_t)from);
	memcpy(to, from, PAGE_SIZE);
}
