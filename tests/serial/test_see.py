# SPDX-License-Identifier: Apache-2.0
"""Seeing why, as a person types it: journeys, owners, injected failures and the
trace on a release, and what a test build says when a rule was broken."""

import re

import pytest

from machine import IMAGES, Machine, batch
from shapes import SMALL

SYMBOL = r"[a-z_]\w*\+0x[0-9a-f]+"
FAULTS = "/sys/kernel/debug/fail_page_alloc"


@pytest.fixture(scope="module")
def watched():
    with Machine(SMALL, append="page_owner=on", deadline=120) as machine:
        machine.boot()
        yield machine


def test_explain_tells_zone_and_numbers(watched):
    watched.run("mm alloc 10 256 nowait")
    text = watched.ok("mm explain 1")
    zoneinfo = watched.ok("cat /proc/zoneinfo")
    watched.ok("mm free all")
    assert re.search(r"^#\d+ at \d+\.\d{6}: task \d+ shell, priority 8, CPU \d, band 2$",
                     text, re.M), text
    assert re.search(rf"^  by {SYMBOL}$", text, re.M), text
    assert "failed: it may not wait for reclaim" in text
    marks = re.findall(r"node 0 DMA +free \d+.*, mark (\d+) \+ reserve 0: ", text)
    floors = re.search(r"Node 0, zone +DMA\n.*?tm_floor +\(([\d, ]+)\)", zoneinfo, re.S)
    assert marks and set(marks) == {floors.group(1).split(", ")[2]}, text


def test_explain_can_be_switched_off(watched):
    watched.ok("mm explain off")
    assert "switched off" in watched.ok("mm explain 1")
    watched.ok("mm explain on")
    assert "switched off" not in watched.ok("mm explain 1")
    assert watched.run("mm explain 0")[1] == 2
    assert watched.run("mm explain 1 2")[1] == 2


def test_owner_counts_what_is_held(watched):
    def pages_of_shell():
        found = re.search(r"^ +(\d+) +\d+  shell +mm_alloc\+", watched.ok("mm owner"), re.M)
        return int(found.group(1)) if found else 0

    before = pages_of_shell()
    held = watched.ok("mm alloc 3 2")
    assert pages_of_shell() == before + 16
    pfn = int(re.search(r"pfn (\d+)", held).group(1))
    text = watched.ok(f"mm owner {pfn + 5}")
    assert re.search(r"of the block of order 3 at 0x[0-9a-f]+: held$", text, re.M), text
    assert re.search(r"last allocated by task \d+ shell at [\d.]+ s, mm_alloc\+0x", text)
    assert re.search(rf"^Page allocated via order 3, mask 0x[0-9a-f]+\(.*\), pid \d+, tgid \d+ "
                     rf"\(shell\), ts \d+ ns, free_ts \d+ ns\nPFN {pfn} type \w+ Block "
                     rf"{pfn >> 9} type \w+ Flags 0x[0-9a-f]+\n {SYMBOL}$",
                     watched.ok("cat /sys/kernel/mm/page_owner"), re.M)
    watched.ok("mm free all")
    assert pages_of_shell() == before
    assert "last freed by task" in watched.ok(f"mm owner {pfn}")
    assert watched.run("mm owner 1")[1] == 1


def test_faults_by_file_and_by_command(watched):
    assert watched.ok(f"cat {FAULTS}/probability") == "0"
    watched.ok("mm fault min-order 5 times 2 ignore-gfp-wait N probability 100")
    assert watched.ok(f"cat {FAULTS}/times") == "2"
    for _ in range(2):
        text, status = watched.run("mm alloc 5")
        assert status == 1 and "no memory" in text
    watched.ok("mm alloc 5")
    assert watched.ok(f"cat {FAULTS}/tm_count") == "2"
    watched.ok(f"echo 0 > {FAULTS}/probability")
    assert "injected by fail_page_alloc" in watched.ok("mm explain 3")
    for words in ("probability 101", "interval 0", "times x", "tm_count 3", "nosuch 1", "times"):
        assert watched.run("mm fault " + words)[1] == 2, words
    watched.ok("mm free all")


def test_trace(watched):
    watched.ok("mm trace on")
    held = watched.ok("mm alloc 2")
    watched.ok("mm free all")
    watched.ok("mm trace off")
    text = watched.ok("mm trace show 500")
    pfn = int(re.search(r"pfn (\d+)", held).group(1))
    assert re.search(rf"^ +shell-\d+ +\[\d{{3}}\] \.\.\.\.\. +\d+\.\d{{6}}: mm_page_alloc: "
                     rf"page=[0-9a-f]+ pfn={pfn:#x} order=2 migratetype=0 gfp_flags=\S+$",
                     text, re.M), text
    assert re.search(rf"mm_page_free: page=[0-9a-f]+ pfn={pfn:#x} order=2$", text, re.M)
    assert watched.run("mm trace maybe")[1] == 2


@pytest.mark.parametrize("value, ok", [
    ("1,10,0,-1", True), ("1,101,0,1", False), ("0,1,0,1", False), ("1,2,3", False)])
def test_boot_argument(value, ok):
    text = batch(SMALL, f'fail_page_alloc={value} run="cat {FAULTS}/probability"', timeout=20)
    assert ("boot argument" in text) == (not ok)
    assert ("\n10\n" in text) == ok


@pytest.mark.parametrize("fault, why", [
    ("free-twice", r"free of frame 0x[0-9a-f]+, order 0: a double free"),
    ("after-free", r"frame 0x[0-9a-f]+ was written after it was freed: 5a5a at byte 0")])
def test_broken_rule_tells_the_history(fault, why):
    text = batch(SMALL, f'run="panic {fault}" panic=-1', IMAGES["test"], timeout=20)
    assert re.search("^tm: panic: " + why, text, re.M), text[-2500:]
    assert re.search(r"last allocated by task \d+ shell at [\d.]+ s, \w+\+0x", text)
    assert re.search(r"last freed by task \d+ shell at [\d.]+ s, \w+\+0x", text)


@pytest.mark.parametrize("variant", ["release", "test"])
def test_guard_page(variant):
    text = batch(SMALL, 'debug_guardpage_minorder=2 run="mm check; panic guard" panic=-1',
                 IMAGES[variant], timeout=30)
    assert "mm check: 0 violations" in text
    assert re.search(r"^tm: panic: data abort: write of [0-9a-f]{16}: not mapped, level 3: guard "
                     r"page, frame 0x[0-9a-f]+ of order 0, beside the block at frame 0x[0-9a-f]+$",
                     text, re.M), text[-2500:]


def test_guards_come_back_under_load():
    text = batch(SMALL, 'debug_guardpage_minorder=3 run="mm stress 2 seed 5; mm check"', timeout=60)
    assert "all home" in text and "mm check: 0 violations" in text
    assert "tm: exit 0" in text


def test_stress_with_failures_from_the_boot_line():
    """Requests of order 1 and more that cannot wait fail from the start, by rule."""
    text = batch(SMALL, 'fail_page_alloc=1,50,0,-1 run="mm stress 1 seed 5; mm check"', timeout=60)
    found = re.search(r"(\d+) blocks served, (\d+) refused, 0 damaged", text)
    assert found and all(int(n) for n in found.groups()), text
    assert ": all home" in text and "tm: exit 0" in text, text
