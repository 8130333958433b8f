# SPDX-License-Identifier: Apache-2.0
"""CPUs that firmware keeps in a pen until a word says where to go: two at one
word, and words where the tree should not have put them. Each CPU comes up, or
is named with the reason, and nothing else is overwritten."""

import os
import re
import subprocess

import pytest

from loader import FOLDER, IMAGE_AT, SHIM_AT, assembled, loader_args
from machine import Shape, batch

HERE = os.path.dirname(os.path.abspath(__file__))
PEN_AT = SHIM_AT + 0x10000
SHAPE = Shape("spin-table", 512, 3)


def boot(name, change=()):
    """What is said on dts/spin-table.dts after this fdtput command, the pen in front."""
    os.makedirs(FOLDER, exist_ok=True)
    blob = f"{FOLDER}/spin-table-{name}-{os.getpid()}.dtb"
    subprocess.run(["dtc", "-q", "-O", "dtb", "-o", blob, f"{HERE}/../../dts/spin-table.dts"],
                   check=True)
    if change:
        kind, *words = change
        subprocess.run(["fdtput", "-t", kind, blob, *words], check=True)
    subprocess.run(["fdtput", "-t", "s", blob, "/chosen", "bootargs",
                    'panic=-1 run="cpu; cpu off 1; mm check"'], check=True)
    pen = assembled(HERE + "/pen.S")
    args = ["-device", f"loader,file={pen},addr={PEN_AT:#x},force-raw=on",
            "-device", f"loader,addr={PEN_AT:#x},cpu-num=0"]
    text = batch(SHAPE, "", args=loader_args(blob) + args)
    assert "mm check: 0 violations" in text, text[-3000:]
    return text


def online(text):
    return [int(cpu) for cpu in re.findall(r"^cpu(\d+) +on ", text, re.M)]


def test_two_cpus_at_one_word():
    """Let go together, taken one after the other; they cannot be switched off again."""
    text = boot("shared")
    assert online(text) == [0, 1, 2]
    assert "did not come up" not in text
    assert "cpu: cpu1: not supported: the device tree names no way to switch it" in text


RELEASE = "cpu-release-addr"
IN_USE = "is in memory that the tree does not reserve: left alone"


@pytest.mark.parametrize("at, message", [
    pytest.param(IMAGE_AT + 0x1000, IN_USE, id="code"),
    pytest.param(IMAGE_AT + 0xa0000, IN_USE, id="bss"),
    pytest.param(0x50000000, IN_USE, id="free-memory"),
    pytest.param(PEN_AT + 0xffc, "is no place for a word", id="odd"),
    pytest.param(1 << 60, "is no place for a word", id="beyond-addresses"),
    pytest.param(0x70000000, f"nothing answers at {RELEASE} 0x70000000", id="nobody")])
def test_word_at_the_wrong_place(at, message):
    words = ("x", "/cpus/cpu@2", RELEASE, f"{at >> 32:x}", f"{at & 0xffffffff:x}")
    text = boot(f"at-{at:x}", words)
    assert message in text
    # The word of the other lets this one go, too; it may be in time.
    assert online(text)[:2] == [0, 1]
