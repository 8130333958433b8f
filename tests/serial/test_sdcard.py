# SPDX-License-Identifier: Apache-2.0
"""Cards and folders for network boot: what is on them, that the same input gives
the same bytes, what is refused, and that U-Boot as Debian ships it starts the
kernel from them with nothing typed."""

import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import zlib

import pytest

from firmware import COUNTDOWN, UBOOT_PROMPT
import hint
from machine import BUILD, IMAGES, QEMU, Machine
from qemu import die_with_parent
from rig import Rig
from shapes import SMALL
from test_board import HERE, nested

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
TREES = BUILD + "/dtbs"
UBOOT = BUILD + "/u-boot-rpi"
UBOOT_VIRT = "/usr/lib/u-boot/qemu_arm64/u-boot.bin"
MIB = 1 << 20
BOARDS = sorted(name for name in os.listdir(TOP + "/boards")
                if os.path.exists(f"{TOP}/boards/{name}/card.txt"))
NETWORKED = sorted(name for name in os.listdir(TOP + "/boards")
                   if os.path.exists(f"{TOP}/boards/{name}/tftp.txt"))
VENDOR = {"raspi3b": ["bootcode.bin", "fixup.dat", "start.elf"],
          "raspi4b": ["fixup4.dat", "start4.elf"]}
QUIET = ["-display", "none", "-monitor", "none", "-no-reboot"]
STDIO = ["-chardev", "stdio,id=tty,signal=off"]
# One fetch and one emulated card at a time: all in one worker.
pytestmark = pytest.mark.xdist_group("sdcard")


@pytest.fixture(scope="session", autouse=True)
def fetched():
    """Debian's trees and U-Boot for the Pi, in the build folder."""
    for what, folder in (("trees", TREES), ("u-boot-rpi", UBOOT)):
        done = subprocess.run([TOP + "/tools/setup", what, folder], capture_output=True, text=True,
                              timeout=110, check=False)
        assert done.returncode == 0, done.stderr


def tool(board, out, *words, image=None, **env):
    """Run tools/sdcard.py on a board's folder; returns the ended process."""
    folder = board if os.path.isabs(str(board)) else f"{TOP}/boards/{board}"
    return subprocess.run(
        [sys.executable, "-B", TOP + "/tools/sdcard.py", "--board", folder, "--image",
         image or IMAGES["release"], "--trees", TREES, "--uboot", UBOOT, *words, str(out)],
        capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **env})


def made(board, out, *words, **how):
    done = tool(board, out, *words, **how)
    assert done.returncode == 0, done.stderr
    return str(out)


@pytest.fixture(scope="module")
def cards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cards")
    return {board: made(board, folder / f"{board}.img") for board in BOARDS}


def contents(card):
    """{name: bytes} of all files on the card, by mtools."""
    env = {**os.environ, "MTOOLSRC": "/dev/null", "TZ": "UTC"}
    inside = f"{card}@@1M"
    listed = subprocess.run(["mdir", "-i", inside, "-/", "-b", "::"], capture_output=True,
                            text=True, check=True, env=env, timeout=20).stdout.split("\n")
    files = [line[3:] for line in listed if line.startswith("::/") and not line.endswith("/")]
    return {name: subprocess.run(["mtype", "-i", inside, "::/" + name], capture_output=True,
                                 check=True, env=env, timeout=20).stdout for name in files}


def listed_in(board, name):
    with open(f"{TOP}/boards/{board}/{name}", encoding="utf-8") as f:
        lines = [line.split("#")[0].split() for line in f]
    return {words[0]: words[1:] for words in lines if words}


def read(path, count=-1):
    with open(path, "rb") as f:
        return f.read(count)


def same(one, other):
    """Whether two cards are equal: pytest must not write down the difference."""
    return hashlib.sha256(one).digest() == hashlib.sha256(other).digest()


# ---- what is on it --------------------------------------------------------------


