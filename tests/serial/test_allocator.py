# SPDX-License-Identifier: Apache-2.0
"""The page allocator against its model: fuzzed sequences of calls on three small
machines (ten times as many with SOAK=1), every state of tiny zones, the stress of
all requests over many interleavings, and planted bugs, each found and named."""

import glob
import os
import re
import subprocess
import time

import pytest

from hostkernel import BUILD, KERNEL, LIBFDT, build, make_trees, run_seeds

SOAK = bool(os.environ.get("SOAK"))
RUNS = 10_000_000 if SOAK else 1_000_000
SEEDS = 1000 if SOAK else 60
# Programs are built here, one at a time.
pytestmark = [pytest.mark.xdist_group("simulation"),
              pytest.mark.timeout(3600 if SOAK else 600)]


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    return make_trees(tmp_path_factory.mktemp("trees"))


def make(*words):
    """A goal of the Makefile; what it printed. It must succeed."""
    done = subprocess.run(["make", "-s", f"B={BUILD}", f"LIBFDT={LIBFDT}", *words],
                          capture_output=True, text=True, timeout=3500, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.timeout(3600 if SOAK else 1500)  # three minutes of one core
def test_sequences():
    """Fuzzed sequences: whatever is called in whatever order, model and machine agree."""
    text = make("fuzz", f"FUZZ_RUNS={RUNS}", f"FUZZ_SEED={int(time.time())}")
    print(text)
    assert sum(int(n) for n in re.findall(r"(\d+) sequences", text)) >= RUNS
    for what in ("served", "refused", "freed", "wrong frees"):
        assert all(int(n) for n in re.findall(rf"(\d+) {what}", text)), text


def test_every_state():
    """No state of a tiny zone breaks an invariant, and there are as many as there were."""
    text = make("enumerate", "ENUM=--whole" if SOAK else "ENUM=")
    print(text)
    scenes = re.findall(r"^(.{34}) +(\d+) states +(\d+) steps .*(all there are|bounded)", text,
                        re.M)
    assert len(scenes) >= 6 and sum(kind == "all there are" for *_, kind in scenes) >= 5
    assert all(int(states) > 1000 for _, states, _, _ in scenes), text


def test_stress_over_seeds(trees):
    """All kinds of requests at once, CPUs and marks that come and go: every page home."""
    for shape in ("one", "numa2"):
        ran, failed, differ, text = run_seeds(KERNEL, trees[shape], SEEDS, "--test", "mmstress",
                                              "--twice")
        assert (ran, failed, differ) == (SEEDS, 0, 0), text[-3000:]


PLANTS = sorted(glob.glob("tests/plants/mm-*.patch"))


@pytest.mark.parametrize("patch", PLANTS, ids=lambda name: os.path.basename(name)[:-6])
def test_planted_bug(trees, patch):
    """A bug built in on purpose is found by the validator or the checks, and named."""
    name = os.path.basename(patch)[:-6]
    with open(patch, encoding="utf-8") as text:
        told = dict(re.findall(r"^(\w+): (.*)$", text.read().split("\n---", 1)[0], re.M))
    build(f"PLANT={name}")
    ran, failed, _, text = run_seeds(f"{KERNEL}-{name}", trees["numa2"], 40, "--test",
                                     told["Suite"], "--stop")
    assert failed, f"not found in {ran} seeds: {told['What']}"
    assert re.search(told["Says"], text), text[:6000]
    print(text)
