/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First C of each CPU. head.S has the MMU on, .bss clear, the stack, VBAR and
 * the current task set; here the few facts are recorded that everything else
 * asks for (where the Image lies, how time runs), then rtos takes over.
 */
#include "arm64.h"
#include "rtos/rtos.h"

extern const struct uart_hint _uart_hint;

/* Set once by arm64_start, then constant. */
static struct arch_image image;
static u64 image_base;
static unsigned int boot_el;

/* Random from the start would need a source; until kernel_main has seeded it,
 * this keeps a plain overflow with zeros or text from passing. */
u64 __stack_chk_guard = 0x00a5d3f07be1c982;

phys_t arm64_image_phys(const void *sym)
{
	return phys_make((u64)(uintptr_t)sym - ARCH_KIMAGE_BASE + image_base);
}

const struct arch_image *arch_image(void)
{
	return &image;
}

const struct uart_hint *arch_uart_hint(void)
{
	return &_uart_hint;
}

unsigned int arch_boot_el(void)
{
	return boot_el;
}

static void image_init(u64 load_base)
{
	image_base = load_base;
	image = (struct arch_image){
		.start = arm64_image_phys(_image_start),
		.end = arm64_image_phys(_image_end),
		.text_end = arm64_image_phys(_text_end),
		.rodata_end = arm64_image_phys(_rodata_end),
		.init_start = arm64_image_phys(_init_start),
		.init_end = arm64_image_phys(_init_end),
	};
}

void arm64_start(phys_t fdt, u64 el, u64 load_base)
{
	image_init(load_base);
	boot_el = (unsigned int)el;
	arm64_mmu_init();
	arm64_clock_init();
	arm64_count_init();
	kernel_main(fdt);
}

void arm64_start_secondary(unsigned int cpu)
{
	arm64_count_init_cpu();
	if (tm_meter)
		meter_cpu_start();
	secondary_main(cpu);
}

void __stack_chk_fail(void);
void __stack_chk_fail(void)
{
	char where[64];

	arch_symbol((u64)(uintptr_t)__builtin_return_address(0), where, sizeof(where));
	panic("stack smashed: canary overwritten in %s", where);
}
