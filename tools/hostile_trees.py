#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the corpus of hostile device trees, and what must come of each.

    tools/hostile_trees.py OUTDIR      write the blobs and OUTDIR/index.tsv

generate(outdir) returns (name, path, load_addr, expected, needle) per blob:
expected is OK, OK-DEGRADED or REFUSED, needle a text the console must show. All
are meant for QEMU's virt with GICv3, two CPUs, 512 MiB from 0x40000000, the
Image at 0x40200000 and the blob put at load_addr by the loader device (an empty
file: nothing is loaded, x0 points there all the same). OK and OK-DEGRADED boot,
run the shell line of RUN and power off; REFUSED says why and stops.

A recipe is a function that yields variants of one defect; the base tree is the
machine above, written by the few lines of Tree. No input, no random numbers:
the corpus is the same every time.
"""

import os
import struct
import sys

MIB = 1 << 20
GIB = 1 << 30
RAM, RAM_SIZE = 0x40000000, 512 * MIB
KERNEL = 0x40200000
BLOB_AT = 0x48000000
RUN = 'panic=-1 run="mm check"'

RECIPES = []


def recipe(kind, expected, needle):
    """Register a generator of (variant, blob[, load_addr[, expected, needle]])."""
    def wrap(fn):
        RECIPES.append((kind, fn.__name__, fn, expected, needle))
        return fn
    return wrap


# ---- writing trees ---------------------------------------------------------------


def u32(*values):
    return b"".join(struct.pack(">I", v & 0xffffffff) for v in values)


def u64(*values):
    return b"".join(struct.pack(">Q", v & (1 << 64) - 1) for v in values)


def text(*strings):
    return b"".join(s.encode() + b"\0" for s in strings)


class Node:
    """Properties and children in order; both may be damaged at will."""

    def __init__(self, name, props=(), children=()):
        self.name = name
        self.props = list(props)
        self.children = list(children)

    def set(self, name, value):
        for i, (key, _) in enumerate(self.props):
            if key == name:
                self.props[i] = (name, value)
                return self
        self.props.append((name, value))
        return self

    def drop(self, name):
        self.props = [p for p in self.props if p[0] != name]
        return self

    def add(self, *children):
        self.children.extend(children)
        return self

    def child(self, name):
        return next(c for c in self.children if c.name == name)


def flatten_structs(root, strings):
    """Tokens of a tree, without recursion: some trees are deep."""
    out = []
    todo = [(root, False)]
    while todo:
        node, closing = todo.pop()
        if closing:
            out.append(u32(2))
            continue
        name = node.name.encode() + b"\0"
        out.append(u32(1) + name + b"\0" * (-len(name) % 4))
        for key, value in node.props:
            at = strings.setdefault(key, sum(len(k) + 1 for k in strings))
            out.append(u32(3, len(value), at) + value + b"\0" * (-len(value) % 4))
        todo.append((node, True))
        todo.extend((c, False) for c in reversed(node.children))
    return b"".join(out)


def blob(root, rsv=(), end=u32(9), **header):
    """The flattened tree; keywords replace header fields."""
    strings = {}
    structs = (root if isinstance(root, bytes) else flatten_structs(root, strings)) + end
    names = b"".join(k.encode() + b"\0" for k in strings)
    names = header.pop("strings", names)
    reserve = b"".join(u64(a, s) for a, s in rsv) + u64(0, 0)
    off_structs = 40 + len(reserve)
    off_strings = off_structs + len(structs)
    fields = {
        "magic": 0xd00dfeed, "totalsize": off_strings + len(names), "off_struct": off_structs,
        "off_strings": off_strings, "off_rsv": 40, "version": 17, "last_comp": 16,
        "boot_cpu": 0, "size_strings": len(names), "size_struct": len(structs),
    }
    for key, value in header.items():
        fields[key] = value(fields) if callable(value) else value
    return u32(*fields.values()) + reserve + structs + names


class Cells:
    """How a bus writes addresses and sizes."""

    def __init__(self, address=2, size=2):
        self.address, self.size = address, size

    def reg(self, *pairs):
        out = b""
        for base, size in pairs:
            out += u64(base) if self.address == 2 else u32(base)
            out += u64(size) if self.size == 2 else u32(size)
        return out


C22 = Cells()


def memory(base, size, node=None, cells=C22, name=None):
    n = Node(name or f"memory@{base:x}",
             [("device_type", text("memory")), ("reg", cells.reg((base, size)))])
    return n if node is None else n.set("numa-node-id", u32(node))


def cpu(reg, node=None):
    n = Node(f"cpu@{reg:x}", [("device_type", text("cpu")), ("compatible", text("arm,cortex-a72")),
                              ("reg", u32(reg)), ("enable-method", text("psci"))])
    return n if node is None else n.set("numa-node-id", u32(node))


def machine(*memories, cells=C22, bootargs=RUN):
    """QEMU's virt as far as the kernel uses it."""
    if not memories:
        memories = (memory(RAM, RAM_SIZE, cells=cells),)
    return Node("", [
        ("#address-cells", u32(cells.address)), ("#size-cells", u32(cells.size)),
        ("compatible", text("linux,dummy-virt")), ("interrupt-parent", u32(1)),
    ], [
        Node("chosen", [("stdout-path", text("/pl011@9000000")), ("bootargs", text(bootargs))]),
        Node("aliases", [("serial0", text("/pl011@9000000"))]),
        Node("psci", [("compatible", text("arm,psci-1.0", "arm,psci-0.2")),
                      ("method", text("hvc"))]),
        Node("cpus", [("#address-cells", u32(1)), ("#size-cells", u32(0))], [cpu(0), cpu(1)]),
        Node("timer", [("compatible", text("arm,armv8-timer")),
                       ("interrupts", u32(1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4)),
                       ("always-on", b"")]),
        Node("intc@8000000", [
            ("compatible", text("arm,gic-v3")), ("#interrupt-cells", u32(3)),
            ("interrupt-controller", b""), ("phandle", u32(1)),
            ("reg", cells.reg((0x8000000, 0x10000), (0x80a0000, 0xf60000)))]),
        Node("apb-pclk", [("compatible", text("fixed-clock")), ("#clock-cells", u32(0)),
                          ("clock-frequency", u32(24000000)), ("phandle", u32(2))]),
        Node("pl011@9000000", [
            ("compatible", text("arm,pl011", "arm,primecell")), ("interrupts", u32(0, 1, 4)),
            ("reg", cells.reg((0x9000000, 0x1000))), ("clocks", u32(2, 2)),
            ("clock-names", text("uartclk", "apb_pclk"))]),
        *memories,
    ])


