# SPDX-License-Identifier: Apache-2.0
"""The suites inside the Image, run on the target; each KTAP case counts as one
result here."""

import pytest

import views
from machine import IMAGES, batch
from shapes import BY_NAME

RUNS = [("one128", "release"), ("one128", "test"), ("numa2", "release"), ("numa2", "test"),
        ("numa3-cpuless", "test"), ("zones6g", "test"), ("memoryless", "test")]


@pytest.mark.parametrize("name, variant", [
    pytest.param(*run, id="-".join(run),
                 marks=[pytest.mark.fast] if run[1] == "test" and run[0] in ("one128", "numa2")
                 else []) for run in RUNS])
def test_suites(name, variant, show_case):
    text = batch(BY_NAME[name], "test=*", IMAGES[variant], timeout=100)
    cases = views.ktap(text)
    for case, outcome, note in cases:
        show_case(case, outcome, note)
    assert sum(outcome == "passed" for _, outcome, _ in cases) >= 10, text[-3000:]
