/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's address space inside a Linux process: the regions of the real
 * machine with their real sizes, at fixed addresses in a part that neither the
 * loader nor the C library uses. Fixed, so that two runs print the same.
 */
#ifndef ARCH_HOST_LAYOUT_H
#define ARCH_HOST_LAYOUT_H

#define ARCH_LINEAR_BASE 0x200000000000ull /* physical 0; 16 TiB */
#define ARCH_FRAMES_BASE 0x300000000000ull /* struct page[2^32]: 128 GiB */
#define ARCH_PBLOCK_BASE 0x310000000000ull /* struct pageblock[2^23]: 64 MiB */
#define ARCH_STACK_BASE 0x320000000000ull  /* slots of STACK_SLOT */
#define HOST_EARLY_BASE 0x330000000000ull  /* early window */
#define HOST_EARLY_SIZE 0x400000ull
#define HOST_BOOT_STACK 0x331000000000ull /* slot: lower half unmapped */
#define HOST_SPACE_END 0x332000000000ull
/* A register at physical p is named HOST_DEV_BASE + p; nothing is mapped. */
#define HOST_DEV_BASE 0x340000000000ull

/* Bytes of the gap below a stack that are mapped all the same. */
#define HOST_STACK_EXTRA 0

#define ARCH_UNUSED_BASE 0x331100000000ull /* 1 GiB that is nobody's, for tests */
#define ARCH_BOOT_STACK_TOP (HOST_BOOT_STACK + 0x8000)
#define ARCH_NAME "host"
#define ARCH_FP_BYTES 0 /* every context keeps its own on its stack */

#endif
