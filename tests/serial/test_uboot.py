# SPDX-License-Identifier: Apache-2.0
"""The ways U-Boot starts the kernel on QEMU's virt, as Debian ships it: each
boots without typing (or as somebody types it), with the arguments and the
memory it was given, on machines of one node and of several."""

import os
import re
import shlex
import subprocess
import sys

import pytest

import uboot
import views
from boot_loader import Loaded, prepare, read
from machine import BUILD, IMAGES, MIB, QEMU, Node, Shape

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/boards.md")
ONE = Shape("uboot-one", 512, 2)
DISTANCE_20 = {(0, 1): 20}
EVEN = Shape("uboot-even", 1024, 4, [Node(512, "0-1"), Node(512, "2-3")], DISTANCE_20)
NUMA = [
    EVEN,
    Shape("uboot-last-small", 1152, 2, [Node(1024, "0"), Node(128, "1")], {(0, 1): 15}),
    Shape("uboot-last-large", 1024, 2, [Node(256, "0"), Node(768, "1")], {(0, 1): 42}),
    # U-Boot itself, of some 20 MiB, lies across, just above and below the border.
    Shape("uboot-across", 520, 2, [Node(256, "0"), Node(264, "1")], {(0, 1): 20}),
    Shape("uboot-just-above", 544, 2, [Node(256, "0"), Node(288, "1")], {(0, 1): 20}),
    Shape("uboot-just-below", 512, 2, [Node(256, "0"), Node(256, "1")], {(0, 1): 20}),
    # It begins just above the border, and claims 16 MiB below itself or cannot.
    Shape("uboot-border", 534, 2, [Node(256, "0"), Node(278, "1")], {(0, 1): 20}),
    Shape("uboot-packed", 548, 2, [Node(256, "0"), Node(292, "1")], {(0, 1): 20}),
    Shape("uboot-first-tiny", 512, 2, [Node(4, ""), Node(508, "0-1")], {(0, 1): 20}),
    Shape("uboot-last-tiny", 536, 2, [Node(512, "0-1"), Node(24, "")], {(0, 1): 20}),
    Shape("uboot-three", 2048, 4, [Node(1024, "0-1"), Node(512, "2-3"), Node(512, "")],
          {(0, 1): 20, (0, 2): 40, (1, 2): 30}),
    Shape("uboot-three-odd", 1200, 3, [Node(520, "0"), Node(136, "1"), Node(544, "2")],
          {(0, 1): 11, (0, 2): 99, (1, 2): 254}),
    Shape("uboot-above-4g", 6144, 4, [Node(4096, "0-1"), Node(2048, "2-3")], DISTANCE_20),
    Shape("uboot-both-4g", 9216, 4, [Node(4096, "0-1"), Node(5120, "2-3")], DISTANCE_20),
    Shape("uboot-el2", 1024, 4, [Node(512, "0-1"), Node(512, "2-3")], DISTANCE_20,
          machine="gic-version=2,virtualization=on"),
]
FLOWS = ["uboot", "extlinux", "fit", "fit-signed"]
CASES = [pytest.param(flow, shape, id=f"{flow}-{shape.name}")
         for shape in [ONE, *NUMA] for flow in FLOWS if flow == "uboot" or shape in (ONE, EVEN)]
ALL_WELL = "mm check: 0 violations"
# What a shell, make, U-Boot's scripts and its files each read in their own way.
WORDS = r"""loglevel=7 no such='q r' a\b \\c $HOME ${fdt_addr} $(ver) `id` ; reset # \$ \' é $ \\"""


def kernel_start(target):
    """Where /proc/iomem says the kernel lies."""
    rows = views.iomem(target.ok("cat /proc/iomem"))
    return next(start for _, start, _, name in rows if name.startswith("Kernel"))


def check_nodes(target, shape):
    """All memory, every node and every distance arrived; the kernel runs from
    the last node."""
    nodes = range(len(shape.nodes))
    for nid in nodes:
        path = f"/sys/devices/system/node/node{nid}"
        assert target.ok(f"cat {path}/distance").split() == [
            str(shape.distance(nid, other)) for other in nodes]
        assert views.cpulist(target.ok(f"cat {path}/cpulist")) == views.cpulist(
            shape.nodes[nid].cpus)
    zones = views.zoneinfo(target.ok("cat /proc/zoneinfo"))
    for nid, node in enumerate(shape.nodes):
        present = sum(zone["present"] for zone in zones if zone["node"] == nid)
        assert present == node.mib * MIB // 4096, f"node {nid}"
    last = 0x40000000 + (shape.mib - shape.nodes[-1].mib) * MIB
    assert kernel_start(target) >= last


