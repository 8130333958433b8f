#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Write a card image to a disk, so that a slip of the finger costs nothing: the
disk must be a whole one, not mounted, not in use by swap, RAID, encryption or
volumes nor a part of such, large enough and writable; what is on it is shown,
and its name has to be typed. Then the image is written, its first block with the
partition table last, so that half a card never looks like one; read back from
the medium and compared.

lsblk says what the disk is; the kernel has the last word, as the disk is opened
for this program alone. --pretend lets a file stand for a disk that lsblk
describes in another file: for tests, never for a device."""

import argparse
import fcntl
import json
import os
import shlex
import signal
import stat
import subprocess
import sys
from errno import EBUSY

COLUMNS = "NAME,PATH,TYPE,SIZE,MODEL,TRAN,RM,RO,FSTYPE,LABEL,MOUNTPOINTS"
BLOCK = 1 << 20
BLKRRPART = 0x125F  # ioctls: read the partition table again,
BLKFLSBUF = 0x1261  # and forget what is cached of this device
# What lsblk calls the parts of something larger, which need not be running.
MEMBERS = {"LVM2_member": "LVM volumes", "linux_raid_member": "a RAID", "zfs_member": "a ZFS pool",
           "ddf_raid_member": "a RAID", "isw_raid_member": "a RAID", "bcache": "a cache"}


class Refused(Exception):
    """Why nothing was written; the text says what to do about it."""


def size_text(nr_bytes):
    value = float(nr_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.4g} {unit}"
        value /= 1024
    return f"{value:.4g} TiB"


# ---- what it is ---------------------------------------------------------------


def ask_lsblk(path):
    try:
        done = subprocess.run(["lsblk", "--json", "--bytes", "--output", COLUMNS, path],
                              capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused(f"lsblk cannot be asked about {path}: {error}") from None
    if done.returncode:
        raise Refused(f"lsblk knows nothing of {path}: {done.stderr.strip()}")
    return done.stdout


def parse_lsblk(text, path):
    try:
        found = json.loads(text)["blockdevices"]
        if len(found) != 1 or not isinstance(found[0].get("size"), int):
            raise ValueError("not one device with a size")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(f"what lsblk says about {path} is not understood: {error}") from None
    return found[0]


def describe(path, args):
    """What lsblk knows of a device, or the same for a file that was allowed."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from None
    if stat.S_ISBLK(mode):
        if args.pretend:
            raise Refused(f"{path} is a device: --pretend is for files")
        return parse_lsblk(ask_lsblk(path), path)
    if not stat.S_ISREG(mode):
        raise Refused(f"{path} is not a block device")
    if args.pretend:
        with open(args.pretend, encoding="utf-8") as f:
            return parse_lsblk(f.read(), path)
    if not args.file:
        raise Refused(f"{path} is a file, not a block device (FILE=1 allows an image file)")
    return {"name": os.path.basename(path), "path": path, "type": "file",
            "size": os.path.getsize(path)}


def below(disk):
    """All that lies on the disk, itself first: partitions, volumes, ..."""
    waiting, seen = [disk], []
    while waiting:
        node = waiting.pop(0)
        seen.append(node)
        waiting += node.get("children") or []
    return seen


def mounts(node):
    return [where for where in node.get("mountpoints") or [] if where]


# ---- may it be overwritten? -----------------------------------------------------


def check_use(disk):
    """Refuses a disk of which any part is in use, with the gravest reason."""
    used = [(node["path"], where) for node in below(disk) for where in mounts(node)]
    for path, where in used:
        if where == "/":
            raise Refused(f"{path} holds the system that is running (/)")
    for path, where in used:
        if where == "[SWAP]":
            raise Refused(f"{path} is swap in use (swapoff {path})")
        raise Refused(f"{path} is mounted on {where} (umount {path})")
    for node in below(disk)[1:]:
        if node.get("type") != "part":
            raise Refused(f"{disk['path']} is in use by {node['path']} ({node.get('type')})")
    for node in below(disk):
        if node.get("fstype") in MEMBERS:
            raise Refused(f"{node['path']} is a part of {MEMBERS[node['fstype']]} (if nobody needs "
                          f"that any more: wipefs -a {node['path']})")


def check(disk, nr_bytes, args):
    """Raises Refused unless the disk may be overwritten with so many bytes."""
    kind = disk.get("type")
    if kind == "part" and not args.partition:
        raise Refused(f"{disk['path']} is a partition; a card image has a partition table of "
                      "its own and wants the whole disk (PARTITION=1 if it is meant)")
    if kind not in ("disk", "part", "loop", "file"):
        raise Refused(f"{disk['path']} is no disk but {kind}")
    check_use(disk)
    if disk.get("ro"):
        raise Refused(f"{disk['path']} is write-protected (the slide of an SD card?)")
    if disk["size"] == 0:
        raise Refused(f"{disk['path']} has no medium in it")
    if disk["size"] < nr_bytes:
        raise Refused(f"{disk['path']} is too small: {size_text(disk['size'])}, the image takes "
                      f"{size_text(nr_bytes)}, {nr_bytes - disk['size']} bytes more")


def show(disk, image, nr_bytes):
    """What is there now, for a person to recognise it."""
    model = (disk.get("model") or "").strip() or "no model name"
    bus = f", {disk['tran']}" if disk.get("tran") else ""
    fixed = "" if disk.get("rm") or disk["type"] == "file" else ", NOT REMOVABLE"
    print(f"{disk['path']}: {model}, {size_text(disk['size'])}{bus}{fixed}")
    for node in below(disk):
        words = [node.get("fstype") or "", f"'{node['label']}'" if node.get("label") else ""]
        if node is disk and not any(words):
            continue
        print(f"  {node['path']}  {size_text(node['size'])}  {' '.join(words)}".rstrip())
    print(f"All of this is lost. {image} ({size_text(nr_bytes)}) is written in its place.")


