# SPDX-License-Identifier: Apache-2.0
"""What the checks of `make lint` share: the files of the tree, where C
functions and comments begin and end, and how a finding is printed. Works on
clang-formatted sources, so a function body is what stands between a brace in
column one and the next; nothing here tries to parse C in general."""

import re
import subprocess
import sys

findings = 0


def report(path, line, text):
    """One finding in the form editors jump to."""
    global findings
    findings += 1
    print(f"{path}:{line}: {text}")


def finish():
    sys.exit(1 if findings else 0)


def files(*patterns):
    """Tracked and new files (not ignored ones) that match the globs."""
    out = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "--", *patterns],
        check=True, capture_output=True, text=True).stdout.split("\n")
    return sorted({name for name in out if name and not _deleted(name)})


def _deleted(name):
    try:
        open(name, "rb").close()
    except OSError:
        return True
    return False


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def blank_comments(text):
    """The text with comments and string contents as blanks, lines kept."""
    def blank(match):
        found = match.group(0)
        if found[0] in "\"'":
            return found[0] + re.sub(r"[^\n]", " ", found[1:-1]) + found[-1]
        return re.sub(r"[^\n]", " ", found)
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
                  blank, text, flags=re.S)


def functions(text):
    """Yields (name, first line of the signature, line of the closing brace)."""
    lines = blank_comments(text).split("\n")
    start = None
    for nr, line in enumerate(lines):
        if line == "{" and start is None:
            first = nr - 1
            while first > 0 and re.match(r"\s", lines[first]) and lines[first].strip():
                first -= 1
            name = re.search(r"(\w+)\s*\(", lines[first])
            if name:
                start = (name.group(1), first + 1)
        elif line == "}" and start:
            yield start[0], start[1], nr + 1
            start = None


def paragraphs(text):
    """Yields (first line number, lines) of each run without an empty line
    outside comments."""
    run, first, inside = [], 1, False
    for nr, line in enumerate(text.split("\n"), 1):
        if not line.strip() and not inside:
            if run:
                yield first, run
            run = []
            continue
        if not run:
            first = nr
        run.append(line)
        opened, closed = line.rfind("/*"), line.rfind("*/")
        if opened != closed:
            inside = opened > closed
    if run:
        yield first, run


def allow_list(path):
    """Lines `WORD... : reason` of an exceptions file, as {words: reason}."""
    allowed = {}
    for nr, line in enumerate(read(path).split("\n"), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        words, _, reason = line.partition(" : ")
        if not reason.strip():
            report(path, nr, "an exception without a reason")
        allowed[tuple(words.split())] = reason.strip()
    return allowed
