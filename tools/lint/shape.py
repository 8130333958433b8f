# SPDX-License-Identifier: Apache-2.0
"""The house rules a script can see: licence tag, header comment, width, number
of includes, conditionals in mm/, length of functions and files. The hard
limits only; what is merely wanted is for the reader to judge."""

import re
import sys

import tree

WIDTH = 100
FUNCTION = 60        # lines, signature to closing brace
FUNCTION_EXCUSED = 80  # with a comment that says "Length:" above it
FILE = 800
INCLUDES = 8
CONDITIONALS = 3     # per thousand lines of mm/, include guards aside
HEADER = 4           # lines of the opening comment of .c and .h, at least

TAGGED = ("*.c", "*.h", "*.S", "*.lds", "*.py", "*.mk", "*.dts", "*.dtsi", "*.gdb", "*.ini",
          "*.md", "*.supp", "*.allow", "Makefile", "tools/*", ".ci/run", ".clang-format",
          ".editorconfig")
NOT_TAGGED = ("tools/help.txt",)
CODE = ("*.c", "*.h", "*.S", "*.lds", "*.py", "*.dts", "Makefile")


def check_tag(path, text):
    head = text.split("\n", 2)[:2]
    tag = head[1] if head[0].startswith("#!") and len(head) > 1 else head[0]
    if "SPDX-License-Identifier: Apache-2.0" not in tag:
        tree.report(path, 1, "no SPDX tag (Apache-2.0) in the first line")


def check_width(path, text):
    for nr, line in enumerate(text.split("\n"), 1):
        if len(line.expandtabs(8)) > WIDTH:
            tree.report(path, nr, f"wider than {WIDTH} columns")
        if line != line.rstrip():
            tree.report(path, nr, "blanks at the end of the line")
    if text and not text.endswith("\n"):
        tree.report(path, text.count("\n") + 1, "no newline at the end")


def check_header(path, text):
    match = re.match(r"(?:/\*[^\n]*\*/|//[^\n]*)\n(/\*.*?\*/)", text, re.S)
    if not match or match.group(1).count("\n") + 1 < HEADER:
        tree.report(path, 2, f"no opening comment of at least {HEADER} lines (the contract)")


def check_c(path, text):
    lines = text.count("\n")
    test = path.startswith("tests/")
    if path.endswith(".c") and not test and lines > FILE:
        tree.report(path, 1, f"{lines} lines, at most {FILE}: split at the layer")
    includes = re.findall(r"^#include\b", text, re.M)
    if path.endswith(".c") and not test and len(includes) > INCLUDES:
        tree.report(path, 1, f"{len(includes)} includes, at most {INCLUDES}")
    source = text.split("\n")
    for name, first, last in tree.functions(text):
        length = last - first + 1
        above = "\n".join(source[max(0, first - 12):first])
        limit = FUNCTION_EXCUSED if "Length:" in above else FUNCTION
        if length > limit and not (test and name == "main"):  # a table of cases
            tree.report(path, first, f"{name} has {length} lines, at most {limit}")
    if re.search(r'^#include\s+"[^"]+\.c"', text, re.M):
        tree.report(path, 1, "includes a .c file")


def check_conditionals():
    total = conditionals = 0
    worst = []
    for path in tree.files("mm/*.c", "mm/*.h"):
        text = tree.read(path)
        total += text.count("\n")
        found = len(re.findall(r"^\s*#\s*if", text, re.M)) - path.endswith(".h")
        conditionals += found
        if found > 0:
            worst.append(f"{path} ({found})")
    if conditionals * 1000 > CONDITIONALS * total:
        tree.report("mm", 1, f"{conditionals} conditionals in {total} lines, at most "
                    f"{CONDITIONALS} per thousand: {', '.join(worst)}")


def main():
    for path in tree.files(*TAGGED):
        if path not in NOT_TAGGED:
            check_tag(path, tree.read(path))
    for path in tree.files(*CODE):
        check_width(path, tree.read(path))
    for path in tree.files("*.c", "*.h"):
        text = tree.read(path)
        check_header(path, text)
        check_c(path, text)
    check_conditionals()
    tree.finish()


if __name__ == "__main__":
    sys.exit(main())
