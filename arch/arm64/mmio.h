/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device registers: one access of one width, never merged, split or left out.
 * Devices are mapped nGnRE, so accesses to one device stay in order; ordering
 * against memory is the caller's, by the barriers below.
 */
#ifndef ARCH_ARM64_MMIO_H
#define ARCH_ARM64_MMIO_H

#include "rtos/lib/base.h"

static inline u32 mmio_read32(const volatile u8 *base, u32 offset)
{
	u32 v;

	__asm__ volatile("ldr %w0, [%1]" : "=r"(v) : "r"(base + offset) : "memory");
	return v;
}

static inline void mmio_write32(volatile u8 *base, u32 offset, u32 v)
{
	__asm__ volatile("str %w0, [%1]" : : "rZ"(v), "r"(base + offset) : "memory");
}

static inline u64 mmio_read64(const volatile u8 *base, u32 offset)
{
	u64 v;

	__asm__ volatile("ldr %0, [%1]" : "=r"(v) : "r"(base + offset) : "memory");
	return v;
}

static inline void mmio_write64(volatile u8 *base, u32 offset, u64 v)
{
	__asm__ volatile("str %0, [%1]" : : "rZ"(v), "r"(base + offset) : "memory");
}

static inline void mmio_write8(volatile u8 *base, u32 offset, u8 v)
{
	__asm__ volatile("strb %w0, [%1]" : : "rZ"(v), "r"(base + offset) : "memory");
}

/* What was stored in memory before is visible to whom a later register write lets
 * know; and the same of everything before, reads too. */
static inline void mmio_publish(void)
{
	__asm__ volatile("dsb ishst" : : : "memory");
}

static inline void mmio_barrier(void)
{
	__asm__ volatile("dsb sy" : : : "memory");
}

#endif
