#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Code of the Image by room, in bytes: sections that are executed, from the
objects that were linked (what the linker drops as unused is still counted).

    tools/text_size.py [BUILD/arm64] [ROOM]
"""

import collections
import os
import re
import subprocess
import sys


def text_of_rooms(folder, part):
    """{room: bytes of code} of the objects below folder/part."""
    objdump = os.environ.get("CROSS_COMPILE", "aarch64-linux-gnu-") + "objdump"
    rooms = collections.Counter()
    for path, _, names in sorted(os.walk(os.path.join(folder, part))):
        objects = [os.path.join(path, name) for name in names if name.endswith(".o")]
        if not objects:
            continue
        # A source that is gone leaves its object behind until `make clean`.
        objects = [name for name in objects
                   if os.path.exists(os.path.relpath(name, folder).removesuffix(".o"))]
        text = subprocess.run([objdump, "-h", *objects], check=True, capture_output=True,
                              text=True).stdout
        found = re.findall(r"^ +\d+ \S+ +([0-9a-f]{8}) .*\n.*\bCODE\b",
                           text, re.M)
        rooms[os.path.relpath(path, folder)] += sum(int(size, 16) for size in found)
    return rooms


def print_rooms(rooms):
    parts = ", ".join(f"{room} {size:,}" for room, size in rooms.items())
    print(f"Code of mm/ in bytes: {sum(rooms.values()):,} ({parts})")


if __name__ == "__main__":
    print_rooms(text_of_rooms(*(sys.argv[1:] + ["build/arm64", "mm"][len(sys.argv) - 1:])))
