# SPDX-License-Identifier: Apache-2.0
"""QEMU's Raspberry Pi 3 with the tree of the real one, started directly: EL2,
CPUs by spin table, the Pi's own interrupt controllers, both UARTs, power by its
watchdog; and that tree with one thing wrong at a time."""

import os
import re
import socket
import subprocess
import time

import pytest

import views
from loader import BUILD, FOLDER
from machine import IMAGES, MIB, Machine, Node, Shape, batch, run_commands

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
ARMCTRL = "/soc/interrupt-controller@7e00b200"
LOCAL = "/soc/local_intc@40000000"
MINI_UART = "/soc/serial@7e215040"
WATCHDOG = "/soc/watchdog@7e100000"
MASKED_MAX = 1000  # instructions with interrupts masked, as tests/target/latency.c has it
GPU_MIB = 64  # QEMU keeps so much of the 1 GiB for it


class Pi(Shape):
    """A Pi with this tree; `uart` says where it is listened to."""

    def __init__(self, name, tree, uart="serial1", extra=()):
        super().__init__(name, 1024, 4, [Node(1024 - GPU_MIB, "0-3")], extra=extra)
        self.tree = tree
        self.uart = uart

    def qemu_args(self):
        before = ["-serial", "null"] if self.uart == "serial1" else []
        return ["-M", "raspi3b", "-dtb", self.tree, *self.extra, *before]


@pytest.fixture(scope="session")
def real_tree():
    folder = f"{BUILD}/dtbs"
    done = subprocess.run([f"{ROOT}/tools/setup", "trees", folder], stderr=subprocess.PIPE,
                          check=False)
    if done.returncode:
        pytest.skip("no trees of real boards: " + done.stderr.decode().strip())
    return f"{folder}/broadcom/bcm2837-rpi-3-b.dtb"


@pytest.fixture
def changed(real_tree):
    """changed(name, change...): the tree after these fdtput commands; FILE is its place."""
    def change(name, *commands):
        os.makedirs(FOLDER, exist_ok=True)
        path = f"{FOLDER}/raspi-{name}-{os.getpid()}.dtb"
        with open(real_tree, "rb") as source, open(path, "wb") as copy:
            copy.write(source.read())
        for words in commands:
            words = [path if word == "FILE" else word for word in words.split()]
            subprocess.run(["fdtput", *words], check=True)
        return path
    return change


@pytest.fixture(scope="module", params=["serial1", "serial0"], ids=["mini-uart", "pl011"])
def pi(request, real_tree):
    """The booted machine, talking by the UART that the tree names."""
    path = f"{FOLDER}/raspi-{request.param}-{os.getpid()}.dtb"
    os.makedirs(FOLDER, exist_ok=True)
    with open(real_tree, "rb") as source, open(path, "wb") as copy:
        copy.write(source.read())
    subprocess.run(["fdtput", "-t", "s", path, "/chosen", "stdout-path",
                    f"{request.param}:115200n8"], check=True)
    with Machine(Pi(f"raspi3b-{request.param}", path, request.param), deadline=120) as machine:
        machine.boot()
        yield machine


def interrupts(machine):
    """Lines of /proc/interrupts: {name: [count of each CPU]}."""
    text = machine.ok("cat /proc/interrupts")
    rows = re.findall(r"^ *(?:\d+|IPI0):((?: +\d+)+) .*?(\S+(?: interrupts)?)$", text, re.M)
    return {name: [int(n) for n in counts.split()] for counts, name in rows}


def test_boots_without_complaint(pi):
    log = pi.console()
    for word in ("panic", "BUG", "ignored", "warning", "polled", "no lines"):
        assert word not in log, f"{word!r} in the boot messages"
    assert "irq: BCM2836 at /soc/local_intc@40000000, 160 lines" in log
    assert re.search(r"console: (bcm2835-aux at 0x3f215040, interrupt 93|"
                     r"pl011 at 0x3f201000, interrupt 121)", log)


