# SPDX-License-Identifier: Apache-2.0
"""A board on a serial line, as the tests see it. Opened once a session, started
afresh for each test file, brought back to its prompt before each test. Lines
are typed in pieces that fit a small FIFO, each when the echo of the last has
come. Every wait is bounded, and what goes wrong has a name and says what was
last seen. Nothing here knows which board it is."""

import contextlib
import errno
import os
import re
import signal
import subprocess
import termios
import time

import pexpect
import serial
from pexpect.spawnbase import SpawnBase

import firmware
import transcript
from console import PROMPT_AT_LINE_START, Console, plain
from qemu import Gone

PIECE = 8  # bytes: the smallest receive FIFO about, the mini-UART's
ECHO_WAIT = 2
UNHEARD = 0.02  # the console looks at a polled UART each millisecond
TRIES = 3  # to type a line, before the line is called bad
POWER_WAIT = 60
REPLUG_WAIT = 5  # for a line that was there, and comes back when the board has power
CTRL_C = "\x03"
WINDOW = 4096  # bytes of what came earlier that are searched again with what is new


class NoAnswer(Gone):
    """Silence, or text that is not what was waited for."""


class Garbled(Gone):
    """Bytes come, but they are no text: the wrong rate, or a bad cable."""


class LineLost(Gone):
    """The device is gone, or never was there, or somebody else has it."""


class Rebooted(Gone):
    """The board started again in the middle of a test."""


class Panicked(Gone):
    """The kernel stopped in the middle of a test."""


class EchoLost(Gone):
    """What is typed does not come back as it was typed."""


class PowerFailed(Gone):
    """The command of --power did not work."""


# In the middle of a test these mean the end of it.
WATCHED = [(firmware.BEGINNING, Rebooted, "the board started again"),
           (firmware.PANIC, Panicked, "the kernel stopped")]

LINE_ERRORS = (OSError, serial.SerialException, termios.error)
HINTS = {errno.EACCES: " (are you in its group, dialout?)",
         errno.EAGAIN: " (another program has it: fuser -v says which)",
         errno.EBUSY: " (another program has it: fuser -v says which)"}


class Line(SpawnBase):
    """A serial device, or any URL pyserial knows, as pexpect reads and writes."""

    def __init__(self, port, baud):
        super().__init__(timeout=20, maxread=4096, encoding="latin-1", codec_errors="replace",
                         searchwindowsize=WINDOW)
        self.name = port
        self.early = b""  # read while something long was written
        with self.named("cannot be opened"):
            self.port = serial.serial_for_url(port, baud, timeout=0.05, write_timeout=30,
                                              exclusive=True)

    @contextlib.contextmanager
    def named(self, what):
        try:
            yield
        except (*LINE_ERRORS, ValueError) as error:  # ValueError: a rate or URL of no use
            code = getattr(error, "errno", None)
            why = os.strerror(code) + HINTS.get(code, "") if code else error
            raise LineLost(f"{self.name} {what}: {why}") from None

    def read_nonblocking(self, size=1, timeout=-1):
        end = time.monotonic() + (self.timeout if timeout == -1 else timeout)
        data, self.early = self.early, b""
        while not data:
            with self.named("vanished (cable pulled?)"):
                data = self.port.read(min(size, max(1, self.port.in_waiting)))
            if not data and time.monotonic() >= end:
                raise pexpect.TIMEOUT("nothing came")
        text = self._decoder.decode(data, final=False)
        self._log(text, "read")
        return text

    def send(self, s):
        data = s.encode("latin-1", "replace")
        with self.named("takes no more bytes"):
            for at in range(0, len(data), 256):
                self.early += self.port.read(self.port.in_waiting)
                self.port.write(data[at:at + 256])
        return len(data)

    def alive(self):
        try:
            return self.port.in_waiting >= 0
        except LINE_ERRORS:
            return False

    def forget(self, quiet=0.2, at_most=2.0):
        """Read until nothing has come for a while; none of it is matched."""
        end = time.monotonic() + at_most
        with contextlib.suppress(pexpect.TIMEOUT):
            while time.monotonic() < end:
                self.read_nonblocking(4096, quiet)
        self.buffer = self.string_type()
        self._before = self.buffer_type()

    def close(self):
        with contextlib.suppress(*LINE_ERRORS):
            self.port.close()


