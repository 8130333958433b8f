/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A booted machine whose allocator can be put back to a kept state, by copying
 * what it consists of: nodes with their zones, per-CPU caches, descriptors,
 * pageblock entries. Millions of sequences begin so, each from the same bytes.
 * What sources keep in static data (rate limits, event counts) is not covered,
 * nor are knobs: who changes one sets it back.
 */
#ifndef HOST_HELP_ARENA_H
#define HOST_HELP_ARENA_H

#include "help/machine.h"

/* Boot, learn the ghost, keep the state. */
void arena_boot(const struct machine *m);
/* Keep the state as it is now, with the ghost's. */
void arena_save(void);
/* Put it back: the kept one. */
void arena_restore(void);

/*
 * The state as bytes, of any moment: for enumerations that go back to thousands
 * of states. Only frames [start, end) are in it; the rest must not change.
 */
u64 arena_bytes(u64 start, u64 end);
void arena_copy_out(void *to, u64 start, u64 end);
void arena_copy_in(const void *from, u64 start, u64 end);

#endif
