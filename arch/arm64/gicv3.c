/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv3 and v4: a distributor for shared lines, a redistributor per CPU for
 * private ones, and the CPU interface in system registers. Redistributors stand
 * in one or more regions of the node, in any order; each says in its TYPER
 * whose it is. Shared lines are routed to the boot CPU until told otherwise. All lines are put into
 * group 1, which changes something only where no secure firmware did.
 */
#include "arm64.h"
#include "gic.h"
#include "mmio.h"
#include "rtos/rtos.h"

/* System registers by encoding: older assemblers lack the names. */
#define ICC_IAR1 S3_0_C12_C12_0
#define ICC_EOIR1 S3_0_C12_C12_1
#define ICC_BPR1 S3_0_C12_C12_3
#define ICC_CTLR S3_0_C12_C12_4
#define ICC_SRE S3_0_C12_C12_5
#define ICC_IGRPEN1 S3_0_C12_C12_7
#define ICC_SGI1R S3_0_C12_C11_5
#define ICC_PMR S3_0_C4_C6_0

enum {
	CTLR_GRP1 = 1 << 0,   /* as the non-secure side numbers them */
	CTLR_GRP1_A = 1 << 1, /* and as a GIC with one security state does */
	CTLR_ARE = 1 << 4,
	GICR_CTLR = 0x00,
	GICR_TYPER = 0x08,
	GICR_WAKER = 0x14,
	GICR_SGI_FRAME = 0x10000,
	TYPER_VLPIS = 1 << 1, /* two more 64 KiB frames follow */
	TYPER_LAST = 1 << 4,
	WAKER_SLEEP = 1 << 1,
	WAKER_ASLEEP = 1 << 2,
	FRAME_BYTES = 0x10000,
	IDS_PAGE = 0xf000,
	PIDR2 = 0xfe8,
	WAIT_NS = 10 * 1000 * 1000, /* far above any register write */
	REGIONS_MAX = 64,
};
/* A register write is on its way, in the distributor's and a redistributor's CTLR. */
#define GICD_RWP (1u << 31)
#define GICR_RWP (1u << 3)

static volatile u8 *dist; /* set by init, then constant, as all below */
static unsigned int nr_lines;
static volatile u8 *redist[MAX_CPUS];  /* first frame's first page */
static volatile u8 *private[MAX_CPUS]; /* second frame's first page */

/* ---- finding redistributors --------------------------------------------------- */

/* Affinity as TYPER packs it. */
static u32 packed_affinity(u64 hwid)
{
	return (u32)((hwid >> 32 & 0xff) << 24 | (hwid & 0xffffff));
}

static int cpu_of(u32 affinity)
{
	for (unsigned int cpu = 0; cpu < arch_cpu_count(); cpu++)
		if (packed_affinity(arch_cpu_hwid(cpu)) == affinity)
			return (int)cpu;
	return -1;
}

/* The last page of a distributor or redistributor says what it is; bare memory
 * and other devices say something else. */
static bool is_gicv3(phys_t frame)
{
	volatile u8 *ids = arch_ioremap(phys_make(frame.v + IDS_PAGE), PAGE_SIZE);
	u32 revision;

	if (!ids || !arm64_probe_word(ids + PIDR2))
		return false;
	revision = mmio_read32(ids, PIDR2) >> 4 & 15;
	return revision == 3 || revision == 4;
}

/* Only the pages in use are mapped: a region may be sized for 512 CPUs. */
static void scan_region(phys_t base, u64 nr_bytes, u64 stride)
{
	for (u64 at = 0; nr_bytes - at >= 2 * FRAME_BYTES;) {
		volatile u8 *frame = arch_ioremap(phys_make(base.v + at), PAGE_SIZE);
		u64 typer, step;
		int cpu;

		if (!frame || !is_gicv3(phys_make(base.v + at)))
			return;
		typer = mmio_read64(frame, GICR_TYPER);
		cpu = cpu_of((u32)(typer >> 32));
		if (cpu >= 0 && !redist[cpu]) {
			redist[cpu] = frame;
			private[cpu] =
				arch_ioremap(phys_make(base.v + at + GICR_SGI_FRAME), PAGE_SIZE);
		}
		step = stride ? stride : (typer & TYPER_VLPIS ? 4 : 2) * FRAME_BYTES;
		if (typer & TYPER_LAST || step > nr_bytes - at)
			return;
		at += step;
	}
}

