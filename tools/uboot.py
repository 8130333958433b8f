#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What U-Boot on QEMU's virt boots Tidemark from: a folder that QEMU serves as
a FAT disk, and a flash with U-Boot's environment; made of boards/qemu-virt.

    uboot       boot.scr loads Image and tree (the default way)
    extlinux    extlinux/extlinux.conf, found by U-Boot's autoboot
    fit         boot.scr loads tidemark.itb: kernel with a hash
    fit-signed  signed.itb: kernel and tree, signed; U-Boot's own tree gets the
                public key and then takes nothing else by bootm

    make run BOOT=extlinux          or by hand, the QEMU line behind --:
    tools/uboot.py fit --image build/arm64/Image --out build/qemu-virt -- qemu-system-aarch64 ...
"""

import argparse
import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile

import hint
from sdcard import EPOCH

HERE = os.path.dirname(os.path.abspath(__file__))
BOARD = os.path.join(HERE, "../boards/qemu-virt")
UBOOT = os.environ.get("UBOOT", "/usr/lib/u-boot/qemu_arm64/u-boot.bin")
PL011 = 0x09000000
ENV_BYTES = 0x40000  # CONFIG_ENV_SIZE of Debian's build
FLASH_BYTES = 64 << 20  # each of virt's two flashes
FLOWS = ("uboot", "extlinux", "fit", "fit-signed")
KEY = "dev"  # key-name-hint in signed.its
EXTLINUX_BYTES = 512  # U-Boot's CONFIG_SYS_CBSIZE, the closing zero included
KERNEL_BYTES = 4096  # the same of what the kernel keeps of its arguments


def run(*words, cwd=None):
    """Run a tool with a fixed time; what it said is shown only when it failed."""
    env = {"SOURCE_DATE_EPOCH": str(EPOCH), **os.environ}
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              cwd=cwd, env=env, timeout=60, check=False)
    except FileNotFoundError:
        sys.exit(f"uboot: {words[0]} is not installed (tools/setup uboot)")
    except subprocess.TimeoutExpired:
        sys.exit(f"uboot: {words[0]} did not end within 60 s")
    if done.returncode:
        sys.exit(f"uboot: {' '.join(words)}:\n{done.stdout}")
    return done.stdout


@contextlib.contextmanager
def locked(folder):
    """One at a time: two makes may want the same key or the same flow."""
    os.makedirs(folder, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


# ---- boot arguments as each file wants them ----------------------------------------


def checked(append, nr_bytes, where):
    """Boot arguments that arrive whole."""
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", append):
        raise ValueError("APPEND holds a line break or another control character")
    length = len(append.encode(errors="surrogateescape"))
    if length >= nr_bytes:
        raise ValueError(f"APPEND has {length} bytes, {where} takes {nr_bytes - 1}")
    return append


def environment_line(append):
    """For uEnv.txt: U-Boot's `env import -t` takes a level of backslashes away."""
    checked(append, KERNEL_BYTES, "the kernel")
    return "bootargs=" + append.replace("\\", "\\\\") + "\n"


def extlinux(append):
    """For extlinux.conf, where an `append` with nothing behind it is an error."""
    lines = source("extlinux.conf").split("\n")
    if not append.strip(" \t"):
        lines = [line for line in lines if "@APPEND@" not in line]
    return "\n".join(lines).replace("@APPEND@", extlinux_words(append))


def extlinux_words(append):
    """There $ begins a variable and ' quotes, but behind a backslash that is
    itself meant nothing is special."""
    return re.sub(r"(?<!\\)([\\'$])", r"\\\1", checked(append, EXTLINUX_BYTES, "extlinux"))


def source(name):
    with open(f"{BOARD}/{name}", encoding="utf-8") as f:
        return f.read()


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as f:
        f.write(text)


def commands(text):
    """The lines of a script without its comments."""
    return [line for line in text.split("\n") if line and not line.startswith("#")]


def script(path):
    """boot.scr: bank.cmd, then boot.cmd."""
    write(path + ".cmd", source("bank.cmd") + source("boot.cmd"))
    run("mkimage", "-A", "arm64", "-T", "script", "-n", "Tidemark", "-d", path + ".cmd", path)
    os.unlink(path + ".cmd")


def flash(path):
    """The second flash: an environment whose preboot is bank.cmd."""
    text = source("uboot-env.txt").replace("@BANK@", "\n".join(commands(source("bank.cmd"))))
    lines = commands(text)
    first = next(i for i, line in enumerate(lines) if line.startswith("preboot="))
    write(path + ".txt", "\n".join(lines[:first]) + "\n" + "\\\n".join(lines[first:]) + "\n")
    run("mkenvimage", "-s", hex(ENV_BYTES), "-o", path, path + ".txt")
    os.unlink(path + ".txt")
    os.truncate(path, FLASH_BYTES)


def image(path, made):
    """The Image with the console's address, for trees too broken to name it."""
    with open(made, "rb") as f:
        try:
            filled = hint.fill(f.read(), "pl011", PL011)
        except ValueError as error:
            raise ValueError(f"{made}: {error}") from None
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(filled)


def keys(folder):
    """A key pair and its certificate. What is missing is made, and no key is ever
    written over."""
    key, certificate = f"{folder}/{KEY}.key", f"{folder}/{KEY}.crt"
    if not os.path.exists(folder):
        os.makedirs(folder, mode=0o700, exist_ok=True)
    with locked(folder):
        have_key, have_certificate = os.path.exists(key), os.path.exists(certificate)
        if have_certificate and not have_key:
            raise ValueError(f"KEYS={folder}: there is {KEY}.crt, but no {KEY}.key to sign with")
        if have_key and have_certificate:
            return
        new = ["-key", key] if have_key else ["-newkey", "rsa:2048", "-nodes", "-keyout", key]
        run("openssl", "req", "-batch", "-x509", "-days", "3650", "-subj", "/CN=" + KEY, *new,
            "-out", certificate)


