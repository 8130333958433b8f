# SPDX-License-Identifier: Apache-2.0
"""The console on UARTs other than virt's PL011, and without one: a true 16550A
(QEMU's PCI card, its ports set up by a shim) by interrupt, the Raspberry Pi's
PL011 and mini-UART polled, an unknown UART, none, and the Image's hint."""

import os
import re
import subprocess

import pytest

from loader import FOLDER, SHIM_AT, assembled, loader_args, shim
from machine import QEMU, IMAGES, Gone, Machine
from shapes import SMALL

HERE = os.path.dirname(os.path.abspath(__file__))
CARD_AT = SHIM_AT + 0x10000
QUIET = ["-display", "none", "-monitor", "none", "-no-reboot", "-nic", "none"]
STDIO = ["-chardev", "stdio,id=tty,signal=off"]
CARD = "/uart@3eff1000"


def made(*command):
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def virt_tree(name, compatible, bootargs="", stdout=CARD, at="3eff1000"):
    """virt's own tree with a node for the card, and stdout-path as told."""
    os.makedirs(FOLDER, exist_ok=True)
    path = f"{FOLDER}/{name}-{os.getpid()}.dtb"
    made(QEMU, "-M", f"virt-7.2,gic-version=3,dumpdtb={path}", "-cpu", "cortex-a72", "-m", "256M",
         *QUIET)
    made("fdtput", "-c", path, CARD)
    made("fdtput", "-t", "s", path, CARD, "compatible", compatible)
    made("fdtput", "-t", "x", path, CARD, "reg", "0", at, "0", "8")
    made("fdtput", "-t", "x", path, CARD, "interrupts", "0", "4", "4")
    made("fdtput", "-t", "s", path, "/chosen", "bootargs", bootargs)
    if stdout:
        made("fdtput", "-t", "s", path, "/chosen", "stdout-path", stdout)
    else:
        made("fdtput", "-d", path, "/chosen", "stdout-path")
    return path


def virt(tree, serial, hinted=False):
    card_shim = assembled(HERE + "/pci_uart.S")
    return [QEMU, "-M", "virt-7.2,gic-version=3", "-cpu", "cortex-a72", "-m", "256M", *QUIET,
            *STDIO, *loader_args(tree, hinted=hinted),
            "-device", f"loader,file={card_shim},addr={CARD_AT:#x},force-raw=on",
            "-device", f"loader,addr={CARD_AT:#x},cpu-num=0", *serial]


ON_CARD = ["-serial", "null", "-device", "pci-serial,addr=1,chardev=tty"]
ON_PL011 = ["-serial", "chardev:tty", "-chardev", "null,id=c", "-device",
            "pci-serial,addr=1,chardev=c"]


def raspi(uart):
    os.makedirs(FOLDER, exist_ok=True)
    path = f"{FOLDER}/raspi3b-{uart}-{os.getpid()}.dtb"
    made("dtc", "-q", "-O", "dtb", "-o", path, f"{HERE}/../../dts/raspi3b-uarts.dts")
    made("fdtput", "-t", "s", path, "/chosen", "stdout-path", f"{uart}:115200n8")
    before = ["-serial", "null"] if uart == "serial1" else []
    return [QEMU, "-M", "raspi3b", "-kernel", IMAGES["release"], "-dtb", path, *QUIET, *STDIO,
            *before, "-serial", "chardev:tty"]


class Other(Machine):
    """A machine given by its whole command line."""

    def __init__(self, line):
        super().__init__(SMALL, deadline=120)
        self.words = line

    def command(self):
        return self.words