@pytest.mark.parametrize("board", BOARDS)
def test_card_holds_what_is_listed(cards, board):
    found = contents(cards[board])
    wanted = {name for name, words in listed_in(board, "card.txt").items()
              if words[0] != "vendor"}
    assert set(found) == wanted
    for name, words in listed_in(board, "card.txt").items():
        if words[0] == "kernel":
            uart, address = words[1].split("@")
            assert found[name] == hint.fill(read(IMAGES["release"]), uart, int(address, 0))
        if words[0] == "tree":
            assert found[name] == read(f"{TREES}/{words[1]}")
        if words[0] == "uboot":
            assert found[name] == read(f"{UBOOT}/{words[1]}/u-boot.bin")


@pytest.mark.parametrize("board", BOARDS)
def test_partition_and_file_system(cards, board, tmp_path):
    data = read(cards[board])
    assert len(data) <= 64 * MIB and len(data) & (len(data) - 1) == 0  # QEMU's SD card
    assert data[510:512] == b"\x55\xaa"
    active, kind, start, count = struct.unpack_from("<B3xB3xII", data, 446)
    assert (active, kind, start) == (0x80, 0x0C, 2048)
    assert (start + count) * 512 == len(data)
    assert data[462:510] == bytes(48)  # no second partition
    assert not any(data[512:MIB])
    part = tmp_path / "part"
    part.write_bytes(data[MIB:])
    done = subprocess.run(["/usr/sbin/fsck.fat", "-n", str(part)], capture_output=True, text=True,
                          check=False, timeout=20)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("board", BOARDS)
def test_same_input_same_bytes(cards, board, tmp_path):
    """Another place, time zone and language, and an Image with a new date."""
    image = tmp_path / "elsewhere" / "Image"
    image.parent.mkdir()
    shutil.copyfile(IMAGES["release"], image)
    os.utime(image, (10 ** 9, 10 ** 9))
    card = made(board, tmp_path / "again.img", image=str(image), TZ="Asia/Tokyo",
                LC_ALL="C.UTF-8", SOURCE_DATE_EPOCH="1")
    assert same(read(card), read(cards[board]))


@pytest.mark.parametrize("board", BOARDS)
def test_what_files_name_is_there(cards, board):
    found = contents(cards[board])
    names = set(found) | set(VENDOR.get(board, []))
    for name, text in found.items():
        if name == "config.txt":
            for word in re.findall(r"^(?:kernel|device_tree)=(\S+)$", text.decode(), re.M):
                assert word in names
            assert max(map(len, text.decode().split("\n"))) < 98  # the firmware cuts there
        if name.endswith("extlinux.conf"):
            for word in re.findall(r"^\s*(?:kernel|fdt)\s+/(\S+)$", text.decode(), re.M):
                assert word in names
        if name.endswith(".scr"):
            check_script(text)


def check_script(data):
    """U-Boot's legacy header with both sums right, and the fixed date."""
    magic, sum_, date, size = struct.unpack_from(">IIII", data)
    assert (magic, date) == (0x27051956, 1704067200)
    assert zlib.crc32(data[:4] + bytes(4) + data[8:64]) == sum_
    assert zlib.crc32(data[64:64 + size]) == struct.unpack_from(">I", data, 24)[0]


@pytest.mark.parametrize("board", sorted(VENDOR))
def test_vendor_files(cards, board, tmp_path):
    """Named when they are left out, taken from FIRMWARE=, and all or none."""
    done = tool(board, tmp_path / "without.img")
    for name in VENDOR[board]:
        assert name in done.stdout
        (tmp_path / name).write_bytes(name.encode())
    assert f"make sdcard BOARD={board} FIRMWARE=DIR" in done.stdout
    card = made(board, tmp_path / "with.img", "--firmware", str(tmp_path))
    found = contents(card)
    assert {name: found[name] for name in VENDOR[board]} == \
        {name: name.encode() for name in VENDOR[board]}
    (tmp_path / VENDOR[board][0]).unlink()
    done = tool(board, tmp_path / "part.img", "--firmware", str(tmp_path))
    assert done.returncode == 1 and f"there is no {VENDOR[board][0]} in it" in done.stderr
    assert not (tmp_path / "part.img").exists()


