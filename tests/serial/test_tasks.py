# SPDX-License-Identifier: Apache-2.0
"""Tasks and CPUs from the console: `ps` in columns that stay where they are,
`task`, `cpu`, `freeze` and `thaw` with good and bad words, and the scenes of
priority inversion as a person reads them."""

import re

import pytest

from machine import IMAGES, Machine, run_commands
from qemu import Shape
from test_apps import image_of
from test_console import one_line_refusal

SHAPE = Shape("tasks-four", 256, 4)
ONE = Shape("tasks-one", 128, 1)
pytestmark = pytest.mark.xdist_group("apps")
PS = re.compile(r" *(?P<id>\d+) (?P<name>.{15}) (?P<state>.{9})(?P<prio> *\d+)(?P<raised>[ +])"
                r"(?P<cpu> *\d+) (?P<ms> *\d+) (?P<switches> *\d+) (?P<used> *\d+)/(?P<size>\d+)"
                r" +(?P<waits>.{15}) (?P<base> *\d+) (?P<mutexes> *\d+) (?P<flags>[A-Z-]+) *"
                r"(?P<by>.*)$")


def tasks(text):
    """{name: fields} of what ps printed."""
    found = {}
    for line in text.split("\n"):
        match = PS.match(line)
        if match:
            found[match.group("name").strip()] = {
                key: value.strip() for key, value in match.groupdict().items()}
    return found


def ps(target):
    return tasks(target.ok("ps"))


@pytest.fixture(scope="module", params=["release", "test"])
def target(request):
    """Four CPUs with the control app, which gives tasks to act on."""
    with Machine(SHAPE, image_of("apps/control", request.param), deadline=300) as machine:
        machine.boot()
        machine.ok("dmesg -n 4; sleep 1")
        yield machine


def number(target, word):
    return int(re.search(rf"^{word} +(\d+)", target.ok("cat /proc/app"), re.M).group(1))


def test_ps_columns(target):
    text = target.ok("ps")
    head = next(line for line in text.split("\n") if "NAME" in line)
    assert head.split() == ["ID", "NAME", "STATE", "PRI", "CPU", "TIME(ms)", "SWITCHES", "STACK",
                            "WAITING", "FOR", "BASE", "MUTEXES", "FLAGS", "BOOSTED", "BY"]
    lines = [line for line in text.split("\n") if re.match(r" *\d", line)]
    assert lines and all(PS.match(line) for line in lines), text
    found = tasks(text)
    assert {"idle/0", "idle/3", "shell", "control", "report"} <= set(found)
    assert found["shell"]["state"] == "running" and found["shell"]["prio"] == "8"
    assert found["control"]["prio"] == "24" and "F" in found["control"]["flags"]
    assert found["report"]["waits"] == "control reports"
    assert all(int(t["used"]) <= int(t["size"]) for t in found.values())
    assert "BOOSTED BY" in target.ok("top 1") and "BOOSTED BY" in target.ok("cat /proc/tasks")


def test_control_app(target):
    first = number(target, "periods")
    target.ok("sleep 1")
    assert number(target, "periods") > first
    assert target.ok("control").startswith("periods ")
    target.ok("control 250")
    assert number(target, "setpoint") == 250
    for words in ("control x", "control 5001", "control 1 2"):
        one_line_refusal(target, words)
    view = target.ok("cat /proc/app")
    low, mean, p99, high, worst = (int(re.search(rf"^late_{key} +(\d+) ns", view, re.M).group(1))
                                   for key in ("min", "mean", "p99", "max", "worst"))
    assert low <= mean <= high and low <= p99 <= high <= worst


def test_suspend_and_resume(target):
    task = ps(target)["control"]["id"]
    target.ok(f"task suspend {task}")
    assert "S" in ps(target)["control"]["flags"]
    target.ok(f"task suspend {task}")  # once is enough
    before = number(target, "periods")
    target.ok("sleep 1")
    assert number(target, "periods") == before
    target.ok(f"task resume {task}")
    target.ok("sleep 1")
    assert number(target, "periods") > before
    assert "was not suspended" in one_line_refusal(target, f"task resume {task}")


def test_prio_and_cpus(target):
    task = ps(target)["report"]["id"]
    target.ok(f"task prio {task} 6")
    assert ps(target)["report"]["base"] == "6"
    for cpus in ("2", "0-1,3", "all", "3,3"):
        target.ok(f"task cpus {task} {cpus}")
    target.ok(f"task cpus {task} 2; sleep 1")
    assert ps(target)["report"]["cpu"] == "2"
    target.ok(f"task cpus {task} all")


