/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of arch/arm64 know of each other. Nothing outside this
 * folder includes it; the contract for everybody else is arch/arch.h.
 */
#ifndef ARCH_ARM64_ARM64_H
#define ARCH_ARM64_ARM64_H

#include "arch/arch.h"
#include "trap_frame.h"

/* ---- labels of the linker script and head.S (link addresses) --------------- */

extern const char _image_start[], _image_end[], _text_end[], _rodata_end[];
extern const char _init_start[], _init_text_end[], _init_end[], _mapped_end[];
extern const char _tables_start[], _tables_end[];
/* probe.S: instructions that may abort, and where they go on then. */
extern const char arm64_probe_start[], arm64_probe_end[];

/* ---- start.c ----------------------------------------------------------------- */

/* Second step of the boot CPU and of a secondary; called by head.S. */
tm_noreturn void arm64_start(phys_t fdt, u64 el, u64 load_base);
tm_noreturn void arm64_start_secondary(unsigned int cpu);
/* Physical address of a byte of the Image, by its link address. Any. */
phys_t arm64_image_phys(const void *sym);

/* ---- probe.S ------------------------------------------------------------------ */

/* Whether a device answers a read of the 32-bit register at p, as mapped. Any. */
bool arm64_probe_word(const volatile void *p);

/* ---- regs.c -------------------------------------------------------------------- */

struct dt_node;

/*
 * The first nr_bytes of entry `index` of a node's reg, mapped as a device; null
 * where there is none, it is odd or memory (logged), has no room or does not
 * answer.
 */
volatile u8 *arm64_map_regs(const struct dt_node *node, unsigned int index, u64 nr_bytes);

/* ---- mmu.c -------------------------------------------------------------------- */

/* Learn the CPU's address width. Boot CPU, first. */
void arm64_mmu_init(void);

/* ---- timer.c, count.c, smp.c: this CPU's part ---------------------------------- */

void arm64_clock_init(void); /* boot CPU, before anybody asks the time */
void arm64_count_init(void); /* boot CPU, once */
void arm64_count_init_cpu(void);

/* ---- trap.c --------------------------------------------------------------------- */

/* Called by vectors.S. */
tm_noreturn void trap_fatal(const struct trap_frame *f, unsigned int reason);
void trap_sync(struct trap_frame *f);
void trap_irq(void);
/* Frame of the first fault on this CPU, or null. Any. */
const struct trap_frame *arm64_fault_frame(void);

#endif