def test_every_cpu_is_online(pi):
    assert re.findall(r"^cpu(\d+) +on ", pi.ok("cpu"), re.M) == ["0", "1", "2", "3"]


def test_cpu_off_is_not_supported(pi):
    text, status = pi.run("cpu off 1")
    assert status == 1 and "not supported" in text


def test_memory_map_is_the_tree_s(pi):
    rows = views.iomem(pi.ok("cat /proc/iomem"))
    ram = [(start, end) for depth, start, end, name in rows if name == "System RAM" and not depth]
    assert ram == [(0, (1024 - GPU_MIB) * MIB)]
    zones = views.zoneinfo(pi.ok("cat /proc/zoneinfo"))
    assert sum(zone["present"] for zone in zones) == (1024 - GPU_MIB) * MIB // 4096
    # linux,cma has a size and no place.
    assert sum(zone["cma"] for zone in zones) == 64 * MIB // 4096
    # /memreserve/ 0 0x1000: the spin table's page belongs to nobody.
    assert any(depth and start == 0 and end >= 0x1000 for depth, start, end, _ in rows)


def test_interrupts_are_counted(pi):
    counts = interrupts(pi)
    assert len(counts["arch_timer"]) == 4
    uart = next(name for name in counts if name in ("bcm2835-aux", "pl011"))
    assert counts[uart][0] > 0 and counts[uart][1:] == [0, 0, 0]
    before = counts[uart][0]
    pi.ok("help")
    assert interrupts(pi)[uart][0] > before


def test_holds_under_stress(real_tree):
    """Core and memory; every CPU is interrupted by its alarms and by the others.
    One CPU runs at a time, so that none waits for one that the host does not run."""
    with Machine(Pi("raspi3b-stress", real_tree, extra=["-accel", "tcg,thread=single"])) as machine:
        machine.boot()
        assert ", 0 wrong, 0 tasks lost" in machine.ok("stress 2000", timeout=60)
        counts = interrupts(machine)
        machine.ok("mm stress 2", timeout=60)
        assert "0 violations" in machine.ok("mm check", timeout=60)
    for name in ("arch_timer", "Rescheduling interrupts"):
        assert len(counts[name]) == 4 and min(counts[name]) > 100, counts


def test_an_interrupt_is_one_bounded_step(changed):
    """On one CPU, which has all instructions for itself: lines raised by software,
    alarms and the console's, from vector to return."""
    tree = changed("one-cpu", *(f"-r FILE /cpus/cpu@{cpu}" for cpu in (1, 2, 3)))
    commands = "echo 0 > /proc/tm_latency; stress 300; cat /proc/tm_latency"
    text, status = run_commands(Pi("raspi3b-meter", tree), commands, image=IMAGES["meter"],
                                exact=True)
    assert status == 0 and "unit instructions" in text
    masked = int(re.search(r"^masked (\d+) ", text, re.M)[1])
    assert masked <= MASKED_MAX, text[-3000:]


def test_pasted_text_comes_whole(pi):
    lines = [f"{n:04d}-abcdefghijklmnopqrst" for n in range(100)]
    pi.send("".join(f"echo {line}\r" for line in lines))
    pi.expect(rf"\n{lines[-1]}\r*\n.*tm> ", 60)
    pi.output("echo done")
    assert re.findall(r"^(\d{4}-[a-t]{20})$", pi.console(), re.M) == lines


def test_ctrl_c_is_heard(pi):
    pi.send("sleep 1000\r")
    pi.expect("1000\r*\n")
    pi.send("\x03")
    pi.expect("tm> ", 10)


def test_sleep_takes_its_time(pi):
    """By another clock than the machine's own."""
    before = time.monotonic()
    pi.ok("sleep 2")
    assert 2.0 <= time.monotonic() - before < 15


# Virtual time makes a run the same on any host; CPUs in parallel race for real.
@pytest.mark.parametrize("variant, exact", [("test", True), ("release", False)],
                         ids=["test-exact", "release-parallel"])