def reserved(*children, cells=(2, 2), ranges=True):
    props = [("#address-cells", u32(cells[0])), ("#size-cells", u32(cells[1]))]
    return Node("reserved-memory", props + [("ranges", b"")] * ranges, children)


def region(name, *pairs, flags=(), **props):
    n = Node(name, [("reg", C22.reg(*pairs))] if pairs else [])
    for key, value in props.items():
        n.set(key.replace("_", "-"), value)
    for flag in flags:
        n.set(flag, b"")
    return n


POOL = dict(compatible=text("shared-dma-pool"))


# ---- blob ----------------------------------------------------------------------------


@recipe("blob", "REFUSED", "device tree refused")
def truncated():
    whole = blob(machine())
    for n in 0, 1, 7, 39, 40, 100, len(whole) // 2:
        yield f"{n}-bytes", whole[:n]


@recipe("blob", "REFUSED", "magic is 0x")
def bad_magic():
    yield "zero", blob(machine(), magic=0)
    yield "swapped", blob(machine(), magic=0xedfe0dd0)
    yield "elf", blob(machine(), magic=0x7f454c46)


@recipe("blob", "REFUSED", "format version")
def bad_version():
    yield "16", blob(machine(), version=16)
    yield "1", blob(machine(), version=1, last_comp=1)
    yield "needs-18", blob(machine(), version=99, last_comp=18)


@recipe("blob", "REFUSED", "totalsize")
def bad_totalsize():
    yield "0", blob(machine(), totalsize=0)
    yield "39", blob(machine(), totalsize=39)
    yield "all-ones", blob(machine(), totalsize=0xffffffff)
    yield "17-mib", blob(machine(), totalsize=17 * MIB)
    yield "3-mib-used", blob(machine().add(Node("x", [("data", b"\xff" * (3 * MIB))])))


@recipe("blob", "REFUSED", "outside the blob")
def too_small_totalsize():
    yield "cuts-strings", blob(machine(), totalsize=lambda f: f["totalsize"] - 1)
    yield "cuts-structs", blob(machine(), totalsize=lambda f: f["off_struct"] + 8)
    yield "header-only", blob(machine(), totalsize=40)


@recipe("blob", "REFUSED", "device tree refused")
def bad_offsets():
    yield "structs-wrap", blob(machine(), off_struct=0xfffffff0, size_struct=0x20)
    yield "strings-wrap", blob(machine(), off_strings=0xfffffff0, size_strings=0x20)
    yield "structs-on-strings", blob(machine(), off_struct=lambda f: f["off_strings"] & ~3)
    yield "structs-on-header", blob(machine(), off_struct=0)
    yield "strings-on-header", blob(machine(), off_strings=4)
    yield "rsv-on-header", blob(machine(), off_rsv=0)
    yield "rsv-outside", blob(machine(), off_rsv=0xfffffff8)
    yield "structs-unaligned", blob(machine(), off_struct=lambda f: f["off_struct"] + 2,
                                    size_struct=lambda f: f["size_struct"] - 4)
    yield "rsv-unaligned", blob(machine(), off_rsv=44)
    yield "size-struct-0", blob(machine(), size_struct=0)
    yield "size-strings-0", blob(machine(), size_strings=0)
    yield "size-struct-odd", blob(machine(), size_struct=lambda f: f["size_struct"] - 2)


@recipe("blob", "REFUSED", "no terminator before")
def endless_reserve_map():
    whole = bytearray(blob(machine()))
    whole[40:56] = u64(0x50000000, 0x1000)
    yield "into-structs", bytes(whole)


@recipe("blob", "REFUSED", "without its end token")
def no_end_token():
    yield "missing", blob(machine(), end=b"")
    yield "nops", blob(machine(), end=u32(4) * 100)


@recipe("blob", "REFUSED", "strings block does not end")
def open_strings():
    yield "last-name", blob(machine(), size_strings=lambda f: f["size_strings"] - 1)


