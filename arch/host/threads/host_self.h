/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which CPU this is, when each is a thread: a word of the thread, read afresh
 * every time. A task may go on in another thread after any call that switches,
 * so the compiler must not keep the place of the word across calls.
 */
#ifndef ARCH_HOST_HOST_SELF_H
#define ARCH_HOST_HOST_SELF_H

/* struct host_cpu *host_cpu_of_thread, defined in threads.c. */
static inline struct host_cpu *host_self(void)
{
	struct host_cpu *c;

	__asm__ volatile("movq %%fs:host_cpu_of_thread@tpoff, %0" : "=r"(c));
	return c;
}

#endif
