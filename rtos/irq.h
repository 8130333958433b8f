/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What CPU off and on ask of the interrupt lines, for rtos/ only; the calls for
 * everybody are in rtos/defer.h. irq_lock guards the lines; each call here holds
 * it for one line at a time.
 */
#ifndef RTOS_IRQ_H
#define RTOS_IRQ_H

/*
 * A CPU is about to go, or gone: lines it serves move to the first CPU of their
 * mask that stays online; to any, with a message, when that was the last. Task.
 */
void irq_cpu_gone(unsigned int cpu);
/* A CPU is online again: lines whose mask names it first return to it. Task. */
void irq_cpu_back(void);

#endif
