# SPDX-License-Identifier: Apache-2.0
"""The serial back end: against scripted boards for every way of going wrong, and
against QEMU's UART on a pty, as if it were a board, for the proof that the same
tests run there."""

import contextlib
import os
import re
import shlex
import socket
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as xml

import pytest

import board as serial_board
import machine
import scripted
import transcript
import views
from board import Board, EchoLost, Garbled, LineLost, NoAnswer, Panicked, PowerFailed, Rebooted
from firmware import NotBooted, to_prompt
from machine import BUILD, IMAGES, Shape
from qemu import COMMON, QEMU, die_with_parent
from rig import Rig
from scripted import KERNEL, UBOOT, Scripted
from shapes import ANY, DISTANCE_20, NUMA2, TWO_NODES

HERE = os.path.dirname(os.path.abspath(__file__))
LOOP = Shape("loop", 2048, 4, TWO_NODES, DISTANCE_20)


@pytest.fixture
def quick(monkeypatch):
    """Scripts echo at once, so waiting for an echo that is lost may be short."""
    monkeypatch.setattr(serial_board, "ECHO_WAIT", 0.5)


def board_on(script, **how):
    how.setdefault("wait", 4)
    how.setdefault("power", script.power)
    return Board("scripted", script.port, **how)


def started(script, **how):
    board = board_on(script, **how)
    board.restart()
    return board


# ---- past the firmware ------------------------------------------------------------


@pytest.mark.parametrize("firmware, bootcmd, typed", [
    (Scripted.kernel, "", []),
    (Scripted.uboot, "", []),
    (Scripted.uboot, "run tidemark", ["run tidemark"]),
    (Scripted.uboot, "setenv a b\nrun tidemark", ["setenv a b", "run tidemark"]),
    (Scripted.uboot_prompt, "", ["boot"]),
    (Scripted.uboot_prompt, "run tidemark", ["run tidemark"]),
    (lambda script: script.uboot_prompt("ZynqMP> "), "run tidemark", ["run tidemark"]),
    (lambda script: script.uboot_prompt("Marvell>> "), "", ["boot"])])
def test_comes_up(tmp_path, firmware, bootcmd, typed):
    with Scripted(tmp_path, firmware) as script:
        board = started(script, bootcmd=bootcmd)
        assert script.typed[:len(typed)] == typed
        assert board.ok("echo hello") == "hello"
        assert board.facts == {"variant": "test", "cpus": 1, "nodes": 1, "mib": 250}
        assert board.lacks(ANY, "test") is None
        assert "needs the release build" in board.lacks(ANY, "release")
        assert "needs 2 nodes" in board.lacks(Shape("n", 128, 1, TWO_NODES), "any")
        board.close()


def test_command_that_does_not_boot(tmp_path):
    with Scripted(tmp_path, Scripted.uboot) as script:
        with pytest.raises(NotBooted, match="back at its prompt after 'nonsense'"):
            started(script, bootcmd="nonsense")


def no_countdown(script):
    script.say(UBOOT)
    script.kernel()


def test_another_kernel_is_not_taken_for_the_one_asked_for(tmp_path):
    with Scripted(tmp_path, no_countdown) as script:
        with pytest.raises(NotBooted, match="booted by itself, before 'run tidemark' could"):
            started(script, bootcmd="run tidemark")


def test_reset_without_power_command(tmp_path):
    """By `reboot` at our prompt, by `reset` at U-Boot's, else somebody is asked."""
    asked = []
    with Scripted(tmp_path) as script:
        def press(text):
            asked.append(text)
            os.system(script.power)

        board = started(script, power="", tell=press)
        assert "please reset the board now" in asked[0]
        board.restart()
        assert len(asked) == 1 and "reboot" in script.typed
        script.firmware = Scripted.uboot_prompt  # until then it counted down
        board.send("reboot\r")
        board.restart()
        assert len(asked) == 1 and script.typed.count("reset") == 1
        board.close()


# ---- nothing, or nonsense ------------------------------------------------------------


def other_system(script):
    script.say("Welcome to Another System 3.1\r\nlogin: ")


def kernel_stops(script):
    """In pieces, as they come from a slow line."""
    script.say("[    0.001763] Tidemark 0.1\r\ntm: panic: no mem")
    time.sleep(0.2)
    script.say("ory node\r\n")