def algorithm(folder):
    """The signature's name after the size of the key, which U-Boot must know."""
    public = run("openssl", "x509", "-in", f"{folder}/{KEY}.crt", "-noout", "-pubkey", "-text")
    if run("openssl", "pkey", "-in", f"{folder}/{KEY}.key", "-pubout") not in public:
        raise ValueError(f"KEYS={folder}: {KEY}.crt does not belong to {KEY}.key")
    bits = re.search(r"rsaEncryption\s+Public-Key: \((2048|3072|4096) bit\)", public)
    if not bits:
        raise ValueError(f"KEYS={folder}: U-Boot wants an RSA key of 2048, 3072 or 4096 bits")
    return "sha256,rsa" + bits[1]


def fit(its, path, *more):
    """A FIT; /incbin/ finds its files in the folder of `path`."""
    run("mkimage", "-D", "-I dts -O dtb -p 2000 -i .", "-f", os.path.abspath(its), *more,
        os.path.basename(path), cwd=os.path.dirname(path))


def machine_tree(qemu, path):
    """The tree QEMU makes for this machine, without its padding, and without the
    random seeds: in a signed tree they would be anybody's to read."""
    words = [at for at, word in enumerate(qemu) if word in ("-M", "-machine", "--machine")]
    if not words or words[0] + 1 == len(qemu):
        raise ValueError("QEMU's line is wanted behind --, with -M: the tree is its machine's")
    machine = words[0] + 1
    line = list(qemu)
    line[machine] += f",dtb-randomness=off,dumpdtb={path.replace(',', ',,')}.raw"
    run(*line, "-display", "none")
    run("dtc", "-q", "-I", "dtb", "-O", "dtb", "-p", "4096", "-o", path, path + ".raw")
    os.unlink(path + ".raw")


def signed(out, disk, key_folder, qemu):
    """signed.itb on the disk, and control.dtb: U-Boot's own tree with the key."""
    image_tree, control = f"{out}/board.dtb", f"{out}/control.dtb"
    machine_tree(qemu, image_tree)
    shutil.copy(image_tree, control)
    shutil.copy(f"{disk}/Image", f"{out}/Image")
    os.unlink(f"{disk}/Image")
    keys(key_folder)
    write(f"{out}/signed.its",
          source("signed.its").replace("sha256,rsa2048", algorithm(key_folder)))
    fit(f"{out}/signed.its", f"{out}/signed.itb", "-k", os.path.abspath(key_folder), "-K",
        control, "-r")
    os.rename(f"{out}/signed.itb", f"{disk}/signed.itb")


def prepare(flow, made, out, append="", key_folder=None, qemu=()):
    """Make out/FLOW anew, whole or not at all; returns QEMU's words that boot it."""
    parent = os.path.abspath(out)
    out = f"{parent}/{flow}"
    os.makedirs(parent, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix=f".{flow}-") as scratch:
        new = scratch + "/new"
        fill(flow, made, new, append, key_folder or parent + "/keys", qemu)
        with locked(parent):
            if os.path.exists(out):
                os.rename(out, scratch + "/old")
            os.rename(new, out)
    return words(out)


def fill(flow, made, out, append, key_folder, qemu):
    disk = out + "/disk"
    image(disk + "/Image", made)
    flash(out + "/flash.img")
    if flow == "extlinux":
        write(disk + "/extlinux/extlinux.conf", extlinux(append))
    else:
        script(disk + "/boot.scr")
        write(disk + "/uEnv.txt", environment_line(append))
    if flow == "fit":
        fit(BOARD + "/tidemark.its", disk + "/tidemark.itb")
        os.unlink(disk + "/Image")
    if flow == "fit-signed":
        signed(out, disk, key_folder, qemu)


def words(out):
    """QEMU's words for a folder that prepare() filled."""
    control, name = f"{out}/control.dtb", out.replace(",", ",,")
    return ["-bios", UBOOT, *(["-dtb", control] if os.path.exists(control) else []),
            "-drive", f"if=pflash,unit=1,format=raw,file={name}/flash.img",
            "-drive", f"if=none,id=disk,format=raw,file=fat:rw:{name}/disk",
            "-device", "virtio-blk-device,drive=disk"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0],
                                     epilog="-- and QEMU's line close the arguments")
    parser.add_argument("flow", choices=FLOWS)
    parser.add_argument("--image", required=True, help="Image as built")
    parser.add_argument("--out", required=True, help="folder; FLOW/ in it is made anew")
    parser.add_argument("--append", default="", help="boot arguments")
    parser.add_argument("--keys", help="folder of dev.key and dev.crt; made when missing")
    parser.add_argument("--run", action="store_true", help="start QEMU on it")
    own = sys.argv[1:sys.argv.index("--")] if "--" in sys.argv else sys.argv[1:]
    qemu = sys.argv[len(own) + 2:]
    args = parser.parse_args(own)
    if args.run and not qemu:
        parser.error("--run wants QEMU's line behind --")
    try:
        line = qemu + prepare(args.flow, args.image, args.out, args.append, args.keys, qemu)
        if args.run:
            os.execvp(line[0], line)
    except (OSError, ValueError) as error:
        sys.exit(f"uboot: {error}")
    print(f"{args.out}/{args.flow}/ holds the disk; start it with: make run BOOT={args.flow}")


if __name__ == "__main__":
    main()
