/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel address space of a host test: the same regions as on the
 * machine, moved into the part of a Linux process that neither the C library
 * nor the shadow of the address sanitizer uses (above 0x10007fff8000). Same
 * sizes, so that an index out of bounds leaves the region and faults.
 */
#ifndef HOST_ARCH_LAYOUT_H
#define HOST_ARCH_LAYOUT_H

#define ARCH_LINEAR_BASE 0x200000000000ull
#define ARCH_FRAMES_BASE 0x300000000000ull
#define ARCH_PBLOCK_BASE 0x310000000000ull
#define ARCH_STACK_BASE 0x320000000000ull
#define ARCH_KIMAGE_BASE 0x330000000000ull
#define ARCH_FP_BYTES 0

#endif
