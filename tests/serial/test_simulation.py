# SPDX-License-Identifier: Apache-2.0
"""The long looks at the host kernel: a thousand interleavings of the mixed
workload, each twice; the flavours with sanitizers; CPUs as real threads under
the thread sanitizer; a day of timers; planted bugs, each found. SOAK=1 in the
environment: ten times as much."""

import glob
import os
import re
import subprocess

import pytest

from hostkernel import BUILD, KERNEL, LIBFDT, build, make_trees, run_seeds, start

LONGER = 10 if os.environ.get("SOAK") else 1
WORKLOADS = 1000 * LONGER
# Flavours are built here, one at a time.
pytestmark = [pytest.mark.xdist_group("simulation"), pytest.mark.timeout(600 * LONGER)]


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    return make_trees(tmp_path_factory.mktemp("trees"))


def test_mixed_over_seeds(trees):
    """The core's mixed workload: every interleaving passes, and repeats."""
    ran, failed, differ, text = run_seeds(KERNEL, trees["numa2"], WORKLOADS, "--test", "mixed",
                                          "--twice")
    assert (ran, failed, differ) == (WORKLOADS, 0, 0), text[-3000:]
    print(text)


RACE = re.compile(r"SUMMARY: ThreadSanitizer: (.*)")


# Not irq: its handlers move from CPU to CPU and rely on what only a controller and
# fences order, which the sanitizer does not see.
SUITES = ("lib", "spinlock", "log", "time", "sched", "wait", "inherit", "sem", "msgq", "events",
          "work", "task", "kill", "freeze", "mixed", "mm", "policy", "see", "mmstress", "mmsweep",
          "ladder", "mobility", "pcp")


def test_threads(trees):
    """Real threads as CPUs: the thread sanitizer has nothing to say."""
    build("SAN=thread")
    for seed in range(3 * LONGER):
        status, text, said = start(trees["numa2"], "--append", "loglevel=4", "--seed", str(seed),
                                   "--run", "; ".join("test " + name for name in SUITES),
                                   program=KERNEL + "-thread", timeout=300)
        assert (status, RACE.findall(said)) == (0, []), said[:6000] + text[-2000:]
        assert text.count(" 0 failed") == len(SUITES)


@pytest.mark.parametrize("clock", [
    0, 2**32 - 3600 * 10**9 % 2**32, 2**56 - 10**9, 2**63 - 600 * 10**9, 2**64 - 12 * 3600 * 10**9,
    2**64 - 1])
@pytest.mark.parametrize("shape", ["one", "numa2"])
def test_day_of_timers(trees, shape, clock):
    """A day of timers and sleepers, none early, late or lost, wherever the counter
    stood at the start; the last ones wrap."""
    status, text, said = start(trees[shape], "--append", "loglevel=4 test_hours=24", "--test",
                               "day", "--limit", "0", "--clock", str(clock), "--stats")
    assert status == 0, text + said
    events = int(re.search(r"24 h: (\d+) events", text).group(1))
    assert 100_000 < events < 1_000_000 and re.search(r"864\d\d\.\d+ s$", said, re.M)


def test_coverage():
    """Few lines of the core are run by no suite."""
    done = subprocess.run(["tools/coverage", "rtos"], capture_output=True, text=True, timeout=600,
                          check=False, env={**os.environ, "TM_BUILD": BUILD, "TM_LIBFDT": LIBFDT})
    assert done.returncode == 0, done.stdout + done.stderr
    percent = {name: float(value) for value, name in
               re.findall(r"([\d.]+) % .* rtos/(\w+)\.c$", done.stdout, re.M)}
    for name in ("sched", "runq", "wait", "inherit", "mutex", "sem", "time", "kill", "msgq"):
        assert percent[name] >= 85, done.stdout


# ---- planted bugs: each is found and named -------------------------------------------

# Those of the memory side are test_allocator.py's.
# Those of the page allocator and of the intake are found elsewhere.
PLANTS = sorted(set(glob.glob("tests/plants/*.patch")) - set(glob.glob("tests/plants/mm-*.patch")) -
                set(glob.glob("tests/plants/trees-*.patch")))


def told(patch):
    """What the head of a patch says: {"What": ..., "Says": ..., "With": ...}."""
    with open(patch, encoding="utf-8") as text:
        return dict(re.findall(r"^(\w+): (.*)$", text.read().split("\n---", 1)[0], re.M))


def test_plants_are_there():
    assert {"lost-wakeup", "lock-inversion", "missing-inheritance"} <= {
        os.path.basename(patch)[:-6] for patch in PLANTS}


@pytest.mark.parametrize("patch", PLANTS, ids=lambda name: os.path.basename(name)[:-6])
def test_planted_bug(trees, patch):
    name, told_by = os.path.basename(patch)[:-6], told(patch)
    if told_by["With"] == "threads":
        build("SAN=thread", f"PLANT={name}")
        _, text, said = start(trees["numa2"], "--append", "loglevel=4", "--test", "mixed",
                              program=f"{KERNEL}-thread-{name}", timeout=300)
        assert RACE.search(said) and re.search(told_by["Says"], said), said[:3000] + text[-2000:]
        return
    build(f"PLANT={name}")
    ran, failed, _, text = run_seeds(f"{KERNEL}-{name}", trees["numa2"], 1000, "--test", "mixed",
                                     "--stop")
    assert failed, f"not found in {ran} seeds: {told_by['What']}"
    assert re.search(told_by["Says"], text), text[:6000]
    print(text)


@pytest.mark.parametrize("name", ["undefined", "address"])
def test_sanitizers(trees, name):
    build(f"SAN={name}")
    status, text, said = start(trees["numa2"], "--test", "*", program=f"{KERNEL}-{name}",
                               timeout=300)
    assert status == 0, said[:6000] + text[-2000:]
    ran, failed, _, text = run_seeds(f"{KERNEL}-{name}", trees["numa2"], 50 * LONGER,
                                     "--test", "mixed")
    assert (ran, failed) == (50 * LONGER, 0), text[-3000:]
