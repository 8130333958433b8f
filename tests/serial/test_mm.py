# SPDX-License-Identifier: Apache-2.0
"""`mm` as somebody types it: blocks asked for by hand, stress of all kinds of
requests, the flood with and without the ladder of floors; on machines of other
shapes than `make run` shows, in the release and in the test build."""

import re

import pytest

import views
from machine import IMAGES, Machine, Node, Shape, or_any, run_commands, start
from shapes import BY_NAME, DISTANCE_20, NUMA2, TWO_NODES
from test_trees import MACHINE as OWN_TREE
from test_trees import compiled
from loader import loader_args

KINDS = ("ordinary", "movable", "reclaimable", "dma", "atomic", "zeroed", "spread", "exact",
         "bulk", "interrupt")
SHAPES = [
    Shape("mm-tiny", 64, 1),
    Shape("mm-uneven", 192, 3),
    NUMA2,
    Shape("mm-four-nodes", 512, 4, [Node(128, str(cpu)) for cpu in range(4)],
          {(a, b): 15 if b - a == 1 else 30 for a in range(4) for b in range(a + 1, 4)}),
    BY_NAME["numa3-cpuless"],
    Shape("mm-kernelcore", 512, 2, append="kernelcore=128M cma=64M"),
    Shape("mm-movablecore", 256, 4, append="movablecore=50%"),
    Shape("mm-fake-nodes", 256, 4, [Node(64, str(cpu)) for cpu in range(4)], hardware=[],
          append="numa=fake=4"),
]
VARIANTS = ("release", "test")
pytestmark = pytest.mark.board


@pytest.fixture(scope="module")
def shape():
    return Shape("mm-typed", 512, 2, at_least=True)


@pytest.fixture(scope="module")
def variant():
    return or_any("test")


@pytest.fixture(scope="module")
def numa():
    """Two nodes, for what is asked of one of them."""
    two = Shape("mm-nodes", 2048, 4, TWO_NODES, DISTANCE_20, at_least=True)
    with start(two, or_any("test")) as machine:
        yield machine


def blocks(text):
    """[(id, address, order, node, zone)] of the lines that mm prints for blocks."""
    return [(int(i), int(address, 16), int(order), int(node), zone)
            for i, address, order, node, zone in
            re.findall(r"^ *(\d+) +(0x\w+) +order (\d+) +pfn \d+ +node (\d+) +(\w+)", text, re.M)]


# ---- by hand -----------------------------------------------------------------------


def test_hold_and_give_back(target):
    got = blocks(target.ok("mm alloc 3 4"))
    assert [order for _, _, order, _, _ in got] == [3] * 4
    assert all(address % 0x8000 == 0 for _, address, _, _, _ in got)
    assert blocks(target.ok("mm hold")) == got
    assert "4 blocks held (limit 256), 128 KiB" in target.ok("mm hold")
    target.ok(f"mm free {got[0][0]}")
    target.ok(f"mm free {got[1][1]:#x}")
    assert blocks(target.ok("mm hold")) == got[2:]
    assert target.run(f"mm free {got[0][0]}")[1] == 1  # not held any more
    assert target.ok("mm free all").strip() == "2 blocks freed"
    assert target.run("mm check")[1] == 0


@pytest.mark.parametrize("words", [
    "dma", "dma32", "movable", "reclaimable", "atomic", "nowait", "kernel", "memalloc", "zero",
    "reclaimable zero kernel", "atomic dma32", "movable nowait zero", "node 0 thisnode"])
@pytest.mark.parametrize("order", [0, 3, 9, 10])
def test_every_kind_of_request(target, words, order):
    got = blocks(target.ok(f"mm alloc {order} 2 {words}"))
    assert len(got) == 2 and all(size == order for _, _, size, _, _ in got)
    target.ok("mm free all")