static bool find_redistributors(const struct dt_node *node)
{
	u32 regions = 1, hi, lo;
	u64 stride = 0, nr_bytes;
	phys_t base;

	(void)dt_u32(node, "#redistributor-regions", 0, &regions);
	if (dt_u32(node, "redistributor-stride", 1, &lo) == 0 &&
	    dt_u32(node, "redistributor-stride", 0, &hi) == 0)
		stride = (u64)hi << 32 | lo;
	else if (dt_u32(node, "redistributor-stride", 0, &lo) == 0)
		stride = lo;
	if (stride && (stride < 2 * FRAME_BYTES || !is_aligned(stride, FRAME_BYTES))) {
		pr_warn("irq: %s: redistributor-stride %#llx is not usable, ignored", node->name,
			(unsigned long long)stride);
		stride = 0;
	}
	for (u32 i = 1; i <= min_u64(regions, REGIONS_MAX); i++)
		if (dt_reg(node, i, &base, &nr_bytes) == 0)
			scan_region(base, nr_bytes, stride);
	return redist[0] && private[0];
}

/* ---- set-up ---------------------------------------------------------------------- */

/* Wait for a register write to take effect; both CTLR registers lie at 0. */
static void settle(volatile u8 *base, u32 pending)
{
	u64 start;

	if (!(mmio_read32(base, GICD_CTLR) & pending))
		return;
	start = arch_now_ns();
	while (mmio_read32(base, GICD_CTLR) & pending) {
		if (arch_now_ns() - start > WAIT_NS) {
			pr_warn("irq: GICv3 does not confirm a register write");
			return;
		}
		arch_cpu_relax();
	}
}

static u64 router_of(unsigned int cpu)
{
	return arch_cpu_hwid(cpu) & 0xff00ffffffull;
}

/* System registers instead of memory-mapped ones, if the levels above agree. */
static bool sysregs_on(void)
{
	if ((arm64_read_sysreg(id_aa64pfr0_el1) >> 24 & 15) == 0)
		return false;
	arm64_write_sysreg(ICC_SRE, arm64_read_sysreg(ICC_SRE) | 1);
	__asm__ volatile("isb" : : : "memory");
	return arm64_read_sysreg(ICC_SRE) & 1;
}

static int init(const struct dt_node *node)
{
	phys_t base;
	u64 nr_bytes;

	if (!sysregs_on()) {
		pr_err("irq: %s: no GIC system registers at this level", node->name);
		return ERR_NODEV;
	}
	if (dt_reg(node, 0, &base, &nr_bytes) == 0)
		dist = arch_ioremap(base, FRAME_BYTES);
	if (!dist || !is_gicv3(base) || !find_redistributors(node)) {
		pr_err("irq: %s: no GICv3 distributor there, or no redistributor of the boot CPU",
		       node->name);
		return ERR_NODEV;
	}
	mmio_write32(dist, GICD_CTLR, 0);
	settle(dist, GICD_RWP);
	nr_lines = gic_lines(node, dist);
	for (unsigned int i = IRQ_SHARED; i < nr_lines; i += 32)
		mmio_write32(dist, GICD_IGROUPR + i / 8, ~0u);
	gic_reset_shared(dist, nr_lines);
	settle(dist, GICD_RWP);
	mmio_write32(dist, GICD_CTLR, CTLR_ARE | CTLR_GRP1_A | CTLR_GRP1);
	settle(dist, GICD_RWP);
	for (unsigned int i = IRQ_SHARED; i < nr_lines; i++)
		mmio_write64(dist, GICD_IROUTER + i * 8, router_of(0));
	return 0;
}

