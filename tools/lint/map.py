# SPDX-License-Identifier: Apache-2.0
"""The map of docs/mechanism-map.md names what exists: each `file: function`
of the third column, each test of the fourth, and each function given for a
name of Linux. Words that are no names (in brackets, `all`, text) pass."""

import glob
import itertools
import os
import re

import tree

MAP = "docs/mechanism-map.md"


def expand(text):
    """a/{b,c}.c as [a/b.c, a/c.c]."""
    parts = re.split(r"\{([^}]*)\}", text)
    choices = [p.split(",") if i % 2 else [p] for i, p in enumerate(parts)]
    return ["".join(c) for c in itertools.product(*choices)]


def find(path, roots):
    return next((r + path for r in roots if os.path.exists(r + path)), None)


def check_places(line, cell):
    for code in re.findall(r"`([^`]+)`", cell):
        path, _, names = code.partition(": ")
        if "/" not in path and "." not in path:
            continue  # a name alone
        texts = []
        for one in expand(path):
            real = find(one, ("mm/", "", "tests/serial/"))
            if not real:
                tree.report(MAP, line, f"there is no {one}")
            elif os.path.isfile(real):
                texts.append(tree.read(real))
        for name in re.findall(r"[\w/]+", re.sub(r"struct |enum ", "", names)):
            if texts and not any(re.search(rf"\b{re.escape(n)}\b", t)
                                 for t in texts for n in [name.split("/")[0]]):
                tree.report(MAP, line, f"no {name} in {path}")


def cases(text):
    """The names of cases in `a, b_*, c (why)`."""
    text = re.sub(r"\([^)]*\)", "", text)
    return [c.strip() for c in re.split(r",|\.\.\.", text) if c.strip() not in ("", "all")]


def check_cases(line, where, names, words):
    text = "\n".join(tree.read(p) for p in where)
    for name in cases(words):
        pattern = re.escape(name).replace(r"\*", r"\w*")
        if not re.search(pattern, text):
            tree.report(MAP, line, f"no case {name} in {names}")


def check_tests(line, cell):
    target = glob.glob("tests/target/*.c")
    for part in re.sub(r"\[[^]]*\]\([^)]*\)", "", cell).split(";"):
        named = re.match(r"\s*(?:suite )?`?([\w/{},.]+)`?(?::(.*))?\s*$", part)
        if not named:
            continue
        name, words = named.group(1), named.group(2) or ""
        if name.startswith(("compile", "zones/")):
            continue
        if "." in name:
            where = [find(n, ("", "tests/serial/")) for n in expand(name)]
        elif "suite" in part:
            where = [p for p in target if f'"{name}"' in tree.read(p)] and target
        else:
            where = [p for p in (f"tests/host/test_{name}.c", f"tests/target/{name}.c")
                     if os.path.exists(p)]
        if not where or not all(where):
            tree.report(MAP, line, f"there is no test {name}")
            continue
        check_cases(line, where, name, words)


def check_linux_names(text):
    sources = "\n".join(tree.read(p) for p in tree.files("mm/*.c", "mm/*.h"))
    for name in re.findall(r"`(\w+)\(\)`", text):
        if not re.search(rf"\b{name}\(", sources):
            tree.report(MAP, 1, f"mm/ has no {name}()")


def main():
    text = tree.read(MAP)
    for nr, line in enumerate(text.split("\n"), 1):
        cells = re.split(r"(?<!\\)\|", line)
        if len(cells) == 6 and cells[1].strip().isdigit():
            check_places(nr, cells[3])
            check_tests(nr, cells[4])
    check_linux_names(text)
    tree.finish()


main()
