# SPDX-License-Identifier: Apache-2.0
"""Boot arguments: each unknown or malformed one gets exactly one warning, the
machine boots all the same, and run= reports a status for scripts."""

import re

import pytest

from machine import run_commands
from shapes import NUMA2, SMALL

pytestmark = pytest.mark.fast

REFUSED = re.compile(r"(unknown, ignored|(malformed|out of range), ignored; it takes .+)$")


def warnings_about(text, argument):
    return [line for line in text.split("\n")
            if "boot argument " + argument + ":" in line and REFUSED.search(line)]


@pytest.mark.parametrize("argument", [
    "nosuchthing", "nosuch=1", "mem=", "mem=x", "mem=99999999999999999999", "numa=perhaps",
    "numa=fake=0", "numa=fake=x", "numa=fake=65", "kernelcore=lots", "movablecore=-1", "cma=0x",
    "min_free_kbytes=abc", "watermark_scale_factor=0", "watermark_scale_factor=3001",
    "lowmem_reserve_ratio=a,b", "bands=1,2", "bands=9,8,9,9,9", "bands=4,8,16,20,33",
    "ladder=maybe", "zonelist_order=best", "loglevel=99", "panic=soon",
    "watchdog=", "watchdog=x", "watchdog=3601", "watchdog=5,reboot", "watchdog=,panic"])
def test_bad_argument_warns_once(argument):
    text, status = run_commands(SMALL, "mm check", append=argument)
    assert status == 0
    assert len(warnings_about(text, argument)) == 1, text


def test_all_wrong_at_once_and_again():
    """Every argument of the memory side, empty, huge, negative and repeated: a
    warning each that says what it takes, and the machine as with none."""
    names = ["mem", "numa", "kernelcore", "movablecore", "cma", "min_free_kbytes",
             "watermark_scale_factor", "lowmem_reserve_ratio", "page_owner", "fail_page_alloc",
             "debug_guardpage_minorder", "bands", "ladder", "zonelist_order"]
    given = [f"{name}={value}" for name in names
             for value in ("", "-1", "99999999999999999999", "purple", "1,2,3,4,5,6")]
    given += names + ["fail_page_alloc=0,1,0,1", "fail_page_alloc=1,101,0,1",
                      "fail_page_alloc=1,1,0", "debug_guardpage_minorder=6"]
    commands = "cat /proc/sys/vm/min_free_kbytes; cat /proc/sys/vm/lowmem_reserve_ratio; mm check"
    text, status = run_commands(SMALL, commands, append=" ".join(given))
    plain, _ = run_commands(SMALL, commands)
    assert status == 0
    for argument in given:
        assert len(warnings_about(text, argument)) == 1, argument
    values = re.compile(r"^\d+(?:\t\d+)*$", re.M)
    assert values.findall(text) == values.findall(plain) != []


def test_good_arguments_are_silent():
    append = ("kernelcore=512M cma=32M min_free_kbytes=4096 watermark_scale_factor=20 "
              "zonelist_order=node loglevel=6 panic=-1 watchdog=10,panic")
    text, status = run_commands(NUMA2, "cat /proc/cmdline", append=append)
    assert status == 0
    assert "ignored" not in text, text
    assert append in text


def test_odd_arguments_do_no_harm():
    text, status = run_commands(SMALL, "echo ok", append="= == =x " + "a" * 300)
    assert status == 0, text
    assert "\nok\n" in text


@pytest.mark.parametrize("commands, status", [
    ("echo hi", 0), ("nosuch", 127), ("echo hi; nosuch", 127), ("nosuch; echo hi", 0)])
def test_run_reports_the_last_status(commands, status):
    text, found = run_commands(SMALL, commands)
    assert (found == 0) == (status == 0), text


def test_log_level_quiets_the_console():
    loud, _ = run_commands(SMALL, "echo x", append="loglevel=8")
    quiet, _ = run_commands(SMALL, "echo x", append="loglevel=0")
    assert len(quiet) < len(loud)
    assert "\nx\n" in quiet
