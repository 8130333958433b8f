# SPDX-License-Identifier: Apache-2.0
"""How long the page allocator keeps others out: the longest hold of a zone's
lock and the longest section with interrupts masked, in instructions, while
everything it can do is done (stress of all kinds of requests, steals in
fragmented memory, batches, drains), on machines of 128 MiB, 1 GiB and 8 GiB.
Nothing may depend on how much memory there is."""

import re

from qemu import Gone, run_commands
from shapes_bench import plain

SIZES = (128, 1024, 8192)
LOCK_BOUND = 1_000
MASKED_BOUND = 2_000
SPREAD = 0.05
BOUNDS = {"lock": LOCK_BOUND, "masked": MASKED_BOUND}
# Unmasked: what a bench masks round a call is not the allocator's.
BENCHES = ("pair", "bulk", "exact", "batch", "row", "steal")
LOAD = ("echo 0 > /proc/tm_latency; " + "".join(f"bench {name} unmasked; " for name in BENCHES) +
        "mm flood 1; mm stress 1 seed 7 tasks 4; mm drain; cat /proc/tm_latency")


def measure_bounds(image):
    """{MiB: {"lock": instructions, "masked": instructions}} of the Image with
    the meter. Raises Gone."""
    return {mib: measure_one(image, mib) for mib in SIZES}


def measure_one(image, mib):
    text, status = run_commands(plain(mib), LOAD, image, exact=True, timeout=300)
    found = dict(re.findall(r"^(masked|lock-zone) (\d+) ", text, re.M))
    if status or len(found) != 2 or "unit instructions" not in text:
        raise Gone(f"bounds at {mib} MiB: status {status}:\n{text[-3000:]}")
    return {"lock": int(found["lock-zone"]), "masked": int(found["masked"])}


def spread(bounds, kind):
    values = [bounds[mib][kind] for mib in SIZES]
    return (max(values) - min(values)) / max(values)


def print_bounds(bounds):
    print("\nLongest sections while the allocator does all it can, in instructions:")
    print(f"{'':22} " + " ".join(f"{mib:>6,} MiB" for mib in SIZES) +
          f" {'bound':>8} {'spread':>7}")
    for kind, text in (("lock", "zone lock held"), ("masked", "interrupts masked")):
        print(f"{text:22} " + " ".join(f"{bounds[mib][kind]:>10,}" for mib in SIZES) +
              f" {BOUNDS[kind]:>8,} {spread(bounds, kind):>7.1%}")


def broken_bounds(bounds):
    """One line of text for each bound that does not hold."""
    broken = [f"{kind} {bounds[mib][kind]} at {mib} MiB (bound {bound})"
              for kind, bound in BOUNDS.items() for mib in SIZES if bounds[mib][kind] > bound]
    return broken + [f"{kind} differs by {spread(bounds, kind):.1%} between sizes"
                     for kind in BOUNDS if spread(bounds, kind) > SPREAD]
