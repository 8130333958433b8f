/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end: say why on the console, with registers, backtrace, current task and
 * zone marks, then power off, reboot or halt as `panic=` asked. The first CPU
 * to come here owns the console; the others are stopped. It takes no lock and
 * allocates nothing. A panic inside a panic prints one line and stops; a third
 * stops in silence.
 */
#include "rtos/panic.h"
#include "mm/mm.h"
#include "rtos/log.h"
#include "rtos/task.h"

enum { NOBODY = 0 };

static u32 panic_cpu;     /* (A) CPU + 1 that panicked first */
static u32 panic_depth;   /* of that CPU */
static int panic_timeout; /* (I) seconds; 0 halt, < 0 power off */

bool panic_active(void)
{
	return __atomic_load_n(&panic_cpu, __ATOMIC_RELAXED) != NOBODY;
}

void panic_set_timeout(int seconds)
{
	panic_timeout = seconds;
}

static tm_noreturn void park(void)
{
	for (;;)
		arch_wait_for_interrupt();
}

static tm_noreturn void finish(void)
{
	u64 deadline;

	if (panic_timeout < 0) {
		out_printf(&console_out, "tm: powering off\n");
		console_flush(time_after_ns(1000000000));
		arch_poweroff();
	} else if (panic_timeout > 0) {
		out_printf(&console_out, "tm: rebooting in %d s\n", panic_timeout);
		deadline = time_after_ns((u64)panic_timeout * 1000000000);
		while (time_now_ns() < deadline)
			arch_cpu_relax();
		arch_reboot();
	}
	out_printf(&console_out, "tm: halted\n");
	console_flush(time_after_ns(1000000000));
	park();
}

/* Claim the machine: returns only on the first CPU, the first time. */
static void begin(void)
{
	u32 me = cpu_id() + 1, nobody = NOBODY;

	(void)arch_irq_save();
	if (!__atomic_compare_exchange_n(&panic_cpu, &nobody, me, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE) &&
	    nobody != me)
		park();
	if (++panic_depth > 2)
		park();
	if (panic_depth == 2) {
		out_printf(&console_out, "\ntm: panic inside a panic, stopping\n");
		finish();
	}
	arch_stop_others();
	console_panic_mode();
}

static void describe(u64 frame)
{
	const struct task *t = arch_current();

	out_printf(&console_out, "CPU %u, task %u '%s' prio %u, up %llu.%06llu s\n", t->cpu, t->id,
		   t->name, t->prio, (unsigned long long)(time_now_ns() / 1000000000),
		   (unsigned long long)(time_now_ns() / 1000 % 1000000));
	arch_dump_regs(&console_out);
	out_printf(&console_out, "backtrace:\n");
	arch_backtrace(&console_out, frame);
	mm_view_panic(&console_out);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	begin();
	out_printf(&console_out, "\ntm: panic: ");
	va_start(ap, fmt);
	out_vprintf(&console_out, fmt, ap);
	va_end(ap);
	out_printf(&console_out, "\n");
	describe((u64)(uintptr_t)__builtin_frame_address(0));
	finish();
}

void panic_fault(const char *what)
{
	begin();
	out_printf(&console_out, "\ntm: panic: %s\n", what);
	describe(0);
	finish();
}

void tm_bug(const char *file, int line, const char *what, u64 a, u64 b)
{
	panic("BUG at %s:%d: %s (%#llx, %#llx)", file, line, what, (unsigned long long)a,
	      (unsigned long long)b);
}
