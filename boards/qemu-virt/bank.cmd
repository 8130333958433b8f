# SPDX-License-Identifier: Apache-2.0
# Addresses from the bank U-Boot knows. U-Boot 2023.01 for virt knows one bank:
# the first memory node of QEMU's tree, which is that of the last NUMA node. Its
# default addresses lie in the first node, where it then refuses to load, and
# its place for a copy of the tree lies where U-Boot itself runs. So everything
# is loaded into that bank instead, and the tree is passed where it is.
# `fdt get value` of this version knows no index and no big-endian numbers, so
# address and size (two cells each on this board) are read byte by byte.
# Goes in front of boot.cmd, and into the flash environment (uboot-env.txt).
fdt addr ${fdt_addr}
fdt get addr at /memory reg
setexpr bank 0
setexpr bank_size 0
for i in 0 1 2 3 4 5 6 7; do
setexpr.b byte *${at}
setexpr bank ${bank} * 0x100
setexpr bank ${bank} + ${byte}
setexpr at ${at} + 1
done
for i in 0 1 2 3 4 5 6 7; do
setexpr.b byte *${at}
setexpr bank_size ${bank_size} * 0x100
setexpr bank_size ${bank_size} + ${byte}
setexpr at ${at} + 1
done
if test ${bank} != 40000000; then
# U-Boot ends as far below the end of the bank as the bank lies above 1 GiB, so
# the last 32 MiB are free. Where its 34.3 MiB are all inside the bank, it keeps
# to itself what is above them, too, and the beginning is free: closely packed
# if that is short. In MiB, for itest has 32 bits.
setexpr mib ${bank_size} / 0x100000
setexpr before ${bank} / 0x100000
setexpr before ${before} - 0x400
setexpr inside ${before} + 0x23
setexpr roomy ${before} + 0x2a
setexpr at ${bank} + 0x1fffff
if itest ${before} -ge 0x20 && itest ${mib} -ge 0x20 && itest ${mib} -lt ${inside}; then
setexpr at ${bank} + ${bank_size}
setexpr at ${at} - 0x2000000
fi
setexpr kernel_addr_r ${at} '&' 0xffffffffffe00000
setexpr scriptaddr ${kernel_addr_r} + 0x400000
setexpr pxefile_addr_r ${kernel_addr_r} + 0x480000
setexpr ramdisk_addr_r ${kernel_addr_r} + 0x500000
if itest ${mib} -ge ${inside} && itest ${mib} -lt ${roomy}; then
setenv scriptaddr ${bank}
setexpr pxefile_addr_r ${bank} + 0x10000
setexpr kernel_addr_r ${bank} + 0x20000
setenv ramdisk_addr_r ${kernel_addr_r}
fi
if itest ${mib} -eq ${inside}; then
echo Tidemark: U-Boot leaves no room for the Image here, make the last node a MiB larger or smaller
fi
setenv fdt_high 0xffffffffffffffff
setenv initrd_high 0xffffffffffffffff
fdt resize
echo Tidemark: U-Boot knows the bank at 0x${bank}, loading to 0x${kernel_addr_r}
fi