def reset_loop(script):
    while not script.off():
        script.say(UBOOT + "Hit any key to stop autoboot:  0 \r\n" + KERNEL + "reset\r\n")
        time.sleep(0.1)


def flood(script):
    """Text without end, faster than any UART."""
    while not script.off():
        with contextlib.suppress(BlockingIOError):
            script.near.send(b"the quick brown fox jumps over the lazy dog\r\n" * 20,
                             socket.MSG_DONTWAIT)
        time.sleep(0.001)


@pytest.mark.parametrize("firmware, kind, words", [
    (Scripted.silence, NoAnswer, "nothing at all"),
    (other_system, NotBooted, "| login: "),
    (kernel_stops, NotBooted, "the kernel stopped: tm: panic: no memory node\n"),
    (reset_loop, NotBooted, "it starts over and over; each time it comes to the kernel"),
    (flood, NotBooted, "no prompt of ours within 2 s")])
def test_does_not_come_up(tmp_path, firmware, kind, words):
    with Scripted(tmp_path, firmware) as script:
        begun = time.monotonic()
        with pytest.raises(kind) as error:
            started(script, wait=2)
        assert words in str(error.value) and script.port in str(error.value)
        assert time.monotonic() - begun < 8


def test_wrong_rate(tmp_path):
    with Scripted(tmp_path) as script:
        script.wire.rate_wrong = True
        with pytest.raises(Garbled, match="is 9600 baud right"):
            started(script, wait=2, baud=9600)


def test_is_started_again_by_power(tmp_path):
    """The second time it comes up; one that never does is given up."""
    def slow_starter(script):
        if script.starts > 1:
            script.kernel()

    told = []
    with Scripted(tmp_path, slow_starter) as script:
        board = started(script, wait=1, starts=3, tell=told.append)
        assert script.starts == 2 and "nothing at all" in told[0]
        script.firmware = Scripted.silence
        with pytest.raises(NoAnswer, match="no prompt of ours within 1 s"):
            board.restart()
        assert script.starts == 5
        board.close()


def test_a_prompt_like_ours(tmp_path, monkeypatch):
    monkeypatch.setitem(scripted.ANSWERS, "version", "Tidemark, but another one")
    with Scripted(tmp_path) as script:
        with pytest.raises(NoAnswer, match="`version` does not say what our kernel says"):
            started(script)


# ---- typing --------------------------------------------------------------------------


def test_lines_are_paced_for_a_small_fifo(tmp_path, quick):
    """8 bytes, looked at each 5 ms: a paste loses most, a typed line nothing."""
    with Scripted(tmp_path, fifo=8) as script:
        board = started(script)
        text = "".join(f"{n:03d}," for n in range(80))
        assert board.ok("echo " + text) == text
        board.send("echo " + text + "\r")
        with pytest.raises(NoAnswer):
            board.expect(r"079,\r\ntm> ", 1)
        board.close()


def test_lost_bytes_are_typed_again(tmp_path, quick):
    with Scripted(tmp_path) as script:
        board = started(script)
        script.wire.drop = 61
        for n in range(12):
            assert board.ok(f"echo line-{n}-of-some-length") == f"line-{n}-of-some-length"
        assert script.wire.lost > 4
        script.wire.drop = 3
        with pytest.raises(EchoLost, match="typed 3 times, never echoed: 'echo hopeless'"):
            board.ok("echo hopeless")
        board.close()


def test_slow_line(tmp_path):
    with Scripted(tmp_path) as script:
        script.wire.delay = 0.05
        board = started(script, wait=10)
        assert board.ok("echo slow but sure") == "slow but sure"
        board.close()


# ---- in the middle of a test -----------------------------------------------------------


@pytest.mark.parametrize("said, kind, words", [
    (r"and then", NoAnswer, r"\| and then"),
    (r"\r\nU-Boot 2023.01", Rebooted, "the board started again while waiting"),
    (r"\r\nNOTICE:  BL31: v2.8", Rebooted, "the board started again"),
    (r"Type help for the commands", Rebooted, "the board started again"),
    (r"\r\ntm: panic: BUG_ON(1)\r\nCPU 0: x0 1", Panicked,
     r"stopped while .*: tm: panic: BUG_ON\(1\)\n(.*\n)*  \| CPU 0: x0 1"),
    (r"\xff\xfe\x80\x81\x00\x00\x91" * 6, Garbled, "what comes is no text")])
