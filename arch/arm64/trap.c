/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens after vectors.S has saved the registers. Synchronous exceptions
 * and system errors are fatal: the kernel takes no faults on purpose, with two
 * exceptions, a call to firmware that is not there and a look at memory that is
 * not. The frame of the first fault of each CPU is remembered for the panic
 * message, which asks for it with arch_dump_regs().
 */
#include "arm64.h"
#include "irqchip.h"
#include "mm/mm.h"
#include "rtos/rtos.h"
#include "smp.h"

/* (A) written by its CPU, read in a panic. */
static const struct trap_frame *fault_frame[MAX_CPUS];

enum {
	EC_SHIFT = 26,
	EC_UNKNOWN = 0x00,
	EC_FP = 0x07,
	EC_IABORT = 0x21,
	EC_DABORT = 0x25,
	ISS_WNR = 1 << 6,
	FSC_MASK = 0x3f,
};

struct word {
	u8 code;
	const char *text;
};

static const struct word classes[] = {
	{ EC_UNKNOWN, "undefined instruction" },
	{ 0x01, "trapped WFI or WFE" },
	{ EC_FP, "floating point or SIMD" },
	{ 0x0d, "branch target" },
	{ 0x0e, "illegal execution state" },
	{ 0x15, "SVC" },
	{ 0x16, "HVC" },
	{ 0x17, "SMC" },
	{ 0x18, "trapped system register" },
	{ 0x19, "SVE, which nobody may use" },
	{ 0x1c, "pointer authentication" },
	{ 0x20, "instruction abort from EL0" },
	{ EC_IABORT, "instruction abort" },
	{ 0x22, "PC not aligned" },
	{ 0x24, "data abort from EL0" },
	{ EC_DABORT, "data abort" },
	{ 0x26, "SP not aligned" },
	{ 0x2c, "floating-point exception" },
	{ 0x2f, "system error" },
	{ 0x31, "breakpoint" },
	{ 0x33, "software step" },
	{ 0x35, "watchpoint" },
	{ 0x3c, "BRK instruction" },
};

static const struct word fault_status[] = {
	{ 0x00, "address size, level 0" },
	{ 0x01, "address size, level 1" },
	{ 0x02, "address size, level 2" },
	{ 0x03, "address size, level 3" },
	{ 0x04, "not mapped, level 0" },
	{ 0x05, "not mapped, level 1" },
	{ 0x06, "not mapped, level 2" },
	{ 0x07, "not mapped, level 3" },
	{ 0x09, "access flag, level 1" },
	{ 0x0a, "access flag, level 2" },
	{ 0x0b, "access flag, level 3" },
	{ 0x0d, "permission, level 1" },
	{ 0x0e, "permission, level 2" },
	{ 0x0f, "permission, level 3" },
	{ 0x10, "external abort" },
	{ 0x11, "tag check" },
	{ 0x14, "external abort on table walk, level 0" },
	{ 0x15, "external abort on table walk, level 1" },
	{ 0x16, "external abort on table walk, level 2" },
	{ 0x17, "external abort on table walk, level 3" },
	{ 0x18, "memory parity or ECC" },
	{ 0x21, "alignment" },
	{ 0x30, "TLB conflict" },
};

static const char *word_find(const struct word *w, size_t n, unsigned int code)
{
	for (size_t i = 0; i < n; i++)
		if (w[i].code == code)
			return w[i].text;
	return "reserved code";
}

static unsigned int frame_class(const struct trap_frame *f)
{
	return (unsigned int)(f->esr >> EC_SHIFT) & 0x3f;
}

static bool is_abort(unsigned int ec)
{
	return ec >= 0x20 && ec <= EC_DABORT && ec != 0x22 && ec != 0x23;
}

/* One line: what happened, in words. */
static void describe(const struct trap_frame *f, unsigned int reason, char *buf, size_t size)
{
	static const char *const reasons[] = {
		[TRAP_SERROR] = "system error (SError)",
		[TRAP_FIQ] = "FIQ, which nobody asked for",
		[TRAP_BAD_MODE] = "exception from a mode that is not used",
	};
	unsigned int ec = frame_class(f);
	const char *text = word_find(classes, ARRAY_SIZE(classes), ec);

	if (reason == TRAP_OVERFLOW)
		tm_snprintf(buf, size, "stack overflow of task '%s' at SP %016llx (%s at %016llx)",
			    task_name(task_current()), (unsigned long long)f->sp, text,
			    (unsigned long long)f->far);
	else if (reason != TRAP_SYNC)
		tm_snprintf(buf, size, "%s", reasons[reason]);
	else if (ec == EC_FP && in_interrupt())
		tm_snprintf(buf, size, "%s used in an interrupt", text);
	else if (ec == EC_FP)
		tm_snprintf(buf, size, "%s used by task '%s', which was created without TASK_FP",
			    text, task_name(task_current()));
	else if (!is_abort(ec))
		tm_snprintf(buf, size, "%s", text);
	else
		tm_snprintf(buf, size, "%s: %s of %016llx%s: %s", text,
			    ec == EC_IABORT    ? "execution"
			    : f->esr & ISS_WNR ? "write"
					       : "read",
			    (unsigned long long)f->far, f->far < PAGE_SIZE ? " (null pointer)" : "",
			    word_find(fault_status, ARRAY_SIZE(fault_status), f->esr & FSC_MASK));
}

