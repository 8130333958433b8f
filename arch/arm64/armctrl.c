// SPDX-License-Identifier: Apache-2.0
/*
 * Registers of the BCM2835's interrupt controller. Bank 0 are eight lines of
 * the ARM side, banks 1 and 2 the 64 of the GPU side. Opening and closing are
 * writes of ones to registers of their own, so they need no lock. regs is set
 * once by the boot CPU, and null where the tree has nothing that works.
 */
#include "armctrl.h"
#include "arm64.h"
#include "irqchip.h"
#include "mmio.h"
#include "rtos/rtos.h"

enum {
	PENDING_BASIC = 0x00, /* bank 0, and which others to look at */
	PENDING_1 = 0x04,
	PENDING_2 = 0x08,
	FIQ_CONTROL = 0x0c,
	ENABLE_1 = 0x10, /* bank 2 and bank 0 follow */
	DISABLE_1 = 0x1c,
	NR_BYTES = 0x28,
	BASIC_LINES = 0xff,
	/* Something in bank 1 or 2; five and six of their lines have a bit of
	 * their own here instead. */
	BASIC_BANK_1 = 1 << 8 | 0x1f << 10,
	BASIC_BANK_2 = 1 << 9 | 0x3f << 15,
	LOCAL_WIRE = 8, /* the local controller's line that this one hangs on */
};

static volatile u8 *regs;
static const struct dt_node *own_node;

/* Offset of a bank's word behind ENABLE_1 and DISABLE_1. */
static u32 place(unsigned int bank)
{
	static const u8 word[ARMCTRL_BANKS] = { 8, 0, 4 };

	BUG_ON_VAL(bank >= ARMCTRL_BANKS, bank, 0);
	return word[bank];
}

static bool chained(const struct dt_node *node, const struct dt_node *local)
{
	u32 wire;

	return arm64_irq_parent(node) == local && dt_u32(node, "interrupts", 0, &wire) == 0 &&
	       wire == LOCAL_WIRE;
}

bool armctrl_init(const struct dt_node *local)
{
	const struct dt_node *node = dt_find_compatible(0, "brcm,bcm2836-armctrl-ic");

	if (!node) {
		pr_err("irq: no brcm,bcm2836-armctrl-ic in the tree: no lines of devices");
		return false;
	}
	if (!chained(node, local)) {
		pr_err("irq: %s: not chained to line %d of %s: no lines of devices", node->name,
		       LOCAL_WIRE, local->name);
		return false;
	}
	regs = arm64_map_regs(node, 0, NR_BYTES);
	if (!regs) {
		pr_err("irq: %s: reg is missing, cannot be mapped, or does not answer: "
		       "no lines of devices",
		       node->name);
		return false;
	}
	own_node = node;
	mmio_write32(regs, FIQ_CONTROL, 0);
	for (unsigned int bank = 0; bank < ARMCTRL_BANKS; bank++)
		armctrl_close(bank, ~0u);
	return true;
}

int armctrl_translate(const struct dt_node *parent, const u32 *v, u32 cells, unsigned int *bank,
		      unsigned int *bit)
{
	if (!own_node || parent != own_node || cells != 2)
		return ERR_INVAL;
	if (v[0] >= ARMCTRL_BANKS || v[1] >= (v[0] ? 32 : 8))
		return ERR_INVAL;
	*bank = v[0];
	*bit = v[1];
	return 0;
}

void armctrl_open(unsigned int bank, u32 lines)
{
	if (regs)
		mmio_write32(regs, ENABLE_1 + place(bank), lines);
}

void armctrl_close(unsigned int bank, u32 lines)
{
	if (regs)
		mmio_write32(regs, DISABLE_1 + place(bank), lines);
}

void armctrl_pending(u32 lines[ARMCTRL_BANKS])
{
	u32 basic = regs ? mmio_read32(regs, PENDING_BASIC) : 0;

	lines[0] = basic & BASIC_LINES;
	lines[1] = basic & BASIC_BANK_1 ? mmio_read32(regs, PENDING_1) : 0;
	lines[2] = basic & BASIC_BANK_2 ? mmio_read32(regs, PENDING_2) : 0;
}
