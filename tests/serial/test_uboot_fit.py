# SPDX-License-Identifier: Apache-2.0
"""FIT images: what was changed after it was made is not started. With a hash,
U-Boot notices damage; with a required signature, everything but what the key's
owner signed. The key pairs are made here and thrown away."""

import hashlib
import os
import struct
import subprocess

import pytest

import uboot
from boot_loader import Loaded, flipped, prepare, put, read
from machine import IMAGES, Shape

ONE = Shape("fit-one", 512, 2)
SCRUB = "mw.b ${ramdisk_addr_r} 0 180000"  # nothing left of the one before
CONFIGURATION = b"Tidemark on the signed tree"


def kernel_in(fit):
    """Where the kernel begins and ends in a FIT."""
    start = fit.index(b"ARM\x64") - 0x38
    return start, start + len(read(IMAGES["release"]))


def tree_in(fit):
    return fit.rindex(b"\xd0\x0d\xfe\xed")


def middle_of_kernel(fit):
    return sum(kernel_in(fit)) // 2


def rehashed(fit):
    """The kernel changed and its hash made to fit again, as an attacker would."""
    start, end = kernel_in(fit)
    bad = flipped(fit, middle_of_kernel(fit))
    before = hashlib.sha256(fit[start:end]).digest()
    assert bad.count(before) == 1
    return bad.replace(before, hashlib.sha256(bad[start:end]).digest())


def loads(target, name, command):
    """What U-Boot says to this FIT; it must come back to its prompt."""
    return target.type(SCRUB, "load virtio 0:1 ${ramdisk_addr_r} " + name, command)


