#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What one warm order-0 allocation and one free touch and execute in the
release Image: distinct 64-byte lines off the stack, and instructions, by the
place and by the function they belong to.

Not a model: QEMU runs the Image with a plugin (plugin.c, compiled here) that
watches the last of a thousand pairs of `bench lines`.

    tools/lines/lines.py [--image build/arm64/Image]     both calls, in detail
"""

import argparse
import bisect
import collections
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from qemu import Gone, run_commands  # noqa: E402  (tools/qemu.py)
import shapes_bench  # noqa: E402

# Watched calls: name, function, its caller (rtos/shell/bench.c).
CALLS = [("alloc", "alloc_pages", "bench_alloc"), ("free", "free_pages", "bench_free")]
Seen = collections.namedtuple("Seen", "lines insns")  # addresses, in order


def layout():
    """Where data lie, from arch/arm64/arch_layout.h: [(start, name)], rising."""
    with open(os.path.join(HERE, "../../arch/arm64/arch_layout.h"), encoding="utf-8") as f:
        found = re.findall(r"#define ARCH_(\w+)_BASE (0x[0-9a-f]+)", f.read())
    return sorted((int(base, 16), name.lower()) for name, base in found)


class Symbols:
    """The functions and variables of kernel.elf."""

    def __init__(self, elf):
        nm = os.environ.get("CROSS_COMPILE", "aarch64-linux-gnu-") + "nm"
        text = subprocess.run([nm, "-nS", elf], check=True, capture_output=True,
                              text=True).stdout
        self.found = [(int(a, 16), int(size, 16), name) for a, size, name in
                      re.findall(r"^([0-9a-f]+) ([0-9a-f]+) \w (\S+)$", text, re.M)]
        self.starts = [start for start, _, _ in self.found]
        self.by_name = {name: (start, start + size) for start, size, name in self.found}

    def name(self, address):
        i = bisect.bisect_right(self.starts, address) - 1
        if i >= 0 and address < self.found[i][0] + self.found[i][1]:
            return self.found[i][2]
        return None

    def on_line(self, line):
        """Variables that lie on a line of 64 bytes."""
        return [name for start, size, name in self.found if start < line + 64 and
                start + size > line]


def compile_plugin(folder, name="lines"):
    os.makedirs(folder, exist_ok=True)
    so = os.path.join(folder, f"{name}.so")
    root = os.path.join(HERE, "../..")
    subprocess.run([os.environ.get("HOSTCC", "gcc"), "-shared", "-fPIC", "-O2", "-Wall", "-Wextra",
                    "-I", root, "-o", so, os.path.join(root, f"tools/{name}/plugin.c")], check=True)
    return so


def watch(image, folder):
    """{"alloc": Seen, "free": Seen} of the last warm pair. Raises Gone."""
    symbols = Symbols(os.path.join(os.path.dirname(image), "kernel.elf"))
    out = os.path.join(os.path.abspath(folder), "lines.txt")
    bases = layout()
    stack = next(i for i, (_, name) in enumerate(bases) if name == "stack")
    words = [compile_plugin(folder), f"out={out}",
             f"stack={bases[stack][0]:x}-{bases[stack + 1][0]:x}"]
    for _, function, caller in CALLS:
        start, end = symbols.by_name[caller]
        words.append(f"call={symbols.by_name[function][0]:x}:{start:x}-{end:x}")
    if os.path.exists(out):
        os.remove(out)
    shape = shapes_bench.with_extra(shapes_bench.NUMA, ["-plugin", ",".join(words)])
    text, status = run_commands(shape, "bench lines", image, timeout=120)
    if status or not os.path.exists(out):
        raise Gone(f"bench lines: status {status}, {out} missing or not:\n{text[-2000:]}")
    return read(out), symbols


def read(path):
    with open(path, encoding="utf-8") as f:
        blocks = re.split(r"^call ", f.read(), flags=re.M)[1:]
    seen = {}
    for (name, _, _), block in zip(CALLS, blocks):
        calls = int(block.split("\n", 1)[0].split()[1])
        if calls < 2:
            raise Gone(f"lines: {name} was seen {calls} times")
        seen[name] = Seen([int(a, 16) for a in re.findall(r"^line (\w+)", block, re.M)],
                          [int(a, 16) for a in re.findall(r"^insn (\w+)", block, re.M)])
    return seen


def place(line, symbols):
    """What lies on a line, in words."""
    named = symbols.on_line(line)
    if named:
        return "data: " + ", ".join(named[:4])
    i = bisect.bisect_right([base for base, _ in layout()], line) - 1
    return layout()[i][1] if i >= 0 else "?"


def print_detail(seen, symbols):
    for name, call in seen.items():
        print(f"{name}: {len(call.lines)} lines, {len(call.insns)} instructions")
        for line in call.lines:
            print(f"  line {line:#x}  {place(line, symbols)}")
        count = collections.Counter(symbols.name(a) or "?" for a in call.insns)
        for function, n in count.most_common():
            print(f"  {n:5} instructions  {function}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--image", default="build/arm64/Image")
    parser.add_argument("--out", default="build/bench", help="folder for the plugin")
    args = parser.parse_args()
    try:
        print_detail(*watch(args.image, args.out))
    except (Gone, subprocess.CalledProcessError) as error:
        sys.exit(f"lines: {error}")


if __name__ == "__main__":
    main()