def test_suites(real_tree, variant, exact, show_case):
    text = batch(Pi("raspi3b", real_tree), "test=*", IMAGES[variant], exact=exact, timeout=300)
    cases = views.ktap(text)
    for case, outcome, note in cases:
        show_case(case, outcome, note)
    assert sum(outcome == "passed" for _, outcome, _ in cases) >= 100, text[-3000:]


@pytest.mark.parametrize("command", ["poweroff", "reboot"])
def test_power(real_tree, command):
    """Either ends QEMU, which is told not to start a machine again."""
    with Machine(Pi(f"raspi3b-{command}", real_tree)) as machine:
        machine.boot()
        machine.send(f"{command}\r")
        assert machine.wait_end() == 0
        assert "no way" not in machine.console()


def test_panic_stops_the_other_cpus(real_tree):
    with Machine(Pi("raspi3b-panic", real_tree)) as machine:
        machine.boot()
        machine.send("panic\r")
        machine.expect("tm: halted", 20)
        # All of them obeyed: none has to be waited for in vain, or named.
        assert "did not" not in machine.console()


# ---- what firmware may leave behind ---------------------------------------------------


def say(path, *lines):
    """Send these lines to QEMU's socket, each after the answer to the one before."""
    end = time.monotonic() + 10
    while not os.path.exists(path) and time.monotonic() < end:
        time.sleep(0.05)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(path)
        for line in lines:
            client.sendall(line.encode() + b"\n")
            answer = b""
            while not re.search(rb'^OK|"return"', answer, re.M):
                answer += client.recv(4096)


@pytest.mark.parametrize("register, value", [
    pytest.param(0x40000034, 0x30001000, id="local-timer"),
    pytest.param(0x3f00b210, 0xffffffff, id="bank-1-open"),
    pytest.param(0x3f00b20c, 0x80 | 29, id="fiq"),
    pytest.param(0x4000000c, 2, id="gpu-lines-elsewhere")])
def test_left_by_firmware(real_tree, tmp_path, register, value):
    """A source that nobody serves would interrupt for ever, and nothing be said."""
    test, monitor = str(tmp_path / "test"), str(tmp_path / "monitor")
    extra = ["-S", "-qtest", f"unix:{test},server=on,wait=off", "-qtest-log", "none",
             "-qmp", f"unix:{monitor},server=on,wait=off"]
    with Machine(Pi("raspi3b-left", real_tree, extra=extra)) as machine:
        say(test, f"writel {register:#x} {value:#x}")
        say(monitor, '{"execute": "qmp_capabilities"}', '{"execute": "cont"}')
        machine.boot()
        machine.ok("sleep 1")
        assert "0 violations" in machine.ok("mm check")
        assert min(interrupts(machine)["arch_timer"]) < 1000


# ---- trees with one thing wrong ------------------------------------------------------

POLLED = "has no interrupt line: polled"
NO_LOCAL = "local_intc@40000000: reg is missing, cannot be mapped, or no BCM2836 answers there"
NO_ARMCTRL = "interrupt-controller@7e00b200: reg is missing, cannot be mapped, or does not answer"


