# SPDX-License-Identifier: Apache-2.0
"""What the console says when the kernel stops: the reason, registers, symbols,
the task and the zones. Each case ends its machine, so each boots its own."""

import re

import pytest

from machine import IMAGES, Gone, Machine, batch
from shapes import NUMA2, SMALL

SYMBOL = r"[a-z_]\w*\+0x[0-9a-f]+"


@pytest.mark.fast
def test_panic_command():
    text = batch(NUMA2, 'run="panic on purpose" panic=-1', timeout=20)
    assert "tm: panic: asked for on the console: on purpose" in text
    assert re.search(r"^CPU \d+, task \d+ 'shell' prio \d+, up \d+\.\d{6} s$", text, re.M)
    assert len(re.findall(SYMBOL, text[text.index("backtrace:"):])) >= 3, text
    for node in (0, 1):
        assert re.search(rf"\b[Nn]ode {node}\b.*\bDMA\b", text), "no zone marks"
    assert "tm: powering off" in text
    assert "tm: exit" not in text


@pytest.mark.parametrize("variant", ["release", "test"])
@pytest.mark.parametrize("kind, words", [
    ("null", r"translation|null|abort"), ("stack", r"stack overflow"),
    ("text", r"permission|read.only|write"), ("exec", r"permission|execut|instruction abort"),
    ("undefined", r"undefined|unknown"), ("bug", r"BUG at ")])
def test_planted_fault_is_named(kind, words, variant):
    text = batch(SMALL, f'run="panic {kind}" panic=-1', IMAGES[variant], timeout=20)
    assert re.search(words, text), text[-2500:]
    if kind != "bug":
        assert re.search(r"\bx0\b|\bx00\b", text), "no register dump:\n" + text[-2500:]
        assert re.search(r"\besr\b", text, re.I)
    assert re.search(SYMBOL, text), text[-2500:]


def test_panic_halts_without_argument():
    with Machine(SMALL, append='run="panic"') as machine:
        machine.expect("tm: halted", 20)
        with pytest.raises(Gone, match="nothing more"):
            machine.expect("tm: exit|tm> ", 2)


def test_reboot_starts_again():
    with Machine(SMALL) as machine:
        machine.boot()
        machine.send("reboot\r")
        machine.wait_end()  # -no-reboot turns a reset into the end of QEMU
