# SPDX-License-Identifier: Apache-2.0
"""Starts the kernel on a device tree of our own, byte for byte as given: Image,
blob and a small shim (shim.S) are put into RAM by QEMU's loader device."""

import os
import struct
import subprocess
import sys

from machine import BUILD, IMAGES, RAM_BASE

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../tools"))
import hint  # noqa: E402  (tools/hint.py)

HERE = os.path.dirname(os.path.abspath(__file__))
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


def _shim_code():
    stem = f"{FOLDER}/shim-{os.getpid()}"
    os.makedirs(FOLDER, exist_ok=True)
    subprocess.run([CROSS + "gcc", "-nostdlib", "-c", HERE + "/shim.S", "-o", stem + ".o"],
                   check=True)
    subprocess.run([CROSS + "objcopy", "-O", "binary", stem + ".o", stem + ".bin"], check=True)
    with open(stem + ".bin", "rb") as f:
        code = f.read()
    os.unlink(stem + ".o")
    os.unlink(stem + ".bin")
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