def check_console(line, announced):
    """Boots on this UART; 3 KB pasted come back whole; Ctrl-C is heard."""
    with Other(line) as machine:
        assert re.search(announced, machine.boot())
        lines = [f"{n:04d}-abcdefghijklmnopqrst" for n in range(100)]
        machine.send("".join(f"echo {line}\r" for line in lines))
        machine.expect(rf"\n{lines[-1]}\r*\n.*tm> ", 60)
        assert re.findall(r"^(\d{4}-[a-t]{20})$", machine.console(), re.M) == lines
        machine.send("sleep 1000\r")
        machine.expect("1000\r*\n")
        machine.send("\x03")
        machine.expect("tm> ", 10)
        machine.send("mm check\r")
        machine.expect("mm check: 0 violations", 20)


@pytest.mark.parametrize("compatible, name", [("ns16550a", "ns16550"),
                                              ("snps,dw-apb-uart", "dw-apb")])
def test_16550_by_interrupt(compatible, name):
    check_console(virt(virt_tree(name, compatible), ON_CARD),
                  rf"console: {name} at 0x3eff1000, interrupt \d+")


@pytest.mark.parametrize("uart, announced", [
    ("serial0", "console: pl011 at 0x3f201000 has no interrupt line: polled"),
    ("serial1", "console: bcm2835-aux at 0x3f215040 has no interrupt line: polled")])
def test_raspberry_pi_polled(uart, announced):
    check_console(raspi(uart), announced)


def check_refusal(line):
    """Says what is missing, on this UART, and parks: nothing follows, nothing restarts."""
    with Other(line) as machine:
        machine.expect("tm: panic: device tree refused: no memory node lists any usable RAM")
        machine.expect("tm: halted")
        with pytest.raises(Gone, match="nothing more"):
            machine.wait_end(1)
        assert machine.console().count("tm: halted") == 1


@pytest.mark.parametrize("uart", ["serial0", "serial1"])
def test_no_memory_is_said_on_a_raspberry_pi(uart):
    """QEMU would put memory into a tree given with -dtb: it loads the shim as the
    kernel, which enters the Image with the tree as it is."""
    line = raspi(uart)
    made("fdtput", "-r", line[line.index("-dtb") + 1], "/memory@0")
    line[line.index("-kernel") + 1] = shim(0x8000000, 0x200000)
    tree = line.pop(line.index("-dtb") + 1)
    line.remove("-dtb")
    check_refusal(line + [
        "-device", f"loader,file={IMAGES['release']},addr=0x200000,force-raw=on",
        "-device", f"loader,file={tree},addr=0x8000000,force-raw=on"])


@pytest.mark.parametrize("name, compatible, stdout, at", [
    ("unknown", "acme,uart", CARD, "3eff1000"),
    ("none", "acme,uart", "", "3eff1000"),
    ("absent", "arm,pl011", CARD, "9f00000")], ids=lambda value: value)
def test_boots_without_console(name, compatible, stdout, at):
    """Nothing to see, so run= has to prove it: the machine switches itself off."""
    tree = virt_tree(name, compatible, 'run="mm stress 1"', stdout, at)
    done = subprocess.run(virt(tree, ON_PL011), stdin=subprocess.DEVNULL, timeout=30, check=True,
                          stdout=subprocess.PIPE)
    assert done.stdout == b""


def test_hint_stands_in_for_an_unknown_uart():
    """The hinted PL011 shows the boot, and the refusal of what the tree names."""
    tree = virt_tree("hint", "acme,uart", "run=version")
    done = subprocess.run(virt(tree, ON_PL011, hinted=True), stdin=subprocess.DEVNULL, timeout=30,
                          check=True, stdout=subprocess.PIPE)
    text = done.stdout.decode("latin-1")
    assert f"console: {CARD} (acme,uart): no driver" in text
    assert re.search(r"console: pl011 at 0x9000000, interrupt \d+", text)
    assert "tm: exit 0" in text


def test_hint_tells_that_nothing_answers():
    tree = virt_tree("hint-absent", "ns16550a", "run=version", at="9f00000")
    done = subprocess.run(virt(tree, ON_PL011, hinted=True), stdin=subprocess.DEVNULL, timeout=30,
                          check=True, stdout=subprocess.PIPE)
    assert b"(ns16550a): nothing answers at its address" in done.stdout