@pytest.mark.parametrize("board", NETWORKED)
def test_network_folder(board, tmp_path):
    folder = made(board, tmp_path / "out", "--list", "tftp.txt", "--folder")
    assert set(os.listdir(folder)) == set(listed_in(board, "tftp.txt"))
    check_script(read(folder + "/boot.scr.uimg"))
    for name in os.listdir(folder):
        if name.endswith(".itb"):
            shown = subprocess.run(["dumpimage", "-l", f"{folder}/{name}"], check=True, timeout=20,
                                   capture_output=True, text=True).stdout
            assert "sha256" in shown and "Default Configuration: 'conf'" in shown
    made(board, tmp_path / "out", "--list", "tftp.txt", "--folder")  # over itself


# ---- what is refused ------------------------------------------------------------


@pytest.mark.parametrize("lines, text", [
    ("Image\n", "a line is NAME KIND [WORD]"),
    ("Image kernel a b\n", "a line is NAME KIND [WORD]"),
    ("Image magic\n", "KIND one of kernel, tree"),
    ("../Image kernel\n", "'../Image' is not a name on the card"),
    ("/Image kernel\n", "is not a name on the card"),
    ("a//b kernel\n", "is not a name on the card"),
    ("Image kernel\n\nImage kernel\n", "card.txt:3: 'Image' is listed twice"),
    ("# nothing\n", "nothing is listed"),
    ("x tree no/such.dtb\n", "no/such.dtb is missing (x on the card)"),
    ("x uboot no_such\n", "no_such/u-boot.bin is missing"),
    ("x script no.cmd\n", "no.cmd is missing"),
    ("x fit bad.its\n", "mkimage failed:"),
    ("x kernel pl012@0x1000\n", "'pl012' is none of pl011, sbsa"),
    ("x kernel pl011\n", "with the hint pl011: invalid literal"),
    ("x kernel pl011@0\n", "address, shift (0-4) or width (0, 1, 2, 4) out of range"),
    ("x file big\n", "the files take 32 MiB; the card has room for 30"),
])
def test_bad_list(tmp_path, lines, text):
    (tmp_path / "card.txt").write_text(lines)
    (tmp_path / "bad.its").write_text("/dts-v1/; / { broken")
    with open(tmp_path / "big", "wb") as f:
        f.truncate(31 * MIB)
    done = tool(tmp_path, tmp_path / "out.img")
    assert done.returncode == 1 and text in done.stderr
    assert done.stderr.startswith("sdcard: ") and "Traceback" not in done.stderr
    assert not (tmp_path / "out.img").exists()


def test_no_image_or_no_list(tmp_path):
    done = tool("raspi3b", tmp_path / "out.img", image="/no/Image")
    assert done.returncode == 1 and "/no/Image is missing (Image on the card)" in done.stderr
    done = tool(tmp_path, tmp_path / "out.img")
    assert done.returncode == 1 and "card.txt: No such file" in done.stderr
    assert os.listdir(tmp_path) == []


def test_a_card_is_a_file(tmp_path):
    """Not made in the place of a device, nor of a folder."""
    for out in ("/dev/null", tmp_path):
        done = tool("qemu-virt", out)
        assert done.returncode == 1 and "is in the way (make flash writes" in done.stderr
    assert os.listdir(tmp_path) == [] and not os.path.isfile("/dev/null")


