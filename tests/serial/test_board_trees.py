# SPDX-License-Identifier: Apache-2.0
"""Memory maps of real boards' trees: build/host/memmap on all that Debian has,
against a second reading of each (tools/trees.py), and what it says about trees
that cannot be used. The last cases show that the comparison can fail."""

import glob
import os
import random
import re
import resource
import struct
import subprocess
import sys

import pytest

from hostkernel import LIBFDT
from machine import BUILD, QEMU

import random_trees

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
import trees  # noqa: E402

MEMMAP = BUILD + "/host/memmap"
FOLDER = os.environ.get("TM_TREES", BUILD + "/dtbs")
PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/trees.md")
LIMIT_S = 60 # some 26 here
SOAK = bool(os.environ.get("SOAK"))
RANDOM = 5000 if SOAK else 150
# What a tree without memory is refused for.
REFUSED = re.compile(r"refused: (.* KiB of RAM are free of|the kernel at .* is not in the memory)")
PI4 = "broadcom/bcm2711-rpi-4-b.dtb"
PI3 = "broadcom/bcm2837-rpi-3-b.dtb"


def memmap(*words, stdin=b""):
    done = subprocess.run([MEMMAP, *words], input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def tree(name):
    return f"{FOLDER}/{name}"


def cpu_seconds():
    """Of children that ended: what others do on this computer does not count."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.timeout(600)
def test_all_trees():
    """Every tree as it should be, in a minute of one CPU, and the page says the same."""
    began = cpu_seconds()
    nr_trees, wrong, numbers = trees.corpus(MEMMAP, FOLDER)
    took = cpu_seconds() - began
    assert not wrong, "\n".join(f"{path}: {fault}" for path, faults in wrong.items()
                                for fault in faults)
    assert nr_trees >= 500, f"{FOLDER}: only {nr_trees} trees; tools/setup trees"
    assert took < LIMIT_S
    with open(FOLDER + "/package", encoding="utf-8") as f:
        package = f.read().strip()
    with open(PAGE, encoding="utf-8") as f:
        page = f.read()
    if f"`{package}`" in page: # Debian moves on; the page is then of an older one
        assert trees.tables(numbers, nr_trees, package) in page, "docs/trees.md: make trees"


def test_board_with_a_default_area_and_a_dma_limit():
    """A Raspberry Pi 4 of 4 GiB: all bus masters reach 1 GiB, the area lies below."""
    status, text = memmap("--memory=0+948M", "--memory=1G+3008M", tree(PI4))
    assert status == 0, text
    report = trees.Report(text)
    assert [row[:2] for row in report.banks] == [(0, 0x3b400000), (0x40000000, 0xfc000000)]
    assert report.lines["dma"] == "up to 0x40000000"
    (start, end), = [row[:2] for row in report.reserved if row[2].endswith("dynamic default")]
    assert end - start == 64 << 20 and end <= 0x3b400000
    assert "spin-table" in report.lines["cpus"]
    assert "bcm2835-aux" in report.lines["console"]
    assert not report.warnings


def test_arguments_of_the_kernel_count():
    status, text = memmap("--memory=0+948M", "--append=mem=512M cma=32M numa=fake=2", tree(PI4))
    assert status == 0, text
    report = trees.Report(text)
    assert len(report.sections["nodes"]) == 2
    assert sum(end - start for start, end, _ in report.banks) == 512 << 20
    (start, end), = [row[:2] for row in report.reserved if row[2].startswith("cma cma=")]
    assert end - start == 32 << 20


@pytest.mark.parametrize("words, status, text", [
    ([], 2, "name a .dtb file"), (["--memory=1G", "x"], 2, "BASE\\+SIZE"),
    (["--memory=0+0", "x"], 2, "empty"), (["--memory=z+1", "x"], 2, "no number"),
    (["--memory=0xfffffffffffff000+64K", "x"], 2, "beyond all addresses"),
    (["--memory=4G+1G", tree(PI3)], 2, "does not fit the tree's cells"),
    (["--memory=0+4G", tree(PI3)], 2, "does not fit the tree's cells"),
    (["--kernel=1", "x"], 2, "multiple of 4 KiB"), (["--kernel=16T", "x"], 2, "below 16 TiB"),
    (["/no/such.dtb"], 2, "No such file"), ([FOLDER], 2, "not a file"),
    (["/dev/zero"], 2, "not a file"), (["-"], 2, "empty"),
    ([__file__], 3, "refused: .*magic"),
    ([tree(PI4)], 3, "refused: no memory node lists any usable RAM"),
    (["--memory=0+4M", tree(PI4)], 3, "refused: .* at least \\d+ KiB are needed"),
    (["--memory=0+1G", "--kernel=2G", tree(PI4)], 3, "refused: the kernel .* is not in the memory"),
])
def test_refusals(words, status, text):
    got, said = memmap(*words)
    assert got == status, said
    assert re.search(text, said), said


def blob_of(name):
    with open(tree(name), "rb") as f:
        return f.read()


def header(blob, field, value):
    """The blob with one word of its header changed."""
    return blob[:4 * field] + struct.pack(">I", value) + blob[4 * field + 4:]


@pytest.mark.parametrize("change, status, text", [
    (lambda blob: blob, 0, "^pages "),
    (lambda blob: blob + bytes(10 << 20), 0, "^pages "),
    (lambda blob: header(blob, 5, 18), 0, "^pages "), # and compatible with 16
    (lambda blob: blob[:30], 3, "shorter than a tree's header"),
    (lambda blob: blob[:len(blob) // 2], 3, "refused(.|\n)*the file has 13693 bytes, its header"),
    (lambda blob: header(blob, 1, 2 * len(blob)), 3, "the file has 27386 bytes, its header says"),
    (lambda blob: header(blob, 1, 0), 3, "refused: .*totalsize 0"),
    (lambda blob: header(blob, 1, 100), 3, "refused: .*outside the blob of 100"),
    (lambda blob: header(blob, 6, 18), 3, "refused: .*compatible down to 18"),
    (lambda blob: bytes(32 << 20), 2, "too large for a device tree"),
    (lambda blob: blob.replace(b"Raspberry", b"\x1b[2Jberry"), 0, r": \?\[2Jberry Pi 4"),
])
def test_blobs(change, status, text):
    """One defect of the file a time, through a pipe."""
    got, said = memmap("--memory=0+948M", "-", stdin=change(blob_of(PI4)))
    assert got == status, said
    assert re.search(text, said, re.M), said
    assert "bug" not in said and "Sanitizer" not in said


def test_nobody_writes(tmp_path):
    """A FIFO is refused, not waited for."""
    os.mkfifo(tmp_path / "fifo")
    status, said = memmap(str(tmp_path / "fifo"))
    assert (status, "not a file" in said) == (2, True), said


def test_the_worst_of_many():
    status, said = memmap("--brief", "--memory=0+948M", tree(PI4), "/no/such.dtb", __file__)
    assert status == 3, said
    assert ": booted\n" in said and "No such file" in said and "magic" in said


def flipped(draw, blob):
    """With a few bytes or words of it changed, most of them near the beginning."""
    out = bytearray(blob)
    for _ in range(draw.choice([1, 1, 2, 4, 16, 64])):
        at = draw.randrange(len(out) if draw.random() < 0.7 else min(2000, len(out))) & ~3
        out[at:at + 4] = draw.choice([
            bytes(4), b"\xff" * 4, b"\0\0\0\1", b"\0\0\0\2", b"\0\0\0\3", b"\0\0\0\x09",
            draw.randbytes(4), bytes([out[at] ^ 1 << draw.randrange(8)]) + out[at + 1:at + 4]])
    return bytes(out)


@pytest.mark.timeout(3600 if SOAK else 300)
def test_flipped_bytes(tmp_path):
    """Trees of boards with bytes changed at random are taken or refused, never a bug."""
    draw = random.Random(1 if not SOAK else None)
    paths = sorted(glob.glob(FOLDER + "/*/*.dtb"))
    for group in range(RANDOM // 50):
        files = []
        for nr in range(50):
            files.append(str(tmp_path / f"{group}-{nr}.dtb"))
            with open(draw.choice(paths), "rb") as f, open(files[-1], "wb") as out:
                out.write(flipped(draw, f.read()))
        status, text = memmap("--brief", *files)
        assert status in (0, 3) and ": bug: " not in text, text
        assert len(re.findall(r"\.dtb: (?:booted|device tree refused: )", text)) == 50, text


def test_what_is_no_tree(tmp_path):
    """A folder with anything in it: each file is named, none ends the run."""
    blob = blob_of(PI4)
    for name, what in (("good", blob), ("empty", b""), ("text", b"nothing of the kind" * 9),
                       ("cut", blob[:5000]), ("torn", blob[:3000] + bytes(3000) + blob[6000:])):
        (tmp_path / f"{name}.dtb").write_bytes(what)
    done = subprocess.run([sys.executable, "tools/trees.py", "--memmap", MEMMAP, str(tmp_path)],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "5 trees, 4 not as they should be" in done.stderr, done.stderr
    assert done.stdout.count("no tree that can be read") == 4, done.stdout


def nodes(nr):
    """Arguments for so many nodes of 64 MiB."""
    return ["-m", str(64 * nr)] + [word for i in range(nr) for word in (
        "-object", f"memory-backend-ram,id=m{i},size=64M", "-numa", f"node,nodeid={i},memdev=m{i}")]


@pytest.mark.parametrize("machine, words", [
    ("virt-7.2,gic-version=2", ["-smp", "8"]), ("virt-7.2,gic-version=3", ["-smp", "256"]),
    ("virt-7.2,gic-version=3,virtualization=on,iommu=smmuv3", ["-m", "3G"]),
    ("virt-7.2,gic-version=3,secure=on", ["-m", "333"]), # with memory of the secure world's
    ("virt-7.2,highmem=off", ["-m", "1G"]), ("virt-2.9", ["-m", "64"]),
    ("virt-7.2,gic-version=3", [*nodes(1)]), ("virt-7.2,gic-version=3", [*nodes(8), "-smp", "3"]),
    ("virt-7.2,gic-version=3", [*nodes(3), "-numa", "dist,src=0,dst=1,val=30",
                                "-numa", "dist,src=0,dst=2,val=40",
                                "-numa", "dist,src=1,dst=2,val=25"]),
])
def test_trees_of_qemu(tmp_path, machine, words):
    path = str(tmp_path / "qemu.dtb")
    subprocess.run([QEMU, "-M", f"{machine},dumpdtb={path}", "-cpu", "cortex-a72",
                    "-display", "none", *words], check=True, timeout=60, capture_output=True)
    assert trees.one(MEMMAP, path)[1] == []


SBSA = """/dts-v1/;
/ {
	compatible = "linux,sbsa-ref"; #address-cells = <2>; #size-cells = <2>;
	memory@10000000000 {
		device_type = "memory"; reg = <0x100 0 0 0x20000000>; numa-node-id = <0>; };
	memory@10020000000 {
		device_type = "memory"; reg = <0x100 0x20000000 0 0x20000000>;
		numa-node-id = <1>; };
	cpus { #address-cells = <2>; #size-cells = <0>;
		cpu@0 { reg = <0 0>; numa-node-id = <0>; };
		cpu@1 { reg = <0 1>; numa-node-id = <2>; }; };
};
"""


def test_a_source(tmp_path):
    """As QEMU's sbsa-ref has it: RAM at 1 TiB, CPUs known by their names; from a source."""
    path = str(tmp_path / "sbsa.dtb")
    subprocess.run(["dtc", "-q", "-O", "dtb", "-o", path], input=SBSA.encode(), check=True)
    assert trees.one(MEMMAP, path)[1] == []
    with open(path, "rb") as f:
        status, text = memmap("-", stdin=f.read())
    assert status == 0 and len(trees.Report(text).sections["nodes"]) == 3, text


def test_symbols_change_nothing(tmp_path):
    """What dtc -@ adds for overlays is none of the intake's business."""
    path = str(tmp_path / "symbols.dtb")
    source = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", tree(PI4)], check=True,
                            capture_output=True).stdout
    subprocess.run(["dtc", "-q", "-@", "-O", "dtb", "-o", path], input=source, check=True)
    assert trees.one(MEMMAP, path)[1] == []


