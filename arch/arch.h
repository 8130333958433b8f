/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a machine must offer the kernel. There are two implementations:
 * arch/arm64 (hardware) and arch/host (a Linux process). Nothing
 * above this line of the house knows which one it runs on. Every function is
 * documented with its context; "any" includes hard interrupt and panic.
 */
#ifndef ARCH_ARCH_H
#define ARCH_ARCH_H

#include "rtos/lib/base.h"

struct task;

enum {
	PAGE_SHIFT = 12,
	PAGE_SIZE = 1 << PAGE_SHIFT,
	/* Most CPUs one Image serves; further cpu nodes are ignored with a
	 * warning. CPU masks are 64-bit words. */
	MAX_CPUS = 64,
	/* Frames are numbered in 32 bits, so RAM above 16 TiB is clipped. */
	ARCH_PHYS_BITS = 44,
	/* Stacks: 16 KiB at the top of a 32 KiB slot; the lower half is never
	 * mapped, so overflow faults and bit 14 of SP tells it apart. */
	STACK_SIZE = 16 * 1024,
	STACK_SLOT = 32 * 1024,
};

typedef struct {
	u64 v; /* physical address in bytes */
} phys_t;

typedef struct {
	u64 v; /* page frame number: physical address / PAGE_SIZE */
} pfn_t;

static inline phys_t phys_make(u64 v)
{
	return (phys_t){ v };
}

static inline pfn_t pfn_make(u64 v)
{
	return (pfn_t){ v };
}

static inline phys_t pfn_to_phys(pfn_t p)
{
	return (phys_t){ p.v << PAGE_SHIFT };
}

/* Frame that contains the byte at p (row 1: ends are rounded down). */
static inline pfn_t phys_to_pfn_down(phys_t p)
{
	return (pfn_t){ p.v >> PAGE_SHIFT };
}

/* First frame that starts at or after p (row 1: starts are rounded up). */
static inline pfn_t phys_to_pfn_up(phys_t p)
{
	return (pfn_t){ (p.v >> PAGE_SHIFT) + !!(p.v & (PAGE_SIZE - 1)) };
}

/* ---- kernel address space (48 bit, upper half) ------------------------- */

/*
 * ARCH_LINEAR_BASE  phys 0 of the linear map; 16 TiB
 * ARCH_FRAMES_BASE  struct page[2^32]; 128 GiB
 * ARCH_PBLOCK_BASE  struct pageblock[2^23]; 64 MiB
 * ARCH_STACK_BASE   slots of STACK_SLOT
 */
#include "arch_layout.h" /* of the machine: arch/NAME/, found by -I */

/* Address in the linear map. Valid only for RAM that was mapped. Any. */
static inline void *phys_to_virt(phys_t p)
{
	return (void *)(uintptr_t)(ARCH_LINEAR_BASE + p.v);
}

/* Inverse of phys_to_virt; not for Image, stack or device addresses. Any. */
static inline phys_t virt_to_phys(const void *v)
{
	return phys_make((u64)(uintptr_t)v - ARCH_LINEAR_BASE);
}

enum arch_prot {
	ARCH_PROT_RO,  /* normal memory, read only, not executable */
	ARCH_PROT_RW,  /* normal memory, read write, not executable */
	ARCH_PROT_DEV, /* device memory (nGnRE), read write, not executable */
};

/*
 * Where the loader put the Image (physical, half open) including .bss. The
 * init part [init_start, init_end) may be handed to the page allocator once
 * boot is over; before that arch_free_init() must have unmapped it from the
 * Image's own mapping. Any.
 */
struct arch_image {
	phys_t start, end;
	phys_t text_end;   /* [start, text_end): executable code */
	phys_t rodata_end; /* [text_end, rodata_end): constants */
	phys_t init_start, init_end;
};
const struct arch_image *arch_image(void);
void arch_free_init(void);
/* The UART hint in the Image header (layout: struct uart_hint). Any. */
struct uart_hint;
const struct uart_hint *arch_uart_hint(void);
/* Exception level the loader entered at: 1 or 2. Any. */
unsigned int arch_boot_el(void);

