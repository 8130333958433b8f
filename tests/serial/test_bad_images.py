# SPDX-License-Identifier: Apache-2.0
"""What a boot loader may hand over by mistake: an Image cut short or damaged, a
tree cut short, damaged, at an odd place or in the kernel's way, an initrd that
lies on something. Either U-Boot refuses, or the console says what is wrong and
the CPU parks; what can be forgiven boots."""

import contextlib
import re
import struct

import pytest

import hint
import uboot
from boot_loader import Loaded, flipped, prepare, put, read
from loader import IMAGE_AT, loader_args
from machine import IMAGES, QEMU, Shape, batch

ONE = Shape("bad-images", 512, 2)
DAMAGED = "tm: panic: the Image is damaged or cut short: its checksum is wrong"
HALTED = "tm: halted; load it again"


def image(variant="release"):
    return hint.fill(read(IMAGES[variant]), "pl011", uboot.PL011)


def short_after(share):
    return lambda data: data[:int(len(data) * share) & ~15]


def flip_at(share):
    return lambda data: flipped(data, int(len(data) * share))


DAMAGE = {
    "cut-to-a-tenth": short_after(0.1), "cut-in-half": short_after(0.5),
    "last-sector-missing": lambda data: data[:len(data.rstrip(b"\0")) - 496 & ~15],
    "last-byte": lambda data: flipped(data, len(data) - 1),
    "first-behind-the-header": lambda data: flipped(data, 0x10000),
    "a-third": flip_at(0.33), "two-thirds": flip_at(0.66),
    "sector-of-zeros": lambda data: data[:0x20000] + bytes(512) + data[0x20200:],
    "sectors-swapped": lambda data: (data[:0x20000] + data[0x20200:0x20400]
                                     + data[0x20000:0x20200] + data[0x20400:]),
    "seal": lambda data: flipped(data, 0x60),
}


@pytest.mark.parametrize("variant", ["release", "test"])
@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("machine", ["gic-version=3", "gic-version=3,virtualization=on"],
                         ids=["el1", "el2"])
def test_damaged_image_says_so(how, variant, machine, tmp_path):
    path = str(tmp_path / "Image")
    put(path, DAMAGE[how](image(variant)))
    text = batch(Shape("damaged", 256, machine=machine), "", path, until=(HALTED,), timeout=20)
    assert DAMAGED in text
    assert "Tidemark" not in text


def test_whole_image_boots_with_and_without_seal(tmp_path):
    """Without one (all zero) nothing is compared: that is how kernel.elf runs."""
    path = str(tmp_path / "Image")
    for data in (image(), image()[:0x60] + bytes(8) + image()[0x68:]):
        put(path, data)
        assert "tm: exit 0" in batch(Shape("whole", 256), 'run="mm check"', path, timeout=30)


def test_entry_at_el3_says_so(tmp_path):
    """Against the boot protocol: firmware should have left that level."""
    path = str(tmp_path / "Image")
    put(path, image())
    args = ["-device", f"loader,file={path},addr={IMAGE_AT:#x},force-raw=on",
            "-device", f"loader,addr={IMAGE_AT:#x},cpu-num=0"]
    text = batch(Shape("el3", 256, machine="gic-version=3,secure=on"), "", args=args,
                 until=("tm: halted",), timeout=20)
    assert "tm: panic: entered at EL3; the boot protocol wants EL2 or EL1" in text


@pytest.mark.parametrize("machine", ["gic-version=3", "gic-version=3,virtualization=on"],
                         ids=["el1", "el2"])
def test_memory_ends_inside_the_image(machine, tmp_path):
    """What the file holds fits, what the header asks for besides does not."""
    put(str(tmp_path / "tree"), tree_of(ONE, tmp_path))
    at = IMAGE_AT - 0x200000 + (512 << 20) - len(image()) - 0x10000 & ~0xfff
    args = loader_args(str(tmp_path / "tree"), image_at=at)
    text = batch(Shape("short-memory", 512, machine=machine), "", args=args, timeout=20,
                 until=("tm: halted",))
    assert "an exception at the first steps: is there RAM for all of the Image?" in text


@pytest.fixture
def at_prompt(tmp_path):
    """at_prompt(shape, NAME=bytes...): U-Boot's prompt on a disk with the Image
    and these files."""
    with contextlib.ExitStack() as running:
        def start(shape=ONE, **files):
            disk, words = prepare(tmp_path, "uboot", shape)
            for name, data in files.items():
                put(f"{disk}/{name}", data)
            target = running.enter_context(Loaded(shape, words))
            target.stop_countdown()
            target.type("virtio scan", "load virtio 0:1 ${kernel_addr_r} Image",
                        "fdt addr ${fdt_addr}", "fdt resize")
            return target
        yield start


def header(at, value):
    data = image()
    return data[:at] + value + data[at + len(value):]


def qword(value):
    return struct.pack("<Q", value)


@pytest.mark.parametrize("at, value, end", [
    pytest.param(0x38, b"arm\x64", "Bad Linux ARM64 Image magic!", id="magic"),
    pytest.param(0x18, qword(3), "Could not find a valid device tree", id="not-movable"),
    pytest.param(0x08, qword(0x12345678), "tm: panic: the Image does not begin on a 4 KiB page",
                 id="offset-odd"),
    pytest.param(0x08, qword(0x1000), "tm> ", id="offset-of-a-page"),
    pytest.param(0x10, qword(0), "tm> ", id="no-size"),
    pytest.param(0x10, qword((1 << 64) - 1), "tm> ", id="huge-size")])
def test_image_header(at_prompt, at, value, end):
    """U-Boot believes the header; what it makes of a wrong one boots or is named."""
    target = at_prompt(I=header(at, value))
    target.type("load virtio 0:1 ${kernel_addr_r} I")
    target.leave("booti ${kernel_addr_r} - ${fdt_addr}")
    target.expect(re.escape(end), 20)


