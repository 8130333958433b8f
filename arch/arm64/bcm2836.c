// SPDX-License-Identifier: Apache-2.0
/*
 * The local interrupt controller of the BCM2836 and BCM2837 (Raspberry Pi 2
 * and 3), four cores at most: private lines (timers, PMU), four mailboxes a core,
 * of which the first carries calls between CPUs, and one wire for all lines of
 * armctrl, which interrupts the boot CPU.
 *
 * The hardware knows neither levels, nor lines raised by software, nor a CPU for
 * a single line. All three are kept here, in words of one bit a line. A line
 * that another CPU serves is forwarded: the boot CPU closes it (held), notes it
 * as raised (soft) and knocks at that CPU's mailbox; the end of its handler opens
 * it again. Lines: 16 + n for local source n, 32 + 32 * bank + bit for armctrl,
 * then 32 that only software raises.
 *
 * No lock: words of shared lines change by atomic operations, and whoever
 * changes one looks afterwards at what the change could have made due. With a
 * full barrier between the two, of two CPUs at least one sees the other.
 */
#include "arm64.h"
#include "armctrl.h"
#include "irqchip.h"
#include "mmio.h"
#include "rtos/rtos.h"

enum {
	GPU_ROUTING = 0x0c,
	PMU_OPEN = 0x10, /* a bit a core */
	PMU_CLOSE = 0x14,
	BUS_CONTROL = 0x30, /* these two: sources that nobody serves */
	LOCAL_TIMER = 0x34,
	TIMER_CONTROL = 0x40, /* these three: a word a core */
	MAILBOX_CONTROL = 0x50,
	SOURCE = 0x60,
	MAILBOX_SET = 0x80, /* a word for each of four mailboxes of each core */
	MAILBOX_CLEAR = 0xc0,
	NR_BYTES = 0x100,

	NR_CORES = 4,
	NR_MAILBOXES = 4,
	NR_TIMERS = 4,
	LOCAL_PMU = 9,
	SOURCE_PRIVATE = ((1 << NR_TIMERS) - 1) | 1 << LOCAL_PMU,
	SOURCE_MAILBOX = 1 << 4,
	SOURCE_GPU = 1 << 8,

	IPI_LOOK = 2, /* not a line: something is due in the words below */
	NR_BANKS = ARMCTRL_BANKS + 1,
	NR_LINES = IRQ_SHARED + NR_BANKS * 32,
	NONE = IRQ_MAX,
};

static volatile u8 *regs; /* set by init, then constant */
static unsigned int boot_core;

/* Shared lines, by bank. All words (A). */
static struct {
	u32 enabled; /* rtos wants it */
	u32 soft;    /* raised by software, or forwarded */
	u32 active;  /* its handler runs */
	u32 held;    /* closed at armctrl until that is over */
	u32 of_core[NR_CORES];
	u32 of_level[IRQ_LEVEL_MAX + 1];
} shared[NR_BANKS];
static u32 levels; /* (A) that any line ever had */

/* Private lines, by core, bits as line numbers: enabled (P), soft (A). */
static struct {
	u32 enabled, soft;
} private[NR_CORES];

static unsigned int this_core(void)
{
	return (unsigned int)arm64_read_sysreg(mpidr_el1) & (NR_CORES - 1);
}

static unsigned int core_of(unsigned int cpu)
{
	return (unsigned int)arch_cpu_hwid(cpu) & (NR_CORES - 1);
}

