# SPDX-License-Identifier: Apache-2.0
"""Trees that no board has: tree(seed) is a blob whose memory, reserved regions,
nodes and buses are drawn at random from what bindings allow and firmware gets wrong:
banks out of order, twice, across each other, to the end of all addresses; regions
that overlap, are empty, wrap, want what nobody has; all widths of cells. One bank is
sound and stays, so that most of them boot. The same seed is the same tree.

What must come of them is what tools/trees.py reads out of them by itself."""

import random

from hostile_trees import GIB, MIB, Cells, Node, blob, text, u32, u64

PAGE = 4096
HOME = GIB  # where the sound bank begins, and where most things happen
POOL = text("shared-dma-pool")


def address(value, cells):
    """Big-endian cells; of three the first is PCI's own."""
    return {1: u32(value), 2: u64(value), 3: u32(0x43000000) + u64(value)}[cells]


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.cells = Cells(*self.r.choice([(2, 2), (2, 2), (2, 2), (1, 1), (2, 1), (1, 2)]))
        self.numa = self.r.random() < 0.4
        self.size = self.r.choice([64, 128, 256, 512, 2048]) * MIB

    def chance(self, share):
        return self.r.random() < share

    def fit(self, base, size):
        """As much of it as the cells can say."""
        if self.cells.address == 1:
            base &= 0xffffffff
        if self.cells.size == 1:
            size = min(size, 0xffffffff)
        return base, size

    def place(self):
        """An address near the sound bank, sometimes an odd one, sometimes far away."""
        draw = self.r.random()
        if draw < 0.85:
            at = HOME - 32 * MIB + self.r.randrange(self.size + 64 * MIB)
        elif draw < 0.95:
            at = self.r.choice([0, 4 * GIB, 5 * GIB, 1 << 40, (1 << 44) - 64 * MIB])
        else:
            at = self.r.choice([(1 << 44) - PAGE, 1 << 44, (1 << 64) - 2 * MIB])
        return at & ~(self.r.choice([2 * MIB, 2 * MIB, PAGE, PAGE, 1 << 16, 1]) - 1)

    def extent(self):
        size = self.r.choice([1, PAGE, PAGE, 5 * PAGE, 64 << 10, MIB, 2 * MIB, 6 * MIB, 16 * MIB])
        if self.chance(0.08):
            size = self.r.choice([0, 0, 64 * MIB, 4 * GIB, (1 << 64) - 1])
        return min(size + self.r.choice([0, 0, 0, 0, 1, PAGE - 1]), (1 << 64) - 1)

    def range(self):
        return self.fit(self.place(), self.extent())

    # ---- memory ------------------------------------------------------------------

    def piece(self):
        """Of RAM: not all of the address space."""
        base, size = self.range()
        if base < 1 << 43:
            size = min(size, 4 * GIB)
        if self.numa: # half a page on each of two nodes is nobody's
            base, size = base & -PAGE, size & -PAGE
        return self.fit(base, size)

    def bank(self, *ranges):
        node = Node(f"memory@{ranges[0][0]:x}" if ranges else "memory",
                    [("device_type", text("memory")), ("reg", self.cells.reg(*ranges))])
        if self.numa and self.chance(0.97):
            node.set("numa-node-id", u32(self.r.choice([0, 0, 1, 1, 2, 5, 63])))
        if self.numa and self.chance(0.1):
            node.set("hotpluggable", b"")
        if self.chance(0.05):
            node.set("status", text(self.r.choice(["okay", "ok", "disabled", "fail"])))
        if self.chance(0.05):
            node.set("linux,usable-memory", self.cells.reg(self.piece()))
        return node

    def banks(self):
        home = Node("memory@40000000", [("device_type", text("memory")),
                                        ("reg", self.cells.reg((HOME, self.size)))])
        if self.numa:
            home.set("numa-node-id", u32(0))
        others = [self.bank(*(self.piece() for _ in range(self.r.choice([1, 1, 1, 2, 5]))))
                  for _ in range(self.r.choice([0, 0, 1, 2, 4]))]
        banks = [home, *others]
        if self.chance(0.1):
            banks.append(self.bank((HOME, self.size)))
        self.r.shuffle(banks)
        return banks

    # ---- what is reserved ----------------------------------------------------------

    def number(self, value, cells):
        """A number of so many cells, seldom of another length."""
        out = (value & (1 << 64) - 1).to_bytes(8, "big")
        if self.chance(0.03):
            return out[:self.r.choice([0, 2, 4])]
        return out if cells == 2 else u32(min(value, 0xffffffff))

    def fixed(self, node):
        node.set("reg", self.cells.reg(*(self.range()
                                         for _ in range(self.r.choice([1, 1, 1, 2, 4])))))

    def moving(self, node):
        size = self.extent() if self.chance(0.5) else self.r.choice([4, 8, 16, 32]) * MIB
        node.set("size", self.number(size, self.cells.size))
        if self.chance(0.5):
            align = self.r.choice([0, 1, PAGE, 64 << 10, 2 * MIB, 16 * MIB, 1 << 40, 3, 6 * MIB])
            node.set("alignment", self.number(align, self.cells.address))
        if self.chance(0.5):
            node.set("alloc-ranges", self.cells.reg(*(
                self.fit(self.place(), self.r.choice([0, MIB, 32 * MIB, GIB, 1 << 62, 1 << 63]))
                for _ in range(self.r.choice([1, 1, 2, 3])))))

    def pool(self, nr):
        """A region as it should be to be lent."""
        node = Node(f"pool-{nr}", [("compatible", POOL), ("reusable", b"")])
        size = self.r.choice([2, 4, 8]) * MIB
        if self.chance(0.5):
            at = HOME + self.r.randrange(self.size) & -2 * MIB
            node.set("reg", self.cells.reg((at, size)))
        else:
            node.set("size", self.number(size, self.cells.size))
        if self.chance(0.5):
            node.set("linux,cma-default", b"")
        return node

    def region(self, nr):
        if self.chance(0.15):
            return self.pool(nr)
        node = Node(f"region-{nr}")
        if self.chance(0.6):
            self.fixed(node)
        else:
            self.moving(node)
        for flag, share in (("no-map", 0.3), ("reusable", 0.4), ("linux,cma-default", 0.2)):
            if self.chance(share):
                node.set(flag, b"")
        if self.chance(0.5):
            node.set("compatible", POOL)
        if self.chance(0.05):
            node.set("status", text("disabled"))
        if self.chance(0.1):
            node.add(Node("reserved-memory", [("reg", self.cells.reg(self.range()))]))
        return node

    def reserved(self):
        props = [("#address-cells", u32(self.cells.address)),
                 ("#size-cells", u32(self.cells.size)), ("ranges", b"")]
        if self.chance(0.05):
            props.pop(self.r.randrange(3))
        return Node("reserved-memory", props,
                    [self.region(nr) for nr in range(self.r.choice([1, 2, 4, 8, 20]))])

    # ---- nodes and buses -------------------------------------------------------------

    def cpus(self):
        cpus = Node("cpus", [("#address-cells", u32(1)), ("#size-cells", u32(0))])
        for nr in range(self.r.choice([1, 4, 8])):
            cpu = Node(f"cpu@{nr:x}", [("device_type", text("cpu")), ("reg", u32(nr)),
                                       ("enable-method", text("psci"))])
            if self.chance(0.1):
                cpu.drop("device_type")
            if self.numa and self.chance(0.9):
                cpu.set("numa-node-id", u32(self.r.choice([0, 0, 1, 3])))
            cpus.add(cpu)
        return cpus

    def distances(self):
        matrix = [row for a in range(4) for b in range(4) if self.chance(0.7)
                  for row in (a, b, 10 if a == b else self.r.choice([11, 20, 40, 255]))]
        if self.chance(0.2) and matrix:
            matrix[self.r.randrange(len(matrix))] = self.r.choice([0, 9, 10, 256, 1 << 31, 77])
        return Node("distance-map", [("compatible", text("numa-distance-map-v1")),
                                     ("distance-matrix", u32(*matrix)[:self.r.choice(
                                         [None, None, None, None, -4])])])

    def bus(self, above, depth):
        """Addresses of this width, on a bus with that of `above`; reaches some of it."""
        own, size_cells = self.r.choice([1, 2, 3]), self.r.choice([1, 2])
        node = Node(f"bus-{depth}", [("#address-cells", u32(own)),
                                     ("#size-cells", u32(size_cells)), ("ranges", b"")])
        if self.chance(0.15):
            node.set("status", text("disabled"))
        if self.chance(0.7):
            value = b""
            for _ in range(self.r.choice([0, 1, 1, 1, 2])):
                child = self.r.choice([0, 0, 0x40000000, 0xc0000000])
                parent = self.r.choice([0, 0, 0x40000000, 0x80000000])
                size = self.r.choice([0, MIB, 0x3f000000, GIB + 5, 0x50000000, 0xc0000000])
                value += address(child, own) + address(parent, above)
                value += address(size, size_cells)
            node.set("dma-ranges", value[:-4 if value and self.chance(0.05) else None])
        if depth < 3 and self.chance(0.6):
            node.add(self.bus(own, depth + 1))
        return node

    def tree(self):
        root = Node("", [("#address-cells", u32(self.cells.address)),
                         ("#size-cells", u32(self.cells.size)),
                         ("model", text("made up"))])
        parts = [self.cpus(), self.reserved(), *self.banks(),
                 *(self.bus(self.cells.address, 0) for _ in range(self.r.choice([0, 1, 2])))]
        if self.numa and self.chance(0.7):
            parts.append(self.distances())
        if self.chance(0.2):
            parts.append(Node("device@0", [("reg", self.cells.reg(self.range()))]))
        self.r.shuffle(parts)
        root.add(*parts)
        kept = [(at, size) for at, size in (
            (self.place(), self.extent()) for _ in range(self.r.choice([0, 0, 1, 4])))
            if at or size]
        return blob(root, kept)


def tree(seed):
    return Maker(seed).tree()
