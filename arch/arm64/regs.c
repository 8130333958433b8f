// SPDX-License-Identifier: Apache-2.0
/*
 * Registers of the machine's own devices, as the tree names them. A driver says
 * how many bytes it uses, and no more are mapped, whatever the size in the tree;
 * memory is never mapped, and what does not answer is not handed out. Boot CPU;
 * holds no state.
 */
#include "arm64.h"
#include "mm/dt.h"
#include "rtos/rtos.h"

volatile u8 *arm64_map_regs(const struct dt_node *node, unsigned int index, u64 nr_bytes)
{
	volatile u8 *regs;
	phys_t base;
	u64 ignored;

	if (dt_reg(node, index, &base, &ignored) != 0 || !is_aligned(base.v, sizeof(u32)))
		return 0;
	regs = ioremap(base, nr_bytes);
	return regs && arm64_probe_word(regs) ? regs : 0;
}
