# SPDX-License-Identifier: Apache-2.0
"""Boards of a few lines of Python behind a Wire: firmware that counts down, a
console that echoes and answers, and every way of going wrong on demand."""

import os
import select
import socket
import threading
import time

from rig import Wire

KERNEL = "[    0.001763] Tidemark 0.1\r\nType help for the commands, ls / for the text tree.\r\n"
UBOOT = "\r\n\r\nU-Boot 2023.01+dfsg-2 (Jan 10 2023)\r\n\r\nDRAM:  1 GiB\r\n"
ANSWERS = {"version": "Tidemark 0.1 (test build, gcc 12.2.0) arm64",
           "uptime": "up 0:00:01, 1 CPU, load average: 0.00",
           "ls /sys/devices/system/node": "node0", "echo $?": "0",
           "cat /proc/meminfo": "MemTotal:         256484 kB"}


class Scripted:
    """`firmware` is what runs at each power-on, a function of this object.
    Use as a context manager; `power` is a command that switches it on."""

    def __init__(self, folder, firmware=None, fifo=0):
        self.port = f"{folder}/ttyUSB0"
        self.switch = f"{folder}/switched"
        self.power = f"touch {self.switch}; true"
        self.firmware = firmware or Scripted.kernel
        self.fifo = fifo  # bytes; what does not fit when it is looked at is lost
        self.starts = 0
        self.typed = []  # lines that got through

    def __enter__(self):
        self.near, self.far = socket.socketpair()
        self.ended = threading.Event()
        self.plug()
        self.thread = threading.Thread(target=self._live, daemon=True)
        self.thread.start()
        return self

    def plug(self):
        self.wire = Wire(self.port)
        self.wire.inner = self.far.fileno()

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join(5)
        self.wire.close()
        self.near.close()
        self.far.close()

    def _live(self):
        while not self.ended.wait(0.01):
            if os.path.exists(self.switch):
                os.unlink(self.switch)
                self.starts += 1
                self.firmware(self)

    def off(self):
        return self.ended.is_set() or os.path.exists(self.switch)

    def say(self, text):
        self.near.sendall(text.encode("latin-1"))

    def key(self, timeout=5.0):
        """The bytes that came; empty when it is switched off, or after a while."""
        end = time.monotonic() + timeout
        while not self.off() and time.monotonic() < end:
            if select.select([self.near], [], [], 0.005)[0]:
                if not self.fifo:
                    return self.near.recv(1).decode("latin-1")
                time.sleep(0.005)  # polled: what came meanwhile has to fit
                return self.near.recv(65536)[:self.fifo].decode("latin-1")
        return ""

    def line(self, prompt):
        """One line typed, echoed as it comes; None when it is switched off."""
        self.say(prompt)
        text = ""
        while not self.off():
            for c in self.key():
                if c == "\x03":
                    text = ""
                    self.say("^C\r\n" + prompt)
                elif c == "\r":
                    self.say("\r\n")
                    self.typed.append(text)
                    return text
                elif c != "\x00":
                    text += c
                    self.say(c)
        return None

    # ---- what may run at power-on ------------------------------------------------

    def kernel(self):
        self.say(KERNEL)
        while (line := self.line("tm> ")) is not None:
            if line.startswith("say "):  # anything, then nothing more
                self.say(line[4:].encode().decode("unicode_escape"))
                while not self.off():
                    self.key()
            elif line == "reboot":
                return self.firmware(self)
            elif line.startswith("echo ") and line != "echo $?":
                self.say(line[5:] + "\r\n")
            elif line:
                self.say(ANSWERS.get(line, "?") + "\r\n")
        return None

    def uboot(self, countdown=0.5, prompt="=> "):
        self.say(UBOOT + "Hit any key to stop autoboot:  2 ")
        stopped = self.key(countdown)
        self.say("\b 0 \r\n")
        if stopped:
            self.uboot_prompt(prompt)
        else:
            self.kernel()

    def uboot_prompt(self, prompt="U-Boot> ", boots=("boot", "run tidemark")):
        while (line := self.line(prompt)) is not None:
            if line in boots:
                return self.kernel()
            if line == "reset":
                return self.firmware(self)
            self.say("Unknown command - try 'help'\r\n")
        return None

    def silence(self):
        pass