/*
 * Early window: map bytes [p, p + nr_bytes) somewhere before the linear map
 * exists. Mappings stay until arch_early_unmap_all(). Null when the window
 * (4 MiB for ARCH_PROT_RO/RW, 64 KiB for ARCH_PROT_DEV) is full. Boot CPU
 * only. ARCH_PROT_DEV mappings survive unmap_all (the early UART). unmap_all
 * also says that the linear map is complete: from then on page tables are
 * reached through it, so it comes before the first secondary CPU.
 */
void *arch_early_map(phys_t p, u64 nr_bytes, enum arch_prot prot);
void arch_early_unmap_all(void);

/*
 * Read the byte at p: false when no memory or device answers there (the early
 * map reaches any address, the tree says later what is RAM). Boot CPU.
 */
bool arch_probe(const void *p);
/* The same for a device register: four bytes wide if width is 4, else one. */
bool arch_probe_reg(const volatile void *p, unsigned int width);
/* Whether the 8 bytes at p are memory: writes, reads back, restores. Nobody else
 * uses them meanwhile. Boot CPU. */
bool arch_probe_ram(void *p);

/*
 * Linear map of one RAM range [start, end), 4 KiB aligned, with the largest
 * blocks alignment allows; parts that hold the Image's text and constants are
 * mapped read only. Table pages come from mm_table_page(). Boot CPU only,
 * once per range. The caller leaves out no-map memory.
 */
void arch_linear_map(phys_t start, phys_t end);

/*
 * Guard pages. by_pages, before the first arch_linear_map(): map RAM by single
 * pages, whatever alignment allows. guard: take [p, p + nr_pages) out of the linear
 * map, on every CPU, or put them back, writable; at most 16 aligned pages a call,
 * whose owner the caller is. False: this machine keeps them mapped. Any.
 */
void arch_linear_by_pages(void);
bool arch_linear_guard(phys_t p, u64 nr_pages, bool guard);

/*
 * Map or unmap nr_pages 4 KiB pages at va, outside the linear map. Map: 0,
 * ERR_NOMEM (no table page; nothing left mapped), ERR_EXIST (already mapped).
 * Unmap invalidates the TLBs of all CPUs. Bounded by nr_pages; callers pass at
 * most 32 a call once tasks run. Caller holds LOCK_RANK_VMAP or is boot.
 */
int arch_map(u64 va, phys_t p, u64 nr_pages, enum arch_prot prot);
void arch_unmap(u64 va, u64 nr_pages);
/*
 * Take out the table that maps the ARCH_TABLE_SPAN bytes from va on, in which
 * nothing is mapped any more: its page, now the caller's to give back with
 * mm_table_page_put(), or {0}: there is none. As arch_unmap(); one step.
 */
enum { ARCH_TABLE_SPAN = 2 << 20 };
phys_t arch_unmap_table(u64 va);

/*
 * Map a device's registers for good. The address includes the offset inside
 * the page. Null: no table page, or the range wraps or is above PARange.
 * Task or boot, after the linear map.
 */
void *arch_ioremap(phys_t p, u64 nr_bytes);

/*
 * Translate a kernel address by walking the live tables. True and *p when
 * mapped; *writable and *executable (each may be null) tell the rights. Any.
 */
bool arch_translate(u64 va, phys_t *p, bool *writable, bool *executable);

/*
 * Walk the live tables; true when no mapping is writable and executable.
 * Prints each offender to the log. Task context; takes no lock.
 */
bool arch_check_wx(void);

/* Physical address bits this CPU can emit (ID_AA64MMFR0.PARange). Any. */
unsigned int arch_phys_bits(void);

/*
 * Clear or copy one page, page aligned, normal memory, with the widest stores
 * that kernel code may use. Any.
 */
void arch_clear_page(void *p);
void arch_copy_page(void *to, const void *from);

/* ---- interrupts at the CPU --------------------------------------------- */

/* Mask, returning the earlier state; restore it. Any. Costs 3 instructions. */
static inline u64 arch_irq_save(void);
static inline void arch_irq_restore(u64 flags);
/* The same without the meter's hooks: for the meter, and for what it calls. */
static inline u64 arch_irq_save_quiet(void);
static inline void arch_irq_restore_quiet(u64 flags);
/* Unmask and take what is pending, even if the caller masks again at once. */
static inline void arch_irq_enable(void);
static inline bool arch_irqs_masked(void);
/* What arch_irq_save() returned says that they were masked before. Any. */
static inline bool arch_irq_was_masked(u64 flags);