def make(*words, answer=""):
    """Quiet make that takes the Image as it is: other tests are reading it."""
    env = {name: value for name, value in os.environ.items()
           if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "BUILD", "V")}
    libfdt = os.environ.get("TM_LIBFDT", BUILD + "/libfdt")
    return subprocess.run(["make", "-s", "-C", TOP, f"B={BUILD}", f"LIBFDT={libfdt}", "-o",
                           IMAGES["release"], *words], input=answer, capture_output=True,
                          text=True, timeout=110, check=False, env=env)


def test_by_make(cards, tmp_path):
    """The same bytes by make; flash goes on to ask; what is wrong is named."""
    card, disk = tmp_path / "card.img", tmp_path / "disk"
    disk.write_bytes(bytes(33 * MIB))
    words = ("flash", "BOARD=raspi3b", f"CARD={card}", f"DEV={disk}", "FILE=1")
    done = make(*words, answer="no\n")
    assert done.returncode and "Type disk to go on" in done.stdout, done.stderr
    assert "not confirmed" in done.stderr
    assert same(read(card), read(cards["raspi3b"]))
    done = make(*words, answer="disk\n")
    assert done.returncode == 0 and "read back, the same" in done.stdout, done.stderr
    assert same(read(disk, 32 * MIB), read(card))
    assert "flash: which disk?" in make("flash", "BOARD=raspi3b", f"CARD={card}").stderr
    done = make("sdcard", "BOARD=raspi9")
    assert done.returncode and re.search(r"BOARD=raspi9: there is .*raspi3b raspi4b", done.stderr)


# ---- booting from it ------------------------------------------------------------


class Board(Machine):
    """A machine given by its whole command line."""

    def __init__(self, name, line):
        super().__init__(SMALL, deadline=100)
        self.shape = type("Named", (), {"name": name})()
        self.words = line

    def command(self):
        return [QEMU, *self.words, *QUIET, *STDIO]


def check_kernel(machine, nr_cpus):
    """From here on it is any machine: all CPUs, memory whole, time passes."""
    text = machine.boot(timeout=60)
    assert f"cpus: {nr_cpus} of {nr_cpus} online" in text
    assert "mm check: 0 violations" in machine.ok("mm check")
    machine.ok("sleep 10")
    return text


def virt(*words):
    return ["-M", "virt-7.2,gic-version=3", "-cpu", "cortex-a72", "-smp", "2", "-m", "1G",
            "-bios", UBOOT_VIRT, *words, "-serial", "chardev:tty"]


def raspi3b(card):
    """QEMU's words for the Pi with Debian's U-Boot and this card; the line that is
    listened to is the second one, and comes behind."""
    return ["-M", "raspi3b", "-kernel", UBOOT + "/rpi_3/u-boot.bin",
            "-dtb", TREES + "/broadcom/bcm2837-rpi-3-b.dtb",
            "-drive", f"if=sd,format=raw,file={card}", "-snapshot", "-serial", "null"]


def test_raspi3b_from_the_card(cards):
    """Debian's rpi_3 U-Boot, the real tree, the card: nothing is typed."""
    with Board("raspi3b-card", [*raspi3b(cards["raspi3b"]), "-serial", "chardev:tty"]) as machine:
        machine.expect("Found /extlinux/extlinux.conf", 40)
        machine.expect("Starting kernel", 20)
        check_kernel(machine, 4)
        machine.send("poweroff\r")
        machine.wait_end()


@pytest.mark.timeout(300)
def test_raspi3b_on_a_desk(cards, tmp_path):
    """The same as a board behind a serial line, as `make test-board` has it: U-Boot,
    the mini-UART with its eight bytes, every key and line of the console."""
    line = [QEMU, *raspi3b(cards["raspi3b"]), "-display", "none", "-monitor", "none"]
    with Rig(str(tmp_path), line, die_with_parent) as desk:
        status, text = nested(f"{HERE}/test_console.py", f"{HERE}/test_target.py", "--board",
                              "raspi3b", "--port", desk.port, "--power", desk.power,
                              "--suites", "lib irq", timeout=280)
    assert status == 0, text[-6000:]
    assert desk.starts == 2 and int(re.search(r"(\d+) passed", text)[1]) > 70, text[-3000:]