@recipe("blob", "REFUSED", "device tree refused")
def broken_tokens():
    begin = u32(1, 0)
    yield "unknown", blob(begin + u32(0x1234, 2))
    yield "zero", blob(begin + u32(0, 2))
    yield "end-inside-node", blob(begin)
    yield "close-first", blob(u32(2))
    yield "only-end", blob(b"")
    yield "prop-first", blob(u32(3, 0, 0), strings=b"a\0")
    yield "prop-too-long", blob(begin + u32(3, 0xfffffff0, 0, 2), strings=b"a\0")
    yield "prop-past-end", blob(begin + u32(3, 4, 0, 2), strings=b"a\0", end=b"")
    yield "prop-name-outside", blob(begin + u32(3, 0, 2, 2), strings=b"a\0")
    yield "open-name", blob(begin + u32(1) + b"abcd" * 20, end=b"")


@recipe("blob", "REFUSED", "second root node")
def two_roots():
    yield "empty", blob(u32(1, 0, 2, 1, 0, 2))
    structs = flatten_structs(machine(), strings := {})
    names = b"".join(k.encode() + b"\0" for k in strings)
    yield "twice", blob(structs + structs, strings=names)


@recipe("blob", "REFUSED", "root node is not the first token")
def late_root():
    structs = flatten_structs(machine(), strings := {})
    names = b"".join(k.encode() + b"\0" for k in strings)
    yield "behind-nops", blob(u32(4, 4) + structs, strings=names)


@recipe("blob", "REFUSED", "root node has a name")
def named_root():
    root = machine()
    root.name = "root"
    yield "root", blob(root)


@recipe("blob", "REFUSED", "nested more than 64")
def nested():
    for depth in 65, 1000, 100000:
        top = node = Node("a")
        for _ in range(depth - 1):
            node.add(node := Node("a"))
        yield f"{depth}", blob(machine().add(top))


@recipe("blob", "OK", "memory: 524288 KiB")
def large():
    top = node = Node("a")
    for _ in range(63):
        node.add(node := Node("a"))
    yield "64-deep", blob(machine().add(top))
    yield "100000-nodes", blob(machine().add(*(Node(f"n{i:05}") for i in range(100000))))
    yield "20000-props", blob(machine().add(Node("many", [(f"p{i % 50}", b"1234")
                                                          for i in range(20000)])))
    structs = flatten_structs(machine(), strings := {})
    names = b"".join(k.encode() + b"\0" for k in strings)
    yield "nops", blob(structs[:8] + u32(4) * 1000 + structs[8:-4] + u32(4, 2), strings=names)
    yield "512-kib-value", blob(machine().add(Node("x", [("data", b"\xff" * (512 << 10))])))
    yield "padded", blob(machine(), totalsize=MIB)
    yield "padded-over-2-mib", blob(machine(), totalsize=3 * MIB)


@recipe("blob", "REFUSED", "device tree refused")
def bad_address():
    whole = blob(machine())
    yield "null", b"", 0, "REFUSED", "x0 is 0"
    yield "in-kernel", b"", KERNEL + 0x10000, "REFUSED", "it overlaps the kernel"
    yield "reaches-into-kernel", blob(machine(), totalsize=MIB), KERNEL - 0x20000, "REFUSED", \
        "it overlaps the kernel"
    yield "above-ram", b"", RAM + RAM_SIZE + 0x1000, "REFUSED", "no memory answers"
    yield "beyond-parange", b"", 1 << 50, "REFUSED", "beyond the addresses"
    yield "all-ones", b"", (1 << 64) - 8, "REFUSED", "beyond the addresses"
    yield "cut-by-ram-end", whole[:0x200], RAM + RAM_SIZE - 0x200, "REFUSED", \
        "beyond the memory there is"
    yield "header-cut-by-ram-end", whole[:16], RAM + RAM_SIZE - 16, "REFUSED", "no memory answers"
    yield "large-unaligned", blob(machine().add(Node("x", [("d", b"1" * (200 << 10))]))), \
        BLOB_AT + 4, "REFUSED", "too large to be copied"


@recipe("blob", "OK-DEGRADED", "not 8-byte aligned, copied")
def unaligned():
    for off in 1, 4, 0xfff:
        yield f"+{off}", blob(machine()), BLOB_AT + off


@recipe("blob", "OK", "memory: 524288 KiB")
def odd_place():
    whole = blob(machine())
    at = RAM + RAM_SIZE - (len(whole) + 7 & ~7)
    yield "ends-with-ram", whole, at
    yield "below-kernel", whole, RAM + MIB
    yield "crosses-pages", whole, BLOB_AT + 0xff8


# ---- cells ---------------------------------------------------------------------------


@recipe("cells", "REFUSED", "#address-cells")
def root_address_cells():
    for n in 0, 3, 4, 7, 0xffffffff:
        yield f"{n:x}", blob(machine().set("#address-cells", u32(n)))
    yield "missing", blob(machine().drop("#address-cells"))
    yield "1-byte", blob(machine().set("#address-cells", b"\2"))
    yield "empty", blob(machine().set("#address-cells", b""))


@recipe("cells", "REFUSED", "#size-cells")
def root_size_cells():
    for n in 0, 3, 0xffffffff:
        yield f"{n:x}", blob(machine().set("#size-cells", u32(n)))
    yield "missing", blob(machine().drop("#size-cells"))
    yield "8-bytes", blob(machine().set("#size-cells", u64(2)))


@recipe("cells", "OK", "memory: 524288 KiB")
def good_cells():
    for a, s in (1, 1), (2, 1), (1, 2):
        yield f"{a}-{s}", blob(machine(cells=Cells(a, s)))


