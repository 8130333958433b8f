# SPDX-License-Identifier: Apache-2.0
# The kernel as a Linux process: $(B)/host/tidemark (with the checks of
# BUILD=test) and, by `make host SAN=undefined`, $(B)/host/tidemark-undefined;
# COV=1 counts which lines run, PLANT=NAME builds in a bug (tests/plants/).
# All sources of the Image but those of arch/arm64, its suite, and the string
# functions, which here are the C library's. The link is fixed (no-pie), so
# that addresses in the output are the same everywhere.

SAN ?=
COV ?=
SIM_OPT ?= $(if $(COV),-O0,-O1)
comma := ,
PLANT ?=
SIM_FLAVOUR := $(if $(SAN),-$(SAN))$(if $(COV),-coverage)
SIM := $(B)/host/kernel$(SIM_FLAVOUR)
SIM_BIN := $(W)/host/tidemark$(SIM_FLAVOUR)$(if $(PLANT),-$(PLANT))
SIM_MODE := arch/host/$(if $(filter thread,$(SAN)),threads,turns)
SIM_SRCS := $(sort $(wildcard arch/host/*.c arch/host/*.S $(SIM_MODE)/*.c) \
	$(filter-out arch/arm64/% rtos/lib/string.c tests/target/arch%,$(SRCS)) \
	apps/$(if $(APP),start,none).c)
# With APP= the app is linked in, as into the Image.
SIM_APP_OBJS := $(patsubst $(APP_DIR)/%.c,$(SIM_BIN)-app$(APP_ABS)/%.c.o,$(filter %.c,$(APP_SRCS)))
# With PLANT= the sources its patch changes are changed copies in SIM_PLANT.
SIM_PLANT := $(B)/host/plants$(SIM_FLAVOUR)/$(PLANT)
SIM_PLANTED := $(if $(PLANT),$(shell sed -n 's|^+++ b/||p' tests/plants/$(PLANT).patch))
SIM_OBJS := $(patsubst %,$(SIM)/%.o,$(filter-out $(SIM_PLANTED),$(SIM_SRCS))) $(SIM_APP_OBJS) \
	$(SIM_PLANTED:%=$(SIM_PLANT)/%.o)
SIM_CFLAGS := -std=gnu11 $(SIM_OPT) -g -fno-builtin -fno-pie -fno-common -fno-strict-aliasing \
	-fno-omit-frame-pointer -fno-optimize-sibling-calls -fno-stack-protector \
	-ffile-prefix-map=$(CURDIR)=. -DTM_DEBUG=1 $(WARN) -I$(SIM_MODE) -Iarch/host -I. \
	$(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=$(SAN)) $(if $(COV),--coverage) \
	$(if $(filter thread,$(SAN)),-Wno-tsan)
SIM_LINK = $(HOSTCC) -no-pie -Wl,--build-id=none -Wl,-z,noexecstack -Wl,--defsym=_image_start=__executable_start \
	$(if $(SAN),-fsanitize=$(SAN)) $(if $(COV),--coverage -Wl$(comma)-u$(comma)__gcov_dump) $(SIM_OBJS)

.PHONY: host
host-build: $(SIM_BIN)
host: $(SIM_BIN)

$(SIM_OBJS): arch/host/host.mk | setup-test
# The machine must not order what the kernel leaves in disorder: the thread
# sanitizer looks at the kernel alone. Of the kernel the meter is left out: its
# records are read and written around fences, which the sanitizer does not know.
$(SIM)/arch/host/%.c.o $(SIM)/rtos/meter.c.o: SIM_LOOK := $(if $(filter thread,$(SAN)),-fno-sanitize=thread)
$(SIM)/%.c.o: %.c
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(SIM_CFLAGS) $(SIM_LOOK) -MMD -MP -c $< -o $@
$(SIM)/%.S.o: %.S
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -c $< -o $@
$(SIM_PLANT)/.planted: tests/plants/$(PLANT).patch $(SIM_PLANTED)
	@rm -rf $(@D) && mkdir -p $(@D)
	@tar c $(SIM_PLANTED) | tar x -C $(@D)
	@patch -s -p1 -d $(@D) <$< || { echo "$< does not apply to this tree any more"; exit 1; }
	@touch $@
$(SIM_PLANT)/%.c: $(SIM_PLANT)/.planted ;
$(SIM_PLANT)/%.c.o: $(SIM_PLANT)/.planted
	$(Q)$(HOSTCC) $(SIM_CFLAGS) -ffile-prefix-map=$(SIM_PLANT)/= -MMD -MP -c $(SIM_PLANT)/$*.c -o $@
$(SIM_APP_OBJS): $(SIM_BIN)-app$(APP_ABS)/%.o: $(APP_DIR)/%
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(filter-out -Werror,$(SIM_CFLAGS)) -I$(APP_DIR) -MMD -MP -c $< -o $@
define sim_ksyms
@{ printf '\t.section .ksyms, "a"\n\t.balign 8\n\t.globl _ksyms\n_ksyms:\n'; \
	$(PYTHON) tools/mksyms $(1); } >$(SIM_BIN).ksyms.S
$(Q)$(HOSTCC) -c $(SIM_BIN).ksyms.S -o $(SIM_BIN).ksyms.o
endef
# The symbol table lies behind the code, so it does not move what it names.
$(SIM_BIN): $(SIM_OBJS) tools/mksyms $(A)/.linked
	$(call sim_ksyms,</dev/null)
	$(Q)$(SIM_LINK) $(SIM_BIN).ksyms.o -lfdt -o $@.1
	$(Q)nm -n $@.1 >$(SIM_BIN).names
	$(call sim_ksyms,<$(SIM_BIN).names)
	$(Q)$(SIM_LINK) $(SIM_BIN).ksyms.o -lfdt -o $@
	@rm $@.1
	$(call say,HOST    $@)

# Written by the compiler; nobody makes them.
$(SIM_OBJS:.o=.d): ;
-include $(SIM_OBJS:.o=.d)
