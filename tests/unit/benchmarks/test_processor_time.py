"""Processor seconds are told by process and by what its children run; a child with a name of its own counts once."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from benchmarks import processor_time

BUSY = (
    "import time; [None for _ in iter(lambda: time.process_time() < 0.3, False)]; print(flush=True); input()"
)


@contextmanager
def busy(*arguments: str) -> Iterator[int]:
    """A process that has used 0.3 s, and waits."""
    command = [sys.executable, *arguments, "-c", BUSY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.readline()
        try:
            yield running.pid
        finally:
            running.kill()


def test_each_process_and_its_children_are_told_apart() -> None:
    with busy("-X", "utf8=0") as named, busy("-X", "utf8=1"):
        found = processor_time.spent({"the server": named, "the callers": os.getpid()})
    assert found["the server", ""] > 0.25
    assert not any("utf8=0" in text for _, text in found)
    [child] = [text for _, text in found if "utf8=1" in text]
    assert found["the callers", child] > 0.25


def test_what_was_used_between_two_moments() -> None:
    before = {("the callers", ""): 1.0, ("the callers", "idle"): 2.0}
    after = {**before, ("the callers", ""): 3.5, ("the callers", "agent.worker"): 0.5}
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(processor_time.table(before, after))
    text = console.export_text()
    assert "idle" not in text
    assert [line.split()[-2] for line in text.splitlines() if "│" in line] == ["2.5", "0.5", "3.0"]


def test_a_module_is_the_name_of_its_process() -> None:
    command = [sys.executable, "-m", "http.server", "-b", "127.0.0.1", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        found = processor_time.spent({"the callers": os.getpid()})
        running.kill()
    assert ("the callers", "http.server") in found
