# SPDX-License-Identifier: Apache-2.0
"""Parsers for the text views, strict on purpose: a line they do not know is an
error, so they hold our output and a real Linux's (tests/serial/data/) to the
same format. Lines that begin with tm_ are our own and come last."""

import re

ZONE_KEYS = ("boost", "min", "low", "high", "spanned", "present", "managed", "cma")


class FormatError(Exception):
    pass


def lines_of(text):
    return [line for line in text.split("\n") if line.strip()]


def zoneinfo(text):
    """[{node, name, free, min, ..., protection, stats, node_stats, pagesets}]"""
    zones = []
    zone = cpu = None
    section = None
    for line in lines_of(text):
        head = re.fullmatch(r"Node (\d+), zone +(\S+)", line)
        if head:
            zone = {"node": int(head[1]), "name": head[2], "stats": {}, "node_stats": {},
                    "pagesets": {}, "own": {}}
            zones.append(zone)
            section = None
            continue
        if zone is None:
            raise FormatError(f"before the first zone: {line!r}")
        match = re.fullmatch(r"  pages free +(\d+)", line)
        if match:
            zone["free"] = int(match[1])
            section = "stats"
        elif line == "  per-node stats":
            section = "node_stats"
        elif line == "  pagesets":
            section = "pagesets"
        elif match := re.fullmatch(r"        (\w+) +(\d+)", line):
            if match[1] not in ZONE_KEYS:
                raise FormatError(f"unknown field: {line!r}")
            zone[match[1]] = int(match[2])
        elif match := re.fullmatch(r"        protection: \((.*)\)", line):
            zone["protection"] = [int(word) for word in match[1].split(", ")]
        elif match := re.fullmatch(r"    cpu: (\d+)", line):
            cpu = zone["pagesets"][int(match[1])] = {}
        elif match := re.fullmatch(r"              (count|high|batch): +(\d+)", line):
            cpu[match[1]] = int(match[2])
        elif match := re.fullmatch(r"  vm stats threshold: (\d+)", line):
            cpu["threshold"] = int(match[1])
        elif match := re.fullmatch(r"  (node_unreclaimable|start_pfn): +(\d+)", line):
            zone[match[1]] = int(match[2])
        elif match := re.fullmatch(r" +(tm_\w+):? +(.*)", line):
            zone["own"][match[1]] = match[2]
        elif section in ("stats", "node_stats") and (
                match := re.fullmatch(r"      (\w+) +(\d+)", line)):
            zone[section][match[1]] = int(match[2])
        else:
            raise FormatError(f"zone {zone['node']}/{zone['name']}: {line!r}")
    return zones


def buddyinfo(text):
    """{(node, zone): [blocks of order 0, 1, ...]}"""
    table = {}
    for line in lines_of(text):
        match = re.fullmatch(r"Node (\d+), zone +(\S+)((?: +\d+)+) ?", line)
        if not match:
            raise FormatError(repr(line))
        table[int(match[1]), match[2]] = [int(word) for word in match[3].split()]
    return table


def pagetypeinfo(text):
    """(free, blocks): {(node, zone, type): [per order]}, {(node, zone): {type: n}}"""
    free, blocks, types = {}, {}, []
    for line in lines_of(text):
        if re.fullmatch(r"Page block order: 9|Pages per block:  512|tm_\w+ \d+", line):
            continue
        if re.fullmatch(r"Free pages count per migrate type at order( +\d+)+ ?", line):
            continue
        match = re.fullmatch(r"Node +(\d+), zone +(\S+), type +(\S+)((?: +>?\d+)+) ?", line)
        if match:
            free[int(match[1]), match[2], match[3]] = [int(w.lstrip(">"))
                                                       for w in match[4].split()]
            continue
        match = re.fullmatch(r"Number of blocks type((?: +\S+)+) ?", line)
        if match:
            types = match[1].split()
            continue
        match = re.fullmatch(r"Node (\d+), zone +(\S+)((?: +\d+)+) ?", line)
        if not match:
            raise FormatError(repr(line))
        blocks[int(match[1]), match[2]] = dict(zip(types, map(int, match[3].split())))
    return free, blocks


def meminfo(text):
    """{name: KiB, or a plain number for lines without a unit}"""
    table = {}
    for line in lines_of(text):
        match = re.fullmatch(r"(?:Node \d+ )?([\w()]+): +(\d+)( kB)?", line)
        if not match:
            raise FormatError(repr(line))
        table[match[1]] = int(match[2])
    return table


def vmstat(text):
    """{name: count}; also of numastat and vmstat of a node"""
    table = {}
    for line in lines_of(text):
        match = re.fullmatch(r"(\w+) (\d+)", line)
        if not match or match[1] in table:
            raise FormatError(repr(line))
        table[match[1]] = int(match[2])
    return table


def iomem(text):
    """[(depth, start, end, name)], end exclusive"""
    rows = []
    for line in lines_of(text):
        match = re.fullmatch(r"((?:  )*)([0-9a-f]{8,16})-([0-9a-f]{8,16}) : (.+)", line)
        if not match:
            raise FormatError(repr(line))
        rows.append((len(match[1]) // 2, int(match[2], 16), int(match[3], 16) + 1, match[4]))
    return rows


def cpulist(text):
    """The set a list such as 0-1,3 names; empty for an empty line."""
    cpus = set()
    for word in filter(None, text.strip().split(",")):
        first, _, last = word.partition("-")
        cpus |= set(range(int(first), int(last or first) + 1))
    return cpus


def ktap(text):
    """[(suite/case, outcome, diagnosis)]: outcome passed, failed or skipped. A
    plan that is not met, or none at all, is a failed entry of its own."""
    cases, notes, inner, planned = [], [], [], {}
    for line in text.split("\n"):
        plan = re.fullmatch(r"( *)1\.\.(\d+)", line)
        match = re.fullmatch(r"( *)(not ok|ok) (\d+)(?: -)? ?([^#]*?)(?: # (\w+) ?(.*))?", line)
        if plan:
            planned[bool(plan[1])] = int(plan[2])
            if plan[1]:
                inner = []
        elif match and match[1]:
            outcome = "failed" if match[2] == "not ok" else "passed"
            if (match[5] or "").upper() == "SKIP":
                outcome = "skipped"
                notes = [match[6]]
            inner.append((match[4], outcome, "\n".join(notes)))
            notes = []
        elif match:
            suite = match[4]
            cases += [(f"{suite}/{name}", outcome, note) for name, outcome, note in inner]
            if planned.pop(True, len(inner)) != len(inner):
                cases.append((f"{suite}/plan", "failed", f"{len(inner)} cases ran"))
            if match[2] == "not ok" and all(outcome != "failed" for _, outcome, _ in inner):
                cases.append((suite, "failed", "\n".join(notes)))
            planned["suites"] = planned.get("suites", 0) + 1
            inner, notes = [], []
        elif line.lstrip().startswith("#"):
            notes.append(line.strip())
    if "suites" not in planned or planned.get(False) != planned["suites"]:
        cases.append(("plan", "failed", f"planned {planned.get(False)} suites, "
                      f"ended {planned.get('suites', 0)}:\n{text[-2000:]}"))
    return cases
