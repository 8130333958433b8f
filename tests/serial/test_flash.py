# SPDX-License-Identifier: Apache-2.0
"""What `make flash` refuses to overwrite, and that it writes what it should.
Files stand for disks, described by what lsblk prints about real ones; no device
of this machine is ever opened for writing here."""

import copy
import json
import os
import resource
import subprocess
import sys

import pytest

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/flash.py")
MIB = 1 << 20
DISK_BYTES = 4 * MIB

STICK = {"name": "sdx", "path": "/dev/sdx", "type": "disk", "size": DISK_BYTES,
         "model": "SD/MMC CARD READER", "tran": "usb", "rm": True, "ro": False, "fstype": None,
         "label": None, "mountpoints": [None],
         "children": [{"name": "sdx1", "path": "/dev/sdx1", "type": "part", "size": 2 * MIB,
                       "fstype": "vfat", "label": "HOLIDAY", "mountpoints": [None]}]}


def stick(part=None, **changes):
    """The card in its reader with changes, `part` those of its partition."""
    disk = copy.deepcopy(STICK)
    disk.update(changes)
    if part:
        disk["children"][0].update(part)
    return disk


@pytest.fixture
def flash(tmp_path):
    """flash(disk, answer): run the tool on a file for which lsblk says `disk`."""
    image, target = tmp_path / "card.img", tmp_path / "target"
    image.write_bytes(os.urandom(2 * MIB + 512))
    before = b"\xa5" * DISK_BYTES
    target.write_bytes(before)

    def run(disk, answer="sdx", words=(), raw=None, limit=resource.RLIM_INFINITY):
        facts = tmp_path / "lsblk.json"
        facts.write_text(raw if raw is not None else json.dumps({"blockdevices": [disk]}))
        command = [sys.executable, "-B", TOOL, *words, "--pretend", str(facts), str(image),
                   str(target)]
        done = subprocess.run(command, input=answer + "\n", capture_output=True, text=True,
                              timeout=60, check=False, preexec_fn=lambda: resource.setrlimit(
                                  resource.RLIMIT_FSIZE, (limit, limit)))
        done.target = target.read_bytes()
        done.untouched = done.target == before
        done.written = target.read_bytes() == image.read_bytes() + before[image.stat().st_size:]
        return done
    return run


def refused(done, text):
    """One line that says why; nothing was written and nothing asked."""
    assert done.returncode == 1 and done.untouched
    assert done.stderr.startswith("flash: ") and done.stderr.count("\n") == 1
    assert text in done.stderr
    assert "Type" not in done.stdout


def test_shows_asks_writes_and_compares(flash):
    done = flash(STICK)
    assert done.returncode == 0, done.stderr
    for text in ("SD/MMC CARD READER, 4 MiB, usb\n", "/dev/sdx1  2 MiB  vfat 'HOLIDAY'",
                 "All of this is lost", "Type sdx to go on", "read back, the same"):
        assert text in done.stdout
    assert done.written


@pytest.mark.parametrize("answer", ["", "y", "yes", "sdx1", "sdy", "/dev/sdx"])
def test_another_answer_writes_nothing(flash, answer):
    done = flash(STICK, answer)
    assert done.returncode == 1 and done.untouched
    assert "not confirmed, nothing was written" in done.stderr


def test_fixed_disk_is_pointed_out(flash):
    assert "NOT REMOVABLE" in flash(stick(rm=False, tran="sata"), "no").stdout


VOLUME = {"name": "vg-root", "path": "/dev/mapper/vg-root", "type": "lvm", "size": MIB,
          "mountpoints": ["/"]}
CRYPT = {"name": "luks", "path": "/dev/mapper/luks", "type": "crypt", "size": MIB,
         "mountpoints": [None]}


@pytest.mark.parametrize("disk, text", [
    (stick(part={"mountpoints": ["/media/me/HOLIDAY"]}),
     "/dev/sdx1 is mounted on /media/me/HOLIDAY (umount /dev/sdx1)"),
    (stick(mountpoints=["/mnt"]), "/dev/sdx is mounted on /mnt"),
    (stick(part={"mountpoints": ["/"]}), "/dev/sdx1 holds the system that is running (/)"),
    (stick(part={"mountpoints": ["/home", "/"]}), "holds the system that is running"),
    (stick(part={"mountpoints": ["[SWAP]"]}), "/dev/sdx1 is swap in use"),
    (stick(part={"children": [VOLUME]}), "/dev/mapper/vg-root holds the system"),
    (stick(part={"children": [dict(CRYPT, children=[VOLUME])]}), "holds the system"),
    (stick(part={"children": [CRYPT]}), "in use by /dev/mapper/luks (crypt)"),
    (stick(part={"fstype": "LVM2_member"}), "/dev/sdx1 is a part of LVM volumes"),
    (stick(fstype="linux_raid_member"), "/dev/sdx is a part of a RAID"),
    (stick(part={"fstype": "zfs_member"}), "/dev/sdx1 is a part of a ZFS pool"),
    (stick(type="part"), "is a partition"),
    (stick(type="rom"), "is no disk but rom"),
    (stick(type="raid1"), "is no disk but raid1"),
    (stick(ro=True), "write-protected"),
    (stick(size=0), "no medium"),
    (stick(size=2 * MIB), "is too small: 2 MiB, the image takes 2 MiB, 512 bytes more"),
    (stick(size=MIB), "is too small: 1 MiB"),
], ids=["mounted", "disk-mounted", "root", "root-second", "swap", "lvm-root", "crypt-lvm-root",
        "crypt", "lvm-part", "raid-part", "zfs-part", "partition", "rom", "raid", "read-only",
        "no-medium", "one-sector-short", "small"])
