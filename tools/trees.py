#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tries the intake of memory on the trees of real boards, and counts what is in them.

    tools/trees.py [--memmap PROGRAM] [--jobs N] [--doc FILE] FOLDER

Runs build/host/memmap on every *.dtb below FOLDER (tools/setup trees fetches
Debian's 577 into build/dtbs) and compares what it prints with what this file
reads out of the same tree by itself: a reader of blobs, the rules for memory,
reserved regions, dma-ranges and the console, all written a second time and
sharing nothing with mm/boot. --doc writes the tables between the marks of a page.

Trees that leave their memory to the boot loader get it from here: where the
memory node or the family of the chip says that RAM begins, 2 GiB, and more when
regions of the tree lie above. Status 1 when any tree is not as it should be.
"""

import argparse
import collections
import concurrent.futures
import glob
import os
import re
import struct
import subprocess
import sys
import time

PAGE = 4096
MIB, GIB = 1 << 20, 1 << 30
LIMIT = (1 << 44) - PAGE
BLOCK = 2 * MIB
MASK = (1 << 64) - 1 # of an address on PCI, whose third cell is no part of it
LINE = re.compile(r"^  \[0x([0-9a-f]+), 0x([0-9a-f]+)\) +\d+ (?:MiB|KiB|B) +(.*)$")
# Where RAM begins on chips whose trees leave it open.
FAMILIES = [("allwinner,", 0x40000000), ("amd,seattle", 0x8000000000), ("fsl,imx8m", 0x40000000),
            ("fsl,imx", 0x80000000), ("fsl,ls", 0x80000000), ("qcom,ipq", 0x40000000),
            ("rockchip,", 0x200000), ("marvell,", 0)]
# Where the firmware of a family puts RAM in more than one piece.
BANKS = [("brcm,bcm2711", [(0, 948 * MIB), (GIB, 3008 * MIB)])]


# ---- a second reader of trees ------------------------------------------------------


class Node:
    def __init__(self, name, parent):
        self.name, self.parent = name, parent
        self.props, self.children = {}, []

    def words(self, name):
        value = self.props.get(name, b"")
        return list(struct.unpack(f">{len(value) // 4}I", value[:len(value) // 4 * 4]))

    def strings(self, name):
        return [part.decode("latin-1") for part in self.props.get(name, b"").split(b"\0")[:-1]]

    def text(self, name):
        return (self.strings(name) or [""])[0]

    def available(self):
        return "status" not in self.props or any(
            word in ("okay", "ok") for word in self.strings("status"))

    def cells(self):
        """#address-cells and #size-cells for the children."""
        return ((self.words("#address-cells") or [2])[0], (self.words("#size-cells") or [1])[0])

    def child(self, name):
        for child in self.children:
            if child.name == name or ("@" not in name and child.name.split("@")[0] == name):
                return child
        return None

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()


def number(words):
    value = 0
    for word in words:
        value = value << 32 | word
    return value


def tuples(words, *widths):
    """Lists of numbers of so many cells each."""
    step = sum(widths)
    for at in range(0, len(words) - step + 1 if step else 0, step):
        row = []
        for width in widths:
            row.append(number(words[at:at + width]))
            at += width
        yield row


class Tree:
    def __init__(self, path):
        with open(path, "rb") as f:
            blob = f.read()
        self.path = path
        (magic, _, structs, strings, reserve, *_) = struct.unpack(">10I", blob[:40])
        if magic != 0xd00dfeed:
            raise ValueError(f"magic is {magic:#x}")
        self.memreserve = []
        while True:
            start, size = struct.unpack(">2Q", blob[reserve:reserve + 16])
            reserve += 16
            if not start and not size:
                break
            self.memreserve.append((start, size))
        self.root = self.read(blob, structs, strings)
        self.ac, self.sc = self.root.cells()

    @staticmethod
    def read(blob, at, strings):
        node = root = None
        while True:
            token, = struct.unpack(">I", blob[at:at + 4])
            at += 4
            if token == 1:
                end = blob.index(b"\0", at)
                node = Node(blob[at:end].decode("latin-1"), node)
                if node.parent:
                    node.parent.children.append(node)
                root = root or node
                at = (end + 4) & ~3
            elif token == 2:
                node = node.parent
            elif token == 3:
                size, name = struct.unpack(">2I", blob[at:at + 8])
                name = blob[strings + name:blob.index(b"\0", strings + name)].decode()
                node.props.setdefault(name, blob[at + 8:at + 8 + size])
                at = (at + 8 + size + 3) & ~3
            elif token == 9:
                return root
            elif token != 4:
                raise ValueError(f"token {token} at {at - 4}")

    def find(self, path):
        node = self.root
        for name in path.strip("/").split("/"):
            node = node and node.child(name)
        return node

    def reg(self, node, name="reg"):
        return [(start, size) for start, size in tuples(node.words(name), self.ac, self.sc)]

    def memory_nodes(self):
        return [n for n in self.root.children if "memory" in n.strings("device_type")]

    def family(self):
        return (self.root.strings("compatible") or [""])[-1]

    def reserved(self):
        """Available children of a /reserved-memory whose addresses are the root's."""
        parent = self.root.child("reserved-memory")
        if not parent or "ranges" not in parent.props or \
                parent.words("#address-cells") != [self.ac] or \
                parent.words("#size-cells") != [self.sc]:
            return []
        return [child for child in parent.children if child.available()]

    def fixed(self):
        """Every range somebody claims by address; what is empty or wraps is no range."""
        rows = self.memreserve + [row for child in self.reserved() for row in self.reg(child)]
        return [(start, size) for start, size in rows if size and start + size < 1 << 64]


def lent(node):
    return ("reusable" in node.props and "no-map" not in node.props and
            "shared-dma-pool" in node.strings("compatible"))


# ---- what must come out --------------------------------------------------------------


def union(ranges):
    out = []
    for start, end in sorted(ranges):
        if out and start <= out[-1][1]:
            out[-1][1] = max(out[-1][1], end)
        elif start < end:
            out.append([start, end])
    return [tuple(row) for row in out]


def minus(ranges, start, end):
    out = []
    for a, b in ranges:
        out += [(lo, hi) for lo, hi in ((a, min(b, start)), (max(a, end), b)) if lo < hi]
    return out


def down(value, unit=PAGE):
    return value // unit * unit


def up(value, unit=PAGE):
    return -(-value // unit) * unit


def inside(ranges, start, end):
    return sum(max(0, min(b, end) - max(a, start)) for a, b in ranges)


def filled_in(tree):
    """Banks that a boot loader would write into this tree; none: it has its own."""
    nodes = tree.memory_nodes()
    given = [row for node in nodes for row in tree.reg(node)]
    if any(size for _, size in given):
        return []
    for start, banks in BANKS:
        if tree.family().startswith(start):
            return banks
    base = given[0][0] if given else next(
        (at for start, at in FAMILIES if tree.family().startswith(start)), None)
    if base is None: # of a family that is none of Debian's: around what it reserves
        base = down(min((start for start, _ in tree.fixed()), default=GIB), GIB)
    end = base + 2 * GIB
    for start, size in tree.fixed():
        if base <= start < base + 8 * GIB:
            end = max(end, up(start + size, GIB))
    if base + 2 * GIB > 1 << 32 > base: # registers lie there
        return [(base, down((1 << 32) - base, GIB) or MIB * 512), (1 << 32, GIB)]
    return [(base, end - base)]


def translate(node, prop, address):
    """An address of bus `node` at the root; None when a bus does not pass it on."""
    while node.parent:
        if prop not in node.props:
            if prop == "ranges":
                return None
        elif node.props[prop]:
            (ca, cs), (pa, _) = node.cells(), node.parent.cells()
            if prop == "ranges" and max(ca, pa) > 2: # PCI
                return None
            for child, parent, size in tuples(node.words(prop), ca, pa, cs):
                child, parent = child & MASK, parent & MASK
                if child <= address < child + size:
                    address += parent - child
                    break
            else:
                return None
        node = node.parent
    return address


def console(tree):
    """(path, address, size) of the console; None: the tree names none."""
    chosen, aliases = tree.root.child("chosen"), tree.root.child("aliases")
    path = chosen.text("stdout-path") if chosen else ""
    path = path.split(":")[0]
    if path and path[0] != "/":
        path = aliases.text(path) if aliases else ""
    node = tree.find(path) if path else None
    if not node:
        return None
    rows = list(tuples(node.words("reg"), *node.parent.cells()))
    address = translate(node.parent, "ranges", rows[0][0]) if rows else None
    return None if address is None else (path, address, rows[0][1])


def ram(tree, banks):
    """RAM in whole pages, after devices inside it are taken out."""
    rows = banks or [row for node in tree.memory_nodes() if node.available()
                     for row in tree.reg(node, "linux,usable-memory"
                                         if "linux,usable-memory" in node.props else "reg")]
    ranges = union((start, min(start + size, LIMIT)) for start, size in rows)
    devices = [row for node in tree.root.children
               if node not in tree.memory_nodes() and node.name.split("@")[0] != "memory" and
               node.available() for row in tree.reg(node)]
    devices += [console(tree)[1:]] if console(tree) else []
    for start, size in devices:
        if size and start + size <= LIMIT:
            ranges = minus(ranges, down(start), up(start + size))
    return [(up(a), down(b)) for a, b in ranges if up(a) < down(b)]


def dma_end(tree, start):
    """End of what every bus master reaches."""
    lowest = (1 << 32) - 1
    for node in tree.root.walk():
        up_to_root = node
        while up_to_root and up_to_root.available():
            up_to_root = up_to_root.parent
        if up_to_root or not node.parent or not node.props.get("dma-ranges"):
            continue
        (ca, cs), (pa, _) = node.cells(), node.parent.cells()
        if len(node.props["dma-ranges"]) % (4 * (ca + pa + cs)):
            continue
        reach = 0
        for _, parent, size in tuples(node.words("dma-ranges"), ca, pa, cs):
            parent = translate(node.parent, "dma-ranges", parent & MASK)
            if parent is not None and size:
                reach = max(reach, parent + size - 1)
        lowest = min(lowest, reach or lowest)
    end = down(lowest + 1)
    if start >= end:
        end = 1 << 32
    return end if start < end else 1 << 44


# ---- what came out -------------------------------------------------------------------


class Report:
    """The text of memmap, taken apart."""

    def __init__(self, text):
        self.text = text
        self.sections = collections.defaultdict(list)
        self.lines = {}
        section = None
        for line in text.split("\n")[1:]:
            if line.startswith("  ") and section:
                self.sections[section].append(line)
            elif " " in line and not line.startswith("nodes"):
                word, rest = line.split(" ", 1)
                self.lines[word] = rest.strip()
            else:
                section = line.split(" ")[0]
        self.banks = self.rows("banks")
        self.zones = self.rows("zones")
        self.reserved = self.rows("reserved")
        self.warnings = [line.strip() for line in self.sections["warnings"]]

    def rows(self, section):
        out = []
        for line in self.sections[section]:
            start, end, what = LINE.match(line).groups()
            out.append((int(start, 16), int(end, 16), what))
        return out

    def told(self, name):
        """Whether a warning names it; names in messages are cut."""
        end = r"(?![\w@+-])" if len(name) <= 40 else ""
        word = re.compile(re.escape(name[:40]) + end)
        return any(word.search(line) for line in self.warnings)

    def numbers(self, name):
        return [int(word) for word in re.findall(r"\d+", self.lines[name])]


def check_ranges(report, tree, banks):
    """Banks as expected, nothing on anything else."""
    for name, rows in (("banks", report.banks), ("reserved", report.reserved)):
        for (_, end, _), (start, _, _) in zip(rows, rows[1:]):
            if start < end:
                yield f"{name}: 0x{start:x} is below 0x{end:x}"
    found = union((start, end) for start, end, _ in report.banks)
    if found != union(ram(tree, banks)):
        yield f"banks are {found}, expected {union(ram(tree, banks))}"


def check_no_map(report, tree):
    """Exactly what firmware keeps to itself is out of the kernel's own map."""
    kernel, = [row[:2] for row in report.reserved if row[2].startswith("kernel")]
    rows = [(start, start + size) for child in tree.reserved() if "no-map" in child.props
            for start, size in tree.reg(child) if size and start + size < 1 << 64]
    rows += [row[:2] for row in report.reserved if row[2].endswith(" dynamic no-map")]
    hidden = minus(union((down(start), up(end)) for start, end in rows), *kernel)
    ranges = union(row[:2] for row in report.banks)
    expected = [(max(a, start), min(b, end)) for a, b in hidden for start, end in ranges
                if max(a, start) < min(b, end)]
    found = union(row[:2] for row in report.banks if row[2].endswith(" no-map") or
                  " no-map " in row[2])
    if found != union(expected):
        yield f"no-map is {found}, expected {union(expected)}"


def check_sums(report):
    """present = managed + kept, and kept is what the reserved rows cover."""
    present, managed, cma, kept = report.numbers("pages")
    pages = sum((end - start) // PAGE for start, end, _ in report.banks)
    if present != pages or managed + kept != present:
        yield f"{present} pages present, {managed} managed, {kept} kept of {pages}"
    taken = union((down(start), up(end)) for start, end, what in report.reserved
                  if not what.startswith("cma"))
    covered = sum(inside(taken, start, end) for start, end, _ in report.banks) // PAGE
    if covered != kept:
        yield f"{kept} pages kept, the reserved rows cover {covered}"
    areas = sum(end - start for start, end, what in report.reserved if what.startswith("cma"))
    if areas != cma * PAGE:
        yield f"{cma} pages of CMA, its areas have {areas // PAGE}"


def check_static(report, tree):
    """What has a place of its own is kept there, unless it is lent."""
    taken = union((down(start), up(end)) for start, end, what in report.reserved)
    ranges = union((start, end) for start, end, _ in report.banks)
    for start, size in tree.fixed():
        start, end = down(start), min(up(start + size), LIMIT)
        need = sum(inside(taken, max(a, start), min(b, end)) for a, b in ranges
                   if a < end and b > start)
        if need != inside(ranges, start, end):
            yield f"reserved [0x{start:x}, 0x{end:x}): only 0x{need:x} bytes are kept"


def check_dynamic(report, tree, numbers):
    for node in tree.reserved():
        if "reg" in node.props or "size" not in node.props:
            continue
        unit = BLOCK if lent(node) else PAGE
        size = up(number(node.words("size")), unit)
        align = max(number(node.words("alignment")), unit)
        rows = [(start, end, what) for start, end, what in report.reserved
                if re.search(rf" {re.escape(node.name[:31])} dynamic", what)]
        numbers["dynamic made" if rows else "dynamic not made"] += 1
        if not rows:
            if not report.told(node.name):
                yield f"{node.name}: not made, and no word about it"
            continue
        (start, end, what), = rows
        ranges = tree.reg(node, "alloc-ranges")
        if end - start != size or start % align:
            yield f"{node.name} at [0x{start:x}, 0x{end:x}): 0x{size:x} at 0x{align:x} was asked"
        if ranges and not any(a <= start and end <= a + s for a, s in ranges):
            yield f"{node.name} at [0x{start:x}, 0x{end:x}): outside of its alloc-ranges"
        if inside([row[:2] for row in report.banks], start, end) != size:
            yield f"{node.name} at [0x{start:x}, 0x{end:x}): not all RAM"
        if ("no-map" in node.props) != (" no-map" in what):
            yield f"{node.name}: no-map is not what the tree says"


def check_cma(report, tree, numbers):
    pools = [node for node in tree.reserved() if lent(node)]
    defaults = [node for node in pools if "linux,cma-default" in node.props]
    found = [what.split()[1] for _, _, what in report.reserved
             if what.startswith("cma") and what.endswith("default")]
    lent_rows = {what.split()[1] for _, _, what in report.reserved if what.startswith("cma")}
    numbers["pools to lend"] += len(pools)
    numbers["pools lent"] += sum(what.startswith("cma") for _, _, what in report.reserved)
    for node in pools:
        if node.name[:31] not in lent_rows and not report.told(node.name):
            yield f"{node.name}: not lent, and no word about it"
    for name in lent_rows - {node.name[:31] for node in pools}:
        yield f"{name}: lent, and the tree does not say so"
    if defaults:
        numbers["default area found" if found else "default area not made"] += 1
    # The first of them that is there.
    expected = [node.name[:31] for node in defaults if node.name[:31] in lent_rows][:1]
    if found != expected:
        yield f"the default area is {found}, expected {expected}"


def check_dma(report, tree):
    start = report.banks[0][0]
    end, found = dma_end(tree, start), int(report.lines["dma"].split("0x")[1], 16)
    if found != end:
        yield f"DMA limit 0x{found:x}, expected 0x{end:x}"
    borders = {"DMA": (0, end), "DMA32": (end, 1 << 32), "Normal": (max(end, 1 << 32), 1 << 44)}
    ranges = [row[:2] for row in report.banks]
    if any(" Movable " in what for _, _, what in report.zones):
        borders = {"": (0, 1 << 44)} # which pages may be taken away is not modelled
    for name, (low, high) in borders.items():
        expected = inside(ranges, low, high) // PAGE if low < high else 0
        present = sum(int(re.search(r"present (\d+)", what).group(1)) for _, _, what in report.zones
                      if f" {name}".rstrip() + " " in what)
        if present != expected:
            yield f"zone {name}: {present} pages, expected {expected}"


def check_console(report, tree):
    expected, line = console(tree), report.lines["console"]
    if expected and not line.startswith("none") and f"at 0x{expected[1]:x}," not in line:
        yield f"console at 0x{expected[1]:x} expected: {line}"
    if expected and line.startswith("none") and not report.told("stdout-path"):
        yield f"{expected[0]} is the console: {line}"
    if not expected and not line.startswith("none"):
        yield f"the tree names no console: {line}"


def check_cpus(report, tree):
    cpus = tree.root.child("cpus")
    nodes = [node for node in (cpus.children if cpus else []) if node.available() and
             (node.strings("device_type") or [node.name.split("@")[0]])[0] == "cpu"]
    if report.numbers("cpus")[0] != len(nodes):
        yield f"{len(nodes)} cpus expected: {report.lines['cpus']}"


def memory_ids(tree):
    """[(start, end, id)] of all RAM the tree lists; None where there is no id."""
    return [(start, min(start + size, LIMIT), number(node.words("numa-node-id"))
             if "numa-node-id" in node.props else None)
            for node in tree.memory_nodes() if node.available()
            for start, size in tree.reg(node, "linux,usable-memory" if "linux,usable-memory" in
                                        node.props else "reg") if size]


def check_nodes(report, tree):
    """Each bank on the node that the tree says, or a word why none is used."""
    rows = memory_ids(tree)
    given = {row[2] for row in rows} - {None}
    if "nodes (without NUMA)" in report.text:
        if given and not report.told("NUMA is not used"):
            yield f"nodes {given}: NUMA is not used, and no word about it"
        return
    for start, end, what in report.banks:
        node = int(re.search(r"node (\d+)", what).group(1))
        named = {row[2] for row in rows if row[0] < end and row[1] > start}
        if named != {node}:
            yield f"bank [0x{start:x}, 0x{end:x}) is on node {node}, the tree says {named}"
    yield from check_distances(report, tree)


def check_distances(report, tree):
    table = tree.root.child("distance-map")
    if not table or "numa-distance-map-v1" not in table.strings("compatible"):
        return
    given = {(a, b): d for a, b, d in tuples(table.words("distance-matrix"), 1, 1, 1)}
    lines = report.sections["nodes"]
    ids = [int(line.split()[0]) for line in lines]
    for node, line in zip(ids, lines):
        found = [int(word) for word in line.split("distances")[1].split()]
        # An entry from the lower to the higher node counts for both ways.
        expected = [given.get((node, to), 10 if node == to else
                              given.get((to, node), 20) if node > to else 20) for to in ids]
        if found != expected:
            yield f"node {node}: distances {found}, expected {expected}"


def check(tree, banks, text, numbers):
    """What is wrong with the report of one tree, in words; counts what it has."""
    report = Report(text)
    wrong = [*check_ranges(report, tree, banks), *check_sums(report), *check_static(report, tree),
             *check_no_map(report, tree), *check_dynamic(report, tree, numbers),
             *check_cma(report, tree, numbers), *check_dma(report, tree),
             *check_console(report, tree), *check_cpus(report, tree), *check_nodes(report, tree)]
    count(report, tree, banks, numbers)
    return wrong


# ---- the census -------------------------------------------------------------------------


def count(report, tree, banks, numbers):
    """Add what this tree has to the numbers; keys are rows of the tables."""
    nodes = tree.memory_nodes()
    numbers["no memory node" if not nodes else "memory of size 0" if banks else
            "memory in the tree"] += 1
    numbers[f"root cells {tree.ac}/{tree.sc}"] += 1
    numbers[f"{len(union(row[:2] for row in report.banks))} banks"] += 1
    numbers["/memreserve/"] += bool(tree.memreserve)
    children = tree.reserved()
    numbers["reserved-memory"] += bool(children)
    numbers["static"] += sum("reg" in node.props for node in children)
    numbers["no-map"] += sum("no-map" in node.props for node in children)
    numbers["most children"] = max(numbers["most children"], len(children))
    numbers[f"dma {report.lines['dma'].split('0x')[1]}"] += 1
    line = report.lines["console"]
    numbers["console " + ("none" if line.startswith("none") else line.split(": ")[-1])] += 1
    methods = report.lines["cpus"].split(":")[1]
    for method in set(re.findall(r"\d+ (\S+)", methods)) or {"no CPU"}:
        numbers[f"cpus {method}"] += 1
    numbers["several nodes"] += len(report.sections["nodes"]) > 1
    for warning in report.warnings:
        kind = next((words for words in WARNINGS if words in warning), None)
        numbers[f"said {kind or 'something else'}"] += 1


# Sorts of messages by words in them; the first that fits counts.
WARNINGS = ["boot argument", "a device inside RAM", "not all free RAM", "not aligned to 2 MiB",
            "overlaps", "not in one node and zone", "no room in its alloc-ranges",
            "no room for its size", "neither reg nor size", "no such node", "no such alias",
            "compatible:", "no address a CPU can use", "do not fit its cells",
            "exclude each other", "not free any more", "no device_type", "empty, ignored",
            "phandle", "without a terminator"]


def table(title, rows):
    out = [f"| {title} | trees |", "|---|---|"]
    return "\n".join(out + [f"| {name} | {value} |" for name, value in rows]) + "\n"


def pick(numbers, prefix, text="{}"):
    rows = [(text.format(key[len(prefix):]), value) for key, value in numbers.items()
            if key.startswith(prefix) and value]
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def tables(numbers, nr_trees, package):
    n = numbers
    memory = [("banks in the tree", n["memory in the tree"]),
              ("bank of size 0, for the loader to fill", n["memory of size 0"]),
              ("no memory node", n["no memory node"])]
    memory += pick(n, "root cells ", "root cells {}")
    banks = sorted(((int(key.split()[0]), value) for key, value in n.items()
                    if re.match(r"\d+ banks$", key)))
    memory += [(f"{nr} bank{'s' * (nr > 1)} of RAM when booted", value) for nr, value in banks]
    memory += [("several NUMA nodes", n["several nodes"]), ("/memreserve/", n["/memreserve/"]),
               ("/reserved-memory with children", n["reserved-memory"])]
    regions = [("with a place of their own", n["static"]), ("no-map", n["no-map"]),
               ("most in one tree", n["most children"]),
               ("without a place: made", n["dynamic made"]),
               ("without a place: not made, said why", n["dynamic not made"]),
               ("pools that may be lent", n["pools to lend"]), ("lent", n["pools lent"]),
               ("default area named and found", n["default area found"]),
               ("default area named, not made, said why", n["default area not made"])]
    dma = [(f"0x{int(key[4:], 16):x}", value) for key, value in n.items() if key.startswith("dma ")]
    out = [f"{nr_trees} trees of `{package}`: all boot, and all that is listed below is checked.\n",
           table("memory", memory), table("regions of /reserved-memory", regions).replace(
               "| trees |", "| number |", 1),
           table("DMA limit", sorted(dma, key=lambda row: (-row[1], row[0]))),
           table("console, by the driver that takes it", pick(n, "console ")),
           table("CPUs come on by", pick(n, "cpus ")),
           table("warnings, by their words", pick(n, "said ", "`{}`")).replace(
               "| trees |", "| number |", 1)]
    return "\n".join(out)


def write_doc(path, text):
    """Put the tables between the two marks of the page."""
    with open(path, encoding="utf-8") as f:
        page = f.read()
    before, rest = page.split("<!-- tables -->\n")
    _, after = rest.split("<!-- end of tables -->")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"{before}<!-- tables -->\n{text}<!-- end of tables -->{after}")


# ---- the run -----------------------------------------------------------------------------


def memmap(program, tree, banks, *more):
    """(status, text) of one run."""
    words = [f"--memory={base:#x}+{size:#x}" for base, size in banks]
    done = subprocess.run([program, *words, *more, tree.path], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                          check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def one(program, path):
    """(path, what is wrong, numbers) of one tree."""
    numbers = collections.Counter()
    try:
        tree = Tree(path)
        banks = filled_in(tree)
    except (OSError, ValueError, AttributeError, IndexError, struct.error) as error:
        return path, [f"no tree that can be read: {error}"], numbers
    status, text = memmap(program, tree, banks)
    if status:
        return path, [f"status {status}: {text.strip()[-2000:]}"], numbers
    try:
        return path, check(tree, banks, text, numbers), numbers
    except (ValueError, AttributeError, KeyError, IndexError) as error:
        return path, [f"the report cannot be read: {error!r}\n{text}"], numbers


def corpus(program, folder, jobs=2):
    """Every tree below the folder: (how many, {path: what is wrong}, numbers)."""
    paths = sorted(glob.glob(f"{folder}/**/*.dtb", recursive=True))
    numbers, wrong = collections.Counter(), {}
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        for path, faults, found in pool.map(one, [program] * len(paths), paths, chunksize=8):
            if faults:
                wrong[path] = faults
            most = max(numbers["most children"], found.pop("most children", 0))
            numbers.update(found)
            numbers["most children"] = most
    return len(paths), wrong, numbers


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder")
    parser.add_argument("--memmap", default="build/host/memmap")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--doc")
    args = parser.parse_args()
    if not os.access(args.memmap, os.X_OK):
        sys.exit(f"{args.memmap}: not there; make host-build makes it")
    began = time.monotonic()
    nr_trees, wrong, numbers = corpus(args.memmap, args.folder, args.jobs)
    for path, faults in wrong.items():
        print("\n".join(f"{path}: {fault}" for fault in faults))
    if not nr_trees:
        sys.exit(f"{args.folder}: no *.dtb below it; tools/setup trees fetches some")
    package = "an unknown package"
    if os.path.exists(args.folder + "/package"):
        with open(args.folder + "/package", encoding="utf-8") as f:
            package = f.read().strip()
    text = tables(numbers, nr_trees, package)
    if args.doc and not wrong:
        write_doc(args.doc, text)
    else:
        print(text)
    print(f"{nr_trees} trees, {len(wrong)} not as they should be, "
          f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
