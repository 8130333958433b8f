# SPDX-License-Identifier: Apache-2.0
# Tidemark. `make help` lists what a person types; the rest follows from the
# tree: every .c and .S of a room is built, nothing has to be listed. Each
# purpose first runs tools/setup, which is silent when nothing is missing.

CROSS_COMPILE ?= aarch64-linux-gnu-
BUILD ?= release
B ?= build
BOARD ?= qemu-virt
PYTHON := /usr/bin/python3
CC := $(CROSS_COMPILE)gcc
LIBFDT ?= $(B)/libfdt
O := $(B)/arm64$(if $(filter-out release,$(BUILD)),-$(BUILD))
Q := $(if $(V),,@)
quiet := $(findstring s,$(firstword -$(MAKEFLAGS)))
say = $(if $(quiet)$(V),@:,@echo "  $(1)")

ifeq ($(filter release test meter,$(BUILD)),)
$(error BUILD=$(BUILD): it is release (what users get), test (poison, ghost and rank checks) or \
	meter (release that measures its masked sections))
endif

blank := $(subst ,, )
ifneq ($(findstring $(blank),$(CURDIR)$(B)$(LIBFDT)),)
$(error make cannot handle blanks in paths: '$(CURDIR)' with B=$(B), LIBFDT=$(LIBFDT))
endif
# What a person wrote as one word of the shell, whatever is in it.
quote = '$(subst ','\'',$(1))'

# All cores, unless -j was given.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

