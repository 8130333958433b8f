/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel reads of its tree on this machine: the CPUs. The first
 * available one of the tree is the boot CPU.
 */
#include "host.h"
#include "mm/dt.h"
#include "rtos/rtos.h"

static struct {
	u64 hwid;
	u32 node;
} cpu_table[MAX_CPUS];
static unsigned int nr_cpus;

/* ---- CPUs ------------------------------------------------------------------- */

static void add_cpu(const struct dt_node *n, u32 cells)
{
	u32 len;
	const u8 *reg = dt_prop_get(n, "reg", &len);

	if (!dt_is_cpu(n) || !dt_available(n))
		return;
	if (!reg || cells < 1 || cells > 2 || len != cells * sizeof(u32) || nr_cpus == MAX_CPUS) {
		pr_warn("cpus: %s: left out", n->name);
		return;
	}
	cpu_table[nr_cpus].hwid = dt_cells(reg, cells);
	(void)dt_u32(n, "numa-node-id", 0, &cpu_table[nr_cpus].node);
	nr_cpus++;
}

void arch_cpus_init(void)
{
	const struct dt_node *cpus_node = dt_find_path("/cpus");
	u32 address = 1, size;

	if (cpus_node) {
		dt_child_cells(cpus_node, &address, &size);
		for (const struct dt_node *n = cpus_node->child; n; n = n->sibling)
			add_cpu(n, address);
	}
	if (!nr_cpus) {
		pr_warn("cpus: the tree names none that is available: one");
		nr_cpus = 1;
	}
}

/* Before the tree is read there is the boot CPU. */
unsigned int arch_cpu_count(void)
{
	return nr_cpus ? nr_cpus : 1;
}

u64 arch_cpu_hwid(unsigned int cpu)
{
	BUG_ON_VAL(cpu >= arch_cpu_count(), cpu, nr_cpus);
	return cpu_table[cpu].hwid;
}

unsigned int arch_cpu_node(unsigned int cpu)
{
	BUG_ON_VAL(cpu >= arch_cpu_count(), cpu, nr_cpus);
	return cpu_table[cpu].node;
}
