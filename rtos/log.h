/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message ring's other side: what the console core pulls out of it. For
 * rtos/ only.
 */
#ifndef RTOS_LOG_H
#define RTOS_LOG_H

#include "rtos/lib/base.h"

/*
 * Copy text the console has not shown yet, whole lines as `[    s.uuuuuu] text`
 * with \n, as many as fit into n (at least 320) bytes; messages above the
 * console's level are passed over, lost ones become a line that counts them.
 * Result: bytes copied; 0 when there is nothing. Holds LOCK_RANK_LOG for one
 * message at a time (no lock in a panic). Any.
 */
size_t log_console_fetch(char *buf, size_t n);

#endif
