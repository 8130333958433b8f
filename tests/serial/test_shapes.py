# SPDX-License-Identifier: Apache-2.0
"""Every machine shape: boots to the prompt, shows what is there, and its
figures agree with each other and with the formulas, to the page."""

import re

import pytest

import formulas
import views
from machine import MIB
from shapes import ANY, SHAPES

CASES = [(shape, variant) for shape in SHAPES for variant in ("release", "test")]


def marks_of(shape, variant):
    marks = [pytest.mark.xdist_group(f"{shape.name}-{variant}")]
    if shape.name in ("numa2", "one128") and variant == "release":
        marks.append(pytest.mark.fast)
    return marks


@pytest.fixture(scope="module", params=[
    pytest.param(case, id=f"{case[0].name}-{case[1]}", marks=marks_of(*case)) for case in CASES
] + [pytest.param((ANY, "any"), id="board", marks=pytest.mark.board_only)])
def case(request):
    return request.param


@pytest.fixture(scope="module")
def shape(case):
    return case[0]


@pytest.fixture(scope="module")
def variant(case):
    return case[1]


@pytest.fixture
def known(shape):
    """The shape, for what must be equal to what the machine was built of."""
    if shape.at_least:
        pytest.skip("needs to be told what the machine has")
    return shape


def cpus_of(target):
    """[[CPU of the node]] as the machine lists them; test_nodes compares the list."""
    nodes = re.findall(r"\bnode(\d+)\b", target.ok("ls /sys/devices/system/node"))
    return [views.cpulist(target.ok(f"cat /sys/devices/system/node/node{nid}/cpulist"))
            for nid in sorted(map(int, nodes))]


def zones_of(target):
    return views.zoneinfo(target.ok("cat /proc/zoneinfo"))


def sysctl(target, name):
    return target.ok(f"cat /proc/sys/vm/{name}").split()


def test_boots_without_complaint(target):
    log = target.console()
    for word in ("panic", "BUG", "ignored", "warning"):
        assert word not in log, f"{word!r} in the boot messages"


def test_every_cpu_is_online(target, known):
    tasks = target.ok("ps")
    assert len(re.findall(r"\bidle", tasks)) == known.cpus, tasks
    plural = "" if known.cpus == 1 else "s"
    assert f" {known.cpus} CPU{plural}, " in target.ok("uptime")


def test_nodes(target, known):
    listed = target.ok("ls /sys/devices/system/node")
    nodes = sorted(int(nid) for nid in re.findall(r"\bnode(\d+)\b", listed))
    assert nodes == list(range(len(known.nodes)))
    for nid, node in enumerate(known.nodes):
        path = f"/sys/devices/system/node/node{nid}"
        assert views.cpulist(target.ok(f"cat {path}/cpulist")) == views.cpulist(node.cpus)
        distances = target.ok(f"cat {path}/distance").split()
        assert distances == [str(known.distance(nid, other)) for other in nodes]
        total = views.meminfo(target.ok(f"cat {path}/meminfo"))["MemTotal"]
        managed = sum(z["managed"] for z in zones_of(target) if z["node"] == nid)
        assert total == managed * 4
        assert node.mib * 1024 * 0.96 - 6144 <= total <= node.mib * 1024


def test_all_memory_is_accounted_for(target, known):
    zones = zones_of(target)
    for zone in zones:
        assert zone["managed"] <= zone["present"] <= zone["spanned"]
        assert zone["cma"] <= zone["managed"]
    present = sum(zone["present"] for zone in zones)
    assert present == known.usable_mib * MIB // 4096
    rows = views.iomem(target.ok("cat /proc/iomem"))
    ram = sum(end - start for depth, start, end, name in rows
              if depth == 0 and name == "System RAM")
    assert ram == known.usable_mib * MIB
    for depth, start, end, name in rows:
        assert start < end, name
        if depth:
            assert any(s <= start and end <= e for d, s, e, _ in rows if d < depth), name


