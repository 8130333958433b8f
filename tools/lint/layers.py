# SPDX-License-Identifier: Apache-2.0
"""Layers, checked on the objects with nm: a room of mm/ uses its own symbols,
those of the rooms above it and the public contracts of arch and rtos; the rest
of the kernel uses of mm/ what mm/mm.h and mm/dt.h declare. Exceptions stand in
layers.allow, one `OBJECT SYMBOL : reason` a line, `*` for any object of a room
or any symbol; a line that matches nothing any more is a finding too."""

import collections
import fnmatch
import os
import re
import subprocess
import sys

import tree

ALLOW = "tools/lint/layers.allow"
# Data flows down: a room may use rooms before it, never those after it.
MM_ROOMS = ("mm/boot", "mm/page", "mm/reclaim", "mm/compact", "mm/vm", "mm/slab", "mm/stat")
# Counters, trace, explain, owner and fault hooks may be used from everywhere.
EVERYWHERE = {"mm/stat/" + name for name in
              ("vmstat.c", "trace.c", "explain.c", "owner.c", "fault.c", "watch.c", "names.c")}
CONTRACTS = {
    "arch": ("arch/arch.h", "arch/arm64/arch_inline.h"),
    "rtos": ("rtos/rtos.h", "rtos/sync.h", "rtos/defer.h", "rtos/lib/base.h", "rtos/lib/lib.h",
             "mm/locks.h"),
    "mm": ("mm/mm.h", "mm/dt.h"),
    "apps": ("apps/app.h",),
}
# mm/ knows spinlocks, "may I sleep", time and messages; not tasks.
TASKS = re.compile(r"task_|waitq_|mutex_|sleep_|preempt_")
# Whose request it is, what that says about it, and its own waiting: no more.
OF_THE_CALLER = ("task_current", "task_mm", "task_prio", "task_killed", "task_name", "task_id",
                 "task_yield", "sleep_ns")
KNOWS_TASKS = ("kswapd.c", "kcompactd.c", "flusher.c")


def symbols(objects):
    """{object: (defined, undefined)} of global symbols."""
    prefix = os.environ.get("CC", "aarch64-linux-gnu-gcc").removesuffix("gcc")
    text = subprocess.run([prefix + "nm", "-A", "-g", *objects], check=True,
                          capture_output=True, text=True).stdout
    table = collections.defaultdict(lambda: (set(), set()))
    for line in text.split("\n"):
        match = re.match(r"(.*?):[0-9a-f ]* ([A-Za-z]) (\S+)$", line)
        if match:
            table[match.group(1)][match.group(2) in "Uwv"].add(match.group(3))
    return table


def declared(area):
    words = set()
    for path in CONTRACTS[area]:
        words |= set(re.findall(r"\b(\w+)\s*(?:\(|\[|;)", tree.blank_comments(tree.read(path))))
    return words


def room_of(source):
    return os.path.dirname(source)


def verdict(user, owner, symbol, contracts):
    """Why `user` may not use `symbol` of the file `owner`; None if it may."""
    user_area, owner_area = user.split("/")[0], owner.split("/")[0]
    if user_area == "mm" and owner_area == "mm":
        if owner in EVERYWHERE or room_of(owner) == room_of(user):
            return None
        if MM_ROOMS.index(room_of(owner)) < MM_ROOMS.index(room_of(user)):
            return None
        return f"{room_of(owner)} stands below {room_of(user)}"
    if user_area == owner_area:
        return None
    if user_area == "mm" and TASKS.match(symbol) and symbol not in OF_THE_CALLER \
            and os.path.basename(user) not in KNOWS_TASKS:
        return "mm/ does not know that tasks exist"
    if symbol not in contracts[owner_area]:
        return f"not in the contract of {owner_area}"
    return None


def main():
    root = sys.argv[1]
    sources = {}
    for folder, _, names in os.walk(root):
        for name in names:
            if re.search(r"\.[cS]\.o$", name):
                path = os.path.join(folder, name)
                source = os.path.relpath(path, root)[:-2]
                if os.path.exists(source) and not source.startswith("tests/"):
                    sources[path] = source
    table = symbols(sorted(sources))
    owner = {}
    for path, (defined, _) in table.items():
        for symbol in defined:
            owner[symbol] = sources[path]
    contracts = {area: declared(area) for area in CONTRACTS}
    allowed = tree.allow_list(ALLOW)
    used = set()
    for path in sorted(table):
        for symbol in sorted(table[path][1]):
            if symbol not in owner or symbol.startswith("__"):
                continue  # nobody's, or a call the compiler made up
            why = verdict(sources[path], owner[symbol], symbol, contracts)
            if not why:
                continue
            match = [rule for rule in allowed if fnmatch.fnmatchcase(sources[path], rule[0])
                     and fnmatch.fnmatchcase(symbol, rule[1])]
            used |= set(match)
            if not match:
                tree.report(sources[path], 1, f"uses {symbol} of {owner[symbol]}: {why}")
    for rule in sorted(set(allowed) - used):
        tree.report(ALLOW, 1, f"matches nothing: {' '.join(rule)}")
    check_includes()
    tree.finish()


def check_includes():
    """Only mm.h, dt.h, types.h, task.h and locks.h of mm/ are for others."""
    for path in tree.files("arch/*.[ch]", "rtos/*.[ch]"):
        for name in re.findall(r'^#include "(mm/[^"]+)"', tree.read(path), re.M):
            if name not in ("mm/mm.h", "mm/dt.h", "mm/types.h", "mm/task.h",
                            "mm/locks.h"):
                tree.report(path, 1, f"includes {name}, which is private to mm/")
    for path in tree.files("apps/*.[ch]"):
        for name in re.findall(r'^#include "((?:arch|mm|rtos)/[^"]+)"', tree.read(path), re.M):
            if name not in ("rtos/rtos.h", "mm/mm.h", "mm/dt.h"):
                tree.report(path, 1, f"includes {name}; apps see rtos.h, mm.h and dt.h")
    for path in tree.files("mm/*.[ch]"):
        for name in re.findall(r'^#include "((?:arch|rtos)/[^"]+)"', tree.read(path), re.M):
            if name not in CONTRACTS["arch"] + CONTRACTS["rtos"]:
                tree.report(path, 1, f"includes {name}, which is no contract")


if __name__ == "__main__":
    sys.exit(main())
