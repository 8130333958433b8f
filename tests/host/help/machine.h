/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine's memory for tests below the device tree: banks, nodes, CPUs,
 * reservations, options, in plain numbers. machine_boot() does what mm_boot()
 * does from memblock on, with the real sources, up to the open allocator.
 *
 * Addresses are written in MiB by the macros below, so that shapes read well.
 */
#ifndef HOST_HELP_MACHINE_H
#define HOST_HELP_MACHINE_H

#include "fake/fake.h"
#include "mm/boot/boot.h"

#define MIB(n) ((u64)(n) << 20)
#define GIB(n) ((u64)(n) << 30)

enum { MACHINE_BANKS = 16 };

struct machine {
	struct {
		u64 start, end;
		u32 node;
		u16 flags;
	} bank[MACHINE_BANKS];
	struct {
		u64 start, end;
	} reserved[MACHINE_BANKS], cma[4];
	unsigned int nr_cpus; /* 0: one */
	unsigned int cpu_node[MAX_CPUS];
	u64 extra_nodes;             /* known by a CPU or nothing else: memoryless */
	u8 distance[4][4];           /* first row 0: 10 and 20 */
	u64 dma_end;                 /* 0: 4 GiB */
	struct boot_options options; /* zero ratios: the defaults */
};

/* Boot as far as zones_init(), so that nothing is free yet. */
void machine_boot_zones(const struct machine *m);
/* Boot all the way. */
void machine_boot(const struct machine *m);
/* What the machine tells mm; changes count before machine_boot only. */
struct boot_info *machine_info(void);
/* Pages nobody owns: on free lists or in caches. */
u64 unowned_pages(void);
/* The records that intake would have kept. */
void machine_records(const struct mem_record *records, u32 nr);

#endif
