# SPDX-License-Identifier: Apache-2.0
# `make host-bench`: the shipped allocator on this computer, in nanoseconds
# (native/native.c), from sources of the host tests at -O3 without sanitizers.

NATIVE := $(B)/host/native
NATIVE_SRCS := $(filter mm/% rtos/lib/%,$(HOST_LIB_SRCS)) $(HOST_FAKES) tests/host/help/machine.c \
	tests/bench/native/native.c
NATIVE_OBJS := $(NATIVE_SRCS:%.c=$(NATIVE)/%.o)
NATIVE_CFLAGS := -std=gnu11 -O3 -g -fno-strict-aliasing -fno-common -DTM_DEBUG=0 \
	-Itests/bench/native $(HOST_INC)
# One thread is enough for tests, so the fake machine's locks are no locks.
NATIVE_OWN := spin_lock spin_unlock spin_lock_irqsave spin_unlock_irqrestore spin_held cpu_id \
	task_current

.PHONY: host-bench
$(NATIVE)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(NATIVE_CFLAGS) -MMD -MP -c $< -o $@
	$(Q)$(if $(filter tests/host/fake/%,$<),objcopy $(NATIVE_OWN:%=-W %) $@)
$(NATIVE)/native: $(NATIVE_OBJS)
	$(Q)$(HOSTCC) $^ -lcmocka -lfdt -lpthread -o $@
host-bench: $(NATIVE)/native | setup-test
	$(Q)$<
-include $(NATIVE_OBJS:.o=.d)