/* Hint in every spin loop (QEMU's icount needs it to make progress). Any. */
static inline void arch_cpu_relax(void);
/* At both ends of a lock: where a simulated machine may let another CPU go on.
 * Nothing on hardware, unless a seed was set. Any. */
static inline void arch_yield_point(void);
/* From now on it does so at places that follow from the seed. 0, ERR_NOSYS: not
 * in this build, or the machine got its seed otherwise. Boot CPU, before others. */
int arch_yield_seed(u64 seed);
/* Sleep until an interrupt is pending, masked or not. Caller masks. */
static inline void arch_wait_for_interrupt(void);
/*
 * The same for an idle CPU. Where no alarm can interrupt (no controller, no
 * timer in the tree) it looks at the alarm instead and calls timer_interrupt()
 * when that is due, so that sleepers wake on such a machine too, whenever
 * nothing else runs. Idle task, masked.
 */
void arch_idle(void);

/* ---- the running task and its CPU -------------------------------------- */

/*
 * The task whose stack we are on; valid from the first C instruction: rtos
 * defines boot_task, which the boot CPU starts as, on the 16 KiB stack below
 * ARCH_BOOT_STACK_TOP (cleared, slot as any other). Any.
 */
extern struct task boot_task;
static inline struct task *arch_current(void);
static inline void arch_set_current(struct task *t);

/*
 * Saved state of a task that does not run; the machine defines it
 * (arch/arm64/context.h). init: the first switch to it calls entry(arg) on
 * the given stack with interrupts masked; entry never returns. switch: save
 * into prev, load next; returns when somebody switches back. Masked only.
 */
struct arch_context;
void arch_context_init(struct arch_context *c, void *stack_top, void (*entry)(void *arg),
		       void *arg);
/*
 * Let the task of this context, which has not run yet, use floating point: its
 * registers are then kept at the given place (ARCH_FP_BYTES, 16-byte aligned)
 * whenever it does not run, and whoever else touches them faults (on a
 * machine that can: arch/host cannot). Any.
 */
void arch_context_set_fp(struct arch_context *c, void *place);
void arch_context_switch(struct arch_context *prev, struct arch_context *next);

/* ---- time --------------------------------------------------------------- */

/* Monotonic nanoseconds since boot, wherever the counter stood then and even if
 * it wraps: below 2^63 for 292 years. Any. */
u64 arch_now_ns(void);
/* The counter itself, cheap, for intervals: ticks of arch_timer_hz(), and what a
 * number of them is in ns, saturating. Any. */
static inline u64 arch_ticks(void);
u64 arch_ticks_to_ns(u64 ticks);
/*
 * One-shot alarm of this CPU at an absolute time; a time already past fires
 * at once. ARCH_TIMER_OFF stops it. When it fires rtos calls timer_interrupt().
 */
#define ARCH_TIMER_OFF (~0ull)
void arch_timer_set_ns(u64 deadline);
u64 arch_timer_hz(void);
/* The line by which every CPU's alarm comes; 0: none. Any. */
unsigned int arch_timer_irq(void);

/*
 * Instruction count of this CPU where the machine counts exactly (PMU event
 * 0x08 under -icount), else the cycle counter, else a clock. arch_count_exact
 * says whether figures are instructions. Any. 0 cost when not called.
 */
u64 arch_count(void);
bool arch_count_exact(void);
/* For the meter: the low 32 bits of arch_count() where that is exact, else of
 * arch_ticks(). Masks nothing. Any. */
u32 arch_count_raw(void);

/* ---- CPUs ---------------------------------------------------------------- */

/*
 * Find the CPUs in the device tree (rows 11, 14): fills the logical table,
 * boot CPU first, whatever its place in the tree. Once, boot CPU.
 */
void arch_cpus_init(void);
unsigned int arch_cpu_count(void);            /* usable entries, >= 1 */
u64 arch_cpu_hwid(unsigned int cpu);          /* MPIDR affinity */
unsigned int arch_cpu_node(unsigned int cpu); /* NUMA node of the tree, or 0 */

/*
 * Start a secondary CPU on the given stack; it enters rtos secondary_main(cpu)
 * with interrupts masked and `idle` as current. 0, ERR_NOSYS (no method in the
 * tree), ERR_IO (firmware refused, or it did not come within 1 s), ERR_NODEV (no
 * controller could interrupt it), ERR_NOMEM; each logged with its reason. Boot
 * CPU's task, one CPU at a time.
 */
