/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting secondary CPUs, one after the other, by PSCI or by the spin table,
 * and powering them down by PSCI. Each has an entry in arm64_cpu_boot that it
 * finds by its affinity; the starter waits a bounded time for the entry to be
 * claimed, and takes it back if it is not. A CPU that comes when nobody waits for
 * it, late or let loose together with another, waits in head.S until somebody
 * does. One caller at a time.
 */
#include "smp.h"
#include "arm64.h"
#include "cpu_boot.h"
#include "irqchip.h"
#include "mm/mm.h"
#include "rtos/rtos.h"

struct cpu_boot arm64_cpu_boot[MAX_CPUS];

enum {
	EMERGENCY_ORDER = 1, /* 8 KiB: a panic message with its buffers */
	START_WAIT_NS = 1000000000,
};

/* RAM that is the kernel's to use: the tree should have reserved the word. */
static bool is_own_memory(phys_t p)
{
	const struct arch_image *im = arch_image();
	const struct page *page = pfn_to_page(phys_to_pfn_down(p));
	u32 state = page ? page->flags >> PAGE_STATE_SHIFT & 15 : PAGE_HOLE;

	return (p.v >= im->start.v && p.v < im->end.v) ||
	       (state != PAGE_HOLE && state != PAGE_RESERVED);
}

/* Let a CPU in its loader's pen see the entry address at `release`. */
static int release_spin_table(const struct dt_node *node)
{
	u64 entry = arm64_image_phys(secondary_entry).v;
	volatile u64 *word;
	const u8 *prop;
	phys_t release, seen;
	u32 len;

	prop = dt_prop_get(node, "cpu-release-addr", &len);
	if (!prop || (len != 8 && len != 4)) {
		pr_err("smp: %s: cpu-release-addr is missing or malformed", node->name);
		return ERR_NOSYS;
	}
	release = phys_make(dt_cells(prop, len / 4));
	word = phys_to_virt(release);
	if (!is_aligned(release.v, 8) || release.v >> ARCH_PHYS_BITS) {
		pr_err("smp: %s: cpu-release-addr %#llx is no place for a word", node->name,
		       (unsigned long long)release.v);
		return ERR_NOSYS;
	}
	if (is_own_memory(release)) {
		pr_err("smp: %s: cpu-release-addr %#llx is in memory that the tree does not "
		       "reserve: left alone",
		       node->name, (unsigned long long)release.v);
		return ERR_NOSYS;
	}
	/* Memory left out of the linear map has no cached name: write it bare. */
	if (!arch_translate((u64)(uintptr_t)word, &seen, 0, 0))
		word = arch_ioremap(release, sizeof(*word));
	if (!word)
		return ERR_NOMEM;
	if (!arm64_probe_word(word)) {
		pr_err("smp: %s: nothing answers at cpu-release-addr %#llx", node->name,
		       (unsigned long long)release.v);
		return ERR_IO;
	}
	*word = entry;
	__asm__ volatile("dc civac, %0\n\tdsb sy\n\tsev" : : "r"(word) : "memory");
	return 0;
}

static int start_psci(unsigned int cpu)
{
	int code = 0;
	int err = arm64_psci_cpu_on(arch_cpu_hwid(cpu), arm64_image_phys(secondary_entry), cpu,
				    &code);

	if (err == ERR_NOSYS)
		pr_err("smp: CPU %u wants psci, but the tree offers none that works", cpu);
	else if (err)
		pr_err("smp: CPU %u: the firmware refused with %d", cpu, code);
	return err;
}

/* How the tree says a CPU is started; null: it does not. */
static const char *method_of(unsigned int cpu)
{
	const struct dt_node *node = arm64_cpu_node(cpu);
	const char *method = node ? dt_string(node, "enable-method") : 0;

	return method ? method : dt_string(arm64_cpus_node(), "enable-method");
}

static int start(unsigned int cpu)
{
	const struct dt_node *node = arm64_cpu_node(cpu);
	const char *method = method_of(cpu);

	if (method && strcmp(method, "psci") == 0)
		return start_psci(cpu);
	if (method && strcmp(method, "spin-table") == 0)
		return release_spin_table(node);
	pr_err("smp: CPU %u (%s): enable-method \"%s\" is not known", cpu, node->name,
	       method ? method : "(none)");
	return ERR_NOSYS;
}

