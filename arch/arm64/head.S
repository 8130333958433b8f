/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the loader to C. Owns the Image header, the drop to EL1, the first
 * page tables and the moment the MMU comes on; secondary CPUs come through the
 * same steps. Everything in .head.text runs at its load address (the MMU off
 * or identity mapped), so it forms addresses relative to PC and touches memory
 * with aligned accesses only; what follows the jump runs at the link address.
 * The tables are written with caches off and invalidated around that, because
 * a real cache may hold stale lines of the same memory. Entering at EL3 is
 * against the boot protocol: said on the UART of the hint, and the CPU parks.
 */
#include "arch_layout.h"
#include "pte.h"
#include "cpu_boot.h"

/* Address of a symbol, relative to where we run. */
.macro adr_l reg, sym
	adrp	\reg, \sym
	add	\reg, \reg, :lo12:\sym
.endm

/* 64-bit constant without a literal load. */
.macro mov_l reg, val
	movz	\reg, :abs_g3:\val
	movk	\reg, :abs_g2_nc:\val
	movk	\reg, :abs_g1_nc:\val
	movk	\reg, :abs_g0_nc:\val
.endm

/* Field of a 4-bit wide ID register group. */
.macro id_field reg, sysreg, shift
	mrs	\reg, \sysreg
	ubfx	\reg, \reg, #\shift, #4
.endm

	.section .head.text, "ax"
	.globl	_image_start_entry
_image_start_entry:
	b	primary_entry
	.long	0
	.quad	0				/* text_offset: any 2 MiB base */
	.quad	_image_size
	.quad	0xa				/* little endian, 4 KiB, anywhere */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0
	.globl	_uart_hint
_uart_hint:					/* struct uart_hint, 32 bytes */
	.fill	32, 1, 0
	.quad	0				/* seal: see seal.S */
	.balign	ARM64_SEALED, 0

/* ---- boot CPU, MMU off ---------------------------------------------------- */

primary_entry:
	msr	daifset, #0xf
	mov	x21, x0				/* device tree */
	adr	x19, _image_start_entry
	tst	x19, #0xfff			/* adrp below needs whole pages */
	adr	x9, misplaced
	b.ne	complain
	bl	drop_to_el1			/* x20: level we came from */
	bl	make_tables
	adr_l	x26, primary_mapped
	bl	link_address
	b	enable_mmu

/* x26: address of a symbol where we run -> where it was linked. */
link_address:
	adr_l	x9, _image_start
	mov_l	x10, ARCH_KIMAGE_BASE
	sub	x26, x26, x9
	add	x26, x26, x10
	ret

/*
 * Leaves the CPU at EL1 with the MMU off and x20 = the level it came from.
 * What EL2 controls and EL1 needs is opened: counters, GIC registers, PMU.
 */
drop_to_el1:
	mrs	x20, CurrentEL
	lsr	x20, x20, #2
	mov_l	x9, SCTLR_OFF
	adr_l	x10, first_vectors
	msr	vbar_el1, x10
	cmp	x20, #2
	b.eq	1f
	adr	x10, too_high
	csel	x9, x10, x9, hi
	b.hi	complain			/* EL3 */
	msr	sctlr_el1, x9
	isb
	ret
1:	msr	vbar_el2, x10
	mov	x10, #(1 << 31)			/* EL1 is AArch64, nothing trapped */
	msr	hcr_el2, x10
	isb
	mov_l	x10, 0x30c50830			/* reserved ones; MMU, caches off */
	msr	sctlr_el2, x10
	msr	sctlr_el1, x9
	mov	x10, #3				/* counter and physical timer */
	msr	cnthctl_el2, x10
	msr	cntvoff_el2, xzr
	mov	x10, #0x33ff			/* FP not trapped */
	msr	cptr_el2, x10
	msr	hstr_el2, xzr
	msr	vttbr_el2, xzr
	mrs	x10, midr_el1
	msr	vpidr_el2, x10
	mrs	x10, mpidr_el1
	msr	vmpidr_el2, x10

	mov	x11, xzr			/* PMU: all counters to EL1 */
	id_field x10, id_aa64dfr0_el1, 8
	cbz	x10, 2f
	cmp	x10, #0xf
	b.eq	2f
	mrs	x11, pmcr_el0
	ubfx	x11, x11, #11, #5