def random_tree(program, path, seed):
    """(booted, what is wrong) with a tree made up; no memory to speak of is no fault."""
    with open(path, "wb") as f:
        f.write(random_trees.tree(seed))
    board = trees.Tree(path)
    status, text = trees.memmap(program, board, [])
    if status == 0:
        return True, trees.check(board, [], text, trees.collections.Counter())
    return False, [] if status == 3 and REFUSED.search(text) else [text]


@pytest.mark.timeout(3600 if SOAK else 300)
def test_trees_that_no_board_has(tmp_path):
    """Memory, regions, nodes and buses at random come to what the second reader says."""
    booted, wrong = 0, []
    for seed in range(RANDOM):
        good, faults = random_tree(MEMMAP, str(tmp_path / "random.dtb"), seed)
        booted += good
        wrong += [f"seed {seed}: {fault}" for fault in faults]
    assert not wrong, "\n".join(wrong)
    assert booted > RANDOM * 0.9


PLANTS = sorted(glob.glob("tests/plants/trees-*.patch"))


@pytest.mark.parametrize("patch", PLANTS, ids=lambda name: os.path.basename(name)[:-6])
def test_planted_bug(tmp_path, patch):
    """A bug built into the intake on purpose is found by the comparison, and named."""
    with open(patch, encoding="utf-8") as text:
        told = dict(re.findall(r"^(\w+): (.*)$", text.read().split("\n---", 1)[0], re.M))
    program = f"{BUILD}/host/plants/{os.path.basename(patch)[:-6]}/memmap"
    subprocess.run(["make", "-s", f"B={BUILD}", f"LIBFDT={LIBFDT}", program], check=True,
                   timeout=280)
    if told["Tree"] != "random":
        found = [trees.one(program, tree(told["Tree"]))[1]]
    else:
        found = (random_tree(program, str(tmp_path / "random.dtb"), seed)[1]
                 for seed in range(RANDOM))
    assert any(re.search(told["Says"], fault) for faults in found for fault in faults), told