def test_marks_and_reserves_are_linux_s(target):
    zones = zones_of(target)
    cpus = cpus_of(target)
    nr_cpus = sum(map(len, cpus))
    min_free = int(sysctl(target, "min_free_kbytes")[0])
    # One kB up changes the marks, and they may ask for one kB down: no fixed point then.
    assert abs(min_free - formulas.min_free_kbytes(zones)) <= 1
    ratios = [int(word) for word in sysctl(target, "lowmem_reserve_ratio")]
    assert ratios == [256, 256, 32, 0]
    scale = int(sysctl(target, "watermark_scale_factor")[0])
    for zone in zones:
        name = f"{zone['node']}/{zone['name']}"
        expected = formulas.marks(zone, zones, min_free, scale)
        boost = zone["boost"]  # on top of each, as Linux prints them
        assert tuple(zone[mark] - boost for mark in ("min", "low", "high")) == expected, name
        node_zones = [z for z in zones if z["node"] == zone["node"]]
        assert zone["protection"] == formulas.protection(zone, node_zones, ratios), name
        if not zone["managed"]:
            continue
        assert set(zone["pagesets"]) == set(range(nr_cpus)), name
        node_cpus = len(cpus[zone["node"]])
        for pageset in zone["pagesets"].values():
            batch = formulas.pcp_batch(zone["managed"])
            assert pageset["batch"] == batch, name
            assert pageset["high"] == formulas.pcp_high(zone["low"] - boost, batch, node_cpus,
                                                        nr_cpus), name
            assert pageset["threshold"] == formulas.stat_threshold(zone["managed"], nr_cpus), name


def test_views_agree(target):
    """One command line, so that nothing else runs in between."""
    text = target.ok("cat /proc/zoneinfo; echo @@; cat /proc/buddyinfo; echo @@; "
                     "cat /proc/pagetypeinfo; echo @@; cat /proc/meminfo; echo @@; "
                     "cat /proc/vmstat")
    zone_text, buddy_text, type_text, mem_text, vm_text = text.split("@@\n")
    zones = views.zoneinfo(zone_text)
    buddy = views.buddyinfo(buddy_text)
    free, blocks = views.pagetypeinfo(type_text)
    meminfo = views.meminfo(mem_text)
    vmstat = views.vmstat(vm_text)
    for zone in zones:
        key = zone["node"], zone["name"]
        if not zone["managed"]:
            assert key not in buddy
            continue
        counts = buddy[key]
        assert len(counts) == 11
        cached = sum(pageset["count"] for pageset in zone["pagesets"].values())
        assert sum(n << order for order, n in enumerate(counts)) == zone["free"]
        assert zone["stats"]["nr_free_pages"] == zone["free"]
        assert zone["free"] + cached <= zone["managed"]
        by_type = [sum(free[(*key, kind)][order] for kind in blocks[key]) for order in range(11)]
        assert by_type == counts
        cma = sum(n << order for order, n in enumerate(free[(*key, "CMA")]))
        assert zone["stats"]["nr_free_cma"] == cma
        assert blocks[key]["CMA"] * 512 == zone["cma"]
        assert sum(blocks[key].values()) * 512 >= zone["present"] - 1024
    assert meminfo["MemTotal"] == 4 * sum(z["managed"] for z in zones)
    assert meminfo["MemFree"] == 4 * sum(z["free"] for z in zones)
    assert meminfo["MemAvailable"] <= meminfo["MemFree"]
    for name in zones[0]["stats"] if zones[0]["managed"] else ():
        assert vmstat[name] == sum(z["stats"].get(name, 0) for z in zones), name
    for name in zones[0]["node_stats"]:
        assert vmstat[name] == sum(z["node_stats"].get(name, 0) for z in zones), name
    for zone in zones:
        if zone["managed"]:
            numa = zone["stats"]
            assert (numa["numa_hit"] + numa["numa_miss"] ==
                    numa["numa_local"] + numa["numa_other"])


def test_frame_metadata_is_cheap(target, known, variant):
    """Q17: 32 bytes a frame, 0.80 % of RAM plus at most 256 KiB; test builds keep the
    history of each frame in as much again."""
    share = 0.008 if variant == "release" else 0.016
    taken = re.search(r"frame descriptors take (\d+) KiB", target.console())
    assert 0 < int(taken[1]) <= known.usable_mib * 1024 * share + 256


def test_walker_finds_nothing(target):
    text, status = target.run("mm check")
    assert status == 0, text


def test_stress_and_leak(target):
    def unused():
        return sum(z["free"] + sum(pageset["count"] for pageset in z["pagesets"].values())
                   for z in zones_of(target))

    before = unused()
    text, status = target.run("mm stress 1 seed 1", timeout=60)
    assert status == 0, text
    assert "all home" in text and " 0 damaged" in text
    assert unused() == before


def test_powers_off(target, known):
    """Last: the machine of this shape is gone afterwards."""
    target.send("poweroff\r")
    assert target.wait_end() == 0
