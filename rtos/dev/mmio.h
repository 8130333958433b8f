/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device registers of one, two or four bytes, little endian. The mapping is
 * device memory (ordered within one device), so no barrier is needed here.
 * Host tests put a header of the same name in front of this one to stand in
 * for the hardware. Any context.
 */
#ifndef RTOS_DEV_MMIO_H
#define RTOS_DEV_MMIO_H

#include "rtos/lib/base.h"

/* Read the register at p; width is 1, 2 or 4. */
static inline u32 mmio_read(const volatile u8 *p, unsigned int width)
{
	if (width == 4)
		return *(const volatile u32 *)p;
	if (width == 2)
		return *(const volatile u16 *)p;
	return *p;
}

/* Write it. */
static inline void mmio_write(volatile u8 *p, unsigned int width, u32 val)
{
	if (width == 4)
		*(volatile u32 *)p = val;
	else if (width == 2)
		*(volatile u16 *)p = (u16)val;
	else
		*p = (u8)val;
}

#endif