def test_named_and_recovered_from(tmp_path, said, kind, words):
    with Scripted(tmp_path) as script:
        board = started(script)
        with pytest.raises(kind, match=words):
            board.output("say " + said, timeout=1)
        board.ready()  # by power
        assert script.starts == 2 and board.ok("echo back") == "back"
        board.close()


def test_what_a_test_leaves_behind(tmp_path):
    with Scripted(tmp_path) as script:
        board = started(script)
        board.send("echo half a li")
        board.ready()
        assert script.starts == 1 and board.ok("echo whole") == "whole"
        board.close()


def test_cable_pulled_and_put_back(tmp_path, monkeypatch):
    monkeypatch.setattr(serial_board, "REPLUG_WAIT", 0.5)
    with Scripted(tmp_path) as script:
        board = started(script)
        board.ok("echo before")
        script.wire.pull()
        with pytest.raises(LineLost, match=r"vanished|no more bytes") as error:
            board.ok("echo after")
        assert "| before" in str(error.value)
        with pytest.raises(LineLost, match="cannot be opened"):
            board.ready()
        script.plug()
        board.ready()
        assert board.ok("echo again") == "again"
        board.close()


def test_adapter_that_the_board_feeds(tmp_path):
    """Its device is gone while the board is off, and takes a while to come back."""
    with Scripted(tmp_path) as script:
        board = started(script)

        def cycle():
            script.wire.pull()
            threading.Timer(0.7, script.plug).start()
            threading.Timer(2, os.system, [script.power]).start()

        board.power.cycle = cycle
        board.restart()
        assert script.starts == 2 and board.ok("echo again") == "again"
        board.close()
        script.wire.pull()  # off, and the next run begins
        board = board_on(script)
        board.power.cycle = cycle
        board.restart()
        assert script.starts == 3
        board.close()


def test_port_missing_or_taken(tmp_path):
    with pytest.raises(LineLost, match="cannot be opened.*No such file") as error:
        Board("none", str(tmp_path / "ttyUSB7")).restart()
    assert str(error.value).count("board none on") == 1
    with Scripted(tmp_path) as script:
        first = started(script)
        with pytest.raises(LineLost, match="cannot be opened"):
            started(script)
        first.close()


@pytest.mark.parametrize("command, words", [
    ("echo relay stuck; exit 3; :", "status 3: relay stuck"),
    ("false", "status 1"), ("/nosuch/relay", "status 127"),
    ("sleep 30; :", "not ended after 1 s"),
    ("test {} = off", "test on = off. ended with status 1")])
def test_power_that_fails(tmp_path, monkeypatch, command, words):
    monkeypatch.setattr(serial_board, "POWER_WAIT", 1)
    with Scripted(tmp_path) as script:
        with pytest.raises(PowerFailed, match=words):
            started(script, power=command)


def test_power_that_hangs_does_not_switch_later(tmp_path, monkeypatch):
    monkeypatch.setattr(serial_board, "POWER_WAIT", 0.5)
    with Scripted(tmp_path) as script:
        with pytest.raises(PowerFailed):
            started(script, power=f"(sleep 1; {script.power}); :")
        time.sleep(1)
        assert script.starts == 0


def test_transcript_has_times(tmp_path):
    with Scripted(tmp_path) as script:
        board = started(script)
        board.ok("echo for the record")
        script.wire.noise = 4
        board.keys("x")
        board.child.forget()
        text = transcript.lines(board.events)
        board.close()
    assert re.search(r"^ +\d+\.\d{3}  <- 'echo for'$", text, re.M)
    assert re.search(r"^ +\d+\.\d{3}  for the record$", text, re.M)
    assert text.isascii()


# ---- options ------------------------------------------------------------------------


def nested(*options, timeout=20):
    """pytest of this suite in a process of its own; (status, output). Files come
    first: by them pytest finds the options."""
    done = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-c", f"{HERE}/pytest.ini",
         f"--rootdir={HERE}/../..", *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")})
    return done.returncode, done.stdout