@pytest.mark.parametrize("node", [0, 1])
def test_from_a_node(numa, node):
    got = blocks(numa.ok(f"mm alloc 0 64 node {node} thisnode"))
    assert {where for _, _, _, where, _ in got} == {node}
    spans = [range(zone["start_pfn"], zone["start_pfn"] + zone["spanned"])
             for zone in views.zoneinfo(numa.ok("cat /proc/zoneinfo"))
             if zone["node"] == node and zone["present"]]
    assert all(any(address // 4096 in span for span in spans) for _, address, _, _, _ in got)
    numa.ok("mm free all")


@pytest.mark.parametrize("command, words", [
    ("mm alloc", "usage"), ("mm alloc x", "ORDER must be a number"),
    ("mm alloc 11", "0 to 10"), ("mm alloc 0 0", "1 to 256"), ("mm alloc 0 257", "1 to 256"),
    ("mm alloc 0 node 64", "0 to 63"), ("mm alloc 0 node", "which node"),
    ("mm alloc 0 node 5", "no node 5"), ("mm alloc 0 1 2", "no word '2'"),
    ("mm alloc 0 purple", "no word 'purple'"), ("mm alloc 0 dma dma32", "more than one zone"),
    ("mm alloc 0 movable reclaimable", "movable and reclaimable"),
    ("mm alloc 0 dma movable", "more than one zone"),
    ("mm alloc 0 memalloc nomemalloc", "all of the reserve and none"),
    ("mm alloc 0 nofail", "may not fail and may not wait"),
    ("mm alloc 0 atomic kernel", "may wait and may not wait"),
    ("mm alloc bulk", "usage"), ("mm alloc bulk 0", "1 to 256"),
    ("mm alloc bulk x", "COUNT must be"),
    ("mm alloc bulk 1 node 0", "no node"), ("mm alloc exact", "usage"),
    ("mm alloc exact 0", "1 to 4194304"), ("mm alloc exact 5M", "1 to 4194304"),
    ("mm alloc exact 1x", "must be a number"), ("mm alloc exact 99999999999999999999", "1 to"),
    ("mm free", "usage"), ("mm free 999999", "no block 999999"), ("mm free 0", "ID must be"),
    ("mm free 0x40000000", "no block"), ("mm drain now", "usage"), ("mm check it", "usage"),
    ("mm stress 0", "1 to 3600"), ("mm stress 1 tasks 17", "1 to 16"),
    ("mm stress 1 seed", "usage"), ("mm stress seed x", "seed must be a number"),
    ("mm flood 0", "1 to 600"), ("mm flood x", "SECONDS must be a number"),
    ("mm flood 1 2", "usage"), ("mm purple", "usage"), ("mm", "usage")])
def test_bad_words_get_one_line(target, command, words):
    text, status = target.run(command)
    lines = [line for line in text.split("\n") if line]
    assert status in (1, 2) and len(lines) == 1 and words in lines[0], text


VM, FAIL = "/proc/sys/vm/", "/sys/kernel/debug/fail_page_alloc/"


@pytest.mark.parametrize("path, takes, values", [
    (VM + "lowmem_reserve_ratio", "1 to 4 numbers from 0 to 2147483647", "2147483648 1,2 -1 ''"),
    (VM + "min_free_kbytes", r"0 to \d+", "99999999 -1 x 99999999999999999999 ''"),
    (VM + "percpu_pagelist_high_fraction", "0, or 8 to 2147483647", "7 2147483648 8.5 ''"),
    (VM + "watermark_boost_factor", "0 to 2147483647", "2147483648 -1 ''"),
    (VM + "watermark_scale_factor", "1 to 3000", "0 3001 99999 -10 ''"),
    (FAIL + "ignore-gfp-wait", "Y or N", "2 yes ''"),
    (FAIL + "interval", "1 to 4294967295", "0 4294967296 ''"),
    (FAIL + "min-order", "0 to 10", "11 -1"), (FAIL + "probability", "0 to 100", "101 1.5"),
    (FAIL + "space", "0 to 2147483647", "-1 x"),
    (FAIL + "times", r"-1 \(no end\) to 2147483647", "-2 2147483648"),
    (FAIL + "tm_spare_band", "0 to 9", "10 -1")])
def test_refused_values_name_the_range(target, path, takes, values):
    before = target.ok("cat " + path)
    for value in values.split():
        text, status = target.run(f"echo {value} > {path}")
        assert status == 1
        shown = re.escape(value.strip("'"))
        assert re.fullmatch(rf"echo: {path}: '{shown}': value (out of range|not understood); "
                            rf"it takes {takes}", text.strip()), text
    assert target.ok("cat " + path) == before


def test_when_memory_is_out():
    with Machine(Shape("mm-out", 128, 1), IMAGES["test"]) as machine:
        machine.boot()
        text, status = machine.run("mm alloc 10 256")
        assert status == 1
        assert re.search(r"mm alloc: no memory for block \d+ of 256", text)
        held = len(blocks(text))
        assert 10 < held < 32  # of 4 MiB, in 128 MiB
        assert machine.ok("mm free all").strip() == f"{held} blocks freed"
        assert machine.run("mm check")[1] == 0
        assert machine.run("mm stress 1")[1] == 0


def cached(machine):
    """Pages in the caches of all CPUs, by zoneinfo."""
    return sum(int(n) for n in re.findall(r"^ +count: +(\d+)$", machine.ok("cat /proc/zoneinfo"),
                                          re.M))


def test_drain_empties_the_caches(target):
    target.ok("mm alloc 0 200")
    target.ok("mm free all")
    assert cached(target) > 0
    # The shell's own tasks may take a page at once.
    assert "caches are empty" in target.ok("mm drain")
    assert cached(target) <= 16
    assert target.run("mm check")[1] == 0


# ---- stress --------------------------------------------------------------------------


def check_stress(text, status, exact=False):
    """Every page home; and in virtual time, which no load of the computer that
    runs this shortens, something of every kind was served."""
    assert status == 0, text[-2000:]
    found = re.search(r"mm stress: (\d+) blocks served, \d+ refused, 0 damaged\n"
                      r"mm stress: served (.*)\n"
                      r"mm stress: free pages before (\d+), after (\d+): all home\n"
                      r"mm check: 0 violations", text)
    assert found, text[-2000:]
    by_kind = dict(re.findall(r"(\w+) (\d+)", found[2]))
    assert tuple(by_kind) == KINDS
    assert sum(map(int, by_kind.values())) == int(found[1])
    assert not exact or all(int(n) > 10 for n in by_kind.values()), found[2]
    assert found[3] == found[4]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_stress_of_every_kind(shape):
    check_stress(*run_commands(shape, "mm stress 1 seed 11", image=IMAGES["test"], exact=True,
                               timeout=110), exact=True)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_stress_on_parallel_cpus(shape):
    check_stress(*run_commands(shape, "mm stress 2 seed 12", image=IMAGES["release"], timeout=110))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_stress_with_other_seeds(seed):
    check_stress(*run_commands(NUMA2, f"mm stress 2 seed {seed} tasks 16", image=IMAGES["test"],
                               timeout=100))


def test_stress_with_holes_in_memory():
    with Machine(OWN_TREE, args=loader_args(compiled("holes"), variant="test",
                                            hinted=False)) as machine:
        machine.boot()
        check_stress(*machine.run("mm stress 2 seed 5", timeout=60))


def test_stress_while_cpus_come_and_go():
    with Machine(Shape("mm-hotplug", 256, 4), IMAGES["test"], deadline=110) as machine:
        machine.boot()
        machine.send("mm stress 4 seed 6\r")
        machine.expect("mm check: 0 violations", 60)
        machine.expect("tm> ")
        for command in ("cpu off 3", "cpu off 2"):
            machine.ok(command)
        check_stress(*machine.run("mm stress 2 seed 7", timeout=60))
        machine.ok("cpu on 3")
        check_stress(*machine.run("mm stress 2 seed 8", timeout=60))
        assert machine.run("mm check")[1] == 0


# ---- flood -----------------------------------------------------------------------------


def flood(shape, variant, append="", exact=True):
    shape = Shape(shape.name, shape.mib, shape.cpus, shape.nodes, shape.distances,
                  hardware=shape.hardware, append=f"{shape.append} {append}".strip())
    text, status = run_commands(shape, "mm flood 1; mm check", image=IMAGES[variant], exact=exact,
                                timeout=110)
    assert status == 0, text[-2000:]
    assert "mm check: 0 violations" in text and ": all home" in text
    rows = {name: [int(n) for n in numbers.split()] for name, numbers in
            re.findall(r"^(\w+) +((?:\d+ *){5})$", text, re.M)}
    assert list(rows) == ["background", "batch", "ordinary", "pressing", "urgent"], text
    return text, rows


FLOODED = [Shape("flood-tiny", 64, 1), Shape("flood-small", 256, 4), NUMA2,
           Shape("flood-movable", 512, 2, append="kernelcore=256M")]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("shape", FLOODED, ids=lambda shape: shape.name)
def test_flood_never_reaches_the_urgent_task(shape, variant):
    text, rows = flood(shape, variant)
    assert "ladder on" in text
    prio, requests, failed, slow, _ = rows.pop("urgent")
    assert prio >= 20 and requests >= 1000
    assert (failed, slow) == (0, 0), text
    for name, (_, _, failed, slow, _) in rows.items():  # and they did flood
        assert failed > 0 and slow > 0, (name, text)


@pytest.mark.parametrize("shape", FLOODED, ids=lambda shape: shape.name)
def test_without_the_ladder_it_does(shape):
    text, rows = flood(shape, "release", "ladder=off")
    assert "ladder off" in text
    _, _, failed, slow, _ = rows["urgent"]
    assert failed > 0 and slow > 0, text


def test_flood_from_parallel_cpus():
    text, rows = flood(NUMA2, "release", exact=False)
    assert rows["urgent"][2:4] == [0, 0], text


def test_urgent_requests_stay_short():
    """An instruction a nanosecond, one CPU: so these are 50,000 of them at most,
    with whatever interrupts come in between."""
    one = Shape("flood-exact", 256, 1)
    text, rows = flood(one, "release")
    assert rows["urgent"][4] < 50, text


def test_views_agree_after_all_that(target):
    target.ok("mm stress 1", timeout=60)
    zones = [z for z in views.zoneinfo(target.ok("cat /proc/zoneinfo")) if z["present"]]
    assert all(z["managed"] <= z["present"] <= z["spanned"] for z in zones)


# ---- bulk and exact --------------------------------------------------------------------


def test_many_at_once_and_in_one_piece(target):
    got = blocks(target.ok("mm alloc bulk 40 movable zero"))
    assert len(got) == 40 and all(order == 0 for _, _, order, _, _ in got)
    target.ok(f"mm free {got[0][0]}")
    text = target.ok("mm alloc exact 12345 zero")
    assert re.search(r"^ +\d+  0x[0-9a-f]{10}  16 KiB    pfn \d+ +node \d  \w+$", text, re.M)
    assert "40 blocks held (limit 256), 172 KiB" in target.ok("mm hold")
    target.ok("mm alloc exact 4M")
    assert target.ok("mm free all").strip() == "41 blocks freed"
    assert target.run("mm check")[1] == 0


def test_nofail_never_hangs_the_shell():
    """What could only wait for ever is not asked for; the reserve is, before."""
    with Machine(Shape("mm-nofail", 128, 1), IMAGES["test"]) as machine:
        machine.boot()
        machine.run("mm alloc 10 256 kernel")
        text, status = machine.run("mm alloc 10 nofail kernel")
        assert status == 1 and "nofail would wait for ever" in text
        machine.ok("mm alloc 0 nofail kernel")
        machine.ok("mm free all")
        assert machine.run("mm check")[1] == 0
