/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What mm/boot shares about the device tree and nobody else needs: pieces of
 * the parsed tree's code that other files of the room use, and reading one
 * path out of the blob before the parsed tree exists.
 */
#ifndef MM_BOOT_DT_BLOB_H
#define MM_BOOT_DT_BLOB_H

#include "mm/boot/dt_check.h"
#include "mm/dt.h"

/*
 * Whether a node of name `have` is meant by the len characters at `want`: a
 * unit address may be left out of what is wanted. Any.
 */
bool dt_name_is(const char *have, const char *want, size_t len);

/* Whether a list of terminated strings of len bytes holds s. Any. */
bool dt_list_has(const u8 *list, u32 len, const char *s);

/*
 * Translate an address of `bus` to the root by `prop`, which is "ranges" or
 * "dma-ranges", of every bus on the way. False when one of them cannot. Any.
 */
bool dt_translate(const struct dt_node *bus, const char *prop, u64 *addr);

/*
 * Read the console UART from a checked blob: /chosen stdout-path (a path or an
 * alias, followed once; options after `:` are left out), its compatible, first
 * reg translated to a CPU address, reg-shift and reg-io-width. 0, ERR_NOENT (no
 * stdout-path), ERR_INVAL (it names nothing usable; *c holds what was found).
 * Boot CPU, before there is memory.
 */
int dt_console_find(const void *fdt, const struct dt_shape *shape, struct dt_console *c);

/*
 * Make the copy that mm/dt.h reads, from a checked blob, in boot memory that
 * stays. Once, from mm_boot(); shape is dt_check()'s.
 */
void dt_unflatten(const void *fdt, const struct dt_shape *shape);

/* Tests: drop the parsed tree. */
void dt_forget(void);

#endif
