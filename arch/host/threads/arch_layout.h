/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's address space where CPUs are threads: all of it below 512 GiB,
 * which is where the thread sanitizer has its shadow for. So there is less room
 * than on the machine: RAM must lie below 128 GiB.
 */
#ifndef ARCH_HOST_LAYOUT_H
#define ARCH_HOST_LAYOUT_H

#define ARCH_LINEAR_BASE 0x1000000000ull /* physical 0; 128 GiB */
#define ARCH_FRAMES_BASE 0x3000000000ull /* struct page[2^32]: 128 GiB */
#define ARCH_PBLOCK_BASE 0x5000000000ull /* struct pageblock[2^23]: 64 MiB */
#define ARCH_STACK_BASE 0x5100000000ull  /* slots of STACK_SLOT */
#define HOST_EARLY_BASE 0x5200000000ull  /* early window */
#define HOST_EARLY_SIZE 0x400000ull
#define HOST_BOOT_STACK 0x5300000000ull /* slot: lower half unmapped */
#define HOST_SPACE_END 0x5500000000ull
/* A register at physical p is named HOST_DEV_BASE + p; nothing is mapped. */
#define HOST_DEV_BASE 0x340000000000ull
/* Bytes of the gap below a stack that hold the sanitizer's own frames. */
#define HOST_STACK_EXTRA 0x3000

#define ARCH_UNUSED_BASE 0x5400000000ull /* 1 GiB that is nobody's, for tests */
#define ARCH_BOOT_STACK_TOP (HOST_BOOT_STACK + 0x8000)
#define ARCH_NAME "host-threads"
#define ARCH_FP_BYTES 0 /* every context keeps its own on its stack */

#endif
