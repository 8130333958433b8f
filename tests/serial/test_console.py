# SPDX-License-Identifier: Apache-2.0
"""The console as a person and as a script use it: nothing typed is lost, bad
input gets one clear line, and the prompt always comes back."""

import re

import pytest

from shapes import ANY

pytestmark = [pytest.mark.fast, pytest.mark.xdist_group("console")]
CTRL_A, CTRL_C, CTRL_E, CTRL_K, CTRL_U, CTRL_W = "\x01", "\x03", "\x05", "\x0b", "\x15", "\x17"
UP, DOWN, LEFT, HOME, END, DELETE = ("\x1b[A", "\x1b[B", "\x1b[D", "\x1b[H", "\x1b[F", "\x1b[3~")


@pytest.fixture(scope="module")
def shape():
    return ANY


@pytest.fixture(scope="module")
def variant():
    return "any"


def one_line_refusal(target, command):
    """The command fails and says why in one line."""
    text, status = target.run(command)
    assert status != 0, f"{command!r} succeeded: {text}"
    lines = [line for line in text.split("\n") if line]
    assert len(lines) == 1, f"{command!r} printed {len(lines)} lines:\n{text}"
    return lines[0]


def test_echo_and_status(target):
    text, status = target.run("echo hello world")
    assert (text.rstrip("\n"), status) == ("hello world", 0)
    assert target.run("echo a; echo b")[0].split() == ["a", "b"]
    assert target.run("nosuch; echo then")[0].split()[-1] == "then"


def test_help_names_every_command(target):
    text = target.ok("help")
    for word in ("help", "ps", "top", "free", "dmesg", "uptime", "version", "history", "mm",
                 "test", "bench", "dt", "poweroff", "reboot", "panic", "cat", "ls", "echo"):
        assert re.search(rf"^\s*{word}\b", text, re.M), f"help does not name {word}"


@pytest.mark.parametrize("command", [
    "free", "dmesg", "uptime", "version", "history", "ps", "dt /cpus", "ls /", "ls /proc",
    "ls /proc/sys/vm", "cat /proc/interrupts", "cat /proc/version",
    "cat /proc/tasks", "cat /proc/loadavg"])
def test_command_works(target, command):
    assert target.ok(command).strip()


def test_top_ends_by_a_key(target):
    target.send("top\r")
    target.expect("cpu0 ", 10)
    target.send("q")
    target.expect("tm> ", 10)
    target.typed("echo back again", "back again")
    assert "cpu0" in target.ok("top 1")


def test_fast_paste_loses_nothing(target):
    """A hundred lines at once, far more than any FIFO holds."""
    count = 100
    target.send("".join(f"echo paste-{n:04d}-{'x' * 40}\r" for n in range(count)))
    target.expect(rf"\npaste-{count - 1:04d}-x{{40}}\r*\n", 60)
    target.expect("tm> ", 10)
    seen = re.findall(r"^paste-(\d{4})-x{40}$", target.console(), re.M)
    assert seen == [f"{n:04d}" for n in range(count)]


def test_overlong_line_is_refused_whole(target):
    target.typed("echo " + "y" * 5000, "line too long .*: not run")
    assert "\nyyy" not in target.console()
    target.typed("echo fine", "fine")


def test_control_bytes_do_no_harm(target):
    noise = "".join(chr(c) for c in range(32) if c not in (10, 13)) + "\x7f\x80\xff"
    for _ in range(3):
        target.send(noise)
    target.send(CTRL_C)
    target.expect("tm> ", 10)
    target.send(CTRL_U)
    target.typed("echo alive", "alive")
    target.typed("echo still", "still")


def test_unknown_command_gets_one_line(target):
    assert "nosuchcommand" in one_line_refusal(target, "nosuchcommand a b")
    one_line_refusal(target, "./x")
    one_line_refusal(target, "\u00e9")


@pytest.mark.parametrize("command", [
    "mm alloc 11", "mm alloc -1", "mm alloc 99999999999999999999", "mm alloc zero",
    "mm free 0xffffffffffffffff", "mm free 1", "mm free notanumber", "mm hold 1 2 3",
    "mm stress -5", "mm stress 1 tasks 0", "mm nosuch", "mm", "cat", "stty raw", "echo a | b",
    "echo 'open", "echo a >", "> x", "sleep forever", "dmesg -n 99", "free x",
    "cat /nosuch", "cat /proc", "ls /nosuch",
    "echo 1 > /proc/zoneinfo", "echo 1 > /nosuch", "echo > ", "dt /nosuch", "test nosuchsuite",
    "bench nosuchbench", "cat /proc/zoneinfo > /proc/zoneinfo"])
