# SPDX-License-Identifier: Apache-2.0
# Host tests: the very sources of mm/, rtos/lib/ and those parts of the shell
# and the UARTs that need no task, under ASan and UBSan, on the machine of
# tests/host/fake/. Each tests/host/test_X.c is one cmocka program, built and
# run in both variants, as BUILD=test (H/test) and as BUILD=release (H/release),
# since a bad free panics in one and is counted in the other. One program:
# `make host-test T=test_buddy`; SEED=n repeats a run, SOAK=1 makes property
# tests ten times as long.

HOSTCC ?= gcc
# COV=1: programs of their own that count what runs; no sanitizer, whose branches
# would be counted too, and nothing folded.
H := $(B)/host$(if $(COV),/units-coverage)
HOST_LOOK := $(if $(COV),-O0 --coverage -fprofile-update=atomic,-O1 -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined)
HOST_LINK := $(if $(COV),--coverage -u __gcov_dump,-fsanitize=address,undefined)
HOST_LIB_SRCS := $(sort $(wildcard mm/*/*.c) $(filter-out rtos/lib/string.c,$(wildcard rtos/lib/*.c)) \
	$(addprefix rtos/dev/,uart.c pl011.c ns16550.c bcm2835_aux.c) \
	$(addprefix rtos/shell/,lineedit.c parse.c registry.c tree.c))
HOST_TESTS := $(sort $(patsubst tests/host/%.c,%,$(wildcard tests/host/test_*.c)))
HOST_FAKES := $(sort $(wildcard tests/host/fake/*.c))
# Linked whole into every program, before the library: their weak answers for
# what later stages of boot would tell stand unless the real ones are pulled in.
HOST_HELPERS := $(sort $(wildcard tests/host/help/*.c))
# The fakes first: rtos/dev/mmio.h among them stands in for the hardware.
HOST_INC := -Itests/host/fake -I. -Itests/host
HOST_CFLAGS := -std=gnu11 $(HOST_LOOK) -g -fno-omit-frame-pointer -fno-strict-aliasing -fno-common \
	-fno-builtin \
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla \
	-Wpointer-arith -Wwrite-strings $(WERROR) $(HOST_INC)
# Trees of real boards; tools/memmap/memmap.mk has the rule that fetches them.
TREES ?= $(B)/dtbs
HOST_ENV := TREES=$(TREES) UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
	ASAN_OPTIONS=detect_stack_use_after_return=0:abort_on_error=0
HOST_VARIANTS := test release
T ?= $(HOST_TESTS)

define host_variant
$(H)/$(1)/%.o: %.c
	@mkdir -p $$(@D)
	$$(Q)$$(HOSTCC) $$(HOST_CFLAGS) -DTM_DEBUG=$(if $(filter test,$(1)),1,0) -MMD -MP -c $$< -o $$@
$(H)/$(1)/libmm.a: $(HOST_LIB_SRCS:%.c=$(H)/$(1)/%.o) $(HOST_FAKES:%.c=$(H)/$(1)/%.o)
	@rm -f $$@
	$$(Q)ar rcs $$@ $$^
$(H)/$(1)/test_%: $(H)/$(1)/tests/host/test_%.o $(HOST_HELPERS:%.c=$(H)/$(1)/%.o) $(H)/$(1)/libmm.a
	$$(Q)$$(HOSTCC) $(HOST_LINK) $$^ -lcmocka -lfdt -o $$@
# The shell's tests stand in for mm themselves, so without its helpers. The
# console is linked by name: the fake machine has its own, weak, words for it.
$(H)/$(1)/test_shell_console: $(H)/$(1)/rtos/dev/console.o
$(H)/$(1)/test_shell_%: $(H)/$(1)/tests/host/test_shell_%.o $(H)/$(1)/libmm.a
	$$(Q)$$(HOSTCC) $(HOST_LINK) $$(filter %.o,$$^) $(H)/$(1)/libmm.a -lcmocka -o $$@
# The slow path alone: its test answers for all that it calls.
$(H)/$(1)/test_slowpath: $(H)/$(1)/tests/host/test_slowpath.o $(H)/$(1)/libmm.a
	$$(Q)$$(HOSTCC) $(HOST_LINK) $$^ -lcmocka -o $$@
# The Raspberry Pi's interrupt controllers on a model of their registers.
$(H)/$(1)/arch/arm64/%.o: HOST_CFLAGS += -include tests/host/fake/bcm2836.h
$(H)/$(1)/test_bcm2836: $(H)/$(1)/tests/host/test_bcm2836.o $(H)/$(1)/arch/arm64/bcm2836.o \
		$(H)/$(1)/arch/arm64/armctrl.o $(H)/$(1)/libmm.a
	$$(Q)$$(HOSTCC) $(HOST_LINK) $$^ -lcmocka -o $$@
# Sources of rtos/ whose contract is faked for everybody else.
$(H)/$(1)/test_load: $(H)/$(1)/rtos/load.o
$(H)/$(1)/test_bootargs: $(H)/$(1)/rtos/bootargs.o
HOST_BINS += $(HOST_TESTS:%=$(H)/$(1)/%)
-include $$(wildcard $(H)/$(1)/*/*/*.d $(H)/$(1)/*/*/*/*.d)
endef
$(foreach v,$(HOST_VARIANTS),$(eval $(call host_variant,$(v))))

.PHONY: host-build host-test host-tests
.SECONDARY: $(foreach v,$(HOST_VARIANTS),$(HOST_TESTS:%=$(H)/$(v)/tests/host/%.o))
host-build: $(HOST_BINS)

# Run what T names in both variants; all run, any failure fails the target.
$(if $(filter test_real_trees,$(T)),host-test: | $(TREES)/package)
host-test: $(foreach v,$(HOST_VARIANTS),$(T:%=$(H)/$(v)/%))
	@fail=0; for p in $^; do \
		if env $(HOST_ENV) timeout 600 $$p > $$p.log 2>&1; then \
			echo "  ok    $${p#$(H)/} $$(grep -c '^\[       OK' $$p.log) cases"; \
		else \
			fail=1; echo "  FAIL  $${p#$(H)/} (log: $$p.log)"; tail -n 60 $$p.log; \
		fi; done; exit $$fail
host-tests: host-test