@pytest.mark.parametrize("options, words", [
    (["--board", "nosuch", "--port", "x"], "--board nosuch: there are .*qemu-virt"),
    (["--board", "qemu-virt"], "--board needs --port"),
    (["--port", "/dev/ttyUSB0"], "--port needs --board"),
    (["--board", "qemu-virt", "--port", "x", "-n", "2"], "one board, so no -n"),
    (["--board", "qemu-virt", "--port", "x", "--baud", "1"], "--baud 1: 300 to 4000000"),
    (["--board", "qemu-virt", "--port", "x", "--baud", "fast"], "invalid int value: 'fast'")])
def test_options_that_make_no_sense(options, words):
    status, text = nested(f"{HERE}/test_console.py", *options)
    assert status == 4 and re.search(words, text), text


def test_make_hands_on_what_was_written():
    """Quotes, and what only U-Boot is to expand."""
    said = subprocess.run(
        ["make", "-n", "-C", f"{HERE}/../..", "test-board", "PORT=/dev/x", "BOARD=raspi3b",
         "POWER=relay 'one two' $x", "BOOTCMD=booti ${kernel_addr_r} - ${fdt_addr}",
         "TESTS=tests/serial/test_mm.py", "TEST_ARGS=-x"], stdout=subprocess.PIPE, text=True,
        timeout=30, check=True).stdout.replace("\\\n", " ")
    line = shlex.split(said[said.index("--rootdir"):].split("\n")[0])
    assert line[1:] == ["tests/serial/test_mm.py", "--board", "raspi3b", "--port", "/dev/x",
                        "--baud", "115200", "--power", "relay 'one two' $x", "--bootcmd",
                        "booti ${kernel_addr_r} - ${fdt_addr}", "-x"]


def test_reasons_are_printed(tmp_path):
    """No board is needed to say what a board cannot do."""
    status, text = nested(f"{HERE}/test_repeat.py", f"{HERE}/test_shapes.py", "-k", "not board",
                          "--board", "qemu-virt", "--port", str(tmp_path / "none"))
    assert status == 0 and "passed" not in text, text
    assert re.search(r"^ +\d+  needs a machine made for it \(test_shapes\)$", text, re.M), text
    assert re.search(r"^ +\d+  left out: starts QEMU .*\(test_repeat\)$", text, re.M), text


def test_a_board_that_is_not_there_ends_the_run(tmp_path):
    status, text = nested(f"{HERE}/test_console.py", "--board", "qemu-virt", "--port",
                          str(tmp_path / "none"))
    assert status == 2 and "Interrupted: the board does not start" in text, text
    assert "cannot be opened" in text and "1 error in" in text, text
    assert "board.py:" not in text, text  # the error says it, not a trace of calls


def test_a_dead_board_ends_the_run(tmp_path):
    """Also where a test starts it in its middle: three times, then no more."""
    with Scripted(tmp_path, Scripted.silence) as script:
        status, text = nested(f"{HERE}/test_ladder.py", "--board", "qemu-virt", "--port",
                              script.port, "--power", script.power, "--boot-wait", "1",
                              "--timeout", "2")
        assert "NoAnswer" in text and "within 1 s" in text, text  # in place of a timeout
        assert status == 2 and "Interrupted: the board does not start" in text, text
        assert "1 failed" in text and script.starts == 3, text


def test_nothing_is_tried_twice_on_a_board(tmp_path):
    with Scripted(tmp_path) as script:
        status, text = nested(f"{HERE}/test_console.py", "-k", "top_ends or ctrl_c_drops",
                              "--board", "qemu-virt", "--port", script.port,
                              "--power", script.power, timeout=60)
        assert status == 1 and "waited 10 s for 'cpu0 '" in text, text
        assert "rerun" not in text and script.typed.count("top") == 1, text


# ---- QEMU as a board ---------------------------------------------------------------------


def emulator(shape, *more):
    return [QEMU, *shape.qemu_args(), *[w for w in COMMON if w != "-no-reboot"], *more]


@pytest.fixture
def desk(tmp_path):
    with Rig(str(tmp_path), emulator(LOOP, "-kernel", IMAGES["test"]), die_with_parent) as rig:
        yield rig


FILES = ["test_console", "test_ladder", "test_mm", "test_shapes", "test_target"]
SUITES = "*" if os.environ.get("SOAK") else "lib arch spin* sched sem mm policy ladder mobility pcp"


def typed_suites(folder):
    """The KTAP of the target suites, out of the transcript."""
    with open(f"{folder}/test_target/test_suites_typed.log", encoding="utf-8") as log:
        text = "".join(re.sub(r"^ *\d+\.\d{3}  ", "", line) for line in log)
    found = []
    for part in re.split(r"^<- \"test '.*$", text, flags=re.M)[1:]:
        found += views.ktap(part)
    return found


@pytest.mark.timeout(600)
def test_suites_over_the_wire(desk, tmp_path, show_case):
    """Console, ladder, mm and target suites, by the command a person types."""
    report = tmp_path / "report.xml"
    status, text = nested(*(f"{HERE}/{name}.py" for name in FILES), "--board", "qemu-virt",
                          "--port", desk.port, "--power", desk.power, "--suites", SUITES,
                          f"--junitxml={report}", timeout=580)
    assert status in (0, 1), text
    passed = dict.fromkeys(FILES, 0)
    for case in xml.parse(report).iter("testcase"):
        file = case.get("classname").rpartition(".")[2]
        bad = [*case.iter("failure"), *case.iter("error")]
        if bad:
            show_case(f"{file}/{case.get('name')}", "failed", bad[0].text)
        elif not list(case.iter("skipped")):
            passed[file] += 1
            show_case(f"{file}/{case.get('name')}", "passed")
    assert status == 0, text[-6000:]
    assert "needs exact instruction counts" in text and "needs a machine made for it" in text
    logs = f"{BUILD}/transcripts/qemu-virt"
    for case, outcome, note in typed_suites(logs):
        show_case(case, outcome, note)
        passed["test_target"] += outcome == "passed"
    assert passed["test_console"] > 60 and passed["test_mm"] > 100, passed
    assert passed["test_shapes"] == 5, passed  # all that need not be told what there is
    assert passed["test_ladder"] > 1 and passed["test_target"] > 60, passed
    assert desk.starts >= 3  # by the power command, once a file
    with open(f"{logs}/test_console/test_history.log", encoding="utf-8") as log:
        assert "<- 'echo sec'" in log.read()


def test_bad_wire(desk, quick):
    """Bytes lost on the way to a real kernel's editor, and a slow line."""
    board = Board("qemu-virt", desk.port, power=desk.power, wait=30)
    board.restart()
    desk.wire.drop = 97
    for n in range(8):
        assert board.ok(f"echo {n} {'z' * 60}") == f"{n} {'z' * 60}"
    assert desk.wire.lost > 3
    desk.wire.drop, desk.wire.delay = 0, 0.02
    assert "all home" in board.ok("mm stress 1 seed 3", timeout=60)
    board.close()


def test_power_lost_and_restored(desk, quick):
    board = Board("qemu-virt", desk.port, power=desk.power, wait=30)
    board.restart()
    desk.off()
    with pytest.raises((NoAnswer, EchoLost)):
        board.ok("echo nobody", timeout=2)
    board.ready()
    assert desk.starts == 2 and board.run("mm check")[1] == 0
    board.close()


def test_reboot_stands_in_for_power(desk):
    desk.on()
    board = Board("qemu-virt", desk.port, wait=30)
    board.send("")
    to_prompt(board, 30)
    board.restart()
    assert desk.starts == 1 and board.run("mm check")[1] == 0
    with pytest.raises(Rebooted):
        board.output("reboot")
    board.close()


@pytest.mark.parametrize("shape", [ANY, NUMA2], ids=lambda shape: shape.name)
def test_target_through_uboot(shape, monkeypatch):
    monkeypatch.setattr(machine, "through_uboot", True)
    with machine.start(shape, "test", append="loglevel=7") as target:
        assert "U-Boot 20" in target.console()
        assert "loglevel=7" in target.ok("cat /proc/cmdline")
        assert target.run("mm check")[1] == 0
        nodes = re.findall(r"^node\d+", target.ok("ls /sys/devices/system/node"), re.M)
        assert len(nodes) == len(shape.nodes)
