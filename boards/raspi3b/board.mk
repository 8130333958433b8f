# SPDX-License-Identifier: Apache-2.0
# QEMU's Raspberry Pi 3 B with the real tree: always four CPUs and 1 GiB. Its
# second serial line is the mini-UART, which is where the tree says to talk.
QEMU ?= qemu-system-aarch64
BOARD_FETCH := trees u-boot-rpi
BOARD_TEXT := Tidemark on QEMU raspi3b: 4 CPUs, 1 GiB, the Pi's own interrupt controllers.
BOARD_QEMU := $(QEMU) -M raspi3b -dtb $(B)/dtbs/broadcom/bcm2837-rpi-3-b.dtb \
	-display none -no-reboot -serial null