def test_refused(flash, disk, text):
    refused(flash(disk), text)


def test_partition_if_told(flash):
    done = flash(stick(type="part"), words=["--partition"])
    assert done.returncode == 0 and done.written


@pytest.mark.parametrize("raw", ["", "{", "[]", "{}", '{"blockdevices": []}',
                                 '{"blockdevices": [{"size": "4M"}]}'])
def test_what_is_not_understood_is_refused(flash, raw):
    refused(flash(STICK, raw=raw), "is not understood")


def test_half_a_card_never_looks_like_one(flash):
    """The disk gives up in the middle: said, and there is no partition table."""
    done = flash(STICK, limit=MIB + MIB // 2)
    assert done.returncode == 1
    assert "it may hold a part of the image, and what was on it is lost" in done.stderr
    assert not done.untouched and not any(done.target[:MIB])


def flash_plain(*words, answer=""):
    return subprocess.run([sys.executable, "-B", TOOL, *map(str, words)], input=answer + "\n",
                          capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "card.img"
    path.write_bytes(b"image" * 1000)
    return path


def test_file_only_if_told(image, tmp_path):
    target = tmp_path / "target"
    target.write_bytes(bytes(MIB))
    done = flash_plain(image, target, answer="target")
    assert done.returncode == 1 and "is a file, not a block device (FILE=1" in done.stderr
    assert target.read_bytes() == bytes(MIB)
    done = flash_plain("--file", image, target, answer="target")
    assert done.returncode == 0 and target.read_bytes().startswith(image.read_bytes())


@pytest.mark.parametrize("target, text", [
    ("/dev/null", "is not a block device"), ("/dev/nosuchdisk", "No such file"),
    ("/", "is not a block device")])
def test_no_disk_at_all(image, target, text):
    done = flash_plain("--file", image, target)
    assert done.returncode == 1 and text in done.stderr and done.stderr.count("\n") == 1


def test_image_onto_itself_or_none(image, tmp_path):
    assert "is the image itself" in flash_plain("--file", image, image).stderr
    link = tmp_path / "link"
    link.symlink_to(image)
    assert "is the image itself" in flash_plain("--file", image, link).stderr
    (tmp_path / "empty.img").touch()
    assert "empty.img is empty" in flash_plain("--file", tmp_path / "empty.img", image).stderr
    done = flash_plain("--file", tmp_path / "none.img", image)
    assert "no such image (make sdcard)" in done.stderr


def test_link_is_followed_and_named(image, tmp_path):
    target, link = tmp_path / "target", tmp_path / "by-id"
    target.write_bytes(bytes(MIB))
    link.symlink_to(target)
    done = flash_plain("--file", image, link, answer="target")
    assert done.returncode == 0 and f"{link} is {target}." in done.stdout


@pytest.fixture
def loop(tmp_path):
    """A real block device on a file of ours: its name, for root only."""
    backing = tmp_path / "backing"
    with open(backing, "wb") as f:
        f.truncate(DISK_BYTES)
    done = subprocess.run(["losetup", "-f", "--show", str(backing)], capture_output=True, text=True,
                          check=False, timeout=20)
    if done.returncode:
        pytest.skip(f"no loop device for us: {done.stderr.strip()}")
    yield done.stdout.strip()
    subprocess.run(["losetup", "-d", done.stdout.strip()], check=True, timeout=20)


def test_block_device(loop, image, tmp_path):
    """Written and read back as a device is; refused while somebody holds it."""
    name = os.path.basename(loop)
    held = os.open(loop, os.O_RDONLY | os.O_EXCL)
    done = flash_plain(image, loop, answer=name)
    os.close(held)
    assert done.returncode == 1
    assert "busy: something holds it that lsblk does not show" in done.stderr
    done = flash_plain(image, loop, answer=name)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "backing").read_bytes().startswith(image.read_bytes())
    assert "--pretend is for files" in flash_plain("--pretend", "x", image, loop).stderr


def test_mounted_block_device(loop, image, tmp_path):
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", loop], check=True, capture_output=True, timeout=20)
    where = tmp_path / "mounted"
    where.mkdir()
    done = subprocess.run(["mount", loop, str(where)], capture_output=True, text=True,
                          check=False, timeout=20)
    if done.returncode:
        pytest.skip(f"cannot mount: {done.stderr.strip()}")
    try:
        done = flash_plain(image, loop, answer=os.path.basename(loop))
    finally:
        subprocess.run(["umount", str(where)], check=True, timeout=20)
    assert done.returncode == 1
    assert f"{loop} is mounted on {where} (umount {loop})" in done.stderr


def test_disk_of_the_running_system_is_refused(image):
    """The real disk below /, if there is one to see: asked about, never opened."""
    source = subprocess.run(["findmnt", "-no", "SOURCE", "/"], capture_output=True, text=True,
                            check=False).stdout.strip()
    if not source.startswith("/dev/") or not os.path.exists(source):
        pytest.skip(f"/ is on '{source}' here, which is no block device")
    done = flash_plain(image, source)
    assert done.returncode == 1 and "Type" not in done.stdout
    assert "holds the system" in done.stderr or "is a partition" in done.stderr
