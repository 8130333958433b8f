/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device registers of a host test: instead of touching memory, the accessors
 * ask the test's model of the device. Found in front of rtos/dev/mmio.h by the
 * order of the include folders; a test that links a UART driver defines both.
 */
#ifndef RTOS_DEV_MMIO_H
#define RTOS_DEV_MMIO_H

#include "rtos/lib/base.h"

/* Read or write the register at p; width is 1, 2 or 4 bytes. */
u32 mmio_read(const volatile u8 *p, unsigned int width);
void mmio_write(volatile u8 *p, unsigned int width, u32 val);

#endif