class Power:
    """`CMD cycle` by the shell; a CMD with {} is run with off, then on, in its
    place. A command that knows only how to cycle may ignore the word."""

    def __init__(self, command):
        self.command = command

    def cycle(self):
        if "{}" not in self.command:
            self.run(f"{self.command} cycle")
            return
        self.run(self.command.replace("{}", "off"))
        time.sleep(1)  # for what is left in the capacitors
        self.run(self.command.replace("{}", "on"))

    def run(self, line):
        """What hangs is ended with all it started: nothing switches later."""
        with subprocess.Popen(line, shell=True, text=True, errors="replace",
                              start_new_session=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
            try:
                said = child.communicate(timeout=POWER_WAIT)[0]
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                raise PowerFailed(f"--power: `{line}` has not ended after {POWER_WAIT} s") from None
        if child.returncode:
            raise PowerFailed(f"--power: `{line}` ended with status {child.returncode}: "
                              + said.strip()[-500:])


def is_garbled(text):
    """Is a fifth of the latest bytes no text? Too few bytes prove nothing."""
    tail = text[-400:]
    bad = sum(not (" " <= c <= "~" or c in "\r\n\t\x1b\x07\b") for c in tail)
    return len(tail) >= 16 and bad * 5 > len(tail)


class Board(Console):
    """The board behind a port. `tell` prints a line for whoever sits there."""

    def __init__(self, name, port, baud=115200, power="", bootcmd="", wait=90, tell=print,
                 starts=1):
        super().__init__(f"board {name} on {port} at {baud} baud")
        self.name, self.port, self.baud = name, port, baud
        self.power = Power(power) if power else None
        self.bootcmd = bootcmd
        self.wait = wait  # seconds from power-on to the prompt, at most
        self.tell = tell
        self.starts = starts  # by power, before it is called dead
        self.usable = False
        self.was_open = False
        self.dead = False  # it could not be started, though it was tried
        self.facts = {}
        transcript.add(self)

    # ---- what went wrong -----------------------------------------------------

    def seen(self):
        """How long ago the last byte came, and the last lines."""
        heard = [when for when, was_heard, _ in self.events if was_heard]
        if not self.text:
            return "last seen: nothing at all since it was started"
        ago = f"{time.monotonic() - heard[-1]:.1f} s ago" if heard else "before this test"
        lines = self.console().split("\n")[-12:]
        return f"last seen, {ago}:\n" + "\n".join("  | " + transcript.visible(x) for x in lines)

    def failure(self, kind, what):
        self.usable = False
        if kind in (NoAnswer, firmware.NotBooted) and is_garbled("".join(self.text[-40:])):
            kind = Garbled
            what += f"; what comes is no text: is {self.baud} baud right, is the ground connected?"
        return kind(f"{self.title}: {what}\n{self.seen()}")

    def _failed_boot(self, what):
        if not self.text:
            return self.failure(NoAnswer, what + " (power, TX and RX swapped, wrong UART?)")
        return self.failure(firmware.NotBooted, what)

    @contextlib.contextmanager
    def line_watched(self):
        """Losing the line is told with what was last seen."""
        try:
            yield
        except LineLost as lost:
            self._hang_up()
            if str(lost).startswith(self.title):  # told already, within this
                raise
            raise self.failure(LineLost, str(lost)) from None

    # ---- waiting and typing -----------------------------------------------------

    def _came(self, pattern, timeout):
        """Has it, within the time? A reboot, a panic and a lost line raise at once."""
        with self.line_watched():
            self._connect()
            try:
                which = self.child.expect([pattern, *(w[0] for w in WATCHED)], timeout=timeout)
            except pexpect.TIMEOUT:
                return False
        if which:
            _, kind, what = WATCHED[which - 1]
            said = plain(self.child.after).strip()
            with self.line_watched():
                self.child.forget()  # registers and calls, for the transcript
            raise self.failure(kind, f"{what} while waiting for {pattern!r}: {said}")
        return True

    def expect(self, pattern, timeout=20):
        if not self._came(pattern, timeout):
            raise self.failure(NoAnswer, f"waited {timeout} s for {pattern!r}")
        return plain(self.child.before)

    def send(self, text):
        with self.line_watched():
            self._connect()
            super().send(text)

    def keys(self, text):
        """In pieces that fit the FIFO, with the time in which it is surely emptied:
        keys that edit have no echo that could be waited for."""
        for at in range(0, len(text), PIECE):
            self.send(text[at:at + PIECE])
            time.sleep(UNHEARD)

    def line(self, command):
        """Typed by echo; what comes back wrong is dropped and typed again."""
        if not (command.isascii() and command.isprintable()):
            self.keys(command + "\r")  # such keys have no echo to wait for
            self.expect("\n")
            return
        for _ in range(TRIES):
            if self._echoed(command):
                break
            self.send(CTRL_C)
            self._came(PROMPT_AT_LINE_START, ECHO_WAIT)
        else:
            raise self.failure(EchoLost, f"typed {TRIES} times, never echoed: {command!r}")
        for _ in range(TRIES):
            self.send("\r")
            if self._came("\n", ECHO_WAIT):
                return
        raise self.failure(EchoLost, f"Enter is not heard after {command!r}")

    def _echoed(self, text):
        for at in range(0, len(text), PIECE):
            piece = text[at:at + PIECE]
            self.send(piece)
            if not self._came(re.escape(piece), ECHO_WAIT):
                return False
        return True

    # ---- starting ------------------------------------------------------------------

    def _connect(self):
        if self.child:
            return
        end = time.monotonic() + (REPLUG_WAIT if self.was_open else 0)
        while True:
            try:
                self.child = Line(self.port, self.baud)
                break
            except LineLost:
                if time.monotonic() >= end:
                    raise
            time.sleep(0.2)
        self.was_open = True
        self.child.logfile_read = self

    def _hang_up(self):
        if self.child:
            self.child.close()
        self.child = None

    def close(self):
        self._hang_up()
        transcript.drop(self)

    def _power_cycle(self):
        """An adapter that the board feeds goes with it and comes back, or is not
        there before."""
        if "://" in self.port or os.path.exists(self.port):
            self._connect()
            self.child.forget()
        self.text = []
        self.power.cycle()
        if not self.child or not self.child.alive():
            self._hang_up()
            self.was_open = True
            self._connect()

    def restart(self):
        """Start it afresh, again if that failed and there is a power command."""
        self.dead = True
        for left in reversed(range(self.starts if self.power else 1)):
            try:
                self._start_once()
                self.dead = False
                return
            except (NoAnswer, Garbled, EchoLost, firmware.NotBooted) as error:
                if not left:
                    raise
                self.tell(f"{error}\nonce more:")

    def longest_start(self):
        """Seconds after which restart() has ended, one way or the other."""
        return self.starts * (self.wait + 2 * POWER_WAIT + 10)

    def _start_once(self):
        """By --power, else by `reboot` or `reset` if it is at a prompt, else by
        whoever sits there."""
        self.usable = False
        with self.line_watched():
            if self.power:
                self._power_cycle()
            elif not self._soft_reset():
                self.tell(f"{self.title}: please reset the board now; waiting {self.wait} s")
            firmware.to_prompt(self, self.wait, self.bootcmd, self._failed_boot)
        self.usable = True
        self._learn()

    def _soft_reset(self):
        """`reboot` at our prompt, or go on from U-Boot's. False: nobody is there."""
        self._connect()
        self.child.forget()
        self.text = []
        self.send(CTRL_C + "\r")
        try:
            which = self.child.expect([PROMPT_AT_LINE_START, firmware.UBOOT_PROMPT], timeout=3)
        except pexpect.TIMEOUT:
            return False
        self.child.forget()
        self.send("reboot\r" if which == 0 else "reset\r")
        return True

    def _learn(self):
        """What lacks() compares: the build, CPUs, nodes and memory."""
        nodes = self.ok("ls /sys/devices/system/node")
        self.facts = {
            "variant": self._fact("version", r"\((\w+) build"),
            "cpus": int(self._fact("uptime", r"(\d+) CPU")),
            "nodes": len(re.findall(r"\bnode\d+", nodes)) or 1,
            "mib": int(self._fact("cat /proc/meminfo", r"MemTotal: +(\d+)")) >> 10}

    def _fact(self, command, pattern):
        found = re.search(pattern, self.ok(command))
        if not found:
            raise self.failure(NoAnswer, f"`{command}` does not say what our kernel says")
        return found[1]

    def lacks(self, shape, variant):
        """Why a test that wants this cannot run here, or None, also as long as the
        board was never up. Variant: "any"."""
        have = self.facts
        if not have:
            return None
        if variant not in ("any", have["variant"]):
            return f"needs the {variant} build; on the board is the {have['variant']} build"
        for what, want in (("cpus", shape.cpus), ("nodes", len(shape.nodes)),
                           ("mib", shape.mib * 7 // 8)):
            if have[what] < want:
                return f"needs {want} {what}; the board has {have[what]}"
        return None

    def ready(self):
        """At our prompt and listening, whatever the last test left behind."""
        if self.usable:
            with contextlib.suppress(Gone):
                self.send(CTRL_C)
                self.expect(PROMPT_AT_LINE_START, 3)
                self.ok("echo ready")
                return
        self.restart()
