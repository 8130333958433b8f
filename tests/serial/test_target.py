# SPDX-License-Identifier: Apache-2.0
"""The suites inside the Image, run on the target; each KTAP case counts as one
result here."""

import pytest

import views
from machine import IMAGES, batch, start
from shapes import ANY, BY_NAME

# Virtual time makes a run the same on any host; CPUs in parallel race for real.
EXACT, PARALLEL = True, False
RUNS = [("one128", "release", EXACT), ("one128", "test", EXACT), ("numa2", "release", EXACT),
        ("numa2", "test", EXACT), ("numa2", "release", PARALLEL), ("numa2", "test", PARALLEL),
        ("numa3-cpuless", "test", EXACT), ("zones6g", "test", EXACT),
        ("memoryless", "test", EXACT)]


def run_id(name, variant, exact):
    return f"{name}-{variant}-{'exact' if exact else 'parallel'}"


@pytest.mark.parametrize("name, variant, exact", [
    pytest.param(*run, id=run_id(*run),
                 marks=[pytest.mark.fast] if run[1:] == ("test", EXACT)
                 and run[0] in ("one128", "numa2") else []) for run in RUNS])
def test_suites(name, variant, exact, show_case):
    text = batch(BY_NAME[name], "test=*", IMAGES[variant], exact=exact, timeout=300)
    cases = views.ktap(text)
    for case, outcome, note in cases:
        show_case(case, outcome, note)
    assert sum(outcome == "passed" for _, outcome, _ in cases) >= 10, text[-3000:]


@pytest.mark.board_only
@pytest.mark.timeout(900)
def test_suites_typed(show_case, request):
    """The suites at a board's prompt; cases that need more say why they skip."""
    with start(ANY, "any") as target:
        for glob in request.config.getoption("--suites").split():
            cases = views.ktap(target.output(f"test '{glob}'", timeout=850))
            for case, outcome, note in cases:
                show_case(case, outcome, note)
            assert any(outcome == "passed" for _, outcome, _ in cases), glob