ROOMS := arch/arm64 mm/boot mm/page mm/stat rtos rtos/lib rtos/dev rtos/shell tests/target
SRCS := $(sort $(foreach d,$(ROOMS),$(wildcard $(d)/*.c $(d)/*.S)))
OBJS := $(SRCS:%=$(O)/%.o)
APP ?=

# Warnings are errors with the compiler they were all cleared with; what a newer
# one finds must not keep anybody from building.
WERROR := $(if $(filter 12.%,$(shell $(CC) -dumpfullversion 2>/dev/null)),-Werror)
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef \
	-Wvla -Wpointer-arith -Wwrite-strings $(WERROR)
INC := -I. -Iarch/arm64 -isystem $(LIBFDT)/usr/include
CFLAGS := -std=gnu11 -O2 -g -ffreestanding -mgeneral-regs-only -mstrict-align \
	-mno-outline-atomics -fno-pic -fno-pie -mcmodel=small -fno-common -fno-strict-aliasing \
	-fno-omit-frame-pointer -fno-asynchronous-unwind-tables -ffunction-sections \
	-fstack-protector-strong -mstack-protector-guard=global \
	-ffile-prefix-map=$(CURDIR)=. -DTM_DEBUG=$(if $(filter test,$(BUILD)),1,0) \
	-DTM_METER=$(if $(filter release,$(BUILD)),0,1) $(WARN) $(INC)
LDFLAGS := -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,max-page-size=4096 \
	-Wl,--no-warn-rwx-segments -Wl,--gc-sections
LIBS := $(LIBFDT)/usr/lib/aarch64-linux-gnu/libfdt.a
# NAME.fp.c is code of tasks with TASK_FP.
cflags = $(if $(filter %.fp.c,$<),$(filter-out -mgeneral-regs-only,$(CFLAGS)),$(CFLAGS)) \
	$(if $(filter %.S,$<),-D__ASSEMBLY__)

# Objects that only a pattern rule names are kept, not removed after the link.
.SECONDARY:
.PHONY: all run test check bench coverage lint gdb clean help images FORCE
all:

help:
	@cat tools/help.txt

# Says what is linked (LINKED) and where to (A): the user's folder too, by APP=.
include apps/apps.mk
all: $(A)/Image

# ---- the Image ----------------------------------------------------------------

$(O)/%.o: % $(O)/.flags | $(LIBS)
	@mkdir -p $(@D)
	$(call say,$(if $(filter %.S,$<),AS,CC)      $<)
	$(Q)$(CC) $(cflags) -MMD -MP -c $< -o $@
# Linked three times: the symbol table is made from the first link (empty
# table) and, because it moves what lies behind it, again from the second.
LINK = $(CC) $(LDFLAGS) -T $(A)/kernel.lds $(LINKED)
define ksyms
@if [ -n "$(2)" ]; then $(CROSS_COMPILE)nm -n $(2); fi | $(PYTHON) tools/mksyms >$(A)/ksyms.S
$(Q)$(CC) -c $(A)/ksyms.S -o $(A)/ksyms.o
$(Q)$(LINK) $(A)/ksyms.o $(LIBS) -o $(1)
endef
$(A)/kernel.elf: $(LINKED) $(LIBS) $(A)/kernel.lds tools/mksyms $(A)/.linked
	$(call say,LD      $@)
	$(call ksyms,$(A)/kernel.1,)
	$(call ksyms,$(A)/kernel.2,$(A)/kernel.1)
	$(call ksyms,$@,$(A)/kernel.2)
	@rm $(A)/kernel.1 $(A)/kernel.2
$(A)/kernel.lds: arch/arm64/kernel.lds arch/arm64/arch_layout.h
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P -x c -D__ASSEMBLY__ $(INC) $< -o $@
$(A)/Image: $(A)/kernel.elf tools/seal.py
	$(Q)$(CROSS_COMPILE)objcopy -O binary $< $@.raw
	$(Q)$(PYTHON) -B tools/seal.py $@.raw $@
	@rm $@.raw
	$(call say,IMAGE   $@: $$(stat -c %s $@) bytes)

# These change only when the compiler or a flag did, or the list of objects.
$(O)/.flags: FORCE | setup-run
	$(call if-new,{ $(CC) --version | head -n 1; echo '$(CFLAGS)'; })
$(A)/.linked: FORCE
	$(call if-new,echo '$(LDFLAGS) $(LINKED)')
# By a name of its own: two makes of one tree may be at it at once.
define if-new
@mkdir -p $(@D); $(1) >$@.$$$$; \
	if cmp -s $@.$$$$ $@; then rm $@.$$$$; else mv $@.$$$$ $@; fi
endef

# With LIBFDT= given, the two files are the caller's affair and only used.
$(LIBS): | setup-run
	$(Q)tools/setup libfdt $(LIBFDT)

# .PHONY takes no patterns, so these carry FORCE; they only ever print or install.
setup-%: FORCE
	@CROSS_COMPILE=$(CROSS_COMPILE) tools/setup $*

images: $(LIBS)
	$(Q)$(MAKE) --no-print-directory APP= BUILD=release all
	$(Q)$(MAKE) --no-print-directory APP= BUILD=test all
	$(Q)$(MAKE) --no-print-directory APP= BUILD=meter all

-include $(LINKED:.o=.d)

# ---- run and debug --------------------------------------------------------------

# BOARD_QEMU and BOARD_TEXT; sdcard, flash and tftp.
include boards/boards.mk
APPEND ?=
# As it was typed: a dollar sign is one.
override APPEND := $(value APPEND)
QEMU_ARGS ?=
# A board that has other ways to start puts the line of the chosen one here.
BOARD_RUN ?=

# A tree of one's own, as it is, in place of QEMU's: its memory is not rewritten.
ifdef TREE
run: $(A)/Image
	@echo "Tidemark on $(TREE)."
	@echo "Leave with Ctrl-A x (or type poweroff). The serial console follows."
	$(Q)TM_BUILD=$(W) $(PYTHON) -B tools/loader.py --append $(call quote,$(APPEND)) \
		--build $(BUILD) $(TREE) -- $(QEMU_ARGS)
else
run: $(A)/Image board-fetch
	$(BOARD_CHECK)
	@echo "$(BOARD_TEXT)"
	@echo "Leave with Ctrl-A x (or type poweroff). The serial console follows."
	$(Q)$(or $(BOARD_RUN),$(BOARD_QEMU) -serial mon:stdio -kernel $< \
		-append $(call quote,$(APPEND))) \
		$(QEMU_ARGS)
endif

# Where QEMU's -s listens; OpenOCD is at :3333.
REMOTE ?= :1234
gdb: $(A)/Image | setup-gdb
	$(Q)gdb-multiarch -q $(A)/kernel.elf -x tools/gdb/tidemark.gdb \
		-ex 'target extended-remote $(REMOTE)'

# ---- tests ------------------------------------------------------------------------

# Adds host-build: the real sources as programs of this machine, in $(B)/host/.
-include tests/host/host.mk
# Adds memmap: the memory map of any device tree; trees: of all that Debian has.
-include tools/memmap/memmap.mk
# Adds host: the whole kernel as one deterministic process of this machine.
-include arch/host/host.mk
# Adds fuzz: sequences of requests under libFuzzer.
-include tests/fuzz/fuzz.mk
# Adds host-bench: the allocator on this computer, in nanoseconds.
-include tests/bench/bench.mk

PYTEST := TM_BUILD=$(B) TM_TREES=$(TREES) TM_LIBFDT=$(abspath $(LIBFDT)) \
	CROSS_COMPILE=$(CROSS_COMPILE) \
	$(PYTHON) -B -m pytest -c tests/serial/pytest.ini --rootdir=.

# host-build needs what setup-test installs, so it comes after, not beside it.
test: images | setup-test $(TREES)/package
	$(Q)$(MAKE) --no-print-directory host-build
	$(Q)$(PYTEST) -n 2 tests/serial
check: images | setup-test
	$(Q)$(MAKE) --no-print-directory host-build
	$(Q)TM_QUICK=1 $(PYTEST) -n 2 -m fast tests/serial

bench: $(A)/Image
	$(Q)$(PYTHON) -B tools/bench.py --image $(A)/Image --out $(B)/bench

coverage: | setup-test
	$(Q)TM_BUILD=$(B) TM_LIBFDT=$(LIBFDT) tools/coverage

lint: images compile_commands.json | setup-lint
	$(Q)CC=$(CC) B=$(B) LIBFDT=$(LIBFDT) tools/lint/run

# For clangd and clang-tidy: what is compiled, and how.
compile_commands.json: $(O)/.flags
	@{ echo '['; sep=; for f in $(filter %.c,$(SRCS) $(wildcard apps/*.c apps/*/*.c)); do \
	printf '%s{"directory": "$(CURDIR)", "file": "%s", "command": "$(CC) $(CFLAGS) -c %s"}' \
		"$$sep" $$f $$f; sep=','; done; echo ']'; } >$@

clean:
	rm -rf $(B)/arm64 $(B)/arm64-test $(B)/arm64-meter $(B)/app-* $(B)/host $(B)/bench \
		$(B)/lint $(B)/sdcard $(B)/tftp $(B)/qemu-virt compile_commands.json
