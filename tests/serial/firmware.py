# SPDX-License-Identifier: Apache-2.0
"""What comes before the kernel on a console: U-Boot's countdown and prompt, the
kernel's first words, and how to get past them to our prompt. The same for QEMU
and for a board; boot_loader.py starts QEMU so that U-Boot comes first."""

import time

import pexpect

from console import PROMPT_AT_LINE_START, plain
from qemu import Gone

UBOOT_BANNER = r"(?:\A|\n)U-Boot (?:SPL |TPL )?20\d\d\.\d\d"
COUNTDOWN = r"Hit any key to stop autoboot"
# As it is, or with the name of a board or vendor, which is longer than our `tm`.
UBOOT_PROMPT = r"(?:\A|\n)(?:=>|[A-Za-z][\w.-]{2,20} ?(?:=>|>>|[>#])) "
KERNEL_BANNER = r"\] Tidemark \d"
GREETING = r"Type help for the commands"
BEGINNING = rf"{UBOOT_BANNER}|(?:\A|\n)NOTICE:  BL\d|{GREETING}"  # or TF-A's first words
PANIC = r"tm: panic: [^\r\n]*[\r\n]"
STOP_KEY = " "
ROUNDS = 3  # starts from the beginning, before it is called a loop


class NotBooted(Gone):
    """Something came up, but not as far as our prompt."""


def to_prompt(console, timeout, command="", failed=NotBooted):
    """From power-on to our prompt, past U-Boot if there is one. With `command`
    the countdown is interrupted and that typed at U-Boot's prompt, else it runs
    out; a U-Boot that waits at its prompt all the same gets `boot`. A command
    may have several lines, of which the last one boots. Raises `failed` with
    the stage that was reached."""
    climb = _Climb(console, command, failed)
    end = time.monotonic() + timeout
    while not climb.done:
        left = end - time.monotonic()
        try:
            which = console.child.expect(_Climb.WAITS, timeout=max(0, left))
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            how = "the output ended" if isinstance(error, pexpect.EOF) else \
                f"no prompt of ours within {timeout:.0f} s"
            raise failed(f"{how}; what came up: {climb.stage}") from None
        climb.step(_Climb.WAITS[which], left)


class _Climb:
    """How far a start has come, and what is typed at each stage."""

    WAITS = [PROMPT_AT_LINE_START, COUNTDOWN, UBOOT_PROMPT, KERNEL_BANNER, GREETING, PANIC,
             UBOOT_BANNER]

    def __init__(self, console, command, failed):
        self.console, self.command, self.failed = console, command, failed
        self.stage = "nothing that is known here"
        self.kernel = self.typed = self.done = False
        self.rounds = 1

    def step(self, found, left):
        if found == PANIC:
            raise self.failed(f"the kernel stopped: {plain(self.console.child.after).strip()}")
        if found == PROMPT_AT_LINE_START:
            self.done = self.kernel
        elif found in (KERNEL_BANNER, GREETING):
            if self.command and not self.typed:
                raise self.failed(f"it booted by itself, before {self.command!r} could be typed; "
                                  "does U-Boot count down?")
            self.kernel, self.stage = True, "the kernel"
        elif found == UBOOT_BANNER:
            self._begin()
        elif found == COUNTDOWN:
            self.stage = "U-Boot's countdown"
            if self.command:
                self.console.send(STOP_KEY)
        elif found == UBOOT_PROMPT:
            self._type(left)

    def _begin(self):
        """U-Boot's SPL, TPL and itself are one round, until more came of it."""
        if self.kernel or self.stage.startswith("U-Boot's"):
            self.rounds += 1
            if self.rounds > ROUNDS:
                raise self.failed(f"it starts over and over; each time it comes to {self.stage}")
        self.kernel = self.typed = False
        self.stage = "U-Boot"

    def _type(self, left):
        if self.typed:
            raise self.failed(f"U-Boot is back at its prompt after {self.command or 'boot'!r}")
        self.stage, self.typed = "U-Boot's prompt", True
        *before, last = (self.command or "boot").split("\n")
        for line in before:
            self.console.line(line)
            self.console.expect(UBOOT_PROMPT, max(1, left))
        self.console.line(last)
