# SPDX-License-Identifier: Apache-2.0
"""Seeded interleavings on the target: under -icount the boot argument
yield_seed=N lets another CPU go on at lock boundaries that follow from N. Each
seed is an order of events of its own, and the same at every start."""

import os
import re

import pytest

from machine import IMAGES, Shape, batch, run_commands
from shapes import SMALL

SEEDS = range(1, 41 if os.environ.get("SOAK") else 5)
FOUR = Shape("seeds", 128, 4, machine="gic-version=3,dtb-randomness=off")
SUITES = ["spinlock", "sched", "wait", "task", "mixed"]
COMMANDS = "; ".join(f"test {suite}" for suite in SUITES) + "; cat /proc/tm_latency"

_runs = {}


def seeded(seed):
    """The console of a run under this seed."""
    return batch(FOUR, f'yield_seed={seed} loglevel=8 run="{COMMANDS}"', IMAGES["test"],
                 exact=True, timeout=300)


def once(seed):
    if seed not in _runs:
        _runs[seed] = seeded(seed)
    return _runs[seed]


def order(text):
    return re.search(r"^tm_lock_order ([0-9a-f]{16})$", text, re.M).group(1)


@pytest.mark.parametrize("seed", SEEDS)
def test_suites_under_seed(seed):
    text = once(seed)
    assert f"yield_seed: {seed}," in text
    assert "not ok" not in text and "tm: exit 0" in text, text[-3000:]
    assert re.findall(r"^ok 1 (\w+)$", text, re.M) == SUITES, text[-3000:]


def test_a_seed_repeats_itself():
    assert seeded(SEEDS[1]) == once(SEEDS[1])


def test_seeds_differ():
    orders = [order(once(seed)) for seed in list(SEEDS)[:4]]
    assert len(set(orders)) == len(orders), orders


def test_release_says_that_it_has_none():
    text, _ = run_commands(SMALL, "echo ok", append="yield_seed=1")
    assert "boot argument yield_seed=1: not built in, ignored" in text