@recipe("cells", "OK-DEGRADED", "/reserved-memory: #address-cells")
def reserved_cells():
    one = region("fw@50000000", (0x50000000, 0x1000))
    yield "1-1", blob(machine().add(reserved(one, cells=(1, 1))))
    yield "3-2", blob(machine().add(reserved(one, cells=(3, 2))))
    yield "0-0", blob(machine().add(reserved(one, cells=(0, 0))))
    yield "no-ranges", blob(machine().add(reserved(one, ranges=False)))
    yield "no-cells", blob(machine().add(Node("reserved-memory", [("ranges", b"")], [one])))


@recipe("cells", "REFUSED", "not a multiple of 16")
def ragged_memory_reg():
    for n in 1, 15, 17, 20:
        yield f"{n}-bytes", blob(machine(memory(RAM, RAM_SIZE).set("reg", b"\0" * n)))


@recipe("cells", "OK-DEGRADED", "are not a multiple of 16")
def ragged_reserved_reg():
    yield "20-bytes", blob(machine().add(reserved(Node("fw", [(
        "reg", C22.reg((0x50000000, 0x1000)) + b"1234")]))))
    yield "3-bytes", blob(machine().add(reserved(Node("fw", [("reg", b"123")]))))


# ---- memory --------------------------------------------------------------------------


@recipe("memory", "REFUSED", "device tree refused")
def no_memory():
    bare = machine()
    bare.children = [c for c in bare.children if not c.name.startswith("memory")]
    yield "no-node", blob(bare), BLOB_AT, "REFUSED", "no memory node"
    yield "size-0", blob(machine(memory(RAM, 0))), BLOB_AT, "REFUSED", "no memory node"
    yield "empty-reg", blob(machine(memory(RAM, 0).set("reg", b""))), BLOB_AT, "REFUSED", \
        "no memory node"
    yield "no-reg", blob(machine(memory(RAM, 0).drop("reg"))), BLOB_AT, "REFUSED", \
        "no memory node"
    yield "one-page", blob(machine(memory(RAM, 4096))), BLOB_AT, "REFUSED", "the kernel at"
    yield "less-than-kernel", blob(machine(memory(RAM, 2 * MIB + 65536))), BLOB_AT, "REFUSED", \
        "the kernel at"
    yield "elsewhere", blob(machine(memory(RAM + 256 * MIB, 64 * MIB))), BLOB_AT, "REFUSED", \
        "the kernel at"
    yield "kernel-and-no-more", blob(machine(memory(RAM, 4 * MIB))), BLOB_AT, "REFUSED", \
        "are needed"
    yield "only-disabled", blob(machine(memory(RAM, RAM_SIZE).set("status", text("disabled")))), \
        BLOB_AT, "REFUSED", "no memory node"
    yield "only-untyped", blob(machine(memory(RAM, RAM_SIZE).drop("device_type"))), BLOB_AT, \
        "REFUSED", "no memory node"


@recipe("memory", "OK", "memory: 524288 KiB")
def odd_but_right():
    half = RAM_SIZE // 2
    yield "unsorted", blob(machine(memory(RAM + half, half), memory(RAM, half)))
    yield "touching", blob(machine(memory(RAM, half), memory(RAM + half, half)))
    yield "placeholder", blob(machine(memory(RAM, RAM_SIZE), memory(0, 0)))
    yield "two-tuples", blob(machine(memory(RAM, RAM_SIZE).set(
        "reg", C22.reg((RAM + half, half), (RAM, half), (0, 0)))))
    yield "hot-pluggable", blob(machine(memory(RAM, half),
                                        memory(RAM + half, half).set("hotpluggable", b"")))
    yield "usable-memory", blob(machine(memory(RAM, 64 * GIB).set(
        "linux,usable-memory", C22.reg((RAM, RAM_SIZE)))))
    yield "cpus-last", blob(machine())


@recipe("memory", "OK", "memory: ")
def odd_shapes():
    yield "unaligned-ends", blob(machine(memory(RAM + 1, RAM_SIZE - 1000)))
    yield "odd-middle", blob(machine(memory(RAM, 256 * MIB + 123),
                                     memory(RAM + 256 * MIB + 5000, 100 * MIB + 7)))
    yield "hole-of-one-page", blob(machine(memory(RAM, 256 * MIB),
                                           memory(RAM + 256 * MIB + 4096, 100 * MIB)))
    yield "300-ranges", blob(machine(memory(RAM, 192 * MIB), *(
        memory(RAM + 200 * MIB + i * MIB, 512 << 10) for i in range(300))))
    yield "300-tuples", blob(machine(memory(RAM, 192 * MIB), memory(RAM, 0).set(
        "reg", C22.reg(*((RAM + 200 * MIB + i * MIB, 4096) for i in range(300))))))
    yield "one-page-bank", blob(machine(memory(RAM, 256 * MIB), memory(RAM + 300 * MIB, 4096)))
    yield "base-0", blob(machine(memory(RAM, RAM_SIZE), memory(0, 64 * MIB)).add(
        reserved(region("flash@0", (0, 64 * MIB), flags=["no-map"]))))


@recipe("memory", "OK-DEGRADED", "were listed before, counted once")
def overlapping():
    half = RAM_SIZE // 2
    yield "duplicate", blob(machine(memory(RAM, RAM_SIZE), memory(RAM, RAM_SIZE, name="memory@1")))
    yield "partial", blob(machine(memory(RAM, half + MIB), memory(RAM + half - MIB, half + MIB)))
    yield "inside", blob(machine(memory(RAM, RAM_SIZE), memory(RAM + half, MIB)))
    yield "same-tuple-100-times", blob(machine(memory(RAM, RAM_SIZE).set(
        "reg", C22.reg((RAM, RAM_SIZE)) * 100)))