def test_image_at_odd_address_is_moved(at_prompt):
    target = at_prompt()
    target.type("load virtio 0:1 40512340 Image")
    target.leave("booti 40512340 - ${fdt_addr}")
    target.boot()
    assert "mm check: 0 violations" in target.ok("mm check")


def tree_of(shape, folder):
    uboot.machine_tree([QEMU, *shape.qemu_args()], f"{folder}/tree.dtb")
    return read(f"{folder}/tree.dtb")


def word(value):
    return struct.pack(">I", value)


TREES = {
    "cut-in-half": (lambda t: t[:len(t) // 2], "FDT creation failed!"),
    "magic": (lambda t: flipped(t, 1), "Could not find a valid device tree"),
    "totalsize-huge": (lambda t: t[:4] + word(1 << 30) + t[8:], "FDT creation failed!"),
    "totalsize-zero": (lambda t: t[:4] + word(0) + t[8:], "Could not find a valid device tree"),
    "strings-elsewhere": (lambda t: t[:12] + word(1 << 24) + t[16:],
                          "Could not find a valid device tree"),
    "nodes-damaged": (lambda t: t[:0x1000] + b"\x77" * 16 + t[0x1010:],
                      "tm: panic: device tree refused: "),
    "empty": (lambda t: b"", "Could not find a valid device tree"),
}


@pytest.mark.parametrize("name", TREES)
def test_damaged_tree(at_prompt, name, tmp_path):
    """U-Boot's own words, or the kernel's; never silence."""
    damage, end = TREES[name]
    target = at_prompt(tree=damage(tree_of(ONE, tmp_path)))
    target.type("mw.b 42000000 0 10000", "load virtio 0:1 42000000 tree")
    target.leave("booti ${kernel_addr_r} - 42000000")
    target.expect(re.escape(end), 20)
    assert "tm> " not in target.console()


@pytest.mark.parametrize("at", [0x42000001, 0x42000004, 0x50000ffe])
@pytest.mark.parametrize("in_place", [False, True], ids=["copied", "in-place"])
def test_tree_at_odd_address(at_prompt, at, in_place):
    """U-Boot's copy is aligned; where it leaves the tree in place, ours is."""
    target = at_prompt()
    target.type(f"cp.b ${{fdt_addr}} {at:x} 8000",
                *(["setenv fdt_high 0xffffffffffffffff"] if in_place else []))
    target.leave(f"booti ${{kernel_addr_r}} - {at:x}")
    log = target.boot()
    assert (f"at {at:#x}: not 8-byte aligned, copied" in log) == in_place
    assert "mm check: 0 violations" in target.ok("mm check")


@pytest.mark.parametrize("in_place", [False, True], ids=["copied", "in-place"])
def test_tree_above_4_gib(at_prompt, in_place):
    target = at_prompt(Shape("tree-4g", 6144, 2))
    target.type("cp.b ${fdt_addr} 180000000 8000",
                *(["setenv fdt_high 0xffffffffffffffff"] if in_place else []))
    target.leave("booti ${kernel_addr_r} - 180000000")
    log = target.boot()
    assert (re.search(r"device tree: \d+ bytes at 0x180000000,", log) is not None) == in_place
    assert "mm check: 0 violations" in target.ok("mm check")


@pytest.mark.parametrize("offset", [0x1000, 0x40000, 0xc0000])
def test_tree_where_the_kernel_unpacks(at_prompt, offset):
    target = at_prompt()
    said = target.type(f"cp.b ${{fdt_addr}} {0x40400000 + offset:x} 8000",
                       f"booti ${{kernel_addr_r}} - {0x40400000 + offset:x}")
    assert "ERROR: FDT image overlaps OS image" in said
    assert "Starting kernel" not in said


@pytest.mark.parametrize("offset", [0, 0x10000, 0x80000])
def test_tree_where_the_kernel_unpacks_without_u_boot(offset, tmp_path):
    """A loader that does not look: the tree lies in what the kernel clears."""
    at = IMAGE_AT + (len(image()) + 0xfff & ~0xfff) + offset
    put(str(tmp_path / "tree"), tree_of(ONE, tmp_path))
    text = batch(ONE, "", args=loader_args(str(tmp_path / "tree"), at), timeout=20,
                 until=("tm: halted",))
    assert f"tm: panic: device tree refused: at {at:#x}: it overlaps the kernel" in text


INITRDS = {
    "in-the-kernel": ("40450000:1000", "ERROR: RD image overlaps OS image"),
    "in-what-it-clears": ("404c0000:1000", "ERROR: RD image overlaps OS image"),
    "in-the-tree": ("40001000:1000", "[0x40001000, 0x40002000): overlaps device tree blob"),
    "out-of-memory": ("5ffff000:100000000", "it is not all in RAM, ignored"),
    "good": ("44000000:1000", "tm> "),
}


@pytest.mark.parametrize("name", INITRDS)
def test_initrd_in_the_way(at_prompt, name):
    where, end = INITRDS[name]
    target = at_prompt()
    target.type("setenv initrd_high 0xffffffffffffffff", "setenv fdt_high 0xffffffffffffffff")
    target.leave(f"booti ${{kernel_addr_r}} {where} ${{fdt_addr}}")
    target.expect(re.escape(end), 20)
    if not end.startswith("ERROR"):
        if end != "tm> ":
            target.boot()
        assert "mm check: 0 violations" in target.ok("mm check")


def test_no_tree_at_all(at_prompt):
    target = at_prompt()
    target.leave("booti ${kernel_addr_r}")
    target.expect("FDT and ATAGS support not compiled in", 20)
