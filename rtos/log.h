/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message ring's other side: what the console core pulls out of it. For
 * rtos/ only.
 */
#ifndef RTOS_LOG_H
#define RTOS_LOG_H

#include "rtos/lib/base.h"

/*
 * Copy the next line the console has not shown yet, as `[    s.uuuuuu] text`
 * with \n, into n (at least 320) bytes; messages above the console's level are
 * passed over, lost ones become a line that counts them. Result: bytes copied,
 * or 0; then *more tells whether there may be some behind those that were passed
 * over. Holds LOCK_RANK_LOG for one bounded step (no lock in a panic). Any.
 */
size_t log_console_fetch(char *buf, size_t n, bool *more);

#endif