@recipe("memory", "OK-DEGRADED", "no memory answers in")
def beyond_what_is_built_in():
    yield "1-gib-too-long", blob(machine(memory(RAM, RAM_SIZE + GIB)))
    yield "across-4-gib", blob(machine(memory(RAM, 6 * GIB)))
    yield "across-2^40", blob(machine(memory(RAM, RAM_SIZE), memory((1 << 40) - GIB, 2 * GIB)))
    yield "bank-not-there", blob(machine(memory(RAM, RAM_SIZE), memory(8 * GIB, GIB)))


@recipe("memory", "OK-DEGRADED", "addresses end at")
def beyond_addresses():
    yield "across-2^44", blob(machine(memory(RAM, RAM_SIZE), memory((1 << 44) - GIB, 2 * GIB)))
    yield "across-2^48", blob(machine(memory(RAM, RAM_SIZE), memory((1 << 48) - GIB, 2 * GIB)))
    yield "ends-at-2^64", blob(machine(memory(RAM, RAM_SIZE), memory((1 << 64) - GIB, GIB)))
    yield "last-page", blob(machine(memory(RAM, RAM_SIZE), memory((1 << 64) - 4096, 4096)))
    yield "wraps", blob(machine(memory(RAM, RAM_SIZE), memory((1 << 64) - GIB, 2 * GIB)))
    yield "all", blob(machine(memory(RAM, (1 << 64) - 1)))


@recipe("memory", "OK-DEGRADED", "a device inside RAM")
def over_devices():
    yield "uart", blob(machine(memory(RAM, RAM_SIZE), memory(0x9000000, 0x1000)))
    yield "gic", blob(machine(memory(RAM, RAM_SIZE), memory(0x8000000, 0x10000)))
    yield "device-in-ram", blob(machine().add(Node("dev@50000000", [
        ("reg", C22.reg((0x50000000, 0x2000)))])))


@recipe("memory", "OK-DEGRADED", "ignored")
def not_memory():
    half = RAM_SIZE // 2
    yield "no-device-type", blob(machine(memory(RAM, half),
                                         memory(RAM + half, half).drop("device_type")))
    yield "no-reg", blob(machine(memory(RAM, half), memory(0, 0, name="memory@1").drop("reg")))


@recipe("memory", "OK-DEGRADED", "its memory is not used")
def disabled():
    half = RAM_SIZE // 2
    for status in "disabled", "reserved", "fail":
        yield status, blob(machine(memory(RAM, half),
                                   memory(RAM + half, half).set("status", text(status))))


# ---- reserved ------------------------------------------------------------------------


@recipe("reserved", "OK-DEGRADED", "overlaps kernel")
def over_kernel():
    for flags in (), ("no-map",):
        yield "_".join(("all", *flags)), blob(machine().add(reserved(
            region("fw@40000000", (RAM, 16 * MIB), flags=flags))))
        yield "_".join(("part", *flags)), blob(machine().add(reserved(
            region("fw@40280000", (KERNEL + 0x10000, 0x1000), flags=flags))))


@recipe("reserved", "OK-DEGRADED", "overlaps device tree blob")
def over_blob():
    for flags in (), ("no-map",):
        yield "_".join(("all", *flags)), blob(machine().add(reserved(
            region("fw@48000000", (BLOB_AT, 16 * MIB), flags=flags))))


@recipe("reserved", "REFUSED", "are needed")
def over_everything():
    yield "one", blob(machine().add(reserved(region("all", (RAM, RAM_SIZE)))))
    yield "no-map", blob(machine().add(reserved(region("all", (RAM, RAM_SIZE),
                                                       flags=["no-map"]))))
    yield "memreserve", blob(machine(), rsv=[(RAM, RAM_SIZE)])
    yield "whole-space", blob(machine().add(reserved(region("all", (0, 1 << 63)))))


@recipe("reserved", "OK", "memory: 524288 KiB")
def many_reserved():
    for flags in (), ("no-map",):
        yield "_".join(("2000", *flags)), blob(machine().add(reserved(*(
            region(f"r@{i:x}", (0x50000000 + i * 0x4000, 0x1000), flags=flags)
            for i in range(2000)))))
    yield "2000-memreserve", blob(machine(), rsv=[(0x50000000 + i * 0x4000, 0x1000)
                                                  for i in range(2000)])
    yield "2000-tuples", blob(machine().add(reserved(region(
        "r", *((0x50000000 + i * 0x4000, 0x1000) for i in range(2000))))))
    yield "2000-dynamic", blob(machine().add(reserved(*(
        region(f"r{i}", size=u64(4096)) for i in range(2000)))))


@recipe("reserved", "OK", "memory: 524288 KiB")
def plain_reserved():
    yield "outside-ram", blob(machine().add(reserved(region("fw@1000000000",
                                                            (1 << 36, 0x1000)))))
    yield "outside-addresses", blob(machine().add(reserved(region("fw", (1 << 60, 0x1000)))))
    yield "no-map-mid-pageblock", blob(machine().add(reserved(region(
        "fw@50123000", (0x50123000, 0x5000), flags=["no-map"]))))
    yield "no-map-bytes", blob(machine().add(reserved(region(
        "fw@50123400", (0x50123400, 0x20), flags=["no-map"]))))
    yield "disabled", blob(machine().add(reserved(region(
        "fw@40000000", (RAM, RAM_SIZE), status=text("disabled")))))
    yield "disabled-default-pool", blob(machine().add(reserved(region(
        "pool", size=u64(64 * MIB), status=text("disabled"),
        flags=["reusable", "linux,cma-default"], **POOL))))


