# SPDX-License-Identifier: Apache-2.0
# U-Boot in front of the kernel, as Debian's u-boot-qemu ships it. BOOT= picks
# what `make run` starts; the other targets only make the files.
#   make run BOOT=uboot|extlinux|fit|fit-signed
#   make uboot-disk | make fit | make fit-signed     build/qemu-virt/FLOW/
BOOTS := uboot extlinux fit fit-signed
ifneq ($(filter-out $(BOOTS),$(BOOT)),)
$(error BOOT=$(BOOT): it is one of: $(BOOTS))
endif
UBOOT_OUT := $(W)/qemu-virt
# KEYS=DIR holds dev.key and dev.crt of a signature; made when missing.
KEYS ?= $(B)/keys
uboot_line = $(PYTHON) -B tools/uboot.py $(1) --image $(A)/Image --out $(UBOOT_OUT) \
	--append $(call quote,$(APPEND)) --keys $(call quote,$(KEYS))

.PHONY: uboot-disk fit fit-signed
uboot-disk: $(A)/Image | setup-uboot
	$(Q)$(call uboot_line,uboot)
	$(Q)$(call uboot_line,extlinux)
fit fit-signed: $(A)/Image | setup-uboot
	$(Q)$(call uboot_line,$@) -- $(BOARD_QEMU)

ifneq ($(BOOT),)
run: | setup-uboot
BOARD_RUN = $(call uboot_line,$(BOOT)) --run -- $(BOARD_QEMU) -serial mon:stdio
endif
