/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The boot line's parser as mm sees it, apart from fake.c so that only tests
 * that call it need mm_boot_option(). Blanks separate and there are no quotes:
 * enough for mm's own arguments; the kernel's parser has tests of its own.
 */
#include "fake.h"

#include <stdio.h>
#include <string.h>

#include "mm/mm.h"

__attribute__((weak)) void boot_args_parse(const char *cmdline)
{
	char words[4096];

	snprintf(words, sizeof(words), "%s", cmdline);
	fake_cmdline(cmdline);
	for (char *w = strtok(words, " "); w; w = strtok(NULL, " ")) {
		char *value = strchr(w, '=');
		int err;

		if (value)
			*value++ = '\0';
		err = mm_boot_option(w, value);
		if (err)
			printk(LOG_WARN, "boot argument %s: %s", w,
			       err == ERR_NOENT ? "unknown" : "malformed");
	}
}
