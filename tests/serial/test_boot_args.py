# SPDX-License-Identifier: Apache-2.0
"""Boot arguments: each unknown or malformed one gets exactly one warning, the
machine boots all the same, and run= reports a status for scripts."""

import re

import pytest

from machine import run_commands
from shapes import NUMA2, SMALL

pytestmark = pytest.mark.fast


def warnings_about(text, argument):
    return [line for line in text.split("\n") if "boot argument " + argument + ":" in line
            and re.search(r"(unknown|malformed|out of range), ignored$", line)]


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
