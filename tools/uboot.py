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
import os
import shutil
import subprocess
import sys

import hint

HERE = os.path.dirname(os.path.abspath(__file__))
BOARD = os.path.join(HERE, "../boards/qemu-virt")
UBOOT = os.environ.get("UBOOT", "/usr/lib/u-boot/qemu_arm64/u-boot.bin")
PL011 = 0x09000000
ENV_BYTES = 0x40000  # CONFIG_ENV_SIZE of Debian's build
FLASH_BYTES = 64 << 20  # each of virt's two flashes
FLOWS = ("uboot", "extlinux", "fit", "fit-signed")
KEY = "dev"  # key-name-hint in signed.its


def run(*words):
    """Run a tool; what it said is shown only when it failed."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode:
        sys.exit(f"uboot: {' '.join(words)}:\n{done.stdout}")


def source(name):
    with open(f"{BOARD}/{name}", encoding="utf-8") as f:
        return f.read()


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
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
        filled = hint.fill(f.read(), "pl011", PL011)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(filled)


def keys(folder):
    """A key pair and its certificate, made when there is none."""
    stem = f"{folder}/{KEY}"
    if os.path.exists(stem + ".crt"):
        return
    os.makedirs(folder, mode=0o700, exist_ok=True)
    run("openssl", "req", "-batch", "-newkey", "rsa:2048", "-nodes", "-x509", "-days", "3650",
        "-subj", "/CN=" + KEY, "-keyout", stem + ".key", "-out", stem + ".crt")


def fit(its, path, *more):
    """A FIT; /incbin/ finds its files in the folder of `path`."""
    run("mkimage", "-D", f"-I dts -O dtb -p 2000 -i {os.path.dirname(path)}", "-f", its, *more,
        path)


def machine_tree(qemu, path):
    """The tree QEMU makes for this machine, without its padding."""
    machine = qemu.index("-M") + 1
    line = list(qemu)
    line[machine] += f",dumpdtb={path}.raw"
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
    fit(f"{BOARD}/signed.its", f"{out}/signed.itb", "-k", key_folder, "-K", control, "-r")
    os.rename(f"{out}/signed.itb", f"{disk}/signed.itb")


def prepare(flow, made, out, append="", key_folder=None, qemu=()):
    """Fill out/FLOW anew; returns QEMU's words that boot it."""
    out = os.path.abspath(f"{out}/{flow}")
    disk = out + "/disk"
    shutil.rmtree(out, ignore_errors=True)
    image(disk + "/Image", made)
    flash(out + "/flash.img")
    if flow == "extlinux":
        write(disk + "/extlinux/extlinux.conf",
              source("extlinux.conf").replace("@APPEND@", append))
    else:
        script(disk + "/boot.scr")
        write(disk + "/uEnv.txt", f"bootargs={append}\n")
    if flow == "fit":
        fit(BOARD + "/tidemark.its", disk + "/tidemark.itb")
        os.unlink(disk + "/Image")
    if flow == "fit-signed":
        signed(out, disk, key_folder or os.path.dirname(out) + "/keys", qemu)
    return words(out)


def words(out):
    """QEMU's words for a folder that prepare() filled."""
    control = f"{out}/control.dtb"
    return ["-bios", UBOOT, *(["-dtb", control] if os.path.exists(control) else []),
            "-drive", f"if=pflash,unit=1,format=raw,file={out}/flash.img",
            "-drive", f"if=none,id=disk,format=raw,file=fat:rw:{out}/disk",
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
    try:
        line = qemu + prepare(args.flow, args.image, args.out, args.append, args.keys, qemu)
    except (OSError, ValueError) as error:
        sys.exit(f"uboot: {error}")
    if args.run:
        os.execvp(line[0], line)
    print(f"{args.out}/{args.flow}/ holds the disk; start it with: make run BOOT={args.flow}")


if __name__ == "__main__":
    main()
