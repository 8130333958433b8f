/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The BCM2835's interrupt controller ("armctrl") behind the local one of a
 * BCM2836 or BCM2837: 72 lines of devices in three banks, gathered into one
 * wire that interrupts one core. It can open and close a line and say which are
 * pending; who serves them, in which order, and what software raises is
 * bcm2836.c's, the only user.
 */
#ifndef ARCH_ARM64_ARMCTRL_H
#define ARCH_ARM64_ARMCTRL_H

#include "mm/dt.h"

enum { ARMCTRL_BANKS = 3 };

/*
 * Find the one controller chained behind `local`, map it, close all its lines.
 * False, logged with the reason: there is none that works; the functions below
 * are then legal, and no line is ever pending. Boot CPU, once.
 */
bool armctrl_init(const struct dt_node *local);
/* Bank and bit that the two cells of a node below `parent` name. 0 or ERR_INVAL. */
int armctrl_translate(const struct dt_node *parent, const u32 *v, u32 cells, unsigned int *bank,
		      unsigned int *bit);
/* Open or close the lines of a mask. Any. */
void armctrl_open(unsigned int bank, u32 lines);
void armctrl_close(unsigned int bank, u32 lines);
/* The lines that are pending and open, by bank. Any. */
void armctrl_pending(u32 lines[ARMCTRL_BANKS]);

#endif
