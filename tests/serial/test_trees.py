# SPDX-License-Identifier: Apache-2.0
"""Trees of our own (dts/), byte for byte as dtc wrote them, on the machine they
describe: what the kernel makes of memory that no QEMU option can produce."""

import os
import re
import subprocess

import pytest

import views
from loader import loader_args
from machine import BUILD, MIB, Machine, Shape, batch
from shapes import SMALL

DTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../dts")
MACHINE = Shape("own-tree", 512, 2)


def compiled(name):
    folder = BUILD + "/serial/trees"
    os.makedirs(folder, exist_ok=True)
    path = f"{folder}/{name}-{os.getpid()}.dtb"
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-i", DTS, "-o", path,
                    f"{DTS}/{name}.dts"], check=True)
    return path


def started(name, variant="test"):
    return Machine(MACHINE, args=loader_args(compiled(name), variant=variant, hinted=False))


def system_ram(rows):
    return [(start, end) for depth, start, end, name in rows
            if depth == 0 and name == "System RAM"]


def sane(machine):
    """Views agree, the validator is content, stress changes nothing."""
    assert machine.run("mm check")[1] == 0
    assert machine.run("mm stress 1 seed 3", timeout=60)[1] == 0
    zones = [z for z in views.zoneinfo(machine.ok("cat /proc/zoneinfo")) if z["present"]]
    for zone in zones:
        assert zone["managed"] <= zone["present"] <= zone["spanned"]
    return zones


def test_holes_and_odd_edges():
    with started("holes") as machine:
        machine.boot()
        banks = system_ram(views.iomem(machine.ok("cat /proc/iomem")))
        assert banks == [(0x40000000, 0x50001000), (0x50003000, 0x52000000),
                         (0x52346000, 0x57345000), (0x58000000, 0x60000000)]
        zone, = sane(machine)
        assert zone["present"] == sum(end - start for start, end in banks) // 4096
        assert zone["spanned"] == 512 * MIB // 4096


def test_reservations_of_every_kind():
    with started("no-map") as machine:
        machine.boot()
        rows = views.iomem(machine.ok("cat /proc/iomem"))
        assert system_ram(rows) == [(0x40000000, 0x50100000), (0x50101000, 0x50345000),
                                    (0x5034c000, 0x60000000)]
        ranges = [(start, end) for _, start, end, name in rows if name == "reserved"]
        for taken in ((0x50100000, 0x50101000), (0x50345000, 0x5034c000),
                      (0x51000000, 0x51003000), (0x52000800, 0x52001800)):
            assert taken in ranges
        assert not any(start < 0x53100000 and end > 0x53000000 for start, end in ranges)
        screen = machine.console()
        mailbox = re.search(r"^ +00([0-9a-f]{8})-00([0-9a-f]{8}) .*: mailbox$", screen, re.M)
        start, end = (int(word, 16) for word in mailbox.groups())
        assert 0x54000000 <= start and end <= 0x55000000
        assert end - start == 2 * MIB and start % MIB == 0
        zone, = sane(machine)
        assert zone["cma"] == 32 * MIB // 4096
        _, blocks = views.pagetypeinfo(machine.ok("cat /proc/pagetypeinfo"))
        assert blocks[0, "DMA"]["CMA"] == 16


def test_interleaved_nodes_with_sparse_ids():
    with started("interleaved-nodes") as machine:
        machine.boot()
        folder = "/sys/devices/system/node"
        assert machine.ok(f"cat {folder}/online").strip() == "1,4"
        assert machine.ok(f"cat {folder}/node1/distance").split() == ["10", "33"]
        assert machine.ok(f"cat {folder}/node4/distance").split() == ["33", "10"]
        assert machine.ok(f"cat {folder}/node1/cpulist").strip() == "0"
        zones = sane(machine)
        assert [zone["node"] for zone in zones] == [1, 4]
        for zone in zones:
            assert zone["present"] == 256 * MIB // 4096
            assert zone["spanned"] == 384 * MIB // 4096


@pytest.mark.parametrize("name", ["no-uart", "no-console"])
def test_silent_machine_works(name):
    """It ends by itself only if run= was carried out: a panic would halt."""
    args = loader_args(compiled(name), hinted=False)
    assert batch(MACHINE, "", args=args, timeout=30) == ""


def test_hint_gives_a_voice():
    """The same tree, an Image that was told of the UART: everything is heard."""
    text = batch(MACHINE, "", args=loader_args(compiled("no-console")), timeout=30)
    assert "device tree: " in text
    assert "mm check: 0 violations" in text
    assert "tm: exit 0" in text


@pytest.mark.parametrize("size", [1, 4096, 3 * MIB + 17])
def test_initrd_is_kept(size):
    path = f"{BUILD}/serial/initrd-{os.getpid()}-{size}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(b"\xa5" * size)
    shape = Shape("initrd", SMALL.mib, extra=["-initrd", path])
    with Machine(shape) as machine:
        screen = machine.boot()
        found = re.search(r"^ +([0-9a-f]{10})-([0-9a-f]{10}) .*initrd", screen, re.M)
        start, end = (int(word, 16) for word in found.groups())
        assert size <= end - start < size + 2 * 4096
        sane(machine)


def test_sleepers_wake_without_a_timer():
    """No alarm interrupts, so the idle CPUs look at the clock themselves."""
    with started("no-timer") as machine:
        assert "no arm,armv8-timer in the tree" in machine.boot()
        text = machine.ok("time sleep 1", timeout=10)
        assert 1.0 <= float(re.search(r"time: (\d+\.\d+) s", text).group(1)) < 5.0
        machine.ok("mm stress 1", timeout=30)
