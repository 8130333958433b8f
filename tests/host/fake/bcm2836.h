/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What bcm2836.c and armctrl.c see of their machine in test_bcm2836.c, which
 * answers for all of it: put before their own headers by -include, in place of
 * arm64.h and mmio.h, whose instructions this computer has not. A core is a
 * thread, a register access a call.
 */
#ifndef ARCH_ARM64_ARM64_H
#define ARCH_ARM64_ARM64_H
#define ARCH_ARM64_MMIO_H

#include "arch/arch.h"

#define arm64_read_sysreg(name) fake_##name()

u64 fake_mpidr_el1(void);
volatile u8 *arm64_map_regs(const struct dt_node *node, unsigned int index, u64 nr_bytes);

u32 mmio_read32(const volatile u8 *base, u32 offset);
void mmio_write32(volatile u8 *base, u32 offset, u32 v);

static inline void mmio_publish(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void mmio_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

#endif
