#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Put the sum of an Image into its header, which the kernel compares before it
runs anything else (arch/arm64/seal.S): 8 bytes at 0x60, little endian, over all
from 0x80 to the end; the UART hint between may be filled later.

    tools/seal.py Image.raw Image
"""

import argparse
import struct
import sys

SEAL, SEALED = 0x60, 0x80  # as in arch/arm64/arch_layout.h
FACTOR = 0x9e3779b97f4a7c15
MAGIC_AT, MAGIC = 0x38, b"ARM\x64"


def seal_of(image):
    total = 0
    for (word,) in struct.iter_unpack("<Q", image[SEALED:]):
        total = (total * FACTOR + word) & (1 << 64) - 1
    return total


def sealed(image):
    """The bytes of an Image with its seal."""
    if image[MAGIC_AT:MAGIC_AT + 4] != MAGIC or len(image) % 16:
        raise ValueError("not an arm64 Image, or no multiple of 16 bytes")
    return image[:SEAL] + struct.pack("<Q", seal_of(image)) + image[SEAL + 8:]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("image", help="as objcopy made it")
    parser.add_argument("out", help="file to write")
    args = parser.parse_args()
    try:
        with open(args.image, "rb") as f:
            image = sealed(f.read())
        with open(args.out, "wb") as f:
            f.write(image)
    except (OSError, ValueError) as error:
        sys.exit(f"seal: {args.image}: {error}")


if __name__ == "__main__":
    main()