@recipe("reserved", "OK-DEGRADED", "overlaps")
def overlapping_reserved():
    yield "same", blob(machine().add(reserved(region("a", (0x50000000, 0x10000)),
                                              region("b", (0x50000000, 0x10000)))))
    yield "partial", blob(machine().add(reserved(region("a", (0x50000000, 0x10000)), region(
        "b", (0x50008000, 0x10000), flags=["no-map"]))))
    yield "with-memreserve", blob(machine().add(reserved(region("b", (0x50008000, 0x10000)))),
                                  rsv=[(0x50000000, 0x10000)])


@recipe("reserved", "OK-DEGRADED", "ignored")
def empty_reserved():
    yield "zero-size", blob(machine().add(reserved(region("a@50000000", (0x50000000, 0)))))
    yield "wraps", blob(machine().add(reserved(region("a", ((1 << 64) - 4096, 8192)))))
    yield "nothing-said", blob(machine().add(reserved(region("a"))))
    yield "memreserve-wraps", blob(machine(), rsv=[((1 << 64) - 4096, 8192)])


@recipe("reserved", "OK-DEGRADED", "not made")
def impossible_dynamic():
    def dynamic(**props):
        return blob(machine().add(reserved(region("pool", **props))))
    yield "align-3", dynamic(size=u64(MIB), alignment=u64(3))
    yield "align-2^63", dynamic(size=u64(MIB), alignment=u64(1 << 63))
    yield "align-1-cell", dynamic(size=u64(MIB), alignment=u32(4096))
    yield "size-0", dynamic(size=u64(0))
    yield "size-1-cell", dynamic(size=u32(4096))
    yield "size-wraps", dynamic(size=u64((1 << 64) - 1))
    yield "larger-than-ram", dynamic(size=u64(GIB))
    yield "ranges-outside", dynamic(size=u64(MIB), alloc_ranges=C22.reg((0, MIB), (1 << 40, GIB)))
    yield "ranges-empty", dynamic(size=u64(MIB), alloc_ranges=b"")
    yield "ranges-wrap", dynamic(size=u64(MIB), alloc_ranges=C22.reg(((1 << 64) - MIB, 2 * MIB)))
    yield "pool-larger-than-ram", blob(machine().add(reserved(region(
        "pool", size=u64(2 * GIB), flags=["reusable"], **POOL))))


@recipe("reserved", "OK-DEGRADED", "not lent")
def bad_pools():
    def pool(base, size, *more, flags=("reusable",)):
        return blob(machine(*more).add(reserved(region("pool", (base, size), flags=flags,
                                                       **POOL))))
    yield "base-unaligned", pool(0x50001000, 4 * MIB)
    yield "size-unaligned", pool(0x50000000, 4 * MIB + 4096)
    yield "beyond-ram", pool(RAM + RAM_SIZE - 2 * MIB, 4 * MIB)
    yield "over-blob", pool(BLOB_AT, 4 * MIB)
    yield "across-nodes", pool(0x50000000 - 2 * MIB, 4 * MIB, memory(RAM, 256 * MIB, 0),
                               memory(RAM + 256 * MIB, 256 * MIB, 1))
    yield "no-map-and-reusable", pool(0x50000000, 4 * MIB, flags=("reusable", "no-map"))


@recipe("reserved", "OK-DEGRADED", "there was one before")
def two_defaults():
    flags = ["reusable", "linux,cma-default"]
    yield "both-placed", blob(machine().add(reserved(
        region("a", (0x50000000, 4 * MIB), flags=flags, **POOL),
        region("b", (0x51000000, 4 * MIB), flags=flags, **POOL))))
    yield "both-dynamic", blob(machine().add(reserved(
        region("a", size=u64(4 * MIB), flags=flags, **POOL),
        region("b", size=u64(4 * MIB), flags=flags, **POOL))))


# ---- NUMA ----------------------------------------------------------------------------

HALF = RAM_SIZE // 2


def numa(ids=(0, 1), cpus=None, matrix=None, compatible="numa-distance-map-v1"):
    root = machine(memory(RAM, HALF, ids[0]), memory(RAM + HALF, HALF, ids[1]))
    root.child("cpus").children = [cpu(i, n) for i, n in enumerate(cpus or ids)]
    if matrix is not None:
        root.add(Node("distance-map", [("compatible", text(compatible)),
                                       ("distance-matrix", matrix)]))
    return root


@recipe("numa", "OK", " on 2 nodes")
def good_nodes():
    yield "gap-in-ids", blob(numa((2, 9)))
    yield "id-63", blob(numa((0, 63)))
    yield "no-node-0", blob(numa((5, 6)))
    yield "unreachable", blob(numa(matrix=u32(0, 1, 255)))
    yield "asymmetric", blob(numa(matrix=u32(0, 1, 20, 1, 0, 40)))
    yield "one-page-node", blob(machine(memory(RAM, HALF, 0), memory(RAM + HALF, 4096, 1)))
    yield "interleaved", blob(machine(*(memory(RAM + i * 64 * MIB, 64 * MIB, i % 2)
                                        for i in range(8))))
    yield "odd-border", blob(machine(memory(RAM, HALF + 123, 0),
                                     memory(RAM + HALF + 123, HALF - 123, 1)))


