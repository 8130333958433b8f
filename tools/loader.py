#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Start the kernel on a device tree of your own, byte for byte as given, on
QEMU's virt machine: Image, blob and a small shim (shim.S) are put into RAM by
QEMU's loader device, because -dtb rewrites memory nodes and refuses broken blobs.

    make run TREE=dts/holes.dts              the serial console follows
    tools/loader.py --mib 1024 --append 'run="mm check"' board.dtb
"""

import argparse
import os
import struct
import subprocess
import sys

import hint
from qemu import COMMON, QEMU, Shape

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get("TM_BUILD", "build"))
IMAGES = {"release": BUILD + "/arm64/Image", "test": BUILD + "/arm64-test/Image",
          "meter": BUILD + "/arm64-meter/Image"}
RAM_BASE = 0x40000000
FOLDER = BUILD + "/serial"
SHIM_AT = RAM_BASE + 0x180000  # below the Image, above QEMU's own tree
IMAGE_AT = RAM_BASE + 0x200000
BLOB_AT = 0x48000000
QEMU_TREE_END = RAM_BASE + (1 << 20)  # where QEMU puts a tree of its own
STAGED_AT = 0x50000000
PL011 = 0x09000000
CROSS = os.environ.get("CROSS_COMPILE", "aarch64-linux-gnu-")


def _write(path, data):
    """Whole or not at all: several workers may write the same file."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "wb") as f:
        f.write(data)
    os.rename(temporary, path)


def assembled(source):
    """Path of the bytes that an assembler source makes."""
    stem = f"{FOLDER}/{os.path.basename(source)}-{os.getpid()}"
    os.makedirs(FOLDER, exist_ok=True)
    subprocess.run([CROSS + "gcc", "-nostdlib", "-c", source, "-o", stem + ".o"], check=True)
    subprocess.run([CROSS + "objcopy", "-O", "binary", stem + ".o", stem + ".bin"], check=True)
    os.unlink(stem + ".o")
    return stem + ".bin"


def _shim_code():
    path = assembled(HERE + "/shim.S")
    with open(path, "rb") as f:
        code = f.read()
    os.unlink(path)
    return code[:-32]


_code = None


def shim(blob_at=BLOB_AT, image_at=IMAGE_AT, staged=0, nr_bytes=0):
    """Path of a shim that enters the Image with x0 = blob_at, after moving
    nr_bytes there from `staged`."""
    global _code
    _code = _code or _shim_code()
    path = f"{FOLDER}/shim-{image_at:x}-{blob_at:x}-{nr_bytes:x}.bin"
    _write(path, _code + struct.pack("<QQQQ", image_at, blob_at, staged, nr_bytes))
    return path


def hinted_image(variant="release"):
    """Path of an Image copy whose UART hint names virt's PL011."""
    source = IMAGES[variant]
    path = f"{FOLDER}/Image-{variant}-hinted"
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(source):
        with open(source, "rb") as f:
            _write(path, hint.fill(f.read(), "pl011", PL011))
    return path


def loader_args(blob, blob_at=BLOB_AT, variant="release", image_at=IMAGE_AT, hinted=True):
    """QEMU arguments that start the Image on the blob (a path) at blob_at."""
    image = hinted_image(variant) if hinted else IMAGES[variant]
    size = os.path.getsize(blob)
    move = RAM_BASE <= blob_at < QEMU_TREE_END
    start = shim(blob_at, image_at, STAGED_AT, size if move else 0)
    args = ["-device", f"loader,file={image},addr={image_at:#x},force-raw=on"]
    if size:
        at = STAGED_AT if move else blob_at
        args += ["-device", f"loader,file={blob},addr={at:#x},force-raw=on"]
    return args + ["-device", f"loader,file={start},addr={SHIM_AT:#x},force-raw=on",
                   "-device", f"loader,addr={SHIM_AT:#x},cpu-num=0"]


def blob_of(tree, append):
    """Path of the blob: a source is compiled; bootargs go into /chosen, if any."""
    path = f"{FOLDER}/run-{os.path.basename(tree)}.dtb"
    os.makedirs(FOLDER, exist_ok=True)
    if tree.endswith(".dts"):
        subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", path, tree], check=True)
    else:
        with open(tree, "rb") as f:
            _write(path, f.read())
    if append:
        subprocess.run(["fdtput", "-p", "-t", "s", path, "/chosen", "bootargs", append],
                       check=True)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("tree", help=".dts source or blob")
    parser.add_argument("--append", default="", help="boot arguments, into /chosen")
    parser.add_argument("--mib", type=int, default=2048, help="RAM there really is, from 1 GiB on")
    parser.add_argument("--cpus", type=int, default=4)
    parser.add_argument("--build", choices=IMAGES, default="release")
    parser.add_argument("qemu", nargs="*", help="more QEMU options, after --")
    args = parser.parse_args()
    if not 256 <= args.mib <= 1 << 20:
        sys.exit(f"loader: --mib {args.mib}: the blob goes to 128 MiB into RAM, so 256 or more")
    try:
        blob = blob_of(args.tree, args.append)
        command = [QEMU, *Shape("tree", args.mib, args.cpus).qemu_args(), *COMMON[:2], *COMMON[4:],
                   "-serial", "mon:stdio", *loader_args(blob, variant=args.build), *args.qemu]
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"loader: {args.tree}: {error}")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
