# SPDX-License-Identifier: Apache-2.0
"""The place for the user's own code: a folder in the tree or outside is built
into an Image of its own, runs beside the shell, and adds to it; the Image
without an app stays as it is; a folder that cannot be built is named."""

import os
import re
import subprocess

import pytest

import hostkernel
from machine import BUILD, IMAGES, Machine, run_commands
from qemu import Shape

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
LIBFDT = os.environ.get("TM_LIBFDT", BUILD + "/libfdt")
FOUR = Shape("apps-four", 256, 4)
pytestmark = pytest.mark.xdist_group("apps")


def make(*words, status=0):
    """Quiet make in the tree, into the build folder of this test run."""
    env = {name: value for name, value in os.environ.items()
           if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "BUILD", "V", "APP")}
    done = subprocess.run(["make", "-s", "-C", TOP, f"B={BUILD}", f"LIBFDT={LIBFDT}", *words],
                          capture_output=True, text=True, env=env, timeout=280, check=False)
    assert (done.returncode == 0) == (status == 0), done.stdout + done.stderr
    return done.stdout + done.stderr


def image_of(folder, variant="release"):
    make(f"APP={folder}", f"BUILD={variant}")
    room = "arm64-test" if variant == "test" else "arm64"
    return f"{BUILD}/app-{os.path.basename(folder)}/{room}/Image"


def write(folder, **files):
    os.makedirs(folder, exist_ok=True)
    for name, text in files.items():
        with open(f"{folder}/{name}.c", "w", encoding="utf-8") as f:
            f.write("// SPDX-License-Identifier: Apache-2.0\n" + text)
    return str(folder)


@pytest.mark.parametrize("variant", ["release", "test"])
def test_hello(variant):
    with open(IMAGES[variant], "rb") as f:
        plain = f.read()
    text, status = run_commands(FOUR, "sleep 3; ps", image=image_of("apps/hello", variant),
                                exact=True)
    assert status == 0
    assert re.search(r"hello from task 'app', priority 8$", text, re.M), text
    late = [int(word) for word in re.findall(r"hello: tick \d+, woke (\d+) us late", text)]
    assert len(late) >= 2 and max(late) < 1000, late
    assert re.search(r"^ *\d+ app +sleeping", text, re.M)
    with open(IMAGES[variant], "rb") as f:
        assert f.read() == plain, "the Image without an app has changed"


def test_not_in_the_plain_image():
    text, status = run_commands(FOUR, "ps", exact=True)
    assert status == 0 and " app " not in text and "hello" not in text


def test_not_started_for_self_tests():
    with Machine(FOUR, image_of("apps/hello"), "test=lib") as machine:
        machine.expect("tm: exit 0", 30)
        assert "hello" not in machine.console()


MINE = """
#include "mine.h"
static void show(struct out *out) { out_printf(out, "answer %d\\n", answer()); }
static int run(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		out_printf(&console_out, "[%s]\\n", argv[i]);
	return argc == 1 ? 2 : 0;
}
static const struct command mine = { "mine", "WORD...", "words in brackets", run, NULL };
int app_main(void)
{
	if (shell_add_command(&mine) || proc_add_file("mine", show))
		return 1;
	if (shell_add_command(&mine) != ERR_EXIST || proc_add_file("tasks", show) != ERR_EXIST)
		return 2;
	return 42;
}
"""


def test_folder_outside_the_tree(tmp_path):
    """Several sources, a header of its own, a command, a file, a result."""
    folder = write(tmp_path / "mine", main=MINE,
                   other='#include "mine.h"\nint answer(void) { return 6 * 7; }\n')
    (tmp_path / "mine" / "mine.h").write_text('#include "apps/app.h"\nint answer(void);\n')
    with Machine(FOUR, image_of(folder)) as machine:
        machine.boot()
        machine.ok("sleep 1")
        assert "app: ended with 42" in machine.console()
        assert machine.ok("mine one 'two words'").split("\n")[:2] == ["[one]", "[two words]"]
        assert machine.run("mine")[1] == 2
        assert machine.ok("cat /proc/mine").strip() == "answer 42"
        assert "mine" in machine.ok("ls /proc").split()
        assert re.search(r"^  mine WORD\.\.\. +words in brackets", machine.ok("help"), re.M)
        machine.typed("min\tdone", r"\[done\]")


