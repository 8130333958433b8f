#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Instruction counts of the release Image, beside what Linux needs for the same
work on the same emulator, and against the committed baseline.

Exact and repeatable: -icount makes every instruction one nanosecond of virtual
time, the counter runs at 1 GHz, the tree carries no random seeds. Not time on
silicon: there are no caches here. The Image prints `bench NAME VALUE` lines;
FIGURES says what they mean and what they stand beside.

    make bench                     table, results.json, comparison
    tools/bench.py --accept        also make the results the new baseline
"""

import argparse
import json
import os
import re
import sys

from qemu import Gone, Node, Shape, run_commands

GROWTH = 0.02  # more than this over the baseline fails
MASKED_BOUND = 1_000  # instructions, whatever runs
BASELINE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/bench/baseline.json")

CPU = "cortex-a72,cntfrq=1000000000"
MACHINE = "gic-version=3,dtb-randomness=off"
SIZES = (512, 2048, 8192)
PLAIN = {mib: Shape(f"plain-{mib}", mib, cpu=CPU, machine=MACHINE) for mib in SIZES}
NUMA = Shape("numa", 2048, 4, [Node(1024, "0-1"), Node(1024, "2-3")], {(0, 1): 20},
             cpu=CPU, machine=MACHINE)


class Figure:
    """One row: the name the Image prints, the machine, and the columns beside
    it. `key` is the line of the yardsticks it belongs to, if any."""

    def __init__(self, key, text, name, shape, linux=None, best=None, goal=None):
        self.key, self.text, self.name, self.shape = key, text, name, shape
        self.linux, self.best, self.goal = linux, best, goal


FIGURES = [
    Figure("Q1", "order-0 alloc + free, NUMA", "pair_order0", NUMA, 620, 508, 110),
    Figure("Q2", "order-9 alloc + free, NUMA", "pair_order9", NUMA, 4778, 4631, 200),
    Figure("Q2", "order-10 alloc + free, NUMA", "pair_order10", NUMA, 9261, 9112, 200),
    Figure("Q3", "churn, one free + one alloc, NUMA", "churn", NUMA, 647, 500, 160),
    Figure("Q4", "order 0 over half of memory, NUMA", "row_order0", NUMA, 1003, 855, 250),
    Figure("Q5", "  of it worst single alloc", "row_worst_alloc", NUMA, 281_793, 8_668, 1_000),
    Figure("Q5", "  of it worst single free", "row_worst_free", NUMA, 459_624, 14_828, 1_000),
    Figure("Q16", "boot: memory work, 512 MiB", "boot_memory", PLAIN[512],
           6_100_000, 6_100_000, 1_000_000),
    Figure("Q16", "boot: memory work, 2 GiB", "boot_memory", PLAIN[2048],
           23_200_000, 23_200_000, 2_500_000),
    Figure("Q16", "boot: memory work, 8 GiB", "boot_memory", PLAIN[8192],
           99_600_000, 99_600_000, 10_000_000),
    Figure("", "  of it frame array, 512 MiB", "boot_frames", PLAIN[512]),
    Figure("", "  of it frame array, 2 GiB", "boot_frames", PLAIN[2048]),
    Figure("", "  of it frame array, 8 GiB", "boot_frames", PLAIN[8192]),
    Figure("", "boot: to the prompt, 512 MiB", "boot_total", PLAIN[512]),
    Figure("", "boot: to the prompt, 2 GiB", "boot_total", PLAIN[2048]),
    Figure("", "boot: to the prompt, 8 GiB", "boot_total", PLAIN[8192]),
    Figure("Q17", "frame metadata, % of RAM, 2 GiB", "frame_percent", PLAIN[2048],
           1.56, 1.56, 0.80),
]


# The core on one CPU: name of the figure, what it says, our aim, and what is
# published for Zephyr, FreeRTOS and others: cycles, on the machines of SOURCES.
CORE = [
    ("sem_switch", "semaphore: post to running in the waiter", 200, "789", "-", "562 L4Re"),
    ("sem_pingpong", "semaphore: post, wait, switch to an equal", None, "1,478", "-", "-"),
    ("sem_pair", "semaphore: post + wait, no switch", None, "187", "334", "-"),
    ("waitq_switch", "wait queue: wake to running in the waiter", 200, "-", "-", "-"),
    ("msgq_switch", "message: send to received, with switch", None, "-", "-", "-"),
    ("yield_switch", "yield: switch to an equal", 200, "519", "141", "192 embOS"),
    ("mutex_pair", "mutex: lock + unlock, nobody waits", None, "118", "-", "-"),
    ("mutex_inherit", "mutex: block, lend priority, be handed it", None, "-", "-", "-"),
    ("irq_to_task", "interrupt raised to woken task", 500, "554", "-", "-"),
    ("timer_to_task", "deadline to the task that slept", 500, "-", "-", "-"),
]
SOURCES = """\
Instructions are not cycles: a core retires from under 1 to some 3 a cycle, and caches and
devices decide which. The columns of others are cycles as published, for an order of size only:
  Zephyr    3.5, tests/benchmarks/latency_measure/README.rst, Cortex-M4F at 120 MHz (frdm_k64f);
            semaphore with switch: give; ping-pong: give + take; interrupt: from the end of the
            handler on only
  FreeRTOS  10.3.1, Thread-Metric at cmrxrtos.org/rtos-benchmarks, Cortex-M: cycles of a round
  L4Re      l4re.org/performance, one IPC between threads of a task, Cortex-A53
  embOS     segger.com/embos-context-switching-time.html, Cortex-A9
  Linux     PREEMPT_RT on Raspberry Pi: worst 160 us from event to task (Adam, Computers 2021,
            10, 64). For NuttX we found no figure."""
STRESS_TASKS = (10, 1000)
OTHERS = (1, 100, 1000)  # other tasks that exist meanwhile
CORE_FIGURES = {(name, n): Figure("", text, f"rtos_{name}_{n}", PLAIN[512], goal=goal)
                for name, text, goal, *_ in CORE for n in OTHERS}

COMMANDS = {NUMA: "bench pair; bench boot; bench churn; bench row",
            PLAIN[512]: "bench; bench rtos"}


def measure(image):
    """({shape name: {figure name: value}}, compiler of the Image), one boot each."""
    results, compiler = {}, "unknown"
    for shape in {figure.shape.name: figure.shape for figure in FIGURES}.values():
        command = COMMANDS.get(shape, "bench")
        text, status = run_commands(shape, f"version; {command}", image, exact=True, timeout=120)
        compiler = re.search(r"build, (.*)\) arm64$", text, re.M).group(1)
        values = {name: float(value) if "." in value else int(value) for name, value in
                  re.findall(r"^bench (\w+) (\d+(?:\.\d+)?)\b", text, re.M)}
        if status or not values:
            raise Gone(f"{shape.name}: bench ended with status {status}:\n{text[-2000:]}")
        results[shape.name] = values
    return results, compiler


def longest_masked(image):
    """{tasks: instructions} of the shipped code with the meter (BUILD=meter)."""
    longest = {}
    for tasks in STRESS_TASKS:
        commands = (f"echo 0 > /proc/tm_latency; stress 200 tasks {tasks}; "
                    "cat /proc/tm_latency")
        text, status = run_commands(PLAIN[512], commands, image, exact=True, timeout=120)
        found = re.search(r"^masked (\d+) ", text, re.M)
        if status or not found or "unit instructions" not in text:
            raise Gone(f"stress of {tasks} tasks: status {status}:\n{text[-2000:]}")
        longest[tasks] = int(found.group(1))
    return longest


def number(value):
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else f"{value:,}"


def print_table(rows):
    print("Instructions executed, exact and repeatable; not time on silicon. Q17 in percent.")
    print(f"{'':4} {'':34} {'Tidemark':>12} {'goal':>12} {'best Linux':>12} {'Linux 6.12':>12}")
    for figure, value in rows:
        columns = (value, figure.goal, figure.best, figure.linux)
        print(f"{figure.key:4} {figure.text:34} " +
              " ".join(f"{number(column):>12}" for column in columns))


def print_core(values, longest):
    """The second table: {(name, other tasks): value}, and the longest masked
    sections under stress, {tasks: instructions}."""
    print("\nRTOS core, one CPU: instructions, while 1, 100 and 1,000 other tasks exist.")
    print(f"{'':42} " + " ".join(f"{n:>6,}" for n in OTHERS) +
          f" {'goal':>6} | {'Zephyr':>7} {'FreeRTOS':>8} others")
    for name, text, goal, *others in CORE:
        print(f"{text:42} " + " ".join(f"{number(values[name, n]):>6}" for n in OTHERS) +
              f" {number(goal):>6} | {others[0]:>7} {others[1]:>8} {others[2]}")
    for tasks, value in longest.items():
        text = f"longest masked section, {tasks:,} tasks in stress"
        print(f"{text:42} {'':6} {'':6} {number(value):>6} {number(MASKED_BOUND):>6} |")
    print(SOURCES)


def by_key(rows):
    """{"Q1": [110], ...} in the order of the yardsticks, ours alone."""
    table = {}
    for figure, value in rows:
        if figure.key:
            table.setdefault(figure.key, []).append(value)
    return table


def label(figure):
    return f"{figure.name}@{figure.shape.name}"


def compare(rows, compiler, path):
    """Prints what changed against the baseline; result: figures that grew, None
    when another compiler made the baseline: other code, nothing to compare."""
    with open(path, encoding="utf-8") as f:
        baseline = json.load(f)
    if baseline["compiler"] != compiler:
        print(f"bench: built by {compiler}, the baseline by {baseline['compiler']}: not compared")
        return None
    grown = 0
    for figure, value in rows:
        before = baseline.get(label(figure))
        if before is None:
            print(f"bench: {label(figure)}: not in the baseline")
            grown += 1
        elif value > before * (1 + GROWTH):
            print(f"bench: {label(figure)} GREW from {number(before)} to {number(value)}")
            grown += 1
        elif value < before * (1 - GROWTH):
            print(f"bench: {label(figure)} fell from {number(before)} to {number(value)}"
                  " (make it the baseline: --accept)")
    return grown


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--image", default="build/arm64/Image")
    parser.add_argument("--meter-image", default="build/arm64-meter/Image",
                        help="the same with the meter (BUILD=meter)")
    parser.add_argument("--out", default="build/bench", help="folder for results.json")
    parser.add_argument("--accept", action="store_true", help="make these the baseline")
    args = parser.parse_args()
    try:
        results, compiler = measure(args.image)
        longest = longest_masked(args.meter_image)
        rows = [(figure, results[figure.shape.name][figure.name]) for figure in FIGURES]
        core = {key: results[figure.shape.name][figure.name]
                for key, figure in CORE_FIGURES.items()}
    except Gone as error:
        sys.exit(f"bench: {error}")
    except KeyError as error:
        sys.exit(f"bench: the Image printed no figure {error}")
    print_table(rows)
    print_core(core, longest)
    rows += [(figure, core[key]) for key, figure in CORE_FIGURES.items()]
    rows += [(Figure("", "", f"masked_{tasks}", PLAIN[512]), value)
             for tasks, value in longest.items()]
    os.makedirs(args.out, exist_ok=True)
    with open(f"{args.out}/results.json", "w", encoding="utf-8") as f:
        json.dump(by_key(rows), f, indent=1)
        f.write("\n")
    if args.accept:
        with open(BASELINE, "w", encoding="utf-8") as f:
            json.dump({"compiler": compiler} |
                      {label(figure): value for figure, value in rows}, f, indent=1)
            f.write("\n")
    # Beside the rule of growth: no --accept may move this one.
    over = [f"{value} with {tasks} tasks" for tasks, value in longest.items()
            if value >= MASKED_BOUND]
    if over:
        sys.exit(f"bench: longest masked section over {MASKED_BOUND}: {', '.join(over)}")
    grown = compare(rows, compiler, BASELINE)
    if grown:
        sys.exit(f"bench: {grown} figures grew by more than {GROWTH:.0%} or are new")
    if grown is not None:
        print(f"bench: no figure grew by more than {GROWTH:.0%}")


if __name__ == "__main__":
    main()
