/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What vectors.S saves on the stack of the interrupted code. The last pair is
 * a frame record, so that a walk by frame pointers goes through an exception
 * as through a call.
 */
#ifndef ARCH_ARM64_TRAP_FRAME_H
#define ARCH_ARM64_TRAP_FRAME_H

#define TRAP_SP 248
#define TRAP_ELR 256
#define TRAP_ESR 272
#define TRAP_RECORD 288
#define TRAP_SIZE 304

/* Second argument of trap_fatal. */
#define TRAP_SYNC 0
#define TRAP_SERROR 1
#define TRAP_FIQ 2
#define TRAP_BAD_MODE 3 /* stack pointer of EL0, or from a lower level */
#define TRAP_OVERFLOW 4 /* the stack had no room for this frame */

#ifndef __ASSEMBLY__

#include "rtos/lib/base.h"

struct trap_frame {
	u64 x[31];
	u64 sp;
	u64 elr, spsr;
	u64 esr, far;
	u64 record[2];
};
_Static_assert(offsetof(struct trap_frame, sp) == TRAP_SP, "vectors.S");
_Static_assert(offsetof(struct trap_frame, elr) == TRAP_ELR, "vectors.S");
_Static_assert(offsetof(struct trap_frame, esr) == TRAP_ESR, "vectors.S");
_Static_assert(offsetof(struct trap_frame, record) == TRAP_RECORD, "vectors.S");
_Static_assert(sizeof(struct trap_frame) == TRAP_SIZE, "vectors.S");
_Static_assert(TRAP_SIZE % 16 == 0, "SP stays aligned");

#endif
#endif
