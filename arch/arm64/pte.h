/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bits of VMSAv8-64 descriptors and of the registers that control translation,
 * for a 4 KiB granule and 48-bit addresses. Shared by head.S and C, so nothing
 * but macros. Every leaf below is unprivileged-execute-never and never both
 * writable and executable; SCTLR_EL1.WXN enforces the same in hardware.
 */
#ifndef ARCH_ARM64_PTE_H
#define ARCH_ARM64_PTE_H

#ifdef __ASSEMBLY__
#define PTE_BIT(n) (1 << (n))
#else
#define PTE_BIT(n) (1ull << (n))
#endif

#define PTE_VALID PTE_BIT(0)
#define PTE_TABLE (3 * PTE_BIT(0)) /* levels 0-2; and a page at level 3 */
#define PTE_PAGE (3 * PTE_BIT(0))
#define PTE_BLOCK PTE_BIT(0) /* levels 1 and 2 */
#define PTE_TYPE (3 * PTE_BIT(0))
#define PTE_ATTR(i) ((i)*PTE_BIT(2))
#define PTE_RDONLY PTE_BIT(7)
#define PTE_SH_IS (3 * PTE_BIT(8))
#define PTE_AF PTE_BIT(10)
#define PTE_PXN PTE_BIT(53)
#define PTE_UXN PTE_BIT(54)
#define PTE_ADDR 0x0000fffffffff000

/* Indices into MAIR_EL1. */
#define MAIR_IDX_NORMAL 0 /* write-back, read and write allocate */
#define MAIR_IDX_DEVICE 1 /* nGnRE */
#define MAIR_VALUE 0x04ff

#define PROT_COMMON (PTE_AF | PTE_UXN)
#define PROT_RX (PROT_COMMON | PTE_SH_IS | PTE_RDONLY)
#define PROT_RO (PROT_COMMON | PTE_SH_IS | PTE_RDONLY | PTE_PXN)
#define PROT_RW (PROT_COMMON | PTE_SH_IS | PTE_PXN)
#define PROT_DEV (PROT_COMMON | PTE_PXN | PTE_ATTR(MAIR_IDX_DEVICE))

/*
 * TCR_EL1: 48-bit halves, 4 KiB granules, walks write-back inner shareable.
 * IPS (bits 34:32) is filled in from ID_AA64MMFR0_EL1.PARange at run time.
 */
#define TCR_HALF (16 | (1 << 8) | (1 << 10) | (3 << 12)) /* size, cacheable, shareable */
#define TCR_TG1_4K PTE_BIT(31)
#define TCR_VALUE (TCR_HALF | (TCR_HALF << 16) | TCR_TG1_4K)
#define TCR_EPD0 PTE_BIT(7) /* no walks for the lower half */
#define TCR_IPS_SHIFT 32
#define PARANGE_48 5 /* largest value a 4 KiB granule uses without LPA2 */

/* SCTLR_EL1: bits that read as one on version 8.0, then what we switch on. */
#define SCTLR_RES1                                                                                 \
	((1 << 29) | (1 << 28) | (1 << 23) | (1 << 22) | (1 << 20) | (1 << 11) | (1 << 8) |        \
	 (1 << 7))
#define SCTLR_M (1 << 0)
#define SCTLR_C (1 << 2)
#define SCTLR_SA (1 << 3)
#define SCTLR_I (1 << 12)
#define SCTLR_WXN (1 << 19)
#define SCTLR_OFF SCTLR_RES1
#define SCTLR_ON (SCTLR_RES1 | SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_I | SCTLR_WXN)

#endif
