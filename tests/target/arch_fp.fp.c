/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All floating-point registers of arm64 at once: filled, held over a stretch of
 * busy work, and compared. In assembler, so that none of them is the compiler's
 * to use or to save in between.
 */
#include "arch/arch.h"
#include "rtos/lib/lib.h"
#include "tests/target/fp_work.h"

enum { REGS = 32, ROUNDING_SHIFT = 22, FLAGS = 0x1f };

struct fp_state {
	u64 q[REGS][2];
	u64 fpcr, fpsr;
};

#define EACH_Q(op, at)                                                                             \
	".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,"  \
	"30,31\n\t" op " q\\n, [" at ", #16 * \\n]\n\t.endr\n\t"

#define ALL_Q                                                                                      \
	"v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",    \
		"v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24",       \
		"v25", "v26", "v27", "v28", "v29", "v30", "v31"

#define LOAD EACH_Q("ldr", "%[in]") "msr fpcr, %[cr]\n\tmsr fpsr, %[sr]\n"
#define BUSY "1:\tyield\n\tsubs %[n], %[n], #1\n\tb.ne 1b\n\t"
#define STORE EACH_Q("str", "%[out]") "mrs %[cr], fpcr\n\tmrs %[sr], fpsr\n\tmsr fpcr, xzr"

static void hold(const struct fp_state *in, struct fp_state *out, u64 busy_loops)
{
	u64 fpcr = in->fpcr, fpsr = in->fpsr;

	__asm__ volatile(LOAD BUSY STORE
			 : [n] "+&r"(busy_loops), [cr] "+&r"(fpcr), [sr] "+&r"(fpsr)
			 : [in] "r"(in->q), [out] "r"(out->q)
			 : "memory", "cc", ALL_Q);
	out->fpcr = fpcr;
	out->fpsr = fpsr;
}

u32 arch_fp_hold(u64 seed, u64 busy_loops)
{
	struct fp_state in, out;
	u32 changed, i;

	for (i = 0; i < REGS; i++) {
		in.q[i][0] = (seed + i) * 0x9e3779b97f4a7c15ull;
		in.q[i][1] = ~in.q[i][0];
	}
	in.fpcr = (seed & 3) << ROUNDING_SHIFT;
	in.fpsr = seed & FLAGS;
	hold(&in, &out, busy_loops);
	changed = (in.fpcr != out.fpcr) + (in.fpsr != out.fpsr);
	for (i = 0; i < REGS; i++)
		changed += in.q[i][0] != out.q[i][0] || in.q[i][1] != out.q[i][1];
	return changed;
}

u32 arch_fp_dirty(void)
{
	u64 q[REGS][2];
	u32 dirty = 0, i;

	__asm__ volatile(EACH_Q("str", "%[out]") : : [out] "r"(q) : "memory");
	for (i = 0; i < REGS; i++)
		dirty += q[i][0] || q[i][1];
	return dirty;
}
