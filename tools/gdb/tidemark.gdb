# SPDX-License-Identifier: Apache-2.0
# Attach to the machine that `make run QEMU_ARGS='-s -S'` started in another
# terminal. It waits at its very first instruction; the symbols are those of
# the link address, so they are right from the moment the MMU is on.
set confirm off
set pagination off
set architecture aarch64
echo Connecting to QEMU. If this fails, type in another terminal: make run QEMU_ARGS='-s -S'\n
target remote :1234
echo Useful: hbreak kernel_main, hbreak panic, continue, bt, info threads (one per CPU)\n
