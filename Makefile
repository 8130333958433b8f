# SPDX-License-Identifier: Apache-2.0
# Tidemark. `make help` lists what a person types; the rest follows from the
# tree: every .c and .S of a room is built, nothing has to be listed.

CROSS_COMPILE ?= aarch64-linux-gnu-
BUILD ?= release
B ?= build
PYTHON ?= /usr/bin/python3
CC := $(CROSS_COMPILE)gcc
LIBFDT ?= $(B)/libfdt
O := $(B)/arm64$(if $(filter test,$(BUILD)),-test)
Q := $(if $(V),,@)

ROOMS := arch/arm64 mm/boot mm/page mm/stat rtos rtos/lib rtos/dev rtos/shell tests/target
SRCS := $(sort $(foreach d,$(ROOMS),$(wildcard $(d)/*.c $(d)/*.S)))
OBJS := $(SRCS:%=$(O)/%.o)

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef \
	-Wvla -Wpointer-arith -Wwrite-strings -Werror
INC := -I. -Iarch/arm64 -isystem $(LIBFDT)/usr/include
CFLAGS := -std=gnu11 -O2 -g -ffreestanding -mgeneral-regs-only -mstrict-align \
	-fno-pic -fno-pie -mcmodel=small -fno-common -fno-strict-aliasing \
	-fno-omit-frame-pointer -fno-asynchronous-unwind-tables -ffunction-sections \
	-fstack-protector-strong -mstack-protector-guard=global \
	-ffile-prefix-map=$(CURDIR)=. -DTM_DEBUG=$(if $(filter test,$(BUILD)),1,0) $(WARN) $(INC)
LDFLAGS := -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,max-page-size=4096 \
	-Wl,--no-warn-rwx-segments -Wl,--gc-sections

.PHONY: all
all: $(O)/Image

$(O)/%.c.o: %.c | $(LIBFDT)/.ok
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c $< -o $@
$(O)/%.S.o: %.S | $(LIBFDT)/.ok
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -D__ASSEMBLY__ -MMD -MP -c $< -o $@
$(O)/kernel.elf: $(OBJS) arch/arm64/kernel.lds
	$(Q)$(CC) $(LDFLAGS) -T arch/arm64/kernel.lds $(OBJS) \
		$(LIBFDT)/usr/lib/aarch64-linux-gnu/libfdt.a -lgcc -o $@
$(O)/Image: $(O)/kernel.elf
	$(Q)$(CROSS_COMPILE)objcopy -O binary $< $@
	@echo "  $@: $$(stat -c %s $@) bytes"

$(LIBFDT)/.ok:
	$(Q)tools/setup libfdt $(LIBFDT)

-include $(OBJS:.o=.d)
-include tests/host/host.mk
