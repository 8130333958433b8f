# SPDX-License-Identifier: Apache-2.0
"""Small trees of dts/ that each show one rule of the intake: nodes, CPUs, cells,
DMA limit, reservations, and what is wrong. What a tree shows must be seen in the
text tree, or named in the refusal. (Memory's own shapes: test_trees.py.)"""

import os
import re
import subprocess

import pytest

from loader import FOLDER, loader_args
from machine import Shape, batch

DTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../dts")
NODES = "/sys/devices/system/node"


def tree(name, bootargs):
    os.makedirs(FOLDER, exist_ok=True)
    blob = f"{FOLDER}/{name}-{os.getpid()}.dtb"
    subprocess.run(["dtc", "-q", "-O", "dtb", "-o", blob, f"{DTS}/{name}.dts"], check=True)
    subprocess.run(["fdtput", "-t", "s", blob, "/chosen", "bootargs", bootargs], check=True)
    return blob


def boots(name, *commands, mib=512, machine="gic-version=3"):
    """What the commands print on this tree; the walk over memory finds nothing."""
    line = "; ".join((*commands, "mm check"))
    text = batch(Shape(name, mib, 2, machine=machine), "",
                 args=loader_args(tree(name, f'panic=-1 run="{line}"')))
    assert "mm check: 0 violations\n" in text, text[-3000:]
    assert re.search(r"^tm: exit 0$", text, re.M), text[-3000:]
    return text


def zone_starts(text):
    return [int(n) for n in re.findall(r"start_pfn: +(\d+)", text)]


def test_memoryless_node():
    text = boots("numa-memoryless", *(f"cat {NODES}/node{n}/distance" for n in range(3)),
                 f"cat {NODES}/node1/cpulist", f"cat {NODES}/has_memory")
    assert "\n10 40 30\n40 10 15\n30 15 10\n1\n0,2\n" in text
    assert " on 3 nodes" in text


def test_cpuless_node_and_asymmetry():
    text = boots("numa-cpuless", f"cat {NODES}/node0/distance", f"cat {NODES}/node1/distance",
                 f"cat {NODES}/has_cpu", f"cat {NODES}/node0/cpulist")
    assert "\n10 20\n40 10\n0\n0-1\n" in text


def test_sparse_node_ids():
    text = boots("numa-sparse-ids", f"cat {NODES}/online", f"cat {NODES}/node5/distance",
                 f"cat {NODES}/node63/cpulist", f"cat {NODES}/node5/cpulist")
    assert "\n5,63\n10 20\n0\n1\n" in text


def test_boot_cpu_need_not_be_first():
    text = boots("boot-cpu-last", "cat /proc/interrupts")
    assert "cpus: 2 of 2 online" in text
    assert "left out" not in text and "does not name" not in text


def test_dynamic_reservations():
    text = boots("reserved-dynamic", "cat /proc/iomem", "cat /proc/meminfo", "cat /proc/zoneinfo")
    assert "/reserved-memory/nowhere: no room in its alloc-ranges, not made" in text
    # The buffer: highest place in the second range, and not mapped.
    assert "\n50ff0000-50ffffff : reserved\n" in text
    assert "\n  5f000000-5fffffff : reserved\n" in text
    assert re.search(r"^CmaTotal: +32768 kB$", text, re.M)
    assert re.search(r"^ +cma +8192$", text, re.M)


def test_dma_limit_splits_zones():
    text = boots("dma-31-bits", "cat /proc/zoneinfo", mib=1536)
    assert zone_starts(text) == [0x40000, 0x80000]
    assert [int(n) for n in re.findall(r"^ +present +(\d+)$", text, re.M)[:2]] == [
        0x40000, 0x20000]


@pytest.mark.parametrize("name", ["cells-1-1", "cells-2-1"])
def test_cells_of_real_boards(name):
    assert "memory: 524288 KiB on 1 node" in boots(name)


def test_shapes_of_a_raspberry_pi_4():
    text = boots("raspi4-shape", "cat /proc/zoneinfo", "cat /proc/interrupts", "cat /proc/iomem",
                 mib=2048, machine="gic-version=2")
    assert "irq: GICv2 at /soc/interrupt-controller@40000000" in text
    assert "cpus: 2 of 2 online" in text
    assert "console: pl011 at 0x9000000, interrupt 33" in text
    # 948 MiB below the limit of the masters, 1 GiB above it; CMA where it may be.
    assert zone_starts(text) == [0x40000, 0x80000]
    assert [int(n) for n in re.findall(r"^ +present +(\d+)$", text, re.M)[:2]] == [
        0x3b400, 0x40000]
    assert re.findall(r"^ +cma +(\d+)$", text, re.M)[0] == "16384"


@pytest.mark.parametrize("reg", [
    pytest.param("7e000000 1000 40010000 2000", id="distributor-is-uart"),
    pytest.param("40000000 1000 7e000000 2000", id="interface-is-uart"),
    pytest.param("40010000 1000 40000000 2000", id="swapped"),
    pytest.param("40000002 1000 40010000 2000", id="odd"),
    pytest.param("40000000 1000", id="one")])
def test_gic_that_is_none(reg):
    """Named, and the machine goes on with one CPU and a polled console."""
    blob = tree("raspi4-shape", 'panic=-1 run="sleep 1; cpu; mm check"')
    subprocess.run(["fdtput", "-t", "x", blob, "/soc/interrupt-controller@40000000", "reg",
                    *reg.split()], check=True)
    text = batch(Shape("no-gic", 2048, 2, machine="gic-version=2"), "", args=loader_args(blob))
    assert "reg 0 or 1 is missing, cannot be mapped, or no GICv2 answers there" in text
    assert re.search(r"^cpu0 +on .*\ncpu1 +off .*\nmm check: 0 violations\ntm: exit 0$", text, re.M)


def test_bad_distance():
    text = boots("bad-distance", f"cat {NODES}/online")
    assert ("/distance-map entry 1 <0 1 10>: another node is at distance 11 to 255; "
            "NUMA is not used, all memory is node 0") in text
    assert "memory: 524288 KiB on 1 node, without NUMA" in text


def test_bad_alias_loop():
    text = boots("bad-alias-loop")
    assert '/aliases serial0 = "serial1": not the path of a node, ignored' in text
    assert '/chosen stdout-path = "serial0": no such alias' in text


def test_bad_no_memory():
    text = batch(Shape("bad-no-memory", 512, 2), "", until=("tm: halted",),
                 args=loader_args(tree("bad-no-memory", "panic=-1")))
    assert "tm: panic: device tree refused: no memory node lists any usable RAM" in text
