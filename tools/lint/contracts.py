# SPDX-License-Identifier: Apache-2.0
"""Two rules about headers. Every prototype of a public header has a comment:
its own, one at the end of its line, or the one that opens its paragraph. Every
field of a shared structure carries a lock key, `(X)`, in its comment; fields
that are locks or whole structures with keys of their own need none, and
structures that are not shared are listed in keys.allow with the reason."""

import re
import sys

import tree

PUBLIC = ("mm/mm.h", "mm/dt.h", "rtos/rtos.h", "rtos/sync.h", "rtos/defer.h", "rtos/lib/lib.h",
          "arch/arch.h", "apps/app.h")
KEYED = ("mm/types.h", "rtos/rtos.h", "rtos/sync.h", "rtos/defer.h", "rtos/task.h", "rtos/sched.h")
KEY = re.compile(r"\(([A-Z]|lock|[a-z]+ lock)\)")


def check_contracts(path):
    text = tree.read(path)
    for first, lines in tree.paragraphs(text):
        commented = False
        code = tree.blank_comments("\n".join(lines)).split("\n")
        depth = 0
        for offset, line in enumerate(lines):
            if "/*" in line:
                commented = True
            outside = depth == 0
            depth += code[offset].count("{") - code[offset].count("}")
            prototype = re.match(r"^(?!typedef|static|struct \w+ \{)[a-z]\w*[\w\s\*]*?\b(\w+)\(",
                                 code[offset])
            if outside and prototype and not commented:
                tree.report(path, first + offset, f"{prototype.group(1)}() has no contract")


def structures(text):
    """Yields (name, line of the first field, field lines with comments)."""
    for match in re.finditer(r"^struct (\w+) \{\n(.*?)^\}", text, re.M | re.S):
        first = text.count("\n", 0, match.start(2)) + 1
        yield match.group(1), first, match.group(2).rstrip("\n").split("\n")


def fields(lines):
    """Yields (offset, declaration, its comment): the one on the same or the
    following lines, else the one right above."""
    above, pending, inside = "", None, False
    for offset, line in enumerate(lines):
        code = re.sub(r"/\*.*?(\*/|$)", "", line) if not inside else ""
        comment = line if inside else "".join(re.findall(r"/\*.*", line))
        opened = "/*" in line and not inside
        inside = (inside or opened) and "*/" not in line
        if code.strip() == "};":
            above = ""  # the end of a part without a name
        elif code.strip().endswith(";"):
            if pending:
                yield pending
            pending = (offset, code.strip(), above + comment)
            above = ""
        elif pending and comment and not opened:
            pending = (pending[0], pending[1], pending[2] + comment)
        else:
            above += comment
    if pending:
        yield pending


def check_keys(path, keyed, allowed):
    for name, first, lines in structures(tree.read(path)):
        if (name,) in allowed:
            continue
        for offset, declaration, comment in fields(lines):
            inner = re.match(r"struct (\w+) \w", declaration)
            if inner and (inner.group(1) == "spinlock" or inner.group(1) in keyed):
                continue
            if not KEY.search(comment):
                tree.report(path, first + offset, f"struct {name}: no lock key on `{declaration}`")


def main():
    for path in PUBLIC:
        check_contracts(path)
    allowed = tree.allow_list("tools/lint/keys.allow")
    present = [path for path in KEYED if path in tree.files(*KEYED)]
    names = {name for path in present for name, _, _ in structures(tree.read(path))}
    for words in allowed:
        if words[0] not in names:
            tree.report("tools/lint/keys.allow", 1, f"struct {words[0]} does not exist")
    for path in present:
        check_keys(path, names - {words[0] for words in allowed}, allowed)
    tree.finish()


if __name__ == "__main__":
    sys.exit(main())
