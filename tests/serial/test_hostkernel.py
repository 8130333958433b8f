# SPDX-License-Identifier: Apache-2.0
"""The kernel as a Linux process (arch/host): the same trees as in the emulator,
the suites inside the kernel, and the promise the simulation rests on: a seed
decides everything, so a run can be repeated byte for byte."""

import os
import re

import pytest

import views
from hostkernel import KERNEL, SHAPES, make_trees, run_seeds, start

SEEDS = range(3 if os.environ.get("TM_QUICK") else 20)
pytestmark = pytest.mark.fast


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    return make_trees(tmp_path_factory.mktemp("trees"))


def order(said):
    match = re.search(r"(\d+) turns, order ([0-9a-f]{16})", said)
    assert match, said
    return int(match.group(1)), match.group(2)


def test_a_failing_seed_is_named(trees):
    ran, failed, _, text = run_seeds(KERNEL, trees["one"], 3, "--run", "panic null")
    assert (ran, failed) == (3, 3)
    assert "seed 2: failed (status 125)" in text and "null pointer" in text
    assert re.search(r"again: \S+ --dtb \S+ --seed 2 --run 'panic null' --append", text), text


@pytest.mark.parametrize("options, word", [
    (("--seeds", "5"), "A..B"), (("--seeds", "5..4", "--test", "mixed"), "before"),
    (("--seeds", "1..2"), "of what"),
])
def test_refused_runs(trees, options, word):
    status, text, said = start(trees["one"], *options)
    assert (status, text) == (2, "") and word in said


@pytest.mark.parametrize("seed", SEEDS[:3])
@pytest.mark.parametrize("name", SHAPES)
def test_suites(trees, name, seed, show_case):
    status, text, _ = start(trees[name], "--test", "*", "--seed", str(seed))
    cases = views.ktap(text)
    for case, outcome, note in cases:
        show_case(case, outcome, note)
    assert status == 0, text[-3000:]
    assert sum(outcome == "passed" for _, outcome, _ in cases) >= 70


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_repeats(trees, seed):
    options = ("--run", "test sched; test wait; test task; test mm; mm check; ps; "
                        "cat /proc/interrupts; cat /proc/zoneinfo; dmesg",
               "--seed", str(seed), "--stats")
    first, second = (start(trees["numa2"], *options) for _ in range(2))
    assert first[0] == 0, first[1][-3000:]
    assert first == second
    assert "mm check: 0 violations" in first[1]


def test_seeds_differ(trees):
    runs = [order(start(trees["numa2"], "--test", "sched", "--seed", str(seed), "--stats")[2])
            for seed in SEEDS]
    assert len({value for _, value in runs}) == len(runs)
    assert all(turns > 100 for turns, _ in runs), runs


def test_same_memory_as_the_emulator(trees):
    status, text, _ = start(trees["numa2"], "--run", "cat /proc/zoneinfo; mm check")
    assert status == 0 and "mm check: 0 violations" in text
    assert "4 of 4 online" in text and "memory: 262144 KiB on 2 nodes" in text
    assert len(re.findall(r"^Node [01], zone ", text, re.M)) >= 2


def test_shell_on_the_standard_input(trees):
    status, text, said = start(trees["numa2"], keys="echo first\rsleep 2\recho second\rpoweroff\r")
    assert status == 0, said
    assert re.search(r"\nfirst\n", text) and re.search(r"\nsecond\n", text)
    status, _, said = start(trees["one"], keys="echo end\r")
    assert status == 0 and "nothing is left that could happen" in said


def test_status_of_the_shell(trees):
    assert start(trees["one"], "--run", "echo fine")[0] == 0
    assert start(trees["one"], "--run", "nosuchcommand")[0] == 127


@pytest.mark.parametrize("fault, word", [
    ("null", "null pointer"), ("stack", "stack overflow"), ("text", "data abort: write"),
    ("exec", "instruction abort"), ("undefined", "undefined instruction"), ("bug", "BUG at"),
])
def test_faults(trees, fault, word):
    first, second = (start(trees["numa2"], "--run", f"panic {fault}", "--seed", "4")
                     for _ in range(2))
    status, text, _ = first
    panic = text[text.index("tm: panic: "):]
    assert status == 125 and word in panic.split("\n")[0]
    assert "'shell'" in panic and "sh_run+" in panic and "tm: halted" in panic
    assert first[1] == second[1]


def test_size_and_limit(trees):
    status, text, _ = start(trees["one"], "--mem", "1G", "--run", "mm check")
    assert status == 0 and "memory: 1048576 KiB" in text
    status, _, said = start(trees["one"], "--run", "sleep 10", "--limit", "5")
    assert status == 124 and "limit" in said
    status, text, _ = start(trees["one"], "--append", "loglevel=4 mem=128M", "--run", "mm check")
    assert status == 0 and "boot code" not in text


@pytest.mark.parametrize("options, word", [
    (("--mem", "lots"), "no number"), (("--mem", "1G"), "memory nodes"),
    (("--seed", "x"), "no number"), (("--run", 'echo "a"'), "quote"), (("stray",), "unknown"),
    (("--append", "x" * 5000), "longer than"), (("--nosuch",), "--nosuch"),
])
def test_refused_options(trees, options, word):
    status, text, said = start(trees["numa2"], *options)
    assert (status, text) == (2, "") and word in said


@pytest.mark.parametrize("content, word", [
    (b"", "TRUNCATED"), (b"\0" * 100, "BADMAGIC"), (None, "cannot be read"),
    ("half", "TRUNCATED"),
])
def test_refused_trees(trees, tmp_path, content, word):
    name = tmp_path / "bad.dtb"
    if content == "half":
        with open(trees["one"], "rb") as tree:
            content = tree.read(2000)
    if content is not None:
        name.write_bytes(content)
    status, text, said = start(str(name), "--run", "ps")
    assert (status, text) == (2, "") and word in said
