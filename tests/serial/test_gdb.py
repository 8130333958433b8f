# SPDX-License-Identifier: Apache-2.0
"""What docs/boards.md says of the debugger: `make gdb`'s script on QEMU's stub,
from the first instruction, at a breakpoint, and on a machine at its prompt."""

import os
import re
import subprocess

import pytest

from machine import IMAGES, Machine
from shapes import SMALL

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
ELF = os.path.join(os.path.dirname(IMAGES["release"]), "kernel.elf")
LINKED_AT = 0xFFFF800000000000


@pytest.fixture
def stub(tmp_path):
    """QEMU's words for a stub that listens, and where."""
    where = f"{tmp_path}/gdb"
    return ["-gdb", f"unix:{where},server=on,wait=off"], where


def gdb(where, *commands):
    """What gdb prints, typed as somebody would; the machine goes on afterwards."""
    done = subprocess.run(
        ["gdb-multiarch", "-nx", "-q", ELF, "-x", f"{ROOT}/tools/gdb/tidemark.gdb",
         "-ex", f"target extended-remote {where}"],
        input="\n".join(commands + ("detach", "quit")) + "\n", stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=60, check=True)
    return done.stdout


def test_from_the_first_instruction(stub):
    """By the physical address first, then by name once the MMU is on."""
    words, where = stub
    with Machine(SMALL, args=["-kernel", IMAGES["release"], "-S", *words]) as machine:
        text = gdb(where, f"add-symbol-file {ELF} -o 0x40200000-{LINKED_AT:#x}",
                   "hbreak *0x40200000", "continue", "info symbol $pc", "hbreak kernel_main",
                   "continue", "bt", "info threads")
        assert re.search(r"_image_start\w* in section", text), text
        assert re.search(r"Breakpoint [\d.]+, kernel_main \(fdt=", text), text
        assert re.search(r"#1 .* in arm64_start \(", text), text
        machine.boot()


def test_tasks_of_a_machine_at_its_prompt(stub):
    words, where = stub
    with Machine(SMALL, args=["-kernel", IMAGES["release"], *words]) as machine:
        machine.boot()
        shell = re.search(r"^ *(\d+) shell ", machine.ok("ps"), re.M)[1]
        text = gdb(where, "tasks", f"task-bt {shell}", "task-bt 4711")
        assert re.search(rf"^ *{shell} shell +8 +0 TASK_BLOCKED$", text, re.M), text
        calls = re.findall(r"^(?:\(gdb\) )?0x[0-9a-f]{16} <(\w+)\+\d+>$", text, re.M)
        assert "console_read" in calls and "shell_main" in calls, text
        assert calls.index("console_read") < calls.index("shell_main")
        assert "No task has that number" in text
        assert machine.run("mm check")[1] == 0  # it goes on as if nothing had been
