# SPDX-License-Identifier: Apache-2.0
"""Where memory comes from, and how it is counted: known commands on machines
with several nodes, real and made up, compared with a model that reads from the
shell's output where each block lies. Row 16's numbers must agree to the block."""

import re

import pytest

import views
from machine import IMAGES, Machine, Node, Shape

TWO = Shape("policy-two", 512, 4, [Node(256, "0-1"), Node(256, "2-3")], {(0, 1): 20})
THREE = Shape("policy-three", 512, 2, [Node(256, "0"), Node(128, "1"), Node(128, "")],
              {(0, 1): 20, (0, 2): 40, (1, 2): 30})
FAKE = Shape("policy-fake", 512, 4, [Node(128, str(cpu)) for cpu in range(4)],
             {(a, b): 20 for a in range(4) for b in range(a)}, hardware=[],
             append="numa=fake=4")
ONE = Shape("policy-one", 256, 2)
SHAPES = [TWO, THREE, FAKE, ONE]
NUMA = ("numa_hit", "numa_miss", "numa_foreign", "interleave_hit", "local_node", "other_node")
pytestmark = pytest.mark.xdist_group("policy")


@pytest.fixture(scope="module", params=[
    pytest.param((shape, variant), id=f"{shape.name}-{variant}")
    for shape in SHAPES for variant in ("release", "test")])
def target(request):
    """The shell tied to CPU 0, which is on node 0 in all shapes."""
    shape, variant = request.param
    with Machine(shape, IMAGES[variant], deadline=300) as machine:
        machine.boot()
        machine.nodes = list(range(len(shape.nodes)))
        shell = re.search(r"^ *(\d+) shell ", machine.ok("ps"), re.M)[1]
        machine.ok(f"task cpus {shell} 0; sleep 1")
        yield machine
        machine.ok("mm policy local; mm mems all; mm free all")
        assert machine.run("mm check")[1] == 0


def numastat(target):
    return {node: views.vmstat(target.ok(f"cat /sys/devices/system/node/node{node}/numastat"))
            for node in target.nodes}


def placed(text):
    """Node of each block that `mm alloc` printed."""
    return [int(node) for node in re.findall(r"  node (\d+)  ", text)]


def expect(delta, preferred, got, interleave):
    for first, node in zip(preferred, got):
        delta[node]["numa_hit" if node == first else "numa_miss"] += 1
        if node != first:
            delta[first]["numa_foreign"] += 1
        delta[node]["local_node" if node == 0 else "other_node"] += 1
        if interleave and node == first:
            delta[node]["interleave_hit"] += 1


def check(target, command, preferred, interleave=False):
    """Run it; preferred(i) is the node block i would like. The model's numbers must
    be those of the kernel. Nodes of the blocks."""
    before = numastat(target)
    got = placed(target.run(command)[0])
    delta = {node: dict.fromkeys(NUMA, 0) for node in target.nodes}
    expect(delta, [preferred(i) for i in range(len(got))], got, interleave)
    after = numastat(target)
    for node in target.nodes:
        assert {name: after[node][name] - before[node][name] for name in NUMA} == delta[node], node
    return got


def test_named_nodes(target):
    for node in target.nodes:
        for order, count in ((0, 20), (3, 3), (5, 2)):
            got = check(target, f"mm alloc {order} {count} node {node}", lambda _, n=node: n)
            assert got == [node] * count
    target.ok("mm free all")


def test_a_full_node_misses(target):
    """More than the last node has: the rest is served elsewhere, a miss there and
    foreign here; on one node it ends in a refusal."""
    last = target.nodes[-1]
    got = check(target, f"mm alloc 10 80 node {last}", lambda _: last)
    assert got and got[0] == last
    if len(target.nodes) > 1:
        assert set(got) > {last}
    target.ok("mm free all")


def test_modes(target):
    last = target.nodes[-1]
    target.ok(f"mm policy bind {last}")
    assert set(check(target, "mm alloc 0 30", lambda _: last)) == {last}
    target.ok(f"mm policy preferred {last}")
    assert set(check(target, "mm alloc 2 10", lambda _: last)) == {last}
    target.ok("mm policy interleave all")
    got = check(target, "mm alloc 0 24", lambda i: target.nodes[i % len(target.nodes)], True)
    assert got == [target.nodes[i % len(target.nodes)] for i in range(24)]
    target.ok("mm policy local")
    assert set(check(target, "mm alloc 0 8", lambda _: 0)) == {0}
    target.ok("mm free all")


def test_bind_never_leaves(target):
    last = target.nodes[-1]
    target.ok(f"mm policy bind {last}")
    text, status = target.run("mm alloc 10 100")
    assert status == 1 and "no memory" in text
    assert set(placed(text)) == {last}
    target.ok("mm free all; mm policy local")


def test_limits(target):
    last = target.nodes[-1]
    assert target.ok(f"mm mems {last}").split() == ["mems", str(last), "(shell)"]
    assert set(check(target, "mm alloc 0 10", lambda _: last)) == {last}
    text, status = target.run("mm alloc 10 100")
    assert status == 1 and set(placed(text)) == {last}
    target.ok("mm free all; mm mems all")
    assert set(placed(target.ok("mm alloc 0 4"))) == {0}
    target.ok("mm free all")


@pytest.mark.parametrize("command, message", [
    ("mm policy bind 63", "there is no node 63"),
    ("mm policy preferred 64", "nodes must be a list"),
    ("mm policy interleave 0,", "nodes must be a list"),
    ("mm policy bind", "usage"),
    ("mm policy local 0", "usage"),
    ("mm policy strict 0", "usage"),
    ("mm mems 0-63", "there is no node"),
    ("mm mems 0 task", "usage"),
    ("mm mems 0 task x", "ID must be a number"),
    ("mm mems task 4000000000", "no task 4000000000"),
])
def test_bad_words(target, command, message):
    text, status = target.run(command)
    assert status in (1, 2) and message in text and text.strip().count("\n") == 0
    assert target.ok("mm policy").strip() == "policy local"
    assert target.ok("mm mems").split()[1] == views_list(target.nodes)


def views_list(nodes):
    return f"0-{nodes[-1]}" if len(nodes) > 1 else "0"


def test_what_is_held_is_counted(target):
    """pgalloc - pgfree is what somebody holds: managed less free, cached, guards
    and what was leaked, of each zone and in all."""
    def unused(zone):
        return (zone["free"] + sum(pageset["count"] for pageset in zone["pagesets"].values()) +
                int(zone["own"]["tm_guard"]) + int(zone["own"]["tm_leaked"]))

    def held():
        vm_text, zone_text = target.ok("cat /proc/vmstat; echo @@; cat /proc/zoneinfo").split(
            "@@\n")
        vm, zones = views.vmstat(vm_text), [z for z in views.zoneinfo(zone_text) if z["managed"]]
        for zone in zones:
            own = zone["own"]
            assert (int(own["tm_pages_served"]) - int(own["tm_pages_freed"]) ==
                    zone["managed"] - unused(zone))
        served = sum(count for name, count in vm.items() if name.startswith("pgalloc_"))
        assert served - vm["pgfree"] == sum(z["managed"] - unused(z) for z in zones)
        return served - vm["pgfree"]

    before = held()
    target.ok("mm alloc 0 100; mm alloc 3 10; mm alloc 9 2")
    assert held() == before + 100 + 80 + 1024
    target.ok("mm free all")
    assert held() == before
