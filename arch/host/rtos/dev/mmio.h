/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device registers of the simulated machine: found in front of the header of
 * the same name in rtos/dev/, so that the drivers talk to the models of
 * arch/host/ instead of touching memory. Any context.
 */
#ifndef RTOS_DEV_MMIO_H
#define RTOS_DEV_MMIO_H

#include "rtos/lib/base.h"

/* Read or write the register at p; width is 1, 2 or 4. */
u32 mmio_read(const volatile u8 *p, unsigned int width);
void mmio_write(volatile u8 *p, unsigned int width, u32 val);

#endif
