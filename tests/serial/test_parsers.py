# SPDX-License-Identifier: Apache-2.0
"""The parsers and the arithmetic against what a real Linux printed on the same
machine (tests/serial/data/): what reads our views must read Linux's too, and
the formulas must give its figures. Linux 6.1 spreads min over all zones and
computes marks before the last pages are given back, so those get 1 %."""

import os
import re

import pytest

import formulas
import views

DATA = os.path.join(os.path.dirname(__file__), "data")
pytestmark = pytest.mark.fast


@pytest.fixture(scope="module", params=["one512", "two2g"])
def linux(request):
    with open(f"{DATA}/linux-6.1-{request.param}.txt", encoding="utf-8") as f:
        parts = re.split(r"(?m)^@@ (.*)\n", f.read())
    return dict(zip(parts[1::2], parts[2::2]), cpus=1 if request.param == "one512" else 4)


def near(ours, theirs):
    return abs(ours - theirs) <= max(1, theirs // 100)


def test_zoneinfo_and_formulas(linux):
    zones = views.zoneinfo(linux["/proc/zoneinfo"])
    assert {z["name"] for z in zones} == {"DMA", "DMA32", "Normal", "Movable"}
    min_free = int(linux["/proc/sys/vm/min_free_kbytes"])
    assert near(formulas.min_free_kbytes(zones), min_free)
    nodes = len({z["node"] for z in zones})
    for zone in zones:
        for ours, mark in zip(formulas.marks(zone, zones, min_free), ("min", "low", "high")):
            assert near(ours, zone[mark]), f"{mark} of {zone['node']}/{zone['name']}"
        node_zones = [z for z in zones if z["node"] == zone["node"]]
        assert formulas.protection(zone, node_zones) == zone["protection"]
        for pageset in zone["pagesets"].values():
            assert pageset["batch"] == formulas.pcp_batch(zone["managed"])
            assert pageset["threshold"] == formulas.stat_threshold(zone["managed"], linux["cpus"])
            assert pageset["high"] == formulas.pcp_high(
                zone["low"], pageset["batch"], linux["cpus"] // nodes, linux["cpus"])


def test_buddy_and_types(linux):
    buddy = views.buddyinfo(linux["/proc/buddyinfo"])
    free, blocks = views.pagetypeinfo(linux["/proc/pagetypeinfo"])
    assert {key[:2] for key in free} == set(buddy) == set(blocks)
    for counts in list(buddy.values()) + list(free.values()):
        assert len(counts) == 11
    assert set(blocks[0, "DMA"]) == {"Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA",
                                     "Isolate"}


def test_meminfo_and_iomem(linux):
    assert views.meminfo(linux["/proc/meminfo"])["MemTotal"] > 400000
    rows = views.iomem(linux["/proc/iomem"])
    assert any(name == "System RAM" and start == 0x40000000 for _, start, _, name in rows)


def test_parsers_are_strict():
    for parse, text in ((views.zoneinfo, "Node 0, zone DMA\n  pages freed 1"),
                        (views.buddyinfo, "Node 0, zone DMA 1 x"),
                        (views.pagetypeinfo, "Page block order: 10"),
                        (views.meminfo, "MemTotal: 1 MB"),
                        (views.iomem, "0-1 : RAM")):
        with pytest.raises(views.FormatError):
            parse(text)


KTAP = """KTAP version 1
1..2
    KTAP version 1
    1..2
    ok 1 split
    # buddy.c:10: x == 1
    not ok 2 merge
not ok 1 buddy
    KTAP version 1
    1..1
    ok 1 sleep # SKIP one CPU
ok 2 sched
"""


def test_ktap():
    assert views.ktap(KTAP) == [("buddy/split", "passed", ""),
                                ("buddy/merge", "failed", "# buddy.c:10: x == 1"),
                                ("sched/sleep", "skipped", "one CPU")]
    cut = views.ktap(KTAP[:KTAP.index("ok 2 sched")])
    assert cut[-1][:2] == ("plan", "failed")