static void *emergency_stack(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, EMERGENCY_ORDER);

	return page ? (u8 *)page_address(page) + (PAGE_SIZE << EMERGENCY_ORDER) : 0;
}

/* No longer wait for the CPU. False: it came, whoever changes the state first decides. */
static bool take_back(struct cpu_boot *b)
{
	u32 armed = CPU_BOOT_ARMED;

	return __atomic_compare_exchange_n(&b->state, &armed, CPU_BOOT_OFF, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

static bool wait_arrival(struct cpu_boot *b)
{
	u64 begin = arch_now_ns();

	while (__atomic_load_n(&b->state, __ATOMIC_ACQUIRE) != CPU_BOOT_ARRIVED) {
		if (arch_now_ns() - begin > START_WAIT_NS)
			return !take_back(b);
		arch_cpu_relax();
	}
	return true;
}

int arch_cpu_start(unsigned int cpu, void *stack_top, struct task *idle)
{
	struct cpu_boot *b = &arm64_cpu_boot[cpu];
	int err;

	BUG_ON_VAL(cpu == 0 || cpu >= arch_cpu_count(), cpu, arch_cpu_count());
	BUG_ON_VAL(b->state != CPU_BOOT_OFF, cpu, b->state);
	if (!arm64_irq_serves(cpu)) {
		pr_err("smp: CPU %u: no controller can interrupt it: not started", cpu);
		return ERR_NODEV;
	}
	b->hwid = arch_cpu_hwid(cpu);
	b->cpu = cpu;
	b->stack_top = stack_top;
	b->idle = idle;
	if (!b->emergency_top)
		b->emergency_top = emergency_stack();
	if (!b->emergency_top) {
		pr_err("smp: CPU %u: no memory for its emergency stack", cpu);
		return ERR_NOMEM;
	}
	__atomic_store_n(&b->state, CPU_BOOT_ARMED, __ATOMIC_RELEASE);
	/* All of it is visible before anything can let the CPU loose, or wake it
	 * where it waits in head.S already. */
	__asm__ volatile("dsb ishst\n\tsev" : : : "memory");
	err = start(cpu);
	if (err)
		return take_back(b) ? err : 0;
	if (wait_arrival(b))
		return 0;
	pr_err("smp: CPU %u (affinity %#llx) did not come up within 1 s", cpu,
	       (unsigned long long)b->hwid);
	return ERR_IO;
}

bool arm64_cpu_runs(unsigned int cpu)
{
	/* The boot CPU has no entry and never leaves. */
	return cpu == 0 ||
	       __atomic_load_n(&arm64_cpu_boot[cpu].state, __ATOMIC_ACQUIRE) == CPU_BOOT_ARRIVED;
}

/* ---- off ------------------------------------------------------------------------ */

int arch_cpu_can_off(unsigned int cpu)
{
	const char *method = cpu && cpu < arch_cpu_count() ? method_of(cpu) : 0;

	return method && strcmp(method, "psci") == 0 && arm64_psci_can_off() ? 0 : ERR_NOSYS;
}

void arch_cpu_off(void)
{
	struct cpu_boot *b = &arm64_cpu_boot[cpu_id()];
	int code;

	BUG_ON_VAL(!arch_irqs_masked() || b->state != CPU_BOOT_ARRIVED, b->cpu, b->state);
	arm64_irq_leave();
	__atomic_store_n(&b->state, CPU_BOOT_LEAVING, __ATOMIC_RELEASE);
	code = arm64_psci_cpu_off();
	/* Refused. It stays here, masked, and never counts as off. */
	pr_err("smp: CPU %u: the firmware refused to power it down with %d", b->cpu, code);
	for (;;)
		arch_wait_for_interrupt();
}

bool arch_cpu_is_off(unsigned int cpu)
{
	struct cpu_boot *b = &arm64_cpu_boot[cpu];
	u32 state = __atomic_load_n(&b->state, __ATOMIC_ACQUIRE);

	if (state != CPU_BOOT_LEAVING || !arm64_psci_is_off(b->hwid))
		return state == CPU_BOOT_OFF;
	__atomic_store_n(&b->state, CPU_BOOT_OFF, __ATOMIC_RELEASE);
	return true;
}
