"""Processor time of the processes of a measurement, which explains figures that fall short."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from rich.table import Table


def spent(processes: Mapping[str, int]) -> dict[tuple[str, str], float]:
    """Seconds used so far, by process (a name and its id) and by what its children run; its own as ``""``."""
    named, seconds = set(processes.values()), dict[tuple[str, str], float]()
    for name, pid in processes.items():
        times = psutil.Process(pid).cpu_times()
        seconds[name, ""] = times.user + times.system
        for child in _children(psutil.Process(pid), named):
            with contextlib.suppress(psutil.NoSuchProcess):  # it has ended since it was listed
                key, used = (name, _runs(child.cmdline())), child.cpu_times()
                seconds[key] = seconds.get(key, 0.0) + used.user + used.system
    return seconds


def _children(process: psutil.Process, named: Set[int]) -> Iterator[psutil.Process]:
    """Its children and theirs, without those that have a name of their own."""
    for child in process.children():
        if child.pid not in named:
            yield child
            with contextlib.suppress(psutil.NoSuchProcess):
                yield from _children(child, named)


def _runs(command: list[str]) -> str:
    """The module that a child runs, or else its command."""
    if "-m" in command[:-1]:
        return command[command.index("-m") + 1]
    return " ".join([Path(command[0]).name, *command[1:]])[:60] if command else "a child"


def table(before: Mapping[tuple[str, str], float], after: Mapping[tuple[str, str], float]) -> Table:
    """What was used between two moments."""
    made = Table(title="processor time")
    made.add_column("process")
    made.add_column("seconds", justify="right")
    used = {key: seconds - before.get(key, 0.0) for key, seconds in after.items()}
    for (name, child), seconds in used.items():
        if not child or seconds >= 0.05:
            made.add_row(f"  {child}" if child else name, f"{seconds:.1f}")
    made.add_section()
    made.add_row("all", f"{sum(used.values()):.1f}", style="bold")
    return made