@pytest.mark.parametrize("name, change, cpus, messages", [
    ("no-armctrl", [f"-r FILE {ARMCTRL}"], 4,
     ["no brcm,bcm2836-armctrl-ic in the tree: no lines of devices", POLLED]),
    ("armctrl-not-chained", [f"-d FILE {ARMCTRL} interrupt-parent"], 4,
     ["interrupt-controller@7e00b200: not chained to line 8 of", POLLED]),
    ("armctrl-other-wire", [f"-t u FILE {ARMCTRL} interrupts 9 4"], 4,
     ["interrupt-controller@7e00b200: not chained to line 8 of", POLLED]),
    ("armctrl-no-reg", [f"-d FILE {ARMCTRL} reg"], 4,
     [NO_ARMCTRL, POLLED]),
    ("armctrl-in-memory", [f"-t x FILE {ARMCTRL} reg 1000000 200",
                           "-t x FILE /soc ranges 1000000 1000000 1000000 7e000000 3f000000 "
                           "1000000 40000000 40000000 1000"], 4,
     ["ioremap: 0x1000000, 0x28 bytes: it is memory, not a device", NO_ARMCTRL, POLLED]),
    ("armctrl-odd", [f"-t x FILE {ARMCTRL} reg 7e00b201 200"], 4, [NO_ARMCTRL, POLLED]),
    ("armctrl-three-cells", [f"-t u FILE {ARMCTRL} #interrupt-cells 3"], 4, [POLLED]),
    ("uart-no-such-bank", [f"-t u FILE {MINI_UART} interrupts 3 29"], 4, [POLLED]),
    ("uart-no-such-line", [f"-t u FILE {MINI_UART} interrupts 0 8"], 4, [POLLED]),
    ("uart-one-cell", [f"-t u FILE {MINI_UART} interrupts 29"], 4, [POLLED]),
    ("no-local", [f"-r FILE {LOCAL}"], 1,
     ["the tree names no GICv2, GICv3 or BCM2836: no interrupts, one CPU", POLLED]),
    ("local-no-reg", [f"-d FILE {LOCAL} reg"], 1,
     [NO_LOCAL, POLLED]),
    ("local-is-gpio", [f"-t x FILE {LOCAL} reg 7e200000 100"], 1, [NO_LOCAL, POLLED]),
    ("local-odd", [f"-t x FILE {LOCAL} reg 40000002 100"], 1, [NO_LOCAL, POLLED]),
    ("local-huge", [f"-t x FILE {LOCAL} reg 40000000 ffffffff"], 4, []),
    ("local-absent", [f"-t x FILE {LOCAL} reg 50000000 100",
                      "-t x FILE /soc ranges 7e000000 3f000000 1000000 50000000 50000000 1000"], 1,
     [NO_LOCAL, POLLED]),
    ("no-timer-line", ["-t u FILE /timer interrupts 0 4 1 4 7 4 2 4"], 4,
     ["no usable interrupt for the virtual timer"]),
    ("timer-other-line", ["-t u FILE /timer interrupts 0 4 1 4 0 4 2 4"], 4,
     ["timer: interrupt 16 stays away when the virtual timer is due: no alarms"]),
    ("no-release", ["-d FILE /cpus/cpu@2 cpu-release-addr"], 3,
     ["cpu@2: cpu-release-addr is missing or malformed"]),
    ("unknown-method", ["-t s FILE /cpus/cpu@3 enable-method brcm,bcm2836-smp"], 3,
     ['enable-method "brcm,bcm2836-smp" is not known']),
], ids=lambda value: value if isinstance(value, str) else "")
def test_bad_tree(changed, name, change, cpus, messages):
    """Says what is wrong, and goes on with what is left."""
    with Machine(Pi(f"raspi3b-{name}", changed(name, *change))) as machine:
        log = machine.boot()
        for message in messages:
            assert message in log
        assert len(re.findall(r"^cpu\d+ +on ", machine.ok("cpu"), re.M)) == cpus
        machine.ok("sleep 1")
        assert "0 violations" in machine.ok("mm check")


@pytest.mark.parametrize("name, change, message", [
    ("no-watchdog", f"-r FILE {WATCHDOG}", ""),
    ("small-watchdog", f"-t x FILE {WATCHDOG} reg 7e100000 20",
     "watchdog@7e100000: reg is missing or too small")])
def test_no_power_manager(changed, name, change, message):
    with Machine(Pi(f"raspi3b-{name}", changed(name, change))) as machine:
        assert message in machine.boot()
        for command in ("poweroff", "reboot"):
            text, status = machine.run(command)
            assert status == 1 and f"{command}: the device tree names no way" in text


def test_commands_of_the_boot_arguments(real_tree):
    text, status = run_commands(Pi("raspi3b-run", real_tree), "cpu; mm check")
    assert status == 0 and "0 violations" in text
