/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CPUs of the tree (rows 11, 14). Logical number 0 is the CPU that booted,
 * the others follow in document order. An entry that cannot be used costs one
 * warning with its name and nothing else. The table is written once by the boot
 * CPU and constant afterwards.
 */
#include "arm64.h"
#include "cpu_boot.h"
#include "rtos/rtos.h"
#include "smp.h"

struct cpu_entry {
	u64 hwid;
	const struct dt_node *node;
	u32 numa_node;
};

static struct cpu_entry table[MAX_CPUS];
static unsigned int nr_cpus;
static unsigned int nr_left_out; /* beyond MAX_CPUS */
static const struct dt_node *cpus_node;

unsigned int arch_cpu_count(void)
{
	return nr_cpus;
}

u64 arch_cpu_hwid(unsigned int cpu)
{
	BUG_ON_VAL(cpu >= nr_cpus, cpu, nr_cpus);
	return table[cpu].hwid;
}

unsigned int arch_cpu_node(unsigned int cpu)
{
	BUG_ON_VAL(cpu >= nr_cpus, cpu, nr_cpus);
	return table[cpu].numa_node;
}

const struct dt_node *arm64_cpu_node(unsigned int cpu)
{
	BUG_ON_VAL(cpu >= nr_cpus, cpu, nr_cpus);
	return table[cpu].node;
}

const struct dt_node *arm64_cpus_node(void)
{
	return cpus_node;
}

/* Affinity from reg. False, with a warning, when there is no sane one. */
static bool read_hwid(const struct dt_node *n, u32 cells, u64 *hwid)
{
	u32 len;
	const u8 *reg = dt_prop_get(n, "reg", &len);

	if (!reg || cells < 1 || cells > 2 || len != cells * sizeof(u32)) {
		pr_warn("cpus: %s: reg is missing or has not %u cells: left out", n->name, cells);
		return false;
	}
	*hwid = dt_cells(reg, cells);
	if (*hwid & ~CPU_HWID_MASK) {
		pr_warn("cpus: %s: reg %#llx is no MPIDR affinity: left out", n->name,
			(unsigned long long)*hwid);
		return false;
	}
	return true;
}

static bool is_known(u64 hwid)
{
	for (unsigned int i = 0; i < nr_cpus; i++)
		if (table[i].hwid == hwid && table[i].node)
			return true;
	return false;
}

static void enter(struct cpu_entry *e, const struct dt_node *n, u64 hwid)
{
	e->hwid = hwid;
	e->node = n;
	(void)dt_u32(n, "numa-node-id", 0, &e->numa_node);
}

static void add(const struct dt_node *n, u32 cells)
{
	u64 hwid;

	if (!read_hwid(n, cells, &hwid))
		return;
	if (is_known(hwid)) {
		pr_warn("cpus: %s: reg %#llx was named before: left out", n->name,
			(unsigned long long)hwid);
	} else if (hwid == table[0].hwid) {
		enter(&table[0], n, hwid);
		if (!dt_available(n))
			pr_warn("cpus: %s: not available by its status, but we run on it", n->name);
	} else if (!dt_available(n)) {
		pr_info("cpus: %s: not available by its status", n->name);
	} else if (nr_cpus == MAX_CPUS) {
		nr_left_out++;
	} else {
		enter(&table[nr_cpus++], n, hwid);
	}
}

void arch_cpus_init(void)
{
	u32 address = 1, size;

	BUG_ON_VAL(nr_cpus, nr_cpus, 0);
	table[0].hwid = arm64_read_sysreg(mpidr_el1) & CPU_HWID_MASK;
	nr_cpus = 1;
	cpus_node = dt_find_path("/cpus");
	if (cpus_node) {
		dt_child_cells(cpus_node, &address, &size);
		for (const struct dt_node *n = cpus_node->child; n; n = n->sibling)
			if (dt_is_cpu(n))
				add(n, address);
	}
	if (!table[0].node)
		pr_warn("cpus: the tree does not name the boot CPU (affinity %#llx)",
			(unsigned long long)table[0].hwid);
	if (nr_left_out)
		pr_warn("cpus: %u CPUs beyond the first %d are left out", nr_left_out, MAX_CPUS);
	arm64_psci_init();
	arm64_power_init();
}