def confirm(name):
    print(f"Type {name} to go on: ", end="", flush=True)
    if sys.stdin.readline().strip() != name:
        raise Refused("not confirmed, nothing was written")


# ---- writing --------------------------------------------------------------------


def no_right(path):
    command = shlex.join([sys.executable, *sys.argv])
    return Refused(f"{path}: no right to write (as root: sudo {command})")


def open_disk(path):
    """For us alone: the kernel refuses a device that anything else holds."""
    try:
        return os.open(path, os.O_RDWR | os.O_EXCL | os.O_CLOEXEC)
    except PermissionError:
        raise no_right(path) from None
    except OSError as error:
        busy = ": something holds it that lsblk does not show" if error.errno == EBUSY else ""
        raise Refused(f"{path}: {error.strerror}{busy}") from None


def put(disk, data):
    view = memoryview(data)
    while view:
        view = view[os.write(disk, view):]


def copy(disk, image):
    """Writes the whole image, the first block last, and waits until the medium
    has it."""
    first = image.read(BLOCK)
    put(disk, bytes(len(first)))
    while piece := image.read(BLOCK):
        put(disk, piece)
    os.fsync(disk)
    os.lseek(disk, 0, os.SEEK_SET)
    put(disk, first)
    os.fsync(disk)


def forget(disk, is_device):
    """So that what is read back comes from the medium."""
    if is_device:
        fcntl.ioctl(disk, BLKFLSBUF)
    else:
        os.posix_fadvise(disk, 0, 0, os.POSIX_FADV_DONTNEED)


def read_exactly(disk, count):
    data = b""
    while len(data) < count and (piece := os.read(disk, count - len(data))):
        data += piece
    return data


def compare(disk, image):
    """Raises Refused at the first byte that is not as it was written."""
    os.lseek(disk, 0, os.SEEK_SET)
    image.seek(0)
    at = 0
    while piece := image.read(BLOCK):
        back = read_exactly(disk, len(piece))
        if back != piece:
            same = os.path.commonprefix([back, piece])
            raise Refused(f"read back differs at byte {at + len(same):#x}: a bad or fake card, "
                          "do not use it")
        at += len(piece)


def reread_partitions(disk):
    try:
        fcntl.ioctl(disk, BLKRRPART)
    except OSError:
        print("The new partition is seen once the card is taken out and put in again.")


def same_as_shown(disk, path, shown, nr_bytes):
    """What was opened is what was asked about, whatever was plugged meanwhile."""
    now = os.fstat(disk)
    if (now.st_dev, now.st_ino, now.st_rdev) != (shown.st_dev, shown.st_ino, shown.st_rdev):
        raise Refused(f"{path} is another device than the one shown, nothing was written")
    if os.lseek(disk, 0, os.SEEK_END) < nr_bytes:
        raise Refused(f"{path} is too small after all, nothing was written")
    os.lseek(disk, 0, os.SEEK_SET)


def write(path, image_path, shown):
    disk = open_disk(path)
    try:
        same_as_shown(disk, path, shown, os.path.getsize(image_path))
        is_device = stat.S_ISBLK(os.fstat(disk).st_mode)
        with open(image_path, "rb") as image:
            copy(disk, image)
            forget(disk, is_device)
            compare(disk, image)
        if is_device:
            reread_partitions(disk)
    except (OSError, KeyboardInterrupt) as error:
        why = getattr(error, "strerror", None) or "interrupted"
        raise Refused(f"{path}: {why}: it may hold a part of the image, and what was on it is "
                      "lost") from None
    finally:
        os.close(disk)


def flash(args):
    if not os.path.isfile(args.image):
        raise Refused(f"{args.image}: no such image (make sdcard)")
    nr_bytes = os.path.getsize(args.image)
    if nr_bytes == 0:
        raise Refused(f"{args.image} is empty (make sdcard)")
    path = os.path.realpath(args.device)
    if path != args.device:
        print(f"{args.device} is {path}.")
    if os.path.realpath(args.image) == path:
        raise Refused(f"{path} is the image itself")
    disk = describe(path, args)
    shown = os.stat(path)
    check(disk, nr_bytes, args)
    show(disk, args.image, nr_bytes)
    if not os.access(path, os.W_OK):
        raise no_right(path)
    confirm(disk["name"])
    if describe(path, args) != disk:
        raise Refused(f"{path} is not as it was shown (mounted or changed meanwhile)")
    write(path, args.image, shown)
    print(f"{size_text(nr_bytes)} written to {path}, read back, the same.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("image", help="what `make sdcard` made")
    parser.add_argument("device", help="the disk, as /dev/sdX or /dev/disk/by-id/...")
    parser.add_argument("--partition", action="store_true", help="a partition is meant")
    parser.add_argument("--file", action="store_true", help="an image file in place of a disk")
    parser.add_argument("--pretend", metavar="JSON", help="lsblk's answer about a file (tests)")
    args = parser.parse_args()
    for nr in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(nr, signal.default_int_handler)
    try:
        flash(args)
    except KeyboardInterrupt:
        sys.exit("\nflash: interrupted, nothing was written")
    except (Refused, OSError) as error:
        sys.exit(f"flash: {error}")


if __name__ == "__main__":
    main()
