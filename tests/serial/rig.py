# SPDX-License-Identifier: Apache-2.0
"""A desk in software: a serial device whose name stays, a wire that can be made
bad, and behind it QEMU's UART on a pty of its own, or a scripted board. Power
is a command as somebody would write it for a relay:

    python3 tests/serial/rig.py SOCKET on|off|cycle

talks to the Rig behind that socket, which ends QEMU and starts it again."""

import contextlib
import json
import os
import pty
import random
import select
import socket
import subprocess
import sys
import threading
import time
import tty


class Wire:
    """The device `name` on one end, `inner` (a file descriptor) on the other;
    a thread carries bytes and does to them what the attributes say."""

    def __init__(self, name):
        self.name = name
        self.drop = 0  # lose each n-th byte to the board
        self.delay = 0.0  # seconds before any bytes are handed on
        self.noise = 0  # put a byte of noise before each n-th from the board
        self.rate_wrong = False  # nothing from the board arrives as it was
        self.inner = None
        self.lost = 0
        self.outer, slave = pty.openpty()
        tty.setraw(slave)
        self.slave = slave  # held, so that bytes are kept while nobody listens
        os.symlink(os.ttyname(slave), name)
        self._random = random.Random(5)
        self._counts = {"to": 0, "from": 0}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._pump, daemon=True)
        self._thread.start()

    def _pump(self):
        while not self._ended.is_set():
            ends = [end for end in (self.outer, self.inner) if end is not None]
            try:
                ready = select.select(ends, [], [], 0.02)[0]
                for end in ready:
                    self._carry(end)
            except (OSError, ValueError):  # an end closed meanwhile: look again
                time.sleep(0.01)

    def _carry(self, end):
        data = os.read(end, 1024)
        if self.delay:
            time.sleep(self.delay)
        if end == self.outer:
            kept = bytes(b for b in data if not self._nth("to", self.drop))
            self.lost += len(data) - len(kept)
            if self.inner is not None:
                self._hand_on(self.inner, kept)
        else:
            self._hand_on(self.outer, self._spoilt(data))

    @staticmethod
    def _hand_on(end, data):
        """What nobody takes within a second is lost, as on a real wire."""
        while data and select.select([], [end], [], 1)[1]:
            data = data[os.write(end, data[:256]):]

    def _nth(self, way, n):
        self._counts[way] += 1
        return n and self._counts[way] % n == 0

    def _spoilt(self, data):
        if self.rate_wrong:
            return bytes(0x80 | (b * 7 & 0xff) for b in data)
        out = bytearray()
        for b in data:
            if self._nth("from", self.noise):
                out.append(self._random.randrange(0x80, 0x100))
            out.append(b)
        return bytes(out)

    def pull(self):
        """The adapter is gone: the device vanishes."""
        self._ended.set()
        self._thread.join(5)
        with contextlib.suppress(OSError):
            os.unlink(self.name)
        for end in (self.outer, self.slave):
            with contextlib.suppress(OSError):
                os.close(end)

    close = pull


class Rig:
    """QEMU as a board, made of `command` without its serial options. Use as a
    context manager; `port` and `power` are what --port and --power want."""

    def __init__(self, folder, command, die_with_parent=None):
        self.port = f"{folder}/ttyUSB0"
        self.socket = f"{folder}/power"
        self.power = f"{sys.executable} -B {os.path.abspath(__file__)} {self.socket}"
        self.command = command
        self.die_with_parent = die_with_parent
        self.qemu = None
        self.starts = 0

    def __enter__(self):
        self.wire = Wire(self.port)
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.socket)
        self.server.listen(1)
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.close()
        self.off()
        self.wire.close()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                with self.server.accept()[0] as caller:
                    word = caller.recv(64).decode()
                    caller.sendall(self.switch(word).encode())

    def switch(self, word):
        if word not in ("on", "off", "cycle"):
            return f"no word {word!r}: on, off or cycle"
        try:
            if word in ("off", "cycle"):
                self.off()
            if word in ("on", "cycle"):
                self.on()
        except (OSError, ValueError, KeyError) as error:
            return f"QEMU does not start: {error!r}"
        return ""

    def off(self):
        inner, self.wire.inner = self.wire.inner, None
        if self.qemu:
            self.qemu.kill()
            self.qemu.wait(10)
            self.qemu.stdin.close()
            self.qemu.stdout.close()
        self.qemu = None
        if inner is not None:
            os.close(inner)

    def on(self):
        """Started halted: QEMU drops what it prints before its pty is opened."""
        if self.qemu and self.qemu.poll() is None:
            return
        self.off()
        self.starts += 1
        self.qemu = subprocess.Popen(
            [*self.command, "-S", "-chardev", "pty,id=tty", "-serial", "chardev:tty",
             "-qmp", "stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, preexec_fn=self.die_with_parent)
        self._ask("qmp_capabilities")
        devices = self._ask("query-chardev")
        name = next(d["filename"] for d in devices if d["label"] == "tty").removeprefix("pty:")
        inner = os.open(name, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(inner)
        self.wire.inner = inner
        self._ask("cont")

    def _ask(self, what):
        """One command to QEMU; its answer, within 10 s."""
        self.qemu.stdin.write(json.dumps({"execute": what}).encode() + b"\n")
        self.qemu.stdin.flush()
        end = time.monotonic() + 10
        text = b""
        while time.monotonic() < end:
            if not select.select([self.qemu.stdout], [], [], 0.5)[0]:
                continue
            text += os.read(self.qemu.stdout.fileno(), 65536)
            *whole, _ = text.split(b"\n")
            for line in whole:
                if line.startswith(b"{") and "return" in json.loads(line):
                    return json.loads(line)["return"]
        raise ValueError(f"{what}: QEMU's monitor does not answer")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        try:
            client.connect(sys.argv[1])
            client.sendall(sys.argv[2].encode())
            answer = client.recv(4096).decode()
        except OSError as error:
            answer = f"{sys.argv[1]}: {error}"
    sys.exit(answer or 0)


if __name__ == "__main__":
    main()
