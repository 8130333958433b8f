// SPDX-License-Identifier: Apache-2.0
/*
 * A plugin of QEMU (TCG) that counts what the running Image, on its one CPU,
 * executes with interrupts masked and with a spinlock held: of the sections that
 * begin at each place the longest, and every instruction of the longest of all.
 * They are written to a file when the machine ends; tools/sections/sections.py
 * starts it and reads that.
 *
 *   -plugin libplugin.so,out=FILE,from=ADDR,vectors=ADDR,lock=START-END,...,unlock=START,...
 *
 * Masking nests: each save of the flags that masks is undone by one restore, an
 * exception by its return, and both hold across a switch between tasks, since each
 * task undoes its own. What opens interrupts outright ends all. Counting begins when
 * the function at `from` is first called.
 *
 * A lock's section is from the return of a function that takes it to the call of one
 * that drops it; those who do it in line are only part of a masked section.
 */
#include "tools/qemu_plugin.h"

enum {
	MAX_PLACES = 512,
	MAX_INSNS = 1 << 16,
	MAX_FUNCTIONS = 8,
	VECTORS_BYTES = 0x800,
	VECTOR_ALIGN = 0x80,
	KIND_BITS = 3,
};

/* What an instruction does to masking; packed above its address's sign bits. */
enum insn_kind { OTHER, MASK, RESTORE, OPEN, RETURN };
enum section_kind { MASKED, LOCKED, NR_SECTIONS };

struct range {
	uint64_t start, end;
};

struct place {
	uint64_t begin, end;
	uint32_t length;
};

/* A kind of section: the one under way, and the longest ones. */
static struct watch {
	bool open;
	uint32_t nr, most, nr_places;
	uint64_t now[MAX_INSNS], longest[MAX_INSNS];
	struct place place[MAX_PLACES];
} watches[NR_SECTIONS];

static const char *const names[NR_SECTIONS] = { "masked", "locked" };
static char out_name[512];
static uint64_t from, vectors;
static struct range lock[MAX_FUNCTIONS];
static uint64_t unlock[MAX_FUNCTIONS];
static unsigned int nr_locks, nr_unlocks, depth;
static bool counting, taking; /* taking: in a function that takes a lock */

static struct place *place_of(struct watch *w, uint64_t begin)
{
	for (uint32_t i = 0; i < w->nr_places; i++)
		if (w->place[i].begin == begin)
			return &w->place[i];
	if (w->nr_places == MAX_PLACES)
		return NULL;
	w->place[w->nr_places] = (struct place){ .begin = begin };
	return &w->place[w->nr_places++];
}

static void begin(struct watch *w)
{
	w->open = true;
	w->nr = 0;
}

static void end(struct watch *w)
{
	struct place *p;

	if (!w->open)
		return;
	w->open = false;
	p = counting && w->nr && w->nr <= MAX_INSNS ? place_of(w, w->now[0]) : NULL;
	if (!p || w->nr <= p->length)
		return;
	p->length = w->nr;
	p->end = w->now[w->nr - 1];
	if (w->nr <= w->most)
		return;
	w->most = w->nr;
	memcpy(w->longest, w->now, w->nr * sizeof(w->now[0]));
}

static void add(struct watch *w, uint64_t pc)
{
	if (!w->open)
		return;
	if (w->nr < MAX_INSNS)
		w->now[w->nr] = pc;
	w->nr++;
}

static bool is_vector(uint64_t pc)
{
	return pc - vectors < VECTORS_BYTES && pc % VECTOR_ALIGN == 0;
}

static void watch_mask(uint64_t pc, enum insn_kind kind)
{
	struct watch *w = &watches[MASKED];

	if ((kind == MASK || is_vector(pc)) && !depth++)
		begin(w);
	add(w, pc);
	if (kind == OPEN)
		depth = 0;
	else if ((kind == RESTORE || kind == RETURN) && depth)
		depth--;
	if (!depth)
		end(w);
}

static bool in_lock(uint64_t pc)
{
	for (unsigned int i = 0; i < nr_locks; i++)
		if (pc >= lock[i].start && pc < lock[i].end)
			return true;
	return false;
}

static bool is_unlock(uint64_t pc)
{
	for (unsigned int i = 0; i < nr_unlocks; i++)
		if (pc == unlock[i])
			return true;
	return false;
}

static void watch_lock(uint64_t pc)
{
	struct watch *w = &watches[LOCKED];

	if (in_lock(pc)) {
		taking = true;
		return;
	}
	if (taking)
		begin(w);
	taking = false;
	if (is_unlock(pc))
		end(w);
	add(w, pc);
}

static void executed(unsigned int cpu, void *arg)
{
	uint64_t packed = (uintptr_t)arg;
	enum insn_kind kind = (enum insn_kind)(packed >> (64 - KIND_BITS));
	/* Addresses of the Image are in the upper half: the top bits are all ones. */
	uint64_t pc = packed | ~(~0ull >> KIND_BITS);

	(void)cpu;
	if (pc == from)
		counting = true;
	watch_mask(pc, kind);
	watch_lock(pc);
}

static enum insn_kind kind_of(uint32_t insn)
{
	if ((insn & 0xfffff0ff) == 0xd50340df && insn & 0x200)
		return MASK; /* msr daifset, #imm with I */
	if ((insn & 0xfffff0ff) == 0xd50340ff && insn & 0x200)
		return OPEN; /* msr daifclr, #imm with I */
	if ((insn & 0xffffffe0) == 0xd51b4220)
		return RESTORE; /* msr daif, xN */
	return insn == 0xd69f03e0 ? RETURN : OTHER;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t packed = qemu_plugin_insn_vaddr(insn) & ~0ull >> KIND_BITS;
		uint32_t word;

		memcpy(&word, qemu_plugin_insn_data(insn), sizeof(word));
		packed |= (uint64_t)kind_of(word) << (64 - KIND_BITS);
		qemu_plugin_register_vcpu_insn_exec_cb(insn, executed, NO_REGS,
						       (void *)(uintptr_t)packed);
	}
}

static void write_out(plugin_id id, void *arg)
{
	FILE *f = fopen(out_name, "w");

	(void)id;
	(void)arg;
	if (!f)
		return;
	for (unsigned int k = 0; k < NR_SECTIONS; k++) {
		const struct watch *w = &watches[k];

		for (uint32_t i = 0; i < w->nr_places; i++)
			fprintf(f, "%s %" PRIx64 " %" PRIx64 " %u\n", names[k], w->place[i].begin,
				w->place[i].end, w->place[i].length);
		for (uint32_t i = 0; i < w->most; i++)
			fprintf(f, "%s-insn %" PRIx64 "\n", names[k], w->longest[i]);
	}
	fclose(f);
}

static bool parse(const char *arg)
{
	if (sscanf(arg, "out=%511s", out_name) == 1 || sscanf(arg, "from=%" SCNx64, &from) == 1 ||
	    sscanf(arg, "vectors=%" SCNx64, &vectors) == 1)
		return true;
	if (nr_locks < MAX_FUNCTIONS && sscanf(arg, "lock=%" SCNx64 "-%" SCNx64,
					       &lock[nr_locks].start, &lock[nr_locks].end) == 2) {
		nr_locks++;
		return true;
	}
	if (nr_unlocks < MAX_FUNCTIONS &&
	    sscanf(arg, "unlock=%" SCNx64, &unlock[nr_unlocks]) == 1) {
		nr_unlocks++;
		return true;
	}
	return false;
}
