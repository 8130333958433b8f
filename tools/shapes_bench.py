# SPDX-License-Identifier: Apache-2.0
"""The machines of `make bench`. A counter of 1 GHz makes an instruction a
nanosecond under -icount; no random seeds in the tree, so runs repeat."""

from qemu import Node, Shape

CPU = "cortex-a72,cntfrq=1000000000"
MACHINE = "gic-version=3,dtb-randomness=off"


def plain(mib):
    """One CPU, one node."""
    return Shape(f"plain-{mib}", mib, cpu=CPU, machine=MACHINE)


NUMA = Shape("numa", 2048, 4, [Node(1024, "0-1"), Node(1024, "2-3")], {(0, 1): 20},
             cpu=CPU, machine=MACHINE)


def with_extra(shape, extra):
    """The same machine with more of QEMU's words."""
    return Shape(shape.name, shape.mib, shape.cpus, shape.nodes, shape.distances,
                 machine=shape.machine, cpu=shape.cpu, append=shape.append,
                 extra=shape.extra + extra)
