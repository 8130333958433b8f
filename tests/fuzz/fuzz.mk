# SPDX-License-Identifier: Apache-2.0
# The page allocator with the ghost model beside it, millions of times, from the
# sources of the host tests. `make fuzz`: FUZZ_RUNS sequences under clang's
# libFuzzer, a share on each machine of tests/fuzz/ops.c; FUZZ_SEED=n repeats a
# run. `make enumerate`: every state of tiny zones (tests/fuzz/enumerate.c), the
# larger ones to a tenth unless ENUM=--whole.

FUZZ_CC ?= clang
FUZZ_RUNS ?= 1000000
FUZZ_SEED ?=
FUZZ := $(B)/fuzz
ENUM ?=
FUZZ_COMMON := $(filter-out rtos/shell/%,$(HOST_LIB_SRCS)) $(HOST_FAKES) \
	$(addprefix tests/host/help/,arena.c ghost.c machine.c)
FUZZ_SRCS := $(FUZZ_COMMON) $(addprefix tests/fuzz/,fuzz_page.c ops.c)
FUZZ_OBJS := $(FUZZ_SRCS:%.c=$(FUZZ)/%.o)
FUZZ_SAN := -fsanitize=fuzzer,undefined -fno-sanitize-recover=undefined
# Only what is shipped is looked at, and steers the fuzzer: by what ran and how
# often. No operand of a comparison is a secret to be guessed from the bytes, and
# looking at them would take half of the time.
FUZZ_LOOK := -fsanitize-coverage=inline-8bit-counters,pc-table -fsanitize=undefined \
	-fno-sanitize-recover=undefined
FUZZ_CFLAGS := -std=gnu11 -O2 -g -fno-omit-frame-pointer -fno-strict-aliasing -fno-common \
	-DTM_DEBUG=0 $(HOST_INC) -Itests/fuzz

.PHONY: fuzz
$(FUZZ)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) $(if $(filter tests/%,$<),,$(FUZZ_LOOK)) -MMD -MP -c $< -o $@
$(FUZZ)/fuzz_page: $(FUZZ_OBJS)
	$(Q)$(FUZZ_CC) $(FUZZ_SAN) $^ -lcmocka -lfdt -o $@
fuzz: $(FUZZ)/fuzz_page | setup-test
	$(Q)tests/fuzz/run $< $(FUZZ_RUNS) $(FUZZ_SEED)

ENUM_OBJS := $(patsubst %.c,$(FUZZ)/plain/%.o,$(FUZZ_COMMON) tests/fuzz/enumerate.c)
ENUM_CFLAGS := -std=gnu11 -O2 -g -fno-builtin -fno-strict-aliasing -fno-common -DTM_DEBUG=1 \
	$(HOST_INC) -Itests/fuzz

.PHONY: enumerate
$(FUZZ)/plain/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(ENUM_CFLAGS) -MMD -MP -c $< -o $@
$(FUZZ)/enumerate: $(ENUM_OBJS)
	$(Q)$(HOSTCC) $^ -lcmocka -lfdt -o $@
enumerate: $(FUZZ)/enumerate | setup-test
	$(Q)$< $(ENUM)
-include $(FUZZ_OBJS:.o=.d) $(ENUM_OBJS:.o=.d)
