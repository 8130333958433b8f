# SPDX-License-Identifier: Apache-2.0
"""The long looks at the host kernel: a thousand interleavings of the mixed
workload, each twice; the flavours with sanitizers; CPUs as real threads under
the thread sanitizer. SOAK=1 in the environment: ten times as much."""

import os
import re

import pytest

from hostkernel import KERNEL, build, make_trees, run_seeds, start

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


def test_threads(trees):
    """Real threads as CPUs: the thread sanitizer has nothing to say."""
    build("SAN=thread")
    for seed in range(3 * LONGER):
        status, text, said = start(trees["numa2"], "--append", "loglevel=4", "--test", "*",
                                   "--seed", str(seed), program=KERNEL + "-thread", timeout=300)
        assert (status, RACE.findall(said)) == (0, []), said[:6000] + text[-2000:]


@pytest.mark.parametrize("name", ["undefined", "address"])
def test_sanitizers(trees, name):
    build(f"SAN={name}")
    status, text, said = start(trees["numa2"], "--test", "*", program=f"{KERNEL}-{name}",
                               timeout=300)
    assert status == 0, said[:6000] + text[-2000:]
    ran, failed, _, text = run_seeds(f"{KERNEL}-{name}", trees["numa2"], 50 * LONGER,
                                     "--test", "mixed")
    assert (ran, failed) == (50 * LONGER, 0), text[-3000:]
