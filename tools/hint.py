#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Fill the UART hint of an Image: what the kernel prints on until the device
tree has named its own, for trees too broken to do so. 32 bytes at Image+0x40,
all zero by default: type (16 bytes), base (u64), register shift and width
(u32 each, 0 for the type's own), little endian (struct uart_hint, rtos/rtos.h).

    tools/hint.py build/arm64/Image build/board/Image pl011 0x09000000
"""

import argparse
import struct
import sys

OFFSET = 0x40
MAGIC_AT, MAGIC = 0x38, b"ARM\x64"
TYPES = ("pl011", "sbsa", "ns16550", "dw-apb", "bcm2835-aux")


def fill(image, kind, base, shift=0, width=0):
    """The bytes of an Image with the hint set."""
    if image[MAGIC_AT:MAGIC_AT + 4] != MAGIC:
        raise ValueError("not an arm64 Image")
    if kind not in TYPES:
        raise ValueError(f"'{kind}' is none of {', '.join(TYPES)}")
    if not (0 < base < 1 << 64 and 0 <= shift <= 4 and width in (0, 1, 2, 4)):
        raise ValueError("address, shift (0-4) or width (0, 1, 2, 4) out of range")
    hint = struct.pack("<16sQII", kind.encode(), base, shift, width)
    return image[:OFFSET] + hint + image[OFFSET + len(hint):]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("image", help="Image as built")
    parser.add_argument("out", help="copy to write")
    parser.add_argument("type", choices=TYPES)
    parser.add_argument("base", type=lambda word: int(word, 0), help="physical address")
    parser.add_argument("--shift", type=int, default=0, help="log2 of the register spacing")
    parser.add_argument("--width", type=int, default=0, help="bytes of a register access")
    args = parser.parse_args()
    try:
        with open(args.image, "rb") as f:
            image = fill(f.read(), args.type, args.base, args.shift, args.width)
        with open(args.out, "wb") as f:
            f.write(image)
    except (OSError, ValueError) as error:
        sys.exit(f"hint: {args.image}: {error}")


if __name__ == "__main__":
    main()
