# SPDX-License-Identifier: Apache-2.0
"""Starts through U-Boot, as the tests need them: a disk that tools/uboot.py
made, changed where a test wants it damaged, and a Machine that waits at
U-Boot's prompt or lets it boot by itself."""

import contextlib
import os
import tempfile
import time

import pexpect

import uboot
from firmware import COUNTDOWN, UBOOT_PROMPT
from machine import IMAGES, PROMPT_AT_LINE_START, QEMU, Gone, Machine


def prepare(folder, flow, shape, append="", image=None):
    """The disk of a flow below `folder`; returns (its path, QEMU's words)."""
    append = " ".join(filter(None, [shape.append, append]))
    words = uboot.prepare(flow, image or IMAGES["release"], str(folder), append,
                          str(folder) + "/keys", [QEMU, *shape.qemu_args()])
    return f"{folder}/{flow}/disk", words


class Loaded(Machine):
    """A machine whose first program is U-Boot."""

    def __init__(self, shape, words, deadline=90):
        super().__init__(shape, args=words, deadline=deadline)
        self.started = 0.0

    def __enter__(self):
        self.started = time.monotonic()
        return super().__enter__()

    def boot(self, timeout=60):
        return super().boot(timeout)

    def seconds_to_prompt(self):
        """Let U-Boot boot by itself; how long from power-on to our prompt."""
        self.boot()
        return time.monotonic() - self.started

    def stop_countdown(self):
        """To U-Boot's own prompt."""
        self.expect(COUNTDOWN)
        self.send("\r")
        self.expect(UBOOT_PROMPT)

    def give_up(self, timeout=40):
        """U-Boot finds nothing to boot and ends at its prompt; what it said."""
        found = self.child.expect([UBOOT_PROMPT, PROMPT_AT_LINE_START, pexpect.TIMEOUT,
                                   pexpect.EOF], timeout=timeout)
        if found:
            raise Gone("U-Boot did not give up:\n" + self.console()[-3000:])
        return self.console()

    def type(self, *commands):
        """Type commands at U-Boot's prompt; what each printed, joined."""
        said = []
        for command in commands:
            self.send(command + "\r")
            self.expect("\n")
            said.append(self.expect(UBOOT_PROMPT))
        return "\n".join(said)

    def leave(self, command):
        """Type the command that leaves U-Boot for good."""
        self.send(command + "\r")


@contextlib.contextmanager
def through_uboot(shape, image, append, deadline):
    """A machine that boot.scr starts, off a disk that goes with it."""
    with tempfile.TemporaryDirectory(prefix="tidemark-disk-") as folder:
        _, words = prepare(folder, "uboot", shape, append, image)
        with Loaded(shape, words, deadline) as machine:
            yield machine


def read(path):
    with open(path, "rb") as f:
        return f.read()


def put(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


def flipped(data, at):
    """The bytes with one bit of byte `at` changed."""
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1:]
