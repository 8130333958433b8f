/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequences of calls to the page allocator, decoded from bytes, three an
 * operation: whatever a caller may do, and what it must not. After every
 * operation the ghost model compares everything. A sequence begins from the same
 * state each time, so its bytes alone repeat it.
 *
 * OPS_TRACE=1 in the environment prints each operation before it is done.
 */
#ifndef FUZZ_OPS_H
#define FUZZ_OPS_H

#include <stddef.h>

#include "arch/arch.h"

enum { OPS_SHAPES = 3, OPS_BYTES = 3, OPS_MOST = 256 };

/* Boot the machine of this number; once a process, or in a child of its own. */
void ops_boot(unsigned int shape);
/* One sequence, of at most OPS_MOST operations. A difference ends the process with
 * what was found, the operations and their bytes. */
void ops_run(const u8 *data, size_t nr_bytes);
/* Operations and answers so far, in all sequences. */
struct ops_count {
	u64 sequences, operations, served, refused, freed, wrong;
};
struct ops_count ops_count(void);

#endif
