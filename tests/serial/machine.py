# SPDX-License-Identifier: Apache-2.0
"""A machine the kernel boots on, as the tests see it: a shape of tools/qemu.py
with a serial console, and a hard deadline after which the emulator is killed
by its process id.

With `--board` the one machine is a board on a serial line (board.py). What a
test asks for, any shape or a special one, then decides whether it runs there
or is skipped with the reason."""

import contextlib
import itertools
import os
import re
import signal
import sys
import threading

import pexpect
import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
import qemu  # noqa: E402  (tools/qemu.py)
from loader import BUILD, IMAGES  # noqa: E402  (tools/loader.py)
from qemu import COMMON, MIB, QEMU, SERIAL, Gone, Node, Shape, die_with_parent  # noqa: E402
import transcript  # noqa: E402
from console import PROMPT_AT_LINE_START, Console  # noqa: E402

__all__ = ["BUILD", "IMAGES", "MIB", "PROMPT_AT_LINE_START", "Gone", "Machine", "Node", "Shape",
           "batch", "or_any", "run_commands", "start"]

# Set by conftest.py: the board of --board, and what `start` makes without one.
the_board = None
through_uboot = False

_serial_number = itertools.count()


class Machine(Console):
    """One start of one shape. Use as a context manager."""

    def __init__(self, shape, image=None, append="", args=None, deadline=60):
        self.shape = shape
        self.image = image or IMAGES["release"]
        self.append = " ".join(filter(None, [shape.append, append]))
        self.args = args
        self.deadline = deadline
        super().__init__(shape.name)

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
        if the_board:
            pytest.skip(wants(self.shape, self.append, self.args))
        self.title = " ".join(self.command())
        transcript.add(self)
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
        transcript.drop(self)

    def _kill(self):
        if self.child and self.child.isalive():
            self.child.kill(signal.SIGKILL)

    def _save(self):
        folder = BUILD + "/serial"
        os.makedirs(folder, exist_ok=True)
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        name = f"{folder}/{worker}-{next(_serial_number):03d}-{self.shape.name}.log"
        with open(name, "w", encoding="utf-8") as log:
            log.write("# " + " ".join(self.command()) + "\n" + "".join(self.text))

    def wait_end(self, timeout=10):
        """Wait until the machine has switched itself off; its exit status."""
        self.expect(pexpect.EOF, timeout)
        self.child.wait()
        return self.child.exitstatus


def wants(shape, append, args):
    """What of QEMU a start of this kind needs, in words."""
    if args is not None:
        return f"needs QEMU arguments of its own ({shape.name})"
    if append:
        return f"needs boot arguments of its own ({append})"
    return f"needs a machine made for it ({shape.name})"


def variant_of(image):
    """The name of the build an Image is of; None for one of a test's own."""
    return next((name for name, path in IMAGES.items() if path == image), None)


def or_any(variant):
    """This variant of the Image in QEMU; whichever there is on a board."""
    return "any" if the_board else variant


@contextlib.contextmanager
def start(shape, variant="release", append="", deadline=300):
    """A booted machine of this shape: QEMU's, by -kernel or through U-Boot, or
    the board, started afresh, if that has what the shape asks for. The variant
    "any" is the release, and on a board whatever is there."""
    if the_board:
        need_on_board(shape, append=append, variant=variant)
        the_board.restart()
        need_on_board(shape, append=append, variant=variant)
        yield the_board
        return
    if through_uboot:
        from boot_loader import through_uboot as kind  # it builds on this module
    else:
        kind = Machine
    image = IMAGES["release" if variant == "any" else variant]
    with kind(shape, image, append, deadline=deadline) as machine:
        machine.boot()
        yield machine


def need_on_board(shape, append="", variant="any", exact=False, args=None):
    """Skip, with the reason, unless the board can stand in for this start."""
    if exact:
        pytest.skip("needs exact instruction counts, which only QEMU's -icount gives")
    append = " ".join(filter(None, [shape.append, append]))
    if args is not None or append or not shape.at_least:
        pytest.skip(wants(shape, append, args))
    why = the_board.lacks(shape, variant)
    if why:
        pytest.skip(why)


RUN = re.compile(r'run="([^"]*)"|test=(\S+)')


def batch(shape, append, image=None, exact=False, timeout=60, **how):
    """qemu.batch() with the release Image as default; on a board, the commands
    of run= or the suites of test= are typed."""
    if not the_board:
        return qemu.batch(shape, append, image or IMAGES["release"], exact=exact, timeout=timeout,
                          **how)
    asked = RUN.fullmatch(append.strip())
    need_on_board(shape, "" if asked else append, exact=exact, args=how.get("args"))
    variant = variant_of(image) or "any"
    need_on_board(shape, variant=variant)
    the_board.ready()
    need_on_board(shape, variant=variant)
    words = asked.group(1) or f"test '{asked.group(2)}'"
    text, status = the_board.run(words, timeout)
    return f"{text}\ntm: exit {status}\n"


def run_commands(shape, commands, append="", image=None, **how):
    """qemu.run_commands() with the release Image as default; typed on a board."""
    if not the_board:
        return qemu.run_commands(shape, commands, image or IMAGES["release"], append, **how)
    text = batch(shape, f'{append} run="{commands}"'.strip(), image, **how)
    return text, int(re.search(r"^tm: exit (\d+)$", text, re.M).group(1))
