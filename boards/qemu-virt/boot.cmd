# SPDX-License-Identifier: Apache-2.0
# Boots what lies beside this script: signed.itb, tidemark.itb or Image, the
# first there is. uEnv.txt may set variables, above all bootargs. bank.cmd goes
# in front; `make uboot-disk` makes boot.scr of both with mkimage -T script.
setenv from ${devtype} ${devnum}:${distro_bootpart}
if test -e ${from} ${prefix}uEnv.txt; then
load ${from} ${ramdisk_addr_r} ${prefix}uEnv.txt && env import -t ${ramdisk_addr_r} ${filesize}
fi
if test -e ${from} ${prefix}signed.itb; then
load ${from} ${ramdisk_addr_r} ${prefix}signed.itb && bootm ${ramdisk_addr_r}#conf
echo Tidemark: signed.itb was refused, see above
elif test -e ${from} ${prefix}tidemark.itb; then
load ${from} ${ramdisk_addr_r} ${prefix}tidemark.itb && bootm ${ramdisk_addr_r}#conf - ${fdt_addr}
echo Tidemark: tidemark.itb was refused, see above
elif test -e ${from} ${prefix}Image; then
load ${from} ${kernel_addr_r} ${prefix}Image && booti ${kernel_addr_r} - ${fdt_addr}
echo Tidemark: Image was refused, see above
else
echo Tidemark: no signed.itb, tidemark.itb or Image on ${from}
fi