def damaged(change):
    """What the comparison says when tree and report do not belong together."""
    board = trees.Tree(tree(PI4))
    banks = trees.filled_in(board)
    _, text = memmap(*[f"--memory={base:#x}+{size:#x}" for base, size in banks], board.path)
    text = change(board, text) or text
    return " ".join(trees.check(board, banks, text, trees.collections.Counter()))


def test_the_comparison_is_content_by_itself():
    assert damaged(lambda board, text: None) == ""


@pytest.mark.parametrize("change, found", [
    (lambda board, text: text.replace("up to 0x40000000", "up to 0x80000000"), "DMA limit"),
    (lambda board, text: re.sub(r"\n.* dynamic default", "", text), "not made, and no word"),
    (lambda board, text: text.replace(" kept", "0 kept").replace("kept\n", "kept\n"), "present"),
    (lambda board, text: text.replace("0x003b400000)       948", "0x003b000000)       944"),
     "banks are"),
    (lambda board, text: re.sub(r"\n.* memreserve", "", text), "are kept"),
    (lambda board, text: board.memreserve.append((0x1000000, 4096)), "are kept"),
    (lambda board, text: board.root.child("reserved-memory").child("linux,cma").props.update(
        {"alloc-ranges": bytes(8) + b"\0\1\0\0"}), "outside of its alloc-ranges"),
    (lambda board, text: board.root.child("reserved-memory").child("linux,cma").props.update(
        {"alignment": b"\x40\0\0\0"}), "was asked"),
    (lambda board, text: text.replace("0xfe215040", "0xfe215000"), "console"),
])
def test_the_comparison_fails(change, found):
    assert found in damaged(change)
