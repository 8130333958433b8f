# SPDX-License-Identifier: Apache-2.0
# QEMU's Raspberry Pi 4 B with the real tree: four CPUs and 2 GiB. It is in QEMU
# from version 9 on; an older one is told apart by its list of machines.
QEMU ?= qemu-system-aarch64
BOARD_FETCH := trees u-boot-rpi
BOARD_TEXT := Tidemark on QEMU raspi4b: 4 CPUs, 2 GiB, GICv2.
BOARD_QEMU := $(QEMU) -M raspi4b -dtb $(B)/dtbs/broadcom/bcm2711-rpi-4-b.dtb \
	-display none -no-reboot -serial null
BOARD_CHECK = @$(QEMU) -M help | grep -q '^raspi4b ' || { echo "make run BOARD=raspi4b: \
	$$($(QEMU) --version | head -n 1) has no raspi4b, QEMU 9 or newer has" >&2; exit 1; }
