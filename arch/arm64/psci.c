/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PSCI: the firmware's calls to start and stop CPUs and to switch the machine
 * off. The conduit and, for version 0.1, the function numbers come from the
 * tree; a conduit that cannot work here is refused by name before anything depends on
 * it. State is set once by the boot CPU; calls are legal in any context.
 */
#include "arm64.h"
#include "rtos/rtos.h"
#include "smp.h"

enum {
	FN_VERSION = 0x84000000,
	FN_CPU_OFF = 0x84000002,
	FN_SYSTEM_OFF = 0x84000008,
	FN_SYSTEM_RESET = 0x84000009,
};
#define FN_CPU_ON 0xc4000003u
#define FN_AFFINITY_INFO 0xc4000004u

static s64 (*conduit)(u64 function, u64 a1, u64 a2, u64 a3); /* null: none usable */
static u64 fn_cpu_on;                                        /* 0: not offered */
static bool has_system_calls;                                /* and CPU_OFF: from 0.2 on */

enum { AFFINITY_OFF = 1 };

static const struct dt_node *find_node(bool *version_0_1)
{
	static const char *const names[] = { "arm,psci-1.0", "arm,psci-0.2", "arm,psci" };

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		const struct dt_node *n = dt_find_compatible(0, names[i]);

		*version_0_1 = i == 2;
		if (n)
			return n;
	}
	return 0;
}

static bool choose_conduit(const char *method)
{
	if (method && strcmp(method, "smc") == 0) {
		conduit = arm64_smc;
	} else if (method && strcmp(method, "hvc") == 0) {
		/* EL2 was ours on the way in: nobody answers there. */
		if (arch_boot_el() == 2)
			pr_warn("psci: method hvc, but the kernel was entered at EL2: not used");
		else
			conduit = arm64_hvc;
	} else {
		pr_warn("psci: method \"%s\" is not hvc or smc", method ? method : "(none)");
	}
	return conduit;
}

void arm64_psci_init(void)
{
	bool version_0_1;
	const struct dt_node *n = find_node(&version_0_1);
	u32 fn;
	s64 version;

	if (!n || !choose_conduit(dt_string(n, "method")))
		return;
	if (version_0_1) {
		if (dt_u32(n, "cpu_on", 0, &fn) == 0)
			fn_cpu_on = fn;
		pr_info("psci: version 0.1");
		return;
	}
	version = conduit(FN_VERSION, 0, 0, 0);
	if ((s32)version < 0) {
		pr_warn("psci: the firmware does not answer by %s: not used",
			dt_string(n, "method"));
		conduit = 0;
		return;
	}
	fn_cpu_on = FN_CPU_ON;
	has_system_calls = true;
	pr_info("psci: version %d.%d by %s", (int)(version >> 16 & 0x7fff), (int)(version & 0xffff),
		dt_string(n, "method"));
}

int arm64_psci_cpu_on(u64 hwid, phys_t entry, u64 argument, int *code)
{
	if (!conduit || !fn_cpu_on)
		return ERR_NOSYS;
	*code = (int)conduit(fn_cpu_on, hwid, entry.v, argument);
	return *code == 0 ? 0 : ERR_IO;
}

/* Version 0.1 has no way to tell when a CPU is through, and its stack free. */
bool arm64_psci_can_off(void)
{
	return has_system_calls;
}

int arm64_psci_cpu_off(void)
{
	return (int)conduit(FN_CPU_OFF, 0, 0, 0);
}

bool arm64_psci_is_off(u64 hwid)
{
	return (int)conduit(FN_AFFINITY_INFO, hwid, 0, 0) == AFFINITY_OFF;
}

void arm64_psci_system_off(void)
{
	if (has_system_calls)
		(void)conduit(FN_SYSTEM_OFF, 0, 0, 0);
}

void arm64_psci_system_reset(void)
{
	if (has_system_calls)
		(void)conduit(FN_SYSTEM_RESET, 0, 0, 0);
}