def test_raspi3b_with_a_damaged_image(cards, tmp_path):
    """One bit of the kernel on the card: the mini-UART says so, and it parks."""
    data = bytearray(read(cards["raspi3b"]))
    data[data.index(b"ARM\x64") + 300000] ^= 1
    (tmp_path / "card.img").write_bytes(data)
    line = [*raspi3b(tmp_path / "card.img"), "-serial", "chardev:tty"]
    with Board("raspi3b-damaged", line) as machine:
        machine.expect("Starting kernel", 40)
        machine.expect("tm: panic: the Image is damaged or cut short: its checksum is wrong", 20)


def test_raspi3b_by_the_script(tmp_path):
    """Without extlinux.conf the script is found."""
    shutil.copytree(TOP + "/boards/raspi3b", tmp_path / "raspi3b")
    listed = (tmp_path / "raspi3b/card.txt").read_text()
    (tmp_path / "raspi3b/card.txt").write_text(
        "".join(line for line in listed.splitlines(True) if "extlinux" not in line))
    card = made(tmp_path / "raspi3b", tmp_path / "card.img")
    with Board("raspi3b-script", [*raspi3b(card), "-serial", "chardev:tty"]) as machine:
        machine.expect("Found U-Boot script /boot.scr", 40)
        check_kernel(machine, 4)


def test_raspi4b_with_its_tree():
    machines = subprocess.run([QEMU, "-M", "help"], capture_output=True, text=True, check=True,
                              timeout=20).stdout
    if not re.search(r"^raspi4b ", machines, re.M):
        version = subprocess.run([QEMU, "--version"], capture_output=True, text=True, check=True,
                                 timeout=20).stdout.split("\n")[0]
        pytest.skip(f"{version} has no raspi4b, QEMU 9 or newer has")
    line = ["-M", "raspi4b", "-kernel", IMAGES["release"],
            "-dtb", TREES + "/broadcom/bcm2711-rpi-4-b.dtb", "-serial", "null",
            "-serial", "chardev:tty"]
    with Board("raspi4b", line) as machine:
        check_kernel(machine, 4)


def test_virt_from_the_card(cards):
    line = virt("-nic", "none", "-drive", f"if=none,id=sd,format=raw,file={cards['qemu-virt']}",
                "-snapshot", "-device", "virtio-blk-device,drive=sd")
    with Board("virt-card", line) as machine:
        check_kernel(machine, 2)


@pytest.fixture
def network(tmp_path):
    """QEMU's words for a network whose server has the folder of qemu-virt."""
    folder = made("qemu-virt", tmp_path / "tftp", "--list", "tftp.txt", "--folder")
    return ["-netdev", f"user,id=net,tftp={folder}", "-device", "virtio-net-device,netdev=net"]


def test_virt_from_the_network(network):
    """U-Boot finds no disk, asks by DHCP and runs the script it is given."""
    with Board("virt-network", virt(*network)) as machine:
        machine.expect("Filename 'boot.scr.uimg'", 40)
        machine.expect("Filename 'Image'", 20)
        check_kernel(machine, 2)


def test_virt_from_the_network_by_hand(network):
    """The commands of docs/network-boot.md."""
    with Board("virt-network-typed", virt(*network)) as machine:
        machine.expect(COUNTDOWN, 20)
        machine.send("\r")
        for command in ("setenv autoload no", "dhcp", "tftpboot ${kernel_addr_r} Image",
                        "setenv bootargs loglevel=7", "booti ${kernel_addr_r} - ${fdt_addr}"):
            machine.expect(UBOOT_PROMPT, 20)
            machine.send(command + "\r")
        check_kernel(machine, 2)
        assert "loglevel=7" in machine.ok("cat /proc/cmdline")
