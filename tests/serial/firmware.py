# SPDX-License-Identifier: Apache-2.0
"""What comes before the kernel on a console: U-Boot's countdown and prompt, how
to get past them, and QEMU with Debian's U-Boot in place of -kernel."""

import os
import shutil
import tempfile
import time

import pexpect

import transcript
from console import PROMPT_AT_LINE_START, plain
from machine import Machine
from qemu import COMMON, MIB, QEMU, SERIAL, Gone

UBOOT_BIN = "/usr/lib/u-boot/qemu_arm64/u-boot.bin"
UBOOT_BANNER = r"(?:\A|\n)U-Boot (?:SPL |TPL )?20\d\d\.\d\d"
COUNTDOWN = r"Hit any key to stop autoboot"
UBOOT_PROMPT = r"(?:\A|\n)(?:=> |U-Boot> )"
KERNEL_BANNER = r"\] Tidemark \d"
GREETING = r"Type help for the commands"
PANIC = r"tm: panic: [^\r\n]*"
STOP_KEY = " "


class NotBooted(Gone):
    """Something came up, but not as far as our prompt."""


def to_prompt(console, timeout, command="", failed=NotBooted):
    """From power-on to our prompt, past U-Boot if there is one. With `command`
    the countdown is interrupted and that typed at U-Boot's prompt, else it runs
    out; a U-Boot that waits at its prompt all the same gets `boot`. A command
    may have several lines, of which the last one boots. Raises `failed` with
    the stage that was reached."""
    stage, typed = "nothing that is known here", False
    waits = [PROMPT_AT_LINE_START, COUNTDOWN, UBOOT_PROMPT, KERNEL_BANNER, GREETING, PANIC,
             UBOOT_BANNER]
    kernel = False
    end = time.monotonic() + timeout
    while True:
        try:
            which = console.child.expect(waits, timeout=max(0, end - time.monotonic()))
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            how = "the output ended" if isinstance(error, pexpect.EOF) else \
                f"no prompt of ours within {timeout:.0f} s"
            raise failed(f"{how}; what came up: {stage}") from None
        found = waits[which]
        if found == PANIC:
            raise failed(f"the kernel stopped: {plain(console.child.after)}")
        if found == PROMPT_AT_LINE_START and kernel:
            return
        if found in (KERNEL_BANNER, GREETING):
            kernel, stage = True, "the kernel"
        elif found == UBOOT_BANNER:
            kernel, stage = False, "U-Boot"
        elif found == COUNTDOWN:
            stage = "U-Boot's countdown"
            if command:
                console.send(STOP_KEY)
        elif found == UBOOT_PROMPT:
            if typed:
                raise failed(f"U-Boot is back at its prompt after {command or 'boot'!r}")
            stage, typed = "U-Boot's prompt", True
            *before, last = (command or "boot").split("\n")
            for line in before:
                console.line(line)
                console.expect(UBOOT_PROMPT, 30)
            console.line(last)


class UbootMachine(Machine):
    """The shape started by U-Boot: the Image on a FAT disk, commands typed. On
    several nodes U-Boot lives in the last one, so the Image goes there too."""

    def command(self):
        return [QEMU, *self.shape.qemu_args(), *COMMON, *SERIAL, "-bios", UBOOT_BIN,
                "-drive", f"file=fat:{self.folder()},format=raw,if=none,id=disk,readonly=on",
                "-device", "virtio-blk-device,drive=disk"]

    def folder(self):
        if not hasattr(self, "disk"):
            self.disk = tempfile.mkdtemp(prefix="tidemark-disk-")
            shutil.copy(self.image, self.disk + "/Image")
        return self.disk

    def __exit__(self, *how):
        super().__exit__(*how)
        shutil.rmtree(self.folder(), ignore_errors=True)

    def kernel_at(self):
        sizes = [node.mib for node in self.shape.hardware if node.mib] or [self.shape.mib]
        return 0x40400000 + sum(sizes[:-1]) * MIB

    def boot_command(self):
        at = f"{self.kernel_at():#x}"
        args = "'" + self.append.replace("'", "'\\''") + "'"
        return "\n".join([
            f"setenv bootargs {args}", "virtio scan", f"load virtio 0:1 {at} Image",
            "setenv fdt_high 0xffffffffffffffff", "fdt addr ${fdt_addr}", "fdt resize",
            f"booti {at} - ${{fdt_addr}}"])

    def boot(self, timeout=60):
        to_prompt(self, timeout, self.boot_command())
        return self.console()
