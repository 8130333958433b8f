# SPDX-License-Identifier: Apache-2.0
"""The kernel as a Linux process (arch/host), as the tests run it: the trees it
is given, one run, many seeds in one go, and other flavours of the program."""

import os
import re
import subprocess

from machine import BUILD, Node, Shape
from qemu import QEMU

KERNEL = BUILD + "/host/tidemark"
LIBFDT = os.environ.get("TM_LIBFDT", BUILD + "/libfdt")
SHAPES = {
    "one": Shape("one256", 256),
    "numa2": Shape("numa2-256", 256, 4, [Node(128, "0-1"), Node(128, "2-3")], {(0, 1): 20}),
    "gicv2": Shape("gicv2-128", 128, 2, machine="gic-version=2"),
}
SUMMARY = re.compile(r"^(\d+) seeds(, each twice)?: (\d+) failed, (\d+) did not repeat; ", re.M)


def make_trees(folder):
    """Name -> file of a tree as QEMU hands it to the kernel."""
    files = {}
    for name, shape in SHAPES.items():
        files[name] = str(folder / f"{name}.dtb")
        args = shape.qemu_args()
        args[args.index("-M") + 1] += f",dtb-randomness=off,dumpdtb={files[name]}"
        subprocess.run([QEMU, *args, "-display", "none"], check=True, timeout=20,
                       capture_output=True)
    return files


def start(tree, *options, keys="", timeout=60, program=KERNEL):
    """Returns (status, console, what the process itself had to say)."""
    done = subprocess.run([program, "--dtb", tree, *options], input=keys.encode(),
                          capture_output=True, timeout=timeout, check=False)
    return (done.returncode, done.stdout.decode("latin-1").replace("\r", ""),
            done.stderr.decode("latin-1"))


def run_seeds(program, tree, count, *options, timeout=600):
    """Returns (seeds run, failed, not repeated, all that was printed)."""
    done = subprocess.run([program, "--dtb", tree, "--seeds", f"0..{count - 1}",
                           "--append", "loglevel=4", *options],
                          capture_output=True, timeout=timeout, check=False)
    text = done.stdout.decode("latin-1")
    match = SUMMARY.search(text)
    assert match, text + done.stderr.decode("latin-1")
    ran, failed, differ = (int(match.group(i)) for i in (1, 3, 4))
    assert done.returncode == (1 if failed or differ else 0), text
    return ran, failed, differ, text


def build(*settings):
    """Another flavour of the host kernel, as a person would build it."""
    done = subprocess.run(["make", "-s", "host", f"B={BUILD}", f"LIBFDT={LIBFDT}", *settings],
                          capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