2:	msr	mdcr_el2, x11

	id_field x10, id_aa64pfr0_el1, 24	/* GIC system registers */
	cbz	x10, 3f
	mrs	x10, S3_4_C12_C9_5		/* ICC_SRE_EL2 */
	orr	x10, x10, #(1 << 0)		/* SRE */
	orr	x10, x10, #(1 << 3)		/* EL1 may use its own */
	msr	S3_4_C12_C9_5, x10
	isb
	mrs	x10, S3_4_C12_C9_5
	tbz	x10, #0, 3f			/* firmware refused: memory-mapped */
	msr	S3_4_C12_C11_0, xzr		/* ICH_HCR_EL2 */
3:
	id_field x10, id_aa64mmfr0_el1, 56	/* fine-grained traps */
	cbz	x10, 4f
	msr	S3_4_C1_C1_4, xzr		/* HFGRTR_EL2 */
	msr	S3_4_C1_C1_5, xzr		/* HFGWTR_EL2 */
	msr	S3_4_C1_C1_6, xzr		/* HFGITR_EL2 */
	msr	S3_4_C3_C1_4, xzr		/* HDFGRTR_EL2 */
	msr	S3_4_C3_C1_5, xzr		/* HDFGWTR_EL2 */
4:	mov	x10, #0x3c5			/* EL1h, all masked */
	msr	spsr_el2, x10
	msr	elr_el2, lr
	eret

misplaced:
	.ascii	"\r\ntm: panic: the Image does not begin on a 4 KiB page; put it on 2 MiB\r\n"
	.asciz	"tm: halted\r\n"
too_high:
	.ascii	"\r\ntm: panic: entered at EL3; the boot protocol wants EL2 or EL1\r\n"
	.asciz	"tm: halted\r\n"
too_early:
	.ascii	"\r\ntm: panic: an exception at the first steps: "
	.ascii	"is there RAM for all of the Image?\r\n"
	.asciz	"tm: halted\r\n"
	.balign	4

/*
 * Image tables: identity (one 2 MiB block that holds this code) for TTBR0,
 * Image with its rights, boot stack, and empty windows for TTBR1.
 */
make_tables:
	mov	x25, lr
	adr_l	x0, _tables_start
	adr_l	x1, _tables_end
	bl	inval_range
	adr_l	x0, _tables_start
	adr_l	x1, _tables_end
1:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b

	adr_l	x19, _image_start
	mov	x9, #PTE_TABLE
	/* identity */
	adr_l	x0, idmap_l0
	adr_l	x1, idmap_l1
	adr_l	x2, idmap_l2
	ubfx	x10, x19, #39, #9
	orr	x11, x1, x9
	str	x11, [x0, x10, lsl #3]
	ubfx	x10, x19, #30, #9
	orr	x11, x2, x9
	str	x11, [x1, x10, lsl #3]
	ubfx	x10, x19, #21, #9
	mov_l	x11, (PROT_RX | PTE_BLOCK)
	and	x12, x19, #~0x1fffff
	orr	x11, x11, x12
	str	x11, [x2, x10, lsl #3]
	/* upper half: the 1 GiB at ARCH_KIMAGE_BASE */
	adr_l	x0, arm64_root_table
	adr_l	x1, kimage_l1
	adr_l	x2, kimage_l2
	orr	x11, x1, x9
	str	x11, [x0, #(((ARCH_KIMAGE_BASE >> 39) & 511) * 8)]
	orr	x11, x2, x9
	str	x11, [x1]
	adr_l	x4, kimage_l3
	orr	x11, x4, x9
	str	x11, [x2]
	add	x11, x11, #4096
	str	x11, [x2, #8]
	adr_l	x3, arm64_early_l3
	orr	x11, x3, x9
	str	x11, [x2, #(((ARM64_EARLY_BASE >> 21) & 511) * 8)]
	add	x11, x11, #4096
	str	x11, [x2, #(((ARM64_EARLY_BASE >> 21) & 511) * 8 + 8)]
	adr_l	x3, arm64_misc_l3
	orr	x11, x3, x9
	str	x11, [x2, #(((ARM64_MISC_BASE >> 21) & 511) * 8)]

	/* x3: where page 0 of the table run in x4 is loaded */
	mov	x3, x19
	adr_l	x0, _image_start
	adr_l	x1, _text_end
	mov_l	x2, (PROT_RX | PTE_PAGE)
	bl	map_pages
	adr_l	x1, _rodata_end
	mov_l	x2, (PROT_RO | PTE_PAGE)
	bl	map_pages
	adr_l	x1, _init_start
	mov_l	x2, (PROT_RW | PTE_PAGE)
	bl	map_pages
	adr_l	x1, _init_text_end
	mov_l	x2, (PROT_RX | PTE_PAGE)
	bl	map_pages
	adr_l	x1, _mapped_end
	mov_l	x2, (PROT_RW | PTE_PAGE)
	bl	map_pages
	/* the boot stack, in the upper half of its slot */
	adr_l	x4, arm64_misc_l3
	adr_l	x3, boot_stack
	mov	x0, x3
	adr_l	x1, boot_stack_end
	add	x4, x4, #(((ARM64_BOOT_STACK >> 12) & 511) * 8 + 32)
	bl	map_pages

	dmb	sy
	adr_l	x0, _tables_start
	adr_l	x1, _tables_end
	bl	inval_range
	ret	x25

/* Enter [x0, x1) with attributes x2 into the run x4 whose page 0 is x3. */
map_pages:
	cmp	x0, x1
	b.hs	2f
1:	sub	x10, x0, x3
	lsr	x10, x10, #12
	orr	x11, x0, x2
	str	x11, [x4, x10, lsl #3]
	add	x0, x0, #4096
	cmp	x0, x1
	b.lo	1b
2:	ret

/* Drop cached copies of the page-aligned range [x0, x1). */
inval_range:
	mrs	x10, ctr_el0
	ubfx	x10, x10, #16, #4
	mov	x11, #4
	lsl	x11, x11, x10			/* smallest data line */
1:	dc	ivac, x0
	add	x0, x0, x11
	cmp	x0, x1
	b.lo	1b
	dsb	sy
	ret

/* ---- every CPU: MMU on, go on at x26 (link address) ------------------------ */

enable_mmu:
	mov_l	x0, MAIR_VALUE
	msr	mair_el1, x0
	mov_l	x0, TCR_VALUE
	id_field x1, id_aa64mmfr0_el1, 0
	mov	x2, #PARANGE_48
	cmp	x1, x2
	csel	x1, x1, x2, lo
	bfi	x0, x1, #TCR_IPS_SHIFT, #3
	msr	tcr_el1, x0
	adr_l	x1, idmap_l0
	msr	ttbr0_el1, x1
	adr_l	x1, arm64_root_table
	msr	ttbr1_el1, x1
	isb
	tlbi	vmalle1
	ic	iallu
	dsb	nsh
	isb
	mov_l	x0, SCTLR_ON
	msr	sctlr_el1, x0
	isb
	br	x26

	.globl	secondary_entry
secondary_entry:
	msr	daifset, #0xf
	bl	drop_to_el1
	adr_l	x26, secondary_mapped
	bl	link_address
	b	enable_mmu

/*
 * Until setup_cpu, and at EL2 for good, where nothing of ours calls: whoever gets
 * here says so and stops.
 */
	.balign	2048
first_vectors:
	.rept	16
	.balign	128
	b	exception
	.endr
exception:
	adr	x9, too_early
	mrs	x10, CurrentEL
	cmp	x10, #(1 << 2)
	b.eq	complain_mapped
	b	complain

/* ---- at the link address ---------------------------------------------------- */

	.text
/* Registers whose reset value is unknown, the same on every CPU. */
setup_cpu:
	mrs	x0, tcr_el1			/* the identity map has served */
	orr	x0, x0, #TCR_EPD0
	msr	tcr_el1, x0
	msr	ttbr0_el1, xzr
	isb
	tlbi	vmalle1
	dsb	nsh
	adr_l	x0, arm64_vectors
	msr	vbar_el1, x0
	msr	mdscr_el1, xzr
	msr	cntkctl_el1, xzr
	msr	tpidr_el0, xzr
	msr	sp_el0, xzr
	msr	contextidr_el1, xzr
	isb
	ret

primary_mapped:
	bl	check_seal
	bl	setup_cpu
	mov	x0, #(3 << 20)			/* FP until libfdt has done its part */
	msr	cpacr_el1, x0
	isb
	adr_l	x0, _bss_start
	adr_l	x1, _bss_end
	bl	clear
	mov_l	x1, (ARM64_BOOT_STACK + 0x8000)
	mov	sp, x1
	sub	x0, x1, #0x4000
	bl	clear
	adr_l	x0, arm64_boot_emergency_end
	msr	tpidrro_el0, x0
	adr_l	x0, boot_task
	msr	tpidr_el1, x0
	mov	x29, xzr
	mov	x30, xzr
	mov	x0, x21
	mov	x1, x20
	mov	x2, x19
	msr	daifclr, #4			/* SError from here on */
	b	arm64_start

clear:
	cmp	x0, x1
	b.hs	2f
1:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b
2:	ret

/*
 * Find our entry in arm64_cpu_boot by affinity and claim it. Until somebody
 * waits for this CPU it stays here: those that share a release address with
 * another come together with it, each is armed in its turn.
 */
secondary_mapped:
	bl	setup_cpu
	msr	cpacr_el1, xzr
	isb
	mrs	x0, mpidr_el1
	mov_l	x1, CPU_HWID_MASK
	and	x0, x0, x1
0:	adr_l	x1, arm64_cpu_boot
	mov	x2, #CPU_BOOT_NR
1:	ldr	x3, [x1, #CPU_BOOT_HWID]
	cmp	x3, x0
	b.ne	2f
	add	x4, x1, #CPU_BOOT_STATE
	ldaxr	w5, [x4]
	cmp	w5, #CPU_BOOT_ARMED
	b.ne	2f
	mov	w5, #CPU_BOOT_ARRIVED
	stlxr	w6, w5, [x4]
	cbnz	w6, 1b
	ldr	x3, [x1, #CPU_BOOT_STACK]
	mov	sp, x3
	ldr	x3, [x1, #CPU_BOOT_EMERGENCY]
	msr	tpidrro_el0, x3
	ldr	x3, [x1, #CPU_BOOT_TASK]
	msr	tpidr_el1, x3
	ldr	w0, [x1, #CPU_BOOT_CPU]
	mov	x29, xzr
	mov	x30, xzr
	msr	daifclr, #4
	b	arm64_start_secondary
2:	add	x1, x1, #CPU_BOOT_SIZE
	subs	x2, x2, #1
	b.ne	1b
	wfe
	b	0b

/* ---- memory only kept free by the loader ------------------------------------- */

	.section .tables, "aw", %nobits
	.balign	4096
idmap_l0:	.skip 4096
idmap_l1:	.skip 4096
idmap_l2:	.skip 4096
	.globl	arm64_root_table, arm64_early_l3, arm64_misc_l3
arm64_root_table: .skip 4096
kimage_l1:	.skip 4096
kimage_l2:	.skip 4096
kimage_l3:	.skip 8192
arm64_early_l3:	.skip 8192
arm64_misc_l3:	.skip 4096

	.section .boot_stack, "aw", %nobits
	.balign	4096
boot_stack:	.skip 16384
boot_stack_end:

	.section .bss.emergency, "aw", %nobits
	.balign	16
	.skip	8192
	.globl	arm64_boot_emergency_end
arm64_boot_emergency_end:
