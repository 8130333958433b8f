# SPDX-License-Identifier: Apache-2.0
"""Fixtures and options of the serial suite: which `target` the tests talk to,
the transcript of each test, and the hook that shows each case of a program
that has many (a cmocka binary, a KTAP suite) as a result of its own."""

import os
import re
from collections import Counter

import pytest
from _pytest.reports import TestReport

import machine
import transcript
from machine import Gone

BOARDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../boards")


def pytest_addoption(parser):
    group = parser.getgroup("board", "a board on a serial line instead of QEMU (docs/boards.md)")
    group.addoption("--board", metavar="NAME", help="a folder of boards/; needs --port")
    group.addoption("--port", metavar="DEV", help="/dev/ttyUSB0, or a URL that pyserial knows")
    group.addoption("--baud", metavar="N", type=int, default=115200, help="rate (115200), 8N1")
    group.addoption("--power", metavar="CMD", default="", help="`CMD cycle` switches the board "
                    "off and on; or {} in CMD stands for off, then on")
    group.addoption("--bootcmd", metavar="CMD", default="", help="stop U-Boot's countdown and type "
                    "this; without it the countdown runs out")
    group.addoption("--boot-wait", metavar="S", type=int, default=90,
                    help="seconds from power-on to the prompt, at most (90)")
    group.addoption("--suites", metavar="GLOBS", default="*",
                    help="which of the suites in the Image a board runs (all)")
    group.addoption("--uboot", action="store_true", help="QEMU through Debian's U-Boot")


def options_of(config):
    """The board's options checked; a sentence when they make no sense."""
    option = config.getoption
    known = sorted(name for name in os.listdir(BOARDS) if os.path.isdir(f"{BOARDS}/{name}"))
    if option("--board") not in known:
        return f"--board {option('--board')}: there are {', '.join(known)}"
    if not option("--port"):
        return "--board needs --port DEV, the serial line it is on"
    if option("numprocesses", None):
        return "--board: there is one board, so no -n"
    if option("--uboot"):
        return "--uboot is QEMU through U-Boot; a board's U-Boot is met by itself"
    if not 300 <= option("--baud") <= 4000000:
        return f"--baud {option('--baud')}: 300 to 4000000"
    return ""


def pytest_configure(config):
    machine.through_uboot = config.getoption("--uboot")
    if not config.getoption("--board"):
        given = [name for name in ("--port", "--power", "--bootcmd") if config.getoption(name)]
        if given:
            raise pytest.UsageError(f"{given[0]} needs --board NAME")
        return
    wrong = options_of(config)
    if wrong:
        raise pytest.UsageError(wrong)
    from board import Board  # python3-serial is wanted here only
    option = config.getoption
    machine.the_board = Board(option("--board"), option("--port"), option("--baud"),
                              option("--power"), option("--bootcmd"), option("--boot-wait"),
                              lambda text: say(config, text), starts=3)
    transcript.where = option("--board")
    config.not_for_boards = Counter()
    # A second try would hide what a board does once in a while, and wait again
    # for one that is dead; skips have a summary of their own.
    config.option.reruns = 0
    config.option.reportchars = config.option.reportchars.replace("a", "fE")


def say(config, text):
    """To the person at the desk, past what pytest captures."""
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\n{text}", flush=True)


def pytest_unconfigure():
    if machine.the_board:
        machine.the_board.close()


def talks_to_target(item):
    """By the fixture `target` of this file, not one that a test made of QEMU."""
    found = item._fixtureinfo.name2fixturedefs.get("target")
    return any(item.get_closest_marker(mark) for mark in ("board", "board_only")) or (
        found and not found[-1].baseid.endswith(".py"))


def pytest_collection_modifyitems(config, items):
    """With a board, what does not talk to a target is left out, and the summary
    says so; without one, what only a board needs."""
    left_out = [item for item in items if (
        not talks_to_target(item) if machine.the_board else item.get_closest_marker("board_only"))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    if machine.the_board:
        config.not_for_boards = Counter(item.path.stem for item in left_out)
        for item in items:
            allow_starts(config, item)


def allow_starts(config, item):
    """Each test may have to start the board, which tells better than a timeout
    what went wrong."""
    own = item.get_closest_marker("timeout")
    seconds = own.args[0] if own else config.getoption("timeout") or config.getini("timeout")
    item.add_marker(pytest.mark.timeout(float(seconds) + machine.the_board.longest_start()),
                    append=False)


def pytest_terminal_summary(terminalreporter, config):
    """What did not run on the board, a line for each reason."""
    if not machine.the_board:
        return
    reasons = {}
    for report in terminalreporter.stats.get("skipped", []):
        why = re.sub(r"^(Skipped: )?(\w+/[^:]+: )?| \(.*", "", report.longrepr[2])
        reasons.setdefault(why, Counter())[report.nodeid.split("::")[0].split("/")[-1][:-3]] += 1
    if config.not_for_boards:
        reasons["left out: starts QEMU in a way of its own, or talks to no machine"] = \
            config.not_for_boards
    if reasons:
        terminalreporter.section(f"not on {machine.the_board.name}")
    for why, files in reasons.items():
        names = ", ".join(sorted(files)) if len(files) < 6 else f"{len(files)} files"
        terminalreporter.line(f"{sum(files.values()):6}  {why} ({names})")


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    transcript.begin()
    yield
    transcript.end(item.nodeid, item.outcome)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed console test shows the end of what the console said."""
    outcome = yield
    report = outcome.get_result()
    if call.when == "setup":  # of a second try, perhaps
        item.outcome = "passed"
    if report.outcome != "passed":
        item.outcome = report.outcome
    target = getattr(item, "funcargs", {}).get("target")
    if report.failed and target is not None and not (
            call.excinfo and call.excinfo.errisinstance(Gone)):
        report.sections.append(("console", target.last_lines(30)))
    if report.failed and machine.the_board:
        if call.excinfo.errisinstance(Gone):  # it says all there is to say
            report.longrepr = f"{call.excinfo.typename}: {call.excinfo.value}"
        if machine.the_board.dead:
            item.session.shouldstop = "the board does not start"
        report.sections.append(("transcript", transcript.path_of(item.nodeid)))


@pytest.fixture
def show_case(request):
    """show_case(name, outcome, text): count a case of this test on its own.
    The report carries the id of the test, which is how workers know it."""
    def show(name, outcome, text=""):
        item = request.node
        report = TestReport(nodeid=item.nodeid, location=item.location, keywords={},
                            when="call", duration=0.0, outcome=outcome, longrepr=None)
        if outcome == "failed":
            report.longrepr = f"{name}: {text or 'failed'}"
        elif outcome == "skipped":
            report.longrepr = (str(item.path), item.location[1] or 0, f"{name}: {text}")
        item.ihook.pytest_runtest_logreport(report=report)
    return show


@pytest.fixture(scope="module")
def target(shape, variant):
    """The booted machine; the module says which, by fixtures of these names."""
    with machine.start(shape, variant) as booted:
        yield booted


@pytest.fixture(autouse=True)
def at_the_prompt(request):
    """Before each test with a board that an earlier one had: it is at its prompt."""
    if machine.the_board and machine.the_board in request.node.funcargs.values():
        machine.the_board.ready()