int arch_cpu_start(unsigned int cpu, void *stack_top, struct task *idle);

/* Interrupt another CPU so that it calls sched_ipi(). Any. */
void arch_send_reschedule(unsigned int cpu);
/* Stop all other CPUs for good (panic). Any, at most 100 ms. */
void arch_stop_others(void);

/*
 * Power down the calling CPU for good, masked, nothing held: the last thing it
 * does; never returns. Only after arch_cpu_can_off() said 0 (else ERR_NOSYS:
 * the tree's method cannot). arch_cpu_is_off() tells the others when it is
 * through, from when on nobody uses its stack. arch_cpu_start() brings it back.
 */
int arch_cpu_can_off(unsigned int cpu);
tm_noreturn void arch_cpu_off(void);
bool arch_cpu_is_off(unsigned int cpu);

/* Power: by the tree's method; returns only if there is none. Any. */
void arch_poweroff(void);
void arch_reboot(void);

/* ---- interrupt controller ------------------------------------------------ */

/*
 * Probe the tree's controller and set up this CPU's part.
 * irq_init: once, boot CPU; 0 or ERR_NODEV (no known controller: logged; the
 * kernel then runs on one CPU, see arch_idle()). irq_init_cpu: each secondary.
 */
int arch_irq_init(void);
void arch_irq_init_cpu(void);
/* Whose a line is. Any. */
enum arch_irq_kind {
	ARCH_IRQ_RESERVED, /* calls between CPUs, or the alarm */
	ARCH_IRQ_PRIVATE,  /* each CPU has its own: calls about it mean the caller's */
	ARCH_IRQ_SHARED,
};
enum arch_irq_kind arch_irq_kind(unsigned int irq);
/* Enable or disable one line at the controller; edge tells the trigger. */
void arch_irq_unmask(unsigned int irq, bool edge);
void arch_irq_mask(unsigned int irq);
/*
 * Which CPU serves a shared line, and its level 0..7 among pending ones (most
 * urgent last; lines do not interrupt each other). Set while masked.
 */
void arch_irq_set_cpu(unsigned int irq, unsigned int cpu);
void arch_irq_set_level(unsigned int irq, unsigned int level);
/* Make a line pending by software: for tests, and for lines that belong to no
 * device. It is served once, when it is unmasked. Any. */
void arch_irq_set_pending(unsigned int irq);
/* Number of lines, and the controller's name for /proc/interrupts. */
unsigned int arch_irq_lines(void);
const char *arch_irq_chip_name(void);
/*
 * Translate entry `index` of a node's `interrupts` property to a line number.
 * 0, ERR_NOENT (no such entry), ERR_INVAL (cells the controller does not know).
 */
struct dt_node;
int arch_irq_from_dt(const struct dt_node *node, unsigned int index, unsigned int *irq, bool *edge);

/*
 * Floating point traps in kernel code. Open from entry until libfdt (compiled
 * with SIMD by its packager) has done its part, then closed for good. Boot CPU.
 */
static inline void arch_fp_enable(void);
static inline void arch_fp_disable(void);

/*
 * Set the stack protector's canary from a secret of the boot loader (0: none
 * given), mixed with the counter. Only from a function that never returns, with
 * no protected frame below it but such: kernel_main(). Once, one CPU.
 */
static inline void arch_stack_guard_seed(u64 seed);

/* ---- faults and traces --------------------------------------------------- */

/*
 * Print the return addresses from a frame pointer (0: from the last fault of
 * this CPU, else from here) with symbols; runs of one address as a count. Each
 * record is checked to be mapped; at most as many as a full stack holds. Any.
 */
struct out;
void arch_backtrace(struct out *out, u64 frame);
/* Backtrace of a task that does not run. */
void arch_backtrace_task(struct out *out, const struct task *t);
/* Execute an instruction no CPU knows (the shell's `panic undefined`). */
static inline void arch_undefined_instruction(void);
/* Print the registers the last fault on this CPU saved, if any. Panic only. */
void arch_dump_regs(struct out *out);
/* "name+0xoff" of a code address into buf; hexadecimal when unknown. Any. */
void arch_symbol(u64 addr, char *buf, size_t size);

#include "arch_inline.h" /* the static inline parts: arch/NAME/, by -I */

#endif
