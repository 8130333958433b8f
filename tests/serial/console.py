# SPDX-License-Identifier: Apache-2.0
"""A conversation with the kernel's console, whatever carries it: everything that
was said is kept with the time it came, every wait is bounded. machine.py carries
it by QEMU, board.py by a serial line; both set `child`, a pexpect object."""

import re
import time

import pexpect

from qemu import Gone

PROMPT = "tm> "
PROMPT_AT_LINE_START = r"(?:\A|\n)tm> "
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x07|\x00")


def plain(text):
    """Escape sequences and carriage returns removed."""
    return ESCAPES.sub("", text).replace("\r", "")


class Console:
    """What the tests call `target`."""

    def __init__(self, title):
        self.title = title  # heads the transcript: what was started, on what
        self.child = None
        self.text = []  # everything the console said
        self.events = []  # (time, heard, text): that, and what was typed

    # pexpect's log interface
    def write(self, text):
        self.text.append(text)
        self.events.append((time.monotonic(), True, text))

    def flush(self):
        pass

    def note_typed(self, text):
        self.events.append((time.monotonic(), False, text))

    def console(self):
        """All output so far, escape sequences and carriage returns removed."""
        return plain("".join(self.text))

    def last_lines(self, count):
        return "\n".join(self.console().split("\n")[-count:])

    def expect(self, pattern, timeout=20):
        """Wait for a regular expression; returns what came before it."""
        try:
            self.child.expect(pattern, timeout=timeout)
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            kind = "nothing more" if isinstance(error, pexpect.TIMEOUT) else "end of output"
            raise Gone(f"waited {timeout} s for {pattern!r}, got {kind} after:\n"
                       + self.last_lines(40)) from None
        return plain(self.child.before)

    def boot(self, timeout=30):
        """Wait for the first prompt; returns the boot messages."""
        self.expect(PROMPT_AT_LINE_START, timeout)
        return self.console()

    def send(self, text):
        """As it is and as fast as it goes, like a paste."""
        self.note_typed(text)
        self.child.send(text)

    def keys(self, text):
        """Keys that somebody presses; some may edit the line."""
        self.send(text)

    def line(self, command):
        """Type a line with Enter; the console's echo of it is consumed."""
        self.send(command + "\r")
        self.expect("\n")

    def typed(self, keys, answer, timeout=20):
        """Press keys, then Enter; the machine must print the line `answer` (a
        regular expression) and then the prompt."""
        self.keys(keys + "\r")
        self.expect(rf"\n{answer}\r*\n", timeout)
        self.expect(PROMPT, timeout)

    def output(self, command, timeout=30):
        """Type a command, return what it printed."""
        self.line(command)
        return self.expect(PROMPT_AT_LINE_START, timeout).lstrip("\n")

    def run(self, command, timeout=30):
        """Type a command, return what it printed and its exit status."""
        text = self.output(command, timeout)
        status = self.output("echo $?")
        assert re.fullmatch(r"\d+\n*", status), f"echo $? printed {status!r}"
        return text, int(status)

    def ok(self, command, timeout=30):
        """Type a command that must succeed, return what it printed."""
        text, status = self.run(command, timeout)
        assert status == 0, f"{command}: status {status}\n{text}"
        return text
