#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The longest sections of the release Image with interrupts masked, and with a
spinlock held, while one CPU runs commands of the shell: by the place where they
begin, and of the longest what it is made of.

Not a model, and not the meter of BUILD=meter, whose hooks change the code they are
in: QEMU runs the Image with a plugin (plugin.c, compiled here) that counts.

    tools/sections/sections.py 'mm stress 1 seed 7' [--mib 1024] [--image build/arm64/Image]
"""

import argparse
import bisect
import collections
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from lines.lines import Symbols, compile_plugin  # noqa: E402  (tools/lines/lines.py)
from qemu import Gone, run_commands  # noqa: E402  (tools/qemu.py)
import shapes_bench  # noqa: E402

LOCK = ("spin_lock", "spin_lock_irqsave")
UNLOCK = ("spin_unlock", "spin_unlock_irqrestore", "spin_unlock_to_sleep")
KINDS = ("masked", "locked")
SHOWN = 8
# begin, end: "function+offset"; path: of the source of the function it begins in
Section = collections.namedtuple("Section", "length begin end path")


class Image:
    """kernel.elf beside an Image: what lies at an address."""

    def __init__(self, image):
        self.elf = os.path.join(os.path.dirname(image), "kernel.elf")
        self.symbols = Symbols(self.elf)
        self.paths = {}

    def words(self, out):
        """The plugin's arguments."""
        by_name = self.symbols.by_name
        missing = [name for name in (*LOCK, *UNLOCK, "sh_run") if name not in by_name]
        if missing:
            raise Gone(f"{self.elf} has no {', '.join(missing)}")
        return ([f"out={out}", f"from={by_name['sh_run'][0]:x}", f"vectors={self.vectors():x}"] +
                [f"lock={by_name[name][0]:x}-{by_name[name][1]:x}" for name in LOCK] +
                [f"unlock={by_name[name][0]:x}" for name in UNLOCK])

    def vectors(self):
        """No function, so it has no size."""
        nm = os.environ.get("CROSS_COMPILE", "aarch64-linux-gnu-") + "nm"
        text = subprocess.run([nm, self.elf], check=True, capture_output=True, text=True).stdout
        return next(int(line.split()[0], 16) for line in text.split("\n")
                    if line.endswith(" arm64_vectors"))

    def function(self, address):
        i = bisect.bisect_right(self.symbols.starts, address) - 1
        start, size, name = self.symbols.found[i]
        return (name, start) if 0 <= address - start < size else ("vectors", self.vectors())

    def place(self, address):
        name, start = self.function(address)
        return f"{name}+{address - start:#x}"

    def path(self, address):
        """Of the source that the function at an address is in."""
        _, start = self.function(address)
        if start not in self.paths:
            tool = os.environ.get("CROSS_COMPILE", "aarch64-linux-gnu-") + "addr2line"
            text = subprocess.run([tool, "-e", self.elf, f"{start:x}"], check=True,
                                  capture_output=True, text=True).stdout
            self.paths[start] = os.path.relpath(text.rsplit(":", 1)[0],
                                                os.path.join(HERE, "../.."))
        return self.paths[start]


def measure(shape, commands, image, folder, timeout=300):
    """({"masked": [Section], "locked": [Section]}, the same kinds: [(function,
    instructions)] of the longest), longest first. Raises Gone."""
    elf = Image(image)
    out = os.path.join(os.path.abspath(folder), "sections.txt")
    words = [compile_plugin(folder, "sections")] + elf.words(out)
    if os.path.exists(out):
        os.remove(out)
    text, status = run_commands(shapes_bench.with_extra(shape, ["-plugin", ",".join(words)]),
                                commands, image, exact=True, timeout=timeout)
    if status or not os.path.exists(out):
        raise Gone(f"{commands}: status {status}, {out} missing or not:\n{text[-2000:]}")
    return read(out, elf)


def read(path, elf):
    found, parts = {kind: [] for kind in KINDS}, {kind: [] for kind in KINDS}
    with open(path, encoding="utf-8") as f:
        for line in f:
            kind, *values = line.split()
            if kind in found:
                begin, end = int(values[0], 16), int(values[1], 16)
                found[kind].append(Section(int(values[2]), elf.place(begin), elf.place(end),
                                           elf.path(begin)))
                continue
            name, _ = elf.function(int(values[0], 16))
            runs = parts[kind.removesuffix("-insn")]
            if runs and runs[-1][0] == name:
                runs[-1] = (name, runs[-1][1] + 1)
            else:
                runs.append((name, 1))
    return {kind: sorted(sections, reverse=True) for kind, sections in found.items()}, parts


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("commands")
    parser.add_argument("--image", default="build/arm64/Image")
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--out", default="build/bench", help="folder for the plugin")
    args = parser.parse_args()
    try:
        found, parts = measure(shapes_bench.plain(args.mib), args.commands, args.image, args.out)
    except (Gone, subprocess.CalledProcessError) as error:
        sys.exit(f"sections: {error}")
    for kind in KINDS:
        print(f"{kind}:")
        for s in found[kind][:SHOWN]:
            print(f"  {s.length:6} {s.begin} .. {s.end}  {s.path}")
        print("  longest: " + " ".join(f"{name}:{n}" for name, n in parts[kind]))


if __name__ == "__main__":
    main()
