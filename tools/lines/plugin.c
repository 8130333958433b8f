// SPDX-License-Identifier: Apache-2.0
/*
 * A plugin of QEMU (TCG) that watches calls of the running Image: from the first
 * instruction of a function until the program is back in its caller, it notes
 * every instruction and every 64-byte line of memory touched, the stack left
 * out. The last complete call of each function is written to a file when the
 * machine ends; tools/lines/lines.py starts it and reads that.
 *
 *   -plugin libplugin.so,out=FILE,stack=START-END,call=ENTRY:START-END[,call=...]
 *
 * Interrupts are masked in these calls, so nothing else runs in between; each
 * CPU has a watch of its own.
 */
#include "tools/qemu_plugin.h"

enum { MAX_CPUS = 8, MAX_CALLS = 4, MAX_LINES = 4096, MAX_INSNS = 1 << 16, LINE_SHIFT = 6 };

struct range {
	uint64_t start, end;
};

/* What one call did. */
struct record {
	uint64_t line[MAX_LINES], insn[MAX_INSNS];
	unsigned int nr_lines, nr_insns;
};

struct call {
	uint64_t entry;
	struct range caller;
	struct record last; /* complete ones only */
	unsigned int calls;
};

static struct call calls[MAX_CALLS];
static unsigned int nr_calls;
static struct range stack;
static char out_name[512];
static struct watch {
	struct call *call; /* null: none under way */
	struct record now;
} watches[MAX_CPUS];

static bool within(uint64_t va, struct range r)
{
	return va >= r.start && va < r.end;
}

static void add_line(struct record *r, uint64_t line)
{
	for (unsigned int i = 0; i < r->nr_lines; i++)
		if (r->line[i] == line)
			return;
	if (r->nr_lines < MAX_LINES)
		r->line[r->nr_lines++] = line;
}

static void touched(unsigned int cpu, uint32_t info, uint64_t va, void *arg)
{
	struct watch *w = &watches[cpu];
	uint64_t last = va + (1u << qemu_plugin_mem_size_shift(info)) - 1;

	(void)arg;
	if (!w->call || within(va, stack))
		return;
	for (uint64_t line = va >> LINE_SHIFT; line <= last >> LINE_SHIFT; line++)
		add_line(&w->now, line);
}

static struct call *call_at(uint64_t va)
{
	for (unsigned int i = 0; i < nr_calls; i++)
		if (calls[i].entry == va)
			return &calls[i];
	return NULL;
}

static void executed(unsigned int cpu, void *arg)
{
	uint64_t va = (uintptr_t)arg;
	struct watch *w = &watches[cpu];

	if (w->call && within(va, w->call->caller)) {
		w->call->last = w->now;
		w->call->calls++;
		w->call = NULL;
	}
	if (!w->call) {
		w->call = call_at(va);
		w->now.nr_lines = 0;
		w->now.nr_insns = 0;
	}
	if (w->call && w->now.nr_insns < MAX_INSNS)
		w->now.insn[w->now.nr_insns++] = va;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t va = qemu_plugin_insn_vaddr(insn);

		qemu_plugin_register_vcpu_insn_exec_cb(insn, executed, NO_REGS,
						       (void *)(uintptr_t)va);
		qemu_plugin_register_vcpu_mem_cb(insn, touched, NO_REGS, READ_WRITE, NULL);
	}
}

static void write_out(plugin_id id, void *arg)
{
	FILE *f = fopen(out_name, "w");

	(void)id;
	(void)arg;
	if (!f)
		return;
	for (unsigned int c = 0; c < nr_calls; c++) {
		const struct record *r = &calls[c].last;

		fprintf(f, "call %" PRIx64 " %u\n", calls[c].entry, calls[c].calls);
		for (unsigned int i = 0; i < r->nr_lines; i++)
			fprintf(f, "line %" PRIx64 "\n", r->line[i] << LINE_SHIFT);
		for (unsigned int i = 0; i < r->nr_insns; i++)
			fprintf(f, "insn %" PRIx64 "\n", r->insn[i]);
	}
	fclose(f);
}

static bool parse(const char *arg)
{
	struct call c = { 0 };

	if (sscanf(arg, "out=%511s", out_name) == 1)
		return true;
	if (sscanf(arg, "stack=%" SCNx64 "-%" SCNx64, &stack.start, &stack.end) == 2)
		return true;
	if (nr_calls == MAX_CALLS || sscanf(arg, "call=%" SCNx64 ":%" SCNx64 "-%" SCNx64, &c.entry,
					    &c.caller.start, &c.caller.end) != 3)
		return false;
	calls[nr_calls++] = c;
	return true;
}
