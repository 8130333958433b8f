/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What our plugins use of QEMU (TCG), as version 1 of its plugin interface has
 * it: the header is not packaged everywhere. Included once, by the plugin.
 */
#ifndef TOOLS_QEMU_PLUGIN_H
#define TOOLS_QEMU_PLUGIN_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*trans_cb)(plugin_id id, struct qemu_plugin_tb *tb);
typedef void (*exec_cb)(unsigned int cpu, void *arg);
typedef void (*mem_cb)(unsigned int cpu, uint32_t info, uint64_t va, void *arg);
enum { NO_REGS = 0, READ_WRITE = 3 };

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, trans_cb cb);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
extern void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_cb cb,
						   int flags, void *arg);
extern void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, mem_cb cb, int flags,
					     int which, void *arg);
extern unsigned int qemu_plugin_mem_size_shift(uint32_t info);
extern void qemu_plugin_register_atexit_cb(plugin_id id, void (*cb)(plugin_id, void *), void *arg);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);

#define PLUGIN_EXPORT __attribute__((visibility("default")))

PLUGIN_EXPORT int qemu_plugin_version = 1;

/* What the plugin has to bring: one `key=value` understood, or false; what to do with
 * code when it is translated; what to do when the machine ends. */
static bool parse(const char *arg);
static void translated(plugin_id id, struct qemu_plugin_tb *tb);
static void write_out(plugin_id id, void *arg);

PLUGIN_EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		if (!parse(argv[i])) {
			fprintf(stderr, "plugin: argument not understood: %s\n", argv[i]);
			return -1;
		}
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, write_out, NULL);
	return 0;
}

#endif
