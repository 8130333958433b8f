# SPDX-License-Identifier: Apache-2.0
"""A machine the kernel boots on, as the tests see it: a shape (what QEMU is
asked to build and what the kernel must find), a serial console, and a hard
deadline after which the emulator is killed by its process id.

A real board fits the same interface: subclass Machine and replace spawn() by
something that opens its serial port and resets it."""

import collections
import ctypes
import itertools
import os
import re
import signal
import subprocess
import threading

import pexpect

PROMPT = "tm> "
PROMPT_AT_LINE_START = r"(?:\A|\n)tm> "
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x07|\x00")
QEMU = os.environ.get("QEMU", "qemu-system-aarch64")
BUILD = os.path.abspath(os.environ.get("TM_BUILD", "build"))
IMAGES = {"release": BUILD + "/arm64/Image", "test": BUILD + "/arm64-test/Image"}
RAM_BASE = 0x40000000
MIB = 1 << 20
GIB = 1 << 30

Node = collections.namedtuple("Node", "mib cpus")  # cpus: "0-1" or ""

_libc = ctypes.CDLL(None)
_serial_number = itertools.count()


def die_with_parent():
    """In the child: be killed when the test process ends, however it ends."""
    _libc.prctl(1, signal.SIGKILL)


def numa_args(nodes, distances):
    """QEMU's words for these nodes; distances is {(a, b): value}."""
    args = []
    for nid, node in enumerate(nodes):
        if node.mib:
            args += ["-object", f"memory-backend-ram,id=m{nid},size={node.mib}M"]
    for nid, node in enumerate(nodes):
        words = [f"node,nodeid={nid}"]
        words += [f"cpus={node.cpus}"] if node.cpus else []
        words += [f"memdev=m{nid}"] if node.mib else []
        args += ["-numa", ",".join(words)]
    for (a, b), value in distances.items():
        args += ["-numa", f"dist,src={a},dst={b},val={value}"]
    return args


class Shape:
    """One machine. `nodes` is what the kernel must show in the end, `hardware`
    what QEMU is given where that differs (numa=off, mem=, ...)."""

    def __init__(self, name, mib, cpus=1, nodes=None, distances=None, hardware=None,
                 machine="gic-version=3", cpu="cortex-a72", append="", extra=(), usable_mib=None):
        self.name = name
        self.mib = mib
        self.cpus = cpus
        all_cpus = f"0-{cpus - 1}" if cpus > 1 else "0"
        self.nodes = nodes or [Node(usable_mib or mib, all_cpus)]
        self.distances = distances or {}
        self.hardware = hardware if hardware is not None else (nodes or [])
        self.machine = machine
        self.cpu = cpu
        self.append = append
        self.extra = list(extra)
        self.usable_mib = usable_mib or mib

    def qemu_args(self):
        args = ["-M", f"virt-7.2,{self.machine}", "-cpu", self.cpu,
                "-smp", str(self.cpus), "-m", f"{self.mib}M"]
        args += numa_args(self.hardware, self.distances) if self.hardware else []
        return args + self.extra

    def distance(self, a, b):
        if a == b:
            return 10
        return self.distances.get((a, b), self.distances.get((b, a), 20))


COMMON = ["-display", "none", "-monitor", "none", "-nic", "none", "-no-reboot"]
EXACT = ["-icount", "shift=0,sleep=off", "-rtc", "base=2024-01-01,clock=vm"]


class Gone(Exception):
    """The console did not do what was expected; carries its last lines."""


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
        line = [QEMU, *self.shape.qemu_args(), *COMMON, "-serial", "stdio"]
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
        """Wait until the machine has switched itself off."""
        self.expect(pexpect.EOF, timeout)


def batch(shape, append, image=None, exact=False, timeout=60, args=None, extra=()):
    """Boot without a terminal and wait for the end. Returns the console's text;
    raises Gone when the machine is still on after `timeout` seconds."""
    command = [QEMU, *shape.qemu_args(), *COMMON, *(EXACT if exact else []), *extra]
    command += ["-serial", "stdio"]
    if args is not None:
        command += args
    else:
        words = " ".join(filter(None, [shape.append, append]))
        command += ["-kernel", image or IMAGES["release"], "-append", words]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout, check=False,
                              preexec_fn=die_with_parent)
    except subprocess.TimeoutExpired as error:
        text = (error.stdout or b"").decode("latin-1").replace("\r", "")
        tail = "\n".join(text.split("\n")[-40:])
        raise Gone(f"still running after {timeout} s:\n{tail}") from None
    return done.stdout.decode("latin-1").replace("\r", "")


def run_commands(shape, commands, append="", **how):
    """Boot with run="...": returns (text, exit status of the last command)."""
    text = batch(shape, f'{append} run="{commands}"'.strip(), **how)
    status = re.search(r"^tm: exit (\d+)$", text, re.M)
    if not status:
        raise Gone("no `tm: exit N` in:\n" + text[-3000:])
    return text, int(status.group(1))
