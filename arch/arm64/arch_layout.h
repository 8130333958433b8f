/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things lie in the 48-bit upper half. The linker script and head.S use
 * these too, so this file holds nothing but macros without suffixes.
 */
#ifndef ARCH_ARM64_LAYOUT_H
#define ARCH_ARM64_LAYOUT_H

#define ARCH_NAME "arm64"

#define ARCH_LINEAR_BASE 0xffff000000000000 /* phys 0; 16 TiB */
#define ARCH_FRAMES_BASE 0xffff100000000000 /* struct page[2^32]: 128 GiB */
#define ARCH_PBLOCK_BASE 0xffff110000000000 /* struct pageblock[2^23]: 64 MiB */
#define ARCH_STACK_BASE 0xffff200000000000  /* slots of STACK_SLOT */
#define ARCH_IOREMAP_BASE 0xffff300000000000
#define ARCH_KIMAGE_BASE 0xffff800000000000 /* link address of the Image */

/*
 * Beside the Image, in the same 1 GiB, so that head.S needs one table per
 * level: the early window, and 2 MiB for small things with a table of their
 * own (early device window, table slot, boot stack).
 */
#define ARM64_KIMAGE_MAX 0x400000           /* text to bss, two last-level tables */
#define ARM64_EARLY_BASE 0xffff800000800000 /* ARCH_PROT_RO/RW window */
#define ARM64_EARLY_SIZE 0x400000
#define ARM64_MISC_BASE 0xffff800000c00000
#define ARM64_EARLY_DEV 0xffff800000c00000 /* ARCH_PROT_DEV window */
#define ARM64_EARLY_DEV_SIZE 0x10000
#define ARM64_TABLE_SLOT 0xffff800000c20000 /* one page: tables not in the linear map yet */
#define ARM64_BOOT_STACK 0xffff800000c40000 /* slot: lower half unmapped */

/* The seal in the Image's header: tools/seal.py knows these three, too. */
#define ARM64_SEAL 0x60   /* where the sum stands, 8 bytes; 0: none */
#define ARM64_SEALED 0x80 /* from here to the end of the file, 16 bytes at a time */
#define ARM64_SEAL_FACTOR 0x9e3779b97f4a7c15

#define ARCH_UNUSED_BASE 0xffff400000000000 /* 1 GiB that is nobody's, for tests */
#define ARCH_BOOT_STACK_TOP (ARM64_BOOT_STACK + 0x8000)

#define ARCH_FP_BYTES 528 /* q0-q31, FPSR, FPCR */

#endif
