# SPDX-License-Identifier: Apache-2.0
"""Under -icount two runs of one Image print the same bytes: every figure of
`make bench` rests on that."""

import pytest

from machine import Shape, batch
from shapes import NUMA2, SMALL


@pytest.mark.parametrize("shape", [SMALL, NUMA2], ids=lambda shape: shape.name)
def test_two_runs_are_identical(shape):
    fixed = Shape(shape.name, shape.mib, shape.cpus, shape.nodes, shape.distances,
                  hardware=shape.hardware, machine="gic-version=3,dtb-randomness=off")
    work = "mm stress 1 seed 7 tasks 2" if shape.cpus == 1 else "mm alloc 0 64; mm free all; bench"
    append = f'run="{work}; cat /proc/zoneinfo; cat /proc/buddyinfo; ps; dmesg"'
    first = batch(fixed, append, exact=True, timeout=90)
    second = batch(fixed, append, exact=True, timeout=90)
    assert "tm: exit 0" in first
    assert first == second
