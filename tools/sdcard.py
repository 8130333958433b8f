#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Make a bootable card image, or a folder for network boot, from a board's list
(boards/BOARD/card.txt, tftp.txt). No root rights, no loop device: mkfs.fat and
mtools write into the file. The same input gives the same bytes: names are
sorted, times and the volume's id are fixed. The image appears whole or not at
all. What is missing is named, with the place where it can be had.

A line of the list is NAME KIND [WORD]; KIND says where the file comes from:

    kernel [UART]   the Image that was built; TYPE@ADDRESS becomes its hint
                    (tools/hint.py), and a damaged one can say so
    tree PATH       a tree of Debian's kernel package, VENDOR/BOARD.dtb
    uboot MODEL     u-boot.bin of Debian's u-boot-rpi package
    file PATH       a file of the board's folder
    script PATH     a U-Boot script of the board's folder, packed by mkimage;
                    A+B is A with B behind it
    fit PATH        a FIT source of the board's folder; finds the files above it
    vendor          firmware that is no free software: from --firmware, or left out
"""

import argparse
import os
import shutil
import struct
import subprocess
import sys
import tempfile

import hint

MIB = 1 << 20
SECTOR = 512
CARD_BYTES = 32 * MIB  # QEMU's SD wants a power of two; all files together are under 10 MiB
PART_START = MIB
FAT32_LBA = 0x0C  # what the Pi's own images use; the FAT inside is FAT16
DISK_ID = 0x7469646D
VOLUME_ID = "7469646d"
EPOCH = 1704067200  # 2024-01-01: the time of every file
# How many words may follow.
KINDS = {"kernel": (0, 1), "tree": (1,), "uboot": (1,), "file": (1,), "script": (1,), "fit": (1,),
         "vendor": (0,)}


class Problem(Exception):
    """Something a person has to put right; the text says what."""


def parse_list(path):
    """[(name, kind, word)] of the board's list."""
    entries = []
    try:
        with open(path, encoding="utf-8") as f:
            lines = f.read().split("\n")
    except OSError as error:
        raise Problem(f"{path}: {error.strerror}") from None
    for nr, line in enumerate(lines, 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if len(words) < 2 or len(words) - 2 not in KINDS.get(words[1], ()):
            raise Problem(f"{path}:{nr}: a line is NAME KIND [WORD], "
                          f"KIND one of {', '.join(KINDS)}")
        parts = words[0].split("/")
        if words[0].startswith("/") or ".." in parts or "" in parts:
            raise Problem(f"{path}:{nr}: '{words[0]}' is not a name on the card")
        if words[0] in [name for name, _, _ in entries]:
            raise Problem(f"{path}:{nr}: '{words[0]}' is listed twice")
        entries.append((words[0], words[1], words[2] if len(words) > 2 else ""))
    if not entries:
        raise Problem(f"{path}: nothing is listed")
    return entries


def run(*command, cwd=None):
    """One tool with fixed time and language; its words if it fails."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    env = dict(os.environ, SOURCE_DATE_EPOCH=str(EPOCH), TZ="UTC", LC_ALL="C", PATH=path,
               MTOOLSRC="/dev/null", MTOOLS_SKIP_CHECK="1")
    try:
        done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True,
                              timeout=60, check=False)
    except FileNotFoundError:
        raise Problem(f"{command[0]} is not installed (tools/setup card)") from None
    except subprocess.TimeoutExpired:
        raise Problem(f"{command[0]} did not end within 60 s") from None
    if done.returncode:
        raise Problem(f"{command[0]} failed: {(done.stderr or done.stdout).strip()}")


class Stage:
    """A folder that holds the files as they will be on the card."""

    def __init__(self, folder, args):
        self.folder = folder
        self.args = args
        self.left_out = []

    def source(self, kind, word):
        """Path of a file that is copied as it is."""
        if kind == "kernel":
            return self.args.image
        if kind == "tree":
            return os.path.join(self.args.trees, word)
        if kind == "uboot":
            return os.path.join(self.args.uboot, word, "u-boot.bin")
        return os.path.join(self.args.board, word)

    def vendor(self, name, target):
        if not self.args.firmware:
            self.left_out.append(name)
            return
        path = os.path.join(self.args.firmware, name)
        if not os.path.isfile(path):
            raise Problem(f"FIRMWARE={self.args.firmware}: there is no {name} in it")
        shutil.copyfile(path, target)

    def add(self, name, kind, word):
        target = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if kind == "vendor":
            self.vendor(name, target)
            return
        paths = [self.source(kind, part) for part in word.split("+")]
        for path in paths:
            if not os.path.isfile(path):
                raise Problem(f"{path} is missing ({name} on the card)")
        if kind == "script":
            self.script(paths, target)
        elif kind == "fit":
            self.fit(paths[0], target)
        elif kind == "kernel" and word:
            self.kernel(paths[0], word, target)
        else:
            shutil.copyfile(paths[0], target)

    def kernel(self, path, word, target):
        uart, _, address = word.partition("@")
        try:
            with open(path, "rb") as f:
                filled = hint.fill(f.read(), uart, int(address, 0))
        except ValueError as error:
            raise Problem(f"{path} with the hint {word}: {error}") from None
        with open(target, "wb") as f:
            f.write(filled)

    def script(self, paths, target):
        source = os.path.join(self.folder, ".cmd")
        with open(source, "wb") as out:
            for path in paths:
                with open(path, "rb") as f:
                    out.write(f.read())
        run("mkimage", "-A", "arm64", "-T", "script", "-n", "Tidemark", "-d", source, target)
        os.unlink(source)

    def fit(self, path, target):
        """In the stage itself, so that the source names files as the card does."""
        source = os.path.join(self.folder, ".its")
        shutil.copyfile(path, source)
        run("mkimage", "-f", ".its", os.path.abspath(target), cwd=self.folder)
        os.unlink(source)

    def settle(self):
        """Fixes all times; returns (folders, files), relative and sorted."""
        folders, files = [], []
        for where, below, names in os.walk(self.folder, topdown=False):
            inside = os.path.relpath(where, self.folder)
            files += [os.path.normpath(os.path.join(inside, name)) for name in names]
            folders += [os.path.normpath(os.path.join(inside, name)) for name in below]
            for name in names + below:
                os.utime(os.path.join(where, name), (EPOCH, EPOCH))
        return sorted(folders), sorted(files)


    def move_to(self, out):
        """Into a folder, over the files of an earlier time; returns their names."""
        _, files = self.settle()
        for name in files:
            os.makedirs(os.path.dirname(os.path.join(out, name)), exist_ok=True)
            os.replace(os.path.join(self.folder, name), os.path.join(out, name))
        return files


def partition_table():
    """The first sector: one active partition that takes all but the first MiB."""
    start, count = PART_START // SECTOR, (CARD_BYTES - PART_START) // SECTOR
    beyond = b"\xfe\xff\xff"  # cylinders and heads: "use the sector numbers"
    entry = struct.pack("<B3sB3sII", 0x80, beyond, FAT32_LBA, beyond, start, count)
    return bytes(440) + struct.pack("<IH", DISK_ID, 0) + entry + bytes(48) + b"\x55\xaa"


def write_card(stage, out):
    folders, files = stage.settle()
    total = sum(os.path.getsize(os.path.join(stage.folder, name)) for name in files)
    if total > CARD_BYTES - 2 * MIB:
        raise Problem(f"the files take {total // MIB + 1} MiB; "
                      f"the card has room for {CARD_BYTES // MIB - 2}")
    with open(out, "wb") as f:
        f.write(partition_table())
        f.truncate(CARD_BYTES)
    run("mkfs.fat", "-F", "16", "-s", "4", "--invariant", "-i", VOLUME_ID, "-n", "TIDEMARK",
        "-h", str(PART_START // SECTOR), "--offset", str(PART_START // SECTOR), out,
        str((CARD_BYTES - PART_START) // 1024))
    inside = f"{out}@@{PART_START}"
    for name in folders:
        run("mmd", "-i", inside, "::/" + name)
    for name in files:
        run("mcopy", "-m", "-i", inside, os.path.join(stage.folder, name), "::/" + name)
    return total


def say_left_out(args, names):
    if not names:
        return
    board = os.path.basename(os.path.normpath(args.board))
    print(f"Not on it, for they are the vendor's and no free software: {', '.join(names)}.")
    print(f"A real board needs them; boards/{board}/README.md says where they are. Then:")
    print(f"    make sdcard BOARD={board} FIRMWARE=DIR")


def build(args, scratch):
    stage = Stage(os.path.join(scratch, "files"), args)
    os.mkdir(stage.folder)
    for name, kind, word in parse_list(os.path.join(args.board, args.list)):
        stage.add(name, kind, word)
    if args.folder:
        print(f"{args.out}: {', '.join(stage.move_to(args.out))}")
        return
    card = os.path.join(scratch, "card.img")
    total = write_card(stage, card)
    os.rename(card, args.out)
    print(f"{args.out}: {CARD_BYTES // MIB} MiB, {(total + 1023) // 1024} KiB of files")
    say_left_out(args, stage.left_out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--board", required=True, help="the board's folder")
    parser.add_argument("--list", default="card.txt", help="which list of that folder")
    parser.add_argument("--image", required=True, help="the kernel's Image")
    parser.add_argument("--trees", default="build/dtbs")
    parser.add_argument("--uboot", default="build/u-boot-rpi")
    parser.add_argument("--firmware", help="folder with the vendor's files")
    parser.add_argument("--folder", action="store_true", help="make a folder, not a card")
    parser.add_argument("out")
    args = parser.parse_args()
    try:
        if os.path.exists(args.out) and not (os.path.isdir if args.folder else os.path.isfile)(
                args.out):
            raise Problem(f"{args.out} is in the way (make flash writes to disks)")
        where = os.path.dirname(os.path.abspath(args.out))
        os.makedirs(where, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=where, prefix=".card-") as scratch:
            build(args, scratch)
    except (Problem, OSError) as error:
        sys.exit(f"sdcard: {error}")


if __name__ == "__main__":
    main()
