/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time from the generic timer's virtual counter. Nanoseconds are a product
 * with a 32.32 fixed-point factor over 128 bits: two multiplications, no
 * division. The factor exists before anybody asks the time and changes at most
 * once, when the tree overrides the rate. The alarm is set as a distance from
 * now, so that rounding never adds up.
 *
 * Time is the distance from where the counter stood at boot, modulo 2^64, so
 * that it may stand anywhere and wrap as a 64-bit number. Limits: a counter that
 * implements fewer bits (the architecture asks for 56, and 40 years) must not
 * wrap while we run, and alarms, which the hardware compares without sign, are
 * late or spare within one alarm's distance of the 64-bit wrap.
 */
#include "arm64.h"
#include "irqchip.h"
#include "rtos/rtos.h"

enum {
	NS_PER_S = 1000000000,
	HZ_MIN = 100000, /* the architecture names 1 MHz to 1 GHz; be generous */
	CTL_ENABLE = 1 << 0,
	CTL_IMASK = 1 << 1,
	CTL_ISTATUS = 1 << 2,
	ISR_IRQ = 1 << 7,
	HEAR_NS = 1000000, /* far above what a line takes */
	TIMER_VIRTUAL = 2, /* place in the node's interrupts: secure, physical, virtual */
};
#define HZ_MAX 10000000000ull
#define HZ_GUESS 24000000ull   /* a common crystal; only with a warning */
#define TICKS_MAX (1ull << 55) /* an alarm nobody will live to see */

/* Set by the boot CPU before others run, then constant. */
static u64 hz;
static u64 base;      /* counter at boot */
static u64 ns_mult;   /* nanoseconds a tick, 32.32 */
static u64 tick_mult; /* ticks a nanosecond, 32.32, rounded up */
static unsigned int timer_irq;
static bool timer_edge;

static bool hz_sane(u64 rate)
{
	return rate >= HZ_MIN && rate <= HZ_MAX;
}

static void set_rate(u64 rate)
{
	hz = rate;
	ns_mult = ((u64)NS_PER_S << 32) / rate;
	/* Whole part and rest apart: the sum needs more than 64 bits. */
	tick_mult = (rate / NS_PER_S << 32) + ((rate % NS_PER_S << 32) + NS_PER_S - 1) / NS_PER_S;
}

static u64 counter(void)
{
	__asm__ volatile("isb" : : : "memory");
	return arm64_read_sysreg(cntvct_el0);
}

void arm64_clock_init(void)
{
	u64 rate = arm64_read_sysreg(cntfrq_el0);

	set_rate(hz_sane(rate) ? rate : HZ_GUESS);
	base = counter();
}

/* Cannot overflow: 2^64 ns are 584 years. */
static u64 ns_at(u64 count)
{
	return (u64)(((unsigned __int128)(count - base) * ns_mult) >> 32);
}

u64 arch_now_ns(void)
{
	return ns_at(counter());
}

u64 arch_ticks_to_ns(u64 ticks)
{
	unsigned __int128 ns = ((unsigned __int128)ticks * ns_mult) >> 32;

	return ns >> 64 ? ~0ull : (u64)ns;
}

u64 arch_timer_hz(void)
{
	return hz;
}

/* Ticks in ns, rounded up so that the alarm is never early. */
static u64 ticks_of(u64 ns)
{
	unsigned __int128 t = ((unsigned __int128)ns * tick_mult) >> 32;

	return t < TICKS_MAX ? (u64)t + 1 : TICKS_MAX;
}

void arch_timer_set_ns(u64 deadline)
{
	u64 count, now, ticks = 0;

	if (deadline == ARCH_TIMER_OFF) {
		arm64_write_sysreg(cntv_ctl_el0, 0);
		return;
	}
	count = counter();
	now = ns_at(count);
	if (deadline > now)
		ticks = ticks_of(deadline - now);
	arm64_write_sysreg(cntv_cval_el0, count + ticks);
	arm64_write_sysreg(cntv_ctl_el0, CTL_ENABLE);
	__asm__ volatile("isb" : : : "memory");
}

/* ---- the tree's word ------------------------------------------------------- */

static void check_rate(const struct dt_node *node)
{
	u64 rate = arm64_read_sysreg(cntfrq_el0);
	u32 given;

	if (node && dt_u32(node, "clock-frequency", 0, &given) == 0) {
		if (hz_sane(given))
			set_rate(given);
		else
			pr_warn("timer: clock-frequency %u is absurd, ignored", given);
	} else if (!hz_sane(rate)) {
		pr_warn("timer: CNTFRQ_EL0 is %llu and the tree gives no clock-frequency; "
			"taking %llu Hz, times will be wrong",
			(unsigned long long)rate, (unsigned long long)hz);
	}
}

void arm64_timer_init(void)
{
	const struct dt_node *node = dt_find_compatible(0, "arm,armv8-timer");

	if (!node)
		node = dt_find_compatible(0, "arm,armv7-timer");
	check_rate(node);
	if (!arch_irq_lines())
		return;
	if (!node)
		pr_err("timer: no arm,armv8-timer in the tree: no alarms");
	else if (arch_irq_from_dt(node, TIMER_VIRTUAL, &timer_irq, &timer_edge) != 0 ||
		 timer_irq < IRQ_PRIVATE || timer_irq >= IRQ_SHARED) {
		pr_err("timer: no usable interrupt for the virtual timer: no alarms");
		timer_irq = 0;
	}
}

/* Whether this CPU, where interrupts are masked, hears an alarm that is due. */
static bool hears_alarm(void)
{
	u64 start = arch_now_ns();
	bool heard;

	arm64_write_sysreg(cntv_cval_el0, counter());
	arm64_write_sysreg(cntv_ctl_el0, CTL_ENABLE);
	do
		heard = arm64_read_sysreg(isr_el1) & ISR_IRQ;
	while (!heard && arch_now_ns() - start < HEAR_NS);
	arm64_write_sysreg(cntv_ctl_el0, 0);
	__asm__ volatile("isb" : : : "memory");
	return heard;
}

void arm64_timer_init_cpu(void)
{
	arm64_write_sysreg(cntv_ctl_el0, 0);
	if (!timer_irq)
		return;
	arch_irq_unmask(timer_irq, timer_edge);
	if (cpu_id() || hears_alarm())
		return;
	pr_err("timer: interrupt %u stays away when the virtual timer is due: no alarms",
	       timer_irq);
	arch_irq_mask(timer_irq);
	timer_irq = 0;
}

unsigned int arch_timer_irq(void)
{
	return timer_irq;
}

bool arm64_timer_due(void)
{
	return (arm64_read_sysreg(cntv_ctl_el0) & (CTL_ENABLE | CTL_ISTATUS | CTL_IMASK)) ==
	       (CTL_ENABLE | CTL_ISTATUS);
}

void arm64_timer_handle(void)
{
	/* The line is a level: quiet until rtos sets the next alarm. */
	arm64_write_sysreg(cntv_ctl_el0, CTL_ENABLE | CTL_IMASK);
	__asm__ volatile("isb" : : : "memory");
	timer_interrupt();
}
