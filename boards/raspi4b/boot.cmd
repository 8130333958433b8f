# SPDX-License-Identifier: Apache-2.0
# The same start in single steps, for a card without extlinux.conf. U-Boot sets
# devtype, devnum and distro_bootpart to where it found this script, and fdt_addr
# to the tree that the firmware gave it. To pass arguments: setenv bootargs ...
load ${devtype} ${devnum}:${distro_bootpart} ${kernel_addr_r} Image && booti ${kernel_addr_r} - ${fdt_addr}