def test_bad_arguments_get_one_line(target, command):
    text, status = target.run(command)
    lines = [line for line in text.split("\n") if line]
    assert status != 0, f"{command!r} succeeded: {text}"
    assert 1 <= len(lines) <= 12, text  # usage texts may list their words
    assert all(len(line) < 200 for line in lines)


@pytest.mark.parametrize("knob, good, bad", [
    ("min_free_kbytes", "2048", ("-1", "x", "", "99999999999999999999999")),
    ("watermark_scale_factor", "100", ("0", "3001", "-1", "ten")),
    ("lowmem_reserve_ratio", "128 128 32 0", ("x", "1 2 3 4 5 6", "-1 1 1 1")),
])
def test_knobs(target, knob, good, bad):
    path = f"/proc/sys/vm/{knob}"
    before = " ".join(target.ok(f"cat {path}").split())
    target.ok(f"echo {good} > {path}")
    assert target.ok(f"cat {path}").split() == good.split()
    for value in bad:
        one_line_refusal(target, f"echo {value} > {path}")
        assert target.ok(f"cat {path}").split() == good.split()
    target.ok(f"echo {before} > {path}")
    assert " ".join(target.ok(f"cat {path}").split()) == before
    assert target.run("mm check")[1] == 0


def test_min_free_moves_the_marks(target):
    import formulas
    import views
    before = target.ok("cat /proc/sys/vm/min_free_kbytes").strip()
    target.ok("echo 4096 > /proc/sys/vm/min_free_kbytes")
    zones = views.zoneinfo(target.ok("cat /proc/zoneinfo"))
    for zone in zones:
        assert (zone["min"], zone["low"], zone["high"]) == formulas.marks(zone, zones, 4096)
    target.ok(f"echo {before} > /proc/sys/vm/min_free_kbytes")


@pytest.mark.parametrize("keys, answer", [
    ("echo wrong" + CTRL_U + "echo right", "right"),
    ("cho abc" + CTRL_A + "e" + CTRL_E + "d", "abcd"),
    ("echo one two" + CTRL_W + "three", "one three"),
    ("echo abXc" + LEFT + LEFT + DELETE, "abc"),
    ("echo gone" + HOME + CTRL_K + "echo kept" + END + "!", "kept!"),
    ("echo xy\x7fz", "xz"),
    ("echo ac" + LEFT + "b", "abc"),
])
def test_line_editing(target, keys, answer):
    target.typed(keys, answer)


def test_history(target):
    target.typed("echo first-entry", "first-entry")
    target.typed("echo second-entry", "second-entry")
    history = target.ok("history")
    assert "echo first-entry" in history and "echo second-entry" in history
    target.typed("echo marker", "marker")
    target.typed(UP + UP + DOWN, "marker")
    target.typed(UP + "-again", "marker-again")


def test_completion(target):
    target.typed("upti\t", r"up \d+:.*")
    target.typed("cat /proc/sys/vm/watermark_sc\t", r"\d+")


def test_ctrl_c_drops_the_line(target):
    target.send("echo never-printed" + CTRL_C)
    target.expect("tm> ")
    target.typed("echo after", "after")
    assert not re.search(r"^never-printed", target.console(), re.M)


def test_ctrl_c_stops_a_command(target):
    target.send("sleep 3600\r")
    target.expect("sleep 3600\r*\n")
    target.send(CTRL_C)
    target.expect("tm> ", 5)
    target.typed("echo status $?", "status 130")


def test_ctrl_c_stops_the_self_tests(target):
    target.send("test\r")
    target.expect("ok 1 ", 20)
    target.send(CTRL_C)
    target.expect("Bail out! stopped by Ctrl-C\r*\n", 20)
    target.expect("tm> ", 5)
    target.typed("echo status $?", "status 130")


def test_alloc_and_free_by_hand(target):
    target.ok("mm drain")
    before = target.ok("cat /proc/buddyinfo")
    text = target.ok("mm alloc 3")
    block = re.search(r"0x[0-9a-f]+", text)
    assert block, text
    assert target.ok("cat /proc/buddyinfo") != before
    target.ok(f"mm free {block.group(0)}")
    target.ok("mm drain")
    assert target.ok("cat /proc/buddyinfo") == before
    one_line_refusal(target, f"mm free {block.group(0)}")  # not held any more
    assert "0 blocks held" in target.ok("mm hold")
