// SPDX-License-Identifier: Apache-2.0
/*
 * Switching the machine off and resetting it: by PSCI where the firmware offers
 * that, else by the power manager of Broadcom's BCM2835 to BCM2711, whose
 * watchdog resets the chip; a word left behind tells the firmware, which starts
 * first after every reset, to halt instead. regs is set once by the boot CPU.
 * Legal in any context, panic included: takes no lock.
 */
#include "arm64.h"
#include "mm/dt.h"
#include "mmio.h"
#include "rtos/rtos.h"
#include "smp.h"

enum {
	PM_RSTC = 0x1c,
	PM_RSTS = 0x20,
	PM_WDOG = 0x24,
	NR_BYTES = 0x28,
	RSTC_RESET = 0x20, /* in a field of two bits: reset everything */
	RSTC_FIELD = 0x30,
	/* The number of the partition to start from, spread over every second bit;
	 * the highest, 63, is none: halt. */
	RSTS_HALT = 0x555,
	WDOG_TICKS = 10,             /* of 16 us */
	WAIT_NS = 100 * 1000 * 1000, /* far above that */
};
#define PM_PASSWORD 0x5a000000u /* without it in the upper byte writes are ignored */

static volatile u8 *regs; /* null: there is none */

void arm64_power_init(void)
{
	static const char *const names[] = { "brcm,bcm2835-pm", "brcm,bcm2835-pm-wdt" };
	const struct dt_node *node = 0;
	phys_t base;
	u64 nr_bytes;

	for (unsigned int i = 0; !node && i < ARRAY_SIZE(names); i++)
		node = dt_find_compatible(0, names[i]);
	if (!node)
		return;
	if (dt_reg(node, 0, &base, &nr_bytes) == 0 && nr_bytes >= NR_BYTES)
		regs = arm64_map_regs(node, 0, NR_BYTES);
	if (!regs)
		pr_warn("power: %s: reg is missing or too small, cannot be mapped, or does not "
			"answer: not used",
			node->name);
}

static void write_word(u32 at, u32 v)
{
	mmio_write32(regs, at, PM_PASSWORD | v);
}

/* Let the watchdog bite at once, and wait for it. */
static void pm_reset(void)
{
	u64 start = arch_now_ns();
	u32 rstc = mmio_read32(regs, PM_RSTC) & ~(u32)RSTC_FIELD;

	write_word(PM_WDOG, WDOG_TICKS);
	write_word(PM_RSTC, (rstc & 0xffffff) | RSTC_RESET);
	while (arch_now_ns() - start < WAIT_NS)
		arch_cpu_relax();
}

void arch_poweroff(void)
{
	arm64_psci_system_off();
	if (!regs)
		return;
	write_word(PM_RSTS, (mmio_read32(regs, PM_RSTS) & 0xffffff) | RSTS_HALT);
	pm_reset();
}

void arch_reboot(void)
{
	arm64_psci_system_reset();
	if (!regs)
		return;
	/* From partition 0, as after power-on. */
	write_word(PM_RSTS, mmio_read32(regs, PM_RSTS) & 0xffffff & ~(u32)RSTS_HALT);
	pm_reset();
}
