"""Which process this is, and whether another is surely gone: its work can then be taken over at once."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

_PROC = Path("/proc")


@cache
def this_process() -> str:
    """``host/boot/pid/start``; the start time tells a process from a later one with the same number."""
    return f"{socket.gethostname()}/{_boot()}/{os.getpid()}/{_start(os.getpid())}"


def is_gone(process: str) -> bool:
    """True only where it can be known: the process ran on this very host and runs no more."""
    host, _, rest = process.partition("/")
    boot, _, rest = rest.partition("/")
    pid, _, start = rest.partition("/")
    if host != socket.gethostname() or not pid.isdigit() or not boot or not start:
        return False
    return boot != _boot() or _start(int(pid)) != start


def _boot() -> str:
    """This start of the machine, and of the container where numbers of processes are its own."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}.{(_PROC / 'self/ns/pid').readlink().name.strip('pid:[]')}"
    except OSError:
        return ""


def _start(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty where there is none, or no /proc."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
