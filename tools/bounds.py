# SPDX-License-Identifier: Apache-2.0
"""How long the page allocator keeps others out: the longest hold of a zone's
lock and the longest section with interrupts masked, in instructions of the
release Image, while everything it can do is done (stress of all kinds of requests,
steals in fragmented memory, batches, drains), on machines of 128 MiB, 1 GiB and
8 GiB. Nothing may depend on how much memory there is."""

from sections.sections import measure
from shapes_bench import plain

SIZES = (128, 1024, 8192)
LOCK_BOUND = 1_000
MASKED_BOUND = 2_000
SPREAD = 0.05
BOUNDS = {"lock": LOCK_BOUND, "masked": MASKED_BOUND}
# Unmasked: what a bench masks round a call is not the allocator's.
BENCHES = ("pair", "bulk", "exact", "batch", "row", "steal")
# Its interrupts are many, since the longest section of all is one of theirs, and rare.
SEEDS = (7,)
LOAD = ("".join(f"bench {name} unmasked; " for name in BENCHES) + "mm flood 1; " +
        "".join(f"mm stress 1 seed {seed} tasks 4; " for seed in SEEDS) + "mm drain")
# What a section of the allocator's begins in: its own code, or an interrupt that asks it.
LOCKS, MASKS = ("mm/",), ("mm/", "arch/arm64/vectors")


def measure_bounds(image, out):
    """{MiB: {"lock": Section, "masked": Section}} of the Image. Raises Gone."""
    return {mib: measure_one(image, mib, out) for mib in SIZES}


def measure_one(image, mib, out):
    found, _ = measure(plain(mib), LOAD, image, out)
    return {"lock": longest(found["locked"], LOCKS), "masked": longest(found["masked"], MASKS)}


def longest(sections, paths):
    return next(s for s in sections if s.path.startswith(paths))


def spread(bounds, kind):
    values = [bounds[mib][kind].length for mib in SIZES]
    return (max(values) - min(values)) / max(values)


def print_bounds(bounds):
    print("\nLongest sections while the allocator does all it can, in instructions:")
    print(f"{'':22} " + " ".join(f"{mib:>6,} MiB" for mib in SIZES) +
          f" {'bound':>8} {'spread':>7}")
    for kind, text in (("lock", "zone lock held"), ("masked", "interrupts masked")):
        print(f"{text:22} " + " ".join(f"{bounds[mib][kind].length:>10,}" for mib in SIZES) +
              f" {BOUNDS[kind]:>8,} {spread(bounds, kind):>7.1%}")


def broken_bounds(bounds):
    """One line of text for each bound that does not hold."""
    broken = [f"{kind} {bounds[mib][kind].length} at {mib} MiB, from {bounds[mib][kind].begin} on "
              f"(bound {bound})" for kind, bound in BOUNDS.items() for mib in SIZES
              if bounds[mib][kind].length > bound]
    return broken + [f"{kind} differs by {spread(bounds, kind):.1%} between sizes"
                     for kind in BOUNDS if spread(bounds, kind) > SPREAD]
