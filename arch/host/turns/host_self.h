/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which CPU this is, when one thread plays all of them: the one whose turn it
 * is. Changes only inside host_yield(), host_relax() and host_wait(), which
 * return when it is this CPU's turn again, perhaps to another of its tasks.
 */
#ifndef ARCH_HOST_HOST_SELF_H
#define ARCH_HOST_HOST_SELF_H

extern struct host_cpu *host_turn;

static inline struct host_cpu *host_self(void)
{
	return host_turn;
}

#endif
