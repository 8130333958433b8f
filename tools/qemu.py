# SPDX-License-Identifier: Apache-2.0
"""QEMU as tests and benchmarks start it: a Shape says what is built and what
the kernel must find there; batch() boots one without a terminal and returns
what it printed. Every start has a hard deadline and dies with its parent."""

import collections
import ctypes
import os
import re
import select
import signal
import subprocess
import time

QEMU = os.environ.get("QEMU", "qemu-system-aarch64")
MIB = 1 << 20

Node = collections.namedtuple("Node", "mib cpus")  # cpus: "0-1" or ""

_libc = ctypes.CDLL(None)


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
    what QEMU is given where that differs (numa=off, mem=, ...). `at_least`:
    any machine with so much memory, so many CPUs and nodes would do as well."""

    def __init__(self, name, mib, cpus=1, nodes=None, distances=None, hardware=None,
                 machine="gic-version=3", cpu="cortex-a72", append="", extra=(), usable_mib=None,
                 at_least=False):
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
        self.at_least = at_least

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
# Ctrl-C and its like belong to the guest, not to the emulator.
SERIAL = ["-chardev", "stdio,id=tty,signal=off", "-serial", "chardev:tty"]
EXACT = ["-icount", "shift=0,sleep=off", "-rtc", "base=2024-01-01,clock=vm"]


class Gone(Exception):
    """The console did not do what was expected; carries its last lines."""


def batch(shape, append, image, exact=False, timeout=60, args=None, until=()):
    """Boot without a terminal; returns the console's text once the machine has
    switched itself off, or has printed one of the texts in `until`. `exact`
    counts instructions as time, `args` replace kernel and arguments. Raises
    Gone when neither has happened after `timeout` seconds."""
    command = [QEMU, *shape.qemu_args(), *COMMON, *(EXACT if exact else []), *SERIAL]
    if args is not None:
        command += args
    else:
        words = " ".join(filter(None, [shape.append, append]))
        command += ["-kernel", image, "-append", words]
    end = time.monotonic() + timeout
    text = b""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, preexec_fn=die_with_parent) as child:
        try:
            while not any(word.encode() in text for word in until):
                left = max(0, end - time.monotonic())
                if not select.select([child.stdout], [], [], left)[0]:
                    tail = "\n".join(plain(text).split("\n")[-40:])
                    raise Gone(f"still running after {timeout} s:\n{tail}")
                piece = os.read(child.stdout.fileno(), 65536)
                if not piece:
                    break
                text += piece
        finally:
            child.kill()
    return plain(text)


def plain(output):
    """Console bytes as text without carriage returns."""
    return output.decode("latin-1").replace("\r", "")


def run_commands(shape, commands, image, append="", **how):
    """Boot with run="...": returns (text, exit status of the last command)."""
    text = batch(shape, f'{append} run="{commands}"'.strip(), image, **how)
    status = re.search(r"^tm: exit (\d+)$", text, re.M)
    if not status:
        raise Gone("no `tm: exit N` in:\n" + text[-3000:])
    return text, int(status.group(1))
