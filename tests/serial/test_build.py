# SPDX-License-Identifier: Apache-2.0
"""The build itself: the Image depends on the sources and nothing else, its
header says what loaders need, and a second make has nothing to do."""

import os
import struct
import subprocess

import pytest

from machine import BUILD, IMAGES
import seal

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
LIBFDT = os.environ.get("TM_LIBFDT", BUILD + "/libfdt")
pytestmark = pytest.mark.xdist_group("build")


def make(folder, *words):
    """Quiet make without the variables of the make that runs the tests."""
    env = {name: value for name, value in os.environ.items()
           if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "B", "BUILD", "V")}
    return subprocess.run(["make", "-C", folder, "--no-print-directory", f"LIBFDT={LIBFDT}",
                           *words], check=True, capture_output=True, text=True, env=env,
                          timeout=280).stdout


def read(path):
    with open(path, "rb") as f:
        return f.read()


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The sources in a folder of another name and depth, built there."""
    folder = str(tmp_path_factory.mktemp("elsewhere") / "a" / "b")
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=TOP,
                           check=True, capture_output=True).stdout
    os.makedirs(folder)
    subprocess.run(["xargs", "-0", "cp", "-p", "--parents", "-t", folder], input=names, cwd=TOP,
                   check=True)
    make(folder)
    return folder


@pytest.mark.timeout(300)
def test_image_is_reproducible(copy):
    assert read(copy + "/build/arm64/Image") == read(IMAGES["release"])


def test_second_make_has_nothing_to_do(copy):
    before = os.stat(copy + "/build/arm64/Image").st_mtime_ns
    assert make(copy).strip() == ""
    assert os.stat(copy + "/build/arm64/Image").st_mtime_ns == before


def test_touched_header_rebuilds_its_users_only(copy):
    os.utime(copy + "/rtos/shell/parse.h")
    built = [line.split()[1] for line in make(copy).split("\n") if line.startswith("  CC")]
    assert built and all(path.startswith(("rtos/shell/", "tests/")) for path in built)


@pytest.mark.parametrize("variant", ["release", "test"])
@pytest.mark.fast
def test_image_header(variant):
    image = read(IMAGES[variant])
    offset, size, flags = struct.unpack_from("<QQQ", image, 8)
    assert image[0x38:0x3c] == b"ARM\x64"
    assert (offset, flags) == (0, 0xa)
    assert len(image) <= size < 2 << 20
    assert len(image) < 1 << 20
    assert image[0x40:0x60] == bytes(32), "the UART hint is empty by default"
    assert seal.sealed(image) == image and image[0x68:0x80] == bytes(24)