@pytest.mark.parametrize("words, reason", [
    ("kill 99999", "no task 99999"), ("kill x", "must be a number"), ("kill 0", "must be 1 to"),
    ("kill 4294967296", "must be 1 to"), ("kill -1", "must be a number"), ("kill", "usage"),
    ("kill 1 2", "usage"), ("prio 2", "usage"), ("prio 2 99", "must be 0 to 31"),
    ("prio 2 x", "must be a number"), ("prio 99999 3", "no task"), ("cpus 2 9", "is online"),
    ("cpus 2 1-", "must be a list"), ("cpus 2 3-1", "must be a list"), ("cpus 2 x", "must be a"),
    ("cpus 2 0,", "must be a list"), ("cpus 2 64", "must be a list"), ("cpus 2", "usage"),
    ("cpus 2 99999999999999999999", "must be a list"), ("cpus 2 ''", "must be a list"),
    ("nosuch 3", "usage"), ("", "usage"), ("resume 2", "was not suspended"),
    ("kill 1", "when idle"), ("suspend 1", "when idle"), ("prio 1 5", "when idle"),
    ("cpus 1 2", "when idle"),
])
def test_task_refused(target, words, reason):
    assert reason in one_line_refusal(target, f"task {words}")


def test_the_shell_stays(target):
    shell = ps(target)["shell"]["id"]
    for verb in ("kill", "suspend"):
        assert f"cannot {verb} itself" in one_line_refusal(target, f"task {verb} {shell}")
    target.ok(f"task prio {shell} 9")
    assert ps(target)["shell"]["prio"] == "9"
    target.ok(f"task prio {shell} 8")


def test_cpu_off_and_on(target):
    assert re.findall(r"^cpu(\d) +(\w+)", target.ok("cpu"), re.M) == [
        (str(n), "on") for n in range(4)]
    for cpu in (3, 1):
        target.ok(f"cpu off {cpu}")
        assert re.search(rf"^cpu{cpu} +off", target.ok("cpu"), re.M)
        assert "off already" in one_line_refusal(target, f"cpu off {cpu}")
        before = number(target, "periods")
        target.ok("sleep 1; mm check")
        assert number(target, "periods") > before
        target.ok(f"cpu on {cpu}")
        assert "on already" in one_line_refusal(target, f"cpu on {cpu}")
    assert target.ok("cpu").count(" on ") == 4


@pytest.mark.parametrize("words, reason", [
    ("off 0", "stays on"), ("off 77", "must be 0 to 3"), ("on 4", "must be 0 to 3"),
    ("off x", "must be a number"), ("off", "usage"), ("nosuch 1", "usage"), ("off 1 2", "usage"),
    ("on 0", "on already"),
])
def test_cpu_refused(target, words, reason):
    assert reason in one_line_refusal(target, f"cpu {words}")


def test_freeze_and_thaw(target):
    target.ok("freeze")
    assert "already" in one_line_refusal(target, "freeze")
    target.ok("thaw")
    target.ok("freeze; thaw")
    for words in ("freeze now", "thaw 1"):
        one_line_refusal(target, words)


def test_inversion_ends_by_ctrl_c(target):
    target.send("inversion plain 10000\r")
    target.expect("\n", 10)
    target.send("\x03")
    target.expect("tm> ", 9)
    assert target.run("true")[1] == 0 and "hog" not in ps(target)


def test_kill(target):
    """Last of these: what is killed does not come back."""
    for name in ("report", "control"):
        task = ps(target)[name]["id"]
        target.ok(f"task kill {task}")
        assert name not in ps(target)
        assert "no task" in one_line_refusal(target, f"task kill {task}")
    assert target.ok("mm check").strip().endswith("0 violations")


def trace(text):
    """[(who, prio, what)] and (waited, hog) in ms."""
    lines = re.findall(r"^ *\d+\.\d{3}  (\w+) +(\d+)  (.*)$", text, re.M)
    waited, hog = re.search(r"^high waited +([\d.]+) ms; the hog computed +([\d.]+) of", text,
                            re.M).groups()
    return lines, float(waited), float(hog)


@pytest.mark.parametrize("shape", [ONE, SHAPE], ids=["one", "four"])
def test_inversion_scenes(shape):
    """Bounded by low's section with inheritance, by nothing without. Under
    -icount, so the milliseconds are the machine's own."""
    scenes = {"inherit": "M", "ceiling": "M", "plain": "M", "chain": "M2", "server": "",
              "queue": ""}
    for scene, wanted in scenes.items():
        text, status = run_commands(shape, f"inversion {scene} 30", exact=True)
        assert status == 0, text
        lines, waited, hog = trace(text)
        has = ("high", "24", f"has {wanted}" if wanted else "is served")
        done = ("hog", "16", "has computed enough")
        assert has in lines and done in lines, text
        if scene in ("plain", "queue"):
            assert lines.index(done) < lines.index(has) and waited > 30 and hog >= 30, text
            assert text.rstrip().split("\n")[-2].endswith("unbounded")
        else:
            assert lines.index(has) < lines.index(done) and waited < 4.5 and hog == 0, text
            assert ": bounded" in text


@pytest.mark.parametrize("words", ["nosuch", "plain 0", "plain x", "plain 10001", "plain 1 2"])
def test_inversion_refused(words):
    text, status = run_commands(ONE, f"inversion {words}", image=IMAGES["release"], exact=True)
    assert status == 2 and re.search(r"^inversion: ", text, re.M)
