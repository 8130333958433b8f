# SPDX-License-Identifier: Apache-2.0
# What is made for a board, besides the Image: a card, a folder for network boot.
# A board is a folder of data: board.mk (the QEMU line, what has to be fetched),
# card.txt and tftp.txt (what goes where; the words are in tools/sdcard.py).

BOARDS := $(patsubst boards/%/board.mk,%,$(wildcard boards/*/board.mk))
ifeq ($(filter $(BOARD),$(BOARDS)),)
$(error BOARD=$(BOARD): there is $(BOARDS))
endif
include boards/$(BOARD)/board.mk
# Words that would mean nothing are refused rather than ignored.
ifneq ($(filter-out qemu-virt,$(BOARD))$(TREE),)
$(foreach word,BOOT SMP MEM,$(if $($(word)),$(error $(word)=$($(word)): not with \
	$(if $(TREE),TREE=$(TREE),BOARD=$(BOARD)))))
$(if $(TREE),$(if $(filter qemu-virt,$(BOARD)),,$(error TREE=$(TREE): not with BOARD=$(BOARD))))
endif

.PHONY: sdcard flash tftp board-fetch
FIRMWARE ?=
CARD ?= $(W)/sdcard/$(BOARD).img
TFTP ?= $(W)/tftp/$(BOARD)

# Words of tools/setup that bring a folder: trees and U-Boot of the board.
board-fetch: | setup-run
	$(Q)$(foreach what,$(BOARD_FETCH),tools/setup $(what) $(B)/$(FOLDER_$(what)) &&) :
FOLDER_trees := dtbs
FOLDER_u-boot-rpi := u-boot-rpi

MAKE_CARD = $(PYTHON) -B tools/sdcard.py --board boards/$(BOARD) --image $(A)/Image \
	--trees $(B)/dtbs --uboot $(B)/u-boot-rpi

sdcard: $(A)/Image board-fetch | setup-card
	$(Q)$(MAKE_CARD) $(if $(FIRMWARE),--firmware $(call quote,$(FIRMWARE))) \
		$(call quote,$(CARD))

tftp: $(A)/Image board-fetch | setup-card
	$(Q)$(MAKE_CARD) --list tftp.txt --folder $(call quote,$(TFTP))

ifeq ($(filter flash,$(MAKECMDGOALS))$(DEV),flash)
$(error flash: which disk? make flash BOARD=$(BOARD) DEV=/dev/sdX (lsblk shows them))
endif
flash: sdcard
	$(Q)$(PYTHON) -B tools/flash.py $(if $(FILE),--file) $(if $(PARTITION),--partition) \
		$(call quote,$(CARD)) $(call quote,$(DEV))

# ---- a board on a serial line --------------------------------------------------

.PHONY: monitor test-board
PORT ?=
BAUD ?= 115200
POWER ?=
BOOTCMD ?=
TESTS ?= tests/serial
TEST_ARGS ?=
need-port = $(if $(PORT),,$(error $@: which line? PORT=/dev/ttyUSB0 (ls /dev/serial/by-id names them)))

monitor: | setup-monitor
	$(need-port)
	$(Q)picocom --quiet --baud $(BAUD) $(call quote,$(PORT))

test-board: | setup-test
	$(need-port)
	$(Q)$(PYTEST) $(TESTS) --board $(BOARD) --port $(call quote,$(PORT)) --baud $(BAUD) \
		$(if $(POWER),--power $(call quote,$(value POWER))) \
		$(if $(BOOTCMD),--bootcmd $(call quote,$(value BOOTCMD))) $(TEST_ARGS)
