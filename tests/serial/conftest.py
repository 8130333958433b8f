# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the serial suite, and the hook that shows each case of a program
that has many (a cmocka binary, a KTAP suite) as a result of its own."""

import pytest
from _pytest.reports import TestReport

from machine import IMAGES, Gone, Machine


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed console test shows the end of what the console said."""
    outcome = yield
    report = outcome.get_result()
    machine = getattr(item, "funcargs", {}).get("target")
    if report.failed and machine is not None and not (
            call.excinfo and call.excinfo.errisinstance(Gone)):
        tail = "\n".join(machine.console().split("\n")[-30:])
        report.sections.append(("console", tail))


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
    with Machine(shape, IMAGES[variant], deadline=300) as machine:
        machine.boot()
        yield machine
