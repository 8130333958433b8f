/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the intake share: the facts of the blob that every part
 * needs, the result being filled, and the hand from memory nodes to NUMA. Only
 * intake*.c include this. Boot CPU; everything here is forgotten at the end.
 */
#ifndef MM_BOOT_INTAKE_PARTS_H
#define MM_BOOT_INTAKE_PARTS_H

#include "mm/boot/dt_blob.h"
#include "mm/boot/intake.h"

/* The blob, and how the root counts its addresses. */
struct intake_blob {
	const void *fdt;
	u32 address_cells, size_cells; /* of the root, 1 or 2 each */
	u64 limit;                     /* addresses end here: PARange, 16 TiB */
	int chosen, reserved_memory;   /* nodes, or -1 */
};

/* What the memory nodes said about NUMA. */
struct intake_ids {
	u32 nr_with, nr_without; /* memory nodes with and without an id */
	u64 memory;              /* ids seen on memory nodes */
	char fault[200];         /* why NUMA cannot be used; "" */
};

extern struct boot_info intake_info;
extern struct intake_blob intake_blob;
extern struct intake_ids intake_ids;

/* A piece of address space that something lays claim to before any allocation. */
struct claim {
	phys_t start;
	u64 nr_bytes;
	enum mem_reason reason;
	const char *name; /* in the blob, or constant */
	bool no_map;
	bool lend; /* wants to be a CMA area */
};

typedef void (*claim_fn)(const struct claim *c, void *arg);

/*
 * intake_claims.c: a memblock_guard_t that knows all claims; reserve them all,
 * kernel first; take RAM that does not answer out of memblock.
 */
bool claims_guard(phys_t start, phys_t end, phys_t *below);
void claims_reserve(void);
void claims_drop_missing_memory(void);

/* intake_reserved.c: the claims of /reserved-memory with fixed places... */
void reserved_each_claim(claim_fn fn, void *arg);
/* ...a word about children that make none, and then those without a place. */
void reserved_check(void);
void reserved_place_dynamic(void);
/* From the parsed copy: another place for a lent child without one of its own,
 * inside one zone. {0}: it has a place of its own, or there is no other. */
phys_t reserved_place_again(const char *name);
/* From the parsed copy: the lent child that is the default area; null: none is. */
const char *reserved_default_area(void);
/* Make [start, end) no-map, sparing the kernel. */
void reserved_mark_no_map(u64 start, u64 end, const char *name);

/* Next (base, size) of a list with the root's cells; false at its end. */
bool intake_tuple(const u8 **v, u32 *len, u64 *base, u64 *size);

#endif
