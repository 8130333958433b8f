/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The boot arguments of mm, parsed into struct boot_options before any memory
 * is handed out. mm_boot_option() of mm/mm.h is the only way in; a malformed
 * value leaves the option as it was, and the caller prints the warning.
 */
#ifndef MM_BOOT_OPTIONS_H
#define MM_BOOT_OPTIONS_H

#include "mm/boot/intake.h"

/* The values so far; defaults before any was given. Never null. */
const struct boot_options *boot_options(void);
/* Back to the defaults: once at boot, and before each test. */
void boot_options_reset(void);

#endif
