# SPDX-License-Identifier: Apache-2.0
# QEMU's virt machine as `make run` starts it: four CPUs, two NUMA nodes of
# 1 GiB with two CPUs each, distance 20. The machine type is pinned, so that a
# newer QEMU shows the same tree; it writes fresh seeds into it at every start.
QEMU ?= qemu-system-aarch64
# SMP=N or MEM=SIZE (as 512M or 2G): one node of that size in its place.
BOARD_BASE := $(QEMU) -M virt-7.2,gic-version=3 -cpu cortex-a72
ifneq ($(SMP)$(MEM),)
SMP ?= 4
MEM ?= 2G
BOARD_TEXT := Tidemark on QEMU virt: CPUs: $(SMP), memory: $(MEM), GICv3.
BOARD_QEMU := $(BOARD_BASE) -smp $(SMP) -m $(MEM) -display none -nic none -no-reboot
else
BOARD_TEXT := Tidemark on QEMU virt: 4 CPUs, 2 nodes of 1 GiB, GICv3.
BOARD_QEMU := $(BOARD_BASE) -smp 4 -m 2G \
	-object memory-backend-ram,id=m0,size=1G -object memory-backend-ram,id=m1,size=1G \
	-numa node,nodeid=0,cpus=0-1,memdev=m0 -numa node,nodeid=1,cpus=2-3,memdev=m1 \
	-numa dist,src=0,dst=1,val=20 -display none -nic none -no-reboot
endif
include boards/qemu-virt/uboot.mk
