/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults and names of addresses. A signal that the kernel's code raised is what
 * an exception is on the machine: it is described and becomes a panic, on a
 * stack of its own, because the kernel's may be what ran out. Walks along frame
 * pointers read only what the kernel has mapped.
 */
#define _GNU_SOURCE
#include "host.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "context.h"
#include "mm/mm.h"
#include "rtos/panic.h"
#include "rtos/rtos.h"

enum {
	MAX_STEPS = 512,
	SIGNAL_STACK = 256 << 10,
	SAVED_RBP = 5, /* words above the saved stack pointer, as switch.S pushed */
	SAVED_RETURN = 6,
};

/* Made by tools/mksyms; code addresses as offsets from _image_start. */
struct ksyms {
	u32 count;
	u32 names_bytes;
	struct {
		u32 offset, name;
	} sym[];
};
extern const struct ksyms _ksyms;
extern const char __executable_start[], etext[];

static u8 signal_stack[SIGNAL_STACK] tm_aligned(16);
static const greg_t *fault_regs; /* of the first fault */

/* ---- names ------------------------------------------------------------------- */

static u64 code_base(void)
{
	return (u64)(uintptr_t)__executable_start;
}

/* Index of the last symbol at or below addr plus one; 0: none. */
static u32 find_symbol(u64 addr)
{
	u32 lo = 0, hi = _ksyms.count;

	if (addr < code_base() || addr >= (u64)(uintptr_t)etext)
		return 0;
	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (_ksyms.sym[mid].offset <= addr - code_base())
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void name_by(u64 place, u64 addr, char *buf, size_t size)
{
	u32 i = find_symbol(place);
	const char *names = (const char *)&_ksyms.sym[_ksyms.count];

	if (!i) {
		tm_snprintf(buf, size, "0x%llx", (unsigned long long)addr);
		return;
	}
	tm_snprintf(buf, size, "%s+0x%llx", names + _ksyms.sym[i - 1].name,
		    (unsigned long long)(addr - code_base() - _ksyms.sym[i - 1].offset));
}

void arch_symbol(u64 addr, char *buf, size_t size)
{
	name_by(addr, addr, buf, size);
}

/* ---- traces --------------------------------------------------------------------- */

static void print_place(struct out *out, u64 addr, u64 place)
{
	char sym[80];

	name_by(place, addr, sym, sizeof(sym));
	out_printf(out, "  %016llx  %s\n", (unsigned long long)addr, sym);
}

static bool readable(u64 at)
{
	phys_t p;

	return is_aligned(at, 8) && arch_translate(at, &p, NULL, NULL);
}

static void walk(struct out *out, u64 fp)
{
	u64 last = 0, repeats = 0;

	for (unsigned int i = 0; i < MAX_STEPS && readable(fp) && readable(fp + 8); i++) {
		const u64 *record = (const u64 *)(uintptr_t)fp;

		if (!record[1])
			break;
		if (record[1] == last) {
			repeats++;
		} else {
			if (repeats)
				out_printf(out, "  ... and again %llu times\n",
					   (unsigned long long)repeats);
			repeats = 0;
			print_place(out, record[1], record[1] - 1);
		}
		last = record[1];
		if (record[0] <= fp)
			break;
		fp = record[0];
	}
	if (repeats)
		out_printf(out, "  ... and again %llu times\n", (unsigned long long)repeats);
}

void arch_backtrace(struct out *out, u64 frame)
{
	if (frame) {
		walk(out, frame);
	} else if (fault_regs) {
		u64 pc = (u64)fault_regs[REG_RIP];

		print_place(out, pc, pc);
		walk(out, (u64)fault_regs[REG_RBP]);
	} else {
		walk(out, (u64)(uintptr_t)__builtin_frame_address(0));
	}
}

void arch_backtrace_task(struct out *out, const struct task *t)
{
	/* rtos/task.h keeps the context first in struct task. */
	const u64 *saved =
		(const u64 *)(uintptr_t)((const struct arch_context *)(const void *)t)->sp;

	if (!readable((u64)(uintptr_t)saved) || !readable((u64)(uintptr_t)(saved + SAVED_RETURN)))
		return;
	print_place(out, saved[SAVED_RETURN], saved[SAVED_RETURN] - 1);
	walk(out, saved[SAVED_RBP]);
}

void arch_dump_regs(struct out *out)
{
	static const struct {
		int reg;
		const char *name;
	} regs[] = {
		{ REG_RIP, "rip" }, { REG_RSP, "rsp" }, { REG_RBP, "rbp" }, { REG_RAX, "rax" },
		{ REG_RBX, "rbx" }, { REG_RCX, "rcx" }, { REG_RDX, "rdx" }, { REG_RSI, "rsi" },
		{ REG_RDI, "rdi" }, { REG_R8, "r8" },   { REG_R9, "r9" },   { REG_R10, "r10" },
		{ REG_R11, "r11" }, { REG_R12, "r12" }, { REG_R13, "r13" }, { REG_R14, "r14" },
		{ REG_R15, "r15" }, { REG_EFL, "efl" },
	};

	for (unsigned int i = 0; fault_regs && i < ARRAY_SIZE(regs); i++)
		out_printf(out, "%-4s %016llx%s", regs[i].name,
			   (unsigned long long)fault_regs[regs[i].reg], i % 3 == 2 ? "\n" : "  ");
}

/* ---- signals --------------------------------------------------------------------- */

static bool in_guard(u64 at)
{
	bool boot = at >= HOST_BOOT_STACK && at < HOST_BOOT_STACK + STACK_SLOT;

	return (boot || (at >= ARCH_STACK_BASE && at < HOST_EARLY_BASE)) &&
	       at % STACK_SLOT < STACK_SLOT - STACK_SIZE;
}

static void describe(int sig, u64 at, const greg_t *regs, char *buf, size_t size)
{
	bool abort = sig == SIGSEGV || sig == SIGBUS;

	if (abort && in_guard(at))
		tm_snprintf(buf, size, "stack overflow at SP %016llx",
			    (unsigned long long)regs[REG_RSP]);
	else if (abort)
		tm_snprintf(buf, size, "%s of %016llx%s",
			    at == (u64)regs[REG_RIP] ? "instruction abort: execution"
			    : regs[REG_ERR] & 2      ? "data abort: write"
						     : "data abort: read",
			    (unsigned long long)at, at < PAGE_SIZE ? " (null pointer)" : "");
	else
		tm_snprintf(buf, size, "%s",
			    sig == SIGILL ? "undefined instruction" : "arithmetic");
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	const ucontext_t *u = context;
	char what[200], place[96];
	size_t len;

	if (!fault_regs)
		fault_regs = u->uc_mcontext.gregs;
	arch_stop_others();
	describe(sig, (u64)(uintptr_t)info->si_addr, u->uc_mcontext.gregs, what, sizeof(what));
	len = strlen(what);
	if (sig == SIGSEGV && mm_explain_fault((u64)(uintptr_t)info->si_addr, place, sizeof(place)))
		tm_snprintf(what + len, sizeof(what) - len, ": %s", place);
	panic_fault(what);
}

void host_faults_init(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE };
	stack_t stack = { .ss_sp = signal_stack, .ss_size = sizeof(signal_stack) };
	struct sigaction act = { .sa_sigaction = on_fault,
				 .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };

	sigaltstack(&stack, NULL);
	for (unsigned int i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &act, NULL);
}
