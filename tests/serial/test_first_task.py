# SPDX-License-Identifier: Apache-2.0
"""docs/first-task.md, followed word for word: its listings are written to a
folder, its commands are run, and what it shows must come out, line by line and
in that order; only numbers, and the width of columns, may differ. A line of
three dots stands for any others."""

import os
import re
import shlex

import pytest

from machine import PROMPT_AT_LINE_START, Machine
from shapes import NUMA2
from test_apps import TOP, image_of, make

PAGE = TOP + "/docs/first-task.md"
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)
pytestmark = pytest.mark.xdist_group("apps")


def blocks():
    with open(PAGE, encoding="utf-8") as page:
        return BLOCK.findall(page.read())


def plain(line):
    """Without what may differ: numbers, and how wide columns are."""
    return re.sub(r"\s+", " ", re.sub(r"[0-9a-f]*\d[0-9a-f.]*|\b-\b", "N", line)).strip()


def not_shown(expected, text):
    """The first line of the page that is not among what was printed, behind
    the line before it; None when all are."""
    lines = iter([plain(line) for line in text.split("\n")])
    for want in expected:
        if want.strip() not in ("", "...") and not any(plain(want) == line for line in lines):
            return want
    return None


class Reader:
    """Somebody with the page in one hand."""

    def __init__(self, folder):
        self.folder = str(folder / "first")
        self.machine = None
        self.commands = []
        self.ids = {}  # of tasks: on the page -> on this machine

    def shell(self, line):
        self.commands.append(line)
        words = shlex.split(line.replace("~/first", self.folder))
        if words[0] == "mkdir":
            os.mkdir(words[1])
            return
        assert words[0] == "make" and f"APP={self.folder}" in words, line
        self.leave()
        if "run" not in words:
            make(*words[1:])
            return
        image = image_of(self.folder, "test" if "BUILD=test" in words else "release")
        self.machine = Machine(NUMA2, image, deadline=120)
        self.machine.__enter__()
        self.machine.boot()
        # Else the prompt is drawn again after each message of the app.
        self.machine.send("stty -echo\r")
        self.machine.expect(PROMPT_AT_LINE_START, 30)

    def learn_ids(self, expected, text):
        """ps numbers tasks by what the kernel itself started before them."""
        for number, name in re.findall(r"^ *(\d+) (\S+) ", "\n".join(expected), re.M):
            found = re.search(rf"^ *(\d+) {name} ", text, re.M)
            if found:
                self.ids[number] = found.group(1)

    def show(self, command, expected, tries):
        """A picture of a moment, as ps gives, may have to be taken again."""
        self.machine.send(command + "\r")
        output = self.machine.expect(PROMPT_AT_LINE_START, 30)
        self.learn_ids(expected, output)
        missing = not_shown(expected, output)
        if missing and tries > 1:
            self.show(command, expected, tries - 1)
        else:
            assert not missing, f"{missing!r} is not in\n{output}"

    def console(self, text):
        for part in re.split(r"^(?=tm> )", text, flags=re.M):
            if not part:
                continue
            command, *expected = part.split("\n")
            command = command.removeprefix("tm> ")
            self.commands.append(command)
            if command == "poweroff":
                self.machine.send("poweroff\r")
                self.machine.wait_end(20)
                self.leave()
                continue
            command = re.sub(r"^(task \w+ )(\d+)",
                             lambda m: m.group(1) + self.ids[m.group(2)], command)
            self.show(command, expected, 3 if command == "ps" else 1)

    def leave(self):
        if self.machine:
            self.machine.__exit__()
            self.machine = None


@pytest.mark.timeout(300)
def test_the_page(tmp_path):
    reader = Reader(tmp_path)
    try:
        for kind, name, text in blocks():
            if kind == "c":
                with open(f"{reader.folder}/{name}", "w", encoding="utf-8") as f:
                    f.write(text)
            elif kind == "sh":
                for line in text.strip().split("\n"):
                    reader.shell(line)
            else:
                assert kind == "console", kind
                reader.console(text)
    finally:
        reader.leave()
    assert len(reader.commands) >= 10, reader.commands