def test_changes_are_noticed(tmp_path):
    """Another folder of the same name, a new source, a source that goes."""
    say = '#include "apps/app.h"\nint app_main(void) {{ pr_info("it is {}"); return 0; }}\n'
    for word in ("first", "second"):
        folder = write(tmp_path / word / "same", main=say.format(word))
        text, _ = run_commands(FOUR, "sleep 1", image=image_of(folder), exact=True)
        assert f"it is {word}\n" in text
    write(folder, more="int app_more;\n")
    os.rename(f"{folder}/main.c", f"{folder}/start.c")
    text, _ = run_commands(FOUR, "sleep 1", image=image_of(folder), exact=True)
    assert "it is second\n" in text


@pytest.mark.parametrize("app, words", [
    ("nosuch", "there is no such folder"),
    ("hello", "perhaps APP=apps/hello"),
    ("docs", "holds no .c or .S file"),
    ("rtos/lib", "is part of the kernel"),
    ("apps", "is part of the kernel"),
    ("apps/hello/hello.c", "there is no such folder"),
    ("apps/he llo", "must not hold blanks"),
])
def test_folder_that_cannot_be_built(app, words):
    said = make(f"APP={app}", status=2)
    lines = [line for line in said.split("\n") if line]
    assert len(lines) == 1 and f"APP={app}: " in said and words in said, said


@pytest.mark.parametrize("source, words", [
    ("int app_main(void) { return nothing; }\n", r"main\.c:2:.*nothing"),
    ('#include "apps/app.h"\nint app_start_here(void);\n', "undefined reference to `app_main'"),
    ('#include "apps/app.h"\n'
     "int app_main(void) { return (int)(1.5 * task_prio(task_current())); }\n",
     "general-regs-only"),
])
def test_source_that_cannot_be_built(tmp_path, source, words):
    said = make("APP=" + write(tmp_path / "wrong", main=source), status=2)
    assert re.search(words, said), said


def test_warnings_stop_nobody(tmp_path):
    folder = write(tmp_path / "loose", main="int app_main()\n{\n\tint unused;\n\treturn 0;\n}\n")
    said = make(f"APP={folder}")
    assert "unused" in said


@pytest.mark.parametrize("seed", ["1", "7"])
def test_in_the_host_kernel(tmp_path, seed):
    """The same folder in the kernel as a process: a seed repeats all of it."""
    make("APP=apps/control", "host")
    tree = hostkernel.make_trees(tmp_path)["numa2"]
    first, second = (hostkernel.start(
        tree, "--seed", seed, "--run", "sleep 3; control 200; sleep 1; cat /proc/app; ps",
        program=f"{BUILD}/app-control/host/tidemark") for _ in range(2))
    status, text, _ = first
    assert status == 0 and first == second
    assert 3900 <= int(re.search(r"^periods +(\d+)", text, re.M).group(1)) <= 4100
    assert re.search(r"^missed +0$", text, re.M)
    assert re.search(r"control: at (99[5-9]|100[0-5]) of 1000 mm", text), text


def test_alarm_driver():
    """apps/alarm: a device of the board, by its interrupt and a thread."""
    text, status = run_commands(FOUR, "sleep 7; cat /proc/interrupts", exact=True,
                                image=image_of("apps/alarm"))
    assert status == 0
    said = [int(word) for word in re.findall(r"alarm: the clock says (\d+) s", text)]
    assert len(said) >= 2 and all(b - a in (2, 3) for a, b in zip(said, said[1:])), text
    assert re.search(r"^ *\d+:.* alarm$", text, re.M), text
