# SPDX-License-Identifier: Apache-2.0
"""The corpus of hostile device trees (tools/hostile_trees.py): each blob is put
into RAM as it is and must end in its expected class with the words that name
the fault, and within two seconds of the machine's own time, at one instruction a
nanosecond: never a hang, never an exception."""

import fcntl
import os
import re

import pytest

import hostile_trees
from loader import loader_args
from machine import BUILD, Shape, batch

FOLDER = BUILD + "/serial/hostile"
MACHINE = Shape("hostile", 512, 2)
ENDS = ("tm: halted", "tm: this machine cannot power itself off")


def corpus():
    """The blobs; one process writes them, the others wait and reuse them."""
    os.makedirs(FOLDER, exist_ok=True)
    with open(FOLDER + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return hostile_trees.generate(FOLDER)


BLOBS = corpus()


def ended_in(text):
    if re.search(r"^tm: panic: device tree refused: ", text, re.M):
        return "REFUSED"
    if re.search(r"^tm: exit 0$", text, re.M) and "mm check: 0 violations" in text:
        return "OK"
    return "neither refused nor at work"


def test_corpus_is_large():
    assert len(BLOBS) >= 200
    assert {expected for *_, expected, _ in BLOBS} == {"OK", "OK-DEGRADED", "REFUSED"}


@pytest.mark.parametrize("path, load_addr, expected, needle", [
    pytest.param(*blob[1:], id=blob[0]) for blob in BLOBS])
def test_blob(path, load_addr, expected, needle):
    text = batch(MACHINE, "", args=loader_args(path, load_addr), until=ENDS, exact=True,
                 timeout=30)
    assert ended_in(text) == expected.removesuffix("-DEGRADED"), text[-3000:]
    assert needle in text, text[-3000:]
    stamps = re.findall(r"^\[ *(\d+\.\d+)\]|, up (\d+\.\d+) s$", text, re.M)
    assert float("".join(stamps[-1])) < 2.0