@pytest.fixture(scope="module")
def hashed(tmp_path_factory):
    """U-Boot at its prompt; on its disk the FIT with a hash, damaged."""
    disk, words = prepare(tmp_path_factory.mktemp("hashed"), "fit", ONE)
    good = read(disk + "/tidemark.itb")
    put(disk + "/kernel.itb", flipped(good, middle_of_kernel(good)))
    put(disk + "/short.itb", good[:len(good) // 2])
    put(disk + "/magic.itb", flipped(good, 2))
    put(disk + "/size.itb", good[:4] + struct.pack(">I", len(good) // 2) + good[8:])
    put(disk + "/form.itb", flipped(good, 8))
    put(disk + "/empty.itb", b"")
    with Loaded(ONE, words, deadline=200) as target:
        target.stop_countdown()
        target.type("virtio scan")
        yield target


@pytest.mark.xdist_group("fit-hashed")
@pytest.mark.parametrize("name, why", [
    ("kernel.itb", "Bad hash value for 'hash-1' hash node in 'kernel' image node"),
    ("short.itb", "Bad FIT kernel image format"), ("magic.itb", "Wrong Image Format"),
    ("size.itb", "Wrong Image Format"), ("form.itb", "Wrong Image Format"),
    ("empty.itb", "Wrong Image Format")])
def test_damage_is_refused(hashed, name, why):
    said = loads(hashed, name, "bootm ${ramdisk_addr_r}#conf - ${fdt_addr}")
    assert why in said, said
    assert "Starting kernel" not in said


@pytest.mark.xdist_group("fit-hashed")
def test_the_whole_one_boots_from_the_same_prompt(hashed):
    hashed.type("load virtio 0:1 ${ramdisk_addr_r} tidemark.itb")
    hashed.leave("bootm ${ramdisk_addr_r}#conf - ${fdt_addr}")
    hashed.boot()


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """U-Boot that requires a signature, at its prompt; on its disk what is not
    what the owner of the key signed."""
    folder = tmp_path_factory.mktemp("signed")
    disk, words = prepare(folder, "fit-signed", ONE)
    other, _ = prepare(tmp_path_factory.mktemp("stranger"), "fit-signed", ONE)
    good = read(disk + "/signed.itb")
    put(disk + "/kernel.itb", flipped(good, middle_of_kernel(good)))
    put(disk + "/rehashed.itb", rehashed(good))
    put(disk + "/tree.itb", flipped(good, tree_in(good) + 0x200))
    put(disk + "/config.itb", flipped(good, good.index(CONFIGURATION)))
    put(disk + "/wrongkey.itb", read(other + "/signed.itb"))
    plain, _ = prepare(folder, "fit", ONE)
    put(disk + "/unsigned.itb", read(plain + "/tidemark.itb"))
    put(disk + "/added.itb", good)
    for name, what in (("kernel", "kernel"), ("fdt", "fdt")):  # a configuration beside the signed
        subprocess.run(["fdtput", "-p", disk + "/added.itb", "/configurations/more", name, what],
                       check=True, timeout=20)
    with Loaded(ONE, words, deadline=200) as target:
        target.fit = good
        target.stop_countdown()
        target.type("virtio scan")
        yield target


@pytest.mark.xdist_group("fit-signed")
@pytest.mark.parametrize("name, why", [
    ("kernel.itb", "Bad hash value for 'hash-1' hash node in 'kernel' image node"),
    ("tree.itb", "Bad hash value for 'hash-1' hash node in 'fdt' image node"),
    ("rehashed.itb", "Failed to verify required signature"),
    ("config.itb", "Failed to verify required signature"),
    ("wrongkey.itb", "Failed to verify required signature"),
    ("unsigned.itb", "Failed to verify required signature")])
def test_what_was_not_signed_is_refused(signed, name, why):
    said = loads(signed, name, "bootm ${ramdisk_addr_r}#conf")
    assert why in said, said
    assert "Starting kernel" not in said


@pytest.mark.xdist_group("fit-signed")
def test_added_configuration_is_refused(signed):
    said = loads(signed, "added.itb", "bootm ${ramdisk_addr_r}#more")
    assert "Failed to verify required signature" in said
    assert "Starting kernel" not in said


def signed_bytes(fit):
    """Offsets all over what the signature must protect: the nodes of images and
    configuration, kernel, tree, the hashes and the signature's value. Not the name
    of the default configuration, nor who signed when."""
    nodes, tree = fit.index(b"images\0"), tree_in(fit)
    start, end = kernel_in(fit)
    behind = tree + struct.unpack_from(">I", fit, tree + 4)[0]
    default = fit.index(b"configurations\0") + 16
    conf = fit.index(b"\0\0\0\1conf\0", default)
    signature = fit.index(b"signature-1\0", conf)
    value = fit.index(struct.pack(">II", 3, 256), signature) + 12
    return [*range(nodes, start - 8, 17), *range(start, end, 130003), end - 1,
            *range(tree, behind, 2003), *range(behind + 3 & ~3, default, 13),
            *range(conf, signature, 11), *range(value, value + 256, 51)]


@pytest.mark.xdist_group("fit-signed")
def test_any_byte_changed_is_refused(signed):
    """Changed in memory and put back, one after the other; at the end it is good."""
    signed.type("load virtio 0:1 ${ramdisk_addr_r} signed.itb")
    for at in signed_bytes(signed.fit):
        byte = signed.fit[at]
        said = signed.type(f"mw.b {0x44000000 + at:x} {byte ^ 0x10:x}; "
                           "if bootm start 44000000#conf; then echo let in; fi; "
                           f"mw.b {0x44000000 + at:x} {byte:x}")
        assert "\nlet in" not in said, f"byte {at:#x} of signed.itb: {said}"
    said = signed.type("if bootm start 44000000#conf; then echo let in; fi")
    assert "\nlet in" in said


@pytest.mark.xdist_group("fit-signed")
def test_what_was_signed_boots_from_the_same_prompt(signed):
    said = loads(signed, "signed.itb", "iminfo ${ramdisk_addr_r}")
    assert "dev" in said
    signed.leave("bootm ${ramdisk_addr_r}#conf")
    log = signed.boot()
    assert "sha256,rsa2048:dev+ OK" in log


@pytest.mark.parametrize("flow, name", [("fit", "tidemark.itb"), ("fit-signed", "signed.itb")])
def test_refusal_without_typing_is_named(flow, name, tmp_path):
    """The damaged file alone on the disk: boot.scr says so and nothing starts."""
    disk, words = prepare(tmp_path, flow, ONE)
    fit = read(f"{disk}/{name}")
    put(f"{disk}/{name}", flipped(fit, middle_of_kernel(fit)))
    with Loaded(ONE, words) as target:
        said = target.give_up()
        assert f"Tidemark: {name} was refused, see above" in said
        assert "Starting kernel" not in said


def test_keys_are_kept_and_private(tmp_path):
    """A second image is signed with the key of the first, which nobody else reads."""
    folder = str(tmp_path / "keys")
    uboot.keys(folder)
    first = read(folder + "/dev.key")
    uboot.keys(folder)
    assert read(folder + "/dev.key") == first
    assert (tmp_path / "keys").stat().st_mode & 0o77 == 0


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60)


def test_keys_of_ones_own(tmp_path):
    """A key without a certificate gets one and stays; what does not fit together,
    or U-Boot does not know, is named before anything is signed."""
    key, certificate = tmp_path / "dev.key", tmp_path / "dev.crt"
    openssl("genrsa", "-out", key, "3072")
    before = key.read_bytes()
    uboot.keys(str(tmp_path))
    assert key.read_bytes() == before
    assert uboot.algorithm(str(tmp_path)) == "sha256,rsa3072"
    openssl("genrsa", "-out", key, "2048")
    with pytest.raises(ValueError, match="dev.crt does not belong to dev.key"):
        uboot.algorithm(str(tmp_path))
    os.unlink(key)
    with pytest.raises(ValueError, match="there is dev.crt, but no dev.key to sign with"):
        uboot.keys(str(tmp_path))
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    os.unlink(certificate)
    uboot.keys(str(tmp_path))
    with pytest.raises(ValueError, match="RSA key of 2048, 3072 or 4096 bits"):
        uboot.algorithm(str(tmp_path))