static bool wake(volatile u8 *rd)
{
	u64 start = arch_now_ns();

	mmio_write32(rd, GICR_WAKER, mmio_read32(rd, GICR_WAKER) & ~(u32)WAKER_SLEEP);
	while (mmio_read32(rd, GICR_WAKER) & WAKER_ASLEEP) {
		if (arch_now_ns() - start > WAIT_NS)
			return false;
		arch_cpu_relax();
	}
	return true;
}

static bool serves(unsigned int cpu)
{
	return redist[cpu] && private[cpu];
}

static bool init_cpu(unsigned int cpu)
{
	if (!serves(cpu) || !sysregs_on() || !wake(redist[cpu])) {
		pr_err("irq: CPU %u has no working redistributor", cpu);
		return false;
	}
	mmio_write32(private[cpu], GICD_IGROUPR, ~0u);
	gic_reset_private(private[cpu]);
	settle(redist[cpu], GICR_RWP);
	arm64_write_sysreg(ICC_PMR, GIC_PRIORITY_MASK);
	arm64_write_sysreg(ICC_BPR1, 0);
	arm64_write_sysreg(ICC_CTLR, 0);
	arm64_write_sysreg(ICC_IGRPEN1, 1);
	__asm__ volatile("isb" : : : "memory");
	return true;
}

/* The redistributor is told only after the interface is closed. */
static void leave_cpu(unsigned int cpu)
{
	u64 start = arch_now_ns();

	arm64_write_sysreg(ICC_IGRPEN1, 0);
	__asm__ volatile("isb" : : : "memory");
	mmio_write32(redist[cpu], GICR_WAKER, mmio_read32(redist[cpu], GICR_WAKER) | WAKER_SLEEP);
	while (!(mmio_read32(redist[cpu], GICR_WAKER) & WAKER_ASLEEP) &&
	       arch_now_ns() - start < WAIT_NS)
		arch_cpu_relax();
}

/* ---- use ------------------------------------------------------------------------- */

static unsigned int lines(void)
{
	return nr_lines;
}

/* Private lines live in the redistributor of the CPU that asks. */
static volatile u8 *home(unsigned int irq)
{
	return irq < IRQ_SHARED ? private[cpu_id()] : dist;
}

static void unmask(unsigned int irq, bool edge)
{
	gic_set_trigger(home(irq), irq, edge);
	gic_set_bit(home(irq), GICD_ISENABLER, irq);
}

static void mask(unsigned int irq)
{
	gic_set_bit(home(irq), GICD_ICENABLER, irq);
	if (irq < IRQ_SHARED)
		settle(redist[cpu_id()], GICR_RWP);
	else
		settle(dist, GICD_RWP);
}

static void set_cpu(unsigned int irq, unsigned int cpu)
{
	mmio_write64(dist, GICD_IROUTER + irq * 8, router_of(cpu));
}

static void set_level(unsigned int irq, unsigned int level)
{
	gic_set_level(home(irq), irq, level);
}

static void set_pending(unsigned int irq)
{
	gic_set_bit(home(irq), GICD_ISPENDR, irq);
}

static u32 ack(void)
{
	u32 value = (u32)arm64_read_sysreg(ICC_IAR1);

	__asm__ volatile("dsb sy" : : : "memory");
	return value;
}

static void eoi(u32 value)
{
	arm64_write_sysreg(ICC_EOIR1, value);
	__asm__ volatile("isb" : : : "memory");
}

static void send(unsigned int cpu, unsigned int ipi)
{
	u64 id = arch_cpu_hwid(cpu), aff0 = id & 0xff;
	u64 v = (id >> 32 & 0xff) << 48 | (aff0 >> 4) << 44 | (id >> 16 & 0xff) << 32 |
		(u64)ipi << 24 | (id >> 8 & 0xff) << 16 | 1ull << (aff0 & 15);

	__asm__ volatile("dsb ishst" : : : "memory");
	arm64_write_sysreg(ICC_SGI1R, v);
	__asm__ volatile("isb" : : : "memory");
}

const struct irqchip arm64_gicv3 = {
	.name = "GICv3",
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
	.translate = gic_translate,
	.ack = ack,
	.eoi = eoi,
	.send = send,
};
