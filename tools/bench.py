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

from bounds import SIZES as BOUND_SIZES, broken_bounds, measure_bounds, print_bounds
from lines.lines import watch
from qemu import Gone, run_commands
from sections.sections import measure as sections
from shapes_bench import NUMA, plain
from text_size import print_rooms, text_of_rooms

GROWTH = 0.02  # more than this over the baseline fails
# On several CPUs the worst single call is one that meets another CPU emptying its cache.
# Which call does, if any, changes with every build, so up to here it may.
WORST_WITH_OTHERS = 4_000
MASKED_BOUND = 1_000  # instructions, of the core, whatever runs
BASELINE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/bench/baseline.json")
PLAIN = {mib: plain(mib) for mib in (512, 2048, 8192)}


class Figure:
    """One row: the name the Image prints, the machine, and the columns beside
    it. `key` is the line of the yardsticks it belongs to, if any; the figure
    NAME_worst, where the Image prints it, is the worst single call."""

    def __init__(self, key, text, name, shape, linux=None, best=None, goal=None, llfree=None,
                 floor=None):
        self.key, self.text, self.name, self.shape = key, text, name, shape
        self.linux, self.best, self.goal = linux, best, goal
        self.llfree, self.floor = llfree, floor


FIGURES = [
    Figure("Q1", "order-0 alloc + free", "pair_order0", NUMA, 620, 508, 110, 346, 41),
    Figure("Q2", "order-9 alloc + free", "pair_order9", NUMA, 4778, 4631, 200, 283, 94),
    Figure("Q2", "order-10 alloc + free", "pair_order10", NUMA, 9261, 9112, 200, 315, 83),
    Figure("Q3", "churn, one free + one alloc", "churn", NUMA, 647, 500, 160, 416, 68),
    Figure("Q4", "order 0 over half of memory", "row_order0", NUMA, 1003, 855, 250, 381, 157),
    Figure("Q5", "  of it worst single alloc", "row_worst_alloc", NUMA, 281_793, 8_668, 1_000,
           1_069, 204),
    Figure("Q5", "  of it worst single free", "row_worst_free", NUMA, 459_624, 14_828, 1_000,
           172, 288),
    Figure("Q6", "worst alloc that steals", "steal_worst", NUMA, 590_816, 53_829, 2_000),
    Figure("Q9", "bulk of 128, a page", "bulk_per_page", NUMA, 298, 214, 60),
    Figure("Q10", "clear a page", "clear_page", NUMA, 267, 267, 140, None, 128),
    Figure("Q10", "copy a page", "copy_page", NUMA, 645, 645, 540, None, 512),
    Figure("Q16", "boot: memory work, 512 MiB", "boot_memory", PLAIN[512],
           6_100_000, 6_100_000, 1_000_000, 70_000, 6_000),
    Figure("Q16", "boot: memory work, 2 GiB", "boot_memory", PLAIN[2048],
           23_200_000, 23_200_000, 2_500_000),
    Figure("Q16", "boot: memory work, 8 GiB", "boot_memory", PLAIN[8192],
           99_600_000, 99_600_000, 10_000_000),
    Figure("Q17", "frame metadata, % of RAM, 2 GiB", "frame_percent", PLAIN[2048],
           1.56, 1.56, 0.80, 0.004, 0.32),
    Figure("Q18", "64-byte lines, order-0 alloc", "lines_alloc", NUMA, 18, 12, 6, None, 3),
    Figure("Q18", "64-byte lines, order-0 free", "lines_free", NUMA, 12, 11, 5, None, 3),
    Figure("Q19", "code of mm/, KB", "text_kb", NUMA, 159, 159, 80),
    *(Figure("", f"order-{order} alloc + free", f"pair_order{order}", NUMA)
      for order in range(1, 9)),
    Figure("", "zeroed page, alloc + free", "pair_zeroed", NUMA),
    Figure("", "order 0 in a hard interrupt", "pair_irq", NUMA),
    Figure("", "10,000 pages, freed in order", "batch_inorder", NUMA),
    Figure("", "10,000 pages, freed reversed", "batch_reversed", NUMA),
    Figure("", "10,000 pages, freed shuffled", "batch_shuffled", NUMA),
    Figure("", "exactly 5 pages, alloc + free", "exact_5_pages", NUMA),
    Figure("", "alloc without own blocks, mean", "steal_mean", NUMA),
    Figure("", "frame array, 512 MiB", "boot_frames", PLAIN[512]),
    Figure("", "frame array, 2 GiB", "boot_frames", PLAIN[2048]),
    Figure("", "frame array, 8 GiB", "boot_frames", PLAIN[8192]),
    Figure("", "boot: to the prompt, 512 MiB", "boot_total", PLAIN[512]),
    Figure("", "boot: to the prompt, 2 GiB", "boot_total", PLAIN[2048]),
    Figure("", "boot: to the prompt, 8 GiB", "boot_total", PLAIN[8192]),
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

PAGES = ("pair", "irq", "batch", "bulk", "exact", "contents", "boot", "churn", "row", "steal")
COMMANDS = {NUMA: "; ".join(f"bench {name}" for name in PAGES), PLAIN[512]: "bench; bench rtos"}


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


def measure_outside(image, out, results):
    """Adds what is not counted by the Image itself; result: text by room."""
    seen, _ = watch(image, out)
    rooms = text_of_rooms(os.path.dirname(image), "mm")
    results[NUMA.name] |= {"lines_alloc": len(seen["alloc"].lines),
                           "lines_free": len(seen["free"].lines),
                           "text_kb": round(sum(rooms.values()) / 1000)}
    return rooms


def longest_masked(image, out):
    """{tasks: longest section with interrupts masked} under stress of the core."""
    return {tasks: sections(PLAIN[512], f"stress 200 tasks {tasks}", image, out)[0]["masked"][0]
            for tasks in STRESS_TASKS}


def number(value):
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else f"{value:,}"


def print_table(rows, results):
    print("Page allocator: instructions executed, exact and repeatable; not time on silicon.")
    print("Q1 to Q6, Q9, Q10 on 4 CPUs and 2 nodes of 1 GiB; Q17 in percent, Q18 in lines.")
    print(f"{'':4} {'':32} {'Tidemark':>11} {'worst call':>11} {'goal':>11} {'best Linux':>11} "
          f"{'Linux 6.12':>11} {'LLFree':>7} {'floor':>7}")
    for figure, value in rows:
        worst = results[figure.shape.name].get(figure.name + "_worst")
        columns = (value, worst, figure.goal, figure.best, figure.linux)
        small = (figure.llfree, figure.floor)
        missed = " missed" if figure.goal is not None and value > figure.goal else ""
        print(f"{figure.key:4} {figure.text:32} " +
              " ".join(f"{number(column):>11}" for column in columns) + " " +
              " ".join(f"{number(column):>7}" for column in small) + missed)


def print_core(values, longest):
    """The second table: {(name, other tasks): value}, and the longest masked
    sections under stress, {tasks: Section}."""
    print("\nRTOS core, one CPU: instructions, while 1, 100 and 1,000 other tasks exist.")
    print(f"{'':42} " + " ".join(f"{n:>6,}" for n in OTHERS) +
          f" {'goal':>6} | {'Zephyr':>7} {'FreeRTOS':>8} others")
    for name, text, goal, *others in CORE:
        print(f"{text:42} " + " ".join(f"{number(values[name, n]):>6}" for n in OTHERS) +
              f" {number(goal):>6} | {others[0]:>7} {others[1]:>8} {others[2]}")
    for tasks, section in longest.items():
        text = f"longest masked section, {tasks:,} tasks in stress"
        print(f"{text:42} {'':6} {'':6} {number(section.length):>6} {number(MASKED_BOUND):>6} |")
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
        met = "worst" in figure.name and figure.shape is NUMA and value <= WORST_WITH_OTHERS
        if before is None:
            print(f"bench: {label(figure)}: not in the baseline")
            grown += 1
        elif value > before * (1 + GROWTH) and met:
            print(f"bench: {label(figure)} {number(before)}, now {number(value)}: up to "
                  f"{number(WORST_WITH_OTHERS)} is what other CPUs may add to a single call")
        elif value > before * (1 + GROWTH):
            print(f"bench: {label(figure)} GREW from {number(before)} to {number(value)}")
            grown += 1
        elif value < before * (1 - GROWTH):
            print(f"bench: {label(figure)} fell from {number(before)} to {number(value)}"
                  " (make it the baseline: --accept)")
    return grown


def all_rows(figures, results, longest, bounds):
    """Every figure of the baseline, those of the table first."""
    rows = figures + [(figure, results[figure.shape.name][figure.name])
                      for figure in CORE_FIGURES.values()]
    rows += [(Figure("", "", figure.name + "_worst", figure.shape), worst)
             for figure, _ in figures
             if (worst := results[figure.shape.name].get(figure.name + "_worst")) is not None]
    rows += [(Figure("", "", f"masked_{tasks}", PLAIN[512]), section.length)
             for tasks, section in longest.items()]
    return rows + [(Figure("", "", f"mm_{kind}", plain(mib)), section.length)
                   for mib in BOUND_SIZES for kind, section in bounds[mib].items()]


def accept(rows, compiler):
    with open(BASELINE, "w", encoding="utf-8") as f:
        json.dump({"compiler": compiler} | {label(figure): value for figure, value in rows}, f,
                  indent=1)
        f.write("\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--image", default="build/arm64/Image")
    parser.add_argument("--out", default="build/bench", help="folder for results.json")
    parser.add_argument("--accept", action="store_true",
                        help="make these the baseline, unless a bound is broken")
    args = parser.parse_args()
    try:
        results, compiler = measure(args.image)
        rooms = measure_outside(args.image, args.out, results)
        longest = longest_masked(args.image, args.out)
        bounds = measure_bounds(args.image, args.out)
        figures = [(figure, results[figure.shape.name][figure.name]) for figure in FIGURES]
        core = {key: results[figure.shape.name][figure.name]
                for key, figure in CORE_FIGURES.items()}
    except Gone as error:
        sys.exit(f"bench: {error}")
    except KeyError as error:
        sys.exit(f"bench: the Image printed no figure {error}")
    print_table(figures, results)
    print_rooms(rooms)
    print_bounds(bounds)
    print_core(core, longest)
    os.makedirs(args.out, exist_ok=True)
    with open(f"{args.out}/results.json", "w", encoding="utf-8") as f:
        json.dump(by_key(figures), f, indent=1)
        f.write("\n")
    # Before the rule of growth: no --accept may move a bound.
    over = [f"longest masked section {section.length} with {tasks} tasks, from {section.begin} on "
            f"(bound {MASKED_BOUND})" for tasks, section in longest.items()
            if section.length >= MASKED_BOUND]
    over += broken_bounds(bounds)
    if over:
        sys.exit("bench: " + "; ".join(over) + ("; nothing accepted" if args.accept else ""))
    rows = all_rows(figures, results, longest, bounds)
    if args.accept:
        accept(rows, compiler)
    grown = compare(rows, compiler, BASELINE)
    if grown:
        sys.exit(f"bench: {grown} figures grew by more than {GROWTH:.0%} or are new")
    if grown is not None:
        print(f"bench: no figure grew by more than {GROWTH:.0%}")


if __name__ == "__main__":
    main()