@pytest.mark.parametrize("flow, shape", CASES)
def test_boots_by_itself(flow, shape, tmp_path):
    """From power-on to our prompt with nothing typed, in ten seconds at most; with
    boot arguments and without any."""
    append = "" if shape is EVEN else WORDS
    _, words = prepare(tmp_path, flow, shape, append)
    with Loaded(shape, words) as target:
        seconds = target.seconds_to_prompt()
        print(f"{flow} on {shape.name}: {seconds:.1f} s from power-on to the prompt")
        log = target.console()
        assert "U-Boot 20" in log
        assert target.ok("cat /proc/cmdline").strip() == append.encode().decode("latin-1")
        assert "panic" not in log and "device tree refused" not in log
        if flow in ("uboot", "extlinux"):
            check_nodes(target, shape)
        assert ALL_WELL in target.ok("mm check")
        target.send("poweroff\r")
        assert target.wait_end() == 0
        assert seconds <= 10, f"{seconds:.1f} s from power-on to the prompt"


@pytest.mark.parametrize("shape", [ONE, Shape("uboot-8g", 8192, 2)], ids=lambda s: s.name)
def test_booti_by_hand(shape, tmp_path):
    """The three commands of docs/boards.md, typed."""
    _, words = prepare(tmp_path, "uboot", shape)
    with Loaded(shape, words) as target:
        target.stop_countdown()
        said = target.type("virtio scan", "setenv bootargs loglevel=7",
                           "load virtio 0:1 ${kernel_addr_r} Image")
        assert re.search(r"\d+ bytes read", said), said
        target.leave("booti ${kernel_addr_r} - ${fdt_addr}")
        target.boot()
        assert "loglevel=7" in target.ok("cat /proc/cmdline")
        assert ALL_WELL in target.ok("mm check")


@pytest.mark.parametrize("shape", NUMA[:3], ids=lambda s: s.name)
def test_booti_by_hand_on_numa(shape, tmp_path):
    """What docs/boards.md tells to type where nobody gave U-Boot our
    environment: without it the defaults refuse to load."""
    _, words = prepare(tmp_path, "uboot", shape)
    flash = words.index("-drive")
    bank = 0x40000000 + (shape.mib - shape.nodes[-1].mib) * MIB
    with Loaded(shape, words[:flash] + words[flash + 2:]) as target:
        target.stop_countdown()
        said = target.type("virtio scan", "load virtio 0:1 ${kernel_addr_r} Image")
        assert "would overwrite reserved memory" in said
        target.type(f"load virtio 0:1 {bank + 0x400000:x} Image",
                    "setenv fdt_high 0xffffffffffffffff", "fdt addr ${fdt_addr}", "fdt resize")
        target.leave(f"booti {bank + 0x400000:x} - ${{fdt_addr}}")
        target.boot()
        check_nodes(target, shape)
        assert ALL_WELL in target.ok("mm check")


# ---- without a machine ------------------------------------------------------------


@pytest.mark.parametrize("flow, append, text", [
    ("uboot", "a\nbootcmd=reset", "a line break or another control character"),
    ("extlinux", "a\rb", "a line break or another control character"),
    ("extlinux", "x" * 512, "APPEND has 512 bytes, extlinux takes 511"),
    ("uboot", "x" * 4096, "APPEND has 4096 bytes, the kernel takes 4095")])
def test_arguments_that_cannot_arrive_are_refused(flow, append, text, tmp_path):
    with pytest.raises(ValueError, match=text):
        uboot.prepare(flow, IMAGES["release"], str(tmp_path), append)
    assert os.listdir(tmp_path) == []


def make(*words):
    env = {name: value for name, value in os.environ.items()
           if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "B", "BUILD", "V")}
    return subprocess.run(["make", "-s", "-n", "-C", TOP, f"LIBFDT={BUILD}/libfdt", *words],
                          capture_output=True, text=True, timeout=60, check=False, env=env)


