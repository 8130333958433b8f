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
        assert re.search(rf"^ +{node}/DMA( +\d+){{5}}$", text, re.M), "no zone marks"
    assert "tm: powering off" in text
    assert "tm: exit" not in text


@pytest.mark.parametrize("variant", ["release", "test"])
@pytest.mark.parametrize("kind, words, place", [
    ("null", r"data abort: read of 0+ \(null pointer\)", "read_null"),
    ("stack", r"stack overflow of task 'shell' at SP [0-9a-f]{16}", "use_up_stack"),
    ("stack-task", r"stack overflow of task 'deep' at SP [0-9a-f]{16}", "use_up_stack"),
    ("stack-fp", r"stack overflow of task 'deep-fp' at SP [0-9a-f]{16}", "use_up_stack"),
    ("fp", r"floating point or SIMD used by task 'shell', which was created without TASK_FP$",
     "crash_fp"),
    ("text", r"data abort: write of [0-9a-f]{16}: permission", "write_text"),
    ("exec", r"instruction abort: execution of [0-9a-f]{16}: permission", "sh_run"),
    ("undefined", r"undefined instruction", "undefined_instruction"),
    ("bug", r"BUG at rtos/shell/crash\.c:\d+: one == 1 \(0x1, 0x2\)", "broken_rule")])
def test_planted_fault_is_named(kind, words, place, variant):
    text = batch(SMALL, f'run="panic {kind}" panic=-1', IMAGES[variant], timeout=20)
    assert re.search("^tm: panic: " + words, text, re.M), text[-2500:]
    assert place + "+0x" in text[text.index("backtrace:"):]
    assert "tm: powering off" in text
    if kind != "bug":
        for register in ("pc", "lr", "sp", "esr", "spsr", "x0", "x29"):
            assert re.search(rf"^(.* )?{register} +[0-9a-f]{{16}}\b", text, re.M), register


def test_panic_halts_without_argument():
    with Machine(SMALL, append='run="panic"') as machine:
        machine.expect("tm: halted", 20)
        with pytest.raises(Gone, match="nothing more"):
            machine.expect("tm: exit|tm> ", 2)


def test_reboot_starts_again():
    with Machine(SMALL) as machine:
        machine.boot()
        machine.send("reboot\r")
        assert machine.wait_end() == 0  # -no-reboot turns a reset into the end of QEMU
