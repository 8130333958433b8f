# SPDX-License-Identifier: Apache-2.0
"""Bounded sections: the suite `latency` asserts them inside the Image, in
instructions where one CPU counts them exactly; here it runs in the builds with
the meter, and /proc/tm_latency keeps the form that scripts rely on."""

import re

import pytest

from machine import IMAGES, Shape, batch, run_commands
from shapes import SMALL

ONE = Shape("latency", 128, 1, machine="gic-version=3,dtb-randomness=off")
LINE = re.compile(r"(?:boot-)?(masked|preempt-off|lock-[\w-]+) (\d+) \S+ \S+ (\d+) \S+ \S+ \d+ .+")


@pytest.mark.parametrize("variant", ["meter", "test"])
def test_bounded_sections(variant):
    text = batch(ONE, "test=latency", IMAGES[variant], exact=True, timeout=120)
    assert "ok 3 masked\n" in text and "not ok" not in text, text[-3000:]


def test_view():
    text, status = run_commands(SMALL, "cat /proc/tm_latency", image=IMAGES["test"], exact=True)
    assert status == 0
    view = text[text.index("unit instructions"):].split("\n")
    assert view[1] == "kind worst from to steps from to cpu task"
    kinds = [LINE.fullmatch(line) for line in view[2:view.index("tm: exit 0") - 1]]
    assert all(kinds), view
    found = {match[1]: int(match[2]) for match in kinds if not match[0].startswith("boot-")}
    assert found["masked"] > 0 and found["lock-sched"] > 0 and found["preempt-off"] > 0
    assert re.fullmatch(r"tm_lock_order [0-9a-f]{16}", view[view.index("tm: exit 0") - 1])


def test_reset_and_refusal():
    commands = ("echo 0 > /proc/tm_latency; echo $?; echo 1 > /proc/tm_latency; "
                "echo x > /proc/tm_latency")
    text, status = run_commands(SMALL, commands, image=IMAGES["test"])
    assert status == 1 and "\n0\n" in text
    assert "/proc/tm_latency: '1': value out of range" in text
    assert "/proc/tm_latency: 'x': value not understood" in text


def test_release_says_that_it_has_none():
    text, status = run_commands(SMALL, "cat /proc/tm_latency")
    assert status == 0 and "not built in" in text
