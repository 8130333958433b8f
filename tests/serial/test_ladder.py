# SPDX-License-Identifier: Apache-2.0
"""The ladder of floors as docs/ladder.md tells it: what `mm ladder` prints against
the formulas, tasks of every band that stop at their floors, and a flood against
an urgent task, each started with the ladder and without."""

import re

import pytest

import formulas
from machine import IMAGES, batch, run_commands
from shapes import ANY, NUMA2

pytestmark = [pytest.mark.fast, pytest.mark.board]
ZONE = re.compile(r"Node (\d+), zone (\w+): min (\d+) low (\d+) high (\d+) boost (\d+), "
                  r"usable (\d+) of (\d+) free\r?\nband .*\r?\n((?: +\d+  .*\r?\n){9})")
BAND = re.compile(r" +(\d+)  (.{20}) +(\d+) +(\d+)  (.*?)\r?$", re.M)


def ladders(text):
    """[(min, low, boost, usable, [(band, who, floor, left, linux)])] of each zone."""
    found = []
    for match in ZONE.finditer(text):
        numbers = [int(match.group(i)) for i in range(3, 9)]
        bands = [(int(b), who.strip(), int(floor), int(left), linux)
                 for b, who, floor, left, linux in BAND.findall(match.group(9))]
        found.append((numbers[0], numbers[1], numbers[3], numbers[4], bands))
    return found


@pytest.mark.parametrize("shape", [ANY, NUMA2], ids=lambda shape: shape.name)
def test_view_against_formulas(shape):
    text, status = run_commands(shape, "mm ladder")
    zones = ladders(text)
    assert status == 0 and zones, text
    assert "priorities: 0-3 band 0, 4-7 band 1, 8-15 band 2, 16-19 band 3, 20-25 band 4, " \
        "26-31 band 6" in text
    for low_mark, low, boost, usable, bands in zones:
        want = formulas.floors(low_mark, low, boost)
        assert [b[0] for b in bands] == list(range(9))
        assert [b[2] for b in bands] == want
        assert [b[3] for b in bands] == [usable - want[0]] + [
            above - floor for above, floor in zip(want, want[1:])]
        assert bands[2][4] == "ALLOC_WMARK_MIN" and bands[8][4] == "ALLOC_NO_WATERMARKS"


def test_view_without_ladder():
    text, status = run_commands(ANY, "mm ladder", append="ladder=off")
    assert status == 0 and "ladder=off: two levels" in text, text
    low_mark, _, _, _, bands = ladders(text)[0]
    assert [b[2] for b in bands[:4]] == [low_mark] * 4
    assert "priorities: 0-31 band 2" in text


def test_bands_are_moved():
    text, _ = run_commands(ANY, "mm ladder", append="bands=0,8,8,31,32")
    assert "priorities: 0-7 band 1, 8-30 band 3, 31-31 band 4" in text, text


def stops(append):
    """{who: (stop, floor)} of the smallest zone, as the suite prints them."""
    text = batch(ANY, "test=ladder " + append, IMAGES["test"])
    found = re.findall(r"# (\S+) stops at (\d+) in \w+: floor (\d+) of band", text)
    assert "tm: exit 0" in text and len(found) == 8, text
    return {who: (int(stop), int(floor)) for who, stop, floor in found}


def test_each_band_stops_at_its_floor():
    on, off = stops(""), stops("ladder=off")
    order = ["background", "batch", "ordinary", "urgent", "real-time", "atomic", "critical",
             "interrupt"]
    assert all(stop == floor for stop, floor in on.values())
    assert [on[who][0] for who in order] == sorted((s for s, _ in on.values()), reverse=True)
    assert len({stop for stop, _ in on.values()}) == 8
    # Without it, five priorities end at the same mark, and two rights below it.
    assert len({off[who][0] for who in order[:5]}) == 1
    assert len({stop for stop, _ in off.values()}) == 2


def flood(append):
    """How often the urgent task failed, and entered the slow path."""
    text, status = run_commands(ANY, "mm flood 1; mm check", append=append)
    match = re.search(r"urgent task failed (\d+) times and entered the slow path (\d+) times", text)
    assert status == 0 and match and "all home" in text, text
    return int(match.group(1)), int(match.group(2))


def test_a_flood_does_not_reach_the_urgent():
    assert flood("") == (0, 0)


def test_without_ladder_it_does():
    assert flood("ladder=off")[1] > 0
