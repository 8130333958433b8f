# SPDX-License-Identifier: Apache-2.0
"""The machines the kernel is tried on. Each says what QEMU builds and what the
kernel must find there; a new shape is one entry here."""

from machine import Node, Shape

TWO_NODES = [Node(1024, "0-1"), Node(1024, "2-3")]
DISTANCE_20 = {(0, 1): 20}

NUMA2 = Shape("numa2", 2048, 4, TWO_NODES, DISTANCE_20)
SMALL = Shape("one128", 128)
ANY = Shape("any", 128, at_least=True)  # for tests that a board can run as well

SHAPES = [
    NUMA2,
    SMALL,
    Shape("numa3-cpuless", 2048, 4,
          [Node(1024, "0-1"), Node(512, "2-3"), Node(512, "")],
          {(0, 1): 20, (0, 2): 40, (1, 2): 30}),
    Shape("memoryless", 1024, 4, [Node(1024, "0-1"), Node(0, "2-3")], DISTANCE_20),
    Shape("zones6g", 6144, 4, [Node(4096, "0-1"), Node(2048, "2-3")], DISTANCE_20,
          append="kernelcore=4G cma=64M"),
    Shape("el2-smc", 512, 2, machine="gic-version=3,virtualization=on"),
    Shape("el2-gicv2", 512, 2, machine="gic-version=2,virtualization=on"),
    Shape("gicv2", 512, 4, machine="gic-version=2"),
    Shape("cortex-a53", 512, 2, cpu="cortex-a53"),
    Shape("cpu-max", 512, 2, cpu="max"),
    Shape("big8g", 8192, 4),
    Shape("numa-off", 2048, 4, [Node(2048, "0-3")], {}, hardware=TWO_NODES, append="numa=off"),
    Shape("numa-fake", 1024, 2, [Node(512, "0"), Node(512, "1")], {(0, 1): 20}, hardware=[],
          append="numa=fake=2"),
    Shape("mem-limit", 1024, 1, [Node(256, "0")], append="mem=256M", usable_mib=256, hardware=[]),
    Shape("cma", 512, 2, append="cma=64M"),
    Shape("zone-order", 6144, 4, [Node(4096, "0-1"), Node(2048, "2-3")], DISTANCE_20,
          append="movablecore=2G zonelist_order=zone"),
]
BY_NAME = {shape.name: shape for shape in SHAPES}
