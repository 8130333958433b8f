# SPDX-License-Identifier: Apache-2.0
"""A machine the kernel boots on, as the tests see it: a shape of tools/qemu.py
with a serial console, and a hard deadline after which the emulator is killed
by its process id.

A real board fits the same interface: subclass Machine and replace spawn() by
something that opens its serial port and resets it."""

import itertools
import os
import re
import signal
import sys
import threading

import pexpect

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
import qemu  # noqa: E402  (tools/qemu.py)
from loader import BUILD, IMAGES  # noqa: E402  (tools/loader.py)
from qemu import COMMON, MIB, QEMU, SERIAL, Gone, Node, Shape, die_with_parent  # noqa: E402

__all__ = ["BUILD", "IMAGES", "MIB", "Gone", "Machine", "Node", "Shape", "batch", "run_commands"]
PROMPT = "tm> "
PROMPT_AT_LINE_START = r"(?:\A|\n)tm> "
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x07|\x00")

_serial_number = itertools.count()


class Machine:
    """One start of one shape. Use as a context manager."""

    def __init__(self, shape, image=None, append="", args=None, deadline=60):
        self.shape = shape
        self.image = image or IMAGES["release"]
        self.append = " ".join(filter(None, [shape.append, append]))
        self.args = args
        self.deadline = deadline
        self.child = None
        self.text = []  # everything the console said

    def command(self):
        line = [QEMU, *self.shape.qemu_args(), *COMMON, *SERIAL]
        if self.args is not None:  # a start of the caller's own making
            return line + list(self.args)
        return line + ["-kernel", self.image, "-append", self.append]

    def spawn(self):
        command = self.command()
        return pexpect.spawn(command[0], command[1:], timeout=20, encoding="latin-1",
                             echo=False, maxread=65536, codec_errors="replace",
                             preexec_fn=die_with_parent, dimensions=(50, 250))

    def __enter__(self):
        self.child = self.spawn()
        self.child.logfile_read = self
        self.child.delaybeforesend = None
        self.timer = threading.Timer(self.deadline, self._kill)
        self.timer.daemon = True
        self.timer.start()
        return self

    def __exit__(self, *_):
        self.timer.cancel()
        self._kill()
        try:
            self.child.close(force=True)
        except pexpect.ExceptionPexpect:
            pass
        self._save()

    def _kill(self):
        if self.child and self.child.isalive():
            self.child.kill(signal.SIGKILL)

    # pexpect's log interface
    def write(self, text):
        self.text.append(text)

    def flush(self):
        pass

    def _save(self):
        folder = BUILD + "/serial"
        os.makedirs(folder, exist_ok=True)
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        name = f"{folder}/{worker}-{next(_serial_number):03d}-{self.shape.name}.log"
        with open(name, "w", encoding="utf-8") as log:
            log.write("# " + " ".join(self.command()) + "\n" + "".join(self.text))

    def console(self):
        """All output so far, escape sequences and carriage returns removed."""
        return ESCAPES.sub("", "".join(self.text)).replace("\r", "")

    def expect(self, pattern, timeout=20):
        """Wait for a regular expression; returns what came before it."""
        try:
            self.child.expect(pattern, timeout=timeout)
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            kind = "nothing more" if isinstance(error, pexpect.TIMEOUT) else "end of output"
            tail = "\n".join(self.console().split("\n")[-40:])
            raise Gone(f"waited {timeout} s for {pattern!r}, got {kind} after:\n{tail}") from None
        return ESCAPES.sub("", self.child.before).replace("\r", "")

    def boot(self, timeout=30):
        """Wait for the first prompt; returns the boot messages."""
        self.expect(PROMPT_AT_LINE_START, timeout)
        return self.console()

    def send(self, text):
        self.child.send(text)

    def typed(self, keys, answer, timeout=20):
        """Send keys that end in Enter; the machine must print the line
        `answer` (a regular expression) and then the prompt."""
        self.send(keys + "\r")
        self.expect(rf"\n{answer}\r*\n", timeout)
        self.expect("tm> ", timeout)

    def output(self, command, timeout=30):
        """Type a command, return what it printed."""
        self.send(command + "\r")
        self.expect("\n", timeout)  # the echoed line
        return self.expect(PROMPT_AT_LINE_START, timeout).lstrip("\n")

    def run(self, command, timeout=30):
        """Type a command, return what it printed and its exit status."""
        text = self.output(command, timeout)
        status = self.output("echo $?")
        assert re.fullmatch(r"\d+\n*", status), f"echo $? printed {status!r}"
        return text, int(status)

    def ok(self, command, timeout=30):
        """Type a command that must succeed, return what it printed."""
        text, status = self.run(command, timeout)
        assert status == 0, f"{command}: status {status}\n{text}"
        return text

    def wait_end(self, timeout=10):
        """Wait until the machine has switched itself off; its exit status."""
        self.expect(pexpect.EOF, timeout)
        self.child.wait()
        return self.child.exitstatus


def batch(shape, append, image=None, **how):
    """qemu.batch() with the release Image as default."""
    return qemu.batch(shape, append, image or IMAGES["release"], **how)


def run_commands(shape, commands, append="", image=None, **how):
    """qemu.run_commands() with the release Image as default."""
    return qemu.run_commands(shape, commands, image or IMAGES["release"], append, **how)
