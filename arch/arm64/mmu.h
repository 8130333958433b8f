/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What mmu.c and linear.c share beyond tables: protection bits and the limit
 * of physical addresses.
 */
#ifndef ARCH_ARM64_MMU_H
#define ARCH_ARM64_MMU_H

#include "table.h"

/* Attributes of a leaf, without type bits. Any. */
u64 prot_bits(enum arch_prot prot);
/* Not empty, does not wrap, within the CPU's address width. Any. */
bool phys_range_ok(phys_t p, u64 nr_bytes);

#endif
