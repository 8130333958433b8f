# SPDX-License-Identifier: Apache-2.0
"""The host programs (tests/host/): mm/ and rtos/lib/ as shipped, under ASan and
UBSan. The Makefile built them; each cmocka case counts as one result here."""

import glob
import os
import re
import subprocess

import pytest

from machine import BUILD, die_with_parent

SANITIZERS = {"UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
              "ASAN_OPTIONS": "detect_stack_use_after_return=0:abort_on_error=0",
              "TREES": os.environ.get("TM_TREES", BUILD + "/dtbs")}
PROGRAMS = sorted(path for path in glob.glob(BUILD + "/host/*/test_*")
                  if os.access(path, os.X_OK) and os.path.isfile(path) and "." not in
                  os.path.basename(path))
pytestmark = pytest.mark.fast


def test_programs_were_built():
    sources = glob.glob(os.path.dirname(__file__) + "/../host/test_*.c")
    assert len(PROGRAMS) == 2 * len(sources) > 0


@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", PROGRAMS, ids=[
    "/".join(path.split("/")[-2:]) for path in PROGRAMS])
def test_program(path, show_case):
    done = subprocess.run([path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=280, check=False,
                          env={**os.environ, **SANITIZERS}, preexec_fn=die_with_parent)
    text = done.stdout.decode("utf-8", "replace")
    for name in re.findall(r"^\[       OK \] (\S+)", text, re.M):
        show_case(name, "passed")
    for name in dict.fromkeys(re.findall(r"^\[  (?:FAILED|ERROR )  \] (\S+)", text, re.M)):
        show_case(name, "failed", text[-4000:])
    assert done.returncode == 0, text[-6000:]
