# SPDX-License-Identifier: Apache-2.0
# Network boot, on every board the same. U-Boot's own start asks by DHCP, fetches
# this script as boot.scr.uimg and runs it; the server's address is known then.
# The tree is the one that U-Boot was started with: it knows the board's memory.
tftpboot ${kernel_addr_r} Image && booti ${kernel_addr_r} - ${fdt_addr}