/* ": guard page ..." where mm knows more about the address. */
static void add_place(const struct trap_frame *f, char *buf, size_t size)
{
	size_t len = strlen(buf);
	char place[96];

	if (is_abort(frame_class(f)) && mm_explain_fault(f->far, place, sizeof(place)))
		tm_snprintf(buf + len, size - len, ": %s", place);
}

void trap_fatal(const struct trap_frame *f, unsigned int reason)
{
	char what[200];
	unsigned int cpu = cpu_id();

	if (cpu < MAX_CPUS && !fault_frame[cpu])
		fault_frame[cpu] = f;
	describe(f, reason, what, sizeof(what));
	if (reason == TRAP_SYNC)
		add_place(f, what, sizeof(what));
	panic_fault(what);
}

/*
 * A firmware call the machine has no instruction for: give it the result
 * "not supported" and go on behind it. True when that was it.
 */
static bool fixup_firmware_call(struct trap_frame *f)
{
	if (frame_class(f) != EC_UNKNOWN ||
	    (f->elr != (u64)(uintptr_t)arm64_smc_insn && f->elr != (u64)(uintptr_t)arm64_hvc_insn))
		return false;
	f->x[0] = (u64)PSCI_NOT_SUPPORTED;
	f->elr += 4;
	return true;
}

/* A probe of memory that is not there: its result stays "no". */
static bool fixup_probe(struct trap_frame *f)
{
	if (frame_class(f) != EC_DABORT || f->elr < (u64)(uintptr_t)arm64_probe_start ||
	    f->elr >= (u64)(uintptr_t)arm64_probe_end)
		return false;
	f->x[0] = 0;
	f->elr = (u64)(uintptr_t)arm64_probe_end;
	return true;
}

void trap_sync(struct trap_frame *f)
{
	if (!fixup_firmware_call(f) && !fixup_probe(f))
		trap_fatal(f, TRAP_SYNC);
}

/* Instructions of vectors.S before trap_irq() and after it. */
enum { IRQ_ENTRY_INSNS = 29, IRQ_RETURN_INSNS = 22 };

void trap_irq(void)
{
	if (tm_meter)
		meter_irq_enter(IRQ_ENTRY_INSNS);
	arm64_irq_handle();
	if (tm_meter)
		meter_irq_exit(IRQ_RETURN_INSNS);
}

const struct trap_frame *arm64_fault_frame(void)
{
	unsigned int cpu = cpu_id();

	return cpu < MAX_CPUS ? fault_frame[cpu] : 0;
}

static void dump_spsr(struct out *out, u64 spsr)
{
	static const char *const modes[16] = {
		[0] = "EL0t", [4] = "EL1t", [5] = "EL1h", [8] = "EL2t", [9] = "EL2h"
	};
	const char *mode = modes[spsr & 15];

	out_printf(out, "spsr %016llx  %c%c%c%c, masked:%s%s%s%s, %s\n", (unsigned long long)spsr,
		   spsr >> 31 & 1 ? 'N' : 'n', spsr >> 30 & 1 ? 'Z' : 'z',
		   spsr >> 29 & 1 ? 'C' : 'c', spsr >> 28 & 1 ? 'V' : 'v',
		   spsr >> 9 & 1 ? " debug" : "", spsr >> 8 & 1 ? " SError" : "",
		   spsr >> 7 & 1 ? " IRQ" : "", spsr >> 6 & 1 ? " FIQ" : "",
		   mode ? mode : "unknown mode");
}

void arch_dump_regs(struct out *out)
{
	const struct trap_frame *f = arm64_fault_frame();
	char sym[64];

	if (!f)
		return;
	arch_symbol(f->elr, sym, sizeof(sym));
	out_printf(out, "pc   %016llx  %s\n", (unsigned long long)f->elr, sym);
	arch_symbol(f->x[30], sym, sizeof(sym));
	out_printf(out, "lr   %016llx  %s\n", (unsigned long long)f->x[30], sym);
	out_printf(out, "sp   %016llx  far %016llx\n", (unsigned long long)f->sp,
		   (unsigned long long)f->far);
	out_printf(out, "esr  %016llx  %s\n", (unsigned long long)f->esr,
		   word_find(classes, ARRAY_SIZE(classes), frame_class(f)));
	dump_spsr(out, f->spsr);
	for (unsigned int i = 0; i < 30; i += 3)
		out_printf(out, "x%-2u  %016llx  x%-2u %016llx  x%-2u %016llx\n", i,
			   (unsigned long long)f->x[i], i + 1, (unsigned long long)f->x[i + 1],
			   i + 2, (unsigned long long)f->x[i + 2]);
}