static u32 get(const u32 *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

/* Behind a barrier; who changes the word later looks, and knocks, himself. */
static u32 peek(const u32 *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/* Set or clear bits; what they were. A full barrier. */
static u32 set_bits(u32 *word, u32 bits)
{
	u32 old = __atomic_fetch_or(word, bits, __ATOMIC_SEQ_CST);

	mmio_barrier();
	return old & bits;
}

static u32 clear_bits(u32 *word, u32 bits)
{
	u32 old = __atomic_fetch_and(word, ~bits, __ATOMIC_SEQ_CST);

	mmio_barrier();
	return old & bits;
}

static unsigned int bank_of(unsigned int irq)
{
	return (irq - IRQ_SHARED) / 32;
}

static u32 bit_of(unsigned int irq)
{
	return 1u << irq % 32;
}

/* ---- calls between CPUs ---------------------------------------------------------- */

/* A core's own mailbox: reading shows the calls, writing ones takes them out. */
static u32 mailbox(unsigned int core)
{
	return MAILBOX_CLEAR + core * NR_MAILBOXES * 4;
}

static void knock(unsigned int core, unsigned int ipi)
{
	mmio_publish();
	mmio_write32(regs, MAILBOX_SET + core * NR_MAILBOXES * 4, 1u << ipi);
}

static void send(unsigned int cpu, unsigned int ipi)
{
	knock(core_of(cpu), ipi);
}

/* The most urgent call of the mailbox, taken out of it, or NONE. */
static unsigned int take_call(unsigned int core, u32 calls)
{
	unsigned int ipi = IPI_RESCHEDULE;

	if (calls & 1u << IPI_STOP)
		ipi = IPI_STOP;
	else if (!(calls & 1u << IPI_RESCHEDULE))
		return NONE;
	mmio_write32(regs, mailbox(core), 1u << ipi);
	/* What the sender stored before is read after this. */
	mmio_barrier();
	return ipi;
}

/* ---- what is open ------------------------------------------------------------------ */

/*
 * Make armctrl follow enabled and held. Whoever wrote last has seen, after
 * writing, the words as he wrote them. Goes round only when another CPU has
 * changed them meanwhile.
 */
static void follow(unsigned int bank, u32 bit)
{
	bool open;

	if (bank >= ARMCTRL_BANKS)
		return;
	do {
		open = get(&shared[bank].enabled) & ~get(&shared[bank].held) & bit;
		if (open)
			armctrl_open(bank, bit);
		else
			armctrl_close(bank, bit);
		mmio_barrier();
	} while (open != !!(get(&shared[bank].enabled) & ~get(&shared[bank].held) & bit));
}

static void open_private(unsigned int local, bool open)
{
	u32 core = this_core(), at = TIMER_CONTROL + core * 4, v;

	if (local < NR_TIMERS) {
		v = mmio_read32(regs, at);
		mmio_write32(regs, at, open ? v | 1u << local : v & ~(1u << local));
	} else if (local == LOCAL_PMU) {
		mmio_write32(regs, open ? PMU_OPEN : PMU_CLOSE, 1u << core);
	}
}

/* Let the CPU look that a raised line is meant for. */
static void tell(unsigned int bank, u32 bit)
{
	unsigned int core = 0;

	while (core < NR_CORES && !(get(&shared[bank].of_core[core]) & bit))
		core++;
	knock(core < NR_CORES ? core : boot_core, IPI_LOOK);
}

/* A change may have made a raised line due. */
static void tell_if_due(unsigned int bank, u32 bit)
{
	if (get(&shared[bank].soft) & get(&shared[bank].enabled) & bit)
		tell(bank, bit);
}

static void unmask(unsigned int irq, bool edge)
{
	unsigned int core = this_core();

	(void)edge; /* all wires are levels, and what software raises is served once */
	if (irq < IRQ_SHARED) {
		private[core].enabled |= bit_of(irq);
		open_private(irq - IRQ_PRIVATE, true);
		if (get(&private[core].soft) & bit_of(irq))
			knock(core, IPI_LOOK);
	} else {
		set_bits(&shared[bank_of(irq)].enabled, bit_of(irq));
		follow(bank_of(irq), bit_of(irq));
		tell_if_due(bank_of(irq), bit_of(irq));
	}
}

static void mask(unsigned int irq)
{
	if (irq < IRQ_SHARED) {
		private[this_core()].enabled &= ~bit_of(irq);
		open_private(irq - IRQ_PRIVATE, false);
	} else {
		clear_bits(&shared[bank_of(irq)].enabled, bit_of(irq));
		follow(bank_of(irq), bit_of(irq));
	}
}

static void set_pending(unsigned int irq)
{
	if (irq < IRQ_SHARED) {
		set_bits(&private[this_core()].soft, bit_of(irq));
		knock(this_core(), IPI_LOOK);
	} else {
		set_bits(&shared[bank_of(irq)].soft, bit_of(irq));
		tell_if_due(bank_of(irq), bit_of(irq));
	}
}

static void set_cpu(unsigned int irq, unsigned int cpu)
{
	u32 *of_core = shared[bank_of(irq)].of_core;

	set_bits(&of_core[core_of(cpu)], bit_of(irq));
	for (unsigned int core = 0; core < NR_CORES; core++)
		if (core != core_of(cpu))
			clear_bits(&of_core[core], bit_of(irq));
}

/* Private lines come before all shared ones, whatever their level. */
static void set_level(unsigned int irq, unsigned int level)
{
	if (irq < IRQ_SHARED)
		return;
	for (unsigned int l = 0; l <= IRQ_LEVEL_MAX; l++)
		clear_bits(&shared[bank_of(irq)].of_level[l], bit_of(irq));
	set_bits(&shared[bank_of(irq)].of_level[level], bit_of(irq));
	set_bits(&levels, 1u << level);
}

/* ---- serving -------------------------------------------------------------------------- */

static unsigned int take_private(unsigned int core, u32 source)
{
	u32 due = (source & SOURCE_PRIVATE) << IRQ_PRIVATE | get(&private[core].soft);
	unsigned int irq;

	due &= private[core].enabled;
	if (!due)
		return NONE;
	irq = (unsigned int)__builtin_ctz(due);
	clear_bits(&private[core].soft, bit_of(irq));
	return irq;
}

/* Raised lines that this core may serve now. */
static u32 raised_for(unsigned int core, unsigned int bank)
{
	u32 lines = peek(&shared[bank].soft);

	if (!lines)
		return 0;
	return lines & peek(&shared[bank].enabled) & peek(&shared[bank].of_core[core]) &
	       ~peek(&shared[bank].active);
}

/* Lines that pend on the wire and are to be served. */
static u32 wired_in(unsigned int bank, u32 pending)
{
	return pending ? pending & peek(&shared[bank].enabled) & ~peek(&shared[bank].held) : 0;
}

/* The first line of the highest level. */
static unsigned int most_urgent(const u32 due[NR_BANKS])
{
	unsigned int irq = NONE, above = 0;

	for (unsigned int bank = 0; bank < NR_BANKS; bank++) {
		if (!due[bank])
			continue;
		for (u32 left = peek(&levels) >> above << above; left;) {
			unsigned int level = 31 - (unsigned int)__builtin_clz(left);
			u32 lines = due[bank] & peek(&shared[bank].of_level[level]);

			left ^= 1u << level;
			if (lines) {
				irq = IRQ_SHARED + bank * 32 + (unsigned int)__builtin_ctz(lines);
				above = level + 1;
				break;
			}
		}
	}
	return irq;
}

/* True: the line is this CPU's to serve, and nobody else's until eoi(). */
static bool claim(unsigned int bank, u32 bit, bool wired)
{
	bool raised;

	if (set_bits(&shared[bank].active, bit))
		return false;
	raised = clear_bits(&shared[bank].soft, bit);
	if (raised || wired)
		return true;
	/* Served by another CPU since we looked. */
	clear_bits(&shared[bank].active, bit);
	tell_if_due(bank, bit);
	return false;
}

/* A line of the wire that another CPU serves, or is serving. */
static void forward(unsigned int bank, u32 bit)
{
	set_bits(&shared[bank].held, bit);
	follow(bank, bit);
	set_bits(&shared[bank].soft, bit);
	tell_if_due(bank, bit);
}

static unsigned int take_shared(unsigned int core, u32 source)
{
	u32 wired[NR_BANKS] = { 0 }, raised[NR_BANKS], due[NR_BANKS], bit;
	unsigned int irq, bank;

	if (source & SOURCE_GPU)
		armctrl_pending(wired);
	for (bank = 0; bank < NR_BANKS; bank++) {
		wired[bank] = wired_in(bank, wired[bank]);
		raised[bank] = raised_for(core, bank);
		due[bank] = wired[bank] | raised[bank];
	}
	irq = most_urgent(due);
	if (irq == NONE)
		return NONE;
	bank = bank_of(irq);
	bit = bit_of(irq);
	if (!(get(&shared[bank].of_core[core]) & bit) || !claim(bank, bit, wired[bank] & bit)) {
		if (wired[bank] & bit)
			forward(bank, bit);
		irq = NONE;
	}
	/* The wire asks again by itself, other lines raised before do not. */
	raised[bank] &= ~bit;
	if (raised[0] | raised[1] | raised[2] | raised[3])
		knock(core, IPI_LOOK);
	return irq;
}

static u32 ack(void)
{
	unsigned int core = this_core(), irq;
	u32 source = mmio_read32(regs, SOURCE + core * 4);
	u32 calls = source & SOURCE_MAILBOX ? mmio_read32(regs, mailbox(core)) : 0;

	irq = take_call(core, calls);
	if (irq == NONE)
		irq = take_private(core, source);
	if (irq != NONE)
		return irq;
	if (calls)
		mmio_write32(regs, mailbox(core), calls);
	/* Whoever knocked before that has raised his line before we look for it. */
	mmio_barrier();
	return take_shared(core, source);
}

static void eoi(u32 irq)
{
	unsigned int bank = bank_of(irq);
	u32 bit = bit_of(irq);

	if (irq < IRQ_SHARED)
		return;
	clear_bits(&shared[bank].active, bit);
	if (get(&shared[bank].held) & bit) {
		clear_bits(&shared[bank].held, bit);
		follow(bank, bit);
	}
	tell_if_due(bank, bit);
}

/* ---- set-up ----------------------------------------------------------------------------- */

/* There is no word that says what this is, but another device has no mailboxes. */
static bool has_mailbox(unsigned int core)
{
	bool set;

	mmio_write32(regs, mailbox(core), ~0u);
	knock(core, IPI_LOOK);
	set = mmio_read32(regs, mailbox(core)) == 1u << IPI_LOOK;
	mmio_write32(regs, mailbox(core), ~0u);
	return set && !mmio_read32(regs, mailbox(core));
}

static int init(const struct dt_node *node)
{
	boot_core = core_of(0);
	regs = arm64_map_regs(node, 0, NR_BYTES);
	if (!regs || !has_mailbox(boot_core)) {
		pr_err("irq: %s: reg is missing, cannot be mapped, or no BCM2836 answers there",
		       node->name);
		return ERR_NODEV;
	}
	for (unsigned int bank = 0; bank < NR_BANKS; bank++) {
		shared[bank].of_core[boot_core] = ~0u;
		shared[bank].of_level[IRQ_LEVEL_DEFAULT] = ~0u;
	}
	levels = 1u << IRQ_LEVEL_DEFAULT;
	mmio_write32(regs, GPU_ROUTING, boot_core);
	mmio_write32(regs, BUS_CONTROL, 0);
	mmio_write32(regs, LOCAL_TIMER, 0);
	/* Without it there are still timers and calls: all CPUs, a polled console. */
	(void)armctrl_init(node);
	return 0;
}

/* Cores of the boot CPU's cluster: nothing else is wired to it. */
static bool serves(unsigned int cpu)
{
	return (arch_cpu_hwid(cpu) & 0xff) < NR_CORES &&
	       arch_cpu_hwid(cpu) >> 8 == arch_cpu_hwid(0) >> 8;
}

static void close_all(unsigned int core)
{
	mmio_write32(regs, TIMER_CONTROL + core * 4, 0);
	mmio_write32(regs, PMU_CLOSE, 0x11u << core); /* also as a FIQ */
	mmio_write32(regs, MAILBOX_CONTROL + core * 4, 0);
	private[core].enabled = 0;
}

static bool init_cpu(unsigned int cpu)
{
	unsigned int core = core_of(cpu);
	/* Somebody may have asked this CPU to stop while it came up. */
	u32 keep = cpu ? 1u << IPI_STOP : 0;

	if (!serves(cpu)) {
		pr_err("irq: CPU %u is not wired to the local controller", cpu);
		return false;
	}
	close_all(core);
	mmio_write32(regs, mailbox(core), ~keep);
	mmio_write32(regs, MAILBOX_CONTROL + core * 4, 1);
	return true;
}

static void leave_cpu(unsigned int cpu)
{
	close_all(core_of(cpu));
}

static unsigned int lines(void)
{
	return NR_LINES;
}

static int translate(const struct dt_node *parent, const u32 *v, u32 cells, unsigned int *irq,
		     bool *edge)
{
	unsigned int bank, bit;

	*edge = false;
	if (dt_is_compatible(parent, "brcm,bcm2836-l1-intc") && cells <= 2) {
		*irq = IRQ_PRIVATE + v[0];
		return v[0] < NR_TIMERS || v[0] == LOCAL_PMU ? 0 : ERR_INVAL;
	}
	if (armctrl_translate(parent, v, cells, &bank, &bit) != 0)
		return ERR_INVAL;
	*irq = IRQ_SHARED + bank * 32 + bit;
	return 0;
}

const struct irqchip arm64_bcm2836 = {
	.name = "BCM2836",
	.init = init,
	.serves = serves,
	.init_cpu = init_cpu,
	.leave_cpu = leave_cpu,
	.lines = lines,
	.unmask = unmask,
	.mask = mask,
	.set_cpu = set_cpu,
	.set_level = set_level,
	.set_pending = set_pending,
	.translate = translate,
	.ack = ack,
	.eoi = eoi,
	.send = send,
};