@pytest.mark.parametrize("boot", ["", "extlinux"])
def test_make_passes_arguments_as_they_are(boot):
    """Whatever is typed reaches QEMU or tools/uboot.py as one word."""
    lines = make("run", f"B={BUILD}", f"APPEND={WORDS}", f"BOOT={boot}").stdout
    line = next(line for line in lines.replace("\\\n", "").split("\n") if "append" in line)
    words = shlex.split(line)
    at = words.index("--append" if boot else "-append")
    assert words[at + 1] == WORDS


@pytest.mark.parametrize("words, text", [
    ("B=a b", "make cannot handle blanks in paths"),
    ("BOARD=raspi3b BOOT=uboot", "BOOT=uboot: not with BOARD=raspi3b"),
    ("BOARD=raspi3b MEM=2G", "MEM=2G: not with BOARD=raspi3b"),
    ("TREE=dts/holes.dts SMP=2", "SMP=2: not with TREE=dts/holes.dts"),
    ("TREE=dts/holes.dts BOARD=raspi3b", "TREE=dts/holes.dts: not with BOARD=raspi3b"),
    ("BOOT=grub", "BOOT=grub: it is one of: uboot extlinux fit fit-signed")])
def test_words_of_make_that_mean_nothing_are_refused(words, text):
    done = make("run", *([words] if words == "B=a b" else words.split()))
    assert done.returncode and text in done.stderr


def contents(folder):
    return {os.path.relpath(f"{where}/{name}", folder): read(f"{where}/{name}")
            for where, _, names in os.walk(folder) for name in names}


def test_same_input_same_bytes_also_side_by_side(tmp_path):
    """Two at once into one folder, of all flows, leave what one alone makes: the
    same bytes every time, whole, signed with one key."""
    line = [sys.executable, "-B", TOP + "/tools/uboot.py", "fit-signed", "--image",
            IMAGES["release"], "--keys", str(tmp_path / "keys"), "--out"]
    qemu = ["--", QEMU, *ONE.qemu_args()]
    both = [subprocess.Popen([*line, str(tmp_path / "a"), *qemu], stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        assert process.communicate(timeout=60)[1] == "" and process.returncode == 0
    subprocess.run([*line, str(tmp_path / "b"), *qemu], check=True, capture_output=True, timeout=60)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert os.listdir(tmp_path / "a") == ["fit-signed"]


def test_signing_wants_to_know_the_machine(tmp_path):
    with pytest.raises(ValueError, match="QEMU's line is wanted behind --, with -M"):
        uboot.prepare("fit-signed", IMAGES["release"], str(tmp_path), qemu=[QEMU, "-m", "1G"])


@pytest.mark.parametrize("words, text", [
    (["--run"], "--run wants QEMU's line behind --"),
    (["--run", "--", "no-such-qemu"], "No such file or directory"),
    (["--image", __file__], "test_uboot.py: not an arm64 Image"),
    (["--image", "/no/Image"], "/no/Image")])
def test_tool_names_what_is_missing(words, text, tmp_path):
    done = subprocess.run([sys.executable, "-B", TOP + "/tools/uboot.py", "uboot", "--image",
                           IMAGES["release"], "--out", str(tmp_path), *words],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode and text in done.stderr and "Traceback" not in done.stderr


HERE_IS = "load virtio 0:1 ${kernel_addr_r} "


@pytest.mark.parametrize("commands, message", [
    ([HERE_IS + "Nosuch"], "Failed to load 'Nosuch'"),
    ([HERE_IS + "uEnv.txt", "booti ${kernel_addr_r} - ${fdt_addr}"],
     "Bad Linux ARM64 Image magic!"),
    (["load virtio 0:1 0x5f000000 Image"], "would overwrite reserved memory"),
    (["booti 0x7f000000 - ${fdt_addr}"], '"Synchronous Abort" handler'),
    ([HERE_IS + "Image", "booti ${kernel_addr_r} - 0x41000000"],
     "ERROR: Did not find a cmdline Flattened Device Tree"),
    ([HERE_IS + "Image", "booti ${kernel_addr_r}"], "FDT and ATAGS support not compiled in")])
def test_troubles_are_those_of_the_page(commands, message, tmp_path):
    """What docs/boards.md explains is what this U-Boot says."""
    with open(PAGE, encoding="utf-8") as page:
        assert message.replace("Nosuch", "Image") in page.read()
    _, words = prepare(tmp_path, "uboot", ONE)
    with Loaded(ONE, words) as target:
        target.stop_countdown()
        *before, last = ["virtio scan", *commands]
        target.type(*before)
        target.leave(last)
        target.expect(re.escape(message))
