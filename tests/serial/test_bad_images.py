# SPDX-License-Identifier: Apache-2.0
"""An Image that was cut short or damaged on its way: the console says so and the
CPU parks, at either level and in both builds."""

import pytest

import hint
import uboot
from boot_loader import flipped, put, read
from machine import IMAGES, Shape, batch

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
