"""Processes of Python that tests start are forked from one that has imported everything (:mod:`tests.fork_server`).

To import what ``credence serve`` needs takes two and a half seconds of a processor, to start it afterwards a quarter
of one, and the tests start hundreds. From :func:`begin` on, :class:`subprocess.Popen` forks ``credence …`` and
``python -m tests.…`` (and simulators) of this very environment, only these. Their main programs, streams, environment,
sessions, exit codes and deaths are as ever: what is left out is Python's own beginning. What needs that (workers start
from a new Python; other options of Python; ``python -c``), and every system but Linux, gets it. ``TESTS_FORK=no`` in
the environment gives it to all.
"""

from __future__ import annotations

import atexit
import ctypes
import inspect
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent
_SUBREAPER = 36
"""``PR_SET_CHILD_SUBREAPER``: whose parent dies becomes the child of this process."""
_AT_BEGIN = ("PYTHON", "LD_", "MALLOC", "OMP_", "OPENBLAS")
"""What begins so in an environment is read when a process begins; where it differs, a new one must."""
_MODULES = ("tests.", "adapters.simulator", "agent.simulator")
"""Only these: what the product itself starts may set limits that a process with so much in it would exceed."""
_ORDINARY = {
    "executable": None, "preexec_fn": None, "pass_fds": (), "shell": False, "gid": None, "gids": None, "uid": None,
    "umask": -1, "process_group": -1,
}  # fmt: skip

_PIPES = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")


class ForkServer:
    """The process to fork from: started when it is first asked, at its end with this one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asking: socket.socket | None = None
        self._at_begin: dict[str, str] = {}

    def takes(self, environment: dict[str, str]) -> bool:
        """Whether a process with this environment may be forked."""
        return _at_begin(environment) == (self._at_begin if self._asking else _at_begin(os.environ))

    def fork(self, order: dict[str, Any], streams: list[int]) -> int:
        """A new process's id; it is a child of this process."""
        with self._lock:
            asking = self._asking = self._asking or self._start()
            text = json.dumps(order).encode()
            _be_subreaper(True)
            try:
                socket.send_fds(asking, [len(text).to_bytes(4, "big")], streams)
                asking.sendall(text)
                return int(asking.recv(32))
            finally:
                _be_subreaper(False)

    def _start(self) -> socket.socket:
        self._at_begin = _at_begin(os.environ)
        here, there = socket.socketpair()
        command = [sys.executable, "-P", str(_HERE / "fork_server.py"), str(there.fileno())]
        with there:
            process = subprocess.Popen(command, pass_fds=[there.fileno()], stdin=subprocess.DEVNULL)
        atexit.register(process.wait)
        atexit.register(here.close)
        return here


def begin() -> None:
    """From now on processes are forked where they can be."""
    if sys.platform != "linux" or os.environ.get("TESTS_FORK") == "no":
        return
    server, execute = ForkServer(), subprocess.Popen._execute_child  # type: ignore[attr-defined]
    shape = inspect.signature(execute)

    def started(process: Any, *given: Any) -> None:
        told = shape.bind(process, *given).arguments
        order = _order(told)
        if order is None or not server.takes(order["environment"]):
            execute(process, *given)
            return
        streams = [told["p2cread"], told["c2pwrite"], told["errwrite"]]
        streams = [number if stream == -1 else stream for number, stream in enumerate(streams)]
        process.pid = server.fork(order, streams)
        process._child_created = True
        process._close_pipe_fds(*(told[name] for name in _PIPES))

    subprocess.Popen._execute_child = started  # type: ignore[attr-defined]


def _order(told: dict[str, Any]) -> dict[str, Any] | None:
    """What the server is asked for, by the arguments of a process; none where it must begin anew."""
    words = _words(told["args"])
    if not words or any(told.get(name, usual) != usual for name, usual in _ORDINARY.items()):
        return None
    return {
        "words": words,
        "environment": dict(os.environ if told["env"] is None else told["env"]),
        "folder": str(told["cwd"] or os.getcwd()),
        "session": told["start_new_session"],
    }


def _words(args: Any) -> list[str]:
    """``-m MODULE …`` or ``credence …`` of a command of this environment; none of any other."""
    words = [os.fspath(word) for word in args] if isinstance(args, list | tuple) else []
    if words[:2] == [sys.executable, "-m"] and len(words) > 2 and words[2].startswith(_MODULES):
        return words[1:]
    if words[:1] == [str(Path(sys.executable).with_name("credence"))]:
        several = "--workers" in words and words[-1] != "1"  # their parent becomes a new Python at once
        return [] if several and words[-2] == "--workers" else words
    return []


def _at_begin(environment: Any) -> dict[str, str]:
    return {name: text for name, text in environment.items() if name.startswith(_AT_BEGIN)}


def _be_subreaper(on: bool) -> None:
    ctypes.CDLL(None).prctl(_SUBREAPER, int(on), 0, 0, 0)
