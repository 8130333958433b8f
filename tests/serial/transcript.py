# SPDX-License-Identifier: Apache-2.0
"""What went over each console during each test, with the time of every line, as
build/transcripts/WHERE/FILE/TEST.log. WHERE is `qemu` or the board's name. The
hooks in conftest.py say when a test begins and ends."""

import os
import re
import time

from loader import BUILD

where = "qemu"
_consoles = []  # all that may have said something since the last test ended
_begun = time.monotonic()


def add(console):
    _consoles.append(console)


def drop(console):
    """It is closed: forgotten once the running test has been written."""
    console.closed_for_good = True


def begin():
    """A test begins; what came since the last one ended belongs to it."""
    global _begun
    _begun = time.monotonic()


def path_of(nodeid):
    file, _, test = nodeid.partition("::")
    stem = re.sub(r"[^\w.=+-]+", "_", test)[:120].strip("_") or "collection"
    return f"{BUILD}/transcripts/{where}/{os.path.basename(file)[:-3]}/{stem}.log"


def end(nodeid, outcome):
    """The test has ended: write what each console said, then start afresh."""
    parts = []
    for console in list(_consoles):
        if console.events:
            parts.append(f"# {console.title}\n" + lines(console.events))
            console.events = []
        if getattr(console, "closed_for_good", False):
            _consoles.remove(console)
    if not parts:
        return
    path = path_of(nodeid)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as log:
        log.write(f"# {nodeid}: {outcome}, {time.strftime('%Y-%m-%d %H:%M:%S %z')}, "
                  "seconds since the test began\n" + "\n".join(parts))


def lines(events):
    """One line of the console a line, with the time its first byte came; what
    was typed shows as `<- text`, bytes that are no text as \\xNN."""
    out, at_start = [], True
    for when, heard, text in events:
        stamp = f"{max(0, when - _begun):9.3f}  "
        if not heard:
            out.append(("" if at_start else "\n") + f"{stamp}<- {text!r}\n")
            at_start = True
            continue
        for piece in re.findall(r"[^\n]*\n|[^\n]+", text.replace("\r", "")):
            out.append((stamp if at_start else "") + visible(piece))
            at_start = piece.endswith("\n")
    return "".join(out) + ("" if at_start else "\n")


def visible(text):
    return "".join(c if c in "\n\t" or " " <= c <= "~" else f"\\x{ord(c):02x}" for c in text)