@recipe("numa", "OK", " on 3 nodes")
def partial_nodes():
    yield "memoryless", blob(numa((0, 1), cpus=(0, 7)))
    yield "cpuless", blob(machine(memory(RAM, HALF, 0), memory(RAM + HALF, HALF // 2, 1),
                                  memory(RAM + 3 * HALF // 2, HALF // 2, 2)))


@recipe("numa", "OK-DEGRADED", "all memory is node 0")
def bad_ids():
    for n in 64, 1 << 31, 0xffffffff:
        yield f"memory-{n:x}", blob(numa((0, n), cpus=(0, 0)))
        yield f"cpu-{n:x}", blob(numa(cpus=(0, n)))
    yield "missing-on-one", blob(machine(memory(RAM, HALF, 0), memory(RAM + HALF, HALF)))
    yield "two-bytes", blob(machine(memory(RAM, RAM_SIZE).set("numa-node-id", b"\0\1")))
    yield "overlapping-nodes", blob(machine(memory(RAM, RAM_SIZE, 0), memory(RAM + HALF, HALF, 1)))


@recipe("numa", "OK-DEGRADED", "all memory is node 0")
def bad_distances():
    yield "self-not-10", blob(numa(matrix=u32(0, 0, 11, 0, 1, 20)))
    for d in 0, 9, 10, 256, 1 << 31:
        yield f"remote-{d}", blob(numa(matrix=u32(0, 1, d)))
    yield "not-a-triple", blob(numa(matrix=u32(0, 1, 20, 1)))
    yield "three-bytes", blob(numa(matrix=b"123"))
    yield "empty", blob(numa(matrix=b""))


@recipe("numa", "OK-DEGRADED", "/distance-map")
def odd_distances():
    yield "missing", blob(numa(matrix=u32(0, 0, 10, 1, 1, 10)))
    yield "twice", blob(numa(matrix=u32(0, 1, 20, 0, 1, 30)))
    yield "unknown-node", blob(numa(matrix=u32(0, 1, 20, 0, 5, 30)))
    yield "4096-entries", blob(numa(matrix=b"".join(
        u32(a, b, 10 if a == b else 20) for a in range(64) for b in range(64))))
    yield "wrong-compatible", blob(numa(matrix=u32(0, 1, 3), compatible="numa-distance-map-v9"))


@recipe("numa", "OK-DEGRADED", "have no numa-node-id")
def cpu_without_id():
    yield "one-of-two", blob(numa(cpus=(0, None)))


# ---- references ----------------------------------------------------------------------


@recipe("references", "OK-DEGRADED", "not a phandle")
def bad_phandles():
    yield "0", blob(machine().add(Node("x", [("phandle", u32(0))])))
    yield "all-ones", blob(machine().add(Node("x", [("phandle", u32(0xffffffff))])))
    yield "short", blob(machine().add(Node("x", [("phandle", b"\1")])))


@recipe("references", "OK-DEGRADED", "taken by an earlier node")
def duplicate_phandles():
    yield "two", blob(machine().add(Node("x", [("phandle", u32(1))])))
    yield "5000", blob(machine().add(*(Node(f"x{i}", [("phandle", u32(7))])
                                       for i in range(5000))))


@recipe("references", "OK", "memory: 524288 KiB")
def odd_references():
    yield "dangling", blob(machine().add(Node("x", [("interrupt-parent", u32(0x4711)),
                                                    ("interrupts", u32(0, 9, 4))])))
    yield "self", blob(machine().add(Node("x", [("phandle", u32(9)),
                                                ("interrupt-parent", u32(9))])))
    root = machine()
    root.child("chosen").set("stdout-path", text("///pl011@9000000:115200n8"))
    yield "empty-components", blob(root)
    root = machine()
    root.child("chosen").set("stdout-path", text("serial0:115200n8"))
    yield "alias-with-options", blob(root)
    root = machine()
    root.child("chosen").set("stdout-path", text("/pl011"))
    yield "no-unit-address", blob(root)


@recipe("references", "OK-DEGRADED", "not the path of a node")
def alias_loops():
    root = machine()
    root.child("aliases").set("me", text("me"))
    yield "self", blob(root)
    root = machine()
    root.child("aliases").set("a", text("b")).set("b", text("a"))
    yield "two-steps", blob(root)
    for name in "me", "a":
        root = machine()
        root.child("aliases").set("me", text("me")).set("a", text("b")).set("b", text("a"))
        root.child("chosen").set("stdout-path", text(name))
        yield f"stdout-{name}", blob(root)
    root = machine()
    root.child("aliases").set("serial0", b"/pl011@9000000")
    yield "no-terminator", blob(root)


@recipe("references", "OK-DEGRADED", "/chosen stdout-path")
def bad_stdout():
    for name, value in (("no-node", "/uart@1"), ("no-alias", "serial9"), ("empty", ""),
                        ("long", "/" + "x" * 4000)):
        root = machine()
        root.child("chosen").set("stdout-path", text(value))
        yield name, blob(root)


@recipe("references", "OK-DEGRADED", "/pl011@9000000 ")
def bad_console_node():
    root = machine()
    root.child("pl011@9000000").set("compatible", b"arm,pl011")
    yield "compatible-open", blob(root)
    root = machine()
    root.child("pl011@9000000").drop("compatible")
    yield "no-compatible", blob(root)
    root = machine()
    root.child("pl011@9000000").drop("reg")
    yield "no-reg", blob(root)
    root = machine()
    root.child("pl011@9000000").set("reg", b"123")
    yield "short-reg", blob(root)


# ---- CPUs, /chosen, clocks --------------------------------------------------------------


@recipe("cpus", "OK-DEGRADED", "the tree does not name the boot CPU")
def no_cpus():
    root = machine()
    root.child("cpus").children = []
    yield "empty", blob(root)
    root = machine()
    root.children = [c for c in root.children if c.name != "cpus"]
    yield "no-node", blob(root)
    root = machine()
    root.child("cpus").children = [cpu(1)]
    yield "others-only", blob(root)


@recipe("cpus", "OK-DEGRADED", "left out")
def odd_cpus():
    root = machine()
    root.child("cpus").children = [cpu(i) for i in range(1000)]
    yield "1000", blob(root)
    root = machine()
    root.child("cpus").add(Node("cpu@again", [("device_type", text("cpu")), ("reg", u32(1))]))
    yield "same-reg", blob(root)
    root = machine()
    root.child("cpus").add(Node("cpu@short", [("device_type", text("cpu")), ("reg", b"1")]))
    yield "short-reg", blob(root)
    root = machine()
    root.child("cpus").add(Node("cpu@none", [("device_type", text("cpu"))]))
    yield "no-reg", blob(root)


@recipe("cpus", "OK-DEGRADED", "smp:")
def odd_methods():
    root = machine()
    root.child("cpus").child("cpu@1").set("enable-method", text("magic"))
    yield "unknown", blob(root)
    root = machine()
    root.child("cpus").child("cpu@1").set("enable-method", text("spin-table"))
    yield "spin-table-nowhere", blob(root)
    root = machine()
    root.children = [c for c in root.children if c.name != "psci"]
    yield "no-psci", blob(root)


@recipe("chosen", "OK-DEGRADED", "linux,initrd-start")
def bad_initrd():
    def initrd(start, end):
        root = machine()
        if start is not None:
            root.child("chosen").set("linux,initrd-start", start)
        if end is not None:
            root.child("chosen").set("linux,initrd-end", end)
        return blob(root)
    yield "backwards", initrd(u64(0x52000000), u64(0x51000000))
    yield "empty", initrd(u64(0x52000000), u64(0x52000000))
    yield "no-end", initrd(u64(0x52000000), None)
    yield "across-kernel", initrd(u64(RAM), u64(RAM + 16 * MIB))
    yield "outside-ram", initrd(u64(0x1000), u64(0x2000))
    yield "huge", initrd(u64(0x52000000), u64((1 << 64) - 1))
    yield "three-bytes", initrd(b"123", u64(0x52000000))


@recipe("chosen", "OK", "memory: 524288 KiB")
def good_initrd():
    root = machine()
    root.child("chosen").set("linux,initrd-start", u32(0x52000000)).set(
        "linux,initrd-end", u32(0x52100000))
    yield "1-cell", blob(root)
    root = machine()
    root.child("chosen").set("linux,initrd-start", u64(0x52000000)).set(
        "linux,initrd-end", u64(0x52100000))
    yield "2-cells", blob(root)


@recipe("chosen", "OK-DEGRADED", "boot arg")
def odd_bootargs():
    root = machine(bootargs=RUN + " nonsense mem=banana numa=fake=99 " + "x" * MIB)
    yield "1-mib", blob(root)
    root = machine()
    root.child("chosen").set("bootargs", RUN.encode())
    yield "open", blob(root), BLOB_AT, "OK-DEGRADED", "bootargs"
    root = machine()
    root.child("chosen").set("bootargs", RUN.encode() + b" \1\2\x1b[2J\xff x=\n\0")
    yield "control-bytes", blob(root)


@recipe("clocks", "OK", "memory: 524288 KiB")
def odd_clocks():
    root = machine()
    root.child("timer").set("clock-frequency", u32(0))
    yield "frequency-0", blob(root)
    root = machine()
    root.child("timer").set("clock-frequency", b"\1")
    yield "frequency-1-byte", blob(root)
    root = machine()
    root.child("apb-pclk").set("clock-frequency", u32(0))
    yield "uart-clock-0", blob(root)


# ---- out ---------------------------------------------------------------------------------


def generate(outdir):
    """Write all blobs into outdir; the list of (name, path, load_addr, expected, needle)."""
    os.makedirs(outdir, exist_ok=True)
    out = []
    for kind, stem, fn, expected, needle in RECIPES:
        for variant, data, *rest in fn():
            load = rest[0] if rest else BLOB_AT
            want, text_wanted = rest[1:] if len(rest) > 1 else (expected, needle)
            name = f"{kind}-{stem.replace('_', '-')}-{variant.replace('_', '-')}"
            path = os.path.join(outdir, name + ".dtb")
            with open(path, "wb") as f:
                f.write(data)
            out.append((name, path, load, want, text_wanted))
    return out


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    trees = generate(sys.argv[1])
    with open(os.path.join(sys.argv[1], "index.tsv"), "w", encoding="utf-8") as f:
        for name, path, load, expected, needle in trees:
            f.write(f"{name}\t{path}\t{load:#x}\t{expected}\t{needle}\n")
    print(f"{len(trees)} trees by {len(RECIPES)} recipes in {sys.argv[1]}")


if __name__ == "__main__":
    main()
