/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The boot loader of tools/memmap: reads a tree from a file, fills in what
 * loaders fill in, and says where it would put kernel and tree. Written on
 * libfdt alone, so that it shares nothing with the intake it is there to try.
 *
 * A tree that libfdt does not take is passed on as it is: what is wrong with it
 * is for the kernel to say. Refuses, by ending the program, only what is no
 * device tree's fault: a file that cannot be read, memory that its cells cannot
 * hold. A name of `-` is standard input; devices and FIFOs are no files.
 */
#ifndef TOOLS_MEMMAP_LOADER_H
#define TOOLS_MEMMAP_LOADER_H

#include "arch/arch.h"

enum { LOADER_BANKS = 32 };

struct loader_range {
	u64 start, end;
};

struct loader_options {
	struct loader_range memory[LOADER_BANKS]; /* in place of the tree's; --memory */
	u32 nr_memory;
	const char *append; /* null: the tree's own */
	u64 kernel;         /* where to put it; ~0: the lowest place that is free */
};

struct loaded {
	u8 *blob; /* freed by nobody: one a process */
	u64 size;
	u64 kernel, tree;  /* physical addresses */
	const char *doubt; /* why nothing was filled in; null: libfdt takes the tree */
};

enum { LOADER_KERNEL_BYTES = 2 << 20 };
/* Where the highest kernel begins. */
#define LOADER_MAX_KERNEL ((1ull << ARCH_PHYS_BITS) - LOADER_KERNEL_BYTES)

/* Read FILE, do as the options say. */
struct loaded loader_load(const char *file, const struct loader_options *o);

#endif
